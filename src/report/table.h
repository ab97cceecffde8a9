/* table.h - what a table consists of, for those that write it. Private to this room. */
#pragma once

#include <leadclock/report.h>

typedef struct {
    lc_cell_kind kind;
    char *name, *title;
} lc_table_heading;

typedef struct {
    bool absent;
    char *text, *link;
    int64_t number;
    double share;
} lc_table_cell;

struct lc_table {
    char *name, *title;
    char *empty;                /* NULL: nothing to say of it */
    const lc_policy_book *book; /* in whose zone times are told; NULL: in UTC */
    GArray *columns, *cells;
};

static inline const lc_table_heading *
lc_table_heading_at(const lc_table *table, guint index)
{
    return &g_array_index(table->columns, lc_table_heading, index);
}

static inline guint
lc_table_rows(const lc_table *table)
{
    return table->columns->len ? table->cells->len / table->columns->len : 0;
}

static inline const lc_table_cell *
lc_table_cell_at(const lc_table *table, guint row, guint index)
{
    return &g_array_index(table->cells, lc_table_cell, row * table->columns->len + index);
}

/* As people read it. Caller frees. */
char *lc_table_cell_text(const lc_table *table, guint row, guint index);

/* What would move the cursor, as a control character does, becomes a question mark. */
void lc_table_append_printable(GString *out, const char *text);

/* ---- The tables of a format, one after the other ---- */

void lc_tables_write_json(GString *out, const GPtrArray *tables);
void lc_tables_write_csv(GString *out, const GPtrArray *tables);
/* A table as HTML; nothing where it has no rows. */
void lc_table_write_html(GString *out, const lc_table *table);
/* The same for a page: no style, links, a place to scroll in, what is empty said. `csv`: where it is as CSV. */
void lc_table_write_part(GString *out, const lc_table *table, const char *csv);
/* A drawing of the trend; nothing where there is too little to draw. */
void lc_chart_write(GString *out, const lc_conversion *conversion);
