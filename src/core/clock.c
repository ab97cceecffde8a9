/* Section 5: what every clock does. */
#include "clock.h"

#include "open_time.h"

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

static lc_pauses
pauses_of(const lc_replay *replay, const lc_clock_run *run)
{
    return run->waits ? lc_pauses_of(replay, replay->cycle) : (lc_pauses){0};
}

static G_NO_INLINE lc_duration
part_of_working_days(const lc_clock_run *run, const lc_warning *warning)
{
    return lc_warning_part(warning, run->target);
}

/* Of the target; 0: it is left out. */
static inline lc_duration
part_of(const lc_clock_run *run, const lc_warning *warning)
{
    return warning->part > 0 ? warning->part : part_of_working_days(run, warning);
}

/* Rule 2.3: warnings fire in order of their instants, which is that of their parts; those at one instant as listed. */
static const lc_warning *
warning_after(const lc_clock_run *run, const lc_warning *last)
{
    const lc_warning *warning = run->rule->warnings, *end = warning + run->rule->n_warnings, *next = NULL;
    lc_duration last_part = last ? part_of(run, last) : 0, next_part = LC_NEVER;

    for (; warning < end; warning++) {
        lc_duration part = part_of(run, warning);
        if (part < next_part && (part > last_part || (part == last_part && last && warning > last))) {
            next = warning;
            next_part = part;
        }
    }
    return next;
}

void
lc_clock_set_rule(lc_clock_run *run, const lc_clock_rule *rule)
{
    run->rule = rule;
    run->counts_days = rule->working_days >= 0;
    run->target = rule->target;
    run->first_warning = run->counts_days ? NULL : warning_after(run, NULL);
    run->first_after = run->first_warning ? part_of(run, run->first_warning) : run->target;
}

/* While it runs: its next warning, or that it expires, comes so much open time after its start at the earliest. */
static inline void
await(lc_replay *replay, lc_clock_run *run, lc_duration after)
{
    run->is_exact = false;
    run->next_is = run->warning ? LC_INSTANT_WARNING : LC_INSTANT_EXPIRY;
    run->next = lc_instant_after(run->started_at, after);
    replay->quiet_until = MIN(replay->quiet_until, run->next);
}

static void
await_escalation(lc_replay *replay, lc_clock_run *run)
{
    const lc_clock_rule *rule = run->rule;

    run->is_exact = false;
    run->next_is = LC_INSTANT_ESCALATION;
    run->next = run->level < rule->n_escalations ? lc_instant_after(run->due_at, rule->escalations[run->level].after)
                                                 : LC_NEVER;
    replay->quiet_until = MIN(replay->quiet_until, run->next);
}

/* What comes next, and when at the earliest. */
static void
aim(lc_replay *replay, lc_clock_run *run)
{
    if (run->state == LC_RUN_BREACHED)
        await_escalation(replay, run);
    else
        await(replay, run, run->warning ? part_of(run, run->warning) : run->target);
}

static lc_instant
due_of(const lc_clock_run *run, lc_pauses pauses)
{
    return run->target == LC_NEVER ? LC_NEVER : lc_open_due(run->rule->calendar, pauses, run->started_at, run->target);
}

lc_instant
lc_clock_due(const lc_replay *replay, lc_clock_run *run)
{
    if (run->due_at == LC_ABSENT)
        run->due_at = due_of(run, pauses_of(replay, run));
    return run->due_at;
}

static lc_instant
expiry_of(const lc_replay *replay, const lc_clock_run *run)
{
    return run->target == LC_NEVER
               ? LC_NEVER
               : lc_open_last(run->rule->calendar, pauses_of(replay, run), run->started_at, run->target);
}

static lc_instant
warning_at(const lc_replay *replay, const lc_clock_run *run)
{
    return lc_open_moment(run->rule->calendar, pauses_of(replay, run), run->started_at, part_of(run, run->warning));
}

static lc_instant
escalation_at(const lc_replay *replay, const lc_clock_run *run)
{
    return lc_open_moment(run->rule->calendar, pauses_of(replay, run), run->due_at,
                          run->rule->escalations[run->level].after);
}

void
lc_clock_look(const lc_replay *replay, lc_clock_run *run)
{
    switch ((lc_instant_kind)run->next_is) {
    case LC_INSTANT_WARNING:
        run->next = warning_at(replay, run);
        break;
    case LC_INSTANT_EXPIRY:
        run->next = expiry_of(replay, run);
        break;
    case LC_INSTANT_ESCALATION:
        run->next = escalation_at(replay, run);
        break;
    }
    run->is_exact = true;
}

/* Its target, and so its first warning, depends on when it starts. */
static G_NO_INLINE void
count_days(lc_clock_run *run)
{
    run->target = lc_clock_rule_target(run->rule, run->started_at);
    run->first_warning = run->target != LC_NEVER ? warning_after(run, NULL) : NULL;
    run->first_after = run->first_warning ? part_of(run, run->first_warning) : run->target;
}

void
lc_clock_start(lc_replay *replay, lc_clock_run *run, lc_instant from)
{
    run->state = LC_RUN_RUNNING;
    run->started_at = from;
    run->due_at = LC_ABSENT;
    if (G_UNLIKELY(run->counts_days))
        count_days(run);
    run->warning = run->first_warning;
    await(replay, run, run->first_after);
}

/* The due time of a first contact is told for good as it was then (10.2). */
void
lc_clock_stop(lc_replay *replay, lc_clock_run *run, lc_run_state state)
{
    if (replay->keeps_due && run->clock == LC_CLOCK_FIRST_CONTACT)
        lc_clock_due(replay, run);
    run->state = (uint8_t)state;
    run->next = LC_NEVER;
}

void
lc_clock_move(lc_replay *replay, lc_clock_run *run)
{
    if (run->state == LC_RUN_RUNNING)
        run->due_at = LC_ABSENT;
    aim(replay, run);
}

lc_instant
lc_clock_due_after_pause(const lc_replay *replay, const lc_clock_run *run, lc_instant at)
{
    lc_pauses pauses = pauses_of(replay, run);
    lc_instant due_at = due_of(run, pauses);
    lc_pause *last = pauses.n ? (lc_pause *)&pauses.items[pauses.n - 1] : NULL;

    if (due_at == LC_NEVER && last && last->to == LC_NEVER) {
        last->to = at;
        due_at = due_of(run, pauses);
        last->to = LC_NEVER;
    }
    return due_at;
}

/* ---- Breaches ---- */

static lc_finding *
find_of_clock(lc_replay *replay, lc_clock_run *run, lc_outcome_type type, lc_instant at)
{
    lc_finding *finding = lc_replay_find(replay, type, at);

    finding->clock = run->clock;
    finding->waits = run->waits;
    finding->clock_name = run->name;
    finding->rule = run->rule;
    finding->due_at = lc_clock_due(replay, run);
    return finding;
}

bool
lc_clock_breach(lc_replay *replay, lc_clock_run *run, G_GNUC_UNUSED lc_settlement *settlement)
{
    lc_finding *finding = find_of_clock(replay, run, LC_OUTCOME_BREACHED, run->next);

    finding->breached.started_at = run->started_at;
    finding->breached.target = run->target;
    run->kind->counted(replay, run, false);
    run->state = LC_RUN_BREACHED;
    run->breached_at = run->next;
    run->level = 0;
    await_escalation(replay, run);
    return false;
}

bool
lc_clock_breach_and_reassign(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement)
{
    static const lc_destination reassign = {.route = LC_ROUTE_REASSIGN};

    lc_clock_breach(replay, run, settlement);
    if (replay->cycle->rule->reassign)
        lc_replay_route(replay, &(lc_settlement){.cause = LC_CAUSE_BREACHED,
                                                 .at = run->breached_at,
                                                 .destination = &reassign,
                                                 .resume_at = LC_ABSENT});
    return false;
}

/* Rule 5.6. */
static void
end_breach(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by)
{
    lc_finding *finding = find_of_clock(replay, run, LC_OUTCOME_BREACH_ENDED, at);

    finding->by = (uint8_t)by;
    finding->breach.breached_at = run->breached_at;
    lc_clock_stop(replay, run, LC_RUN_ENDED);
}

/* Rule 5.11. */
static void
escalate(lc_replay *replay, lc_clock_run *run)
{
    lc_finding *finding = find_of_clock(replay, run, LC_OUTCOME_ESCALATED, run->next);

    finding->breach.breached_at = run->breached_at;
    finding->breach.escalation = &run->rule->escalations[run->level++];
    replay->cycle->metrics |= LC_BIT(LC_METRIC_ESCALATED);
    await_escalation(replay, run);
}

/* ---- Facts ---- */

/* Open time is no longer than plain time. */
static bool
is_in_time(const lc_replay *replay, const lc_clock_run *run, lc_instant at)
{
    return at <= lc_instant_after(run->started_at, run->target) || at <= expiry_of(replay, run);
}

void
lc_clock_serve(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by)
{
    if (run->state == LC_RUN_BREACHED) {
        end_breach(replay, run, at, by);
    } else if (run->state == LC_RUN_RUNNING && is_in_time(replay, run, at)) {
        run->kind->counted(replay, run, true);
        lc_clock_stop(replay, run, LC_RUN_MET);
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

/* Not of a clock that is never due. */
static void
warn(lc_replay *replay, lc_clock_run *run)
{
    if (lc_clock_due(replay, run) != LC_NEVER)
        find_of_clock(replay, run, LC_OUTCOME_WARNING, run->next)->warning = run->warning;
    run->warning = warning_after(run, run->warning);
    aim(replay, run);
}

bool
lc_clock_fire(lc_replay *replay, lc_clock_run *run, lc_settlement *settlement)
{
    if (run->next_is == LC_INSTANT_EXPIRY)
        return run->kind->expired(replay, run, settlement);
    if (run->next_is == LC_INSTANT_WARNING)
        warn(replay, run);
    else
        escalate(replay, run);
    return false;
}

void
lc_clock_settle(lc_replay *replay, lc_clock_run *run, lc_instant at)
{
    if (run->state == LC_RUN_BREACHED)
        end_breach(replay, run, at, LC_ENDED_BY_SETTLED);
    else
        lc_clock_stop(replay, run, LC_RUN_STOPPED);
}
