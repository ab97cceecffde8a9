/* diagnostics.h - what configuration and policy loaders say about a text that is wrong, as a good compiler would.
 *
 * Header only: it belongs to no room and uses GLib alone. */
#pragma once

#include <leadclock/base.h>

/* Of a long line as many characters are shown, around the caret. */
#define LC_SHOWN_CHARACTERS 160

/* `n` characters of `text`, or up to its end; what would upset a terminal as '?'. Returns what follows. `out` may be
 * NULL. */
static inline const char *
lc_show_characters(GString *out, const char *text, int n)
{
    for (; n > 0 && *text; n--, text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);
        if (out)
            g_string_append_unichar(out, character == '\t' ? ' ' : g_unichar_isprint(character) ? character : '?');
    }
    return text;
}

/* Appends "FILE:LINE:COLUMN: MESSAGE", then the line and a caret below the column. `line` and `column` count from 1,
 * columns in characters; `source` is the line's text (UTF-8, no line end), or NULL where it is not to be shown. */
static inline void
lc_diagnose(GString *out, const char *file, int line, int column, const char *source, const char *message)
{
    g_string_append_printf(out, "%s:%d:%d: %s\n", file, line, column, message);
    if (source == NULL)
        return;
    int first = column <= LC_SHOWN_CHARACTERS * 3 / 4 ? 1 : column - LC_SHOWN_CHARACTERS / 2;
    const char *start = first > 1 ? "    ..." : "    ";
    g_string_append(out, start);
    const char *rest = lc_show_characters(out, lc_show_characters(NULL, source, first - 1), LC_SHOWN_CHARACTERS);
    g_string_append_printf(out, "%s\n%*s^\n", *rest ? "..." : "", (int)strlen(start) + column - first, "");
}

/* A copy of line `number` (from 1) of a text without its end; empty beyond the last one. Caller frees. */
static inline char *
lc_line_of(const char *text, size_t size, int number)
{
    const char *end = text + size;
    for (; number > 1 && text < end; number--) {
        const char *next = memchr(text, '\n', (size_t)(end - text));
        text = next ? next + 1 : end;
    }
    const char *stop = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
    size_t length = (size_t)((stop ? stop : end) - text);
    if (length && text[length - 1] == '\r')
        length--;
    return g_utf8_make_valid(length ? text : "", (gssize)length);
}

/* How many letters must be added, removed, changed or swapped with their neighbour to make `b` of `a`; case does not
 * count. */
static inline unsigned
lc_edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), width = m + 1;
    g_autofree unsigned *rows = g_new(unsigned, 3 * width);
    unsigned *older = rows, *previous = rows + width, *current = rows + 2 * width;
    for (size_t j = 0; j <= m; j++)
        previous[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        current[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned changed = previous[j - 1] + (g_ascii_tolower(a[i - 1]) != g_ascii_tolower(b[j - 1]));
            current[j] = MIN(changed, MIN(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                current[j] = MIN(current[j], older[j - 2] + 1);
        }
        unsigned *free_row = older;
        older = previous;
        previous = current;
        current = free_row;
    }
    return previous[m];
}

/* The one of `names` (NULL-terminated) that was probably meant by `name`; NULL: none is near. */
static inline const char *
lc_nearest_name(const char *name, const char *const *names)
{
    const char *nearest = NULL;
    size_t length = strlen(name);
    unsigned best = length > 255 ? 0 : (unsigned)(length < 4 ? 1 : length / 3) + 1;
    for (; best && *names; names++) {
        unsigned distance = lc_edit_distance(name, *names);
        if (distance < best) {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}
