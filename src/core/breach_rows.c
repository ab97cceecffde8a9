/* Rule 10.3: breaches, found again in what was derived before. */
#include "breach_rows.h"

#include "open_time.h"

static lc_row_breach *
find_breach(GArray *breaches, const lc_finding *later)
{
    for (guint i = breaches->len; i-- > 0;) {
        lc_row_breach *candidate = &g_array_index(breaches, lc_row_breach, i);
        if (!candidate->finding->early && candidate->finding->occurred_at == later->breach.breached_at &&
            lc_text_equal(candidate->finding->clock_name, later->clock_name))
            return candidate;
    }
    g_assert_not_reached();
}

static void
collect_breaches(GArray *breaches, const lc_finding *findings, guint n)
{
    for (const lc_finding *finding = findings; finding < findings + n; finding++) {
        lc_row_breach begun = {.finding = finding};
        if (finding->type == LC_OUTCOME_BREACHED)
            *lc_array_add(breaches, lc_row_breach) = begun;
        else if (finding->type == LC_OUTCOME_ESCALATED)
            find_breach(breaches, finding)->level =
                (uint32_t)(finding->breach.escalation - finding->rule->escalations) + 1;
        else if (finding->type == LC_OUTCOME_BREACH_ENDED)
            find_breach(breaches, finding)->ended = finding;
    }
}

void
lc_row_breaches(const lc_row_side *side, GArray *breaches)
{
    lc_array_empty(breaches);
    if (side->cycle == NULL)
        return;
    collect_breaches(breaches, side->shared, side->n_shared);
    collect_breaches(breaches, side->own, side->n_own);
}

static lc_duration
late_ms(const lc_row_side *side, const lc_finding *ended)
{
    lc_pauses pauses = ended->waits ? lc_pauses_of(side->replay, side->cycle) : (lc_pauses){0};

    return lc_open_between(ended->rule->calendar, pauses, ended->due_at, ended->occurred_at);
}

static lc_breach_row
breach_row(const lc_row_maker *m, const lc_row_side *side, const lc_row_breach *of)
{
    const lc_cycle *cycle = side->cycle;
    const lc_finding *finding = of->finding;

    return (lc_breach_row){
        .lead_id = m->namer->lead_id,
        .cycle = side->number,
        .policy = cycle->policy->name,
        .rule = cycle->rule->name,
        .channel = cycle->created->channel,
        .owner = finding->owner,
        .clock = finding->clock_name,
        .early = finding->early,
        .due_at = finding->due_at,
        .breached_at = finding->occurred_at,
        .target_ms = finding->breached.target,
        .attempts = finding->attempts,
        .level = of->level,
        .ended_at = of->ended ? of->ended->occurred_at : LC_ABSENT,
        .ended_by = of->ended ? of->ended->by : -1,
        .late_ms = of->ended ? late_ms(side, of->ended) : LC_ABSENT,
    };
}

static void
publish_breach(const lc_row_maker *m, lc_row_side *side, const lc_row_breach *of, bool deleted)
{
    lc_row *row = lc_row_add(m->rows->rows, LC_ROW_BREACH);

    row->deleted = deleted;
    row->breach = deleted ? (lc_breach_row){.lead_id = m->namer->lead_id} : breach_row(m, side, of);
    if (!deleted)
        row->breach.cycle_id = lc_row_cycle_id(m, side);
    row->breach.event_id = lc_row_finding_id(m, side, of->finding);
}

static bool
same_breach(const lc_row_maker *m, const lc_row_side *was, const lc_row_breach *then, const lc_row_side *is,
            const lc_row_breach *now)
{
    if (was->cycle->handoff_at != is->cycle->handoff_at)
        return false;
    if (then->finding == now->finding && then->ended == now->ended && then->level == now->level)
        return true;
    lc_breach_row rows[] = {breach_row(m, was, then), breach_row(m, is, now)};
    return lc_record_equal(&lc_row_records[LC_ROW_BREACH], &rows[0], &rows[1]);
}

/* From `*next` on, which is where the one after the last was found; NULL: it has none. What is found is taken out. */
static lc_row_breach *
take_breach(GArray *breaches, guint *next, const lc_cycle *cycle, const lc_cycle *other_cycle,
            const lc_row_breach *other)
{
    for (guint i = 0; i < breaches->len; i++) {
        guint index = (*next + i) % breaches->len;
        lc_row_breach *candidate = &g_array_index(breaches, lc_row_breach, index);
        if (candidate->finding && lc_finding_same(cycle, candidate->finding, other_cycle, other->finding)) {
            *next = index + 1;
            return candidate;
        }
    }
    return NULL;
}

void
lc_breach_rows_compare(const lc_row_maker *m, lc_row_side *was, lc_row_side *is)
{
    GArray *were = m->rows->breaches_then, *are = m->rows->breaches_now;
    guint next = 0;

    for (guint i = 0; i < are->len; i++) {
        const lc_row_breach *now = &g_array_index(are, lc_row_breach, i);
        lc_row_breach *then = was->cycle ? take_breach(were, &next, was->cycle, is->cycle, now) : NULL;
        if (then == NULL || !same_breach(m, was, then, is, now))
            publish_breach(m, is, now, false);
        if (then)
            then->finding = NULL;
    }
    for (guint i = 0; i < were->len; i++)
        if (g_array_index(were, lc_row_breach, i).finding)
            publish_breach(m, was, &g_array_index(were, lc_row_breach, i), true);
}
