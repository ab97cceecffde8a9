/* worklist.c - the open cycles, in the order in which to work. */
#include "firsts.h"
#include "ledger.h"

#include <leadclock/calendar.h>

#include <stdlib.h>

/* ---- Choosing ---- */

static bool
is_wanted(const lc_ledger *ledger, const lc_ledger_cycle *cycle, const lc_work_filter *filter)
{
    if (cycle->open == NULL)
        return false;
    if (filter->is_unowned)
        return cycle->owner == 0;
    return lc_text_is_absent(filter->owner) || lc_text_equal(lc_ledger_text(ledger, cycle->owner), filter->owner);
}

static lc_work
work_of(const lc_ledger *ledger, const lc_ledger_cycle *cycle)
{
    const lc_open_cycle *open = cycle->open;
    return (lc_work){.lead_id = lc_text_of(cycle->lead_id),
                     .channel = lc_ledger_text(ledger, cycle->channel),
                     .rule = lc_ledger_text(ledger, cycle->rule),
                     .owner = lc_ledger_text(ledger, cycle->owner),
                     .next_clock = lc_ledger_text(ledger, open->next_clock),
                     .cycle_id = cycle->as.id,
                     .attempts = cycle->attempts,
                     .broken = open->broken,
                     .escalation = open->escalation,
                     .handoff_at = cycle->handoff_at,
                     .next_due_at = open->next_due_at,
                     .broken_since = open->broken_since,
                     .paused_since = open->paused_since,
                     .priority_at = open->priority_at,
                     .asked_again = cycle->duplicate};
}

/* ---- The order ---- */

static int
compare_work(gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
    const lc_ledger_cycle *one = *(lc_ledger_cycle *const *)a, *other = *(lc_ledger_cycle *const *)b;
    if ((one->open->broken > 0) != (other->open->broken > 0))
        return one->open->broken > 0 ? -1 : 1;
    if (one->open->priority_at != other->open->priority_at)
        return one->open->priority_at > other->open->priority_at ? -1 : 1;
    int order = strcmp(one->lead_id, other->lead_id);
    return order ? order : memcmp(&one->as.id, &other->as.id, sizeof one->as.id);
}

GArray *
lc_worklist_find(const lc_ledger *ledger, const lc_work_filter *filter, size_t *n_all)
{
    GArray *work = g_array_new(FALSE, FALSE, sizeof(lc_work));
    lc_firsts firsts;
    lc_firsts_init(&firsts, filter->limit, compare_work, NULL);
    LC_EACH_CYCLE (cycle, ledger, NULL)
        if (is_wanted(ledger, cycle, filter))
            lc_firsts_add(&firsts, cycle);
    *n_all = firsts.n_all;
    g_autoptr(GPtrArray) sorted = lc_firsts_end(&firsts);
    for (guint i = 0; i < sorted->len; i++) {
        lc_work added = work_of(ledger, sorted->pdata[i]);
        g_array_append_val(work, added);
    }
    return work;
}

/* ---- Why ---- */

/* To the minute, and nothing below one. */
static const char *
roughly(lc_duration duration, char *text)
{
    if (duration < LC_MINUTE)
        return strcpy(text, "less than a minute");
    lc_duration unit = duration < LC_DAY ? LC_MINUTE : LC_HOUR;
    return lc_duration_format(duration / unit * unit, text);
}

static void
say_broken(GString *why, const lc_work *work, lc_instant at)
{
    char age[LC_DURATION_TEXT_BYTES];
    bool is_one = work->broken == 1, is_known = work->broken_since != LC_ABSENT;
    if (is_one)
        g_string_append(why, is_known ? "a promise has been broken" : "a promise is broken");
    else
        g_string_append_printf(why, "%u promises are broken", work->broken);
    if (is_known)
        g_string_append_printf(why, "%s for %s", is_one ? "" : ", the first", roughly(at - work->broken_since, age));
    if (work->escalation)
        g_string_append_printf(why, ", escalated to level %u", work->escalation);
    g_string_append(why, "; ");
}

/* What priority_at is made of: the newest time the prospect asked, and the rule's head start. */
static void
say_priority(GString *why, const lc_work *work, lc_instant at)
{
    char age[LC_DURATION_TEXT_BYTES], start[LC_DURATION_TEXT_BYTES];
    lc_duration ahead = work->priority_at - work->handoff_at;
    g_string_append_printf(why, "handed off %s ago", roughly(at - work->handoff_at, age));
    if (work->priority_at == LC_ABSENT || ahead <= 0)
        return;
    g_string_append_printf(why, ", counts as %s newer: ", roughly(ahead, start));
    if (work->asked_again)
        g_string_append_printf(why, "asked again since, or the head start of rule %.*s", LC_TEXT_ARGS(work->rule));
    else
        g_string_append_printf(why, "the head start of rule %.*s", LC_TEXT_ARGS(work->rule));
}

char *
lc_work_why(const lc_work *work, lc_instant at)
{
    char age[LC_DURATION_TEXT_BYTES];
    g_autoptr(GString) why = g_string_new(NULL);
    if (work->broken)
        say_broken(why, work, at);
    say_priority(why, work, at);
    if (work->paused_since != LC_ABSENT)
        g_string_append_printf(why, "; paused for %s, its clocks wait", roughly(at - work->paused_since, age));
    why->str[0] = g_ascii_toupper(why->str[0]);
    return g_string_free(g_steal_pointer(&why), FALSE);
}
