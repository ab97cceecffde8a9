/* read_row.c - rows (section 10) from Avro, by plan: what stands in columns as text becomes what it is here. */
#include "plan.h"

#include <leadclock/text.h>

#include <jansson.h>

#define MOST_COLUMNS 48
#define DELETED LC_TEXT("deleted")

/* What the plan's steps fill: numbers, instants and texts the row itself; what a column says in words, `words`. */
typedef struct {
    lc_table_row row;
    lc_text words[MOST_COLUMNS]; /* by column */
} reading;

int
lc_plan_table(const lc_plan *plan)
{
    return plan->schema < LC_SCHEMA_CYCLE_KEY ? -1 : (plan->schema - LC_SCHEMA_CYCLE_KEY) / 2;
}

static bool
is_key(const lc_plan *plan)
{
    return (lc_schema)plan->schema == lc_rows_key_schema(lc_plan_table(plan));
}

/* ---- What is read ---- */

/* Into words where it is none of these. */
static bool
is_read_as_it_is(lc_field_kind kind, lc_target *target)
{
    switch (kind) {
    case LC_FIELD_TEXT:
        *target = LC_TARGET_TEXT;
        return true;
    case LC_FIELD_INSTANT:
        *target = LC_TARGET_INSTANT;
        return true;
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        *target = LC_TARGET_LONG;
        return true;
    case LC_FIELD_COUNT:
    case LC_FIELD_INT:
        *target = LC_TARGET_INT;
        return true;
    case LC_FIELD_FLAG:
        *target = LC_TARGET_BOOL;
        return true;
    default:
        *target = LC_TARGET_TEXT;
        return false;
    }
}

#define ROW_AT offsetof(reading, row.cycle)

const lc_field *
lc_row_fields(int table, lc_arena *arena)
{
    const lc_record *record = lc_rows_record(table);
    lc_field *fields = lc_arena_new(arena, lc_field, record->n_fields + 2);
    g_assert(record->n_fields <= MOST_COLUMNS);
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        lc_target target;
        bool as_it_is = is_read_as_it_is((lc_field_kind)field->kind, &target);
        fields[i] =
            (lc_field){.name = lc_arena_text(arena, lc_field_name(field)).data,
                       .target = target,
                       .offset = as_it_is ? ROW_AT + field->at : offsetof(reading, words) + i * sizeof(lc_text)};
    }
    fields[record->n_fields] = (lc_field){DELETED.data, LC_TARGET_BOOL, offsetof(reading, row.deleted), NULL, 0};
    fields[record->n_fields + 1] = (lc_field){NULL, LC_TARGET_NONE, 0, NULL, 0};
    return fields;
}

/* All columns null, or nothing. */
static void
clear(reading *read, const lc_record *record)
{
    *read = (reading){0};
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        void *member = (char *)&read->row.cycle + field->at;
        if (field->kind == LC_FIELD_INSTANT || field->kind == LC_FIELD_DURATION || field->has_at)
            *(int64_t *)member = LC_ABSENT;
        else if (field->kind == LC_FIELD_INT || field->kind == LC_FIELD_NAME || field->kind == LC_FIELD_MONTH ||
                 (field->kind == LC_FIELD_COUNT && i < record->n_key_fields))
            *(int *)member = -1;
    }
}

/* ---- Words become what they are ---- */

static int
index_of_name(const char *const *names, lc_text word)
{
    for (int i = 0; names[i]; i++)
        if (lc_text_equal(word, lc_text_of(names[i])))
            return i;
    return -1;
}

static bool
take_choice(const lc_record_field *field, lc_text word, bool *member)
{
    int index = index_of_name(field->names, word);
    *member = index == 1;
    return index >= 0;
}

static bool
take_name(const lc_record_field *field, lc_text word, int *member)
{
    *member = index_of_name(field->names, word);
    return *member >= 0 || field->is_optional;
}

static bool
take_month(lc_text word, int32_t *member)
{
    *member = lc_read_month(word);
    return *member >= 0;
}

static lc_text
text_of_json(const json_t *json, lc_arena *arena)
{
    lc_text text = {json_string_value(json), json_string_length(json)};
    return lc_arena_text(arena, text);
}

static bool
take_texts(const json_t *json, lc_arena *arena, const lc_text **texts)
{
    size_t n = json_array_size(json);
    lc_text *items = lc_arena_new(arena, lc_text, n);
    for (size_t i = 0; i < n; i++) {
        items[i] = text_of_json(json_array_get(json, i), arena);
        if (lc_text_is_absent(items[i]))
            return false;
    }
    *texts = items;
    return true;
}

/* Of all lists of records rows have the explanation alone. */
static bool
take_explanation(const json_t *json, lc_arena *arena, const lc_explanation **explanation)
{
    size_t n = json_array_size(json);
    lc_explanation *items = lc_arena_new(arena, lc_explanation, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(json, i);
        items[i] = (lc_explanation){
            .rule = text_of_json(json_object_get(item, "rule"), arena),
            .is_signal = g_strcmp0(json_string_value(json_object_get(item, "kind")), "SIGNAL") == 0,
            .held = json_is_true(json_object_get(item, "held")),
            .points = json_integer_value(json_object_get(item, "points")),
        };
        if (lc_text_is_absent(items[i].rule))
            return false;
    }
    *explanation = items;
    return true;
}

static bool
take_list(const lc_record_field *field, lc_text word, lc_arena *arena, void *row)
{
    json_t *json = json_loadb(word.data, word.size, JSON_ALLOW_NUL, NULL);
    void *member = (char *)row + field->at;
    bool ok = json_is_array(json) &&
              (field->kind == LC_FIELD_TEXTS ? take_texts(json, arena, member) : take_explanation(json, arena, member));
    if (ok)
        *(size_t *)((char *)row + field->n_at) = json_array_size(json);
    json_decref(json);
    return ok;
}

static bool
take_word(const lc_record_field *field, lc_text word, lc_arena *arena, void *row)
{
    void *member = (char *)row + field->at;
    switch ((lc_field_kind)field->kind) {
    case LC_FIELD_UUID:
        return lc_text_uuid(word, ((lc_uuid *)member)->bytes);
    case LC_FIELD_CHOICE:
        return take_choice(field, word, member);
    case LC_FIELD_NAME:
        return take_name(field, word, member);
    case LC_FIELD_MONTH:
        return take_month(word, member);
    case LC_FIELD_TEXTS:
    case LC_FIELD_LIST:
        return take_list(field, word, arena, row);
    default:
        return true;
    }
}

/* Whether a column of the key was written. */
static bool
has_key(const lc_record_field *field, const reading *read, lc_text word)
{
    const void *member = lc_field_member(field, &read->row.cycle);
    if (field->kind == LC_FIELD_TEXT)
        return !lc_text_is_absent(*(const lc_text *)member);
    if (field->kind == LC_FIELD_COUNT || field->kind == LC_FIELD_INT)
        return *(const int32_t *)member >= 0;
    return !lc_text_is_absent(word);
}

static bool
finish_column(const lc_record *record, size_t i, reading *read, lc_arena *arena)
{
    const lc_record_field *field = &record->fields[i];
    void *row = &read->row.cycle;
    lc_target target;
    if (i < record->n_key_fields && !has_key(field, read, read->words[i]))
        return false;
    if (field->kind == LC_FIELD_COUNT && *(int32_t *)((char *)row + field->at) < 0)
        return false;
    if (field->has_at)
        *((bool *)row + field->has_at) = *(int64_t *)((char *)row + field->at) != LC_ABSENT;
    return is_read_as_it_is((lc_field_kind)field->kind, &target) || lc_text_is_absent(read->words[i]) ||
           take_word(field, read->words[i], arena, row);
}

bool
lc_plan_read_row(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_table_row *row, GError **error)
{
    int table = lc_plan_table(plan);
    if (table < 0)
        return lc_plan_fail(plan, NULL, NULL, error);
    const lc_record *record = lc_rows_record(table);
    lc_plan_reader reader = lc_plan_reader_over(plan, body, size, arena);
    reading read;
    clear(&read, record);
    if (!lc_plan_run_ours(plan, &reader, &read))
        return lc_plan_fail(plan, reader.field, reader.wire.problem, error);
    for (size_t i = 0; i < record->n_fields; i++)
        if (!finish_column(record, i, &read, arena)) {
            g_autofree char *name = g_strndup(record->fields[i].key + 2, record->fields[i].key_size - 4u);
            return lc_plan_fail(plan, name, "not what this column says", error);
        }
    read.row.table = table;
    read.row.deleted = read.row.deleted || is_key(plan);
    *row = read.row;
    return true;
}
