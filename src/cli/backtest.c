/* backtest.c - tries a policy on facts from a file (section 9): outcomes, counters, a report, a comparison. */
#include "asking.h"
#include "common.h"
#include "progress.h"

#include <leadclock/backtest.h>
#include <leadclock/text.h>

#include <errno.h>
#include <unistd.h>

#define OUTPUT_BYTES ((gsize)64 * 1024)

typedef struct {
    char **policies, **other_policies;
    const char *events;
    char *until_text, *counters, *tables, *format_text;
    gboolean strict, quiet, report;
    lc_cli_asking asking;
    lc_table_format format;
    lc_rows_format rows_format;
} options;

typedef struct {
    const options *options;
    lc_report_question question;
    lc_instant until; /* LC_ABSENT: not given */
    lc_fact_source *source;
    lc_backtest_side *sides[2]; /* the second with --compare only */
    GString *output;
    GHashTable *full_leads; /* char *: those that were said to have too many facts */
    lc_oddities *odd;
    bool output_failed;
    uint64_t seen, bad; /* facts, and those of them that were skipped */
    lc_progress progress;
} backtest;

/* ---- Options ---- */

static void
clear_options(options *o)
{
    g_strfreev(o->policies);
    g_strfreev(o->other_policies);
    g_free(o->until_text);
    g_free(o->counters);
    g_free(o->tables);
    g_free(o->format_text);
    lc_cli_asking_clear(&o->asking);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(options, clear_options)

static bool
refuse(GError **error, const char *message)
{
    g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, message);
    return false;
}

static bool
read_until(const options *o, const lc_policy_book *book, lc_instant *until, GError **error)
{
    *until = LC_ABSENT;
    return o->until_text == NULL || lc_cli_read_instant("--until", o->until_text, book, until, error);
}

static bool
read_format(options *o, GError **error)
{
    bool reports = o->report || o->other_policies;
    if (o->format_text == NULL)
        return true;
    if (!reports && !o->tables)
        return refuse(error, "--format is for --report, --compare and --tables; outcomes and counters are always JSON "
                             "Lines");
    bool of_report = reports && lc_table_format_parse(o->format_text, &o->format);
    bool of_rows = o->tables && lc_rows_format_parse(o->format_text, &o->rows_format);
    if (of_report || of_rows)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--format: \"%s\" is none of %s%s%s", o->format_text,
                reports ? "text, json, csv and html" : "", reports && o->tables ? ", nor for --tables of " : "",
                o->tables ? "jsonl, csv and avro" : "");
    return false;
}

static bool
check_options(options *o, GError **error)
{
    if (o->policies == NULL)
        return refuse(error, "name the policy: --policy FILE (more than once for several documents, or a folder)");
    if (o->quiet && !o->report && !o->other_policies && !o->counters && !o->tables)
        return refuse(error, "--quiet leaves nothing to print; add --report, --compare, --counters or --tables");
    if (lc_cli_asking_is_given(&o->asking) && !o->report)
        return refuse(error, "--from, --to, --stage, --months and --table are for --report");
    lc_instant until;
    return read_until(o, NULL, &until, error) && read_format(o, error) && lc_cli_asking_check(&o->asking, error);
}

static const char summary[] =
    "Replays facts in order of arrival under a policy and prints the outcomes that would have been published, as JSON "
    "Lines. No server is needed.";
static const char more[] =
    "EVENTS is JSON Lines, one fact a line, or an Avro object container file; - is standard input:\n\n"
    "  {\"type\": \"LeadCreated\", \"lead_id\": \"7\", \"event_id\": \"a\", \"occurred_at\": \"2026-02-02T09:00:00Z\", "
    "\"channel\": \"demo\"}\n\n"
    "Examples:\n"
    "  leadclock backtest --policy policy.yaml --quiet --report last-year.jsonl\n"
    "  leadclock backtest --policy policy.yaml --compare stricter.yaml last-year.jsonl\n"
    "  leadclock backtest --policy policy.yaml --counters counters.jsonl - < facts.jsonl > "
    "outcomes.jsonl\n\n" LC_CLI_ABOUT_TIMES
    "In the end, what of the facts means nothing to the policy (stages and reasons that it does not list, event_ids "
    "that\n"
    "repeat, attributes that a rule compares as numbers and that are none), or lies after now, is told on standard "
    "error.\n\n"
    "Exit codes: 0 done, 1 lines were skipped or the facts could not be read to their end, 2 usage, policy, or a "
    "file that\n"
    "holds something else than facts (CSV, a JSON array, what is compressed).";

/* False: wrong usage, already said. */
static bool
parse_options(int argc, char **argv, options *o)
{
    const GOptionEntry entries[] = {
        {"policy", 'p', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->policies,
         "A policy document, or a folder of them; may be given more than once", "FILE"},
        {"until", 'u', 0, G_OPTION_ARG_STRING, &o->until_text, "After the last fact, let every clock before T run out",
         "T"},
        {"counters", 'c', 0, G_OPTION_ARG_FILENAME, &o->counters, "Write the counters here; - is standard output",
         "FILE"},
        {"tables", 't', 0, G_OPTION_ARG_FILENAME, &o->tables,
         "Write the rows that stand at the end here: cycles.jsonl, breaches.jsonl and so on", "FOLDER"},
        {"report", 'r', 0, G_OPTION_ARG_NONE, &o->report, "Print what happened, in tables, after the outcomes", NULL},
        {"compare", 'C', 0, G_OPTION_ARG_FILENAME_ARRAY, &o->other_policies,
         "Print what would change under this policy, instead of outcomes; may be given more than once", "FILE"},
        {"format", 'f', 0, G_OPTION_ARG_STRING, &o->format_text,
         "Of the report: text (default), json, csv or html; of --tables: jsonl (default), csv or avro", "FORMAT"},
        LC_CLI_ASKING_ENTRIES(&o->asking),
        {"quiet", 'q', 0, G_OPTION_ARG_NONE, &o->quiet, "Do not print the outcomes", NULL},
        {"strict", 's', 0, G_OPTION_ARG_NONE, &o->strict, "Stop at the first line that is no valid fact", NULL},
        {NULL},
    };
    g_autoptr(GError) error = NULL;
    if (!lc_cli_parse(&argc, &argv, "EVENTS", summary, more, entries, NULL) ||
        !lc_cli_check_arguments(argc, argv, 1, 1))
        return false;
    o->events = argv[1];
    if (check_options(o, &error))
        return true;
    fprintf(stderr, "leadclock backtest: %s; 'leadclock backtest --help' tells more\n", error->message);
    return false;
}

/* ---- Output ---- */

static void
flush_output(backtest *b)
{
    size_t size = b->output->len;
    if (fwrite(b->output->str, 1, size, stdout) != size)
        b->output_failed = true;
    g_string_truncate(b->output, 0);
}

static void
write_outcomes(lc_text lead_id, const lc_judgement *judgement, void *data)
{
    backtest *b = data;
    for (size_t i = 0; i < judgement->n_outcomes; i++) {
        lc_json_write_outcome(b->output, lead_id, &judgement->outcomes[i]);
        g_string_append_c(b->output, '\n');
    }
    if (b->output->len >= OUTPUT_BYTES)
        flush_output(b);
}

static bool
write_counters(const lc_counter_sums *counters, const char *path, GError **error)
{
    g_autoptr(GArray) sorted = lc_counter_sums_sorted(counters);
    g_autoptr(GString) lines = g_string_new(NULL);
    for (guint i = 0; i < sorted->len; i++) {
        const lc_counter *c = &g_array_index(sorted, lc_counter, i);
        lc_json_write_count(lines, c->channel, c->cohort, c->metric, c->count);
        g_string_append_c(lines, '\n');
    }
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdout : fopen(path, "we");
    bool written = file && fwrite(lines->str, 1, lines->len, file) == lines->len;
    written = file && (standard ? fflush(file) : fclose(file)) == 0 && written;
    if (!written)
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "--counters %s: %s", path, g_strerror(errno));
    return written;
}

static bool
print_tables(backtest *b, GError **error)
{
    b->question.facts = b->seen;
    b->question.skipped = b->bad;
    g_autoptr(lc_answers) report = b->sides[1] ? lc_backtest_compare(b->sides[0], b->sides[1])
                                               : lc_backtest_side_report(b->sides[0], &b->question);
    if (!lc_cli_asking_choose_table(&b->options->asking, report, error))
        return false;
    lc_answers_write(b->output, report, b->options->format);
    flush_output(b);
    return true;
}

/* ---- The run ---- */

static void
report_bad_fact(backtest *b, const char *what)
{
    b->bad++;
    lc_progress_clear(&b->progress);
    fprintf(stderr, "%s: %s; %s\n", lc_fact_source_place(b->source), what,
            b->options->strict ? "stopped (--strict)" : "skipped");
}

/* Rule 8.4: said once a lead. */
static void
report_too_many_facts(backtest *b, lc_text lead_id)
{
    g_autofree char *lead = g_strndup(lead_id.data, lead_id.size);
    if (g_hash_table_contains(b->full_leads, lead)) {
        b->bad++;
        return;
    }
    g_autofree char *what = g_strdup_printf(
        "lead \"%s\" has too many facts (TOO_MANY_FACTS, rule 8.4): this one and those that follow", lead);
    report_bad_fact(b, what);
    g_hash_table_add(b->full_leads, g_steal_pointer(&lead));
}

static void
take_fact(backtest *b, const lc_sourced_fact *fact)
{
    lc_verdict verdict = lc_backtest_side_fact(b->sides[0], fact->lead_id, &fact->fact, fact->arrived_at);
    if (b->sides[1])
        lc_backtest_side_fact(b->sides[1], fact->lead_id, &fact->fact, fact->arrived_at);
    lc_oddities_take(b->odd, &fact->fact, verdict, b->source);
    if (verdict == LC_VERDICT_TOO_MANY_FACTS)
        report_too_many_facts(b, fact->lead_id);
}

/* False: it can't go on. */
static bool
take_event(backtest *b, lc_source_event event, const lc_sourced_fact *fact, GError **error)
{
    if (event == LC_SOURCE_END || event == LC_SOURCE_BROKEN)
        return false;
    b->seen++;
    if (event == LC_SOURCE_FACT) {
        take_fact(b, fact);
    } else {
        report_bad_fact(b, (*error)->message);
        g_clear_error(error);
    }
    lc_progress_count(&b->progress, b->seen, lc_fact_source_share(b->source));
    return !(b->bad && b->options->strict) && !b->output_failed;
}

static bool
replay(backtest *b, GError **error)
{
    lc_sourced_fact fact;
    GError *wrong = NULL;
    while (take_event(b, lc_fact_source_next(b->source, &fact, &wrong), &fact, &wrong))
        ;
    lc_progress_clear(&b->progress);
    if (wrong) {
        g_propagate_error(error, wrong);
        return false;
    }
    return true;
}

static void
finish(backtest *b)
{
    bool stopped = b->bad && b->options->strict;
    for (size_t i = 0; i < 2 && b->sides[i]; i++)
        lc_backtest_side_finish(b->sides[i], stopped ? LC_ABSENT : b->until);
    flush_output(b);
}

static bool
print_results(backtest *b, GError **error)
{
    const options *o = b->options;
    if (o->counters && !write_counters(lc_backtest_side_counters(b->sides[0]), o->counters, error))
        return false;
    if (o->tables && !lc_backtest_side_write_rows(b->sides[0], o->tables, error))
        return false;
    if ((o->report || o->other_policies) && !print_tables(b, error))
        return false;
    if (fflush(stdout) == 0 && !b->output_failed)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "standard output: %s", g_strerror(errno));
    return false;
}

static bool
make_sides(backtest *b, GError **error)
{
    const options *o = b->options;
    bool tallied = o->report || o->other_policies, printed = !o->quiet && !o->other_policies;
    b->sides[0] = lc_backtest_side_new(o->policies, tallied, printed ? write_outcomes : NULL, b, error);
    if (b->sides[0] && o->tables)
        lc_backtest_side_keep_rows(b->sides[0], o->rows_format);
    if (b->sides[0] && o->other_policies)
        b->sides[1] = lc_backtest_side_new(o->other_policies, true, NULL, NULL, error);
    return b->sides[0] && (b->sides[1] || !o->other_policies);
}

static bool
run(backtest *b, GError **error)
{
    if (!make_sides(b, error))
        return false;
    const lc_policy_book *book = lc_backtest_side_book(b->sides[0]);
    b->odd = lc_oddities_new(book, b->sides[1] ? lc_backtest_side_book(b->sides[1]) : NULL, g_get_real_time() / 1000);
    if (!read_until(b->options, book, &b->until, error) ||
        !lc_cli_asking_question(&b->options->asking, book, &b->question, error) ||
        (b->source = lc_fact_source_open(b->options->events, error)) == NULL)
        return false;
    bool whole = replay(b, error);
    lc_fact_source_warn(b->source, "backtest");
    lc_oddities_tell(b->odd, "backtest");
    finish(b);
    return whole && print_results(b, error);
}

static int
exit_code(const backtest *b, const GError *error)
{
    if (b->bad && b->options->strict)
        fprintf(stderr, "leadclock backtest: stopped at fact %" G_GUINT64_FORMAT ", which is not valid\n", b->seen);
    else if (b->bad)
        fprintf(stderr, "leadclock backtest: %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " facts skipped\n", b->bad,
                b->seen);
    if (error)
        return lc_cli_fail("backtest", error);
    return b->bad ? EXIT_FOUND : EXIT_DONE;
}

static void
clear(backtest *b)
{
    g_clear_pointer(&b->source, lc_fact_source_close);
    g_clear_pointer(&b->odd, lc_oddities_free);
    g_clear_pointer(&b->sides[0], lc_backtest_side_free);
    g_clear_pointer(&b->sides[1], lc_backtest_side_free);
    g_string_free(b->output, TRUE);
    g_hash_table_unref(b->full_leads);
}

int
lc_cli_backtest(int argc, char **argv)
{
    g_auto(options) o = {.asking = LC_CLI_ASKING_NOTHING};
    g_autoptr(GError) error = NULL;
    if (!parse_options(argc, argv, &o))
        return EXIT_USAGE;
    backtest b = {.options = &o,
                  .output = g_string_sized_new(2 * OUTPUT_BYTES),
                  .full_leads = g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, NULL)};
    lc_progress_start(&b.progress, "facts", !isatty(STDOUT_FILENO) || o.quiet || o.other_policies);
    run(&b, &error);
    int code = exit_code(&b, error);
    clear(&b);
    return code;
}
