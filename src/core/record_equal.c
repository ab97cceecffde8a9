/* record_equal.c - whether two records of one kind say the same, field by field (rule 6.2). */
#include "outcome.h"

static bool
same_texts(const lc_text *a, const lc_text *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!lc_text_equal(a[i], b[i]))
            return false;
    return true;
}

static bool
same_attributes(const lc_attribute *a, const lc_attribute *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!lc_text_equal(a[i].key, b[i].key) || !lc_text_equal(a[i].value, b[i].value))
            return false;
    return true;
}

static bool
same_items(const lc_record *items, const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++, a += items->bytes, b += items->bytes)
        if (!lc_record_equal(items, a, b))
            return false;
    return true;
}

/* The list of a field, whose member points to it. */
static bool
same_list(const lc_record_field *field, const void *a, const void *b)
{
    const void *of_a = *(void *const *)lc_field_member(field, a), *of_b = *(void *const *)lc_field_member(field, b);
    size_t n = lc_field_count(field, a);

    if (n != lc_field_count(field, b))
        return false;
    return field->kind == LC_FIELD_TEXTS ? same_texts(of_a, of_b, n)
           : field->kind == LC_FIELD_MAP ? same_attributes(of_a, of_b, n)
                                         : same_items(field->items, of_a, of_b, n);
}

static bool
same_member(const lc_record_field *field, const void *a, const void *b)
{
    const void *of_a = lc_field_member(field, a), *of_b = lc_field_member(field, b);

    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_LEAD:
        return true;
    case LC_FIELD_TEXT:
        return lc_text_equal(*(const lc_text *)of_a, *(const lc_text *)of_b);
    case LC_FIELD_UUID:
        return memcmp(of_a, of_b, sizeof(lc_uuid)) == 0;
    case LC_FIELD_INSTANT:
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        return *(const int64_t *)of_a == *(const int64_t *)of_b;
    case LC_FIELD_COUNT:
    case LC_FIELD_INT:
    case LC_FIELD_ENUM:
    case LC_FIELD_NAME:
    case LC_FIELD_MONTH:
        return *(const uint32_t *)of_a == *(const uint32_t *)of_b;
    case LC_FIELD_FLAG:
    case LC_FIELD_CHOICE:
        return *(const bool *)of_a == *(const bool *)of_b;
    case LC_FIELD_TEXTS:
    case LC_FIELD_LIST:
    case LC_FIELD_MAP:
        return same_list(field, a, b);
    }
    return false;
}

/* The member of a field that is null because a flag says so holds anything. */
static bool
same_field(const lc_record_field *field, const void *a, const void *b)
{
    if (field->has_at) {
        bool is_null = lc_field_is_null(field, a);
        if (is_null || lc_field_is_null(field, b))
            return is_null == lc_field_is_null(field, b);
    }
    return same_member(field, a, b);
}

bool
lc_record_equal(const lc_record *record, const void *a, const void *b)
{
    for (size_t i = 0; i < record->n_fields; i++)
        if (!record->fields[i].is_envelope && !same_field(&record->fields[i], a, b))
            return false;
    return true;
}
