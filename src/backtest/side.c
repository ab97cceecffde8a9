/* side.c - one policy over the facts: its judgements, counters and tally. */
#include "side.h"

#include "rerun.h"
#include "rows.h"

/* After every clock: calendars end with the year 2100 (3.4). */
#define LAST_INSTANT ((lc_instant)4133980799999)

struct lc_backtest_side {
    char *name;
    lc_policy_book *book;
    lc_rerun *rerun;
    lc_counter_sums *counters;
    lc_tally *tally;    /* or NULL */
    lc_kept_rows *rows; /* or NULL */
    lc_backtest_sink sink;
    void *data;
};

static void
take_judgement(lc_kept_lead *lead, const lc_judgement *judgement, void *data)
{
    lc_backtest_side *side = data;
    for (size_t i = 0; i < judgement->n_counts; i++)
        lc_counter_sums_add(side->counters, &judgement->counts[i]);
    if (side->tally)
        for (size_t i = 0; i < judgement->n_outcomes; i++)
            lc_tally_add_outcome(side->tally, &lead->tally, &judgement->outcomes[i]);
    if (side->rows)
        lc_kept_rows_take(side->rows, judgement->rows, judgement->n_rows);
    if (side->sink && judgement->n_outcomes > 0)
        side->sink(lead->lead.id, judgement, side->data);
}

static void
forget_lead(lc_kept_lead *lead, void *data)
{
    lc_backtest_side *side = data;
    lc_tally_close_lead(side->tally, &lead->tally);
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
    side->tally = tallied ? lc_tally_new() : NULL;
    side->rerun = lc_rerun_new(book, take_judgement, tallied ? forget_lead : NULL, side);
    side->sink = sink;
    side->data = data;
    return side;
}

void
lc_backtest_side_free(lc_backtest_side *side)
{
    lc_rerun_free(side->rerun);
    g_clear_pointer(&side->tally, lc_tally_free);
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

static bool
was_contacted(const lc_lead *lead)
{
    for (size_t i = 0; i < lead->n_facts; i++)
        if (lead->facts[i].type == LC_FACT_CONTACTED)
            return true;
    return false;
}

/* A cycle that is still open has published no row yet, but its response time counts: it is what its row would say if
 * the lead were erased after every clock ran out, for that settles whatever is open. */
static void
tally_open_cycles(lc_backtest_side *side, lc_kept_lead *lead)
{
    const lc_fact erased = {.type = LC_FACT_ERASED,
                            .event_id = LC_TEXT(""),
                            .occurred_at = LAST_INSTANT,
                            .recorded_at = LC_ABSENT,
                            .follow_up_at = LC_ABSENT,
                            .until = LC_ABSENT};
    lc_lead_table *leads = lc_rerun_leads(side->rerun);
    lc_fact own = lc_lead_table_own(leads, lead, &erased);
    lc_lead settled = lead->lead;
    settled.facts[settled.n_facts++] = own;
    const lc_judgement *judgement = lc_lead_derive(lc_rerun_judge(side->rerun), &settled, LAST_INSTANT);
    for (size_t i = 0; i < judgement->n_outcomes; i++)
        lc_tally_add_response(side->tally, &lead->tally, &judgement->outcomes[i]);
    lc_lead_table_disown(leads, lead);
}

static void
close_lead(lc_kept_lead *lead, void *data)
{
    lc_backtest_side *side = data;
    if (was_contacted(&lead->lead))
        tally_open_cycles(side, lead);
    lc_tally_close_lead(side->tally, &lead->tally);
}

void
lc_backtest_side_finish(lc_backtest_side *side, lc_instant until)
{
    if (until != LC_ABSENT)
        lc_rerun_until(side->rerun, until);
    if (side->tally)
        lc_lead_table_foreach(lc_rerun_leads(side->rerun), close_lead, side);
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

const lc_tally *
lc_backtest_side_tally(const lc_backtest_side *side)
{
    return side->tally;
}

GPtrArray *
lc_backtest_side_report(const lc_backtest_side *side, uint64_t facts, uint64_t skipped)
{
    return lc_report_make(&(lc_report_subject){
        .book = side->book,
        .sums = side->counters,
        .tally = side->tally,
        .facts = facts,
        .skipped = skipped,
        .leads = lc_lead_table_size(lc_rerun_leads(side->rerun)),
    });
}
