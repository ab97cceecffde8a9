/* json_record.c - any record as JSON: what its table of fields says, in its order. */
#include "json_put.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

#include "wire.h"

/* ---- Values that are no texts: each returns the end of what it wrote, where there is room ---- */

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
    return lc_json_put_word(at, lc_month_format(month, text));
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

/* Before the item of this index. */
static char *
put_comma(char *at, size_t index)
{
    if (index > 0)
        *at++ = ',';
    return at;
}

static char *
put_texts(lc_json_writer *writer, char *at, const lc_text *texts, size_t n)
{
    at = lc_json_room(writer, at, 2 * LC_JSON_MARK_BYTES);
    *at++ = '[';
    for (size_t i = 0; i < n; i++)
        at = lc_json_text(writer, put_comma(at, i), texts[i], 2 * LC_JSON_MARK_BYTES);
    *at++ = ']';
    return at;
}

static char *
put_map(lc_json_writer *writer, char *at, const lc_attribute *entries, size_t n)
{
    at = lc_json_room(writer, at, 2 * LC_JSON_MARK_BYTES);
    *at++ = '{';
    for (size_t i = 0; i < n; i++) {
        at = lc_json_text(writer, put_comma(at, i), entries[i].key, LC_JSON_MARK_BYTES);
        *at++ = ':';
        at = lc_json_text(writer, at, entries[i].value, 2 * LC_JSON_MARK_BYTES);
    }
    *at++ = '}';
    return at;
}

/* The comma before the first member becomes its brace. */
char *
lc_json_object(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of)
{
    size_t began = (size_t)(at - writer->json->str);
    at = lc_json_fields(writer, at, record, lead_id, of, true);
    writer->json->str[began] = '{';
    *at++ = '}';
    return at;
}

static char *
put_list(lc_json_writer *writer, char *at, const lc_record *items, const char *first, size_t n)
{
    at = lc_json_room(writer, at, 2 * LC_JSON_MARK_BYTES);
    *at++ = '[';
    for (size_t i = 0; i < n; i++)
        at = lc_json_object(writer, put_comma(at, i), items, LC_NO_TEXT, first + i * items->bytes);
    *at++ = ']';
    return at;
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
put_list_as_text(lc_json_writer *writer, char *at, const lc_record_field *field, const void *of, size_t then)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_writer inner;
    char *inner_at = lc_json_open(&inner, json);
    lc_json_close(&inner, lc_json_list(&inner, inner_at, field, of));
    return lc_json_text(writer, at, (lc_text){json->str, json->len}, then);
}

static char *
put_several(lc_json_writer *writer, char *at, const lc_record_field *field, const void *of, size_t then)
{
    if (writer->lists_as_texts && field->kind != LC_FIELD_MAP)
        return put_list_as_text(writer, at, field, of, then);
    at = field->kind == LC_FIELD_MAP
             ? put_map(writer, at, *(const lc_attribute *const *)lc_field_member(field, of), lc_field_count(field, of))
             : lc_json_list(writer, at, field, of);
    return lc_json_room(writer, at, then);
}

static char *
put_name(char *at, const lc_record_field *field, int value)
{
    return value < 0 ? LC_JSON_PUT(at, "null") : lc_json_put_word(at, field->names[value]);
}

/* What is absent is written as null. After it there is room for `then` bytes, if there was before it. */
static G_ALWAYS_INLINE inline char *
put_value(lc_json_writer *writer, char *at, const lc_record_field *field, lc_text lead_id, const void *of, size_t then)
{
    const void *member = lc_field_member(field, of);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_TEXT:
        return lc_json_text(writer, at, *(const lc_text *)member, then);
    case LC_FIELD_LEAD:
        return lc_json_text(writer, at, lead_id, then);
    case LC_FIELD_UUID:
        return put_uuid(at, member);
    case LC_FIELD_INSTANT:
        return put_instant(at, *(const lc_instant *)member);
    case LC_FIELD_DURATION:
        if (*(const lc_duration *)member == LC_ABSENT)
            return LC_JSON_PUT(at, "null");
        /* fall through */
    case LC_FIELD_NUMBER:
        return lc_put_number(at, *(const int64_t *)member);
    case LC_FIELD_INT:
        return *(const int32_t *)member < 0 ? LC_JSON_PUT(at, "null") : lc_put_number(at, *(const int32_t *)member);
    case LC_FIELD_COUNT:
        return lc_put_number(at, *(const uint32_t *)member);
    case LC_FIELD_FLAG:
        return *(const bool *)member ? LC_JSON_PUT(at, "true") : LC_JSON_PUT(at, "false");
    case LC_FIELD_CHOICE:
        return lc_json_put_word(at, field->names[*(const bool *)member]);
    case LC_FIELD_ENUM:
    case LC_FIELD_NAME:
        return put_name(at, field, *(const int *)member);
    case LC_FIELD_MONTH:
        return put_month(at, *(const int32_t *)member);
    case LC_FIELD_TEXTS:
    case LC_FIELD_LIST:
    case LC_FIELD_MAP:
        return put_several(writer, at, field, of, then);
    }
    g_assert_not_reached();
}

/* Room for all fields is asked for once; texts and lists, which may be long, leave as much after them. Made twice, with
 * and without nulls: what is written most often asks no more of a field than it must. */
static G_ALWAYS_INLINE inline char *
put_fields(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of, bool with_nulls)
{
    const lc_record_field *end = record->fields + record->n_fields;
    size_t room = record->n_fields * LC_JSON_FIELD_BYTES + 2 * LC_JSON_MARK_BYTES;

    at = lc_json_room(writer, at, room);
    for (const lc_record_field *field = record->fields; field < end; field++) {
        bool is_null = (field->has_at || !with_nulls) && field->is_optional && lc_field_is_null(field, of);
        if (is_null && !with_nulls)
            continue;
        at = put_key(at, field);
        at = is_null ? LC_JSON_PUT(at, "null") : put_value(writer, at, field, lead_id, of, room);
    }
    return at;
}

char *
lc_json_fields(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of,
               bool with_nulls)
{
    return with_nulls ? put_fields(writer, at, record, lead_id, of, true)
                      : put_fields(writer, at, record, lead_id, of, false);
}
