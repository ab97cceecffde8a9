/* json_read.c - one line of JSON to one fact (section 9). A reader of our own, because jansson alone takes 4 us a line
 * and the whole backtest has 5: the line is copied once, strings are unescaped where they stand, and only the fields
 * that a fact has are kept. */
#include <leadclock/codec.h>

#include <leadclock/calendar.h>

#include "json_plain.h"

#define MAX_DEPTH 32
/* 9999-12-31T23:59:59.999Z */
#define LAST_INSTANT ((lc_instant)253402300799999)
typedef enum { VALUE_NULL, VALUE_TEXT, VALUE_INTEGER, VALUE_REAL, VALUE_BOOLEAN, VALUE_OBJECT, VALUE_ARRAY } value_kind;

static const char *const kind_names[] = {
    "null", "a string", "an integer", "a number with a fraction", "true or false", "an object", "a list",
};

typedef struct {
    value_kind kind;
    lc_text text;
    int64_t integer; /* a boolean too */
} value;

typedef struct {
    char *start, *at, *end; /* *end is NUL */
    lc_arena *arena;
    GError **error;
    /* what "attributes" holds */
    lc_attribute attributes[LC_MAX_ATTRIBUTES];
    size_t n_attributes;
    lc_text wrong_attribute; /* one whose value is no string, or absent */
} reader;

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

/* ---- Scanning ---- */

static bool
wrong_json(reader *r, const char *what)
{
    g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "column %td: not JSON: %s", r->at - r->start + 1, what);
    return false;
}

static inline bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static inline void
skip_space(reader *r)
{
    while (is_space(*r->at))
        r->at++;
}

/* Skips space, then takes `c` if it comes next. */
static inline bool
take(reader *r, char c)
{
    skip_space(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

static bool
read_hex4(reader *r, uint32_t *code)
{
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(r->at[i]); /* the NUL at the end is none */
        if (digit < 0)
            return wrong_json(r, "\\u wants four hexadecimal digits");
        sum = sum * 16 + (uint32_t)digit;
    }
    r->at += 4;
    *code = sum;
    return true;
}

/* After "\u". */
static bool
read_code_point(reader *r, gunichar *code_point)
{
    uint32_t high, low;
    if (!read_hex4(r, &high))
        return false;
    *code_point = high;
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || r->at[0] != '\\' || r->at[1] != 'u')
        return wrong_json(r, "half a surrogate pair");
    r->at += 2;
    if (!read_hex4(r, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return wrong_json(r, "half a surrogate pair");
    *code_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* After a backslash; writes what it stands for, which is never longer than the escape. */
static bool
read_escape(reader *r, char **out)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *escape = *r->at ? strchr(escapes, *r->at) : NULL;
    if (escape) {
        *(*out)++ = meanings[escape - escapes];
        r->at++;
        return true;
    }
    if (*r->at != 'u')
        return wrong_json(r, "an unknown escape after \\");
    r->at++;
    gunichar code_point;
    if (!read_code_point(r, &code_point))
        return false;
    *out += g_unichar_to_utf8(code_point, *out);
    return true;
}

static bool
check_utf8(reader *r, const char *data, const char *end)
{
    const char *wrong;
    if (g_utf8_validate_len(data, (gsize)(end - data), &wrong))
        return true;
    r->at = (char *)wrong;
    return wrong_json(r, "bytes that are no UTF-8");
}

/* The first byte that is not plain; the line's copy has room to read eight at a time. */
static inline char *
skip_plain(char *at)
{
    for (;; at += 8) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t not_plain = lc_json_not_plain(GUINT64_FROM_LE(word));
        if (not_plain)
            return at + __builtin_ctzll(not_plain) / 8;
    }
}

/* Everything up to a quote, a backslash or a control character, moved to `*out` where that stands before it. */
static bool
read_run(reader *r, char **out)
{
    char *start = r->at;
    bool ascii = true;
    for (;;) {
        r->at = skip_plain(r->at);
        if ((unsigned char)*r->at < 0x80)
            break;
        ascii = false;
        r->at++;
    }
    char *end = r->at;
    if (!ascii && !check_utf8(r, start, end))
        return false;
    if (*out != start)
        memmove(*out, start, (size_t)(end - start));
    *out += end - start;
    return true;
}

/* After the opening quote. The text ends with a NUL, at the latest where its closing quote was. */
static bool
read_string_rest(reader *r, lc_text *text)
{
    char *start = r->at, *out = r->at;
    for (;;) {
        if (!read_run(r, &out))
            return false;
        if (*r->at == '"')
            break;
        if (*r->at != '\\')
            return wrong_json(r, r->at == r->end ? "a string without its closing quote"
                                                 : "a control character in a string; escape it");
        r->at++;
        if (!read_escape(r, &out))
            return false;
    }
    *out = '\0';
    r->at++;
    *text = (lc_text){start, (size_t)(out - start)};
    return true;
}

static bool
read_string(reader *r, lc_text *text)
{
    return take(r, '"') ? read_string_rest(r, text) : wrong_json(r, "expected a string");
}

static const char *
skip_digits(const char *at)
{
    while (g_ascii_isdigit(*at))
        at++;
    return at;
}

/* Of at most 19 characters: too many only for the largest, which saturate. */
static int64_t
integer_of(const char *at, const char *end)
{
    bool negative = *at == '-';
    uint64_t sum = 0;
    for (at += negative; at < end; at++)
        sum = sum * 10 + (uint64_t)(*at - '0');
    sum = MIN(sum, (uint64_t)INT64_MAX);
    return negative ? -(int64_t)sum : (int64_t)sum;
}

/* `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`; a number beyond 64 bits counts as one with a fraction. */
static bool
read_number(reader *r, value *v)
{
    const char *at = r->at, *digits = at + (*at == '-');
    at = skip_digits(digits);
    if (at == digits || (*digits == '0' && at > digits + 1))
        return wrong_json(r, "expected a value");
    v->kind = VALUE_INTEGER;
    if (*at == '.') {
        v->kind = VALUE_REAL;
        const char *fraction = at + 1;
        if ((at = skip_digits(fraction)) == fraction)
            return wrong_json(r, "a number ends with its decimal point");
    }
    if (*at == 'e' || *at == 'E') {
        v->kind = VALUE_REAL;
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
        if ((at = skip_digits(exponent)) == exponent)
            return wrong_json(r, "a number without its exponent");
    }
    if (at - r->at > 19)
        v->kind = VALUE_REAL;
    if (v->kind == VALUE_INTEGER)
        v->integer = integer_of(r->at, at);
    r->at += at - r->at;
    return true;
}

static bool read_value(reader *r, unsigned depth, value *v);

static bool
skip_array(reader *r, unsigned depth)
{
    if (take(r, ']'))
        return true;
    value ignored;
    do {
        if (!read_value(r, depth + 1, &ignored))
            return false;
    } while (take(r, ','));
    return take(r, ']') || wrong_json(r, "expected , or ]");
}

/* Calls `member` for each key after which a value comes; it must read that value. */
static bool
read_members(reader *r, bool (*member)(reader *r, unsigned depth, lc_text key, void *data), unsigned depth, void *data)
{
    if (take(r, '}'))
        return true;
    do {
        lc_text key;
        if (!read_string(r, &key))
            return false;
        if (!take(r, ':'))
            return wrong_json(r, "expected : after a key");
        if (!member(r, depth, key, data))
            return false;
    } while (take(r, ','));
    return take(r, '}') || wrong_json(r, "expected , or }");
}

static bool
skip_member(reader *r, unsigned depth, lc_text key, void *data)
{
    (void)key;
    (void)data;
    value ignored;
    return read_value(r, depth + 1, &ignored);
}

static bool
read_word(reader *r, const char *word, value_kind kind, int64_t integer, value *v)
{
    size_t size = strlen(word);
    if (strncmp(r->at, word, size) != 0)
        return wrong_json(r, "expected a value");
    r->at += size;
    v->kind = kind;
    v->integer = integer;
    return true;
}

/* The content of lists and objects is checked and dropped. */
static bool
read_value(reader *r, unsigned depth, value *v)
{
    if (depth > MAX_DEPTH)
        return wrong_json(r, "lists and objects nested deeper than 32");
    skip_space(r);
    switch (*r->at) {
    case '"':
        r->at++;
        v->kind = VALUE_TEXT;
        return read_string_rest(r, &v->text);
    case '{':
        r->at++;
        v->kind = VALUE_OBJECT;
        return read_members(r, skip_member, depth, NULL);
    case '[':
        r->at++;
        v->kind = VALUE_ARRAY;
        return skip_array(r, depth);
    case 't':
        return read_word(r, "true", VALUE_BOOLEAN, 1, v);
    case 'f':
        return read_word(r, "false", VALUE_BOOLEAN, 0, v);
    case 'n':
        return read_word(r, "null", VALUE_NULL, 0, v);
    default:
        return read_number(r, v);
    }
}

/* ---- Attributes ---- */

/* The one with this key, or a new one: of a key given twice the last stands. */
static lc_attribute *
attribute_of(reader *r, lc_text key)
{
    for (size_t i = 0; i < r->n_attributes; i++)
        if (lc_text_equal(r->attributes[i].key, key))
            return &r->attributes[i];
    if (r->n_attributes == LC_MAX_ATTRIBUTES)
        return NULL;
    r->attributes[r->n_attributes].key = key;
    return &r->attributes[r->n_attributes++];
}

static bool
attribute_member(reader *r, unsigned depth, lc_text key, void *data)
{
    (void)data;
    value v;
    if (!read_value(r, depth + 1, &v))
        return false;
    if (v.kind != VALUE_TEXT) {
        r->wrong_attribute = key;
        return true;
    }
    lc_attribute *attribute = attribute_of(r, key);
    if (attribute == NULL) {
        g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "attributes: more than %zu", LC_MAX_ATTRIBUTES);
        return false;
    }
    attribute->value = v.text;
    return true;
}

static bool
read_attributes(reader *r, unsigned depth, value *v)
{
    v->kind = VALUE_OBJECT;
    r->n_attributes = 0;
    r->wrong_attribute = LC_NO_TEXT;
    return read_members(r, attribute_member, depth, NULL);
}

/* ---- From values to a fact ---- */

/* Those of a line. A null is as good as no field. */
typedef struct {
    unsigned given; /* a bit for each; the others' values are not set */
    value of[G_N_ELEMENTS(fields)];
} field_values;

static bool
line_member(reader *r, unsigned depth, lc_text key, void *data)
{
    field_values *values = data;
    value ignored;
    int i = find_field(key);
    if (i < 0)
        return read_value(r, depth + 1, &ignored);
    values->given |= 1u << i;
    if (i == ATTRIBUTES_FIELD && take(r, '{'))
        return read_attributes(r, depth + 1, &values->of[i]);
    return read_value(r, depth + 1, &values->of[i]);
}

static bool
wrong_kind(reader *r, const field *f, const value *v, const char *wanted)
{
    g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "%s: %s, but it must be %s", f->name.data, kind_names[v->kind],
                wanted);
    return false;
}

static bool
store_time(reader *r, const field *f, const value *v, lc_instant *instant)
{
    if (v->kind == VALUE_INTEGER) {
        *instant = v->integer;
        return true;
    }
    if (v->kind != VALUE_TEXT)
        return wrong_kind(r, f, v, "a time: ISO 8601 with a zone, or whole milliseconds since 1970");
    if (strlen(v->text.data) == v->text.size && lc_instant_parse(v->text.data, instant))
        return true;
    g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD,
                "%s: \"%.40s\" is no time; write it as 2026-02-02T09:00:00Z (a zone is needed), or as milliseconds "
                "since 1970",
                f->name.data, v->text.data);
    return false;
}

static bool
store_attributes(reader *r, const field *f, const value *v, lc_fact *fact)
{
    if (v->kind != VALUE_OBJECT)
        return wrong_kind(r, f, v, "an object of strings");
    if (!lc_text_is_absent(r->wrong_attribute)) {
        g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "attributes: the value of \"%.*s\" must be a string",
                    LC_TEXT_ARGS(r->wrong_attribute));
        return false;
    }
    lc_attribute *kept = lc_arena_new(r->arena, lc_attribute, r->n_attributes);
    memcpy(kept, r->attributes, r->n_attributes * sizeof *kept);
    fact->attributes = kept;
    fact->n_attributes = r->n_attributes;
    return true;
}

static bool
store(reader *r, const field *f, const value *v, fact_line *line)
{
    void *member = (char *)line + f->offset;
    switch (f->kind) {
    case FIELD_TEXT:
        if (v->kind != VALUE_TEXT)
            return wrong_kind(r, f, v, "a string");
        *(lc_text *)member = v->text;
        return true;
    case FIELD_TIME:
        return store_time(r, f, v, member);
    case FIELD_BOOLEAN:
        if (v->kind != VALUE_BOOLEAN)
            return wrong_kind(r, f, v, "true or false");
        *(bool *)member = v->integer != 0;
        return true;
    case FIELD_ATTRIBUTES:
        return store_attributes(r, f, v, &line->fact);
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
find_type(reader *r, lc_text name, lc_fact_type *type)
{
    for (lc_fact_type t = 0; t < LC_FACT_TYPES; t++)
        if (is_word(name, lc_fact_type_name(t))) {
            *type = t;
            return true;
        }
    g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD,
                "type: \"%.*s\" is no fact; facts are LeadCreated, LeadAssigned, LeadContacted, LeadProgressed, "
                "LeadRejected, LeadPaused, LeadResumed, LeadMerged and LeadErased",
                (int)MIN(name.size, 40), name.data);
    return false;
}

static bool
store_type(reader *r, const field_values *values, fact_line *line)
{
    const value *v = &values->of[0];
    if (!(values->given & 1) || v->kind == VALUE_NULL) {
        g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "type: missing");
        return false;
    }
    return store(r, &fields[0], v, line) && find_type(r, line->type, &line->fact.type);
}

static bool
wrong_word(reader *r, const char *name, lc_text word, const char *known)
{
    g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "%s: \"%.*s\" is not one of %s", name, (int)MIN(word.size, 40),
                word.data, known);
    return false;
}

static bool
store_method(reader *r, lc_text word, lc_method *method)
{
    *method = LC_METHOD_OTHER;
    if (lc_text_is_absent(word))
        return true;
    for (size_t i = 0; lc_method_names[i]; i++)
        if (is_word(word, lc_method_names[i])) {
            *method = (lc_method)i;
            return true;
        }
    return wrong_word(r, "method", word, "CALL, EMAIL, MEETING, MESSAGE and OTHER");
}

static bool
store_outcome(reader *r, lc_text word, bool *connected)
{
    *connected = lc_text_equal(word, LC_TEXT("CONNECTED"));
    return *connected || lc_text_is_absent(word) || lc_text_equal(word, LC_TEXT("ATTEMPTED")) ||
           wrong_word(r, "outcome", word, "ATTEMPTED and CONNECTED");
}

static bool
values_to_line(reader *r, const field_values *values, fact_line *line)
{
    if (!store_type(r, values, line))
        return false;
    lc_fact *fact = &line->fact;
    for (unsigned rest = values->given & ~1u; rest; rest &= rest - 1) {
        int i = __builtin_ctz(rest);
        if (values->of[i].kind != VALUE_NULL && fields[i].types & (1u << fact->type) &&
            !store(r, &fields[i], &values->of[i], line))
            return false;
    }
    return fact->type != LC_FACT_CONTACTED ||
           (store_method(r, line->method, &fact->method) && store_outcome(r, line->outcome, &fact->connected));
}

static bool
read_line(reader *r, fact_line *line)
{
    field_values values;
    values.given = 0;
    if (!take(r, '{'))
        return wrong_json(r, "expected an object: {\"type\": ...}");
    if (!read_members(r, line_member, 1, &values))
        return false;
    skip_space(r);
    if (r->at != r->end)
        return wrong_json(r, "something follows the object");
    return values_to_line(r, &values, line);
}

static bool
check_arrival(lc_instant arrived_at, GError **error)
{
    if (arrived_at == LC_ABSENT || (arrived_at > 0 && arrived_at <= LAST_INSTANT))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "arrived_at is not between 1970 and 9999 (%" G_GINT64_FORMAT " ms)",
                arrived_at);
    return false;
}

/* With NULs behind it: the end, and room to read eight bytes at once. */
static char *
copy_line(lc_arena *arena, const char *line, size_t size)
{
    char *copy = lc_arena_alloc(arena, size + sizeof(uint64_t));
    if (size)
        memcpy(copy, line, size);
    memset(copy + size, 0, sizeof(uint64_t));
    return copy;
}

bool
lc_json_read_fact(const char *line, size_t size, lc_arena *arena, lc_fact *fact, lc_text *lead_id,
                  lc_instant *arrived_at, GError **error)
{
    reader r;
    r.start = r.at = copy_line(arena, line, size);
    r.end = r.start + size;
    r.arena = arena;
    r.error = error;
    fact_line read = {
        .fact = {.occurred_at = LC_ABSENT, .recorded_at = LC_ABSENT, .follow_up_at = LC_ABSENT, .until = LC_ABSENT},
        .arrived_at = LC_ABSENT};
    if (!read_line(&r, &read) || !lc_lead_id_check(read.lead_id, error) ||
        !lc_fact_check(&read.fact, LC_ABSENT, 0, error) || !check_arrival(read.arrived_at, error))
        return false;
    *fact = read.fact;
    *lead_id = read.lead_id;
    *arrived_at = read.arrived_at;
    return true;
}
