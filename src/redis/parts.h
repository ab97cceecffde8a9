/* parts.h - what the files of this room share: the store, its keys, and the steps of a read and a write. */
#pragma once

#include "connection.h"

#define LC_MAX_PARTITIONS 16384 /* a slot each */
#define LC_LAYOUT 2             /* of the keys: redis.h */
#define LC_LAYOUT_SIGN "#2"     /* what its positions end with: those of another one are never believed */
#define LC_LEAD_BUCKETS 32 /* hashes of leads a partition: few, for a command each, and none too large to be moved */
#define LC_WORDS_MAX 1000  /* keys of one variadic command: no longer holds up what else Redis does */

/* Some texts by the hash that each lies in: those of bucket b are order[ends[b-1]] to order[ends[b]-1]. */
typedef struct {
    size_t ends[LC_LEAD_BUCKETS];
    size_t *order;
} lc_buckets;

typedef struct {
    lc_store store;
    lc_connection connection;
    char *name;
    int32_t partitions;       /* 0: not opened yet */
    char **prefixes;          /* "NAME:{TAG}:" by partition */
    const bool *has;          /* by partition: which this node of a cluster has; NULL: all of them */
    bool layout_is_elsewhere; /* with another node */
    bool layout_is_noted;
    bool layout_is_old; /* an earlier version's is noted */
    gint64 checked_us;  /* when the server was last looked at */
    bool is_blind;      /* it does not let us look */
    char *run_id;       /* of the server's process; NULL: not known */
    int64_t n_evicted;  /* keys, since the server's start */
    char *mark; /* what a position written now carries: the layout's sign, "@RUN_ID:COUNT" where any were evicted */

    lc_arena read_arena; /* what the reads' texts point into */
    lc_store_read *reads;
    size_t n_reads;
    lc_buckets **read_buckets; /* the leads of each read */
    size_t read_bytes;         /* of the leads taken so far */

    lc_arena write_arena; /* replies that nobody keeps */
    lc_store_write *writes;
    size_t n_writes;
    GString *ahead;        /* the changes of the next write, from MULTI to EXEC, made while Redis is busy */
    size_t ahead_commands; /* but the EXEC */

    lc_arena scan_arena;  /* also of answers that are forgotten */
    GArray *scanned_keys; /* lc_text, in scan_arena */
} lc_redis_store;

/* What the keys of a partition begin with. */
static inline lc_text
lc_prefix(const lc_redis_store *store, int32_t partition)
{
    return lc_text_of(store->prefixes[partition]);
}

/* Connects, unless that is done, and looks whether the server may be used: a new connection's, and again every 10 s,
 * for its maxmemory-policy can be changed while it runs. Positions from before keys were evicted are dropped. */
bool lc_redis_connect(lc_redis_store *store, GError **error);

/* After reads: whether keys were evicted before they were done. LC_ERROR_RETRY: so it was. */
void lc_redis_ask_evictions(lc_redis_store *store);
bool lc_redis_take_evictions(lc_redis_store *store, GError **error);

/* The position of a reply, without its mark; that of another layout is absent. */
lc_text lc_redis_position(const redisReply *reply);

/* Notes our layout where there is none. LC_ERROR_CONFIG: another one is there; but that of an earlier version, for as
 * many partitions, is left as it is. */
bool lc_redis_open_layout(lc_redis_store *store, GError **error);
/* Before a write: notes ours, also in place of an earlier one. */
bool lc_redis_note_layout(lc_redis_store *store, GError **error);
const redisReply *lc_redis_ask_layout(lc_redis_store *store, GError **error);

/* One server's, or one node's of a cluster. Takes over what `address` owns. */
lc_redis_store *lc_redis_store_at(lc_redis_address address, const char *name);
/* Its keys, for so many partitions. LC_ERROR_CONFIG: they can't be kept. */
bool lc_redis_name_keys(lc_redis_store *store, int32_t partitions, GError **error);

/* A store of many nodes (cluster.c). Takes over what `address` owns. */
lc_store *lc_redis_cluster_new(lc_redis_address address, const char *name);
/* Does `visit` with a connected store of each master (of the only server, where it is no cluster); the one that has the
 * layout comes last. */
typedef bool (*lc_redis_visit)(lc_redis_store *node, void *data, GError **error);
bool lc_redis_each_node(const lc_redis_options *options, lc_redis_visit visit, void *data, GError **error);

/* For SCAN: `literal` as it is, and then `rest` (g_free). */
char *lc_redis_pattern(const char *literal, const char *rest);
void lc_redis_say_scan(lc_connection *connection, const char *cursor, const char *pattern);
/* CRC16 of what is between { and }, or of the whole. */
unsigned lc_redis_slot(const char *key);

/* ---- Leads in their hashes (leads.c) ---- */

/* An id as it is stored: as a word, and back (it may point into `said`). */
void lc_redis_say_id(lc_connection *redis, lc_text id);
lc_text lc_redis_take_id(lc_arena *arena, lc_text said);
/* `first`: a lc_text, the next one `stride` bytes on. */
lc_buckets *lc_redis_sort_ids(lc_arena *arena, const void *first, size_t stride, size_t n);
/* The key of a bucket, and the value of a lead, as a word. */
void lc_redis_say_bucket(lc_connection *redis, lc_text prefix, unsigned bucket);
void lc_redis_say_lead(lc_connection *redis, const lc_lead_change *change);

/* Said by hash, leads lie all over the megabytes of a batch: half of what it took to say them was waiting for the first
 * bytes of an id or a state. So these are asked of the memory some leads earlier. */
enum { LC_LEADS_AHEAD = 8 };
static inline void
lc_redis_expect(lc_text text)
{
    __builtin_prefetch(text.data);
}

/* Of a value. */
lc_text lc_redis_lead_state(lc_arena *arena, lc_text id, lc_text value);

/* ---- The port ---- */

bool lc_redis_read_begin(lc_store *store, lc_store_read *reads, size_t n, GError **error);
bool lc_redis_read_end(lc_store *store, GError **error);
bool lc_redis_write_begin(lc_store *store, lc_store_write *writes, size_t n, GError **error);
bool lc_redis_write_end(lc_store *store, GError **error);
