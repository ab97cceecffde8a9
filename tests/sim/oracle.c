/* oracle.c - what must hold, looked at whenever something is decided. */
#include "sim.h"

#include <inttypes.h>

/* Plans last as long as the process. */
const lc_plan *
sim_plan_of(lc_text value)
{
    static lc_plan *plans[LC_SCHEMAS];
    uint32_t id;
    if (!lc_frame_read(value.data, value.size, &id) || id < 1 || id > LC_SCHEMAS)
        return NULL;
    if (plans[id - 1] == NULL)
        plans[id - 1] = lc_plan_new(lc_schema_text((lc_schema)(id - 1)), NULL);
    return plans[id - 1];
}

lc_text
sim_body_of(lc_text value)
{
    return (lc_text){value.data + LC_FRAME_BYTES, value.size - LC_FRAME_BYTES};
}

char *
sim_header_of(const lc_memory_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_headers; i++)
        if (lc_text_equal(record->headers[i].name, lc_text_of(name)))
            return g_strndup(record->headers[i].value.data, record->headers[i].value.size);
    return NULL;
}

/* ---- What should be: each lead's facts, replayed one after the other ---- */

typedef struct {
    lc_judge *judge;
    lc_arena arena;
    GHashTable *leads;    /* char* -> lc_lead* */
    GHashTable *outcomes; /* char* (event_id) -> GBytes* (body) */
    GHashTable *counts;   /* char* (partition|channel|cohort|metric) -> int64_t* */
} expectation;

static lc_lead *
lead_of(expectation *expected, lc_text id)
{
    lc_lead *lead = g_hash_table_lookup(expected->leads, id.data);
    if (lead == NULL) {
        lead = lc_arena_new(&expected->arena, lc_lead, 1);
        lc_lead_init(lead, id);
        g_hash_table_insert(expected->leads, (char *)id.data, lead);
    }
    return lead;
}

static int
by_offset(gconstpointer a, gconstpointer b)
{
    const sim_record *x = *(sim_record *const *)a, *y = *(sim_record *const *)b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Records that were read, in the order of each topic. */
static GPtrArray *
published(sim *s)
{
    GPtrArray *records = g_ptr_array_new();
    for (guint i = 0; i < s->records->len; i++) {
        sim_record *record = &g_array_index(s->records, sim_record, i);
        if (record->is_committed)
            g_ptr_array_add(records, record);
    }
    g_ptr_array_sort(records, by_offset);
    return records;
}

static void
add_count(GHashTable *counts, int32_t partition, lc_text channel, int32_t cohort, lc_text metric, int64_t delta)
{
    char month[LC_MONTH_TEXT_BYTES];
    char *key = g_strdup_printf("%d|%.*s|%s|%.*s", partition, LC_TEXT_ARGS(channel), lc_month_format(cohort, month),
                                LC_TEXT_ARGS(metric));
    int64_t *count = g_hash_table_lookup(counts, key);
    if (count == NULL) {
        count = g_new0(int64_t, 1);
        g_hash_table_insert(counts, g_strdup(key), count);
    }
    *count += delta;
    if (*count == 0)
        g_hash_table_remove(counts, key);
    g_free(key);
}

static void
expect_lead(sim *s, expectation *expected, lc_lead *lead)
{
    lc_lead_judge(expected->judge, lead, NULL, s->now, &expected->arena);
    const lc_judgement *judgement = lc_lead_derive(expected->judge, lead, s->now);
    for (size_t i = 0; i < judgement->n_outcomes; i++) {
        const lc_outcome *outcome = &judgement->outcomes[i];
        if (outcome->type == LC_OUTCOME_WARNING)
            continue;
        char id[LC_UUID_TEXT_BYTES];
        GByteArray *body = g_byte_array_new();
        lc_encode_outcome(body, lead->id, outcome);
        g_hash_table_insert(expected->outcomes, g_strdup(lc_uuid_format(&outcome->event_id, id)),
                            g_byte_array_free_to_bytes(body));
    }
    int32_t partition = lc_log_partition_of(lead->id, s->plan.partitions);
    for (size_t i = 0; i < judgement->n_counts; i++)
        add_count(expected->counts, partition, judgement->counts[i].channel, judgement->counts[i].cohort,
                  judgement->counts[i].metric, judgement->counts[i].delta);
}

static void
expect(sim *s, expectation *expected)
{
    *expected =
        (expectation){.judge = lc_judge_new(s->book),
                      .leads = g_hash_table_new(g_str_hash, g_str_equal),
                      .outcomes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref),
                      .counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free)};
    g_autoptr(GPtrArray) records = published(s);
    for (guint i = 0; i < records->len; i++) {
        const sim_record *record = g_ptr_array_index(records, i);
        if (record->reason == NULL && !sim_is_forgettable(record->lead_id))
            lc_lead_judge(expected->judge, lead_of(expected, record->lead_id), &record->fact, LC_ABSENT,
                          &expected->arena);
    }
    GHashTableIter iter;
    gpointer lead;
    g_hash_table_iter_init(&iter, expected->leads);
    while (g_hash_table_iter_next(&iter, NULL, &lead))
        expect_lead(s, expected, lead);
}

static void
expectation_clear(expectation *expected)
{
    g_hash_table_unref(expected->leads);
    g_hash_table_unref(expected->outcomes);
    g_hash_table_unref(expected->counts);
    lc_judge_free(expected->judge);
    lc_arena_clear(&expected->arena);
}

/* ---- Outcomes ---- */

static void
check_standing(sim *s, const expectation *expected, const char *id, GBytes *body, GHashTable *standing)
{
    GBytes *wanted = g_hash_table_lookup(expected->outcomes, id);
    lc_text actual = {g_bytes_get_data(body, NULL), g_bytes_get_size(body)};
    g_hash_table_add(standing, (char *)id);
    if (wanted == NULL)
        sim_fail(s, "stands, but does not follow from the facts: %s", id);
    else if (!sim_same_but_restated(actual, (lc_text){g_bytes_get_data(wanted, NULL), g_bytes_get_size(wanted)}))
        sim_fail(s, "stands otherwise than it follows from the facts: %s", id);
}

static void
check_outcomes(sim *s, const expectation *expected)
{
    g_autoptr(GHashTable) standing = g_hash_table_new(g_str_hash, g_str_equal);
    GHashTableIter leads, outcomes;
    gpointer lead_id, net, id, body;
    g_hash_table_iter_init(&leads, sim_watch_net(s));
    while (g_hash_table_iter_next(&leads, &lead_id, &net)) {
        if (sim_is_forgettable((lc_text){g_bytes_get_data(lead_id, NULL), g_bytes_get_size(lead_id)}))
            continue;
        g_hash_table_iter_init(&outcomes, net);
        while (s->failure == NULL && g_hash_table_iter_next(&outcomes, &id, &body))
            check_standing(s, expected, id, body, standing);
    }
    g_hash_table_iter_init(&outcomes, expected->outcomes);
    while (s->failure == NULL && g_hash_table_iter_next(&outcomes, &id, NULL))
        if (!g_hash_table_contains(standing, id))
            sim_fail(s, "follows from the facts, but was not published: %s", (char *)id);
}

/* ---- Counters ---- */

static GHashTable *
stored_counts(sim *s)
{
    GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (int32_t partition = 0; partition < s->plan.partitions; partition++) {
        GHashTableIter populations, metrics;
        gpointer name, counts, metric, count;
        g_hash_table_iter_init(&populations, lc_memory_redis_counters(s->redis, partition));
        while (g_hash_table_iter_next(&populations, &name, &counts)) {
            g_hash_table_iter_init(&metrics, counts);
            while (g_hash_table_iter_next(&metrics, &metric, &count))
                if (*(int64_t *)count)
                    g_hash_table_insert(all, g_strdup_printf("%d|%s|%s", partition, (char *)name, (char *)metric),
                                        g_memdup2(count, sizeof(int64_t)));
        }
    }
    return all;
}

static void
add_published_counts(const lc_memory_record *record, lc_arena *arena, GHashTable *all)
{
    lc_text body = sim_body_of(record->value), channel;
    int32_t cohort, partition;
    lc_metric_count *counts;
    size_t n;
    if (!lc_plan_read_counters(sim_plan_of(record->value), body.data, body.size, arena, &channel, &cohort, &partition,
                               &counts, &n, NULL))
        return;
    for (size_t i = 0; i < n; i++)
        add_count(all, partition, channel, cohort, counts[i].metric, counts[i].count);
}

/* The latest committed record of each key. */
static GHashTable *
changelog(sim *s, lc_output output, int32_t partition)
{
    GHashTable *latest = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
    size_t n;
    const lc_memory_record *const *records = lc_memory_records(s->broker, LC_MEMORY_OUTPUT(output), partition, &n);
    for (size_t i = 0; i < n; i++) {
        GBytes *key = g_bytes_new_static(records[i]->key.data, records[i]->key.size);
        if (records[i]->status == LC_MEMORY_COMMITTED)
            g_hash_table_replace(latest, g_bytes_ref(key), (gpointer)records[i]);
        g_bytes_unref(key);
    }
    GHashTableIter iter;
    gpointer record;
    g_hash_table_iter_init(&iter, latest);
    while (g_hash_table_iter_next(&iter, NULL, &record))
        if (lc_text_is_absent(((const lc_memory_record *)record)->value))
            g_hash_table_iter_remove(&iter);
    return latest;
}

static GHashTable *
published_counts(sim *s)
{
    GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    lc_arena arena = {0};
    for (int32_t partition = 0; partition < s->plan.partitions; partition++) {
        g_autoptr(GHashTable) latest = changelog(s, LC_OUTPUT_COUNTERS, partition);
        GHashTableIter iter;
        gpointer record;
        g_hash_table_iter_init(&iter, latest);
        while (g_hash_table_iter_next(&iter, NULL, &record))
            add_published_counts(record, &arena, all);
    }
    lc_arena_clear(&arena);
    return all;
}

static void
compare_counts(sim *s, const char *what, GHashTable *actual, const char *with, GHashTable *expected)
{
    GHashTableIter iter;
    gpointer key, count;
    g_hash_table_iter_init(&iter, actual);
    while (s->failure == NULL && g_hash_table_iter_next(&iter, &key, &count)) {
        const int64_t *other = g_hash_table_lookup(expected, key);
        if (other == NULL || *other != *(int64_t *)count)
            sim_fail(s, "%s is %" PRId64 " in %s, %" PRId64 " by %s", (char *)key, *(int64_t *)count, what,
                     other ? *other : 0, with);
    }
    g_hash_table_iter_init(&iter, expected);
    while (s->failure == NULL && g_hash_table_iter_next(&iter, &key, &count))
        if (!g_hash_table_contains(actual, key))
            sim_fail(s, "%s is %" PRId64 " by %s, and not in %s", (char *)key, *(int64_t *)count, with, what);
}

static gboolean
is_forgettable_count(gpointer key, gpointer count, gpointer data)
{
    (void)count;
    (void)data;
    return strstr(key, "|gone|") != NULL;
}

static void
check_counters(sim *s, const expectation *expected)
{
    g_autoptr(GHashTable) stored = stored_counts(s);
    g_autoptr(GHashTable) published = published_counts(s);
    g_autoptr(GHashTable) rows = sim_rows_counts(s);
    compare_counts(s, "Redis", stored, "its changelog", published);
    compare_counts(s, "the table of counters", rows, "the changelog", published);
    g_hash_table_foreach_remove(published, is_forgettable_count, NULL);
    compare_counts(s, "the changelog", published, "the facts", expected->counts);
}

/* ---- Redis and the changelog ---- */

static bool
text_is(lc_text text, GBytes *bytes)
{
    return bytes && g_bytes_get_size(bytes) == text.size &&
           (text.size == 0 || memcmp(g_bytes_get_data(bytes, NULL), text.data, text.size) == 0);
}

static void
check_stored_lead(sim *s, int32_t partition, const lc_memory_record *record)
{
    lc_text body = sim_body_of(record->value), lead_id;
    lc_instant wake_at;
    if (!lc_plan_peek_lead(sim_plan_of(record->value), body.data, body.size, &lead_id, &wake_at, NULL))
        sim_fail(s, "the state of %.*s can't be read", LC_TEXT_ARGS(record->key));
    else if (!text_is(record->value, lc_memory_redis_lead(s->redis, partition, record->key)))
        sim_fail(s, "Redis has another state of %.*s than the changelog at %" PRId64, LC_TEXT_ARGS(record->key),
                 record->offset);
    else if (wake_at != LC_NEVER && !lc_memory_redis_has_wakeup(s->redis, partition, record->key, wake_at))
        sim_fail(s, "Redis does not wake %.*s at %" PRId64 ", as the changelog says", LC_TEXT_ARGS(record->key),
                 wake_at);
}

static void
check_store(sim *s)
{
    for (int32_t partition = 0; partition < s->plan.partitions && s->failure == NULL; partition++) {
        g_autoptr(GHashTable) latest = changelog(s, LC_OUTPUT_STATE, partition);
        GHashTableIter iter;
        gpointer key, record;
        g_hash_table_iter_init(&iter, latest);
        while (s->failure == NULL && g_hash_table_iter_next(&iter, NULL, &record))
            check_stored_lead(s, partition, record);
        g_hash_table_iter_init(&iter, lc_memory_redis_leads(s->redis, partition));
        while (s->failure == NULL && g_hash_table_iter_next(&iter, &key, NULL))
            if (!g_hash_table_contains(latest, key))
                sim_fail(s, "Redis has a lead that the changelog has not");
    }
}

/* ---- Leads ---- */

static int
by_event_id(gconstpointer a, gconstpointer b)
{
    return lc_text_compare(((const lc_fact *)a)->event_id, ((const lc_fact *)b)->event_id);
}

static GBytes *
facts_of(const lc_lead *lead)
{
    lc_fact *facts = g_memdup2(lead->facts, sizeof(lc_fact) * lead->n_facts);
    GByteArray *bytes = g_byte_array_new();
    qsort(facts, lead->n_facts, sizeof *facts, by_event_id);
    for (size_t i = 0; i < lead->n_facts; i++)
        lc_encode_fact(bytes, lead->id, &facts[i]);
    g_free(facts);
    return g_byte_array_free_to_bytes(bytes);
}

static void
check_lead(sim *s, const lc_lead *expected)
{
    int32_t partition = lc_log_partition_of(expected->id, s->plan.partitions);
    GBytes *state = lc_memory_redis_lead(s->redis, partition, expected->id);
    lc_arena arena = {0};
    lc_lead lead = {0};
    if (state == NULL) {
        if (!lc_lead_is_empty(expected))
            sim_fail(s, "there is no %.*s", LC_TEXT_ARGS(expected->id));
        return;
    }
    lc_text value = {g_bytes_get_data(state, NULL), g_bytes_get_size(state)}, body = sim_body_of(value);
    if (!lc_plan_read_lead(sim_plan_of(value), body.data, body.size, &arena, &lead, NULL)) {
        sim_fail(s, "the state of %.*s can't be read", LC_TEXT_ARGS(expected->id));
    } else {
        g_autoptr(GBytes) facts = facts_of(&lead);
        g_autoptr(GBytes) expected_facts = facts_of(expected);
        if (!g_bytes_equal(facts, expected_facts))
            sim_fail(s, "%.*s has %zu other facts than the %zu published", LC_TEXT_ARGS(expected->id), lead.n_facts,
                     expected->n_facts);
        else if (lead.wake_at != expected->wake_at)
            sim_fail(s, "%.*s wakes at %" PRId64 ", not at %" PRId64, LC_TEXT_ARGS(expected->id), lead.wake_at,
                     expected->wake_at);
    }
    lc_arena_clear(&arena);
}

static void
check_leads(sim *s, const expectation *expected)
{
    GHashTableIter iter;
    gpointer lead;
    g_hash_table_iter_init(&iter, expected->leads);
    while (s->failure == NULL && g_hash_table_iter_next(&iter, NULL, &lead))
        check_lead(s, lead);
    g_hash_table_iter_init(&iter, expected->leads);
    while (s->failure == NULL && g_hash_table_iter_next(&iter, NULL, &lead))
        sim_rows_check_lead(s, lead, s->now);
}

/* ---- Settled ---- */

static bool
is_consumed(sim *s, int topic, int32_t partition)
{
    size_t n;
    const lc_memory_record *const *records = lc_memory_records(s->broker, topic, partition, &n);
    int64_t committed = lc_memory_committed(s->broker, topic, partition, NULL);
    for (size_t i = 0; i < n; i++)
        if (records[i]->status == LC_MEMORY_COMMITTED && records[i]->offset >= committed)
            return false;
    return true;
}

/* "topic=O,...:C" of what is committed. */
static char *
committed_position(sim *s, int32_t partition)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const char *metadata = NULL;
    for (int topic = 0; topic < s->plan.n_inputs; topic++)
        g_string_append_printf(text, "%s%s=%" PRId64, topic ? "," : "", sim_input_names(s->plan.n_inputs)[topic],
                               lc_memory_committed(s->broker, topic, partition, &metadata));
    int64_t ends[LC_CHANGELOGS];
    if (lc_metadata_ends(metadata, ends))
        g_string_append_printf(text, ":%" PRId64 "/%" PRId64 ":", ends[LC_CHANGELOG_STATE],
                               ends[LC_CHANGELOG_COUNTERS]);
    return g_strdup(text->str);
}

static bool
is_applied(sim *s, int32_t partition)
{
    GBytes *applied = lc_memory_redis_applied(s->redis, partition);
    g_autofree char *committed = committed_position(s, partition);
    gsize size = applied ? g_bytes_get_size(applied) : 0, wanted = strlen(committed);
    if (lc_memory_committed(s->broker, 0, partition, NULL) < 0)
        return true;
    return size > wanted && memcmp(g_bytes_get_data(applied, NULL), committed, wanted) == 0;
}

static bool
is_due(sim *s, int32_t partition)
{
    GHashTableIter iter;
    gpointer wakeups;
    g_hash_table_iter_init(&iter, lc_memory_redis_wakeups(s->redis, partition));
    while (g_hash_table_iter_next(&iter, NULL, &wakeups))
        for (guint i = 0; i < ((GArray *)wakeups)->len; i++)
            if (g_array_index((GArray *)wakeups, lc_memory_wakeup, i).at < s->now)
                return true;
    return false;
}

char *
sim_unsettled(sim *s)
{
    if (!lc_memory_broker_is_settled(s->broker))
        return g_strdup("a transaction is open, or the group is not stable");
    for (int32_t partition = 0; partition < s->plan.partitions; partition++) {
        g_autofree char *committed = committed_position(s, partition);
        GBytes *applied = lc_memory_redis_applied(s->redis, partition);
        for (int topic = 0; topic < s->plan.n_inputs; topic++)
            if (!is_consumed(s, topic, partition))
                return g_strdup_printf("partition %d is not consumed: committed \"%s\"", partition, committed);
        if (!is_applied(s, partition))
            return g_strdup_printf("partition %d is at \"%.*s\" in Redis, committed \"%s\"", partition,
                                   applied ? (int)g_bytes_get_size(applied) : 0,
                                   applied ? (const char *)g_bytes_get_data(applied, NULL) : "", committed);
        if (is_due(s, partition))
            return g_strdup_printf("partition %d has wake-ups that are due", partition);
    }
    return NULL;
}

void
sim_check(sim *s)
{
    expectation expected;
    expect(s, &expected);
    check_outcomes(s, &expected);
    if (s->failure == NULL)
        check_store(s);
    if (s->failure == NULL)
        check_leads(s, &expected);
    if (s->failure == NULL)
        check_counters(s, &expected);
    expectation_clear(&expected);
}
