/* tables.c - a table, and how it is written: aligned, as JSON, as CSV. */
#include <leadclock/report.h>

#include <leadclock/calendar.h>
#include <leadclock/codec.h>

typedef struct {
    lc_cell_kind kind;
    char *name, *title;
} column;

typedef struct {
    bool absent;
    char *text;
    int64_t number;
    double share;
} cell;

struct lc_table {
    char *name, *title;
    GArray *columns, *cells;
};

bool
lc_table_format_parse(const char *text, lc_table_format *format)
{
    static const char *const names[] = {"text", "json", "csv"};
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
    g_free(((column *)data)->name);
    g_free(((column *)data)->title);
}

static void
clear_cell(gpointer data)
{
    g_free(((cell *)data)->text);
}

lc_table *
lc_table_new(const char *name, const char *title)
{
    lc_table *table = g_new(lc_table, 1);
    table->name = g_strdup(name);
    table->title = g_strdup(title);
    table->columns = g_array_new(FALSE, FALSE, sizeof(column));
    g_array_set_clear_func(table->columns, clear_column);
    table->cells = g_array_new(FALSE, FALSE, sizeof(cell));
    g_array_set_clear_func(table->cells, clear_cell);
    return table;
}

void
lc_table_free(lc_table *table)
{
    g_free(table->name);
    g_free(table->title);
    g_array_unref(table->columns);
    g_array_unref(table->cells);
    g_free(table);
}

void
lc_table_column(lc_table *table, lc_cell_kind kind, const char *name, const char *title)
{
    column added = {kind, g_strdup(name), g_strdup(title)};
    g_array_append_val(table->columns, added);
}

void
lc_table_text(lc_table *table, lc_text text)
{
    cell added = {.absent = lc_text_is_absent(text)};
    added.text = added.absent ? NULL : g_strndup(text.data, text.size);
    g_array_append_val(table->cells, added);
}

void
lc_table_count(lc_table *table, int64_t count)
{
    cell added = {.number = count};
    g_array_append_val(table->cells, added);
}

void
lc_table_share(lc_table *table, int64_t part, int64_t whole)
{
    cell added = {.absent = whole == 0, .share = whole ? (double)part / (double)whole : 0};
    g_array_append_val(table->cells, added);
}

void
lc_table_duration(lc_table *table, lc_duration duration)
{
    cell added = {.absent = duration == LC_ABSENT, .number = duration};
    g_array_append_val(table->cells, added);
}

static const column *
column_at(const lc_table *table, guint index)
{
    return &g_array_index(table->columns, column, index);
}

static guint
n_rows(const lc_table *table)
{
    return table->columns->len ? table->cells->len / table->columns->len : 0;
}

static const cell *
cell_at(const lc_table *table, guint row, guint index)
{
    return &g_array_index(table->cells, cell, row * table->columns->len + index);
}

/* ---- For people ---- */

/* Control characters would let a channel's name move the cursor. */
static char *
printable(const char *text)
{
    GString *clean = g_string_new(NULL);
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        g_string_append_unichar(clean, g_unichar_isprint(c) ? c : '?');
    }
    return g_string_free(clean, FALSE);
}

/* Nobody reads milliseconds after minutes. */
static lc_duration
rounded(lc_duration duration)
{
    return duration < LC_MINUTE ? duration : (duration + LC_SECOND / 2) / LC_SECOND * LC_SECOND;
}

static char *
cell_to_text(const column *col, const cell *c)
{
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
    case LC_CELL_DURATION:
        return g_strdup(lc_duration_format(rounded(c->number), duration));
    }
    g_assert_not_reached();
}

static int
text_width(const char *text)
{
    int width = 0;
    for (; *text; text = g_utf8_next_char(text)) {
        gunichar c = g_utf8_get_char(text);
        width += g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
    }
    return width;
}

static int
column_width(const lc_table *table, guint index)
{
    int width = text_width(column_at(table, index)->title);
    for (guint row = 0; row < n_rows(table); row++) {
        g_autofree char *text = cell_to_text(column_at(table, index), cell_at(table, row, index));
        width = MAX(width, text_width(text));
    }
    return width;
}

/* Text to the left, numbers to the right; nothing trails the last column. */
static void
append_aligned(GString *out, const lc_table *table, guint index, const char *text, int width)
{
    bool left = column_at(table, index)->kind == LC_CELL_TEXT, last = index + 1 == table->columns->len;
    int padding = width - text_width(text);
    g_string_append_printf(out, "%s%*s%s%*s", index ? "  " : "", left ? 0 : padding, "", text,
                           left && !last ? padding : 0, "");
}

static void
append_heading(GString *out, const lc_table *table, const int *widths)
{
    bool untitled = true;
    for (guint i = 0; i < table->columns->len; i++)
        untitled = untitled && *column_at(table, i)->title == '\0';
    for (guint i = 0; i < table->columns->len && !untitled; i++)
        append_aligned(out, table, i, column_at(table, i)->title, widths[i]);
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
    for (guint row = 0; row < n_rows(table); row++) {
        for (guint i = 0; i < n; i++) {
            g_autofree char *text = cell_to_text(column_at(table, i), cell_at(table, row, i));
            append_aligned(out, table, i, text, widths[i]);
        }
        g_string_append_c(out, '\n');
    }
}

/* ---- For machines ---- */

static void
append_number(GString *out, const column *col, const cell *c)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE];
    if (col->kind == LC_CELL_SHARE)
        g_string_append(out, g_ascii_formatd(number, sizeof number, "%.6g", c->share));
    else
        g_string_append_printf(out, "%" G_GINT64_FORMAT, c->number);
}

static void
append_json_cell(GString *out, const column *col, const cell *c)
{
    lc_json_write_text(out, lc_text_of(col->name));
    g_string_append_c(out, ':');
    if (c->absent)
        g_string_append(out, "null");
    else if (col->kind == LC_CELL_TEXT)
        lc_json_write_text(out, lc_text_of(c->text));
    else
        append_number(out, col, c);
}

static void
append_json_table(GString *out, const lc_table *table)
{
    lc_json_write_text(out, lc_text_of(table->name));
    g_string_append(out, ":[");
    for (guint row = 0; row < n_rows(table); row++) {
        g_string_append(out, row ? ",{" : "{");
        for (guint i = 0; i < table->columns->len; i++) {
            g_string_append(out, i ? "," : "");
            append_json_cell(out, column_at(table, i), cell_at(table, row, i));
        }
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* RFC 4180. */
static void
append_csv_text(GString *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        g_string_append(out, text);
        return;
    }
    g_string_append_c(out, '"');
    for (; *text; text++)
        g_string_append_printf(out, *text == '"' ? "\"\"" : "%c", *text);
    g_string_append_c(out, '"');
}

static void
append_csv_table(GString *out, const lc_table *table)
{
    g_string_append(out, "table");
    for (guint i = 0; i < table->columns->len; i++) {
        g_string_append_c(out, ',');
        append_csv_text(out, column_at(table, i)->name);
    }
    g_string_append_c(out, '\n');
    for (guint row = 0; row < n_rows(table); row++) {
        append_csv_text(out, table->name);
        for (guint i = 0; i < table->columns->len; i++) {
            const cell *c = cell_at(table, row, i);
            g_string_append_c(out, ',');
            if (!c->absent && column_at(table, i)->kind == LC_CELL_TEXT)
                append_csv_text(out, c->text);
            else if (!c->absent)
                append_number(out, column_at(table, i), c);
        }
        g_string_append_c(out, '\n');
    }
}

static void
append_separator(GString *out, lc_table_format format)
{
    g_string_append_c(out, format == LC_TABLE_JSON ? ',' : '\n');
}

void
lc_tables_write(GString *out, const GPtrArray *tables, lc_table_format format)
{
    bool first = true;
    g_string_append(out, format == LC_TABLE_JSON ? "{" : "");
    for (guint i = 0; i < tables->len; i++) {
        const lc_table *table = tables->pdata[i];
        if (format == LC_TABLE_TEXT && n_rows(table) == 0)
            continue;
        if (!first)
            append_separator(out, format);
        first = false;
        if (format == LC_TABLE_JSON)
            append_json_table(out, table);
        else if (format == LC_TABLE_CSV)
            append_csv_table(out, table);
        else
            append_text_table(out, table);
    }
    g_string_append(out, format == LC_TABLE_JSON ? "}\n" : "");
}
