/* fill.c - every row of every lead that is kept, published once. */
#include "fill.h"

#include "batch.h"
#include "patience.h"
#include "scan.h"

#include <leadclock/text.h>

#include <inttypes.h>

/* Tables that were switched on later: every row of every lead that is kept, once. The worker is a member of the group
 * as any other, so that nobody else writes rows meanwhile; it reads no facts. Which leads there are the changelog says;
 * how they stand, the store, which shows what was committed. */

#define PIECE_KEYS LC_PIECE_LEADS /* of one transaction */
#define WAIT_MS 50
#define JOIN_MS 60000 /* to be given partitions by brokers that are well */

struct lc_fill {
    bool *filled; /* by partition */
    int32_t n_filled;
    lc_tell_progress tell;
    void *data;
    uint64_t n_leads;

    /* of the changelog under way */
    lc_arena key_arena;
    GHashTable *keys; /* lc_text *: of what was published, or is in the piece */

    /* of the piece */
    lc_arena arena;
    GArray *ids;         /* lc_text, in `key_arena` */
    GArray *populations; /* lc_fill_population */
};

lc_fill *
lc_fill_new(const lc_worker *worker, lc_tell_progress tell, void *data)
{
    lc_fill *fill = g_new0(lc_fill, 1);

    fill->filled = g_new0(bool, worker->partition_count);
    fill->tell = tell;
    fill->data = data;
    fill->keys = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    fill->ids = g_array_new(FALSE, FALSE, sizeof(lc_text));
    fill->populations = g_array_new(FALSE, FALSE, sizeof(lc_fill_population));
    return fill;
}

void
lc_fill_free(lc_fill *fill)
{
    if (fill == NULL)
        return;
    g_free(fill->filled);
    g_hash_table_unref(fill->keys);
    g_array_unref(fill->ids);
    g_array_unref(fill->populations);
    lc_arena_clear(&fill->arena);
    lc_arena_clear(&fill->key_arena);
    g_free(fill);
}

bool
lc_fill_is_done(const lc_fill *fill, const lc_worker *worker, uint64_t *n_leads)
{
    *n_leads = fill->n_leads;
    return fill->n_filled == worker->partition_count;
}

/* ---- A piece: keys of a changelog, each once, however many records of it there are ---- */

static void
clear_piece(lc_fill *fill)
{
    g_array_set_size(fill->ids, 0);
    g_array_set_size(fill->populations, 0);
    lc_arena_reset(&fill->arena);
}

static void
clear_keys(lc_fill *fill)
{
    clear_piece(fill);
    g_hash_table_remove_all(fill->keys);
    lc_arena_reset(&fill->key_arena);
}

/* The key, where the changelog has not had it. */
static const lc_text *
take_key(lc_fill *fill, lc_text key)
{
    if (g_hash_table_contains(fill->keys, &key))
        return NULL;
    lc_text *own = lc_arena_new(&fill->key_arena, lc_text, 1);
    *own = lc_arena_text(&fill->key_arena, key);
    g_hash_table_add(fill->keys, own);
    return own;
}

static void
take_lead(lc_fill *fill, const lc_replayed *record)
{
    const lc_text *id = take_key(fill, record->key);

    if (id)
        g_array_append_val(fill->ids, *id);
}

/* "channel|cohort|partition"; what of it is what, the value says. */
static bool
take_population(lc_worker *worker, const lc_replayed *record, GError **error)
{
    lc_fill *fill = worker->fill;
    lc_fill_population population;
    int32_t partition;
    lc_metric_count *counts;
    size_t n;
    const lc_text *key = take_key(fill, record->key);

    if (key == NULL)
        return true;
    lc_text value = lc_arena_text(&fill->arena, record->value);
    const lc_plan *plan = lc_schemas_need(worker, value, error);
    if (plan == NULL ||
        !lc_plan_read_counters(plan, value.data + LC_FRAME_BYTES, value.size - LC_FRAME_BYTES, &fill->arena,
                               &population.channel, &population.cohort, &partition, &counts, &n, error))
        return false;
    const char *bar = memrchr(key->data, '|', key->size);
    population.name = (lc_text){key->data, bar ? (size_t)(bar - key->data) : key->size};
    g_array_append_val(fill->populations, population);
    return true;
}

static bool
take_record(lc_worker *worker, lc_changelog changelog, const lc_replayed *record, GError **error)
{
    if (lc_text_is_absent(record->value))
        return true;
    if (changelog == LC_CHANGELOG_COUNTERS)
        return take_population(worker, record, error);
    take_lead(worker->fill, record);
    return true;
}

static bool
publish_piece(lc_worker *worker, lc_partition *partition, GError **error)
{
    lc_fill *fill = worker->fill;
    lc_fill_piece piece = {
        .ids = (const lc_text *)(const void *)fill->ids->data,
        .n_ids = fill->ids->len,
        .populations = (const lc_fill_population *)(const void *)fill->populations->data,
        .n_populations = fill->populations->len,
    };

    while (piece.n_ids + piece.n_populations > 0)
        if (!lc_batch_fill(worker->batch, partition, &piece, &fill->n_leads, error))
            return false;
    clear_piece(fill);
    lc_worker_got_on(worker);
    return lc_worker_tend(worker, 0, error);
}

/* ---- A partition ---- */

typedef struct {
    lc_worker *worker;
    lc_partition *partition;
    lc_changelog changelog;
    uint64_t n_records;
} reading;

static bool
take_one(void *data, const lc_replayed *record, GError **error)
{
    reading *under_way = data;
    lc_partition *partition = under_way->partition;
    lc_fill *fill = under_way->worker->fill;

    if (!take_record(under_way->worker, under_way->changelog, record, error))
        return false;
    if (under_way->changelog == LC_CHANGELOG_STATE && under_way->n_records++ % PIECE_KEYS == 0)
        fill->tell(partition->number, record->offset, partition->ends[LC_CHANGELOG_STATE], fill->data);
    return fill->ids->len + fill->populations->len < PIECE_KEYS || publish_piece(under_way->worker, partition, error);
}

static bool
fill_from(lc_worker *worker, lc_partition *partition, lc_changelog changelog, GError **error)
{
    const lc_scan scan = {changelog, partition->number, 0, partition->ends[changelog]};
    reading under_way = {worker, partition, changelog, 0};

    clear_keys(worker->fill);
    return scan.end == 0 ||
           (lc_scan_changelog(worker, &scan, take_one, &under_way, error) && publish_piece(worker, partition, error));
}

static bool
publishes(const lc_worker *worker, int table)
{
    return worker->options.output_names[lc_table_output(table)] != NULL;
}

static bool
publishes_leads(const lc_worker *worker)
{
    for (int table = 0; table < LC_TABLE_COUNTERS; table++)
        if (publishes(worker, table))
            return true;
    return false;
}

static bool
fill_partition(lc_worker *worker, lc_partition *partition, GError **error)
{
    lc_fill *fill = worker->fill;
    uint64_t n_before = fill->n_leads;

    if ((publishes_leads(worker) && !fill_from(worker, partition, LC_CHANGELOG_STATE, error)) ||
        (publishes(worker, LC_TABLE_COUNTERS) && !fill_from(worker, partition, LC_CHANGELOG_COUNTERS, error))) {
        fill->n_leads = n_before; /* it begins again */
        return false;
    }
    fill->filled[partition->number] = true;
    fill->n_filled++;
    return true;
}

/* ---- All of them ---- */

/* As the only member it has all partitions. */
static bool
is_alone(const lc_worker *worker, GError **error)
{
    if (!worker->report.joined || worker->partitions->len == (guint)worker->partition_count)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL,
                "another process has joined the group meanwhile; stop it, and do this again: rows that are published "
                "twice are the same");
    return false;
}

/* Without partitions nothing is asked of brokers that may be away, or that refuse a right. */
static bool
is_left_out(const lc_worker *worker, GError **error)
{
    g_autoptr(GError) trouble = worker->report.joined ? NULL : lc_log_trouble(worker->log);
    int64_t waited_ms = lc_worker_now_ms(worker) - MAX(worker->left_ms, worker->got_on_ms);

    if (worker->report.joined)
        return false;
    if (trouble && (lc_is_denied(trouble) || lc_worker_despairs(worker))) {
        g_propagate_prefixed_error(error, g_steal_pointer(&trouble), "the group gives it no partitions: ");
        return true;
    }
    if (waited_ms < JOIN_MS)
        return false;
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY,
                "the group gives it no partitions; look whether the brokers are well, and whether others join it");
    return true;
}

/* Only when all are recovered: a recovery that was put off may have the changelog that is read. */
static lc_partition *
next_partition(const lc_worker *worker)
{
    lc_partition *next = NULL;

    for (guint i = 0; i < worker->partitions->len; i++) {
        lc_partition *partition = worker->partitions->pdata[i];
        if (partition->must_recover)
            return NULL;
        if (!worker->fill->filled[partition->number])
            next = partition;
    }
    return next;
}

bool
lc_fill_go_round(lc_worker *worker, GError **error)
{
    if (!is_alone(worker, error) || is_left_out(worker, error))
        return false;
    lc_partition *partition = next_partition(worker);
    if (partition && !fill_partition(worker, partition, error))
        return false;
    if (worker->fill->n_filled == worker->partition_count)
        lc_worker_stop(worker);
    return partition || lc_worker_tend(worker, WAIT_MS, error);
}
