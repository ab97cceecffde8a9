/* json_scan.h - a scanner of JSON over a copy of a line: strings are unescaped where they stand, numbers stay as they
 * are written. */
#pragma once

#include <leadclock/codec.h>

typedef enum {
    LC_JSON_NULL,
    LC_JSON_TEXT,
    LC_JSON_INTEGER, /* of 64 bits */
    LC_JSON_REAL,    /* any other number */
    LC_JSON_BOOLEAN,
    LC_JSON_OBJECT,
    LC_JSON_ARRAY
} lc_json_kind;

typedef struct {
    lc_json_kind kind;
    lc_text text;    /* of a text, behind which is a NUL; of a number and a boolean as it is written */
    int64_t integer; /* a boolean too */
} lc_json_value;

typedef struct {
    char *start, *at, *end;  /* at the end a NUL, with room to read eight bytes */
    const char *text;        /* what is copied here */
    lc_json_problem problem; /* what an error is about */
    GError **error;
} lc_json_scanner;

/* Over a copy of the line, from `arena`. */
lc_json_scanner lc_json_scan(const char *line, size_t size, lc_arena *arena, GError **error);

/* It is not JSON: LC_ERROR_RECORD, with the place; returns false. */
bool lc_json_wrong(lc_json_scanner *r, const char *what);

/* Any value, at this depth; the content of lists and objects is checked and dropped. */
bool lc_json_read_value(lc_json_scanner *r, unsigned depth, lc_json_value *v);

/* After the opening brace: calls `member` for each key after which a value comes; it must read that value. */
bool
lc_json_read_members(lc_json_scanner *r, bool (*member)(lc_json_scanner *r, unsigned depth, lc_text key, void *data),
                     unsigned depth, void *data);

static inline void
lc_json_skip_space(lc_json_scanner *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')
        r->at++;
}

/* Skips space, then takes `c` if it comes next. */
static inline bool
lc_json_take(lc_json_scanner *r, char c)
{
    lc_json_skip_space(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}
