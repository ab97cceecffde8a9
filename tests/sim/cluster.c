/* cluster.c - some workers on the simulated log and store, scheduled by chance. */
#include "checks.h"
#include "piece.h"
#include "sim.h"

#include <leadclock/text.h>

#include <inttypes.h>
#include <stdio.h>

#define MAX_BURST 40
#define MAX_STEPS 20000000
#define SETTLE_FOR (30 * LC_MINUTE) /* recovery must end within this simulated time */

sim *sim_running;
size_t sim_piece_leads;
unsigned lc_weakened;

/* ---- Words ---- */

static void
write_line(sim *s, const char *line)
{
    lc_duration since = s->now - s->began;
    printf("%8" PRId64 ".%03d %-6s %s\n", since / 1000, (int)(since % 1000), s->current ? s->current->name : "-", line);
}

void
sim_say(sim *s, const char *format, ...)
{
    if (!s->trace)
        return;
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    write_line(s, line);
}

void
sim_fail(sim *s, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (s->trace)
        write_line(s, line);
    if (s->failure == NULL)
        s->failure = g_steal_pointer(&line);
}

/* ---- Events ---- */

void
sim_add_event(sim *s, lc_instant at, sim_event_type type, size_t what)
{
    sim_event event = {at, s->n_events++, type, what};
    guint i = s->events->len;
    /* The next one is last; of those at one time the first added comes first. */
    while (i > 0 && g_array_index(s->events, sim_event, i - 1).at <= at)
        i--;
    g_array_insert_val(s->events, i, event);
}

static lc_instant
random_moment(sim *s)
{
    return s->now + sim_random_between(&s->random, 0, s->plan.span);
}

static void
add_events(sim *s, sim_event_type type, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sim_add_event(s, random_moment(s), type, sim_random_next(&s->random) % s->plan.slots);
}

static void
add_rollbacks(sim *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        lc_instant taken = random_moment(s);
        sim_add_event(s, taken, SIM_SNAPSHOT, 0);
        sim_add_event(s, MIN(taken + sim_random_between(&s->random, 0, s->plan.span / 2), s->now + s->plan.span),
                      SIM_RESTORE, sim_random_below(&s->random, 2));
    }
}

static void
add_outages(sim *s, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        lc_instant down = random_moment(s);
        sim_add_event(s, down, SIM_DOWN, 0);
        sim_add_event(s, MIN(down + sim_random_between(&s->random, 0, 20 * LC_SECOND), s->now + s->plan.span), SIM_UP,
                      0);
    }
}

static void
plan_events(sim *s)
{
    for (guint i = 0; i < s->records->len; i++)
        if (!g_array_index(s->records, sim_record, i).is_held_back)
            sim_add_event(s, g_array_index(s->records, sim_record, i).publish_at, SIM_PUBLISH, i);
    for (unsigned slot = 0; slot < s->plan.slots; slot++)
        sim_add_event(s, s->now + sim_random_between(&s->random, 0, 2 * LC_SECOND), SIM_START, slot);
    add_events(s, SIM_STOP, s->plan.stops);
    add_events(s, SIM_KILL, s->plan.kills);
    add_events(s, SIM_TWIN, s->plan.twins);
    add_events(s, SIM_EMPTY, s->plan.empties);
    add_events(s, SIM_COMPACT, s->plan.compactions);
    add_events(s, SIM_STANDSTILL, s->plan.standstills);
    add_events(s, SIM_CLOCK, s->plan.clock_jumps);
    for (unsigned i = 1; s->plan.upstream && i <= SIM_UPSTREAMS; i++)
        sim_add_event(s, random_moment(s), SIM_UPSTREAM_END, i);
    if (s->plan.scenario == SIM_GROWTH)
        sim_add_event(s, random_moment(s), SIM_GROW, 0);
    add_rollbacks(s, s->plan.rollbacks);
    add_outages(s, s->plan.outages);
}

/* ---- A life ---- */

static sim_life *
life_of(lc_time *time)
{
    return (sim_life *)time;
}

static lc_instant
life_wall(lc_time *time)
{
    sim_life *life = life_of(time);
    life->last_wall = life->sim->now + life->clock_ahead;
    return life->last_wall;
}

static int64_t
life_monotonic(lc_time *time)
{
    sim_life *life = life_of(time);
    return life->sim->now - life->sim->began + 1000;
}

static void
sleep_until(sim_life *life, lc_instant at)
{
    life->wake_at = at;
    life->burst = 0;
    sim_fiber_yield(life->fiber);
}

static void
life_sleep(lc_time *time, int ms)
{
    sim_life *life = life_of(time);
    sleep_until(life, life->sim->now + MAX(ms, 1));
}

static void
run_life(void *data)
{
    sim_life *life = data;
    sim *s = life->sim;
    const lc_registry_options registry_options = {.file = "sim"};
    g_autofree char *transactional_id = g_strdup_printf("worker-%u", life->slot);
    g_autoptr(GError) error = NULL;
    lc_worker_options options = {
        .transactional_id = transactional_id,
        .source = "sim",
        .log = life->log,
        .store = life->store,
        .registry = lc_registry_new(&registry_options, &error),
        .registry_timeout = 10 * LC_SECOND,
        .time = &life->time,
        .book = s->book,
        .input_names = sim_input_names(s->plan.n_inputs),
        .batch_facts = s->plan.batch_facts,
        .batch_wakeups = s->plan.batch_wakeups,
        .batch_bytes = s->plan.batch_bytes,
        .cache_bytes = s->plan.cache_bytes,
        .linger = s->plan.linger,
        .lateness = s->plan.lateness,
        .patience = s->plan.patience,
        .max_future = SIM_MAX_FUTURE,
        .cloud_events = true,
    };
    g_assert_no_error(error);
    for (int i = 0; i < LC_OUTPUTS; i++)
        options.output_names[i] = sim_output_names[i];
    life->worker = lc_worker_new(&options);
    life->succeeded = lc_worker_run(life->worker, &life->error);
    lc_worker_free(g_steal_pointer(&life->worker));
    life->log = NULL;
    life->store = NULL;
    life->has_ended = true;
}

static sim_life *
living(sim *s, unsigned slot)
{
    for (guint i = 0; i < s->lives->len; i++) {
        sim_life *life = g_ptr_array_index(s->lives, i);
        if (life->slot == slot && !life->is_superseded)
            return life;
    }
    return NULL;
}

/* Of a wall clock. */
static lc_duration
random_error(sim *s)
{
    static const lc_duration errors[] = {0, 300, -2000, 40 * LC_SECOND, -50 * LC_SECOND, 2 * LC_HOUR, -2 * LC_HOUR};
    return errors[sim_random_below(&s->random, G_N_ELEMENTS(errors))];
}

static void
start_life(sim *s, unsigned slot)
{
    if (living(s, slot))
        return;
    sim_life *life = g_new0(sim_life, 1);
    g_autofree char *instance = g_strdup_printf("instance-%u", slot);
    g_autofree char *transactional_id = g_strdup_printf("worker-%u", slot);
    life->time = (lc_time){life_wall, life_monotonic, life_sleep};
    life->sim = s;
    life->slot = slot;
    g_snprintf(life->name, sizeof life->name, "w%u.%u", slot, s->n_lives++);
    life->log = lc_memory_log_new(s->broker, instance, transactional_id);
    life->store = lc_memory_store_new(s->redis);
    life->fiber = sim_fiber_new(run_life, life);
    if (!s->is_quiet && s->plan.clock_jumps && sim_random_below(&s->random, 3) == 0)
        life->clock_ahead = random_error(s);
    life->wake_at = s->now;
    g_ptr_array_add(s->lives, life);
    sim_say(s, "%s starts", life->name);
}

/* All that the process held is gone; its worker's memory is left to the end of this process. */
static void
drop_life(sim *s, sim_life *life)
{
    if (life->log)
        lc_log_free(life->log);
    if (life->store)
        lc_store_free(life->store);
    sim_fiber_free(life->fiber);
    g_clear_error(&life->error);
    g_ptr_array_remove(s->lives, life);
    g_free(life);
}

static void
restart_later(sim *s, unsigned slot)
{
    lc_duration pause = s->plan.scenario == SIM_DEATHS || sim_random_below(&s->random, 3)
                            ? sim_random_between(&s->random, 0, LC_SECOND)
                            : sim_random_between(&s->random, 0, 40 * LC_SECOND);
    sim_add_event(s, s->now + (s->is_quiet ? 0 : pause), SIM_START, slot);
}

static sim_life *
twin_of(sim *s, const sim_life *life)
{
    for (guint i = 0; i < s->lives->len; i++) {
        sim_life *other = g_ptr_array_index(s->lives, i);
        if (other != life && other->slot == life->slot)
            return other;
    }
    return NULL;
}

/* A slot without a living worker gets one; a twin that was given up for dead will do. */
static void
succeed(sim *s, unsigned slot, sim_life *twin)
{
    if (living(s, slot))
        return;
    if (twin)
        twin->is_superseded = false;
    else
        restart_later(s, slot);
}

/* It may end when told to, or when another has its name. */
static void
bury(sim *s, sim_life *life)
{
    sim_life *twin = twin_of(s, life);
    unsigned slot = life->slot;
    bool has_yielded = life->had_twin && g_error_matches(life->error, LC_ERROR, LC_ERROR_CONFIG);
    sim_say(s, "%s ended%s%s", life->name, life->error ? ": " : "", life->error ? life->error->message : "");
    bool takes_leave = sim_takes_leave(s, life->error);
    s->was_told |= takes_leave;
    if (!has_yielded && !takes_leave && !(life->was_stopped && life->succeeded))
        sim_fail(s, "a worker stopped by itself: %s", life->error ? life->error->message : "no reason given");
    drop_life(s, life);
    if (!takes_leave)
        succeed(s, slot, twin);
}

static void
kill_life(sim *s, sim_life *life)
{
    sim_life *twin = twin_of(s, life);
    unsigned slot = life->slot;
    lc_duration stays_dead_for = life->stays_dead_for;
    sim_say(s, "%s is killed", life->name);
    drop_life(s, life);
    if (stays_dead_for == 0) {
        succeed(s, slot, twin);
        return;
    }
    sim_add_event(s, sim_taken_over_by(s), SIM_TAKEN_OVER, slot);
    sim_add_event(s, s->now + stays_dead_for, SIM_START, slot);
    s->next_death = s->now + stays_dead_for + 10 * LC_SECOND;
}

static void
suspend(sim_life *life, lc_duration pause)
{
    sim_say(life->sim, "%s stands still for %" PRId64 " ms", life->name, pause);
    lc_memory_log_suspend(life->log, true);
    life->is_suspended = true;
    life->wake_at = MAX(life->wake_at, life->sim->now) + pause;
}

static void
resume_life(sim *s, sim_life *life)
{
    if (life->is_suspended) {
        sim_say(s, "%s goes on", life->name);
        lc_memory_log_suspend(life->log, false);
        life->is_suspended = false;
    }
    life->burst = 0;
    s->current = life;
    sim_fiber_resume(life->fiber);
    s->current = NULL;
    if (life->has_ended)
        bury(s, life);
    else if (life->was_killed)
        kill_life(s, life);
}

/* ---- The world of memory.h ---- */

static sim *
sim_of(lc_memory_world *world)
{
    return (sim *)world;
}

static lc_instant
world_now(lc_memory_world *world)
{
    return sim_of(world)->now;
}

static void
world_wait(lc_memory_world *world, int ms)
{
    sim *s = sim_of(world);
    if (s->current)
        sleep_until(s->current, s->now + ms);
}

static void
note_ask(sim *s, sim_life *life)
{
    size_t n;
    const int32_t *partitions = lc_log_assignment(life->log, &n);
    for (size_t i = 0; i < n; i++)
        sim_watch_asked(s, partitions[i], life->last_wall);
}

static void
empty_redis(sim *s)
{
    sim_say(s, "Redis is emptied");
    lc_memory_redis_empty(s->redis);
}

static void
take_snapshot(sim *s)
{
    lc_memory_snapshot_free(s->snapshot);
    s->snapshot = lc_memory_redis_snapshot(s->redis);
}

/* A copy of Redis from before would hide that the group's offsets are lost: of the same moment, the two agree. */
static bool
is_to_be_told_by_redis(const sim *s)
{
    return s->has_lost && s->lost == SIM_LOST_COMMITS;
}

static void
roll_back_redis(sim *s, bool cut_connections)
{
    if (s->snapshot == NULL || is_to_be_told_by_redis(s))
        return;
    sim_say(s, "Redis is rolled back");
    lc_memory_redis_restore(s->redis, s->snapshot, cut_connections);
}

/* Redis comes to harm between two commands of one worker. */
static void
harm_redis(sim *s, const char *call)
{
    if (s->is_quiet || !g_str_has_prefix(call, "store "))
        return;
    if (sim_random_chance(&s->random, s->plan.redis_snapshots))
        take_snapshot(s);
    if (sim_random_chance(&s->random, s->plan.redis_empties))
        empty_redis(s);
    if (sim_random_chance(&s->random, s->plan.redis_rollbacks))
        roll_back_redis(s, sim_random_below(&s->random, 2));
}

/* For how long the worker stands still at this call; 0: it goes on. */
static lc_duration
draw_pause(sim *s, const char *call)
{
    static const char *const delicate[] = {"deliver",     "flush",       "send_offsets", "commit_begin", "store exec",
                                           "replay_read", "replay_open", "committed",    "store watch",  NULL};
    if (sim_random_chance(&s->random, s->plan.pause))
        return sim_random_between(&s->random, 1, s->plan.max_pause);
    if (g_strv_contains(delicate, call) && sim_random_chance(&s->random, s->plan.zombie))
        return sim_random_between(&s->random, 14 * LC_SECOND, 45 * LC_SECOND);
    return 0;
}

static void
take_time(sim *s, sim_life *life)
{
    bool is_long = ++life->burst > MAX_BURST;
    if (!s->is_quiet && sim_random_chance(&s->random, s->plan.slow))
        sleep_until(life, s->now + sim_random_between(&s->random, 0, LC_SECOND));
    else if (is_long || sim_random_chance(&s->random, s->plan.switching))
        sleep_until(life, s->now + sim_random_between(&s->random, is_long, 3));
}

static void
world_step(lc_memory_world *world, const char *call)
{
    sim *s = sim_of(world);
    sim_life *life = s->current;
    if (life == NULL)
        return;
    s->n_steps++;
    if (strcmp(call, "ends answered") == 0)
        note_ask(s, life);
    sim_say(s, "%s", call);
    harm_redis(s, call);
    sim_failover_step(s, call);
    if ((!s->is_quiet && sim_random_chance(&s->random, s->plan.crash)) || sim_dies_now(s, life, call)) {
        life->was_killed = true;
        sleep_until(life, s->now);
    }
    lc_duration pause = s->is_quiet ? 0 : draw_pause(s, call);
    if (pause == 0) {
        take_time(s, life);
        return;
    }
    life->wake_at = s->now;
    suspend(life, pause);
    sim_fiber_yield(life->fiber);
}

static const char *const fault_names[SIM_FAULTS] = {
    "nothing is fetched",
    "a request times out",
    "the ends of a partition are not told",
    "init_transactions times out",
    "a message is not delivered",
    "a message is not delivered in time",
    "send_offsets fails",
    "send_offsets fails although done",
    "offsets are not sent in time",
    "EndTxn is lost",
    "EndTxn is late",
    "the answer to EndTxn is lost",
    "EndTxn comes twice",
    "the connection to Redis is lost",
    "Redis' answer is lost",
    "a command within MULTI fails",
    "a command within MULTI fails, and the position stays",
};

static bool
world_fault(lc_memory_world *world, lc_memory_fault fault)
{
    sim *s = sim_of(world);
    if (s->is_quiet || s->current == NULL || !sim_random_chance(&s->random, s->plan.faults[fault]))
        return false;
    if (fault != LC_MEMORY_FAULT_FETCH)
        sim_say(s, "fault: %s", fault_names[fault]);
    return true;
}

static lc_duration
world_delay(lc_memory_world *world, lc_memory_delay delay)
{
    sim *s = sim_of(world);
    lc_duration most = delay == LC_MEMORY_DELAY_MARKER ? s->plan.max_marker_delay : s->plan.max_end_delay;
    if (s->is_quiet || sim_random_below(&s->random, 3) == 0)
        return 0;
    return sim_random_between(&s->random, 0, sim_random_below(&s->random, 4) ? most / 20 : most);
}

static uint32_t
world_pick(lc_memory_world *world, uint32_t n)
{
    return sim_random_below(&sim_of(world)->random, n);
}

static void
world_trace(lc_memory_world *world, const char *line)
{
    sim_say(sim_of(world), "%s", line);
}

/* ---- What happens to the cluster ---- */

/* A second process with the names of one that stands still, or a start where there is none. */
static void
start_twin(sim *s, unsigned slot)
{
    sim_life *life = living(s, slot);
    if (life && !life->is_suspended)
        return;
    if (life) {
        life->is_superseded = true;
        sim_say(s, "%s is given up for dead", life->name);
    }
    start_life(s, slot);
    if (life)
        life->had_twin = living(s, slot)->had_twin = true;
}

static void
stop_life(sim_life *life)
{
    if (life == NULL || life->worker == NULL || life->was_stopped)
        return;
    sim_say(life->sim, "%s is asked to stop", life->name);
    life->was_stopped = true;
    lc_worker_stop(life->worker);
}

/* A position is "O:B>C:nonce", each "state/counters". */
int64_t
sim_end_of(GBytes *applied, lc_changelog changelog)
{
    if (applied == NULL)
        return INT64_MAX;
    g_autofree char *text = g_strndup(g_bytes_get_data(applied, NULL), g_bytes_get_size(applied));
    g_auto(GStrv) parts = g_strsplit(text, ":", 3);
    g_auto(GStrv) ends = g_strsplit(parts[1], "/", 2);
    return g_ascii_strtoll(ends[changelog == LC_CHANGELOG_STATE ? 0 : 1], NULL, 10);
}

/* delete.retention.ms exceeds the age of any copy of Redis that may come back: its tombstones are there. */
static void
compact_one(sim *s, int32_t partition, lc_output output, lc_changelog changelog)
{
    int64_t tombstones_before = MIN(sim_end_of(lc_memory_redis_applied(s->redis, partition), changelog),
                                    sim_failover_oldest(s, partition, changelog));
    if (s->snapshot)
        tombstones_before =
            MIN(tombstones_before, sim_end_of(lc_memory_snapshot_applied(s->snapshot, partition), changelog));
    lc_memory_compact(s->broker, LC_MEMORY_OUTPUT(output), partition, tombstones_before);
}

static void
compact(sim *s)
{
    sim_say(s, "the changelogs are compacted");
    for (int32_t partition = 0; partition < s->plan.partitions; partition++) {
        compact_one(s, partition, LC_OUTPUT_STATE, LC_CHANGELOG_STATE);
        compact_one(s, partition, LC_OUTPUT_COUNTERS, LC_CHANGELOG_COUNTERS);
    }
}

/* Every process stands still, as when all were on one machine that sleeps. */
static void
standstill(sim *s)
{
    lc_duration pause = sim_random_between(&s->random, 0, 5 * LC_MINUTE);
    for (guint i = 0; i < s->lives->len; i++) {
        sim_life *life = g_ptr_array_index(s->lives, i);
        if (!life->is_suspended)
            suspend(life, pause);
    }
}

static void
move_clock(sim *s, unsigned slot)
{
    sim_life *life = living(s, slot);
    if (life == NULL)
        return;
    life->clock_ahead = random_error(s);
    sim_say(s, "%s's wall clock is %" PRId64 " ms ahead now", life->name, life->clock_ahead);
}

static void
end_upstream(sim *s, size_t number)
{
    g_autofree char *name = g_strdup_printf("upstream-%zu", number);
    lc_memory_end_open(s->broker, name, true);
}

static void
happen(sim *s, const sim_event *event)
{
    switch (event->type) {
    case SIM_PUBLISH:
        sim_workload_publish(s, event->what);
        break;
    case SIM_UPSTREAM_END:
        end_upstream(s, event->what);
        break;
    case SIM_START:
        start_life(s, (unsigned)event->what);
        break;
    case SIM_STOP:
        stop_life(living(s, (unsigned)event->what));
        break;
    case SIM_KILL:
        if (living(s, (unsigned)event->what))
            kill_life(s, living(s, (unsigned)event->what));
        break;
    case SIM_TAKEN_OVER:
        sim_check_taken_over(s, (unsigned)event->what);
        break;
    case SIM_TWIN:
        start_twin(s, (unsigned)event->what);
        break;
    case SIM_EMPTY:
        empty_redis(s);
        break;
    case SIM_SNAPSHOT:
        take_snapshot(s);
        break;
    case SIM_RESTORE:
        roll_back_redis(s, event->what);
        break;
    case SIM_DOWN:
    case SIM_UP:
        sim_say(s, "Redis is %s", event->type == SIM_DOWN ? "down" : "up");
        lc_memory_redis_set_down(s->redis, event->type == SIM_DOWN);
        break;
    case SIM_COMPACT:
        compact(s);
        break;
    case SIM_STANDSTILL:
        standstill(s);
        break;
    case SIM_CLOCK:
        move_clock(s, (unsigned)event->what);
        break;
    case SIM_GROW:
        sim_grow(s);
        break;
    case SIM_PROMOTE:
    case SIM_REJOIN:
    case SIM_WAKE:
    case SIM_LATE:
    case SIM_MOVED:
        sim_failover_happen(s, event);
        break;
    }
    sim_workload_look(s);
}

/* ---- The scheduler ---- */

static sim_life *
next_life(sim *s)
{
    guint n = 0;
    sim_life *chosen = NULL;
    for (guint i = 0; i < s->lives->len; i++) {
        sim_life *life = g_ptr_array_index(s->lives, i);
        if (life->wake_at <= s->now && sim_random_below(&s->random, ++n) == 0)
            chosen = life;
    }
    return chosen;
}

static lc_instant
next_moment(const sim *s)
{
    lc_instant next = s->events->len ? g_array_index(s->events, sim_event, s->events->len - 1).at : s->now + LC_SECOND;
    for (guint i = 0; i < s->lives->len; i++)
        next = MIN(next, ((sim_life *)g_ptr_array_index(s->lives, i))->wake_at);
    return MAX(next, s->now);
}

static void
turn(sim *s)
{
    while (s->events->len && g_array_index(s->events, sim_event, s->events->len - 1).at <= s->now) {
        sim_event event = g_array_index(s->events, sim_event, s->events->len - 1);
        g_array_set_size(s->events, s->events->len - 1);
        happen(s, &event);
    }
    sim_life *life = next_life(s);
    if (life) {
        resume_life(s, life);
    } else {
        s->now = next_moment(s);
        lc_memory_broker_tick(s->broker);
    }
    sim_workload_look(s);
}

static void
run_until(sim *s, lc_instant until)
{
    while (s->failure == NULL && s->now < until && s->n_steps < MAX_STEPS)
        turn(s);
}

/* Faults stop, who stands still goes on, every slot has its worker, clocks are right. */
static void
become_quiet(sim *s)
{
    sim_say(s, "quiet");
    s->is_quiet = true;
    sim_failover_end(s);
    lc_memory_redis_set_down(s->redis, false);
    for (guint i = 0; i < s->lives->len; i++) {
        sim_life *life = g_ptr_array_index(s->lives, i);
        if (life->is_suspended)
            life->wake_at = s->now;
        life->clock_ahead = 0;
    }
    for (unsigned i = 1; s->plan.upstream && i <= SIM_UPSTREAMS; i++)
        sim_add_event(s, s->now, SIM_UPSTREAM_END, i);
    for (unsigned slot = 0; slot < s->plan.slots; slot++)
        sim_add_event(s, s->now, SIM_START, slot);
}

static void
run_until_settled(sim *s)
{
    lc_instant give_up = s->now + SETTLE_FOR;
    g_autofree char *unsettled = NULL;
    do {
        run_until(s, s->now + LC_SECOND);
        g_free(unsettled);
        unsettled = sim_unsettled(s);
    } while (s->failure == NULL && s->now < give_up && s->n_steps < MAX_STEPS && unsettled);
    if (unsettled)
        sim_fail(s, "it did not settle within %d minutes: %s", (int)(SETTLE_FOR / LC_MINUTE), unsettled);
}

static void
stop_all(sim *s)
{
    for (guint i = 0; i < s->lives->len; i++)
        stop_life(g_ptr_array_index(s->lives, i));
    for (unsigned slot = 0; slot < s->plan.slots; slot++)
        while (s->failure == NULL && living(s, slot) && living(s, slot)->was_stopped)
            turn(s);
}

/* What is left of the horizon passes at once: every process stands still. */
static void
jump(sim *s)
{
    run_until(s, s->now + 20 * LC_SECOND);
    for (guint i = 0; i < s->lives->len; i++)
        suspend(g_ptr_array_index(s->lives, i), s->plan.horizon);
    run_until(s, s->now + s->plan.horizon + LC_SECOND);
}

/* ---- Lost data ---- */

static void
kill_all(sim *s)
{
    while (s->lives->len) {
        sim_life *life = g_ptr_array_index(s->lives, 0);
        sim_say(s, "%s is killed", life->name);
        drop_life(s, life);
    }
}

static void
start_all(sim *s)
{
    kill_all(s);
    for (unsigned slot = 0; slot < s->plan.slots; slot++)
        start_life(s, slot);
}

static void
publish_held_back(sim *s)
{
    for (guint i = 0; i < s->records->len; i++)
        if (g_array_index(s->records, sim_record, i).is_held_back)
            sim_add_event(s, s->now + sim_random_between(&s->random, 0, 20 * LC_SECOND), SIM_PUBLISH, i);
}

static void
harm_redis_too(sim *s)
{
    uint32_t harm = sim_random_below(&s->random, 3);
    if (harm == 1)
        empty_redis(s);
    if (harm == 2)
        roll_back_redis(s, false);
}

static void
run_until_told(sim *s)
{
    lc_instant give_up = s->now + 3 * LC_MINUTE;
    while (s->failure == NULL && !s->was_told && s->now < give_up)
        run_until(s, s->now + LC_SECOND);
    if (s->failure == NULL && !s->was_told)
        sim_fail(s, "%s%s, and nobody says so", s->has_grown ? "an input has grown" : "Kafka has lost ",
                 s->has_grown ? "" : sim_loss_name(s));
    run_until(s, s->now + LC_MINUTE);
}

/* What was lost is said by whoever recovers, and until then nothing wrong is published. */
static void
run_losing(sim *s)
{
    run_until_settled(s);
    bool has_lost = s->failure == NULL && sim_lose(s);
    publish_held_back(s);
    if (has_lost)
        harm_redis_too(s);
    if (has_lost && sim_random_below(&s->random, 2))
        run_until(s, s->now + 30 * LC_SECOND);
    if (has_lost && (s->was_told || sim_is_missed(s))) {
        start_all(s);
        s->was_told = false;
        run_until_told(s);
        kill_all(s);
        return;
    }
    start_all(s);
    run_until(s, s->now + 30 * LC_SECOND);
    run_until_settled(s);
}

/* Until somebody says so no timer fires; where nobody looks, the timers themselves are to tell. */
static void
run_grown(sim *s)
{
    if (LC_CHECKS(LC_CHECK_GROWTH))
        run_until_told(s);
    else
        run_until(s, s->now + s->plan.horizon);
    kill_all(s);
}

static void
run_all(sim *s)
{
    run_until(s, s->began + s->plan.span);
    become_quiet(s);
    if (s->plan.scenario == SIM_GROWTH && !s->has_grown)
        run_until(s, s->now + 1); /* its moment is the last one */
    if (s->has_grown) {
        run_grown(s);
        return;
    }
    if (s->plan.scenario == SIM_LOSS)
        run_losing(s);
    if (s->was_told)
        return;
    if (s->plan.jump)
        jump(s);
    else
        run_until(s, s->began + s->plan.span + s->plan.horizon);
    run_until_settled(s);
    if (s->failure == NULL)
        sim_check(s);
    if (s->failure == NULL)
        stop_all(s);
}

/* ---- One seed ---- */

static void
make(sim *s)
{
    g_autoptr(GError) error = NULL;
    s->world = (lc_memory_world){.now = world_now,
                                 .wait = world_wait,
                                 .step = world_step,
                                 .fault = world_fault,
                                 .delay = world_delay,
                                 .pick = world_pick,
                                 .trace = s->trace ? world_trace : NULL,
                                 .decided = sim_watch_decided,
                                 .fenced = sim_check_fenced,
                                 .applied = sim_watch_applied};
    s->random.state = s->seed * 0x9e3779b97f4a7c15u + 1;
    g_random_set_seed((guint32)s->seed);
    sim_plan_draw(&s->plan, s->seed);
    /* Without the fence take-overs are late: this is about something else. */
    if (s->weaken & (LC_MEMORY_WEAKEN_UNCHANGED_OFFSETS | LC_MEMORY_WEAKEN_GROUP_METADATA))
        s->plan.scenario = SIM_ANY_FAULTS;
    s->began = s->now = G_GINT64_CONSTANT(1767600000000); /* 2026-01-05T08:00Z */
    s->book = lc_policy_book_parse("sim", s->plan.policy, strlen(s->plan.policy), &error);
    g_assert_no_error(error);
    s->broker = lc_memory_broker_new(&s->world, s->plan.n_inputs, s->plan.partitions);
    s->redis = lc_memory_redis_new(&s->world, s->plan.partitions);
    sim_piece_leads = s->plan.piece_leads;
    lc_weakened = s->weaken >> SIM_ENGINE_BIT;
    lc_memory_broker_weaken(s->broker, s->weaken);
    lc_memory_broker_limits(s->broker)->may_not_fence = s->plan.may_not_fence;
    lc_memory_redis_weaken(s->redis, s->weaken);
    s->records = g_array_new(FALSE, TRUE, sizeof(sim_record));
    s->hidden = g_array_new(FALSE, FALSE, sizeof(size_t));
    s->events = g_array_new(FALSE, FALSE, sizeof(sim_event));
    s->lives = g_ptr_array_new();
    sim_watch_begin(s);
    sim_workload_make(s);
    plan_events(s);
}

static void
clear(sim *s)
{
    while (s->lives->len)
        drop_life(s, g_ptr_array_index(s->lives, 0));
    g_ptr_array_unref(s->lives);
    lc_memory_broker_free(s->broker);
    lc_memory_redis_free(s->redis);
    lc_memory_snapshot_free(s->snapshot);
    lc_memory_snapshot_free(s->replica);
    g_array_unref(s->records);
    g_array_unref(s->hidden);
    g_array_unref(s->events);
    sim_watch_end(s);
    lc_policy_book_free(s->book);
    lc_arena_clear(&s->arena);
}

char *
sim_run(uint64_t seed, unsigned weaken, bool trace)
{
    sim s = {.seed = seed, .weaken = weaken, .trace = trace};
    sim_running = &s;
    lc_text_hash_set_keys(seed);
    make(&s);
    run_all(&s);
    if (s.failure == NULL && s.n_steps >= MAX_STEPS)
        sim_fail(&s, "no end in sight after %d calls", MAX_STEPS);
    sim_failover_count(&s);
    clear(&s);
    return s.failure;
}
