/* Reads: one MULTI a partition, so that the position compared is that of all that was read; and where wake-ups are due,
 * one more for their lists, at the same position. */
#include "parts.h"

#include <stdlib.h>

/* Does `visit` with some leads of one hash after the other: those order[from] to order[end - 1]. */
typedef void (*visit_leads)(lc_redis_store *store, lc_store_read *read, unsigned bucket, size_t from, size_t end,
                            void *data);

static size_t
each_bucket(lc_redis_store *store, lc_store_read *read, visit_leads visit, void *data)
{
    const lc_buckets *buckets = store->read_plans[read - store->reads].leads;
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
    const size_t *order = store->read_plans[read - store->reads].leads->order;
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

/* Whole: what is sought may be anywhere in them. */
static void
ask_spans(lc_connection *redis, lc_text prefix, const lc_read_plan *plan)
{
    for (size_t i = 0; i < plan->n_spans; i++) {
        lc_connection_command(redis, 4);
        lc_connection_word(redis, LC_TEXT("LRANGE"));
        lc_redis_say_list(redis, prefix, plan->spans[i]);
        lc_connection_number(redis, 0);
        lc_connection_number(redis, -1);
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
    return 1 + read->count_wakeups + (read->due_before != LC_ABSENT ? LC_DUE_COMMANDS : 0) +
           each_bucket(store, read, NULL, NULL) + store->read_plans[read - store->reads].n_spans + read->n_populations +
           (read->all_populations ? 1 : 0);
}

void
lc_redis_say_get(lc_connection *redis, lc_text prefix, lc_text key)
{
    lc_connection_command(redis, 2);
    lc_connection_word(redis, LC_TEXT("GET"));
    lc_connection_words(redis, prefix, key);
}

static void
ask(lc_redis_store *store, lc_store_read *read)
{
    lc_connection *redis = &store->connection;
    lc_text prefix = lc_prefix(store, read->partition);

    lc_connection_say(redis, "MULTI");
    lc_redis_say_get(redis, prefix, LC_TEXT("applied"));
    if (read->count_wakeups) {
        lc_redis_say_get(redis, prefix, LC_TEXT("waiting"));
    }
    if (read->due_before != LC_ABSENT)
        lc_due_ask(store, read);
    each_bucket(store, read, ask_for_some, NULL);
    ask_spans(redis, prefix, &store->read_plans[read - store->reads]);
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
    store->read_plans = lc_arena_new(&store->read_arena, lc_read_plan, n);
    for (size_t i = 0; i < n; i++) {
        store->read_plans[i].leads =
            lc_redis_sort_ids(&store->read_arena, reads[i].lead_ids, sizeof(lc_text), reads[i].n_leads);
        lc_redis_plan_wakeups(&store->read_arena, &reads[i], &store->read_plans[i]);
        ask(store, &reads[i]);
    }
    lc_redis_ask_evictions(store);
    return lc_connection_send(&store->connection, error);
}

/* ---- Taking the answers apart ---- */

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
    const size_t *order = store->read_plans[read - store->reads].leads->order;
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
take_spans(lc_redis_store *store, lc_store_read *read, redisReply **next)
{
    const lc_read_plan *plan = &store->read_plans[read - store->reads];

    if (read->wake_ats)
        lc_redis_find_wakeups(&store->read_arena, read, plan, next);
    return next + plan->n_spans;
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

/* None, or what nobody of ours wrote: none. */
static size_t
count_of(const redisReply *reply)
{
    long long count = reply->type == REDIS_REPLY_STRING ? strtoll(reply->str, NULL, 10) : 0;

    return count > 0 ? (size_t)count : 0;
}

static void
take(lc_redis_store *store, lc_store_read *read, const redisReply *answers)
{
    redisReply **next = answers->element;

    read->applied = lc_redis_position(*next++);
    if (read->count_wakeups)
        read->n_wakeups = count_of(*next++);
    read->next_wakeup = LC_NEVER;
    read->is_untidy = false;
    read->n_due = read->n_population_names = 0;
    if (lc_text_is_absent(read->applied))
        store->layout_is_noted = false; /* emptied, it seems, of all */
    if (read->due_before != LC_ABSENT) {
        lc_due_take(store, read, next);
        next += LC_DUE_COMMANDS;
    }
    next = take_leads(store, read, next);
    count_bytes(store, read);
    next = take_spans(store, read, next);
    next = take_counters(store, read, next);
    if (read->all_populations)
        take_population_names(store, read, *next);
}

static bool
check_answers(lc_redis_store *store, size_t n_commands, const redisReply *answers, GError **error)
{
    if (answers->type != REDIS_REPLY_ARRAY || answers->elements != n_commands) {
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

const redisReply *
lc_redis_receive_exec(lc_redis_store *store, size_t n_commands, GError **error)
{
    for (size_t n = 1 + n_commands; n > 0; n--)
        if (!lc_connection_expect(&store->connection, error))
            return NULL;
    const redisReply *answers = lc_connection_expect(&store->connection, error);
    return answers && check_answers(store, n_commands, answers, error) ? answers : NULL;
}

static bool
receive(lc_redis_store *store, lc_store_read *read, GError **error)
{
    begin_answer(store, read);
    const redisReply *answers = lc_redis_receive_exec(store, count_commands(store, read), error);
    if (answers == NULL)
        return false;
    if (!read->is_left_out)
        take(store, read, answers);
    return true;
}

/* The lists that turned out to be due. */
static bool
read_lists(lc_redis_store *store, GError **error)
{
    bool any = false;

    for (size_t i = 0; i < store->n_reads; i++)
        if (lc_due_is_asked(store, &store->reads[i])) {
            lc_due_ask_lists(store, &store->reads[i]);
            any = true;
        }
    if (!any)
        return true;
    lc_redis_ask_evictions(store);
    if (!lc_connection_send(&store->connection, error))
        return false;
    for (size_t i = 0; i < store->n_reads; i++)
        if (lc_due_is_asked(store, &store->reads[i]) && !lc_due_receive_lists(store, &store->reads[i], error))
            return false;
    return lc_redis_take_evictions(store, error);
}

bool
lc_redis_read_end(lc_store *base, GError **error)
{
    lc_redis_store *store = (lc_redis_store *)(void *)base;

    for (size_t i = 0; i < store->n_reads; i++)
        if (!receive(store, &store->reads[i], error))
            return false;
    store->connection.replies = &store->read_arena;
    return lc_redis_take_evictions(store, error) && read_lists(store, error);
}
