/* json_append.h - what the hot paths of JSON share. */
#pragma once

#include <leadclock/base.h>

/* Inline, because g_string_append_len costs more than the few bytes it appends, and an outcome has some forty of them.
 */
static inline void
lc_append_bytes(GString *string, const char *bytes, size_t size)
{
    if (string->len + size >= string->allocated_len) {
        g_string_append_len(string, bytes, (gssize)size);
        return;
    }
    if (size)
        memcpy(string->str + string->len, bytes, size);
    string->len += size;
    string->str[string->len] = '\0';
}

#define LC_EVERY_BYTE(byte) ((uint64_t)(byte)*0x0101010101010101u)

/* Whether eight bytes stand for themselves in a JSON string: ASCII, no quote, no backslash, no control character. (Each
 * difference sets the top bit of a byte that is none of these; a borrow can only follow such a byte.) */
static inline bool
lc_json_are_plain(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    uint64_t quote = word ^ LC_EVERY_BYTE('"'), backslash = word ^ LC_EVERY_BYTE('\\');
    uint64_t not_plain =
        (word - LC_EVERY_BYTE(0x20)) | (quote - LC_EVERY_BYTE(1)) | (backslash - LC_EVERY_BYTE(1)) | word;
    return (not_plain & LC_EVERY_BYTE(0x80)) == 0;
}
