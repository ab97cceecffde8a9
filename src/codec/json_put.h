/* json_put.h - JSON written at a cursor: a piece begins with lc_json_open and ends with lc_json_close, and between them
 * the string's length is not kept. Everything that writes takes the cursor and returns where it then is; nothing is
 * written without having made room for it. */
#pragma once

#include <leadclock/core.h>

/* What a text or a key takes beside its bytes: its quotes and what stands before it. */
#define LC_JSON_FRAME_BYTES ((size_t)16)
/* Of a byte of text, as \u001f. */
#define LC_JSON_LONGEST_BYTE ((size_t)6)
/* A key, and any value that is no text and no list; brackets around them too. */
#define LC_JSON_FIELD_BYTES ((size_t)96)

typedef struct {
    GString *json;
    char *end;           /* of its room, but for a NUL */
    bool lists_as_texts; /* lists are written as texts that hold JSON, as rows want it */
} lc_json_writer;

/* Makes room for `bytes` at `at`; returns where that then is. */
char *lc_json_grow(lc_json_writer *writer, char *at, size_t bytes);

static inline char *
lc_json_room(lc_json_writer *writer, char *at, size_t bytes)
{
    return G_LIKELY((size_t)(writer->end - at) >= bytes) ? at : lc_json_grow(writer, at, bytes);
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

/* What a text takes at most. */
static inline size_t
lc_json_text_room(lc_text text)
{
    return lc_size_sum(LC_JSON_FRAME_BYTES, lc_size_product(LC_JSON_LONGEST_BYTE, text.size));
}

/* A string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
char *lc_json_put_text(char *to, lc_text text);

/* ---- With the room for it ---- */

/* A text, or null where it is absent. */
char *lc_json_text(lc_json_writer *writer, char *at, lc_text text);

/* The members of a record, a comma before each. Fields that are null are written, or left out. */
char *lc_json_fields(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of,
                     bool with_nulls);

/* The value of a list, in brackets. */
char *lc_json_list(lc_json_writer *writer, char *at, const lc_record_field *field, const void *of);

/* All of it in braces. */
char *lc_json_object(lc_json_writer *writer, char *at, const lc_record *record, lc_text lead_id, const void *of);
