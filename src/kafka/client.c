#include "client.h"

#include <leadclock/diagnostics.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#define COMMITTED_MS 700
#define ENDS_MS 1000
#define REPORT_EVERY_S 10

/* What correctness rests on, and what comes from keys of its own. */
static const char *const reserved[] = {"bootstrap.servers",
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
    /* What librdkafka calls an error is most often a broker that is away, which our own messages say once. */
    GLogLevelFlags ours = level <= LOG_CRIT ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_DEBUG;

    g_log_structured(G_LOG_DOMAIN, ours, "CLIENT", client ? rd_kafka_name(client) : "", "FACILITY", facility, "MESSAGE",
                     "kafka: %s", text);
}

/* What time does not heal, and what librdkafka's calls only show as a time-out. */
static bool
is_for_operator(rd_kafka_resp_err_t err)
{
    return err == RD_KAFKA_RESP_ERR__AUTHENTICATION || err == RD_KAFKA_RESP_ERR__SSL ||
           err == RD_KAFKA_RESP_ERR__RESOLVE;
}

void
lc_kafka_report(rd_kafka_t *client, int err, const char *reason)
{
    static gint said_s; /* of all clients */
    gint now_s = (gint)(g_get_monotonic_time() / G_USEC_PER_SEC), last_s = g_atomic_int_get(&said_s);
    GLogLevelFlags level = G_LOG_LEVEL_DEBUG;

    if (is_for_operator((rd_kafka_resp_err_t)err) && (last_s == 0 || now_s - last_s >= REPORT_EVERY_S) &&
        g_atomic_int_compare_and_exchange(&said_s, last_s, now_s))
        level = G_LOG_LEVEL_WARNING;
    g_log_structured(G_LOG_DOMAIN, level, "CLIENT", rd_kafka_name(client), "MESSAGE", "kafka: %s: %s",
                     rd_kafka_err2name((rd_kafka_resp_err_t)err), reason);
}

static void
on_error(rd_kafka_t *client, int err, const char *reason, void *opaque)
{
    (void)opaque;
    lc_kafka_report(client, err, reason);
}

rd_kafka_conf_t *
lc_kafka_conf_new(const lc_kafka_options *options, const char *const *defaults, const char *const *fixed,
                  GError **error)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();

    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, on_error);
    /* A broker that is back is found within a second, not ten. */
    if (set(conf, "client.id", "leadclock", error) && set(conf, "reconnect.backoff.max.ms", "1000", error) &&
        set_all(conf, defaults, error) && check_properties(options->properties, error) &&
        set_all(conf, options->properties, error) && set(conf, "bootstrap.servers", options->brokers, error) &&
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

rd_kafka_t *
lc_kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, GError **error)
{
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);

    if (client)
        return client;
    rd_kafka_conf_destroy(conf);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "kafka: %s", reason);
    return NULL;
}

static bool
fail(GError **error, lc_error code, const char *what, const char *why)
{
    g_set_error(error, LC_ERROR, (int)code, "%s: %s", what, why);
    return false;
}

bool
lc_kafka_fail(GError **error, lc_error code, rd_kafka_resp_err_t err, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return fail(error, code, what, rd_kafka_err2str(err));
}

bool
lc_kafka_fail_with(GError **error, lc_error code, rd_kafka_error_t *cause, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *what = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fail(error, code, what, rd_kafka_error_string(cause));
    rd_kafka_error_destroy(cause);
    return false;
}

bool
lc_kafka_is_config_error(rd_kafka_resp_err_t err)
{
    switch (err) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM:
    case RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
        return true;
    default:
        return false;
    }
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

    /* A static member sends no LeaveGroup, so there is nothing that closing would do for the group. */
    rd_kafka_destroy_flags(task->client, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
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
    destruction *task = g_atomic_rc_box_new0(destruction);
    gint64 until = g_get_monotonic_time() + wait_ms * (gint64)1000;

    task->client = client;
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

rd_kafka_topic_partition_list_t *
lc_kafka_list_of(const char *const *topics, int n_topics, int32_t partition)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n_topics);

    for (int i = 0; i < n_topics; i++)
        rd_kafka_topic_partition_list_add(list, topics[i], partition);
    return list;
}

bool
lc_kafka_ends(rd_kafka_t *client, const char *const *topics, int n_topics, int32_t partition, int64_t *ends,
              GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(topics, n_topics, partition);

    for (int i = 0; i < list->cnt; i++)
        list->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(client, list, ENDS_MS);
    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    for (int i = 0; !err && i < list->cnt; i++)
        ends[i] = list->elems[i].offset;
    return !err || lc_kafka_fail(error, LC_ERROR_RETRY, err, "the ends of partition %d", partition);
}

bool
lc_kafka_committed(rd_kafka_t *client, const char *const *topics, int n_topics, int32_t partition,
                   lc_log_committed *committed, lc_arena *arena, GError **error)
{
    g_autoptr(rd_kafka_topic_partition_list_t) list = lc_kafka_list_of(topics, n_topics, partition);
    rd_kafka_resp_err_t err = rd_kafka_committed(client, list, COMMITTED_MS);

    for (int i = 0; !err && i < list->cnt; i++)
        err = list->elems[i].err;
    if (err)
        return lc_kafka_fail(error, lc_kafka_is_config_error(err) ? LC_ERROR_CONFIG : LC_ERROR_RETRY, err,
                             "committed offsets of partition %d", partition);
    for (int i = 0; i < n_topics; i++) {
        const rd_kafka_topic_partition_t *one = &list->elems[i];
        lc_text metadata = {one->metadata_size ? one->metadata : NULL, one->metadata_size};
        committed[i].offset = one->offset >= 0 ? one->offset : -1;
        committed[i].metadata = lc_arena_text(arena, metadata);
    }
    return true;
}
