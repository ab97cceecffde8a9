/* client.c - a librdkafka client from the configuration, and its errors. */
#include "client.h"

#include "credentials.h"
#include "trouble.h"

#include <errno.h>
#include <leadclock/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

/* What correctness rests on, and what comes from keys of its own. */
static const char *const reserved[] = {"bootstrap.servers",
                                       "client.id",
                                       "metadata.broker.list",
                                       "group.id",
                                       "group.instance.id",
                                       "transactional.id",
                                       "enable.idempotence",
                                       "enable.auto.commit",
                                       "auto.commit.enable",
                                       "enable.auto.offset.store",
                                       "auto.offset.reset",
                                       "isolation.level",
                                       "enable.partition.eof",
                                       "partitioner",
                                       "partition.assignment.strategy",
                                       "allow.auto.create.topics",
                                       NULL};

static bool
set(rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
    char reason[512];

    if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) == RD_KAFKA_CONF_OK)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "kafka.properties: %s: %s", name, reason);
    return false;
}

static bool
set_all(rd_kafka_conf_t *conf, const char *const *pairs, GError **error)
{
    for (; pairs && pairs[0]; pairs += 2)
        if (!set(conf, pairs[0], pairs[1], error))
            return false;
    return true;
}

static bool
check_properties(const char *const *pairs, GError **error)
{
    for (; pairs && pairs[0]; pairs += 2) {
        if (!g_strv_contains(reserved, pairs[0]))
            continue;
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "kafka.properties: %s is set by leadclock itself; remove it (brokers have the key kafka.brokers)",
                    pairs[0]);
        return false;
    }
    return true;
}

/* ---- One property alone ---- */

/* Of every property there is; librdkafka lists them as a table only. */
static char **
property_names(void)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    char *table = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&table, &size);
    if (file) {
        rd_kafka_conf_properties_show(file);
        fclose(file);
    }
    g_auto(GStrv) lines = g_strsplit(table ? table : "", "\n", -1);
    for (char **line = lines; *line; line++) {
        g_autofree char *name = g_strndup(*line, strcspn(*line, " "));
        if (strstr(*line, " | ") && strchr(name, '.'))
            g_strv_builder_add(names, name);
    }
    free(table);
    return g_strv_builder_end(names);
}

static char *
refuse_unknown(const char *name)
{
    g_auto(GStrv) names = property_names();
    const char *near = lc_nearest_name(name, (const char *const *)names);
    return near ? g_strdup_printf("no property of librdkafka; did you mean \"%s\"?", near)
                : g_strdup("no property of librdkafka; its CONFIGURATION.md lists them");
}

char *
lc_kafka_check_property(const char *name, const char *value)
{
    char reason[512];
    if (strcmp(name, "group.protocol") == 0 && g_ascii_strcasecmp(value, "classic") != 0)
        return g_strdup("must be classic: in the other protocol a process that is started anew is refused its "
                        "group.instance.id until the session of the one before has timed out, where the classic one "
                        "hands over at once; remove it");
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, reason, sizeof reason);
    rd_kafka_conf_destroy(conf);
    if (result == RD_KAFKA_CONF_OK)
        return NULL;
    return result == RD_KAFKA_CONF_UNKNOWN
               ? refuse_unknown(name)
               : g_strdup_printf("%s; librdkafka's CONFIGURATION.md says what is allowed", g_strstrip(reason));
}

static void
on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    /* What librdkafka calls an error is most often a broker that is away, which our own messages say once; what ends a
     * client or its transaction its calls say too. */
    bool is_said = level > LOG_CRIT || strcmp(facility, "FATAL") == 0 || strcmp(facility, "TXNERR") == 0;
    GLogLevelFlags ours = is_said ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_WARNING;

    if (strcmp(facility, "FAIL") == 0)
        lc_kafka_read_secrets_again(); /* the next connection is to log in by what the file holds by then */
    lc_trouble_take(client, facility, text);
    g_log_structured(G_LOG_DOMAIN, ours, "CLIENT", client ? rd_kafka_name(client) : "", "FACILITY", facility, "MESSAGE",
                     "kafka: %s", text);
}

void
lc_kafka_report(rd_kafka_t *client, int err, const char *reason)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "CLIENT", rd_kafka_name(client), "MESSAGE", "kafka: %s: %s",
                     rd_kafka_err2name((rd_kafka_resp_err_t)err), reason);
}

static void
on_error(rd_kafka_t *client, int err, const char *reason, void *opaque)
{
    (void)opaque;
    lc_kafka_report(client, err, reason);
}

static bool
is_file(const char *property)
{
    return g_str_has_prefix(property, "ssl.") && g_str_has_suffix(property, ".location");
}

/* librdkafka's own message names no file. */
static bool
check_files(const char *const *pairs, GError **error)
{
    for (; pairs && pairs[0]; pairs += 2) {
        if (!is_file(pairs[0]) || strcmp(pairs[1], "probe") == 0 || access(pairs[1], R_OK) == 0)
            continue;
        g_set_error(error, LC_ERROR, (int)lc_kafka_code_of_file(), "kafka.properties: %s: %s: %s", pairs[0], pairs[1],
                    g_strerror(errno));
        return false;
    }
    return true;
}

rd_kafka_conf_t *
lc_kafka_conf_new(const lc_kafka_options *options, const char *const *defaults, const char *const *fixed,
                  GError **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    g_autofree char *id = options->group && options->instance
                              ? g_strdup_printf("%s-%s", options->group, options->instance)
                              : g_strdup("leadclock");

    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    lc_trouble_listen(conf);
    /* A broker that is back is found within a second, not ten. */
    if (set(conf, "client.id", id, error) && set(conf, "reconnect.backoff.max.ms", "1000", error) &&
        set_all(conf, defaults, error) && check_properties(options->properties, error) &&
        check_files(options->properties, error) && set_all(conf, options->properties, error) &&
        lc_credentials_give(conf, options, error) && set(conf, "bootstrap.servers", options->brokers, error) &&
        set_all(conf, fixed, error))
        return conf;
    rd_kafka_conf_destroy(conf);
    return NULL;
}

/* Never later than the broker says. */
lc_instant
lc_kafka_published_at(const rd_kafka_message_t *message)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    gint64 first;

    if (type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE)
        return LC_ABSENT;
    if (rd_kafka_message_headers(message, &headers) ||
        rd_kafka_header_get_last(headers, LC_KAFKA_PUBLISHED_AT, &value, &size) || value == NULL)
        return timestamp;
    g_autofree char *text = g_strndup(value, size);
    return g_ascii_string_to_signed(text, 10, 1, timestamp, &first, NULL) ? first : timestamp;
}

static bool
fail(GError **error, lc_error code, rd_kafka_resp_err_t err, const char *what, const char *why)
{
    g_autofree char *trouble = lc_kafka_is_transport_error(err) ? lc_trouble_text() : NULL;

    g_set_error(error, LC_ERROR, (int)code, "%s: %s", what, trouble ? trouble : why);
    return false;
}

bool
lc_kafka_fail(GError **error, lc_error code, rd_kafka_resp_err_t err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fail(error, code, err, what, rd_kafka_err2str(err));
}

bool
lc_kafka_fail_with(GError **error, lc_error code, rd_kafka_error_t *cause, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fail(error, code, rd_kafka_error_code(cause), what, rd_kafka_error_string(cause));
    rd_kafka_error_destroy(cause);
    return false;
}

/* ---- Rights ---- */

bool
lc_kafka_is_denial(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || err == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED ||
           err == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED ||
           err == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED;
}

lc_error
lc_kafka_code_of(rd_kafka_resp_err_t err)
{
    if (lc_kafka_is_denial(err))
        return LC_ERROR_DENIED;
    switch (err) {
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return LC_ERROR_CONFIG;
    default:
        return LC_ERROR_RETRY;
    }
}

char *
lc_kafka_property_of(rd_kafka_t *client, const char *name)
{
    char value[512] = "";
    size_t size = sizeof value;

    return g_strdup(rd_kafka_conf_get(rd_kafka_conf(client), name, value, &size) == RD_KAFKA_CONF_OK ? value : "");
}

/* As far as it is known here: brokers may have rules of their own for names. */
static char *
principal_of(rd_kafka_t *client)
{
    g_autofree char *protocol = lc_kafka_property_of(client, "security.protocol");
    g_autofree char *mechanism = lc_kafka_property_of(client, "sasl.mechanisms");
    g_autofree char *user = lc_kafka_property_of(client, "sasl.username");
    g_autofree char *certificate = lc_kafka_property_of(client, "ssl.certificate.location");
    g_autofree char *store = lc_kafka_property_of(client, "ssl.keystore.location");

    if (g_ascii_strncasecmp(protocol, "sasl", 4) == 0)
        return *user ? g_strdup_printf("User:%s", user) : g_strdup_printf("who logs in by %s", mechanism);
    if (*certificate || *store)
        return g_strdup_printf("the user of certificate %s", *certificate ? certificate : store);
    return g_strdup("User:ANONYMOUS");
}

bool
lc_kafka_deny(rd_kafka_t *client, const char *operation, const char *kind, const char *names, GError **error)
{
    g_autofree char *principal = principal_of(client);

    g_set_error(error, LC_ERROR, LC_ERROR_DENIED,
                "%s may not %s %s %s: give this right (`leadclock topics --acls` prints all that are needed)",
                principal, operation, kind, names);
    return false;
}

/* Topics that were answered `err`. */
static char *
names_of_failed(const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t err)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (int i = 0; i < list->cnt; i++) {
        bool is_new = i == 0 || strcmp(list->elems[i].topic, list->elems[i - 1].topic) != 0;
        if (is_new && list->elems[i].err == err)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", list->elems[i].topic);
    }
    return g_string_free(g_steal_pointer(&names), FALSE);
}

bool
lc_kafka_fail_of(rd_kafka_t *client, const rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t err,
                 const char *operation, const char *what, GError **error)
{
    g_autofree char *names = names_of_failed(list, err);

    if (err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED && *names)
        return lc_kafka_deny(client, operation, "topic", names, error);
    return lc_kafka_fail(error, lc_kafka_code_of(err), err, "%s%s%s", what, *names ? " of " : "", names);
}

/* By its name: in the list of all topics those that may not be seen are missing. None of our consumers makes topics by
 * asking. */
static bool
is_hidden(rd_kafka_t *client, const char *name, int timeout_ms)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    rd_kafka_resp_err_t err =
        topic ? rd_kafka_metadata(client, 0, topic, &metadata, timeout_ms) : rd_kafka_last_error();
    bool hidden = !err && metadata->topic_cnt == 1 && lc_kafka_is_denial(metadata->topics[0].err);

    if (topic && !err)
        rd_kafka_metadata_destroy(metadata);
    if (topic)
        rd_kafka_topic_destroy(topic);
    return hidden;
}

bool
lc_kafka_may_describe(rd_kafka_t *client, const GPtrArray *topics, int timeout_ms, GError **error)
{
    g_autoptr(GString) hidden = g_string_new(NULL);

    for (guint i = 0; i < topics->len; i++)
        if (is_hidden(client, topics->pdata[i], timeout_ms))
            g_string_append_printf(hidden, "%s%s", hidden->len ? ", " : "", (const char *)topics->pdata[i]);
    return hidden->len == 0 || lc_kafka_deny(client, "DESCRIBE", "topic", hidden->str, error);
}

bool
lc_kafka_is_transport_error(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
        return true;
    default:
        return false;
    }
}

typedef struct {
    GMutex mutex;
    GCond changed;
    rd_kafka_t *client;
    void *data; /* or NULL */
    bool done;
} destruction;

static void
destruction_free(void *data)
{
    destruction *task = data;
    g_mutex_clear(&task->mutex);
    g_cond_clear(&task->changed);
}

static void *
destroy_client(void *data)
{
    destruction *task = data;
    g_autofree char *name = g_strdup(rd_kafka_name(task->client));

    lc_trouble_give_up(task->client);
    /* A static member sends no LeaveGroup, so there is nothing that closing would do for the group. */
    rd_kafka_destroy_flags(task->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    g_free(task->data);
    lc_trouble_gone(name);
    g_mutex_lock(&task->mutex);
    task->done = true;
    g_cond_signal(&task->changed);
    g_mutex_unlock(&task->mutex);
    g_atomic_rc_box_release_full(task, destruction_free);
    return NULL;
}

bool
lc_kafka_destroy(rd_kafka_t *client, int wait_ms)
{
    return lc_kafka_destroy_with(client, NULL, wait_ms);
}

bool
lc_kafka_destroy_with(rd_kafka_t *client, void *data, int wait_ms)
{
    destruction *task = g_atomic_rc_box_new0(destruction);
    gint64 until = g_get_monotonic_time() + wait_ms * (gint64)1000;

    task->client = client;
    task->data = data;
    g_mutex_init(&task->mutex);
    g_cond_init(&task->changed);
    g_thread_unref(g_thread_new("kafka-destroy", destroy_client, g_atomic_rc_box_acquire(task)));
    g_mutex_lock(&task->mutex);
    while (!task->done && g_cond_wait_until(&task->changed, &task->mutex, until))
        ;
    bool done = task->done;
    g_mutex_unlock(&task->mutex);
    g_atomic_rc_box_release_full(task, destruction_free);
    return done;
}
