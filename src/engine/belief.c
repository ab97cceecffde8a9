/* belief.c - the wall clock of a worker: doubted, asked for at the broker, told. */
#include "belief.h"

#include "outbox.h"
#include "told.h"

#define PROBE_EVERY_MS 10000  /* the broker's clock is asked for so often while the wall clock is doubted */
#define PROBE_AT_ONCE_MS 1000 /* an answer this old is new enough */
#define TELL_WITHIN_MS 60000  /* all workers see a wrong clock, one soon after the other */

void
lc_worker_take_append_time(lc_worker *worker, int64_t sent_ms, bool is_expected)
{
    lc_instant append_at = lc_log_appended_at(worker->log);

    if (append_at != LC_ABSENT) {
        lc_wall_clock_broker_said(&worker->wall_clock, append_at, sent_ms, lc_worker_now_ms(worker));
        return;
    }
    if (is_expected && lc_told_may_say_once(worker->told, "LogAppendTime"))
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
    g_autofree char *problem =
        is_doubted ? lc_wall_clock_describe(&worker->wall_clock, belief, wall, now_ms) : g_strdup("");

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
