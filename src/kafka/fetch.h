/* fetch.h - wakes fetches that sleep.
 *
 * librdkafka stops fetching when the consumer queue is full, and draining it wakes nothing for up to 1 s: before 2.2,
 * where that time can't be set, any request to the leader does (servers.md, fetch stall). */
#pragma once

#include "client.h"

typedef struct {
    rd_kafka_t *client;
    rd_kafka_queue_t *queue; /* the consumer queue, owned */
    size_t low;              /* messages in the queue below which a full stop can't be meant; 0: none is */
    unsigned polls;          /* since the last look at the clock */
    gint64 next_us;
} lc_fetch_waker;

/* Borrows the client. `queued_min_messages`: of lc_fetch_prepare. */
void lc_fetch_waker_init(lc_fetch_waker *waker, rd_kafka_t *client, long queued_min_messages);
void lc_fetch_waker_clear(lc_fetch_waker *waker);

/* To be called before each poll; cheap. Whether it is time to look at what is behind. `idle`: to look at the clock in
 * any case, after a poll that gave nothing or before one of many messages. */
bool lc_fetch_waker_is_due(lc_fetch_waker *waker, bool idle);

/* Sends a request to the leader of every partition of the list, whose offsets are lost; looks again in `pause_ms`. */
void lc_fetch_waker_wake(lc_fetch_waker *waker, rd_kafka_topic_partition_list_t *partitions, int pause_ms);

/* Makes librdkafka go on fetching soon, where it can and the operator's properties don't say when. Returns what
 * lc_fetch_waker_init is to be given: queued.min.messages; 0: nothing need be woken. */
long lc_fetch_prepare(rd_kafka_conf_t *conf, const char *const *properties);
