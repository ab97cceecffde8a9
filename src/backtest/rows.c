/* rows.c - the rows that stand, by table and key, each as the bytes that will be written of it. */
#include "rows.h"

#include <leadclock/text.h>

#include <errno.h>
#include <stdio.h>

#define OUTPUT_BYTES ((guint)64 * 1024)

typedef struct {
    lc_text key; /* bytes whose order is that of the rows; the first member, so that it is found by its key */
    lc_text bytes;
} kept_row;

struct lc_kept_rows {
    lc_rows_format format;
    GHashTable *tables[LC_ROW_TYPES]; /* kept_row *, a set by key */
    GByteArray *key, *body;           /* at work */
    GString *line;
};

/* Also how the names of files end. */
static const char *const formats[] = {[LC_ROWS_JSONL] = "jsonl", [LC_ROWS_CSV] = "csv", [LC_ROWS_AVRO] = "avro"};

bool
lc_rows_format_parse(const char *text, lc_rows_format *format)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (strcmp(text, formats[i]) == 0) {
            *format = (lc_rows_format)i;
            return true;
        }
    return false;
}

lc_kept_rows *
lc_kept_rows_new(lc_rows_format format)
{
    lc_kept_rows *kept = g_new0(lc_kept_rows, 1);
    kept->format = format;
    for (int i = 0; i < LC_ROW_TYPES; i++)
        kept->tables[i] = g_hash_table_new_full(lc_text_key_hash, lc_text_key_equal, g_free, NULL);
    kept->key = g_byte_array_new();
    kept->body = g_byte_array_new();
    kept->line = g_string_new(NULL);
    return kept;
}

void
lc_kept_rows_free(lc_kept_rows *kept)
{
    for (int i = 0; i < LC_ROW_TYPES; i++)
        g_hash_table_unref(kept->tables[i]);
    g_byte_array_unref(kept->key);
    g_byte_array_unref(kept->body);
    g_string_free(kept->line, TRUE);
    g_free(kept);
}

/* ---- One row ---- */

static void
add_to_key(GByteArray *key, const lc_record_field *field, const void *row)
{
    const void *member = lc_field_member(field, row);
    if (field->kind == LC_FIELD_UUID) {
        g_byte_array_append(key, member, sizeof(lc_uuid));
    } else if (field->kind == LC_FIELD_COUNT) {
        uint32_t number = GUINT32_TO_BE(*(const uint32_t *)member);
        g_byte_array_append(key, (const guint8 *)&number, sizeof number);
    } else {
        lc_text text = *(const lc_text *)member;
        g_byte_array_append(key, (const guint8 *)text.data, (guint)text.size);
    }
}

static lc_text
key_of(lc_kept_rows *kept, int table, const void *row)
{
    const lc_record *record = lc_rows_record(table);
    g_byte_array_set_size(kept->key, 0);
    for (size_t i = 0; i < record->n_key_fields; i++)
        add_to_key(kept->key, &record->fields[i], row);
    return (lc_text){(const char *)kept->key->data, kept->key->len};
}

/* With the end of its line. Good until the next one. */
static lc_text
bytes_of(const lc_kept_rows *kept, int table, const void *row)
{
    if (kept->format == LC_ROWS_AVRO) {
        g_byte_array_set_size(kept->body, 0);
        lc_encode_row(kept->body, table, row);
        return (lc_text){(const char *)kept->body->data, kept->body->len};
    }
    g_string_truncate(kept->line, 0);
    (kept->format == LC_ROWS_CSV ? lc_csv_write_row : lc_json_write_row)(kept->line, table, row);
    g_string_append(kept->line, kept->format == LC_ROWS_CSV ? "\r\n" : "\n");
    return (lc_text){kept->line->str, kept->line->len};
}

static void
keep_row(lc_kept_rows *kept, int table, lc_text key, lc_text bytes)
{
    kept_row *row = g_malloc(lc_size_sum(sizeof *row, lc_size_sum(key.size, bytes.size)));
    char *at = (char *)(row + 1);
    memcpy(at, key.data, key.size);
    memcpy(at + key.size, bytes.data, bytes.size);
    *row = (kept_row){{at, key.size}, {at + key.size, bytes.size}};
    g_hash_table_add(kept->tables[table], row);
}

void
lc_kept_rows_take(lc_kept_rows *kept, const lc_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int table = (int)rows[i].type;
        const void *row = &rows[i].cycle; /* whichever it is: they begin at one place */
        lc_text key = key_of(kept, table, row);
        if (rows[i].deleted)
            g_hash_table_remove(kept->tables[table], &key);
        else
            keep_row(kept, table, key, bytes_of(kept, table, row));
    }
}

/* ---- A file ---- */

typedef struct {
    const lc_kept_rows *kept;
    int table;
    char *path;
    FILE *file;
    GByteArray *out;  /* what is to be written; of Avro the block under way */
    size_t n_records; /* of the block */
    uint8_t sync[LC_SYNC_BYTES];
    bool failed;
} table_file;

static void
flush(table_file *file)
{
    if (file->out->len && fwrite(file->out->data, 1, file->out->len, file->file) != file->out->len)
        file->failed = true;
    g_byte_array_set_size(file->out, 0);
}

static void
finish_block(table_file *file)
{
    g_autoptr(GByteArray) block = g_byte_array_new();
    if (file->n_records == 0)
        return;
    lc_container_write_block(block, file->n_records, file->out, file->sync);
    file->n_records = 0;
    g_byte_array_set_size(file->out, 0);
    g_byte_array_append(file->out, block->data, block->len);
}

static void
write_row(table_file *file, lc_text bytes)
{
    g_byte_array_append(file->out, (const guint8 *)bytes.data, (guint)bytes.size);
    file->n_records++;
    if (file->out->len < OUTPUT_BYTES)
        return;
    if (file->kept->format == LC_ROWS_AVRO)
        finish_block(file);
    flush(file);
}

/* As random as the keys of the process. */
static void
make_sync(table_file *file)
{
    for (uint64_t half = 0; half < 2; half++) {
        uint64_t hash = lc_text_hash(half, lc_text_of(file->path));
        memcpy(file->sync + half * sizeof hash, &hash, sizeof hash);
    }
}

static void
write_head(table_file *file)
{
    g_autoptr(GString) header = g_string_new(NULL);
    if (file->kept->format == LC_ROWS_AVRO) {
        make_sync(file);
        lc_container_write_header(file->out, lc_schema_text(lc_rows_schema(file->table)), file->sync);
        flush(file);
    } else if (file->kept->format == LC_ROWS_CSV) {
        lc_csv_write_header(header, file->table);
        g_string_append(header, "\r\n");
        g_byte_array_append(file->out, (const guint8 *)header->str, (guint)header->len);
    }
}

static gint
compare_rows(gconstpointer a, gconstpointer b)
{
    const kept_row *one = *(const kept_row *const *)a, *other = *(const kept_row *const *)b;
    return lc_text_compare(one->key, other->key);
}

static void
write_kept(table_file *file)
{
    GHashTableIter iter;
    gpointer row;
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    g_hash_table_iter_init(&iter, file->kept->tables[file->table]);
    while (g_hash_table_iter_next(&iter, &row, NULL))
        g_ptr_array_add(sorted, row);
    g_ptr_array_sort(sorted, compare_rows);
    for (guint i = 0; i < sorted->len; i++)
        write_row(file, ((const kept_row *)sorted->pdata[i])->bytes);
}

/* In a backtest there is one partition, 0 (10.9). */
static void
write_counters(table_file *file, const lc_counter_sums *counters)
{
    g_autoptr(GArray) sorted = lc_counter_sums_sorted(counters);
    for (guint i = 0; i < sorted->len; i++) {
        const lc_counter *counter = &g_array_index(sorted, lc_counter, i);
        lc_counter_row row = lc_counter_row_make(counter->channel, counter->cohort, counter->metric, 0, counter->count);
        write_row(file, bytes_of(file->kept, file->table, &row));
    }
}

static bool
write_table(const lc_kept_rows *kept, int table, const lc_counter_sums *counters, const char *folder, GError **error)
{
    g_autofree char *path = g_strdup_printf("%s/%s.%s", folder, lc_rows_table_name(table), formats[kept->format]);
    g_autoptr(GByteArray) out = g_byte_array_new();
    table_file file = {.kept = kept, .table = table, .path = path, .file = fopen(path, "we"), .out = out};
    if (file.file) {
        write_head(&file);
        if (table == LC_TABLE_COUNTERS)
            write_counters(&file, counters);
        else
            write_kept(&file);
        if (kept->format == LC_ROWS_AVRO)
            finish_block(&file);
        flush(&file);
    }
    if (file.file && fclose(file.file) == 0 && !file.failed)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "--tables: %s: %s", path, g_strerror(errno));
    return false;
}

bool
lc_kept_rows_write(const lc_kept_rows *kept, const lc_counter_sums *counters, const char *folder, GError **error)
{
    if (g_mkdir_with_parents(folder, 0777) != 0) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "--tables: %s: %s", folder, g_strerror(errno));
        return false;
    }
    for (int table = 0; table < LC_TABLES; table++)
        if (!write_table(kept, table, counters, folder, error))
            return false;
    return true;
}
