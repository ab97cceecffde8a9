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
    if (instant == LC_ABSENT)
        return LC_JSON_PUT(at, "null");
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

/* ---- Texts and lists ---- */

char *
lc_json_grow(lc_json_writer *writer, char *at, size_t bytes)
{
    GString *json = writer->json;
    size_t used = (size_t)(at - json->str);
    json->len = used;
    g_string_set_size(json, lc_size_sum(used, bytes));
    writer->end = json->str + json->allocated_len - 1;
    return json->str + used;
}

char *
lc_json_text(lc_json_writer *writer, char *at, lc_text text)
{
    at = lc_json_room(writer, at, lc_json_text_room(text));
    return lc_text_is_absent(text) ? LC_JSON_PUT(at, "null") : lc_json_put_text(at, text);
}

static char *
put_byte(lc_json_writer *writer, char *at, char byte)
{
    at = lc_json_room(writer, at, 1);
    *at++ = byte;
    return at;
}

/* Before the item of this index. */
static char *
put_comma(lc_json_writer *writer, char *at, size_t index)
{
    return index > 0 ? put_byte(writer, at, ',') : at;
}

static char *
put_texts(lc_json_writer *writer, char *at, const lc_text *texts, size_t n)
{
    at = put_byte(writer, at, '[');
    for (size_t i = 0; i < n; i++)
        at = lc_json_text(writer, put_comma(writer, at, i), texts[i]);
    return put_byte(writer, at, ']');
}

static char *
put_map(lc_json_writer *writer, char *at, const lc_attribute *entries, size_t n)
{
    at = put_byte(writer, at, '{');
    for (size_t i = 0; i < n; i++) {
        at = lc_json_text(writer, put_comma(writer, at, i), entries[i].key);
        at = lc_json_text(writer, put_byte(writer, at, ':'), entries[i].value);
    }
    return put_byte(writer, at, '}');
}

/* The comma before the first member becomes its brace. */
char *
lc_json_object(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of)
{
    size_t began = (size_t)(at - writer->json->str);
    at = lc_json_fields(writer, at, record, lead_id, of, true);
    writer->json->str[began] = '{';
    return put_byte(writer, at, '}');
}

static char *
put_list(lc_json_writer *writer, char *at, const lc_record *items, const char *first, size_t n)
{
    at = put_byte(writer, at, '[');
    for (size_t i = 0; i < n; i++)
        at = lc_json_object(writer, put_comma(writer, at, i), items, LC_NO_TEXT, first + i * items->bytes);
    return put_byte(writer, at, ']');
}

/* ---- Fields ---- */

/* All bytes of a key are copied, then those beyond it written over: that takes no call. */
static inline char *
put_key(char *at, const lc_record_field *field)
{
    memcpy(at, field->key, sizeof field->key);
    return at + field->key_size;
}

char *
lc_json_list(lc_json_writer *writer, char *at, const lc_record_field *field, const void *of)
{
    const void *list = *(const void *const *)lc_field_member(field, of);
    size_t n = lc_field_count(field, of);
    return field->kind == LC_FIELD_TEXTS ? put_texts(writer, at, list, n) : put_list(writer, at, field->items, list, n);
}

static char *
put_list_as_text(lc_json_writer *writer, char *at, const lc_record_field *field, const void *of)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_writer inner;
    char *inner_at = lc_json_open(&inner, json);
    lc_json_close(&inner, lc_json_list(&inner, inner_at, field, of));
    return lc_json_text(writer, at, (lc_text){json->str, json->len});
}

static char *
put_name(char *at, const lc_record_field *field, int value)
{
    return value < 0 ? LC_JSON_PUT(at, "null") : put_word(at, field->names[value]);
}

/* What is absent is written as null. But for texts and lists there is room. */
static inline char *
put_value(lc_json_writer *writer, char *at, const lc_record_field *field, lc_text lead_id, const void *of)
{
    const void *member = lc_field_member(field, of);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_TEXT:
        return lc_json_text(writer, at, *(const lc_text *)member);
    case LC_FIELD_LEAD:
        return lc_json_text(writer, at, lead_id);
    case LC_FIELD_UUID:
        return put_uuid(at, member);
    case LC_FIELD_INSTANT:
        return put_instant(at, *(const lc_instant *)member);
    case LC_FIELD_DURATION:
        if (*(const lc_duration *)member == LC_ABSENT)
            return LC_JSON_PUT(at, "null");
        /* fall through */
    case LC_FIELD_NUMBER:
        return put_integer(at, *(const int64_t *)member);
    case LC_FIELD_INT:
        return *(const int32_t *)member < 0 ? LC_JSON_PUT(at, "null") : put_integer(at, *(const int32_t *)member);
    case LC_FIELD_COUNT:
        return put_integer(at, *(const uint32_t *)member);
    case LC_FIELD_FLAG:
        return *(const bool *)member ? LC_JSON_PUT(at, "true") : LC_JSON_PUT(at, "false");
    case LC_FIELD_CHOICE:
        return put_word(at, field->names[*(const bool *)member]);
    case LC_FIELD_ENUM:
    case LC_FIELD_NAME:
        return put_name(at, field, *(const int *)member);
    case LC_FIELD_MONTH:
        return put_month(at, *(const int32_t *)member);
    case LC_FIELD_TEXTS:
    case LC_FIELD_LIST:
        return writer->lists_as_texts ? put_list_as_text(writer, at, field, of) : lc_json_list(writer, at, field, of);
    case LC_FIELD_MAP:
        return put_map(writer, at, *(const lc_attribute *const *)member, lc_field_count(field, of));
    }
    g_assert_not_reached();
}

char *
lc_json_fields(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of,
               bool with_nulls)
{
    const lc_record_field *end = record->fields + record->n_fields;
    for (const lc_record_field *field = record->fields; field < end; field++) {
        bool is_null = false;
        if (field->has_at || !with_nulls)
            is_null = field->is_optional && lc_field_is_null(field, of);
        if (is_null && !with_nulls)
            continue;
        at = put_key(lc_json_room(writer, at, LC_JSON_FIELD_BYTES), field);
        at = is_null ? LC_JSON_PUT(at, "null") : put_value(writer, at, field, lead_id, of);
    }
    return at;
}
