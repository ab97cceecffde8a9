/* Section 5: all clocks of a cycle, and the order among them. */
#include "clocks.h"

#include "clock.h"

extern const struct lc_clock_kind lc_first_contact_kind, lc_requested_kind, lc_milestone_kind, lc_follow_up_kind,
    lc_clawback_kind;

/* In the order of section 5. */
static const struct lc_clock_kind *const kinds[] = {
    &lc_first_contact_kind, &lc_requested_kind, &lc_milestone_kind, &lc_follow_up_kind, &lc_clawback_kind,
};

/* Calls a hook of each run that has it. */
#define TELL(replay, hook, awake, ...)                                                                                 \
    do {                                                                                                               \
        lc_clock_run *run = (lc_clock_run *)(void *)(replay)->runs->data, *end = run + (replay)->runs->len;            \
        for (; run < end; run++)                                                                                       \
            if (run->kind->hook && (!(awake) || run->state != LC_RUN_IDLE))                                            \
                run->kind->hook((replay), run, __VA_ARGS__);                                                           \
    } while (0)

static void
set_up(lc_replay *replay, const struct lc_clock_kind *kind)
{
    const lc_rule *rule = replay->cycle->rule;
    unsigned n = kind->count(replay->cycle->policy, rule);

    for (unsigned i = 0; i < n; i++) {
        lc_clock_run *run = lc_array_add(replay->runs, lc_clock_run);
        *run = (lc_clock_run){.kind = kind, .clock = kind->clock, .next = LC_NEVER};
        kind->set_up(run, rule, i);
    }
}

void
lc_clocks_open(lc_replay *replay, lc_instant follow_up_at)
{
    lc_array_empty(replay->runs);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        set_up(replay, kinds[i]);
    TELL(replay, opened, false, follow_up_at);
}

void
lc_clocks_contacted(lc_replay *replay, const lc_moment *contact)
{
    TELL(replay, contacted, true, contact);
    TELL(replay, after_contact, false, contact);
}

void
lc_clocks_progressed(lc_replay *replay, unsigned stage, lc_instant at)
{
    TELL(replay, progressed, true, stage, at);
    TELL(replay, after_progress, false, stage, at);
}

void
lc_clocks_settled(lc_replay *replay, lc_instant at)
{
    for (guint i = 0; i < replay->runs->len; i++)
        lc_clock_settle(replay, &g_array_index(replay->runs, lc_clock_run, i), at);
}

/* Among the instants at one time: warnings, then the clocks in their order. */
static lc_clock_run *
earliest(const lc_replay *replay)
{
    lc_clock_run *run = (lc_clock_run *)(void *)replay->runs->data, *best = run;

    for (guint i = 1; i < replay->runs->len; i++)
        if (run[i].next < best->next || (run[i].next == best->next && run[i].warning && best->warning == NULL))
            best = &run[i];
    return best;
}

lc_clocks_result
lc_clocks_fire_next(lc_replay *replay, lc_instant until, lc_settlement *settlement)
{
    lc_clock_run *run = earliest(replay);

    if (run->next >= until)
        return LC_CLOCKS_QUIET;
    if (run->next >= replay->now) {
        replay->wake_at = MIN(replay->wake_at, run->next);
        return LC_CLOCKS_QUIET;
    }
    return lc_clock_fire(replay, run, settlement) ? LC_CLOCKS_SETTLE : LC_CLOCKS_FIRED;
}
