/* json_append.h - bytes onto a GString, inline: g_string_append_len costs more than the few bytes it appends, and an
 * outcome has some forty of them. */
#pragma once

#include <leadclock/base.h>

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
