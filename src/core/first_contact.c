/* Rule 5.1: the first human contact (or a progress) after the hand-off. */
#include "clock.h"

static void
contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    lc_clock_serve(replay, run, contact->at, LC_ENDED_BY_CONTACTED);
}

static void
progressed(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED unsigned stage, lc_instant at)
{
    lc_clock_serve(replay, run, at, LC_ENDED_BY_PROGRESSED);
}

static void
due(lc_replay *replay, lc_clock_run *run)
{
    static const lc_destination reassign = {.route = LC_ROUTE_REASSIGN};

    lc_clock_breach(replay, run);
    if (replay->cycle->rule->reassign)
        lc_cycle_route(replay, &(lc_settlement){.cause = LC_CAUSE_BREACHED,
                                                .at = run->due_at,
                                                .destination = &reassign,
                                                .resume_at = LC_ABSENT});
}

static void
count(lc_replay *replay, G_GNUC_UNUSED lc_clock_run *run, bool met)
{
    replay->cycle->metrics |= LC_BIT(met ? LC_METRIC_FIRST_CONTACT_MET : LC_METRIC_FIRST_CONTACT_BREACHED);
}

const struct lc_clock_kind lc_first_contact_kind = {LC_CLOCK_FIRST_CONTACT, contacted, progressed, due, count};
