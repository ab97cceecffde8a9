/* viewers.c - who may look: HTTP basic. */
#include <leadclock/dashboard.h>

#include <nettle/sha2.h>

#define SCHEME "Basic "

typedef struct {
    uint8_t digest[SHA256_DIGEST_SIZE];
} credentials;

/* Digests are of one length, and tell nothing by where they differ. */
struct lc_viewers {
    GArray *known; /* credentials: of "NAME:PASSWORD" */
};

static credentials
digest_of(const void *data, size_t size)
{
    credentials of;
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, size, data);
    sha256_digest(&context, sizeof of.digest, of.digest);
    return of;
}

lc_viewers *
lc_viewers_new(const char *const *users)
{
    lc_viewers *viewers = g_new0(lc_viewers, 1);
    viewers->known = g_array_new(FALSE, FALSE, sizeof(credentials));
    for (; users && users[0]; users += 2) {
        g_autofree char *both = g_strconcat(users[0], ":", users[1], NULL);
        credentials of = digest_of(both, strlen(both));
        g_array_append_val(viewers->known, of);
    }
    return viewers;
}

void
lc_viewers_free(lc_viewers *viewers)
{
    if (viewers == NULL)
        return;
    g_array_unref(viewers->known);
    g_free(viewers);
}

bool
lc_viewers_are_all(const lc_viewers *viewers)
{
    return viewers->known->len == 0;
}

/* All are compared, whichever it is. */
bool
lc_viewers_know(const lc_viewers *viewers, const char *authorization)
{
    bool is_known = false;
    gsize size;
    if (authorization == NULL || g_ascii_strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
        return false;
    g_autofree guchar *both = g_base64_decode(authorization + strlen(SCHEME), &size);
    credentials given = digest_of(both, size);
    for (guint i = 0; i < viewers->known->len; i++) {
        const credentials *known = &g_array_index(viewers->known, credentials, i);
        is_known |= lc_secret_equal((lc_text){(const char *)known->digest, sizeof known->digest},
                                    (lc_text){(const char *)given.digest, sizeof given.digest});
    }
    return is_known;
}
