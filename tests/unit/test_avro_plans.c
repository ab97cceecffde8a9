/* Writers of other versions are read as Avro's schema resolution says; hostile ones do no harm. */
#include <leadclock/codec.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* ---- Bodies, as bytes: e and l are texts of one letter, T is 2026-01-01 ---- */

#define E                                                                                                              \
    "\x02"                                                                                                             \
    "e"
#define L                                                                                                              \
    "\x02"                                                                                                             \
    "l"
#define T "\x80\xa0\xd5\xed\xee\x66"
#define T_MICROS "\x80\x80\x82\xe2\x88\xd2\xa3\x06"
#define T_NANOS "\x80\x80\xd0\xdf\xbd\x94\xb9\x86\x31"
#define NAMED(name, fields) "{\"type\":\"record\",\"name\":\"" name "\",\"fields\":[" fields "]}"
#define FIELD(name, type) "{\"name\":\"" name "\",\"type\":" type "}"
#define TEXT(name) FIELD(name, "\"string\"")
#define LONG(name) FIELD(name, "\"long\"")
#define COMMON TEXT("event_id") "," TEXT("lead_id") "," LONG("occurred_at")
#define TREE NAMED("Tree", FIELD("next", "[\"null\",\"Tree\"]") "," FIELD("size", "\"int\""))
#define CONTACTED(fields) NAMED("LeadContacted", COMMON fields)
#define TIME(unit) "{\"type\":\"long\",\"logicalType\":\"" unit "\"}"
/* A contact as JSON with what it has beside event_id, lead_id and occurred_at, before and after its defaults. */
#define CONTACT(before, after)                                                                                         \
    "{\"type\":\"LeadContacted\",\"event_id\":\"e\",\"lead_id\":\"l\",\"occurred_at\":\"2026-01-01T00:00:00."          \
    "000Z\"" before "," after "}"
#define DEFAULTS "\"method\":\"OTHER\",\"automated\":false,\"outcome\":\"ATTEMPTED\""
#define PLAIN_CONTACT CONTACT("", DEFAULTS)

typedef struct {
    const char *what, *schema, *body;
    size_t size;
    const char *fact;    /* as JSON, or NULL: an error that says `problem` */
    const char *problem; /* where lc_plan_new does not take the schema, `size` is 0 and `body` NULL */
} row;

#define BODY(bytes) bytes, sizeof(bytes) - 1

static void
check_reading(const row *r, const lc_plan *plan)
{
    lc_arena arena = {0};
    lc_fact fact;
    lc_text lead_id;
    g_autoptr(GError) error = NULL;
    g_autoptr(GString) json = g_string_new(NULL);
    /* a copy of its exact size: the sanitizer sees a read beyond it */
    g_autofree char *body = g_memdup2(r->body, r->size);
    const char *defect = NULL;
    bool is_read = lc_plan_read_fact(plan, body, r->size, &arena, &fact, &lead_id, &defect, &error);
    if (defect) {
        g_set_error(&error, LC_ERROR, LC_ERROR_RECORD, "defect: %s", defect);
        is_read = false;
    }
    is_read = is_read && lc_lead_id_check(lead_id, &error) && lc_fact_check(&fact, LC_ABSENT, 0, &error);
    if (is_read)
        lc_json_write_fact(json, lead_id, &fact);
    if (r->fact && !is_read)
        fail_msg("%s: %s", r->what, error->message);
    if (r->fact && strcmp(json->str, r->fact) != 0)
        fail_msg("%s:\n%s, not\n%s", r->what, json->str, r->fact);
    if (r->problem && is_read)
        fail_msg("%s: read as %s", r->what, json->str);
    if (r->problem &&
        (strstr(error->message, r->problem) == NULL || !g_error_matches(error, LC_ERROR, LC_ERROR_RECORD)))
        fail_msg("%s: \"%s\" does not say \"%s\"", r->what, error->message, r->problem);
    lc_arena_clear(&arena);
}

static void
check_row(const row *r)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_plan) plan = lc_plan_new(r->schema, &error);
    if (r->body == NULL && plan)
        fail_msg("%s: the schema is taken", r->what);
    if (r->body == NULL && strstr(error->message, r->problem) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", r->what, error->message, r->problem);
    if (r->body && plan == NULL)
        fail_msg("%s: %s", r->what, error->message);
    if (plan)
        check_reading(r, plan);
}

static void
writers_of_other_versions_are_read(void **state)
{
    (void)state;
    static const row rows[] = {
        {"missing fields have our defaults", CONTACTED(), BODY(E L T), PLAIN_CONTACT},
        {"another order", NAMED("LeadContacted", LONG("occurred_at") "," TEXT("lead_id") "," TEXT("event_id")),
         BODY(T L E), PLAIN_CONTACT},
        {"another namespace",
         "{\"type\":\"record\",\"namespace\":\"crm.v2\",\"name\":\"LeadContacted\",\"fields\":[" COMMON "]}",
         BODY(E L T), PLAIN_CONTACT},
        {"a namespace in the name", NAMED("crm.v2.LeadContacted", COMMON), BODY(E L T), PLAIN_CONTACT},
        {"micros",
         NAMED("LeadContacted",
               TEXT("event_id") "," TEXT("lead_id") "," FIELD("occurred_at", TIME("timestamp-micros"))),
         BODY(E L T_MICROS), PLAIN_CONTACT},
        {"local micros",
         NAMED("LeadContacted",
               TEXT("event_id") "," TEXT("lead_id") "," FIELD("occurred_at", TIME("local-timestamp-micros"))),
         BODY(E L T_MICROS), NULL,
         "occurred_at is written as local-timestamp-micros, which says no instant; use timestamp-millis, in UTC"},
        {"a day that may be null",
         CONTACTED("," FIELD("follow_up_at", "[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}]")),
         BODY(E L T "\x02\x02"), NULL, "follow_up_at is written as date, which says no instant"},
        {"a day that is null",
         CONTACTED("," FIELD("follow_up_at", "[\"null\",{\"type\":\"int\",\"logicalType\":\"date\"}]")),
         BODY(E L T "\x00"), PLAIN_CONTACT},
        {"a day that is not ours", CONTACTED("," FIELD("born", "{\"type\":\"int\",\"logicalType\":\"date\"}")),
         BODY(E L T "\x02"), PLAIN_CONTACT},
        {"a logical type of another type",
         CONTACTED("," FIELD("recorded_at", "{\"type\":\"long\",\"logicalType\":\"date\"}")), BODY(E L T T),
         CONTACT(",\"recorded_at\":\"2026-01-01T00:00:00.000Z\"", DEFAULTS)},
        {"a field that contains itself, not ours", CONTACTED("," FIELD("tree", TREE)),
         BODY(E L T "\x02\x02\x00\x02\x04\x06"), PLAIN_CONTACT},
        {"a list of its own record", CONTACTED("," FIELD("before", "{\"type\":\"array\",\"items\":\"LeadContacted\"}")),
         BODY(E L T "\x02" E L T "\x00\x00"), PLAIN_CONTACT},
        {"a field that contains itself where ours belongs", CONTACTED("," FIELD("owner", TREE)), BODY(E L T "\x00\x02"),
         NULL, "owner is written as record, which is not read as text"},
        {"nanos",
         NAMED("LeadContacted", TEXT("event_id") "," TEXT("lead_id") "," FIELD("occurred_at", TIME("timestamp-nanos"))),
         BODY(E L T_NANOS), PLAIN_CONTACT},
        {"an int is promoted to long, and can only be seconds",
         NAMED("LeadContacted", TEXT("event_id") "," TEXT("lead_id") "," FIELD("occurred_at", "\"int\"")),
         BODY(E L "\x80\xe4\xad\x95\x0d"), NULL,
         "occurred_at is 1767225600 (1970-01-21T10:53:45.600Z), which is not from 1990 to before "
         "2200; it looks like seconds"},
        {"bytes are promoted to string",
         NAMED("LeadContacted", FIELD("event_id", "\"bytes\"") "," TEXT("lead_id") "," LONG("occurred_at")),
         BODY(E L T), PLAIN_CONTACT},
        {"nullable in either order",
         CONTACTED("," FIELD("owner", "[\"string\",\"null\"]") "," FIELD("recorded_at",
                                                                         "[" TIME("timestamp-micros") ",\"null\"]")),
         BODY(E L T "\x00\x04"
                    "bo"
                    "\x00" T_MICROS),
         CONTACT(",\"recorded_at\":\"2026-01-01T00:00:00.000Z\",\"owner\":\"bo\"", DEFAULTS)},
        {"nullable where we are not",
         NAMED("LeadContacted", TEXT("event_id") "," FIELD("lead_id", "[\"null\",\"string\"]") "," LONG("occurred_at")),
         BODY(E "\x02" L T), PLAIN_CONTACT},
        {"not nullable where we are", CONTACTED("," TEXT("owner")), BODY(E L T E),
         CONTACT(",\"owner\":\"e\"", DEFAULTS)},
        {"a union of many", CONTACTED("," FIELD("owner", "[\"int\",\"null\",\"bytes\",\"string\"]")),
         BODY(E L T "\x06" E), CONTACT(",\"owner\":\"e\"", DEFAULTS)},
        {"a union of one", CONTACTED("," FIELD("owner", "[\"string\"]")), BODY(E L T "\x00" E),
         CONTACT(",\"owner\":\"e\"", DEFAULTS)},
        {"symbols by name, an unknown one is the default",
         CONTACTED("," FIELD("method", "{\"type\":\"enum\",\"name\":\"M\",\"symbols\":[\"FAX\",\"CALL\"]}") "," FIELD(
             "outcome", "{\"type\":\"enum\",\"name\":\"O\",\"symbols\":[\"CONNECTED\",\"ATTEMPTED\"]}")),
         BODY(E L T "\x02\x00"), CONTACT("", "\"method\":\"CALL\",\"automated\":false,\"outcome\":\"CONNECTED\"")},
        {"an unknown symbol is the default",
         CONTACTED("," FIELD("method", "{\"type\":\"enum\",\"name\":\"M\",\"symbols\":[\"FAX\",\"CALL\"]}")),
         BODY(E L T "\x00"), PLAIN_CONTACT},
        {"a null type and null branches keep the default",
         CONTACTED("," FIELD("owner", "\"null\"") "," FIELD("automated", "[\"null\",\"boolean\"]")), BODY(E L T "\x00"),
         PLAIN_CONTACT},
        {"unknown fields of all types are passed over",
         NAMED(
             "LeadContacted",
             FIELD("a", "\"null\"") "," FIELD("b", "\"boolean\"") "," FIELD("c", "\"int\"") "," LONG("d") "," FIELD("e", "\"float\"") "," FIELD("f", "\"double\"") "," FIELD("g", "\"bytes\"") "," TEXT(
                 "h") "," FIELD("i",
                                "{\"type\":\"fixed\",\"name\":\"F\",\"size\":"
                                "3}") "," FIELD("j",
                                                "\"F\"") "," FIELD("k",
                                                                   "{\"type\":"
                                                                   "\"array\","
                                                                   "\"items\":"
                                                                   "\"F\"}") "," FIELD("m",
                                                                                       "{\"type\":\"map\","
                                                                                       "\"values\":[\"null\","
                                                                                       "\"long\"]}") "," FIELD("n",
                                                                                                               NAMED(
                                                                                                                   "R",
                                                                                                                   FIELD(
                                                                                                                       "x",
                                                                                                                       "{\"type"
                                                                                                                       "\":"
                                                                                                                       "\"enum"
                                                                                                                       "\","
                                                                                                                       "\"name"
                                                                                                                       "\":"
                                                                                                                       "\"S\","
                                                                                                                       "\"symbo"
                                                                                                                       "ls\":["
                                                                                                                       "\"A\"]"
                                                                                                                       "}") "," FIELD("y",
                                                                                                                                      "[\"null\","
                                                                                                                                      "\"S\"]"))) "," FIELD("o",
                                                                                                                                                            "\"R\"") "," COMMON),
         BODY("\x01\x02\x04"
              "ffffdddddddd"
              "\x02g\x02h"
              "iiijjj"
              "\x04kkkkkk\x00"
              "\x03\x0a\x02x\x00\x02y\x02\x0a\x00"
              "\x00\x02\x00"
              "\x00\x00" E L T),
         PLAIN_CONTACT},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
}

static void
attributes_are_read_in_blocks_and_the_last_of_a_key_counts(void **state)
{
    (void)state;
    static const row rows[] = {
        {"blocks with and without their size",
         NAMED("LeadCreated",
               COMMON "," TEXT("channel") "," FIELD("attributes", "{\"type\":\"map\",\"values\":[\"null\","
                                                                  "\"string\"]}")),
         BODY(E L T E "\x02\x02"
                      "a\x02\x02"
                      "1\x03\x14\x02"
                      "b\x02\x02"
                      "2\x02"
                      "a\x02\x02"
                      "3\x00"),
         "{\"type\":\"LeadCreated\",\"event_id\":\"e\",\"lead_id\":\"l\",\"occurred_at\":\"2026-01-01T00:00:00.000Z\","
         "\"channel\":\"e\",\"attributes\":{\"a\":\"3\",\"b\":\"2\"}}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
}

#define DEEP_4(x) "[\"null\",{\"type\":\"array\",\"items\":[\"null\",{\"type\":\"array\",\"items\":" x "}]}]"
#define DEEP_8(x) DEEP_4(DEEP_4(x))
#define DEEP_16(x) DEEP_8(DEEP_8(x))

static void
schemas_that_can_not_be_read_are_refused(void **state)
{
    (void)state;
    static const row rows[] = {
        {"no JSON", "{", NULL, 0, NULL, "not JSON"},
        {"nothing", "", NULL, 0, NULL, "not JSON"},
        {"no record", "\"string\"", NULL, 0, NULL, "no record"},
        {"a union", "[\"null\"]", NULL, 0, NULL, "no record"},
        {"a number", "7", NULL, 0, NULL, "no text, list or object"},
        {"another language", "{\"type\":\"object\",\"properties\":{}}", NULL, 0, NULL, "\"object\" is not defined"},
        {"no name", "{\"type\":\"record\",\"fields\":[]}", NULL, 0, NULL, "no name"},
        {"no fields", "{\"type\":\"record\",\"name\":\"R\"}", NULL, 0, NULL, "no fields"},
        {"a field without a type", NAMED("R", "{\"name\":\"x\"}"), NULL, 0, NULL, "no type"},
        {"a recursion without an end",
         "{\"type\":\"record\",\"name\":\"R\",\"namespace\":\"n\",\"fields\":[" FIELD("x", "\"n.R\"") "]}", NULL, 0,
         NULL, "\"R\" contains itself, and so without an end"},
        {"one by way of another", NAMED("R", FIELD("x", NAMED("S", FIELD("y", "\"R\""))) "," TEXT("z")), NULL, 0, NULL,
         "contains itself"},
        {"a reference to another schema", NAMED("R", FIELD("x", "\"crm.Person\"")), NULL, 0, NULL,
         "\"crm.Person\" is not defined"},
        {"a name twice", NAMED("R", FIELD("x", NAMED("X", "")) "," FIELD("y", NAMED("X", ""))), NULL, 0, NULL,
         "defined twice"},
        {"a union in a union", NAMED("R", FIELD("x", "[\"null\",[\"int\"]]")), NULL, 0, NULL, "holds a union"},
        {"an empty union", NAMED("R", FIELD("x", "[]")), NULL, 0, NULL, "union is empty"},
        {"a field twice", NAMED("R", TEXT("x") "," TEXT("x")), NULL, 0, NULL, "twice"},
        {"a type twice in a union", NAMED("R", FIELD("x", "[\"int\",\"null\",\"int\"]")), NULL, 0, NULL, "twice"},
        {"an enum twice in a union",
         NAMED("R", FIELD("x", "[{\"type\":\"enum\",\"name\":\"E\",\"symbols\":[]},\"E\"]")), NULL, 0, NULL, "twice"},
        {"an enum without symbols", NAMED("R", FIELD("x", "{\"type\":\"enum\",\"name\":\"E\"}")), NULL, 0, NULL,
         "no symbols"},
        {"a fixed without a size", NAMED("R", FIELD("x", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":-1}")), NULL, 0,
         NULL, "no size"},
        {"deeper than 32", NAMED("R", FIELD("x", DEEP_16(DEEP_16("\"int\"")))), NULL, 0, NULL, "deeper"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
}

static void
bodies_that_a_schema_can_not_have_written_are_refused(void **state)
{
    (void)state;
    static const row rows[] = {
        {"cut short", CONTACTED(), BODY(E L "\xd0"), NULL, "end within a number"},
        {"cut within a text", CONTACTED(),
         BODY("\x06"
              "ev"),
         NULL, "event_id: a value is longer"},
        {"nothing", CONTACTED(), BODY(""), NULL, "event_id"},
        {"bytes after the end", CONTACTED(), BODY(E L T "x"), NULL, "bytes follow"},
        {"a negative length", CONTACTED(), BODY("\x01"), NULL, "a length is negative"},
        {"a huge length", CONTACTED(), BODY("\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, "longer"},
        {"a number of 65 bits", CONTACTED(), BODY(E L "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), NULL, "64 bits"},
        {"a number of 11 bytes", CONTACTED(), BODY(E L "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), NULL,
         "64 bits"},
        {"an int of 33 bits",
         NAMED("LeadContacted", TEXT("event_id") "," TEXT("lead_id") "," FIELD("occurred_at", "\"int\"")),
         BODY(E L "\x80\x80\x80\x80\x10"), NULL, "32 bits"},
        {"a union index too high", CONTACTED("," FIELD("owner", "[\"null\",\"string\"]")), BODY(E L T "\x04"), NULL,
         "an index is outside"},
        {"a negative union index", CONTACTED("," FIELD("owner", "[\"null\",\"string\"]")), BODY(E L T "\x01"), NULL,
         "an index is outside"},
        {"an enum index too high",
         CONTACTED("," FIELD("method", "{\"type\":\"enum\",\"name\":\"M\",\"symbols\":[\"CALL\"]}")),
         BODY(E L T "\x02"), NULL, "an index is outside"},
        {"a boolean of 2", CONTACTED("," FIELD("automated", "\"boolean\"")), BODY(E L T "\x02"), NULL, "boolean"},
        {"a type that does not become ours", CONTACTED("," LONG("owner")), BODY(E L T T), NULL,
         "defect: owner is written as long"},
        {"one in a union", CONTACTED("," FIELD("owner", "[\"null\",\"string\",\"int\"]")), BODY(E L T "\x04\x02"), NULL,
         "defect: owner is written as int"},
        {"no lead_id", NAMED("LeadContacted", TEXT("event_id") "," LONG("occurred_at")), BODY(E T), NULL,
         "lead_id is missing"},
        {"another record", NAMED("Order", COMMON), BODY(E L T), NULL, "another record"},
        {"a million nulls", CONTACTED("," FIELD("x", "{\"type\":\"array\",\"items\":\"null\"}")),
         BODY(E L T "\x80\x89\x7a\x00"), NULL, "values of no bytes"},
        {"all the nulls there are", CONTACTED("," FIELD("x", "{\"type\":\"array\",\"items\":\"null\"}")),
         BODY(E L T "\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00"), NULL, "values of no bytes"},
        {"more items than bytes", CONTACTED("," FIELD("x", "{\"type\":\"array\",\"items\":\"int\"}")),
         BODY(E L T "\x08\x00\x00\x00"), NULL, "more items"},
        {"the lowest count", CONTACTED("," FIELD("x", "{\"type\":\"array\",\"items\":\"int\"}")),
         BODY(E L T "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), NULL, "count is out of range"},
        {"a block longer than what is left", CONTACTED("," FIELD("x", "{\"type\":\"array\",\"items\":\"int\"}")),
         BODY(E L T "\x01\x7e\x00\x00"), NULL, "a block is longer"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
        check_row(&rows[i]);
}

static void
more_than_64_attributes_are_read_and_refused_by_the_check(void **state)
{
    (void)state;
    static const char schema[] = NAMED(
        "LeadCreated", COMMON "," TEXT("channel") "," FIELD("attributes", "{\"type\":\"map\",\"values\":\"string\"}"));
    static const guint8 no_bytes[2 * 65 + 1];
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_byte_array_append(body, (const guint8 *)(E L T E "\x82\x01"), 14);
    g_byte_array_append(body, no_bytes, sizeof no_bytes);
    const row refused = {"too many attributes", schema, (const char *)body->data, body->len, NULL, "attributes has 65"};
    check_row(&refused);
}

static void
a_note_has_at_most_8_kib(void **state)
{
    (void)state;
    g_autoptr(lc_plan) plan = lc_plan_new(lc_schema_text(LC_SCHEMA_LEAD_REJECTED), NULL);
    lc_arena arena = {0};
    for (size_t size = 8 * 1024; size <= 8 * 1024 + 1; size++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        g_autofree char *note = g_strnfill(size, 'n');
        lc_fact fact;
        lc_text lead_id;
        g_autoptr(GError) error = NULL;
        g_byte_array_append(body, (const guint8 *)(E L T "\x00\x00" E "\x02"), 15);
        guint8 length[] = {(guint8)(0x80 | (size * 2 & 0x7f)), (guint8)(0x80 | (size >> 6 & 0x7f)),
                           (guint8)(size >> 13)};
        g_byte_array_append(body, length, sizeof length);
        g_byte_array_append(body, (const guint8 *)note, (guint)size);
        g_byte_array_append(body, (const guint8 *)"\x00", 1);
        const char *defect;
        assert_true(lc_plan_read_fact(plan, body->data, body->len, &arena, &fact, &lead_id, &defect, &error));
        assert_true((defect != NULL) == (size > 8 * 1024));
    }
    lc_arena_clear(&arena);
}

/* A schema of 31 records, each of which has the one before it twice: 2^31 values, none of which takes a byte. */
static void
a_schema_that_doubles_31_times_is_walked_within_bounds(void **state)
{
    (void)state;
    g_autoptr(GString) type = g_string_new("\"null\"");
    for (int i = 0; i < 30; i++) {
        g_autofree char *inner = g_strdup(type->str);
        g_string_printf(type,
                        "{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":%s},"
                        "{\"name\":\"b\",\"type\":",
                        i, inner);
        if (i)
            g_string_append_printf(type, "\"R%d\"}]}", i - 1);
        else
            g_string_append(type, "\"null\"}]}");
    }
    g_autofree char *schema = g_strdup_printf(CONTACTED(",{\"name\":\"x\",\"type\":%s}"), type->str);
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_plan) plan = lc_plan_new(schema, &error);
    g_autoptr(GString) json = g_string_new(NULL);
    lc_arena arena = {0};
    lc_fact fact;
    lc_text lead_id;
    const char *defect;
    if (plan == NULL)
        fail_msg("%s", error->message);
    assert_true(lc_plan_read_fact(plan, E L T, 10, &arena, &fact, &lead_id, &defect, NULL));
    assert_false(lc_plan_read_json(plan, E L T, 10, json, &error));
    assert_non_null(strstr(error->message, "values of no bytes"));
    assert_int_equal(json->len, 0);
    lc_arena_clear(&arena);
}

/* A chain of records, each in the one before. */
static void
records_in_records_are_read_to_a_bound(void **state)
{
    (void)state;
    static const struct {
        size_t depth;
        bool is_read;
    } cases[] = {{1, true}, {250, true}, {300, false}, {100000, false}};
    g_autoptr(lc_plan) plan = lc_plan_new(CONTACTED("," FIELD("tree", TREE)), NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GByteArray) body = g_byte_array_new();
        g_autoptr(GString) json = g_string_new(NULL);
        g_autoptr(GError) error = NULL;
        lc_arena arena = {0};
        lc_fact fact;
        lc_text lead_id;
        const char *defect;
        g_byte_array_append(body, (const guint8 *)(E L T), sizeof(E L T) - 1);
        for (size_t j = 1; j < cases[i].depth; j++)
            g_byte_array_append(body, (const guint8 *)"\x02", 1);
        for (size_t j = 0; j <= cases[i].depth; j++)
            g_byte_array_append(body, (const guint8 *)"\x00", 1);
        assert_int_equal(lc_plan_read_fact(plan, body->data, body->len, &arena, &fact, &lead_id, &defect, &error),
                         cases[i].is_read);
        assert_true(cases[i].is_read || strstr(error->message, "tree: records in records are deeper than 256"));
        assert_int_equal(lc_plan_read_json(plan, body->data, body->len, json, NULL), cases[i].is_read);
        lc_arena_clear(&arena);
    }
}

static void
any_record_is_shown_as_json(void **state)
{
    (void)state;
    static const struct {
        const char *schema, *body;
        size_t size;
        const char *json;
    } cases[] = {
        {NAMED("Order", FIELD("a", "{\"type\":\"fixed\",\"name\":\"U\",\"size\":16,\"logicalType\":\"uuid\"}")),
         BODY("0123456789abcde\xff"), "{\"type\":\"Order\",\"a\":\"30313233-3435-3637-3839-6162636465ff\"}"},
        {NAMED("Order", FIELD("a", "\"null\"") "," FIELD("b", "\"boolean\"") "," FIELD("c", "\"int\"") "," LONG("d")),
         BODY("\x01\x03\x04"), "{\"type\":\"Order\",\"a\":null,\"b\":true,\"c\":-2,\"d\":2}"},
        {NAMED("Order", FIELD("f", "\"float\"") "," FIELD("g", "\"double\"")), BODY("\0\0\xc0\x3f\0\0\0\0\0\0\xf8\x7f"),
         "{\"type\":\"Order\",\"f\":1.5,\"g\":null}"},
        {NAMED("Order", FIELD("a", TIME("timestamp-millis")) "," FIELD("b", TIME("timestamp-micros")) "," FIELD(
                            "c", TIME("timestamp-nanos")) "," FIELD("d", TIME("timestamp-millis"))),
         BODY(T T_MICROS T_NANOS "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
         "{\"type\":\"Order\",\"a\":\"2026-01-01T00:00:00.000Z\",\"b\":\"2026-01-01T00:00:00.000Z\",\"c\":"
         "\"2026-01-01T00:00:00.000Z\",\"d\":-9223372036854775808}"},
        {NAMED(
             "Order",
             FIELD("a", "\"bytes\"") "," FIELD("b", "{\"type\":\"fixed\",\"name\":\"F\",\"size\":3}") "," FIELD(
                 "c",
                 "{\"type\":\"array\",\"items\":[\"null\",\"F\"]}") "," FIELD("d",
                                                                              "{\"type\":\"map\",\"values\":"
                                                                              "\"string\"}") "," FIELD("e",
                                                                                                       "{\"type\":"
                                                                                                       "\"enum\","
                                                                                                       "\"name\":"
                                                                                                       "\"S\","
                                                                                                       "\"symbols\":["
                                                                                                       "\"A\",\"B\"]"
                                                                                                       "}") "," FIELD("f",
                                                                                                                      NAMED(
                                                                                                                          "R",
                                                                                                                          ""))),
         BODY("\x04\xff\xfe"
              "abc"
              "\x04\x00\x02"
              "abc"
              "\x00\x01\x08\x02k\x02\"\x00\x02"),
         "{\"type\":\"Order\",\"a\":\"//4=\",\"b\":\"YWJj\",\"c\":[null,\"YWJj\"],\"d\":{\"k\":\"\\\"\"},\"e\":\"B\","
         "\"f\":{}}"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(lc_plan) plan = lc_plan_new(cases[i].schema, &error);
        g_autoptr(GString) json = g_string_new(NULL);
        g_autofree char *body = g_memdup2(cases[i].body, cases[i].size);
        if (plan == NULL || !lc_plan_read_json(plan, body, cases[i].size, json, &error))
            fail_msg("%zu: %s", i, error->message);
        assert_int_equal(lc_plan_schema(plan), -1);
        assert_string_equal(json->str, cases[i].json);
    }
}

static void
a_frame_is_0_and_the_id(void **state)
{
    (void)state;
    uint32_t id = 0;
    assert_true(lc_frame_read("\0\x01\x02\x03\xff", 5, &id));
    assert_int_equal(id, 0x010203ff);
    assert_false(lc_frame_read("\0\x01\x02\x03", 4, &id));
    assert_false(lc_frame_read("\1\x01\x02\x03\xff", 5, &id));
    assert_false(lc_frame_read(NULL, 0, &id));
}

/* Older and newer states: fields reordered, unknown ones, without wake_at, facts before the id. */
static void
a_state_of_another_version_is_read(void **state)
{
    (void)state;
#define STORED                                                                                                         \
    NAMED(                                                                                                             \
        "StoredFact",                                                                                                  \
        FIELD("type", "{\"type\":\"enum\",\"name\":\"T\",\"symbols\":[\"LeadForgotten\",\"LeadAssigned\"]}") "," TEXT( \
            "event_id") "," LONG("occurred_after_ms") "," FIELD("owner", "\"int\"") "," LONG("new"))
    static const char schema[] =
        NAMED("LeadState",
              FIELD("facts", "{\"type\":\"array\",\"items\":" STORED "}") "," FIELD(
                  "strings", "{\"type\":\"array\",\"items\":\"string\"}") "," TEXT("lead_id") "," LONG("wake_at"));
    static const struct {
        const char *body;
        size_t size;
        const char *problem;
    } cases[] = {
        {BODY("\x04\x02" E T "\x02\x00\x02" E T "\x02\x00\x00\x02\x02o\x00" L T), NULL},
        {BODY("\x02\x00" E T "\x02\x00\x00\x02\x02o\x00" L T), "type: a symbol that is not known"},
        {BODY("\x02\x02" E T "\x04\x00\x00\x02\x02o\x00" L T), "an index is beyond"},
        {BODY("\x02\x02" E T "\x01\x00\x00\x02\x02o\x00" L T), "an index is negative"},
    };
    g_autoptr(lc_plan) plan = lc_plan_new(schema, NULL);
    assert_non_null(plan);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_arena arena = {0};
        lc_lead lead;
        g_autoptr(GError) error = NULL;
        g_autofree char *body = g_memdup2(cases[i].body, cases[i].size);
        bool is_read = lc_plan_read_lead(plan, body, cases[i].size, &arena, &lead, &error);
        if (cases[i].problem && (is_read || strstr(error->message, cases[i].problem) == NULL))
            fail_msg("%zu: %s", i, is_read ? "read" : error->message);
        if (cases[i].problem == NULL) {
            lc_text lead_id;
            lc_instant wake_at;
            if (!is_read)
                fail_msg("%zu: %s", i, error->message);
            assert_int_equal(lead.n_facts, 2);
            assert_int_equal(lead.facts[1].occurred_at, 3534451200000);
            assert_int_equal(lead.facts[1].type, LC_FACT_ASSIGNED);
            assert_true(lc_text_equal(lead.facts[1].owner, LC_TEXT("o")));
            assert_true(lead.judged_at == LC_ABSENT && lead.wake_at == 1767225600000);
            assert_true(lc_plan_peek_lead(plan, body, cases[i].size, &lead_id, &wake_at, NULL));
            assert_true(lc_text_equal(lead_id, LC_TEXT("l")) && wake_at == 1767225600000);
        }
        lc_arena_clear(&arena);
    }
}

static void
a_fact_of_a_lead_takes_about_40_bytes(void **state)
{
    (void)state;
    lc_fact facts[5];
    for (size_t i = 0; i < G_N_ELEMENTS(facts); i++)
        facts[i] = (lc_fact){.type = i ? LC_FACT_CONTACTED : LC_FACT_CREATED,
                             .method = LC_METHOD_CALL,
                             .event_id = LC_TEXT("b4aac5a0-3ec2-47c3-ba71-9bf901d588eb"),
                             .occurred_at = 1767291907682 + (int64_t)i * LC_DAY,
                             .recorded_at = 1767291907682 + (int64_t)i * LC_DAY + 5 * LC_MINUTE,
                             .follow_up_at = LC_ABSENT,
                             .channel = i ? LC_NO_TEXT : LC_TEXT("demo"),
                             .owner = LC_TEXT("someone@example.org")};
    const lc_lead lead = {.id = LC_TEXT("8d05e9e4-eabf-4108-b9f3-069e01bcfeec"),
                          .judged_at = 1767291907682,
                          .wake_at = 1767291907682,
                          .erased_at = LC_ABSENT,
                          .facts = facts,
                          .n_facts = G_N_ELEMENTS(facts)};
    g_autoptr(GByteArray) one = g_byte_array_new();
    g_autoptr(GByteArray) all = g_byte_array_new();
    lc_lead first = lead;
    first.n_facts = 1;
    lc_encode_lead(one, &first);
    lc_encode_lead(all, &lead);
    guint more = (all->len - one->len) / 4;
    if (more > 40)
        fail_msg("%u bytes", more);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writers_of_other_versions_are_read),
        cmocka_unit_test(attributes_are_read_in_blocks_and_the_last_of_a_key_counts),
        cmocka_unit_test(schemas_that_can_not_be_read_are_refused),
        cmocka_unit_test(bodies_that_a_schema_can_not_have_written_are_refused),
        cmocka_unit_test(more_than_64_attributes_are_read_and_refused_by_the_check),
        cmocka_unit_test(a_note_has_at_most_8_kib),
        cmocka_unit_test(a_schema_that_doubles_31_times_is_walked_within_bounds),
        cmocka_unit_test(records_in_records_are_read_to_a_bound),
        cmocka_unit_test(any_record_is_shown_as_json),
        cmocka_unit_test(a_frame_is_0_and_the_id),
        cmocka_unit_test(a_state_of_another_version_is_read),
        cmocka_unit_test(a_fact_of_a_lead_takes_about_40_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
