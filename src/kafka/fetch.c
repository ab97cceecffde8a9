/* fetch.c - wakes a fetcher that sleeps though its queue is empty (servers.md). */
#include "fetch.h"

#include <stdlib.h>

#define LOOK_EVERY_POLLS 128
#define LOOK_EVERY_MS 20
#define REQUEST_TIMEOUT_MS 500
#define BACKOFF "fetch.queue.backoff.ms" /* librdkafka 2.2 */
#define BACKOFF_MS "20"

void
lc_fetch_waker_init(lc_fetch_waker *waker, rd_kafka_t *client, long queued_min_messages)
{
    *waker = (lc_fetch_waker){
        .client = client, .queue = rd_kafka_queue_get_consumer(client), .low = ((size_t)queued_min_messages + 1) / 2};
}

void
lc_fetch_waker_clear(lc_fetch_waker *waker)
{
    g_clear_pointer(&waker->queue, rd_kafka_queue_destroy);
}

bool
lc_fetch_waker_is_due(lc_fetch_waker *waker, bool idle)
{
    if (waker->low == 0 || (++waker->polls < LOOK_EVERY_POLLS && !idle))
        return false;
    waker->polls = 0;
    gint64 now = g_get_monotonic_time();
    if (now < waker->next_us)
        return false;
    waker->next_us = now + LOOK_EVERY_MS * 1000;
    return rd_kafka_queue_length(waker->queue) < waker->low;
}

void
lc_fetch_waker_wake(lc_fetch_waker *waker, rd_kafka_topic_partition_list_t *partitions, int pause_ms)
{
    for (int i = 0; i < partitions->cnt; i++)
        partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
    rd_kafka_resp_err_t err = rd_kafka_offsets_for_times(waker->client, partitions, REQUEST_TIMEOUT_MS);
    /* A leader that does not answer must not take half of our time. */
    waker->next_us = g_get_monotonic_time() + (err ? 1000 : pause_ms) * 1000;
}

/* What the operator names stays as it is, also where that is librdkafka's own default. */
static bool
is_named(const char *const *properties, const char *name)
{
    for (; properties && properties[0]; properties += 2)
        if (strcmp(properties[0], name) == 0)
            return true;
    return false;
}

long
lc_fetch_prepare(rd_kafka_conf_t *conf, const char *const *properties)
{
    char value[32];
    size_t size = sizeof value;

    if (is_named(properties, BACKOFF) || rd_kafka_conf_set(conf, BACKOFF, BACKOFF_MS, NULL, 0) == RD_KAFKA_CONF_OK)
        return 0;
    if (rd_kafka_conf_get(conf, "queued.min.messages", value, &size) != RD_KAFKA_CONF_OK)
        return 100000;
    return strtol(value, NULL, 10);
}
