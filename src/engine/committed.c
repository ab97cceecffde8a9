/* committed.c - which pair (O, C) holds: step 3a. */
#include "committed.h"

#include "changelog.h"
#include "growth.h"
#include "promise.h"

#include <inttypes.h>

#define FENCE_AFTER_MS 700 /* an owner that lives aborts within milliseconds of giving up */

/* Who committed last, where that was another, and the partition is now ours: every owner's first transaction says its
 * name, so what is open or pending is the last owner's. */
static lc_text
last_owner(const lc_recovery *r)
{
    lc_text owner = LC_NO_TEXT;
    lc_metadata metadata;

    if (!lc_recovery_is_ours(r))
        return LC_NO_TEXT;
    for (int i = 0; i < r->worker->n_inputs; i++)
        if (r->committed[i].offset >= 0 && lc_metadata_parse(r->committed[i].metadata, &metadata))
            owner = metadata.transactional_id;
    if (lc_text_is_absent(owner) || lc_text_equal(owner, lc_text_of(r->worker->options.transactional_id)))
        return LC_NO_TEXT;
    /* Nobody is fenced for a name that no worker of ours can have: `reset` of versions before left "reset" there. */
    g_autofree char *name = g_strndup(owner.data, owner.size);
    return lc_log_is_peer(r->worker->log, name) ? owner : LC_NO_TEXT;
}

/* Its records and offsets are then waited for, until the brokers end its transaction by themselves. */
static void
tell_may_not_fence(lc_recovery *r, const char *owner, const GError *problem)
{
    g_hash_table_add(r->worker->unfenceable, g_strdup(owner));
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "PARTITION", LC_NUMBER(r->partition->number), "OWNER", owner,
                     "MESSAGE",
                     "what the last owner may have left open can't be ended, and is waited for until its transaction "
                     "time-out (transaction.timeout.ms, 60 s unless set): %s; allow WRITE on transactional ids that "
                     "begin with \"%s-\"",
                     problem->message, r->worker->options.source);
}

/* True also where that is not allowed. */
static bool
fence(lc_recovery *r, const char *owner, GError **error)
{
    lc_log *log = r->worker->log;
    g_autoptr(GError) problem = NULL;

    r->may_not_fence = g_hash_table_contains(r->worker->unfenceable, owner);
    if (r->may_not_fence)
        return true;
    if (lc_log_fence(log, owner, &problem)) {
        r->fenced = true;
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(r->partition->number), "OWNER", owner,
                         "MESSAGE", "ended the transaction that the last owner may have left open");
        return true;
    }
    if (!g_error_matches(problem, LC_ERROR, LC_ERROR_DENIED)) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    r->may_not_fence = true;
    tell_may_not_fence(r, owner, problem);
    return true;
}

/* The last owner gave its partitions up, and yet its transaction has stood open for so long: it is dead, and its
 * time-out is not waited for. */
static void
fence_last_owner(lc_recovery *r)
{
    lc_log *log = r->worker->log;
    g_autoptr(GError) unimportant = NULL; /* tried again */

    if (!lc_log_committed_before(log, r->partition->number, r->committed, &r->pair_arena, &unimportant))
        return;
    lc_text owner = last_owner(r);
    if (lc_text_is_absent(owner))
        return;
    g_autofree char *name = g_strndup(owner.data, owner.size);
    fence(r, name, &unimportant);
}

/* Whether an owner is dead: it is no member of the group any more. Asked once an assignment; where there is no answer
 * it is taken for alive. */
static bool
is_dead(lc_recovery *r, const char *owner)
{
    lc_worker *worker = r->worker;
    gpointer known;
    bool is_member;
    g_autoptr(GError) unimportant = NULL;

    if (!LC_CHECKS(LC_CHECK_FENCE))
        return false;
    if (g_hash_table_lookup_extended(worker->members, owner, NULL, &known))
        return !GPOINTER_TO_INT(known);
    if (!lc_log_is_member(worker->log, owner, &is_member, &unimportant))
        return false;
    g_hash_table_insert(worker->members, g_strdup(owner), GINT_TO_POINTER(is_member));
    return !is_member;
}

/* What a dead owner left open may be dead letters alone, which hold up those who read them: it is ended unseen, once an
 * assignment. The living finish what they began. */
static bool
end_dead_owner(lc_recovery *r, lc_text owner, GError **error)
{
    lc_worker *worker = r->worker;
    g_autofree char *name = g_strndup(owner.data, owner.size);

    if (!is_dead(r, name) || g_hash_table_contains(worker->fenced, name))
        return true;
    if (!fence(r, name, error))
        return false;
    g_hash_table_add(worker->fenced, g_steal_pointer(&name));
    return lc_log_get_committed(worker->log, r->partition->number, r->committed, &r->pair_arena, error);
}

static void
tell_unfinished(const lc_recovery *r, lc_text owner, GError **error)
{
    g_autofree char *name = g_strndup(owner.data, owner.size);
    bool may_not = g_hash_table_contains(r->worker->unfenceable, name);

    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the transaction of %s, who had it before, is still open%s", name,
                may_not ? "; it may not be ended from here, and its time-out is waited for" : "");
}

/* An owner that died before it sent its offsets leaves nothing pending, but records; they hold up whoever reads what is
 * committed, until its transaction times out. */
static bool
is_finished(lc_recovery *r, GError **error)
{
    lc_log *log = r->worker->log;
    lc_text owner = last_owner(r);
    bool unfinished = false;

    if (!LC_CHECKS(LC_CHECK_WAIT) || r->fenced || lc_text_is_absent(owner))
        return true;
    if (!end_dead_owner(r, owner, error))
        return false;
    if (!lc_log_is_unfinished(log, r->partition->number, &unfinished, error))
        return false;
    if (unfinished)
        tell_unfinished(r, owner, error);
    return !unfinished;
}

static bool
is_committed(lc_recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    lc_arena_reset(&r->pair_arena);
    return lc_log_get_committed(log, r->partition->number, r->committed, &r->pair_arena, error) &&
           is_finished(r, error);
}

static bool
ask_committed(lc_recovery *r, GError **error)
{
    if (is_committed(r, error))
        return true;
    if (!LC_CHECKS(LC_CHECK_FENCE) || r->fenced || r->may_not_fence ||
        lc_worker_now_ms(r->worker) - r->started_ms < FENCE_AFTER_MS)
        return false;
    fence_last_owner(r);
    if (!r->fenced)
        return false;
    g_clear_error(error);
    return is_committed(r, error);
}

lc_step
lc_committed_find(lc_recovery *r, GError **error)
{
    g_autofree char *what =
        g_strdup_printf("the committed offsets of partition %" PRId32 " to be stable", r->partition->number);

    return lc_recovery_ask(r, what, ask_committed, error);
}

/* ---- The pair ---- */

static bool
ask_watermarks(lc_recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_watermarks(log, r->partition->number, r->lows, r->input_ends, error);
}

lc_step
lc_committed_find_watermarks(lc_recovery *r, GError **error)
{
    return lc_recovery_ask(r, "the inputs' offsets", ask_watermarks, error);
}

static bool
tells_of_loss(lc_text metadata)
{
    size_t size = strlen(LC_METADATA_LOST);

    return metadata.size > size && memcmp(metadata.data, LC_METADATA_LOST, size) == 0;
}

/* Looked at once an assignment: what was accepted then is committed with the next offsets. */
static bool
is_same_policy(lc_recovery *r, const lc_metadata *metadata, GError **error)
{
    if (r->partition->policy_checked)
        return true;
    if (metadata->edition != LC_POLICY_EDITION && !lc_worker_accepts_edition(r->worker, metadata->edition, error))
        return false;
    return lc_worker_knows_policy_hash(r->worker, metadata->policy_hash) ||
           lc_worker_accepts_policy_change(r->worker, metadata->policy_hash, error);
}

/* O of one topic; C is the largest pair found. */
static lc_step
take_committed(lc_recovery *r, int topic, int64_t low, int64_t end, GError **error)
{
    const lc_log_committed *committed = &r->committed[topic];
    const char *name = r->worker->options.input_names[topic];
    lc_metadata metadata;

    if (committed->offset < 0) {
        r->offsets[topic] = low;
        return LC_STEP_DONE;
    }
    if (tells_of_loss(committed->metadata)) {
        g_autofree char *problem = g_strndup(committed->metadata.data + strlen(LC_METADATA_LOST),
                                             committed->metadata.size - strlen(LC_METADATA_LOST));
        return lc_recovery_stop(r, error, problem);
    }
    if (!lc_metadata_parse(committed->metadata, &metadata)) {
        g_autofree char *problem =
            g_strdup_printf("the committed offset %" PRId64 " of %s was not committed by Leadclock (its metadata is "
                            "\"%.*s\"); 'leadclock reset' starts anew",
                            committed->offset, name, LC_TEXT_ARGS(committed->metadata));
        return lc_recovery_stop(r, error, problem);
    }
    if (!lc_worker_compare_count(r->worker, &metadata, error))
        return LC_STEP_FAILED;
    if (committed->offset < low || committed->offset > end) {
        g_autofree char *problem = g_strdup_printf(
            "the committed offset %" PRId64 " of %s is out of range, there are %" PRId64 " to %" PRId64 ": %s; "
            "'leadclock reset' goes on from what is there",
            committed->offset, name, low, end,
            committed->offset < low ? "facts were deleted before they were read" : "Kafka has lost records");
        return lc_recovery_stop(r, error, problem);
    }
    if (!is_same_policy(r, &metadata, error))
        return LC_STEP_FAILED;
    g_free(r->partition->policy_hash);
    r->partition->policy_hash = g_strndup(metadata.policy_hash.data, metadata.policy_hash.size);
    r->offsets[topic] = committed->offset;
    r->republished |= metadata.republished;
    for (int i = 0; i < LC_CHANGELOGS; i++)
        r->ends[i] = MAX(r->ends[i], metadata.ends[i]);
    return LC_STEP_DONE;
}

lc_step
lc_committed_take_pair(lc_recovery *r, GError **error)
{
    int n = r->worker->n_inputs;

    memset(r->ends, 0, sizeof r->ends);
    r->republished = false;
    r->changelog = 0;
    r->is_new = true;
    for (int i = 0; i < n; i++)
        r->is_new = r->is_new && r->committed[i].offset < 0;
    for (int i = 0; i < n; i++)
        if (take_committed(r, i, r->lows[i], r->input_ends[i], error) != LC_STEP_DONE)
            return LC_STEP_FAILED;
    r->partition->policy_checked |= !r->is_new;
    return LC_STEP_DONE;
}

/* ---- Whether it can be ---- */

static lc_step
stop_for_no_offsets(lc_recovery *r, GError **error)
{
    return lc_recovery_stop(
        r, error,
        "the group has no committed offsets but its changelogs are not empty: the offsets have expired or were "
        "deleted; 'leadclock reset' starts anew");
}

lc_step
lc_committed_prove_new_group(lc_recovery *r, GError **error)
{
    lc_replayed replayed;

    for (; r->is_new && r->changelog < LC_CHANGELOGS; r->changelog++) {
        g_autoptr(GError) problem = NULL;
        lc_step done = lc_recovery_start_reading(r, (lc_changelog)r->changelog, 0, error);
        if (done != LC_STEP_DONE)
            return done;
        lc_replay_result result = lc_recovery_read_replay(r, &replayed, &problem);
        if (problem) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return LC_STEP_FAILED;
        }
        if (result == LC_REPLAY_NOTHING)
            return lc_recovery_bear_silence(r, error);
        lc_recovery_stop_reading(r);
        if (result == LC_REPLAY_RECORD)
            return stop_for_no_offsets(r, error);
    }
    return LC_STEP_DONE;
}

static bool
reach_committed(const lc_recovery *r, const int64_t *ends)
{
    for (int i = 0; i < LC_CHANGELOGS; i++)
        if (ends[i] < r->ends[i])
            return false;
    return true;
}

/* Last stable offsets will do where they reach so far. */
static bool
ask_changelog_ends(lc_recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_changelog_ends(log, r->partition->number, false, r->changelog_ends, error) &&
           (reach_committed(r, r->changelog_ends) ||
            lc_log_changelog_ends(log, r->partition->number, true, r->changelog_ends, error));
}

static lc_step
stop_for_lost_records(lc_recovery *r, GError **error)
{
    const int64_t *ends = r->changelog_ends;
    const char *const *names = r->worker->options.output_names;
    g_autofree char *problem = g_strdup_printf(
        "Kafka has lost records of a changelog: what was committed reaches to %" PRId64 " in %s and %" PRId64
        " in %s, but they end at %" PRId64 " and %" PRId64 "; 'leadclock reset' starts anew",
        r->ends[LC_CHANGELOG_STATE], names[LC_OUTPUT_STATE], r->ends[LC_CHANGELOG_COUNTERS], names[LC_OUTPUT_COUNTERS],
        ends[LC_CHANGELOG_STATE], ends[LC_CHANGELOG_COUNTERS]);

    return lc_recovery_stop(r, error, problem);
}

lc_step
lc_committed_check_changelogs(lc_recovery *r, GError **error)
{
    if (r->is_new || !LC_CHECKS(LC_CHECK_LOST_TAIL))
        return LC_STEP_DONE;
    lc_step done = lc_recovery_ask(r, "the changelogs' ends", ask_changelog_ends, error);
    if (done == LC_STEP_DONE && !reach_committed(r, r->changelog_ends))
        return stop_for_lost_records(r, error);
    return done;
}

lc_step
lc_committed_check_offsets(lc_recovery *r, GError **error)
{
    for (int i = 0; !r->is_new && i < LC_CHANGELOGS; i++) {
        if (r->beyond[i] <= r->ends[i])
            continue;
        g_autofree char *problem = g_strdup_printf(
            "Kafka has lost committed offsets of the group: they are of a time when %s ended at %" PRId64
            ", and it has committed records up to %" PRId64 "; 'leadclock reset' starts anew",
            r->worker->options.output_names[lc_changelog_output((lc_changelog)i)], r->ends[i], r->beyond[i]);
        return lc_recovery_stop(r, error, problem);
    }
    return LC_STEP_DONE;
}
