/* tables.h - tables for people (aligned) and for machines (JSON, CSV). */
#pragma once

#include <leadclock/base.h>

typedef enum { LC_TABLE_TEXT, LC_TABLE_JSON, LC_TABLE_CSV } lc_table_format;

/* "text", "json" or "csv". */
bool lc_table_format_parse(const char *text, lc_table_format *format);

typedef enum {
    LC_CELL_TEXT,
    LC_CELL_COUNT,
    LC_CELL_CHANGE,  /* a count with its sign: +3 */
    LC_CELL_SHARE,   /* for people a percentage, for machines 0 to 1 */
    LC_CELL_DURATION /* for people "2m 30s", for machines milliseconds */
} lc_cell_kind;

typedef struct lc_table lc_table;

/* `name` is for machines, `title` for people. */
lc_table *lc_table_new(const char *name, const char *title);
void lc_table_free(lc_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_table, lc_table_free)

/* All columns come before the first cell. */
void lc_table_column(lc_table *table, lc_cell_kind kind, const char *name, const char *title);
/* Cells, row by row, in the order of the columns. */
void lc_table_text(lc_table *table, lc_text text);
void lc_table_count(lc_table *table, int64_t count);
/* Nothing where `whole` is 0. */
void lc_table_share(lc_table *table, int64_t part, int64_t whole);
/* LC_ABSENT: nothing. */
void lc_table_duration(lc_table *table, lc_duration duration);

/* `tables`: lc_table *. Text leaves out tables without rows. */
void lc_tables_write(GString *out, const GPtrArray *tables, lc_table_format format);
