/* rerun.c - facts in order of arrival, due wake-ups first. */
#include "rerun.h"

struct lc_rerun {
    lc_judge *judge;
    lc_lead_table *leads;
    lc_instant now; /* the arrival of the last fact */
    lc_arena arena;
    lc_rerun_sink sink;
    void *data;
};

lc_rerun *
lc_rerun_new(const lc_policy_book *book, lc_rerun_sink sink, void *data)
{
    lc_rerun *rerun = g_new0(lc_rerun, 1);
    rerun->judge = lc_judge_new(book);
    rerun->leads = lc_lead_table_new();
    rerun->now = LC_ABSENT;
    rerun->sink = sink;
    rerun->data = data;
    return rerun;
}

void
lc_rerun_free(lc_rerun *rerun)
{
    lc_lead_table_free(rerun->leads);
    lc_judge_free(rerun->judge);
    lc_arena_clear(&rerun->arena);
    g_free(rerun);
}

/* `fact` NULL: a wake-up. */
static lc_verdict
judge(lc_rerun *rerun, lc_kept_lead *lead, const lc_fact *fact, lc_instant now)
{
    const lc_judgement *judgement = lc_lead_judge(rerun->judge, &lead->lead, fact, now, &rerun->arena);
    rerun->sink(lead, judgement, rerun->data);
    return judgement->verdict;
}

void
lc_rerun_until(lc_rerun *rerun, lc_instant until)
{
    lc_kept_lead *lead;
    while ((lead = lc_lead_table_take_due(rerun->leads, until)) != NULL) {
        judge(rerun, lead, NULL, lead->lead.wake_at + 1);
        lc_lead_table_put_back(rerun->leads, lead);
    }
}

lc_verdict
lc_rerun_fact(lc_rerun *rerun, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at)
{
    rerun->now = MAX(rerun->now, arrived_at == LC_ABSENT ? fact->occurred_at : arrived_at);
    lc_rerun_until(rerun, rerun->now);
    lc_kept_lead *lead = lc_lead_table_take(rerun->leads, lead_id);
    lc_fact own = lc_lead_table_own(rerun->leads, lead, fact);
    lc_verdict verdict = judge(rerun, lead, &own, rerun->now);
    if (verdict != LC_VERDICT_TAKEN)
        lc_lead_table_disown(rerun->leads, lead);
    lc_lead_table_put_back(rerun->leads, lead);
    return verdict;
}

lc_instant
lc_rerun_now(const lc_rerun *rerun)
{
    return rerun->now;
}

lc_judge *
lc_rerun_judge(lc_rerun *rerun)
{
    return rerun->judge;
}
