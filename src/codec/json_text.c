/* json_text.c - a text as a JSON string. */
#include <leadclock/codec.h>

#include "json_plain.h"
#include "json_put.h"
#include "utf8.h"

/* What a text takes beside its bytes: its quotes, or that it is null. */
#define FRAME_BYTES ((size_t)4)
/* Of a byte of text, as \u001f. */
#define LONGEST_BYTE ((size_t)6)

static inline bool
copy_eight(char *to, const char *from)
{
    uint64_t word;
    memcpy(&word, from, sizeof word);
    memcpy(to, &word, sizeof word);
    return lc_json_not_plain(word) == 0;
}

/* 4 to 7 bytes: the first four and the last four, some of them twice. */
static inline bool
copy_four_and_more(char *to, const char *from, size_t size)
{
    uint32_t first, last;
    memcpy(&first, from, sizeof first);
    memcpy(&last, from + size - sizeof last, sizeof last);
    memcpy(to, &first, sizeof first);
    memcpy(to + size - sizeof last, &last, sizeof last);
    return lc_json_not_plain((uint64_t)first << 32 | last) == 0;
}

static inline bool
is_plain(char c)
{
    return (uint8_t)(c - 0x20) < 0x60 && c != '"' && c != '\\';
}

/* Whether all of it stands for itself. What was copied is of no use otherwise. */
static inline bool
copy_plain(char *to, const char *from, size_t size)
{
    bool plain = true;
    if (size >= 8) {
        for (size_t at = 0; at + 8 < size; at += 8)
            plain &= copy_eight(to + at, from + at);
        return copy_eight(to + size - 8, from + size - 8) && plain;
    }
    if (size >= 4)
        return copy_four_and_more(to, from, size);
    for (size_t at = 0; at < size; at++) {
        to[at] = from[at];
        plain &= is_plain(from[at]);
    }
    return plain;
}

static char *
put_control_character(char *to, uint8_t byte)
{
    static const char digits[] = "0123456789abcdef";
    to = LC_JSON_PUT(to, "\\u00");
    *to++ = digits[byte >> 4];
    *to++ = digits[byte & 15];
    return to;
}

/* What stands at `*at`, which is set to what follows. */
static char *
put_character(char *to, lc_text text, size_t *at)
{
    uint8_t byte = (uint8_t)text.data[*at];
    size_t size = lc_utf8_sequence_size((const uint8_t *)text.data + *at, text.size - *at);
    const char *bytes = text.data + *at;
    *at += MAX(size, 1);
    if (size == 0)
        return LC_JSON_PUT(to, "\xef\xbf\xbd");
    if (byte < 0x20)
        return put_control_character(to, byte);
    if (byte == '"' || byte == '\\')
        *to++ = '\\';
    return mempcpy(to, bytes, size);
}

static G_NO_INLINE char *
put_character_by_character(char *to, lc_text text)
{
    for (size_t at = 0; at < text.size;)
        to = put_character(to, text, &at);
    *to++ = '"';
    return to;
}

static inline char *
put_text(char *to, lc_text text)
{
    *to++ = '"';
    if (G_UNLIKELY(!copy_plain(to, text.data, text.size)))
        return put_character_by_character(to, text);
    to += text.size;
    *to++ = '"';
    return to;
}

static inline char *
put_text_or_null(char *to, lc_text text)
{
    return lc_text_is_absent(text) ? LC_JSON_PUT(to, "null") : put_text(to, text);
}

static G_NO_INLINE char *
grow_and_put(lc_json_writer *writer, char *at, lc_text text, size_t room)
{
    return put_text_or_null(lc_json_grow(writer, at, room), text);
}

/* What is rare stands in functions of its own, so that this one calls nothing and keeps all in registers. */
char *
lc_json_text(lc_json_writer *writer, char *at, lc_text text, size_t then)
{
    size_t room = lc_size_sum(FRAME_BYTES + then, lc_size_product(LONGEST_BYTE, text.size));
    return lc_json_has_room(writer, at, room) ? put_text_or_null(at, text) : grow_and_put(writer, at, text, room);
}

void
lc_json_write_text(GString *json, lc_text text)
{
    lc_json_writer writer;
    char *at = lc_json_open(&writer, json);
    lc_json_close(&writer, lc_json_text(&writer, at, text, 0));
}
