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
tenure_hash(gconstpointer of)
{
    const lc_ledger_tenure *tenure = of;
    return (guint)uuid_hash(tenure->position, &tenure->cycle_id);
}

static gboolean
tenure_equal(gconstpointer a, gconstpointer b)
{
    return id_equal(a, b) && ((const lc_ledger_tenure *)a)->position == ((const lc_ledger_tenure *)b)->position;
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

/* A breach or a route: they begin alike. */
G_STATIC_ASSERT(offsetof(lc_ledger_breach, cycle_id) == offsetof(lc_ledger_route, cycle_id));

static guint
of_cycle_hash(gconstpointer of)
{
    return id_hash(&((const lc_ledger_breach *)of)->cycle_id);
}

static gboolean
of_cycle_equal(gconstpointer a, gconstpointer b)
{
    return id_equal(&((const lc_ledger_breach *)a)->cycle_id, &((const lc_ledger_breach *)b)->cycle_id);
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
    ledger->tenures = g_hash_table_new_full(tenure_hash, tenure_equal, g_free, NULL);
    lc_chains_init(&ledger->by_lead, lead_hash, lead_equal, offsetof(lc_ledger_cycle, next_of_lead));
    lc_chains_init(&ledger->breaches_of, of_cycle_hash, of_cycle_equal, offsetof(lc_ledger_breach, next_of_cycle));
    lc_chains_init(&ledger->routes_of, of_cycle_hash, of_cycle_equal, offsetof(lc_ledger_route, next_of_cycle));
    ledger->stage_names = g_hash_table_new(NULL, NULL);
    ledger->counters = g_hash_table_new_full(counter_hash, counter_equal, g_free, NULL);
    return ledger;
}

void
lc_ledger_free(lc_ledger *ledger)
{
    if (ledger == NULL)
        return;
    lc_chains_clear(&ledger->by_lead);
    lc_chains_clear(&ledger->breaches_of);
    lc_chains_clear(&ledger->routes_of);
    g_hash_table_unref(ledger->stage_names);
    g_hash_table_unref(ledger->cycles);
    g_hash_table_unref(ledger->breaches);
    g_hash_table_unref(ledger->stages);
    g_hash_table_unref(ledger->routes);
    g_hash_table_unref(ledger->tenures);
    g_hash_table_unref(ledger->counters);
    lc_texts_free(ledger->texts);
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

static lc_ledger_cycle *
new_cycle(lc_text lead_id)
{
    lc_ledger_cycle *cycle = g_malloc0(sizeof *cycle + lead_id.size + 1);
    memcpy(cycle->lead_id, lead_id.data, lead_id.size);
    return cycle;
}

static lc_ledger_cycle *
add_cycle(lc_ledger *ledger, const lc_cycle_row *row)
{
    lc_ledger_cycle *cycle = new_cycle(row->lead_id);
    cycle->id = row->cycle_id;
    g_hash_table_add(ledger->cycles, cycle);
    if (ledger->keeps_stories)
        lc_chains_add(&ledger->by_lead, cycle);
    return cycle;
}

static void
take_cycle(lc_ledger *ledger, const lc_cycle_row *row)
{
    lc_ledger_cycle *cycle = lc_ledger_find_cycle(ledger, &row->cycle_id);
    if (cycle == NULL)
        cycle = add_cycle(ledger, row);
    g_clear_pointer(&cycle->open, g_free);
    *cycle = (lc_ledger_cycle){
        .id = row->cycle_id,
        .next_of_lead = cycle->next_of_lead,
        .handoff_at = row->handoff_at,
        .assigned_at = row->assigned_at,
        .settled_at = row->settled_at,
        .first_contact_at = row->first_contact_at,
        .first_contact_due_at = row->first_contact_due_at,
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

lc_ledger_cycle *
lc_ledger_find_lead(const lc_ledger *ledger, const char *lead_id)
{
    g_autofree lc_ledger_cycle *like = new_cycle(lc_text_of(lead_id));
    return lc_chains_first(&ledger->by_lead, like);
}

static void
take_breach(lc_ledger *ledger, const lc_breach_row *row)
{
    const lc_ledger_breach key = {.id = row->event_id};
    bool is_new = !g_hash_table_contains(ledger->breaches, &key);
    lc_ledger_breach *breach = stand_in(ledger->breaches, &key, sizeof key);
    *breach = (lc_ledger_breach){.id = row->event_id,
                                 .cycle_id = row->cycle_id,
                                 .next_of_cycle = breach->next_of_cycle,
                                 .due_at = row->due_at,
                                 .breached_at = row->breached_at,
                                 .ended_at = row->ended_at,
                                 .late_ms = row->late_ms,
                                 .target_ms = row->target_ms,
                                 .attempts = row->attempts,
                                 .ended_by = (int16_t)row->ended_by,
                                 .clock = lc_texts_add(ledger->texts, row->clock),
                                 .owner = lc_texts_add(ledger->texts, row->owner),
                                 .level = row->level,
                                 .early = row->early};
    if (is_new && ledger->keeps_stories)
        lc_chains_add(&ledger->breaches_of, breach);
}

static void
take_stage(lc_ledger *ledger, const lc_stage_row *row)
{
    const lc_ledger_stage key = {.cycle_id = row->cycle_id, .stage = lc_texts_add(ledger->texts, row->stage)};
    lc_ledger_stage *stage = stand_in(ledger->stages, &key, sizeof key);
    g_hash_table_add(ledger->stage_names, GUINT_TO_POINTER(key.stage));
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

static void
take_route(lc_ledger *ledger, const lc_route_row *row)
{
    const lc_ledger_route key = {.id = row->event_id};
    bool is_new = !g_hash_table_contains(ledger->routes, &key);
    lc_ledger_route *route = stand_in(ledger->routes, &key, sizeof key);
    route->cycle_id = row->cycle_id;
    route->track = lc_texts_add(ledger->texts, row->routed.destination.track);
    route->route = (int16_t)row->routed.destination.route;
    route->cause = (int16_t)row->routed.cause;
    if (!ledger->keeps_stories)
        return;
    if (is_new)
        lc_chains_add(&ledger->routes_of, route);
    g_autoptr(GString) words = g_string_new(NULL);
    route->routed_at = row->routed_at;
    route->rule = lc_texts_add(ledger->texts, row->rule);
    route->reason = lc_texts_add(ledger->texts, row->routed.reason);
    route->why = lc_texts_add(ledger->texts, score_in_words(words, &row->routed));
}

static void
take_tenure(lc_ledger *ledger, const lc_tenure_row *row)
{
    if (!ledger->keeps_stories)
        return;
    const lc_ledger_tenure key = {.cycle_id = row->cycle_id, .position = row->position};
    lc_ledger_tenure *tenure = stand_in(ledger->tenures, &key, sizeof key);
    tenure->owner = lc_texts_add(ledger->texts, row->owner);
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
    lc_ledger_counter *counter = stand_in(ledger->counters, &key, sizeof key);
    counter->value = row->value;
}

/* One that is in a chain, if it is there. */
static void
forget_chained(GHashTable *set, lc_chains *chains, bool is_chained, const lc_uuid *id)
{
    const void *kept = g_hash_table_lookup(set, id);
    if (kept && is_chained)
        lc_chains_remove(chains, kept);
    g_hash_table_remove(set, id);
}

static void
forget(lc_ledger *ledger, int table, const void *row)
{
    bool is_chained = ledger->keeps_stories;
    switch (table) {
    case LC_ROW_CYCLE:
        forget_chained(ledger->cycles, &ledger->by_lead, is_chained, &((const lc_cycle_row *)row)->cycle_id);
        break;
    case LC_ROW_BREACH:
        forget_chained(ledger->breaches, &ledger->breaches_of, is_chained, &((const lc_breach_row *)row)->event_id);
        break;
    case LC_ROW_STAGE: {
        const lc_stage_row *stage = row;
        const lc_ledger_stage key = {.cycle_id = stage->cycle_id, .stage = lc_texts_find(ledger->texts, stage->stage)};
        g_hash_table_remove(ledger->stages, &key);
        break;
    }
    case LC_ROW_ROUTE:
        forget_chained(ledger->routes, &ledger->routes_of, is_chained, &((const lc_route_row *)row)->event_id);
        break;
    case LC_ROW_TENURE: {
        const lc_tenure_row *tenure = row;
        const lc_ledger_tenure key = {.cycle_id = tenure->cycle_id, .position = tenure->position};
        g_hash_table_remove(ledger->tenures, &key);
        break;
    }
    default:
        break; /* counters are never deleted */
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

/* ---- Forgetting what is old ---- */

typedef struct {
    lc_ledger *ledger;
    lc_instant before;
} orphanage;

static gboolean
was_settled_before(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const orphanage *o = data;
    const lc_ledger_cycle *cycle = key;
    bool is_old = cycle->open == NULL && cycle->settled_at < o->before;
    if (is_old && o->ledger->keeps_stories)
        lc_chains_remove(&o->ledger->by_lead, cycle);
    return is_old;
}

/* Rows come by several topics, so a cycle may come after what is its: only what is old waits in vain. */
static bool
is_orphan(const orphanage *o, const lc_uuid *cycle_id, lc_instant at)
{
    return at < o->before && lc_ledger_find_cycle(o->ledger, cycle_id) == NULL;
}

static gboolean
is_orphaned_breach(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const orphanage *o = data;
    const lc_ledger_breach *breach = key;
    bool is_alone = is_orphan(o, &breach->cycle_id, breach->due_at);
    if (is_alone && o->ledger->keeps_stories)
        lc_chains_remove(&o->ledger->breaches_of, breach);
    return is_alone;
}

static gboolean
is_orphaned_stage(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const lc_ledger_stage *stage = key;
    return is_orphan(data, &stage->cycle_id, stage->reached_at);
}

static gboolean
is_orphaned_route(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const orphanage *o = data;
    const lc_ledger_route *route = key;
    bool is_alone = is_orphan(o, &route->cycle_id, route->routed_at);
    if (is_alone && o->ledger->keeps_stories)
        lc_chains_remove(&o->ledger->routes_of, route);
    return is_alone;
}

static gboolean
is_orphaned_tenure(gpointer key, G_GNUC_UNUSED gpointer value, gpointer data)
{
    const lc_ledger_tenure *tenure = key;
    return is_orphan(data, &tenure->cycle_id, tenure->from_at);
}

void
lc_ledger_forget_before(lc_ledger *ledger, lc_instant before)
{
    orphanage o = {ledger, before};
    g_hash_table_foreach_remove(ledger->cycles, was_settled_before, &o);
    g_hash_table_foreach_remove(ledger->breaches, is_orphaned_breach, &o);
    g_hash_table_foreach_remove(ledger->stages, is_orphaned_stage, &o);
    g_hash_table_foreach_remove(ledger->routes, is_orphaned_route, &o);
    g_hash_table_foreach_remove(ledger->tenures, is_orphaned_tenure, &o);
}

size_t
lc_ledger_count_cycles(const lc_ledger *ledger)
{
    return g_hash_table_size(ledger->cycles);
}
