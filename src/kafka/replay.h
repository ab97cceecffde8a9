/* replay.h - reads one changelog partition, read committed, with a consumer of its own that is in no group. */
#pragma once

#include "client.h"

typedef struct lc_replay lc_replay;

/* LC_ERROR_FATAL: what lay between `offset` and the log's beginning was deleted. LC_ERROR_RETRY: no answer. */
lc_replay *
lc_replay_open(const lc_kafka_options *options, const char *topic, int32_t partition, int64_t offset, GError **error);
/* With LC_REPLAY_NOTHING `error` may be set. LC_ERROR_FATAL: the changelog ends before the offset asked for. */
lc_replay_result lc_replay_read(lc_replay *replay, int timeout_ms, lc_replayed *replayed, GError **error);
void lc_replay_release(lc_replay *replay);
void lc_replay_close(lc_replay *replay);
