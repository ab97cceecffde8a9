/* cluster_map.c - the nodes of a cluster, by CLUSTER SLOTS. */
#include "cluster.h"

#define MAP_EVERY_US (60 * G_USEC_PER_SEC)
#define MAP_JITTER_US (10 * G_USEC_PER_SEC)

/* ---- Nodes ---- */

void
lc_cluster_node_free(void *data)
{
    lc_cluster_node *node = data;

    lc_store_free(&node->store->store);
    g_array_unref(node->reads);
    g_array_unref(node->writes);
    g_free(node->at.host);
    g_free(node->has);
    g_free(node);
}

static lc_cluster_node *
node_at(lc_redis_cluster *cluster, GPtrArray *nodes, const char *host, int port)
{
    lc_redis_address address;

    for (guint i = 0; i < nodes->len; i++) {
        lc_cluster_node *node = nodes->pdata[i];
        if (lc_redis_is_at(&node->at, host, port))
            return node;
    }
    lc_cluster_node *node = g_new0(lc_cluster_node, 1);
    lc_redis_address_of_node(&address, &cluster->address, host, port);
    *node = (lc_cluster_node){
        .at = {g_strdup(host), port},
        .store = lc_redis_store_at(address, cluster->name),
        .has = g_new0(bool, (gsize)cluster->partitions + 1),
        .reads = g_array_new(FALSE, FALSE, sizeof(lc_store_read)),
        .writes = g_array_new(FALSE, FALSE, sizeof(lc_store_write)),
    };
    node->store->has = node->has;
    node->store->layout_is_elsewhere = node->store->layout_is_noted = true;
    g_ptr_array_add(nodes, node);
    return node;
}

/* ---- The map: CLUSTER SLOTS ---- */

/* A host that is empty or null is the one that was asked. */
static const char *
host_of(const redisReply *host, const char *asked)
{
    return host->type == REDIS_REPLY_STRING && host->len ? host->str : asked;
}

static bool
refuse_map(const lc_connection *asking, const redisReply *reply, const lc_redis_endpoint *at, GError **error)
{
    bool is_no_cluster = strstr(reply->str, "cluster support disabled") || g_str_has_prefix(reply->str, "ERR unknown");

    if (!is_no_cluster)
        return lc_connection_refuse(reply, error);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "the Redis at %s:%d says \"%s\" when asked for its slots; where it is no cluster's, write %s:// in "
                "redis.url",
                at->host, at->port, reply->str, lc_redis_address_scheme(&asking->address));
    return false;
}

/* One that was cut off from the others still tells the map of before. */
static bool
is_with_others(const redisReply *info, const lc_redis_endpoint *at, GError **error)
{
    if (info->type == REDIS_REPLY_ERROR)
        return lc_connection_refuse(info, error);
    if (strstr(info->str, "cluster_state:ok"))
        return true;
    g_autofree char *served = lc_redis_info_value(info->str, "cluster_slots_ok");
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                "the Redis at %s:%d says that the cluster is down (it serves %s of 16384 slots); `redis-cli --cluster "
                "check` says what is missing",
                at->host, at->port, served ? served : "?");
    return false;
}

static const redisReply *
ask_connected(lc_connection *asking, const lc_redis_endpoint *at, GError **error)
{
    lc_connection_say(asking, "CLUSTER SLOTS");
    lc_connection_say(asking, "CLUSTER INFO");
    const redisReply *map = lc_connection_send(asking, error) ? lc_connection_receive(asking, error) : NULL;
    if (map == NULL || (map->type == REDIS_REPLY_ERROR && !refuse_map(asking, map, at, error)))
        return NULL;
    const redisReply *info = lc_connection_receive(asking, error);
    return info && is_with_others(info, at, error) ? map : NULL;
}

/* The answer of one node, in an arena; NULL: it gives none that is to be believed. */
static const redisReply *
ask_map(lc_redis_cluster *cluster, const lc_redis_endpoint *at, lc_arena *arena, GError **error)
{
    lc_connection asking;
    lc_redis_address address;

    lc_redis_address_of_node(&address, &cluster->address, at->host, at->port);
    lc_connection_init(&asking, address);
    asking.replies = arena;
    const redisReply *map = lc_connection_open(&asking, error) ? ask_connected(&asking, at, error) : NULL;
    lc_connection_clear(&asking);
    return map;
}

static lc_cluster_node *
node_of_slot(lc_redis_cluster *cluster, GPtrArray *nodes, const redisReply *map, unsigned slot, const char *asked)
{
    for (size_t i = 0; i < map->elements; i++) {
        redisReply *const *range = map->element[i]->element;
        if (range[0]->integer > slot || slot > range[1]->integer)
            continue;
        const redisReply *master = range[2];
        return node_at(cluster, nodes, host_of(master->element[0], asked), (int)master->element[1]->integer);
    }
    return NULL;
}

/* The nodes that `map` gives to partitions and to the layout. False: some slot is nobody's. */
static bool
place(lc_redis_cluster *cluster, const redisReply *map, const char *asked, GPtrArray *nodes, lc_cluster_node **node_of,
      lc_cluster_node **of_layout, GError **error)
{
    g_autofree char *layout = g_strconcat(cluster->name, ":layout", NULL);
    unsigned slot = lc_redis_slot(layout);

    *of_layout = node_of_slot(cluster, nodes, map, slot, asked);
    lc_cluster_node *last = *of_layout;
    for (int32_t p = 0; last && p < cluster->partitions; p++) {
        slot = lc_redis_slot(cluster->prefixes[p]);
        last = node_of[p] = node_of_slot(cluster, nodes, map, slot, asked);
        if (last)
            last->has[p] = true;
    }
    if (last == NULL)
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                    "slot %u of the Redis cluster is served by no node; `redis-cli --cluster fix` gives it one", slot);
    else
        (*of_layout)->store->layout_is_elsewhere = false;
    return last != NULL;
}

static bool
is_same_map(const lc_redis_cluster *cluster, lc_cluster_node *const *node_of, const lc_cluster_node *of_layout)
{
    bool is_same = lc_redis_is_at(&cluster->of_layout->at, of_layout->at.host, of_layout->at.port);

    for (int32_t p = 0; is_same && p < cluster->partitions; p++)
        is_same = lc_redis_is_at(&cluster->node_of[p]->at, node_of[p]->at.host, node_of[p]->at.port);
    return is_same;
}

/* Takes what was made of a map, in place of what there is. */
static void
adopt(lc_redis_cluster *cluster, GPtrArray *nodes, lc_cluster_node **node_of, lc_cluster_node *of_layout)
{
    g_ptr_array_unref(cluster->nodes);
    g_free(cluster->node_of);
    cluster->nodes = nodes;
    cluster->node_of = node_of;
    cluster->of_layout = of_layout;
}

/* Asks `at` for the map; adopts it, or says in `*has_changed` whether it is another than the one there is. */
static bool
take_map(lc_redis_cluster *cluster, const lc_redis_endpoint *at, bool *has_changed, GError **error)
{
    lc_arena arena = {0};
    GPtrArray *nodes = g_ptr_array_new_with_free_func(lc_cluster_node_free);
    lc_cluster_node **node_of = g_new0(lc_cluster_node *, (gsize)cluster->partitions + 1), *of_layout = NULL;
    const redisReply *map = ask_map(cluster, at, &arena, error);
    bool done = map && place(cluster, map, at->host, nodes, node_of, &of_layout, error);

    if (done && has_changed)
        *has_changed = !is_same_map(cluster, node_of, of_layout);
    if (done && has_changed == NULL) {
        adopt(cluster, nodes, node_of, of_layout);
    } else {
        g_ptr_array_unref(nodes);
        g_free(node_of);
    }
    lc_arena_clear(&arena);
    return done;
}

bool
lc_cluster_find_map(lc_redis_cluster *cluster, bool *has_changed, GError **error)
{
    g_autoptr(GPtrArray) asked = g_ptr_array_new();
    GError *reason = NULL;

    cluster->map_due_us = g_get_monotonic_time() + MAP_EVERY_US + g_random_int_range(0, MAP_JITTER_US);
    for (guint i = 0; i < cluster->address.endpoints->len; i++)
        g_ptr_array_add(asked, cluster->address.endpoints->pdata[i]);
    for (guint i = 0; i < cluster->nodes->len; i++)
        g_ptr_array_add(asked, &((lc_cluster_node *)cluster->nodes->pdata[i])->at);
    for (guint i = 0; i < asked->len; i++) {
        g_clear_error(&reason);
        if (take_map(cluster, asked->pdata[i], has_changed, &reason)) {
            if (i > 0 && i < cluster->address.endpoints->len) { /* asked first from now on */
                cluster->address.endpoints->pdata[i] = cluster->address.endpoints->pdata[0];
                cluster->address.endpoints->pdata[0] = asked->pdata[i];
            }
            return true;
        }
    }
    g_propagate_error(error, reason);
    return false;
}

bool
lc_cluster_list_masters(lc_redis_cluster *cluster, GPtrArray *nodes, GError **error)
{
    g_autofree char *layout = g_strconcat(cluster->name, ":layout", NULL);
    GPtrArray *named = cluster->address.endpoints;
    GError *reason = NULL;
    lc_arena arena = {0};
    const redisReply *map = NULL;
    const char *asked = NULL;

    for (guint i = 0; map == NULL && i < named->len; i++) {
        const lc_redis_endpoint *at = named->pdata[i];
        g_clear_error(&reason);
        map = ask_map(cluster, at, &arena, &reason);
        asked = at->host;
    }
    for (size_t i = 0; map && i < map->elements; i++)
        node_of_slot(cluster, nodes, map, (unsigned)map->element[i]->element[0]->integer, asked);
    lc_cluster_node *last = map ? node_of_slot(cluster, nodes, map, lc_redis_slot(layout), asked) : NULL;
    if (last) {
        last->store->layout_is_elsewhere = false;
        guint at = 0;
        g_ptr_array_find(nodes, last, &at);
        g_ptr_array_add(nodes, g_ptr_array_steal_index(nodes, at));
    } else if (reason == NULL) {
        g_set_error(&reason, LC_ERROR, LC_ERROR_RETRY, "the Redis cluster has slots that no node serves");
    }
    lc_arena_clear(&arena);
    if (reason)
        g_propagate_error(error, reason);
    return last != NULL;
}
