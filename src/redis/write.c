/* Guarded writes. A WATCH is cleared by any EXEC, so partitions go one after the other: the EXEC of one travels with
 * the WATCH and GET of the next, n + 1 round trips for n partitions. While Redis works on one, the next is put into
 * words. */
#include "parts.h"

/* Sends a variadic command for all leads of a hash that `has`, LC_WORDS_MAX at a time. */
typedef struct {
    const char *command;
    size_t words; /* of each lead */
    bool (*has)(const lc_lead_change *change);
    void (*put)(lc_connection *redis, const lc_lead_change *change);
} lead_command;

static bool
has_state(const lc_lead_change *change)
{
    return !lc_text_is_absent(change->state);
}

static bool
is_deleted(const lc_lead_change *change)
{
    return lc_text_is_absent(change->state);
}

static void
put_field(lc_connection *redis, const lc_lead_change *change)
{
    lc_redis_say_id(redis, change->lead_id);
}

static void
put_state(lc_connection *redis, const lc_lead_change *change)
{
    put_field(redis, change);
    lc_redis_say_lead(redis, change);
}

static const lead_command lead_commands[] = {
    {"HSET", 2, has_state, put_state},
    {"HDEL", 1, is_deleted, put_field},
};

/* The leads of a write in the order in which they are said. */
typedef struct {
    const lc_lead_change *leads;
    const size_t *order;
} lead_order;

static void
expect(const lc_lead_change *change)
{
    lc_redis_expect(change->lead_id);
    lc_redis_expect(change->state);
}

/* Those from `from` to before `end`. This one and those below return the number of commands they said. */
static size_t
say_some(lc_redis_store *store, lc_text prefix, const lead_command *how, unsigned bucket, lead_order in, size_t from,
         size_t end)
{
    lc_connection *redis = &store->connection;
    size_t n_commands = 0, left = 0, in_command = 0;

    for (size_t i = from; i < end; i++)
        left += how->has(&in.leads[in.order[i]]);
    for (size_t i = from; left + in_command && i < end; i++) {
        const lc_lead_change *change = &in.leads[in.order[i]];
        if (i + LC_LEADS_AHEAD < end)
            expect(&in.leads[in.order[i + LC_LEADS_AHEAD]]);
        if (!how->has(change))
            continue;
        if (in_command == 0) {
            in_command = MIN(left, LC_WORDS_MAX);
            left -= in_command;
            n_commands++;
            lc_connection_command(redis, 2 + in_command * how->words);
            lc_connection_word(redis, lc_text_of(how->command));
            lc_redis_say_bucket(redis, prefix, bucket);
        }
        how->put(redis, change);
        in_command--;
    }
    return n_commands;
}

static size_t
say_leads(lc_redis_store *store, lc_text prefix, const lc_store_write *write)
{
    const lc_buckets *buckets =
        lc_redis_sort_ids(&store->write_arena, write->leads, sizeof(lc_lead_change), write->n_leads);
    lead_order in = {write->leads, buckets->order};
    size_t n_commands = 0;

    for (size_t c = 0; c < G_N_ELEMENTS(lead_commands); c++)
        for (unsigned b = 0; b < LC_LEAD_BUCKETS; b++)
            n_commands +=
                say_some(store, prefix, &lead_commands[c], b, in, b ? buckets->ends[b - 1] : 0, buckets->ends[b]);
    return n_commands;
}

static size_t
say_waiting(lc_connection *redis, lc_text prefix, int64_t more)
{
    if (more == 0)
        return 0;
    lc_connection_command(redis, 3);
    lc_connection_word(redis, LC_TEXT("INCRBY"));
    lc_connection_words(redis, prefix, LC_TEXT("waiting"));
    lc_connection_number(redis, more);
    return 1;
}

/* First what was due is taken, then what is new is added: it may come to the same lists. */
static size_t
say_wakeups(lc_redis_store *store, lc_text prefix, const lc_store_write *write)
{
    g_autoptr(GArray) wakeups = g_array_new(FALSE, FALSE, sizeof(lc_wakeup));
    size_t n_taken = 0, n_commands = lc_due_say_taken(store, write, wakeups, &n_taken);

    for (size_t i = 0; i < write->n_leads; i++) {
        const lc_lead_change *change = &write->leads[i];
        lc_wakeup wakeup = {.at = change->wake_at, .level = LC_SPAN_LEVELS - 1};
        if (!change->wake_changed || change->wake_at == LC_NEVER)
            continue;
        wakeup.id = lc_redis_pack_id(&store->write_arena, change->lead_id);
        g_array_append_val(wakeups, wakeup);
    }
    n_commands += lc_redis_say_wakeups(store, write, (const lc_wakeup *)(const void *)wakeups->data, wakeups->len);
    return n_commands + say_waiting(&store->connection, prefix, (int64_t)wakeups->len - (int64_t)n_taken);
}

static size_t
say_population(lc_connection *redis, lc_text prefix, const lc_counters_change *change)
{
    g_autofree char *counters_prefix = g_strconcat(prefix.data, "counters:", NULL);

    lc_connection_command(redis, 2);
    lc_connection_word(redis, LC_TEXT("UNLINK"));
    lc_connection_words(redis, lc_text_of(counters_prefix), change->population);
    lc_connection_command(redis, 3);
    lc_connection_word(redis, change->n_counts ? LC_TEXT("SADD") : LC_TEXT("SREM"));
    lc_connection_words(redis, prefix, LC_TEXT("populations"));
    lc_connection_word(redis, change->population);
    if (change->n_counts == 0)
        return 2;
    lc_connection_command(redis, 2 + 2 * change->n_counts);
    lc_connection_word(redis, LC_TEXT("HSET"));
    lc_connection_words(redis, lc_text_of(counters_prefix), change->population);
    for (size_t i = 0; i < change->n_counts; i++) {
        lc_connection_word(redis, change->counts[i].metric);
        lc_connection_number(redis, change->counts[i].count);
    }
    return 3;
}

static size_t
say_unlinks(lc_connection *redis, const lc_store_write *write)
{
    size_t n_commands = 0;

    for (size_t from = 0; from < write->n_unlink_keys; from += LC_WORDS_MAX, n_commands++) {
        size_t n = MIN(write->n_unlink_keys - from, LC_WORDS_MAX);
        lc_connection_command(redis, n + 1);
        lc_connection_word(redis, LC_TEXT("UNLINK"));
        for (size_t i = from; i < from + n; i++)
            lc_connection_word(redis, write->unlink_keys[i]);
    }
    return n_commands;
}

/* From MULTI to EXEC; the number of commands but the EXEC. */
static size_t
say_changes(lc_redis_store *store, const lc_store_write *write)
{
    lc_connection *redis = &store->connection;
    lc_text prefix = lc_prefix(store, write->partition);
    size_t n_commands = 2; /* MULTI and SET */

    lc_connection_say(redis, "MULTI");
    n_commands += say_unlinks(redis, write);
    n_commands += say_leads(store, prefix, write);
    n_commands += say_wakeups(store, prefix, write);
    for (size_t i = 0; i < write->n_counters; i++)
        n_commands += say_population(redis, prefix, &write->counters[i]);
    lc_connection_command(redis, 3);
    lc_connection_word(redis, LC_TEXT("SET"));
    lc_connection_words(redis, prefix, LC_TEXT("applied"));
    lc_connection_words(redis, write->next, lc_text_of(store->mark));
    lc_connection_say(redis, "EXEC");
    return n_commands;
}

static void
say_watch(lc_redis_store *store, const lc_store_write *write)
{
    static const char *const commands[] = {"WATCH", "GET"};

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        lc_connection_command(&store->connection, 2);
        lc_connection_word(&store->connection, lc_text_of(commands[i]));
        lc_connection_words(&store->connection, lc_prefix(store, write->partition), LC_TEXT("applied"));
    }
}

bool
lc_redis_write_begin(lc_store *base, lc_store_write *writes, size_t n, GError **error)
{
    lc_redis_store *store = (lc_redis_store *)(void *)base;

    lc_arena_reset(&store->write_arena);
    store->connection.replies = &store->write_arena;
    store->writes = writes;
    store->n_writes = n;
    for (size_t i = 0; i < n; i++)
        writes[i].written = false;
    if (!lc_redis_connect(store, error))
        return false;
    if (!store->layout_is_noted && !lc_redis_note_layout(store, error))
        return false;
    if (n)
        say_watch(store, &writes[0]);
    return lc_connection_send(&store->connection, error);
}

static bool
is_as_expected(lc_redis_store *store, const lc_store_write *write, bool *as_expected, GError **error)
{
    const redisReply *watched = lc_connection_expect(&store->connection, error);
    const redisReply *applied = watched ? lc_connection_expect(&store->connection, error) : NULL;

    if (applied)
        *as_expected = lc_text_equal(lc_redis_position(applied), write->expected);
    return applied != NULL;
}

/* Redis does not take back what a MULTI did before the command that failed: with no position it is a lost view, which
 * is made anew from the beginning. */
static bool
forget_position(lc_redis_store *store, const lc_store_write *write)
{
    lc_redis_say_unlink(store, write->partition);
    if (lc_connection_send(&store->connection, NULL))
        lc_connection_receive(&store->connection, NULL);
    lc_connection_close(&store->connection);
    return false;
}

static bool
take_outcome(lc_redis_store *store, lc_store_write *write, size_t n_done, const redisReply *outcome, GError **error)
{
    if (outcome->type == REDIS_REPLY_NIL)
        return true;
    if (outcome->type != REDIS_REPLY_ARRAY || outcome->elements != n_done) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "Redis gave no answer to a write");
        lc_connection_close(&store->connection);
        return false;
    }
    for (size_t i = 0; i < n_done; i++)
        if (outcome->element[i]->type == REDIS_REPLY_ERROR) {
            g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "Redis did only a part of a write to partition %d: %s",
                        write->partition, outcome->element[i]->str);
            return forget_position(store, write);
        }
    write->written = true;
    lc_due_follow(store, write);
    return true;
}

static bool
receive_outcome(lc_redis_store *store, lc_store_write *write, size_t n_commands, GError **error)
{
    const redisReply *refusal = NULL;

    for (size_t i = 0; i < n_commands; i++) {
        const redisReply *queued = lc_connection_receive(&store->connection, error);
        if (queued == NULL)
            return false;
        if (queued->type == REDIS_REPLY_ERROR && refusal == NULL)
            refusal = queued;
    }
    const redisReply *outcome = lc_connection_receive(&store->connection, error);
    if (outcome == NULL)
        return false;
    if (outcome->type != REDIS_REPLY_ERROR)
        return take_outcome(store, write, n_commands - 1, outcome, error);
    /* Refused as a whole (EXECABORT): nothing was done, and the position still holds. */
    lc_connection_refuse(refusal ? refusal : outcome, error);
    lc_connection_close(&store->connection);
    return false;
}

/* Makes the commands of a write, which are sent once its position is known to be as expected. */
static void
prepare(lc_redis_store *store, const lc_store_write *write)
{
    GString *out = store->connection.out;

    g_string_truncate(store->ahead, 0);
    store->connection.out = store->ahead;
    store->ahead_commands = say_changes(store, write);
    store->connection.out = out;
}

static void
say_prepared(lc_redis_store *store)
{
    GString *prepared = store->ahead;

    store->ahead = store->connection.out;
    store->connection.out = prepared;
}

/* Ends a WATCH by what is needed anyway: UNWATCH would be one right more. */
static void
say_nothing_more(lc_connection *redis)
{
    lc_connection_say(redis, "MULTI");
    lc_connection_say(redis, "EXEC");
}

static bool
receive_nothing_more(lc_connection *redis, GError **error)
{
    const redisReply *begun = lc_connection_expect(redis, error);

    return begun && lc_connection_expect(redis, error);
}

/* One partition: its WATCH and GET are sent already, its changes prepared; the WATCH and GET of `following`, if any, go
 * with its EXEC. */
static bool
write_partition(lc_redis_store *store, lc_store_write *write, const lc_store_write *following, GError **error)
{
    bool as_expected = false;
    size_t n_commands = store->ahead_commands;

    if (!is_as_expected(store, write, &as_expected, error))
        return false;
    if (as_expected)
        say_prepared(store);
    else
        say_nothing_more(&store->connection);
    if (following)
        say_watch(store, following);
    if (!lc_connection_send(&store->connection, error))
        return false;
    if (following)
        prepare(store, following);
    if (as_expected)
        return receive_outcome(store, write, n_commands, error);
    return receive_nothing_more(&store->connection, error);
}

bool
lc_redis_write_end(lc_store *base, GError **error)
{
    lc_redis_store *store = (lc_redis_store *)(void *)base;

    if (store->n_writes)
        prepare(store, &store->writes[0]);
    for (size_t i = 0; i < store->n_writes; i++)
        if (!write_partition(store, &store->writes[i], i + 1 < store->n_writes ? &store->writes[i + 1] : NULL, error))
            return false;
    return true;
}
