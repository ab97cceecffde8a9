/* asking.h - what is asked of a report: the options that its faces share. Private to this room. */
#pragma once

#include <leadclock/report.h>

/* Of a number that is an option: 0 is one that can be given. */
#define LC_CLI_NOT_GIVEN INT_MIN

/* Initialise as LC_CLI_ASKING_NOTHING; texts are owned. */
typedef struct {
    char *from_text, *to_text, *stage, *table;
    int months; /* LC_CLI_NOT_GIVEN */
} lc_cli_asking;

#define LC_CLI_ASKING_NOTHING                                                                                          \
    {                                                                                                                  \
        .months = LC_CLI_NOT_GIVEN                                                                                     \
    }

#define LC_CLI_ASKING_ENTRIES(asking)                                                                                   \
    {"table",                                                                                                           \
     0,                                                                                                                 \
     0,                                                                                                                 \
     G_OPTION_ARG_STRING,                                                                                               \
     &(asking)->table,                                                                                                  \
     "Of the report: only the table of this name (as --format "                                                         \
     "csv and json name it)",                                                                                           \
     "NAME"},                                                                                                           \
        {"from", 0, 0, G_OPTION_ARG_STRING, &(asking)->from_text, "Of the report: leads handed off from then on", "T"}, \
        {"to", 0, 0, G_OPTION_ARG_STRING, &(asking)->to_text, "Of the report: leads handed off before", "T"},           \
        {"stage",                                                                                                       \
         0,                                                                                                             \
         0,                                                                                                             \
         G_OPTION_ARG_STRING,                                                                                           \
         &(asking)->stage,                                                                                              \
         "Of the report: conversion to this stage; default: the one that closes as won",                                \
         "STAGE"},                                                                                                      \
    {                                                                                                                   \
        "months", 0, 0, G_OPTION_ARG_INT, &(asking)->months,                                                            \
            "Of the report: conversion of the last N months of hand-offs; default 18", "N"                              \
    }

void lc_cli_asking_clear(lc_cli_asking *asking);
bool lc_cli_asking_is_given(const lc_cli_asking *asking);
/* LC_ERROR_CONFIG: what is given makes no sense, whatever the policy. */
bool lc_cli_asking_check(const lc_cli_asking *asking, GError **error);
/* What is asked of a policy; but of what time. The stage and the book are borrowed. LC_ERROR_CONFIG: that makes no
 * sense, or the book has no such stage. */
bool lc_cli_asking_question(const lc_cli_asking *asking, const lc_policy_book *book, lc_report_question *question,
                            GError **error);

/* Only the table that is asked for, where one is. LC_ERROR_CONFIG: there is none of this name. */
bool lc_cli_asking_choose_table(const lc_cli_asking *asking, lc_answers *report, GError **error);

/* ISO 8601 with a zone, milliseconds since 1970 as a fact may have them, or a date, as the beginning of that day where
 * the book's documents all report (else in UTC; `book` may be NULL). LC_ERROR_CONFIG names the option. */
bool lc_cli_read_instant(const char *option, const char *text, const lc_policy_book *book, lc_instant *instant,
                         GError **error);
/* What --help says of it. */
#define LC_CLI_ABOUT_TIMES                                                                                             \
    "T is a time with its zone (2026-01-05T09:00:00+01:00), or a date (2026-01-05): the beginning of that day in "     \
    "the\n"                                                                                                            \
    "policy's reporting_time_zone; in UTC where its documents have several.\n\n"
