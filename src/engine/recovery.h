/* recovery.h - a recovery under way: what its files share of it, how it waits, and how it reads a changelog. */
#pragma once

#include "position.h"
#include "recover.h"
#include "worker.h"

#define LC_TURN_MS 100 /* then the other partitions of the worker have theirs */

/* From what Kafka has committed to a store that shows exactly that. In stages, each of which can be put off:
 * what one partition waits for holds up no other. */
struct lc_recovery {
    lc_worker *worker;
    lc_partition *partition;
    lc_arena arena;         /* of the whole recovery */
    lc_arena pair_arena;    /* of what was last committed */
    lc_arena applied_arena; /* of what was last read of the store */
    lc_arena piece_arena;   /* of one piece */
    int64_t started_ms;
    bool fenced;        /* the one whose transaction was pending */
    bool may_not_fence; /* the last owner */

    guint stage;                     /* under way */
    int64_t turn_ends_ms;            /* monotonic */
    int64_t waits_since_ms;          /* monotonic: for the same answer; -1: for none */
    int64_t refused_since_ms;        /* monotonic: the store does not take what it is told; -1: it does */
    int64_t furthest[LC_CHANGELOGS]; /* that `reached` ever was */
    int delay_ms;                    /* put off by so much */

    /* 3a */
    lc_log_committed *committed;
    int64_t *offsets;            /* O */
    int64_t ends[LC_CHANGELOGS]; /* C */
    bool republished;
    int64_t *lows, *input_ends;
    bool is_new; /* nothing is committed */
    int64_t changelog_ends[LC_CHANGELOGS];

    /* 3b */
    lc_text applied_text; /* as last read or written; in `applied_arena` or `written` */
    lc_applied applied;
    char *written;
    bool was_newer; /* than the pair that was fetched before it was read */
    bool is_emptying, emptied;
    uint64_t cursor; /* of the keys */

    /* 3c, 3d */
    bool has_replay, is_reading;    /* the worker's log replays for us; it has begun to */
    int changelog;                  /* the one that is looked at, where both are */
    int64_t beyond[LC_CHANGELOGS];  /* one past a committed record seen at or above C; 0: none was */
    int64_t reached[LC_CHANGELOGS]; /* the changelogs are in the store up to here, for certain */
    int64_t touched[LC_CHANGELOGS]; /* nothing at or above is in the store */
    int64_t replay_from, replay_began_ms, told_ms;
    lc_replayed untaken; /* read, but its schema is not known yet */
    bool has_untaken;
    GHashTable *piece; /* lc_text * (key) -> index in `leads` or `counters`, plus one */
    GArray *leads;     /* lc_lead_change */
    GArray *counters;  /* lc_counters_change */
    size_t piece_bytes;
    int64_t came_ms;   /* monotonic: when a record last came */
    int64_t taken_ms;  /* monotonic: when the log began to replay for us */
    int64_t silent_ms; /* when it last gave way to another */
    size_t n_replayed;
};

/* AGAIN: from a. LATER: the same stage once more. LAST: nothing is left to be done. */
typedef enum { LC_STEP_DONE, LC_STEP_AGAIN, LC_STEP_LATER, LC_STEP_LAST, LC_STEP_FAILED } lc_step;

typedef lc_step (*lc_recovery_stage)(lc_recovery *r, GError **error);

lc_recovery *lc_recovery_new(lc_worker *worker, lc_partition *partition);
void lc_recovery_forget_piece(lc_recovery *r);
/* What is left of an unfinished piece is read again. */
void lc_recovery_stop_reading(lc_recovery *r);

bool lc_recovery_others_are_at_work(const lc_recovery *r);
bool lc_recovery_is_turn_over(const lc_recovery *r);
/* Nobody else commits anything of the partition. */
bool lc_recovery_is_ours(const lc_recovery *r);
lc_step lc_recovery_put_off(lc_recovery *r, int delay_ms);
lc_step lc_recovery_stop(lc_recovery *r, GError **error, const char *problem);
/* What was asked for is not to be had yet (`problem`, handed over): it is asked for again, and told meanwhile. */
lc_step lc_recovery_wait_for(lc_recovery *r, const char *what, GError *problem, GError **error);
/* What was asked for is there. It waits no longer, unless for the store to take what is written. */
void lc_recovery_has_answer(lc_recovery *r);
typedef bool (*lc_recovery_question)(lc_recovery *r, GError **error);
lc_step lc_recovery_ask(lc_recovery *r, const char *what, lc_recovery_question asked, GError **error);

lc_step lc_recovery_start_reading(lc_recovery *r, lc_changelog changelog, int64_t from, GError **error);
lc_replay_result lc_recovery_read_replay(lc_recovery *r, lc_replayed *replayed, GError **error);
/* A changelog of which nothing comes is told; a tool gives up. */
lc_step lc_recovery_bear_silence(lc_recovery *r, GError **error);
