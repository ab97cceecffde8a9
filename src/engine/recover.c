#include "worker.h"

#include <inttypes.h>

#define PIECE_RECORDS LC_PIECE_LEADS
#define PIECE_BYTES ((size_t)32 * 1024 * 1024) /* also of records that later ones of the same key take the place of */
#define RECORD_BYTES 256                       /* of one, beside its key and value */
#define SILENCE_MS 10000                       /* of a changelog, before it is told */
#define DECIDED_MS 80000                       /* the transaction time-out and 20 s (3e) */
#define FENCE_AFTER_MS 700                     /* an owner that lives aborts within milliseconds of giving up */
#define TURN_MS 100                            /* then the other partitions of the worker have theirs */
#define ASK_AGAIN_MS 200
#define RIGHT_AFTER_MS 5000 /* a right that was refused is tried again */
#define AGAIN_MS 50         /* the store moved under us */
#define LISTEN_MS 10        /* for a changelog's records, where other partitions have something to do */
#define GIVE_WAY_MS 1000    /* a changelog of which nothing comes is put aside for another's */

/* Step 3: from what Kafka has committed to a store that shows exactly that. In stages, each of which can be put off:
 * what one partition waits for holds up no other. */
struct lc_recovery {
    lc_worker *worker;
    lc_partition *partition;
    lc_arena arena;       /* of the whole recovery */
    lc_arena pair_arena;  /* of what was last committed */
    lc_arena piece_arena; /* of one piece */
    int64_t started_ms;
    bool fenced;        /* the one whose transaction was pending */
    bool may_not_fence; /* the last owner */

    guint stage;            /* under way */
    int64_t turn_ends_ms;   /* monotonic */
    int64_t waits_since_ms; /* monotonic: for the same answer; -1: for none */
    int delay_ms;           /* put off by so much */

    /* 3a */
    lc_log_committed *committed;
    int64_t *offsets;            /* O */
    int64_t ends[LC_CHANGELOGS]; /* C */
    bool republished;
    int64_t *lows, *input_ends;
    bool is_new; /* nothing is committed */
    int64_t changelog_ends[LC_CHANGELOGS];

    /* 3b */
    lc_text applied_text; /* as last read or written; in `arena` or `written` */
    lc_applied applied;
    char *written;
    bool was_newer; /* than the pair that was fetched before it was read */
    bool is_emptying, emptied;
    uint64_t cursor; /* of the keys */

    /* 3c, 3d */
    bool has_replay, is_reading;    /* the worker's log replays for us; it has begun to */
    int changelog;                  /* the one that is looked at, where both are */
    int64_t beyond[LC_CHANGELOGS];  /* one past a committed record seen at or above C; 0: none was */
    int64_t reached[LC_CHANGELOGS]; /* the changelogs are in the store up to here, for certain */
    int64_t touched[LC_CHANGELOGS]; /* nothing at or above is in the store */
    int64_t replay_from, replay_began_ms, told_ms;
    lc_replayed untaken; /* read, but its schema is not known yet */
    bool has_untaken;
    GHashTable *piece; /* lc_text * (key) -> index in `leads` or `counters`, plus one */
    GArray *leads;     /* lc_lead_change */
    GArray *counters;  /* lc_counters_change */
    size_t piece_bytes;
    int64_t came_ms;   /* monotonic: when a record last came */
    int64_t taken_ms;  /* monotonic: when the log began to replay for us */
    int64_t silent_ms; /* when it last gave way to another */
    size_t n_replayed;
};

typedef lc_recovery recovery;

/* AGAIN: from a. LATER: the same stage once more. LAST: nothing is left to be done. */
typedef enum { STEP_DONE, STEP_AGAIN, STEP_LATER, STEP_LAST, STEP_FAILED } step;

typedef step (*stage)(recovery *r, GError **error);

static recovery *
recovery_new(lc_worker *worker, lc_partition *partition)
{
    recovery *r = g_new0(recovery, 1);

    r->worker = worker;
    r->partition = partition;
    r->started_ms = lc_worker_now_ms(worker);
    r->waits_since_ms = -1;
    r->committed = lc_arena_new(&r->arena, lc_log_committed, (size_t)worker->n_inputs);
    r->offsets = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->lows = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->input_ends = lc_arena_new(&r->arena, int64_t, (size_t)worker->n_inputs);
    r->piece = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    r->leads = g_array_new(FALSE, FALSE, sizeof(lc_lead_change));
    r->counters = g_array_new(FALSE, FALSE, sizeof(lc_counters_change));
    return r;
}

static void
forget_piece(recovery *r)
{
    g_hash_table_remove_all(r->piece);
    g_array_set_size(r->leads, 0);
    g_array_set_size(r->counters, 0);
    r->piece_bytes = 0;
    r->has_untaken = false;
    lc_arena_reset(&r->piece_arena);
}

/* What is left of an unfinished piece is read again. */
static void
stop_reading(recovery *r)
{
    if (!r->has_replay)
        return;
    forget_piece(r);
    lc_log_replay_close(r->worker->log);
    r->worker->is_replaying = r->has_replay = r->is_reading = false;
}

void
lc_recovery_free(recovery *r)
{
    if (r == NULL)
        return;
    stop_reading(r);
    g_hash_table_unref(r->piece);
    g_array_unref(r->leads);
    g_array_unref(r->counters);
    g_free(r->written);
    lc_arena_clear(&r->arena);
    lc_arena_clear(&r->pair_arena);
    lc_arena_clear(&r->piece_arena);
    g_free(r);
}

/* ---- Waiting ---- */

static bool
others_are_at_work(const recovery *r)
{
    for (guint i = 0; i < r->worker->partitions->len; i++)
        if (!((const lc_partition *)r->worker->partitions->pdata[i])->must_recover)
            return true;
    return false;
}

static bool
is_turn_over(const recovery *r)
{
    return lc_worker_now_ms(r->worker) >= r->turn_ends_ms;
}

static step
put_off(recovery *r, int delay_ms)
{
    r->delay_ms = delay_ms;
    return STEP_LATER;
}

/* Has a tool waited long enough? The service waits for ever, and a registry that is slow is not away. */
static bool
gives_up(const recovery *r, int64_t since_ms)
{
    return r->worker->give_up_ms && !lc_schemas_is_asking(r->worker->schemas) &&
           lc_worker_now_ms(r->worker) - since_ms >= r->worker->give_up_ms;
}

/* Rights may be given while the service waits; a tool ends. */
static bool
may_be_waited_for(const recovery *r, const GError *problem)
{
    return g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY) ||
           (r->worker->give_up_ms == 0 && g_error_matches(problem, LC_ERROR, LC_ERROR_DENIED));
}

/* What was asked for is not to be had yet (`problem`, handed over): it is asked for again, and told meanwhile. */
static step
wait_for(recovery *r, const char *what, GError *problem, GError **error)
{
    if (r->waits_since_ms < 0)
        r->waits_since_ms = lc_worker_now_ms(r->worker);
    if (!may_be_waited_for(r, problem) || gives_up(r, r->waits_since_ms)) {
        g_propagate_error(error, problem);
        return STEP_FAILED;
    }
    int delay_ms = g_error_matches(problem, LC_ERROR, LC_ERROR_DENIED) ? RIGHT_AFTER_MS : ASK_AGAIN_MS;
    r->partition->waits = true;
    lc_worker_complain(r->worker, what, &problem);
    return put_off(r, delay_ms);
}

typedef bool (*question)(recovery *r, GError **error);

static step
ask(recovery *r, const char *what, question asked, GError **error)
{
    GError *problem = NULL;

    if (!asked(r, &problem))
        return wait_for(r, what, problem, error);
    r->waits_since_ms = -1;
    r->partition->waits = false;
    return STEP_DONE;
}

/* One stage after the other, as far as its turn goes. */
static step
advance(recovery *r, const stage *stages, GError **error)
{
    r->turn_ends_ms = lc_worker_now_ms(r->worker) + TURN_MS;
    while (stages[r->stage]) {
        step done = stages[r->stage](r, error);
        if (done == STEP_AGAIN) {
            stop_reading(r);
            r->stage = 0;
            return put_off(r, AGAIN_MS);
        }
        if (done != STEP_DONE)
            return done;
        r->stage++;
        if (is_turn_over(r) && stages[r->stage])
            return put_off(r, 0);
    }
    return STEP_DONE;
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
    if (lc_text_is_absent(owner) || lc_text_equal(owner, lc_text_of(r->worker->options.transactional_id)))
        return LC_NO_TEXT;
    /* Nobody is fenced for a name that no worker of ours can have: `reset` of versions before left "reset" there. */
    g_autofree char *name = g_strndup(owner.data, owner.size);
    return lc_log_is_peer(r->worker->log, name) ? owner : LC_NO_TEXT;
}

/* Its records and offsets are then waited for, until the brokers end its transaction by themselves. */
static void
tell_may_not_fence(recovery *r, const char *owner, const GError *problem)
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
fence(recovery *r, const char *owner, GError **error)
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
fence_last_owner(recovery *r)
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
    if (lc_log_is_member(worker->log, owner, &is_member, &unimportant))
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
    return lc_log_get_committed(worker->log, r->partition->number, r->committed, &r->pair_arena, error);
}

static void
tell_unfinished(const recovery *r, lc_text owner, GError **error)
{
    g_autofree char *name = g_strndup(owner.data, owner.size);
    bool may_not = g_hash_table_contains(r->worker->unfenceable, name);

    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the transaction of %s, who had it before, is still open%s", name,
                may_not ? "; it may not be ended from here, and its time-out is waited for" : "");
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
    if (!lc_log_is_unfinished(log, r->partition->number, &unfinished, error))
        return false;
    if (unfinished)
        tell_unfinished(r, owner, error);
    return !unfinished;
}

static bool
is_committed(recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    lc_arena_reset(&r->pair_arena);
    return lc_log_get_committed(log, r->partition->number, r->committed, &r->pair_arena, error) &&
           is_finished(r, error);
}

static bool
ask_committed(recovery *r, GError **error)
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

static step
find_committed(recovery *r, GError **error)
{
    g_autofree char *what =
        g_strdup_printf("the committed offsets of partition %" PRId32 " to be stable", r->partition->number);

    return ask(r, what, ask_committed, error);
}

/* ---- The changelogs, one at a time ---- */

static bool
open_replay(recovery *r, lc_changelog changelog, int64_t from, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_replay_open(log, changelog, r->partition->number, from, error);
}

/* The log replays one changelog at a time: one of which nothing comes is put aside where another is wanted. */
static step
take_replay(recovery *r)
{
    if (!r->has_replay && r->worker->is_replaying) {
        r->worker->replay_is_wanted = true;
        return put_off(r, LISTEN_MS);
    }
    if (!r->has_replay) {
        r->worker->is_replaying = r->has_replay = true;
        r->worker->replay_is_wanted = false;
        r->taken_ms = lc_worker_now_ms(r->worker);
        r->came_ms = r->taken_ms - r->silent_ms;
    }
    return STEP_DONE;
}

static step
give_way(recovery *r, step otherwise)
{
    int64_t now_ms = lc_worker_now_ms(r->worker);

    if (!r->worker->replay_is_wanted || now_ms - MAX(r->came_ms, r->taken_ms) < GIVE_WAY_MS)
        return otherwise;
    r->silent_ms = now_ms - r->came_ms;
    stop_reading(r);
    return put_off(r, GIVE_WAY_MS);
}

static step
start_reading(recovery *r, lc_changelog changelog, int64_t from, GError **error)
{
    GError *problem = NULL;
    step done = take_replay(r);

    if (done != STEP_DONE || r->is_reading)
        return done;
    if (!open_replay(r, changelog, from, &problem)) {
        done = wait_for(r, "a changelog", problem, error);
        return done == STEP_LATER ? give_way(r, done) : done;
    }
    r->is_reading = true;
    r->waits_since_ms = -1;
    return STEP_DONE;
}

static lc_replay_result
read_replay(recovery *r, lc_replayed *replayed, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_replay_read(log, others_are_at_work(r) ? LISTEN_MS : TURN_MS, replayed, error);
}

/* A changelog of which nothing comes is told; a tool gives up. */
static step
bear_silence(recovery *r, GError **error)
{
    lc_worker *worker = r->worker;
    int64_t now_ms = lc_worker_now_ms(worker);

    if (gives_up(r, r->came_ms)) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "partition %" PRId32 ": a changelog can't be read to its end",
                    r->partition->number);
        return STEP_FAILED;
    }
    if (now_ms - r->came_ms >= SILENCE_MS) {
        r->partition->waits = true;
        lc_worker_complain(worker,
                           now_ms - r->started_ms > DECIDED_MS ? "a transaction on a changelog to be decided"
                                                               : "a changelog to be read to its end",
                           &(GError *){NULL});
    }
    return give_way(r, put_off(r, LISTEN_MS));
}

static step
stop_for_no_offsets(recovery *r, GError **error)
{
    return stop(r, error,
                "the group has no committed offsets but its changelogs are not empty: the offsets have expired or were "
                "deleted; 'leadclock reset' starts anew");
}

/* Nothing committed: a new group, unless a changelog says otherwise. */
static step
prove_new_group(recovery *r, GError **error)
{
    lc_replayed replayed;

    for (; r->is_new && r->changelog < LC_CHANGELOGS; r->changelog++) {
        g_autoptr(GError) problem = NULL;
        step done = start_reading(r, (lc_changelog)r->changelog, 0, error);
        if (done != STEP_DONE)
            return done;
        lc_replay_result result = read_replay(r, &replayed, &problem);
        if (problem) {
            g_propagate_error(error, g_steal_pointer(&problem));
            return STEP_FAILED;
        }
        if (result == LC_REPLAY_NOTHING)
            return bear_silence(r, error);
        stop_reading(r);
        if (result == LC_REPLAY_RECORD)
            return stop_for_no_offsets(r, error);
    }
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
    if (!r->partition->policy_checked && !lc_worker_knows_policy_hash(r->worker, metadata.policy_hash) &&
        !accept_policy_change(r->worker, metadata.policy_hash, error))
        return STEP_FAILED;
    g_free(r->partition->policy_hash);
    r->partition->policy_hash = g_strndup(metadata.policy_hash.data, metadata.policy_hash.size);
    r->offsets[topic] = committed->offset;
    r->republished |= metadata.republished;
    for (int i = 0; i < LC_CHANGELOGS; i++)
        r->ends[i] = MAX(r->ends[i], metadata.ends[i]);
    return STEP_DONE;
}

static bool
reach_committed(const recovery *r, const int64_t *ends)
{
    for (int i = 0; i < LC_CHANGELOGS; i++)
        if (ends[i] < r->ends[i])
            return false;
    return true;
}

/* Last stable offsets will do where they reach so far. */
static bool
ask_changelog_ends(recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_changelog_ends(log, r->partition->number, false, r->changelog_ends, error) &&
           (reach_committed(r, r->changelog_ends) ||
            lc_log_changelog_ends(log, r->partition->number, true, r->changelog_ends, error));
}

static step
stop_for_lost_records(recovery *r, GError **error)
{
    const int64_t *ends = r->changelog_ends;
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
    if (r->is_new || !LC_CHECKS(LC_CHECK_LOST_TAIL))
        return STEP_DONE;
    step done = ask(r, "the changelogs' ends", ask_changelog_ends, error);
    if (done == STEP_DONE && !reach_committed(r, r->changelog_ends))
        return stop_for_lost_records(r, error);
    return done;
}

/* A record of a changelog is committed together with a C above it: one seen before these offsets were fetched is below
 * their C. */
static step
check_offsets(recovery *r, GError **error)
{
    for (int i = 0; !r->is_new && i < LC_CHANGELOGS; i++) {
        if (r->beyond[i] <= r->ends[i])
            continue;
        g_autofree char *problem = g_strdup_printf(
            "Kafka has lost committed offsets of the group: they are of a time when %s ended at %" PRId64
            ", and it has committed records up to %" PRId64 "; 'leadclock reset' starts anew",
            r->worker->options.output_names[i == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS], r->ends[i],
            r->beyond[i]);
        return stop(r, error, problem);
    }
    return STEP_DONE;
}

static bool
ask_watermarks(recovery *r, GError **error)
{
    lc_log *log = r->worker->log;

    return lc_log_watermarks(log, r->partition->number, r->lows, r->input_ends, error);
}

static step
find_watermarks(recovery *r, GError **error)
{
    return ask(r, "the inputs' offsets", ask_watermarks, error);
}

/* (O, C) of all topics together. */
static step
take_pair(recovery *r, GError **error)
{
    int n = r->worker->n_inputs;

    memset(r->ends, 0, sizeof r->ends);
    r->republished = false;
    r->changelog = 0;
    r->is_new = true;
    for (int i = 0; i < n; i++)
        r->is_new = r->is_new && r->committed[i].offset < 0;
    for (int i = 0; i < n; i++)
        if (take_committed(r, i, r->lows[i], r->input_ends[i], error) != STEP_DONE)
            return STEP_FAILED;
    r->partition->policy_checked |= !r->is_new;
    return STEP_DONE;
}

/* ---- b: what is applied ---- */

static bool
ask_applied(recovery *r, GError **error)
{
    lc_worker *worker = r->worker;
    lc_store_read read = {.partition = r->partition->number, .due_before = LC_ABSENT};

    /* After a lost connection the store is checked anew. */
    if (!worker->store_ready && !lc_store_open(worker->store, worker->partition_count, error))
        return false;
    worker->store_ready = true;
    if (!lc_store_read_begin(worker->store, &read, 1, error) || !lc_store_read_end(worker->store, error)) {
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

/* Into `applied`. */
static step
read_applied(recovery *r, GError **error)
{
    step done = ask(r, "Redis", ask_applied, error);

    if (done != STEP_DONE)
        return done;
    if (!lc_applied_parse(r->applied_text, r->worker->options.input_names, r->worker->n_inputs, &r->arena, &r->applied))
        return stop(r, error, "the position in Redis can't be read; 'leadclock rebuild' makes Redis anew");
    memcpy(r->reached, r->applied.sure, sizeof r->reached);
    memcpy(r->touched, r->applied.ends, sizeof r->touched);
    return STEP_DONE;
}

static step
stop_for_being_ahead(recovery *r, GError **error)
{
    g_autofree char *committed = lc_applied_format(r->worker->options.input_names, r->offsets, r->ends, r->ends);
    g_autofree char *problem =
        g_strdup_printf("Redis is at \"%.*s\", ahead of Kafka, which has committed \"%s\": Kafka has lost data, or the "
                        "group was reset; "
                        "'leadclock rebuild' makes Redis anew from the changelogs, 'leadclock reset' starts anew",
                        LC_TEXT_ARGS(r->applied_text), committed);

    return stop(r, error, problem);
}

/* The store may be newer than what was fetched before it was read, never than what is fetched after. */
static step
find_applied(recovery *r, GError **error)
{
    if (r->was_newer && is_newer_than_committed(r))
        return stop_for_being_ahead(r, error);
    step done = read_applied(r, error);
    if (done != STEP_DONE)
        return done;
    r->was_newer = is_newer_than_committed(r);
    return r->was_newer ? STEP_AGAIN : STEP_DONE;
}

/* ---- d: guarded writes ---- */

/* It may be anywhere now: from a. */
static step
lose_store(recovery *r, GError *problem, GError **error)
{
    r->worker->store_ready = false;
    if (!g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY)) {
        g_propagate_error(error, problem);
        return STEP_FAILED;
    }
    r->partition->waits = true;
    lc_worker_complain(r->worker, "Redis", &problem);
    return STEP_AGAIN;
}

/* Writes `piece` and moves the position to `next` (handed over). A lost connection or another position: from a. */
static step
write_piece(recovery *r, lc_store_write piece, char *next, GError **error)
{
    lc_store *store = r->worker->store;
    g_autofree char *position = next;
    GError *problem = NULL;

    piece.partition = r->partition->number;
    piece.expected = r->applied_text;
    piece.next = lc_text_of(position);
    if (!lc_store_write_begin(store, &piece, 1, &problem) || !lc_store_write_end(store, &problem))
        return lose_store(r, problem, error);
    if (!piece.written)
        return STEP_AGAIN;
    g_free(r->written);
    r->written = g_steal_pointer(&position);
    r->applied_text = lc_text_of(r->written);
    return STEP_DONE;
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

static step
unlink_some(recovery *r, GError **error)
{
    lc_store *store = r->worker->store;
    lc_text *keys;
    size_t n;
    GError *problem = NULL;

    if (!lc_store_scan(store, r->partition->number, &r->cursor, &keys, &n, &problem))
        return lose_store(r, problem, error);
    return n == 0 ? STEP_DONE
                  : write_piece(r, (lc_store_write){.unlink_keys = keys, .n_unlink_keys = n},
                                lc_applied_format_recovering(r->reached, r->reached), error);
}

/* Whatever there is of the partition is not to be trusted. */
static step
empty_store(recovery *r, GError **error)
{
    step done = STEP_DONE;

    if (!r->is_emptying) {
        r->cursor = 0;
        done = write_piece(r, (lc_store_write){0}, lc_applied_format_recovering(r->reached, r->reached), error);
        r->is_emptying = done == STEP_DONE;
    }
    while (r->is_emptying) {
        if (is_turn_over(r))
            return put_off(r, 0);
        done = unlink_some(r, error);
        r->is_emptying = done == STEP_DONE && r->cursor != 0;
    }
    memcpy(r->touched, r->reached, sizeof r->touched);
    return done;
}

static step
empty_if_needed(recovery *r, GError **error)
{
    if (!r->is_emptying)
        r->emptied = is_to_be_emptied(r);
    return r->emptied ? empty_store(r, error) : STEP_DONE;
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
    forget_piece(r);
    lc_log_replay_release(r->worker->log);
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
        const lc_plan *plan = lc_schemas_try(r->worker, replayed->value, error);
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
        const lc_plan *plan = lc_schemas_try(r->worker, replayed->value, error);
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

/* False: LC_ERROR_RETRY where its schema is not known yet. */
static bool
take_replayed(recovery *r, lc_changelog changelog, const lc_replayed *replayed, GError **error)
{
    g_autoptr(GError) problem = NULL;
    bool taken =
        changelog == LC_CHANGELOG_STATE ? take_state(r, replayed, &problem) : take_counters(r, replayed, &problem);

    if (taken) {
        r->n_replayed++;
        r->piece_bytes += replayed->key.size + replayed->value.size + RECORD_BYTES;
        return true;
    }
    /* What can't be read in a changelog of ours is damage. */
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_RECORD))
        problem->code = LC_ERROR_FATAL;
    if (g_error_matches(problem, LC_ERROR, LC_ERROR_FATAL))
        g_prefix_error(
            &problem, "changelog damaged: %s [%" PRId32 "], offset %" PRId64 " ('leadclock reset' starts anew): ",
            r->worker->options.output_names[changelog == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS],
            r->partition->number, replayed->offset);
    g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static void
tell_progress(recovery *r, lc_changelog changelog, int64_t at)
{
    int64_t now_ms = lc_worker_now_ms(r->worker), end = r->ends[changelog];
    int64_t passed = at - r->replay_from, left = end - at;

    r->partition->rebuilt = at;
    r->partition->rebuild_end = end;
    r->partition->rebuild_left_ms = passed > 0 ? (now_ms - r->replay_began_ms) * left / passed : 0;
    lc_worker_publish_report(r->worker);
    if (r->worker->tell_rebuild)
        r->worker->tell_rebuild(r->partition->number, at, end, r->worker->rebuild_data);
    if (now_ms - r->told_ms < 2000)
        return;
    r->told_ms = now_ms;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(r->partition->number), "RECORDS",
                     LC_NUMBER(r->n_replayed), "OFFSET", LC_NUMBER(at), "END", LC_NUMBER(end), "SECONDS_LEFT",
                     LC_NUMBER((r->partition->rebuild_left_ms + 999) / 1000), "MESSAGE",
                     "making Redis from the changelog");
}

/* What is at or above C is not of the pair that was fetched: nothing of it is written. Whose partition it is reads on
 * to the end, and so sees whether the pair is older than the changelog. */
static step
take_or_cut(recovery *r, lc_changelog changelog, GError **error)
{
    const lc_replayed *replayed = &r->untaken;
    GError *problem = NULL;

    if (replayed->offset < r->ends[changelog] || !LC_CHECKS(LC_CHECK_CUT)) {
        if (!take_replayed(r, changelog, replayed, &problem))
            return wait_for(r, "the schema registry", problem, error);
        r->waits_since_ms = -1;
    } else if (is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS)) {
        r->beyond[changelog] = replayed->offset + 1;
    }
    r->has_untaken = false;
    r->partition->waits = false;
    return STEP_DONE;
}

/* One is proof enough, and there may be any number of them: the pair is fetched again at once. */
static bool
is_beyond(const recovery *r, lc_changelog changelog)
{
    return r->beyond[changelog] > r->ends[changelog];
}

/* The position reaches C only when what lies above C has been seen too: who recovers next is to see it again. */
static step
flush_full_piece(recovery *r, lc_changelog changelog, int64_t at, GError **error)
{
    if (at >= r->ends[changelog] - 1 ||
        (r->leads->len + r->counters->len < PIECE_RECORDS && r->piece_bytes < PIECE_BYTES))
        return STEP_DONE;
    step done = flush_piece(r, changelog, at + 1, error);
    if (done == STEP_DONE)
        tell_progress(r, changelog, at);
    return done;
}

/* One record, or an end. Complete at an end at C or later, and for others than the owner after a record at C-1 or
 * later; an end below C ends nothing, because a transaction is still being decided there. */
static step
replay_one(recovery *r, lc_changelog changelog, bool *complete, GError **error)
{
    bool cut = LC_CHECKS(LC_CHECK_CUT), to_the_end = is_ours(r) && LC_CHECKS(LC_CHECK_LOST_OFFSETS);
    int64_t end = r->ends[changelog];
    lc_replayed *replayed = &r->untaken;
    lc_replay_result result = LC_REPLAY_RECORD;
    g_autoptr(GError) problem = NULL;

    if (!r->has_untaken)
        result = read_replay(r, replayed, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return STEP_FAILED;
    }
    if (result == LC_REPLAY_RECORD) {
        r->has_untaken = true;
        r->silent_ms = 0;
        r->came_ms = lc_worker_now_ms(r->worker);
        step done = take_or_cut(r, changelog, error);
        *complete = is_beyond(r, changelog) || (cut && !to_the_end && replayed->offset >= end - 1);
        return done == STEP_DONE ? flush_full_piece(r, changelog, replayed->offset, error) : done;
    }
    if (result == LC_REPLAY_END) {
        *complete = replayed->offset >= end;
        r->ends[changelog] = cut ? end : replayed->offset;
    }
    return *complete ? STEP_DONE : bear_silence(r, error);
}

static step
replay_records(recovery *r, lc_changelog changelog, GError **error)
{
    bool complete = false;

    while (!complete) {
        step done = replay_one(r, changelog, &complete, error);
        if (done != STEP_DONE)
            return done;
        if (!complete && is_turn_over(r))
            return put_off(r, 0);
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
    bool is_first = !r->is_reading;

    if (is_first && r->reached[changelog] >= r->ends[changelog] && !looks_beyond(r))
        return STEP_DONE;
    step done = start_reading(r, changelog, r->reached[changelog], error);
    if (done != STEP_DONE)
        return done;
    if (is_first) {
        r->replay_from = r->reached[changelog];
        r->replay_began_ms = r->told_ms = lc_worker_now_ms(r->worker);
    }
    done = replay_records(r, changelog, error);
    if (done != STEP_LATER)
        stop_reading(r);
    return done;
}

static step
replay_states(recovery *r, GError **error)
{
    return replay(r, LC_CHANGELOG_STATE, error);
}

static step
replay_counters(recovery *r, GError **error)
{
    return replay(r, LC_CHANGELOG_COUNTERS, error);
}

static step
finish_store(recovery *r, GError **error)
{
    return write_piece(r, (lc_store_write){0},
                       lc_applied_format(r->worker->options.input_names, r->offsets, r->ends, r->ends), error);
}

/* ---- e: run ---- */

static step
load_partition(recovery *r, GError **error)
{
    lc_partition *partition = r->partition;
    lc_store *store = r->worker->store;
    lc_store_read read = {
        .partition = partition->number, .due_before = 0, .max_due = 0, .all_populations = true, .count_wakeups = true};
    GError *problem = NULL;

    if (!lc_store_read_begin(store, &read, 1, &problem) || !lc_store_read_end(store, &problem))
        return lose_store(r, problem, error);
    if (!lc_text_equal(read.applied, r->applied_text))
        return STEP_AGAIN;
    lc_partition_counters_free(partition->counters);
    partition->counters = lc_partition_counters_new();
    for (size_t i = 0; i < read.n_population_names; i++)
        lc_partition_counters_know(partition->counters, read.population_names[i]);
    partition->next_wakeup = read.next_wakeup;
    partition->n_wakeups = read.n_wakeups;
    return STEP_DONE;
}

static bool
seek_inputs(recovery *r, GError **error)
{
    return lc_log_seek(r->worker->log, r->partition->number, r->offsets, error);
}

static step
run(recovery *r, GError **error)
{
    lc_partition *partition = r->partition;
    lc_worker *worker = r->worker;
    lc_instant safe_now = partition->safe.now;

    step done = ask(r, "the inputs", seek_inputs, error);
    if (done != STEP_DONE)
        return done;
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
        lc_log_pause(worker->log, partition->number);
    return STEP_DONE;
}

/* ---- The order of it ---- */

#define RESTORE                                                                                                        \
    find_committed, find_watermarks, take_pair, prove_new_group, check_offsets, check_changelogs, /* a */              \
        find_applied, empty_if_needed,                                                            /* b */              \
        replay_states, replay_counters,                                                           /* c, d */           \
        finish_store                                                                              /* d */

/* How long a partition waits before it asks again: what asking takes is taken from the others. */
static int64_t
pause_after(const recovery *r, int64_t began_ms)
{
    int64_t took_ms = lc_worker_now_ms(r->worker) - began_ms;

    return r->partition->waits && others_are_at_work(r) ? MAX(r->delay_ms, 4 * took_ms) : r->delay_ms;
}

/* Not each time that a right is tried again. */
static void
tell_recovered(const recovery *r)
{
    g_log_structured(G_LOG_DOMAIN, r->worker->denied ? G_LOG_LEVEL_DEBUG : G_LOG_LEVEL_INFO, "PARTITION",
                     LC_NUMBER(r->partition->number), "RECORDS", LC_NUMBER(r->n_replayed), "MILLISECONDS",
                     LC_NUMBER(lc_worker_now_ms(r->worker) - r->started_ms), "MESSAGE", "recovered");
}

/* Why it can't be recovered (handed over). Who stood still may have looked at what another does by now: it counts only
 * where the partition is still ours. */
static bool
confirm(lc_worker *worker, GError *problem, GError **error)
{
    unsigned assignments = worker->assignments;
    g_autoptr(GError) kept = problem;

    if (!lc_worker_tend(worker, 1, error) || worker->assignments != assignments)
        return false;
    g_propagate_error(error, g_steal_pointer(&kept));
    return false;
}

bool
lc_recover(lc_worker *worker, lc_partition *partition, GError **error)
{
    static const stage stages[] = {RESTORE, load_partition, run, NULL};
    int64_t began_ms = lc_worker_now_ms(worker);
    GError *problem = NULL;

    if (partition->recovery == NULL) {
        partition->recovery = recovery_new(worker, partition);
        lc_log_pause(worker->log, partition->number);
    }
    recovery *r = partition->recovery;
    step done = advance(r, stages, &problem);
    if (done == STEP_LATER) {
        partition->resume_ms = lc_worker_now_ms(worker) + pause_after(r, began_ms);
        return true;
    }
    if (done == STEP_DONE)
        tell_recovered(r);
    partition->waits = false;
    partition->resume_ms = 0;
    g_clear_pointer(&partition->recovery, lc_recovery_free);
    return done == STEP_DONE || confirm(worker, problem, error);
}

/* ---- For tools: all at once ---- */

static step
finish(recovery *r, const stage *stages, GError **error)
{
    step done;

    r->stage = 0;
    while ((done = advance(r, stages, error)) == STEP_LATER)
        if (!lc_worker_tend(r->worker, r->delay_ms, error))
            return STEP_FAILED;
    return done == STEP_LAST ? STEP_DONE : done;
}

/* Whatever the store's position is, from now on it says that nothing is applied: whoever recovers next empties it. */
static step
disown(recovery *r, GError **error)
{
    const int64_t nothing[LC_CHANGELOGS] = {0, 0};
    step done = ask(r, "Redis", ask_applied, error);

    return done == STEP_DONE
               ? write_piece(r, (lc_store_write){0}, lc_applied_format_recovering(nothing, nothing), error)
               : done;
}

/* Since it was disowned the store can be whole again only by a recovery from nothing: that of a live service will do.
 */
static step
look_whether_whole(recovery *r, GError **error)
{
    step done = read_applied(r, error);

    return done == STEP_DONE && r->applied.kind == LC_APPLIED_WHOLE ? STEP_LAST : done;
}

/* Before Redis is emptied: it may have what a damaged changelog has not. */
static step
check_beginning(recovery *r, lc_changelog changelog, GError **error)
{
    step done = start_reading(r, changelog, 0, error);

    if (done != STEP_LATER)
        stop_reading(r);
    return done;
}

static step
check_beginning_of_states(recovery *r, GError **error)
{
    return check_beginning(r, LC_CHANGELOG_STATE, error);
}

static step
check_beginning_of_counters(recovery *r, GError **error)
{
    return check_beginning(r, LC_CHANGELOG_COUNTERS, error);
}

bool
lc_rebuild(lc_worker *worker, lc_partition *partition, uint64_t *n_records, GError **error)
{
    static const stage checks[] = {check_beginning_of_states, check_beginning_of_counters, NULL};
    static const stage disowning[] = {disown, NULL};
    static const stage restoring[] = {look_whether_whole, RESTORE, NULL};
    recovery *r = recovery_new(worker, partition);
    bool done = finish(r, checks, error) == STEP_DONE && finish(r, disowning, error) == STEP_DONE &&
                finish(r, restoring, error) == STEP_DONE;

    *n_records += r->n_replayed;
    lc_recovery_free(r);
    return done;
}

bool
lc_empty(lc_worker *worker, lc_partition *partition, GError **error)
{
    static const stage stages[] = {disown, empty_store, NULL};
    recovery *r = recovery_new(worker, partition);
    bool done = finish(r, stages, error) == STEP_DONE;

    lc_recovery_free(r);
    return done;
}
