/* json_read.c - one text of JSON to one fact: a plain one (section 9), or a CloudEvent that holds one. A reader of our
 * own, because jansson alone takes 4 us a line and the whole backtest has 5: the text is copied once, and only the
 * fields that a fact has are kept. */
#include <leadclock/codec.h>

#include <leadclock/calendar.h>

#include "check.h"
#include "json_values.h"

/* What is shown of a value that is wrong. */
#define SHOWN_BYTES ((size_t)40)

/* For "%.*s". */
#define SHOWN(text) (int)MIN((text).size, SHOWN_BYTES), (text).data

/* Where a text that stands in is from, as it is called there. */
static const lc_json_field from_time = LC_JSON_FIELD("time", TIME, ~0u, fact.occurred_at),
                           from_time_header = LC_JSON_FIELD("ce_time", TIME, ~0u, fact.occurred_at);

typedef struct {
    lc_stand_ins texts;
    const char *type; /* "type" or "ce_type" */
    const lc_json_field *time;
} stand_ins;

/* ---- From values to a fact ---- */

/* What was there, as a reader of the message knows it again. */
static bool
wrong_kind(lc_json_scanner *r, const lc_json_field *f, const lc_json_value *v, const char *wanted)
{
    static const char *const names[] = {[LC_JSON_NULL] = "null",
                                        [LC_JSON_TEXT] = "a string",
                                        [LC_JSON_OBJECT] = "an object",
                                        [LC_JSON_ARRAY] = "a list"};
    bool is_shown = v->kind == LC_JSON_INTEGER || v->kind == LC_JSON_REAL || v->kind == LC_JSON_BOOLEAN;
    lc_text said = is_shown ? v->text : lc_text_of(names[v->kind]);
    return lc_json_refuse(r, f->name.data, "%s: %.*s, but it must be %s", f->name.data, SHOWN(said), wanted);
}

static bool
store_time(lc_json_scanner *r, const lc_json_field *f, const lc_json_value *v, lc_instant *instant)
{
    if (v->kind == LC_JSON_INTEGER) {
        *instant = v->integer;
        return true;
    }
    if (v->kind != LC_JSON_TEXT)
        return wrong_kind(r, f, v,
                          "a time: ISO 8601 with a zone, or whole milliseconds since 1970 without an exponent");
    if (strlen(v->text.data) == v->text.size && lc_instant_parse(v->text.data, instant)) {
        const lc_complaint to = {&r->problem.field, r->error, true};
        r->problem.fault = LC_JSON_NO_FACT;
        return lc_time_text_check(f->name.data, *instant, &to);
    }
    return lc_json_refuse(
        r, f->name.data,
        "%s: \"%.*s\" is no time; write it as \"2026-02-02T09:00:00Z\" or \"2026-02-02T10:00:00+01:00\" (the "
        "zone as Z or an offset), or as milliseconds since 1970 without quotes",
        f->name.data, SHOWN(v->text));
}

static bool
store_attributes(lc_json_scanner *r, const lc_json_field *f, const lc_json_values *values, const lc_json_value *v,
                 lc_fact *fact)
{
    if (v->kind != LC_JSON_OBJECT)
        return wrong_kind(r, f, v, "an object of strings");
    if (!lc_text_is_absent(values->wrong_attribute))
        return lc_json_refuse(r, "attributes",
                              "attributes: the value of \"%.*s\" must be a string, a number or a boolean",
                              SHOWN(values->wrong_attribute));
    lc_attribute *kept = lc_arena_new(values->arena, lc_attribute, values->n_attributes);
    memcpy(kept, values->attributes, values->n_attributes * sizeof *kept);
    fact->attributes = kept;
    fact->n_attributes = values->n_attributes;
    return true;
}

static bool
store(lc_json_scanner *r, const lc_json_field *f, const lc_json_values *values, const lc_json_value *v,
      lc_json_line *line)
{
    void *member = (char *)line + f->offset;
    switch (f->kind) {
    case LC_JSON_FIELD_TEXT:
        if (v->kind != LC_JSON_TEXT)
            return wrong_kind(r, f, v, "a string");
        *(lc_text *)member = v->text;
        return true;
    case LC_JSON_FIELD_TIME:
        return store_time(r, f, v, member);
    case LC_JSON_FIELD_BOOLEAN:
        if (v->kind != LC_JSON_BOOLEAN)
            return wrong_kind(r, f, v, "true or false");
        *(bool *)member = v->integer != 0;
        return true;
    case LC_JSON_FIELD_ATTRIBUTES:
        return store_attributes(r, f, values, v, &line->fact);
    }
    g_assert_not_reached();
}

/* Whether it is `word`. It ends with a NUL, as every text read here does, but may have others. */
static bool
is_word(lc_text text, const char *word)
{
    return strcmp(text.data, word) == 0 && strlen(word) == text.size;
}

/* Without the namespace that the names of Avro records and of CloudEvents have. */
static lc_text
drop_namespace(lc_text name)
{
    static const char namespace[] = "leadclock.";
    size_t size = sizeof namespace - 1;
    bool has_it = name.size > size && memcmp(name.data, namespace, size) == 0;
    return has_it ? (lc_text){name.data + size, name.size - size} : name;
}

static bool
find_type(lc_json_scanner *r, const char *field, lc_text name, lc_fact_type *type)
{
    lc_text short_name = drop_namespace(name);
    for (lc_fact_type t = 0; t < LC_FACT_TYPES; t++)
        if (is_word(short_name, lc_fact_type_name(t))) {
            *type = t;
            return true;
        }
    lc_json_refuse(r, field,
                   "%s: \"%.*s\" is no fact; facts are LeadCreated, LeadAssigned, LeadContacted, LeadProgressed, "
                   "LeadRejected, LeadPaused, LeadResumed, LeadMerged and LeadErased",
                   field, SHOWN(name));
    r->problem.fault = LC_JSON_NO_TYPE;
    return false;
}

static bool
store_type(lc_json_scanner *r, const lc_json_values *values, const stand_ins *others, lc_json_line *line)
{
    if (lc_json_is_given(values, LC_JSON_TYPE_FIELD))
        return store(r, &lc_json_fact_fields[LC_JSON_TYPE_FIELD], values, &values->of[LC_JSON_TYPE_FIELD], line) &&
               find_type(r, "type", line->type, &line->fact.type);
    if (others && !lc_text_is_absent(others->texts.type))
        return find_type(r, others->type, others->texts.type, &line->fact.type);
    lc_json_refuse(r, "type", "type: missing");
    r->problem.fault = LC_JSON_NO_TYPE;
    return false;
}

/* One that is not known is the default (rule 1.8). */
static lc_method
method_of(lc_text word)
{
    for (int i = 0; !lc_text_is_absent(word) && lc_method_names[i]; i++)
        if (is_word(word, lc_method_names[i]))
            return (lc_method)i;
    return LC_METHOD_OTHER;
}

/* What the fact does not say itself. */
static bool
take_stand_ins(lc_json_scanner *r, const stand_ins *others, lc_json_line *line)
{
    const lc_stand_ins *texts = &others->texts;
    lc_fact *fact = &line->fact;
    if (lc_text_is_absent(fact->event_id))
        fact->event_id = texts->event_id;
    if (lc_text_is_absent(line->lead_id))
        line->lead_id = texts->lead_id;
    if (fact->occurred_at != LC_ABSENT || lc_text_is_absent(texts->occurred_at))
        return true;
    const lc_json_value time = {.kind = LC_JSON_TEXT, .text = texts->occurred_at};
    return store_time(r, others->time, &time, &fact->occurred_at);
}

/* `others`: what stands in; NULL: nothing. */
static bool
values_to_line(lc_json_scanner *r, const lc_json_values *values, const stand_ins *others, lc_json_line *line)
{
    if (!store_type(r, values, others, line))
        return false;
    lc_fact *fact = &line->fact;
    for (unsigned rest = values->given & ~(1u << LC_JSON_TYPE_FIELD); rest; rest &= rest - 1) {
        int i = __builtin_ctz(rest);
        if (values->of[i].kind != LC_JSON_NULL && lc_json_fact_fields[i].types & (1u << fact->type) &&
            !store(r, &lc_json_fact_fields[i], values, &values->of[i], line))
            return false;
    }
    if (fact->type == LC_FACT_CONTACTED) {
        fact->method = method_of(line->method);
        fact->connected = lc_text_equal(line->outcome, LC_TEXT("CONNECTED"));
    }
    return others == NULL || take_stand_ins(r, others, line);
}

/* ---- CloudEvents ---- */

static bool
check_data(lc_json_scanner *r, const lc_json_values *values)
{
    if (lc_json_is_given(values, LC_JSON_BASE64_FIELD))
        return lc_json_refuse(r, "data_base64",
                              "data_base64: a fact in base64 is not read; write it as an object into data");
    if (!lc_json_is_given(values, LC_JSON_DATA_FIELD))
        return lc_json_refuse(r, "data", "data: missing; in a CloudEvent the fact is the object in data");
    return values->of[LC_JSON_DATA_FIELD].kind == LC_JSON_OBJECT ||
           wrong_kind(r, &lc_json_fact_fields[LC_JSON_DATA_FIELD], &values->of[LC_JSON_DATA_FIELD],
                      "an object, the fact");
}

/* What the event says of itself goes before what is said outside. */
static bool
read_attributes_of_event(lc_json_scanner *r, const lc_json_values *values, stand_ins *others, lc_json_line *line)
{
    for (int i = LC_JSON_VERSION_FIELD; i <= LC_JSON_SUBJECT_FIELD; i++)
        if (lc_json_is_given(values, i) && !store(r, &lc_json_fact_fields[i], values, &values->of[i], line))
            return false;
    if (!is_word(line->event.specversion, "1.0"))
        return lc_json_refuse(r, "specversion", "specversion: \"%.*s\", but CloudEvents of version \"1.0\" are read",
                              SHOWN(line->event.specversion));
    if (lc_json_is_given(values, LC_JSON_TYPE_FIELD)) {
        if (!store(r, &lc_json_fact_fields[LC_JSON_TYPE_FIELD], values, &values->of[LC_JSON_TYPE_FIELD], line))
            return false;
        others->texts.type = line->type;
        others->type = "type";
    }
    if (!lc_text_is_absent(line->event.id))
        others->texts.event_id = line->event.id;
    if (!lc_text_is_absent(line->event.subject))
        others->texts.lead_id = line->event.subject;
    if (!lc_text_is_absent(line->event.time)) {
        others->texts.occurred_at = line->event.time;
        others->time = &from_time;
    }
    return true;
}

/* In structured mode. The fact in it is read from the text anew: reading changes the copy. */
static bool
read_event(lc_json_scanner *r, const lc_json_values *values, stand_ins *others, lc_json_line *line)
{
    if (!read_attributes_of_event(r, values, others, line) || !check_data(r, values))
        return false;
    lc_json_values in_data;
    lc_json_scanner data =
        lc_json_scan(r->text + values->data, values->data_end - values->data, values->arena, r->error);
    bool is_read = lc_json_read_values(&data, values->arena, &in_data) && values_to_line(&data, &in_data, others, line);
    r->problem = data.problem;
    return is_read;
}

/* ---- The door ---- */

/* Copies end with a NUL, as what is read here does. */
static stand_ins
copy_stand_ins(const lc_stand_ins *texts, lc_arena *arena)
{
    stand_ins copy = {.type = "ce_type", .time = &from_time_header};
    if (texts)
        copy.texts = (lc_stand_ins){lc_arena_text(arena, texts->type), lc_arena_text(arena, texts->event_id),
                                    lc_arena_text(arena, texts->occurred_at), lc_arena_text(arena, texts->lead_id)};
    return copy;
}

static bool
read_line(lc_json_scanner *r, const lc_stand_ins *texts, lc_arena *arena, lc_json_line *line)
{
    lc_json_values values;
    if (!lc_json_read_values(r, arena, &values))
        return false;
    bool is_event = lc_json_is_given(&values, LC_JSON_VERSION_FIELD);
    if (!is_event && texts == NULL)
        return values_to_line(r, &values, NULL, line);
    stand_ins others = copy_stand_ins(texts, arena);
    return is_event ? read_event(r, &values, &others, line) : values_to_line(r, &values, &others, line);
}

static bool
read_fact(lc_json_scanner *r, const lc_stand_ins *texts, lc_arena *arena, lc_json_line *line)
{
    *line = (lc_json_line){
        .fact = {.occurred_at = LC_ABSENT, .recorded_at = LC_ABSENT, .follow_up_at = LC_ABSENT, .until = LC_ABSENT},
        .arrived_at = LC_ABSENT};
    if (!read_line(r, texts, arena, line))
        return false;
    /* The scanner has looked at all texts but those that stand in. */
    const lc_complaint to = {&r->problem.field, r->error, texts == NULL};
    r->problem.fault = LC_JSON_NO_FACT;
    return lc_record_check(line->lead_id, &line->fact, &to) && lc_time_check("arrived_at", line->arrived_at, &to);
}

bool
lc_json_read(const char *text, size_t size, const lc_stand_ins *stand_ins, lc_arena *arena, lc_json_fact *read,
             lc_json_problem *problem, GError **error)
{
    lc_json_scanner r = lc_json_scan(text, size, arena, error);
    lc_json_line line;
    if (!read_fact(&r, stand_ins, arena, &line)) {
        lc_json_name_similar(&r, arena);
        *problem = r.problem;
        return false;
    }
    *read = (lc_json_fact){line.fact, line.lead_id, line.arrived_at};
    return true;
}

bool
lc_json_read_fact(const char *line, size_t size, lc_arena *arena, lc_fact *fact, lc_text *lead_id,
                  lc_instant *arrived_at, GError **error)
{
    lc_json_scanner r = lc_json_scan(line, size, arena, error);
    lc_json_line read;
    if (!read_fact(&r, NULL, arena, &read)) {
        lc_json_name_similar(&r, arena);
        return false;
    }
    *fact = read.fact;
    *lead_id = read.lead_id;
    *arrived_at = read.arrived_at;
    return true;
}
