/* worklist.c - which lead to work on next, and why: from the tables on Kafka. */
#include "answers.h"
#include "asking.h"

typedef struct {
    char *owner, *at_text, *format_text;
    gboolean is_unowned;
    int limit;
    lc_table_format format;
} worklist_options;

static void
clear_options(worklist_options *options)
{
    g_free(options->owner);
    g_free(options->at_text);
    g_free(options->format_text);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(worklist_options, clear_options)

static const char summary[] = "Lists the open leads in the order in which to work, and why each is where it is.";
static const char more[] =
    "Broken promises come first, then the newest, where a rule's head_start counts as newer (priority_at, rule 10.2 "
    "of\n"
    "docs/lead-policy.md): the order needs no computing anew as time passes. Times are told in the policy's\n"
    "reporting_time_zone; in UTC where there is no policy. Reads the table cycles on Kafka to its end; it joins no\n"
    "group and changes nothing.\n\n" LC_CLI_ABOUT_TIMES
    "Exit codes: 0 done, 1 a row can't be read, 2 usage, configuration or a right, 3 Kafka or the registry does not\n"
    "answer.\n\n"
    "Examples:\n"
    "  leadclock worklist --config leadclock.yaml --owner ann --limit 20\n"
    "  leadclock worklist --config leadclock.yaml --unowned --format csv > unowned.csv\n";

static bool
read_options(worklist_options *options, GError **error)
{
    if (options->owner && options->is_unowned) {
        g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, "--owner and --unowned: only one of them");
        return false;
    }
    if (options->limit < 1 && options->limit != LC_CLI_NOT_GIVEN) {
        g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, "--limit: 1 or more; without it all are listed");
        return false;
    }
    lc_instant at;
    return lc_cli_read_at(options->at_text, NULL, &at, error) &&
           lc_cli_read_report_format(options->format_text, &options->format, error);
}

static int
list(const worklist_options *options, const lc_config *config, GError **error)
{
    size_t n_all;
    const lc_work_filter filter = {.owner = lc_text_of(options->owner),
                                   .is_unowned = options->is_unowned,
                                   .limit = options->limit == LC_CLI_NOT_GIVEN ? 0 : (size_t)options->limit};
    const char *const policies[] = {config->policy, NULL};
    g_autoptr(lc_policy_book) book = NULL;
    if (g_file_test(config->policy, G_FILE_TEST_EXISTS) && (book = lc_policy_book_load(policies, error)) == NULL)
        return EXIT_USAGE;
    lc_instant at;
    if (!lc_cli_read_at(options->at_text, book, &at, error))
        return EXIT_USAGE;
    g_autoptr(lc_ledger) ledger = lc_cli_read_ledger(config, 1u << LC_ROW_CYCLE, error);
    if (ledger == NULL)
        return EXIT_FOUND;
    g_autoptr(GArray) work = lc_worklist_find(ledger, &filter, &n_all);
    g_autoptr(lc_answers) report = lc_answers_of_work(work, book, n_all, &filter, at);
    return lc_cli_print_report(report, options->format);
}

int
lc_cli_worklist(int argc, char **argv)
{
    g_auto(lc_cli_config_options) config_options = {0};
    g_auto(worklist_options) options = {.limit = LC_CLI_NOT_GIVEN};
    g_autoptr(GError) error = NULL;
    const GOptionEntry entries[] = {
        {"owner", 0, 0, G_OPTION_ARG_STRING, &options.owner, "Only what this owner has", "OWNER"},
        {"unowned", 0, 0, G_OPTION_ARG_NONE, &options.is_unowned, "Only what nobody has", NULL},
        {"limit", 'n', 0, G_OPTION_ARG_INT, &options.limit, "Only the first N", "N"},
        {"at", 0, 0, G_OPTION_ARG_STRING, &options.at_text,
         "Reckons as if it were then: what is due, and how long it is; the rows are those of now", "T"},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &options.format_text, "text (default), json, csv or html", "FORMAT"},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, "", summary, more, entries, &config_options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    if (!read_options(&options, &error))
        return lc_cli_fail("worklist", error);
    g_autoptr(lc_config) config = lc_cli_load_config("worklist", &config_options);
    if (config == NULL)
        return EXIT_USAGE;
    int code = list(&options, config, &error);
    return error ? lc_cli_fail("worklist", error) : code;
}
