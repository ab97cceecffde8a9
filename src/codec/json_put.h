/* json_put.h - JSON written at a cursor: a piece begins with lc_json_open and ends with lc_json_close, and between them
 * the string's length is not kept. Everything that writes takes the cursor and returns where it then is; nothing is
 * written without having made room for it. */
#pragma once

#include <leadclock/core.h>

/* A key, and any value that is no text and no list. */
#define LC_JSON_FIELD_BYTES ((size_t)96)
/* What may follow an item or a field: brackets, a comma, a colon. */
#define LC_JSON_MARK_BYTES ((size_t)4)

typedef struct {
    GString *json;
    char *end;           /* of its room, but for a NUL */
    bool lists_as_texts; /* lists are written as texts that hold JSON, as rows want it */
} lc_json_writer;

/* Makes room for `bytes` at `at`; returns where that then is. */
char *lc_json_grow(lc_json_writer *writer, char *at, size_t bytes);

static inline bool
lc_json_has_room(const lc_json_writer *writer, const char *at, size_t bytes)
{
    return G_LIKELY((size_t)(writer->end - at) >= bytes);
}

static inline char *
lc_json_room(lc_json_writer *writer, char *at, size_t bytes)
{
    return lc_json_has_room(writer, at, bytes) ? at : lc_json_grow(writer, at, bytes);
}

/* At the end of `json`, which is returned. */
static inline char *
lc_json_open(lc_json_writer *writer, GString *json)
{
    *writer = (lc_json_writer){.json = json, .end = json->str + json->allocated_len - 1};
    return json->str + json->len;
}

static inline void
lc_json_close(const lc_json_writer *writer, char *at)
{
    writer->json->len = (gsize)(at - writer->json->str);
    *at = '\0';
}

/* ---- Where there is room ---- */

/* A literal. */
#define LC_JSON_PUT(to, literal) ((char *)mempcpy((to), (literal), sizeof(literal) - 1))

/* A word that needs no escape. */
static inline char *
lc_json_put_word(char *to, const char *word)
{
    *to++ = '"';
    to = stpcpy(to, word);
    *to++ = '"';
    return to;
}

/* ---- With the room for it, and for LC_JSON_MARK_BYTES or more after it ---- */

/* A text, or null; bytes that are no UTF-8 become U+FFFD. After it there is room for `then` bytes. */
char *lc_json_text(lc_json_writer *writer, char *at, lc_text text, size_t then);

/* The members of a record, a comma before each. Fields that are null are written, or left out. */
char *lc_json_fields(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of,
                     bool with_nulls);

/* The value of a list, in brackets. */
char *lc_json_list(lc_json_writer *writer, char *at, const lc_record_field *field, const void *of);

/* All of it in braces. */
char *lc_json_object(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of);
