/* rows.c - the tables of rows, and rows as CSV. */
#include "json_put.h"
#include "wire.h"

#include <leadclock/calendar.h>

/* ---- Tables ---- */

const char *
lc_rows_table_name(int table)
{
    return table == LC_TABLE_COUNTERS ? "counters" : lc_row_type_name((lc_row_type)table);
}

const lc_record *
lc_rows_record(int table)
{
    return table == LC_TABLE_COUNTERS ? &lc_counter_record : &lc_row_records[table];
}

lc_schema
lc_rows_key_schema(int table)
{
    return LC_SCHEMA_CYCLE_KEY + (lc_schema)(2 * table);
}

lc_schema
lc_rows_schema(int table)
{
    return LC_SCHEMA_CYCLE_ROW + (lc_schema)(2 * table);
}

/* ---- CSV ---- */

static bool
needs_quotes(lc_text text)
{
    for (size_t i = 0; i < text.size; i++)
        if (strchr(",\"\r\n", text.data[i]))
            return true;
    return text.size == 0;
}

/* Nothing where it is absent; quotes are doubled. */
static void
put_text(GString *csv, lc_text text)
{
    if (lc_text_is_absent(text))
        return;
    if (!needs_quotes(text)) {
        g_string_append_len(csv, text.data, (gssize)text.size);
        return;
    }
    g_string_append_c(csv, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] == '"')
            g_string_append_c(csv, '"');
        g_string_append_c(csv, text.data[i]);
    }
    g_string_append_c(csv, '"');
}

static void
put_list(GString *csv, const lc_record_field *field, const void *row)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_writer writer;
    char *at = lc_json_open(&writer, json);
    lc_json_close(&writer, lc_json_list(&writer, at, field, row));
    put_text(csv, (lc_text){json->str, json->len});
}

static void
put_instant(GString *csv, lc_instant instant)
{
    char text[LC_INSTANT_TEXT_BYTES];
    g_string_append(csv, lc_instant_format(instant, text));
}

static void
put_uuid(GString *csv, const lc_uuid *uuid)
{
    char text[LC_UUID_TEXT_BYTES];
    g_string_append(csv, lc_uuid_format(uuid, text));
}

static void
put_month(GString *csv, int32_t month)
{
    char text[LC_MONTH_TEXT_BYTES];
    g_string_append(csv, lc_month_format(month, text));
}

static void
put_column(GString *csv, const lc_record_field *field, const void *row)
{
    const void *member = lc_field_member(field, row);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_TEXT:
        return put_text(csv, *(const lc_text *)member);
    case LC_FIELD_UUID:
        return put_uuid(csv, member);
    case LC_FIELD_INSTANT:
        return put_instant(csv, *(const lc_instant *)member);
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        return g_string_append_printf(csv, "%" G_GINT64_FORMAT, *(const int64_t *)member);
    case LC_FIELD_COUNT:
    case LC_FIELD_INT:
        return g_string_append_printf(csv, "%u", *(const uint32_t *)member);
    case LC_FIELD_FLAG:
        return (void)g_string_append(csv, *(const bool *)member ? "true" : "false");
    case LC_FIELD_CHOICE:
        return (void)g_string_append(csv, field->names[*(const bool *)member]);
    case LC_FIELD_ENUM:
    case LC_FIELD_NAME:
        return (void)g_string_append(csv, field->names[*(const int *)member]);
    case LC_FIELD_MONTH:
        return put_month(csv, *(const int32_t *)member);
    case LC_FIELD_TEXTS:
    case LC_FIELD_LIST:
        return put_list(csv, field, row);
    case LC_FIELD_LEAD:
    case LC_FIELD_MAP:
        g_assert_not_reached(); /* no row has one */
    }
}

void
lc_csv_write_header(GString *csv, int table)
{
    const lc_record *record = lc_rows_record(table);
    for (size_t i = 0; i < record->n_fields; i++) {
        lc_text name = lc_field_name(&record->fields[i]);
        if (i)
            g_string_append_c(csv, ',');
        g_string_append_len(csv, name.data, (gssize)name.size);
    }
}

void
lc_csv_write_row(GString *csv, int table, const void *row)
{
    const lc_record *record = lc_rows_record(table);
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        if (i)
            g_string_append_c(csv, ',');
        if (!field->is_optional || !lc_field_is_null(field, row))
            put_column(csv, field, row);
    }
}
