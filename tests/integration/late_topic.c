/* late_topic.c - to be preloaded: as long as the file LC_LATE_FILE exists, the brokers do not tell of a topic whose
 * name ends in LC_LATE_TOPIC, as those do that have just made it and are busy. */
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef rd_kafka_resp_err_t (*metadata_function)(rd_kafka_t *, int, rd_kafka_topic_t *,
                                                 const struct rd_kafka_metadata **, int);

static bool
is_late(const char *topic)
{
    const char *end = getenv("LC_LATE_TOPIC"), *file = getenv("LC_LATE_FILE");
    size_t size = strlen(topic), n = end ? strlen(end) : 0;

    return file && n > 0 && size >= n && strcmp(topic + size - n, end) == 0 && access(file, F_OK) == 0;
}

rd_kafka_resp_err_t
rd_kafka_metadata(rd_kafka_t *client, int all_topics, rd_kafka_topic_t *topic,
                  const struct rd_kafka_metadata **metadata, int timeout_ms)
{
    metadata_function real = (metadata_function)dlsym(RTLD_NEXT, "rd_kafka_metadata");
    rd_kafka_resp_err_t err = real(client, all_topics, topic, metadata, timeout_ms);

    for (int i = 0; err == RD_KAFKA_RESP_ERR_NO_ERROR && i < (*metadata)->topic_cnt; i++)
        if (is_late((*metadata)->topics[i].topic))
            (*metadata)->topics[i].partition_cnt = 0;
    return err;
}
