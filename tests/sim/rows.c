/* rows.c - the rows of every changed lead, held against its facts after each transaction. */
#include "sim.h"

#include <inttypes.h>

/* What stands of the tables, as a reader of what is committed sees it. */

typedef struct {
    int table;
    int32_t partition;
    GBytes *lead_id; /* NULL: of counters */
    GBytes *body;
} standing_row;

struct sim_rows {
    lc_judge *judge;
    GHashTable *standing;      /* GBytes (framed key) -> standing_row */
    GHashTable *of_leads;      /* GBytes (lead id) -> GHashTable of GBytes (framed key) */
    GBytes *marked[LC_TABLES]; /* the key that was just said to be deleted: a tombstone follows */
};

static void
row_free(void *data)
{
    standing_row *row = data;
    g_clear_pointer(&row->lead_id, g_bytes_unref);
    g_bytes_unref(row->body);
    g_free(row);
}

sim_rows *
sim_rows_new(const lc_policy_book *book)
{
    sim_rows *rows = g_new0(sim_rows, 1);
    rows->judge = lc_judge_new(book);
    lc_judge_set_rows(rows->judge, (1u << LC_ROW_TYPES) - 1);
    rows->standing = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, row_free);
    rows->of_leads = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                           (GDestroyNotify)g_hash_table_unref);
    return rows;
}

void
sim_rows_free(sim_rows *rows)
{
    lc_judge_free(rows->judge);
    g_hash_table_unref(rows->standing);
    g_hash_table_unref(rows->of_leads);
    for (int table = 0; table < LC_TABLES; table++)
        g_clear_pointer(&rows->marked[table], g_bytes_unref);
    g_free(rows);
}

/* ---- What is published ---- */

static GHashTable *
rows_of(sim_rows *rows, GBytes *lead_id)
{
    GHashTable *keys = g_hash_table_lookup(rows->of_leads, lead_id);
    if (keys == NULL) {
        keys = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, NULL);
        g_hash_table_insert(rows->of_leads, g_bytes_ref(lead_id), keys);
    }
    return keys;
}

static void
remove_row(sim_rows *rows, GBytes *key)
{
    const standing_row *row = g_hash_table_lookup(rows->standing, key);
    if (row && row->lead_id)
        g_hash_table_remove(rows_of(rows, row->lead_id), key);
    g_hash_table_remove(rows->standing, key);
}

static void
take_row(sim *s, int table, int32_t partition, GBytes *key, lc_text body, const char *json)
{
    sim_rows *rows = s->rows;
    const standing_row *former = g_hash_table_lookup(rows->standing, key);
    const char *lead_id = strstr(json, "\"lead_id\":\"");
    if (former && former->partition != partition)
        sim_fail(s, "a row of %s is in partition %d, and was in %d", lc_rows_table_name(table), partition,
                 former->partition);
    remove_row(rows, key);
    standing_row *row = g_new0(standing_row, 1);
    *row = (standing_row){.table = table, .partition = partition, .body = g_bytes_new(body.data, body.size)};
    if (lead_id) {
        lead_id += strlen("\"lead_id\":\"");
        row->lead_id = g_bytes_new(lead_id, strcspn(lead_id, "\""));
        g_hash_table_add(rows_of(rows, row->lead_id), g_bytes_ref(key));
    }
    g_hash_table_replace(rows->standing, g_bytes_ref(key), row);
}

void
sim_rows_take(sim *s, int table, int32_t partition, const lc_memory_record *record)
{
    sim_rows *rows = s->rows;
    g_autoptr(GBytes) key = g_bytes_new(record->key.data, record->key.size);
    g_autoptr(GString) json = g_string_new(NULL);
    GBytes *marked = rows->marked[table];
    if (lc_text_is_absent(record->value)) {
        if (marked == NULL || !g_bytes_equal(marked, key))
            sim_fail(s, "a tombstone of %s without a mark before it", lc_rows_table_name(table));
        g_clear_pointer(&rows->marked[table], g_bytes_unref);
        return;
    }
    lc_text body = sim_body_of(record->value);
    const lc_plan *plan = sim_plan_of(record->value);
    if (marked)
        sim_fail(s, "a mark of %s without a tombstone after it", lc_rows_table_name(table));
    if (plan == NULL || lc_plan_schema(plan) != (int)lc_rows_schema(table) ||
        !lc_plan_read_json(plan, body.data, body.size, json, NULL)) {
        sim_fail(s, "a row of %s that can't be read", lc_rows_table_name(table));
    } else if (strstr(json->str, "\"deleted\":true")) {
        remove_row(rows, key);
        rows->marked[table] = g_bytes_ref(key);
    } else {
        take_row(s, table, partition, key, body, json->str);
    }
}

/* ---- What should be ---- */

static GBytes *
key_of(int table, const void *row)
{
    g_autoptr(GByteArray) key = g_byte_array_new();
    uint32_t id = SIM_SCHEMA_ID(lc_rows_key_schema(table));
    const uint8_t frame[LC_FRAME_BYTES] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                                           (uint8_t)id};
    g_byte_array_append(key, frame, sizeof frame);
    lc_encode_row_key(key, table, row);
    return g_byte_array_free_to_bytes(g_steal_pointer(&key));
}

static bool
stands(sim *s, int table, int32_t partition, const void *row)
{
    g_autoptr(GBytes) key = key_of(table, row);
    g_autoptr(GByteArray) body = g_byte_array_new();
    const standing_row *found = g_hash_table_lookup(s->rows->standing, key);
    lc_encode_row(body, table, row);
    return found && found->partition == partition && g_bytes_get_size(found->body) == body->len &&
           memcmp(g_bytes_get_data(found->body, NULL), body->data, body->len) == 0;
}

void
sim_rows_check_lead(sim *s, const lc_lead *lead, lc_instant now)
{
    const lc_judgement *judgement = lc_lead_derive(s->rows->judge, lead, now);
    int32_t partition = lc_log_partition_of(lead->id, s->plan.partitions);
    g_autoptr(GBytes) id = g_bytes_new(lead->id.data, lead->id.size);
    guint n = g_hash_table_size(rows_of(s->rows, id));
    for (size_t i = 0; i < judgement->n_rows && s->failure == NULL; i++) {
        const lc_row *row = &judgement->rows[i];
        if (!stands(s, row->type, partition, &row->cycle))
            sim_fail(s, "a row of %s of %.*s follows from the facts, and does not stand so",
                     lc_row_type_name(row->type), LC_TEXT_ARGS(lead->id));
    }
    if (s->failure == NULL && n != judgement->n_rows)
        sim_fail(s, "of %.*s %u rows stand, and %zu follow from the facts", LC_TEXT_ARGS(lead->id), n,
                 judgement->n_rows);
}

/* ---- Counters ---- */

static char *
text_of(const char *json, const char *before)
{
    const char *at = strstr(json, before) + strlen(before);
    return g_strndup(at, strcspn(at, "\",}"));
}

/* "partition|channel|cohort|metric", as the oracle names them. */
static void
add_count(const standing_row *row, GHashTable *counts)
{
    static lc_plan *plan; /* lasts as long as the process */
    g_autoptr(GString) json = g_string_new(NULL);
    if (plan == NULL)
        plan = lc_plan_new(lc_schema_text(lc_rows_schema(LC_TABLE_COUNTERS)), NULL);
    lc_plan_read_json(plan, g_bytes_get_data(row->body, NULL), g_bytes_get_size(row->body), json, NULL);
    g_autofree char *partition = text_of(json->str, "\"partition\":");
    g_autofree char *channel = text_of(json->str, "\"channel\":\"");
    g_autofree char *cohort = text_of(json->str, "\"cohort\":\"");
    g_autofree char *metric = text_of(json->str, "\"metric\":\"");
    g_autofree char *value = text_of(json->str, "\"value\":");
    int64_t count = g_ascii_strtoll(value, NULL, 10);
    if (count)
        g_hash_table_insert(counts, g_strdup_printf("%s|%s|%s|%s", partition, channel, cohort, metric),
                            g_memdup2(&count, sizeof count));
}

GHashTable *
sim_rows_counts(sim *s)
{
    GHashTable *counts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    GHashTableIter iter;
    gpointer row;
    g_hash_table_iter_init(&iter, s->rows->standing);
    while (g_hash_table_iter_next(&iter, NULL, &row))
        if (((const standing_row *)row)->table == LC_TABLE_COUNTERS)
            add_count(row, counts);
    return counts;
}

void
sim_rows_check_marks(sim *s)
{
    for (int table = 0; table < LC_TABLES; table++)
        if (s->rows->marked[table])
            sim_fail(s, "a mark of %s without a tombstone after it", lc_rows_table_name(table));
}
