/* html.c - a table as HTML: with a caption, and headings that say what they head. */
#include "table.h"

#define LONGEST_WORD 60

void
lc_html_text(GString *out, const char *text)
{
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    for (const char *at = valid; *at; at = g_utf8_next_char(at)) {
        gunichar c = g_utf8_get_char(at);
        if (c == '<')
            g_string_append(out, "&lt;");
        else if (c == '>')
            g_string_append(out, "&gt;");
        else if (c == '&')
            g_string_append(out, "&amp;");
        else if (c == '"')
            g_string_append(out, "&quot;");
        else if (c == '\'')
            g_string_append(out, "&#39;");
        else
            g_string_append_unichar(out, g_unichar_isprint(c) ? c : '?');
    }
}

static bool
is_text(const lc_table *table, guint column)
{
    return lc_table_heading_at(table, column)->kind == LC_CELL_TEXT;
}

/* On a phone the work list's rows are laid out as lines (the style sheet's #worklist): some browsers then forget that
 * it is a table, unless each part says what it is. */
static const char *
role(const lc_table *table, bool is_page, const char *attribute)
{
    return is_page && strcmp(table->name, "worklist") == 0 ? attribute : "";
}

static void
write_head(GString *out, const lc_table *table, bool is_page)
{
    g_string_append_printf(out, "<table%s>\n<caption>", role(table, is_page, " role=\"table\""));
    lc_html_text(out, table->title);
    g_string_append_printf(out, "</caption>\n<thead%s><tr%s>\n", role(table, is_page, " role=\"rowgroup\""),
                           role(table, is_page, " role=\"row\""));
    for (guint i = 0; i < table->columns->len; i++) {
        const char *title = lc_table_heading_at(table, i)->title;
        g_string_append_printf(out, "<th scope=\"col\"%s%s>", role(table, is_page, " role=\"columnheader\""),
                               is_text(table, i) ? "" : " class=\"n\"");
        lc_html_text(out, *title ? title : "what");
        g_string_append(out, "</th>\n");
    }
    g_string_append_printf(out, "</tr></thead>\n<tbody%s>\n", role(table, is_page, " role=\"rowgroup\""));
}

/* On a page a word that is longer than any name is shown in part, and told whole where one points at it. */
static void
write_words(GString *out, const char *text, bool is_page)
{
    glong length = g_utf8_strlen(text, -1);
    if (!is_page || length <= LONGEST_WORD || strchr(text, ' ')) {
        lc_html_text(out, text);
        return;
    }
    g_autofree char *begin = g_utf8_substring(text, 0, LONGEST_WORD - 1);
    g_string_append(out, "<span title=\"");
    lc_html_text(out, text);
    g_string_append(out, "\">");
    lc_html_text(out, begin);
    g_string_append(out, "\xe2\x80\xa6</span>");
}

/* Mail clients that know no style sheets take the alignment that stands with the cell, which a page may not have. */
static void
begin_cell(GString *out, const lc_table *table, guint row, guint column, bool is_page)
{
    const char *number = is_text(table, column) ? "" : "n";
    const char *none = is_page && lc_table_cell_at(table, row, column)->absent ? "none" : "";
    if (column == 0)
        g_string_append_printf(out, "<th scope=\"row\"%s", role(table, is_page, " role=\"rowheader\""));
    else
        g_string_append_printf(out, "<td%s", role(table, is_page, " role=\"cell\""));
    if (*number || *none)
        g_string_append_printf(out, " class=\"%s%s%s\"", number, *number && *none ? " " : "", none);
    g_string_append(out, *number && !is_page ? " style=\"text-align:right\">" : ">");
}

/* Mail takes no line of a thousand bytes (RFC 5321, 4.5.3.1.6), so a cell has one of its own. */
static void
write_cell(GString *out, const lc_table *table, guint row, guint column, bool is_page)
{
    const lc_table_cell *cell = lc_table_cell_at(table, row, column);
    g_autofree char *text = lc_table_cell_text(table, row, column);
    const char *link = is_page ? cell->link : NULL;
    begin_cell(out, table, row, column, is_page);
    if (link) {
        g_string_append(out, "<a href=\"");
        lc_html_text(out, link);
        g_string_append(out, "\">");
    }
    write_words(out, text, is_page);
    g_string_append(out, link ? "</a>" : "");
    g_string_append(out, column == 0 ? "</th>\n" : "</td>\n");
}

static void
write_table(GString *out, const lc_table *table, bool is_page)
{
    write_head(out, table, is_page);
    for (guint row = 0; row < lc_table_rows(table); row++) {
        g_string_append_printf(out, "<tr%s>", role(table, is_page, " role=\"row\""));
        for (guint i = 0; i < table->columns->len; i++)
            write_cell(out, table, row, i, is_page);
        g_string_append(out, "</tr>\n");
    }
    g_string_append(out, "</tbody>\n</table>\n");
}

void
lc_table_write_html(GString *out, const lc_table *table)
{
    if (lc_table_rows(table))
        write_table(out, table, false);
}

/* ---- On a page ---- */

static void
write_link(GString *out, const char *link, const char *text)
{
    g_string_append(out, "<a class=\"csv\" href=\"");
    lc_html_text(out, link);
    g_string_append_printf(out, "\">%s</a>", text);
}

void
lc_table_write_part(GString *out, const lc_table *table, const char *csv)
{
    if (lc_table_rows(table) == 0 && table->empty == NULL)
        return;
    g_string_append_printf(out, "<section id=\"%s\">\n<h2>", table->name);
    lc_html_text(out, table->title);
    g_string_append_c(out, ' ');
    write_link(out, csv, "CSV");
    g_string_append(out, "</h2>\n");
    if (lc_table_rows(table) == 0) {
        g_string_append(out, "<p class=\"empty\">");
        lc_html_text(out, table->empty);
        g_string_append(out, "</p>\n</section>\n");
        return;
    }
    g_string_append(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    lc_html_text(out, table->title);
    g_string_append(out, "\">\n");
    write_table(out, table, true);
    g_string_append(out, "</div>\n</section>\n");
}
