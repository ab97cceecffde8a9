/* encode.c - facts, outcomes and counters as Avro: what core's tables of fields say, in their order. */
#include "writer.h"

static void put_fields(lc_writer *writer, const lc_record *record, lc_text lead_id, const void *of);

static void
put_uuid(lc_writer *writer, const lc_uuid *uuid)
{
    lc_writer_room(writer, LC_MAX_VARINT_BYTES + LC_UUID_TEXT_BYTES);
    uint8_t *text = lc_put_varint(writer->at, LC_UUID_TEXT_BYTES - 1);
    writer->at = (uint8_t *)lc_put_uuid((char *)text, uuid);
}

static void
put_texts(lc_writer *writer, const lc_text *texts, size_t n)
{
    lc_put_count(writer, n);
    for (size_t i = 0; i < n; i++)
        lc_put_text(writer, texts[i]);
    lc_put_byte(writer, 0);
}

static void
put_map(lc_writer *writer, const lc_attribute *entries, size_t n)
{
    lc_put_count(writer, n);
    for (size_t i = 0; i < n; i++) {
        lc_put_text(writer, entries[i].key);
        lc_put_text(writer, entries[i].value);
    }
    lc_put_byte(writer, 0);
}

static void
put_list(lc_writer *writer, const lc_record *items, const char *first, size_t n)
{
    lc_put_count(writer, n);
    for (size_t i = 0; i < n; i++)
        put_fields(writer, items, LC_NO_TEXT, first + i * items->bytes);
    lc_put_byte(writer, 0);
}

static void
put_member(lc_writer *writer, const lc_record_field *field, lc_text lead_id, const void *of)
{
    const void *member = lc_field_member(field, of);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_TEXT:
        return lc_put_text(writer, *(const lc_text *)member);
    case LC_FIELD_LEAD:
        return lc_put_text(writer, lead_id);
    case LC_FIELD_UUID:
        return put_uuid(writer, member);
    case LC_FIELD_INSTANT:
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        return lc_put_long(writer, *(const int64_t *)member);
    case LC_FIELD_COUNT:
        return lc_put_long(writer, *(const uint32_t *)member);
    case LC_FIELD_FLAG:
        return lc_put_byte(writer, *(const bool *)member);
    case LC_FIELD_CHOICE:
        return lc_put_long(writer, *(const bool *)member);
    case LC_FIELD_ENUM:
        return lc_put_long(writer, *(const int *)member);
    case LC_FIELD_NAME:
        return lc_put_text(writer, lc_text_of(field->names[*(const int *)member]));
    case LC_FIELD_MONTH:
        return lc_put_month(writer, *(const int32_t *)member);
    case LC_FIELD_TEXTS:
        return put_texts(writer, *(const lc_text *const *)member, lc_field_count(field, of));
    case LC_FIELD_MAP:
        return put_map(writer, *(const lc_attribute *const *)member, lc_field_count(field, of));
    case LC_FIELD_LIST:
        return put_list(writer, field->items, *(const char *const *)member, lc_field_count(field, of));
    }
}

static void
put_fields(lc_writer *writer, const lc_record *record, lc_text lead_id, const void *of)
{
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        if (field->is_optional) {
            bool is_null = lc_field_is_null(field, of);
            lc_put_byte(writer, is_null ? 0 : 2);
            if (is_null)
                continue;
        }
        put_member(writer, field, lead_id, of);
    }
}

void
lc_encode_fact(GByteArray *out, lc_text lead_id, const lc_fact *fact)
{
    lc_writer writer = lc_writer_open(out);
    put_fields(&writer, &lc_fact_records[fact->type], lead_id, fact);
    lc_writer_close(&writer);
}

void
lc_encode_outcome(GByteArray *out, lc_text lead_id, const lc_outcome *outcome)
{
    lc_writer writer = lc_writer_open(out);
    put_fields(&writer, &lc_outcome_records[outcome->type], lead_id, outcome);
    lc_writer_close(&writer);
}

/* ---- Counters ---- */

void
lc_encode_counters(GByteArray *out, lc_text channel, int32_t cohort, int32_t partition, const lc_metric_count *counts,
                   size_t n_counts)
{
    lc_writer writer = lc_writer_open(out);
    size_t not_zero = 0;
    for (size_t i = 0; i < n_counts; i++)
        not_zero += counts[i].count != 0;
    lc_put_text(&writer, channel);
    lc_put_month(&writer, cohort);
    lc_put_long(&writer, partition);
    lc_put_count(&writer, not_zero);
    for (size_t i = 0; i < n_counts; i++)
        if (counts[i].count) {
            lc_put_text(&writer, counts[i].metric);
            lc_put_long(&writer, counts[i].count);
        }
    lc_put_byte(&writer, 0);
    lc_writer_close(&writer);
}
