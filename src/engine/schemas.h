/* schemas.h - schema ids: ours for writing, plans for reading. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/engine.h>

/* Where the rows of a table of codec.h go. */
static inline lc_output
lc_table_output(int table)
{
    return (lc_output)(LC_OUTPUT_TABLE_CYCLES + table);
}

typedef struct lc_schemas lc_schemas;

typedef enum {
    LC_PLAN_READY,
    LC_PLAN_JSON, /* a schema of JSON: records need no plan */
    LC_PLAN_UNREADABLE,
    LC_PLAN_NO_SUCH_ID,
    LC_PLAN_NOT_ASKED
} lc_plan_state;

/* The registry is handed over. `timeout`: an id that it fails for so long, while it gives others, is taken for a no. */
lc_schemas *lc_schemas_new(lc_registry *registry, lc_duration timeout, lc_time *time, lc_told *told);
void lc_schemas_free(lc_schemas *schemas);
/* Registers what we write: every outcome for its topic, both changelogs, keys and values of the tables that are
 * published. Repeat while LC_ERROR_RETRY. */
bool lc_schemas_register(lc_schemas *schemas, const char *const *output_names, GError **error);
uint32_t lc_schemas_id(const lc_schemas *schemas, lc_output output, lc_schema schema);
/* The plan of a writer's schema; `*plan` is set for READY only. */
lc_plan_state lc_schemas_plan(lc_schemas *schemas, uint32_t id, const lc_plan **plan);
/* What the registry said where there is NO_SUCH_ID; NULL: no more than that. */
const char *lc_schemas_why_not(const lc_schemas *schemas, uint32_t id);
/* Asks the registry for these ids (uint32_t, taken out of `ids`) until it is known of each what it is: a registry that
 * does not answer is waited for; a no is believed when it was said twice; and where it fails for an id alone, after
 * its time-out. A no is remembered for a minute. False: give up (see lc_worker_tend), or an error. */
bool lc_schemas_learn(lc_worker *worker, GArray *ids, GError **error);
/* The plan that a framed value of ours needs, as far as it is known at once. NULL: LC_ERROR_RETRY: the registry does
 * not answer, fails for this id, or has denied it once; it is to be tried again. LC_ERROR_FATAL: the value is not ours,
 * or its schema can't be read. LC_ERROR_CONFIG: the registry has no such schema. */
const lc_plan *lc_schemas_try(lc_worker *worker, lc_text value, GError **error);
/* The same; what is to be tried again is waited for. NULL: give up too (see lc_worker_tend). */
const lc_plan *lc_schemas_need(lc_worker *worker, lc_text value, GError **error);
