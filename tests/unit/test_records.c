/* The tables of fields (record.h) and the schemas say the same; what the tables say is what is read and compared. */
#include <leadclock/codec.h>

#include "asserting.h"
#include "filled.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __SANITIZE_ADDRESS__
#define RUNS_SANITIZED true
#else
#define RUNS_SANITIZED false
#endif

/* ---- The tables against schemas/NAME.avsc ---- */

static const char *const avro_types[] = {
    [LC_FIELD_TEXT] = "string",   [LC_FIELD_LEAD] = "string", [LC_FIELD_UUID] = "string", [LC_FIELD_INSTANT] = "long",
    [LC_FIELD_DURATION] = "long", [LC_FIELD_NUMBER] = "long", [LC_FIELD_COUNT] = "int",   [LC_FIELD_INT] = "int",
    [LC_FIELD_FLAG] = "boolean",  [LC_FIELD_CHOICE] = "enum", [LC_FIELD_ENUM] = "enum",   [LC_FIELD_NAME] = "string",
    [LC_FIELD_MONTH] = "string",  [LC_FIELD_TEXTS] = "array", [LC_FIELD_LIST] = "array",  [LC_FIELD_MAP] = "map",
};

static const char *
member(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void check_record(const char *place, const lc_record *record, const json_t *schema);

/* UNKNOWN is a reader's: it stands behind the symbols that are written. */
static void
check_symbols(const char *place, const lc_record_field *field, const json_t *type)
{
    const json_t *symbols = json_object_get(type, "symbols");
    size_t n = json_array_size(symbols), i = 0;
    while (n && strcmp(json_string_value(json_array_get(symbols, n - 1)), "UNKNOWN") == 0)
        n--;
    for (; field->names[i]; i++)
        if (i >= n || strcmp(json_string_value(json_array_get(symbols, i)), field->names[i]) != 0)
            fail_msg("%s: symbol %zu is not %s", place, i, field->names[i]);
    if (i != n)
        fail_msg("%s: the schema has more symbols than the table", place);
}

static void
check_type(const char *place, const lc_record_field *field, const json_t *type)
{
    const char *name = json_is_string(type) ? json_string_value(type) : member(type, "type");
    const char *logical = member(type, "logicalType");
    if (strcmp(name, avro_types[field->kind]) != 0)
        fail_msg("%s: the schema says %s, the table %s", place, name, avro_types[field->kind]);
    if ((strcmp(logical, "timestamp-millis") == 0) != (field->kind == LC_FIELD_INSTANT))
        fail_msg("%s: an instant in one of the two only", place);
    if (strcmp(name, "enum") == 0)
        check_symbols(place, field, type);
    if (field->kind == LC_FIELD_LIST)
        check_record(place, field->items, json_object_get(type, "items"));
    if (field->kind == LC_FIELD_TEXTS)
        assert_string_equal(member(type, "items"), "string");
    if (field->kind == LC_FIELD_MAP)
        assert_string_equal(member(type, "values"), "string");
}

static void
check_field(const char *place, const lc_record_field *field, const json_t *described)
{
    const json_t *type = json_object_get(described, "type");
    lc_text name = lc_field_name(field);
    g_autofree char *here = g_strdup_printf("%s.%.*s", place, LC_TEXT_ARGS(name));
    if (!lc_text_equal(lc_text_of(member(described, "name")), name))
        fail_msg("%s: the schema has \"%s\" there", here, member(described, "name"));
    if (json_is_array(type) != field->is_optional)
        fail_msg("%s: may be null in one of the two only", here);
    if (field->is_optional)
        assert_string_equal(json_string_value(json_array_get(type, 0)), "null");
    check_type(here, field, field->is_optional ? json_array_get(type, 1) : type);
}

static void
check_record(const char *place, const lc_record *record, const json_t *schema)
{
    const json_t *fields = json_object_get(schema, "fields");
    if (json_array_size(fields) != record->n_fields)
        fail_msg("%s: %zu fields in the schema, %zu in the table", place, json_array_size(fields), record->n_fields);
    for (size_t i = 0; i < record->n_fields; i++)
        check_field(place, &record->fields[i], json_array_get(fields, i));
}

static void
check_schema(lc_schema schema, const lc_record *record)
{
    json_t *json = json_loads(lc_schema_text(schema), 0, NULL);
    check_record(lc_schema_record_name(schema), record, json);
    json_decref(json);
}

static void
tables_and_schemas_say_the_same(void **state)
{
    (void)state;
    for (lc_fact_type type = 0; type < LC_FACT_TYPES; type++)
        check_schema(lc_fact_schema(type), &lc_fact_records[type]);
    for (lc_outcome_type type = 0; type < LC_OUTCOME_TYPES; type++)
        check_schema(lc_outcome_schema(type), &lc_outcome_records[type]);
}

/* ---- What follows from a table ---- */

/* In a list the items' fields. */
static void
check_item_differs(const lc_record *record, const void *of, const lc_record_field *list)
{
    for (size_t i = 0; i < list->items->n_fields; i++) {
        char one[256] = {0}, two[256] = {0}, other[sizeof(lc_outcome)];
        memcpy(other, of, record->bytes);
        filled_record(list->items, one);
        filled_record(list->items, two);
        filled_list(list, other, one);
        g_autofree void *first = g_memdup2(other, record->bytes);
        filled_list(list, other, two);
        assert_true(lc_record_equal(record, first, other));
        filled_field(&list->items->fields[i], two, 1);
        assert_false(lc_record_equal(record, first, other));
    }
}

static void
check_differs(const lc_record *record, const void *of, const lc_record_field *field)
{
    char other[sizeof(lc_outcome)];
    if (field->kind == LC_FIELD_LIST)
        return check_item_differs(record, of, field);
    memcpy(other, of, record->bytes);
    filled_field(field, other, 1);
    bool counts = field->kind != LC_FIELD_LEAD && !field->is_envelope;
    if (lc_record_equal(record, of, other) == counts)
        fail_msg("%.*s: is %s compared", LC_TEXT_ARGS(lc_field_name(field)), counts ? "not" : "wrongly");
}

static void
records_differ_where_a_field_does(void **state)
{
    (void)state;
    for (lc_outcome_type type = 0; type < LC_OUTCOME_TYPES; type++) {
        const lc_record *record = &lc_outcome_records[type];
        lc_outcome outcome = {.type = type};
        filled_record(record, &outcome);
        assert_true(lc_record_equal(record, &outcome, &outcome));
        for (size_t i = 0; i < record->n_fields; i++)
            check_differs(record, &outcome, &record->fields[i]);
    }
}

static void
what_a_flag_says_is_null_holds_anything(void **state)
{
    (void)state;
    const lc_record *record = &lc_outcome_records[LC_OUTCOME_SETTLED];
    lc_outcome one = {.type = LC_OUTCOME_SETTLED}, other = one;
    other.settled.destination.route = LC_ROUTE_ENRICH;
    other.settled.score = 7;
    assert_true(lc_record_equal(record, &one, &other));
    other.settled.has_score = true;
    assert_false(lc_record_equal(record, &one, &other));
    assert_false(lc_record_equal(record, &other, &one));
}

/* The reader of JSON has its own list of fields. */
static void
every_field_of_every_fact_is_read_from_json(void **state)
{
    (void)state;
    for (lc_fact_type type = 0; type < LC_FACT_TYPES; type++) {
        lc_fact fact = {.type = type,
                        .method = LC_METHOD_OTHER,
                        .recorded_at = LC_ABSENT,
                        .follow_up_at = LC_ABSENT,
                        .until = LC_ABSENT},
                read;
        lc_text lead_id;
        lc_instant arrived_at;
        lc_arena arena = {0};
        g_autoptr(GError) error = NULL;
        g_autoptr(GString) json = g_string_new(NULL);
        filled_record(&lc_fact_records[type], &fact);
        lc_json_write_fact(json, LC_TEXT("lead"), &fact);
        if (!lc_json_read_fact(json->str, json->len, &arena, &read, &lead_id, &arrived_at, &error))
            fail_msg("%s: %s", json->str, error->message);
        assert_int_equal(read.type, type);
        assert_true(lc_record_equal(&lc_fact_records[type], &fact, &read));
        for (size_t i = 0; i < lc_fact_records[type].n_fields; i++)
            assert_non_null(g_strstr_len(json->str, -1, lc_fact_records[type].fields[i].key));
        lc_arena_clear(&arena);
    }
}

/* ---- Sizes ---- */

/* Behind so much nothing can be written: that is said, and nothing is overrun. Under the address sanitizer so large an
 * array takes half a GiB. */
static void
nothing_is_written_beyond_what_an_array_can_count(void **state)
{
    (void)state;
    const guint nearly_all = G_MAXUINT - 100;
    g_autofree char *probe = RUNS_SANITIZED ? NULL : g_try_malloc(nearly_all);
    if (probe == NULL)
        skip();
    pid_t child = fork();
    int status;
    if (child == 0) {
        GByteArray *out = g_byte_array_new();
        lc_fact fact = {.type = LC_FACT_ERASED};
        g_byte_array_set_size(out, nearly_all);
        assert_non_null(freopen("/dev/null", "w", stderr));
        lc_encode_fact(out, LC_TEXT("lead"), &fact);
        _exit(0);
    }
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) != SIGSEGV);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_and_schemas_say_the_same),
        cmocka_unit_test(records_differ_where_a_field_does),
        cmocka_unit_test(what_a_flag_says_is_null_holds_anything),
        cmocka_unit_test(nothing_is_written_beyond_what_an_array_can_count),
        cmocka_unit_test(every_field_of_every_fact_is_read_from_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
