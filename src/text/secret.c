/* secret.c - secrets that are in files: mounted ones, systemd's credentials. */
#include <leadclock/text.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES 4096

static bool
refuse(GError **error, const char *path, const char *what)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s: %s", path, what);
    return false;
}

static bool
refuse_by_system(GError **error, const char *path)
{
    g_autofree char *what = g_strdup_printf(
        "%s; %s", g_strerror(errno),
        errno == EACCES ? "let this process read it (its group, say, with chmod 640), or hand it over by systemd's "
                          "LoadCredential="
                        : "mount the secret there, or name the file that holds it");
    return refuse(error, path, what);
}

/* Of a file that is open. At most one byte more than a secret may have. */
static bool
read_open(int file, const char *path, char *bytes, size_t *size, GError **error)
{
    struct stat what;
    if (fstat(file, &what) != 0)
        return refuse_by_system(error, path);
    if (S_ISDIR(what.st_mode))
        return refuse(error, path, "is a folder; name the file in it that holds the secret");
    if (!S_ISREG(what.st_mode))
        return refuse(error, path, "is no file; it is read again later, so it must be one");
    for (ssize_t n = 1; n > 0 && *size <= MAX_BYTES; *size += (size_t)n)
        if ((n = read(file, bytes + *size, MAX_BYTES + 1 - *size)) < 0)
            return refuse_by_system(error, path);
    return true;
}

static bool
check(const char *path, const char *bytes, size_t size, GError **error)
{
    if (size > MAX_BYTES)
        return refuse(error, path, "has more than 4096 bytes; name the file that holds the secret and nothing else");
    if (size == 0)
        return refuse(error, path, "is empty; write the secret into it");
    if (memchr(bytes, '\0', size) || memchr(bytes, '\n', size))
        return refuse(error, path,
                      "has more than one line, or a byte that is 0; write the secret into it, and nothing "
                      "else");
    return true;
}

/* What an editor or echo puts there is no part of it. */
static size_t
without_line_end(const char *bytes, size_t size)
{
    if (size && bytes[size - 1] == '\n')
        size--;
    return size && bytes[size - 1] == '\r' ? size - 1 : size;
}

char *
lc_secret_read(const char *path, GError **error)
{
    char bytes[MAX_BYTES + 1], *secret = NULL;
    size_t size = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe would wait */
    if (file < 0) {
        refuse_by_system(error, path);
        return NULL;
    }
    if (read_open(file, path, bytes, &size, error)) {
        if (size <= MAX_BYTES)
            size = without_line_end(bytes, size);
        if (check(path, bytes, size, error))
            secret = g_strndup(bytes, size);
    }
    close(file);
    explicit_bzero(bytes, sizeof bytes);
    return secret;
}

bool
lc_secret_is_public(const char *path)
{
    struct stat what;
    return stat(path, &what) == 0 && S_ISREG(what.st_mode) && (what.st_mode & S_IROTH);
}

void
lc_secret_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    g_free(secret);
}

bool
lc_secret_check(const char *key, const char *path, GError **error)
{
    char *secret = path ? lc_secret_read(path, error) : NULL;
    bool is_well = path == NULL || secret;
    lc_secret_free(secret);
    if (!is_well)
        g_prefix_error(error, "%s: ", key);
    return is_well;
}
