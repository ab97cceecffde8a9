/* plan.c - which faults a seed has, and when. */
#include "sim.h"

bool sim_only_failovers;

static const char seconds_policy[] =
    "name: seconds\n"
    "clock_skew: 2s\n"
    "retain: 9000d\n"
    "stages: [SAL, SQL, {name: WON, closes: won}, {name: LOST, closes: lost}]\n"
    "reasons:\n"
    "  not_ready: {route: NURTURE, track: long-term}\n"
    "  student: {route: SUPPRESS, cooldown: 20s}\n"
    "  territory: {route: REASSIGN}\n"
    "  other: {route: NURTURE, track: general}\n"
    "rules:\n"
    "  - name: hot\n"
    "    when: {channel: [demo]}\n"
    "    head_start: 30s\n"
    "    first_contact: {within: 5s, warn: [\"50%\", 1s], escalate: [4s, 9s], renew: true,\n"
    "                    reassign: {within: 6s, times: 2}}\n"
    "    requested_time: {early: 2s, late: 8s, escalate: [3s]}\n"
    "    milestones: [{stage: SAL, within: 20s, warn: [\"75%\"], escalate: [10s]}]\n"
    "    next_contact: {within: 12s, until: SQL, warn: [4s], escalate: [6s]}\n"
    "    pause: {at_most: 25s}\n"
    "    follow_up: {attempts: 1, within: 15s, route: NURTURE, track: unresponsive}\n"
    "    clawback: {after: 60s, from: handoff, warn: [10s], until: SQL, route: NURTURE, track: re-engage}\n"
    "  - name: rest\n"
    "    when: any\n"
    "    first_contact: {within: 20s, escalate: [20s], reassign: true}\n"
    "    next_contact: {within: 30s}\n"
    "    pause: {}\n"
    "    clawback: {after: 90s, from: last_activity, warn: [30s]}\n";

static const char days_policy[] =
    "name: days\n"
    "clock_skew: 2m\n"
    "retain: 9000d\n"
    "calendars:\n"
    "  office:\n"
    "    time_zone: Europe/Stockholm\n"
    "    week: {mon: [08:00-17:00], tue: [08:00-17:00], wed: [08:00-17:00],\n"
    "           thu: [08:00-17:00, 22:00-02:00], fri: [08:00-16:00], sun: [12:00-14:00]}\n"
    "stages: [SAL, SQL, {name: WON, closes: won}, {name: LOST, closes: lost}]\n"
    "reasons:\n"
    "  not_ready: {route: NURTURE, track: long-term}\n"
    "  student: {route: SUPPRESS, cooldown: 1d}\n"
    "  territory: {route: REASSIGN}\n"
    "  other: {route: NURTURE, track: general}\n"
    "gates:\n"
    "  open_dialogue: {within: 14d, route: REASSIGN}\n"
    "rules:\n"
    "  - name: hot\n"
    "    when: {channel: [demo]}\n"
    "    first_contact: {within: 8h, warn: [\"50%\"], escalate: [4h], renew: true,\n"
    "                    reassign: true}\n"
    "    milestones: [{stage: SAL, within: {working_days: 1, cutoff: \"15:00\"},\n"
    "                  calendar: office, escalate: [2h]}]\n"
    "    next_contact: {within: 6h, calendar: office}\n"
    "    pause: {at_most: 1d}\n"
    "    clawback: {after: 4d, from: handoff, warn: [24h]}\n"
    "  - name: rest\n"
    "    when: any\n"
    "    first_contact: {within: 24h}\n"
    "    pause: {}\n"
    "    clawback: {after: 5d, from: last_activity}\n";

const char *const sim_output_names[LC_OUTPUTS] = {"breaches",     "warnings", "clawbacks", "routed", "settled",
                                                  "dead-letters", "state",    "counters",  "cycles", "breached",
                                                  "stages",       "tenures",  "routes",    "counted"};

const char *const *
sim_input_names(int n_inputs)
{
    static const char *const names[SIM_MAX_INPUTS][SIM_MAX_INPUTS + 1] = {
        {"in-0"}, {"in-0", "in-1"}, {"in-0", "in-1", "in-2"}};
    return names[n_inputs - 1];
}

/* Each kind of fault is there in half of the seeds only: a rare chain of two is found sooner without the others. */
static uint32_t
rate(sim_random *random, uint32_t most)
{
    return sim_random_below(random, 2) ? sim_random_below(random, most) + 1 : 0;
}

static unsigned
number(sim_random *random, uint32_t most)
{
    return sim_random_below(random, 2) ? sim_random_below(random, most + 1) : 0;
}

static void
draw_faults(sim_plan *plan, sim_random *random)
{
    static const lc_duration pauses[] = {3 * LC_SECOND, 25 * LC_SECOND, 100 * LC_SECOND, 400 * LC_SECOND};
    static const uint32_t most[SIM_FAULTS] = {
        [LC_MEMORY_FAULT_FETCH] = 200000,     [LC_MEMORY_FAULT_ENDS] = 30000,
        [LC_MEMORY_FAULT_RENEW] = 100000,     [LC_MEMORY_FAULT_FLUSH] = 10000,
        [LC_MEMORY_FAULT_FLUSH_LATE] = 10000, [LC_MEMORY_FAULT_SEND_LATE] = 50000,
        [LC_MEMORY_FAULT_SEND] = 50000,       [LC_MEMORY_FAULT_SEND_REPLY] = 50000,
        [LC_MEMORY_FAULT_END_LOST] = 80000,   [LC_MEMORY_FAULT_END_LATE] = 80000,
        [LC_MEMORY_FAULT_END_REPLY] = 80000,  [LC_MEMORY_FAULT_END_TWICE] = 80000,
        [LC_MEMORY_FAULT_STORE] = 20000,      [LC_MEMORY_FAULT_STORE_REPLY] = 20000,
        [LC_MEMORY_FAULT_STORE_EXEC] = 20000, [LC_MEMORY_FAULT_STORE_TORN] = 20000,
        [LC_MEMORY_FAULT_DENIED] = 10000,     [LC_MEMORY_FAULT_ENDS_OF_ONE] = 100000};
    for (int i = 0; i < SIM_FAULTS; i++)
        plan->faults[i] = rate(random, most[i]);
    plan->registry = rate(random, 100000);
    plan->slow = rate(random, 3000);
    plan->pause = rate(random, 1000);
    plan->max_pause = pauses[sim_random_below(random, G_N_ELEMENTS(pauses))];
    plan->crash = rate(random, 1000);
    plan->max_marker_delay = sim_random_below(random, 2) ? sim_random_between(random, 0, 5 * LC_SECOND) : 0;
    plan->max_end_delay = sim_random_between(random, 0, 40 * LC_SECOND);
    plan->stops = number(random, 3);
    plan->kills = number(random, 2);
    plan->twins = number(random, 4);
    plan->empties = number(random, 3);
    plan->rollbacks = number(random, 3);
    plan->outages = number(random, 2);
    plan->compactions = number(random, 4);
    plan->standstills = number(random, 1);
    plan->clock_jumps = number(random, 2);
    plan->zombie = rate(random, 8000);
    plan->redis_snapshots = rate(random, 20000);
    plan->redis_empties = rate(random, 8000);
    plan->redis_rollbacks = rate(random, 8000);
    plan->may_not_fence = sim_random_below(random, 6) == 0;
}

static void
draw_deaths(sim_plan *plan, sim_random *random)
{
    plan->scenario = SIM_DEATHS;
    plan->slots = 2 + sim_random_below(random, SIM_MAX_SLOTS - 1);
    plan->facts = 30 + sim_random_below(random, 60);
    plan->span = sim_random_between(random, 60 * LC_SECOND, 180 * LC_SECOND);
    plan->lateness = 0;
    plan->linger = sim_random_between(random, 20, 50);
    plan->may_not_fence = sim_random_below(random, 3) == 0;
    plan->hostile = false; /* the registry is asked for an unknown schema twice, 2 s apart */
    plan->switching = 50000;
}

/* None, one that is written over and over, or room for all. */
static size_t
draw_cache(sim_random *random)
{
    switch (sim_random_below(random, 4)) {
    case 0:
        return 0;
    case 1:
        return 1024 + sim_random_below(random, 2048);
    default:
        return 64 * 1024;
    }
}

void
sim_plan_draw(sim_plan *plan, uint64_t seed)
{
    sim_random random = {seed ^ 0x5eed5eed5eed5eedu};
    bool days = sim_random_below(&random, 5) == 0;
    *plan = (sim_plan){
        .n_inputs = 1 + (int)sim_random_below(&random, SIM_MAX_INPUTS),
        .partitions = 1 + (int32_t)sim_random_below(&random, SIM_MAX_PARTITIONS),
        .slots = 1 + sim_random_below(&random, SIM_MAX_SLOTS),
        .leads = 1 + sim_random_below(&random, 12),
        .piece_leads = 1 + sim_random_below(&random, 4),
        .facts = 5 + sim_random_below(&random, 50),
        .span = sim_random_between(&random, 20 * LC_SECOND, 120 * LC_SECOND),
        .policy = days ? days_policy : seconds_policy,
        .horizon = days ? 8 * LC_DAY : 4 * LC_MINUTE,
        .lateness = sim_random_below(&random, 2) ? 0 : sim_random_between(&random, 0, 5 * LC_SECOND),
        .patience = sim_random_below(&random, 8) ? LC_DAY : 10 * LC_SECOND,
        .linger = sim_random_between(&random, 20, 800),
        .batch_facts = 1 + sim_random_below(&random, 20),
        .batch_wakeups = 1 + sim_random_below(&random, 10),
        .switching = 50000 + sim_random_below(&random, 300000),
        .erasures = sim_random_below(&random, 3) == 0,
        .hostile = sim_random_below(&random, 3) == 0,
        .upstream = sim_random_below(&random, 4) == 0,
    };
    plan->batch_bytes = sim_random_below(&random, 3) ? 0 : 50 + sim_random_below(&random, 500);
    plan->jump = days || sim_random_below(&random, 3);
    bool dies = !days && sim_random_below(&random, 12) == 0;
    if (dies)
        draw_deaths(plan, &random);
    else if (sim_random_below(&random, 12))
        draw_faults(plan, &random);
    if (!days && !dies && sim_random_below(&random, 10) == 0)
        plan->scenario = SIM_LOSS;
    else if (!days && !dies && sim_random_below(&random, 10) == 0)
        plan->scenario = SIM_GROWTH;
    plan->cache_bytes = draw_cache(&random);
    if (sim_only_failovers || (!dies && plan->scenario == SIM_ANY_FAULTS && sim_random_below(&random, 12) == 0))
        sim_failover_draw_alone(plan, &random);
    else if (!dies && sim_random_below(&random, 2))
        sim_failover_draw(plan, &random);
}
