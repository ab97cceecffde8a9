/* clients.c - making a client, and what it means where one can't be made. */
#include "client.h"
#include "credentials.h"

#define AGAIN_US (G_USEC_PER_SEC / 5) /* after a refusal, doubled with each */
#define MOST_DOUBLED 9                /* to some 100 s */

enum { CONSUMER, PRODUCER, TRANSACTIONAL, KINDS };

/* Once a client of a kind was made, what keeps another of it from being made is a file: it may come back, or be half
 * written. What contradicts itself in the configuration does so in the first. */
static struct {
    GMutex mutex;
    bool made[KINDS];
    char *reason; /* of the last refusal */
    unsigned refusals;
    gint64 again_us; /* monotonic: not before */
} clients;

lc_error
lc_kafka_code_of_file(void)
{
    g_mutex_lock(&clients.mutex);
    bool any = clients.made[CONSUMER] || clients.made[PRODUCER] || clients.made[TRANSACTIONAL];
    g_mutex_unlock(&clients.mutex);
    return any ? LC_ERROR_RETRY : LC_ERROR_CONFIG;
}

static bool
is_set(const rd_kafka_conf_t *conf, const char *property)
{
    size_t size = 0;

    return rd_kafka_conf_get(conf, property, NULL, &size) == RD_KAFKA_CONF_OK && size > 1;
}

static int
kind_of(rd_kafka_type_t type, const rd_kafka_conf_t *conf)
{
    if (type == RD_KAFKA_CONSUMER)
        return CONSUMER;
    return is_set(conf, "transactional.id") ? TRANSACTIONAL : PRODUCER;
}

static bool
names_files(const rd_kafka_conf_t *conf)
{
    static const char *const files[] = {"ssl.ca.location", "ssl.certificate.location", "ssl.key.location",
                                        "ssl.keystore.location", "ssl.crl.location"};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (is_set(conf, files[i]))
            return true;
    return false;
}

/* librdkafka (2.0.2) has destroyed the interceptors of a configuration that it made no client of, and would do so again
 * with the configuration itself, of some KB: so it is kept for good, and tried seldom. */
static void
keep_for_good(rd_kafka_conf_t *conf)
{
    static GPtrArray *all;

    if (all == NULL)
        all = g_ptr_array_new();
    g_ptr_array_add(all, conf);
}

static void
take_refusal(rd_kafka_conf_t *conf, const char *reason)
{
    keep_for_good(conf);
    g_free(clients.reason);
    clients.reason = g_strdup(reason);
    clients.again_us = g_get_monotonic_time() + (AGAIN_US << MIN(clients.refusals, MOST_DOUBLED));
    clients.refusals++;
}

static rd_kafka_t *
try_to_make(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char reason[512];
    rd_kafka_t *client = rd_kafka_new(type, conf, reason, sizeof reason);

    if (client == NULL)
        take_refusal(conf, reason);
    return client;
}

/* What a file may be to blame for is not tried again at once. */
static rd_kafka_t *
make(rd_kafka_type_t type, rd_kafka_conf_t *conf, GError **error)
{
    int kind = kind_of(type, conf);
    bool may_pass = clients.made[kind] && names_files(conf);
    rd_kafka_t *client = NULL;

    if (may_pass && clients.refusals && g_get_monotonic_time() < clients.again_us)
        rd_kafka_conf_destroy(conf);
    else
        client = try_to_make(type, conf);
    if (client == NULL) {
        g_set_error(error, LC_ERROR, may_pass ? LC_ERROR_RETRY : LC_ERROR_CONFIG, "kafka: %s", clients.reason);
        return NULL;
    }
    clients.made[kind] = true;
    clients.refusals = 0;
    return client;
}

rd_kafka_t *
lc_kafka_client_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, GError **error)
{
    g_mutex_lock(&clients.mutex);
    rd_kafka_t *client = make(type, conf, error);
    g_mutex_unlock(&clients.mutex);
    if (client)
        lc_credentials_join(client);
    return client;
}
