/* ledger.c - takes rows in, and deletions; the latest of a key stands. */
#include "ledger.h"

#include <leadclock/codec.h>
#include <leadclock/text.h>

/* ---- Keys ---- */

static uint64_t
uuid_hash(uint64_t hash, const lc_uuid *id)
{
    return lc_text_hash(hash, (lc_text){(const char *)id->bytes, sizeof id->bytes});
}

static guint
id_hash(gconstpointer of)
{
    return (guint)uuid_hash(0, of);
}

static gboolean
id_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, sizeof(lc_uuid)) == 0;
}

static guint
stage_hash(gconstpointer of)
{
    const lc_ledger_stage *stage = of;
    return (guint)uuid_hash(stage->stage, &stage->cycle_id);
}

static gboolean
stage_equal(gconstpointer a, gconstpointer b)
{
    return id_equal(a, b) && ((const lc_ledger_stage *)a)->stage == ((const lc_ledger_stage *)b)->stage;
}

static guint
counter_hash(gconstpointer of)
{
    const lc_ledger_counter *counter = of;
    return (guint)lc_text_hash(0, (lc_text){of, offsetof(lc_ledger_counter, value)}) + counter->metric;
}

static gboolean
counter_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, offsetof(lc_ledger_counter, value)) == 0;
}

/* ---- Making ---- */

static void
free_cycle(gpointer data)
{
    lc_ledger_cycle *cycle = data;
    g_free(cycle->open);
    g_free(cycle);
}

lc_ledger *
lc_ledger_new(void)
{
    lc_ledger *ledger = g_new0(lc_ledger, 1);
    ledger->texts = lc_texts_new();
    ledger->cycles = g_hash_table_new_full(id_hash, id_equal, free_cycle, NULL);
    ledger->breaches = g_hash_table_new_full(id_hash, id_equal, g_free, NULL);
    ledger->stages = g_hash_table_new_full(stage_hash, stage_equal, g_free, NULL);
    ledger->routes = g_hash_table_new_full(id_hash, id_equal, g_free, NULL);
    ledger->counters = g_hash_table_new_full(counter_hash, counter_equal, g_free, NULL);
    return ledger;
}

void
lc_ledger_free(lc_ledger *ledger)
{
    if (ledger == NULL)
        return;
    g_hash_table_unref(ledger->cycles);
    g_hash_table_unref(ledger->breaches);
    g_hash_table_unref(ledger->stages);
    g_hash_table_unref(ledger->routes);
    g_hash_table_unref(ledger->counters);
    lc_texts_free(ledger->texts);
    lc_arena_clear(&ledger->lead_ids);
    g_free(ledger);
}

lc_ledger_cycle *
lc_ledger_find_cycle(const lc_ledger *ledger, const lc_uuid *id)
{
    return g_hash_table_lookup(ledger->cycles, id);
}

/* ---- Rows ---- */

/* The one of this key, or a new one. */
static void *
stand_in(GHashTable *set, const void *key, size_t bytes)
{
    void *kept = g_hash_table_lookup(set, key);
    if (kept == NULL) {
        kept = g_memdup2(key, bytes);
        g_hash_table_add(set, kept);
    }
    return kept;
}

static lc_open_cycle
open_part(lc_ledger *ledger, const lc_cycle_row *row)
{
    return (lc_open_cycle){.priority_at = row->priority_at,
                           .next_due_at = row->next_due_at,
                           .broken_since = row->broken_since,
                           .clawback_due_at = row->clawback_due_at,
                           .paused_since = row->paused_since,
                           .next_clock = lc_texts_add(ledger->texts, row->next_clock),
                           .broken = row->broken,
                           .escalation = row->escalation};
}

static void
take_cycle(lc_ledger *ledger, const lc_cycle_row *row)
{
    const lc_ledger_cycle key = {.id = row->cycle_id};
    lc_ledger_cycle *cycle = stand_in(ledger->cycles, &key, sizeof key);
    if (cycle->lead_id == NULL)
        cycle->lead_id = lc_arena_text(&ledger->lead_ids, row->lead_id).data;
    g_clear_pointer(&cycle->open, g_free);
    *cycle = (lc_ledger_cycle){
        .id = row->cycle_id,
        .lead_id = cycle->lead_id,
        .handoff_at = row->handoff_at,
        .assigned_at = row->assigned_at,
        .settled_at = row->settled_at,
        .response_ms = row->response_ms,
        .response_open_ms = row->response_open_ms,
        .channel = lc_texts_add(ledger->texts, row->channel),
        .rule = lc_texts_add(ledger->texts, row->rule),
        .owner = lc_texts_add(ledger->texts, row->owner),
        .reason = lc_texts_add(ledger->texts, row->reason),
        .rejected_as = lc_texts_add(ledger->texts, row->rejected_as),
        .track = lc_texts_add(ledger->texts, row->track),
        .attempts = row->attempts,
        .cycle = row->cycle,
        .cohort = row->cohort,
        .cause = (int16_t)row->cause,
        .route = (int16_t)row->route,
        .first_contact_state = (int16_t)row->first_contact_state,
        .duplicate = row->duplicate,
        .was_paused = row->paused_since != LC_ABSENT || row->paused_ms > 0,
    };
    if (!row->settled) {
        lc_open_cycle part = open_part(ledger, row);
        cycle->open = g_memdup2(&part, sizeof part);
    }
}

static void
take_breach(lc_ledger *ledger, const lc_breach_row *row)
{
    const lc_ledger_breach key = {.id = row->event_id};
    lc_ledger_breach *breach = stand_in(ledger->breaches, &key, sizeof key);
    *breach = (lc_ledger_breach){.id = row->event_id,
                                 .cycle_id = row->cycle_id,
                                 .due_at = row->due_at,
                                 .ended_at = row->ended_at,
                                 .late_ms = row->late_ms,
                                 .clock = lc_texts_add(ledger->texts, row->clock),
                                 .owner = lc_texts_add(ledger->texts, row->owner),
                                 .level = row->level,
                                 .early = row->early};
}

static void
take_stage(lc_ledger *ledger, const lc_stage_row *row)
{
    const lc_ledger_stage key = {.cycle_id = row->cycle_id, .stage = lc_texts_add(ledger->texts, row->stage)};
    lc_ledger_stage *stage = stand_in(ledger->stages, &key, sizeof key);
    stage->age = (uint8_t)MIN(row->age, UINT8_MAX);
    stage->named = row->named;
    stage->reached_at = row->reached_at;
}

static void
take_route(lc_ledger *ledger, const lc_route_row *row)
{
    const lc_ledger_route key = {.id = row->event_id};
    lc_ledger_route *route = stand_in(ledger->routes, &key, sizeof key);
    route->cycle_id = row->cycle_id;
    route->track = lc_texts_add(ledger->texts, row->routed.destination.track);
    route->route = (int16_t)row->routed.destination.route;
    route->cause = (int16_t)row->routed.cause;
}

static void
take_counter(lc_ledger *ledger, const lc_counter_row *row)
{
    const lc_ledger_counter key = {.channel = lc_texts_add(ledger->texts, row->channel),
                                   .metric = lc_texts_add(ledger->texts, row->metric),
                                   .cohort = row->cohort,
                                   .partition = row->partition};
    lc_ledger_counter *counter = stand_in(ledger->counters, &key, sizeof key);
    counter->value = row->value;
}

static void
forget(lc_ledger *ledger, int table, const void *row)
{
    switch (table) {
    case LC_ROW_CYCLE:
        g_hash_table_remove(ledger->cycles, &((const lc_cycle_row *)row)->cycle_id);
        break;
    case LC_ROW_BREACH:
        g_hash_table_remove(ledger->breaches, &((const lc_breach_row *)row)->event_id);
        break;
    case LC_ROW_STAGE: {
        const lc_stage_row *stage = row;
        const lc_ledger_stage key = {.cycle_id = stage->cycle_id, .stage = lc_texts_find(ledger->texts, stage->stage)};
        g_hash_table_remove(ledger->stages, &key);
        break;
    }
    case LC_ROW_ROUTE:
        g_hash_table_remove(ledger->routes, &((const lc_route_row *)row)->event_id);
        break;
    default:
        break; /* counters are never deleted, tenures not kept */
    }
}

void
lc_ledger_take(lc_ledger *ledger, int table, bool deleted, const void *row)
{
    if (deleted)
        return forget(ledger, table, row);
    switch (table) {
    case LC_ROW_CYCLE:
        return take_cycle(ledger, row);
    case LC_ROW_BREACH:
        return take_breach(ledger, row);
    case LC_ROW_STAGE:
        return take_stage(ledger, row);
    case LC_ROW_ROUTE:
        return take_route(ledger, row);
    case LC_TABLE_COUNTERS:
        return take_counter(ledger, row);
    default:
        return;
    }
}
