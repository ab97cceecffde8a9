/* What is told of open breaches, and what becomes of a delivery: by an injected clock, without a server. */
#include <leadclock/alert.h>

#include <jansson.h>

#include "asserting.h"

#define NOW 1800000000000

static const char *const usual[] = {"policy", "rule", "clock", "channel", "severity", NULL};

static lc_breach_row
breach(unsigned number, const char *lead, lc_duration ago)
{
    lc_breach_row row = {.lead_id = lc_text_of(lead),
                         .cycle = 1,
                         .policy = LC_TEXT("p"),
                         .rule = LC_TEXT("hot"),
                         .channel = LC_TEXT("demo"),
                         .owner = LC_TEXT("ann"),
                         .clock = LC_TEXT("first_contact"),
                         .due_at = NOW - ago,
                         .breached_at = NOW - ago,
                         .target_ms = 1,
                         .ended_at = LC_ABSENT,
                         .ended_by = -1,
                         .late_ms = LC_ABSENT};
    memcpy(row.event_id.bytes, &number, sizeof number);
    return row;
}

static void
take(lc_breaches *breaches, lc_breach_row row)
{
    lc_breaches_take(breaches, &row);
}

static void
end(lc_breaches *breaches, lc_breach_row row)
{
    row.ended_at = NOW;
    lc_breaches_take(breaches, &row);
}

static lc_alerts_options
options_of(const char *const *group_by)
{
    return (lc_alerts_options){.group_by = group_by, .max_alerts = 500, .every = 30 * LC_SECOND};
}

/* The alerts as JSON; caller frees with json_decref. */
static json_t *
told(lc_alerts *alerts, lc_breaches *breaches, lc_instant now)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_alerts_write(alerts, breaches, now, json);
    json_t *list = json_loadb(json->str, json->len, 0, NULL);
    assert_non_null(list);
    return list;
}

static const char *
said(json_t *list, size_t i, const char *member, const char *name)
{
    json_t *of = json_object_get(json_array_get(list, i), member);
    return json_string_value(name ? json_object_get(of, name) : of);
}

static void
breaches_of_the_same_labels_are_one_alert(void **state)
{
    (void)state;
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(usual);
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    lc_breach_row nobody = breach(2, "two", 2 * LC_HOUR), other = breach(3, "three", LC_HOUR);
    nobody.owner = LC_NO_TEXT;
    other.level = 1;
    take(breaches, breach(1, "one", LC_MINUTE));
    take(breaches, nobody);
    take(breaches, other);
    json_t *list = told(alerts, breaches, NOW);
    assert_int_equal(json_array_size(list), 2);
    assert_int_equal(lc_alerts_open(alerts), 2);
    assert_string_equal(said(list, 0, "labels", "alertname"), "LeadSlaBreached");
    assert_string_equal(said(list, 0, "labels", "severity"), "warning");
    assert_string_equal(said(list, 0, "labels", "clock"), "first_contact");
    assert_null(said(list, 0, "labels", "owner"));
    assert_string_equal(said(list, 0, "annotations", "leads"), "2");
    assert_string_equal(said(list, 0, "annotations", "owners"), "ann 1, nobody 1");
    assert_string_equal(said(list, 0, "annotations", "longest"),
                        "two (nobody, due 2027-01-15T06:00:00.000Z), one (ann, due 2027-01-15T07:59:00.000Z)");
    assert_string_equal(said(list, 0, "startsAt", NULL), "2027-01-15T06:00:00.000Z");
    assert_string_equal(said(list, 0, "endsAt", NULL), "2027-01-15T08:02:00.000Z");
    assert_string_equal(said(list, 1, "labels", "severity"), "critical");
    json_decref(list);
}

/* Labels that are not JSON by themselves, an empty one, more of them, a link. */
static void
labels_are_as_configured(void **state)
{
    (void)state;
    static const char *const group_by[] = {"owner", "kind", "due_at", "channel", NULL};
    static const char *const more[] = {"team", "in\"side", NULL};
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(group_by);
    options.labels = more;
    options.dashboard_url = "http://dashboard/";
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    lc_breach_row row = breach(1, "one", LC_MINUTE);
    row.channel = LC_TEXT("");
    row.owner = LC_TEXT("a\"\\b");
    take(breaches, row);
    json_t *list = told(alerts, breaches, NOW);
    assert_string_equal(said(list, 0, "labels", "owner"), "a\"\\b");
    assert_string_equal(said(list, 0, "labels", "kind"), "LATE");
    assert_string_equal(said(list, 0, "labels", "due_at"), "2027-01-15T07:59:00.000Z");
    assert_string_equal(said(list, 0, "labels", "team"), "in\"side");
    assert_null(said(list, 0, "labels", "channel"));
    assert_null(said(list, 0, "labels", "severity"));
    assert_string_equal(said(list, 0, "annotations", "dashboard"), "http://dashboard/");
    assert_string_equal(said(list, 0, "generatorURL", NULL), "http://dashboard/");
    json_decref(list);
}

/* A restatement changes what is said, never which alert it is. */
static void
a_restatement_changes_annotations_only(void **state)
{
    (void)state;
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(usual);
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    lc_breach_row row = breach(1, "one", LC_MINUTE);
    take(breaches, row);
    json_decref(told(alerts, breaches, NOW));
    row.owner = LC_TEXT("bo");
    row.due_at -= LC_MINUTE;
    take(breaches, row);
    json_t *list = told(alerts, breaches, NOW + LC_SECOND);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(said(list, 0, "annotations", "owners"), "bo 1");
    json_decref(list);
}

static void
an_end_is_told_for_fifteen_minutes(void **state)
{
    (void)state;
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(usual);
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    lc_breach_row row = breach(1, "one", LC_MINUTE);
    const lc_instant ended = NOW + LC_MINUTE;
    take(breaches, row);
    json_decref(told(alerts, breaches, NOW));
    end(breaches, row);
    for (lc_duration after = 0; after <= LC_ALERT_RESOLVED_FOR; after += LC_MINUTE) {
        json_t *list = told(alerts, breaches, ended + after);
        assert_int_equal(json_array_size(list), 1);
        assert_string_equal(said(list, 0, "endsAt", NULL), "2027-01-15T08:01:00.000Z");
        assert_int_equal(lc_alerts_open(alerts), 0);
        json_decref(list);
    }
    json_t *list = told(alerts, breaches, ended + LC_ALERT_RESOLVED_FOR + 1);
    assert_int_equal(json_array_size(list), 0);
    json_decref(list);
}

static void
what_opens_again_is_not_told_to_have_ended(void **state)
{
    (void)state;
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(usual);
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    lc_breach_row row = breach(1, "one", LC_MINUTE);
    take(breaches, row);
    json_decref(told(alerts, breaches, NOW));
    lc_breaches_drop(breaches, &row.event_id);
    json_decref(told(alerts, breaches, NOW + LC_SECOND));
    take(breaches, breach(2, "two", LC_MINUTE));
    json_t *list = told(alerts, breaches, NOW + 2 * LC_SECOND);
    assert_int_equal(json_array_size(list), 1);
    assert_string_equal(said(list, 0, "endsAt", NULL), "2027-01-15T08:02:02.000Z");
    json_decref(list);
}

static void
alerts_of_leads_are_bounded(void **state)
{
    (void)state;
    static const char *const group_by[] = {"lead_id", "severity", NULL};
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(group_by);
    options.max_alerts = 3;
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    for (unsigned i = 0; i < 10; i++) {
        g_autofree char *lead = g_strdup_printf("lead-%u", i);
        lc_breach_row row = breach(i, lead, i * LC_MINUTE);
        row.level = i == 0;
        take(breaches, row);
    }
    json_t *list = told(alerts, breaches, NOW);
    assert_int_equal(json_array_size(list), 4);
    assert_string_equal(said(list, 0, "labels", "lead_id"), "lead-9");
    assert_string_equal(said(list, 2, "labels", "lead_id"), "lead-7");
    assert_string_equal(said(list, 3, "labels", "lead_id"), "(more)");
    assert_string_equal(said(list, 3, "labels", "severity"), "critical");
    assert_string_equal(said(list, 3, "annotations", "leads"), "7");
    assert_string_equal(said(list, 3, "annotations", "summary"),
                        "7 more alerts like these, of 7 leads, since 2027-01-15T07:54:00.000Z");
    json_decref(list);
    end(breaches, breach(9, "lead-9", 9 * LC_MINUTE));
    list = told(alerts, breaches, NOW);
    assert_string_equal(said(list, 2, "labels", "lead_id"), "lead-6");
    assert_string_equal(said(list, 3, "annotations", "leads"), "6");
    assert_string_equal(said(list, 4, "labels", "lead_id"), "lead-9");
    assert_string_equal(said(list, 4, "endsAt", NULL), "2027-01-15T08:00:00.000Z");
    json_decref(list);
}

/* What is told of ends is bounded as well: the others end by themselves. */
static void
ends_are_bounded(void **state)
{
    (void)state;
    static const char *const group_by[] = {"lead_id", NULL};
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_alerts_options options = options_of(group_by);
    options.max_alerts = 2;
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    for (unsigned i = 0; i < 20; i++) {
        g_autofree char *lead = g_strdup_printf("lead-%u", i);
        take(breaches, breach(i, lead, LC_HOUR));
        json_t *list = told(alerts, breaches, NOW + i);
        assert_int_equal(json_array_size(list), 1 + MIN(i, 3));
        json_decref(list);
        end(breaches, breach(i, lead, LC_HOUR));
    }
}

static void
early_breaches_show_for_an_hour(void **state)
{
    (void)state;
    g_autoptr(lc_breaches) breaches = lc_breaches_new();
    lc_breach_row row = breach(1, "one", 0);
    row.early = true;
    row.due_at = NOW + LC_HOUR;
    take(breaches, row);
    lc_alerts_options options = options_of(usual);
    g_autoptr(lc_alerts) alerts = lc_alerts_new(&options);
    json_t *list = told(alerts, breaches, NOW + LC_HOUR - 1);
    assert_string_equal(said(list, 0, "startsAt", NULL), "2027-01-15T08:00:00.000Z");
    json_decref(list);
    assert_int_equal(lc_breaches_count(breaches, NOW + LC_HOUR - 1), 1);
    assert_int_equal(lc_breaches_count(breaches, NOW + LC_HOUR), 0);
    take(breaches, row);
    assert_int_equal(lc_breaches_count(breaches, NOW + LC_DAY), 0);
}

static void
answers_are_judged_by_status(void **state)
{
    (void)state;
    static const struct {
        lc_http_result result;
        int status;
        lc_delivery delivery;
    } cases[] = {
        {LC_HTTP_ANSWERED, 200, LC_DELIVERY_DONE},    {LC_HTTP_ANSWERED, 204, LC_DELIVERY_DONE},
        {LC_HTTP_TOO_LONG, 200, LC_DELIVERY_DONE},    {LC_HTTP_ANSWERED, 299, LC_DELIVERY_DONE},
        {LC_HTTP_ANSWERED, 302, LC_DELIVERY_REFUSED}, {LC_HTTP_ANSWERED, 400, LC_DELIVERY_REFUSED},
        {LC_HTTP_ANSWERED, 404, LC_DELIVERY_REFUSED}, {LC_HTTP_ANSWERED, 408, LC_DELIVERY_AGAIN},
        {LC_HTTP_ANSWERED, 410, LC_DELIVERY_GONE},    {LC_HTTP_ANSWERED, 429, LC_DELIVERY_AGAIN},
        {LC_HTTP_ANSWERED, 500, LC_DELIVERY_AGAIN},   {LC_HTTP_ANSWERED, 503, LC_DELIVERY_AGAIN},
        {LC_HTTP_FAILED, 200, LC_DELIVERY_AGAIN},     {LC_HTTP_FAILED, 0, LC_DELIVERY_AGAIN},
        {LC_HTTP_TIMED_OUT, 0, LC_DELIVERY_AGAIN},    {LC_HTTP_TIMED_OUT, 404, LC_DELIVERY_AGAIN},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(lc_delivery_judge(cases[i].result, cases[i].status), cases[i].delivery);
}

static void
tries_become_rarer(void **state)
{
    (void)state;
    static const struct {
        unsigned failures;
        lc_duration retry_after;
        double random;
        lc_duration delay;
    } cases[] = {
        {1, 0, 0, LC_SECOND},         {1, 0, 0.5, 750},
        {2, 0, 0, 2 * LC_SECOND},     {6, 0, 0, 32 * LC_SECOND},
        {7, 0, 0, LC_MINUTE},         {1000000, 0, 0, LC_MINUTE},
        {1000000, 0, 0.999, 30030},   {1, 7 * LC_SECOND, 0.5, 7 * LC_SECOND},
        {7, LC_SECOND, 0, LC_MINUTE}, {1, 10 * LC_DAY, 0, LC_DAY},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        assert_int_equal(lc_delivery_delay(cases[i].failures, cases[i].retry_after, cases[i].random), cases[i].delay);
}

static void
a_retraction_is_wanted_by_whom_wants_what_it_retracts(void **state)
{
    (void)state;
    static const char *const breaches[] = {"SlaBreached", NULL}, *const all[] = {NULL};
    lc_outcome_event breached = {.type = "SlaBreached"}, ended = {.type = "SlaBreachEnded"},
                     retracted = {.type = "Retracted", .retracted_type = "SlaBreached"},
                     other = {.type = "Retracted", .retracted_type = "LeadRouted"};
    assert_true(lc_outcome_event_is_wanted(&breached, breaches));
    assert_false(lc_outcome_event_is_wanted(&ended, breaches));
    assert_true(lc_outcome_event_is_wanted(&retracted, breaches));
    assert_false(lc_outcome_event_is_wanted(&other, breaches));
    assert_true(lc_outcome_event_is_wanted(&other, all));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(breaches_of_the_same_labels_are_one_alert),
        cmocka_unit_test(labels_are_as_configured),
        cmocka_unit_test(a_restatement_changes_annotations_only),
        cmocka_unit_test(an_end_is_told_for_fifteen_minutes),
        cmocka_unit_test(what_opens_again_is_not_told_to_have_ended),
        cmocka_unit_test(alerts_of_leads_are_bounded),
        cmocka_unit_test(ends_are_bounded),
        cmocka_unit_test(early_breaches_show_for_an_hour),
        cmocka_unit_test(answers_are_judged_by_status),
        cmocka_unit_test(tries_become_rarer),
        cmocka_unit_test(a_retraction_is_wanted_by_whom_wants_what_it_retracts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
