/* batch_parts.h - what a batch holds: its facts, its leads, and what it does to each partition. */
#pragma once

#include "facts.h"
#include "outbox.h"
#include "worker.h"

typedef struct lc_batch lc_batch;

/* A lead of the batch, as it stands after the facts judged so far. */
struct lc_batch_lead {
    lc_lead lead;
    lc_instant stored_wake_at; /* what the store has */
    size_t state_bytes;        /* no less than its state will take */
    lc_text state;             /* as it was before the batch, with its frame; absent: there is none */
    bool is_known;             /* it was kept from an earlier batch, and is not read */
    bool is_loaded;            /* its state was read, if there is one */
    bool changed;
    bool was_woken; /* a wake-up that it wanted came */
    size_t rows;    /* in the outbox: see lc_outbox_add_row */
    size_t message; /* its state in the outbox */
    int64_t offset; /* its state in the changelog */
};

/* What the batch does to one partition. */
typedef struct lc_share {
    lc_partition *partition;
    lc_instant now;      /* safe time when the batch began */
    GHashTable *by_id;   /* lc_text * -> lc_batch_lead * */
    GPtrArray *leads;    /* lc_batch_lead *, by first use */
    guint n_planned;     /* of them, to be loaded */
    size_t n_due;        /* of them, due wake-ups: the first ones */
    lc_batch_lead **due; /* the leads of these wake-ups, in the store's order, one more than once */
    size_t n_wakeups;
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
    lc_recovery_cause loss; /* why its partitions must be recovered, should it not come to its end */
};

lc_batch_record *lc_batch_record_at(const lc_batch *batch, guint index);
lc_share *lc_batch_share_at(const lc_batch *batch, guint index);
/* The share of a partition, made where there is none yet. */
lc_share *lc_batch_share_of(lc_batch *batch, lc_partition *partition);
/* The lead of the batch with this id; `id` must live as long as the batch. */
lc_batch_lead *lc_batch_lead_of(lc_batch *batch, lc_share *share, lc_text id);

lc_batch *lc_batch_new(lc_worker *worker);
void lc_batch_free(lc_batch *batch);
void lc_batch_clear(lc_batch *batch);
