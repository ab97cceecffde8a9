/* lc_store on hiredis: opening, scanning. */
#include "parts.h"

#include <stdlib.h>

#define KEYS_A_SCAN 5000
#define LEADS_A_SCAN 2000 /* with their states */

static lc_redis_store *
redis_store_of(lc_store *store)
{
    return (lc_redis_store *)(void *)store;
}

/* ---- What is there ---- */

const redisReply *
lc_redis_ask_layout(lc_redis_store *store, GError **error)
{
    lc_connection *redis = &store->connection;

    lc_redis_say_get(redis, lc_text_of(store->name), LC_TEXT(":layout"));
    return lc_connection_send(redis, error) ? lc_connection_expect(redis, error) : NULL;
}

static void
tell_old_layout(const lc_redis_store *store, lc_text found)
{
    g_log_structured(
        G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
        "Redis holds layout %.*s under \"%s:layout\", an earlier version's: it is as good as empty, and is "
        "made anew from the changelogs by whoever runs",
        LC_TEXT_ARGS(found), store->name);
}

/* One of an earlier version, for as many partitions. */
static bool
is_old_layout(const lc_redis_store *store, lc_text found)
{
    for (int version = 1; version < LC_LAYOUT; version++) {
        g_autofree char *old = g_strdup_printf("%d:%d", version, store->partitions);
        if (lc_text_equal(found, lc_text_of(old)))
            return true;
    }
    return false;
}

static bool
check_layout(lc_redis_store *store, GError **error)
{
    g_autofree char *ours = g_strdup_printf("%d:%d", LC_LAYOUT, store->partitions);
    const redisReply *reply = lc_redis_ask_layout(store, error);

    if (reply == NULL)
        return false;
    lc_text found = lc_reply_text(reply);
    bool was_old = store->layout_is_old;
    store->layout_is_noted = lc_text_equal(found, lc_text_of(ours));
    store->layout_is_old = !store->layout_is_noted && is_old_layout(store, found);
    if (store->layout_is_old && !was_old)
        tell_old_layout(store, found);
    if (store->layout_is_noted || store->layout_is_old || lc_text_is_absent(found))
        return true;
    g_set_error(
        error, LC_ERROR, LC_ERROR_CONFIG,
        "Redis holds layout %.*s under \"%s:layout\" (version:partitions), and ours is %s. Where another "
        "service has this name: give this one another. Where the number of partitions was changed: " LC_AFTER_GROWTH,
        LC_TEXT_ARGS(found), store->name, ours);
    return false;
}

static bool
say_layout(lc_redis_store *store, bool replace, GError **error)
{
    lc_connection *redis = &store->connection;
    g_autofree char *ours = g_strdup_printf("%d:%d", LC_LAYOUT, store->partitions);

    lc_connection_command(redis, 3);
    lc_connection_word(redis, replace ? LC_TEXT("SET") : LC_TEXT("SETNX"));
    lc_connection_words(redis, lc_text_of(store->name), LC_TEXT(":layout"));
    lc_connection_word(redis, lc_text_of(ours));
    return lc_connection_send(redis, error) && lc_connection_expect(redis, error);
}

bool
lc_redis_note_layout(lc_redis_store *store, GError **error)
{
    if (store->layout_is_elsewhere)
        return true;
    if (!check_layout(store, error))
        return false;
    if (store->layout_is_noted)
        return true;
    /* Positions of an earlier one are not believed: its partitions are emptied, of whatever keys, and made anew. */
    return say_layout(store, store->layout_is_old, error) && check_layout(store, error);
}

bool
lc_redis_open_layout(lc_redis_store *store, GError **error)
{
    return check_layout(store, error) && (store->layout_is_old || lc_redis_note_layout(store, error));
}

static void
free_dues(lc_redis_store *store)
{
    for (int32_t p = 0; store->dues && p < store->partitions; p++)
        lc_due_free(store->dues[p]);
    g_clear_pointer(&store->dues, g_free);
}

bool
lc_redis_name_keys(lc_redis_store *store, int32_t partitions, GError **error)
{
    if (partitions < 1 || partitions > LC_MAX_PARTITIONS) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%d partitions; from 1 to %d can be kept in Redis", partitions,
                    LC_MAX_PARTITIONS);
        return false;
    }
    if (store->partitions == partitions)
        return true;
    free_dues(store);
    store->dues = g_new0(lc_due *, (gsize)partitions);
    g_strfreev(store->prefixes);
    store->prefixes = g_new0(char *, (gsize)partitions + 1);
    for (int32_t p = 0; p < partitions; p++) {
        g_autofree char *tag = lc_redis_tag(p, partitions);
        store->prefixes[p] = g_strdup_printf("%s:{%s}:", store->name, tag);
    }
    store->partitions = partitions;
    return true;
}

static bool
redis_open(lc_store *base, int32_t partitions, GError **error)
{
    lc_redis_store *store = redis_store_of(base);

    lc_arena_reset(&store->write_arena);
    store->connection.replies = &store->write_arena;
    lc_connection_close(&store->connection); /* a new one is looked at before it is used */
    store->layout_is_old = false;
    if (lc_redis_name_keys(store, partitions, error) && lc_redis_connect(store, error) &&
        lc_redis_open_layout(store, error))
        return true;
    lc_connection_close(&store->connection);
    return false;
}

/* ---- Scanning ---- */

char *
lc_redis_pattern(const char *literal, const char *rest)
{
    GString *pattern = g_string_new(NULL);

    for (; *literal; literal++) {
        if (strchr("*?[]\\^-", *literal))
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, *literal);
    }
    g_string_append(pattern, rest);
    return g_string_free(pattern, FALSE);
}

void
lc_redis_say_scan(lc_connection *connection, const char *cursor, const char *pattern)
{
    lc_connection_command(connection, 6);
    lc_connection_word(connection, LC_TEXT("SCAN"));
    lc_connection_word(connection, lc_text_of(cursor));
    lc_connection_word(connection, LC_TEXT("MATCH"));
    lc_connection_word(connection, lc_text_of(pattern));
    lc_connection_word(connection, LC_TEXT("COUNT"));
    lc_connection_number(connection, KEYS_A_SCAN);
}

static void
take_keys(lc_redis_store *store, int32_t partition, const redisReply *keys)
{
    g_autofree char *position = g_strconcat(store->prefixes[partition], "applied", NULL);

    g_array_set_size(store->scanned_keys, 0);
    for (size_t i = 0; i < keys->elements; i++) {
        lc_text key = lc_reply_text(keys->element[i]);
        if (!lc_text_equal(key, lc_text_of(position)))
            g_array_append_val(store->scanned_keys, key);
    }
}

static bool
redis_scan(lc_store *base, int32_t partition, uint64_t *cursor, lc_text **keys, size_t *n, GError **error)
{
    lc_redis_store *store = redis_store_of(base);
    lc_connection *redis = &store->connection;
    g_autofree char *pattern = lc_redis_pattern(store->prefixes[partition], "*");
    char from[32];

    lc_arena_reset(&store->scan_arena);
    redis->replies = &store->scan_arena;
    if (!lc_redis_connect(store, error))
        return false;
    g_snprintf(from, sizeof from, "%" G_GUINT64_FORMAT, *cursor);
    lc_redis_say_scan(redis, from, pattern);
    if (!lc_connection_send(redis, error))
        return false;
    const redisReply *scanned = lc_connection_expect(redis, error);
    if (scanned == NULL)
        return false;
    take_keys(store, partition, scanned->element[1]);
    *cursor = strtoull(scanned->element[0]->str, NULL, 10);
    *keys = (lc_text *)(void *)store->scanned_keys->data;
    *n = store->scanned_keys->len;
    return true;
}

/* ---- Leads ---- */

/* A cursor is that of HSCAN, and in its highest bits the hash. */
#define BUCKET_SHIFT 56

static const redisReply *
ask_fields(lc_redis_store *store, int32_t partition, uint64_t cursor, GError **error)
{
    lc_connection *redis = &store->connection;
    char from[32];

    g_snprintf(from, sizeof from, "%" G_GUINT64_FORMAT, cursor & ((UINT64_C(1) << BUCKET_SHIFT) - 1));
    lc_connection_command(redis, 5);
    lc_connection_word(redis, LC_TEXT("HSCAN"));
    lc_redis_say_bucket(redis, lc_prefix(store, partition), (unsigned)(cursor >> BUCKET_SHIFT));
    lc_connection_word(redis, lc_text_of(from));
    lc_connection_word(redis, LC_TEXT("COUNT"));
    lc_connection_number(redis, LEADS_A_SCAN);
    return lc_connection_send(redis, error) ? lc_connection_expect(redis, error) : NULL;
}

static bool
redis_scan_leads(lc_store *base, int32_t partition, uint64_t *cursor, lc_text **ids, size_t *n, GError **error)
{
    lc_redis_store *store = redis_store_of(base);

    lc_arena_reset(&store->scan_arena);
    store->connection.replies = &store->scan_arena;
    const redisReply *scanned = lc_redis_connect(store, error) ? ask_fields(store, partition, *cursor, error) : NULL;
    if (scanned == NULL)
        return false;
    const redisReply *fields = scanned->element[1];
    *n = fields->elements / 2;
    *ids = lc_arena_new(&store->scan_arena, lc_text, *n);
    for (size_t i = 0; i < *n; i++)
        (*ids)[i] = lc_redis_take_id(&store->scan_arena, lc_reply_text(fields->element[2 * i]));
    uint64_t bucket = *cursor >> BUCKET_SHIFT, next = strtoull(scanned->element[0]->str, NULL, 10);
    if (next)
        *cursor = bucket << BUCKET_SHIFT | next;
    else
        *cursor = bucket + 1 < LC_LEAD_BUCKETS ? (bucket + 1) << BUCKET_SHIFT : 0;
    return true;
}

/* ---- Life ---- */

static void
redis_free(lc_store *base)
{
    lc_redis_store *store = redis_store_of(base);

    lc_connection_clear(&store->connection);
    lc_arena_clear(&store->read_arena);
    lc_arena_clear(&store->write_arena);
    lc_arena_clear(&store->scan_arena);
    g_string_free(store->ahead, TRUE);
    g_array_unref(store->scanned_keys);
    free_dues(store);
    g_strfreev(store->prefixes);
    g_free(store->run_id);
    g_free(store->mark);
    g_free(store->name);
    g_free(store);
}

static const lc_store_ops ops = {
    .open = redis_open,
    .read_begin = lc_redis_read_begin,
    .read_end = lc_redis_read_end,
    .write_begin = lc_redis_write_begin,
    .write_end = lc_redis_write_end,
    .scan = redis_scan,
    .scan_leads = redis_scan_leads,
    .free = redis_free,
};

lc_redis_store *
lc_redis_store_at(lc_redis_address address, const char *name)
{
    lc_redis_store *store = g_new0(lc_redis_store, 1);

    store->store.ops = &ops;
    store->name = g_strdup(name);
    store->mark = g_strdup(LC_LAYOUT_SIGN);
    store->ahead = g_string_new(NULL);
    store->scanned_keys = g_array_new(FALSE, FALSE, sizeof(lc_text));
    lc_connection_init(&store->connection, address);
    return store;
}

lc_store *
lc_redis_store_new(const lc_redis_options *options, GError **error)
{
    lc_redis_address address;

    if (*options->name == '\0' || strpbrk(options->name, "{}")) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "name: \"%s\" can't start Redis keys; use one without { and }",
                    options->name);
        return NULL;
    }
    if (lc_redis_address_init(&address, options, error))
        return address.is_cluster ? lc_redis_cluster_new(address, options->name)
                                  : &lc_redis_store_at(address, options->name)->store;
    lc_redis_address_clear(&address);
    return NULL;
}
