/* harm_topic.c - what an operator may do to a topic, or a broker, by mistake.
 *
 *   harm-topic BROKERS delete-records TOPIC PARTITION OFFSET     those before OFFSET; -1: all
 *   harm-topic BROKERS delete TOPIC
 *   harm-topic BROKERS grow TOPIC PARTITIONS
 *   harm-topic BROKERS set TOPIC NAME VALUE ...                  all other settings go back to the broker's
 *   harm-topic BROKERS set-broker ID [NAME VALUE ...]            those it was started with, but for these */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_MS 30000

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "harm-topic: %s: %s\n", what, why);
    exit(1);
}

static rd_kafka_t *
make_client(const char *brokers)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char problem[256];

    if (rd_kafka_conf_set(conf, "bootstrap.servers", brokers, problem, sizeof problem) != RD_KAFKA_CONF_OK)
        die("bootstrap.servers", problem);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    if (client == NULL)
        die("no client", problem);
    return client;
}

static void
delete_records(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *topic, int32_t partition, int64_t offset)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);

    rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset < 0 ? RD_KAFKA_OFFSET_END : offset;
    rd_kafka_DeleteRecords_t *before = rd_kafka_DeleteRecords_new(list);
    rd_kafka_DeleteRecords(client, &before, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS);
    if (event == NULL || rd_kafka_event_error(event))
        die("delete-records", event ? rd_kafka_event_error_string(event) : "no answer");
    const rd_kafka_topic_partition_list_t *done =
        rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event));
    if (done->elems[0].err)
        die("delete-records", rd_kafka_err2str(done->elems[0].err));
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteRecords_destroy(before);
    rd_kafka_topic_partition_list_destroy(list);
}

static void
delete_topic(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *topic)
{
    rd_kafka_DeleteTopic_t *one = rd_kafka_DeleteTopic_new(topic);
    size_t n;

    rd_kafka_DeleteTopics(client, &one, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS);
    if (event == NULL || rd_kafka_event_error(event))
        die("delete", event ? rd_kafka_event_error_string(event) : "no answer");
    const rd_kafka_topic_result_t **done =
        rd_kafka_DeleteTopics_result_topics(rd_kafka_event_DeleteTopics_result(event), &n);
    if (rd_kafka_topic_result_error(done[0]))
        die("delete", rd_kafka_topic_result_error_string(done[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_DeleteTopic_destroy(one);
}

static void
grow(rd_kafka_t *client, rd_kafka_queue_t *queue, const char *topic, size_t partitions)
{
    char problem[256];
    rd_kafka_NewPartitions_t *one = rd_kafka_NewPartitions_new(topic, partitions, problem, sizeof problem);
    size_t n;

    if (one == NULL)
        die("grow", problem);
    rd_kafka_CreatePartitions(client, &one, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS);
    if (event == NULL || rd_kafka_event_error(event))
        die("grow", event ? rd_kafka_event_error_string(event) : "no answer");
    const rd_kafka_topic_result_t **done =
        rd_kafka_CreatePartitions_result_topics(rd_kafka_event_CreatePartitions_result(event), &n);
    if (rd_kafka_topic_result_error(done[0]))
        die("grow", rd_kafka_topic_result_error_string(done[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_NewPartitions_destroy(one);
}

static void
set_configs(rd_kafka_t *client, rd_kafka_queue_t *queue, rd_kafka_ResourceType_t type, const char *name,
            char **settings)
{
    rd_kafka_ConfigResource_t *one = rd_kafka_ConfigResource_new(type, name);
    size_t n;

    for (; settings[0] && settings[1]; settings += 2)
        rd_kafka_ConfigResource_set_config(one, settings[0], settings[1]);
    rd_kafka_AlterConfigs(client, &one, 1, NULL, queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, CALL_MS);
    if (event == NULL || rd_kafka_event_error(event))
        die("set", event ? rd_kafka_event_error_string(event) : "no answer");
    const rd_kafka_ConfigResource_t **done =
        rd_kafka_AlterConfigs_result_resources(rd_kafka_event_AlterConfigs_result(event), &n);
    if (rd_kafka_ConfigResource_error(done[0]))
        die("set", rd_kafka_ConfigResource_error_string(done[0]));
    rd_kafka_event_destroy(event);
    rd_kafka_ConfigResource_destroy(one);
}

int
main(int argc, char **argv)
{
    if (argc < 4)
        die("usage",
            "harm-topic BROKERS delete-records TOPIC PARTITION OFFSET, delete TOPIC, grow TOPIC PARTITIONS, set "
            "TOPIC NAME VALUE ..., or set-broker ID ...");
    rd_kafka_t *client = make_client(argv[1]);
    rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
    if (strcmp(argv[2], "delete-records") == 0 && argc == 6)
        delete_records(client, queue, argv[3], atoi(argv[4]), atoll(argv[5]));
    else if (strcmp(argv[2], "delete") == 0 && argc == 4)
        delete_topic(client, queue, argv[3]);
    else if (strcmp(argv[2], "grow") == 0 && argc == 5)
        grow(client, queue, argv[3], strtoul(argv[4], NULL, 10));
    else if (strcmp(argv[2], "set") == 0 && argc >= 6)
        set_configs(client, queue, RD_KAFKA_RESOURCE_TOPIC, argv[3], argv + 4);
    else if (strcmp(argv[2], "set-broker") == 0)
        set_configs(client, queue, RD_KAFKA_RESOURCE_BROKER, argv[3], argv + 4);
    else
        die("no such harm", argv[2]);
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(client);
    return 0;
}
