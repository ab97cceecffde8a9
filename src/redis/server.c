/* The server: whether it may be used, and whether it has evicted keys.
 *
 * A position is not to be believed once keys were evicted after it was written: any of its partition's may be among
 * them. So where the server has evicted any since its start, a position carries how many those were when it was written
 * ("@RUN_ID:COUNT" after it and the layout's sign), and whoever sees that there are more by now drops it: a partition
 * without one is made anew from the changelogs. Reads look after they have read, in the same round trip: no evicted
 * lead is ever taken for a new one. */
#include "parts.h"

#include <stdlib.h>

#define CHECK_EVERY_US (10 * G_USEC_PER_SEC)

char *
lc_redis_info_value(const char *info, const char *name)
{
    g_autofree char *start = g_strconcat("\n", name, ":", NULL);
    const char *at = strstr(info, start);

    return at ? g_strndup(at + strlen(start), strcspn(at + strlen(start), "\r\n")) : NULL;
}

/* ---- What it has evicted ---- */

static bool
has_partition(const lc_redis_store *store, int32_t partition)
{
    return store->has == NULL || store->has[partition];
}

static bool
is_believed(const lc_redis_store *store, const redisReply *position)
{
    return position->type != REDIS_REPLY_STRING || store->n_evicted == 0 ||
           g_str_has_suffix(position->str, store->mark);
}

lc_text
lc_redis_position(const redisReply *reply)
{
    lc_text position = lc_reply_text(reply);
    const size_t sign = strlen(LC_LAYOUT_SIGN);
    const char *mark = position.size ? memchr(position.data, '@', position.size) : NULL;
    size_t end = mark ? (size_t)(mark - position.data) : position.size;

    if (end < sign || memcmp(position.data + end - sign, LC_LAYOUT_SIGN, sign) != 0)
        return LC_NO_TEXT;
    return (lc_text){position.data, end - sign};
}

void
lc_redis_say_unlink(lc_redis_store *store, int32_t partition)
{
    lc_connection_command(&store->connection, 2);
    lc_connection_word(&store->connection, LC_TEXT("UNLINK"));
    lc_connection_words(&store->connection, lc_prefix(store, partition), LC_TEXT("applied"));
}

/* Drops the positions that are not believed, or all; `*n` is how many those were. */
static bool
drop_positions(lc_redis_store *store, bool all, int32_t *n, GError **error)
{
    g_autoptr(GArray) dropped = g_array_new(FALSE, FALSE, sizeof(int32_t));

    for (int32_t p = 0; p < store->partitions; p++)
        if (has_partition(store, p))
            lc_redis_say_get(&store->connection, lc_prefix(store, p), LC_TEXT("applied"));
    if (!lc_connection_send(&store->connection, error))
        return false;
    for (int32_t p = 0; p < store->partitions; p++) {
        if (!has_partition(store, p))
            continue;
        const redisReply *position = lc_connection_expect(&store->connection, error);
        if (position == NULL)
            return false;
        if (position->type == REDIS_REPLY_STRING && (all || !is_believed(store, position)))
            g_array_append_val(dropped, p);
    }
    *n = (int32_t)dropped->len;
    for (guint i = 0; i < dropped->len; i++)
        lc_redis_say_unlink(store, g_array_index(dropped, int32_t, i));
    if (dropped->len && !lc_connection_send(&store->connection, error))
        return false;
    for (guint i = 0; i < dropped->len; i++)
        if (!lc_connection_expect(&store->connection, error))
            return false;
    return true;
}

static gsize seen; /* atomic: the process' own count */

uint64_t
lc_redis_evictions_seen(void)
{
    return g_atomic_pointer_get(&seen);
}

static bool
take_evictions(lc_redis_store *store, GError **error)
{
    int32_t n = 0;

    if (!drop_positions(store, false, &n, error))
        return false;
    if (n == 0)
        return true;
    g_atomic_pointer_add(&seen, 1);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                     "Redis has evicted keys (%" G_GINT64_FORMAT
                     " since its start): any may be ours, so what it has of %d partitions is made anew from the "
                     "changelogs; keep its maxmemory-policy at noeviction",
                     store->n_evicted, n);
    return true;
}

/* Whether `info` tells of more than is known. */
static bool
note_evictions(lc_redis_store *store, const char *info)
{
    g_autofree char *evicted = lc_redis_info_value(info, "evicted_keys");
    g_autofree char *run_id = lc_redis_info_value(info, "run_id"); /* not in INFO stats: a connection is to one run */
    int64_t n = evicted ? g_ascii_strtoll(evicted, NULL, 10) : 0;
    bool is_same_run = run_id == NULL || g_strcmp0(run_id, store->run_id) == 0;
    bool has_more = n > 0 && !(is_same_run && n == store->n_evicted);

    if (run_id) {
        g_free(store->run_id);
        store->run_id = g_steal_pointer(&run_id);
    }
    store->n_evicted = n;
    g_free(store->mark);
    store->mark = n > 0 ? g_strdup_printf(LC_LAYOUT_SIGN "@%s:%" G_GINT64_FORMAT, store->run_id ? store->run_id : "", n)
                        : g_strdup(LC_LAYOUT_SIGN);
    return has_more;
}

void
lc_redis_ask_evictions(lc_redis_store *store)
{
    if (!store->is_blind)
        lc_connection_say(&store->connection, "INFO stats");
}

bool
lc_redis_take_evictions(lc_redis_store *store, GError **error)
{
    const redisReply *info = store->is_blind ? NULL : lc_connection_receive(&store->connection, error);

    if (store->is_blind)
        return true;
    if (info == NULL)
        return false;
    if (info->type == REDIS_REPLY_ERROR || !note_evictions(store, info->str))
        return true;
    if (take_evictions(store, error))
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "Redis has evicted keys");
    lc_connection_close(&store->connection);
    return false;
}

/* ---- Whether it may be used ---- */

/* Once, whoever sees it first. */
static void
tell_blindness(const char *what, const char *remedy)
{
    static gint told;

    if (g_atomic_int_compare_and_exchange(&told, 0, 1))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "Redis does not %s; it must be noeviction, and that keys were evicted would not be seen%s",
                         what, remedy);
}

/* What such a server does from now on is not seen: whoever uses it again, under whatever policy, makes it anew. */
static bool
refuse_policy(lc_redis_store *store, const char *policy, GError **error)
{
    bool evicts_ours = g_str_has_prefix(policy, "allkeys"); /* ours have no time to live */
    int32_t n = 0;

    if (evicts_ours && !drop_positions(store, true, &n, error))
        return false;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "Redis may evict keys: its maxmemory-policy is %s; set it to noeviction "
                "(CONFIG SET maxmemory-policy noeviction, and in redis.conf)%s",
                policy, evicts_ours ? "; then what it has is made anew from the changelogs" : "");
    return false;
}

static bool
check_info(lc_redis_store *store, const char *info, GError **error)
{
    g_autofree char *policy = lc_redis_info_value(info, "maxmemory_policy");
    g_autofree char *cluster = lc_redis_info_value(info, "cluster_enabled");
    g_autofree char *role = lc_redis_info_value(info, "role");
    g_autofree char *version = lc_redis_info_value(info, "redis_version");

    if (cluster && (strcmp(cluster, "1") == 0) != store->connection.address.is_cluster) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    store->connection.address.is_cluster
                        ? "this Redis is no cluster's; write %s:// in redis.url"
                        : "this Redis is a cluster's; write %s+cluster:// in redis.url, and some of its nodes",
                    lc_redis_address_scheme(&store->connection.address));
        return false;
    }
    if (version && atoi(version) < 4) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "Redis %s is too old; leadclock needs 4.0 or later", version);
        return false;
    }
    if (role && strcmp(role, "slave") == 0) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "this Redis is a replica and takes no writes");
        return false;
    }
    note_evictions(store, info);
    if (store->n_evicted > 0 && !take_evictions(store, error))
        return false;
    if (policy && strcmp(policy, "noeviction") != 0)
        return refuse_policy(store, policy, error);
    if (policy == NULL)
        tell_blindness("tell its maxmemory-policy", "");
    return true;
}

static bool
check_server(lc_redis_store *store, GError **error)
{
    store->checked_us = g_get_monotonic_time();
    lc_connection_say(&store->connection, "INFO");
    if (!lc_connection_send(&store->connection, error))
        return false;
    const redisReply *reply = lc_connection_receive(&store->connection, error);
    if (reply == NULL)
        return false;
    store->is_blind = reply->type == REDIS_REPLY_ERROR;
    if (!store->is_blind)
        return check_info(store, reply->str, error);
    if (!g_str_has_prefix(reply->str, "NOPERM"))
        return lc_connection_refuse(reply, error);
    g_clear_pointer(&store->mark, g_free);
    store->mark = g_strdup(LC_LAYOUT_SIGN);
    g_autofree char *what = g_strdup_printf("let us see its maxmemory-policy (%s)", reply->str);
    tell_blindness(what, "; `leadclock topics --acls` prints the ACL that its user needs");
    return true;
}

bool
lc_redis_connect(lc_redis_store *store, GError **error)
{
    bool is_new = store->connection.context == NULL;
    bool is_old = g_get_monotonic_time() - store->checked_us >= CHECK_EVERY_US;

    if (is_old && !lc_connection_is_to_master(&store->connection)) {
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the sentinels name another master of Redis by now");
        lc_connection_close(&store->connection);
        return false;
    }
    if (!lc_connection_open(&store->connection, error))
        return false;
    if ((!is_new && !is_old) || check_server(store, error))
        return true;
    lc_connection_close(&store->connection);
    return false;
}
