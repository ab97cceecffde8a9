/* JSON Lines (section 9): facts in, outcomes and counters out. */
#include <leadclock/calendar.h>
#include <leadclock/codec.h>

#include "asserting.h"

typedef struct {
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at;
} read_fact;

static bool
read_line(const char *line, size_t size, lc_arena *arena, read_fact *read, GError **error)
{
    return lc_json_read_fact(line, size, arena, &read->fact, &read->lead_id, &read->arrived_at, error);
}

#define HEAD "\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":\"2026-02-02T09:00:00Z\""
#define NINE ((lc_instant)1770022800000)

static void
every_field_of_a_hand_off_is_read(void **state)
{
    (void)state;
    static const char line[] =
        " {\"type\":\"LeadCreated\"," HEAD
        ",\"recorded_at\":1770022800001,\"arrived_at\":\"2026-02-02T10:00:00+01:00\","
        "\"channel\":\"demo\",\"campaign\":\"spring\",\"owner\":\"ann\",\"follow_up_at\":\"2026-02-02T09:00:00.0019Z\","
        "\"attributes\":{\"a\":\"1\",\"b\":\"2\",\"a\":\"3\"},\"unknown\":[1,{\"x\":[null,true,-1.5e3]}]} \r\n";
    lc_arena arena = {0};
    read_fact read;
    assert_true(read_line(line, sizeof line - 1, &arena, &read, NULL));
    assert_int_equal(read.fact.type, LC_FACT_CREATED);
    assert_text(read.lead_id, "7");
    assert_text(read.fact.event_id, "e");
    assert_int_equal(read.fact.occurred_at, NINE);
    assert_int_equal(read.fact.recorded_at, NINE + 1);
    assert_int_equal(read.arrived_at, NINE);
    assert_int_equal(read.fact.follow_up_at, NINE + 1);
    assert_text(read.fact.channel, "demo");
    assert_text(read.fact.campaign, "spring");
    assert_text(read.fact.owner, "ann");
    assert_int_equal(read.fact.n_attributes, 2);
    assert_text(read.fact.attributes[0].key, "a");
    assert_text(read.fact.attributes[0].value, "3");
    assert_text(read.fact.attributes[1].value, "2");
    lc_arena_clear(&arena);
}

static void
what_is_not_given_is_absent(void **state)
{
    (void)state;
    static const char line[] = "{\"type\":\"LeadContacted\"," HEAD ",\"method\":\"CALL\",\"owner\":null,\"channel\":5}";
    lc_arena arena = {0};
    read_fact read;
    assert_true(read_line(line, sizeof line - 1, &arena, &read, NULL));
    assert_text(read.fact.owner, NULL);
    assert_text(read.fact.channel, NULL);
    assert_false(read.fact.automated);
    assert_false(read.fact.connected);
    assert_true(read.fact.recorded_at == LC_ABSENT && read.fact.follow_up_at == LC_ABSENT);
    assert_true(read.arrived_at == LC_ABSENT);
    lc_arena_clear(&arena);
}

static void
escapes_stand_for_what_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"a\\\"b\\\\c\\/d", "a\"b\\c/d"},
        {"\\b\\f\\n\\r\\t", "\b\f\n\r\t"},
        {"\\u0041\\u00e9\\u20AC", "A\xc3\xa9\xe2\x82\xac"},
        {"\\ud83d\\ude00!", "\xf0\x9f\x98\x80!"},
        {"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line =
            g_strdup_printf("{\"type\":\"LeadProgressed\"," HEAD ",\"stage\":\"%s\"}", cases[i].json);
        lc_arena arena = {0};
        read_fact read;
        assert_true(read_line(line, strlen(line), &arena, &read, NULL));
        assert_text(read.fact.text, cases[i].text);
        lc_arena_clear(&arena);
    }
}

static void
what_is_no_fact_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"", "expected an object"},
        {"[]", "expected an object"},
        {"{", "expected a string"},
        {"{} x", "something follows"},
        {"{}", "type: missing"},
        {"{\"type\":5," HEAD "}", "type: 5, but it must be a string"},
        {"{\"type\":\"LeadLost\"," HEAD "}", "type: \"LeadLost\" is no fact"},
        {"{\"type\":\"LeadErased\\u0000x\"," HEAD "}", "type: \"LeadErased"},
        {"{\"type\":\"LeadErased\"}", "lead_id is missing"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"occurred_at\":1}", "event_id is missing"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\"}", "occurred_at is missing"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":\"noon\"}", "is no time"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":\"2026-02-02T09:00:00\"}",
         "the zone as Z or an offset"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":1.5}",
         "occurred_at: 1.5, but it must be a time"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":1.7700228e12}",
         "occurred_at: 1.7700228e12, but it must be a time"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":\"1770022800000\"}",
         "\"1770022800000\" is no time; write it as \"2026-02-02T09:00:00Z\""},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":\"2026-01-05 09:00:00 UTC\"}",
         "\"2026-01-05 09:00:00 UTC\" is no time; write it as"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":1770022800}",
         "looks like seconds"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":9223372036854775808}",
         "occurred_at: 9223372036854775808, but"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":-9223372036854775809}",
         "occurred_at: -9223372036854775809, but"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred_at\":99999999999999999999}",
         "occurred_at: 99999999999999999999, but it must be a time"},
        {"{\"type\":\"LeadErased\"," HEAD ",\"lead_id\":\"a\\u0000b\"}", "lead_id has a NUL"},
        {"{\"type\":\"LeadErased\"," HEAD ",\"arrived_at\":-1}", "arrived_at is -1 ("},
        {"{\"type\":\"LeadCreated\"," HEAD "}", "channel is missing"},
        {"{\"type\":\"LeadCreated\"," HEAD ",\"channel\":\"a\",\"attributes\":[]}", "attributes: a list"},
        {"{\"type\":\"LeadCreated\"," HEAD ",\"channel\":\"a\",\"attributes\":{\"n\":{}}}", "value of \"n\" must be"},
        {"{\"type\":\"LeadCreated\"," HEAD ",\"channel\":\"a\",\"attributes\":{\"n\":[1]}}", "value of \"n\" must be"},
        {"{\"type\":\"LeadContacted\"," HEAD ",\"method\":5}", "method: 5, but it must be a string"},
        {"{\"type\":\"LeadMerged\"," HEAD "}", "into is missing"},
        {"{\"type\":\"LeadPaused\"," HEAD ",\"until\":\"later\"}", "until: \"later\" is no time"},
        {"{\"type\":\"LeadContacted\"," HEAD ",\"automated\":\"yes\"}", "automated: a string"},
        {"{\"type\":\"LeadProgressed\"," HEAD "}", "stage is missing"},
        {"{\"type\":\"LeadRejected\"," HEAD "}", "reason is missing"},
        {"{\"type\":\"LeadAssigned\"," HEAD "}", "owner is missing"},
        {"{\"type\":\"LeadErased\",}", "expected a string"},
        {"{\"type\" \"LeadErased\"}", "expected :"},
        {"{\"type\":\"LeadErased}", "closing quote"},
        {"{\"type\":\"\\x\"}", "unknown escape"},
        {"{\"type\":\"\\ud83d\"}", "surrogate"},
        {"{\"type\":\"\\u12g4\"}", "hexadecimal"},
        {"{\"type\":\"\xff\"}", "UTF-8"},
        {"{\"type\":01}", "expected a value"},
        {"{\"type\":-}", "expected a value"},
        {"{\"type\":1.}", "decimal point"},
        {"{\"type\":1e}", "exponent"},
        {"{\"type\":nul}", "expected a value"},
        {"{\"x\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", "nested"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_arena arena = {0};
        read_fact read;
        g_autoptr(GError) error = NULL;
        if (read_line(cases[i].line, strlen(cases[i].line), &arena, &read, &error))
            fail_msg("taken as a fact: %s", cases[i].line);
        assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
        if (strstr(error->message, cases[i].message) == NULL)
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].line, error->message, cases[i].message);
        lc_arena_clear(&arena);
    }
}

static void
a_field_that_is_missing_under_its_name_is_found_under_another(void **state)
{
    (void)state;
    static const struct {
        const char *line, *message;
    } cases[] = {
        {"{\"type\":\"LeadErased\",\"leadId\":\"7\"}", "lead_id is missing; did you mean it by \"leadId\"?"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"Event-ID\":\"e\"}",
         "event_id is missing; did you mean it by \"Event-ID\"?"},
        {"{\"occured_at\":1,\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"occurred\":2}",
         "occurred_at is missing; did you mean it by \"occured_at\"?"},
        {"{\"Type\":\"LeadErased\"}", "type: missing; did you mean it by \"Type\"?"},
        {"{\"type\":\"LeadProgressed\"," HEAD ",\"stages\":\"SAL\"}",
         "stage is missing; did you mean it by \"stages\"?"},
        {"{\"type\":\"LeadCreated\"," HEAD ",\"chanel\":\"ads\"}",
         "channel is missing; did you mean it by \"chanel\"?"},
        /* What means something else, is a field of its own, lies deeper, or is there. */
        {"{\"type\":\"LeadErased\",\"deal_id\":\"7\",\"lead\":\"x\"}", "lead_id is missing"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"agent_id\":\"e\"}", "event_id is missing"},
        {"{\"type\":\"LeadMerged\"," HEAD ",\"info\":\"7\"}", "into is missing"},
        {"{\"type\":\"LeadAssigned\"," HEAD ",\"old_owner\":\"bo\"}", "owner is missing"},
        {"{\"type\":\"LeadErased\",\"lead_id\":\"7\",\"event_id\":\"e\",\"recorded_at\":1}", "occurred_at is missing"},
        {"{\"type\":\"LeadErased\",\"x\":{\"leadId\":\"7\"}}", "lead_id is missing"},
        {"{\"type\":\"LeadErased\",\"lead_\\u001bid\":\"7\"}", "lead_id is missing"}, /* it would be shown */
        {"{\"type\":\"LeadErased\",\"leadId\":\"7\",\"lead_id\":null}", "lead_id is missing"},
        {"{\"type\":\"LeadErased\",\"leadId\":\"7\",\"lead_id\":\"\"}", "lead_id is empty"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_arena arena = {0};
        read_fact read;
        lc_json_fact fact;
        lc_json_problem problem;
        g_autoptr(GError) error = NULL, again = NULL;
        assert_false(read_line(cases[i].line, strlen(cases[i].line), &arena, &read, &error));
        assert_string_equal(error->message, cases[i].message);
        assert_false(lc_json_read(cases[i].line, strlen(cases[i].line), NULL, &arena, &fact, &problem, &again));
        assert_string_equal(again->message, cases[i].message);
        lc_arena_clear(&arena);
    }
}

/* ---- CloudEvents, and what stands in ---- */

#define EVENT "\"specversion\":\"1.0\",\"source\":\"/crm\","
#define ATTRIBUTES                                                                                                     \
    "\"type\":\"leadclock.LeadProgressed\",\"id\":\"i\",\"time\":\"2026-02-02T10:00:00+01:00\",\"subject\":\"7\""
#define DATA                                                                                                           \
    "\"data\":{\"stage\":\"S\\\\QL\",\"attributes\":{\"a\":{}},\"specversion\":\"x\",\"arrived_at\":1770022800005}"

static const lc_stand_ins headers = {LC_TEXT("LeadProgressed"), LC_TEXT("i"), LC_TEXT("2026-02-02T09:00:00Z"),
                                     LC_TEXT("7")};
static const lc_stand_ins others = {LC_TEXT("LeadErased"), LC_TEXT("o"), LC_TEXT("2026-02-03T09:00:00Z"), LC_TEXT("8")};

static void
a_fact_is_read_from_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const lc_stand_ins *stand_ins;
    } cases[] = {
        {"{" EVENT ATTRIBUTES "," DATA "}", NULL},
        {"{" DATA "," ATTRIBUTES "," EVENT "\"x\":1}", NULL},
        {"{" EVENT ATTRIBUTES "," DATA ",\"data_base64\":null}", &others},
        {"{" EVENT "\"id\":null," DATA "}", &headers},
        {" \r\n{\"stage\":\"S\\\\QL\",\"arrived_at\":1770022800005}", &headers},
        {"{\"stage\":\"S\\\\QL\",\"arrived_at\":1770022800005,\"id\":\"x\",\"time\":1,\"subject\":[],\"data\":2}",
         &headers},
        {"{\"type\":\"leadclock.LeadProgressed\",\"lead_id\":\"7\",\"event_id\":\"i\",\"occurred_at\":1770022800000,"
         "\"stage\":\"S\\\\QL\",\"arrived_at\":1770022800005}",
         &others},
        {"{" EVENT
         "\"type\":\"org.crm.lead\",\"id\":\"o\",\"time\":\"2026-02-03T09:00:00Z\",\"subject\":\"8\",\"data\":"
         "{\"type\":\"LeadProgressed\",\"lead_id\":\"7\",\"event_id\":\"i\",\"occurred_at\":1770022800000,"
         "\"stage\":\"S\\\\QL\",\"arrived_at\":1770022800005}}",
         NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_arena arena = {0};
        lc_json_fact read;
        lc_json_problem problem;
        g_autoptr(GError) error = NULL;
        if (!lc_json_read(cases[i].text, strlen(cases[i].text), cases[i].stand_ins, &arena, &read, &problem, &error))
            fail_msg("%s: %s", cases[i].text, error->message);
        assert_int_equal(read.fact.type, LC_FACT_PROGRESSED);
        assert_text(read.fact.text, "S\\QL");
        assert_text(read.lead_id, "7");
        assert_text(read.fact.event_id, "i");
        assert_true(read.fact.occurred_at == NINE && read.arrived_at == NINE + 5);
        lc_arena_clear(&arena);
    }
}

static void
what_is_wrong_is_told_with_its_field(void **state)
{
    (void)state;
    static const lc_stand_ins wrong_type = {.type = LC_TEXT("com.crm.Lead")},
                              wrong_time = {LC_TEXT("LeadErased"), LC_TEXT("i"), LC_TEXT("noon"), LC_TEXT("7")},
                              no_lead = {LC_TEXT("LeadErased"), LC_TEXT("i"), LC_TEXT("2026-02-02T09:00:00Z"),
                                         LC_NO_TEXT},
                              no_utf8 = {LC_TEXT("LeadErased"), LC_TEXT("\xff"), LC_TEXT("2026-02-02T09:00:00Z"),
                                         LC_TEXT("7")};
    static const struct {
        const char *text;
        const lc_stand_ins *stand_ins;
        lc_json_fault fault;
        const char *field, *message;
    } cases[] = {
        {"what is this", NULL, LC_JSON_NO_JSON, NULL, "column 1: not JSON"},
        {"{\"a\":\"\\n\",\n\n  \"b\" 1}", NULL, LC_JSON_NO_JSON, NULL, "line 3, column 7: not JSON: expected :"},
        {"{}", NULL, LC_JSON_NO_TYPE, "type", "type: missing"},
        {"{}", &wrong_type, LC_JSON_NO_TYPE, "ce_type", "ce_type: \"com.crm.Lead\" is no fact"},
        {"{}", &wrong_time, LC_JSON_NO_FACT, "ce_time", "ce_time: \"noon\" is no time"},
        {"{}", &no_lead, LC_JSON_NO_FACT, "lead_id", "lead_id is missing"},
        {"{}", &no_utf8, LC_JSON_NO_FACT, "event_id", "event_id is not UTF-8"},
        {"{\"type\":\"LeadCreated\"," HEAD ",\"channel\":[]}", NULL, LC_JSON_NO_FACT, "channel",
         "channel: a list, but"},
        {"{\"type\":\"LeadCreated\"," HEAD "}", NULL, LC_JSON_NO_FACT, "channel", "channel is missing"},
        {"{\"type\":\"LeadCreated\"," HEAD ",\"channel\":\"c\",\"attributes\":{\"a\":[]}}", NULL, LC_JSON_NO_FACT,
         "attributes", "attributes: the value of \"a\""},
        {"{\"type\":\"LeadErased\"," HEAD ",\"arrived_at\":5}", NULL, LC_JSON_NO_FACT, "arrived_at", "arrived_at is 5"},
        {"{\"specversion\":\"0.3\"," ATTRIBUTES "," DATA "}", NULL, LC_JSON_NO_FACT, "specversion",
         "specversion: \"0.3\", but CloudEvents of version \"1.0\" are read"},
        {"{\"specversion\":1.0," ATTRIBUTES "," DATA "}", NULL, LC_JSON_NO_FACT, "specversion",
         "specversion: 1.0, but"},
        {"{" EVENT ATTRIBUTES "}", NULL, LC_JSON_NO_FACT, "data", "data: missing"},
        {"{" EVENT ATTRIBUTES ",\"data\":null}", NULL, LC_JSON_NO_FACT, "data", "data: missing"},
        {"{" EVENT ATTRIBUTES ",\"data\":\"{}\"}", NULL, LC_JSON_NO_FACT, "data",
         "data: a string, but it must be an object"},
        {"{" EVENT ATTRIBUTES ",\"data_base64\":\"e30=\"}", NULL, LC_JSON_NO_FACT, "data_base64",
         "data_base64: a fact in base64"},
        {"{" EVENT "\"type\":\"leadclock.SlaBreached\"," DATA "}", NULL, LC_JSON_NO_TYPE, "type",
         "type: \"leadclock.SlaBreached\" is no fact"},
        {"{" EVENT "\"type\":\"LeadErased\",\"id\":\"i\",\"time\":\"noon\",\"subject\":\"7\",\"data\":{}}", NULL,
         LC_JSON_NO_FACT, "time", "time: \"noon\" is no time"},
        {"{" EVENT "\"type\":\"LeadErased\",\"id\":5,\"data\":{}}", NULL, LC_JSON_NO_FACT, "id",
         "id: 5, but it must be a string"},
        {"{" EVENT ATTRIBUTES ",\"data\":{}}", NULL, LC_JSON_NO_FACT, "stage", "stage is missing"},
        {"{" EVENT ATTRIBUTES ",\"data\":{\"occurred_at\":\"noon\"}}", NULL, LC_JSON_NO_FACT, "occurred_at",
         "occurred_at: \"noon\""},
        {"{" EVENT ATTRIBUTES ",\"data\":{" EVENT ATTRIBUTES "," DATA "}}", NULL, LC_JSON_NO_FACT, "stage",
         "stage is missing"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_arena arena = {0};
        lc_json_fact read;
        lc_json_problem problem;
        g_autoptr(GError) error = NULL;
        if (lc_json_read(cases[i].text, strlen(cases[i].text), cases[i].stand_ins, &arena, &read, &problem, &error))
            fail_msg("taken as a fact: %s", cases[i].text);
        assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
        if (problem.fault != cases[i].fault || g_strcmp0(problem.field, cases[i].field) != 0 ||
            !g_str_has_prefix(error->message, cases[i].message))
            fail_msg("%s: \"%s\" about %s, fault %d", cases[i].text, error->message,
                     problem.field ? problem.field : "all", (int)problem.fault);
        lc_arena_clear(&arena);
    }
}

static void
an_object_is_shown_as_one_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *line; /* line NULL: it is none */
    } cases[] = {
        {" { \"a b\" :\r\n [ 1.50 , \"\\\" \\\\\" , null ] , \"c\":{ } }\n",
         "{\"a b\":[1.50,\"\\\" \\\\\",null],\"c\":{}}"},
        {"{}", "{}"},
        {"[]", NULL},
        {"{} {}", NULL},
        {"{\"a\": }", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) line = g_string_new("");
        g_autoptr(GError) error = NULL;
        assert_int_equal(lc_json_compact(line, cases[i].text, strlen(cases[i].text), &error), cases[i].line != NULL);
        assert_string_equal(line->str, cases[i].line ? cases[i].line : "");
        assert_true(cases[i].line || g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
    }
}

/* Rule 1.8. */
static void
attributes_are_taken_as_they_are_written(void **state)
{
    (void)state;
    static const struct {
        const char *json, *key, *value; /* value NULL: absent */
    } cases[] = {
        {"{\"a\":\"x\"}", "a", "x"},
        {"{\"a\":250}", "a", "250"},
        {"{\"a\": -1.50e+3 }", "a", "-1.50e+3"},
        {"{\"a\":123456789012345678901234567890}", "a", "123456789012345678901234567890"},
        {"{\"a\":true,\"b\":false}", "b", "false"},
        {"{\"a\":null}", "a", NULL},
        {"{\"a\":\"x\",\"b\":\"y\",\"a\":null}", "a", NULL},
        {"{\"a\":\"x\",\"b\":\"y\",\"a\":null}", "b", "y"},
        {"{\"a\":null,\"a\":1}", "a", "1"},
        {"{\"a\":1,\"a\":2}", "a", "2"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line =
            g_strdup_printf("{\"type\":\"LeadCreated\"," HEAD ",\"channel\":\"c\",\"attributes\":%s}", cases[i].json);
        lc_arena arena = {0};
        read_fact read;
        lc_text value = LC_NO_TEXT;
        assert_true(read_line(line, strlen(line), &arena, &read, NULL));
        for (size_t j = 0; j < read.fact.n_attributes; j++)
            if (lc_text_equal(read.fact.attributes[j].key, lc_text_of(cases[i].key)))
                value = read.fact.attributes[j].value;
        assert_text(value, cases[i].value);
        lc_arena_clear(&arena);
    }
}

static void
an_unknown_method_or_outcome_is_the_default(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        lc_method method;
        bool connected;
    } cases[] = {
        {"\"method\":\"FAX\"", LC_METHOD_OTHER, false},
        {"\"method\":\"CALL\\u0000EMAIL\"", LC_METHOD_OTHER, false},
        {"\"method\":\"call\",\"outcome\":\"NO\"", LC_METHOD_OTHER, false},
        {"\"method\":\"CALL\",\"outcome\":\"CONNECTED\"", LC_METHOD_CALL, true},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = g_strdup_printf("{\"type\":\"LeadContacted\"," HEAD ",%s}", cases[i].json);
        lc_arena arena = {0};
        read_fact read;
        assert_true(read_line(line, strlen(line), &arena, &read, NULL));
        assert_int_equal(read.fact.method, cases[i].method);
        assert_int_equal(read.fact.connected, cases[i].connected);
        lc_arena_clear(&arena);
    }
}

static void
a_nul_in_a_line_is_no_end_of_it(void **state)
{
    (void)state;
    static const char line[] = "{\"type\":\"LeadProgressed\"," HEAD ",\"stage\":\"a\\u0000b\"}",
                      cut[] = "{\"type\":\"LeadErased\"," HEAD "}\0x", inside[] = "{\"type\":\"Lead\0Erased\"}";
    lc_arena arena = {0};
    read_fact read;
    assert_true(read_line(line, sizeof line - 1, &arena, &read, NULL));
    assert_int_equal(read.fact.text.size, 3);
    assert_memory_equal(read.fact.text.data, "a\0b", 3);
    assert_false(read_line(cut, sizeof cut - 1, &arena, &read, NULL));
    assert_false(read_line(inside, sizeof inside - 1, &arena, &read, NULL));
    lc_arena_clear(&arena);
}

static void
a_fact_written_is_read_back(void **state)
{
    (void)state;
    static const char *const lines[] = {
        "{\"type\":\"LeadCreated\",\"event_id\":\"e\",\"lead_id\":\"\\\"7\\\"\","
        "\"occurred_at\":\"2026-02-02T09:00:00.000Z\",\"recorded_at\":\"2026-02-02T09:00:00.001Z\","
        "\"channel\":\"demo\",\"attributes\":{\"a\":\"\\\\\",\"b\":\"2\"},\"campaign\":\"spring\",\"owner\":\"ann\","
        "\"follow_up_at\":\"2026-02-03T09:00:00.000Z\"}",
        "{\"type\":\"LeadContacted\",\"event_id\":\"e\",\"lead_id\":\"7\",\"occurred_at\":\"2026-02-02T09:00:00.000Z\","
        "\"method\":\"MEETING\",\"automated\":true,\"outcome\":\"CONNECTED\"}",
        "{\"type\":\"LeadProgressed\",\"event_id\":\"e\",\"lead_id\":\"7\","
        "\"occurred_at\":\"2026-02-02T09:00:00.000Z\",\"stage\":\"SAL\"}",
        "{\"type\":\"LeadRejected\",\"event_id\":\"e\",\"lead_id\":\"7\",\"occurred_at\":\"2026-02-02T09:00:00.000Z\","
        "\"owner\":\"bo\",\"reason\":\"\"}",
        "{\"type\":\"LeadErased\",\"event_id\":\"e\",\"lead_id\":\"7\",\"occurred_at\":\"2026-02-02T09:00:00.000Z\"}",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(lines); i++) {
        lc_arena arena = {0};
        read_fact read;
        g_autoptr(GString) json = g_string_new(NULL);
        assert_true(read_line(lines[i], strlen(lines[i]), &arena, &read, NULL));
        lc_json_write_fact(json, read.lead_id, &read.fact);
        assert_string_equal(json->str, lines[i]);
        lc_arena_clear(&arena);
    }
}

static void
a_settled_row_has_every_field(void **state)
{
    (void)state;
    const lc_tenure owners[] = {{LC_NO_TEXT, 5}, {LC_TEXT("ann"), 0}};
    const lc_text breaches[] = {LC_TEXT("first_contact"), LC_TEXT("requested:early")};
    const lc_stage_reached stages[] = {{LC_TEXT("SAL"), NINE}};
    lc_outcome outcome = {.type = LC_OUTCOME_SETTLED,
                          .cycle = 2,
                          .handoff_at = NINE,
                          .occurred_at = NINE + 1,
                          .policy = LC_TEXT("p"),
                          .channel = LC_TEXT("demo"),
                          .clock = LC_CLOCK_NONE};
    outcome.settled.cause = LC_CAUSE_COMPLETED;
    outcome.settled.cohort = 12 * 2026 + 1;
    outcome.settled.first_contact_at = LC_ABSENT;
    outcome.settled.response_open_ms = LC_ABSENT;
    outcome.settled.stages = stages;
    outcome.settled.n_stages = 1;
    outcome.settled.breaches = breaches;
    outcome.settled.n_breaches = 2;
    outcome.settled.owners = owners;
    outcome.settled.n_owners = 2;
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_write_outcome(json, LC_TEXT("7"), &outcome);
    assert_string_equal(
        json->str,
        "{\"type\":\"LeadSettled\",\"event_id\":\"00000000-0000-0000-0000-000000000000\",\"lead_id\":\"7\",\"cycle\":2,"
        "\"handoff_at\":\"2026-02-02T09:00:00.000Z\",\"occurred_at\":\"2026-02-02T09:00:00.001Z\",\"policy\":\"p\","
        "\"rule\":null,\"channel\":\"demo\",\"owner\":null,\"restated\":false,\"cause\":\"COMPLETED\",\"reason\":null,"
        "\"stage\":null,\"route\":null,\"track\":null,\"cohort\":\"2026-02\",\"first_contact_at\":null,"
        "\"response_open_ms\":null,\"attempts\":0,\"duplicate\":false,\"score\":null,"
        "\"merged_into\":null,\"paused_ms\":0,"
        "\"stages\":[{\"stage\":\"SAL\",\"at\":\"2026-02-02T09:00:00.000Z\"}],"
        "\"breaches\":[\"first_contact\",\"requested:early\"],"
        "\"owners\":[{\"owner\":null,\"held_ms\":5},{\"owner\":\"ann\",\"held_ms\":0}]}");
}

/* The string grows where it must, whatever stands in the texts: the sanitizers see what is written past its end. */
static void
texts_of_any_length_find_room(void **state)
{
    (void)state;
    static char controls[5000];
    lc_text breaches[300];
    memset(controls, 1, sizeof controls);
    for (size_t i = 0; i < G_N_ELEMENTS(breaches); i++)
        breaches[i] = (lc_text){controls, i * 16};
    lc_outcome outcome = {.type = LC_OUTCOME_SETTLED, .handoff_at = LC_NEVER, .occurred_at = LC_NEVER};
    outcome.settled.breaches = breaches;
    outcome.settled.cohort = INT32_MIN;
    for (size_t n = 0; n <= G_N_ELEMENTS(breaches); n += 20) {
        g_autoptr(GString) json = g_string_new(NULL);
        outcome.settled.n_breaches = n;
        lc_json_write_outcome(json, LC_TEXT("7"), &outcome);
        assert_int_equal(json->len, strlen(json->str));
        /* of 16 i controls: 6 bytes each, two quotes, a comma but for the first */
        size_t list = 16 * 6 * (n * (n - (n > 0))) / 2 + 2 * n + n - (n > 0);
        const char *begin = strstr(json->str, "\"breaches\":["), *end = strstr(json->str, "],\"owners\":[]}");
        assert_true(begin && end && (size_t)(end - begin) == strlen("\"breaches\":[") + list);
    }
}

static void
a_retraction_has_four_common_fields(void **state)
{
    (void)state;
    lc_outcome outcome = {.type = LC_OUTCOME_RETRACTED, .cycle = 1, .occurred_at = NINE};
    outcome.retracted.retracted_type = LC_OUTCOME_BREACHED;
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_write_outcome(json, LC_TEXT("7"), &outcome);
    assert_string_equal(json->str, "{\"type\":\"Retracted\",\"event_id\":\"00000000-0000-0000-0000-000000000000\","
                                   "\"lead_id\":\"7\",\"cycle\":1,\"occurred_at\":\"2026-02-02T09:00:00.000Z\","
                                   "\"retracts\":\"00000000-0000-0000-0000-000000000000\","
                                   "\"retracted_type\":\"SlaBreached\"}");
}

static void
a_count_is_one_line(void **state)
{
    (void)state;
    static const struct {
        int64_t count;
        const char *text;
    } cases[] = {{0, "0"},
                 {1, "1"},
                 {9, "9"},
                 {-9, "-9"},
                 {10, "10"},
                 {-12, "-12"},
                 {100, "100"},
                 {12345, "12345"},
                 {1005, "1005"},
                 {INT64_MAX, "9223372036854775807"},
                 {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) json = g_string_new(NULL);
        g_autofree char *expected = g_strdup_printf(
            "{\"channel\":\"a\\\"b\",\"cohort\":\"2026-12\",\"metric\":\"opened\",\"count\":%s}", cases[i].text);
        lc_json_write_count(json, LC_TEXT("a\"b"), 12 * 2026 + 11, LC_TEXT("opened"), cases[i].count);
        assert_string_equal(json->str, expected);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_a_hand_off_is_read),
        cmocka_unit_test(what_is_not_given_is_absent),
        cmocka_unit_test(escapes_stand_for_what_they_say),
        cmocka_unit_test(what_is_no_fact_is_named),
        cmocka_unit_test(a_field_that_is_missing_under_its_name_is_found_under_another),
        cmocka_unit_test(a_fact_is_read_from_every_form),
        cmocka_unit_test(what_is_wrong_is_told_with_its_field),
        cmocka_unit_test(an_object_is_shown_as_one_line),
        cmocka_unit_test(attributes_are_taken_as_they_are_written),
        cmocka_unit_test(an_unknown_method_or_outcome_is_the_default),
        cmocka_unit_test(a_nul_in_a_line_is_no_end_of_it),
        cmocka_unit_test(a_fact_written_is_read_back),
        cmocka_unit_test(a_settled_row_has_every_field),
        cmocka_unit_test(texts_of_any_length_find_room),
        cmocka_unit_test(a_retraction_has_four_common_fields),
        cmocka_unit_test(a_count_is_one_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
