/* tables.c - a table, and how it is written: aligned, as JSON, as CSV. */
#include "making.h"

#include "table.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

#include <math.h>

bool
lc_table_format_parse(const char *text, lc_table_format *format)
{
    static const char *const names[] = {"text", "json", "csv", "html"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *format = (lc_table_format)i;
            return true;
        }
    return false;
}

/* ---- Filling ---- */

static void
clear_column(gpointer data)
{
    g_free(((lc_table_heading *)data)->name);
    g_free(((lc_table_heading *)data)->title);
}

static void
clear_cell(gpointer data)
{
    g_free(((lc_table_cell *)data)->text);
    g_free(((lc_table_cell *)data)->link);
}

lc_table *
lc_table_new(const char *name, const char *title)
{
    lc_table *table = g_new0(lc_table, 1);
    table->name = g_strdup(name);
    table->title = g_strdup(title);
    table->columns = g_array_new(FALSE, FALSE, sizeof(lc_table_heading));
    g_array_set_clear_func(table->columns, clear_column);
    table->cells = g_array_new(FALSE, FALSE, sizeof(lc_table_cell));
    g_array_set_clear_func(table->cells, clear_cell);
    return table;
}

void
lc_table_free(lc_table *table)
{
    g_free(table->name);
    g_free(table->title);
    g_free(table->empty);
    g_array_unref(table->columns);
    g_array_unref(table->cells);
    g_free(table);
}

void
lc_table_column(lc_table *table, lc_cell_kind kind, const char *name, const char *title)
{
    lc_table_heading added = {kind, g_strdup(name), g_strdup(title)};
    g_array_append_val(table->columns, added);
}

void
lc_table_text(lc_table *table, lc_text text)
{
    lc_table_cell added = {.absent = lc_text_is_absent(text)};
    added.text = added.absent ? NULL : g_utf8_make_valid(text.data, (gssize)text.size);
    g_array_append_val(table->cells, added);
}

void
lc_table_count(lc_table *table, int64_t count)
{
    lc_table_cell added = {.number = count};
    g_array_append_val(table->cells, added);
}

void
lc_table_share(lc_table *table, int64_t part, int64_t whole)
{
    lc_table_cell added = {.absent = whole == 0, .share = whole ? (double)part / (double)whole : 0};
    g_array_append_val(table->cells, added);
}

void
lc_table_duration(lc_table *table, lc_duration duration)
{
    lc_table_cell added = {.absent = duration == LC_ABSENT, .number = duration};
    g_array_append_val(table->cells, added);
}

void
lc_table_ratio(lc_table *table, double ratio)
{
    lc_table_cell added = {.share = ratio};
    g_array_append_val(table->cells, added);
}

void
lc_table_nothing(lc_table *table)
{
    lc_table_cell added = {.absent = true};
    g_array_append_val(table->cells, added);
}

void
lc_table_instant(lc_table *table, lc_instant instant)
{
    lc_table_cell added = {.absent = instant == LC_ABSENT, .number = instant};
    g_array_append_val(table->cells, added);
}

void
lc_table_link(lc_table *table, char *link)
{
    lc_table_cell *last = &g_array_index(table->cells, lc_table_cell, table->cells->len - 1);
    g_free(last->link);
    last->link = link;
}

char *
lc_link(const char *path, ...)
{
    GString *link = g_string_new(path);
    char separator = '?';
    va_list arguments;
    va_start(arguments, path);
    for (const char *name; (name = va_arg(arguments, const char *));) {
        const char *value = va_arg(arguments, const char *);
        if (value == NULL)
            continue;
        g_string_append_printf(link, "%c%s=", separator, name);
        g_string_append_uri_escaped(link, value, NULL, FALSE);
        separator = '&';
    }
    va_end(arguments);
    return g_string_free(link, FALSE);
}

void
lc_table_say_empty(lc_table *table, const char *sentence)
{
    g_free(table->empty);
    table->empty = g_strdup(sentence);
}

/* ---- For people ---- */

void
lc_table_append_printable(GString *out, const char *text)
{
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(out, g_unichar_isprint(c) ? c : '?');
    }
}

static char *
printable(const char *text)
{
    GString *clean = g_string_new(NULL);
    lc_table_append_printable(clean, text);
    return g_string_free(clean, FALSE);
}

/* Nobody reads milliseconds after minutes, nor seconds after days. */
static lc_duration
rounded(lc_duration duration)
{
    lc_duration size = duration < 0 ? -duration : duration;
    lc_duration unit = size < LC_MINUTE ? 1 : size < LC_DAY ? LC_SECOND : LC_MINUTE;
    return (duration < 0 ? -1 : 1) * ((size + unit / 2) / unit * unit);
}

const char *
lc_report_span(lc_duration duration, char *text)
{
    return lc_duration_format(rounded(duration), text);
}

const char *
lc_report_open_time(lc_duration duration, char *text)
{
    return lc_open_time_format(rounded(duration), text);
}

/* To the minute. */
static char *
instant_to_text(const lc_table *table, lc_instant instant)
{
    char text[LC_DATE_TEXT_BYTES];
    return g_strndup(lc_report_time(table->book, instant, text), strlen("2026-02-02 09:00"));
}

char *
lc_table_cell_text(const lc_table *table, guint row, guint index)
{
    const lc_table_heading *col = lc_table_heading_at(table, index);
    const lc_table_cell *c = lc_table_cell_at(table, row, index);
    char duration[LC_DURATION_TEXT_BYTES];
    if (c->absent)
        return g_strdup("-");
    switch (col->kind) {
    case LC_CELL_TEXT:
        return printable(c->text);
    case LC_CELL_COUNT:
        return g_strdup_printf("%" G_GINT64_FORMAT, c->number);
    case LC_CELL_CHANGE:
        return g_strdup_printf(c->number ? "%+" G_GINT64_FORMAT : "0", c->number);
    case LC_CELL_SHARE:
        return g_strdup_printf("%.1f %%", c->share * 100);
    case LC_CELL_POINTS:
        return g_strdup_printf(fabs(c->share) < 0.0005 ? "0.0" : "%+.1f", c->share * 100);
    case LC_CELL_DURATION:
        return g_strdup(lc_duration_format(rounded(c->number), duration));
    case LC_CELL_OPEN_TIME:
        return g_strdup(lc_open_time_format(rounded(c->number), duration));
    case LC_CELL_INSTANT:
        return instant_to_text(table, c->number);
    }
    g_assert_not_reached();
}

static int
column_width(const lc_table *table, guint index)
{
    int width = lc_text_columns(lc_table_heading_at(table, index)->title);
    for (guint row = 0; row < lc_table_rows(table); row++) {
        g_autofree char *text = lc_table_cell_text(table, row, index);
        width = MAX(width, lc_text_columns(text));
    }
    return width;
}

/* Text to the left, numbers to the right; nothing trails the last column. */
static void
append_aligned(GString *out, const lc_table *table, guint index, const char *text, int width)
{
    bool left = lc_table_heading_at(table, index)->kind == LC_CELL_TEXT, last = index + 1 == table->columns->len;
    int padding = width - lc_text_columns(text);
    g_string_append_printf(out, "%s%*s%s%*s", index ? "  " : "", left ? 0 : padding, "", text,
                           left && !last ? padding : 0, "");
}

static void
append_heading(GString *out, const lc_table *table, const int *widths)
{
    bool untitled = true;
    for (guint i = 0; i < table->columns->len; i++)
        untitled = untitled && *lc_table_heading_at(table, i)->title == '\0';
    for (guint i = 0; i < table->columns->len && !untitled; i++)
        append_aligned(out, table, i, lc_table_heading_at(table, i)->title, widths[i]);
    g_string_append(out, untitled ? "" : "\n");
}

static void
append_text_table(GString *out, const lc_table *table)
{
    guint n = table->columns->len;
    g_autofree int *widths = g_new(int, n);
    for (guint i = 0; i < n; i++)
        widths[i] = column_width(table, i);
    g_string_append_printf(out, "%s\n", table->title);
    append_heading(out, table, widths);
    for (guint row = 0; row < lc_table_rows(table); row++) {
        for (guint i = 0; i < n; i++) {
            g_autofree char *text = lc_table_cell_text(table, row, i);
            append_aligned(out, table, i, text, widths[i]);
        }
        g_string_append_c(out, '\n');
    }
}

/* ---- Any format ---- */

void
lc_tables_write(GString *out, const GPtrArray *tables, lc_table_format format)
{
    bool first = true;
    if (format == LC_TABLE_JSON)
        return lc_tables_write_json(out, tables);
    if (format == LC_TABLE_CSV)
        return lc_tables_write_csv(out, tables);
    for (guint i = 0; i < tables->len; i++) {
        const lc_table *table = tables->pdata[i];
        if (format == LC_TABLE_HTML)
            lc_table_write_html(out, table);
        if (format == LC_TABLE_HTML || lc_table_rows(table) == 0)
            continue;
        if (!first)
            g_string_append_c(out, '\n');
        first = false;
        append_text_table(out, table);
    }
}
