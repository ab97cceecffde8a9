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

typedef struct {
    char text[24];
    const char *at;
    size_t size;
} count_text;

static void
format_count(count_text *count, char kind, size_t n)
{
    char *end = count->text + sizeof count->text - 2, *at = digits_before(end, n);

    memcpy(end, "\r\n", 2);
    *--at = kind;
    count->at = at;
    count->size = (size_t)(end + 2 - at);
}

void
lc_connection_command(lc_connection *connection, size_t n)
{
    count_text count;

    format_count(&count, '*', n);
    g_string_append_len(connection->out, count.at, (gssize)count.size);
}

static char *
put(char *to, const char *data, size_t size)
{
    if (size)
        memcpy(to, data, size);
    return to + size;
}

void
lc_connection_parts(lc_connection *connection, const lc_text *parts, size_t n)
{
    GString *out = connection->out;
    size_t size = 0, before = out->len;
    count_text count;

    for (size_t i = 0; i < n; i++)
        size += parts[i].size;
    format_count(&count, '$', size);
    g_string_set_size(out, before + count.size + size + 2);
    char *to = put(out->str + before, count.at, count.size);
    for (size_t i = 0; i < n; i++)
        to = put(to, parts[i].data, parts[i].size);
    put(to, "\r\n", 2);
}

void
lc_connection_words(lc_connection *connection, lc_text first, lc_text second)
{
    const lc_text parts[] = {first, second};

    lc_connection_parts(connection, parts, G_N_ELEMENTS(parts));
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
