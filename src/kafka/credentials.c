/* credentials.c - a password in a file: given to each client that is made, and to all of them once it is another. */
#include "credentials.h"

#include <leadclock/text.h>

#define PASSWORD_KEY "kafka.password_file"
#define KEY_PASSWORD_KEY "kafka.key_password_file"

/* All clients of a process log in by one configuration. */
static GMutex mutex;
static GHashTable *clients; /* rd_kafka_t *: those that live */
static char *path, *user, *last;
static char *last_of_key;                    /* ssl.key.password */
static char *told_of_password, *told_of_key; /* what was said last of their files */

/* Apart from the other, which is held while librdkafka's locks are taken. */
static GMutex looking;
static GCond looked;
static bool is_to_look;

/* ---- What is in the file now ---- */

/* With the mutex held. */
static void
give_all(const char *password)
{
    GHashTableIter iter;
    gpointer client;

    g_hash_table_iter_init(&iter, clients);
    while (g_hash_table_iter_next(&iter, &client, NULL)) {
        rd_kafka_error_t *error = rd_kafka_sasl_set_credentials(client, user, password);
        if (error)
            g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "kafka.password_file: %s",
                             rd_kafka_error_string(error));
        rd_kafka_error_destroy(error);
    }
}

/* What is wrong with the file of a key of the configuration, once, however often it is tried. NULL: nothing is. */
static void
tell(const char *key, char **told, const char *problem)
{
    static GMutex telling;

    g_mutex_lock(&telling);
    bool is_new = problem && g_strcmp0(problem, *told) != 0;
    g_free(*told);
    *told = g_strdup(problem);
    g_mutex_unlock(&telling);
    if (is_new)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "%s: %s; the password from before is kept", key,
                         problem);
}

/* For a new client: while a file can't be read, `*before` is kept, if there is one (g_strdup). */
static char *
read_or_keep(const char *file, const char *key, char *const *before, char **told, GError **error)
{
    g_autoptr(GError) problem = NULL;
    char *password = lc_secret_read(file, &problem);

    if (password)
        return password;
    g_mutex_lock(&mutex);
    password = g_strdup(*before);
    g_mutex_unlock(&mutex);
    if (password)
        tell(key, told, problem->message);
    if (password == NULL)
        g_propagate_error(error, g_steal_pointer(&problem));
    return password;
}

static void
read_again(void)
{
    g_autoptr(GError) error = NULL;
    char *password = lc_secret_read(path, &error);

    tell(PASSWORD_KEY, &told_of_password, error ? error->message : NULL);
    if (password == NULL)
        return;
    g_mutex_lock(&mutex);
    bool is_new = strcmp(password, last) != 0;
    give_all(password); /* also what is not new: a client may have read the file before, and joined later */
    lc_secret_free(last);
    last = password;
    g_mutex_unlock(&mutex);
    if (is_new)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", PASSWORD_KEY ": a new password was read");
}

static void *
watch(void *data)
{
    (void)data;
    for (;;) { /* as long as the process lives */
        g_mutex_lock(&looking);
        while (!is_to_look)
            g_cond_wait(&looked, &looking);
        is_to_look = false;
        g_mutex_unlock(&looking);
        read_again();
    }
    return NULL;
}

void
lc_kafka_read_secrets_again(void)
{
    g_mutex_lock(&looking);
    is_to_look = true;
    g_cond_signal(&looked);
    g_mutex_unlock(&looking);
}

/* ---- Clients ---- */

static rd_kafka_resp_err_t
on_destroy(rd_kafka_t *client, void *opaque)
{
    (void)opaque;
    g_mutex_lock(&mutex);
    g_hash_table_remove(clients, client);
    g_mutex_unlock(&mutex);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Its locks are not made yet, and it may still come to nothing. */
static rd_kafka_resp_err_t
on_new(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *opaque, char *reason, size_t size)
{
    (void)conf, (void)opaque, (void)reason, (void)size;
    return rd_kafka_interceptor_add_on_destroy(client, "leadclock-credentials", on_destroy, NULL);
}

void
lc_credentials_join(rd_kafka_t *client)
{
    g_mutex_lock(&mutex);
    if (clients)
        g_hash_table_add(clients, client);
    g_mutex_unlock(&mutex);
}

static bool
set(rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
    char reason[512];

    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s: %s", name, reason);
    return false;
}

/* The first client says where it is, and begins to watch; the others say the same. */
static void
remember(const rd_kafka_conf_t *conf, const char *file, const char *password)
{
    char name[512] = "";
    size_t size = sizeof name;

    rd_kafka_conf_get(conf, "sasl.username", name, &size);
    g_mutex_lock(&mutex);
    if (path == NULL) {
        path = g_strdup(file);
        user = g_strdup(name);
        last = g_strdup(password);
        clients = g_hash_table_new(NULL, NULL);
        g_thread_unref(g_thread_new("credentials", watch, NULL));
    }
    g_assert(strcmp(path, file) == 0 && strcmp(user, name) == 0);
    g_mutex_unlock(&mutex);
}

static bool
give_password(rd_kafka_conf_t *conf, const char *file, GError **error)
{
    char *password = read_or_keep(file, PASSWORD_KEY, &last, &told_of_password, error);
    bool ok = password && set(conf, "sasl.password", password, error);

    if (ok) {
        remember(conf, file, password);
        rd_kafka_conf_interceptor_add_on_new(conf, "leadclock-credentials", on_new, NULL);
    } else {
        g_prefix_error(error, PASSWORD_KEY ": ");
    }
    lc_secret_free(password);
    return ok;
}

static bool
give_key_password(rd_kafka_conf_t *conf, const char *file, GError **error)
{
    char *password = read_or_keep(file, KEY_PASSWORD_KEY, &last_of_key, &told_of_key, error);

    if (password == NULL || !set(conf, "ssl.key.password", password, error)) {
        g_prefix_error(error, KEY_PASSWORD_KEY ": ");
        lc_secret_free(password);
        return false;
    }
    g_mutex_lock(&mutex);
    lc_secret_free(last_of_key);
    last_of_key = password;
    g_mutex_unlock(&mutex);
    return true;
}

bool
lc_credentials_give(rd_kafka_conf_t *conf, const lc_kafka_options *options, GError **error)
{
    return (options->password_file == NULL || give_password(conf, options->password_file, error)) &&
           (options->key_password_file == NULL || give_key_password(conf, options->key_password_file, error));
}
