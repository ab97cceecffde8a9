/* filled.c - records with every member filled. */
#include "filled.h"

static void *
member_of(const lc_record_field *field, void *record)
{
    return (char *)record + field->at;
}

void
filled_list(const lc_record_field *field, void *record, const void *items)
{
    *(const void **)member_of(field, record) = items;
    *(size_t *)((char *)record + field->n_at) = 1;
}

void
filled_field(const lc_record_field *field, void *record, int variant)
{
    static const lc_text texts[] = {{"one", 3}, {"two", 3}};
    static const lc_attribute attributes[] = {{{"k", 1}, {"one", 3}}, {{"k", 1}, {"two", 3}}};
    void *to = member_of(field, record);

    if (field->has_at)
        *((bool *)record + field->has_at) = true;
    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_LEAD:
        break;
    case LC_FIELD_TEXT:
        *(lc_text *)to = texts[variant];
        break;
    case LC_FIELD_UUID:
        memset(to, 1 + variant, sizeof(lc_uuid));
        break;
    case LC_FIELD_INSTANT:
        *(lc_instant *)to = 1770022800000 + variant;
        break;
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        *(int64_t *)to = 5 + variant;
        break;
    case LC_FIELD_COUNT:
    case LC_FIELD_INT:
    case LC_FIELD_MONTH:
    case LC_FIELD_ENUM:
    case LC_FIELD_NAME:
        *(int *)to = 1 + variant;
        break;
    case LC_FIELD_FLAG:
    case LC_FIELD_CHOICE:
        *(bool *)to = variant;
        break;
    case LC_FIELD_TEXTS:
        filled_list(field, record, &texts[variant]);
        break;
    case LC_FIELD_MAP:
        filled_list(field, record, &attributes[variant]);
        break;
    case LC_FIELD_LIST:
        break;
    }
}

void
filled_record(const lc_record *record, void *of)
{
    for (size_t i = 0; i < record->n_fields; i++)
        filled_field(&record->fields[i], of, 0);
}
