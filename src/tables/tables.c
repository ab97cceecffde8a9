/* tables.c - rows from their topics: which table a record is of, by which schema it is read, and when all is read. */
#include <leadclock/tables.h>

#define LOOK_MS 200
#define ROWS_A_TELL 2000

struct lc_tables {
    lc_reader *reader;
    lc_registry *registry;
    char *topics[LC_TABLES + 1]; /* those that are read, NULL-terminated */
    int tables[LC_TABLES];       /* by topic */
    GHashTable *plans;           /* schema id -> lc_plan; lookups of what is no plan end in LC_ERROR_RECORD */
    uint32_t last_id;
    const lc_plan *last_plan;
    lc_read_record record; /* the last one */
    bool is_waiting;       /* it has not been told yet */
    lc_arena arena;        /* of its lists */
};

/* ---- Start ---- */

lc_tables *
lc_tables_new(const lc_kafka_options *options, lc_registry *registry, const char *const *topics, GError **error)
{
    g_autoptr(lc_tables) tables = g_new0(lc_tables, 1);
    int n = 0;
    tables->registry = registry;
    tables->plans = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)lc_plan_free);
    for (int table = 0; table < LC_TABLES; table++)
        if (topics[table]) {
            tables->topics[n] = g_strdup(topics[table]);
            tables->tables[n++] = table;
        }
    tables->reader = lc_reader_new(options, (const char *const *)tables->topics, true, error);
    if (tables->reader == NULL)
        return NULL;
    lc_reader_pass_headers(tables->reader);
    return g_steal_pointer(&tables);
}

void
lc_tables_free(lc_tables *tables)
{
    if (tables == NULL)
        return;
    g_clear_pointer(&tables->reader, lc_reader_free);
    for (int i = 0; i < LC_TABLES; i++)
        g_free(tables->topics[i]);
    g_hash_table_unref(tables->plans);
    lc_arena_clear(&tables->arena);
    g_free(tables);
}

/* ---- Schemas ---- */

static const lc_plan *
fetch_plan(lc_tables *tables, uint32_t id, GError **error)
{
    lc_registry_answer answer;
    lc_plan *plan = NULL;
    if (!lc_registry_fetch(tables->registry, &id, 1, &answer, error))
        return NULL;
    if (answer.verdict == LC_REGISTRY_HAS)
        plan = lc_plan_new(answer.schema, error);
    else
        g_set_error(error, LC_ERROR, answer.verdict == LC_REGISTRY_FAILS ? LC_ERROR_RETRY : LC_ERROR_RECORD,
                    "the registry has no schema %u%s%s", id, answer.why ? ": " : "", answer.why ? answer.why : "");
    lc_registry_answer_clear(&answer);
    if (plan)
        g_hash_table_insert(tables->plans, GUINT_TO_POINTER(id), plan);
    return plan;
}

static const lc_plan *
find_plan(lc_tables *tables, uint32_t id, GError **error)
{
    if (tables->last_plan && tables->last_id == id)
        return tables->last_plan;
    const lc_plan *plan = g_hash_table_lookup(tables->plans, GUINT_TO_POINTER(id));
    if (plan == NULL && (plan = fetch_plan(tables, id, error)) == NULL)
        return NULL;
    tables->last_id = id;
    tables->last_plan = plan;
    return plan;
}

/* ---- Reading ---- */

/* A tombstone has its key alone. */
static bool
decode(lc_tables *tables, lc_table_row *row, GError **error)
{
    const lc_read_record *record = &tables->record;
    lc_text value = lc_text_is_absent(record->value) ? record->key : record->value;
    uint32_t id;
    lc_arena_reset(&tables->arena);
    if (!lc_frame_read(value.data, value.size, &id)) {
        g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "no Avro in Confluent's framing");
        return false;
    }
    const lc_plan *plan = find_plan(tables, id, error);
    if (plan == NULL ||
        !lc_plan_read_row(plan, value.data + LC_FRAME_BYTES, value.size - LC_FRAME_BYTES, &tables->arena, row, error))
        return false;
    if (row->table == tables->tables[record->topic])
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "a row of %s", lc_rows_table_name(row->table));
    return false;
}

int
lc_tables_read(lc_tables *tables, int timeout_ms, lc_table_row *row, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (!tables->is_waiting) {
        int result = lc_reader_read(tables->reader, timeout_ms, &tables->record, error);
        if (result <= 0)
            return result;
    }
    bool ok = decode(tables, row, &problem);
    tables->is_waiting = !ok && g_error_matches(problem, LC_ERROR, LC_ERROR_RETRY);
    if (ok)
        return 1;
    if (!tables->is_waiting)
        g_prefix_error(&problem, "topic %s, partition %d, offset %" G_GINT64_FORMAT ": ",
                       tables->topics[tables->record.topic], tables->record.partition, tables->record.offset);
    g_propagate_error(error, g_steal_pointer(&problem));
    return -1;
}

bool
lc_tables_are_caught_up(const lc_tables *tables)
{
    return !tables->is_waiting && lc_reader_is_caught_up(tables->reader);
}

void
lc_tables_progress(const lc_tables *tables, uint64_t *done, uint64_t *all)
{
    lc_reader_progress(tables->reader, done, all);
}

bool
lc_tables_look(lc_tables *tables, GError **error)
{
    return lc_reader_look(tables->reader, error);
}

/* ---- Once, to the end ---- */

/* Whether there is still hope; takes the problem of a call that gave nothing, if there was one. */
static bool
may_wait(const lc_tables *tables, gint64 since_us, lc_duration patience, GError **problem, GError **error)
{
    uint64_t done, all;
    if (*problem && !g_error_matches(*problem, LC_ERROR, LC_ERROR_RETRY)) {
        g_propagate_error(error, g_steal_pointer(problem));
        return false;
    }
    if (g_get_monotonic_time() - since_us < patience * 1000 || lc_registry_is_asking(tables->registry)) {
        if (*problem && !lc_registry_is_asking(tables->registry))
            g_usleep(LOOK_MS * 1000);
        g_clear_error(problem);
        return true;
    }
    lc_tables_progress(tables, &done, &all);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "%s: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " records are read",
                *problem ? (*problem)->message : "Kafka has not answered for a while", done, all);
    return false;
}

static void
tell_now(const lc_tables *tables, lc_tell_progress tell, void *data)
{
    uint64_t done, all;
    lc_tables_progress(tables, &done, &all);
    if (tell)
        tell(done, all, data);
}

bool
lc_tables_read_to_end(lc_tables *tables, lc_duration patience, lc_take_row take, lc_tell_progress tell, void *data,
                      GError **error)
{
    gint64 since_us = g_get_monotonic_time();
    for (uint64_t n = 0; !lc_tables_are_caught_up(tables);) {
        g_autoptr(GError) problem = NULL;
        lc_table_row row;
        int result = lc_tables_read(tables, LOOK_MS, &row, &problem);
        if (result <= 0) {
            if (!may_wait(tables, since_us, patience, &problem, error))
                return false;
            continue;
        }
        if (!take(&row, data, error))
            return false;
        since_us = g_get_monotonic_time();
        if (++n % ROWS_A_TELL == 0)
            tell_now(tables, tell, data);
    }
    tell_now(tables, tell, data);
    return true;
}
