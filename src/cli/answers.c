/* answers.c - the tables on Kafka, read to their end into a ledger. */
#include "answers.h"

#include "asking.h"
#include "progress.h"

#include <leadclock/tables.h>

/* A broker that has not sent anything for so long is away. */
#define PATIENCE (10 * LC_SECOND)

typedef struct {
    lc_ledger *ledger;
    lc_progress progress;
} reading;

static bool
take_row(const lc_table_row *row, void *data, G_GNUC_UNUSED GError **error)
{
    reading *r = data;
    lc_ledger_take(r->ledger, row->table, row->deleted, &row->cycle);
    return true;
}

static void
tell(uint64_t done, uint64_t all, void *data)
{
    reading *r = data;
    lc_progress_show(&r->progress, done, all ? (double)done / (double)all : 1);
}

bool
lc_cli_choose_topics(const lc_config *config, unsigned tables, const char **topics, GError **error)
{
    for (int table = 0; table < LC_TABLES; table++) {
        topics[table] = tables & 1u << table ? config->tables.topics[table] : NULL;
        if (topics[table] == NULL || lc_cli_publishes(config, table))
            continue;
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "the table %s is needed, but tables.publish of the configuration does not name it; add it, then "
                    "'leadclock topics --create' and 'leadclock tables --fill %s'",
                    lc_rows_table_name(table), lc_rows_table_name(table));
        return false;
    }
    return true;
}

lc_ledger *
lc_cli_read_ledger(const lc_config *config, unsigned tables, GError **error)
{
    const char *topics[LC_TABLES];
    const lc_kafka_options kafka = lc_cli_kafka_options(config);
    if (!lc_cli_choose_topics(config, tables, topics, error))
        return NULL;
    g_autoptr(lc_registry) registry = lc_cli_registry_new(config, error);
    g_autoptr(lc_tables) reader = registry ? lc_tables_new(&kafka, registry, topics, error) : NULL;
    if (reader == NULL)
        return NULL;
    g_autoptr(lc_ledger) ledger = lc_ledger_new();
    reading r = {.ledger = ledger};
    lc_progress_start(&r.progress, "rows", true);
    bool ok = lc_tables_read_to_end(reader, PATIENCE, take_row, tell, &r, error);
    lc_progress_clear(&r.progress);
    return ok ? g_steal_pointer(&ledger) : NULL;
}

bool
lc_cli_read_at(const char *text, const lc_policy_book *book, lc_instant *at, GError **error)
{
    *at = g_get_real_time() / 1000;
    return text == NULL || lc_cli_read_instant("--at", text, book, at, error);
}

bool
lc_cli_read_report_format(const char *text, lc_table_format *format, GError **error)
{
    *format = LC_TABLE_TEXT;
    if (text == NULL || lc_table_format_parse(text, format))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--format: \"%s\" is none of text, json, csv and html", text);
    return false;
}

int
lc_cli_print_report(const lc_answers *report, lc_table_format format)
{
    g_autoptr(GString) out = g_string_new(NULL);
    lc_answers_write(out, report, format);
    return fwrite(out->str, 1, out->len, stdout) == out->len ? EXIT_DONE : EXIT_FOUND;
}
