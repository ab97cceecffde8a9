/* Section 5: what every clock does. */
#include "clock.h"

lc_clock_run *
lc_clock_find(const lc_replay *replay, lc_clock clock)
{
    for (guint i = 0; i < replay->runs->len; i++) {
        lc_clock_run *run = &g_array_index(replay->runs, lc_clock_run, i);
        if (run->clock == clock)
            return run;
    }
    return NULL;
}

bool
lc_clock_is_asked_for(const lc_replay *replay, lc_instant at, lc_instant follow_up_at)
{
    return replay->cycle->rule->has_requested_time && follow_up_at > at;
}

/* ---- Instants ---- */

/* Rule 2.3: warnings fire in order of their instants, which is that of their parts; those at one instant as listed. */
static const lc_warning *
warning_after(const lc_clock_rule *rule, const lc_warning *last)
{
    const lc_warning *next = NULL;

    for (const lc_warning *warning = rule->warnings; warning < rule->warnings + rule->n_warnings; warning++)
        if ((last == NULL || warning->part > last->part || (warning->part == last->part && warning > last)) &&
            (next == NULL || warning->part < next->part))
            next = warning;
    return next;
}

static void
aim(lc_clock_run *run, const lc_warning *last)
{
    run->warning = run->rule->n_warnings && run->due_at != LC_NEVER ? warning_after(run->rule, last) : NULL;
    run->next = run->warning ? lc_calendar_add(run->rule->calendar, run->started_at, run->warning->part) : run->due_at;
}

void
lc_clock_start(lc_clock_run *run, lc_instant from)
{
    run->state = LC_RUN_RUNNING;
    run->started_at = from;
    run->due_at = lc_calendar_add(run->rule->calendar, from, run->rule->target);
    aim(run, NULL);
}

void
lc_clock_stop(lc_clock_run *run, lc_run_state state)
{
    run->state = state;
    run->next = LC_NEVER;
}

/* ---- Breaches ---- */

static lc_finding *
find_of_clock(lc_replay *replay, const lc_clock_run *run, lc_outcome_type type, lc_instant at)
{
    lc_finding *finding = lc_replay_find(replay, type, at);

    finding->clock = (uint8_t)run->clock;
    finding->clock_name = run->name;
    finding->rule = run->rule;
    finding->due_at = run->due_at;
    finding->started_at = run->started_at;
    return finding;
}

bool
lc_clock_breach(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED lc_settlement *settlement)
{
    find_of_clock(replay, run, LC_OUTCOME_BREACHED, run->due_at);
    run->kind->counted(replay, run, false);
    lc_clock_stop(run, LC_RUN_BREACHED);
    return false;
}

/* Rule 5.6. */
static void
end_breach(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by)
{
    find_of_clock(replay, run, LC_OUTCOME_BREACH_ENDED, at)->by = (uint8_t)by;
    run->state = LC_RUN_DONE;
}

/* ---- Facts ---- */

void
lc_clock_serve(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by)
{
    if (run->state == LC_RUN_BREACHED) {
        end_breach(replay, run, at, by);
    } else if (run->state == LC_RUN_RUNNING && at <= run->due_at) {
        run->kind->counted(replay, run, true);
        lc_clock_stop(run, LC_RUN_DONE);
    }
}

void
lc_clock_contacted(lc_replay *replay, lc_clock_run *run, const lc_moment *contact)
{
    lc_clock_serve(replay, run, contact->at, LC_ENDED_BY_CONTACTED);
}

void
lc_clock_progressed(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED unsigned stage, lc_instant at)
{
    lc_clock_serve(replay, run, at, LC_ENDED_BY_PROGRESSED);
}

/* ---- For all clocks of a cycle ---- */

bool
lc_clock_fire(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement)
{
    if (run->warning == NULL)
        return run->kind->expired(replay, run, settlement);
    find_of_clock(replay, run, LC_OUTCOME_WARNING, run->next)->warning = run->warning;
    aim(run, run->warning);
    return false;
}

void
lc_clock_settle(lc_replay *replay, lc_clock_run *run, lc_instant at)
{
    if (run->state == LC_RUN_BREACHED)
        end_breach(replay, run, at, LC_ENDED_BY_SETTLED);
    lc_clock_stop(run, LC_RUN_DONE);
}
