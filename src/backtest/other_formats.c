/* other_formats.c - what else a file of facts may be by mistake, and what makes facts of it. */
#include "other_formats.h"

#include <leadclock/text.h>

#define FACTS_WANTED "facts are JSON Lines, one object a line: "
#define COMPRESSED(how, command)                                                                                       \
    "is compressed (" how "); unpack it on the way: " command " FILE | leadclock ..., with - in place of FILE"

static const struct {
    lc_text beginning;
    const char *says;
} beginnings[] = {
    {LC_TEXT("\x1f\x8b"), COMPRESSED("gzip", "zcat")},
    {LC_TEXT("\x28\xb5\x2f\xfd"), COMPRESSED("zstd", "zstdcat")},
    {LC_TEXT("\xfd"
             "7zXZ"),
     COMPRESSED("xz", "xzcat")},
    {LC_TEXT("BZh"), COMPRESSED("bzip2", "bzcat")},
    {LC_TEXT("PK\x03\x04"), "is a zip archive or a workbook; unpack it, or export the workbook as CSV, of which "
                            "deploy/examples/csv makes facts"},
    {LC_TEXT("\xff\xfe"), "is UTF-16; facts are UTF-8: iconv -f UTF-16 -t UTF-8 FILE makes it so"},
    {LC_TEXT("\xfe\xff"), "is UTF-16; facts are UTF-8: iconv -f UTF-16 -t UTF-8 FILE makes it so"},
};

static lc_text
strip(const char *line, size_t size)
{
    size_t mark = lc_byte_order_mark(line, size);
    lc_text text = {line + mark, size - mark};
    while (text.size && g_ascii_isspace(*text.data)) {
        text.data++;
        text.size--;
    }
    while (text.size && g_ascii_isspace(text.data[text.size - 1]))
        text.size--;
    return text;
}

static bool
has(lc_text text, char c)
{
    return memchr(text.data, c, text.size) != NULL;
}

/* Of ASCII every other byte is 0. */
static const char *
utf16_without_mark(const char *line, size_t size)
{
    if (size < 4 || (line[0] == '\0') == (line[1] == '\0') || (line[0] == '\0') != (line[2] == '\0') ||
        (line[1] == '\0') != (line[3] == '\0'))
        return NULL;
    return line[0] ? "is UTF-16; facts are UTF-8: iconv -f UTF-16LE -t UTF-8 FILE makes it so"
                   : "is UTF-16; facts are UTF-8: iconv -f UTF-16BE -t UTF-8 FILE makes it so";
}

const char *
lc_other_format(const char *line, size_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS(beginnings); i++)
        if (size >= beginnings[i].beginning.size &&
            memcmp(line, beginnings[i].beginning.data, beginnings[i].beginning.size) == 0)
            return beginnings[i].says;
    const char *wide = utf16_without_mark(line, size);
    lc_text text = strip(line, size);
    if (wide || text.size == 0)
        return wide;
    if (*text.data == '[')
        return "is a JSON array; " FACTS_WANTED "jq -c '.[]' FILE makes them";
    if (lc_text_equal(text, LC_TEXT("{")))
        return "has an object over several lines; " FACTS_WANTED "jq -c . FILE makes them";
    bool has_cells = has(text, ',') || has(text, ';') || has(text, '\t');
    if (has_cells && !has(text, '{'))
        return "looks like CSV; deploy/examples/csv makes facts of it, by a mapping of its columns";
    return NULL;
}
