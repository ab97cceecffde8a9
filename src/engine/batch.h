/* batch.h - one batch: what its files share. Private to this room.
 *
 * batch.c          its life, and the sentence that describes it
 * batch_read.c     facts from the log; due wake-ups, leads and counters from the store (step 4)
 * batch_cut.c      what of a batch is left to the next one
 * batch_judge.c    facts and wake-ups -> outcomes, counters, dead letters
 * batch_publish.c  one transaction (steps 5 to 8)
 * batch_apply.c    what was committed, to the store (step 9) */
#pragma once

#include "worker.h"

/* A lead of the batch, as it stands after the facts judged so far. */
struct lc_batch_lead {
    lc_lead lead;
    lc_instant stored_wake_at; /* what the store has */
    size_t state_bytes;        /* no less than its state will take */
    bool is_loaded;            /* its state was read, if there is one */
    bool changed;
    size_t message; /* its state in the outbox */
    int64_t offset; /* its state in the changelog */
};

/* What the batch does to one partition. */
typedef struct lc_share {
    lc_partition *partition;
    lc_instant now;      /* safe time when the batch began */
    GHashTable *by_id;   /* lc_text * -> lc_batch_lead * */
    GPtrArray *leads;    /* lc_batch_lead *, by first use */
    size_t n_due;        /* of them, due wake-ups: the first ones */
    lc_instant due_from; /* none of them is due before */
    bool has_facts;
    bool is_read;                /* its position was compared, and some of its leads are loaded, if it has any */
    bool is_cut;                 /* some of its facts are left to the next batch */
    uint64_t n_wrong_partition;  /* dead letters that another partitioner made */
    int64_t *next;               /* O after the batch, by input topic */
    int64_t ends[LC_CHANGELOGS]; /* C after the batch */
    char *policy_hash;           /* in the metadata */
    char *metadata;
    lc_instant next_wakeup;
    char *lost; /* what Kafka has lost of the changelogs; NULL: nothing that is known of */
} lc_share;

struct lc_batch {
    lc_worker *worker;
    lc_arena arena;
    GArray *records; /* lc_batch_record */
    size_t record_bytes;
    size_t state_bytes; /* of all leads loaded */
    GPtrArray *shares;  /* lc_share *, of partitions that have anything to do */
    lc_outbox *outbox;
    lc_log_commit *commits; /* by share; in `arena` */
    lc_worker_tally tally;  /* what it adds once it is committed */
    bool transaction_is_open;
    lc_recovery_cause loss; /* why its partitions must be recovered, should it not come to its end */
};

lc_batch_record *lc_batch_record_at(const lc_batch *batch, guint index);
lc_share *lc_batch_share_at(const lc_batch *batch, guint index);
/* The share of a partition, made where there is none yet. */
lc_share *lc_batch_share_of(lc_batch *batch, lc_partition *partition);
/* The lead of the batch with this id; `id` must live as long as the batch. */
lc_batch_lead *lc_batch_lead_of(lc_batch *batch, lc_share *share, lc_text id);

/* Each: false for an error, or to give up (see lc_worker_tend). */
bool lc_batch_read_due(lc_batch *batch, GError **error);
bool lc_batch_read_facts(lc_batch *batch, lc_duration linger, GError **error);
bool lc_batch_load_leads(lc_batch *batch, GError **error);
/* Leaves to the next batch what was not loaded, and facts from the `n_records`th on. */
bool lc_batch_cut(lc_batch *batch, guint n_records, GError **error);
/* Wakes those leads of a share, from `first` to before `end`, whose wake-up is due. */
void lc_batch_judge_due(lc_batch *batch, lc_share *share, guint first, guint end);
/* As many as there is room for in what is to be published; how many they were. */
guint lc_batch_judge_facts(lc_batch *batch);
void lc_batch_add_rows(lc_batch *batch, const lc_share *share, const lc_judgement *judgement, lc_cause_of cause);
/* Of counts; only where they are published. */
void lc_batch_add_counter_rows(lc_batch *batch, const lc_share *share, lc_text channel, int32_t cohort,
                               const lc_stored_count *counts, size_t n);
bool lc_batch_load_counters(lc_batch *batch, GError **error);
/* Counts as the store has them, and its position compared. */
bool lc_batch_read_counts(lc_batch *batch, lc_partition *partition, lc_store_read *read, GError **error);
bool lc_batch_publish(lc_batch *batch, GError **error);
/* So that whoever recovers the partition stops too. After an abort. */
void lc_batch_tell_lost(lc_batch *batch, lc_share *share);
bool lc_batch_apply(lc_batch *batch, GError **error);
