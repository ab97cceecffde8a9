/* backtest.h - the parts of `backtest`: one policy over the facts, its report, a comparison, progress. */
#pragma once

#include "counters.h"
#include "replay.h"
#include "tables.h"
#include "tally.h"

/* ---- One policy over the facts ---- */

typedef struct lc_backtest_side lc_backtest_side;

typedef void (*lc_backtest_sink)(lc_text lead_id, const lc_judgement *judgement, void *data);

/* Loads the policy. `tallied`: for a report or a comparison, which cost some time. `sink` may be NULL. */
lc_backtest_side *
lc_backtest_side_new(char **policies, bool tallied, lc_backtest_sink sink, void *data, GError **error);
void lc_backtest_side_free(lc_backtest_side *side);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_backtest_side, lc_backtest_side_free)

lc_verdict lc_backtest_side_fact(lc_backtest_side *side, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at);
/* After the last fact; `until` LC_ABSENT: no clock runs on. */
void lc_backtest_side_finish(lc_backtest_side *side, lc_instant until);

/* Of a finished side. */
const char *lc_backtest_side_name(const lc_backtest_side *side); /* its policy files */
const lc_policy_book *lc_backtest_side_book(const lc_backtest_side *side);
const lc_backtest_counters *lc_backtest_side_counters(const lc_backtest_side *side);
lc_tally *lc_backtest_side_tally(const lc_backtest_side *side);
size_t lc_backtest_side_leads(const lc_backtest_side *side); /* still kept at the end */

/* ---- Tables ---- */

/* What happened. Caller unrefs (lc_table *). */
GPtrArray *lc_backtest_report(const lc_backtest_side *side, uint64_t facts, uint64_t skipped);
/* What would change. */
GPtrArray *lc_backtest_compare(const lc_backtest_side *one, const lc_backtest_side *other);

/* ---- Progress, on a terminal: facts, rate, share done ---- */

typedef struct {
    bool shown;
    gint64 started, next; /* microseconds, monotonic */
} lc_progress;

void lc_progress_start(lc_progress *progress, bool shown);
/* Cheap enough for every fact. `share` negative: not known. */
void lc_progress_show(lc_progress *progress, uint64_t facts, double share);
/* Takes the line away, before something else is printed. */
void lc_progress_clear(lc_progress *progress);
