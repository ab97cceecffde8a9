/* Reads: one MULTI a partition, so that the position compared is that of all that was read. */
#include "parts.h"

#include <stdlib.h>

#define DUE_COMMANDS 3 /* of ask_wakeups */

/* Up to `n` from the `skip`th on, of those with scores from `from` to `to`. */
static void
ask_range(lc_connection *redis, lc_text prefix, lc_text from, lc_text to, bool with_scores, unsigned skip, unsigned n)
{
    lc_connection_command(redis, with_scores ? 8 : 7);
    lc_connection_word(redis, LC_TEXT("ZRANGEBYSCORE"));
    lc_connection_words(redis, prefix, LC_TEXT("wakeups"));
    lc_connection_word(redis, from);
    lc_connection_word(redis, to);
    if (with_scores)
        lc_connection_word(redis, LC_TEXT("WITHSCORES"));
    lc_connection_word(redis, LC_TEXT("LIMIT"));
    lc_connection_number(redis, skip);
    lc_connection_number(redis, n);
}

/* Scores cost Redis as much as all the rest of a range: only that of the next one is asked for, be it due or not. */
static void
ask_wakeups(lc_connection *redis, lc_text prefix, const lc_store_read *read)
{
    char before[32];
    int size = g_snprintf(before, sizeof before, "(%" G_GINT64_FORMAT, read->due_before);
    lc_text due = {before, (size_t)size}, later = {before + 1, (size_t)size - 1};

    ask_range(redis, prefix, LC_TEXT("-inf"), due, false, 0, read->max_due);
    ask_range(redis, prefix, LC_TEXT("-inf"), due, true, read->max_due, 1);
    ask_range(redis, prefix, later, LC_TEXT("+inf"), true, 0, 1);
}

/* Does `visit` with some leads of one hash after the other: those order[from] to order[end - 1]. */
typedef void (*visit_leads)(lc_redis_store *store, lc_store_read *read, unsigned bucket, size_t from, size_t end,
                            void *data);

static size_t
each_bucket(lc_redis_store *store, lc_store_read *read, visit_leads visit, void *data)
{
    const lc_buckets *buckets = store->read_buckets[read - store->reads];
    size_t n = 0, from = 0;

    for (unsigned b = 0; b < LC_LEAD_BUCKETS; b++)
        for (; from < buckets->ends[b]; n++) {
            size_t end = MIN(buckets->ends[b], from + LC_WORDS_MAX);
            if (visit)
                visit(store, read, b, from, end, data);
            from = end;
        }
    return n;
}

static void
ask_for_some(lc_redis_store *store, lc_store_read *read, unsigned bucket, size_t from, size_t end, void *data)
{
    lc_connection *redis = &store->connection;
    const size_t *order = store->read_buckets[read - store->reads]->order;
    (void)data;

    lc_connection_command(redis, 2 + end - from);
    lc_connection_word(redis, LC_TEXT("HMGET"));
    lc_redis_say_bucket(redis, lc_prefix(store, read->partition), bucket);
    for (; from < end; from++) {
        if (from + LC_LEADS_AHEAD < read->n_leads)
            lc_redis_expect(read->lead_ids[order[from + LC_LEADS_AHEAD]]);
        lc_redis_say_id(redis, read->lead_ids[order[from]]);
    }
}

/* ZMSCORE would be one command, and needs Redis 6.2. */
static void
ask_scores(lc_connection *redis, lc_text prefix, const lc_store_read *read)
{
    for (size_t i = 0; i < read->n_leads; i++) {
        lc_connection_command(redis, 3);
        lc_connection_word(redis, LC_TEXT("ZSCORE"));
        lc_connection_words(redis, prefix, LC_TEXT("wakeups"));
        lc_redis_say_id(redis, read->lead_ids[i]);
    }
}

static void
ask_counters(lc_connection *redis, lc_text prefix, const lc_store_read *read)
{
    g_autofree char *counters_prefix = g_strconcat(prefix.data, "counters:", NULL);

    for (size_t i = 0; i < read->n_populations; i++) {
        lc_connection_command(redis, 2);
        lc_connection_word(redis, LC_TEXT("HGETALL"));
        lc_connection_words(redis, lc_text_of(counters_prefix), read->populations[i]);
    }
}

/* What ask() puts into the MULTI. */
static size_t
count_commands(lc_redis_store *store, lc_store_read *read)
{
    return 1 + read->count_wakeups + (read->due_before != LC_ABSENT ? DUE_COMMANDS : 0) +
           each_bucket(store, read, NULL, NULL) + (read->with_wakeups ? read->n_leads : 0) + read->n_populations +
           (read->all_populations ? 1 : 0);
}

static void
ask(lc_redis_store *store, lc_store_read *read)
{
    lc_connection *redis = &store->connection;
    lc_text prefix = lc_prefix(store, read->partition);

    lc_connection_say(redis, "MULTI");
    lc_connection_command(redis, 2);
    lc_connection_word(redis, LC_TEXT("GET"));
    lc_connection_words(redis, prefix, LC_TEXT("applied"));
    if (read->count_wakeups) {
        lc_connection_command(redis, 2);
        lc_connection_word(redis, LC_TEXT("ZCARD"));
        lc_connection_words(redis, prefix, LC_TEXT("wakeups"));
    }
    if (read->due_before != LC_ABSENT)
        ask_wakeups(redis, prefix, read);
    each_bucket(store, read, ask_for_some, NULL);
    if (read->with_wakeups)
        ask_scores(redis, prefix, read);
    ask_counters(redis, prefix, read);
    if (read->all_populations) {
        lc_connection_command(redis, 2);
        lc_connection_word(redis, LC_TEXT("SMEMBERS"));
        lc_connection_words(redis, prefix, LC_TEXT("populations"));
    }
    lc_connection_say(redis, "EXEC");
}

bool
lc_redis_read_begin(lc_store *base, lc_store_read *reads, size_t n, GError **error)
{
    lc_redis_store *store = (lc_redis_store *)(void *)base;

    lc_arena_reset(&store->read_arena);
    store->connection.replies = &store->read_arena;
    store->reads = reads;
    store->n_reads = n;
    store->read_bytes = 0;
    if (!lc_redis_connect(store, error))
        return false;
    store->read_buckets = lc_arena_new(&store->read_arena, lc_buckets *, n);
    for (size_t i = 0; i < n; i++) {
        store->read_buckets[i] =
            lc_redis_sort_ids(&store->read_arena, reads[i].lead_ids, sizeof(lc_text), reads[i].n_leads);
        ask(store, &reads[i]);
    }
    lc_redis_ask_evictions(store);
    return lc_connection_send(&store->connection, error);
}

/* ---- Taking the answers apart ---- */

static lc_instant
instant_of(const redisReply *score)
{
    return (lc_instant)strtod(score->str, NULL);
}

static void
take_wakeups(lc_redis_store *store, lc_store_read *read, redisReply **answers)
{
    const redisReply *due = answers[0], *left = answers[1]->elements ? answers[1] : answers[2];

    read->n_due = due->elements;
    read->due = lc_arena_new(&store->read_arena, lc_text, due->elements);
    for (size_t i = 0; i < due->elements; i++)
        read->due[i] = lc_redis_take_id(&store->read_arena, lc_reply_text(due->element[i]));
    read->next_wakeup = left->elements ? instant_of(left->element[1]) : LC_NEVER;
}

/* Of all reads so far. */
static void
count_bytes(lc_redis_store *store, const lc_store_read *read)
{
    for (size_t i = 0; i < read->n_leads; i++)
        store->read_bytes += read->leads[i].size;
}

static void
take_some(lc_redis_store *store, lc_store_read *read, unsigned bucket, size_t from, size_t end, void *data)
{
    const size_t *order = store->read_buckets[read - store->reads]->order;
    redisReply ***next = data;
    redisReply **values = (*(*next)++)->element;
    (void)bucket;

    for (; from < end; from++, values++) {
        size_t i = order[from];
        read->leads[i] = lc_redis_lead_state(&store->read_arena, read->lead_ids[i], lc_reply_text(*values));
    }
}

static redisReply **
take_leads(lc_redis_store *store, lc_store_read *read, redisReply **next)
{
    read->leads = lc_arena_new(&store->read_arena, lc_text, read->n_leads);
    each_bucket(store, read, take_some, &next);
    return next;
}

static redisReply **
take_scores(lc_redis_store *store, lc_store_read *read, redisReply **next)
{
    read->wake_ats = lc_arena_new(&store->read_arena, lc_instant, read->n_leads);
    for (size_t i = 0; i < read->n_leads; i++) {
        const redisReply *score = *next++;
        read->wake_ats[i] = score->type == REDIS_REPLY_NIL ? LC_NEVER : instant_of(score);
    }
    return next;
}

static redisReply **
take_counters(lc_redis_store *store, lc_store_read *read, redisReply **next)
{
    read->counts = lc_arena_new(&store->read_arena, lc_stored_count *, read->n_populations);
    read->n_counts = lc_arena_new(&store->read_arena, size_t, read->n_populations);
    for (size_t i = 0; i < read->n_populations; i++) {
        const redisReply *fields = *next++;
        read->n_counts[i] = fields->elements / 2;
        read->counts[i] = lc_arena_new(&store->read_arena, lc_stored_count, read->n_counts[i]);
        for (size_t f = 0; f < read->n_counts[i]; f++)
            read->counts[i][f] = (lc_stored_count){.metric = lc_reply_text(fields->element[2 * f]),
                                                   .count = strtoll(fields->element[2 * f + 1]->str, NULL, 10)};
    }
    return next;
}

static void
take_population_names(lc_redis_store *store, lc_store_read *read, const redisReply *names)
{
    read->n_population_names = names->elements;
    read->population_names = lc_arena_new(&store->read_arena, lc_text, names->elements);
    for (size_t i = 0; i < names->elements; i++)
        read->population_names[i] = lc_reply_text(names->element[i]);
}

static void
take(lc_redis_store *store, lc_store_read *read, const redisReply *answers)
{
    redisReply **next = answers->element;

    read->applied = lc_redis_position(*next++);
    if (read->count_wakeups)
        read->n_wakeups = (size_t)(*next++)->integer;
    read->next_wakeup = LC_NEVER;
    read->n_due = read->n_population_names = 0;
    if (lc_text_is_absent(read->applied))
        store->layout_is_noted = false; /* emptied, it seems, of all */
    if (read->due_before != LC_ABSENT) {
        take_wakeups(store, read, next);
        next += DUE_COMMANDS;
    }
    next = take_leads(store, read, next);
    count_bytes(store, read);
    if (read->with_wakeups)
        next = take_scores(store, read, next);
    next = take_counters(store, read, next);
    if (read->all_populations)
        take_population_names(store, read, *next);
}

static bool
check_answers(lc_redis_store *store, lc_store_read *read, const redisReply *answers, GError **error)
{
    if (answers->type != REDIS_REPLY_ARRAY || answers->elements != count_commands(store, read)) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "Redis gave no answer to a read");
        lc_connection_close(&store->connection);
        return false;
    }
    for (size_t i = 0; i < answers->elements; i++)
        if (answers->element[i]->type == REDIS_REPLY_ERROR) {
            lc_connection_refuse(answers->element[i], error);
            if (g_str_has_prefix(answers->element[i]->str, "WRONGTYPE"))
                g_prefix_error(error, "what is stored is damaged, 'leadclock rebuild' makes it anew: ");
            lc_connection_close(&store->connection);
            return false;
        }
    return true;
}

/* Its answer is parsed, which takes memory, and forgotten. */
static void
begin_answer(lc_redis_store *store, lc_store_read *read)
{
    read->is_left_out = read->most_bytes && store->read_bytes > read->most_bytes;
    store->connection.replies = read->is_left_out ? &store->scan_arena : &store->read_arena;
    if (read->is_left_out)
        lc_arena_reset(&store->scan_arena);
}

static bool
receive(lc_redis_store *store, lc_store_read *read, GError **error)
{
    begin_answer(store, read);
    for (size_t n = 1 + count_commands(store, read); n > 0; n--)
        if (!lc_connection_expect(&store->connection, error))
            return false;
    const redisReply *answers = lc_connection_expect(&store->connection, error);
    if (answers == NULL)
        return false;
    if (!check_answers(store, read, answers, error))
        return false;
    if (!read->is_left_out)
        take(store, read, answers);
    return true;
}

bool
lc_redis_read_end(lc_store *base, GError **error)
{
    lc_redis_store *store = (lc_redis_store *)(void *)base;

    for (size_t i = 0; i < store->n_reads; i++)
        if (!receive(store, &store->reads[i], error))
            return false;
    store->connection.replies = &store->read_arena;
    return lc_redis_take_evictions(store, error);
}
