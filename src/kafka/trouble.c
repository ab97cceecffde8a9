/* trouble.c - why brokers do not let us in, as librdkafka's log tells it. */
#include "trouble.h"

#define FORGET_US (60 * G_USEC_PER_SEC) /* librdkafka repeats what stays the same every 30 s */
#define SCRAM_IS_RIGHT_FROM 0x020601ff
#define RENEWS_SESSIONS_FROM 0x020200ff

/* Requests that are answered before we are let in (ApiKey). */
#define SASL_HANDSHAKE 17
#define API_VERSIONS 18
#define SASL_AUTHENTICATE 36

typedef struct {
    char *text, *advice;
    gint64 at_us;
    int certificate_error; /* X509_V_ERR_..., of the last certificate that was not accepted; 0: none */
} trouble;

static gint any; /* troubles are known, or were: what is asked of every answer */
static GMutex mutex;
static GHashTable *troubles; /* char*, HOST:PORT -> trouble */

/* ---- What to do ---- */

#define CA_UNKNOWN 19
#define ISSUER_UNKNOWN 20 /* above the broker's own certificate that is the CA */

/* As in <openssl/x509_vfy.h>; librdkafka calls all of them "certificate verify failed". */
static const struct {
    int error;
    const char *what, *advice;
} certificate_errors[] = {
    {9, "the broker's certificate is not valid yet", "look at this machine's clock, and at the certificate"},
    {10, "the broker's certificate has expired", "the broker needs a new one; look at this machine's clock, too"},
    {18, "the broker's certificate is signed by itself, and not known here",
     "name it, or the CA that is to be trusted, in ssl.ca.location of kafka.properties"},
    {CA_UNKNOWN, "the broker's certificate is signed by a CA that is not known here",
     "name the CA's certificate in ssl.ca.location of kafka.properties"},
    {ISSUER_UNKNOWN, "who signed the broker's certificate is not known here",
     "name the CA's certificate in ssl.ca.location of kafka.properties; where that is right, the broker does not send "
     "the "
     "intermediate certificates, which belong into its key store (or into the file of ssl.ca.location)"},
    {21, "who signed the broker's certificate is not known here",
     "name the CA's certificate in ssl.ca.location of kafka.properties; where that is right, the broker does not send "
     "the "
     "intermediate certificates, which belong into its key store (or into the file of ssl.ca.location)"},
    {23, "the broker's certificate was revoked", "the broker needs a new one"},
    {62, "the broker's certificate is for another host",
     "name the brokers in kafka.brokers and in their advertised.listeners as their certificates do"},
    {64, "the broker's certificate is for another address",
     "name the brokers in kafka.brokers and in their advertised.listeners as their certificates do"},
};

/* librdkafka's log has no codes: these are its words, and those of OpenSSL. */
static const struct {
    const char *words, *advice;
} by_words[] = {
    {"SASL authentication error", "look at sasl.username, sasl.password and sasl.mechanism of kafka.properties"},
    {"Unsupported SASL mechanism", "look at sasl.mechanism of kafka.properties"},
    {"might require SASL", "the listener wants a login: set security.protocol (SASL_SSL, say) and sasl.* in "
                           "kafka.properties, or take another port"},
    {"SSL listener", "if the listener speaks TLS, set security.protocol to SSL or SASL_SSL in kafka.properties"},
    {"PLAINTEXT broker listener", "the listener speaks no TLS: set security.protocol to PLAINTEXT or SASL_PLAINTEXT in "
                                  "kafka.properties, or take another port"},
    {"unexpected eof", "the listener speaks no TLS: set security.protocol to PLAINTEXT or SASL_PLAINTEXT in "
                       "kafka.properties, or take another port"},
    {"wrong version number", "the listener speaks no TLS: set security.protocol to PLAINTEXT or SASL_PLAINTEXT in "
                             "kafka.properties, or take another port"},
    {"alert", "the broker does not accept our certificate, or there is none: look at ssl.certificate.location and "
              "ssl.key.location of kafka.properties"},
    {"refused", "nothing listens there: look whether Kafka runs and kafka.brokers is right"},
    {"resolve", "there is no host of that name: look at kafka.brokers, and at advertised.listeners of the brokers"},
};

static const char *
advice_of(const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(by_words); i++)
        if (strstr(text, by_words[i].words))
            return by_words[i].advice;
    return "look whether Kafka runs and kafka.brokers is right, and at security.protocol, sasl.* and ssl.* of "
           "kafka.properties";
}

static bool
wants_scram(const char *const *properties)
{
    for (; properties && properties[0]; properties += 2)
        if ((strcmp(properties[0], "sasl.mechanism") == 0 || strcmp(properties[0], "sasl.mechanisms") == 0) &&
            g_ascii_strncasecmp(properties[1], "SCRAM-", 6) == 0)
            return true;
    return false;
}

const char *
lc_trouble_with_scram(const char *const *properties)
{
    if (lc_kafka_has_scram() || !wants_scram(properties))
        return NULL;
    return "librdkafka before 2.6.1 can't log in by SCRAM to Kafka 4.0 or later, however right the password is: "
           "take a newer one (Debian 13 has it), or log in by PLAIN over TLS (SASL_SSL), or by a client "
           "certificate";
}

const char *
lc_kafka_warning(const lc_kafka_options *options)
{
    return lc_trouble_with_scram(options->properties);
}

static bool
is_scram_refused(const rd_kafka_t *client, const char *text)
{
    char mechanism[64] = "";
    size_t size = sizeof mechanism;

    if (strstr(text, "SASL authentication error") == NULL ||
        rd_kafka_conf_get(rd_kafka_conf((rd_kafka_t *)client), "sasl.mechanisms", mechanism, &size) != RD_KAFKA_CONF_OK)
        return false;
    const char *const properties[] = {"sasl.mechanism", mechanism, NULL};
    return lc_trouble_with_scram(properties) != NULL;
}

/* ---- Brokers ---- */

static void
free_trouble(void *data)
{
    trouble *one = data;

    g_free(one->text);
    g_free(one->advice);
    g_free(one);
}

/* With the mutex held. */
static trouble *
trouble_at(const char *node)
{
    if (troubles == NULL)
        troubles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_trouble);
    trouble *one = g_hash_table_lookup(troubles, node);
    g_atomic_int_set(&any, 1);
    if (one == NULL) {
        one = g_new0(trouble, 1);
        g_hash_table_insert(troubles, g_strdup(node), one);
    }
    return one;
}

/* "sasl_ssl://HOST:PORT/ID", "HOST:PORT/bootstrap": HOST:PORT. */
static char *
node_of(const char *broker)
{
    const char *host = strstr(broker, "://");

    host = host ? host + 3 : broker;
    return g_strndup(host, strcspn(host, "/"));
}

/* "[thrd:...]: BROKER: what happened (after 5ms in state CONNECT)", and for a coordinator "GroupCoordinator: HOST:PORT:
 * what happened". */
static char *
take_apart(const char *line, char **node)
{
    const char *text = strstr(line, "]: ");

    text = text ? text + 3 : line;
    const char *end = strstr(text, ": ");
    if (end == NULL)
        return NULL;
    if (g_str_has_prefix(text, "GroupCoordinator: ") || g_str_has_prefix(text, "TxnCoordinator: ")) {
        text = end + 2;
        end = strstr(text, ": ");
        if (end == NULL)
            return NULL;
    }
    g_autofree char *broker = g_strndup(text, (gsize)(end - text));
    *node = node_of(broker);
    const char *what = end + 2, *suffix = g_strrstr(what, " (after ");
    return g_strndup(what, suffix ? (gsize)(suffix - what) : strlen(what));
}

/* An end without a reason is no news: most come when a client is given up. */
static bool
tells_nothing(const char *what)
{
    return strcmp(what, "Disconnected") == 0 || strstr(what, "No further error information") != NULL;
}

static void
note(const rd_kafka_t *client, const char *node, const char *what)
{
    const char *said = what, *advice = advice_of(what);

    g_mutex_lock(&mutex);
    trouble *one = trouble_at(node);
    if (strstr(what, "certificate verify failed"))
        for (size_t i = 0; i < G_N_ELEMENTS(certificate_errors); i++)
            if (certificate_errors[i].error == one->certificate_error) {
                said = certificate_errors[i].what;
                advice = certificate_errors[i].advice;
            }
    if (client && is_scram_refused(client, what))
        advice = lc_trouble_with_scram((const char *const[]){"sasl.mechanism", "SCRAM-", NULL});
    g_free(one->text);
    g_free(one->advice);
    one->text = g_strdup(said);
    one->advice = g_strdup(advice);
    one->at_us = g_get_monotonic_time();
    g_mutex_unlock(&mutex);
}

static void
note_failure(const rd_kafka_t *client, const char *line)
{
    g_autofree char *node = NULL;
    g_autofree char *what = take_apart(line, &node);

    if (what && !tells_nothing(what))
        note(client, node, what);
}

char *
lc_trouble_text(void)
{
    GHashTableIter iter;
    gpointer node, data, last_node = NULL;
    const trouble *last = NULL;
    char *text = NULL;

    g_mutex_lock(&mutex);
    if (troubles) {
        g_hash_table_iter_init(&iter, troubles);
        while (g_hash_table_iter_next(&iter, &node, &data)) {
            const trouble *one = data;
            if (one->text && g_get_monotonic_time() - one->at_us < FORGET_US && (!last || one->at_us > last->at_us)) {
                last = one;
                last_node = node;
            }
        }
    }
    if (last)
        text = g_strdup_printf("%s: %s; %s", (const char *)last_node, last->text, last->advice);
    g_mutex_unlock(&mutex);
    return text;
}

/* ---- Transactions ---- */

static GHashTable *refused; /* char*, a client -> GPtrArray of char*, topics */

/* The calls of a transaction say neither which topic nor why; the log does: Failed to add partition "NAME" [N] to
 * transaction: REASON. */
static char *
refused_topic(const char *line)
{
    static const char before[] = "Failed to add partition \"";
    const char *name = strstr(line, before);

    if (name == NULL || !g_str_has_suffix(line, rd_kafka_err2str(RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)))
        return NULL;
    name += strlen(before);
    return g_strndup(name, strcspn(name, "\""));
}

static void
note_refused(const rd_kafka_t *client, const char *line)
{
    g_autofree char *topic = refused_topic(line);

    if (topic == NULL)
        return;
    g_mutex_lock(&mutex);
    if (refused == NULL)
        refused = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    GPtrArray *topics = g_hash_table_lookup(refused, rd_kafka_name(client));
    if (topics == NULL) {
        topics = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(refused, g_strdup(rd_kafka_name(client)), topics);
    }
    if (!g_ptr_array_find_with_equal_func(topics, topic, g_str_equal, NULL))
        g_ptr_array_add(topics, g_steal_pointer(&topic));
    g_mutex_unlock(&mutex);
}

char *
lc_trouble_refused_topics(const rd_kafka_t *client)
{
    char *names = NULL;

    g_mutex_lock(&mutex);
    GPtrArray *topics = refused ? g_hash_table_lookup(refused, rd_kafka_name(client)) : NULL;
    if (topics) {
        g_ptr_array_add(topics, NULL);
        names = g_strjoinv(", ", (char **)topics->pdata);
        g_hash_table_remove(refused, rd_kafka_name(client));
    }
    g_mutex_unlock(&mutex);
    return names;
}

/* ---- What clients tell ---- */

static GHashTable *given_up; /* char*: clients */

void
lc_trouble_give_up(const rd_kafka_t *client)
{
    g_mutex_lock(&mutex);
    if (given_up == NULL)
        given_up = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_hash_table_add(given_up, g_strdup(rd_kafka_name(client)));
    g_mutex_unlock(&mutex);
}

void
lc_trouble_gone(const char *name)
{
    g_mutex_lock(&mutex);
    g_hash_table_remove(given_up, name);
    g_mutex_unlock(&mutex);
}

static bool
is_given_up(const rd_kafka_t *client)
{
    if (client == NULL)
        return false;
    g_mutex_lock(&mutex);
    bool is = given_up && g_hash_table_contains(given_up, rd_kafka_name(client));
    g_mutex_unlock(&mutex);
    return is;
}

void
lc_trouble_take(const rd_kafka_t *client, const char *facility, const char *text)
{
    if (client && strcmp(facility, "ADDPARTS") == 0)
        note_refused(client, text);
    if (strcmp(facility, "FAIL") == 0 && !is_given_up(client))
        note_failure(client, text);
}

/* Its result stands; only why it is refused is kept. */
static int
on_certificate(rd_kafka_t *client, const char *broker, int32_t broker_id, int *error, int depth, const char *bytes,
               size_t size, char *reason, size_t reason_size, void *opaque)
{
    (void)client, (void)broker_id, (void)bytes, (void)size, (void)opaque;
    if (*error == 0)
        return 1;
    g_autofree char *node = node_of(broker);
    g_mutex_lock(&mutex);
    trouble_at(node)->certificate_error = *error == ISSUER_UNKNOWN && depth > 0 ? CA_UNKNOWN : *error;
    g_mutex_unlock(&mutex);
    g_snprintf(reason, reason_size, "error %d", *error);
    return 0;
}

static rd_kafka_resp_err_t
on_response(rd_kafka_t *client, int socket, const char *broker, int32_t broker_id, int16_t api_key, int16_t api_version,
            int32_t correlation_id, size_t size, int64_t rtt, rd_kafka_resp_err_t err, void *opaque)
{
    (void)client, (void)socket, (void)broker_id, (void)api_version, (void)correlation_id, (void)size, (void)rtt;
    (void)opaque;
    if (err || api_key == SASL_HANDSHAKE || api_key == API_VERSIONS || api_key == SASL_AUTHENTICATE ||
        !g_atomic_int_get(&any))
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    g_autofree char *node = node_of(broker);
    g_mutex_lock(&mutex);
    g_hash_table_remove(troubles, node);
    g_atomic_int_set(&any, g_hash_table_size(troubles) > 0);
    g_mutex_unlock(&mutex);
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static rd_kafka_resp_err_t
on_new_client(rd_kafka_t *client, const rd_kafka_conf_t *conf, void *opaque, char *reason, size_t size)
{
    (void)conf, (void)opaque, (void)reason, (void)size;
    return rd_kafka_interceptor_add_on_response_received(client, "leadclock-trouble", on_response, NULL);
}

void
lc_trouble_listen(rd_kafka_conf_t *conf)
{
    rd_kafka_conf_set_ssl_cert_verify_cb(conf, on_certificate); /* refused where it has no TLS */
    rd_kafka_conf_interceptor_add_on_new(conf, "leadclock-trouble", on_new_client, NULL);
}

bool
lc_kafka_has_scram(void)
{
    return rd_kafka_version() >= SCRAM_IS_RIGHT_FROM;
}

bool
lc_kafka_renews_sessions(void)
{
    return rd_kafka_version() >= RENEWS_SESSIONS_FROM;
}

const char *
lc_kafka_library_version(void)
{
    return rd_kafka_version_str();
}
