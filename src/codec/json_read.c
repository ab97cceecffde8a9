/* json_read.c - one line of JSON to one fact (section 9). A reader of our own, because jansson alone takes 4 us a line
 * and the whole backtest has 5: the line is copied once, and only the fields that a fact has are kept. */
#include <leadclock/codec.h>

#include <leadclock/calendar.h>

#include "check.h"
#include "json_scan.h"

#include <stdarg.h>

/* What is shown of a value that is wrong. */
#define SHOWN_BYTES ((size_t)40)

/* ---- Fields ---- */

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

typedef enum { FIELD_TEXT, FIELD_TIME, FIELD_BOOLEAN, FIELD_ATTRIBUTES } field_kind;

typedef struct {
    lc_fact fact;
    lc_text type, lead_id, method, outcome;
    lc_instant arrived_at;
} fact_line;

typedef struct {
    lc_text name;
    field_kind kind;
    unsigned types; /* the facts that have it; in others it is unknown, and ignored */
    size_t offset;  /* in fact_line */
} field;

#define FIELD(name, kind, types, member)                                                                               \
    {                                                                                                                  \
        {name, sizeof(name) - 1}, kind, types, offsetof(fact_line, member)                                             \
    }

/* `type` comes first: it decides which of the others count. */
static const field fields[] = {
    FIELD("type", FIELD_TEXT, ALL, type),
    FIELD("lead_id", FIELD_TEXT, ALL, lead_id),
    FIELD("event_id", FIELD_TEXT, ALL, fact.event_id),
    FIELD("occurred_at", FIELD_TIME, ALL, fact.occurred_at),
    FIELD("recorded_at", FIELD_TIME, ALL, fact.recorded_at),
    FIELD("arrived_at", FIELD_TIME, ALL, arrived_at),
    FIELD("owner", FIELD_TEXT, OWNED, fact.owner),
    FIELD("channel", FIELD_TEXT, CREATED, fact.channel),
    FIELD("attributes", FIELD_ATTRIBUTES, CREATED, fact.attributes),
    FIELD("campaign", FIELD_TEXT, CREATED, fact.campaign),
    FIELD("follow_up_at", FIELD_TIME, CREATED | CONTACTED | REJECTED, fact.follow_up_at),
    FIELD("method", FIELD_TEXT, CONTACTED, method),
    FIELD("automated", FIELD_BOOLEAN, CONTACTED, fact.automated),
    FIELD("outcome", FIELD_TEXT, CONTACTED, outcome),
    FIELD("stage", FIELD_TEXT, PROGRESSED, fact.text),
    FIELD("reason", FIELD_TEXT, REJECTED | PAUSED, fact.text),
    FIELD("until", FIELD_TIME, PAUSED, fact.until),
    FIELD("into", FIELD_TEXT, MERGED, fact.into),
    FIELD("note", FIELD_TEXT, REJECTED, fact.note),
};

#define ATTRIBUTES_FIELD 8

/* Length and first letter leave few to compare. */
static inline int
find_field(lc_text name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
        if (fields[i].name.size == name.size && fields[i].name.data[0] == name.data[0] &&
            memcmp(fields[i].name.data, name.data, name.size) == 0)
            return (int)i;
    return -1;
}

/* ---- A line ---- */

/* The values of a line's fields. A null is as good as no field. */
typedef struct {
    lc_arena *arena;
    unsigned given; /* a bit for each field; the others' values are not set */
    lc_json_value of[G_N_ELEMENTS(fields)];
    /* what "attributes" holds */
    lc_attribute attributes[LC_MAX_ATTRIBUTES];
    size_t n_attributes;
    lc_text wrong_attribute; /* one whose value is a list or an object, or absent */
} field_values;

static bool refuse(lc_json_scanner *r, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool
refuse(lc_json_scanner *r, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_propagate_error(r->error, g_error_new_valist(LC_ERROR, LC_ERROR_RECORD, format, arguments));
    va_end(arguments);
    return false;
}

/* For "%.*s". */
#define SHOWN(text) (int)MIN((text).size, SHOWN_BYTES), (text).data

/* ---- Attributes ---- */

/* Where the one with this key is, or a new one would be: of a key given twice the last stands. */
static size_t
find_attribute(const field_values *values, lc_text key)
{
    size_t i = 0;
    while (i < values->n_attributes && !lc_text_equal(values->attributes[i].key, key))
        i++;
    return i;
}

static void
drop_attribute(field_values *values, size_t index)
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
    field_values *values = data;
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
        return refuse(r, "attributes: more than %zu", LC_MAX_ATTRIBUTES);
    values->attributes[index] = (lc_attribute){key, v.text};
    values->n_attributes = MAX(values->n_attributes, index + 1);
    return true;
}

static bool
read_attributes(lc_json_scanner *r, unsigned depth, field_values *values, lc_json_value *v)
{
    v->kind = LC_JSON_OBJECT;
    values->n_attributes = 0;
    values->wrong_attribute = LC_NO_TEXT;
    return lc_json_read_members(r, attribute_member, depth, values);
}

static bool
line_member(lc_json_scanner *r, unsigned depth, lc_text key, void *data)
{
    field_values *values = data;
    lc_json_value ignored;
    int i = find_field(key);
    if (i < 0)
        return lc_json_read_value(r, depth + 1, &ignored);
    values->given |= 1u << i;
    if (i == ATTRIBUTES_FIELD && lc_json_take(r, '{'))
        return read_attributes(r, depth + 1, values, &values->of[i]);
    return lc_json_read_value(r, depth + 1, &values->of[i]);
}

/* ---- From values to a fact ---- */

/* What was there, as a reader of the message knows it again. */
static bool
wrong_kind(lc_json_scanner *r, const field *f, const lc_json_value *v, const char *wanted)
{
    static const char *const names[] = {[LC_JSON_NULL] = "null",
                                        [LC_JSON_TEXT] = "a string",
                                        [LC_JSON_OBJECT] = "an object",
                                        [LC_JSON_ARRAY] = "a list"};
    bool is_shown = v->kind == LC_JSON_INTEGER || v->kind == LC_JSON_REAL || v->kind == LC_JSON_BOOLEAN;
    lc_text said = is_shown ? v->text : lc_text_of(names[v->kind]);
    return refuse(r, "%s: %.*s, but it must be %s", f->name.data, SHOWN(said), wanted);
}

static bool
store_time(lc_json_scanner *r, const field *f, const lc_json_value *v, lc_instant *instant)
{
    if (v->kind == LC_JSON_INTEGER) {
        *instant = v->integer;
        return true;
    }
    if (v->kind != LC_JSON_TEXT)
        return wrong_kind(r, f, v,
                          "a time: ISO 8601 with a zone, or whole milliseconds since 1970 without an exponent");
    if (strlen(v->text.data) == v->text.size && lc_instant_parse(v->text.data, instant))
        return true;
    return refuse(r,
                  "%s: \"%.*s\" is no time; write it as \"2026-02-02T09:00:00Z\" or \"2026-02-02T10:00:00+01:00\" (the "
                  "zone as Z or an offset), or as milliseconds since 1970 without quotes",
                  f->name.data, SHOWN(v->text));
}

static bool
store_attributes(lc_json_scanner *r, const field *f, const field_values *values, const lc_json_value *v, lc_fact *fact)
{
    if (v->kind != LC_JSON_OBJECT)
        return wrong_kind(r, f, v, "an object of strings");
    if (!lc_text_is_absent(values->wrong_attribute))
        return refuse(r, "attributes: the value of \"%.*s\" must be a string, a number or a boolean",
                      SHOWN(values->wrong_attribute));
    lc_attribute *kept = lc_arena_new(values->arena, lc_attribute, values->n_attributes);
    memcpy(kept, values->attributes, values->n_attributes * sizeof *kept);
    fact->attributes = kept;
    fact->n_attributes = values->n_attributes;
    return true;
}

static bool
store(lc_json_scanner *r, const field *f, const field_values *values, const lc_json_value *v, fact_line *line)
{
    void *member = (char *)line + f->offset;
    switch (f->kind) {
    case FIELD_TEXT:
        if (v->kind != LC_JSON_TEXT)
            return wrong_kind(r, f, v, "a string");
        *(lc_text *)member = v->text;
        return true;
    case FIELD_TIME:
        return store_time(r, f, v, member);
    case FIELD_BOOLEAN:
        if (v->kind != LC_JSON_BOOLEAN)
            return wrong_kind(r, f, v, "true or false");
        *(bool *)member = v->integer != 0;
        return true;
    case FIELD_ATTRIBUTES:
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

static bool
find_type(lc_json_scanner *r, lc_text name, lc_fact_type *type)
{
    for (lc_fact_type t = 0; t < LC_FACT_TYPES; t++)
        if (is_word(name, lc_fact_type_name(t))) {
            *type = t;
            return true;
        }
    return refuse(r,
                  "type: \"%.*s\" is no fact; facts are LeadCreated, LeadAssigned, LeadContacted, LeadProgressed, "
                  "LeadRejected, LeadPaused, LeadResumed, LeadMerged and LeadErased",
                  SHOWN(name));
}

static bool
store_type(lc_json_scanner *r, const field_values *values, fact_line *line)
{
    const lc_json_value *v = &values->of[0];
    if (!(values->given & 1) || v->kind == LC_JSON_NULL)
        return refuse(r, "type: missing");
    return store(r, &fields[0], values, v, line) && find_type(r, line->type, &line->fact.type);
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

static bool
values_to_line(lc_json_scanner *r, const field_values *values, fact_line *line)
{
    if (!store_type(r, values, line))
        return false;
    lc_fact *fact = &line->fact;
    for (unsigned rest = values->given & ~1u; rest; rest &= rest - 1) {
        int i = __builtin_ctz(rest);
        if (values->of[i].kind != LC_JSON_NULL && fields[i].types & (1u << fact->type) &&
            !store(r, &fields[i], values, &values->of[i], line))
            return false;
    }
    if (fact->type == LC_FACT_CONTACTED) {
        fact->method = method_of(line->method);
        fact->connected = lc_text_equal(line->outcome, LC_TEXT("CONNECTED"));
    }
    return true;
}

static bool
read_line(lc_json_scanner *r, lc_arena *arena, fact_line *line)
{
    field_values values;
    values.arena = arena;
    values.given = 0;
    if (!lc_json_take(r, '{'))
        return lc_json_wrong(r, "expected an object: {\"type\": ...}");
    if (!lc_json_read_members(r, line_member, 1, &values))
        return false;
    lc_json_skip_space(r);
    if (r->at != r->end)
        return lc_json_wrong(r, "something follows the object");
    return values_to_line(r, &values, line);
}

bool
lc_json_read_fact(const char *line, size_t size, lc_arena *arena, lc_fact *fact, lc_text *lead_id,
                  lc_instant *arrived_at, GError **error)
{
    lc_json_scanner r = lc_json_scan(line, size, arena, error);
    fact_line read = {
        .fact = {.occurred_at = LC_ABSENT, .recorded_at = LC_ABSENT, .follow_up_at = LC_ABSENT, .until = LC_ABSENT},
        .arrived_at = LC_ABSENT};
    if (!read_line(&r, arena, &read) || !lc_lead_id_check(read.lead_id, error) ||
        !lc_fact_check(&read.fact, LC_ABSENT, 0, error) || !lc_time_check("arrived_at", read.arrived_at, error))
        return false;
    *fact = read.fact;
    *lead_id = read.lead_id;
    *arrived_at = read.arrived_at;
    return true;
}
