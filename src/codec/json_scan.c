/* json_scan.c - reading JSON (RFC 8259): strings in place, eight bytes at a time where they are plain. */
#include "json_scan.h"

bool
lc_json_wrong(lc_json_scanner *r, const char *what)
{
    /* Lines are counted in the text itself: in the copy an escaped line end has become one. */
    const char *at = r->text + (r->at - r->start), *line = r->text;
    size_t number = 1;
    for (const char *end; line < at && (end = memchr(line, '\n', (size_t)(at - line))); line = end + 1)
        number++;
    r->problem = (lc_json_problem){LC_JSON_NO_JSON, NULL};
    if (number == 1)
        g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "column %td: not JSON: %s", at - line + 1, what);
    else
        g_set_error(r->error, LC_ERROR, LC_ERROR_RECORD, "line %zu, column %td: not JSON: %s", number, at - line + 1,
                    what);
    return false;
}

lc_json_scanner
lc_json_scan(const char *line, size_t size, lc_arena *arena, GError **error)
{
    char *copy = lc_arena_alloc(arena, lc_size_sum(size, sizeof(uint64_t)));
    if (size)
        memcpy(copy, line, size);
    memset(copy + size, 0, sizeof(uint64_t));
    return (lc_json_scanner){.start = copy,
                             .at = copy,
                             .end = copy + size,
                             .text = size ? line : copy,
                             .problem = {LC_JSON_NO_JSON, NULL},
                             .error = error};
}

static bool
read_hex4(lc_json_scanner *r, uint32_t *code)
{
    uint32_t sum = 0;
    for (int i = 0; i < 4; i++) {
        int digit = g_ascii_xdigit_value(r->at[i]); /* the NUL at the end is none */
        if (digit < 0)
            return lc_json_wrong(r, "\\u wants four hexadecimal digits");
        sum = sum * 16 + (uint32_t)digit;
    }
    r->at += 4;
    *code = sum;
    return true;
}

/* After "\u". */
static bool
read_code_point(lc_json_scanner *r, gunichar *code_point)
{
    uint32_t high, low;
    if (!read_hex4(r, &high))
        return false;
    *code_point = high;
    if (high < 0xd800 || high > 0xdfff)
        return true;
    if (high > 0xdbff || r->at[0] != '\\' || r->at[1] != 'u')
        return lc_json_wrong(r, "half a surrogate pair");
    r->at += 2;
    if (!read_hex4(r, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return lc_json_wrong(r, "half a surrogate pair");
    *code_point = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

/* After a backslash; writes what it stands for, which is never longer than the escape. */
static bool
read_escape(lc_json_scanner *r, char **out)
{
    static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *escape = *r->at ? strchr(escapes, *r->at) : NULL;
    if (escape) {
        *(*out)++ = meanings[escape - escapes];
        r->at++;
        return true;
    }
    if (*r->at != 'u')
        return lc_json_wrong(r, "an unknown escape after \\");
    r->at++;
    gunichar code_point;
    if (!read_code_point(r, &code_point))
        return false;
    *out += g_unichar_to_utf8(code_point, *out);
    return true;
}

static bool
check_utf8(lc_json_scanner *r, const char *data, const char *end)
{
    const char *wrong;
    if (g_utf8_validate_len(data, (gsize)(end - data), &wrong))
        return true;
    r->at = (char *)wrong;
    return lc_json_wrong(r, "bytes that are no UTF-8");
}

/* Everything up to a quote, a backslash or a control character, moved to `*out` where that stands before it. */
static bool
read_run(lc_json_scanner *r, char **out)
{
    char *start = r->at;
    bool ascii = true;
    for (;;) {
        r->at = lc_json_skip_plain(r->at);
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

bool
lc_json_read_long_way(lc_json_scanner *r, lc_text *text)
{
    char *start = r->at, *out = r->at;
    for (;;) {
        if (!read_run(r, &out))
            return false;
        if (*r->at == '"')
            break;
        if (*r->at != '\\')
            return lc_json_wrong(r, r->at == r->end ? "a string without its closing quote"
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

/* The digits from there on, and what they sum up to, which is good for as many as always fit. */
static const char *
read_digits(const char *at, uint64_t *sum)
{
    for (*sum = 0; g_ascii_isdigit(*at); at++)
        *sum = *sum * 10 + (uint64_t)(*at - '0');
    return at;
}

static const char *
skip_digits(const char *at)
{
    uint64_t ignored;
    return read_digits(at, &ignored);
}

/* Of more digits than always fit. */
static bool
read_long_integer(lc_text text, bool negative, int64_t *integer)
{
    bool overflows = false;
    int64_t sum = 0;
    for (size_t i = negative; i < text.size; i++) {
        int digit = text.data[i] - '0';
        overflows |= __builtin_mul_overflow(sum, 10, &sum);
        overflows |= __builtin_add_overflow(sum, negative ? -digit : digit, &sum);
    }
    *integer = sum;
    return !overflows;
}

/* Of a text whose digits sum up to `sum`. False: it has more than 64 bits. */
static inline bool
read_integer(lc_text text, uint64_t sum, int64_t *integer)
{
    bool negative = text.data[0] == '-';
    if (text.size > 18)
        return read_long_integer(text, negative, integer);
    *integer = negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}

/* `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?` */
static bool
read_number(lc_json_scanner *r, lc_json_value *v)
{
    uint64_t sum;
    const char *start = r->at, *digits = start + (*start == '-'), *at = read_digits(digits, &sum);
    bool whole = true;
    if (at == digits || (*digits == '0' && at > digits + 1))
        return lc_json_wrong(r, "expected a value");
    if (*at == '.') {
        const char *fraction = at + 1;
        whole = false;
        if ((at = skip_digits(fraction)) == fraction)
            return lc_json_wrong(r, "a number ends with its decimal point");
    }
    if (*at == 'e' || *at == 'E') {
        const char *exponent = at + 1 + (at[1] == '+' || at[1] == '-');
        whole = false;
        if ((at = skip_digits(exponent)) == exponent)
            return lc_json_wrong(r, "a number without its exponent");
    }
    v->text = (lc_text){start, (size_t)(at - start)};
    v->kind = whole && read_integer(v->text, sum, &v->integer) ? LC_JSON_INTEGER : LC_JSON_REAL;
    r->at += v->text.size;
    return true;
}

static bool
skip_array(lc_json_scanner *r, unsigned depth)
{
    if (lc_json_take(r, ']'))
        return true;
    lc_json_value ignored;
    do {
        if (!lc_json_read_value(r, depth + 1, &ignored))
            return false;
    } while (lc_json_take(r, ','));
    return lc_json_take(r, ']') || lc_json_wrong(r, "expected , or ]");
}

static bool
skip_member(lc_json_scanner *r, unsigned depth, lc_text key, void *data)
{
    (void)key;
    (void)data;
    lc_json_value ignored;
    return lc_json_read_value(r, depth + 1, &ignored);
}

static bool
read_word(lc_json_scanner *r, const char *word, lc_json_kind kind, int64_t integer, lc_json_value *v)
{
    size_t size = strlen(word);
    if (strncmp(r->at, word, size) != 0)
        return lc_json_wrong(r, "expected a value");
    *v = (lc_json_value){.kind = kind, .text = {r->at, size}, .integer = integer};
    r->at += size;
    return true;
}

bool
lc_json_read_other(lc_json_scanner *r, unsigned depth, lc_json_value *v)
{
    switch (*r->at) {
    case '{':
        r->at++;
        v->kind = LC_JSON_OBJECT;
        return lc_json_read_members(r, skip_member, depth, NULL);
    case '[':
        r->at++;
        v->kind = LC_JSON_ARRAY;
        return skip_array(r, depth);
    case 't':
        return read_word(r, "true", LC_JSON_BOOLEAN, 1, v);
    case 'f':
        return read_word(r, "false", LC_JSON_BOOLEAN, 0, v);
    case 'n':
        return read_word(r, "null", LC_JSON_NULL, 0, v);
    default:
        return read_number(r, v);
    }
}

/* ---- An object as it came ---- */

static bool
check_object(const char *text, size_t size, lc_arena *arena, GError **error)
{
    lc_json_scanner r = lc_json_scan(text, size, arena, error);
    lc_json_value v;
    if (!lc_json_read_value(&r, 1, &v))
        return false;
    lc_json_skip_space(&r);
    if (r.at != r.end)
        return lc_json_wrong(&r, "something follows the object");
    return v.kind == LC_JSON_OBJECT || lc_json_wrong(&r, "expected an object");
}

static void
append_without_space(GString *json, const char *text, size_t size)
{
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        bool is_escape = in_string && text[i] == '\\';
        if (text[i] == '"')
            in_string = !in_string;
        if (in_string || !g_ascii_isspace(text[i]))
            g_string_append_len(json, text + i, is_escape ? 2 : 1);
        i += is_escape;
    }
}

bool
lc_json_compact(GString *json, const char *text, size_t size, GError **error)
{
    lc_arena arena = {0};
    bool is_object = check_object(text, size, &arena, error);
    if (is_object)
        append_without_space(json, text, size);
    lc_arena_clear(&arena);
    return is_object;
}
