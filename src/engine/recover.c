#include "worker.h"

#include <inttypes.h>

#define PIECE_RECORDS LC_PIECE_LEADS
#define PIECE_BYTES ((size_t)32 * 1024 * 1024) /* also of records that later ones of the same key take the place of */
#define RECORD_BYTES 256                       /* of one, beside its key and value */
#define SILENCE_MS 10000                       /* of a changelog, before it is told */
#define DECIDED_MS 80000                       /* the transaction time-out and 20 s (3e) */
#define FENCE_AFTER_MS 700                     /* an owner that lives aborts within milliseconds of giving up */

/* Step 3: from what Kafka has committed to a store that shows exactly that. */
typedef struct {
    lc_worker *worker;
    lc_partition *partition;
    lc_arena arena;       /* of the whole recovery */
    lc_arena piece_arena; /* of one piece */
    unsigned assignments;
    int64_t started_ms;
    bool fenced; /* the one whose transaction was pending */

    /* 3a */
    lc_log_committed *committed;
    int64_t *offsets;            /* O */
    int64_t ends[LC_CHANGELOGS]; /* C */
    bool republished;

    /* 3b */
    lc_text applied_text; /* as last read or written; in `arena` or `written` */
    lc_applied applied;
    char *written;
    bool emptied;

    /* 3c, 3d */
    int64_t beyond[LC_CHANGELOGS];  /* one past a committed record seen at or above C; 0: none was */
    int64_t reached[LC_CHANGELOGS]; /* the changelogs are in the store up to here, for certain */
    int64_t touched[LC_CHANGELOGS]; /* nothing at or above is in the store */
    int64_t replay_from, replay_began_ms;
    GHashTable *piece; /* lc_text * (key) -> index in `leads` or `counters`, plus one */
    GArray *leads;     /* lc_lead_change */
    GArray *counters;  /* lc_counters_change */
    size_t piece_bytes;
    int64_t came_ms; /* monotonic: when a record last came */
    size_t n_replayed;
} recovery;

typedef enum { STEP_DONE, STEP_AGAIN, STEP_FAILED } step; /* AGAIN: from a */

static void
recovery_init(recovery *r, lc_worker *worker, lc_partition *partition)
{
    *r = (recovery){.worker = worker, .partition = partition, .assignments = worker->assignments};
    r->started_ms = lc_worker_now_ms(worker);
    r->committed = lc_arena_new(&r->arena, lc_log_committed, (size_t)worker->n_inputs);
    r->offsets = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->piece = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    r->leads = g_array_new(FALSE, FALSE, sizeof(lc_lead_change));
    r->counters = g_array_new(FALSE, FALSE, sizeof(lc_counters_change));
}

static void
recovery_clear(recovery *r)
{
    g_hash_table_unref(r->piece);
    g_array_unref(r->leads);
    g_array_unref(r->counters);
    g_free(r->written);
    lc_arena_clear(&r->arena);
    lc_arena_clear(&r->piece_arena);
}

static step
stop(recovery *r, GError **error, const char *problem)
{
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "partition %" PRId32 ": %s", r->partition->number, problem);
    return STEP_FAILED;
}

/* ---- a: what is committed ---- */

/* Nobody else commits anything of the partition. */
static bool
is_ours(const recovery *r)
{
    return lc_worker_partition(r->worker, r->partition->number) == r->partition;
}

/* Who committed last, where that was another, and the partition is now ours: every owner's first transaction says its
 * name, so what is open or pending is the last owner's. */
static lc_text
last_owner(const recovery *r)
{
    lc_text owner = LC_NO_TEXT;
    lc_metadata metadata;

    if (!is_ours(r))
        return LC_NO_TEXT;
    for (int i = 0; i < r->worker->n_inputs; i++)
        if (r->committed[i].offset >= 0 && lc_metadata_parse(r->committed[i].metadata, &metadata))
            owner = metadata.transactional_id;
    return lc_text_equal(owner, lc_text_of(r->worker->options.transactional_id)) ? LC_NO_TEXT : owner;
}

static bool
fence(recovery *r, const char *owner, GError **error)
{
    lc_log *log = r->worker->log;

    if (!log->ops->fence(log, owner, error))
        return false;
    r->fenced = true;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(r->partition->number), "OWNER", owner,
                     "MESSAGE", "ended the transaction that the last owner may have left open");
    return true;
}

/* The last owner gave its partitions up, and yet its transaction has stood open for so long: it is dead, and its
 * time-out is not waited for. */
static void
fence_last_owner(recovery *r)
{
    lc_log *log = r->worker->log;
    g_autoptr(GError) unimportant = NULL; /* tried again */

    if (!log->ops->committed_before(log, r->partition->number, r->committed, &r->arena, &unimportant))
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
is_dead(recovery *r, const char *owner)
{
    lc_worker *worker = r->worker;
    gpointer known;
    bool is_member = true;
    g_autoptr(GError) unimportant = NULL;

    if (!LC_CHECKS(LC_CHECK_FENCE))
        return false;
    if (g_hash_table_lookup_extended(worker->members, owner, NULL, &known))
        return !GPOINTER_TO_INT(known);
    if (worker->log->ops->is_member(worker->log, owner, &is_member, &unimportant))
        g_hash_table_insert(worker->members, g_strdup(owner), GINT_TO_POINTER(is_member));
    return !is_member;
}

/* What a dead owner left open may be dead letters alone, which hold up those who read them: it is ended unseen, once an
 * assignment. The living finish what they began. */
static bool
end_dead_owner(recovery *r, lc_text owner, GError **error)
{
    lc_worker *worker = r->worker;
    g_autofree char *name = g_strndup(owner.data, owner.size);

    if (!is_dead(r, name) || g_hash_table_contains(worker->fenced, name))
        return true;
    if (!fence(r, name, error))
        return false;
    g_hash_table_add(worker->fenced, g_steal_pointer(&name));
    return worker->log->ops->committed(worker->log, r->partition->number, r->committed, &r->arena, error);
}

/* An owner that died before it sent its offsets leaves nothing pending, but records; they hold up whoever reads what is
 * committed, until its transaction times out. */
static bool
is_finished(recovery *r, GError **error)
{
    lc_log *log = r->worker->log;
    lc_text owner = last_owner(r);
    bool unfinished = false;

    if (!LC_CHECKS(LC_CHECK_WAIT) || r->fenced || lc_text_is_absent(owner))
        return true;
    if (!end_dead_owner(r, owner, error))
        return false;
    if (!log->ops->is_unfinished(log, r->partition->number, &unfinished, error))
        return false;
    if (unfinished)
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the last owner's transaction is still open");
    return !unfinished;
}

static bool
is_committed(recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    return log->ops->committed(log, r->partition->number, r->committed, &r->arena, error) && is_finished(r, error);
}

static bool
ask_committed(lc_worker *worker, void *argument, GError **error)
{
    recovery *r = argument;

    if (is_committed(r, error))
        return true;
    if (!LC_CHECKS(LC_CHECK_FENCE) || r->fenced || lc_worker_now_ms(worker) - r->started_ms < FENCE_AFTER_MS)
        return false;
    fence_last_owner(r);
    if (!r->fenced)
        return false;
    g_clear_error(error);
    return is_committed(r, error);
}

typedef struct {
    recovery *r;
    int64_t *lows, *ends;
} watermarks;

static bool
ask_watermarks(lc_worker *worker, void *argument, GError **error)
{
    watermarks *asked = argument;

    return worker->log->ops->watermarks(worker->log, asked->r->partition->number, asked->lows, asked->ends, error);
}

typedef struct {
    recovery *r;
    lc_changelog changelog;
    int64_t from;
} replay_place;

static bool
open_replay(lc_worker *worker, void *argument, GError **error)
{
    const replay_place *place = argument;

    return worker->log->ops->replay_open(worker->log, place->changelog, place->r->partition->number, place->from,
                                         error);
}

/* A changelog of which nothing comes is told; a tool gives up. */
static bool
bear_silence(const recovery *r, GError **error)
{
    lc_worker *worker = r->worker;
    int64_t now_ms = lc_worker_now_ms(worker);

    if (worker->give_up_ms && now_ms - r->came_ms >= worker->give_up_ms) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %" PRId32 ": a changelog can't be read to its end",
                    r->partition->number);
        return false;
    }
    if (now_ms - r->came_ms >= SILENCE_MS)
        lc_worker_complain(worker,
                           now_ms - r->started_ms > DECIDED_MS ? "a transaction on a changelog to be decided"
                                                               : "a changelog to be read to its end",
                           &(GError *){NULL});
    return true;
}

static bool
changelog_is_empty(recovery *r, lc_changelog changelog, bool *is_empty, GError **error)
{
    lc_worker *worker = r->worker;
    replay_place place = {r, changelog, 0};
    lc_replay_result result = LC_REPLAY_NOTHING;
    lc_replayed replayed;
    g_autoptr(GError) problem = NULL;
    bool going = lc_worker_insist(worker, "a changelog", open_replay, &place, error);

    r->came_ms = lc_worker_now_ms(worker);
    while (going && result == LC_REPLAY_NOTHING) {
        result = worker->log->ops->replay_read(worker->log, 100, &replayed, &problem);
        going = problem == NULL && lc_worker_tend(worker, 0, error) && bear_silence(r, error);
    }
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    worker->log->ops->replay_close(worker->log);
    *is_empty = result == LC_REPLAY_END;
    return going;
}

/* Nothing committed: a new group, unless a changelog says otherwise. */
static step
begin_group(recovery *r, const int64_t *lows, GError **error)
{
    for (int changelog = 0; changelog < LC_CHANGELOGS; changelog++) {
        bool is_empty;
        if (!changelog_is_empty(r, changelog, &is_empty, error))
            return STEP_FAILED;
        if (!is_empty)
            return stop(r, error,
                        "the group has no committed offsets but its changelogs are not empty: the offsets "
                        "have expired or were deleted; 'leadclock reset' starts anew");
    }
    memcpy(r->offsets, lows, sizeof(int64_t) * (size_t)r->worker->n_inputs);
    return STEP_DONE;
}

static bool
accept_policy_change(lc_worker *worker, lc_text hash, GError **error)
{
    static const char what[] = "the policy has changed for leads that were judged already: the documents in effect are "
                               "not those that the last commit used";
    static const char then[] = "from now on leads are judged by the new text when next judged, and what was published "
                               "before is not corrected";
    if (!worker->options.accept_policy_change) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "%s (%.12s...); put them back, give the new text a later `effective_from`, or start with "
                    "--accept-policy-change: %s",
                    what, hash.data, then);
        return false;
    }
    if (lc_worker_may_say_once(worker, what))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "%s (%.12s...); this is accepted (--accept-policy-change): %s", what, hash.data, then);
    return true;
}

static bool
accept_edition(lc_worker *worker, int edition, GError **error)
{
    static const char then[] = "from now on leads are judged by the new rules when next judged, what was published "
                               "before is not corrected, and 'leadclock tables --fill' fills the tables";
    g_autofree char *what = g_strdup_printf("leads were judged by edition %d of the lead policy's rules, and this "
                                            "version of Leadclock judges by edition %d",
                                            edition, LC_POLICY_EDITION);

    if (!worker->options.accept_policy_change) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s; start with --accept-policy-change: %s", what, then);
        return false;
    }
    if (lc_worker_may_say_once(worker, what))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "%s; this is accepted (--accept-policy-change): %s", what, then);
    return true;
}

/* Looked at once an assignment: what was accepted then is committed with the next offsets. */
static bool
is_same_policy(recovery *r, const lc_metadata *metadata, GError **error)
{
    if (r->partition->policy_checked)
        return true;
    if (metadata->edition != LC_POLICY_EDITION && !accept_edition(r->worker, metadata->edition, error))
        return false;
    return lc_worker_knows_policy_hash(r->worker, metadata->policy_hash) ||
           accept_policy_change(r->worker, metadata->policy_hash, error);
}

static bool
tells_of_loss(lc_text metadata)
{
    size_t size = strlen(LC_METADATA_LOST);

    return metadata.size > size && memcmp(metadata.data, LC_METADATA_LOST, size) == 0;
}

/* O of one topic; C is the largest pair found. */
static step
take_committed(recovery *r, int topic, int64_t low, int64_t end, GError **error)
{
    const lc_log_committed *committed = &r->committed[topic];
    const char *name = r->worker->options.input_names[topic];
    lc_metadata metadata;

    if (committed->offset < 0) {
        r->offsets[topic] = low;
        return STEP_DONE;
    }
    if (tells_of_loss(committed->metadata)) {
        g_autofree char *problem = g_strndup(committed->metadata.data + strlen(LC_METADATA_LOST),
                                             committed->metadata.size - strlen(LC_METADATA_LOST));
        return stop(r, error, problem);
    }
    if (!lc_metadata_parse(committed->metadata, &metadata)) {
        g_autofree char *problem =
            g_strdup_printf("the committed offset %" PRId64 " of %s was not committed by Leadclock (its metadata is "
                            "\"%.*s\"); 'leadclock reset' starts anew",
                            committed->offset, name, LC_TEXT_ARGS(committed->metadata));
        return stop(r, error, problem);
    }
    if (!lc_worker_compare_count(r->worker, &metadata, error))
        return STEP_FAILED;
    if (committed->offset < low || committed->offset > end) {
        g_autofree char *problem = g_strdup_printf(
            "the committed offset %" PRId64 " of %s is out of range, there are %" PRId64 " to %" PRId64 ": %s; "
            "'leadclock reset' goes on from what is there",
            committed->offset, name, low, end,
            committed->offset < low ? "facts were deleted before they were read" : "Kafka has lost records");
        return stop(r, error, problem);
    }
    if (!is_same_policy(r, &metadata, error))
        return STEP_FAILED;
    g_free(r->partition->policy_hash);
    r->partition->policy_hash = g_strndup(metadata.policy_hash.data, metadata.policy_hash.size);
    r->offsets[topic] = committed->offset;
    r->republished |= metadata.republished;
    for (int i = 0; i < LC_CHANGELOGS; i++)
        r->ends[i] = MAX(r->ends[i], metadata.ends[i]);
    return STEP_DONE;
}

typedef struct {
    recovery *r;
    bool high;
    int64_t ends[LC_CHANGELOGS];
} changelog_ends;

static bool
ask_changelog_ends(lc_worker *worker, void *argument, GError **error)
{
    changelog_ends *asked = argument;

    return worker->log->ops->changelog_ends(worker->log, asked->r->partition->number, asked->high, asked->ends, error);
}

static bool
reach_committed(const recovery *r, const int64_t *ends)
{
    for (int i = 0; i < LC_CHANGELOGS; i++)
        if (ends[i] < r->ends[i])
            return false;
    return true;
}

static step
stop_for_lost_records(recovery *r, const int64_t *ends, GError **error)
{
    const char *const *names = r->worker->options.output_names;
    g_autofree char *problem = g_strdup_printf(
        "Kafka has lost records of a changelog: what was committed reaches to %" PRId64 " in %s and %" PRId64
        " in %s, but they end at %" PRId64 " and %" PRId64 "; 'leadclock reset' starts anew",
        r->ends[LC_CHANGELOG_STATE], names[LC_OUTPUT_STATE], r->ends[LC_CHANGELOG_COUNTERS], names[LC_OUTPUT_COUNTERS],
        ends[LC_CHANGELOG_STATE], ends[LC_CHANGELOG_COUNTERS]);

    return stop(r, error, problem);
}

/* A committed C was below the high watermark, which never goes back unless records are lost. */
static step
check_changelogs(recovery *r, GError **error)
{
    changelog_ends found = {.r = r};

    if (!LC_CHECKS(LC_CHECK_LOST_TAIL))
        return STEP_DONE;
    if (!lc_worker_insist(r->worker, "the changelogs' ends", ask_changelog_ends, &found, error))
        return STEP_FAILED;
    if (reach_committed(r, found.ends))
        return STEP_DONE;
    found.high = true;
    if (!lc_worker_insist(r->worker, "the changelogs' ends", ask_changelog_ends, &found, error))
        return STEP_FAILED;
    return reach_committed(r, found.ends) ? STEP_DONE : stop_for_lost_records(r, found.ends, error);
}

/* A record of a changelog is committed together with a C above it: one seen before these offsets were fetched is below
 * their C. */
static step
check_offsets(recovery *r, GError **error)
{
    for (int i = 0; i < LC_CHANGELOGS; i++) {
        if (r->beyond[i] <= r->ends[i])
            continue;
        g_autofree char *problem = g_strdup_printf(
            "Kafka has lost committed offsets of the group: they are of a time when %s ended at %" PRId64
            ", and it has committed records up to %" PRId64 "; 'leadclock reset' starts anew",
            r->worker->options.output_names[i == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS], r->ends[i],
            r->beyond[i]);
        return stop(r, error, problem);
    }
    return check_changelogs(r, error);
}

static step
read_committed(recovery *r, GError **error)
{
    int n = r->worker->n_inputs;
    watermarks found = {r, lc_arena_new(&r->arena, int64_t, (size_t)n), lc_arena_new(&r->arena, int64_t, (size_t)n)};
    bool none = true;

    if (!lc_worker_insist(r->worker, "the committed offsets to be stable", ask_committed, r, error) ||
        !lc_worker_insist(r->worker, "the inputs' offsets", ask_watermarks, &found, error))
        return STEP_FAILED;
    memset(r->ends, 0, sizeof r->ends);
    r->republished = false;
    for (int i = 0; i < n; i++)
        none = none && r->committed[i].offset < 0;
    if (none)
        return begin_group(r, found.lows, error);
    for (int i = 0; i < n; i++)
        if (take_committed(r, i, found.lows[i], found.ends[i], error) != STEP_DONE)
            return STEP_FAILED;
    r->partition->policy_checked = true;
    return check_offsets(r, error);
}

/* ---- b: what is applied ---- */

static bool
ask_applied(lc_worker *worker, void *argument, GError **error)
{
    recovery *r = argument;
    lc_store_read read = {.partition = r->partition->number, .due_before = LC_ABSENT};

    /* After a lost connection the store is checked anew. */
    if (!worker->store_ready && !worker->store->ops->open(worker->store, worker->partition_count, error))
        return false;
    worker->store_ready = true;
    if (!worker->store->ops->read_begin(worker->store, &read, 1, error) ||
        !worker->store->ops->read_end(worker->store, error)) {
        worker->store_ready = false;
        return false;
    }
    r->applied_text = lc_arena_text(&r->arena, read.applied);
    return true;
}

static bool
is_newer_than_committed(const recovery *r)
{
    for (int i = 0; i < LC_CHANGELOGS; i++)
        if (r->applied.ends[i] > r->ends[i])
            return true;
    if (r->applied.kind == LC_APPLIED_WHOLE)
        for (int i = 0; i < r->worker->n_inputs; i++)
            if (r->applied.offsets[i] > r->offsets[i])
                return true;
    return false;
}

static step
read_applied(recovery *r, GError **error)
{
    if (!lc_worker_insist(r->worker, "Redis", ask_applied, r, error))
        return STEP_FAILED;
    if (!lc_applied_parse(r->applied_text, r->worker->options.input_names, r->worker->n_inputs, &r->arena, &r->applied))
        return stop(r, error, "the position in Redis can't be read; 'leadclock rebuild' makes Redis anew");
    memcpy(r->reached, r->applied.sure, sizeof r->reached);
    memcpy(r->touched, r->applied.ends, sizeof r->touched);
    return STEP_DONE;
}

/* The store may be newer than what was fetched before it was read, never than what is fetched after. */
static step
read_both(recovery *r, GError **error)
{
    lc_text seen = LC_NO_TEXT;

    for (;;) {
        if (read_committed(r, error) != STEP_DONE)
            return STEP_FAILED;
        if (!lc_text_is_absent(seen) && lc_text_equal(seen, r->applied_text) && is_newer_than_committed(r)) {
            g_autofree char *committed =
                lc_applied_format(r->worker->options.input_names, r->offsets, r->ends, r->ends);
            g_autofree char *problem = g_strdup_printf(
                "Redis is at \"%.*s\", ahead of Kafka, which has committed \"%s\": Kafka has lost data, or the group "
                "was reset; 'leadclock rebuild' makes Redis anew from the changelogs, 'leadclock reset' starts anew",
                LC_TEXT_ARGS(seen), committed);
            return stop(r, error, problem);
        }
        if (read_applied(r, error) != STEP_DONE)
            return STEP_FAILED;
        if (!is_newer_than_committed(r))
            return STEP_DONE;
        seen = r->applied_text;
    }
}

/* ---- d: guarded writes ---- */

/* Writes `piece` and moves the position to `next` (handed over). A lost connection or another position: from a. */
static step
write_piece(recovery *r, lc_store_write piece, char *next, GError **error)
{
    lc_store *store = r->worker->store;
    g_autofree char *position = next;
    g_autoptr(GError) problem = NULL;

    piece.partition = r->partition->number;
    piece.expected = r->applied_text;
    piece.next = lc_text_of(position);
    if (!store->ops->write_begin(store, &piece, 1, &problem) || !store->ops->write_end(store, &problem)) {
        r->worker->store_ready = false;
        if (!g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return STEP_FAILED;
        }
        lc_worker_complain(r->worker, "Redis", &problem);
        return STEP_AGAIN;
    }
    if (!piece.written)
        return STEP_AGAIN;
    g_free(r->written);
    r->written = g_steal_pointer(&position);
    r->applied_text = lc_text_of(r->written);
    return lc_worker_tend(r->worker, 0, error) && r->worker->assignments == r->assignments ? STEP_DONE : STEP_FAILED;
}

/* No position, or one that somebody set who was about to empty the store and may not have come to the end of it. */
static bool
is_to_be_emptied(const recovery *r)
{
    const int64_t *sure = r->applied.sure;

    if (!LC_CHECKS(LC_CHECK_PIECES))
        return false;
    return r->applied.kind == LC_APPLIED_NONE ||
           (LC_CHECKS(LC_CHECK_EMPTYING) && r->applied.kind == LC_APPLIED_RECOVERING && sure[LC_CHANGELOG_STATE] == 0 &&
            sure[LC_CHANGELOG_COUNTERS] == 0);
}

/* Whatever there is of the partition is not to be trusted. */
static step
empty_store(recovery *r, GError **error)
{
    lc_store *store = r->worker->store;
    uint64_t cursor = 0;
    step done = write_piece(r, (lc_store_write){0}, lc_applied_format_recovering(r->reached, r->reached), error);

    while (done == STEP_DONE) {
        lc_text *keys;
        size_t n;
        g_autoptr(GError) problem = NULL;
        if (!store->ops->scan(store, r->partition->number, &cursor, &keys, &n, &problem)) {
            r->worker->store_ready = false;
            lc_worker_complain(r->worker, "Redis", &problem);
            return STEP_AGAIN;
        }
        if (n > 0)
            done = write_piece(r, (lc_store_write){.unlink_keys = keys, .n_unlink_keys = n},
                               lc_applied_format_recovering(r->reached, r->reached), error);
        if (cursor == 0)
            break;
    }
    memcpy(r->touched, r->reached, sizeof r->touched);
    return done;
}

/* ---- c: the changelogs ---- */

static char *
position_of_piece(const recovery *r)
{
    if (LC_CHECKS(LC_CHECK_PIECES))
        return lc_applied_format_recovering(r->reached, r->touched);
    return lc_text_is_absent(r->applied_text) ? NULL : g_strndup(r->applied_text.data, r->applied_text.size);
}

static step
flush_piece(recovery *r, lc_changelog changelog, int64_t end, GError **error)
{
    r->touched[changelog] = MAX(r->touched[changelog], end);
    lc_store_write piece = {
        .leads = (const lc_lead_change *)(const void *)r->leads->data,
        .n_leads = r->leads->len,
        .counters = (const lc_counters_change *)(const void *)r->counters->data,
        .n_counters = r->counters->len,
    };
    step done = r->leads->len + r->counters->len == 0 ? STEP_DONE : write_piece(r, piece, position_of_piece(r), error);

    /* Only now: what fails within a MULTI does not take the position with it. */
    if (done == STEP_DONE)
        r->reached[changelog] = MAX(r->reached[changelog], end);
    g_hash_table_remove_all(r->piece);
    g_array_set_size(r->leads, 0);
    g_array_set_size(r->counters, 0);
    r->piece_bytes = 0;
    lc_arena_reset(&r->piece_arena);
    r->worker->log->ops->replay_release(r->worker->log);
    return done;
}

/* The slot of a key in the piece: the latest record of a key counts. */
static void *
piece_slot(recovery *r, GArray *array, lc_text key)
{
    gpointer index = g_hash_table_lookup(r->piece, &key);

    if (index == NULL) {
        lc_text *own = lc_arena_new(&r->piece_arena, lc_text, 1);
        *own = key;
        g_array_set_size(array, array->len + 1);
        index = GUINT_TO_POINTER(array->len);
        g_hash_table_insert(r->piece, own, index);
    }
    return array->data + (GPOINTER_TO_UINT(index) - 1) * g_array_get_element_size(array);
}

static bool
take_state(recovery *r, const lc_replayed *replayed, GError **error)
{
    lc_lead_change change = {replayed->key, replayed->value, LC_NEVER, true};
    lc_text lead_id;

    if (!lc_text_is_absent(replayed->value)) {
        const lc_plan *plan = lc_schemas_need(r->worker, replayed->value, error);
        if (plan == NULL || !lc_plan_peek_lead(plan, replayed->value.data + LC_FRAME_BYTES,
                                               replayed->value.size - LC_FRAME_BYTES, &lead_id, &change.wake_at, error))
            return false;
    }
    *(lc_lead_change *)piece_slot(r, r->leads, replayed->key) = change;
    return true;
}

static bool
take_counters(recovery *r, const lc_replayed *replayed, GError **error)
{
    const char *bar = replayed->key.size ? memrchr(replayed->key.data, '|', replayed->key.size) : NULL;
    lc_counters_change change = {
        .population = {replayed->key.data, bar ? (size_t)(bar - replayed->key.data) : replayed->key.size}};
    lc_text channel;
    int32_t cohort, partition;
    lc_metric_count *counts;

    if (!lc_text_is_absent(replayed->value)) {
        const lc_plan *plan = lc_schemas_need(r->worker, replayed->value, error);
        if (plan == NULL ||
            !lc_plan_read_counters(plan, replayed->value.data + LC_FRAME_BYTES, replayed->value.size - LC_FRAME_BYTES,
                                   &r->piece_arena, &channel, &cohort, &partition, &counts, &change.n_counts, error))
            return false;
        lc_stored_count *stored = lc_arena_new(&r->piece_arena, lc_stored_count, change.n_counts);
        for (size_t i = 0; i < change.n_counts; i++)
            stored[i] = (lc_stored_count){counts[i].metric, counts[i].count};
        change.counts = stored;
    }
    *(lc_counters_change *)piece_slot(r, r->counters, replayed->key) = change;
    return true;
}

static bool
take_replayed(recovery *r, lc_changelog changelog, const lc_replayed *replayed, GError **error)
{
    g_autoptr(GError) problem = NULL;
    bool taken =
        changelog == LC_CHANGELOG_STATE ? take_state(r, replayed, &problem) : take_counters(r, replayed, &problem);

    r->n_replayed++;
    r->piece_bytes += replayed->key.size + replayed->value.size + RECORD_BYTES;
    if (taken)
        return true;
    /* What can't be read in a changelog of ours is damage. */
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_RECORD))
        problem->code = LC_ERROR_FATAL;
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_FATAL))
        g_prefix_error(
            &problem, "changelog damaged: %s [%" PRId32 "], offset %" PRId64 " ('leadclock reset' starts anew): ",
            r->worker->options.output_names[changelog == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS],
            r->partition->number, replayed->offset);
    if (problem)
        g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static void
tell_progress(recovery *r, lc_changelog changelog, int64_t at, int64_t *told_ms)
{
    int64_t now_ms = lc_worker_now_ms(r->worker), end = r->ends[changelog];
    int64_t passed = at - r->replay_from, left = end - at;

    r->partition->rebuilt = at;
    r->partition->rebuild_end = end;
    r->partition->rebuild_left_ms = passed > 0 ? (now_ms - r->replay_began_ms) * left / passed : 0;
    lc_worker_publish_report(r->worker);
    if (r->worker->tell_rebuild)
        r->worker->tell_rebuild(r->partition->number, at, end, r->worker->rebuild_data);
    if (now_ms - *told_ms < 2000)
        return;
    *told_ms = now_ms;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(r->partition->number), "RECORDS",
                     LC_NUMBER(r->n_replayed), "OFFSET", LC_NUMBER(at), "END", LC_NUMBER(end), "SECONDS_LEFT",
                     LC_NUMBER((r->partition->rebuild_left_ms + 999) / 1000), "MESSAGE",
                     "making Redis from the changelog");
}

/* What is at or above C is not of the pair that was fetched: nothing of it is written. Whose partition it is reads on
 * to the end, and so sees whether the pair is older than the changelog. */
static bool
take_or_cut(recovery *r, lc_changelog changelog, const lc_replayed *replayed, GError **error)
{
    if (replayed->offset < r->ends[changelog] || !LC_CHECKS(LC_CHECK_CUT))
        return take_replayed(r, changelog, replayed, error);
    if (is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS))
        r->beyond[changelog] = replayed->offset + 1;
    return true;
}

/* One is proof enough, and there may be any number of them: the pair is fetched again at once. */
static bool
is_beyond(const recovery *r, lc_changelog changelog)
{
    return r->beyond[changelog] > r->ends[changelog];
}

/* Complete at an end at C or later, and for others than the owner after a record at C-1 or later; an end below C ends
 * nothing, because a transaction is still being decided there. */
static step
replay_records(recovery *r, lc_changelog changelog, GError **error)
{
    lc_worker *worker = r->worker;
    int64_t end = r->ends[changelog], told_ms = lc_worker_now_ms(worker);
    lc_replayed replayed;
    bool complete = false, cut = LC_CHECKS(LC_CHECK_CUT);
    bool to_the_end = is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS);

    while (!complete) {
        g_autoptr(GError) problem = NULL;
        lc_replay_result result = worker->log->ops->replay_read(worker->log, 100, &replayed, &problem);
        if (problem) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return STEP_FAILED;
        }
        if (result == LC_REPLAY_RECORD) {
            if (!take_or_cut(r, changelog, &replayed, error))
                return STEP_FAILED;
            complete = is_beyond(r, changelog) || (cut && !to_the_end && replayed.offset >= end - 1);
        } else if (result == LC_REPLAY_END) {
            complete = replayed.offset >= end;
            r->ends[changelog] = cut ? end : replayed.offset;
        }
        if (!lc_worker_tend(worker, 0, error) || worker->assignments != r->assignments)
            return STEP_FAILED;
        if (result == LC_REPLAY_RECORD)
            r->came_ms = lc_worker_now_ms(worker);
        else if (!complete && !bear_silence(r, error))
            return STEP_FAILED;
        /* The position reaches C only when what lies above C has been seen too: who recovers next is to see it again.
         */
        if (replayed.offset < end - 1 &&
            (r->leads->len + r->counters->len >= PIECE_RECORDS || r->piece_bytes >= PIECE_BYTES)) {
            step done = flush_piece(r, changelog, replayed.offset + 1, error);
            if (done != STEP_DONE)
                return done;
            tell_progress(r, changelog, replayed.offset, &told_ms);
        }
    }
    return is_beyond(r, changelog) ? STEP_AGAIN : flush_piece(r, changelog, r->ends[changelog], error);
}

/* Of an empty store nothing tells how far it was: also where nothing is to be replayed, nothing may lie there. */
static bool
looks_beyond(const recovery *r)
{
    return r->emptied && is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS);
}

static step
replay(recovery *r, lc_changelog changelog, GError **error)
{
    lc_worker *worker = r->worker;
    replay_place place = {r, changelog, r->reached[changelog]};

    if (r->reached[changelog] >= r->ends[changelog] && !looks_beyond(r))
        return STEP_DONE;
    r->replay_from = r->reached[changelog];
    r->replay_began_ms = r->came_ms = lc_worker_now_ms(worker);
    step done = STEP_FAILED;
    if (lc_worker_insist(worker, "a changelog", open_replay, &place, error))
        done = replay_records(r, changelog, error);
    /* What is left of an unfinished piece is read again. */
    g_hash_table_remove_all(r->piece);
    g_array_set_size(r->leads, 0);
    g_array_set_size(r->counters, 0);
    r->piece_bytes = 0;
    lc_arena_reset(&r->piece_arena);
    worker->log->ops->replay_close(worker->log);
    return done;
}

/* ---- e: run ---- */

static step
load_partition(recovery *r, GError **error)
{
    lc_partition *partition = r->partition;
    lc_store *store = r->worker->store;
    lc_store_read read = {
        .partition = partition->number, .due_before = 0, .max_due = 0, .all_populations = true, .count_wakeups = true};
    g_autoptr(GError) problem = NULL;

    if (!store->ops->read_begin(store, &read, 1, &problem) || !store->ops->read_end(store, &problem)) {
        r->worker->store_ready = false;
        if (!g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY)) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return STEP_FAILED;
        }
        lc_worker_complain(r->worker, "Redis", &problem);
        return STEP_AGAIN;
    }
    if (!lc_text_equal(read.applied, r->applied_text))
        return STEP_AGAIN;
    lc_counters_free(partition->counters);
    partition->counters = lc_counters_new();
    for (size_t i = 0; i < read.n_population_names; i++)
        lc_counters_know(partition->counters, read.population_names[i]);
    partition->next_wakeup = read.next_wakeup;
    partition->n_wakeups = read.n_wakeups;
    return STEP_DONE;
}

static bool
seek_inputs(lc_worker *worker, void *argument, GError **error)
{
    recovery *r = argument;

    return worker->log->ops->seek(worker->log, r->partition->number, r->offsets, error);
}

static step
run(recovery *r, GError **error)
{
    lc_partition *partition = r->partition;
    lc_worker *worker = r->worker;
    lc_instant safe_now = partition->safe.now;

    if (!lc_worker_insist(worker, "the inputs", seek_inputs, r, error))
        return STEP_FAILED;
    for (int i = 0; i < worker->n_inputs; i++) {
        partition->offsets[i] = partition->read[i] = r->offsets[i];
        partition->read_append_at[i] = LC_ABSENT;
    }
    memcpy(partition->ends, r->ends, sizeof r->ends);
    g_free(partition->expected);
    partition->expected = g_steal_pointer(&r->written);
    partition->looked_ms = partition->moved_ms = lc_worker_now_ms(worker);
    lc_safe_time_clear(&partition->safe);
    lc_safe_time_init(&partition->safe, worker->n_inputs, r->offsets);
    partition->safe.now = safe_now;
    partition->safe.republished = r->republished;
    partition->must_recover = partition->is_unsure = false;
    partition->rebuilt = partition->rebuild_end = partition->rebuild_left_ms = 0;
    worker->report.recoveries[partition->recovery_cause]++;
    /* Seek resumes; the others of a worker that waits are still paused. */
    if (worker->paused)
        worker->log->ops->pause(worker->log, partition->number);
    return STEP_DONE;
}

/* a to d: the store shows what is committed. */
static step
restore(recovery *r, GError **error)
{
    step done = read_both(r, error);

    r->emptied = done == STEP_DONE && is_to_be_emptied(r);
    if (r->emptied)
        done = empty_store(r, error);
    for (int changelog = 0; done == STEP_DONE && changelog < LC_CHANGELOGS; changelog++)
        done = replay(r, changelog, error);
    if (done == STEP_DONE)
        done = write_piece(r, (lc_store_write){0},
                           lc_applied_format(r->worker->options.input_names, r->offsets, r->ends, r->ends), error);
    return done;
}

static step
recover_once(recovery *r, GError **error)
{
    step done = restore(r, error);

    if (done == STEP_DONE)
        done = load_partition(r, error);
    return done == STEP_DONE ? run(r, error) : done;
}

/* The store moved under us: from a. */
static step
repeat(recovery *r, step (*once)(recovery *r, GError **error), GError **error)
{
    lc_worker *worker = r->worker;
    step done;

    while ((done = once(r, error)) == STEP_AGAIN)
        if (!lc_worker_tend(worker, 50, error) || worker->assignments != r->assignments)
            return STEP_FAILED;
    return done;
}

bool
lc_recover(lc_worker *worker, lc_partition *partition, GError **error)
{
    recovery r;
    recovery_init(&r, worker, partition);
    step done = repeat(&r, recover_once, error);

    /* Not each time that a right is tried again. */
    if (done == STEP_DONE)
        g_log_structured(G_LOG_DOMAIN, worker->denied ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO, "PARTITION",
                         LC_NUMBER(partition->number), "RECORDS", LC_NUMBER(r.n_replayed), "MILLISECONDS",
                         LC_NUMBER(lc_worker_now_ms(worker) - r.started_ms), "MESSAGE", "recovered");
    recovery_clear(&r);
    return done == STEP_DONE;
}

/* Whatever the store's position is, from now on it says that nothing is applied: whoever recovers next empties it. */
static step
disown(recovery *r, GError **error)
{
    const int64_t nothing[LC_CHANGELOGS] = {0, 0};

    return lc_worker_insist(r->worker, "Redis", ask_applied, r, error)
               ? write_piece(r, (lc_store_write){0}, lc_applied_format_recovering(nothing, nothing), error)
               : STEP_FAILED;
}

/* Since it was disowned the store can be whole again only by a recovery from nothing: that of a live service will do.
 */
static step
restore_unless_whole(recovery *r, GError **error)
{
    if (read_applied(r, error) != STEP_DONE)
        return STEP_FAILED;
    return r->applied.kind == LC_APPLIED_WHOLE ? STEP_DONE : restore(r, error);
}

/* Before Redis is emptied: it may have what a damaged changelog has not. */
static step
check_beginnings(recovery *r, GError **error)
{
    bool done = true;

    for (int changelog = 0; done && changelog < LC_CHANGELOGS; changelog++) {
        replay_place place = {r, changelog, 0};
        done = lc_worker_insist(r->worker, "a changelog", open_replay, &place, error);
        r->worker->log->ops->replay_close(r->worker->log);
    }
    return done ? STEP_DONE : STEP_FAILED;
}

bool
lc_rebuild(lc_worker *worker, lc_partition *partition, uint64_t *n_records, GError **error)
{
    recovery r;
    recovery_init(&r, worker, partition);
    bool done = check_beginnings(&r, error) == STEP_DONE && repeat(&r, disown, error) == STEP_DONE &&
                repeat(&r, restore_unless_whole, error) == STEP_DONE;

    *n_records += r.n_replayed;
    recovery_clear(&r);
    return done;
}

bool
lc_empty(lc_worker *worker, lc_partition *partition, GError **error)
{
    recovery r;
    recovery_init(&r, worker, partition);
    bool done = repeat(&r, disown, error) == STEP_DONE && repeat(&r, empty_store, error) == STEP_DONE;

    recovery_clear(&r);
    return done;
}
