#include "worker.h"

#define JUMP_MS LC_MINUTE        /* a wall clock so far ahead of the monotonic one is not believed */
#define PROBE_EVERY_MS 10000     /* the broker's clock is asked for so often while the wall clock is doubted */
#define PROBE_AT_ONCE_MS 1000    /* an answer this old is new enough */
#define TELL_WITHIN_MS 60000     /* all workers see a wrong clock, one soon after the other */
#define LONG_AGO (INT64_MIN / 2) /* monotonic */

/* Whether the wall clock is to be believed (architecture.md, "Safe time"). The broker's clock is known from its
 * LogAppendTime of records of ours: it said so after they were sent and before we were told, and the monotonic clock
 * says how long ago that was. So no idle topic and no backlog makes it look wrong. */

void
lc_wall_clock_init(lc_wall_clock *clock, lc_duration max_future)
{
    *clock = (lc_wall_clock){max_future, LC_ABSENT, LC_ABSENT, LONG_AGO, LONG_AGO};
}

void
lc_wall_clock_broker_said(lc_wall_clock *clock, lc_instant append_at, int64_t sent_ms, int64_t told_ms)
{
    clock->append_at = append_at;
    clock->sent_ms = sent_ms;
    clock->told_ms = told_ms;
}

lc_duration
lc_wall_clock_ahead_of_broker(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    return clock->append_at == LC_ABSENT ? LC_ABSENT : wall - (clock->append_at + now_ms - clock->sent_ms);
}

lc_instant
lc_wall_clock_checked(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    if (clock->append_at != LC_ABSENT)
        return MIN(wall, clock->append_at + now_ms - clock->sent_ms);
    return clock->believed_ahead == LC_ABSENT ? wall : MIN(wall, now_ms + clock->believed_ahead);
}

/* No further ahead of the broker's than what is believed of the monotonic clock. */
static bool
agrees_with_broker(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    return clock->append_at != LC_ABSENT && wall - (clock->append_at + now_ms - clock->told_ms) <= JUMP_MS;
}

/* One that went back is believed, and may come forward again to where it was: otherwise timers would stand still for
 * ever once it is right. */
lc_wall_belief
lc_wall_clock_judge(lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    lc_duration ahead = wall - now_ms, of_broker = lc_wall_clock_ahead_of_broker(clock, wall, now_ms);

    if (LC_CHECKS(LC_CHECK_BROKER_CLOCK) && of_broker != LC_ABSENT && of_broker > clock->max_future) {
        clock->believed_ahead = LC_ABSENT; /* what was believed before the broker was asked */
        return LC_WALL_AHEAD_OF_BROKER;
    }
    if (clock->believed_ahead != LC_ABSENT && ahead > clock->believed_ahead + JUMP_MS &&
        !agrees_with_broker(clock, wall, now_ms))
        return LC_WALL_JUMPED;
    clock->believed_ahead = MAX(clock->believed_ahead, ahead);
    return LC_WALL_BELIEVED;
}

/* What is wrong, with both clocks and the difference. Caller frees. */
static char *
describe(const lc_wall_clock *clock, lc_wall_belief belief, lc_instant wall, int64_t now_ms)
{
    char wall_text[LC_INSTANT_TEXT_BYTES], broker_text[LC_INSTANT_TEXT_BYTES];
    char ahead_text[LC_DURATION_TEXT_BYTES], limit_text[LC_DURATION_TEXT_BYTES];
    bool is_known = clock->append_at != LC_ABSENT;
    lc_duration ahead =
        is_known ? wall - (clock->append_at + now_ms - clock->told_ms) : wall - now_ms - clock->believed_ahead;

    lc_instant_format(wall, wall_text);
    lc_duration_format(ahead, ahead_text);
    if (!is_known)
        return g_strdup_printf("the wall clock says %s and has jumped ahead by %s; what the broker's clock says is not "
                               "known; timers wait until it is right again (if it is right now, restart)",
                               wall_text, ahead_text);
    lc_instant_format(clock->append_at + now_ms - clock->told_ms, broker_text);
    lc_duration_format(belief == LC_WALL_JUMPED ? JUMP_MS : clock->max_future, limit_text);
    return g_strdup_printf("the wall clock says %s and the broker's %s: %s ahead, more than %s%s; timers wait until it "
                           "is right again",
                           wall_text, broker_text, ahead_text, limit_text,
                           belief == LC_WALL_JUMPED ? " in a jump" : " (max_future)");
}

/* ---- The worker's ---- */

void
lc_worker_take_append_time(lc_worker *worker, int64_t sent_ms, bool is_expected)
{
    lc_instant append_at = lc_log_appended_at(worker->log);

    if (append_at != LC_ABSENT) {
        lc_wall_clock_broker_said(&worker->wall_clock, append_at, sent_ms, lc_worker_now_ms(worker));
        return;
    }
    if (is_expected && lc_worker_may_say_once(worker, "LogAppendTime"))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "WORKER", worker->options.transactional_id, "MESSAGE",
                         "the wall clock can't be compared with the broker's: message.timestamp.type of %s is not "
                         "LogAppendTime",
                         worker->options.output_names[LC_OUTPUT_STATE]);
}

static const lc_partition *
any_ready_partition(const lc_worker *worker)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        const lc_partition *partition = worker->partitions->pdata[i];
        if (!partition->must_recover)
            return partition;
    }
    return NULL;
}

/* A record that nobody will ever read, because its transaction is aborted: the broker says when it came. */
static void
ask_broker(lc_worker *worker, int32_t partition)
{
    lc_log *log = worker->log;
    int64_t offset;
    const lc_outgoing probe = {.output = LC_OUTPUT_STATE,
                               .partition = partition,
                               .key = LC_TEXT("clock"),
                               .offset = &offset,
                               .tag = LC_TAG_NONE};
    int64_t sent_ms = lc_worker_now_ms(worker);
    g_autoptr(GError) unimportant = NULL; /* tried again */

    if (lc_log_begin(log, &unimportant) && lc_log_produce(log, &probe, &unimportant) && lc_log_flush(log, &unimportant))
        lc_worker_take_append_time(worker, sent_ms, true);
    lc_log_abort(log);
    worker->producer_ready = false;
}

/* Is the wall clock doubted on what the broker said too long ago? Then it is asked. */
static bool
ask_broker_if_due(lc_worker *worker, int64_t now_ms)
{
    const lc_partition *partition = any_ready_partition(worker);
    int64_t last_ms = MAX(worker->wall_clock.told_ms, worker->probed_ms);

    if (partition == NULL || !worker->producer_ready ||
        now_ms - last_ms < (worker->clock_doubted ? PROBE_EVERY_MS : PROBE_AT_ONCE_MS))
        return false;
    worker->probed_ms = now_ms;
    ask_broker(worker, partition->number);
    return true;
}

/* Once a change. */
static void
tell_belief(lc_worker *worker, lc_wall_belief belief, lc_instant wall, int64_t now_ms)
{
    bool is_doubted = belief != LC_WALL_BELIEVED;
    g_autofree char *problem = is_doubted ? describe(&worker->wall_clock, belief, wall, now_ms) : g_strdup("");

    /* One that came to doubt has told when another does. */
    if (is_doubted != worker->clock_doubted &&
        lc_told_may_say(worker->told, worker, is_doubted ? "the clock is doubted" : "the clock is right", now_ms,
                        TELL_WITHIN_MS))
        g_log_structured(G_LOG_DOMAIN, is_doubted ? G_LOG_LEVEL_WARNING : G_LOG_LEVEL_INFO, "WORKER",
                         worker->options.transactional_id, "MESSAGE", "%s",
                         is_doubted ? problem : "the wall clock is right again: timers go on");
    worker->clock_doubted = is_doubted;
    g_strlcpy(worker->report.clock_problem, problem, sizeof worker->report.clock_problem);
}

void
lc_worker_forget_time(lc_worker *worker)
{
    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        lc_safe_time_forget(&partition->safe);
    }
}

bool
lc_worker_believes(lc_worker *worker, lc_instant wall, int64_t now_ms)
{
    lc_wall_belief belief = lc_wall_clock_judge(&worker->wall_clock, wall, now_ms);

    worker->report.ahead_of_broker = lc_wall_clock_ahead_of_broker(&worker->wall_clock, wall, now_ms);
    /* Judged in the next round: `wall` may have been read before it was put right. */
    if (belief != LC_WALL_BELIEVED && ask_broker_if_due(worker, now_ms))
        return false;
    if (belief == LC_WALL_AHEAD_OF_BROKER)
        lc_worker_forget_time(worker);
    tell_belief(worker, belief, wall, now_ms);
    return belief == LC_WALL_BELIEVED;
}

bool
lc_worker_proves(lc_worker *worker, lc_instant now, GError **error)
{
    lc_instant append_at = lc_log_appended_at(worker->log);

    if (!LC_CHECKS(LC_CHECK_BROKER_CLOCK) || now == LC_ABSENT || append_at == LC_ABSENT ||
        now - append_at <= worker->options.max_future)
        return true;
    lc_worker_forget_time(worker);
    g_set_error(error, LC_ERROR, LC_ERROR_ABORT,
                "the wall clock is more than max_future ahead of the broker's: nothing is published");
    return false;
}
