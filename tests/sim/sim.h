/* sim.h - a cluster in one process and one thread: workers that run the engine's own code as coroutines, on the log and
 * the store of the room memory, in simulated time. Everything that happens follows from one seed.
 *
 * plan.c      what a seed asks for: sizes, rates of faults, the policy
 * workload.c  facts and hostile records, and when they are published
 * cluster.c   workers, time, faults: the world of memory.h
 * registry.c  a schema registry that knows our schemas, and may not answer, or deny one once
 * rows.c      what stands of the tables, and whether it is what should
 * watch.c     what must hold at each step: of every transaction when it is decided, of Redis at each position
 * failover.c  another master of Redis, one that sleeps, slots that are moved
 * scenario.c  seeds with a question of their own: owners that die, Kafka's data lost
 * oracle.c    what must hold in the end
 * main.c      seeds, one after the other */
#pragma once

#include "fiber.h"
#include "random.h"

#include "memory.h"
#include <leadclock/codec.h>
#include <leadclock/core.h>
#include <leadclock/engine.h>

#define SIM_MAX_FUTURE (10 * LC_MINUTE)
#define SIM_MAX_INPUTS 3
#define SIM_MAX_SLOTS 3
#define SIM_MAX_PARTITIONS 3
#define SIM_UPSTREAMS 2 /* transactions of a publisher */
#define SIM_FAULTS (LC_MEMORY_FAULT_DENIED + 1)

/* ---- What a seed asks for. Rates are chances in a million, each time that it could happen. ---- */

typedef enum {
    SIM_ANY_FAULTS,
    SIM_DEATHS,      /* owners die within their transactions, and all else is well, but that some may not fence */
    SIM_LOSS,        /* any faults; when all is settled Kafka loses data */
    SIM_GROWTH,      /* any faults; an input gets more partitions while all run */
    SIM_FAILING_OVER /* Redis fails over and moves slots, and all else is well */
} sim_scenario;

typedef struct {
    sim_scenario scenario;
    int n_inputs;
    int32_t partitions;
    unsigned slots; /* workers at a time */
    unsigned leads, facts;
    lc_duration span;    /* in which the facts are published */
    const char *policy;  /* YAML */
    lc_duration horizon; /* after which nothing of the policy is left to fire */
    lc_duration lateness, patience, linger;
    unsigned batch_facts, batch_wakeups;
    uint32_t switching; /* another worker goes on, at a call */
    uint32_t slow;      /* a call takes up to a second */
    uint32_t pause;     /* a worker stands still at a call */
    lc_duration max_pause;
    uint32_t zombie;          /* a worker stands still within a transaction, or a replay, until its session is over */
    uint32_t redis_snapshots; /* at a call to Redis */
    uint32_t crash;           /* a worker dies at a call */
    uint32_t faults[SIM_FAULTS];
    uint32_t registry; /* it does not answer, or says no to what it has */
    lc_duration max_marker_delay, max_end_delay;
    unsigned stops, kills, twins, empties, rollbacks, outages, compactions, standstills, clock_jumps; /* how many */
    uint32_t redis_empties, redis_rollbacks;     /* at a call to Redis */
    uint32_t replica_follows, promotions, moves; /* at a call to Redis */
    size_t piece_leads;
    size_t batch_bytes; /* of the states of a batch */
    size_t cache_bytes; /* of the leads that a worker keeps */
    bool erasures;      /* some leads are erased; of them only Redis and the changelog are compared */
    bool jump;          /* the rest of the horizon passes while all stand still */
    bool hostile;       /* some records are no facts */
    bool upstream;      /* some facts come in transactions */
    bool may_not_fence;
} sim_plan;

/* ---- The workload ---- */

typedef struct {
    lc_text lead_id;
    lc_fact fact; /* hostile records: none */
    int topic;
    int32_t partition;
    const char *reason; /* the dead letter it must become; NULL: a fact */
    lc_text key, value;
    lc_instant publish_at;
    bool is_held_back; /* until data is lost */
    unsigned upstream; /* the transaction it comes in; 0: none */
    int64_t offset;    /* -1: not published yet */
    bool is_committed; /* to be read, once the stable end has passed it */
    bool is_repeated;  /* another has its event_id */
    bool is_elsewhere; /* in a partition that an input got while all ran */
    lc_instant appended_at;
    lc_instant visible_at; /* when the last stable offset passed it; LC_NEVER: not yet */
} sim_record;

/* ---- The cluster ---- */

typedef struct sim sim;

/* One life of a worker. */
typedef struct {
    lc_time time; /* first */
    sim *sim;
    unsigned slot;
    char name[16]; /* in traces */
    sim_fiber *fiber;
    lc_log *log; /* ours while the fiber lives */
    lc_store *store;
    lc_worker *worker;
    lc_instant wake_at;
    bool is_suspended;  /* its process stands still */
    bool had_twin;      /* for a while there were two of its name: either may be told to go */
    bool is_superseded; /* another life has its names */
    bool has_ended, was_stopped, was_killed;
    bool has_delivered;         /* within its transaction */
    lc_duration stays_dead_for; /* 0: comes back soon. Not just when it is taken over: it may be fenced then */
    unsigned burst;             /* calls since it was resumed */
    lc_duration clock_ahead;    /* its wall clock's error */
    lc_instant last_wall;       /* as it last read it */
    bool succeeded;
    GError *error;
} sim_life;

typedef enum {
    SIM_PUBLISH,
    SIM_UPSTREAM_END,
    SIM_START,
    SIM_STOP,
    SIM_KILL,
    SIM_TAKEN_OVER,
    SIM_TWIN,
    SIM_EMPTY,
    SIM_SNAPSHOT,
    SIM_RESTORE,
    SIM_DOWN,
    SIM_UP,
    SIM_COMPACT,
    SIM_STANDSTILL,
    SIM_CLOCK,
    SIM_GROW,
    SIM_PROMOTE, /* what: why */
    SIM_REJOIN,
    SIM_WAKE,
    SIM_LATE, /* what was sent to a master that slept */
    SIM_MOVED
} sim_event_type;

typedef struct {
    lc_instant at;
    uint64_t order; /* of those at the same time */
    sim_event_type type;
    size_t what; /* index of the record, slot, ... */
} sim_event;

/* What a transaction committed for a partition. */
typedef struct {
    int64_t offsets[SIM_MAX_INPUTS], ends[LC_CHANGELOGS];
    char *metadata;
} sim_commit;

typedef struct sim_watch sim_watch;
typedef struct sim_rows sim_rows;

typedef enum { SIM_LOST_STATES, SIM_LOST_COUNTERS, SIM_LOST_INPUT, SIM_LOST_GROUP, SIM_LOST_COMMITS } sim_lost;
#define SIM_LOSSES 5

struct sim {
    lc_memory_world world; /* first */
    uint64_t seed;
    bool trace;
    unsigned weaken;   /* lc_memory_weaken */
    sim_random random; /* scheduling and faults */
    sim_plan plan;
    lc_instant began, now;
    lc_policy_book *book;
    lc_memory_broker *broker;
    lc_memory_redis *redis;
    lc_memory_snapshot *snapshot;
    lc_memory_snapshot *replica; /* what the replica of Redis has got; NULL: nothing yet */
    bool fails_over;             /* until the old master is a replica */
    unsigned written_before;     /* to old masters, before the one there is */
    uint32_t moves;              /* slots that are being moved, by partition */
    lc_arena arena;              /* of the workload */
    GArray *records;             /* sim_record */
    GArray *hidden;              /* size_t: records published, not visible yet */
    GArray *events;              /* sim_event, a heap would be overkill: sorted, the next one last */
    uint64_t n_events;
    GPtrArray *lives;  /* sim_life* */
    sim_life *current; /* NULL: the scheduler */
    unsigned n_lives;
    uint64_t n_steps;
    bool is_quiet; /* no more faults */
    sim_watch *watch;
    sim_rows *rows;
    lc_instant next_death;
    bool has_grown; /* an input, and which */
    int grown_topic;
    bool has_lost; /* what follows, of partition and topic */
    sim_lost lost;
    int32_t lost_partition;
    int lost_topic;
    bool was_told; /* a worker stopped and said why */
    char *failure;
};

/* The schema's id in the registry. */
#define SIM_SCHEMA_ID(schema) ((uint32_t)(schema) + 1)
#define SIM_UNKNOWN_SCHEMA_ID 9999
#define SIM_FAILING_SCHEMA_ID 9998 /* HTTP 500 for this one alone, for ever */

/* plan.c */
void sim_plan_draw(sim_plan *plan, uint64_t seed);
extern bool sim_only_failovers; /* whatever the seed */
const char *const *sim_input_names(int n_inputs);
extern const char *const sim_output_names[LC_OUTPUTS];

/* workload.c */
void sim_workload_make(sim *s);
void sim_workload_publish(sim *s, size_t index);
/* A lead that may be erased: what becomes of it depends on the order in which topics are read. */
bool sim_is_forgettable(lc_text lead_id);
/* The last stable offsets may have moved. */
void sim_workload_look(sim *s);

/* failover.c */
enum { SIM_DIED, SIM_SLEEPS }; /* why another is promoted */
/* What came about, in all seeds. */
enum {
    SIM_PROMOTED,
    SIM_OLD_WRITTEN,
    SIM_WITHIN_RECOVERY,
    SIM_BETWEEN,
    SIM_SLEPT_LONG,
    SIM_EXEC_LATE,
    SIM_EXEC_TOO_LATE,
    SIM_MOVED_BUSY,
    SIM_FAILOVERS
};
extern unsigned sim_failovers[SIM_FAILOVERS];
extern const char *const sim_failover_names[SIM_FAILOVERS];
void sim_failover_draw(sim_plan *plan, sim_random *random);
void sim_failover_draw_alone(sim_plan *plan, sim_random *random);
void sim_failover_step(sim *s, const char *call);
void sim_failover_happen(sim *s, const sim_event *event);
void sim_failover_end(sim *s);
void sim_failover_count(const sim *s);
int64_t sim_failover_oldest(const sim *s, int32_t partition, lc_changelog changelog);

/* cluster.c */
void sim_add_event(sim *s, lc_instant at, sim_event_type type, size_t what);
/* B or C of a position, whichever comes first; of none the last there is: it needs no tombstone. */
int64_t sim_end_of(GBytes *applied, lc_changelog changelog);
/* Runs one seed. NULL: all holds; otherwise what does not (g_free). */
/* `weaken`: lc_memory_weaken, and lc_check (worker.h) from bit SIM_ENGINE_BIT on. */
#define SIM_ENGINE_BIT 12
char *sim_run(uint64_t seed, unsigned weaken, bool trace);
/* The one that runs. */
extern sim *sim_running;
void sim_fail(sim *s, const char *format, ...) G_GNUC_PRINTF(2, 3);
void sim_say(sim *s, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* scenario.c */
bool sim_dies_now(sim *s, sim_life *life, const char *call);
lc_instant sim_taken_over_by(const sim *s);
void sim_check_taken_over(sim *s, unsigned slot);
void sim_check_fenced(lc_memory_world *world, const char *transactional_id);
bool sim_lose(sim *s);
bool sim_may_publish(const sim *s, const sim_record *record);
bool sim_is_missed(sim *s);
void sim_grow(sim *s);
bool sim_lies_elsewhere(const sim *s, const sim_record *record);
bool sim_takes_leave(const sim *s, const GError *error);
const char *sim_loss_name(const sim *s);

/* watch.c: members of lc_memory_world, and what they saw. */
void sim_watch_begin(sim *s);
void sim_watch_end(sim *s);
void sim_watch_decided(lc_memory_world *world, const lc_memory_decided *decided);
void sim_watch_applied(lc_memory_world *world, int32_t partition);
/* The ends of the partition were answered now, to one who read `wall` before. */
void sim_watch_asked(sim *s, int32_t partition, lc_instant wall);
/* GBytes (lead id) -> GHashTable of char* (event_id) -> GBytes (body): what stands. */
GHashTable *sim_watch_net(const sim *s);
const sim_commit *sim_watch_commits(const sim *s, int32_t partition, guint *n);
bool sim_same_but_restated(lc_text actual, lc_text expected);

/* rows.c */
sim_rows *sim_rows_new(const lc_policy_book *book);
void sim_rows_free(sim_rows *rows);
/* A committed record of a table (codec.h), in order. */
void sim_rows_take(sim *s, int table, int32_t partition, const lc_memory_record *record);
/* The transaction is over: what was marked as deleted has its tombstone. */
void sim_rows_check_marks(sim *s);
/* Of the lead those rows stand, and no others, that follow at `now`. */
void sim_rows_check_lead(sim *s, const lc_lead *lead, lc_instant now);
/* char* (partition|channel|cohort|metric) -> int64_t*, without zeros. */
GHashTable *sim_rows_counts(sim *s);

/* oracle.c */
/* Of a framed value; the plan lasts as long as the process. NULL: not one of our schemas. */
const lc_plan *sim_plan_of(lc_text value);
lc_text sim_body_of(lc_text value);
char *sim_header_of(const lc_memory_record *record, const char *name);
/* NULL: all that is committed is applied, all that was published is judged, and nothing is due; or what is not yet. */
char *sim_unsettled(sim *s);
void sim_check(sim *s);
