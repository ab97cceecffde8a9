/* scenario.c - one seed, from an empty cluster to the verdict. */
#include "checks.h"
#include "position.h"
#include "sim.h"

#include <inttypes.h>

/* ---- An owner dies within its transaction, and all else is well ---- */

#define TAKE_OVER (2 * LC_SECOND) /* after the session time-out */
#define LAG LC_SECOND             /* of an owner that has just taken over */

/* Whether the worker dies at this call: one at a time, while others live. Not within a claim: nobody knows yet whose
 * that is, and its time-out must be waited for. */
bool
sim_dies_now(sim *s, sim_life *life, const char *call)
{
    static const char *const within[] = {"deliver", "send_offsets", "commit_begin", NULL};
    if (strcmp(call, "begin") == 0)
        life->has_delivered = false;
    if (strcmp(call, "deliver") == 0)
        life->has_delivered = true;
    if (s->plan.scenario != SIM_DEATHS || !life->has_delivered || s->is_quiet || s->lives->len < s->plan.slots ||
        s->now < s->next_death || !g_strv_contains(within, call) || !sim_random_chance(&s->random, 50000))
        return false;
    s->next_death = s->now + 20 * LC_SECOND;
    if (sim_random_below(&s->random, 4))
        life->stays_dead_for = sim_random_between(&s->random, 18 * LC_SECOND, 40 * LC_SECOND);
    return true;
}

lc_instant
sim_taken_over_by(const sim *s)
{
    return s->now + lc_memory_broker_limits(s->broker)->session_timeout + TAKE_OVER;
}

/* What the dead left open holds up no reader, and what was published is judged: who may not end it waits with just the
 * partitions that it holds. */
void
sim_check_taken_over(sim *s, unsigned slot)
{
    g_autofree char *dead = g_strdup_printf("worker-%u", slot);
    if (s->is_quiet)
        return;
    if (lc_memory_is_open(s->broker, dead) && !s->plan.may_not_fence)
        sim_fail(s, "the transaction of %s, which died, is open still", dead);
    for (guint i = 0; i < s->records->len && s->failure == NULL; i++) {
        const sim_record *record = &g_array_index(s->records, sim_record, i);
        if (s->plan.may_not_fence && lc_memory_is_held(s->broker, record->partition))
            continue;
        if (record->is_committed && record->visible_at < s->now - LAG &&
            lc_memory_committed(s->broker, record->topic, record->partition, NULL) <= record->offset)
            sim_fail(s, "partition %d is not taken over: offset %" PRId64 " was published %" PRId64 " ms ago",
                     record->partition, record->offset, s->now - record->visible_at);
    }
}

/* Where all comes back at once, as in the end, one that does so just when it is taken over may be fenced once more. */
void
sim_check_fenced(lc_memory_world *world, const char *transactional_id)
{
    sim *s = (sim *)world;
    for (guint i = 0; s->plan.scenario == SIM_DEATHS && !s->is_quiet && i < s->lives->len; i++) {
        const sim_life *life = g_ptr_array_index(s->lives, i);
        g_autofree char *name = g_strdup_printf("worker-%u", life->slot);
        if (strcmp(name, transactional_id) == 0 && !life->was_killed)
            sim_fail(s, "%s is fenced, and lives", name);
    }
}

/* ---- Kafka loses what it had acknowledged ---- */

static const struct {
    const char *what;
    const char *said[2]; /* what a worker must say when it stops */
} losses[] = {
    [SIM_LOST_STATES] = {"the end of the states", {"lost records of a changelog"}},
    [SIM_LOST_COUNTERS] = {"the end of the counters", {"lost records of a changelog"}},
    [SIM_LOST_INPUT] = {"the end of an input", {"is out of range"}},
    [SIM_LOST_GROUP] = {"the group's offsets", {"no committed offsets"}},
    [SIM_LOST_COMMITS] = {"the group's latest offsets", {"ahead of Kafka", "lost committed offsets"}},
};

/* What was committed last; NULL: nothing. */
static const sim_commit *
last_commit(const sim *s, int32_t partition)
{
    guint n;
    const sim_commit *commits = sim_watch_commits(s, partition, &n);
    return n ? &commits[n - 1] : NULL;
}

static lc_output
changelog_of(sim_lost lost)
{
    return lost == SIM_LOST_STATES ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS;
}

static lc_changelog
end_of(sim_lost lost)
{
    return lost == SIM_LOST_STATES ? LC_CHANGELOG_STATE : LC_CHANGELOG_COUNTERS;
}

static bool
has_changelog(const sim *s, int32_t partition)
{
    const sim_commit *last = last_commit(s, partition);
    return last && (last->ends[LC_CHANGELOG_STATE] > 0 || last->ends[LC_CHANGELOG_COUNTERS] > 0);
}

static bool
lose_changelog(sim *s)
{
    int64_t end = last_commit(s, s->lost_partition)->ends[end_of(s->lost)];
    if (end == 0)
        return false;
    lc_memory_lose_tail(s->broker, LC_MEMORY_OUTPUT(changelog_of(s->lost)), s->lost_partition,
                        sim_random_between(&s->random, 0, end - 1));
    return true;
}

static bool
lose_input(sim *s)
{
    int64_t end = lc_memory_committed(s->broker, s->lost_topic, s->lost_partition, NULL);
    if (end <= 0)
        return false;
    lc_memory_lose_tail(s->broker, s->lost_topic, s->lost_partition, sim_random_between(&s->random, 0, end - 1));
    return true;
}

/* Where a group is without offsets and without changelogs, it is a new one: nobody can tell. */
static bool
lose_group(sim *s)
{
    for (int32_t partition = 0; partition < s->plan.partitions; partition++)
        if (!has_changelog(s, partition))
            return false;
    lc_memory_forget_group(s->broker);
    return true;
}

static bool
is_older(const sim_commit *commit, const sim_commit *than)
{
    return commit->ends[LC_CHANGELOG_STATE] < than->ends[LC_CHANGELOG_STATE] ||
           commit->ends[LC_CHANGELOG_COUNTERS] < than->ends[LC_CHANGELOG_COUNTERS];
}

static bool
lose_commits(sim *s)
{
    guint n;
    const sim_commit *commits = sim_watch_commits(s, s->lost_partition, &n);
    const sim_commit *back = &commits[sim_random_below(&s->random, n)];
    if (!is_older(back, &commits[n - 1]))
        return false;
    for (int topic = 0; topic < s->plan.n_inputs; topic++)
        lc_memory_set_committed(s->broker, topic, s->lost_partition, back->offsets[topic], back->metadata);
    return true;
}

/* False: there is nothing to lose. */
bool
sim_lose(sim *s)
{
    s->lost = (sim_lost)sim_random_below(&s->random, SIM_LOSSES);
    s->lost_partition = (int32_t)sim_random_below(&s->random, (uint32_t)s->plan.partitions);
    s->lost_topic = (int)sim_random_below(&s->random, (uint32_t)s->plan.n_inputs);
    s->has_lost = false;
    if (last_commit(s, s->lost_partition) == NULL)
        return false;
    switch (s->lost) {
    case SIM_LOST_STATES:
    case SIM_LOST_COUNTERS:
        s->has_lost = lose_changelog(s);
        break;
    case SIM_LOST_INPUT:
        s->has_lost = lose_input(s);
        break;
    case SIM_LOST_GROUP:
        s->has_lost = lose_group(s);
        break;
    case SIM_LOST_COMMITS:
        s->has_lost = lose_commits(s);
        break;
    }
    if (s->has_lost)
        sim_say(s, "Kafka loses %s, partition %d", losses[s->lost].what, s->lost_partition);
    return s->has_lost;
}

/* Nothing says that an end was lost once it has grown again: no record comes to a lost one's place. */
bool
sim_may_publish(const sim *s, const sim_record *record)
{
    return !s->has_lost || s->lost != SIM_LOST_INPUT || record->topic != s->lost_topic ||
           record->partition != s->lost_partition;
}

/* Whether what was lost is missed by whoever recovers now: a commit since then brings the group's offsets back. */
bool
sim_is_missed(sim *s)
{
    const sim_commit *last = last_commit(s, s->lost_partition);
    lc_metadata metadata;
    const char *text;
    switch (s->lost) {
    case SIM_LOST_STATES:
    case SIM_LOST_COUNTERS:
        return lc_memory_end(s->broker, LC_MEMORY_OUTPUT(changelog_of(s->lost)), s->lost_partition) <
               last->ends[end_of(s->lost)];
    case SIM_LOST_INPUT:
        return lc_memory_end(s->broker, s->lost_topic, s->lost_partition) < last->offsets[s->lost_topic];
    case SIM_LOST_GROUP:
        for (int32_t partition = 0; partition < s->plan.partitions; partition++)
            if (lc_memory_committed(s->broker, 0, partition, NULL) < 0)
                return true;
        return false;
    case SIM_LOST_COMMITS:
        lc_memory_committed(s->broker, 0, s->lost_partition, &text);
        return lc_metadata_parse(lc_text_of(text), &metadata) &&
               memcmp(metadata.ends, last->ends, sizeof metadata.ends) != 0;
    }
    return false;
}

/* A worker may stop for what was lost, or has grown, if it says so. */
bool
sim_takes_leave(const sim *s, const GError *error)
{
    if (s->has_grown && g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG))
        return strstr(error->message, "number of partitions");
    if (!s->has_lost || !g_error_matches(error, LC_ERROR, LC_ERROR_FATAL))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(losses[s->lost].said); i++)
        if (losses[s->lost].said[i] && strstr(error->message, losses[s->lost].said[i]))
            return true;
    return false;
}

const char *
sim_loss_name(const sim *s)
{
    return losses[s->lost].what;
}

/* ---- An input gets more partitions ---- */

void
sim_grow(sim *s)
{
    s->has_grown = true;
    s->grown_topic = (int)sim_random_below(&s->random, (uint32_t)s->plan.n_inputs);
    sim_say(s, "%s gets more partitions", sim_input_names(s->plan.n_inputs)[s->grown_topic]);
    lc_memory_grow(s->broker);
}

/* Publishers follow at once: half of the leads' facts go where nobody reads. */
bool
sim_lies_elsewhere(const sim *s, const sim_record *record)
{
    return s->has_grown && record->topic == s->grown_topic && record->reason == NULL && record->upstream == 0 &&
           lc_log_partition_of(record->key, 2 * s->plan.partitions) >= s->plan.partitions;
}
