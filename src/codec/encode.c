/* encode.c - facts, outcomes and counters as Avro: what core's tables of fields say, in their order. */
#include "json_put.h"
#include "writer.h"

/* The index of a union of two, and any value that is no text and no list. */
#define SHORT_BYTES ((size_t)64)

static uint8_t *put_fields(lc_writer *writer, uint8_t *at, const lc_record *record, lc_text lead_id, const void *of);

/* Where there is room for SHORT_BYTES. */
static inline uint8_t *
put_uuid(uint8_t *to, const lc_uuid *uuid)
{
    to = lc_put_varint(to, LC_UUID_TEXT_BYTES - 1);
    return (uint8_t *)lc_put_uuid((char *)to, uuid);
}

static G_NO_INLINE uint8_t *
put_texts(lc_writer *writer, uint8_t *at, const lc_text *texts, size_t n)
{
    at = lc_put_count(writer, at, n);
    for (size_t i = 0; i < n; i++)
        at = lc_put_text(writer, at, texts[i]);
    return lc_put_byte(writer, at, 0);
}

static G_NO_INLINE uint8_t *
put_map(lc_writer *writer, uint8_t *at, const lc_attribute *entries, size_t n)
{
    at = lc_put_count(writer, at, n);
    for (size_t i = 0; i < n; i++) {
        at = lc_put_text(writer, at, entries[i].key);
        at = lc_put_text(writer, at, entries[i].value);
    }
    return lc_put_byte(writer, at, 0);
}

static G_NO_INLINE uint8_t *
put_list(lc_writer *writer, uint8_t *at, const lc_record *items, const char *first, size_t n)
{
    at = lc_put_count(writer, at, n);
    for (size_t i = 0; i < n; i++)
        at = put_fields(writer, at, items, LC_NO_TEXT, first + i * items->bytes);
    return lc_put_byte(writer, at, 0);
}

/* But for texts and lists there is room. */
static G_ALWAYS_INLINE inline uint8_t *
put_member(lc_writer *writer, uint8_t *at, const lc_record_field *field, lc_text lead_id, const void *of)
{
    const void *member = lc_field_member(field, of);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_TEXT:
        return lc_put_text(writer, at, *(const lc_text *)member);
    case LC_FIELD_LEAD:
        return lc_put_text(writer, at, lead_id);
    case LC_FIELD_UUID:
        return put_uuid(at, member);
    case LC_FIELD_INSTANT:
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        return lc_put_varint(at, *(const int64_t *)member);
    case LC_FIELD_COUNT:
        return lc_put_varint(at, *(const uint32_t *)member);
    case LC_FIELD_FLAG:
    case LC_FIELD_CHOICE:
        *at++ = (uint8_t)(*(const bool *)member << (field->kind == LC_FIELD_CHOICE));
        return at;
    case LC_FIELD_INT:
    case LC_FIELD_ENUM:
        return lc_put_varint(at, *(const int *)member);
    case LC_FIELD_NAME:
        return lc_put_text(writer, at, lc_text_of(field->names[*(const int *)member]));
    case LC_FIELD_MONTH:
        return lc_put_month(writer, at, *(const int32_t *)member);
    case LC_FIELD_TEXTS:
        return put_texts(writer, at, *(const lc_text *const *)member, lc_field_count(field, of));
    case LC_FIELD_MAP:
        return put_map(writer, at, *(const lc_attribute *const *)member, lc_field_count(field, of));
    case LC_FIELD_LIST:
        return put_list(writer, at, field->items, *(const char *const *)member, lc_field_count(field, of));
    }
    g_assert_not_reached();
}

static uint8_t *
put_fields(lc_writer *writer, uint8_t *at, const lc_record *record, lc_text lead_id, const void *of)
{
    const lc_record_field *end = record->fields + record->n_fields;
    for (const lc_record_field *field = record->fields; field < end; field++) {
        bool is_null = false;
        at = lc_writer_room(writer, at, SHORT_BYTES);
        if (field->is_optional) {
            is_null = lc_field_is_null(field, of);
            *at++ = is_null ? 0 : 2;
        }
        if (is_null)
            continue;
        /* Of all kinds the most frequent one. */
        if (field->kind == LC_FIELD_TEXT)
            at = lc_put_text(writer, at, *(const lc_text *)lc_field_member(field, of));
        else
            at = put_member(writer, at, field, lead_id, of);
    }
    return at;
}

static void
encode(GByteArray *out, const lc_record *record, lc_text lead_id, const void *of)
{
    lc_writer writer;
    uint8_t *at = lc_writer_open(&writer, out);
    lc_writer_close(&writer, put_fields(&writer, at, record, lead_id, of));
}

void
lc_encode_fact(GByteArray *out, lc_text lead_id, const lc_fact *fact)
{
    encode(out, &lc_fact_records[fact->type], lead_id, fact);
}

void
lc_encode_outcome(GByteArray *out, lc_text lead_id, const lc_outcome *outcome)
{
    encode(out, &lc_outcome_records[outcome->type], lead_id, outcome);
}

/* ---- Rows: beyond the key every column may be null, and what is no number and no text is a text ---- */

static uint8_t *
put_list_as_text(lc_writer *writer, uint8_t *at, const lc_record_field *field, const void *row)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_writer inner;
    char *inner_at = lc_json_open(&inner, json);
    lc_json_close(&inner, lc_json_list(&inner, inner_at, field, row));
    return lc_put_text(writer, at, (lc_text){json->str, json->len});
}

/* But for texts and lists there is room. */
static G_ALWAYS_INLINE inline uint8_t *
put_column(lc_writer *writer, uint8_t *at, const lc_record_field *field, const void *row)
{
    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_CHOICE:
        return lc_put_text(writer, at, lc_text_of(field->names[*(const bool *)lc_field_member(field, row)]));
    case LC_FIELD_TEXTS:
    case LC_FIELD_LIST:
        return put_list_as_text(writer, at, field, row);
    default:
        return put_member(writer, at, field, LC_NO_TEXT, row);
    }
}

static uint8_t *
put_key(lc_writer *writer, uint8_t *at, const lc_record *record, const void *row)
{
    for (size_t i = 0; i < record->n_key_fields; i++)
        at = put_column(writer, lc_writer_room(writer, at, SHORT_BYTES), &record->fields[i], row);
    return at;
}

void
lc_encode_row_key(GByteArray *out, int table, const void *row)
{
    lc_writer writer;
    uint8_t *at = lc_writer_open(&writer, out);
    lc_writer_close(&writer, put_key(&writer, at, lc_rows_record(table), row));
}

/* Beyond the key. */
static uint8_t *
put_columns(lc_writer *writer, uint8_t *at, const lc_record *record, const void *row)
{
    const lc_record_field *end = record->fields + record->n_fields;
    for (const lc_record_field *field = record->fields + record->n_key_fields; field < end; field++) {
        bool is_null = field->is_optional && lc_field_is_null(field, row);
        at = lc_writer_room(writer, at, SHORT_BYTES);
        *at++ = is_null ? 0 : 2;
        if (is_null)
            continue;
        if (field->kind == LC_FIELD_TEXT)
            at = lc_put_text(writer, at, *(const lc_text *)lc_field_member(field, row));
        else
            at = put_column(writer, at, field, row);
    }
    return at;
}

static uint8_t *
put_nulls(lc_writer *writer, uint8_t *at, size_t n)
{
    at = lc_writer_room(writer, at, n);
    memset(at, 0, n);
    return at + n;
}

static void
encode_row(GByteArray *out, const lc_record *record, const void *row, bool deleted)
{
    lc_writer writer;
    uint8_t *at = put_key(&writer, lc_writer_open(&writer, out), record, row);
    at = lc_put_byte(&writer, at, deleted);
    at = deleted ? put_nulls(&writer, at, record->n_fields - record->n_key_fields)
                 : put_columns(&writer, at, record, row);
    lc_writer_close(&writer, at);
}

void
lc_encode_row(GByteArray *out, int table, const void *row)
{
    encode_row(out, lc_rows_record(table), row, false);
}

void
lc_encode_row_deletion(GByteArray *out, int table, const void *row)
{
    encode_row(out, lc_rows_record(table), row, true);
}

/* ---- Counters ---- */

void
lc_encode_counters(GByteArray *out, lc_text channel, int32_t cohort, int32_t partition, const lc_metric_count *counts,
                   size_t n_counts)
{
    lc_writer writer;
    uint8_t *at = lc_writer_open(&writer, out);
    size_t not_zero = 0;
    for (size_t i = 0; i < n_counts; i++)
        not_zero += counts[i].count != 0;
    at = lc_put_text(&writer, at, channel);
    at = lc_put_month(&writer, at, cohort);
    at = lc_put_long(&writer, at, partition);
    at = lc_put_count(&writer, at, not_zero);
    for (size_t i = 0; i < n_counts; i++)
        if (counts[i].count) {
            at = lc_put_text(&writer, at, counts[i].metric);
            at = lc_put_long(&writer, at, counts[i].count);
        }
    lc_writer_close(&writer, lc_put_byte(&writer, at, 0));
}
