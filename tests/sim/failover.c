/* failover.c - what befalls a Redis that has replicas, sentinels and slots: another master, whose data are from before;
 * the old one, cut off and written to; one that sleeps; slots that are moved. */
#include "sim.h"

#define NODE_TIMEOUT (2 * LC_SECOND)   /* after which another is chosen for a master that sleeps */
#define LEARNS_WITHIN (10 * LC_SECOND) /* who is connected to a master that was cut off hears of the other one */
#define MOST_MOVE (3 * LC_SECOND)

unsigned sim_failovers[SIM_FAILOVERS];
const char *const sim_failover_names[SIM_FAILOVERS] = {
    [SIM_PROMOTED] = "a replica was promoted, which lacked the last writes",
    [SIM_OLD_WRITTEN] = "a master that was cut off was written to, and came back as a replica",
    [SIM_WITHIN_RECOVERY] = "promoted in the middle of a recovery (rec:)",
    [SIM_BETWEEN] = "promoted between WATCH and EXEC",
    [SIM_SLEPT_LONG] = "a master slept longer than the node time-out, and another was promoted",
    [SIM_EXEC_LATE] = "a master that woke did an EXEC that was given up",
    [SIM_EXEC_TOO_LATE] = "it refused one, because the watched position had changed",
    [SIM_MOVED_BUSY] = "a slot was moved while its partition was busy: it was asked for",
};

/* ---- What a seed asks for ---- */

void
sim_failover_draw(sim_plan *plan, sim_random *random)
{
    plan->replica_follows = 50000 + sim_random_below(random, 900000);
    plan->promotions = sim_random_below(random, 2) ? 1 + sim_random_below(random, 6000) : 0;
    plan->moves = sim_random_below(random, 2) ? 1 + sim_random_below(random, 6000) : 0;
}

/* Nothing else goes wrong. */
void
sim_failover_draw_alone(sim_plan *plan, sim_random *random)
{
    plan->scenario = SIM_FAILING_OVER;
    memset(plan->faults, 0, sizeof plan->faults);
    plan->registry = plan->slow = plan->pause = plan->zombie = plan->crash = 0;
    plan->redis_snapshots = plan->redis_empties = plan->redis_rollbacks = 0;
    plan->stops = plan->kills = plan->twins = plan->empties = plan->rollbacks = plan->outages = 0;
    plan->standstills = plan->clock_jumps = 0;
    plan->may_not_fence = false;
    plan->replica_follows = 50000 + sim_random_below(random, 900000);
    plan->promotions = 2000 + sim_random_below(random, 20000);
    plan->moves = sim_random_below(random, 2) ? 1 + sim_random_below(random, 10000) : 0;
}

/* ---- Another master ---- */

static bool
is_same(GBytes *a, GBytes *b)
{
    return a == b || (a && b && g_bytes_equal(a, b));
}

static bool
lacks_writes(const sim *s)
{
    for (int32_t partition = 0; partition < s->plan.partitions; partition++)
        if (!is_same(lc_memory_redis_applied(s->redis, partition), lc_memory_snapshot_applied(s->replica, partition)))
            return true;
    return false;
}

static bool
is_recovering(const sim *s)
{
    for (int32_t partition = 0; partition < s->plan.partitions; partition++) {
        GBytes *applied = lc_memory_redis_applied(s->redis, partition);
        if (applied && g_bytes_get_size(applied) > 4 && memcmp(g_bytes_get_data(applied, NULL), "rec:", 4) == 0)
            return true;
    }
    return false;
}

static void
follow(sim *s)
{
    lc_memory_snapshot_free(s->replica);
    s->replica = lc_memory_redis_snapshot(s->redis);
}

static void
promote(sim *s)
{
    sim_say(s, "a replica of Redis is promoted");
    sim_failovers[SIM_PROMOTED] += lacks_writes(s);
    sim_failovers[SIM_WITHIN_RECOVERY] += is_recovering(s);
    s->written_before = lc_memory_redis_seen(s->redis)->written_to_old;
    lc_memory_redis_promote(s->redis, s->replica);
}

static void
rejoin(sim *s)
{
    if (!lc_memory_redis_has_old(s->redis))
        return;
    sim_say(s, "the old master of Redis is a replica");
    sim_failovers[SIM_OLD_WRITTEN] += lc_memory_redis_seen(s->redis)->written_to_old > s->written_before;
    lc_memory_redis_rejoin(s->redis);
}

static void
wake(sim *s)
{
    sim_say(s, "a master of Redis that slept goes on");
    lc_memory_redis_wake(s->redis);
}

static void
do_late(sim *s)
{
    const lc_memory_seen *seen = lc_memory_redis_seen(s->redis);
    lc_memory_seen before = *seen;
    lc_memory_redis_do_late(s->redis);
    sim_failovers[SIM_EXEC_LATE] += seen->late_done - before.late_done;
    sim_failovers[SIM_EXEC_TOO_LATE] += seen->late_refused - before.late_refused;
}

static void
end_failover(sim *s)
{
    rejoin(s);
    s->fails_over = false;
}

/* It is down until another is chosen, which may have happened before the EXEC whose WATCH it has answered. */
static void
let_die(sim *s, bool is_between)
{
    sim_say(s, "the master of Redis dies");
    if (is_between && sim_random_below(&s->random, 2)) {
        promote(s);
        end_failover(s);
        return;
    }
    lc_memory_redis_set_down(s->redis, true);
    sim_add_event(s, s->now + sim_random_between(&s->random, 0, NODE_TIMEOUT), SIM_PROMOTE, SIM_DIED);
}

static void
cut_off(sim *s)
{
    promote(s);
    sim_add_event(s, s->now + sim_random_between(&s->random, 1, LEARNS_WITHIN), SIM_REJOIN, 0);
}

static void
let_sleep(sim *s)
{
    lc_duration sleep = sim_random_between(&s->random, 1, 2 * NODE_TIMEOUT);
    sim_say(s, "the master of Redis sleeps for %d ms", (int)sleep);
    lc_memory_redis_sleep(s->redis);
    if (sleep > NODE_TIMEOUT)
        sim_add_event(s, s->now + NODE_TIMEOUT, SIM_PROMOTE, SIM_SLEEPS);
    sim_add_event(s, s->now + sleep, SIM_WAKE, 0);
    sim_add_event(s, s->now + sleep + sim_random_between(&s->random, 0, LC_SECOND), SIM_LATE, 0);
    sim_add_event(s, s->now + sleep + LC_SECOND + sim_random_between(&s->random, 0, LC_SECOND), SIM_REJOIN, 0);
}

static void
fail_over(sim *s, bool is_between)
{
    uint32_t way = sim_random_below(&s->random, 3);
    s->fails_over = true;
    if (way == 0)
        let_die(s, is_between);
    else if (way == 1)
        cut_off(s);
    else
        let_sleep(s);
}

/* ---- A slot that is moved ---- */

static void
begin_move(sim *s)
{
    size_t partition = sim_random_below(&s->random, (uint32_t)s->plan.partitions);
    if (s->moves & 1u << partition)
        return;
    sim_say(s, "the slot of partition %zu is being moved", partition);
    s->moves |= 1u << partition;
    lc_memory_redis_set_moving(s->redis, (int32_t)partition, true);
    sim_add_event(s, s->now + sim_random_between(&s->random, 1, MOST_MOVE), SIM_MOVED, partition);
}

static void
end_move(sim *s, size_t partition)
{
    if (!(s->moves & 1u << partition))
        return;
    sim_say(s, "the slot of partition %zu has moved", partition);
    s->moves &= ~(1u << partition);
    sim_failovers[SIM_MOVED_BUSY] += lc_memory_redis_seen(s->redis)->met_moving >> partition & 1;
    lc_memory_redis_set_moving(s->redis, (int32_t)partition, false);
}

/* ---- When ---- */

/* Four times as often where it is delicate. */
void
sim_failover_step(sim *s, const char *call)
{
    bool is_between = strcmp(call, "store exec") == 0;
    if (s->is_quiet || s->plan.replica_follows == 0 || !g_str_has_prefix(call, "store "))
        return;
    uint32_t promotions = s->plan.promotions * (is_between || is_recovering(s) ? 4 : 1);
    if (s->replica && !s->fails_over && sim_random_chance(&s->random, promotions))
        fail_over(s, is_between);
    else if (!s->fails_over && (s->replica == NULL || sim_random_chance(&s->random, s->plan.replica_follows)))
        follow(s);
    if (sim_random_chance(&s->random, s->plan.moves))
        begin_move(s);
}

void
sim_failover_happen(sim *s, const sim_event *event)
{
    switch (event->type) {
    case SIM_PROMOTE:
        if (!s->fails_over)
            break;
        promote(s);
        sim_failovers[SIM_SLEPT_LONG] += event->what == SIM_SLEEPS;
        if (event->what == SIM_DIED) {
            end_failover(s);
            lc_memory_redis_set_down(s->redis, false);
        }
        break;
    case SIM_WAKE:
        wake(s);
        break;
    case SIM_LATE:
        do_late(s);
        break;
    case SIM_REJOIN:
        end_failover(s);
        break;
    case SIM_MOVED:
        end_move(s, event->what);
        break;
    default:
        g_assert_not_reached();
    }
}

/* Faults stop. */
void
sim_failover_end(sim *s)
{
    wake(s);
    do_late(s);
    end_failover(s);
    for (int32_t partition = 0; partition < s->plan.partitions; partition++)
        end_move(s, (size_t)partition);
}

void
sim_failover_count(const sim *s)
{
    sim_failovers[SIM_BETWEEN] += lc_memory_redis_seen(s->redis)->between;
}

/* ---- Copies that may be read again ---- */

static int64_t
earlier(int64_t than, GBytes *applied, lc_changelog changelog)
{
    return MIN(than, sim_end_of(applied, changelog));
}

/* Up to where the oldest of all copies of Redis knows the changelog. */
int64_t
sim_failover_oldest(const sim *s, int32_t partition, lc_changelog changelog)
{
    int64_t oldest = INT64_MAX;
    if (s->replica)
        oldest = earlier(oldest, lc_memory_snapshot_applied(s->replica, partition), changelog);
    if (lc_memory_redis_has_old(s->redis))
        oldest = earlier(oldest, lc_memory_redis_old_applied(s->redis, partition), changelog);
    return oldest;
}
