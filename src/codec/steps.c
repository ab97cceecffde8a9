/* steps.c - making a plan's steps, and running them. */
#include "plan.h"

#include <stdlib.h>

/* ---- Making ---- */

static lc_step
refuse(const lc_node *node, const lc_field *field, const char *wanted, lc_arena *arena)
{
    g_autofree char *problem = g_strdup_printf("%s is written as %s, which is not read as %s", field->name,
                                               lc_node_kind_name(node->kind), wanted);
    return (lc_step){.code = LC_STEP_REFUSE, .node = node, .problem = lc_arena_text(arena, lc_text_of(problem)).data};
}

/* A day is no instant, and a local time is one only with a zone, which it doesn't say. */
static lc_step
refuse_instant(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    g_autofree char *problem = g_strdup_printf(
        "%s is written as %s, which says no instant; use timestamp-millis, in UTC", field->name, node->no_instant);
    return (lc_step){.code = LC_STEP_REFUSE, .node = node, .problem = lc_arena_text(arena, lc_text_of(problem)).data};
}

static lc_step
text_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    if (node->kind != LC_NODE_STRING && node->kind != LC_NODE_BYTES)
        return refuse(node, field, "text", arena);
    return (lc_step){.code = field->target == LC_TARGET_NOTE ? LC_STEP_NOTE : LC_STEP_TEXT};
}

static lc_step
event_id_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    if (node->kind == LC_NODE_FIXED && node->fixed_size == sizeof(lc_uuid))
        return (lc_step){.code = LC_STEP_UUID};
    return text_step(node, field, arena);
}

static lc_step
long_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    if (field->target == LC_TARGET_INSTANT && node->no_instant)
        return refuse_instant(node, field, arena);
    if (node->kind == LC_NODE_INT)
        return (lc_step){.code = LC_STEP_LONG_FROM_INT};
    if (node->kind != LC_NODE_LONG)
        return refuse(node, field, field->target == LC_TARGET_INSTANT ? "a time" : "a long", arena);
    if (field->target == LC_TARGET_INSTANT && node->time_unit == LC_TIME_MICROS)
        return (lc_step){.code = LC_STEP_INSTANT_FROM_MICROS};
    if (field->target == LC_TARGET_INSTANT && node->time_unit == LC_TIME_NANOS)
        return (lc_step){.code = LC_STEP_INSTANT_FROM_NANOS};
    return (lc_step){.code = LC_STEP_LONG};
}

static lc_step
int_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    if (node->kind != LC_NODE_INT)
        return refuse(node, field, "an int", arena);
    return (lc_step){.code = field->target == LC_TARGET_INDEX ? LC_STEP_INDEX : LC_STEP_INT};
}

static lc_step
bool_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    return node->kind == LC_NODE_BOOLEAN ? (lc_step){.code = LC_STEP_BOOL} : refuse(node, field, "a boolean", arena);
}

static lc_step
enum_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    if (node->kind != LC_NODE_ENUM)
        return refuse(node, field, "an enum", arena);
    int16_t *symbols = lc_arena_new(arena, int16_t, node->n);
    for (uint32_t i = 0; i < node->n; i++) {
        symbols[i] = (int16_t)field->default_symbol;
        for (int16_t ours = 0; field->symbols[ours]; ours++)
            if (strcmp(field->symbols[ours], node->names[i]) == 0)
                symbols[i] = ours;
    }
    lc_step_code code = field->target == LC_TARGET_CONNECTED ? LC_STEP_CONNECTED : LC_STEP_ENUM;
    return (lc_step){.code = code, .symbols = symbols, .n = node->n};
}

static lc_step value_step(const lc_node *node, const lc_field *field, lc_arena *arena);

/* A list whose items go where `item` says. */
static lc_step
list_step(lc_step_code code, const lc_node *node, lc_node_kind kind, const lc_field *item, lc_arena *arena)
{
    if (node->kind != kind)
        return refuse(node, item, kind == LC_NODE_MAP ? "a map" : "an array", arena);
    if (kind == LC_NODE_ARRAY && node->children[0]->min_bytes == 0)
        return (lc_step){.code = LC_STEP_REFUSE, .node = node, .problem = "a list is one of nothings"};
    lc_step *steps = lc_arena_new(arena, lc_step, 1);
    steps[0] = value_step(node->children[0], item, arena);
    return (lc_step){.code = code, .node = node->children[0], .steps = steps, .n = 1};
}

static lc_step
facts_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    const lc_node *items = node->kind == LC_NODE_ARRAY ? node->children[0] : NULL;
    if (items == NULL || items->kind != LC_NODE_RECORD || items->min_bytes == 0)
        return refuse(node, field, "an array of facts", arena);
    const lc_step *steps = lc_steps_new(items, lc_stored_fact_fields, arena);
    return (lc_step){.code = LC_STEP_FACTS, .node = items, .steps = steps, .n = items->n};
}

static lc_step
one_type_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    static const lc_field text_item = {"an item", LC_TARGET_TEXT, 0, NULL, 0};
    static const lc_field index_item = {"an item", LC_TARGET_INDEX, 0, NULL, 0};
    static const lc_field value_item = {"a value of attributes", LC_TARGET_TEXT, offsetof(lc_attribute, value), NULL,
                                        0};
    static const lc_field count_item = {"a count", LC_TARGET_LONG, offsetof(lc_metric_count, count), NULL, 0};
    switch (field->target) {
    case LC_TARGET_TEXT:
    case LC_TARGET_NOTE:
        return text_step(node, field, arena);
    case LC_TARGET_EVENT_ID:
        return event_id_step(node, field, arena);
    case LC_TARGET_INSTANT:
    case LC_TARGET_LONG:
        return long_step(node, field, arena);
    case LC_TARGET_INT:
    case LC_TARGET_INDEX:
        return int_step(node, field, arena);
    case LC_TARGET_BOOL:
        return bool_step(node, field, arena);
    case LC_TARGET_ENUM:
    case LC_TARGET_CONNECTED:
        return enum_step(node, field, arena);
    case LC_TARGET_ATTRIBUTES:
        return list_step(LC_STEP_ATTRIBUTES, node, LC_NODE_MAP, &value_item, arena);
    case LC_TARGET_INDICES:
        return list_step(LC_STEP_INDICES, node, LC_NODE_ARRAY, &index_item, arena);
    case LC_TARGET_TEXTS:
        return list_step(LC_STEP_TEXTS, node, LC_NODE_ARRAY, &text_item, arena);
    case LC_TARGET_COUNTS:
        return list_step(LC_STEP_COUNTS, node, LC_NODE_MAP, &count_item, arena);
    case LC_TARGET_FACTS:
        return facts_step(node, field, arena);
    case LC_TARGET_NONE:
        break;
    }
    return (lc_step){.code = LC_STEP_SKIP, .node = node};
}

static lc_step
union_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    if (node->n == 2 && node->children[0]->kind != node->children[1]->kind) {
        int null_branch = node->children[0]->kind == LC_NODE_NULL   ? 0
                          : node->children[1]->kind == LC_NODE_NULL ? 1
                                                                    : -1;
        if (null_branch >= 0) {
            lc_step step = value_step(node->children[!null_branch], field, arena);
            step.null_branch = null_branch;
            return step;
        }
    }
    lc_step *branches = lc_arena_new(arena, lc_step, node->n);
    for (uint32_t i = 0; i < node->n; i++)
        branches[i] = value_step(node->children[i], field, arena);
    return (lc_step){.code = LC_STEP_UNION, .steps = branches, .n = node->n, .null_branch = -1};
}

static lc_step
value_step(const lc_node *node, const lc_field *field, lc_arena *arena)
{
    lc_step step = {.code = LC_STEP_NOTHING, .null_branch = -1};
    if (field->target != LC_TARGET_NONE && node->kind == LC_NODE_UNION) {
        step = union_step(node, field, arena);
    } else if (field->target == LC_TARGET_NONE || node->kind != LC_NODE_NULL) {
        step = one_type_step(node, field, arena);
        step.null_branch = -1;
    }
    step.offset = (uint32_t)field->offset;
    step.name = field->name;
    return step;
}

lc_step *
lc_steps_new(const lc_node *record, const lc_field *fields, lc_arena *arena)
{
    lc_step *steps = lc_arena_new(arena, lc_step, record->n);
    for (uint32_t i = 0; i < record->n; i++) {
        const lc_field *field = fields;
        while (field->name && strcmp(field->name, record->names[i]) != 0)
            field++;
        steps[i] = value_step(record->children[i], field, arena);
        steps[i].name = record->names[i];
    }
    return steps;
}

/* ---- Running ---- */

static bool run_step(const lc_step *step, lc_plan_reader *reader, char *base);

/* Room for `more` items after the `n` there are; from the arena, twice what was there where it must grow. */
static void *
grow(lc_arena *arena, void *items, size_t n, size_t more, size_t *room, size_t item_bytes)
{
    if (n + more <= *room)
        return items;
    *room = MAX(n + more, 2 * *room);
    void *grown = lc_arena_alloc(arena, *room * item_bytes);
    if (n)
        memcpy(grown, items, n * item_bytes);
    return grown;
}

static G_NO_INLINE bool
read_attributes(const lc_step *step, lc_plan_reader *reader, lc_fact *fact)
{
    lc_attribute *attributes = NULL;
    size_t n = 0, room = 0;
    for (size_t count;;) {
        if (!lc_wire_block(&reader->wire, step->node->min_bytes + 1, &count))
            return false;
        if (count == 0)
            break;
        attributes = grow(reader->arena, attributes, n, count, &room, sizeof *attributes);
        for (size_t i = 0; i < count; i++, n++) {
            attributes[n].value = LC_NO_TEXT;
            if (!lc_wire_text(&reader->wire, &attributes[n].key) ||
                !run_step(step->steps, reader, (char *)&attributes[n]))
                return false;
        }
    }
    fact->attributes = attributes;
    fact->n_attributes = n;
    return true;
}

/* Indices alternate: of a key, of a value. */
static G_NO_INLINE bool
read_indices(const lc_step *step, lc_plan_reader *reader, lc_fact *fact)
{
    lc_attribute *attributes = NULL;
    size_t n = 0, room = 0;
    for (size_t count;;) {
        if (!lc_wire_block(&reader->wire, step->node->min_bytes, &count))
            return false;
        if (count == 0)
            break;
        attributes = grow(reader->arena, attributes, (n + 1) / 2, (count + 1) / 2, &room, sizeof *attributes);
        for (size_t i = 0; i < count; i++, n++) {
            lc_text *text = n % 2 ? &attributes[n / 2].value : &attributes[n / 2].key;
            *text = LC_NO_TEXT;
            if (!run_step(step->steps, reader, (char *)text))
                return false;
        }
    }
    if (n % 2)
        return lc_wire_fail(&reader->wire, "a key without a value");
    fact->attributes = attributes;
    fact->n_attributes = n / 2;
    return true;
}

static G_NO_INLINE bool
read_texts(const lc_step *step, lc_plan_reader *reader, lc_text_list *list)
{
    for (size_t count;;) {
        if (!lc_wire_block(&reader->wire, step->node->min_bytes, &count))
            return false;
        if (count == 0)
            return true;
        list->items = grow(reader->arena, list->items, list->n, count, &list->room, sizeof *list->items);
        for (size_t i = 0; i < count; i++, list->n++) {
            list->items[list->n] = LC_NO_TEXT;
            if (!run_step(step->steps, reader, (char *)&list->items[list->n]))
                return false;
        }
    }
}

static G_NO_INLINE bool
read_facts(const lc_step *step, lc_plan_reader *reader, lc_fact_list *list)
{
    for (size_t count;;) {
        if (!lc_wire_block(&reader->wire, step->node->min_bytes, &count))
            return false;
        if (count == 0)
            return true;
        /* one more: a lead is mostly read because a fact of it has come */
        list->items = grow(reader->arena, list->items, list->n, count + 1, &list->room, sizeof *list->items);
        for (size_t i = 0; i < count; i++, list->n++) {
            list->items[list->n] = lc_blank_fact;
            if (!lc_steps_run(step->steps, step->n, reader, &list->items[list->n]))
                return false;
        }
    }
}

static G_NO_INLINE bool
read_counts(const lc_step *step, lc_plan_reader *reader, lc_count_list *list)
{
    for (size_t count;;) {
        if (!lc_wire_block(&reader->wire, step->node->min_bytes + 1, &count))
            return false;
        if (count == 0)
            return true;
        list->items = grow(reader->arena, list->items, list->n, count, &list->room, sizeof *list->items);
        for (size_t i = 0; i < count; i++, list->n++) {
            list->items[list->n] = lc_blank_count;
            if (!lc_wire_text(&reader->wire, &list->items[list->n].metric) ||
                !run_step(step->steps, reader, (char *)&list->items[list->n]))
                return false;
        }
    }
}

static G_NO_INLINE bool
read_scaled(lc_wire *wire, int64_t scale, lc_instant *instant)
{
    int64_t value;
    if (!lc_wire_long(wire, &value))
        return false;
    *instant = value / scale - (value % scale < 0);
    return true;
}

static bool
read_long_from_int(lc_wire *wire, int64_t *value)
{
    int32_t narrow;
    if (!lc_wire_int(wire, &narrow))
        return false;
    *value = narrow;
    return true;
}

static bool
read_note(lc_plan_reader *reader)
{
    lc_text note;
    if (!lc_wire_text(&reader->wire, &note))
        return false;
    if (note.size > LC_MAX_NOTE_BYTES)
        reader->defect = "note is longer than 8 KiB";
    return true;
}

static bool
read_wrong_type(const lc_step *step, lc_plan_reader *reader)
{
    reader->defect = step->problem;
    return lc_node_skip(step->node, &reader->wire);
}

static bool
read_uuid(lc_plan_reader *reader, lc_text *text)
{
    lc_text bytes;
    lc_uuid uuid;
    if (!lc_wire_bytes(&reader->wire, sizeof uuid.bytes, &bytes))
        return false;
    memcpy(uuid.bytes, bytes.data, sizeof uuid.bytes);
    char *end = lc_arena_alloc(reader->arena, LC_UUID_TEXT_BYTES);
    *text = (lc_text){end, LC_UUID_TEXT_BYTES - 1};
    *lc_put_uuid(end, &uuid) = '\0';
    return true;
}

static bool
read_index(lc_wire *wire, lc_text *text)
{
    int32_t index;
    if (!lc_wire_int(wire, &index))
        return false;
    if (index < 0)
        return lc_wire_fail(wire, "an index is negative");
    *text = (lc_text){NULL, (size_t)index};
    return true;
}

static bool
read_symbol(const lc_step *step, lc_wire *wire, int *symbol)
{
    uint32_t index;
    if (!lc_wire_index(wire, step->n, &index))
        return false;
    if (step->symbols[index] < 0)
        return lc_wire_fail(wire, "a symbol that is not known here");
    *symbol = step->symbols[index];
    return true;
}

static bool
read_connected(const lc_step *step, lc_wire *wire, bool *connected)
{
    int symbol;
    if (!read_symbol(step, wire, &symbol))
        return false;
    *connected = symbol == 1;
    return true;
}

static G_NO_INLINE bool
read_union(const lc_step *step, lc_plan_reader *reader, char *base)
{
    uint32_t branch;
    return lc_wire_index(&reader->wire, step->n, &branch) && run_step(&step->steps[branch], reader, base);
}

/* Reads the index of a union of null and one other type. */
static bool
read_is_null(const lc_step *step, lc_wire *wire, bool *is_null)
{
    uint32_t branch;
    if (!lc_wire_index(wire, 2, &branch))
        return false;
    *is_null = branch == (uint32_t)step->null_branch;
    return true;
}

static inline bool
run_step(const lc_step *step, lc_plan_reader *reader, char *base)
{
    lc_wire *wire = &reader->wire;
    void *member = base + step->offset;
    if (step->null_branch >= 0) {
        bool is_null;
        if (!read_is_null(step, wire, &is_null))
            return false;
        if (is_null)
            return true;
    }
    switch (step->code) {
    case LC_STEP_SKIP:
        return lc_node_skip(step->node, wire);
    case LC_STEP_NOTHING:
        return true;
    case LC_STEP_REFUSE:
        return read_wrong_type(step, reader);
    case LC_STEP_UNION:
        return read_union(step, reader, base);
    case LC_STEP_TEXT:
        return lc_wire_text(wire, member);
    case LC_STEP_NOTE:
        return read_note(reader);
    case LC_STEP_UUID:
        return read_uuid(reader, member);
    case LC_STEP_LONG:
        return lc_wire_long(wire, member);
    case LC_STEP_LONG_FROM_INT:
        return read_long_from_int(wire, member);
    case LC_STEP_INSTANT_FROM_MICROS:
        return read_scaled(wire, 1000, member);
    case LC_STEP_INSTANT_FROM_NANOS:
        return read_scaled(wire, 1000000, member);
    case LC_STEP_INT:
        return lc_wire_int(wire, member);
    case LC_STEP_BOOL:
        return lc_wire_bool(wire, member);
    case LC_STEP_ENUM:
        return read_symbol(step, wire, member);
    case LC_STEP_CONNECTED:
        return read_connected(step, wire, member);
    case LC_STEP_INDEX:
        return read_index(wire, member);
    case LC_STEP_ATTRIBUTES:
        return read_attributes(step, reader, (lc_fact *)base);
    case LC_STEP_INDICES:
        return read_indices(step, reader, (lc_fact *)base);
    case LC_STEP_TEXTS:
        return read_texts(step, reader, member);
    case LC_STEP_FACTS:
        return read_facts(step, reader, member);
    case LC_STEP_COUNTS:
        return read_counts(step, reader, member);
    }
    return false;
}

bool
lc_steps_run(const lc_step *steps, uint32_t n_steps, lc_plan_reader *reader, void *base)
{
    for (uint32_t i = 0; i < n_steps; i++)
        if (G_UNLIKELY(!run_step(&steps[i], reader, base))) {
            if (reader->field == NULL)
                reader->field = steps[i].name;
            return false;
        }
    return true;
}
