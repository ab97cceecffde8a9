/* views.c - which page a path is. */
#include "views.h"

#include <leadclock/calendar.h>

#include <stdlib.h>

#define WORK_SHOWN 200
#define DEFAULT_DAYS 30

const char *const lc_page_parameters[LC_PAGE_PARAMETERS + 1] = {
    [ASK_ID] = "id",
    [ASK_OWNER] = "owner",
    [ASK_UNOWNED] = "unowned",
    [ASK_DAYS] = "days",
    [ASK_FROM] = "from",
    [ASK_BROKEN] = "broken",
    [ASK_DUE] = "due",
    [ASK_CLOCK] = "clock",
    [ASK_HANDED_OFF] = "handed_off",
    [ASK_SETTLED] = "settled",
    [ASK_CHANNEL] = "channel",
    [ASK_RULE] = "rule",
    [ASK_CAUSE] = "cause",
    [ASK_REASON] = "reason",
    [ASK_TRACK] = "track",
    [ASK_FIRST_CONTACT] = "first_contact",
    [ASK_STAGE] = "stage",
    [ASK_TO] = "to",
    [ASK_IS] = "is",
    [ASK_NEXT] = "next",
    [ASK_BROKE] = "broke",
    [ASK_EARLY] = "early",
    [ASK_BY] = "by",
    [ASK_ROUTED] = "routed",
    [ASK_ROUTE] = "route",
    [ASK_ONTO] = "onto",
    [ASK_MONTH] = "month",
    [ASK_AGE] = "age",
    [ASK_TABLE] = "table",
    NULL,
};

/* ---- What is asked ---- */

/* Where the empty text is an answer: a channel or a track may have that name; no rule, nobody. */
static bool
may_be_empty(lc_page_parameter parameter)
{
    return parameter == ASK_CHANNEL || parameter == ASK_ONTO || parameter == ASK_RULE || parameter == ASK_BY;
}

/* NULL: not asked; what a form sends empty is not asked either. */
static const char *
asked(const lc_page_question *question, lc_page_parameter parameter)
{
    const char *value = question->values[parameter];
    return value && (*value || may_be_empty(parameter)) ? value : NULL;
}

unsigned
lc_view_days(const lc_page_question *question)
{
    const char *days = asked(question, ASK_DAYS);
    unsigned long n = days ? strtoul(days, NULL, 10) : DEFAULT_DAYS;
    return n >= 1 && n <= 3650 ? (unsigned)n : DEFAULT_DAYS;
}

/* ---- Reports ---- */

static lc_answers *
part_of_report(const lc_view *view, const char *title, lc_instant from, unsigned parts, const char *const *names)
{
    const lc_report_question question = {
        .book = view->book, .at = view->now, .from = from, .to = LC_NEVER, .months = LC_REPORT_MONTHS, .parts = parts};
    lc_answers *report = lc_answers_new(view->ledger, &question);
    lc_answers_choose(report, title, names);
    return report;
}

static lc_answers *
view_channels(const lc_view *view, G_GNUC_UNUSED const lc_page_question *question)
{
    static const char *const names[] = {"conversion", "weak_channels", "gate", "trend", NULL};
    return part_of_report(view, "Channels", LC_ABSENT, LC_REPORT_CONVERSION, names);
}

static lc_answers *
view_promises(const lc_view *view, const lc_page_question *question)
{
    static const char *const names[] = {"first_contact",          "promises", "first_contact_by_rule", "response",
                                        "first_contact_by_owner", "delay",    "broken_by_owner",       "late_by_owner",
                                        "rules_without_leads",    NULL};
    lc_answers *report = part_of_report(view, "Promises", view->now - lc_view_days(question) * LC_DAY,
                                        LC_REPORT_PROMISES | LC_REPORT_RESPONSE, names);
    lc_answers_add_days(report, view->ledger, view->book, view->now, lc_view_days(question));
    return report;
}

static lc_answers *
view_routes(const lc_view *view, const lc_page_question *question)
{
    static const char *const names[] = {"volumes",   "endings", "rejections", "routes",
                                        "clawbacks", "totals",  "held_back",  NULL};
    return part_of_report(view, "Rejections and routes", view->now - lc_view_days(question) * LC_DAY, LC_REPORT_VOLUMES,
                          names);
}

/* ---- Leads ---- */

static lc_answers *
view_now(const lc_view *view, G_GNUC_UNUSED const lc_page_question *question)
{
    return lc_answers_of_now(view->ledger, view->book, view->now);
}

static lc_answers *
view_work(const lc_view *view, const lc_page_question *question)
{
    size_t n_all;
    const lc_work_filter filter = {.owner = lc_text_of(asked(question, ASK_OWNER)),
                                   .is_unowned = asked(question, ASK_UNOWNED) != NULL,
                                   .limit = WORK_SHOWN};
    g_autoptr(GArray) work = lc_worklist_find(view->ledger, &filter, &n_all);
    lc_answers *report = lc_answers_of_work(work, view->book, n_all, &filter, view->now);
    lc_answers_add_owners(report, view->ledger);
    return report;
}

/* 15m, 1h or today; later, which has no end. */
static lc_instant
due_before(const char *due, lc_instant now, lc_instant ends)
{
    if (strcmp(due, "15m") == 0)
        return now + 15 * LC_MINUTE;
    if (strcmp(due, "1h") == 0)
        return now + LC_HOUR;
    return strcmp(due, "today") == 0 ? ends : LC_NEVER;
}

static void
choose_times(const lc_view *view, const lc_page_question *question, lc_lead_filter *filter)
{
    lc_instant begins, ends;
    lc_report_day(view->book, view->now, &begins, &ends);
    if (asked(question, ASK_DUE))
        filter->due_before = due_before(asked(question, ASK_DUE), view->now, ends);
    if (g_strcmp0(asked(question, ASK_DUE), "later") == 0)
        filter->due_from = ends;
    if (asked(question, ASK_HANDED_OFF))
        filter->handed_off_from = begins;
    else if (asked(question, ASK_FROM))
        lc_instant_parse(asked(question, ASK_FROM), &filter->handed_off_from);
    else if (asked(question, ASK_DAYS))
        filter->handed_off_from = view->now - lc_view_days(question) * LC_DAY;
    if (asked(question, ASK_TO))
        lc_instant_parse(asked(question, ASK_TO), &filter->handed_off_before);
    if (asked(question, ASK_SETTLED))
        filter->settled_from = begins;
}

static const char *
none_of(int parameter)
{
    return parameter == ASK_RULE ? "(none)" : parameter == ASK_BY ? "(nobody)" : "";
}

static char *
question_in_words(const lc_page_question *question)
{
    g_autoptr(GString) words = g_string_new(NULL);
    for (int i = 0; i < LC_PAGE_PARAMETERS; i++) {
        if (asked(question, (lc_page_parameter)i) == NULL || i == ASK_TABLE)
            continue;
        g_autofree char *name = g_strdelimit(g_strdup(lc_page_parameters[i]), "_", ' ');
        const char *value = question->values[i];
        g_string_append_printf(words, "%s%s %s", words->len ? ", " : "", name, *value ? value : none_of(i));
    }
    return words->len ? g_string_free(g_steal_pointer(&words), FALSE) : g_strdup("all that are kept, newest first");
}

static lc_answers *
view_leads(const lc_view *view, const lc_page_question *question)
{
    const char *broken = asked(question, ASK_BROKEN);
    bool is_of_clock = broken && strcmp(broken, "any") != 0;
    g_autofree char *about = question_in_words(question);
    lc_lead_filter filter = {
        .channel = lc_text_of(asked(question, ASK_CHANNEL)),
        .rule = lc_text_of(asked(question, ASK_RULE)),
        .owner = lc_text_of(asked(question, ASK_OWNER)),
        .cause = lc_text_of(asked(question, ASK_CAUSE)),
        .reason = lc_text_of(asked(question, ASK_REASON)),
        .track = lc_text_of(asked(question, ASK_TRACK)),
        .clock = lc_text_of(is_of_clock ? broken : asked(question, ASK_CLOCK)),
        .is_unowned = asked(question, ASK_UNOWNED) != NULL,
        .is_broken = broken != NULL,
        .first_contact = lc_text_of(asked(question, ASK_FIRST_CONTACT)),
        .stage = lc_text_of(asked(question, ASK_STAGE)),
        .is = lc_text_of(asked(question, ASK_IS)),
        .next = lc_text_of(asked(question, ASK_NEXT)),
        .broke = lc_text_of(asked(question, ASK_BROKE)),
        .early = lc_text_of(asked(question, ASK_EARLY)),
        .broke_by = lc_text_of(asked(question, ASK_BY)),
        .routed = lc_text_of(asked(question, ASK_ROUTED)),
        .route = lc_text_of(asked(question, ASK_ROUTE)),
        .onto = lc_text_of(asked(question, ASK_ONTO)),
        .month = lc_text_of(asked(question, ASK_MONTH)),
        .age = asked(question, ASK_AGE) ? (int)strtol(asked(question, ASK_AGE), NULL, 10) : -1,
        .due_from = LC_ABSENT,
        .due_before = LC_ABSENT,
        .handed_off_from = LC_ABSENT,
        .handed_off_before = LC_NEVER,
        .settled_from = LC_ABSENT,
        .about = about,
    };
    choose_times(view, question, &filter);
    return lc_answers_of_leads(view->ledger, view->book, &filter, view->now);
}

static lc_answers *
view_lead(const lc_view *view, const char *id)
{
    return id && *id ? lc_answers_of_lead(view->ledger, view->book, lc_text_of(id), view->now) : NULL;
}

/* ---- The service ---- */

static void
add_instance(lc_table *table, const lc_instance_state *state, lc_instant now)
{
    lc_table_text(table, lc_text_of(state->url));
    lc_table_text(table, state->is_ready ? LC_TEXT("ready") : LC_TEXT("not ready"));
    if (state->lag < 0)
        lc_table_nothing(table);
    else
        lc_table_count(table, state->lag);
    if (state->pending < 0)
        lc_table_nothing(table);
    else
        lc_table_count(table, state->pending);
    lc_table_duration(table,
                      state->safe_time_delay_s < 0 ? LC_ABSENT : (lc_duration)state->safe_time_delay_s * LC_SECOND);
    lc_table_duration(table, (now - state->asked_at) / LC_SECOND * LC_SECOND);
    lc_table_text(table, lc_text_of(state->says));
}

static lc_table *
instances_table(const lc_view *view)
{
    lc_table *table = lc_table_new("instances", "Instances of leadclock run");
    lc_table_column(table, LC_CELL_TEXT, "url", "instance");
    lc_table_column(table, LC_CELL_TEXT, "ready", "state");
    lc_table_column(table, LC_CELL_COUNT, "lag_records", "records behind");
    lc_table_column(table, LC_CELL_COUNT, "wakeups_pending", "timers waiting");
    lc_table_column(table, LC_CELL_DURATION, "safe_time_delay_ms", "safe time behind");
    lc_table_column(table, LC_CELL_DURATION, "asked_ms", "asked, ago");
    lc_table_column(table, LC_CELL_TEXT, "says", "says");
    lc_table_say_empty(table, "dashboard.instances of the configuration names none, or none has been asked yet.");
    for (size_t i = 0; i < view->n_instances; i++)
        add_instance(table, &view->instances[i], view->now);
    return table;
}

static lc_table *
own_table(const lc_view *view)
{
    lc_table *table = lc_table_new("dashboard", "This dashboard");
    lc_table_column(table, LC_CELL_TEXT, "what", "what");
    lc_table_column(table, LC_CELL_COUNT, "count", "count");
    lc_table_text(table, LC_TEXT("cycles in memory"));
    lc_table_count(table, (int64_t)lc_ledger_count_cycles(view->ledger));
    lc_table_text(table, LC_TEXT("rows and deletions read"));
    lc_table_count(table, (int64_t)view->records);
    lc_table_text(table, LC_TEXT("pages made"));
    lc_table_count(table, (int64_t)view->pages_made);
    return table;
}

static lc_answers *
view_service(const lc_view *view, G_GNUC_UNUSED const lc_page_question *question)
{
    GPtrArray *tables = g_ptr_array_new_with_free_func((GDestroyNotify)lc_table_free);
    g_ptr_array_add(tables, instances_table(view));
    g_ptr_array_add(tables, own_table(view));
    return lc_answers_of_tables("Service", "What the instances say of themselves, asked every five seconds.", tables);
}

/* ---- All of them ---- */

static const struct {
    const char *path;
    lc_answers *(*make)(const lc_view *view, const lc_page_question *question);
} views[] = {
    {"/", view_now},          {"/now", view_now},           {"/worklist", view_work},
    {"/leads", view_leads},   {"/channels", view_channels}, {"/promises", view_promises},
    {"/routes", view_routes}, {"/service", view_service},
};

lc_answers *
lc_view_find(const lc_view *view, const lc_page_question *question)
{
    if (strcmp(question->path, "/lead") == 0)
        return view_lead(view, asked(question, ASK_ID));
    if (g_str_has_prefix(question->path, "/lead/"))
        return view_lead(view, question->path + strlen("/lead/"));
    for (size_t i = 0; i < G_N_ELEMENTS(views); i++)
        if (strcmp(question->path, views[i].path) == 0)
            return views[i].make(view, question);
    return NULL;
}

char *
lc_view_path(const lc_page_question *question)
{
    GString *path = g_string_new(NULL);
    char separator = '?';
    g_string_append_uri_escaped(path, question->path, "/", FALSE);
    for (int i = 0; i < LC_PAGE_PARAMETERS; i++) {
        if (question->values[i] == NULL || i == ASK_TABLE)
            continue;
        g_string_append_printf(path, "%c%s=", separator, lc_page_parameters[i]);
        g_string_append_uri_escaped(path, question->values[i], NULL, FALSE);
        separator = '&';
    }
    return g_string_free(path, FALSE);
}
