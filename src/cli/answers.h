/* answers.h - the tables on Kafka, read to their end for an answer: what `report`, `worklist` and
 * `dashboard` share. Private to this room. */
#pragma once

#include "common.h"

#include <leadclock/report.h>

/* The topics of the tables that are needed, by number; NULL: it is not. LC_ERROR_CONFIG: one is not published. */
bool lc_cli_choose_topics(const lc_config *config, unsigned tables, const char **topics, GError **error);

/* Reads tables into a ledger. `tables`: those that are needed, bits by codec.h's number. Shows progress on a terminal.
 * LC_ERROR_CONFIG: a table is not published, or its topic is missing. */
lc_ledger *lc_cli_read_ledger(const lc_config *config, unsigned tables, GError **error);

/* --at: NULL is now. `book` as in lc_cli_read_instant. */
bool lc_cli_read_at(const char *text, const lc_policy_book *book, lc_instant *at, GError **error);
/* NULL: text. */
bool lc_cli_read_report_format(const char *text, lc_table_format *format, GError **error);
/* On standard output. */
int lc_cli_print_report(const lc_answers *report, lc_table_format format);
