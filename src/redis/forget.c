/* For reset: what is there under a name, whatever the number of partitions, and without it. */
#include "parts.h"

#include <stdlib.h>

/* The keys of one call; the layout goes last, so that what was cut off is still seen. */
#define SCAN_COUNT 5000

/* A store that is not opened: its layout may be another. NULL: the server is away, or must not be used. */
static lc_redis_store *
visit(const lc_redis_options *options, GError **error)
{
    lc_store *base = lc_redis_store_new(options, error);
    lc_redis_store *store = (lc_redis_store *)(void *)base;

    if (store == NULL)
        return NULL;
    store->connection.replies = &store->read_arena;
    if (lc_redis_connect(store, error))
        return store;
    lc_store_free(base);
    return NULL;
}

static void
leave(lc_redis_store *store)
{
    lc_store_free(&store->store);
}

static const redisReply *
ask_layout(lc_redis_store *store, GError **error)
{
    lc_connection_command(&store->connection, 2);
    lc_connection_word(&store->connection, LC_TEXT("GET"));
    lc_connection_words(&store->connection, lc_text_of(store->name), LC_TEXT(":layout"));
    return lc_connection_send(&store->connection, error) ? lc_connection_expect(&store->connection, error) : NULL;
}

bool
lc_redis_partitions(const lc_redis_options *options, int32_t *partitions, GError **error)
{
    lc_redis_store *store = visit(options, error);
    const redisReply *reply = store ? ask_layout(store, error) : NULL;

    if (reply) {
        lc_text found = lc_reply_text(reply);
        g_autofree char *text = g_strndup(found.data, found.size);
        const char *colon = text ? strchr(text, ':') : NULL;
        *partitions = colon ? atoi(colon + 1) : 0;
    }
    if (store)
        leave(store);
    return reply != NULL;
}

/* "NAME:{*}:*", nothing of another name. */
static char *
pattern_of(const char *name)
{
    g_autoptr(GString) pattern = g_string_new(NULL);

    for (; *name; name++) {
        if (strchr("*?[]\\^-", *name))
            g_string_append_c(pattern, '\\');
        g_string_append_c(pattern, *name);
    }
    g_string_append(pattern, ":{*}:*");
    return g_steal_pointer(&pattern->str);
}

static bool
unlink_keys(lc_redis_store *store, const redisReply *keys, GError **error)
{
    if (keys->elements == 0)
        return true;
    lc_connection_command(&store->connection, keys->elements + 1);
    lc_connection_word(&store->connection, LC_TEXT("UNLINK"));
    for (size_t i = 0; i < keys->elements; i++)
        lc_connection_word(&store->connection, lc_reply_text(keys->element[i]));
    return lc_connection_send(&store->connection, error) && lc_connection_expect(&store->connection, error);
}

static bool
unlink_all(lc_redis_store *store, GError **error)
{
    g_autofree char *pattern = pattern_of(store->name), *cursor = g_strdup("0");

    do {
        lc_arena_reset(&store->read_arena);
        lc_connection_command(&store->connection, 6);
        lc_connection_word(&store->connection, LC_TEXT("SCAN"));
        lc_connection_word(&store->connection, lc_text_of(cursor));
        lc_connection_word(&store->connection, LC_TEXT("MATCH"));
        lc_connection_word(&store->connection, lc_text_of(pattern));
        lc_connection_word(&store->connection, LC_TEXT("COUNT"));
        lc_connection_number(&store->connection, SCAN_COUNT);
        const redisReply *found =
            lc_connection_send(&store->connection, error) ? lc_connection_expect(&store->connection, error) : NULL;
        if (found == NULL || !unlink_keys(store, found->element[1], error))
            return false;
        g_free(cursor);
        cursor = g_strdup(found->element[0]->str);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

static bool
unlink_layout(lc_redis_store *store, GError **error)
{
    lc_connection_command(&store->connection, 2);
    lc_connection_word(&store->connection, LC_TEXT("UNLINK"));
    lc_connection_words(&store->connection, lc_text_of(store->name), LC_TEXT(":layout"));
    return lc_connection_send(&store->connection, error) && lc_connection_expect(&store->connection, error);
}

bool
lc_redis_forget(const lc_redis_options *options, GError **error)
{
    lc_redis_store *store = visit(options, error);
    bool done = store && unlink_all(store, error) && unlink_layout(store, error);

    if (store)
        leave(store);
    return done;
}
