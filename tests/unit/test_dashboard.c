/* The dashboard's pages (dashboard.h), made of rows by hand: escaping, what is empty, the order, once for all who ask.
 */
#include <leadclock/calendar.h>
#include <leadclock/dashboard.h>

#include "asserting.h"

static const char policy_text[] = "name: p\n"
                                  "reporting_time_zone: Europe/Stockholm\n"
                                  "stages: [SAL, {name: WON, closes: won}]\n"
                                  "reasons:\n  other: {route: NURTURE}\n"
                                  "rules:\n  - {name: standard, when: any, clawback: {after: 30d}}\n";

#define KEEP (90 * LC_DAY)
#define EVIL "<script>alert('x')</script>\"&"
#define EVIL_AS_TEXT "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&quot;&amp;"

typedef struct {
    lc_policy_book *book;
    lc_pages *pages;
    lc_instant now;
    int64_t now_us;
} fixture;

static fixture
begin(void)
{
    g_autoptr(GError) error = NULL;
    fixture f = {.book = lc_policy_book_parse("p.yaml", policy_text, sizeof policy_text - 1, &error)};
    must(f.book != NULL, error);
    assert_true(lc_instant_parse("2026-06-15T09:00:00Z", &f.now));
    f.pages = lc_pages_new(f.book, KEEP);
    return f;
}

static void
end(fixture *f)
{
    lc_pages_free(f->pages);
    lc_policy_book_free(f->book);
}

/* A new id for each number. */
static lc_uuid
id_of(unsigned number)
{
    lc_uuid id = {{0}};
    memcpy(id.bytes, &number, sizeof number);
    return id;
}

/* An open cycle, handed off an hour ago; `due_in` 0: nothing is due. */
static lc_table_row
open_cycle(const fixture *f, unsigned number, const char *lead, lc_duration due_in)
{
    return (lc_table_row){.table = LC_ROW_CYCLE,
                          .cycle = {.cycle_id = id_of(number),
                                    .lead_id = lc_text_of(lead),
                                    .cycle = 1,
                                    .handoff_at = f->now - LC_HOUR,
                                    .cohort = 12 * 2026 + 5,
                                    .channel = LC_TEXT("demo"),
                                    .policy = LC_TEXT("p"),
                                    .rule = LC_TEXT("standard"),
                                    .owner = LC_TEXT("ann"),
                                    .assigned_at = f->now - LC_HOUR,
                                    .route = -1,
                                    .settled_at = LC_ABSENT,
                                    .first_contact_at = LC_ABSENT,
                                    .response_ms = LC_ABSENT,
                                    .response_open_ms = LC_ABSENT,
                                    .first_contact_due_at = LC_ABSENT,
                                    .first_contact_state = LC_FIRST_CONTACT_RUNNING,
                                    .next_clock = due_in ? LC_TEXT("first_contact") : LC_NO_TEXT,
                                    .next_due_at = due_in ? f->now + due_in : LC_ABSENT,
                                    .clawback_due_at = LC_ABSENT,
                                    .broken_since = LC_ABSENT,
                                    .paused_since = LC_ABSENT,
                                    .priority_at = f->now - LC_HOUR}};
}

static lc_table_row
settled_cycle(const fixture *f, unsigned number, const char *lead, lc_duration ago, const char *reason)
{
    lc_table_row row = open_cycle(f, number, lead, 0);
    row.cycle.settled = true;
    row.cycle.cause = LC_CAUSE_REJECTED;
    row.cycle.reason = row.cycle.rejected_as = lc_text_of(reason);
    row.cycle.settled_at = f->now - ago;
    return row;
}

static void
take(fixture *f, const lc_table_row *row)
{
    lc_pages_take(f->pages, row, f->now);
}

static void
take_broken(fixture *f, unsigned number, const char *lead, const char *owner, lc_duration since)
{
    lc_table_row row = open_cycle(f, number, lead, 0);
    row.cycle.owner = lc_text_of(owner);
    row.cycle.broken = 1;
    row.cycle.broken_since = f->now - since;
    take(f, &row);
}

static int
parameter_named(const char *name)
{
    for (int i = 0; i < LC_PAGE_PARAMETERS; i++)
        if (strcmp(lc_page_parameters[i], name) == 0)
            return i;
    fail_msg("no page has a parameter \"%s\"", name);
    return -1;
}

/* Ten minutes later each time, so that it is made of what stands. Caller frees. */
static char *
page_of(fixture *f, const char *path, unsigned status, ...)
{
    g_auto(lc_page) page = {0};
    lc_page_question question = {.path = path};
    va_list arguments;
    va_start(arguments, status);
    for (const char *name; (name = va_arg(arguments, const char *));) {
        int parameter = parameter_named(name);
        question.values[parameter] = va_arg(arguments, const char *);
    }
    va_end(arguments);
    f->now_us += 600 * G_USEC_PER_SEC;
    lc_pages_find(f->pages, &question, f->now, f->now_us, &page);
    assert_int_equal(page.status, status);
    gsize size;
    const char *body = g_bytes_get_data(page.body, &size);
    return g_strndup(body, size);
}

static void
assert_has(const char *page, const char *text)
{
    if (strstr(page, text) == NULL)
        fail_msg("\"%s\" is not in: %s", text, page);
}

static void
assert_has_not(const char *page, const char *text)
{
    if (strstr(page, text))
        fail_msg("\"%s\" is in: %s", text, page);
}

static void
assert_in_order(const char *page, const char *first, const char *second)
{
    const char *one = strstr(page, first), *other = strstr(page, second);
    assert_non_null(one);
    assert_non_null(other);
    assert_true(one < other);
}

/* ---- Text ---- */

static const char *const all_pages[] = {"/",         "/worklist", "/leads",      "/channels",
                                        "/promises", "/routes",   "/lead/" EVIL, "/service"};

static void
what_tries_to_be_a_script_stays_text_on_every_page(void **state)
{
    (void)state;
    fixture f = begin();
    lc_table_row open = open_cycle(&f, 1, EVIL, LC_MINUTE), settled = settled_cycle(&f, 2, EVIL, LC_HOUR, EVIL);
    open.cycle.channel = open.cycle.owner = open.cycle.rule = LC_TEXT(EVIL);
    open.cycle.broken = 1;
    open.cycle.broken_since = f.now - LC_MINUTE;
    settled.cycle.channel = settled.cycle.owner = LC_TEXT(EVIL);
    take(&f, &open);
    take(&f, &settled);
    lc_counter_row count = lc_counter_row_make(LC_TEXT(EVIL), 12 * 2026 + 5, LC_TEXT("handed_off"), 0, 7);
    take(&f, &(lc_table_row){.table = LC_TABLE_COUNTERS, .counter = count});
    lc_pages_tell_instances(f.pages, &(lc_instance_state){.url = (char *)EVIL, .says = (char *)EVIL, .asked_at = f.now},
                            1);
    for (size_t i = 0; i < G_N_ELEMENTS(all_pages); i++) {
        g_autofree char *page = page_of(&f, all_pages[i], 200, NULL);
        assert_has(page, EVIL_AS_TEXT);
        assert_has_not(page, "<script>");
        assert_has_not(page, "style=");
        assert_has_not(page, "alert('x')");
    }
    lc_pages_tell_stale(f.pages, EVIL);
    g_autofree char *page = page_of(&f, "/", 200, NULL);
    assert_has(page, "not read yet: " EVIL_AS_TEXT);
    g_autofree char *none =
        page_of(&f, "/leads", 200, "channel", EVIL "2", "owner", "a_b", "handed_off", "today", NULL);
    assert_has(none, "0 leads: owner a_b, handed off today, channel " EVIL_AS_TEXT "2.");
    assert_has_not(none, "<script>");
    end(&f);
}

/* ---- Nothing ---- */

static void
a_page_without_leads_says_so(void **state)
{
    (void)state;
    static const struct {
        const char *path, *says;
    } cases[] = {
        {"/", "Nobody has a broken promise."},           {"/", "No clock runs: nothing is due"},
        {"/worklist", "Nothing is open here"},           {"/leads", "No lead is like that now."},
        {"/channels", "It is too early to compare"},     {"/promises", "Leads handed off in the last"},
        {"/routes", "No leads were handed off in this"}, {"/service", "dashboard.instances of the configuration names"},
    };
    fixture f = begin();
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *page = page_of(&f, cases[i].path, 200, NULL);
        assert_has(page, cases[i].says);
    }
    g_autofree char *lead = page_of(&f, "/lead/nobody", 404, NULL), *none = page_of(&f, "/elsewhere", 404, NULL);
    assert_has(lead, "No row says anything of this lead");
    assert_has(none, "There is no such page.");
    end(&f);
}

static void
until_all_is_read_and_while_brokers_are_away_it_says_so(void **state)
{
    (void)state;
    fixture f = begin();
    lc_pages_tell_progress(f.pages, 12, 345);
    g_autofree char *reading = page_of(&f, "/", 200, NULL), *why = lc_pages_problem(f.pages);
    assert_has(reading, "12 of 345 records so far: what is shown is not all");
    assert_has(why, "12 of 345");
    lc_pages_tell_fresh(f.pages, f.now);
    g_autofree char *live = page_of(&f, "/", 200, NULL);
    assert_has(live, "Live: it changes as leads do.");
    assert_null(lc_pages_problem(f.pages));
    lc_pages_tell_stale(f.pages, "no broker answers");
    g_autofree char *stale = page_of(&f, "/", 200, NULL);
    assert_has(stale, "stale since 2026-06-15 11:00:00 Europe/Stockholm: no broker answers");
    end(&f);
}

/* ---- The order, and what stands ---- */

static void
what_is_broken_longest_comes_first_and_leads_to_its_owner(void **state)
{
    (void)state;
    fixture f = begin();
    take_broken(&f, 1, "short", "ann", LC_MINUTE);
    take_broken(&f, 2, "long", "bo", LC_HOUR);
    take_broken(&f, 3, "middle", "ann", 2 * LC_MINUTE);
    g_autofree char *page = page_of(&f, "/", 200, NULL);
    assert_in_order(page, ">long</a>", ">middle</a>");
    assert_in_order(page, ">middle</a>", ">short</a>");
    assert_in_order(page, ">ann</a>", ">bo</a>"); /* two of hers */
    assert_has(page, "<a href=\"/leads?broken=any&amp;owner=ann\">2</a>");
    assert_has(page, "The longest has been broken for 1h: lead long.");
    assert_has_not(page, "(UTC)"); /* times are those of the policy */
    g_autofree char *hers = page_of(&f, "/leads", 200, "broken", "any", "owner", "ann", NULL);
    assert_in_order(hers, ">middle</a>", ">short</a>");
    assert_has_not(hers, ">long</a>");
    end(&f);
}

static void
what_is_due_is_counted_by_how_soon(void **state)
{
    (void)state;
    fixture f = begin();
    const lc_duration due[] = {LC_MINUTE, 15 * LC_MINUTE, 59 * LC_MINUTE, 12 * LC_HOUR + 59 * LC_MINUTE, 13 * LC_HOUR};
    for (unsigned i = 0; i < G_N_ELEMENTS(due); i++) { /* the day ends in Stockholm at 22:00 UTC, 13 h from now */
        g_autofree char *lead = g_strdup_printf("lead-%u", i);
        lc_table_row row = open_cycle(&f, i, lead, due[i]);
        take(&f, &row);
    }
    g_autofree char *json = page_of(&f, "/api/", 200, NULL);
    assert_has(json,
               "{\"clock\":\"first_contact\",\"broken\":0,\"within_15m\":1,\"within_1h\":3,\"today\":4,\"later\":1}");
    g_autofree char *soon = page_of(&f, "/leads", 200, "due", "1h", "clock", "first_contact", NULL);
    assert_in_order(soon, ">lead-0</a>", ">lead-2</a>");
    assert_has_not(soon, ">lead-3</a>");
    g_autofree char *later = page_of(&f, "/leads", 200, "due", "later", "clock", "first_contact", NULL);
    assert_has(later, ">lead-4</a>");
    assert_has_not(later, ">lead-3</a>");
    end(&f);
}

static void
a_row_that_is_deleted_or_changed_is_gone_from_where_it_was(void **state)
{
    (void)state;
    fixture f = begin();
    take_broken(&f, 1, "one", "ann", LC_HOUR);
    g_autofree char *before = page_of(&f, "/leads", 200, "broken", "any", NULL);
    assert_has(before, ">one</a>");
    lc_table_row kept = open_cycle(&f, 1, "one", LC_MINUTE);
    take(&f, &kept);
    g_autofree char *kept_page = page_of(&f, "/leads", 200, "broken", "any", NULL),
                    *due = page_of(&f, "/leads", 200, "due", "15m", NULL);
    assert_has_not(kept_page, ">one</a>");
    assert_has(due, ">one</a>");
    kept.deleted = true;
    take(&f, &kept);
    g_autofree char *gone = page_of(&f, "/lead/one", 404, NULL);
    assert_has(gone, "No row says anything");
    end(&f);
}

static void
take_stage(fixture *f, unsigned cycle, const char *stage)
{
    lc_table_row row = {.table = LC_ROW_STAGE,
                        .stage = {.cycle_id = id_of(cycle), .stage = lc_text_of(stage), .reached_at = f->now}};
    take(f, &row);
}

static void
leads_are_asked_for_by_the_stage_they_reached(void **state)
{
    (void)state;
    fixture f = begin();
    take_broken(&f, 1, "one", "ann", LC_HOUR);
    take_broken(&f, 2, "two", "ann", LC_HOUR);
    take_stage(&f, 1, "SQL");
    take_stage(&f, 2, "MQL");
    take_stage(&f, 99, "SQL"); /* of a cycle that is not known */
    g_autofree char *reached = page_of(&f, "/leads", 200, "stage", "SQL", NULL),
                    *nowhere = page_of(&f, "/leads", 200, "stage", "WON", NULL);
    assert_has(reached, ">one</a>");
    assert_has_not(reached, ">two</a>");
    assert_has_not(nowhere, ">one</a>");
    end(&f);
}

/* What is left of a lead is found, whichever of its cycles and of their breaches goes first. */
static void
a_lead_loses_its_cycles_one_by_one(void **state)
{
    static const unsigned orders[][3] = {{1, 2, 3}, {2, 1, 3}, {3, 1, 2}, {1, 3, 2}, {2, 3, 1}, {3, 2, 1}};
    static const char *const owners[] = {"", "amalia", "bertram", "cordula"};
    (void)state;
    for (size_t o = 0; o < G_N_ELEMENTS(orders); o++) {
        fixture f = begin();
        for (unsigned n = 1; n <= 3; n++)
            take_broken(&f, n, "one", owners[n], LC_HOUR);
        for (size_t gone = 0; gone < 3; gone++) {
            lc_table_row row = open_cycle(&f, orders[o][gone], "one", 0);
            row.deleted = true;
            take(&f, &row);
            g_autofree char *page = page_of(&f, "/lead/one", gone < 2 ? 200 : 404, NULL);
            for (size_t i = 0; i < 3; i++)
                if (i <= gone)
                    assert_has_not(page, owners[orders[o][i]]);
                else
                    assert_has(page, owners[orders[o][i]]);
        }
        end(&f);
    }
}

static void
what_was_settled_long_ago_is_forgotten_with_all_that_is_its(void **state)
{
    (void)state;
    fixture f = begin();
    lc_table_row young = settled_cycle(&f, 1, "young", KEEP - LC_DAY, "other"),
                 old = settled_cycle(&f, 2, "old", KEEP + 1, "other");
    lc_table_row breach = {.table = LC_ROW_BREACH,
                           .breach = {.event_id = id_of(7),
                                      .cycle_id = id_of(1),
                                      .clock = LC_TEXT("first_contact"),
                                      .due_at = f.now - KEEP + LC_DAY,
                                      .breached_at = f.now - KEEP + LC_DAY,
                                      .target_ms = LC_HOUR,
                                      .ended_at = LC_ABSENT,
                                      .ended_by = -1,
                                      .late_ms = LC_ABSENT}};
    take(&f, &young);
    take(&f, &breach);
    take(&f, &old);
    g_autofree char *page = page_of(&f, "/lead/young", 200, NULL), *none = page_of(&f, "/lead/old", 404, NULL);
    assert_has(page, "settled: REJECTED");
    assert_has(page, "broken: first_contact");
    assert_has(none, "dashboard.days");
    f.now += 2 * LC_DAY;
    lc_pages_tidy(f.pages, f.now);
    g_autofree char *later = page_of(&f, "/lead/young", 404, NULL);
    assert_has(later, "dashboard.days");
    lc_table_row again = open_cycle(&f, 1, "young", 0); /* a fact that came late has opened it again */
    take(&f, &again);
    g_autofree char *opened = page_of(&f, "/lead/young", 200, NULL);
    assert_has_not(opened, "broken: first_contact");
    end(&f);
}

/* Summer time began in Stockholm on 29 March at 01:00 UTC. */
static void
times_are_told_in_the_zone_that_the_page_names(void **state)
{
    (void)state;
    static const struct {
        const char *handoff, *told;
    } cases[] = {{"2026-03-29T00:59:59Z", "<td class=\"n\">2026-03-29 01:59</td>"},
                 {"2026-03-29T01:00:00Z", "<td class=\"n\">2026-03-29 03:00</td>"},
                 {"2026-03-31T21:59:59Z", "<td class=\"n\">2026-03-31 23:59</td>"},
                 {"2026-03-31T22:00:00Z", "<td class=\"n\">2026-04-01 00:00</td>"},
                 {"2025-12-31T23:00:00Z", "<td class=\"n\">2026-01-01 00:00</td>"}};
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        fixture f = begin();
        lc_table_row row = open_cycle(&f, i, "lead", 0);
        assert_true(lc_instant_parse(cases[i].handoff, &row.cycle.handoff_at));
        take(&f, &row);
        static const char *const pages[] = {"/leads", "/lead/lead"};
        for (unsigned j = 0; j < G_N_ELEMENTS(pages); j++) {
            g_autofree char *page = page_of(&f, pages[j], 200, NULL);
            assert_has(page, cases[i].told + (j ? strlen("<td class=\"n\">") : 0));
            assert_has(page, "Times are those of Europe/Stockholm.");
        }
        g_autofree char *json = page_of(&f, "/api/leads", 200, NULL);
        g_autofree char *in_utc = g_strdup_printf("\"handoff_at\":\"%.19s.000Z\"", cases[i].handoff);
        assert_has(json, in_utc);
        static const char *const named[] = {"/", "/worklist", "/promises", "/channels", "/routes"};
        for (unsigned j = 0; j < G_N_ELEMENTS(named); j++) {
            g_autofree char *page = page_of(&f, named[j], 200, NULL);
            assert_has(page, "Europe/Stockholm");
            assert_has_not(page, "(UTC)");
        }
        end(&f);
    }
}

/* In Stockholm the 15th begins on the 14th at 22:00 UTC. */
static void
promises_are_told_by_the_day_of_the_zone(void **state)
{
    (void)state;
    static const struct {
        const char *handoff;
        lc_first_contact_state contact;
    } cases[] = {{"2026-06-14T22:00:00Z", LC_FIRST_CONTACT_MET},
                 {"2026-06-14T21:59:59.999Z", LC_FIRST_CONTACT_BREACHED},
                 {"2026-06-13T22:00:00Z", LC_FIRST_CONTACT_MET},
                 {"2026-06-08T21:59:59.999Z", LC_FIRST_CONTACT_MET}};
    fixture f = begin();
    for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_table_row row = open_cycle(&f, i, "lead", 0);
        assert_true(lc_instant_parse(cases[i].handoff, &row.cycle.handoff_at));
        row.cycle.first_contact_state = cases[i].contact;
        take(&f, &row);
    }
    g_autofree char *json = page_of(&f, "/api/promises", 200, "days", "7", NULL);
    assert_has(json, "\"by_day\":[{\"day\":\"2026-06-15\",\"kept\":1,\"broken\":0,\"running\":0,\"kept_share\":1},"
                     "{\"day\":\"2026-06-14\",\"kept\":1,\"broken\":1,\"running\":0,\"kept_share\":0.5},");
    assert_has(json, "{\"day\":\"2026-06-09\",\"kept\":0,");
    assert_has_not(json, "2026-06-08\",\"kept\"");
    g_autofree char *page = page_of(&f, "/promises", 200, "days", "7", NULL);
    assert_has(page, "<a href=\"/leads?from=2026-06-13T22%3A00%3A00.000Z&amp;to=2026-06-14T22%3A00%3A00.000Z&amp;"
                     "first_contact=broken\">1</a>");
    assert_has(page, "<a href=\"/promises?days=7\" aria-current=\"true\">7 days</a>");
    g_autofree char *broken = page_of(&f, "/api/leads", 200, "from", "2026-06-13T22:00:00.000Z", "to",
                                      "2026-06-14T22:00:00.000Z", "first_contact", "broken", NULL);
    assert_has(broken, "\"handoff_at\":\"2026-06-14T21:59:59.999Z\"");
    assert_has_not(broken, "\"handoff_at\":\"2026-06-13T22:00:00.000Z\"");
    end(&f);
}

/* ---- One lead ---- */

/* A lead of which nothing was kept any more is handed off as a new one, from cycle 1 on; its rows are there still. */
static void
the_latest_cycle_is_that_of_the_latest_hand_off(void **state)
{
    (void)state;
    for (int order = 0; order < 2; order++) {
        fixture f = begin();
        lc_table_row rows[] = {settled_cycle(&f, 1, "lead", 2 * LC_DAY, "other"), open_cycle(&f, 2, "lead", 0)};
        rows[0].cycle.cycle = 2;
        rows[0].cycle.handoff_at = f.now - 3 * LC_DAY;
        rows[1].cycle.cycle = 1;
        rows[1].cycle.handoff_at = f.now - LC_HOUR;
        take(&f, &rows[order]);
        take(&f, &rows[1 - order]);
        g_autofree char *page = page_of(&f, "/lead/lead", 200, NULL);
        assert_has(page, "2 cycles; the latest is open, with ");
        end(&f);
    }
}

static void
a_lead_is_told_with_who_had_it_and_why_it_was_routed(void **state)
{
    (void)state;
    fixture f = begin();
    lc_explanation explanation[] = {{.rule = LC_TEXT("has_budget"), .is_signal = true, .held = true, .points = 30},
                                    {.rule = LC_TEXT("in_our_country"), .held = false}};
    lc_table_row cycle = settled_cycle(&f, 1, "a/b c", LC_MINUTE, "other");
    lc_table_row tenure = {.table = LC_ROW_TENURE,
                           .tenure = {.cycle_id = id_of(1),
                                      .position = 1,
                                      .lead_id = LC_TEXT("a/b c"),
                                      .owner = LC_TEXT("ann"),
                                      .from_at = f.now - LC_HOUR,
                                      .to_at = f.now - LC_MINUTE}};
    lc_table_row breach = {.table = LC_ROW_BREACH,
                           .breach = {.event_id = id_of(7),
                                      .cycle_id = id_of(1),
                                      .clock = LC_TEXT("first_contact"),
                                      .owner = LC_TEXT("ann"),
                                      .due_at = f.now - 30 * LC_MINUTE,
                                      .breached_at = f.now - 30 * LC_MINUTE,
                                      .target_ms = 5 * LC_MINUTE,
                                      .attempts = 2,
                                      .ended_at = f.now - 20 * LC_MINUTE,
                                      .ended_by = LC_ENDED_BY_CONTACTED,
                                      .late_ms = 10 * LC_MINUTE}};
    lc_table_row route = {.table = LC_ROW_ROUTE,
                          .route = {.event_id = id_of(8),
                                    .cycle_id = id_of(1),
                                    .rule = LC_TEXT("standard"),
                                    .routed_at = f.now - LC_MINUTE,
                                    .routed = {.destination = {.route = LC_ROUTE_NURTURE, .track = LC_TEXT("general")},
                                               .cause = LC_CAUSE_REJECTED,
                                               .has_score = true,
                                               .score = 30,
                                               .explanation = explanation,
                                               .n_explanation = 2}}};
    take(&f, &route); /* before its cycle: topics have no order between them */
    take(&f, &breach);
    take(&f, &tenure);
    lc_pages_tidy(f.pages, f.now);
    take(&f, &cycle);
    g_autofree char *page = page_of(&f, "/lead/a/b c", 200, NULL);
    assert_has(page, "with ann");
    assert_has(page, "not done in time; owner ann; 2 attempts; promised within 5m");
    assert_has(page, "by being contacted, 10m late");
    assert_has(page, "because REJECTED, by rule standard; score 30: has_budget holds, +30; in_our_country is required, "
                     "and not met");
    assert_in_order(page, ">handed off<", ">broken: first_contact<");
    assert_in_order(page, ">broken no longer: first_contact<", ">settled: REJECTED<");
    assert_has(page, "/api/lead/a/b%20c");
    g_autofree char *csv = page_of(&f, "/csv/lead/a/b c", 200, "table", "timeline", NULL);
    assert_true(g_str_has_prefix(csv, "table,at,cycle,what,why"));
    g_autofree char *no_table = page_of(&f, "/csv/lead/a/b c", 404, "table", "none", NULL);
    assert_has(no_table, "no such table");
    end(&f);
}

/* ---- Once for all ---- */

static void
a_page_is_made_once_a_second_however_many_ask(void **state)
{
    (void)state;
    fixture f = begin();
    const lc_page_question now = {.path = "/"}, ann = {.path = "/worklist", .values = {[1] = "ann"}},
                           bo = {.path = "/worklist", .values = {[1] = "bo"}};
    assert_string_equal(lc_page_parameters[1], "owner");
    for (int viewer = 0; viewer < 50; viewer++) {
        g_auto(lc_page) page = {0};
        /* the last one just before the second is over */
        lc_pages_find(f.pages, &now, f.now, 1000 + viewer * (G_USEC_PER_SEC - 1) / 49, &page);
    }
    assert_int_equal(lc_pages_made(f.pages), 1);
    take_broken(&f, 1, "new", "ann", LC_MINUTE);
    for (int i = 0; i < 3; i++) {
        g_auto(lc_page) page = {0}, other = {0}, later = {0};
        lc_pages_find(f.pages, &ann, f.now, 1000, &page);
        lc_pages_find(f.pages, &bo, f.now, 1000, &other);
        lc_pages_find(f.pages, &now, f.now, 1000 + (i + 1) * 600 * (int64_t)G_USEC_PER_SEC, &later);
        assert_non_null(strstr(g_bytes_get_data(later.body, NULL), ">new</a>"));
    }
    assert_int_equal(lc_pages_made(f.pages), 1 + 2 + 3);
    end(&f);
}

/* ---- Who may look ---- */

static void
only_who_is_named_may_look(void **state)
{
    (void)state;
    const char *const users[] = {"ann", "a-long-password-1", "bo", "a-long-password-2", NULL};
    g_autoptr(lc_viewers) viewers = lc_viewers_new(users), all = lc_viewers_new(NULL);
    g_autofree char *good = g_base64_encode((const guchar *)"bo:a-long-password-2", 20);
    g_autofree char *mixed = g_base64_encode((const guchar *)"ann:a-long-password-2", 21);
    g_autofree char *first = g_base64_encode((const guchar *)"ann:a-long-password-1", 21);
    g_autofree char *first_known = g_strconcat("Basic ", first, NULL);
    assert_true(lc_viewers_know(viewers, first_known));
    g_autofree char *known = g_strconcat("basic ", good, NULL), *other = g_strconcat("Basic ", mixed, NULL);
    assert_true(lc_viewers_know(viewers, known));
    assert_false(lc_viewers_know(viewers, other));
    assert_false(lc_viewers_know(viewers, NULL));
    assert_false(lc_viewers_know(viewers, "Basic "));
    assert_false(lc_viewers_know(viewers, good));
    assert_false(lc_viewers_are_all(viewers));
    assert_true(lc_viewers_are_all(all));
}

static void
an_address_that_others_reach_is_refused_without_users(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    const lc_dashboard_options options = {.listen = "*:0"};
    assert_null(lc_dashboard_start(&options, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
    assert_has(error->message, "set dashboard.users, or dashboard.behind_proxy: true");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_tries_to_be_a_script_stays_text_on_every_page),
        cmocka_unit_test(a_page_without_leads_says_so),
        cmocka_unit_test(until_all_is_read_and_while_brokers_are_away_it_says_so),
        cmocka_unit_test(what_is_broken_longest_comes_first_and_leads_to_its_owner),
        cmocka_unit_test(what_is_due_is_counted_by_how_soon),
        cmocka_unit_test(a_row_that_is_deleted_or_changed_is_gone_from_where_it_was),
        cmocka_unit_test(leads_are_asked_for_by_the_stage_they_reached),
        cmocka_unit_test(a_lead_loses_its_cycles_one_by_one),
        cmocka_unit_test(what_was_settled_long_ago_is_forgotten_with_all_that_is_its),
        cmocka_unit_test(times_are_told_in_the_zone_that_the_page_names),
        cmocka_unit_test(promises_are_told_by_the_day_of_the_zone),
        cmocka_unit_test(the_latest_cycle_is_that_of_the_latest_hand_off),
        cmocka_unit_test(a_lead_is_told_with_who_had_it_and_why_it_was_routed),
        cmocka_unit_test(a_page_is_made_once_a_second_however_many_ask),
        cmocka_unit_test(only_who_is_named_may_look),
        cmocka_unit_test(an_address_that_others_reach_is_refused_without_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
