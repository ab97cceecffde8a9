/* together.c - what only all keys together show, and what follows from them. */
#include "loader.h"

static lc_place
place_by_key(const lc_loader *loader, const char *key)
{
    return loader->places[lc_option_find(key)];
}

static bool
is_given(lc_place at)
{
    return at.line || at.overridden;
}

static void
choose_registry(lc_loader *loader)
{
    lc_config *config = loader->config;
    lc_place url = place_by_key(loader, "registry.url"), file = place_by_key(loader, "registry.file");
    if (!is_given(file))
        return;
    if (is_given(url) && !url.overridden == !file.overridden)
        lc_report(loader, file, "registry.file and registry.url are both given; take one out");
    if (url.overridden && !file.overridden)
        g_clear_pointer(&config->registry.file, g_free);
    else
        g_clear_pointer(&config->registry.url, g_free);
}

/* What the file names is relative to the file; what `--set` names, to where we are. */
static void
resolve_path(lc_loader *loader, const char *key, char **path)
{
    if (*path == NULL || g_path_is_absolute(*path) || loader->path == NULL || place_by_key(loader, key).overridden)
        return;
    g_autofree char *folder = g_path_get_dirname(loader->path);
    char *resolved = strcmp(folder, ".") == 0 ? g_strdup(*path) : g_build_filename(folder, *path, NULL);
    g_free(*path);
    *path = resolved;
}

static void
name_instance(lc_loader *loader)
{
    lc_config *config = loader->config;
    if (*config->instance)
        return;
    g_free(config->instance);
    config->instance = g_strdup(g_get_host_name());
    g_autofree char *wrong = lc_options[lc_option_find("instance")].check(config->instance);
    if (wrong)
        lc_report(loader, (lc_place){0},
                  "instance: the host name \"%s\" can't be used; set instance to a name of letters, "
                  "digits, '.', '_' or '-'",
                  config->instance);
}

/* Both or none of "SECTION.certificate" and "SECTION.key". */
static void
pair(lc_loader *loader, const char *section, char **certificate, char **key)
{
    g_autofree char *certificate_key = g_strconcat(section, ".certificate", NULL);
    g_autofree char *key_key = g_strconcat(section, ".key", NULL);
    resolve_path(loader, certificate_key, certificate);
    resolve_path(loader, key_key, key);
    if (*certificate && *key == NULL)
        lc_report(loader, place_by_key(loader, certificate_key), "%s needs its key; set %s too", certificate_key,
                  key_key);
    if (*key && *certificate == NULL)
        lc_report(loader, place_by_key(loader, key_key), "%s needs its certificate; set %s too", key_key,
                  certificate_key);
}

static void
pair_certificates_and_keys(lc_loader *loader)
{
    lc_config *config = loader->config;
    pair(loader, "ingest", &config->ingest.certificate, &config->ingest.key);
    pair(loader, "registry", &config->registry.certificate, &config->registry.key);
    pair(loader, "redis", &config->redis.certificate, &config->redis.key);
}

/* A secret and the file that holds it. */
static void
refuse_both(lc_loader *loader, const char *key, const char *secret, char **file)
{
    g_autofree char *file_key = g_strconcat(key, "_file", NULL);
    resolve_path(loader, file_key, file);
    if (secret && *file)
        lc_report(loader, place_by_key(loader, file_key), "%s and %s are both given; take one out", key, file_key);
}

/* It goes with a user, or not at all. */
static void
need_user(lc_loader *loader, const char *section, const char *user, const char *file)
{
    g_autofree char *file_key = g_strconcat(section, ".password_file", NULL);
    if (file && user == NULL)
        lc_report(loader, place_by_key(loader, file_key), "%s needs who has it; set %s.user too", file_key, section);
}

static const char *
property_of(const lc_config *config, const char *name)
{
    for (char **entry = config->kafka.properties; *entry; entry += 2)
        if (strcmp(entry[0], name) == 0)
            return entry[1];
    return NULL;
}

/* librdkafka takes both or none. */
static void
check_kafka_passwords(lc_loader *loader)
{
    lc_config *config = loader->config;
    lc_place at = place_by_key(loader, "kafka.password_file");
    resolve_path(loader, "kafka.password_file", &config->kafka.password_file);
    resolve_path(loader, "kafka.key_password_file", &config->kafka.key_password_file);
    if (config->kafka.password_file && property_of(config, "sasl.password"))
        lc_report(loader, at, "kafka.password_file and kafka.properties.sasl.password are both given; take one out");
    if (config->kafka.password_file && property_of(config, "sasl.username") == NULL)
        lc_report(loader, at, "kafka.password_file needs who has it; set kafka.properties.sasl.username too");
    if (config->kafka.key_password_file && property_of(config, "ssl.key.password"))
        lc_report(loader, place_by_key(loader, "kafka.key_password_file"),
                  "kafka.key_password_file and kafka.properties.ssl.key.password are both given; take one out");
}

/* Paths become those of the process; one name has one secret. */
static void
take_files(lc_loader *loader, const char *key, char **files, const char *secrets_key, char **secrets)
{
    for (char **file = files; *file; file += 2) {
        resolve_path(loader, key, &file[1]);
        for (char **secret = secrets; *secret; secret += 2)
            if (strcmp(secret[0], file[0]) == 0)
                lc_report(loader, place_by_key(loader, key), "%s.%s and %s.%s are both given; take one out", key,
                          file[0], secrets_key, file[0]);
    }
}

static void
check_files(lc_loader *loader)
{
    lc_config *config = loader->config;
    check_kafka_passwords(loader);
    refuse_both(loader, "registry.password", config->registry.password, &config->registry.password_file);
    refuse_both(loader, "redis.password", config->redis.password, &config->redis.password_file);
    refuse_both(loader, "redis.sentinel_password", config->redis.sentinel_password,
                &config->redis.sentinel_password_file);
    refuse_both(loader, "alert.alertmanager.password", config->alert.alertmanager.password,
                &config->alert.alertmanager.password_file);
    need_user(loader, "registry", config->registry.user, config->registry.password_file);
    need_user(loader, "alert.alertmanager", config->alert.alertmanager.user, config->alert.alertmanager.password_file);
    take_files(loader, "ingest.token_files", config->ingest.token_files, "ingest.tokens", config->ingest.tokens);
    take_files(loader, "ingest.secret_files", config->ingest.secret_files, "ingest.secrets", config->ingest.secrets);
    take_files(loader, "dashboard.user_files", config->dashboard.user_files, "dashboard.users",
               config->dashboard.users);
    for (guint i = 0; config->alert.webhooks && i < config->alert.webhooks->len; i++)
        resolve_path(loader, "alert.webhooks",
                     &g_array_index(config->alert.webhooks, lc_config_webhook, i).secret_file);
}

/* Who names a CA means TLS: without it the password would be readable on the way. */
static void
check_registry_tls(lc_loader *loader)
{
    const lc_config *config = loader->config;
    const struct {
        const char *key, *value;
    } files[] = {{"registry.ca", config->registry.ca}, {"registry.certificate", config->registry.certificate}};
    if (config->registry.url == NULL || g_str_has_prefix(config->registry.url, "https://"))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (files[i].value)
            lc_report(loader, place_by_key(loader, files[i].key),
                      "%s is given, but registry.url speaks no TLS; write https:// there, or take the key out",
                      files[i].key);
}

typedef struct {
    const char *key, *name;
    lc_place at;
} named_topic;

/* Of two with one name, that which was given is wrong: a default can't be. */
static void
refuse_same_topic(lc_loader *loader, const named_topic *topic, const named_topic *other)
{
    bool given = is_given(topic->at);
    const named_topic *wrong = given ? topic : other, *right = given ? other : topic;
    if (strcmp(topic->key, other->key) == 0)
        lc_report(loader, wrong->at, "%s: \"%s\" is given twice; take one out", topic->key, topic->name);
    else
        lc_report(loader, wrong->at, "%s: \"%s\" is already used by %s; give it another name", wrong->key, wrong->name,
                  right->key);
}

static void
name_topic(lc_loader *loader, GArray *seen, const char *key, char **topic, lc_place at)
{
    char *name = g_strconcat(loader->config->topics.prefix, *topic, NULL);
    const named_topic named = {key, name, at};
    g_free(*topic);
    *topic = name;
    if (strlen(name) > 249)
        lc_report(loader, at, "%s: \"%s\" is longer than 249 characters with its prefix; shorten one", key, name);
    for (guint i = 0; i < seen->len; i++)
        if (strcmp(g_array_index(seen, named_topic, i).name, name) == 0) {
            refuse_same_topic(loader, &named, &g_array_index(seen, named_topic, i));
            return;
        }
    g_array_append_val(seen, named);
}

/* Where an entry of a list was given. */
static lc_place
place_of_item(const lc_loader *loader, const char *key, guint i)
{
    const GArray *places = loader->items[lc_option_find(key)];
    return i < places->len ? g_array_index(places, lc_place, i) : place_by_key(loader, key);
}

/* All of them, so that one which is switched on later is no surprise. */
static void
name_tables(lc_loader *loader, GArray *seen)
{
    lc_config *config = loader->config;
    for (int i = 0; i < LC_CONFIG_TABLES; i++) {
        config->tables.topics[i] = g_strconcat(config->topics.tables, lc_config_tables[i], NULL);
        name_topic(loader, seen, "topics.tables", &config->tables.topics[i], place_by_key(loader, "topics.tables"));
    }
    char *prefixed = g_strconcat(config->topics.prefix, config->topics.tables, NULL);
    g_free(config->topics.tables);
    config->topics.tables = prefixed;
}

static void
check_published_once(lc_loader *loader)
{
    char **names = loader->config->tables.publish;
    for (guint i = 0; names[i]; i++)
        for (guint before = 0; before < i; before++)
            if (strcmp(names[before], names[i]) == 0) {
                lc_report(loader, place_of_item(loader, "tables.publish", i),
                          "tables.publish: \"%s\" is given twice; take one out", names[i]);
                break;
            }
}

static void
name_topics(lc_loader *loader)
{
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(named_topic));
    lc_config *config = loader->config;
    const struct {
        const char *key;
        char **topic;
    } outputs[] = {
        {"topics.breaches", &config->topics.breaches},
        {"topics.warnings", &config->topics.warnings},
        {"topics.clawbacks", &config->topics.clawbacks},
        {"topics.routed", &config->topics.routed},
        {"topics.settled", &config->topics.settled},
        {"topics.counters", &config->topics.counters},
        {"topics.state", &config->topics.state},
        {"topics.dead_letters", &config->topics.dead_letters},
        {"topics.undelivered", &config->topics.undelivered},
    };
    for (guint i = 0; config->topics.inputs[i]; i++)
        name_topic(loader, seen, "topics.inputs", &config->topics.inputs[i], place_of_item(loader, "topics.inputs", i));
    for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++)
        name_topic(loader, seen, outputs[i].key, outputs[i].topic, place_by_key(loader, outputs[i].key));
    name_tables(loader, seen);
    check_published_once(loader);
}

void
lc_check_together(lc_loader *loader)
{
    lc_config *config = loader->config;
    choose_registry(loader);
    resolve_path(loader, "policy", &config->policy);
    resolve_path(loader, "registry.file", &config->registry.file);
    pair_certificates_and_keys(loader);
    resolve_path(loader, "registry.ca", &config->registry.ca);
    resolve_path(loader, "redis.ca", &config->redis.ca);
    check_registry_tls(loader);
    check_files(loader);
    resolve_path(loader, "alert.ca_file", &config->alert.ca_file);
    name_instance(loader);
    name_topics(loader);
    if (*config->http.listen == '\0')
        g_clear_pointer(&config->http.listen, g_free);
    if (*config->alert.listen == '\0')
        g_clear_pointer(&config->alert.listen, g_free);
}
