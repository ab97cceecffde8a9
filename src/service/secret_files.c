/* secret_files.c - the files of a configuration that hold secrets: which there are, and what is in those of maps. */
#include "options.h"

#include <leadclock/text.h>

static void
take_one(const char *key, const char *path, lc_config_take_file take, void *data)
{
    if (path)
        take(key, path, data);
}

static void
take_map(const char *key, char **files, lc_config_take_file take, void *data)
{
    for (; files && *files; files += 2) {
        g_autofree char *name = g_strconcat(key, ".", files[0], NULL);
        take(name, files[1], data);
    }
}

void
lc_config_secret_files(const lc_config *config, unsigned of, lc_config_take_file take, void *data)
{
    if (of & LC_SECRETS_OF_SERVERS) {
        take_one("kafka.password_file", config->kafka.password_file, take, data);
        take_one("kafka.key_password_file", config->kafka.key_password_file, take, data);
        take_one("registry.password_file", config->registry.password_file, take, data);
        take_one("redis.password_file", config->redis.password_file, take, data);
        take_one("redis.sentinel_password_file", config->redis.sentinel_password_file, take, data);
    }
    if (of & LC_SECRETS_OF_INGEST) {
        take_map("ingest.token_files", config->ingest.token_files, take, data);
        take_map("ingest.secret_files", config->ingest.secret_files, take, data);
    }
    if (of & LC_SECRETS_OF_ALERT) {
        take_one("alert.alertmanager.password_file", config->alert.alertmanager.password_file, take, data);
        for (guint i = 0; config->alert.webhooks && i < config->alert.webhooks->len; i++)
            take_one("alert.webhooks.secret_file",
                     g_array_index(config->alert.webhooks, lc_config_webhook, i).secret_file, take, data);
    }
    if (of & LC_SECRETS_OF_DASHBOARD)
        take_map("dashboard.user_files", config->dashboard.user_files, take, data);
}

/* NULL: what is wrong was told. */
static char *
read_entry(const char *key, const lc_option *option, const char *name, const char *path, GError **error)
{
    char *secret = lc_secret_read(path, error);
    if (secret == NULL) {
        g_prefix_error(error, "%s.%s: ", key, name);
        return NULL;
    }
    g_autofree char *wrong = option->check_entry(name, secret);
    if (wrong == NULL)
        return secret;
    lc_secret_free(secret);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s.%s: what %s holds %s", key, name, path, wrong);
    return NULL;
}

char **
lc_config_with_files(const char *key, char **given, char **files, GError **error)
{
    const lc_option *option = &lc_options[lc_option_find(key)];
    g_autoptr(GStrvBuilder) all = g_strv_builder_new();
    g_strv_builder_addv(all, (const char **)given);
    for (; *files; files += 2) {
        char *secret = read_entry(key, option, files[0], files[1], error);
        if (secret == NULL)
            return NULL;
        g_strv_builder_add_many(all, files[0], secret, NULL);
        lc_secret_free(secret);
    }
    return g_strv_builder_end(all);
}

static bool
check_webhook_file(const char *path, GError **error)
{
    char *secret = lc_secret_read(path, error);
    bool was_read = secret != NULL;
    g_autofree char *wrong = was_read ? lc_check_signing_secret(secret) : NULL;
    lc_secret_free(secret);
    if (wrong)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "what %s holds %s", path, wrong);
    if (was_read && wrong == NULL)
        return true;
    g_prefix_error(error, "alert.webhooks.secret_file: ");
    return false;
}

bool
lc_config_check_webhook_files(const lc_config *config, GError **error)
{
    for (guint i = 0; config->alert.webhooks && i < config->alert.webhooks->len; i++) {
        const char *path = g_array_index(config->alert.webhooks, lc_config_webhook, i).secret_file;
        if (path && !check_webhook_file(path, error))
            return false;
    }
    return true;
}
