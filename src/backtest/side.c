/* side.c - one policy over the facts: its judgements, counters and rows. */
#include "side.h"

#include "rerun.h"
#include "rows.h"

/* What a report is made of. */
#define REPORTED_ROWS (1u << LC_ROW_CYCLE | 1u << LC_ROW_BREACH | 1u << LC_ROW_STAGE | 1u << LC_ROW_ROUTE)

struct lc_backtest_side {
    char *name;
    lc_policy_book *book;
    lc_rerun *rerun;
    lc_counter_sums *counters;
    lc_ledger *ledger;  /* or NULL */
    lc_kept_rows *rows; /* or NULL */
    lc_instant until;   /* how far clocks have run */
    lc_backtest_sink sink;
    void *data;
};

static void
take_judgement(lc_kept_lead *lead, const lc_judgement *judgement, void *data)
{
    lc_backtest_side *side = data;
    for (size_t i = 0; i < judgement->n_counts; i++)
        lc_counter_sums_add(side->counters, &judgement->counts[i]);
    for (size_t i = 0; side->ledger && i < judgement->n_rows; i++)
        lc_ledger_take(side->ledger, (int)judgement->rows[i].type, judgement->rows[i].deleted,
                       &judgement->rows[i].cycle);
    if (side->rows)
        lc_kept_rows_take(side->rows, judgement->rows, judgement->n_rows);
    if (side->sink && judgement->n_outcomes > 0)
        side->sink(lead->lead.id, judgement, side->data);
}

lc_backtest_side *
lc_backtest_side_new(char **policies, bool tallied, lc_backtest_sink sink, void *data, GError **error)
{
    lc_policy_book *book = lc_policy_book_load((const char *const *)policies, error);
    if (book == NULL)
        return NULL;
    lc_backtest_side *side = g_new0(lc_backtest_side, 1);
    side->name = g_strjoinv(" ", policies);
    side->book = book;
    side->counters = lc_counter_sums_new();
    side->rerun = lc_rerun_new(book, take_judgement, side);
    side->until = LC_ABSENT;
    if (tallied) {
        side->ledger = lc_ledger_new();
        lc_judge_set_rows(lc_rerun_judge(side->rerun), REPORTED_ROWS);
    }
    side->sink = sink;
    side->data = data;
    return side;
}

const lc_policy_book *
lc_backtest_side_book(const lc_backtest_side *side)
{
    return side->book;
}

void
lc_backtest_side_free(lc_backtest_side *side)
{
    lc_rerun_free(side->rerun);
    g_clear_pointer(&side->ledger, lc_ledger_free);
    g_clear_pointer(&side->rows, lc_kept_rows_free);
    lc_counter_sums_free(side->counters);
    lc_policy_book_free(side->book);
    g_free(side->name);
    g_free(side);
}

void
lc_backtest_side_keep_rows(lc_backtest_side *side, lc_rows_format format)
{
    side->rows = lc_kept_rows_new(format);
    lc_judge_set_rows(lc_rerun_judge(side->rerun), (1u << LC_ROW_TYPES) - 1);
}

bool
lc_backtest_side_write_rows(const lc_backtest_side *side, const char *folder, GError **error)
{
    return lc_kept_rows_write(side->rows, side->counters, folder, error);
}

lc_verdict
lc_backtest_side_fact(lc_backtest_side *side, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at)
{
    return lc_rerun_fact(side->rerun, lead_id, fact, arrived_at);
}

/* In a backtest there is one partition (10.9). */
static void
take_counters(lc_backtest_side *side)
{
    g_autoptr(GArray) sorted = lc_counter_sums_sorted(side->counters);
    for (guint i = 0; i < sorted->len; i++) {
        const lc_counter *counter = &g_array_index(sorted, lc_counter, i);
        lc_counter_row row = lc_counter_row_make(counter->channel, counter->cohort, counter->metric, 0, counter->count);
        lc_ledger_take(side->ledger, LC_TABLE_COUNTERS, false, &row);
    }
}

void
lc_backtest_side_finish(lc_backtest_side *side, lc_instant until)
{
    if (until != LC_ABSENT)
        lc_rerun_until(side->rerun, until);
    side->until = MAX(until, lc_rerun_now(side->rerun));
    if (side->ledger)
        take_counters(side);
}

const char *
lc_backtest_side_name(const lc_backtest_side *side)
{
    return side->name;
}

const lc_counter_sums *
lc_backtest_side_counters(const lc_backtest_side *side)
{
    return side->counters;
}

lc_ledger *
lc_backtest_side_ledger(const lc_backtest_side *side)
{
    return side->ledger;
}

lc_answers *
lc_backtest_side_report(const lc_backtest_side *side, const lc_report_question *question)
{
    lc_report_question asked = *question;
    asked.book = side->book;
    asked.at = side->until == LC_ABSENT ? 0 : side->until;
    return lc_answers_new(side->ledger, &asked);
}
