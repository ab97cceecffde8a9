/* json_record.c - any record as JSON: what its table of fields says, in its order. */
#include "json_put.h"

#include <leadclock/calendar.h>

#include "wire.h"

/* ---- Values that are no texts: each returns the end of what it wrote, where there is room ---- */

/* A word of few letters that needs no escape. */
static char *
put_word(char *at, const char *word)
{
    *at++ = '"';
    while (*word)
        *at++ = *word++;
    *at++ = '"';
    return at;
}

static char *
put_instant(char *at, lc_instant instant)
{
    *at++ = '"';
    at = lc_instant_put(at, instant);
    *at++ = '"';
    return at;
}

static char *
put_integer(char *at, int64_t integer)
{
    char digits[24], *first = digits + sizeof digits;
    uint64_t rest = integer < 0 ? -(uint64_t)integer : (uint64_t)integer;
    do {
        *--first = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (integer < 0)
        *--first = '-';
    while (first < digits + sizeof digits)
        *at++ = *first++;
    return at;
}

static char *
put_uuid(char *at, const lc_uuid *uuid)
{
    *at++ = '"';
    at = lc_put_uuid(at, uuid);
    *at++ = '"';
    return at;
}

static char *
put_month(char *at, int32_t month)
{
    char text[LC_MONTH_TEXT_BYTES];
    return put_word(at, lc_month_format(month, text));
}

/* A value of a kind that takes LC_JSON_FIELD_BYTES with its key. */
static inline char *
put_short(char *at, const lc_record_field *field, const void *member)
{
    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_UUID:
        return put_uuid(at, member);
    case LC_FIELD_INSTANT:
        return put_instant(at, *(const lc_instant *)member);
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        return put_integer(at, *(const int64_t *)member);
    case LC_FIELD_COUNT:
        return put_integer(at, *(const uint32_t *)member);
    case LC_FIELD_FLAG:
        return *(const bool *)member ? LC_JSON_PUT(at, "true") : LC_JSON_PUT(at, "false");
    case LC_FIELD_CHOICE:
        return put_word(at, field->names[*(const bool *)member]);
    case LC_FIELD_ENUM:
    case LC_FIELD_NAME:
        return put_word(at, field->names[*(const int *)member]);
    case LC_FIELD_MONTH:
        return put_month(at, *(const int32_t *)member);
    default:
        g_assert_not_reached();
    }
}

/* ---- Texts and lists ---- */

void
lc_json_grow(lc_json_writer *writer, size_t bytes)
{
    GString *json = writer->json;
    json->len = (gsize)(writer->at - json->str);
    size_t used = json->len;
    g_string_set_size(json, lc_size_sum(used, bytes));
    json->len = used;
    *writer = lc_json_open(json);
}

void
lc_json_text(lc_json_writer *writer, lc_text text)
{
    lc_json_room(writer, lc_json_text_room(text));
    writer->at = lc_text_is_absent(text) ? LC_JSON_PUT(writer->at, "null") : lc_json_put_text(writer->at, text);
}

static void
put_byte(lc_json_writer *writer, char byte)
{
    lc_json_room(writer, 1);
    *writer->at++ = byte;
}

/* Before the item of this index. */
static void
put_comma(lc_json_writer *writer, size_t index)
{
    if (index > 0)
        put_byte(writer, ',');
}

static void
put_texts(lc_json_writer *writer, const lc_text *texts, size_t n)
{
    put_byte(writer, '[');
    for (size_t i = 0; i < n; i++) {
        put_comma(writer, i);
        lc_json_text(writer, texts[i]);
    }
    put_byte(writer, ']');
}

static void
put_map(lc_json_writer *writer, const lc_attribute *entries, size_t n)
{
    put_byte(writer, '{');
    for (size_t i = 0; i < n; i++) {
        put_comma(writer, i);
        lc_json_text(writer, entries[i].key);
        put_byte(writer, ':');
        lc_json_text(writer, entries[i].value);
    }
    put_byte(writer, '}');
}

/* The comma before the first member becomes its brace. */
void
lc_json_object(lc_json_writer *writer, const lc_record *record, lc_text lead_id, const void *of)
{
    size_t began = (size_t)(writer->at - writer->json->str);
    lc_json_fields(writer, record, lead_id, of, true);
    writer->json->str[began] = '{';
    put_byte(writer, '}');
}

static void
put_list(lc_json_writer *writer, const lc_record *items, const char *first, size_t n)
{
    put_byte(writer, '[');
    for (size_t i = 0; i < n; i++) {
        put_comma(writer, i);
        lc_json_object(writer, items, LC_NO_TEXT, first + i * items->bytes);
    }
    put_byte(writer, ']');
}

/* ---- Fields ---- */

/* `,"name":`. All bytes of a name are copied, then those beyond it written over: that takes no call. */
static inline char *
put_key(char *at, const lc_record_field *field)
{
    *at++ = ',';
    *at++ = '"';
    memcpy(at, field->name, sizeof field->name);
    at += field->name_size;
    *at++ = '"';
    *at++ = ':';
    return at;
}

static inline void
put_value(lc_json_writer *writer, const lc_record_field *field, lc_text lead_id, const void *of)
{
    const void *member = lc_field_member(field, of);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_TEXT:
        return lc_json_text(writer, *(const lc_text *)member);
    case LC_FIELD_LEAD:
        return lc_json_text(writer, lead_id);
    case LC_FIELD_TEXTS:
        return put_texts(writer, *(const lc_text *const *)member, lc_field_count(field, of));
    case LC_FIELD_MAP:
        return put_map(writer, *(const lc_attribute *const *)member, lc_field_count(field, of));
    case LC_FIELD_LIST:
        return put_list(writer, field->items, *(const char *const *)member, lc_field_count(field, of));
    default:
        writer->at = put_short(writer->at, field, member);
    }
}

void
lc_json_fields(lc_json_writer *writer, const lc_record *record, lc_text lead_id, const void *of, bool with_nulls)
{
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        bool is_null = field->is_optional && lc_field_is_null(field, of);
        if (is_null && !with_nulls)
            continue;
        lc_json_room(writer, LC_JSON_FIELD_BYTES);
        writer->at = put_key(writer->at, field);
        if (is_null)
            writer->at = LC_JSON_PUT(writer->at, "null");
        else
            put_value(writer, field, lead_id, of);
    }
}
