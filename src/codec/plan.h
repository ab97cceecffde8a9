/* plan.h - how to read one writer's schema into our structs: a list of steps, one a field of the writer.
 *
 * A step says what to read from the wire and where in the struct it goes. What the writer has and we have not is
 * passed over; what we have and the writer has not keeps the value of the blank struct: the default of our schema. */
#pragma once

#include "node.h"

/* What a member of a struct is, and from which types of a writer it is read. */
typedef enum {
    LC_TARGET_NONE,       /* not kept */
    LC_TARGET_TEXT,       /* lc_text, from string or bytes */
    LC_TARGET_NOTE,       /* not kept, only its length is checked */
    LC_TARGET_EVENT_ID,   /* lc_text, from string or bytes, or from fixed(16) as a UUID */
    LC_TARGET_INSTANT,    /* lc_instant, from long or int: a timestamp of any unit, or plain milliseconds */
    LC_TARGET_LONG,       /* int64_t, from long or int */
    LC_TARGET_INT,        /* int32_t, from int */
    LC_TARGET_BOOL,       /* bool, from boolean */
    LC_TARGET_ENUM,       /* an enumeration, from an enum, by symbol */
    LC_TARGET_CONNECTED,  /* bool: whether an enum's symbol is the second one of `symbols` */
    LC_TARGET_INDEX,      /* lc_text without data, whose size is an index from 1 */
    LC_TARGET_ATTRIBUTES, /* of lc_fact, from a map of texts */
    LC_TARGET_INDICES,    /* attributes of lc_fact, from an array of indices: key, value, ... */
    LC_TARGET_TEXTS,      /* lc_text_list, from an array of texts */
    LC_TARGET_FACTS,      /* lc_fact_list, from an array of records */
    LC_TARGET_COUNTS      /* lc_count_list, from a map of longs */
} lc_target;

/* One field of our schema. */
typedef struct {
    const char *name;
    lc_target target;
    size_t offset;              /* of the member in the struct */
    const char *const *symbols; /* ENUM, CONNECTED: ours in the order of the enumeration, NULL-terminated */
    int default_symbol;         /* what an unknown symbol is; -1: an error */
} lc_field;

typedef struct {
    lc_text *items;
    size_t n, room;
} lc_text_list;

typedef struct {
    lc_fact *items;
    size_t n, room;
} lc_fact_list;

typedef struct {
    lc_metric_count *items;
    size_t n, room;
} lc_count_list;

typedef enum {
    LC_STEP_SKIP,
    LC_STEP_NOTHING, /* a null: the blank value stays */
    LC_STEP_REFUSE,  /* a type that can't become ours: passed over, a defect */
    LC_STEP_UNION,
    LC_STEP_TEXT,
    LC_STEP_NOTE,
    LC_STEP_UUID,
    LC_STEP_LONG,
    LC_STEP_LONG_FROM_INT,
    LC_STEP_INSTANT_FROM_MICROS,
    LC_STEP_INSTANT_FROM_NANOS,
    LC_STEP_INT,
    LC_STEP_BOOL,
    LC_STEP_ENUM,
    LC_STEP_CONNECTED,
    LC_STEP_INDEX,
    LC_STEP_ATTRIBUTES,
    LC_STEP_INDICES,
    LC_STEP_TEXTS,
    LC_STEP_FACTS,
    LC_STEP_COUNTS
} lc_step_code;

typedef struct lc_step lc_step;
struct lc_step {
    lc_step_code code;
    int null_branch;        /* the value is in a union of null, which is this branch, and one other type; -1: not */
    uint32_t offset;        /* in the struct */
    uint32_t n;             /* steps; symbols of the writer's enum */
    const char *name;       /* of the field */
    const lc_node *node;    /* SKIP; of the items */
    const int16_t *symbols; /* ours by the writer's; -1: unknown */
    const lc_step *steps;   /* UNION: by branch. Of a list: of an item; FACTS: one a field */
    const char *problem;    /* REFUSE */
};

struct lc_plan {
    lc_arena memory; /* of all that follows, where it has its own */
    const lc_node *root;
    uint64_t n_edges;
    int schema;
    lc_step *steps; /* one a field of the writer, in its order; none where there is no struct */
    uint32_t n_steps;
    uint32_t n_peek_steps; /* of a LeadState: so many until lead_id and wake_at are read */
};

typedef struct {
    lc_wire wire;
    lc_arena *arena;
    const char *field;  /* where wire.problem is */
    const char *defect; /* what keeps a record that was read from being ours; NULL: nothing */
} lc_plan_reader;

/* The steps from a record of the writer to a struct with `fields` (the last has no name). All from `arena`. */
lc_step *lc_steps_new(const lc_node *record, const lc_field *fields, lc_arena *arena);

/* Runs steps over the struct at `base`, which is blank before. False: reader->wire.problem. */
bool lc_steps_run(const lc_step *steps, uint32_t n_steps, lc_plan_reader *reader, void *base);

/* The problem, in a field (or NULL), as LC_ERROR_RECORD; NULL: not the record that was asked for. Returns false. */
bool lc_plan_fail(const lc_plan *plan, const char *field, const char *problem, GError **error);

lc_plan_reader lc_plan_reader_over(const lc_plan *plan, const void *body, size_t size, lc_arena *arena);

/* Fills a blank plan for a record of a schema with so many edges; its steps are from `arena`. */
void lc_plan_set_up(lc_plan *plan, const lc_node *record, uint64_t n_edges, lc_arena *arena);

/* The table whose keys or rows it writes; -1: none. */
int lc_plan_table(const lc_plan *plan);
/* What a row is read into: see read_row.c. */
const lc_field *lc_row_fields(int table, lc_arena *arena);

/* YYYY-MM as 12 * year + month - 1; -1: it is none. */
int32_t lc_read_month(lc_text text);

bool lc_plan_is_fact(const lc_plan *plan);
/* Of a plan of facts. */
lc_fact_type lc_plan_fact_type(const lc_plan *plan);

/* Runs all steps of the plan, and wants the body to end there. */
bool lc_plan_run(const lc_plan *plan, lc_plan_reader *reader, void *base);
/* The same of a record that only we write: a defect is a failure. */
bool lc_plan_run_ours(const lc_plan *plan, lc_plan_reader *reader, void *base);

/* ---- The structs and their fields, by schema ---- */

extern const lc_field lc_lead_fields[];        /* of lc_read_lead */
extern const lc_field lc_stored_fact_fields[]; /* of lc_fact */
extern const lc_field lc_counters_fields[];    /* of lc_read_counters */

typedef struct {
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at; /* of the backtest's files only (section 9) */
} lc_read_fact;

typedef struct {
    lc_text lead_id;
    lc_instant wake_at, judged_at, erased_at;
    lc_text_list strings;
    lc_fact_list facts;
} lc_read_lead;

typedef struct {
    lc_text channel, cohort;
    int32_t partition;
    lc_count_list counts;
} lc_read_counters;

/* What is left to do once the steps of a fact have run. */
void lc_plan_finish_fact(const lc_plan *plan, lc_read_fact *read);

extern const lc_fact lc_blank_fact;
extern const lc_read_fact lc_blank_read_fact;
extern const lc_metric_count lc_blank_count;
