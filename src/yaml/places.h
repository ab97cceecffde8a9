/* places.h - places in a text, and how one is shown: the line, and a caret below the column. */
#pragma once

#include <leadclock/text.h>

/* Of a long line as many characters are shown, around the caret. */
#define LC_SHOWN_CHARACTERS 160

/* Appends "FILE:LINE:COLUMN: MESSAGE", then the line and a caret below the column. `line` and `column` count from 1,
 * columns in characters; `source` is the line's text (UTF-8, no line end), or NULL where it is not to be shown. */
static inline void
lc_diagnose(GString *out, const char *file, int line, int column, const char *source, const char *message)
{
    g_string_append_printf(out, "%s:%d:%d: %s\n", file, line, column, message);
    if (source == NULL)
        return;
    int first = column <= LC_SHOWN_CHARACTERS * 3 / 4 ? 1 : column - LC_SHOWN_CHARACTERS / 2;
    g_autoptr(GString) shown = g_string_new(first > 1 ? "    ..." : "    ");
    const char *at = lc_show_characters(shown, lc_show_characters(NULL, source, first - 1), column - first);
    int indent = lc_text_columns(shown->str);
    const char *rest = lc_show_characters(shown, at, LC_SHOWN_CHARACTERS - (column - first));
    g_string_append_printf(out, "%s%s\n%*s^\n", shown->str, *rest ? "..." : "", indent, "");
}

/* Where the line that begins at `text` ends: at LF, CR LF or CR, as YAML has it. */
static inline const char *
lc_line_end(const char *text, const char *end)
{
    while (text < end && *text != '\n' && *text != '\r')
        text++;
    return text;
}

/* Where the line after that of `text` begins; `end` where there is none. */
static inline const char *
lc_next_line(const char *text, const char *end)
{
    text = lc_line_end(text, end);
    if (end - text >= 2 && text[0] == '\r' && text[1] == '\n')
        text++;
    return text < end ? text + 1 : end;
}

/* A copy of line `number` (from 1) of a text without its end; empty beyond the last one. Caller frees. */
static inline char *
lc_line_of(const char *text, size_t size, int number)
{
    const char *end = text + size;
    for (; number > 1 && text < end; number--)
        text = lc_next_line(text, end);
    size_t length = size ? (size_t)(lc_line_end(text, end) - text) : 0;
    return g_utf8_make_valid(length ? text : "", (gssize)length);
}

/* Line and column, both from 1, of the byte `at` of a text that is UTF-8 up to there. */
static inline void
lc_place_of(const char *text, size_t at, int *line, int *column)
{
    const char *here = text + at, *start = text;
    *line = 1;
    for (const char *c = text; c < here; c++)
        if (*c == '\n' || (*c == '\r' && (c + 1 == here || c[1] != '\n'))) {
            (*line)++;
            start = c + 1;
        }
    *column = (int)g_utf8_strlen(start, here - start) + 1;
}

/* What the end of a file lacks is told at the end of the last line that holds something: a place beyond it is moved
 * there. */
static inline void
lc_step_back(const char *text, size_t size, int *line, int *column)
{
    int last, end;
    while (size > 0 && g_ascii_isspace(text[size - 1]))
        size--;
    lc_place_of(text, size, &last, &end);
    if (*line > last) {
        *line = last;
        *column = end;
    }
}

/* What is no text in a file that must be one, with its place; NULL: nothing. libfyaml ends a scalar, or the file, at
 * such a byte, without a word. */
static inline const char *
lc_find_no_text(const char *text, size_t size, int *line, int *column)
{
    const char *end;
    if (size == 0 || g_utf8_validate(text, (gssize)size, &end))
        return NULL;
    lc_place_of(text, (size_t)(end - text), line, column);
    return *end ? "a byte that is not UTF-8; save the file as UTF-8 text" : "a NUL byte; save the file as UTF-8 text";
}
