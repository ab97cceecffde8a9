/* Section 5: what every clock does. */
#include "clock.h"

enum { FIRST_CONTACT, REQUESTED, MILESTONES };

static inline lc_clock_run *
run_at(const lc_replay *replay, guint index)
{
    return &g_array_index(replay->runs, lc_clock_run, index);
}

lc_clock_run *
lc_clock_first_contact(const lc_replay *replay)
{
    return run_at(replay, FIRST_CONTACT);
}

lc_clock_run *
lc_clock_requested(const lc_replay *replay)
{
    return run_at(replay, REQUESTED);
}

lc_clock_run *
lc_clock_follow_up(const lc_replay *replay)
{
    return run_at(replay, replay->runs->len - 2);
}

lc_clock_run *
lc_clock_clawback(const lc_replay *replay)
{
    return run_at(replay, replay->runs->len - 1);
}

/* ---- One clock ---- */

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

static lc_finding *
find_of_clock(lc_replay *replay, const lc_clock_run *run, lc_outcome_type type, lc_instant at)
{
    lc_finding *finding = lc_replay_find(replay, type, at);

    finding->clock = (uint8_t)run->kind->clock;
    finding->clock_name = run->name;
    finding->rule = run->rule;
    finding->due_at = run->due_at;
    finding->started_at = run->started_at;
    return finding;
}

void
lc_clock_breach(lc_replay *replay, lc_clock_run *run)
{
    find_of_clock(replay, run, LC_OUTCOME_BREACHED, run->due_at);
    run->kind->count(replay, run, false);
    lc_clock_stop(run, LC_RUN_BREACHED);
}

/* Rule 5.6. */
static void
end_breach(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by)
{
    find_of_clock(replay, run, LC_OUTCOME_BREACH_ENDED, at)->by = (uint8_t)by;
    run->state = LC_RUN_DONE;
}

void
lc_clock_serve(lc_replay *replay, lc_clock_run *run, lc_instant at, lc_ended_by by)
{
    if (run->state == LC_RUN_BREACHED) {
        end_breach(replay, run, at, by);
    } else if (run->state == LC_RUN_RUNNING && at <= run->due_at) {
        run->kind->count(replay, run, true);
        lc_clock_stop(run, LC_RUN_DONE);
    }
}

/* ---- All clocks of a cycle ---- */

static lc_clock_run *
set_up(lc_clock_run *run, const struct lc_clock_kind *kind, lc_text name, const lc_clock_rule *rule)
{
    *run = (lc_clock_run){.kind = kind, .rule = rule, .name = name, .next = LC_NEVER};
    return run;
}

static void
set_up_all(lc_replay *replay, const lc_rule *rule)
{
    lc_array_empty(replay->runs);
    lc_array_lengthen(replay->runs, MILESTONES + rule->n_milestones + 2);
    lc_clock_run *run = run_at(replay, 0);

    set_up(run++, &lc_first_contact_kind, LC_TEXT("first_contact"), &rule->first_contact);
    set_up(run++, &lc_requested_kind, LC_TEXT("requested"), &rule->requested_time);
    for (unsigned i = 0; i < rule->n_milestones; i++) {
        const lc_milestone_rule *milestone = &rule->milestones[i];
        set_up(run, &lc_milestone_kind, milestone->name, &milestone->clock)->stage = milestone->stage;
        lc_clock_start(run++, replay->cycle->handoff_at);
    }
    set_up(run++, &lc_follow_up_kind, LC_TEXT("follow_up"), &rule->follow_up);
    set_up(run++, &lc_clawback_kind, LC_TEXT("clawback"), &rule->clawback);
}

void
lc_clocks_open(lc_replay *replay, lc_instant follow_up_at)
{
    const lc_rule *rule = replay->cycle->rule;
    lc_instant handoff_at = replay->cycle->handoff_at;

    set_up_all(replay, rule);
    if (rule->has_requested_time && follow_up_at > handoff_at)
        lc_requested_set(replay, handoff_at, follow_up_at);
    else if (rule->has_first_contact)
        lc_clock_start(lc_clock_first_contact(replay), handoff_at);
    lc_clawback_open(replay);
}

void
lc_clocks_contacted(lc_replay *replay, const lc_moment *contact)
{
    for (guint i = 0; i < replay->runs->len; i++) {
        lc_clock_run *run = run_at(replay, i);
        if (run->state != LC_RUN_IDLE && run->kind->contacted)
            run->kind->contacted(replay, run, contact);
    }
    lc_requested_set(replay, contact->at, contact->fact->follow_up_at);
    lc_follow_up_consider(replay, contact);
    lc_clawback_rebase(replay);
}

void
lc_clocks_progressed(lc_replay *replay, unsigned stage, lc_instant at)
{
    for (guint i = 0; i < replay->runs->len; i++) {
        lc_clock_run *run = run_at(replay, i);
        if (run->state != LC_RUN_IDLE)
            run->kind->progressed(replay, run, stage, at);
    }
    lc_clawback_rebase(replay);
}

void
lc_clocks_settled(lc_replay *replay, lc_instant at)
{
    for (guint i = 0; i < replay->runs->len; i++) {
        lc_clock_run *run = run_at(replay, i);
        if (run->state == LC_RUN_BREACHED)
            end_breach(replay, run, at, LC_ENDED_BY_SETTLED);
        lc_clock_stop(run, LC_RUN_DONE);
    }
}

/* Among the instants at one time: warnings, then the clocks in their order. */
static lc_clock_run *
earliest(const lc_replay *replay)
{
    lc_clock_run *run = run_at(replay, 0), *best = run;

    for (guint i = 1; i < replay->runs->len; i++)
        if (run[i].next < best->next || (run[i].next == best->next && run[i].warning && best->warning == NULL))
            best = &run[i];
    return best;
}

static void
fire(lc_replay *replay, lc_clock_run *run)
{
    if (run->warning == NULL) {
        run->kind->due(replay, run);
        return;
    }
    find_of_clock(replay, run, LC_OUTCOME_WARNING, run->next)->warning = run->warning;
    aim(run, run->warning);
}

void
lc_clocks_advance(lc_replay *replay, lc_instant until)
{
    while (replay->open) {
        lc_clock_run *run = earliest(replay);
        if (run->next >= until)
            return;
        if (run->next >= replay->now) {
            replay->wake_at = MIN(replay->wake_at, run->next);
            return;
        }
        fire(replay, run);
    }
}
