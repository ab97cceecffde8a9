/* Section 10: rows are derived as outcomes are, compared as they are, and named only where they differ. */
#include "rows.h"

#include "breach_rows.h"

void
lc_rows_init(lc_rows *rows)
{
    *rows = (lc_rows){.rows = lc_array_new(lc_row),
                      .rows_then = lc_array_new(lc_row),
                      .rows_now = lc_array_new(lc_row),
                      .breaches_then = lc_array_new(lc_row_breach),
                      .breaches_now = lc_array_new(lc_row_breach)};
}

void
lc_rows_clear(lc_rows *rows)
{
    GArray *arrays[] = {rows->rows, rows->rows_then, rows->rows_now, rows->breaches_then, rows->breaches_now};

    for (size_t i = 0; i < G_N_ELEMENTS(arrays); i++)
        g_array_unref(arrays[i]);
}

/* ---- Stages (10.4) ---- */

static void
stages_of(const lc_row_maker *m, const lc_row_side *side, GArray *rows)
{
    const lc_cycle *cycle = side->cycle;

    for (unsigned i = 0; cycle->n_stages && i < cycle->policy->n_stages; i++) {
        if (!lc_stage_set_has(lc_cycle_stage_set(side->replay, cycle, LC_STAGES_REACHED), i))
            continue;
        lc_instant reached_at = lc_stage_reached_at(side->replay, cycle, i);
        lc_row_add(rows, LC_ROW_STAGE)->stage = (lc_stage_row){
            .stage = cycle->policy->stages[i].name,
            .lead_id = m->namer->lead_id,
            .channel = cycle->created->channel,
            .cohort = lc_zone_month(cycle->policy->reporting_zone, cycle->handoff_at),
            .reached_at = reached_at,
            .named = lc_stage_set_has(lc_cycle_stage_set(side->replay, cycle, LC_STAGES_NAMED), i),
            .age = lc_stage_age(cycle, reached_at),
        };
    }
}

/* ---- Tenures (10.5) ---- */

/* Adds an interval, or lengthens the last. */
static void
add_tenure(const lc_row_maker *m, GArray *rows, lc_text owner, lc_instant from, lc_instant to)
{
    lc_row *last = rows->len ? &g_array_index(rows, lc_row, rows->len - 1) : NULL;

    if (last && lc_text_equal(last->tenure.owner, owner)) {
        last->tenure.to_at = to;
        return;
    }
    uint32_t position = rows->len + 1;
    lc_row_add(rows, LC_ROW_TENURE)->tenure = (lc_tenure_row){
        .position = position, .lead_id = m->namer->lead_id, .owner = owner, .from_at = from, .to_at = to};
}

static void
tenures_of(const lc_row_maker *m, const lc_row_side *side, GArray *rows)
{
    const lc_cycle *cycle = side->cycle;
    const lc_handover *handovers = lc_cycle_handovers(side->replay, cycle);
    bool open = cycle->cause == LC_CAUSE_NONE;

    for (guint i = 0; i < cycle->n_handovers; i++) {
        bool is_last = i + 1 == cycle->n_handovers;
        lc_instant to = !is_last ? handovers[i + 1].since : open ? LC_ABSENT : cycle->settled_at;
        if (to == LC_ABSENT || to > handovers[i].since)
            add_tenure(m, rows, handovers[i].owner, handovers[i].since, to);
    }
}

/* ---- Tables that have several rows a cycle, each with a key of its own ---- */

typedef void collect(const lc_row_maker *m, const lc_row_side *side, GArray *rows);

static void
name_row(const lc_row_maker *m, lc_row_side *side, lc_row *row)
{
    if (row->type == LC_ROW_STAGE)
        row->stage.cycle_id = lc_row_cycle_id(m, side);
    else
        row->tenure.cycle_id = lc_row_cycle_id(m, side);
}

static void
publish_row(const lc_row_maker *m, lc_row_side *side, const lc_row *row)
{
    lc_row *published = lc_row_add(m->rows->rows, row->type);

    memcpy(&published->cycle, &row->cycle, lc_row_records[row->type].bytes);
    name_row(m, side, published);
}

static void
delete_row(const lc_row_maker *m, lc_row_side *side, const lc_row *row)
{
    lc_row *deleted = lc_row_add(m->rows->rows, row->type);

    deleted->deleted = true;
    if (row->type == LC_ROW_STAGE)
        deleted->stage = (lc_stage_row){.stage = row->stage.stage, .lead_id = row->stage.lead_id};
    else
        deleted->tenure = (lc_tenure_row){.position = row->tenure.position, .lead_id = row->tenure.lead_id};
    name_row(m, side, deleted);
}

static bool
same_key(const lc_row *row, const lc_row *other)
{
    return row->type == LC_ROW_STAGE ? lc_text_equal(row->stage.stage, other->stage.stage)
                                     : row->tenure.position == other->tenure.position;
}

static const lc_row *
find_row(const GArray *rows, const lc_row *wanted)
{
    for (guint i = 0; i < rows->len; i++)
        if (same_key(&g_array_index(rows, lc_row, i), wanted))
            return &g_array_index(rows, lc_row, i);
    return NULL;
}

static void
compare_rows(const lc_row_maker *m, lc_row_side *was, lc_row_side *is, collect *collect)
{
    GArray *then = m->rows->rows_then, *now = m->rows->rows_now;
    bool same_cycle = was->cycle && is->cycle && was->cycle->handoff_at == is->cycle->handoff_at;

    lc_array_empty(then);
    lc_array_empty(now);
    if (was->cycle)
        collect(m, was, then);
    if (is->cycle)
        collect(m, is, now);
    for (guint i = 0; i < now->len; i++) {
        const lc_row *row = &g_array_index(now, lc_row, i);
        const lc_row *before = find_row(then, row);
        if (!same_cycle || before == NULL || !lc_record_equal(&lc_row_records[row->type], &row->cycle, &before->cycle))
            publish_row(m, is, row);
    }
    for (guint i = 0; i < then->len; i++) {
        const lc_row *row = &g_array_index(then, lc_row, i);
        if (!same_cycle || find_row(now, row) == NULL)
            delete_row(m, was, row);
    }
}

/* ---- Routes (10.6): rows of what is published and retracted ---- */

static void
publish_route(const lc_row_maker *m, const lc_outcome *outcome)
{
    lc_row_add(m->rows->rows, LC_ROW_ROUTE)->route = (lc_route_row){
        .event_id = outcome->event_id,
        .lead_id = m->namer->lead_id,
        .cycle_id = lc_cycle_id(outcome->cycle, outcome->handoff_at, m->namer),
        .cycle = outcome->cycle,
        .policy = outcome->policy,
        .rule = outcome->rule,
        .channel = outcome->channel,
        .owner = outcome->owner,
        .routed_at = outcome->occurred_at,
        .routed = outcome->routed,
    };
}

static void
delete_route(const lc_row_maker *m, const lc_uuid *event_id)
{
    lc_row *row = lc_row_add(m->rows->rows, LC_ROW_ROUTE);

    row->deleted = true;
    row->route = (lc_route_row){.event_id = *event_id, .lead_id = m->namer->lead_id};
}

static void
tell_routes(const lc_row_maker *m, const GArray *outcomes)
{
    for (guint i = 0; i < outcomes->len; i++) {
        const lc_outcome *outcome = &g_array_index(outcomes, lc_outcome, i);
        if (outcome->type == LC_OUTCOME_ROUTED)
            publish_route(m, outcome);
        else if (outcome->type == LC_OUTCOME_RETRACTED && outcome->retracted.retracted_type == LC_OUTCOME_ROUTED)
            delete_route(m, &outcome->retracted.retracts);
    }
}

static void
delete_routes(const lc_row_maker *m, const lc_row_side *was, const lc_finding *findings, guint n)
{
    for (guint i = 0; i < n; i++)
        if (findings[i].type == LC_OUTCOME_ROUTED) {
            lc_uuid id = lc_row_finding_id(m, was, &findings[i]);
            delete_route(m, &id);
        }
}

/* ---- Cycles (10.2) ---- */

static void
delete_cycle(const lc_row_maker *m, lc_row_side *was)
{
    lc_row *row = lc_row_add(m->rows->rows, LC_ROW_CYCLE);

    row->deleted = true;
    row->cycle = (lc_cycle_row){.cycle_id = lc_row_cycle_id(m, was), .lead_id = m->namer->lead_id};
}

/* It has the columns of a cycle that is new, or differs. */
static bool
is_new_cycle_row(const lc_row_maker *m, const lc_row_side *was, bool same_cycle, const lc_cycle_row *now)
{
    lc_cycle_row then; /* cleared, its many columns would be written twice */

    if (!same_cycle)
        return true;
    lc_cycle_row_make(was, m->namer->lead_id, m->rows->breaches_then->len, &then);
    return !lc_record_equal(&lc_row_records[LC_ROW_CYCLE], &then, now);
}

static void
compare_cycle_rows(const lc_row_maker *m, lc_row_side *was, lc_row_side *is)
{
    bool same_cycle = was->cycle && is->cycle && was->cycle->handoff_at == is->cycle->handoff_at;

    if (is->cycle) {
        lc_cycle_row *now = &lc_row_add(m->rows->rows, LC_ROW_CYCLE)->cycle;
        lc_cycle_row_make(is, m->namer->lead_id, m->rows->breaches_now->len, now);
        if (is_new_cycle_row(m, was, same_cycle, now))
            now->cycle_id = lc_row_cycle_id(m, is);
        else
            m->rows->rows->len--;
    }
    if (was->cycle && !same_cycle)
        delete_cycle(m, was);
}

/* ---- A lead ---- */

static void
compare_cycle(const lc_row_maker *m, lc_row_side *was, lc_row_side *is)
{
    lc_row_breaches(was, m->rows->breaches_then);
    lc_row_breaches(is, m->rows->breaches_now);
    if (lc_row_wanted(m, LC_ROW_CYCLE))
        compare_cycle_rows(m, was, is);
    if (lc_row_wanted(m, LC_ROW_BREACH))
        lc_breach_rows_compare(m, was, is);
    if (lc_row_wanted(m, LC_ROW_STAGE))
        compare_rows(m, was, is, stages_of);
    if (lc_row_wanted(m, LC_ROW_TENURE))
        compare_rows(m, was, is, tenures_of);
}

static const lc_cycle *
cycle_of(const lc_replay *replay, guint number)
{
    return number >= replay->first_number && number < replay->first_number + replay->cycles->len
               ? &g_array_index(replay->cycles, lc_cycle, number - replay->first_number)
               : NULL;
}

static lc_row_side
side_of(lc_replay *replay, guint number)
{
    const lc_cycle *cycle = cycle_of(replay, number);

    if (cycle == NULL)
        return (lc_row_side){0};
    return (lc_row_side){.replay = replay,
                         .cycle = cycle,
                         .number = number + 1,
                         .own = &g_array_index(replay->findings, lc_finding, cycle->findings),
                         .n_own = cycle->n_findings};
}

/* What was found before `before` was forked lies in `after`. */
static lc_row_side
side_before(lc_replay *before, lc_replay *after, guint number, lc_shared shared)
{
    if (number < before->first_number)
        return side_of(after, number);
    lc_row_side was = side_of(before, number);
    if (was.cycle && number == before->first_number && shared.findings) {
        was.shared = side_of(after, number).own;
        was.n_shared = shared.findings;
    }
    return was;
}

static int
compare_keys(const lc_row *a, const lc_row *b)
{
    int order = memcmp(&a->cycle.cycle_id, &b->cycle.cycle_id, sizeof(lc_uuid));

    if (order == 0 && a->type == LC_ROW_STAGE)
        return lc_text_compare(a->stage.stage, b->stage.stage);
    if (order == 0 && a->type == LC_ROW_TENURE)
        return (a->tenure.position > b->tenure.position) - (a->tenure.position < b->tenure.position);
    return order;
}

/* Each key begins with an id. */
G_STATIC_ASSERT(offsetof(lc_row, cycle.cycle_id) == offsetof(lc_row, breach.event_id));
G_STATIC_ASSERT(offsetof(lc_row, cycle.cycle_id) == offsetof(lc_row, stage.cycle_id));
G_STATIC_ASSERT(offsetof(lc_row, cycle.cycle_id) == offsetof(lc_row, tenure.cycle_id));
G_STATIC_ASSERT(offsetof(lc_row, cycle.cycle_id) == offsetof(lc_row, route.event_id));

static int
compare_published(const void *row, const void *other, G_GNUC_UNUSED void *unused)
{
    const lc_row *a = row, *b = other;

    return a->type != b->type ? (a->type < b->type ? -1 : 1) : compare_keys(a, b);
}

/* They are made table by table, and a lead has one cycle, as a rule. */
static bool
are_in_order(const GArray *rows)
{
    for (guint i = 1; i < rows->len; i++)
        if (compare_published(&g_array_index(rows, lc_row, i - 1), &g_array_index(rows, lc_row, i), NULL) > 0)
            return false;
    return true;
}

static void
sort(GArray *rows)
{
    if (!are_in_order(rows))
        g_qsort_with_data(rows->data, (gint)rows->len, sizeof(lc_row), compare_published, NULL);
}

void
lc_rows_make(lc_rows *rows, unsigned types, lc_namer *namer, lc_replay *before, lc_replay *after, lc_shared shared,
             const GArray *outcomes)
{
    lc_row_maker m = {rows, types, namer};
    guint end = MAX(before->first_number + before->cycles->len, after->cycles->len);

    lc_array_empty(rows->rows);
    for (guint number = before->first_number; types && number < end; number++) {
        lc_row_side was = side_before(before, after, number, shared), is = side_of(after, number);
        compare_cycle(&m, &was, &is);
    }
    if (lc_row_wanted(&m, LC_ROW_ROUTE))
        tell_routes(&m, outcomes);
    sort(rows->rows);
}

void
lc_rows_delete(lc_rows *rows, unsigned types, lc_namer *namer, lc_replay *before, lc_replay *after, lc_shared shared)
{
    lc_row_maker m = {rows, types, namer};

    lc_array_empty(rows->rows);
    for (guint number = 0; types && number < before->first_number + before->cycles->len; number++) {
        lc_row_side was = side_before(before, after, number, shared), is = {0};
        compare_cycle(&m, &was, &is);
        if (lc_row_wanted(&m, LC_ROW_ROUTE)) {
            delete_routes(&m, &was, was.shared, was.n_shared);
            delete_routes(&m, &was, was.own, was.n_own);
        }
    }
    sort(rows->rows);
}
