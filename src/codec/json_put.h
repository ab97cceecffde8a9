/* json_put.h - JSON written at a cursor, into room that was made before.
 *
 * A piece begins with lc_json_open and ends with lc_json_close; between them the string's length is not kept. Each text
 * makes room for itself and for what follows it up to the next one (LC_JSON_ROOM), so that all else is written without
 * a check. */
#pragma once

#include <leadclock/base.h>

/* What is written from one text to the next is shorter. */
#define LC_JSON_ROOM ((size_t)512)
/* Of a byte of text, as \u001f. */
#define LC_JSON_LONGEST_BYTE ((size_t)6)

/* A literal; returns the end. */
#define LC_JSON_PUT(to, literal) ((char *)mempcpy((to), (literal), sizeof(literal) - 1))

/* Room at `at` for a text of so many bytes and what follows it. Returns where `at` then is. */
static inline char *
lc_json_room(GString *json, char *at, size_t text_bytes)
{
    size_t room = LC_JSON_LONGEST_BYTE * text_bytes + LC_JSON_ROOM;
    if (G_LIKELY((size_t)(json->str + json->allocated_len - at) >= room))
        return at;
    json->len = (gsize)(at - json->str);
    g_string_set_size(json, json->len + room);
    return json->str + json->len - room;
}

/* The end of `json`, with room for what comes before the first text. */
static inline char *
lc_json_open(GString *json)
{
    return lc_json_room(json, json->str + json->len, 0);
}

static inline void
lc_json_close(GString *json, char *end)
{
    json->len = (gsize)(end - json->str);
    *end = '\0';
}

/* A string with its quotes, where there is room (lc_json_room); returns the end. Bytes that are no UTF-8 become U+FFFD.
 */
char *lc_json_put_text(char *to, lc_text text);
