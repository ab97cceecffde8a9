/* json_put.h - JSON written at a cursor: a piece begins with lc_json_open and ends with lc_json_close, and between them
 * the string's length is not kept. Nothing is written without having made room for it. */
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
    char *at, *end; /* what is free of `json`, but for a NUL */
} lc_json_writer;

/* Makes room for `bytes` from the cursor on. */
void lc_json_grow(lc_json_writer *writer, size_t bytes);

static inline void
lc_json_room(lc_json_writer *writer, size_t bytes)
{
    if (G_UNLIKELY((size_t)(writer->end - writer->at) < bytes))
        lc_json_grow(writer, bytes);
}

/* At the end of `json`. */
static inline lc_json_writer
lc_json_open(GString *json)
{
    return (lc_json_writer){json, json->str + json->len, json->str + json->allocated_len - 1};
}

static inline void
lc_json_close(lc_json_writer *writer)
{
    writer->json->len = (gsize)(writer->at - writer->json->str);
    *writer->at = '\0';
}

/* ---- At `to`, where there is room; each returns the end ---- */

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

/* ---- At the cursor, with the room for it ---- */

/* A text, or null where it is absent. */
void lc_json_text(lc_json_writer *writer, lc_text text);

/* The members of a record, a comma before each. Fields that are null are written, or left out. */
void lc_json_fields(lc_json_writer *writer, const lc_record *record, lc_text lead_id, const void *of, bool with_nulls);

/* All of it in braces. */
void lc_json_object(lc_json_writer *writer, const lc_record *record, lc_text lead_id, const void *of);
