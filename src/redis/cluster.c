/* cluster.c - a store of many nodes: a partition's commands all go to the node that has its slot, by a store for each
 * node. The map of slots is asked for at each opening, so after each lost connection and each MOVED, and once a minute;
 * a slot that is being moved (ASK, TRYAGAIN) is waited for, and never followed. */
#include "cluster.h"

static lc_redis_cluster *
cluster_of(lc_store *store)
{
    return (lc_redis_cluster *)(void *)store;
}

static void
close_all(lc_redis_cluster *cluster)
{
    for (guint i = 0; i < cluster->nodes->len; i++)
        lc_connection_close(&((lc_cluster_node *)cluster->nodes->pdata[i])->store->connection);
}

static bool
note_layout(lc_redis_cluster *cluster, bool (*note)(lc_redis_store *store, GError **error), GError **error)
{
    lc_redis_store *store = cluster->of_layout->store;

    store->connection.replies = &store->write_arena;
    return lc_redis_connect(store, error) && note(store, error);
}

/* Keys are named as in a store of one server, which tells what can't be. */
static bool
name_keys(lc_redis_cluster *cluster, int32_t partitions, GError **error)
{
    lc_redis_address none = {.endpoints = g_ptr_array_new()};
    lc_redis_store *naming = lc_redis_store_at(none, cluster->name);
    bool done = lc_redis_name_keys(naming, partitions, error);

    if (done) {
        g_strfreev(cluster->prefixes);
        cluster->prefixes = g_steal_pointer(&naming->prefixes);
        cluster->partitions = partitions;
    }
    lc_store_free(&naming->store);
    return done;
}

static bool
cluster_open(lc_store *base, int32_t partitions, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);

    close_all(cluster);
    if ((cluster->partitions != partitions && !name_keys(cluster, partitions, error)) ||
        !lc_cluster_find_map(cluster, NULL, error))
        return false;
    for (guint i = 0; i < cluster->nodes->len; i++)
        if (!lc_redis_name_keys(((lc_cluster_node *)cluster->nodes->pdata[i])->store, partitions, error))
            return false;
    return note_layout(cluster, lc_redis_open_layout, error);
}

/* ---- Reads and writes: each node's go to its store, copies that are brought back ---- */

/* What was begun with other nodes is not worth sorting out. */
static bool
end_or_close(lc_redis_cluster *cluster, bool done)
{
    if (!done)
        close_all(cluster);
    return done;
}

static bool
look_at_map(lc_redis_cluster *cluster, GError **error)
{
    bool has_changed = false;

    if (g_get_monotonic_time() < cluster->map_due_us || !lc_cluster_find_map(cluster, &has_changed, NULL) ||
        !has_changed)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "slots of the Redis cluster have moved");
    return false;
}

static bool
cluster_read_begin(lc_store *base, lc_store_read *reads, size_t n, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);
    bool done = look_at_map(cluster, error);

    cluster->reads = reads;
    cluster->n_reads = n;
    for (guint i = 0; i < cluster->nodes->len; i++)
        g_array_set_size(((lc_cluster_node *)cluster->nodes->pdata[i])->reads, 0);
    for (size_t i = 0; i < n; i++)
        g_array_append_val(cluster->node_of[reads[i].partition]->reads, reads[i]);
    for (guint i = 0; done && i < cluster->nodes->len; i++) {
        lc_cluster_node *node = cluster->nodes->pdata[i];
        lc_store_read *first = (lc_store_read *)(void *)node->reads->data;
        done = node->reads->len == 0 || lc_store_read_begin(&node->store->store, first, node->reads->len, error);
    }
    return end_or_close(cluster, done);
}

static bool
end_reads(lc_cluster_node *node, size_t *bytes, GError **error)
{
    if (node->reads->len == 0)
        return true;
    node->store->read_bytes = *bytes;
    bool done = lc_store_read_end(&node->store->store, error);
    *bytes = node->store->read_bytes;
    return done;
}

/* The bound in bytes is that of all nodes together; the first read is never the one that is left out. */
static bool
cluster_read_end(lc_store *base, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);
    lc_cluster_node *first = cluster->n_reads ? cluster->node_of[cluster->reads[0].partition] : NULL;
    size_t bytes = 0;
    bool done = first == NULL || end_reads(first, &bytes, error);

    for (guint i = 0; done && i < cluster->nodes->len; i++)
        if (cluster->nodes->pdata[i] != first)
            done = end_reads(cluster->nodes->pdata[i], &bytes, error);
    for (size_t i = cluster->n_reads; done && i-- > 0;) {
        GArray *copies = cluster->node_of[cluster->reads[i].partition]->reads;
        cluster->reads[i] = g_array_index(copies, lc_store_read, copies->len - 1);
        g_array_set_size(copies, copies->len - 1);
    }
    return end_or_close(cluster, done);
}

/* Where a node was found empty, all may have been emptied, the one with the layout too. */
static bool
keep_layout(lc_redis_cluster *cluster, GError **error)
{
    bool is_noted = true;

    for (guint i = 0; i < cluster->nodes->len; i++) {
        lc_redis_store *store = ((lc_cluster_node *)cluster->nodes->pdata[i])->store;
        is_noted = is_noted && store->layout_is_noted;
        store->layout_is_noted = true;
    }
    return is_noted || note_layout(cluster, lc_redis_note_layout, error);
}

static bool
cluster_write_begin(lc_store *base, lc_store_write *writes, size_t n, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);
    bool done = keep_layout(cluster, error);

    cluster->writes = writes;
    cluster->n_writes = n;
    for (guint i = 0; i < cluster->nodes->len; i++)
        g_array_set_size(((lc_cluster_node *)cluster->nodes->pdata[i])->writes, 0);
    for (size_t i = 0; i < n; i++) {
        writes[i].written = false;
        g_array_append_val(cluster->node_of[writes[i].partition]->writes, writes[i]);
    }
    for (guint i = 0; done && i < cluster->nodes->len; i++) {
        lc_cluster_node *node = cluster->nodes->pdata[i];
        lc_store_write *first = (lc_store_write *)(void *)node->writes->data;
        done = node->writes->len == 0 || lc_store_write_begin(&node->store->store, first, node->writes->len, error);
    }
    return end_or_close(cluster, done);
}

static bool
cluster_write_end(lc_store *base, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);
    bool done = true;

    for (guint i = 0; done && i < cluster->nodes->len; i++) {
        lc_cluster_node *node = cluster->nodes->pdata[i];
        done = node->writes->len == 0 || lc_store_write_end(&node->store->store, error);
    }
    for (size_t i = cluster->n_writes; i-- > 0;) {
        GArray *copies = cluster->node_of[cluster->writes[i].partition]->writes;
        cluster->writes[i].written = g_array_index(copies, lc_store_write, copies->len - 1).written;
        g_array_set_size(copies, copies->len - 1);
    }
    return end_or_close(cluster, done);
}

static bool
cluster_scan(lc_store *base, int32_t partition, uint64_t *cursor, lc_text **keys, size_t *n, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);
    lc_store *node = &cluster->node_of[partition]->store->store;

    return end_or_close(cluster, lc_store_scan(node, partition, cursor, keys, n, error));
}

static bool
cluster_scan_leads(lc_store *base, int32_t partition, uint64_t *cursor, lc_text **ids, size_t *n, GError **error)
{
    lc_redis_cluster *cluster = cluster_of(base);
    lc_store *node = &cluster->node_of[partition]->store->store;

    return end_or_close(cluster, lc_store_scan_leads(node, partition, cursor, ids, n, error));
}

/* ---- One node after the other ---- */

static bool
visit_store(lc_redis_store *store, lc_redis_visit visit, void *data, GError **error)
{
    store->connection.replies = &store->read_arena;
    return lc_redis_connect(store, error) && visit(store, data, error);
}

static bool
visit_masters(lc_redis_cluster *cluster, lc_redis_visit visit, void *data, GError **error)
{
    g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func(lc_cluster_node_free);
    bool done = lc_cluster_list_masters(cluster, nodes, error);

    for (guint i = 0; done && i < nodes->len; i++)
        done = visit_store(((lc_cluster_node *)nodes->pdata[i])->store, visit, data, error);
    return done;
}

/* ---- Life ---- */

static void
cluster_free(lc_store *base)
{
    lc_redis_cluster *cluster = cluster_of(base);

    g_ptr_array_unref(cluster->nodes);
    lc_redis_address_clear(&cluster->address);
    g_strfreev(cluster->prefixes);
    g_free(cluster->node_of);
    g_free(cluster->name);
    g_free(cluster);
}

static const lc_store_ops ops = {
    .open = cluster_open,
    .read_begin = cluster_read_begin,
    .read_end = cluster_read_end,
    .write_begin = cluster_write_begin,
    .write_end = cluster_write_end,
    .scan = cluster_scan,
    .scan_leads = cluster_scan_leads,
    .free = cluster_free,
};

lc_store *
lc_redis_cluster_new(lc_redis_address address, const char *name)
{
    lc_redis_cluster *cluster = g_new0(lc_redis_cluster, 1);

    cluster->store.ops = &ops;
    cluster->address = address;
    cluster->name = g_strdup(name);
    cluster->nodes = g_ptr_array_new_with_free_func(lc_cluster_node_free);
    return &cluster->store;
}

bool
lc_redis_each_node(const lc_redis_options *options, lc_redis_visit visit, void *data, GError **error)
{
    lc_store *store = lc_redis_store_new(options, error);

    if (store == NULL)
        return false;
    bool done = store->ops == &ops ? visit_masters(cluster_of(store), visit, data, error)
                                   : visit_store((lc_redis_store *)(void *)store, visit, data, error);
    lc_store_free(store);
    return done;
}
