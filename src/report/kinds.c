/* kinds.c - kinds of leads, by name. */
#include "kinds.h"

static bool
is_open(const lc_ledger_cycle *cycle)
{
    return cycle->open != NULL;
}

static bool
is_opened(const lc_ledger_cycle *cycle)
{
    return !lc_cycle_was_held_back(cycle);
}

static bool
is_contacted(const lc_ledger_cycle *cycle)
{
    return is_opened(cycle) && cycle->response_ms != LC_ABSENT;
}

static bool
is_assigned(const lc_ledger_cycle *cycle)
{
    return is_opened(cycle) && cycle->assigned_at != LC_ABSENT;
}

static bool
is_answered(const lc_ledger_cycle *cycle)
{
    return is_contacted(cycle) && is_assigned(cycle);
}

static bool
is_duplicate(const lc_ledger_cycle *cycle)
{
    return cycle->duplicate;
}

static bool
was_paused(const lc_ledger_cycle *cycle)
{
    return cycle->was_paused;
}

static bool
was_escalated(const lc_ledger_cycle *cycle)
{
    LC_EACH_BREACH (breach, cycle)
        if (breach->level > 0)
            return true;
    return false;
}

static bool
is_of_unknown_reason(const lc_ledger_cycle *cycle)
{
    return cycle->cause == LC_CAUSE_REJECTED && cycle->reason != cycle->rejected_as;
}

bool
lc_cycle_is(const lc_ledger_cycle *cycle, lc_text kind)
{
    static const struct {
        const char *name;
        bool (*holds)(const lc_ledger_cycle *cycle);
    } kinds[] = {{"open", is_open},
                 {"opened", is_opened},
                 {"held_back", lc_cycle_was_held_back},
                 {"contacted", is_contacted},
                 {"assigned", is_assigned},
                 {"answered", is_answered},
                 {"duplicate", is_duplicate},
                 {"paused", was_paused},
                 {"escalated", was_escalated},
                 {"reason_unknown", is_of_unknown_reason}};
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        if (lc_text_equal(kind, lc_text_of(kinds[i].name)))
            return kinds[i].holds(cycle);
    return lc_text_is_absent(kind);
}

bool
lc_clock_is(lc_text clock, lc_text wanted)
{
    if (lc_text_equal(wanted, LC_TEXT("first_contact:again")))
        return g_str_has_prefix(clock.data, "first_contact:");
    return lc_text_equal(clock, wanted);
}
