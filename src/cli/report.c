/* report.c - what happened, what converts, and which channels are weak: from the tables on Kafka. */
#include "answers.h"
#include "asking.h"

#define NEEDED                                                                                                         \
    (1u << LC_ROW_CYCLE | 1u << LC_ROW_BREACH | 1u << LC_ROW_STAGE | 1u << LC_ROW_ROUTE | 1u << LC_TABLE_COUNTERS)

typedef struct {
    lc_cli_asking asking;
    char *at_text, *format_text;
    lc_table_format format;
} report_options;

static void
clear_options(report_options *options)
{
    lc_cli_asking_clear(&options->asking);
    g_free(options->at_text);
    g_free(options->format_text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(report_options, clear_options)

static const char summary[] = "Tells what happened to leads, in sentences and tables: promises, response times, "
                              "volumes, conversion by channel and "
                              "age, weak channels, what gates held back.";
static const char more[] =
    "Reads the tables of rows (cycles, breaches, stages, routes, counters) on Kafka to their end; it joins no group "
    "and\n"
    "changes nothing. --from and --to choose the hand-offs whose promises and volumes are told; where they are no\n"
    "beginnings of months in the policy's reporting_time_zone, what only counters know (clocks other than "
    "first_contact\n"
    "that were kept, rejections once settled, erasures) is left out. Conversion looks at the last --months months of\n"
    "hand-offs: a month is shown at an age only once all of its leads have had that time.\n\n" LC_CLI_ABOUT_TIMES
    "html is one file that needs nothing from elsewhere: docs/operations.md says how cron mails it on Mondays.\n\n"
    "Exit codes: 0 done, 1 a row can't be read, 2 usage, configuration or a right, 3 Kafka or the registry does not\n"
    "answer.\n\n"
    "Examples:\n"
    "  leadclock report --config leadclock.yaml\n"
    "  leadclock report --config leadclock.yaml --from 2026-01-01 --format html > report.html\n"
    "  leadclock report --config leadclock.yaml --format csv --table conversion > conversion.csv\n";

static bool
read_options(report_options *options, GError **error)
{
    lc_instant at;

    return lc_cli_asking_check(&options->asking, error) && lc_cli_read_at(options->at_text, NULL, &at, error) &&
           lc_cli_read_report_format(options->format_text, &options->format, error);
}

static int
tell(const report_options *options, const lc_config *config, GError **error)
{
    const char *const paths[] = {config->policy, NULL};
    g_autoptr(lc_policy_book) book = lc_policy_book_load(paths, error);
    lc_report_question question;
    if (book == NULL || !lc_cli_asking_question(&options->asking, book, &question, error) ||
        !lc_cli_read_at(options->at_text, book, &question.at, error))
        return EXIT_USAGE;
    g_autoptr(lc_ledger) ledger = lc_cli_read_ledger(config, NEEDED, error);
    if (ledger == NULL)
        return EXIT_FOUND;
    g_autoptr(lc_answers) report = lc_answers_new(ledger, &question);
    if (!lc_cli_asking_choose_table(&options->asking, report, error))
        return EXIT_USAGE;
    return lc_cli_print_report(report, options->format);
}

int
lc_cli_report(int argc, char **argv)
{
    g_auto(lc_cli_config_options) config_options = {0};
    g_auto(report_options) options = {.asking = LC_CLI_ASKING_NOTHING};
    g_autoptr(GError) error = NULL;
    const GOptionEntry entries[] = {
        LC_CLI_ASKING_ENTRIES(&options.asking),
        {"at", 0, 0, G_OPTION_ARG_STRING, &options.at_text,
         "Reckons as if it were then: ages, and what is due; the rows are those of now", "T"},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options.format_text, "text (default), json, csv or html", "FORMAT"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, "", summary, more, entries, &config_options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    if (!read_options(&options, &error))
        return lc_cli_fail("report", error);
    g_autoptr(lc_config) config = lc_cli_load_config("report", &config_options);
    if (config == NULL)
        return EXIT_USAGE;
    int code = tell(&options, config, &error);
    return error ? lc_cli_fail("report", error) : code;
}
