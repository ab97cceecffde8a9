/* batch_judge.c - facts and wake-ups -> outcomes, counters, dead letters. */
#include "batch_judge.h"

#include "refusal.h"
#include "report.h"

#define DEAD_LETTER_BYTES ((size_t)1024 * 1024)
#define SMALL_DEAD_LETTER_BYTES ((size_t)64 * 1024) /* of one that was refused for its size */

void
lc_batch_add_rows(lc_batch *batch, const lc_share *share, lc_batch_lead *lead, const lc_judgement *judgement,
                  lc_cause_of cause)
{
    for (size_t i = 0; i < judgement->n_rows; i++) {
        const lc_row *row = &judgement->rows[i];
        lc_outbox_add_row(batch->outbox, share->partition->number, row->type, &row->cycle, row->deleted, cause,
                          &lead->rows);
    }
}

static void
take_judgement(lc_batch *batch, lc_share *share, lc_batch_lead *lead, const lc_fact *fact,
               const lc_judgement *judgement, lc_cause_of cause)
{
    lc_tally_judgement(&batch->tally, fact, judgement);
    for (size_t i = 0; i < judgement->n_outcomes; i++)
        lc_outbox_add_outcome(batch->outbox, lead->lead.id, &judgement->outcomes[i], cause);
    lc_batch_add_rows(batch, share, lead, judgement, cause);
    for (size_t i = 0; i < judgement->n_counts; i++)
        lc_partition_counters_add(share->partition->counters, &judgement->counts[i]);
    if (judgement->verdict == LC_VERDICT_TAKEN)
        lead->changed = true;
}

void
lc_batch_judge_due(lc_batch *batch, lc_share *share, guint first, guint end)
{
    lc_cause_of cause = {-1, share->partition->number, -1, share->now, LC_TAG_NONE};

    for (size_t i = first; i < MIN(end, share->n_due); i++) {
        lc_batch_lead *lead = share->leads->pdata[i];
        /* One of before: by now the lead wants to wake later, or never. */
        if (lead->lead.wake_at >= share->now)
            continue;
        lead->was_woken = true;
        take_judgement(batch, share, lead, NULL,
                       lc_lead_judge(batch->worker->judge, &lead->lead, NULL, share->now, &batch->arena), cause);
        /* The wake-up is used up even where nothing follows from it. */
        lead->changed = true;
    }
}

static bool
is_too_large(const lc_batch_lead *lead, const lc_batch_record *record)
{
    return record->fact.type != LC_FACT_ERASED &&
           lead->state_bytes + record->event.value.size > LC_MAX_LEAD_STATE_BYTES;
}

static void
judge_fact(lc_batch *batch, lc_share *share, lc_batch_record *record, lc_cause_of cause)
{
    lc_batch_lead *lead = record->lead;

    if (is_too_large(lead, record)) {
        lc_fact_refuse(record, LC_DEAD_LEAD_TOO_LARGE, &batch->arena, "the lead's state would take over %zu bytes",
                       LC_MAX_LEAD_STATE_BYTES);
        return;
    }
    const lc_judgement *judgement =
        lc_lead_judge(batch->worker->judge, &lead->lead, &record->fact, share->now, &batch->arena);
    if (judgement->verdict == LC_VERDICT_TOO_MANY_FACTS)
        lc_fact_refuse(record, LC_DEAD_TOO_MANY_FACTS, &batch->arena, "the lead has %zu facts", lead->lead.n_facts);
    if (judgement->verdict == LC_VERDICT_TAKEN)
        lead->state_bytes += record->event.value.size;
    take_judgement(batch, share, lead, &record->fact, judgement, cause);
}

static void
bury(lc_batch *batch, lc_share *share, const lc_batch_record *record, lc_cause_of cause)
{
    bool was_refused = lc_facts_is_poison(batch->worker, &record->event);

    lc_outbox_add_dead_letter(batch->outbox, &record->event, record->reason, record->detail,
                              was_refused ? SMALL_DEAD_LETTER_BYTES : DEAD_LETTER_BYTES, cause);
    batch->tally.dead_letters[record->reason]++;
    if (record->reason == LC_DEAD_WRONG_PARTITION)
        share->n_wrong_partition++;
}

/* Something is always judged: the batch is to get on. */
static bool
has_room(const lc_batch *batch)
{
    return lc_outbox_bytes(batch->outbox) < 2 * batch->worker->options.batch_bytes;
}

guint
lc_batch_judge_facts(lc_batch *batch)
{
    lc_share *share = NULL;

    for (guint i = 0; i < batch->records->len; i++) {
        if (i > 0 && !has_room(batch))
            return i;
        lc_batch_record *record = lc_batch_record_at(batch, i);
        lc_cause_of cause = {record->event.topic, record->event.partition, record->event.offset, LC_ABSENT, i};
        if (share == NULL || share->partition->number != record->event.partition)
            share = lc_batch_share_of(batch, lc_worker_partition(batch->worker, record->event.partition));
        if (!record->refused)
            judge_fact(batch, share, record, cause);
        if (record->refused)
            bury(batch, share, record, cause);
    }
    return batch->records->len;
}
