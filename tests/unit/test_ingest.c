/* test_ingest.c - facts by HTTP: who may send, what a body is, what is in it. */
#include <leadclock/ingest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define NOW ((lc_instant)1767225600000) /* 2026-01-01 */

/* ---- What a body is ---- */

static void
content_types_name_forms(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        bool has_headers;
        lc_form form;
    } cases[] = {
        {"application/json", false, LC_FORM_JSON},
        {"Application/JSON; charset=UTF-8", false, LC_FORM_JSON},
        {"application/json;charset=\"utf-8\"", false, LC_FORM_JSON},
        {"application/json; charset=us-ascii", false, LC_FORM_JSON},
        {"application/json; charset=latin1", false, LC_FORM_UNKNOWN},
        {"application/json", true, LC_FORM_BINARY},
        {"application/x-ndjson", false, LC_FORM_LINES},
        {"application/x-ndjson", true, LC_FORM_LINES},
        {"application/cloudevents+json; charset=utf-8", false, LC_FORM_EVENT},
        {"application/cloudevents-batch+json", false, LC_FORM_EVENTS},
        {"application/cloudevents+avro", false, LC_FORM_UNKNOWN},
        {"application/x-www-form-urlencoded", false, LC_FORM_UNKNOWN},
        {"text/plain", false, LC_FORM_UNKNOWN},
        {"", false, LC_FORM_UNKNOWN},
        {NULL, false, LC_FORM_UNKNOWN},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (lc_form_of(cases[i].type, cases[i].has_headers) != cases[i].form)
            fail_msg("%s", cases[i].type);
}

/* ---- Who may send ---- */

static void
a_token_is_known_as_a_whole(void **state)
{
    (void)state;
    static const char *const tokens[] = {"crm", "0123456789abcdef", "web", "fedcba9876543210", NULL};
    static const struct {
        const char *authorization;
        bool is_known;
    } cases[] = {
        {"Bearer 0123456789abcdef", true},
        {"bearer fedcba9876543210", true},
        {"Bearer 0123456789abcde", false},
        {"Bearer 0123456789abcdef0", false},
        {"Bearer  0123456789abcdef", false},
        {"Bearer ", false},
        {"Bearer", false},
        {"0123456789abcdef", false},
        {"Basic 0123456789abcdef", false},
        {"", false},
        {NULL, false},
    };
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_guard) guard = lc_guard_new(tokens, NULL, &error);
    assert_false(lc_guard_is_open(guard));
    assert_false(lc_guard_has_secrets(guard));
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (lc_guard_knows_token(guard, cases[i].authorization) != cases[i].is_known)
            fail_msg("%s", cases[i].authorization);
}

static void
a_signature_is_known_by_any_secret(void **state)
{
    (void)state;
    static const char *const secrets[] = {"a", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "b", "It's a Secret", NULL};
    static const lc_webhook_headers none = {NULL, NULL, NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_guard) guard = lc_guard_new(NULL, secrets, &error);
    g_autoptr(GBytes) first = lc_signing_key(secrets[1], &error), second = lc_signing_key(secrets[3], &error);
    g_autofree char *webhook = lc_webhook_signature(first, "id", NOW / 1000, LC_TEXT("body"));
    g_autofree char *hub = lc_hub_signature(second, LC_TEXT("body"));
    const lc_webhook_headers headers = {"id", "1767225600", webhook};
    assert_true(lc_guard_has_secrets(guard));
    assert_false(lc_guard_is_open(guard));
    assert_true(lc_guard_knows_signature(guard, &headers, NULL, LC_TEXT("body"), NOW));
    assert_true(lc_guard_knows_signature(guard, &none, hub, LC_TEXT("body"), NOW));
    assert_false(lc_guard_knows_signature(guard, &headers, NULL, LC_TEXT("Body"), NOW));
    assert_false(lc_guard_knows_signature(guard, &none, hub, LC_TEXT("Body"), NOW));
    assert_false(lc_guard_knows_signature(guard, &none, NULL, LC_TEXT("body"), NOW));
    assert_false(lc_guard_knows_token(guard, "Bearer It's a Secret"));
}

static void
a_guard_without_anything_is_open_and_a_wrong_secret_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"crm", "whsec_no", NULL};
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_guard) guard = lc_guard_new(NULL, NULL, &error);
    assert_true(lc_guard_is_open(guard));
    assert_null(lc_guard_new(NULL, wrong, &error));
    assert_int_equal(error->code, LC_ERROR_CONFIG);
    assert_true(g_str_has_prefix(error->message, "ingest.secrets.crm begins with whsec_"));
    assert_null(strstr(error->message, "whsec_no"));
}

/* ---- What is in it ---- */

/* All but merges have a topic. */
static lc_inputs
inputs(void)
{
    static const char *const topics[] = {"leads.created", "leads.contacted", "leads.paused", NULL};
    lc_inputs all = {0};
    lc_inputs_choose(&all, topics);
    for (int type = 0; type < LC_FACT_TYPES; type++)
        all.ids[type] = 1000 + (uint32_t)type;
    return all;
}

static void
read_body(lc_parcel *parcel, lc_form form, const char *body)
{
    g_auto(lc_inputs) all = inputs();
    lc_parcel_init(parcel);
    bool ok = lc_parcel_read(parcel, form, lc_text_of(body), NULL, &all, NOW, LC_MINUTE);
    assert_int_equal(ok, parcel->problems->len == 0);
}

/* "TYPE LEAD EVENT" of each record, as whoever reads the topic finds it, or "INDEX FIELD" of each problem. */
static char *
describe(const lc_parcel *parcel)
{
    GString *text = g_string_new(NULL);
    lc_arena arena = {0};
    for (guint i = 0; i < parcel->problems->len; i++) {
        const lc_parcel_problem *problem = &g_array_index(parcel->problems, lc_parcel_problem, i);
        g_string_append_printf(text, "%zu %s;", problem->index, problem->field ? problem->field : "-");
    }
    for (guint i = 0; parcel->problems->len == 0 && i < parcel->records->len; i++) {
        const lc_parcel_record *record = &g_array_index(parcel->records, lc_parcel_record, i);
        const char *value = (const char *)parcel->bytes->data + record->at;
        lc_text key = {(const char *)parcel->bytes->data + record->key_at, record->key_size}, lead_id;
        g_autoptr(lc_plan) plan = lc_plan_new(lc_schema_text(lc_fact_schema(record->type)), NULL);
        const char *defect;
        uint32_t id;
        lc_fact fact;
        assert_true(lc_frame_read(value, record->size, &id));
        assert_int_equal(id, 1000 + record->type);
        assert_true(lc_plan_read_fact(plan, value + LC_FRAME_BYTES, record->size - LC_FRAME_BYTES, &arena, &fact,
                                      &lead_id, &defect, NULL));
        assert_true(lc_text_equal(key, lead_id));
        g_string_append_printf(text, "%s %.*s %.*s;", lc_fact_type_name(record->type), LC_TEXT_ARGS(key),
                               LC_TEXT_ARGS(fact.event_id));
    }
    lc_arena_clear(&arena);
    return g_string_free(text, FALSE);
}

#define FACT(lead, event)                                                                                              \
    "{\"type\":\"LeadCreated\",\"lead_id\":\"" lead "\",\"event_id\":\"" event                                         \
    "\",\"occurred_at\":\"2025-12-31T12:00:00Z\",\"channel\":\"web\"}"
#define A FACT("a", "1")
#define B FACT("b", "2")

static void
a_body_is_taken_apart(void **state)
{
    (void)state;
    static const char both[] = "LeadCreated a 1;LeadCreated b 2;";
    static const struct {
        lc_form form;
        const char *body, *found;
    } cases[] = {
        {LC_FORM_JSON, A, "LeadCreated a 1;"},
        {LC_FORM_JSON, " \r\n\t" A "\n", "LeadCreated a 1;"},
        {LC_FORM_JSON, "\xEF\xBB\xBF" A, "LeadCreated a 1;"},
        {LC_FORM_JSON, "[]", ""},
        {LC_FORM_JSON, " [ ] ", ""},
        {LC_FORM_JSON, "[" A "]", "LeadCreated a 1;"},
        {LC_FORM_JSON, "[ " A " ,\n" B " ]\n", both},
        {LC_FORM_JSON, "[" FACT("]},[{\\\"", "\\\\") "," B "]", "LeadCreated ]},[{\" \\;LeadCreated b 2;"},
        {LC_FORM_LINES, A "\n" B, both},
        {LC_FORM_LINES, "\n" A "\r\n\n  \n" B "\n", both},
        {LC_FORM_LINES, A "\nnonsense\n\n{}\n", "1 -;2 type;"},
        {LC_FORM_LINES, "[" A "]", "0 -;"},
        {LC_FORM_JSON, "", "0 -;"},
        {LC_FORM_JSON, "  \n", "0 -;"},
        {LC_FORM_LINES, "\n", "0 -;"},
        {LC_FORM_JSON, A B, "0 -;"},
        {LC_FORM_JSON, A "\n" B, "0 -;"},
        {LC_FORM_JSON, "nonsense", "0 -;"},
        {LC_FORM_JSON, "\"text\"", "0 -;"},
        {LC_FORM_JSON, "[", "0 -;"},
        {LC_FORM_JSON, "[" A, "0 -;"},
        {LC_FORM_JSON, "[" A ",", "1 -;"},
        {LC_FORM_JSON, "[" A ",]", "1 -;"},
        {LC_FORM_JSON, "[," A "]", "0 -;"},
        {LC_FORM_JSON, "[" A "]]", "1 -;"},
        {LC_FORM_JSON, "[" A "] " B, "1 -;"},
        {LC_FORM_JSON, "[" A " " B "]", "0 -;"},
        {LC_FORM_JSON, "[[" A "]]", "0 -;"},
        {LC_FORM_JSON, "[" A "}", "0 -;"},
        {LC_FORM_JSON,
         "[" A ",{\"type\":\"LeadMerged\",\"lead_id\":\"a\",\"event_id\":\"3\",\"into\":\"b\","
         "\"occurred_at\":\"2025-12-31T12:00:00Z\"}]",
         "1 type;"},
        {LC_FORM_EVENTS, A, "0 -;"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(lc_parcel) parcel = {0};
        read_body(&parcel, cases[i].form, cases[i].body);
        g_autofree char *found = describe(&parcel);
        if (strcmp(found, cases[i].found) != 0)
            fail_msg("%s: not %s but %s", cases[i].body, cases[i].found, found);
    }
}

static void
headers_stand_in_for_what_the_body_does_not_say(void **state)
{
    (void)state;
    static const lc_stand_ins event = {{"leadclock.LeadCreated", 21}, {"e", 1}, {"2025-12-31T12:00:00Z", 20}, {"l", 1}};
    static const struct {
        const char *body, *found;
    } cases[] = {
        {"{\"channel\":\"web\"}", "LeadCreated l e;"},
        {A, "LeadCreated a 1;"},
        {"{\"channel\":7}", "0 channel;"},
        {"[{\"channel\":\"web\"}]", "0 -;"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(lc_inputs) all = inputs();
        g_auto(lc_parcel) parcel = {0};
        lc_parcel_init(&parcel);
        lc_parcel_read(&parcel, LC_FORM_BINARY, lc_text_of(cases[i].body), &event, &all, NOW, LC_MINUTE);
        g_autofree char *found = describe(&parcel);
        assert_string_equal(found, cases[i].found);
    }
}

static void
a_body_that_is_cut_off_anywhere_is_no_parcel(void **state)
{
    (void)state;
    static const char whole[] = "[" FACT("]},[{\\\"", "\\\\") "," B "]";
    for (size_t size = 0; size < strlen(whole); size++) {
        g_auto(lc_parcel) parcel = {0};
        g_autofree char *body = g_strndup(whole, size);
        read_body(&parcel, LC_FORM_JSON, body);
        if (parcel.problems->len == 0)
            fail_msg("%s", body);
    }
}

/* Whatever is sent, there are records or problems; the seed is printed where not. */
static void
any_bytes_give_records_or_problems(void **state)
{
    (void)state;
    static const char whole[] = "[" FACT("]},[{\\\"", "\\\\") ",\n" B ", {\"type\": [\"}\", {}]}]";
    static const char some[] = "[]{},\"\\\n :\0a";
    guint32 seed = g_random_int();
    g_autoptr(GRand) random = g_rand_new_with_seed(seed);
    g_auto(lc_inputs) all = inputs();
    for (int i = 0; i < 20000; i++) {
        g_autoptr(GByteArray) body = g_byte_array_new(); /* no byte more, so that one read beyond is seen */
        g_byte_array_append(body, (const guint8 *)whole, (guint)g_rand_int_range(random, 0, sizeof whole));
        for (int n = g_rand_int_range(random, 0, 4); body->len && n > 0; n--)
            body->data[g_rand_int_range(random, 0, (gint32)body->len)] =
                (guint8)some[g_rand_int_range(random, 0, sizeof some - 1)];
        g_autofree char *exact = g_memdup2(body->data, body->len);
        g_auto(lc_parcel) parcel = {0};
        lc_parcel_init(&parcel);
        lc_form form = (lc_form)g_rand_int_range(random, LC_FORM_JSON, LC_FORM_BINARY + 1);
        lc_text text = body->len ? (lc_text){exact, body->len} : LC_TEXT("");
        bool ok = lc_parcel_read(&parcel, form, text, NULL, &all, NOW, LC_MINUTE);
        if (ok != (parcel.problems->len == 0) || (ok && parcel.records->len == 0 && body->len > 60))
            fail_msg("seed %u: %.*s", seed, LC_TEXT_ARGS(text));
    }
}

static void
at_most_a_hundred_problems_are_told(void **state)
{
    (void)state;
    g_autoptr(GString) body = g_string_new("[{}");
    g_auto(lc_parcel) parcel = {0};
    for (int i = 0; i < 349000; i++)
        g_string_append(body, ",{}");
    g_string_append_c(body, ']');
    read_body(&parcel, LC_FORM_JSON, body->str);
    assert_int_equal(parcel.problems->len, LC_PARCEL_PROBLEMS);
    assert_int_equal(g_array_index(parcel.problems, lc_parcel_problem, 99).index, 99);
}

static void
problems_are_json(void **state)
{
    (void)state;
    g_autoptr(GString) json = g_string_new(NULL);
    g_auto(lc_parcel) parcel = {0};
    read_body(&parcel, LC_FORM_JSON, "[" A ",{\"type\":\"Lead\\\"\\n\"}]");
    lc_parcel_write_problems(&parcel, json);
    assert_true(g_str_has_prefix(json->str, "{\"problems\":[{\"index\":1,\"field\":\"type\",\"message\":\""));
    assert_true(g_str_has_suffix(json->str, "\"}]}\n"));
    assert_int_equal(strchr(json->str, '\n') - json->str, json->len - 1);
}

static void
a_record_has_its_limit(void **state)
{
    (void)state;
    g_autoptr(GString) body = g_string_new("{\"type\":\"LeadCreated\",\"lead_id\":\"a\",\"event_id\":\"1\","
                                           "\"occurred_at\":\"2025-12-31T12:00:00Z\",\"channel\":\"web\","
                                           "\"attributes\":{");
    g_auto(lc_parcel) parcel = {0};
    for (int i = 0; i < 64; i++) {
        g_string_append_printf(body, "%s\"%d\":\"", i ? "," : "", i);
        for (int k = 0; k < 1024; k++)
            g_string_append_c(body, 'x');
        g_string_append_c(body, '"');
    }
    g_string_append(body, "}}");
    read_body(&parcel, LC_FORM_JSON, body->str);
    g_autofree char *found = describe(&parcel);
    assert_string_equal(found, "0 -;");
    assert_int_equal(parcel.bytes->len, 1); /* its key alone: nothing of it is left over */
}

static void
facts_of_the_future_are_none(void **state)
{
    (void)state;
    g_auto(lc_parcel) parcel = {0};
    read_body(&parcel, LC_FORM_JSON,
              "{\"type\":\"LeadCreated\",\"lead_id\":\"a\",\"event_id\":\"1\","
              "\"occurred_at\":\"2026-01-01T00:01:01Z\",\"channel\":\"web\"}");
    g_autofree char *found = describe(&parcel);
    assert_string_equal(found, "0 occurred_at;");
}

static void
facts_go_where_their_type_is_named(void **state)
{
    (void)state;
    g_auto(lc_inputs) all = inputs(), one = {0};
    static const char *const only[] = {"crm", NULL};
    lc_inputs_choose(&one, only);
    assert_string_equal(all.topics[LC_FACT_CREATED], "leads.created");
    assert_string_equal(all.topics[LC_FACT_RESUMED], "leads.paused");
    assert_null(all.topics[LC_FACT_MERGED]);
    assert_string_equal(one.topics[LC_FACT_MERGED], "crm");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_types_name_forms),
        cmocka_unit_test(a_token_is_known_as_a_whole),
        cmocka_unit_test(a_signature_is_known_by_any_secret),
        cmocka_unit_test(a_guard_without_anything_is_open_and_a_wrong_secret_refused),
        cmocka_unit_test(a_body_is_taken_apart),
        cmocka_unit_test(headers_stand_in_for_what_the_body_does_not_say),
        cmocka_unit_test(a_body_that_is_cut_off_anywhere_is_no_parcel),
        cmocka_unit_test(any_bytes_give_records_or_problems),
        cmocka_unit_test(at_most_a_hundred_problems_are_told),
        cmocka_unit_test(problems_are_json),
        cmocka_unit_test(a_record_has_its_limit),
        cmocka_unit_test(facts_of_the_future_are_none),
        cmocka_unit_test(facts_go_where_their_type_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
