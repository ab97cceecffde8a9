/* ledger.c - takes rows in; the latest of a key stands. */
#include "parts.h"

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

static guint
lead_hash(gconstpointer of)
{
    return lc_string_key_hash(((const lc_ledger_cycle *)of)->lead_id);
}

static gboolean
lead_equal(gconstpointer a, gconstpointer b)
{
    return strcmp(((const lc_ledger_cycle *)a)->lead_id, ((const lc_ledger_cycle *)b)->lead_id) == 0;
}

/* ---- Making ---- */

lc_ledger *
lc_ledger_new(void)
{
    static const gsize bytes[] = {[LC_PART_BREACH] = sizeof(lc_ledger_breach),
                                  [LC_PART_STAGE] = sizeof(lc_ledger_stage),
                                  [LC_PART_ROUTE] = sizeof(lc_ledger_route),
                                  [LC_PART_TENURE] = sizeof(lc_ledger_tenure)};
    lc_ledger *ledger = g_new0(lc_ledger, 1);
    ledger->forgotten_before = LC_ABSENT;
    ledger->texts = lc_texts_new();
    ledger->cycles = g_hash_table_new_full(id_hash, id_equal, g_free, NULL);
    ledger->awaited = g_hash_table_new(id_hash, id_equal);
    ledger->breaches = g_hash_table_new(id_hash, id_equal);
    ledger->routes = g_hash_table_new(id_hash, id_equal);
    ledger->counters = g_hash_table_new_full(counter_hash, counter_equal, g_free, NULL);
    lc_chains_init(&ledger->by_lead, lead_hash, lead_equal, offsetof(lc_ledger_cycle, next_of_lead));
    lc_slab_init(&ledger->open, sizeof(lc_open_cycle));
    lc_slab_init(&ledger->holders, sizeof(lc_ledger_holder));
    for (size_t i = 0; i < G_N_ELEMENTS(bytes); i++)
        lc_slab_init(&ledger->parts[i], bytes[i]);
    return ledger;
}

void
lc_ledger_free(lc_ledger *ledger)
{
    if (ledger == NULL)
        return;
    lc_chains_clear(&ledger->by_lead);
    g_hash_table_unref(ledger->cycles);
    g_hash_table_unref(ledger->awaited);
    g_hash_table_unref(ledger->breaches);
    g_hash_table_unref(ledger->routes);
    g_hash_table_unref(ledger->counters);
    lc_slab_clear(&ledger->open);
    lc_slab_clear(&ledger->holders);
    for (size_t i = 0; i < G_N_ELEMENTS(ledger->parts); i++)
        lc_slab_clear(&ledger->parts[i]);
    lc_texts_free(ledger->texts);
    g_free(ledger);
}

/* ---- Rows ---- */

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

static lc_ledger_cycle *
new_cycle(const lc_uuid *id, lc_text lead_id)
{
    size_t bytes = offsetof(lc_ledger_cycle, lead_id) + lead_id.size + 1;
    lc_ledger_cycle *cycle = g_malloc0(MAX(bytes, sizeof *cycle));
    cycle->as.id = *id;
    memcpy(cycle->lead_id, lead_id.data, lead_id.size);
    return cycle;
}

static lc_ledger_cycle *
add_cycle(lc_ledger *ledger, const lc_cycle_row *row)
{
    lc_ledger_cycle *cycle = new_cycle(&row->cycle_id, row->lead_id);
    lc_ledger_holder *awaited = g_hash_table_lookup(ledger->awaited, &row->cycle_id);
    if (awaited) {
        lc_ledger_move_parts(awaited, &cycle->as);
        lc_ledger_await_no_more(ledger, awaited);
    }
    g_hash_table_add(ledger->cycles, cycle);
    if (ledger->keeps_stories)
        lc_chains_add(&ledger->by_lead, cycle);
    return cycle;
}

static void
take_cycle(lc_ledger *ledger, const lc_cycle_row *row)
{
    lc_ledger_cycle *cycle = g_hash_table_lookup(ledger->cycles, &row->cycle_id);
    if (cycle == NULL)
        cycle = add_cycle(ledger, row);
    lc_ledger_close_cycle(ledger, cycle);
    cycle->handoff_at = row->handoff_at;
    cycle->assigned_at = row->assigned_at;
    cycle->settled_at = row->settled_at;
    cycle->first_contact_at = row->first_contact_at;
    cycle->first_contact_due_at = row->first_contact_due_at;
    cycle->response_ms = row->response_ms;
    cycle->response_open_ms = row->response_open_ms;
    cycle->channel = lc_texts_add(ledger->texts, row->channel);
    cycle->rule = lc_texts_add(ledger->texts, row->rule);
    cycle->owner = lc_texts_add(ledger->texts, row->owner);
    cycle->reason = lc_texts_add(ledger->texts, row->reason);
    cycle->rejected_as = lc_texts_add(ledger->texts, row->rejected_as);
    cycle->track = lc_texts_add(ledger->texts, row->track);
    cycle->attempts = (uint16_t)MIN(row->attempts, UINT16_MAX);
    cycle->cycle = (uint16_t)MIN(row->cycle, UINT16_MAX);
    cycle->cohort = (int16_t)row->cohort;
    cycle->cause = (int8_t)row->cause;
    cycle->route = (int8_t)row->route;
    cycle->first_contact_state = (int8_t)row->first_contact_state;
    cycle->duplicate = row->duplicate;
    cycle->was_paused = row->paused_since != LC_ABSENT || row->paused_ms > 0;
    if (!row->settled) {
        cycle->open = lc_slab_take(&ledger->open);
        *cycle->open = open_part(ledger, row);
    }
}

lc_ledger_cycle *
lc_ledger_find_lead(const lc_ledger *ledger, const char *lead_id)
{
    g_autofree lc_ledger_cycle *like = new_cycle(&(lc_uuid){{0}}, lc_text_of(lead_id));
    return lc_chains_first(&ledger->by_lead, like);
}

/* The one of this id, or a new one. */
static lc_ledger_breach *
breach_of(lc_ledger *ledger, const lc_breach_row *row)
{
    lc_uuid *id = g_hash_table_lookup(ledger->breaches, &row->event_id);
    if (id) {
        lc_ledger_breach *known = G_STRUCT_MEMBER_P(id, -(glong)offsetof(lc_ledger_breach, id));
        known->of = lc_ledger_move_part(ledger, known->of, &known->part, &row->cycle_id);
        return known;
    }
    lc_ledger_holder *holder = lc_ledger_holder_of(ledger, &row->cycle_id);
    lc_ledger_breach *breach = lc_ledger_add_part(ledger, holder, LC_PART_BREACH);
    breach->of = holder;
    breach->id = row->event_id;
    g_hash_table_add(ledger->breaches, &breach->id);
    return breach;
}

static void
take_breach(lc_ledger *ledger, const lc_breach_row *row)
{
    lc_ledger_breach *breach = breach_of(ledger, row);
    breach->part.name = lc_texts_add(ledger->texts, row->clock);
    breach->due_at = row->due_at;
    breach->breached_at = row->breached_at;
    breach->ended_at = row->ended_at;
    breach->late_ms = row->late_ms;
    breach->target_ms = row->target_ms;
    breach->owner = lc_texts_add(ledger->texts, row->owner);
    breach->attempts = (uint16_t)MIN(row->attempts, UINT16_MAX);
    breach->level = (uint8_t)MIN(row->level, UINT8_MAX);
    breach->ended_by = (int8_t)row->ended_by;
    breach->early = row->early;
}

static void
take_stage(lc_ledger *ledger, const lc_stage_row *row)
{
    uint32_t name = lc_texts_add(ledger->texts, row->stage);
    lc_ledger_holder *holder = lc_ledger_holder_of(ledger, &row->cycle_id);
    lc_ledger_stage *stage = (lc_ledger_stage *)lc_holder_stage(holder, name);
    if (stage == NULL)
        stage = lc_ledger_add_part(ledger, holder, LC_PART_STAGE);
    stage->part.name = name;
    stage->age = (uint8_t)MIN(row->age, UINT8_MAX);
    stage->named = row->named;
    stage->reached_at = row->reached_at;
}

static lc_text
score_in_words(GString *words, const lc_routed *routed)
{
    if (!routed->has_score)
        return LC_NO_TEXT;
    g_string_append_printf(words, "score %" G_GINT64_FORMAT, routed->score);
    for (size_t i = 0; i < routed->n_explanation; i++) {
        const lc_explanation *one = &routed->explanation[i];
        g_string_append_printf(words, "%s%.*s ", i ? "; " : ": ", LC_TEXT_ARGS(one->rule));
        if (one->is_signal)
            g_string_append_printf(words, one->held ? "holds, %+" G_GINT64_FORMAT : "does not hold", one->points);
        else
            g_string_append(words, one->held ? "is met" : "is required, and not met");
    }
    return (lc_text){words->str, words->len};
}

/* The one of this id, or a new one. */
static lc_ledger_route *
route_of(lc_ledger *ledger, const lc_route_row *row)
{
    lc_uuid *id = g_hash_table_lookup(ledger->routes, &row->event_id);
    if (id) {
        lc_ledger_route *known = G_STRUCT_MEMBER_P(id, -(glong)offsetof(lc_ledger_route, id));
        known->of = lc_ledger_move_part(ledger, known->of, &known->part, &row->cycle_id);
        return known;
    }
    lc_ledger_holder *holder = lc_ledger_holder_of(ledger, &row->cycle_id);
    lc_ledger_route *route = lc_ledger_add_part(ledger, holder, LC_PART_ROUTE);
    route->of = holder;
    route->id = row->event_id;
    g_hash_table_add(ledger->routes, &route->id);
    return route;
}

static void
take_route(lc_ledger *ledger, const lc_route_row *row)
{
    lc_ledger_route *route = route_of(ledger, row);
    route->part.name = lc_texts_add(ledger->texts, row->routed.destination.track);
    route->routed_at = row->routed_at;
    route->route = (int8_t)row->routed.destination.route;
    route->cause = (int8_t)row->routed.cause;
    if (!ledger->keeps_stories)
        return;
    g_autoptr(GString) words = g_string_new(NULL);
    route->rule = lc_texts_add(ledger->texts, row->rule);
    route->reason = lc_texts_add(ledger->texts, row->routed.reason);
    route->why = lc_texts_add(ledger->texts, score_in_words(words, &row->routed));
}

static void
take_tenure(lc_ledger *ledger, const lc_tenure_row *row)
{
    if (!ledger->keeps_stories)
        return;
    lc_ledger_holder *holder = lc_ledger_holder_of(ledger, &row->cycle_id);
    lc_ledger_tenure *tenure = lc_holder_tenure(holder, row->position);
    if (tenure == NULL)
        tenure = lc_ledger_add_part(ledger, holder, LC_PART_TENURE);
    tenure->part.name = lc_texts_add(ledger->texts, row->owner);
    tenure->position = row->position;
    tenure->from_at = row->from_at;
    tenure->to_at = row->to_at;
}

static void
take_counter(lc_ledger *ledger, const lc_counter_row *row)
{
    const lc_ledger_counter key = {.channel = lc_texts_add(ledger->texts, row->channel),
                                   .metric = lc_texts_add(ledger->texts, row->metric),
                                   .cohort = row->cohort,
                                   .partition = row->partition};
    lc_ledger_counter *counter = g_hash_table_lookup(ledger->counters, &key);
    if (counter == NULL) {
        counter = g_memdup2(&key, sizeof key);
        g_hash_table_add(ledger->counters, counter);
    }
    counter->value = row->value;
}

void
lc_ledger_take(lc_ledger *ledger, int table, bool deleted, const void *row)
{
    if (deleted)
        return lc_ledger_forget(ledger, table, row);
    switch (table) {
    case LC_ROW_CYCLE:
        return take_cycle(ledger, row);
    case LC_ROW_BREACH:
        return take_breach(ledger, row);
    case LC_ROW_STAGE:
        return take_stage(ledger, row);
    case LC_ROW_ROUTE:
        return take_route(ledger, row);
    case LC_ROW_TENURE:
        return take_tenure(ledger, row);
    case LC_TABLE_COUNTERS:
        return take_counter(ledger, row);
    default:
        return;
    }
}

void
lc_ledger_keep_stories(lc_ledger *ledger)
{
    ledger->keeps_stories = true;
}

size_t
lc_ledger_count_cycles(const lc_ledger *ledger)
{
    return g_hash_table_size(ledger->cycles);
}
