/* table_machine.c - tables for machines: JSON, CSV. */
#include "table.h"

#include <leadclock/calendar.h>
#include <leadclock/codec.h>

static void
append_number(GString *out, const lc_table_heading *col, const lc_table_cell *c)
{
    char number[G_ASCII_DTOSTR_BUF_SIZE], instant[LC_INSTANT_TEXT_BYTES];
    if (col->kind == LC_CELL_INSTANT)
        g_string_append(out, lc_instant_format(c->number, instant));
    else if (col->kind == LC_CELL_SHARE || col->kind == LC_CELL_POINTS)
        g_string_append(out, g_ascii_formatd(number, sizeof number, "%.6g", c->share));
    else
        g_string_append_printf(out, "%" G_GINT64_FORMAT, c->number);
}

static void
append_instant(GString *out, const lc_table_cell *c)
{
    char instant[LC_INSTANT_TEXT_BYTES];
    lc_json_write_text(out, lc_text_of(lc_instant_format(c->number, instant)));
}

static void
append_json_cell(GString *out, const lc_table_heading *col, const lc_table_cell *c)
{
    lc_json_write_text(out, lc_text_of(col->name));
    g_string_append_c(out, ':');
    if (c->absent)
        g_string_append(out, "null");
    else if (col->kind == LC_CELL_TEXT)
        lc_json_write_text(out, lc_text_of(c->text));
    else if (col->kind == LC_CELL_INSTANT)
        append_instant(out, c);
    else
        append_number(out, col, c);
}

static void
append_json_table(GString *out, const lc_table *table)
{
    lc_json_write_text(out, lc_text_of(table->name));
    g_string_append(out, ":[");
    for (guint row = 0; row < lc_table_rows(table); row++) {
        g_string_append(out, row ? ",{" : "{");
        for (guint i = 0; i < table->columns->len; i++) {
            g_string_append(out, i ? "," : "");
            append_json_cell(out, lc_table_heading_at(table, i), lc_table_cell_at(table, row, i));
        }
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

/* What a spreadsheet would take for a formula: it would run what a stranger wrote into a form. */
static bool
is_formula(const char *text)
{
    return *text && strchr("=+-@\t\r\n", *text) != NULL;
}

/* RFC 4180; before a formula an apostrophe, by which a spreadsheet shows it as text. */
static void
append_csv_text(GString *out, const char *text)
{
    const char *guard = is_formula(text) ? "'" : "";
    if (strpbrk(text, ",\"\r\n") == NULL) {
        g_string_append_printf(out, "%s%s", guard, text);
        return;
    }
    g_string_append_printf(out, "\"%s", guard);
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
        append_csv_text(out, lc_table_heading_at(table, i)->name);
    }
    g_string_append_c(out, '\n');
    for (guint row = 0; row < lc_table_rows(table); row++) {
        append_csv_text(out, table->name);
        for (guint i = 0; i < table->columns->len; i++) {
            const lc_table_cell *c = lc_table_cell_at(table, row, i);
            g_string_append_c(out, ',');
            if (!c->absent && lc_table_heading_at(table, i)->kind == LC_CELL_TEXT)
                append_csv_text(out, c->text);
            else if (!c->absent)
                append_number(out, lc_table_heading_at(table, i), c);
        }
        g_string_append_c(out, '\n');
    }
}

/* ---- One after the other ---- */

void
lc_tables_write_json(GString *out, const GPtrArray *tables)
{
    g_string_append_c(out, '{');
    for (guint i = 0; i < tables->len; i++) {
        g_string_append(out, i ? "," : "");
        append_json_table(out, tables->pdata[i]);
    }
    g_string_append(out, "}\n");
}

void
lc_tables_write_csv(GString *out, const GPtrArray *tables)
{
    for (guint i = 0; i < tables->len; i++) {
        g_string_append(out, i ? "\n" : "");
        append_csv_table(out, tables->pdata[i]);
    }
}
