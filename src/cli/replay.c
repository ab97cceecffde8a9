#include "replay.h"

struct lc_replay {
    lc_judge *judge;
    lc_lead_table *leads;
    lc_instant now; /* the arrival of the last fact */
    lc_arena arena;
    lc_replay_sink sink;
    void *data;
};

lc_replay *
lc_replay_new(const lc_policy_book *book, lc_replay_sink sink, void (*forget)(lc_table_lead *, void *), void *data)
{
    lc_replay *replay = g_new0(lc_replay, 1);
    replay->judge = lc_judge_new(book);
    replay->leads = lc_lead_table_new(forget, data);
    replay->now = LC_ABSENT;
    replay->sink = sink;
    replay->data = data;
    return replay;
}

void
lc_replay_free(lc_replay *replay)
{
    lc_lead_table_free(replay->leads);
    lc_judge_free(replay->judge);
    lc_arena_clear(&replay->arena);
    g_free(replay);
}

/* `fact` NULL: a wake-up. */
static lc_verdict
judge(lc_replay *replay, lc_table_lead *lead, const lc_fact *fact, lc_instant now)
{
    const lc_judgement *judgement = lc_lead_judge(replay->judge, &lead->lead, fact, now, &replay->arena);
    replay->sink(lead, judgement, replay->data);
    return judgement->verdict;
}

void
lc_replay_until(lc_replay *replay, lc_instant until)
{
    lc_table_lead *lead;
    while ((lead = lc_lead_table_take_due(replay->leads, until)) != NULL) {
        judge(replay, lead, NULL, lead->lead.wake_at + 1);
        lc_lead_table_put_back(replay->leads, lead);
    }
}

lc_verdict
lc_replay_fact(lc_replay *replay, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at)
{
    replay->now = MAX(replay->now, arrived_at == LC_ABSENT ? fact->occurred_at : arrived_at);
    lc_replay_until(replay, replay->now);
    lc_table_lead *lead = lc_lead_table_take(replay->leads, lead_id);
    lc_fact own = lc_lead_table_own(replay->leads, lead, fact);
    lc_verdict verdict = judge(replay, lead, &own, replay->now);
    if (verdict != LC_VERDICT_TAKEN)
        lc_lead_table_disown(replay->leads, lead);
    lc_lead_table_put_back(replay->leads, lead);
    return verdict;
}

lc_judge *
lc_replay_judge(lc_replay *replay)
{
    return replay->judge;
}

lc_lead_table *
lc_replay_leads(lc_replay *replay)
{
    return replay->leads;
}
