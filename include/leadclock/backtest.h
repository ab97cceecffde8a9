/* backtest.h - facts from a file, judged in order of arrival as section 9 says: what a policy would have published.
 *
 * Uses core, codec, policy, report, text and their libraries; reads files, no clock, no server. Memory grows with the
 * leads that are open or kept, not with the facts that went by. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/report.h>

/* ---- Facts from a file, one after the other: JSON Lines (section 9), or an Avro object container file, which its
 *      first bytes tell ---- */

typedef struct lc_fact_source lc_fact_source;

typedef struct {
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at; /* or LC_ABSENT */
} lc_sourced_fact;

typedef enum {
    LC_SOURCE_FACT,
    LC_SOURCE_BAD, /* no valid fact: `error` says why; the source goes on */
    LC_SOURCE_END,
    LC_SOURCE_BROKEN /* it can't be read on: `error` says why; LC_ERROR_CONFIG: it holds something else than facts */
} lc_source_event;

/* "-": standard input. LC_ERROR_CONFIG: it can't be opened, or begins as something else than facts. */
lc_fact_source *lc_fact_source_open(const char *path, GError **error);
void lc_fact_source_close(lc_fact_source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_fact_source, lc_fact_source_close)

/* What is in `fact` is good until the next call. Blank lines are passed over. */
lc_source_event lc_fact_source_next(lc_fact_source *source, lc_sourced_fact *fact, GError **error);

/* "events.jsonl:17" (a line), "facts.avro: record 17": where the last one stood. Good until the next call. */
const char *lc_fact_source_place(lc_fact_source *source);
/* In the end, on standard error: that there was no fact at all; how many hand-offs had an empty channel, and where the
 * first stood; nothing where there were none. */
void lc_fact_source_warn(const lc_fact_source *source, const char *command);
/* The share read so far, 0 to 1; negative where the size is not known. */
double lc_fact_source_share(const lc_fact_source *source);

/* ---- Rows (section 10) in files ---- */

typedef enum { LC_ROWS_JSONL, LC_ROWS_CSV, LC_ROWS_AVRO } lc_rows_format;

/* "jsonl", "csv" or "avro". */
bool lc_rows_format_parse(const char *text, lc_rows_format *format);

/* ---- One policy over the facts ---- */

typedef struct lc_backtest_side lc_backtest_side;

typedef void (*lc_backtest_sink)(lc_text lead_id, const lc_judgement *judgement, void *data);

/* Loads the policy. `tallied`: for a report or a comparison, which cost some time, and memory for every cycle. `sink`
 * may be NULL. */
lc_backtest_side *
lc_backtest_side_new(char **policies, bool tallied, lc_backtest_sink sink, void *data, GError **error);
void lc_backtest_side_free(lc_backtest_side *side);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_backtest_side, lc_backtest_side_free)

/* As long as the side lives. */
const lc_policy_book *lc_backtest_side_book(const lc_backtest_side *side);

/* Before the first fact: keeps the rows that stand, to be written in this format. It takes time, and memory for all. */
void lc_backtest_side_keep_rows(lc_backtest_side *side, lc_rows_format format);

lc_verdict lc_backtest_side_fact(lc_backtest_side *side, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at);
/* After the last fact; `until` LC_ABSENT: no clock runs on. */
void lc_backtest_side_finish(lc_backtest_side *side, lc_instant until);

/* Of a finished side that kept them: FOLDER/cycles.jsonl and so on, each sorted by its key. LC_ERROR_FATAL: a file
 * can't be written. */
bool lc_backtest_side_write_rows(const lc_backtest_side *side, const char *folder, GError **error);

/* Of a finished side. */
const lc_counter_sums *lc_backtest_side_counters(const lc_backtest_side *side);
/* What happened, of a side that was tallied; as of the end, by its own policy, whatever `question` says of these. */
lc_answers *lc_backtest_side_report(const lc_backtest_side *side, const lc_report_question *question);
/* What would change, of sides that were tallied. */
lc_answers *lc_backtest_compare(const lc_backtest_side *one, const lc_backtest_side *other);

/* ---- What of the facts means nothing, or may be a mistake ---- */

typedef struct lc_oddities lc_oddities;

/* Stages and reasons that no document of `book`, nor of `other` (or NULL; both borrowed), lists, event_ids that repeat,
 * facts later than `today`, attributes that are compared as numbers and are none. */
lc_oddities *lc_oddities_new(const lc_policy_book *book, const lc_policy_book *other, lc_instant today);
void lc_oddities_free(lc_oddities *odd);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_oddities, lc_oddities_free)

/* The fact that `source` gave last, and what came of it. */
void lc_oddities_take(lc_oddities *odd, const lc_fact *fact, lc_verdict verdict, lc_fact_source *source);
/* In the end, on standard error: of each kind how many, and where the first stood; nothing where there were none. */
void lc_oddities_tell(const lc_oddities *odd, const char *command);
