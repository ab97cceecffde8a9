/* What `leadclock inspect` says of the latest cycle. */
#include "standing.h"

#include "describe.h"

const char *
lc_cli_format_instant(lc_instant at, char *text)
{
    if (at == LC_ABSENT || at == LC_NEVER)
        return at == LC_NEVER ? "never" : "-";
    return lc_instant_format(at, text);
}

const lc_cycle_row *
lc_cli_latest_cycle(const lc_judgement *judgement)
{
    const lc_cycle_row *latest = NULL;
    for (size_t i = 0; i < judgement->n_rows; i++) {
        const lc_row *row = &judgement->rows[i];
        if (row->type == LC_ROW_CYCLE && (latest == NULL || row->cycle.cycle > latest->cycle))
            latest = &row->cycle;
    }
    return latest;
}

void
lc_cli_append_instant(GString *out, const char *before, lc_instant at)
{
    char text[LC_INSTANT_TEXT_BYTES];
    g_string_append(out, before);
    lc_cli_append_time(out, lc_cli_format_instant(at, text));
}

static void
append_if_any(GString *out, const char *before, lc_text text)
{
    if (!lc_text_is_absent(text))
        g_string_append_printf(out, "%s%.*s", before, LC_TEXT_ARGS(text));
}

static void
append_cycle(GString *out, const lc_cycle_row *cycle)
{
    g_string_append_printf(out, "Cycle %u", cycle->cycle);
    lc_cli_append_instant(out, ", handed off ", cycle->handoff_at);
    g_string_append_printf(out, " from \"%.*s\"", LC_TEXT_ARGS(cycle->channel));
    append_if_any(out, ", campaign ", cycle->campaign);
    append_if_any(out, ", by policy ", cycle->policy);
    append_if_any(out, ", rule ", cycle->rule);
    if (cycle->settled) {
        lc_cli_append_instant(out, ": settled ", cycle->settled_at);
        g_string_append_printf(out, ", %s", lc_cause_name(cycle->cause));
        append_if_any(out, " into ", cycle->merged_into);
    } else {
        g_string_append(out, ": open");
    }
    append_if_any(out, ", stage ", cycle->stage);
    append_if_any(out, ", owner ", cycle->owner);
    g_string_append(out, ".\n");
}

static void
append_priority(GString *out, const lc_cycle_row *cycle)
{
    if (cycle->priority_at == LC_ABSENT || cycle->settled)
        return;
    lc_cli_append_instant(out, "Priority as of ", cycle->priority_at);
    g_string_append_printf(out, "%s: the latest come first.\n",
                           cycle->duplicate ? " (it was handed off again meanwhile)" : "");
}

static void
append_pauses(GString *out, const lc_cycle_row *cycle)
{
    if (cycle->paused_since != LC_ABSENT)
        lc_cli_append_instant(out, "Paused since ", cycle->paused_since);
    if (cycle->paused_since != LC_ABSENT && cycle->paused_ms > 0)
        g_string_append(out, "; before that paused for ");
    else if (cycle->paused_ms > 0)
        g_string_append(out, "Was paused for ");
    if (cycle->paused_ms > 0)
        lc_cli_append_duration(out, cycle->paused_ms);
    if (cycle->paused_since != LC_ABSENT || cycle->paused_ms > 0)
        g_string_append(out, ".\n");
}

/* Promises of this cycle that are broken, and not yet served all the same. */
static void
append_broken(GString *out, const lc_judgement *judgement, const lc_cycle_row *cycle)
{
    for (size_t i = 0; i < judgement->n_rows; i++) {
        const lc_breach_row *breach = &judgement->rows[i].breach;
        if (judgement->rows[i].type != LC_ROW_BREACH || breach->cycle != cycle->cycle || breach->early ||
            breach->ended_at != LC_ABSENT)
            continue;
        g_string_append_printf(out, "Broken: %.*s", LC_TEXT_ARGS(breach->clock));
        lc_cli_append_instant(out, ", due ", breach->due_at);
        if (breach->level)
            g_string_append_printf(out, ", escalated to level %u", breach->level);
        g_string_append(out, ".\n");
    }
}

void
lc_cli_print_standing(const lc_judgement *judgement, const lc_cycle_row *cycle)
{
    g_autoptr(GString) out = g_string_new("\n");
    append_cycle(out, cycle);
    append_priority(out, cycle);
    append_pauses(out, cycle);
    append_broken(out, judgement, cycle);
    printf("%s", out->str);
}
