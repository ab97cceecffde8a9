/* For reset: what is there under a name, whatever the number of partitions, and without it. */
#include "parts.h"

#include <stdlib.h>

static bool
read_partitions(lc_redis_store *store, void *data, GError **error)
{
    int32_t *partitions = data;

    if (store->layout_is_elsewhere)
        return true;
    const redisReply *reply = lc_redis_ask_layout(store, error);
    if (reply == NULL)
        return false;
    lc_text found = lc_reply_text(reply);
    g_autofree char *text = g_strndup(found.data, found.size);
    const char *colon = text ? strchr(text, ':') : NULL;
    *partitions = colon ? atoi(colon + 1) : 0;
    return true;
}

/* The layout may be that of another number, so the store is not opened. */
bool
lc_redis_partitions(const lc_redis_options *options, int32_t *partitions, GError **error)
{
    return lc_redis_each_node(options, read_partitions, partitions, error);
}

/* In one command, but in a cluster: there it may only name keys of one slot. */
static bool
unlink_keys(lc_redis_store *store, const redisReply *keys, GError **error)
{
    size_t n_commands = keys->elements == 0 ? 0 : store->connection.address.is_cluster ? keys->elements : 1;

    for (size_t c = 0; c < n_commands; c++) {
        size_t n = keys->elements / n_commands;
        lc_connection_command(&store->connection, n + 1);
        lc_connection_word(&store->connection, LC_TEXT("UNLINK"));
        for (size_t i = c; i < c + n; i++)
            lc_connection_word(&store->connection, lc_reply_text(keys->element[i]));
    }
    if (!lc_connection_send(&store->connection, error))
        return false;
    for (size_t c = 0; c < n_commands; c++)
        if (!lc_connection_expect(&store->connection, error))
            return false;
    return true;
}

/* Nothing of another name. */
static bool
unlink_all(lc_redis_store *store, GError **error)
{
    g_autofree char *pattern = lc_redis_pattern(store->name, ":{*}:*"), *cursor = g_strdup("0");

    do {
        lc_arena_reset(&store->read_arena);
        lc_redis_say_scan(&store->connection, cursor, pattern);
        const redisReply *found =
            lc_connection_send(&store->connection, error) ? lc_connection_expect(&store->connection, error) : NULL;
        if (found == NULL || !unlink_keys(store, found->element[1], error))
            return false;
        g_free(cursor);
        cursor = g_strdup(found->element[0]->str);
    } while (strcmp(cursor, "0") != 0);
    return true;
}

/* Last, so that what was cut off is still seen. */
static bool
unlink_layout(lc_redis_store *store, GError **error)
{
    lc_connection_command(&store->connection, 2);
    lc_connection_word(&store->connection, LC_TEXT("UNLINK"));
    lc_connection_words(&store->connection, lc_text_of(store->name), LC_TEXT(":layout"));
    return lc_connection_send(&store->connection, error) && lc_connection_expect(&store->connection, error);
}

static bool
forget(lc_redis_store *store, void *data, GError **error)
{
    (void)data;
    return unlink_all(store, error) && (store->layout_is_elsewhere || unlink_layout(store, error));
}

bool
lc_redis_forget(const lc_redis_options *options, GError **error)
{
    return lc_redis_each_node(options, forget, NULL, error);
}
