/* parts.h - what the files of this room share: the store, its keys, and the steps of a read and a write. */
#pragma once

#include "connection.h"

#define LC_MAX_PARTITIONS 16384 /* a slot each */
#define LC_LAYOUT 3             /* of the keys: redis.h */
#define LC_LAYOUT_SIGN "#3"     /* what its positions end with: those of another one are never believed */
#define LC_LEAD_BUCKETS 32 /* hashes of leads a partition: few, for a command each, and none too large to be moved */
#define LC_WORDS_MAX 1000  /* keys of one variadic command: no longer holds up what else Redis does */

/* Some texts by the hash that each lies in: those of bucket b are order[ends[b-1]] to order[ends[b]-1]. */
typedef struct {
    size_t ends[LC_LEAD_BUCKETS];
    size_t *order;
} lc_buckets;

/* A list of wake-ups: those of some time (wakeups.c). */
typedef struct {
    unsigned level; /* of how long a time, from 0 */
    int64_t number;
} lc_span;

typedef struct {
    lc_instant at;
    lc_text id;     /* as it is stored */
    unsigned level; /* of the list to which it is added: not above */
} lc_wakeup;
#define LC_SPAN_LEVELS 3

/* What the last read of due wake-ups found of a partition, and what the next write does about it (due.c). */
typedef struct lc_due lc_due;

/* What a read asks for, in the order in which it is said. */
typedef struct {
    lc_buckets *leads;
    lc_span *spans; /* that may have the wake-ups sought */
    size_t n_spans;
} lc_read_plan;

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
    lc_read_plan *read_plans; /* side by side with `reads` */
    size_t read_bytes;        /* of the leads taken so far */
    lc_due **dues;            /* by partition; NULL: nothing was found */

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

/* The value of a line "name:value" of INFO; NULL: there is none. */
char *lc_redis_info_value(const char *info, const char *name);

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

/* An id as it is stored: in `arena` or `id` itself, as a word, and back (it may point into `said`). */
lc_text lc_redis_pack_id(lc_arena *arena, lc_text id);
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

/* ---- Wake-ups in their lists (wakeups.c) ---- */

lc_span lc_span_of(unsigned level, lc_instant at);
lc_instant lc_span_begin(lc_span span);
lc_instant lc_span_end(lc_span span);
bool lc_span_equal(lc_span a, lc_span b);
/* As the index names it. False: it is none of ours. */
bool lc_span_parse(lc_text said, lc_span *span);
void lc_redis_say_span(lc_connection *redis, lc_span span);
/* The key of its list. */
void lc_redis_say_list(lc_connection *redis, lc_text prefix, lc_span span);
/* Of one in this list; its id is in `said`. */
lc_wakeup lc_redis_take_wakeup(lc_span span, lc_text said);
/* Adds them to lists that suit how near they are. The number of commands. */
size_t lc_redis_say_wakeups(lc_redis_store *store, const lc_store_write *write, const lc_wakeup *wakeups, size_t n);
/* The lists that may have what is sought, and whether they have it, by their answers. */
void lc_redis_plan_wakeups(lc_arena *arena, const lc_store_read *read, lc_read_plan *plan);
void lc_redis_find_wakeups(lc_arena *arena, lc_store_read *read, const lc_read_plan *plan, redisReply **answers);

/* ---- Due wake-ups (due.c): two round trips, one for the index, one for the lists ---- */

#define LC_DUE_COMMANDS 2
void lc_due_ask(lc_redis_store *store, const lc_store_read *read);
/* False: no lists need be asked for. */
bool lc_due_take(lc_redis_store *store, lc_store_read *read, redisReply **answers);
bool lc_due_is_asked(const lc_redis_store *store, const lc_store_read *read);
void lc_due_ask_lists(lc_redis_store *store, const lc_store_read *read);
bool lc_due_receive_lists(lc_redis_store *store, lc_store_read *read, GError **error);
/* The commands that take what was due, of which there were `*n_taken`; adds to `wakeups` (of lc_wakeup) what is to be
 * added. Their number. */
size_t lc_due_say_taken(lc_redis_store *store, const lc_store_write *write, GArray *wakeups, size_t *n_taken);
/* Something is added to this list, which so is not at its end where it was. */
void lc_due_grow(lc_due *due, lc_span span);
/* The write was done, and answered. */
void lc_due_follow(lc_redis_store *store, const lc_store_write *write);
void lc_due_free(lc_due *due);

/* ---- The port ---- */

/* GET of a key, which is `prefix` and `key`. */
void lc_redis_say_get(lc_connection *redis, lc_text prefix, lc_text key);
/* UNLINK of the position. */
void lc_redis_say_unlink(lc_redis_store *store, int32_t partition);
/* What follows a MULTI of so many commands: its answers; NULL: an error. */
const redisReply *lc_redis_receive_exec(lc_redis_store *store, size_t n_commands, GError **error);

bool lc_redis_read_begin(lc_store *store, lc_store_read *reads, size_t n, GError **error);
bool lc_redis_read_end(lc_store *store, GError **error);
bool lc_redis_write_begin(lc_store *store, lc_store_write *writes, size_t n, GError **error);
bool lc_redis_write_end(lc_store *store, GError **error);
