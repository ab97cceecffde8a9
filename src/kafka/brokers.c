/* brokers.c - whether brokers verify transactions. */
#include "brokers.h"

#include "admin.h"

#define CALL_MS 1000

/* What brokers from Kafka 3.6 on have: a record that comes after the end of its transaction is refused, instead of
 * opening one that nobody ends (KIP-890). No request tells a client the broker's version. */
#define VERIFICATION "transaction.partition.verification.enable"

/* NULL: there is no such setting. */
static const char *
verification_of(const rd_kafka_ConfigResource_t *broker)
{
    size_t n;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(broker, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), VERIFICATION) == 0)
            return rd_kafka_ConfigEntry_value(entries[i]);
    return NULL;
}

static void
judge(const rd_kafka_ConfigResource_t *broker)
{
    const char *name = rd_kafka_ConfigResource_name(broker);
    rd_kafka_resp_err_t err = rd_kafka_ConfigResource_error(broker);
    const char *verification = err ? NULL : verification_of(broker);

    if (err)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE",
                         "kafka: broker %s does not tell whether it verifies transactions: %s", name,
                         rd_kafka_err2str(err));
    else if (verification == NULL)
        g_log_structured(
            G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
            "broker %s does not verify transactions, as Kafka does from 3.6 on: one may stay open for ever "
            "and hold up its partition ('kafka-transactions.sh find-hanging' finds it); upgrade it",
            name);
    else if (strcmp(verification, "true") != 0)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "broker %s does not verify transactions (" VERIFICATION " is %s): one may stay open for ever "
                         "and hold up its partition ('kafka-transactions.sh find-hanging' finds it); set it to true",
                         name, verification);
}

static void
ask(rd_kafka_t *client, int32_t broker, rd_kafka_queue_t *queue)
{
    g_autofree char *name = g_strdup_printf("%d", broker);
    rd_kafka_ConfigResource_t *resource = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_BROKER, name);
    rd_kafka_AdminOptions_t *options = lc_admin_options_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, CALL_MS);

    rd_kafka_DescribeConfigs(client, &resource, 1, options, queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
}

static void
take(rd_kafka_event_t *event)
{
    size_t n = 0;
    const rd_kafka_ConfigResource_t **brokers =
        rd_kafka_event_error(event)
            ? NULL
            : rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &n);

    for (size_t i = 0; i < n; i++)
        judge(brokers[i]);
    rd_kafka_event_destroy(event);
}

void
lc_kafka_warn_of_brokers(rd_kafka_t *client, const struct rd_kafka_metadata *metadata)
{
    static gint asked;
    int64_t deadline = lc_admin_deadline(CALL_MS);

    if (!g_atomic_int_compare_and_exchange(&asked, 0, 1))
        return;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    for (int i = 0; i < metadata->broker_cnt; i++)
        ask(client, metadata->brokers[i].id, queue);
    for (int i = 0; i < metadata->broker_cnt; i++) {
        rd_kafka_event_t *event = rd_kafka_queue_poll(queue, lc_admin_ms_until(deadline));
        if (event)
            take(event);
    }
    rd_kafka_queue_destroy(queue);
}
