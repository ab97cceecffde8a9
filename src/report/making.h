/* making.h - a report while it is made: what all of its parts share. Private to this room. */
#pragma once

#include "summary.h"

#include <leadclock/calendar.h>

typedef struct {
    const char *topic; /* for machines */
    char *text;        /* a sentence or more, owned */
} lc_sentence;

struct lc_answers {
    const lc_policy_book *book; /* NULL: times are UTC */
    char *title, *about;
    GArray *findings;          /* lc_sentence */
    GPtrArray *tables;         /* lc_table */
    lc_conversion *conversion; /* or NULL: nothing to draw */
};

typedef struct {
    const lc_ledger *ledger;
    const lc_report_question *question;
    const lc_summary *sums;
    GPtrArray *stages; /* char *: of all documents, in order, each once */
    GPtrArray *won;    /* char *: those that close as won */
    lc_answers *report;
    const lc_report_question *before; /* the period before; NULL: nothing is said of one */
    const lc_summary *sums_before;    /* its, where it is whole months, or else NULL */
} lc_making;

#define LC_ALL_CHANNELS LC_TEXT("(all)")

/* An empty one; `about` is taken. */
lc_answers *lc_report_new(const lc_policy_book *book, const char *title, char *about);
/* "2026-02-02 09:00 (Europe/Stockholm)". Caller frees. */
char *lc_report_minute(const lc_policy_book *book, lc_instant at);
/* When the leads that are asked for begin, as a link says it; NULL: at any time. Good to the end of the block. */
#define LC_FROM(making) (lc_report_from((making), (char[LC_INSTANT_TEXT_BYTES]){0}))
const char *lc_report_from(const lc_making *making, char *text);
/* To those of the leads that are asked for that are so: parameters and values, as lc_link takes them. Caller frees. */
#define LC_LEADS_LINK(making, ...) lc_link("/leads", "from", LC_FROM(making), __VA_ARGS__, NULL)
/* Whose leads, as two arguments of lc_link: absent is nobody's. */
#define LC_WHOSE(owner) (lc_text_is_absent(owner) ? "unowned" : "owner"), ((owner).data ? (owner).data : "1")
/* "/lead/ID". Caller frees. */
char *lc_report_lead_link(lc_text lead_id);
/* As people read it: to the second from a minute on, to the minute from a day on. Good to the end of the block. */
#define LC_SPAN(duration) (lc_report_span((duration), (char[LC_DURATION_TEXT_BYTES]){0}))
const char *lc_report_span(lc_duration duration, char *text);
/* The same of open time: in hours. */
#define LC_OPEN_TIME(duration) (lc_report_open_time((duration), (char[LC_DURATION_TEXT_BYTES]){0}))
const char *lc_report_open_time(lc_duration duration, char *text);
/* "1 lead", "12 leads". Good to the end of the block. */
#define LC_LEADS(count) (lc_report_leads((count), (char[32]){0}, 32))
const char *lc_report_leads(int64_t count, char *text, size_t size);
#define LC_WERE(count) ((count) == 1 ? "was" : "were")
lc_table *lc_report_add_table(const lc_making *making, const char *name, const char *title);
void lc_report_say(const lc_making *making, const char *topic, const char *format, ...) G_GNUC_PRINTF(3, 4);

/* A count that leads to `link` (taken), but for 0. */
void lc_report_count(lc_table *table, int64_t count, char *link);
/* A channel, rule or owner in a table: NULL or absent is `none`. */
void lc_report_name(lc_table *table, lc_text text, const char *none);

/* ---- Durations of many, by group ---- */

typedef struct lc_spans lc_spans;
lc_spans *lc_spans_new(void);
void lc_spans_free(lc_spans *spans);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_spans, lc_spans_free)
/* Of a group: what is asked of group 0 is asked of all together. */
void lc_spans_add(lc_spans *spans, uint32_t group, lc_duration duration);
size_t lc_spans_count(const lc_spans *spans, uint32_t group);
/* The least that `percent` (1 to 100) of them do not exceed; LC_ABSENT: there are none. */
lc_duration lc_spans_percentile(lc_spans *spans, uint32_t group, unsigned percent);
/* How many are at most so long. */
size_t lc_spans_within(lc_spans *spans, uint32_t group, lc_duration most);

/* ---- Numbers of texts, sorted as people read them ---- */

/* Of `set` (numbers of texts as pointers, never 0): by text in byte order. Caller unrefs (uint32_t). */
GArray *lc_report_sorted(const lc_ledger *ledger, GHashTable *set);

/* ---- The parts, in the order of the report ---- */

void lc_report_add_promises(const lc_making *making);
void lc_report_add_response(const lc_making *making);
void lc_report_add_volumes(const lc_making *making);
void lc_report_add_stages(const lc_making *making);
void lc_report_add_conversion(const lc_making *making);

/* Of the promises: how late they were. */
void lc_report_add_late(const lc_making *making);
/* Of the promises: rules that no lead came under. */
void lc_report_add_unmatched(const lc_making *making);

/* "2026-02". */
#define LC_MONTH(month) (lc_month_format((month), (char[LC_MONTH_TEXT_BYTES]){0}))
