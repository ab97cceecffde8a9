/* Rule 4.12: a cycle waits for something that is not sales' to do. */
#include "pause.h"

#include "open_time.h"

/* `until` counts if it is after the fact that says it. */
static void
set_end(lc_replay *replay, const lc_moment *paused)
{
    lc_cycle *cycle = replay->cycle;
    lc_instant until = paused->fact->until;

    cycle->pause_ends = until > paused->at ? MIN(until, cycle->pause_limit) : cycle->pause_limit;
    replay->quiet_until = MIN(replay->quiet_until, cycle->pause_ends);
}

static bool
begin(lc_replay *replay, const lc_moment *paused)
{
    lc_cycle *cycle = replay->cycle;
    lc_duration at_most = cycle->rule->pause_at_most;
    lc_duration left = at_most == LC_NEVER ? LC_NEVER : at_most - lc_paused_ms(lc_pauses_of(replay, cycle), paused->at);

    if (left <= 0)
        return false;
    cycle->pause_limit = lc_instant_after(paused->at, left);
    set_end(replay, paused);
    cycle->metrics |= LC_BIT(LC_METRIC_PAUSED);
    *lc_array_add(replay->pauses, lc_pause) = (lc_pause){paused->at, LC_NEVER};
    cycle->n_pauses++;
    return true;
}

/* Rule 1.6: a pause whose end lies before the fact, and has not taken effect yet, is not changed by it. */
static bool
is_over(const lc_cycle *cycle, lc_instant at)
{
    return cycle->pause_ends < at;
}

bool
lc_pause_take(lc_replay *replay, const lc_moment *paused)
{
    lc_cycle *cycle = replay->cycle;

    if (!cycle->rule->has_pause)
        return false;
    if (!lc_is_paused(replay))
        return begin(replay, paused);
    if (!is_over(cycle, paused->at))
        set_end(replay, paused);
    return false;
}

bool
lc_pause_resume(lc_replay *replay, lc_instant at)
{
    if (!lc_is_paused(replay) || is_over(replay->cycle, at))
        return false;
    lc_pause_end(replay, at);
    return true;
}

void
lc_pause_end(lc_replay *replay, lc_instant at)
{
    lc_cycle *cycle = replay->cycle;

    if (!lc_is_paused(replay))
        return;
    g_array_index(replay->pauses, lc_pause, replay->pauses->len - 1).to = at;
    cycle->pause_ends = LC_ABSENT;
}
