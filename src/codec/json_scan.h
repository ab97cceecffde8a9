/* json_scan.h - a scanner of JSON over a copy of a line: strings are unescaped where they stand, numbers stay as they
 * are written. */
#pragma once

#include <leadclock/codec.h>

#include "json_plain.h"

#define LC_JSON_MAX_DEPTH 32

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

/* Space is seldom more than one byte, and nothing else but control characters is below it. */
static inline void
lc_json_skip_space(lc_json_scanner *r)
{
    while ((uint8_t)*r->at <= ' ' && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* Skips space, then takes `c` if it comes next. */
static inline bool
lc_json_take(lc_json_scanner *r, char c)
{
    if (*r->at != c)
        lc_json_skip_space(r);
    if (*r->at != c)
        return false;
    r->at++;
    return true;
}

/* ---- Texts: most are plain to their end, which takes no call ---- */

/* The first byte that is not plain; the line's copy has room to read eight at a time. */
static inline char *
lc_json_skip_plain(char *at)
{
    for (;; at += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, at, sizeof word);
        uint64_t not_plain = lc_json_not_plain(GUINT64_FROM_LE(word));
        if (not_plain)
            return at + __builtin_ctzll(not_plain) / 8;
    }
}

/* A text that is not plain, after its opening quote. */
bool lc_json_read_long_way(lc_json_scanner *r, lc_text *text);

/* After the opening quote. The text ends with a NUL, at the latest where its closing quote was. */
static inline bool
lc_json_read_text(lc_json_scanner *r, lc_text *text)
{
    char *start = r->at, *end = lc_json_skip_plain(start);
    if (G_UNLIKELY(*end != '"'))
        return lc_json_read_long_way(r, text);
    *end = '\0';
    r->at = end + 1;
    *text = (lc_text){start, (size_t)(end - start)};
    return true;
}

/* ---- Values ---- */

/* One that is no text. */
bool lc_json_read_other(lc_json_scanner *r, unsigned depth, lc_json_value *v);

/* Any value, at this depth; the content of lists and objects is checked and dropped. */
static inline bool
lc_json_read_value(lc_json_scanner *r, unsigned depth, lc_json_value *v)
{
    if (G_UNLIKELY(depth > LC_JSON_MAX_DEPTH))
        return lc_json_wrong(r, "lists and objects nested deeper than 32");
    if (!lc_json_take(r, '"'))
        return lc_json_read_other(r, depth, v);
    v->kind = LC_JSON_TEXT;
    return lc_json_read_text(r, &v->text);
}

typedef bool (*lc_json_member)(lc_json_scanner *r, unsigned depth, lc_text key, void *data);

/* After the opening brace: calls `member` for each key after which a value comes; it must read that value. Always
 * inline, so that `member` is too. */
static G_ALWAYS_INLINE inline bool
lc_json_read_members(lc_json_scanner *r, lc_json_member member, unsigned depth, void *data)
{
    if (lc_json_take(r, '}'))
        return true;
    do {
        lc_text key;
        if (!lc_json_take(r, '"'))
            return lc_json_wrong(r, "expected a string");
        if (!lc_json_read_text(r, &key))
            return false;
        if (!lc_json_take(r, ':'))
            return lc_json_wrong(r, "expected : after a key");
        if (!member(r, depth, key, data))
            return false;
    } while (lc_json_take(r, ','));
    return lc_json_take(r, '}') || lc_json_wrong(r, "expected , or }");
}
