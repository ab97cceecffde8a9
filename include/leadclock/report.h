/* report.h - answers for people: what happened, in tables.
 *
 * Sums and tallies are filled from judgements, and read as tables, which are written as aligned text, JSON or CSV.
 * Uses core, policy, calendar and codec (JSON texts). No I/O, no clock. */
#pragma once

#include <leadclock/core.h>

/* ---- The counters of section 7, summed ---- */

typedef struct lc_counter_sums lc_counter_sums;

lc_counter_sums *lc_counter_sums_new(void);
void lc_counter_sums_free(lc_counter_sums *sums);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_counter_sums, lc_counter_sums_free)

/* Texts are copied where they are new. */
void lc_counter_sums_add(lc_counter_sums *sums, const lc_count *count);

typedef struct {
    lc_text channel;
    int32_t cohort; /* lc_zone_month */
    lc_text metric;
    int64_t count; /* never 0 */
} lc_counter;

/* Sorted by channel, cohort and metric, in byte order; zeros are left out. Caller unrefs (lc_counter); texts are
 * borrowed. */
GArray *lc_counter_sums_sorted(const lc_counter_sums *sums);

/* ---- Net outcomes (6.2) by rule and channel, and response times: what counters don't tell. What a lead contributed is
 *      kept with the lead, so that a restatement or a retraction takes it back. ---- */

typedef struct lc_tally lc_tally;

/* One population of net outcomes of one type. */
typedef struct {
    lc_outcome_type type; /* breached, clawed back, routed or settled */
    lc_text rule;         /* absent: a gate held it back */
    lc_text channel;
    lc_text what; /* breached: the clock, or CLOCK:early; routed: "CAUSE to ROUTE"; settled: the cause */
    int64_t count;
} lc_tally_group;

lc_tally *lc_tally_new(void);
void lc_tally_free(lc_tally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_tally, lc_tally_free)

/* `*lead` is what this lead has contributed; NULL at first. Warnings are not counted. */
void lc_tally_add_outcome(lc_tally *tally, void **lead, const lc_outcome *outcome);
/* Only the response time of a LeadSettled that was not published. */
void lc_tally_add_response(lc_tally *tally, void **lead, const lc_outcome *outcome);
/* Nothing of this lead will change any more: its response times are final. Frees `*lead`. */
void lc_tally_close_lead(lc_tally *tally, void **lead);

/* Groups with a count, by channel and rule. Caller unrefs (lc_tally_group *, borrowed). */
GPtrArray *lc_tally_groups(const lc_tally *tally);

/* Response times (plain time from hand-off to first contact) of the leads closed so far. */
size_t lc_tally_responses(const lc_tally *tally);
/* The least response time that `percent` (1 to 100) of them do not exceed; LC_ABSENT: there are none. */
lc_duration lc_tally_percentile(lc_tally *tally, unsigned percent);

/* ---- Tables for people (aligned) and for machines (JSON, CSV) ---- */

typedef enum { LC_TABLE_TEXT, LC_TABLE_JSON, LC_TABLE_CSV } lc_table_format;

/* "text", "json" or "csv". */
bool lc_table_format_parse(const char *text, lc_table_format *format);

typedef enum {
    LC_CELL_TEXT,
    LC_CELL_COUNT,
    LC_CELL_CHANGE,  /* a count with its sign: +3 */
    LC_CELL_SHARE,   /* for people a percentage, for machines 0 to 1 */
    LC_CELL_DURATION /* for people "2m 30s", for machines milliseconds */
} lc_cell_kind;

typedef struct lc_table lc_table;

/* `name` is for machines, `title` for people. */
lc_table *lc_table_new(const char *name, const char *title);
void lc_table_free(lc_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_table, lc_table_free)

/* All columns come before the first cell. */
void lc_table_column(lc_table *table, lc_cell_kind kind, const char *name, const char *title);
/* Cells, row by row, in the order of the columns. */
void lc_table_text(lc_table *table, lc_text text);
void lc_table_count(lc_table *table, int64_t count);
/* Nothing where `whole` is 0. */
void lc_table_share(lc_table *table, int64_t part, int64_t whole);
/* LC_ABSENT: nothing. */
void lc_table_duration(lc_table *table, lc_duration duration);

/* `tables`: lc_table *. Text leaves out tables without rows. */
void lc_tables_write(GString *out, const GPtrArray *tables, lc_table_format format);

/* ---- The report ---- */

/* What is reported on; all borrowed. */
typedef struct {
    const lc_policy_book *book; /* whose stages, in their order */
    const lc_counter_sums *sums;
    lc_tally *tally;
    uint64_t facts, skipped;
    size_t leads; /* still kept at the end */
} lc_report_subject;

/* What happened: the whole first, then by channel. Caller unrefs (lc_table *). */
GPtrArray *lc_report_make(const lc_report_subject *subject);
