/* verify.c - the store against the changelogs. */
#include "changelog.h"
#include "patience.h"
#include "position.h"
#include "scan.h"
#include "schemas.h"
#include "start.h"

#include <leadclock/text.h>

#include <inttypes.h>

/* Redis against the changelogs. A read of the store says at which position it was taken, so the changelogs are read up
 * to just there before the two are compared: whatever a live service writes meanwhile, what differs is wrong. */

#define CHUNK_LEADS 2000

typedef struct {
    lc_text key, value; /* value absent: a tombstone */
} latest;               /* the bytes follow */

typedef struct {
    lc_worker *worker;
    int32_t partition;
    lc_arena arena; /* of one chunk */
    int64_t reached[LC_CHANGELOGS];
    GHashTable *latest[LC_CHANGELOGS]; /* lc_text * -> latest * */
    lc_tell_difference tell;
    lc_tell_progress tell_progress;
    void *data;
    lc_verified *verified;
} verification;

static void
tell(verification *v, lc_difference_kind kind, lc_text key, const char *what)
{
    const lc_store_difference difference = {v->partition, kind, key, what};

    v->verified->differences++;
    v->tell(&difference, v->data);
}

/* ---- The changelogs, up to a position ---- */

static void
keep(verification *v, lc_changelog changelog, lc_text key, lc_text value)
{
    latest *kept = g_malloc(sizeof *kept + key.size + value.size);
    char *bytes = (char *)(kept + 1);

    memcpy(bytes, key.data, key.size);
    if (value.size)
        memcpy(bytes + key.size, value.data, value.size);
    *kept = (latest){{bytes, key.size}, {lc_text_is_absent(value) ? NULL : bytes + key.size, value.size}};
    g_hash_table_replace(v->latest[changelog], &kept->key, kept);
}

typedef struct {
    verification *v;
    const lc_scan *scan;
    uint64_t n_records;
} reading;

/* Reading the states is one half of the work, comparing them the other. */
static void
tell_reading(const reading *under_way, int64_t at)
{
    const lc_scan *scan = under_way->scan;

    if (scan->changelog == LC_CHANGELOG_STATE && under_way->n_records % CHUNK_LEADS == 0)
        under_way->v->tell_progress(scan->partition, at, 2 * scan->end, under_way->v->data);
}

static void
tell_comparing(const verification *v, guint at, guint end)
{
    v->tell_progress(v->partition, (int64_t)end + at, 2 * (int64_t)end, v->data);
}

static bool
keep_record(void *data, const lc_replayed *record, GError **error)
{
    reading *under_way = data;
    (void)error;

    keep(under_way->v, under_way->scan->changelog, record->key, record->value);
    under_way->n_records++;
    tell_reading(under_way, record->offset);
    return true;
}

static bool
advance(verification *v, const int64_t *ends, GError **error)
{
    for (int changelog = 0; changelog < LC_CHANGELOGS; changelog++) {
        const lc_scan scan = {(lc_changelog)changelog, v->partition, v->reached[changelog], ends[changelog]};
        reading under_way = {v, &scan, 0};
        if (scan.end <= scan.from)
            continue;
        if (!lc_scan_changelog(v->worker, &scan, keep_record, &under_way, error))
            return false;
        v->reached[changelog] = scan.end;
    }
    return true;
}

/* ---- The store, at a position ---- */

static bool
read_store(lc_worker *worker, void *argument, GError **error)
{
    lc_store_read *read = argument;

    if (!worker->store_ready && !lc_store_open(worker->store, worker->partition_count, error))
        return false;
    worker->store_ready = lc_store_read_begin(worker->store, read, 1, error) && lc_store_read_end(worker->store, error);
    return worker->store_ready;
}

/* Reads the store, and the changelogs up to where it was. A live service that recovers is waited for. */
static bool
read_both(verification *v, lc_store_read *read, bool *found, GError **error)
{
    lc_applied applied;

    for (int tries = 0; tries < 100; tries++) {
        if (!lc_worker_insist(v->worker, "Redis", read_store, read, error))
            return false;
        *found =
            lc_applied_parse(read->applied, v->worker->options.input_names, v->worker->n_inputs, &v->arena, &applied) &&
            applied.kind == LC_APPLIED_WHOLE && applied.ends[0] >= v->reached[0] && applied.ends[1] >= v->reached[1];
        if (*found)
            return advance(v, applied.ends, error);
        if (lc_worker_is_stopping(v->worker))
            return false;
        v->worker->time->sleep_ms(v->worker->time, 100);
    }
    tell(v, LC_DIFFERS_POSITION, LC_NO_TEXT,
         lc_text_is_absent(read->applied) ? "missing" : "not that of whole batches, for 10 s");
    return true;
}

/* ---- Leads ---- */

/* LC_NEVER: the lead has none, or is not there. */
static bool
expected_wake_up(verification *v, lc_text id, lc_instant *wake_at, GError **error)
{
    const latest *wanted = g_hash_table_lookup(v->latest[LC_CHANGELOG_STATE], &id);

    *wake_at = LC_NEVER;
    return wanted == NULL || lc_text_is_absent(wanted->value) ||
           lc_changelog_read_wake_at(lc_schemas_need(v->worker, wanted->value, error), wanted->value, wake_at, error);
}

static void
compare_lead(verification *v, lc_text id, lc_text stored)
{
    const latest *wanted = g_hash_table_lookup(v->latest[LC_CHANGELOG_STATE], &id);
    bool is_wanted = wanted && !lc_text_is_absent(wanted->value);

    v->verified->leads += is_wanted;
    if (is_wanted && lc_text_is_absent(stored))
        tell(v, LC_DIFFERS_LEAD, id, "missing");
    else if (!is_wanted && !lc_text_is_absent(stored))
        tell(v, LC_DIFFERS_LEAD, id, "extra");
    else if (is_wanted && !lc_text_equal(wanted->value, stored))
        tell(v, LC_DIFFERS_LEAD, id, "different");
}

/* Of the leads those whose wake-up was not looked for at the right time stay, with the right one: a live service has
 * changed them since. */
static bool
compare_wakeups(verification *v, lc_store_read *read, lc_text *ids, lc_instant *wake_ats, GError **error)
{
    size_t n = 0;

    for (size_t i = 0; i < read->n_leads; i++) {
        lc_instant wake_at;
        if (!expected_wake_up(v, ids[i], &wake_at, error))
            return false;
        if (wake_at == LC_NEVER || (wake_at == wake_ats[i] && read->has_wakeup[i]))
            continue;
        if (wake_at == wake_ats[i]) {
            tell(v, LC_DIFFERS_WAKEUP, ids[i], "missing");
            continue;
        }
        ids[n] = ids[i];
        wake_ats[n++] = wake_at;
    }
    read->n_leads = n;
    return true;
}

static bool
find_wakeups(verification *v, lc_text *ids, size_t n, GError **error)
{
    lc_instant *wake_ats = lc_arena_new(&v->arena, lc_instant, n);
    bool found = true;

    for (size_t i = 0; i < n; i++)
        if (!expected_wake_up(v, ids[i], &wake_ats[i], error))
            return false;
    lc_store_read read = {
        .partition = v->partition, .due_before = LC_ABSENT, .lead_ids = ids, .n_leads = n, .wake_ats = wake_ats};
    while (found && read.n_leads)
        if (!read_both(v, &read, &found, error) || (found && !compare_wakeups(v, &read, ids, wake_ats, error)))
            return false;
    return true;
}

static bool
compare_leads(verification *v, const GPtrArray *ids, GError **error)
{
    lc_text *texts = lc_arena_new(&v->arena, lc_text, ids->len);
    bool found;

    for (guint i = 0; i < ids->len; i++)
        texts[i] = *(const lc_text *)ids->pdata[i];
    lc_store_read read = {.partition = v->partition, .due_before = LC_ABSENT, .lead_ids = texts, .n_leads = ids->len};
    if (!read_both(v, &read, &found, error))
        return false;
    for (guint i = 0; found && i < ids->len; i++)
        compare_lead(v, texts[i], read.leads[i]);
    return !found || find_wakeups(v, texts, ids->len, error);
}

/* ---- Populations ---- */

static int64_t
stored_count(const lc_store_read *read, lc_text metric)
{
    for (size_t i = 0; i < read->n_counts[0]; i++)
        if (lc_text_equal(read->counts[0][i].metric, metric))
            return read->counts[0][i].count;
    return 0;
}

static bool
counts_agree(verification *v, const lc_store_read *read, lc_text value, bool *agree, GError **error)
{
    const lc_stored_count *counts = NULL;
    size_t n = 0, n_stored = 0;

    if (!lc_text_is_absent(value) &&
        !lc_changelog_read_counts(lc_schemas_need(v->worker, value, error), value, &v->arena, &counts, &n, error))
        return false;
    for (size_t i = 0; i < read->n_counts[0]; i++)
        n_stored += read->counts[0][i].count != 0;
    *agree = n == n_stored;
    for (size_t i = 0; *agree && i < n; i++)
        *agree = stored_count(read, counts[i].metric) == counts[i].count;
    return true;
}

/* `key` is that of the changelog: "channel|cohort|partition". */
static bool
compare_population(verification *v, lc_text key, GError **error)
{
    lc_text name = lc_changelog_population(key);
    lc_store_read read = {.partition = v->partition, .due_before = LC_ABSENT, .populations = &name, .n_populations = 1};
    bool found, agree = true;

    if (!read_both(v, &read, &found, error))
        return false;
    const latest *wanted = g_hash_table_lookup(v->latest[LC_CHANGELOG_COUNTERS], &key);
    if (found && !counts_agree(v, &read, wanted ? wanted->value : LC_NO_TEXT, &agree, error))
        return false;
    v->verified->populations++;
    if (!agree)
        tell(v, LC_DIFFERS_POPULATION, name, read.n_counts[0] == 0 ? "missing" : (wanted ? "different" : "extra"));
    return true;
}

/* ---- A partition ---- */

static lc_text *
copy_text(lc_text text)
{
    lc_text *copy = g_malloc(sizeof *copy + text.size);

    *copy = (lc_text){memcpy(copy + 1, text.data, text.size), text.size};
    return copy;
}

/* The keys of a changelog as they are now: reading on replaces what the table holds. */
static GPtrArray *
copy_keys(const verification *v, lc_changelog changelog)
{
    GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, v->latest[changelog]);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        g_ptr_array_add(keys, copy_text(((const latest *)value)->key));
    }
    return keys;
}

typedef struct {
    lc_instant wake_at;
    gpointer key; /* lc_text * */
} sleeper;

static int
by_wake_at(const void *a, const void *b)
{
    const sleeper *x = a, *y = b;

    return (x->wake_at > y->wake_at) - (x->wake_at < y->wake_at);
}

/* Wake-ups that are near each other are found together. */
static bool
sort_by_wake_up(verification *v, GPtrArray *keys, GError **error)
{
    g_autofree sleeper *sleepers = g_new(sleeper, keys->len);

    for (guint i = 0; i < keys->len; i++) {
        sleepers[i].key = keys->pdata[i];
        if (!expected_wake_up(v, *(const lc_text *)keys->pdata[i], &sleepers[i].wake_at, error))
            return false;
    }
    if (keys->len)
        qsort(sleepers, keys->len, sizeof *sleepers, by_wake_at);
    for (guint i = 0; i < keys->len; i++)
        keys->pdata[i] = sleepers[i].key;
    return true;
}

static bool
compare_all_leads(verification *v, GError **error)
{
    g_autoptr(GPtrArray) keys = copy_keys(v, LC_CHANGELOG_STATE);

    if (!sort_by_wake_up(v, keys, error))
        return false;
    for (guint from = 0; from < keys->len; from += CHUNK_LEADS) {
        g_autoptr(GPtrArray) chunk = g_ptr_array_new();
        for (guint i = from; i < MIN(from + CHUNK_LEADS, keys->len); i++)
            g_ptr_array_add(chunk, keys->pdata[i]);
        if (!compare_leads(v, chunk, error))
            return false;
        tell_comparing(v, from + chunk->len, keys->len);
        lc_arena_reset(&v->arena);
    }
    return true;
}

static bool
compare_all_populations(verification *v, GError **error)
{
    g_autoptr(GPtrArray) keys = copy_keys(v, LC_CHANGELOG_COUNTERS);

    for (guint i = 0; i < keys->len; i++) {
        if (!compare_population(v, *(const lc_text *)keys->pdata[i], error))
            return false;
        lc_arena_reset(&v->arena);
    }
    return true;
}

/* What follows `mark` in the key of a store; absent: it is another key. */
static lc_text
part_after(lc_text key, const char *mark)
{
    const char *at = memmem(key.data, key.size, mark, strlen(mark));
    const char *rest = at ? at + strlen(mark) : NULL;

    return (lc_text){rest, rest ? key.size - (size_t)(rest - key.data) : 0};
}

/* Leads and populations that no changelog has named so far are looked at once more, as any other. */
static bool
compare_strange_leads(verification *v, GError **error)
{
    uint64_t cursor = 0;

    do {
        g_autoptr(GPtrArray) strangers = g_ptr_array_new_with_free_func(g_free);
        lc_text *ids;
        size_t n;
        if (!lc_store_scan_leads(v->worker->store, v->partition, &cursor, &ids, &n, error))
            return false;
        for (size_t i = 0; i < n; i++)
            if (!g_hash_table_contains(v->latest[LC_CHANGELOG_STATE], &ids[i]))
                g_ptr_array_add(strangers, copy_text(ids[i]));
        if (strangers->len && !compare_leads(v, strangers, error))
            return false;
        lc_arena_reset(&v->arena);
    } while (cursor);
    return true;
}

static void
collect_strange_populations(verification *v, const lc_text *keys, size_t n, GPtrArray *populations)
{
    for (size_t i = 0; i < n; i++) {
        lc_text name = part_after(keys[i], "}:counters:");
        if (lc_text_is_absent(name))
            continue;
        g_autofree char *key = g_strdup_printf("%.*s|%" PRId32, LC_TEXT_ARGS(name), v->partition);
        lc_text text = lc_text_of(key);
        if (!g_hash_table_contains(v->latest[LC_CHANGELOG_COUNTERS], &text))
            g_ptr_array_add(populations, copy_text(text));
    }
}

static bool
compare_strange_populations(verification *v, GError **error)
{
    lc_store *store = v->worker->store;
    uint64_t cursor = 0;

    do {
        g_autoptr(GPtrArray) populations = g_ptr_array_new_with_free_func(g_free);
        lc_text *keys;
        size_t n;
        if (!lc_store_scan(store, v->partition, &cursor, &keys, &n, error))
            return false;
        collect_strange_populations(v, keys, n, populations);
        for (guint i = 0; i < populations->len; i++)
            if (!compare_population(v, *(const lc_text *)populations->pdata[i], error))
                return false;
        lc_arena_reset(&v->arena);
    } while (cursor);
    return true;
}

static bool
verify_partition(verification *v, GError **error)
{
    lc_store_read read = {.partition = v->partition, .due_before = LC_ABSENT};
    bool found;

    return read_both(v, &read, &found, error) &&
           (!found || (compare_all_leads(v, error) && compare_all_populations(v, error) &&
                       compare_strange_leads(v, error) && compare_strange_populations(v, error)));
}

bool
lc_worker_verify(lc_worker *worker, lc_tell_difference tell_difference, lc_tell_progress tell_progress, void *data,
                 lc_verified *verified, GError **error)
{
    bool done = lc_worker_prepare(worker, error);

    *verified = (lc_verified){0};
    for (int32_t partition = 0; done && partition < worker->partition_count; partition++) {
        verification v = {.worker = worker,
                          .partition = partition,
                          .tell = tell_difference,
                          .tell_progress = tell_progress,
                          .data = data,
                          .verified = verified};
        for (int i = 0; i < LC_CHANGELOGS; i++)
            v.latest[i] = g_hash_table_new_full(lc_text_key_hash, lc_text_key_equal, NULL, g_free);
        done = verify_partition(&v, error);
        for (int i = 0; i < LC_CHANGELOGS; i++)
            g_hash_table_unref(v.latest[i]);
        lc_arena_clear(&v.arena);
    }
    return done;
}
