/* options.c - the table of configuration keys, and how each value is checked. */
#include "options.h"

#include <leadclock/text.h>

#include <errno.h>
#include <stdlib.h>

/* ---- Checks: each says what is wrong, and what to do ---- */

static bool
is_name(const char *value, size_t max)
{
    size_t length = strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return length > 0 && length <= max && value[length] == '\0' && strcmp(value, ".") != 0 && strcmp(value, "..") != 0;
}

char *
lc_check_name(const char *value)
{
    if (is_name(value, 100))
        return NULL;
    return g_strdup("must be 1 to 100 letters, digits, '.', '_' or '-'; Kafka ids and Redis keys begin with it");
}

static char *
check_instance(const char *value)
{
    return *value ? lc_check_name(value) : NULL;
}

static char *
check_topic(const char *value)
{
    if (is_name(value, 249))
        return NULL;
    return g_strdup("is no topic name; use 1 to 249 letters, digits, '.', '_' or '-'");
}

static char *
check_prefix(const char *value)
{
    return *value ? check_topic(value) : NULL;
}

static bool
is_port(const char *text)
{
    char *end;
    errno = 0;
    long port = strtol(text, &end, 10);
    return g_ascii_isdigit(*text) && *end == '\0' && errno == 0 && port > 0 && port < 65536;
}

static bool
is_address(const char *text, bool port_required)
{
    const char *bracket = strrchr(text, ']'), *colon = strrchr(bracket ? bracket : text, ':');
    if (strpbrk(text, " /@") || *text == '\0' || *text == ':')
        return false;
    return colon ? is_port(colon + 1) : !port_required;
}

static char *
check_brokers(const char *value)
{
    g_auto(GStrv) brokers = g_strsplit(value, ",", -1);
    for (char **broker = brokers; *broker; broker++)
        if (!is_address(g_strstrip(*broker), false))
            return g_strdup("must be HOST:PORT, or several with commas between, as 127.0.0.1:9092");
    return *brokers ? NULL : g_strdup("must not be empty; write HOST:PORT of a broker");
}

static char *
check_listen(const char *value)
{
    if (*value == '\0' || is_address(value, true))
        return NULL;
    return g_strdup("must be HOST:PORT, as 127.0.0.1:9464; leave it out for no HTTP");
}

static char *
check_given_listen(const char *value)
{
    return is_address(value, true) ? NULL : g_strdup("must be HOST:PORT, as 127.0.0.1:9466");
}

static bool
is_url_of_host(const char *value)
{
    g_autoptr(GUri) uri = g_uri_parse(value, G_URI_FLAGS_HAS_PASSWORD, NULL);
    return uri && strpbrk(value, " \t") == NULL && g_uri_get_host(uri) && *g_uri_get_host(uri) &&
           g_uri_get_port(uri) != 0;
}

static char *
check_registry_url(const char *value)
{
    const char *authority = strstr(value, "://");
    if (authority && memchr(authority + 3, '@', strcspn(authority + 3, "/?#")))
        return g_strdup("must hold no user or password: messages have it; they go to registry.user and "
                        "registry.password");
    if (!g_str_has_prefix(value, "http://") && !g_str_has_prefix(value, "https://"))
        return g_strdup("must begin with http:// or https://, as http://127.0.0.1:8081");
    return is_url_of_host(value) ? NULL : g_strdup("must be http://HOST:PORT, with a port from 1 to 65535");
}

static char *
check_not_empty(const char *value)
{
    return *value ? NULL : g_strdup("must not be empty; write a path");
}

/* Leadclock sets these itself: another value would break exactly once, or tear leads apart. */
static const struct {
    const char *name, *why;
} reserved_properties[] = {
    {"acks", "exactly once needs all replicas"},
    {"allow.auto.create.topics", "a topic made by accident has the wrong partitions and settings"},
    {"auto.commit.enable", "offsets are committed in the transaction of what they caused"},
    {"auto.offset.reset", "a lost position must stop the service, not skip or repeat facts"},
    {"bootstrap.servers", "kafka.brokers says it"},
    {"client.id", "name, instance and process make it: by it the group and the brokers tell processes apart"},
    {"delivery.report.only.error", "the offsets of changelog records come with delivery reports"},
    {"enable.auto.commit", "offsets are committed in the transaction of what they caused"},
    {"enable.auto.offset.store", "offsets are committed in the transaction of what they caused"},
    {"enable.idempotence", "without it a retry doubles outcomes"},
    {"enable.partition.eof", "safe time and recovery need the ends of partitions"},
    {"group.id", "name is the consumer group"},
    {"group.instance.id", "instance and the number of the worker make it"},
    {"isolation.level", "facts of aborted transactions must not be judged"},
    {"max.in.flight", "the idempotent producer sets it"},
    {"max.in.flight.requests.per.connection", "the idempotent producer sets it"},
    {"message.max.bytes", "lead states need 2 MiB"},
    {"metadata.broker.list", "kafka.brokers says it"},
    {"partition.assignment.strategy", "all topics of a partition must come to the same worker (range)"},
    {"partitioner", "a lead's records must all lie in the partition that Java's clients choose (murmur2_random)"},
    {"request.required.acks", "exactly once needs all replicas"},
    {"transactional.id", "name, instance and the number of the worker make it"},
};

static char *
check_property(const char *name, const char *value)
{
    (void)value;
    for (size_t i = 0; i < G_N_ELEMENTS(reserved_properties); i++)
        if (strcmp(reserved_properties[i].name, name) == 0)
            return g_strdup_printf("can't be set here: %s; take the line out", reserved_properties[i].why);
    return NULL;
}

#define MIN_SECRET 16

static char *
check_secret(const char *name, const char *value)
{
    if (!is_name(name, 100))
        return g_strdup("is no name; use 1 to 100 letters, digits, '.', '_' or '-'");
    for (const char *c = value; *c; c++)
        if (!g_ascii_isgraph(*c))
            return g_strdup("has a space, or a letter that is not ASCII; 'openssl rand -hex 32' makes a good one");
    if (strlen(value) < MIN_SECRET)
        return g_strdup("is shorter than 16 letters, and might be guessed; 'openssl rand -hex 32' makes a good one");
    return NULL;
}

/* What is in it is looked at by who needs it. */
static char *
check_secret_file(const char *name, const char *path)
{
    if (!is_name(name, 100))
        return g_strdup("is no name; use 1 to 100 letters, digits, '.', '_' or '-'");
    return *path ? NULL : g_strdup("must not be empty; write a path");
}

static char *
check_signing_secret(const char *name, const char *value)
{
    char *wrong = check_secret(name, value);
    return wrong ? wrong : lc_check_signing_secret(value);
}

const char *const lc_config_tables[LC_CONFIG_TABLES + 1] = {"cycles", "breaches", "stages", "tenures",
                                                            "routes", "counters", NULL};

static char *
check_table(const char *value)
{
    return lc_check_among(value, lc_config_tables, "table");
}

/* ---- The table ---- */

static const char *const formats[] = {"json", "logfmt", NULL};
static const char *const trues[] = {"true", "false", NULL};
static const char *const levels[] = {"error", "warning", "info", "debug", NULL};
static const char *const header_styles[] = {"cloudevents", "none", NULL};
const char *const lc_config_deletions[] = {"both", "mark", "tombstone", NULL};

#define AT(member) offsetof(lc_config, member)
#define AGAIN "Relative to this file. Read again at each new connection."
#define ON_SIGHUP "Relative to this file. Read again on SIGHUP."
#define TOPIC(member, records)                                                                                         \
    {                                                                                                                  \
        "topics." #member, OPTION_TEXT, "leads." #member, AT(topics.member), .check = check_topic,                     \
                                                                             .doc = "Topic of " records "."            \
    }

/* clang-format off */
const lc_option lc_options[] = {
    {"name", OPTION_TEXT, "leadclock", AT(name), .check = lc_check_name,
     .doc = "Consumer group; prefix of transactional ids and of Redis keys."},
    {"instance", OPTION_TEXT, "", AT(instance), .check = check_instance,
     .doc = "Names this process for static membership: two that run at once need two names, or the second ends. Empty: the host "
            "name."},
    {"workers", OPTION_COUNT, "1", AT(workers), .min = 1, .max = 256,
     .doc = "Threads, each with its own consumer, producer and Redis connection."},
    {"kafka.brokers", OPTION_TEXT, "127.0.0.1:9092", AT(kafka.brokers), .check = check_brokers,
     .doc = "HOST:PORT of some brokers, commas between."},
    {"kafka.properties", OPTION_MAP, "", AT(kafka.properties), .check_entry = check_property,
     .doc = "Any property of librdkafka, for all clients: `security.protocol`, `sasl.*`, `ssl.*`, ... Refused are those "
            "that exactly once rests on."},
    {"kafka.password_file", OPTION_TEXT, NULL, AT(kafka.password_file), .check = check_not_empty,
     .doc = "File that holds `sasl.password`. " AGAIN},
    {"kafka.key_password_file", OPTION_TEXT, NULL, AT(kafka.key_password_file), .check = check_not_empty,
     .doc = "File that holds `ssl.key.password`. Relative to this file. Read when a client is made, so mostly at the start."},
    {"registry.url", OPTION_TEXT, "http://127.0.0.1:8081", AT(registry.url), .check = check_registry_url,
     .doc = "A schema registry with Confluent's API, at the address where `/subjects` is found. Not together with "
            "`registry.file`."},
    {"registry.user", OPTION_TEXT, NULL, AT(registry.user), .doc = "User at the registry (HTTP basic)."},
    {"registry.password", OPTION_SECRET, NULL, AT(registry.password), .doc = "Password at the registry."},
    {"registry.password_file", OPTION_TEXT, NULL, AT(registry.password_file), .check = check_not_empty,
     .doc = "File that holds it instead. " AGAIN},
    {"registry.ca", OPTION_TEXT, NULL, AT(registry.ca), .check = check_not_empty,
     .doc = "PEM file of the CAs that the registry's certificate may be from; default: the system's. Relative to this file."},
    {"registry.certificate", OPTION_TEXT, NULL, AT(registry.certificate), .check = check_not_empty,
     .doc = "PEM file of our certificate, where the registry asks for one. Relative to this file."},
    {"registry.key", OPTION_TEXT, NULL, AT(registry.key), .check = check_not_empty,
     .doc = "PEM file of its key. Relative to this file."},
    {"registry.timeout", OPTION_DURATION, "30s", AT(registry.timeout), .min = 100, .max = LC_HOUR,
     .doc = "A request to the registry that is not answered for so long is made again. A schema that it fails for so long, "
            "while it gives others, is taken for one that it has not. Meanwhile the service waits, and says so."},
    {"registry.file", OPTION_TEXT, NULL, AT(registry.file), .check = check_not_empty,
     .doc = "Instead of a server: a JSON object of id to schema. Relative to this file. `jq -s 'reduce .[] as $s ({}; "
            ".[\"\\(length + 1)\"] = $s)' schemas/*.avsc schemas/tables/*.avsc > schemas.json` makes one; an id that was "
            "used must keep its schema, new ones are added. `{\"schema\": \"{}\", \"schemaType\": \"JSON\"}`, as a server says it, "
            "makes records with the id JSON."},
    {"redis.url", OPTION_TEXT, "redis://127.0.0.1:6379/0", AT(redis.url), .check = lc_check_redis_url,
     .doc = "`redis://HOST:PORT/DATABASE`, `unix:///PATH`, or `redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE`, "
            "where the sentinels say which Redis is the master, or `redis+cluster://HOST:PORT,HOST:PORT`, some nodes of a "
            "Redis Cluster; with `rediss` for `redis` by TLS, where hiredis has it (Debian 13's; `leadclock --version` says)."},
    {"redis.user", OPTION_TEXT, NULL, AT(redis.user), .doc = "User at Redis."},
    {"redis.password", OPTION_SECRET, NULL, AT(redis.password), .doc = "Password at Redis."},
    {"redis.password_file", OPTION_TEXT, NULL, AT(redis.password_file), .check = check_not_empty,
     .doc = "File that holds it instead. " AGAIN},
    {"redis.ca", OPTION_TEXT, NULL, AT(redis.ca), .check = check_not_empty,
     .doc = "PEM file of the CAs that Redis' certificate may be from; default: the system's. Relative to this file."},
    {"redis.certificate", OPTION_TEXT, NULL, AT(redis.certificate), .check = check_not_empty,
     .doc = "PEM file of our certificate, where Redis asks for one. Relative to this file."},
    {"redis.key", OPTION_TEXT, NULL, AT(redis.key), .check = check_not_empty,
     .doc = "PEM file of its key. Relative to this file."},
    {"redis.server_name", OPTION_TEXT, NULL, AT(redis.server_name),
     .doc = "The name that Redis' certificate must have; default: the host connected to."},
    {"redis.sentinel_user", OPTION_TEXT, NULL, AT(redis.sentinel_user), .doc = "User at the sentinels."},
    {"redis.sentinel_password", OPTION_SECRET, NULL, AT(redis.sentinel_password),
     .doc = "Password at the sentinels, where they ask for one; it may be another than Redis'."},
    {"redis.sentinel_password_file", OPTION_TEXT, NULL, AT(redis.sentinel_password_file), .check = check_not_empty,
     .doc = "File that holds it instead. " AGAIN},
    {"policy", OPTION_TEXT, "policy.yaml", AT(policy), .check = check_not_empty,
     .doc = "The policy: a file, or a folder of documents. Relative to this file."},
    {"topics.prefix", OPTION_TEXT, "", AT(topics.prefix), .check = check_prefix, .doc = "Put before every topic's name."},
    {"topics.inputs", OPTION_LIST,
     "leads.created, leads.contacted, leads.rejected, leads.progressed, leads.assigned, leads.paused, leads.merged, "
     "leads.erased",
     AT(topics.inputs), .check = check_topic,
     .doc = "Topics with facts. A record's schema, or the `type` of one in JSON, says what it is, so one topic may carry "
            "several types; a fact in JSON without a `type` is what the topic's name says (`events.md`). All, and both "
            "changelogs, must have the same number of partitions."},
    TOPIC(breaches, "SlaBreached, SlaEscalated and SlaBreachEnded"),
    TOPIC(warnings, "SlaWarning"),
    TOPIC(clawbacks, "LeadClawedBack"),
    TOPIC(routed, "LeadRouted"),
    TOPIC(settled, "LeadSettled"),
    TOPIC(counters, "ChannelCounters; compacted"),
    TOPIC(state, "LeadState, from which Redis can be made anew; compacted"),
    {"topics.dead_letters", OPTION_TEXT, "leads.dead-letters", AT(topics.dead_letters), .check = check_topic,
     .doc = "Topic of records that can be no fact, as they came, with the reason in their headers."},
    TOPIC(undelivered, "outcomes that a webhook has refused (`leadclock alert`)"),
    {"topics.headers", OPTION_SWITCH, "cloudevents", AT(topics.cloud_events), .choices = header_styles,
     .doc = "Headers of outcomes: `cloudevents` or `none`."},
    {"topics.tables", OPTION_TEXT, "leads.tables.", AT(topics.tables), .check = check_topic,
     .doc = "What the names of the tables' topics begin with, after `topics.prefix`: `leads.tables.cycles` and so on."},
    {"tables.publish", OPTION_LIST, "cycles, breaches, stages, tenures, routes, counters", AT(tables.publish),
     .may_be_empty = true, .check = check_table,
     .doc = "The tables of rows that are published, `[]`: none. One that is switched on later is filled by `leadclock "
            "tables --fill`."},
    {"tables.deletes", OPTION_CHOICE, "both", AT(tables.deletes), .choices = lc_config_deletions,
     .doc = "How it is said that a row is no more: by a value with `deleted: true` (`mark`), by a `tombstone`, or by "
            "`both`, one after the other."},
    {"batch.facts", OPTION_COUNT, "20000", AT(batch.facts), .min = 1, .max = 1000000,
     .doc = "At most so many facts a transaction."},
    {"batch.wakeups", OPTION_COUNT, "10000", AT(batch.wakeups), .min = 1, .max = 1000000,
     .doc = "At most so many due leads of each partition a transaction."},
    {"batch.linger", OPTION_DURATION, "50ms", AT(batch.linger), .min = 0, .max = 10 * LC_SECOND,
     .doc = "A batch waits at most so long for more facts."},
    {"cache.leads", OPTION_COUNT, "0", AT(cache.leads), .min = 0, .max = 65536,
     .doc = "MiB of leads that are kept as they were last committed, all workers together, so that Redis need not be "
            "asked for them; `0`: none. It pays where a lead's facts and timers come soon after each other."},
    {"lateness", OPTION_DURATION, "5s", AT(lateness), .min = 0, .max = LC_DAY,
     .doc = "Waits this long after a due time before judging; 30s or more where a CRM is polled."},
    {"patience", OPTION_DURATION, "5m", AT(patience), .min = LC_SECOND, .max = 7 * LC_DAY,
     .doc = "Behind for longer than this, timers fire on the broker's record times."},
    {"max_future", OPTION_DURATION, "10m", AT(max_future), .min = 0, .max = 365 * LC_DAY,
     .doc = "A fact further than this ahead of its record's timestamp goes to the dead letters."},
    {"http.listen", OPTION_TEXT, "", AT(http.listen), .check = check_listen,
     .doc = "HOST:PORT for `/metrics`, `/livez` and `/readyz`, as `127.0.0.1:9464`. Absent: none."},
    {"ingest.listen", OPTION_TEXT, "127.0.0.1:9466", AT(ingest.listen), .check = check_given_listen,
     .doc = "HOST:PORT where `leadclock ingest` takes facts. An address that other machines reach needs `ingest.tokens` or "
            "`ingest.secrets`."},
    {"ingest.tokens", OPTION_SECRETS, "", AT(ingest.tokens), .check_entry = check_secret,
     .doc = "NAME: TOKEN of each sender that says `Authorization: Bearer TOKEN`; 16 visible ASCII letters or more."},
    {"ingest.secrets", OPTION_SECRETS, "", AT(ingest.secrets), .check_entry = check_signing_secret,
     .doc = "NAME: SECRET of each sender that signs what it sends: by `webhook-signature` (Standard Webhooks; the secret "
            "begins with `whsec_`) or by `X-Hub-Signature-256`; 16 visible ASCII letters or more."},
    {"ingest.token_files", OPTION_MAP, "", AT(ingest.token_files), .has_paths = true,
     .check_entry = check_secret_file,
     .doc = "NAME: PATH of files that hold such tokens. " ON_SIGHUP},
    {"ingest.secret_files", OPTION_MAP, "", AT(ingest.secret_files), .has_paths = true,
     .check_entry = check_secret_file,
     .doc = "NAME: PATH of files that hold such secrets. " ON_SIGHUP},
    {"ingest.certificate", OPTION_TEXT, NULL, AT(ingest.certificate), .check = check_not_empty,
     .doc = "PEM file of the certificate, and of those it rests on: TLS. Relative to this file. Absent: none, as behind a "
            "proxy."},
    {"ingest.key", OPTION_TEXT, NULL, AT(ingest.key), .check = check_not_empty,
     .doc = "PEM file of the certificate's key. Relative to this file."},
    {"ingest.threads", OPTION_COUNT, "2", AT(ingest.threads), .min = 1, .max = 64,
     .doc = "Threads that read requests."},
    {"ingest.connections", OPTION_COUNT, "256", AT(ingest.connections), .min = 1, .max = 65536,
     .doc = "At most so many senders at once; others wait to be let in. Each takes 32 KiB, and up to 1 MiB while it sends "
            "(bounded by the next key)."},
    {"ingest.in_flight_bytes", OPTION_COUNT, "67108864", AT(ingest.in_flight_bytes), .min = 1048576, .max = 1073741824,
     .doc = "Bytes of requests that are not answered yet, at most; who comes then is told to come later (429). Memory takes "
            "some three times as much."},
    {"ingest.timeout", OPTION_DURATION, "10s", AT(ingest.timeout), .min = LC_SECOND, .max = 5 * LC_MINUTE,
     .doc = "A fact that the brokers have not acknowledged after so long is given up: its sender is answered 503, and sends "
            "again."},
    {"ingest.patience", OPTION_DURATION, "30s", AT(ingest.patience), .min = LC_SECOND, .max = LC_HOUR,
     .doc = "A connection that has brought no whole request for so long is ended."},
    {"alert.listen", OPTION_TEXT, "127.0.0.1:9467", AT(alert.listen), .check = check_listen,
     .doc = "HOST:PORT for `/metrics`, `/livez` and `/readyz` of `leadclock alert`. Empty: none."},
    {"alert.alertmanager.urls", OPTION_LIST, "", AT(alert.alertmanager.urls), .may_be_empty = true,
     .check = lc_check_http_url,
     .doc = "Every Alertmanager there is, as `http://127.0.0.1:9093`: each is told all, by its API v2."},
    {"alert.alertmanager.user", OPTION_TEXT, NULL, AT(alert.alertmanager.user),
     .doc = "User at the Alertmanagers (HTTP basic)."},
    {"alert.alertmanager.password", OPTION_SECRET, NULL, AT(alert.alertmanager.password),
     .doc = "Password at the Alertmanagers."},
    {"alert.alertmanager.password_file", OPTION_TEXT, NULL, AT(alert.alertmanager.password_file),
     .check = check_not_empty, .doc = "File that holds it instead. " AGAIN},
    {"alert.alertmanager.every", OPTION_DURATION, "30s", AT(alert.alertmanager.every), .min = LC_SECOND, .max = LC_HOUR,
     .doc = "So often they are told what is broken. An alert of which nothing is said for four times as long ends by "
            "itself."},
    {"alert.alertmanager.labels", OPTION_MAP, "", AT(alert.alertmanager.labels), .check_entry = lc_check_label,
     .doc = "Labels that every alert has besides its own."},
    {"alert.group_by", OPTION_LIST, "policy, rule, clock, channel, severity", AT(alert.group_by), .check = lc_check_group_by,
     .doc = "The labels that make an alert: leads that have the same are one. Also `lead_id` (an alert a lead), and, "
            "which a restatement can change, `owner`, `kind` and `due_at`."},
    {"alert.max_alerts", OPTION_COUNT, "500", AT(alert.max_alerts), .min = 1, .max = 100000,
     .doc = "At most so many alerts, those that are broken longest, and one that says how many more there are."},
    {"alert.dashboard_url", OPTION_TEXT, NULL, AT(alert.dashboard_url), .check = lc_check_http_url,
     .doc = "Where an alert links to."},
    {"alert.webhooks", OPTION_WEBHOOKS, NULL, AT(alert.webhooks),
     .doc = "Who is called for each outcome: a list of mappings with these keys."},
    {"alert.ca_file", OPTION_TEXT, NULL, AT(alert.ca_file), .check = check_not_empty,
     .doc = "Certificates (PEM) that Alertmanagers and webhooks are believed by, instead of this machine's. Relative to "
            "this file."},
    {"alert.timeout", OPTION_DURATION, "10s", AT(alert.timeout), .min = 100, .max = 10 * LC_MINUTE,
     .doc = "A request to an Alertmanager or a webhook that has no answer for so long has failed."},
    {"dashboard.listen", OPTION_TEXT, "127.0.0.1:9465", AT(dashboard.listen), .check = check_given_listen,
     .doc = "HOST:PORT where `leadclock dashboard` shows its pages. An address that other machines reach needs "
            "`dashboard.users` or `dashboard.behind_proxy`."},
    {"dashboard.users", OPTION_SECRETS, "", AT(dashboard.users), .check_entry = check_secret,
     .doc = "NAME: PASSWORD of each who may look (HTTP basic, which is readable on the way: put TLS before it)."},
    {"dashboard.user_files", OPTION_MAP, "", AT(dashboard.user_files), .has_paths = true,
     .check_entry = check_secret_file,
     .doc = "NAME: PATH of files that hold such passwords. " ON_SIGHUP},
    {"dashboard.behind_proxy", OPTION_SWITCH, "false", AT(dashboard.behind_proxy), .choices = trues,
     .doc = "`true`: a proxy before it says who may look, and nobody else reaches it. Otherwise `false`."},
    {"dashboard.days", OPTION_COUNT, "90", AT(dashboard.days), .min = 1, .max = 3650,
     .doc = "Leads that were settled longer ago are not kept in memory. Open ones always are, and so are the counters."},
    {"dashboard.instances", OPTION_LIST, "", AT(dashboard.instances), .may_be_empty = true, .check = lc_check_http_url,
     .doc = "`http.listen` of each `run`, as `http://127.0.0.1:9464`: whose `/readyz` and `/metrics` the page *Service* "
            "shows."},
    {"log.format", OPTION_SWITCH, "logfmt", AT(log.json), .choices = formats, .doc = "`logfmt` or `json`."},
    {"log.level", OPTION_CHOICE, "info", AT(log.level), .choices = levels,
     .doc = "`error`, `warning`, `info` or `debug`."},
};
/* clang-format on */
const size_t lc_n_options = G_N_ELEMENTS(lc_options);

bool
lc_option_is_map(const lc_option *option)
{
    return option->kind == OPTION_MAP || option->kind == OPTION_SECRETS;
}

int
lc_option_find(const char *key)
{
    for (size_t i = 0; i < lc_n_options; i++)
        if (strcmp(lc_options[i].key, key) == 0)
            return (int)i;
    return -1;
}

const lc_option *
lc_option_find_map(const char *key)
{
    for (size_t i = 0; i < lc_n_options; i++) {
        size_t length = strlen(lc_options[i].key);
        if (lc_option_is_map(&lc_options[i]) && strncmp(lc_options[i].key, key, length) == 0 && key[length] == '.')
            return &lc_options[i];
    }
    return NULL;
}

bool
lc_option_is_section(const char *section)
{
    size_t length = strlen(section);
    for (size_t i = 0; i < lc_n_options; i++)
        if (strncmp(lc_options[i].key, section, length) == 0 && lc_options[i].key[length] == '.')
            return true;
    return false;
}

const char *
lc_option_item(const lc_option *option)
{
    return g_str_has_prefix(option->key, "topics.") ? "topic" : "label";
}
