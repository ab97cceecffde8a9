/* report.c - a report: its findings in sentences, then its tables. */
#include "making.h"

#include "before.h"
#include "months.h"

#include "table.h"

#include <leadclock/calendar.h>

#define TEXT_WIDTH 100
#define ABOUT_CONVERSION " Conversion: "

/* ---- What the parts share ---- */

lc_table *
lc_report_add_table(const lc_making *making, const char *name, const char *title)
{
    lc_table *table = lc_table_new(name, title);
    table->book = making->report->book;
    g_ptr_array_add(making->report->tables, table);
    return table;
}

void
lc_report_say(const lc_making *making, const char *topic, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    lc_sentence finding = {topic, g_utf8_make_valid(text, -1)};
    g_array_append_val(making->report->findings, finding);
}

const char *
lc_report_leads(int64_t count, char *text, size_t size)
{
    g_snprintf(text, size, "%" G_GINT64_FORMAT " lead%s", count, count == 1 ? "" : "s");
    return text;
}

void
lc_report_name(lc_table *table, lc_text text, const char *none)
{
    lc_table_text(table, lc_text_is_absent(text) ? lc_text_of(none) : text);
}

void
lc_report_count(lc_table *table, int64_t count, char *link)
{
    lc_table_count(table, count);
    if (count)
        lc_table_link(table, link);
    else
        g_free(link);
}

const char *
lc_report_from(const lc_making *making, char *text)
{
    return making->question->from == LC_ABSENT ? NULL : lc_instant_format(making->question->from, text);
}

char *
lc_report_lead_link(lc_text lead_id)
{
    GString *link = g_string_new("/lead/");
    g_autofree char *id = g_strndup(lead_id.data, lead_id.size);
    g_string_append_uri_escaped(link, id, NULL, FALSE);
    return g_string_free(link, FALSE);
}

static int
compare_numbers(gconstpointer a, gconstpointer b, gpointer data)
{
    const lc_ledger *ledger = data;
    return lc_text_compare(lc_ledger_text(ledger, *(const uint32_t *)a), lc_ledger_text(ledger, *(const uint32_t *)b));
}

GArray *
lc_report_sorted(const lc_ledger *ledger, GHashTable *set)
{
    GArray *sorted = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, set);
    while (g_hash_table_iter_next(&iter, &item, NULL)) {
        uint32_t number = GPOINTER_TO_UINT(item);
        g_array_append_val(sorted, number);
    }
    g_array_sort_with_data(sorted, compare_numbers, (gpointer)ledger);
    return sorted;
}

/* ---- Making ---- */

static void
add_once(GPtrArray *names, lc_text name)
{
    g_autofree char *added = g_strndup(name.data, name.size);
    if (!g_ptr_array_find_with_equal_func(names, added, g_str_equal, NULL))
        g_ptr_array_add(names, g_steal_pointer(&added));
}

static void
find_stages(const lc_making *making, const lc_policy_book *book)
{
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        for (unsigned j = 0; j < policy->n_stages; j++) {
            add_once(making->stages, policy->stages[j].name);
            if (policy->stages[j].closes == LC_STAGE_WON)
                add_once(making->won, policy->stages[j].name);
        }
    }
}

static void
clear_finding(gpointer data)
{
    g_free(((lc_sentence *)data)->text);
}

lc_answers *
lc_report_new(const lc_policy_book *book, const char *title, char *about)
{
    lc_answers *report = g_new0(lc_answers, 1);
    report->book = book;
    report->title = g_utf8_make_valid(title, -1);
    report->about = g_utf8_make_valid(about, -1);
    g_free(about);
    report->findings = g_array_new(FALSE, FALSE, sizeof(lc_sentence));
    g_array_set_clear_func(report->findings, clear_finding);
    report->tables = g_ptr_array_new_with_free_func((GDestroyNotify)lc_table_free);
    return report;
}

void
lc_answers_free(lc_answers *report)
{
    if (report == NULL)
        return;
    g_free(report->title);
    g_free(report->about);
    g_array_unref(report->findings);
    g_ptr_array_unref(report->tables);
    lc_conversion_free(report->conversion);
    g_free(report);
}

char *
lc_report_minute(const lc_policy_book *book, lc_instant at)
{
    char time[LC_DATE_TEXT_BYTES];
    return g_strdup_printf("%.16s (%.*s)", lc_report_time(book, at, time), LC_TEXT_ARGS(lc_report_zone_name(book)));
}

static char *
about(const lc_report_question *question, const lc_report_question *before)
{
    char time[LC_DATE_TEXT_BYTES];
    g_autofree char *at = lc_report_minute(question->book, question->at);
    g_autoptr(GString) text = g_string_new("Leads handed off");
    if (question->from != LC_ABSENT)
        g_string_append_printf(text, " from %.16s", lc_report_time(question->book, question->from, time));
    if (question->to != LC_NEVER)
        g_string_append_printf(text, " to before %.16s", lc_report_time(question->book, question->to, time));
    if (question->from == LC_ABSENT && question->to == LC_NEVER)
        g_string_append(text, " at any time");
    g_string_append_printf(text, ", as of %s.", at);
    if (before)
        g_string_append_printf(text, " The period before is from %.16s on.",
                               lc_report_time(question->book, before->from, time));
    g_string_append_printf(text, ABOUT_CONVERSION "the last %u months.", question->months);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static bool
is_of_months(const lc_report_question *question)
{
    int32_t first, end;
    return lc_months_between(question->book, question->from, question->to, &first, &end);
}

lc_answers *
lc_answers_new(const lc_ledger *ledger, const lc_report_question *question)
{
    g_autoptr(lc_summary) sums = lc_summary_new(ledger, question);
    g_autoptr(GPtrArray) stages = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) won = g_ptr_array_new_with_free_func(g_free);
    lc_report_question period_before;
    bool tells_promises = question->parts == 0 || question->parts & LC_REPORT_PROMISES;
    const lc_report_question *before =
        tells_promises && lc_report_before(ledger, question, &period_before) ? &period_before : NULL;
    bool tells_counters = before && lc_summary_is_whole(sums) && is_of_months(before);
    g_autoptr(lc_summary) sums_before = tells_counters ? lc_summary_new(ledger, before) : NULL;
    lc_answers *report = lc_report_new(question->book, "Leads: promises, volumes, conversion", about(question, before));
    const lc_making making = {ledger, question, sums, stages, won, report, before, sums_before};
    static const struct {
        lc_report_part part;
        void (*add)(const lc_making *making);
    } parts[] = {{LC_REPORT_PROMISES, lc_report_add_promises},
                 {LC_REPORT_RESPONSE, lc_report_add_response},
                 {LC_REPORT_VOLUMES, lc_report_add_volumes},
                 {LC_REPORT_STAGES, lc_report_add_stages},
                 {LC_REPORT_CONVERSION, lc_report_add_conversion}};
    find_stages(&making, question->book);
    for (size_t i = 0; i < G_N_ELEMENTS(parts); i++)
        if (question->parts == 0 || question->parts & parts[i].part)
            parts[i].add(&making);
    return report;
}

lc_answers *
lc_answers_of_tables(const char *title, const char *about, GPtrArray *tables)
{
    lc_answers *report = lc_report_new(NULL, title, g_strdup(about));
    g_ptr_array_unref(report->tables);
    report->tables = tables;
    return report;
}

/* ---- The work list ---- */

static void
add_work_columns(lc_table *table)
{
    lc_table_column(table, LC_CELL_COUNT, "position", "#");
    lc_table_column(table, LC_CELL_TEXT, "lead_id", "lead");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "owner", "owner");
    lc_table_column(table, LC_CELL_TEXT, "next_clock", "due");
    lc_table_column(table, LC_CELL_INSTANT, "next_due_at", "due at");
    lc_table_column(table, LC_CELL_DURATION, "due_in_ms", "in");
    lc_table_column(table, LC_CELL_COUNT, "attempts", "attempts");
    lc_table_column(table, LC_CELL_INSTANT, "broken_since", "broken since");
    lc_table_column(table, LC_CELL_INSTANT, "priority_at", "priority");
    lc_table_column(table, LC_CELL_TEXT, "why", "why here");
}

static void
add_work(lc_table *table, const lc_work *work, guint position, lc_instant at)
{
    g_autofree char *why = lc_work_why(work, at);
    lc_table_count(table, position);
    lc_table_text(table, work->lead_id);
    lc_table_link(table, lc_report_lead_link(work->lead_id));
    lc_table_text(table, work->channel);
    lc_table_text(table, work->owner);
    if (!lc_text_is_absent(work->owner))
        lc_table_link(table, lc_link("/worklist", "owner", work->owner.data, NULL));
    lc_table_text(table, work->next_clock);
    lc_table_instant(table, work->next_due_at);
    lc_table_duration(table, work->next_due_at == LC_ABSENT ? LC_ABSENT : work->next_due_at - at);
    lc_table_count(table, work->attempts);
    lc_table_instant(table, work->broken_since);
    lc_table_instant(table, work->priority_at);
    lc_table_text(table, lc_text_of(why));
}

static char *
about_work(size_t n_shown, size_t n_all, const lc_work_filter *filter, const char *at)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_string_append_printf(text, "%" G_GSIZE_FORMAT " open lead%s", n_all, n_all == 1 ? "" : "s");
    if (filter->is_unowned)
        g_string_append(text, " that nobody owns");
    else if (!lc_text_is_absent(filter->owner))
        g_string_append_printf(text, " of %.*s", LC_TEXT_ARGS(filter->owner));
    g_string_append_printf(text, ", as of %s: broken promises first, then the newest, head starts counted.", at);
    if (n_shown < n_all)
        g_string_append_printf(text, " The first %" G_GSIZE_FORMAT " are shown.", n_shown);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

lc_answers *
lc_answers_of_work(const GArray *work, const lc_policy_book *book, size_t n_all, const lc_work_filter *filter,
                   lc_instant at)
{
    g_autofree char *time = lc_report_minute(book, at);
    lc_answers *report = lc_report_new(book, "Work list", about_work(work->len, n_all, filter, time));
    const lc_making making = {.report = report};
    lc_table *table = lc_report_add_table(&making, "worklist", "In the order in which to work");
    add_work_columns(table);
    lc_table_say_empty(table, "Nothing is open here: no lead waits for anybody.");
    for (guint i = 0; i < work->len; i++)
        add_work(table, &g_array_index(work, lc_work, i), i + 1, at);
    return report;
}

/* ---- Parts of it ---- */

void
lc_answers_choose(lc_answers *report, const char *title, const char *const *names)
{
    g_free(report->title);
    report->title = g_strdup(title);
    for (guint i = report->findings->len; i-- > 0;)
        if (!g_strv_contains(names, g_array_index(report->findings, lc_sentence, i).topic))
            g_array_remove_index(report->findings, i);
    for (guint i = report->tables->len; i-- > 0;)
        if (!g_strv_contains(names, ((const lc_table *)report->tables->pdata[i])->name))
            g_ptr_array_remove_index(report->tables, i);
    if (g_strv_contains(names, "trend"))
        return;
    g_clear_pointer(&report->conversion, lc_conversion_free);
    char *of_conversion = strstr(report->about, ABOUT_CONVERSION);
    if (of_conversion)
        *of_conversion = '\0';
}

void
lc_answers_choose_table(lc_answers *report, const char *table)
{
    g_array_set_size(report->findings, 0);
    g_clear_pointer(&report->conversion, lc_conversion_free);
    for (guint i = report->tables->len; i-- > 0;)
        if (strcmp(((const lc_table *)report->tables->pdata[i])->name, table) != 0)
            g_ptr_array_remove_index(report->tables, i);
}

char *
lc_answers_table_names(const lc_answers *report)
{
    GString *names = g_string_new(NULL);
    for (guint i = 0; i < report->tables->len; i++)
        g_string_append_printf(names, "%s%s", i ? ", " : "", ((const lc_table *)report->tables->pdata[i])->name);
    return g_string_free(names, FALSE);
}

const char *
lc_answers_title(const lc_answers *report)
{
    return report->title;
}

/* ---- Writing ---- */

/* A line a word that fits, the second and further ones indented; what would move the cursor is left out. */
static void
append_wrapped(GString *out, const char *first, const char *indent, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    glong width = g_utf8_strlen(first, -1);
    g_string_append(out, first);
    for (guint i = 0; words[i]; i++) {
        glong more = g_utf8_strlen(words[i], -1);
        if (i && width + 1 + more > TEXT_WIDTH) {
            g_string_append_printf(out, "\n%s", indent);
            width = g_utf8_strlen(indent, -1);
        } else if (i) {
            g_string_append_c(out, ' ');
            width++;
        }
        lc_table_append_printable(out, words[i]);
        width += more;
    }
    g_string_append_c(out, '\n');
}

static const lc_sentence *
finding_at(const lc_answers *report, guint i)
{
    return &g_array_index(report->findings, lc_sentence, i);
}

static void
write_text(GString *out, const lc_answers *report)
{
    g_string_append_printf(out, "%s\n", report->title);
    append_wrapped(out, "", "", report->about);
    g_string_append_c(out, '\n');
    for (guint i = 0; i < report->findings->len; i++)
        append_wrapped(out, "- ", "  ", finding_at(report, i)->text);
    if (report->findings->len)
        g_string_append_c(out, '\n');
    lc_tables_write(out, report->tables, LC_TABLE_TEXT);
}

/* Findings are a table among the others to a machine. */
static void
write_for_machines(GString *out, const lc_answers *report, lc_table_format format)
{
    g_autoptr(GPtrArray) tables = g_ptr_array_new();
    g_autoptr(lc_table) findings = lc_table_new("findings", "In words");
    lc_table_column(findings, LC_CELL_TEXT, "topic", "topic");
    lc_table_column(findings, LC_CELL_TEXT, "says", "says");
    for (guint i = 0; i < report->findings->len; i++) {
        lc_table_text(findings, lc_text_of(finding_at(report, i)->topic));
        lc_table_text(findings, lc_text_of(finding_at(report, i)->text));
    }
    if (report->conversion || report->findings->len)
        g_ptr_array_add(tables, findings);
    for (guint i = 0; i < report->tables->len; i++)
        g_ptr_array_add(tables, report->tables->pdata[i]);
    lc_tables_write(out, tables, format);
}

static const char style[] =
    "body{font:16px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:70em;margin:1.5em auto;"
    "padding:0 1em}"
    "h1{font-size:1.5em;margin:0}"
    "h2{font-size:1.15em;margin:2em 0 .5em}"
    "table{border-collapse:collapse;margin:1.6em 0;font-size:.9em;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;font-weight:600;padding:.3em 0}"
    "th,td{padding:.25em .7em;border-bottom:1px solid #ddd;vertical-align:top;text-align:left;font-weight:400}"
    "thead th{border-bottom:2px solid #888;font-weight:600}"
    "td.n,th.n{text-align:right;white-space:nowrap}"
    "li{margin:.4em 0}"
    "svg.chart{max-width:100%;height:auto}"
    ".legend{list-style:none;margin:.3em 0 1em;padding:0}"
    ".legend li{display:inline-block;margin:0 1.5em 0 0}"
    "@media print{body{font-size:10pt;margin:0;max-width:none}table{page-break-inside:auto}tr,li,svg{page-break-inside:"
    "avoid}}";

static void
write_html(GString *out, const lc_answers *report)
{
    g_string_append(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    lc_html_text(out, report->title);
    g_string_append_printf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<h1>", style);
    lc_html_text(out, report->title);
    g_string_append(out, "</h1>\n<p>");
    lc_html_text(out, report->about);
    g_string_append(out, "</p>\n");
    if (report->findings->len)
        g_string_append(out, "<h2>In words</h2>\n<ul>\n");
    for (guint i = 0; i < report->findings->len; i++) {
        g_string_append(out, "<li>");
        lc_html_text(out, finding_at(report, i)->text);
        g_string_append(out, "</li>\n");
    }
    if (report->findings->len)
        g_string_append(out, "</ul>\n<h2>In numbers</h2>\n");
    if (report->conversion)
        lc_chart_write(out, report->conversion);
    lc_tables_write(out, report->tables, LC_TABLE_HTML);
    g_string_append(out, "</body>\n</html>\n");
}

void
lc_answers_write_part(GString *out, const lc_answers *report, const char *path)
{
    const char *query = strchr(path, '?') ? "&" : "?";
    g_string_append(out, "<h1>");
    lc_html_text(out, report->title);
    g_string_append(out, "</h1>\n<p class=\"about\">");
    lc_html_text(out, report->about);
    g_string_append(out, "</p>\n");
    if (report->findings->len)
        g_string_append(out, "<ul class=\"findings\">\n");
    for (guint i = 0; i < report->findings->len; i++) {
        g_string_append(out, "<li>");
        lc_html_text(out, finding_at(report, i)->text);
        g_string_append(out, "</li>\n");
    }
    if (report->findings->len)
        g_string_append(out, "</ul>\n");
    if (report->conversion)
        lc_chart_write(out, report->conversion);
    for (guint i = 0; i < report->tables->len; i++) {
        const lc_table *table = report->tables->pdata[i];
        g_autofree char *csv = g_strconcat("/csv", path, query, "table=", table->name, NULL);
        lc_table_write_part(out, table, csv);
    }
    g_string_append(out, "<p class=\"more\"><a href=\"/api");
    lc_html_text(out, path);
    g_string_append(out, "\">This page as JSON</a></p>\n");
}

bool
lc_answers_write_csv(GString *out, const lc_answers *report, const char *name)
{
    for (guint i = 0; i < report->tables->len; i++) {
        lc_table *table = report->tables->pdata[i];
        if (strcmp(table->name, name) != 0)
            continue;
        g_autoptr(GPtrArray) one = g_ptr_array_new();
        g_ptr_array_add(one, table);
        lc_tables_write_csv(out, one);
        return true;
    }
    return false;
}

void
lc_answers_write(GString *out, const lc_answers *report, lc_table_format format)
{
    if (format == LC_TABLE_TEXT)
        write_text(out, report);
    else if (format == LC_TABLE_HTML)
        write_html(out, report);
    else
        write_for_machines(out, report, format);
}
