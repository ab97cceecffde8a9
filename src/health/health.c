/* health.c - what /metrics, /livez and /readyz say. */
#include <leadclock/health.h>

#include <inttypes.h>

#define ALIVE_WITHIN_MS 60000 /* a worker that has not gone round for so long hangs */
#define HELD_UP_AFTER_MS 15000

static const char *const clock_names[LC_CLOCKS + 1] = {
    "first_contact", "first_contact:again", "renewed",  "requested", "milestone",
    "follow_up",     "next_contact",        "clawback", "none"};

typedef GArray reports; /* lc_worker_report, one a worker */

static reports *
take_reports(const lc_health *health)
{
    reports *taken = g_array_new(FALSE, TRUE, sizeof(lc_worker_report));

    g_array_set_clear_func(taken, (GDestroyNotify)lc_worker_report_clear);
    g_array_set_size(taken, health->workers->len);
    for (guint i = 0; i < health->workers->len; i++)
        lc_worker_get_report(health->workers->pdata[i], &g_array_index(taken, lc_worker_report, i));
    return taken;
}

static const lc_worker_report *
report_at(const reports *taken, guint index)
{
    return &g_array_index(taken, lc_worker_report, index);
}

static lc_worker_tally
sum_tallies(const reports *taken)
{
    lc_worker_tally sum = {0};

    for (guint i = 0; i < taken->len; i++)
        lc_tally_add(&sum, &report_at(taken, i)->tally);
    return sum;
}

/* ---- /metrics ---- */

static void
write_facts(GString *text, const lc_worker_tally *sum)
{
    lc_metrics_family(text, "leadclock_facts_total", "counter", "Facts taken, by type.");
    for (int i = 0; i < LC_FACT_TYPES; i++)
        lc_metrics_sample(text, "leadclock_facts_total", (double)sum->facts[i], "type",
                          lc_fact_type_name((lc_fact_type)i), NULL);
    lc_metrics_family(text, "leadclock_facts_ignored_total", "counter",
                      "Facts that change nothing: repeated (an event_id the lead has), automated, forgotten (erased).");
    lc_metrics_sample(text, "leadclock_facts_ignored_total", (double)sum->repeated, "why", "repeated", NULL);
    lc_metrics_sample(text, "leadclock_facts_ignored_total", (double)sum->automated, "why", "automated", NULL);
    lc_metrics_sample(text, "leadclock_facts_ignored_total", (double)sum->forgotten, "why", "forgotten", NULL);
    lc_metrics_family(text, "leadclock_facts_without_channel_total", "counter",
                      "LeadCreated with an empty channel, which are counted under it.");
    lc_metrics_sample(text, "leadclock_facts_without_channel_total", (double)sum->without_channel, NULL);
    lc_metrics_family(text, "leadclock_dead_letters_total", "counter", "Records that can't be a fact, by reason.");
    for (int i = 0; i < LC_DEAD_REASONS; i++)
        lc_metrics_sample(text, "leadclock_dead_letters_total", (double)sum->dead_letters[i], "reason",
                          lc_dead_reason_name((lc_dead_reason)i), NULL);
}

static void
write_outcomes(GString *text, const lc_worker_tally *sum)
{
    lc_metrics_family(text, "leadclock_outcomes_total", "counter", "Outcomes published, by type and clock.");
    for (int i = 0; i < LC_OUTCOME_TYPES; i++)
        for (int clock = 0; clock <= LC_CLOCKS; clock++)
            if (sum->outcomes[i][clock] || clock == LC_CLOCKS)
                lc_metrics_sample(text, "leadclock_outcomes_total", (double)sum->outcomes[i][clock], "type",
                                  lc_outcome_type_name((lc_outcome_type)i), "clock", clock_names[clock], NULL);
    lc_metrics_family(text, "leadclock_wakeups_total", "counter", "Wake-ups that fired.");
    lc_metrics_sample(text, "leadclock_wakeups_total", (double)sum->wakeups, NULL);
}

static void
write_histogram(GString *text, const char *name, const lc_histogram *histogram)
{
    lc_metrics_histogram(text, name, lc_histogram_bounds, histogram->counts, LC_HISTOGRAM_BUCKETS,
                         (double)histogram->sum_ms);
}

static void
add_histogram(lc_histogram *sum, const lc_histogram *histogram)
{
    for (int i = 0; i < LC_HISTOGRAM_BUCKETS; i++)
        sum->counts[i] += histogram->counts[i];
    sum->sum_ms += histogram->sum_ms;
}

static void
write_engine(GString *text, const reports *taken)
{
    lc_histogram transaction = {0}, apply = {0};
    uint64_t unclean = 0, recoveries[LC_RECOVERY_CAUSES] = {0};

    for (guint i = 0; i < taken->len; i++) {
        const lc_worker_report *report = report_at(taken, i);
        add_histogram(&transaction, &report->transaction_ms);
        add_histogram(&apply, &report->apply_ms);
        unclean += report->unclean_commits;
        for (int k = 0; k < LC_RECOVERY_CAUSES; k++)
            recoveries[k] += report->recoveries[k];
    }
    lc_metrics_family(text, "leadclock_transaction_seconds", "histogram",
                      "From the first record produced to the commit, a batch.");
    write_histogram(text, "leadclock_transaction_seconds", &transaction);
    lc_metrics_family(text, "leadclock_apply_seconds", "histogram", "Applying a committed batch to Redis.");
    write_histogram(text, "leadclock_apply_seconds", &apply);
    lc_metrics_family(text, "leadclock_unclean_commits_total", "counter",
                      "Commits whose result was not certain; each costs a new producer and a recovery.");
    lc_metrics_sample(text, "leadclock_unclean_commits_total", (double)unclean, NULL);
    lc_metrics_family(text, "leadclock_recoveries_total", "counter", "Recoveries of a partition, by cause.");
    for (int k = 0; k < LC_RECOVERY_CAUSES; k++)
        lc_metrics_sample(text, "leadclock_recoveries_total", (double)recoveries[k], "cause",
                          lc_recovery_cause_name((lc_recovery_cause)k), NULL);
}

static void
write_cache(GString *text, const reports *taken)
{
    uint64_t known = 0, read = 0, bytes = 0;

    for (guint i = 0; i < taken->len; i++) {
        known += report_at(taken, i)->leads_known;
        read += report_at(taken, i)->leads_read;
        bytes += report_at(taken, i)->cache_bytes;
    }
    lc_metrics_family(text, "leadclock_lead_cache_total", "counter",
                      "Leads that batches needed: kept from before (hit), or read from Redis (miss).");
    lc_metrics_sample(text, "leadclock_lead_cache_total", (double)known, "result", "hit", NULL);
    lc_metrics_sample(text, "leadclock_lead_cache_total", (double)read, "result", "miss", NULL);
    lc_metrics_family(text, "leadclock_lead_cache_bytes", "gauge", "What the leads that are kept take.");
    lc_metrics_sample(text, "leadclock_lead_cache_bytes", (double)bytes, NULL);
}

/* What is known of every partition; `write` adds its sample, or nothing. */
typedef void (*partition_writer)(GString *text, const char *number, const lc_partition_report *partition,
                                 const lc_health *health);

static void
write_partitions(GString *text, const reports *taken, const lc_health *health, partition_writer write)
{
    for (guint i = 0; i < taken->len; i++) {
        const GArray *partitions = report_at(taken, i)->partitions;
        for (guint k = 0; partitions && k < partitions->len; k++) {
            const lc_partition_report *partition = &g_array_index(partitions, lc_partition_report, k);
            char number[16];
            g_snprintf(number, sizeof number, "%" PRId32, partition->number);
            write(text, number, partition, health);
        }
    }
}

static void
write_ready(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    (void)health;
    lc_metrics_sample(text, "leadclock_partition_ready", partition->ready, "partition", number, NULL);
}

static void
write_lag(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    (void)health;
    if (partition->lag >= 0)
        lc_metrics_sample(text, "leadclock_lag_records", (double)partition->lag, "partition", number, NULL);
}

static void
write_delay(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    if (partition->safe_time != LC_ABSENT)
        lc_metrics_sample(text, "leadclock_safe_time_delay_seconds",
                          (double)(health->time->wall(health->time) - partition->safe_time) / 1000, "partition", number,
                          NULL);
}

static void
write_wakeups_pending(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    (void)health;
    if (partition->ready)
        lc_metrics_sample(text, "leadclock_wakeups_pending", (double)partition->n_wakeups, "partition", number, NULL);
}

static void
write_wakeup_late(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    lc_instant due = health->time->wall(health->time) - health->lateness;
    lc_duration late = partition->next_wakeup < due ? due - partition->next_wakeup : 0;

    lc_metrics_sample(text, "leadclock_wakeup_late_seconds", (double)late / 1000, "partition", number, NULL);
}

static void
write_rebuild(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    (void)health;
    if (partition->rebuild_end > 0)
        lc_metrics_sample(text, "leadclock_rebuild_progress_ratio",
                          (double)partition->rebuilt / (double)partition->rebuild_end, "partition", number, NULL);
}

static void
write_misplaced(GString *text, const char *number, const lc_partition_report *partition, const lc_health *health)
{
    (void)health;
    lc_metrics_sample(text, "leadclock_wrong_partition_total", (double)partition->wrong_partition, "partition", number,
                      NULL);
}

static const struct {
    const char *name, *type, *help;
    partition_writer write;
} partition_metrics[] = {
    {"leadclock_partition_ready", "gauge", "1: recovered, and its facts flow.", write_ready},
    {"leadclock_lag_records", "gauge", "Records not read yet, all inputs together, as of at most 5 s ago.", write_lag},
    {"leadclock_safe_time_delay_seconds", "gauge",
     "How far the instant up to which all input is judged is behind; it moves only when a timer is due, or every 5 s.",
     write_delay},
    {"leadclock_wakeups_pending", "gauge",
     "Leads that wait for a wake-up (each waits for its next one), as of the last look into Redis, at most 1 s ago.",
     write_wakeups_pending},
    {"leadclock_wakeup_late_seconds", "gauge",
     "How long ago the earliest wake-up should have fired (lateness allowed for).", write_wakeup_late},
    {"leadclock_rebuild_progress_ratio", "gauge", "Share of the changelog that is in Redis, while it is made anew.",
     write_rebuild},
    {"leadclock_wrong_partition_total", "counter",
     "Records in a partition where their key does not belong: publish with partitioner=murmur2_random.",
     write_misplaced},
};

static void
write_clocks(GString *text, const reports *taken)
{
    lc_metrics_family(text, "leadclock_wall_clock_ahead_seconds", "gauge",
                      "The wall clock, of the broker's, at least; absent where the broker's is not known.");
    for (guint i = 0; i < taken->len; i++) {
        char number[16];
        g_snprintf(number, sizeof number, "%u", i);
        if (report_at(taken, i)->ahead_of_broker != LC_ABSENT)
            lc_metrics_sample(text, "leadclock_wall_clock_ahead_seconds",
                              (double)report_at(taken, i)->ahead_of_broker / 1000, "worker", number, NULL);
    }
}

static void
write_build(const lc_health *health, GString *text)
{
    lc_metrics_family(text, "leadclock_build_info", "gauge",
                      "1, with the version, and that of the time zone data that policies were read with.");
    lc_metrics_sample(text, "leadclock_build_info", 1, "version", LC_VERSION, "time_zone_data",
                      (const char *)g_atomic_pointer_get((void **)&health->zone_data), NULL);
}

static void
write_policy(const lc_health *health, GString *text)
{
    lc_metrics_family(text, "leadclock_policy_refused", "gauge",
                      "1: the policies read at the last SIGHUP were refused, the ones from before are kept.");
    lc_metrics_sample(text, "leadclock_policy_refused", g_atomic_int_get(&health->policy_refused), NULL);
}

static void
write_metrics(const lc_health *health, GString *text)
{
    g_autoptr(GArray) taken = take_reports(health);
    lc_worker_tally sum = sum_tallies(taken);

    write_build(health, text);
    write_policy(health, text);
    write_facts(text, &sum);
    write_outcomes(text, &sum);
    write_engine(text, taken);
    write_cache(text, taken);
    write_clocks(text, taken);
    for (size_t i = 0; i < G_N_ELEMENTS(partition_metrics); i++) {
        lc_metrics_family(text, partition_metrics[i].name, partition_metrics[i].type, partition_metrics[i].help);
        write_partitions(text, taken, health, partition_metrics[i].write);
    }
}

/* ---- /livez: the loop advances ---- */

static bool
write_life(const lc_health *health, GString *text)
{
    g_autoptr(GArray) taken = take_reports(health);
    int64_t now_ms = health->time->monotonic_ms(health->time);
    bool alive = true;

    for (guint i = 0; i < taken->len; i++) {
        int64_t since = now_ms - report_at(taken, i)->turned_ms;
        if (since < ALIVE_WITHIN_MS)
            continue;
        alive = false;
        g_string_append_printf(text, "worker %u has not gone round for %" PRId64 " s\n", i + 1, since / 1000);
    }
    if (alive)
        g_string_append(text, "ok\n");
    return alive;
}

/* ---- /readyz: assigned, Redis caught up ---- */

static bool
write_partition_readiness(GString *text, const lc_partition_report *partition)
{
    if (partition->wrong_partition)
        g_string_append_printf(text,
                               "note: partition %" PRId32 " got %" PRIu64 " records whose key belongs elsewhere: "
                               "publish with partitioner=murmur2_random\n",
                               partition->number, partition->wrong_partition);
    if (partition->ready)
        return true;
    if (partition->rebuild_end > 0)
        g_string_append_printf(
            text, "partition %" PRId32 ": making Redis from the changelog, %.0f %% done, about %" PRId64 " s left\n",
            partition->number, 100.0 * (double)partition->rebuilt / (double)partition->rebuild_end,
            (partition->rebuild_left_ms + 999) / 1000);
    else
        g_string_append_printf(text, "partition %" PRId32 ": recovering\n", partition->number);
    return false;
}

/* One that hangs in a call can't tell so itself. */
static bool
write_held_up(GString *text, guint number, const lc_worker_report *report, int64_t now_ms)
{
    int64_t since_ms = now_ms - report->turned_ms;

    if (since_ms < HELD_UP_AFTER_MS)
        return false;
    g_string_append_printf(text,
                           "worker %u is held up: it has not gone round for %" PRId64
                           " s, as when brokers that are away "
                           "let a transaction not end\n",
                           number, since_ms / 1000);
    return true;
}

static bool
write_worker_readiness(GString *text, guint number, const lc_worker_report *report, int64_t now_ms)
{
    bool is_held_up = write_held_up(text, number, report, now_ms);
    bool ready = report->joined && report->waiting_for[0] == '\0' && !is_held_up;

    if (report->waiting_for[0])
        g_string_append_printf(text, "worker %u waits for %s\n", number, report->waiting_for);
    else if (!report->joined)
        g_string_append_printf(text, "worker %u waits for the group to give it partitions\n", number);
    if (report->clock_problem[0])
        g_string_append_printf(text, "worker %u: %s\n", number, report->clock_problem);
    for (guint k = 0; report->partitions && k < report->partitions->len; k++)
        ready &= write_partition_readiness(text, &g_array_index(report->partitions, lc_partition_report, k));
    return ready && report->clock_problem[0] == '\0';
}

static bool
write_readiness(const lc_health *health, GString *text)
{
    g_autoptr(GArray) taken = take_reports(health);
    int64_t now_ms = health->time->monotonic_ms(health->time);
    bool ready = true;

    for (guint i = 0; i < taken->len; i++)
        ready &= write_worker_readiness(text, i + 1, report_at(taken, i), now_ms);
    if (ready)
        g_string_append(text, "ok\n");
    return ready;
}

bool
lc_health_answer(const char *path, lc_http_answer *answer, void *data)
{
    const lc_health *health = data;

    if (strcmp(path, "/metrics") == 0) {
        answer->content_type = LC_METRICS_CONTENT_TYPE;
        write_metrics(health, answer->body);
        return true;
    }
    if (strcmp(path, "/livez") == 0)
        answer->status = write_life(health, answer->body) ? 200 : 503;
    else if (strcmp(path, "/readyz") == 0)
        answer->status = write_readiness(health, answer->body) ? 200 : 503;
    else
        return false;
    return true;
}

void
lc_health_tell(const lc_health *health, lc_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    g_autoptr(GString) life = g_string_new(NULL), readiness = g_string_new(NULL);
    bool alive = write_life(health, life), ready = write_readiness(health, readiness);

    lc_supervisor_tell(supervisor, alive, ready, alive ? readiness->str : life->str,
                       health->time->monotonic_ms(health->time));
}
