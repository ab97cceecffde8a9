/* report.h - answers for people: what happened, what converts, what to do next.
 *
 * Rows (section 10), wherever they come from, are taken into a ledger; answers are found in it, as structs; a report is
 * made of answers, in sentences and tables, and written as aligned text, JSON, CSV or HTML. So every face that shows
 * a figure shows the same one. Uses core, policy, calendar and codec (JSON texts). No I/O, no clock. */
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

/* ---- The rows that stand ---- */

typedef struct lc_ledger lc_ledger;

lc_ledger *lc_ledger_new(void);
void lc_ledger_free(lc_ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_ledger, lc_ledger_free)

/* `table` as in codec.h, `row` of its struct. What is needed is copied; the latest of a key stands. */
void lc_ledger_take(lc_ledger *ledger, int table, bool deleted, const void *row);
/* Before the first row: tenures, and why routes were taken, are kept too, for lc_answers_of_lead. */
void lc_ledger_keep_stories(lc_ledger *ledger);
/* Drops what was settled before then, with all that is its. */
void lc_ledger_forget_before(lc_ledger *ledger, lc_instant before);
size_t lc_ledger_count_cycles(const lc_ledger *ledger);

/* ---- How many, by rule and channel: what two policies are compared by ---- */

/* One population of net outcomes (6.2) of one type, as rows tell them: without those of leads that were erased since.
 */
typedef struct {
    lc_outcome_type type; /* breached, clawed back, routed or settled */
    lc_text rule;         /* absent: a gate held it back */
    lc_text channel;
    lc_text what; /* breached: the clock, or CLOCK:early; routed: "CAUSE to ROUTE"; settled: the cause */
    int64_t count;
} lc_outcome_group;

/* Sorted by type, then rule, channel and what. Caller unrefs (lc_outcome_group); texts are the ledger's. */
GArray *lc_ledger_outcomes(lc_ledger *ledger);

/* ---- What is asked ---- */

#define LC_REPORT_MONTHS 18

typedef enum {
    LC_REPORT_PROMISES = 1 << 0,
    LC_REPORT_RESPONSE = 1 << 1,
    LC_REPORT_VOLUMES = 1 << 2,
    LC_REPORT_STAGES = 1 << 3,
    LC_REPORT_CONVERSION = 1 << 4
} lc_report_part;

typedef struct {
    const lc_policy_book *book; /* whose stages, and in whose zones a month is one */
    lc_instant at;              /* how things stand then: which cohorts are old enough, how long something has waited */
    lc_instant from, to;        /* promises and volumes: of hand-offs from then (LC_ABSENT: all) to before (LC_NEVER) */
    const char *stage;          /* conversion to it; NULL: the one that closes as won, or else the last */
    unsigned months;            /* conversion: so many cohorts, back from `at` */
    uint64_t facts, skipped;    /* of a backtest; 0: not told */
    unsigned parts;             /* lc_report_part; 0: all of them */
} lc_report_question;

/* ---- Conversion by channel ---- */

/* The 95 % interval of a share, by Wilson (1927): score interval without correction for continuity, z = 1.959964.
 * `whole` 0: from 0 to 1. */
typedef struct {
    double low, high;
} lc_interval;
lc_interval lc_interval_of_share(int64_t part, int64_t whole);

/* Ages in periods of 30 days: at age K a lead was handed off at least K and less than K + 1 periods ago (@K of section
 * 7). What is older than 24 periods has no end. */
#define LC_REPORT_AGES 24

/* The hand-offs of a calendar month. */
typedef struct {
    lc_text channel; /* absent: all */
    int32_t month;
    int64_t leads;
    int64_t reached[LC_REPORT_AGES]; /* within K + 1 periods */
    unsigned n_ages;                 /* so many of these are complete: every lead of the month has had the time */
} lc_cohort;

/* A channel against all others together, at one age of the same cohorts. */
typedef struct {
    lc_text channel;
    int64_t leads, reached, other_leads, other_reached;
    lc_interval interval; /* of its share */
    bool is_weak;
} lc_channel_share;

typedef struct {
    char *stage;
    GArray *cohorts; /* lc_cohort: of all channels, then by channel; by month */
    int age;         /* the oldest that LC_REPORT_COHORTS cohorts have completed; -1: none yet */
    unsigned n_compared;
    int32_t first_compared, last_compared; /* months: the cohorts that have */
    GArray *channels;                      /* lc_channel_share, by channel; none where there is no age */

    /* Of these cohorts and at this age: leads that the qualification gate held back, and those that were opened. */
    int64_t held_back, held_back_reached, opened, opened_reached;
    lc_interval held_back_interval;
    const lc_channel_share *weakest_fit; /* of those with enough leads that are not weak; NULL: there is none */
    bool is_too_strict;                  /* even the low end of the first is above the share of that channel */
} lc_conversion;

#define LC_REPORT_COHORTS 6
/* A channel with fewer leads is never weak. */
#define LC_REPORT_LEADS 50

lc_conversion *lc_conversion_find(const lc_ledger *ledger, const lc_report_question *question);
void lc_conversion_free(lc_conversion *conversion);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_conversion, lc_conversion_free)

/* ---- What to work on ---- */

/* An open cycle; texts are the ledger's. */
typedef struct {
    lc_text lead_id, channel, rule, owner, next_clock;
    lc_uuid cycle_id;
    uint32_t attempts, broken, escalation;
    lc_instant handoff_at, next_due_at, broken_since, paused_since, priority_at;
    bool asked_again;
} lc_work;

typedef struct {
    lc_text owner;   /* absent: everybody's */
    bool is_unowned; /* only those that have no owner */
    size_t limit;    /* 0: all */
} lc_work_filter;

/* Broken promises first, then by priority_at (10.2), greatest first. Caller unrefs (lc_work). */
GArray *lc_worklist_find(const lc_ledger *ledger, const lc_work_filter *filter, size_t *n_all);
/* Why it is where it is, in a sentence. Caller frees. */
char *lc_work_why(const lc_work *work, lc_instant at);

/* ---- Tables for people (aligned, HTML) and for machines (JSON, CSV) ---- */

typedef enum { LC_TABLE_TEXT, LC_TABLE_JSON, LC_TABLE_CSV, LC_TABLE_HTML } lc_table_format;

/* "text", "json", "csv" or "html". */
bool lc_table_format_parse(const char *text, lc_table_format *format);

typedef enum {
    LC_CELL_TEXT,
    LC_CELL_COUNT,
    LC_CELL_CHANGE,    /* a count with its sign: +3 */
    LC_CELL_SHARE,     /* for people a percentage, for machines 0 to 1 */
    LC_CELL_POINTS,    /* one share less another: for people "+1.5" of a hundred, for machines 0.015 */
    LC_CELL_DURATION,  /* for people "2d 4h 10m", for machines milliseconds */
    LC_CELL_OPEN_TIME, /* a duration by a calendar, whose days have not 24 h: for people "52h 10m" */
    LC_CELL_INSTANT    /* for people "2026-02-02 09:00" in the zone of the book, for machines in UTC and with seconds */
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
/* A share that is no part of a whole, or points. */
void lc_table_ratio(lc_table *table, double ratio);
/* Nothing, whatever the column. */
void lc_table_nothing(lc_table *table);
/* LC_ABSENT: nothing. */
void lc_table_instant(lc_table *table, lc_instant instant);
void lc_table_duration(lc_table *table, lc_duration duration);

/* The last cell leads there, on a page (lc_answers_write_part): a path of ours, made by lc_link. NULL: nowhere. */
void lc_table_link(lc_table *table, char *link);
/* "/leads?owner=ann%20b": a path, then names and values, NULL-terminated; a value NULL is left out. Caller frees. */
char *lc_link(const char *path, ...) G_GNUC_NULL_TERMINATED;
/* What a page says where the table has no rows. */
void lc_table_say_empty(lc_table *table, const char *sentence);

/* Text that is nothing but text in HTML, also within quotes: all that a page shows goes through it. */
void lc_html_text(GString *out, const char *text);

/* `tables`: lc_table *. Text leaves out tables without rows. */
void lc_tables_write(GString *out, const GPtrArray *tables, lc_table_format format);

/* ---- The report ---- */

/* A book that is given is borrowed until they are freed: times are told in the zone of its first document, which they
 * name; in UTC where it is NULL. */
typedef struct lc_answers lc_answers;

lc_answers *lc_answers_new(const lc_ledger *ledger, const lc_report_question *question);
void lc_answers_free(lc_answers *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_answers, lc_answers_free)
/* HTML: one whole document, which needs nothing from elsewhere. */
void lc_answers_write(GString *out, const lc_answers *report, lc_table_format format);

/* What a page of the dashboard shows of it: headings, sentences, drawing, tables with their links; `path` (of ours,
 * with its query) is where its JSON and CSV are, below /api and /csv. No style, no script. */
void lc_answers_write_part(GString *out, const lc_answers *report, const char *path);
/* One of its tables as CSV. False: it has none of this name. */
bool lc_answers_write_csv(GString *out, const lc_answers *report, const char *table);
/* Only this table, and nothing in words or drawn. */
void lc_answers_choose_table(lc_answers *report, const char *table);
/* "promises, response". Caller frees. */
char *lc_answers_table_names(const lc_answers *report);
const char *lc_answers_title(const lc_answers *report);

/* ---- What pages ask besides ---- */

/* To a work list: whose leads are open, and how many have a broken promise. */
void lc_answers_add_owners(lc_answers *report, const lc_ledger *ledger);

/* How things stand: what is due and what is broken, what came and what went today (in the zone of the book's first
 * document). */
lc_answers *lc_answers_of_now(const lc_ledger *ledger, const lc_policy_book *book, lc_instant at);

/* To a report: how the promise of a first contact was kept, by the day of the hand-off, in the last `days` days. */
void lc_answers_add_days(lc_answers *report, const lc_ledger *ledger, const lc_policy_book *book, lc_instant at,
                         unsigned days);

/* Which leads. Absent texts: any. */
typedef struct {
    lc_text channel, rule, owner, clock, cause, reason, track;
    lc_text first_contact;           /* none, kept, broken, running or stopped: that promise */
    lc_text stage;                   /* reached */
    lc_text is;                      /* a kind: opened, held_back, contacted, ... (kinds.h) */
    lc_text next, broke, early;      /* a clock: it is due next; it was broken once; it was given up too early */
    lc_text broke_by;                /* who had it when `broke` was broken */
    lc_text routed, route, onto;     /* a cause, a route, a track: it was routed so once */
    lc_text month;                   /* of its hand-off: "2026-02" */
    int age;                         /* `stage` was reached within so many periods and one; -1: whenever */
    bool is_unowned, is_broken;      /* is_broken: `clock` is one that is broken; otherwise the next that is due */
    lc_instant due_from, due_before; /* due_before LC_ABSENT: it need not be due; LC_NEVER: whenever */
    lc_instant handed_off_from, settled_from; /* LC_ABSENT: whenever */
    lc_instant handed_off_before;             /* LC_NEVER: whenever */
    const char *about;                        /* in words, for people */
} lc_lead_filter;

#define LC_LEADS_SHOWN 500
/* The newest LC_LEADS_SHOWN of them; the longest broken, or those due first, where that is asked. */
lc_answers *
lc_answers_of_leads(const lc_ledger *ledger, const lc_policy_book *book, const lc_lead_filter *filter, lc_instant at);

/* All of one lead, as a time line; the ledger keeps stories. NULL: no row says anything of it. */
lc_answers *lc_answers_of_lead(const lc_ledger *ledger, const lc_policy_book *book, lc_text lead_id, lc_instant at);

/* Parts of a report: only the findings and tables whose names are given (NULL-terminated); its drawing only where
 * "trend" is among them. */
void lc_answers_choose(lc_answers *report, const char *title, const char *const *names);

/* When the day of `at` began in the zone of the book's first document, and when it ends. */
void lc_report_day(const lc_policy_book *book, lc_instant at, lc_instant *begins, lc_instant *ends);

/* "2026-02-02 09:00:00" there (NULL: in UTC), at least LC_DATE_TEXT_BYTES; returns `text`. */
char *lc_report_time(const lc_policy_book *book, lc_instant at, char *text);
/* "Europe/Stockholm". */
lc_text lc_report_zone_name(const lc_policy_book *book);

/* Tables (lc_table *, taken) under a heading. */
lc_answers *lc_answers_of_tables(const char *title, const char *about, GPtrArray *tables);
/* The work list as a report of its own. */
lc_answers *lc_answers_of_work(const GArray *work, const lc_policy_book *book, size_t n_all,
                               const lc_work_filter *filter, lc_instant at);
