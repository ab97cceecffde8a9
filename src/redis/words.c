/* words.c - commands put into words: RESP, as https://redis.io/docs/reference/protocol-spec says. */
#include "connection.h"

/* The digits of a number, up to `end`; where they begin. */
static char *
digits_before(char *end, uint64_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while (number /= 10);
    return end;
}

static void
append_count(GString *out, char kind, size_t count)
{
    char text[24];
    char *end = text + sizeof text - 2, *at = digits_before(end, count);

    memcpy(end, "\r\n", 2);
    *--at = kind;
    g_string_append_len(out, at, end + 2 - at);
}

void
lc_connection_command(lc_connection *connection, size_t n)
{
    append_count(connection->out, '*', n);
}

void
lc_connection_words(lc_connection *connection, lc_text first, lc_text second)
{
    GString *out = connection->out;

    append_count(out, '$', first.size + second.size);
    g_string_append_len(out, first.data, (gssize)first.size);
    if (second.size)
        g_string_append_len(out, second.data, (gssize)second.size);
    g_string_append_len(out, "\r\n", 2);
}

void
lc_connection_parts(lc_connection *connection, const lc_text *parts, size_t n)
{
    GString *out = connection->out;
    size_t size = 0;

    for (size_t i = 0; i < n; i++)
        size += parts[i].size;
    append_count(out, '$', size);
    for (size_t i = 0; i < n; i++)
        if (parts[i].size)
            g_string_append_len(out, parts[i].data, (gssize)parts[i].size);
    g_string_append_len(out, "\r\n", 2);
}

void
lc_connection_word(lc_connection *connection, lc_text word)
{
    lc_connection_words(connection, word, LC_NO_TEXT);
}

void
lc_connection_number(lc_connection *connection, int64_t number)
{
    char text[24];
    char *end = text + sizeof text, *at = digits_before(end, number < 0 ? -(uint64_t)number : (uint64_t)number);

    if (number < 0)
        *--at = '-';
    lc_connection_word(connection, (lc_text){at, (size_t)(end - at)});
}

void
lc_connection_say(lc_connection *connection, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    lc_connection_command(connection, g_strv_length(list));
    for (char **word = list; *word; word++)
        lc_connection_word(connection, lc_text_of(*word));
}
