/* lead.c - all that rows tell of one lead: how it stands, and how it came to it. */
#include "making.h"

#include <leadclock/calendar.h>

/* Of what happened in one instant, in this order. */
typedef enum {
    STEP_HANDED_OFF,
    STEP_OWNED,
    STEP_CONTACTED,
    STEP_REACHED,
    STEP_BROKEN,
    STEP_ENDED,
    STEP_SETTLED,
    STEP_ROUTED,
    STEP_DUE
} step_kind;

typedef struct {
    lc_instant at;
    uint32_t cycle;
    step_kind kind;
    char *what, *why;
} step;

typedef struct {
    const lc_ledger *ledger;
    const lc_policy_book *book;
    lc_instant at;
    GPtrArray *cycles; /* lc_ledger_cycle, by hand-off */
    GArray *steps;     /* step */
} story;

static void
clear_step(gpointer data)
{
    g_free(((step *)data)->what);
    g_free(((step *)data)->why);
}

/* `what` and `why` are taken. */
static void
add_step(story *s, lc_instant at, uint32_t cycle, step_kind kind, char *what, char *why)
{
    step added = {at, cycle, kind, what, why};
    g_array_append_val(s->steps, added);
}

static const char *
name_of(const story *s, uint32_t number, const char *none)
{
    lc_text text = lc_ledger_text(s->ledger, number);
    return text.size ? text.data : none;
}

/* A lead that was forgotten counts its cycles from 1 again. */
static int
compare_cycles(gconstpointer a, gconstpointer b)
{
    const lc_ledger_cycle *one = *(lc_ledger_cycle *const *)a, *other = *(lc_ledger_cycle *const *)b;
    if (one->handoff_at != other->handoff_at)
        return one->handoff_at < other->handoff_at ? -1 : 1;
    return one->cycle < other->cycle ? -1 : one->cycle > other->cycle;
}

static void
find_cycles(story *s, const char *lead_id)
{
    for (lc_ledger_cycle *cycle = lc_ledger_find_lead(s->ledger, lead_id); cycle;
         cycle = lc_chains_next(&s->ledger->by_lead, cycle))
        g_ptr_array_add(s->cycles, cycle);
    g_ptr_array_sort(s->cycles, compare_cycles);
}

/* ---- What cycles say ---- */

static char *
response_in_words(const lc_ledger_cycle *cycle)
{
    if (cycle->response_ms == LC_ABSENT)
        return g_strdup("");
    if (cycle->response_open_ms == LC_ABSENT || cycle->response_open_ms == cycle->response_ms)
        return g_strdup_printf("%s after the hand-off", LC_SPAN(cycle->response_ms));
    return g_strdup_printf("%s after the hand-off, %s of open time", LC_SPAN(cycle->response_ms),
                           LC_OPEN_TIME(cycle->response_open_ms));
}

static char *
settlement_in_words(const story *s, const lc_ledger_cycle *cycle)
{
    g_autoptr(GString) why = g_string_new(NULL);
    if (cycle->reason)
        g_string_append_printf(why, "reason %s", name_of(s, cycle->reason, "(none)"));
    if (cycle->route >= 0)
        g_string_append_printf(why, "%sroute %s, track %s", why->len ? "; " : "", lc_route_name((lc_route)cycle->route),
                               name_of(s, cycle->track, "(none)"));
    return g_string_free(g_steal_pointer(&why), FALSE);
}

static const char *
due_in_words(const story *s, const lc_open_cycle *open, lc_instant due_at)
{
    if (open->paused_since != LC_ABSENT)
        return "paused: its clocks wait";
    return due_at > s->at ? "still ahead" : "any moment";
}

static void
tell_due(story *s, const lc_ledger_cycle *cycle)
{
    const lc_open_cycle *open = cycle->open;
    if (open->next_clock && open->next_due_at != LC_ABSENT)
        add_step(s, open->next_due_at, cycle->cycle, STEP_DUE,
                 g_strdup_printf("%s is due", name_of(s, open->next_clock, "a clock")),
                 g_strdup(due_in_words(s, open, open->next_due_at)));
    if (open->clawback_due_at != LC_ABSENT && open->clawback_due_at != open->next_due_at)
        add_step(s, open->clawback_due_at, cycle->cycle, STEP_DUE, g_strdup("clawback is due"),
                 g_strdup(due_in_words(s, open, open->clawback_due_at)));
}

static void
tell_cycle(story *s, const lc_ledger_cycle *cycle)
{
    add_step(s, cycle->handoff_at, cycle->cycle, STEP_HANDED_OFF, g_strdup("handed off"),
             g_strdup_printf("channel %s, %s%s%s", name_of(s, cycle->channel, "(none)"),
                             cycle->rule ? "rule " : "held back by a gate", name_of(s, cycle->rule, ""),
                             cycle->duplicate ? "; handed off again while open" : ""));
    if (cycle->first_contact_at != LC_ABSENT)
        add_step(s, cycle->first_contact_at, cycle->cycle, STEP_CONTACTED, g_strdup("first contact"),
                 response_in_words(cycle));
    if (cycle->open)
        tell_due(s, cycle);
    else
        add_step(s, cycle->settled_at, cycle->cycle, STEP_SETTLED,
                 g_strdup_printf("settled: %s", lc_cause_name((lc_cause)cycle->cause)), settlement_in_words(s, cycle));
}

/* ---- What other rows say ---- */

static char *
breach_in_words(const story *s, const lc_ledger_breach *breach)
{
    g_autoptr(GString) why = g_string_new(NULL);
    g_string_append_printf(why, "%s; owner %s; %u attempt%s", breach->early ? "given up too early" : "not done in time",
                           name_of(s, breach->owner, "nobody"), breach->attempts, breach->attempts == 1 ? "" : "s");
    if (breach->target_ms != LC_ABSENT && breach->target_ms > 0)
        g_string_append_printf(why, "; promised within %s", LC_OPEN_TIME(breach->target_ms));
    if (breach->level)
        g_string_append_printf(why, "; escalated to level %u", breach->level);
    return g_string_free(g_steal_pointer(&why), FALSE);
}

static char *
end_in_words(const lc_ledger_breach *breach)
{
    static const char *const by[] = {"contacted", "progressed", "settled"};
    g_autoptr(GString) why = g_string_new(NULL);
    if (breach->ended_by >= 0 && breach->ended_by < (int)G_N_ELEMENTS(by))
        g_string_append_printf(why, "by being %s", by[breach->ended_by]);
    if (breach->late_ms != LC_ABSENT)
        g_string_append_printf(why, "%s%s late", why->len ? ", " : "", LC_OPEN_TIME(breach->late_ms));
    return g_string_free(g_steal_pointer(&why), FALSE);
}

static void
tell_breaches(story *s, const lc_ledger_cycle *cycle)
{
    LC_EACH_BREACH (breach, cycle) {
        const char *clock = name_of(s, breach->part.name, "a clock");
        add_step(s, breach->breached_at == LC_ABSENT ? breach->due_at : breach->breached_at, cycle->cycle, STEP_BROKEN,
                 g_strdup_printf("broken: %s", clock), breach_in_words(s, breach));
        if (breach->ended_at != LC_ABSENT)
            add_step(s, breach->ended_at, cycle->cycle, STEP_ENDED, g_strdup_printf("broken no longer: %s", clock),
                     end_in_words(breach));
    }
}

static void
tell_stages(story *s, const lc_ledger_cycle *cycle)
{
    LC_EACH_STAGE (stage, cycle)
        add_step(s, stage->reached_at, cycle->cycle, STEP_REACHED,
                 g_strdup_printf("reached %s", name_of(s, stage->part.name, "a stage")),
                 g_strdup(stage->named ? "" : "with a later one, which says so"));
}

static void
tell_tenures(story *s, const lc_ledger_cycle *cycle)
{
    LC_EACH_TENURE (tenure, cycle)
        add_step(s, tenure->from_at, cycle->cycle, STEP_OWNED,
                 g_strdup_printf("with %s", name_of(s, tenure->part.name, "nobody")),
                 tenure->to_at == LC_ABSENT || tenure->to_at == LC_NEVER
                     ? g_strdup("since then")
                     : g_strdup_printf("for %s", LC_SPAN(tenure->to_at - tenure->from_at)));
}

static void
tell_routes(story *s, const lc_ledger_cycle *cycle)
{
    LC_EACH_ROUTE (route, cycle) {
        g_autoptr(GString) why = g_string_new(NULL);
        g_string_append_printf(why, "because %s, %s%s", lc_cause_name((lc_cause)route->cause),
                               route->rule ? "by rule " : "by a gate", name_of(s, route->rule, ""));
        if (route->reason)
            g_string_append_printf(why, "; reason %s", name_of(s, route->reason, ""));
        if (route->why)
            g_string_append_printf(why, "; %s", name_of(s, route->why, ""));
        add_step(s, route->routed_at, cycle->cycle, STEP_ROUTED,
                 g_strdup_printf("routed: %s, track %s", lc_route_name((lc_route)route->route),
                                 name_of(s, route->part.name, "(none)")),
                 g_string_free(g_steal_pointer(&why), FALSE));
    }
}

/* ---- The tables ---- */

static int
compare_steps(gconstpointer a, gconstpointer b)
{
    const step *one = a, *other = b;
    if (one->at != other->at)
        return one->at < other->at ? -1 : 1;
    if (one->cycle != other->cycle)
        return one->cycle < other->cycle ? -1 : 1;
    if (one->kind != other->kind)
        return one->kind < other->kind ? -1 : 1;
    return strcmp(one->what, other->what);
}

static void
add_line(const lc_making *making, story *s)
{
    lc_table *table = lc_report_add_table(making, "timeline", "What happened, and why");
    lc_table_column(table, LC_CELL_INSTANT, "at", "when");
    lc_table_column(table, LC_CELL_COUNT, "cycle", "cycle");
    lc_table_column(table, LC_CELL_TEXT, "what", "what");
    lc_table_column(table, LC_CELL_TEXT, "why", "why");
    g_array_sort(s->steps, compare_steps);
    for (guint i = 0; i < s->steps->len; i++) {
        const step *one = &g_array_index(s->steps, step, i);
        lc_table_instant(table, one->at);
        lc_table_count(table, one->cycle);
        lc_table_text(table, lc_text_of(one->what));
        lc_table_text(table, lc_text_of(one->why));
    }
}

static void
add_cycles(const lc_making *making, const story *s)
{
    lc_table *table = lc_report_add_table(making, "cycles", "How it stands, cycle by cycle");
    lc_table_column(table, LC_CELL_COUNT, "cycle", "cycle");
    lc_table_column(table, LC_CELL_TEXT, "status", "status");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_COUNT, "attempts", "attempts");
    lc_table_column(table, LC_CELL_COUNT, "broken", "broken now");
    lc_table_column(table, LC_CELL_INSTANT, "first_contact_due_at", "first contact due");
    lc_table_column(table, LC_CELL_INSTANT, "handoff_at", "handed off");
    lc_table_column(table, LC_CELL_INSTANT, "settled_at", "settled");
    for (guint i = 0; i < s->cycles->len; i++) {
        const lc_ledger_cycle *cycle = s->cycles->pdata[i];
        lc_table_count(table, cycle->cycle);
        lc_table_text(table, cycle->open ? LC_TEXT("OPEN") : lc_text_of(lc_cause_name((lc_cause)cycle->cause)));
        lc_report_name(table, lc_ledger_text(s->ledger, cycle->owner), "(nobody)");
        lc_table_count(table, cycle->attempts);
        lc_table_count(table, cycle->open ? cycle->open->broken : 0);
        lc_table_instant(table, cycle->first_contact_due_at);
        lc_table_instant(table, cycle->handoff_at);
        lc_table_instant(table, cycle->open ? LC_ABSENT : cycle->settled_at);
    }
}

static char *
about_lead(const story *s)
{
    const lc_ledger_cycle *last = s->cycles->pdata[s->cycles->len - 1];
    return g_strdup_printf("%u cycle%s; the latest is %s, with %s. Times are those of %.*s.", s->cycles->len,
                           s->cycles->len == 1 ? "" : "s",
                           last->open ? (last->open->broken ? "open, with a broken promise" : "open") : "settled",
                           name_of(s, last->owner, "nobody"), LC_TEXT_ARGS(lc_report_zone_name(s->book)));
}

lc_answers *
lc_answers_of_lead(const lc_ledger *ledger, const lc_policy_book *book, lc_text lead_id, lc_instant at)
{
    g_autoptr(GPtrArray) cycles = g_ptr_array_new();
    g_autoptr(GArray) steps = g_array_new(FALSE, FALSE, sizeof(step));
    g_array_set_clear_func(steps, clear_step);
    story s = {ledger, book, at, cycles, steps};
    g_autofree char *id = g_strndup(lead_id.data, lead_id.size);
    find_cycles(&s, id);
    if (cycles->len == 0)
        return NULL;
    for (guint i = 0; i < cycles->len; i++) {
        tell_cycle(&s, cycles->pdata[i]);
        tell_breaches(&s, cycles->pdata[i]);
        tell_stages(&s, cycles->pdata[i]);
        tell_tenures(&s, cycles->pdata[i]);
        tell_routes(&s, cycles->pdata[i]);
    }
    g_autofree char *title = g_strdup_printf("Lead %.*s", LC_TEXT_ARGS(lead_id));
    lc_answers *report = lc_report_new(book, title, about_lead(&s));
    const lc_making making = {.ledger = ledger, .report = report};
    add_line(&making, &s);
    add_cycles(&making, &s);
    return report;
}
