/* group.h - the group consumer of one worker: assignment, records, positions.
 *
 * A lane is one input topic of one partition. Nothing of a lane is delivered before its first seek; where a lane goes
 * on is kept here, not in librdkafka, so that no pause, seek or rebalance can lose or repeat a record. */
#pragma once

#include "client.h"

typedef struct lc_group lc_group;

lc_group *lc_group_new(const lc_kafka_options *options, const char *const *inputs, int n_inputs, GError **error);
void lc_group_free(lc_group *group);

/* Its session.timeout.ms. */
int64_t lc_group_session_ms(const lc_group *group);
rd_kafka_t *lc_group_client(lc_group *group);
bool lc_group_subscribe(lc_group *group, GError **error);
bool lc_group_poll(lc_group *group, int timeout_ms, lc_log_event *event, GError **error);
void lc_group_release_records(lc_group *group);
const int32_t *lc_group_assignment(lc_group *group, size_t *n);
/* Whether the assignment, and that of the other members, is what inputs with so many partitions make. */
bool lc_group_check(lc_group *group, int32_t partitions, GError **error);
void lc_group_release_assignment(lc_group *group);
void lc_group_pause(lc_group *group, int32_t partition);
void lc_group_resume(lc_group *group, int32_t partition);
bool lc_group_seek(lc_group *group, int32_t partition, const int64_t *offsets, GError **error);
bool
lc_group_committed(lc_group *group, int32_t partition, lc_log_committed *committed, lc_arena *arena, GError **error);
/* A transaction that may have had some pending was ended: what was asked about them is out of date. */
void lc_group_offsets_moved(lc_group *group);
bool lc_group_watermarks(lc_group *group, int32_t partition, int64_t *lows, int64_t *ends, GError **error);
bool lc_group_ends(lc_group *group, const lc_log_end **ends, size_t *n, GError **error);

/* What keeps the group from giving us partitions or records; NULL: nothing known. Caller frees. */
GError *lc_group_trouble(lc_group *group);

/* As it was when the partitions were assigned; NULL: none are. Owned by the group, good until release_assignment. */
const rd_kafka_consumer_group_metadata_t *lc_group_metadata(const lc_group *group);
