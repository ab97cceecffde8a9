/* takeover.h - for a new owner whose predecessor died within a transaction: whose it may be, and its end. */
#pragma once

#include "admin.h"

typedef struct {
    const lc_kafka_options *options; /* borrowed */
    rd_kafka_t *reader;              /* read uncommitted, of the group but never a member; or NULL */
    rd_kafka_t *fencer;              /* a producer under the dead one's id; or NULL */
    char *fenced_id;
    lc_group_question question; /* who is a member */
    int64_t met_ms;             /* monotonic: when another of our name was first met in the group; 0: never */
    bool has_name;
    int name; /* what holds our name on this machine, see process.h */
} lc_takeover;

/* lc_log.is_peer. The ids of versions before "GROUP-@INSTANCE" were GROUP-INSTANCE: they too, as long as they name a
 * worker. `*instance` (may be NULL) is within `transactional_id`. */
bool lc_takeover_is_peer(const lc_kafka_options *options, const char *transactional_id, const char **instance);

/* lc_log.committed_before, lc_log.is_member and lc_log.fence. Their clients are kept from one try to the next. */
bool lc_takeover_committed_before(lc_takeover *takeover, int n_inputs, int32_t partition, lc_log_committed *committed,
                                  lc_arena *arena, GError **error);
/* The metadata last committed for each partition, on whichever input; absent: none. */
bool lc_takeover_all_metadata(lc_takeover *takeover, int n_inputs, int32_t partitions, lc_text *metadata,
                              lc_arena *arena, GError **error);
/* Of one partition number. The reader is kept: partitions are taken over several at a time. */
bool lc_takeover_high_watermarks(lc_takeover *takeover, const char *const *topics, int n_topics, int32_t partition,
                                 int64_t *highs, GError **error);

typedef struct {
    bool is_there;
    char client_id[256], address[64];
    char cluster[64]; /* Kafka's, where this was asked; "": it does not say */
} lc_takeover_member;

/* The member of the group with this group.instance.id. */
bool lc_takeover_find_member(lc_takeover *takeover, const char *instance, lc_takeover_member *member, GError **error);
/* lc_log.check_instance. `session_ms`: after which the group forgets who died. From here on no other process of this
 * machine gets past its own, until this is cleared. */
bool lc_takeover_check_instance(lc_takeover *takeover, int64_t session_ms, GError **error);
bool lc_takeover_fence(lc_takeover *takeover, const char *transactional_id, GError **error);

void lc_takeover_clear(lc_takeover *takeover);
