/* json_values.c - a text of JSON to the values of the fields that a fact, or a CloudEvent, has. */
#include "json_values.h"

#include <stdarg.h>

enum {
    CREATED = 1 << LC_FACT_CREATED,
    ASSIGNED = 1 << LC_FACT_ASSIGNED,
    CONTACTED = 1 << LC_FACT_CONTACTED,
    PROGRESSED = 1 << LC_FACT_PROGRESSED,
    PAUSED = 1 << LC_FACT_PAUSED,
    REJECTED = 1 << LC_FACT_REJECTED,
    MERGED = 1 << LC_FACT_MERGED,
    ALL = (1 << LC_FACT_TYPES) - 1,
    OWNED = CREATED | ASSIGNED | CONTACTED | PROGRESSED | PAUSED | REJECTED
};

const lc_json_field lc_json_fact_fields[] = {
    LC_JSON_FIELD("type", TEXT, ALL, type),
    LC_JSON_FIELD("lead_id", TEXT, ALL, lead_id),
    LC_JSON_FIELD("event_id", TEXT, ALL, fact.event_id),
    LC_JSON_FIELD("occurred_at", TIME, ALL, fact.occurred_at),
    LC_JSON_FIELD("recorded_at", TIME, ALL, fact.recorded_at),
    LC_JSON_FIELD("arrived_at", TIME, ALL, arrived_at),
    LC_JSON_FIELD("owner", TEXT, OWNED, fact.owner),
    LC_JSON_FIELD("channel", TEXT, CREATED, fact.channel),
    LC_JSON_FIELD("attributes", ATTRIBUTES, CREATED, fact.attributes),
    LC_JSON_FIELD("campaign", TEXT, CREATED, fact.campaign),
    LC_JSON_FIELD("follow_up_at", TIME, CREATED | CONTACTED | REJECTED, fact.follow_up_at),
    LC_JSON_FIELD("method", TEXT, CONTACTED, method),
    LC_JSON_FIELD("automated", BOOLEAN, CONTACTED, fact.automated),
    LC_JSON_FIELD("outcome", TEXT, CONTACTED, outcome),
    LC_JSON_FIELD("stage", TEXT, PROGRESSED, fact.text),
    LC_JSON_FIELD("reason", TEXT, REJECTED | PAUSED, fact.text),
    LC_JSON_FIELD("until", TIME, PAUSED, fact.until),
    LC_JSON_FIELD("into", TEXT, MERGED, fact.into),
    LC_JSON_FIELD("note", TEXT, REJECTED, fact.note),
    /* of a CloudEvent; unknown to a fact */
    LC_JSON_FIELD("specversion", TEXT, 0, event.specversion),
    LC_JSON_FIELD("id", TEXT, 0, event.id),
    LC_JSON_FIELD("time", TEXT, 0, event.time),
    LC_JSON_FIELD("subject", TEXT, 0, event.subject),
    LC_JSON_FIELD("data_base64", TEXT, 0, event),
    LC_JSON_FIELD("data", TEXT, 0, event),
};

/* Among those from `first` to before `end`; -1: none. */
static inline int
find_among(int first, int end, lc_text name)
{
    for (int i = first; i < end; i++)
        if (lc_json_fact_fields[i].name.size == name.size && lc_text_equal(lc_json_fact_fields[i].name, name))
            return i;
    return -1;
}

/* Most come in the order of the table: they are looked for from the last one on. */
static inline int
find_field(lc_json_values *values, lc_text name)
{
    int i = find_among(values->next, LC_JSON_FIELDS, name);
    if (i < 0)
        i = find_among(0, values->next, name);
    if (i >= 0)
        values->next = i + 1;
    return i;
}

bool
lc_json_refuse(lc_json_scanner *r, const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_propagate_error(r->error, g_error_new_valist(LC_ERROR, LC_ERROR_RECORD, format, arguments));
    va_end(arguments);
    r->problem = (lc_json_problem){LC_JSON_NO_FACT, field};
    return false;
}

/* ---- Attributes ---- */

/* Where the one with this key is, or a new one would be: of a key given twice the last stands. */
static size_t
find_attribute(const lc_json_values *values, lc_text key)
{
    size_t i = 0;
    while (i < values->n_attributes && !lc_text_equal(values->attributes[i].key, key))
        i++;
    return i;
}

static void
drop_attribute(lc_json_values *values, size_t index)
{
    if (index == values->n_attributes)
        return;
    values->n_attributes--;
    memmove(&values->attributes[index], &values->attributes[index + 1],
            (values->n_attributes - index) * sizeof *values->attributes);
}

/* Null is absent; a number or a boolean is taken as it is written (rule 1.8). */
static bool
attribute_member(lc_json_scanner *r, unsigned depth, lc_text key, void *data)
{
    lc_json_values *values = data;
    lc_json_value v;
    if (!lc_json_read_value(r, depth + 1, &v))
        return false;
    size_t index = find_attribute(values, key);
    if (v.kind == LC_JSON_NULL) {
        drop_attribute(values, index);
        return true;
    }
    if (v.kind == LC_JSON_OBJECT || v.kind == LC_JSON_ARRAY) {
        values->wrong_attribute = key;
        return true;
    }
    if (index == LC_MAX_ATTRIBUTES)
        return lc_json_refuse(r, "attributes", "attributes: more than %zu", LC_MAX_ATTRIBUTES);
    values->attributes[index] = (lc_attribute){key, v.text};
    values->n_attributes = MAX(values->n_attributes, index + 1);
    return true;
}

static bool
read_attributes(lc_json_scanner *r, unsigned depth, lc_json_values *values, lc_json_value *v)
{
    v->kind = LC_JSON_OBJECT;
    values->n_attributes = 0;
    values->wrong_attribute = LC_NO_TEXT;
    return lc_json_read_members(r, attribute_member, depth, values);
}

/* ---- Members ---- */

/* Of a CloudEvent; only when all of it is read is it known to be one. */
static bool
read_data(lc_json_scanner *r, unsigned depth, lc_json_values *values)
{
    lc_json_skip_space(r);
    values->data = (size_t)(r->at - r->start);
    if (!lc_json_read_value(r, depth, &values->of[LC_JSON_DATA_FIELD]))
        return false;
    values->data_end = (size_t)(r->at - r->start);
    return true;
}

static bool
line_member(lc_json_scanner *r, unsigned depth, lc_text key, void *data)
{
    lc_json_values *values = data;
    lc_json_value ignored;
    int i = find_field(values, key);
    if (i < 0)
        return lc_json_read_value(r, depth + 1, &ignored);
    values->given |= 1u << i;
    if (i == LC_JSON_ATTRIBUTES_FIELD && lc_json_take(r, '{'))
        return read_attributes(r, depth + 1, values, &values->of[i]);
    if (i == LC_JSON_DATA_FIELD)
        return read_data(r, depth + 1, values);
    return lc_json_read_value(r, depth + 1, &values->of[i]);
}

bool
lc_json_read_values(lc_json_scanner *r, lc_arena *arena, lc_json_values *values)
{
    values->arena = arena;
    values->given = 0;
    values->next = 0;
    if (!lc_json_take(r, '{'))
        return lc_json_wrong(r, "expected an object: {\"type\": ...}");
    if (!lc_json_read_members(r, line_member, 1, values))
        return false;
    lc_json_skip_space(r);
    return r->at == r->end || lc_json_wrong(r, "something follows the object");
}
