/* shown.c - texts that others wrote, as a terminal shows them. */
#include <leadclock/text.h>

const char *
lc_show_characters(GString *out, const char *text, int n)
{
    for (; n > 0 && *text; n--, text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);
        if (out)
            g_string_append_unichar(out, character == '\t' ? ' ' : g_unichar_isprint(character) ? character : '?');
    }
    return text;
}

int
lc_text_columns(const char *text)
{
    int columns = 0;
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar character = g_utf8_get_char(text);
        columns += g_unichar_iszerowidth(character) ? 0 : g_unichar_iswide(character) ? 2 : 1;
    }
    return columns;
}
