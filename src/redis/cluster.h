/* cluster.h - what the files of a cluster's store share: its nodes, and the map of which has what. */
#pragma once

#include "parts.h"

typedef struct {
    lc_redis_endpoint at;
    lc_redis_store *store;
    bool *has;      /* by partition */
    GArray *reads;  /* lc_store_read: of the reads that are under way */
    GArray *writes; /* lc_store_write */
} lc_cluster_node;

typedef struct {
    lc_store store;
    lc_redis_address address;
    char *name;
    int32_t partitions; /* 0: not opened yet */
    char **prefixes;    /* by partition */
    gint64 map_due_us;
    GPtrArray *nodes;           /* lc_cluster_node * */
    lc_cluster_node **node_of;  /* by partition */
    lc_cluster_node *of_layout; /* the one of the slot of NAME:layout */

    lc_store_read *reads;
    lc_store_write *writes;
    size_t n_reads, n_writes;
} lc_redis_cluster;

void lc_cluster_node_free(void *node);

/* Of those that were named and those that are known, in turn, the first that answers: its map takes the place of what
 * there is, or (`has_changed`) is only compared with it. LC_ERROR_RETRY: none answers, or some slot is nobody's.
 * LC_ERROR_CONFIG: no cluster, or one that does not let us in. */
bool lc_cluster_find_map(lc_redis_cluster *cluster, bool *has_changed, GError **error);
/* All masters into `nodes`, the one of the layout last. */
bool lc_cluster_list_masters(lc_redis_cluster *cluster, GPtrArray *nodes, GError **error);
