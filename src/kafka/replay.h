/* replay.h - reads one changelog partition, read committed, with a consumer of its own that is in no group. */
#pragma once

#include "client.h"

typedef struct lc_kafka_replay lc_kafka_replay;

/* Not started yet. */
lc_kafka_replay *lc_kafka_replay_new(const lc_kafka_options *options, const char *topic, int32_t partition,
                                     int64_t offset, GError **error);

/* Call until it does not say LC_ERROR_RETRY: a slow broker needs more than one call, with the same client.
 * LC_ERROR_FATAL: what lay between the offset and the log's beginning was deleted. */
bool lc_kafka_replay_start(lc_kafka_replay *replay, GError **error);

/* It was made for this, and start said LC_ERROR_RETRY. */
bool lc_kafka_replay_is_starting(const lc_kafka_replay *replay, const char *topic, int32_t partition, int64_t offset);

/* With LC_REPLAY_NOTHING `error` may be set. LC_ERROR_FATAL: the changelog ends before the offset asked for. */
lc_replay_result lc_kafka_replay_read(lc_kafka_replay *replay, int timeout_ms, lc_replayed *replayed, GError **error);
void lc_kafka_replay_release(lc_kafka_replay *replay);
void lc_kafka_replay_close(lc_kafka_replay *replay);
