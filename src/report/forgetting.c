/* forgetting.c - rows that were deleted, and what is old. */
#include "parts.h"

#include <leadclock/codec.h>

/* ---- Deletions ---- */

/* What is its stays, as long as no row takes it back. */
static void
forget_cycle(lc_ledger *ledger, lc_ledger_cycle *cycle)
{
    if (cycle->as.parts)
        lc_ledger_move_parts(&cycle->as, lc_ledger_await(ledger, &cycle->as.id));
    if (ledger->keeps_stories)
        lc_chains_remove(&ledger->by_lead, cycle);
    lc_ledger_close_cycle(ledger, cycle);
}

static void
forget_cycle_of(lc_ledger *ledger, const lc_uuid *id)
{
    lc_ledger_cycle *cycle = g_hash_table_lookup(ledger->cycles, id);
    if (cycle == NULL)
        return;
    forget_cycle(ledger, cycle);
    g_hash_table_remove(ledger->cycles, cycle);
}

static void
forget_breach(lc_ledger *ledger, const lc_uuid *id)
{
    lc_uuid *kept = g_hash_table_lookup(ledger->breaches, id);
    if (kept) {
        lc_ledger_breach *breach = G_STRUCT_MEMBER_P(kept, -(glong)offsetof(lc_ledger_breach, id));
        lc_ledger_drop_part(ledger, breach->of, &breach->part);
    }
}

static void
forget_route(lc_ledger *ledger, const lc_uuid *id)
{
    lc_uuid *kept = g_hash_table_lookup(ledger->routes, id);
    if (kept) {
        lc_ledger_route *route = G_STRUCT_MEMBER_P(kept, -(glong)offsetof(lc_ledger_route, id));
        lc_ledger_drop_part(ledger, route->of, &route->part);
    }
}

static void
forget_stage(lc_ledger *ledger, const lc_stage_row *row)
{
    lc_ledger_holder *holder = lc_ledger_find_holder(ledger, &row->cycle_id);
    const lc_ledger_stage *stage = holder ? lc_holder_stage(holder, lc_texts_find(ledger->texts, row->stage)) : NULL;
    if (stage)
        lc_ledger_drop_part(ledger, holder, (lc_ledger_part *)&stage->part);
}

static void
forget_tenure(lc_ledger *ledger, const lc_tenure_row *row)
{
    lc_ledger_holder *holder = lc_ledger_find_holder(ledger, &row->cycle_id);
    const lc_ledger_tenure *tenure = holder ? lc_holder_tenure(holder, row->position) : NULL;
    if (tenure)
        lc_ledger_drop_part(ledger, holder, (lc_ledger_part *)&tenure->part);
}

void
lc_ledger_forget(lc_ledger *ledger, int table, const void *row)
{
    switch (table) {
    case LC_ROW_CYCLE:
        return forget_cycle_of(ledger, &((const lc_cycle_row *)row)->cycle_id);
    case LC_ROW_BREACH:
        return forget_breach(ledger, &((const lc_breach_row *)row)->event_id);
    case LC_ROW_STAGE:
        return forget_stage(ledger, row);
    case LC_ROW_ROUTE:
        return forget_route(ledger, &((const lc_route_row *)row)->event_id);
    case LC_ROW_TENURE:
        return forget_tenure(ledger, row);
    default:
        return; /* counters are never deleted */
    }
}

/* ---- Forgetting what is old ---- */

typedef struct {
    lc_ledger *ledger;
    lc_instant before;
} aging;

static gboolean
was_settled_before(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const aging *a = data;
    lc_ledger_cycle *cycle = key;
    bool is_old = cycle->open == NULL && cycle->settled_at < a->before;
    if (is_old)
        forget_cycle(a->ledger, cycle);
    return is_old;
}

static lc_instant
time_of(const lc_ledger_part *part)
{
    switch (part->kind) {
    case LC_PART_BREACH:
        return ((const lc_ledger_breach *)part)->due_at;
    case LC_PART_STAGE:
        return ((const lc_ledger_stage *)part)->reached_at;
    case LC_PART_ROUTE:
        return ((const lc_ledger_route *)part)->routed_at;
    default:
        return ((const lc_ledger_tenure *)part)->from_at;
    }
}

/* A cycle may come after what is its: only what is old waits in vain. */
static gboolean
waits_in_vain(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const aging *a = data;
    lc_ledger_holder *holder = key;
    for (lc_ledger_part **at = &holder->parts; *at;) {
        lc_ledger_part *part = *at;
        if (time_of(part) >= a->before) {
            at = &part->next;
            continue;
        }
        *at = part->next;
        lc_ledger_free_part(a->ledger, part);
    }
    if (holder->parts)
        return FALSE;
    lc_slab_give(&a->ledger->holders, holder);
    return TRUE;
}

void
lc_ledger_forget_before(lc_ledger *ledger, lc_instant before)
{
    aging a = {ledger, before};
    ledger->forgotten_before = MAX(ledger->forgotten_before, before);
    g_hash_table_foreach_remove(ledger->cycles, was_settled_before, &a);
    g_hash_table_foreach_remove(ledger->awaited, waits_in_vain, &a);
}
