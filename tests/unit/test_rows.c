/* Rows (section 10): their schemas, and what is written of them. */
#include <leadclock/codec.h>

#include "asserting.h"
#include "filled.h"

#include <avro.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <unistd.h>

/* A row of any table. */
typedef union {
    lc_cycle_row cycle;
    lc_breach_row breach;
    lc_stage_row stage;
    lc_tenure_row tenure;
    lc_route_row route;
    lc_counter_row counter;
} any_row;

static any_row
filled_row(int table)
{
    any_row row = {0};
    filled_record(lc_rows_record(table), &row);
    return row;
}

/* Every column that may be null is. */
static any_row
empty_row(int table)
{
    any_row row = filled_row(table);
    const lc_record *record = lc_rows_record(table);
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        void *member = (char *)&row + field->at;
        if (!field->is_optional)
            continue;
        if (field->has_at)
            *((bool *)&row + field->has_at) = false;
        else if (field->kind == LC_FIELD_TEXT)
            *(lc_text *)member = LC_NO_TEXT;
        else if (field->kind == LC_FIELD_INSTANT || field->kind == LC_FIELD_DURATION)
            *(int64_t *)member = LC_ABSENT;
        else
            *(int *)member = -1;
    }
    return row;
}

/* ---- Schemas ---- */

static const char *
type_of(lc_field_kind kind)
{
    switch (kind) {
    case LC_FIELD_INSTANT:
    case LC_FIELD_DURATION:
    case LC_FIELD_NUMBER:
        return "long";
    case LC_FIELD_COUNT:
    case LC_FIELD_INT:
        return "int";
    case LC_FIELD_FLAG:
        return "boolean";
    default:
        return "string";
    }
}

static void
check_column(const json_t *described, lc_text name, const char *type, bool is_instant, bool nullable)
{
    const json_t *given = json_object_get(described, "type");
    if (!lc_text_equal(lc_text_of(json_string_value(json_object_get(described, "name"))), name))
        fail_msg("%.*s is not where the table has it", LC_TEXT_ARGS(name));
    if (json_is_array(given) != nullable || (nullable && !json_is_null(json_object_get(described, "default"))))
        fail_msg("%.*s: null is not as it should be", LC_TEXT_ARGS(name));
    if (nullable)
        given = json_array_get(given, 1);
    const json_t *plain = json_is_object(given) ? json_object_get(given, "type") : given;
    const char *logical = json_string_value(json_object_get(given, "logicalType"));
    if (strcmp(json_string_value(plain), type) != 0 || (g_strcmp0(logical, "timestamp-millis") == 0) != is_instant)
        fail_msg("%.*s: its type is not that of the table", LC_TEXT_ARGS(name));
}

static void
check_columns(const lc_record *record, const json_t *fields, size_t n, bool has_deleted)
{
    size_t at = 0;
    assert_int_equal(json_array_size(fields), n + has_deleted);
    for (size_t i = 0; i < n; i++) {
        const lc_record_field *field = &record->fields[i];
        if (i == record->n_key_fields)
            check_column(json_array_get(fields, at++), LC_TEXT("deleted"), "boolean", false, false);
        check_column(json_array_get(fields, at++), lc_field_name(field), type_of(field->kind),
                     field->kind == LC_FIELD_INSTANT, i >= record->n_key_fields);
    }
}

/* people.md, 1: primitives, strings and timestamp-millis only; all but the key and `deleted` may be null. */
static void
schemas_are_flat_and_have_the_columns_of_the_tables(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++) {
        const lc_record *record = lc_rows_record(table);
        json_t *key = json_loads(lc_schema_text(lc_rows_key_schema(table)), 0, NULL);
        json_t *row = json_loads(lc_schema_text(lc_rows_schema(table)), 0, NULL);
        check_columns(record, json_object_get(key, "fields"), record->n_key_fields, false);
        check_columns(record, json_object_get(row, "fields"), record->n_fields, true);
        json_decref(key);
        json_decref(row);
    }
}

/* ---- Avro against JSON ---- */

static json_t *
shown(lc_schema schema, const GByteArray *body)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_plan) plan = lc_plan_new(lc_schema_text(schema), &error);
    g_autoptr(GString) json = g_string_new(NULL);
    assert_non_null(plan);
    must(lc_plan_read_json(plan, body->data, body->len, json, &error), error);
    json_t *read = json_loads(json->str, 0, NULL);
    json_object_del(read, "type");
    return read;
}

static json_t *
row_as_json(int table, const any_row *row)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_json_write_row(json, table, row);
    return json_loads(json->str, 0, NULL);
}

static void
assert_same_json(json_t *one, json_t *other)
{
    if (!json_equal(one, other)) {
        g_autofree char *a = json_dumps(one, 0), *b = json_dumps(other, 0);
        fail_msg("not the same:\n%s\n%s", a, b);
    }
    json_decref(one);
    json_decref(other);
}

static void
check_row(int table, const any_row *row)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    json_t *expected = row_as_json(table, row);
    lc_encode_row(body, table, row);
    json_object_set_new(expected, "deleted", json_false());
    assert_same_json(shown(lc_rows_schema(table), body), expected);
}

static void
a_row_is_the_same_in_avro_and_json(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++) {
        any_row row = filled_row(table), empty = empty_row(table);
        check_row(table, &row);
        check_row(table, &empty);
    }
}

static void
a_key_has_the_first_columns(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++) {
        any_row row = filled_row(table);
        const lc_record *record = lc_rows_record(table);
        g_autoptr(GByteArray) body = g_byte_array_new();
        json_t *expected = row_as_json(table, &row);
        for (size_t i = record->n_key_fields; i < record->n_fields; i++) {
            lc_text name = lc_field_name(&record->fields[i]);
            json_object_deln(expected, name.data, name.size);
        }
        lc_encode_row_key(body, table, &row);
        assert_same_json(shown(lc_rows_key_schema(table), body), expected);
    }
}

/* Only the key of a deleted row says something. */
static void
a_deletion_has_the_key_and_nulls(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++) {
        any_row row = filled_row(table);
        const lc_record *record = lc_rows_record(table);
        g_autoptr(GByteArray) body = g_byte_array_new();
        json_t *expected = row_as_json(table, &row);
        for (size_t i = record->n_key_fields; i < record->n_fields; i++) {
            lc_text name = lc_field_name(&record->fields[i]);
            json_object_setn_new(expected, name.data, name.size, json_null());
        }
        json_object_set_new(expected, "deleted", json_true());
        lc_encode_row_deletion(body, table, &row);
        assert_same_json(shown(lc_rows_schema(table), body), expected);
    }
}

/* ---- Lists as texts, and metrics in parts ---- */

static void
lists_of_a_row_are_texts_that_hold_json(void **state)
{
    (void)state;
    static const lc_text owners[] = {{"ann", 3}, {"b\"o", 3}};
    static const lc_explanation explanation[] = {{{"large", 5}, true, true, 30}, {{"smb", 3}, false, false, 0}};
    any_row row = filled_row(LC_ROW_ROUTE);
    row.route.routed.exclude_owners = owners;
    row.route.routed.n_exclude_owners = 2;
    row.route.routed.explanation = explanation;
    row.route.routed.n_explanation = 2;
    json_t *json = row_as_json(LC_ROW_ROUTE, &row);
    assert_string_equal(json_string_value(json_object_get(json, "exclude_owners")), "[\"ann\",\"b\\\"o\"]");
    assert_string_equal(json_string_value(json_object_get(json, "explanation")),
                        "[{\"rule\":\"large\",\"kind\":\"SIGNAL\",\"held\":true,\"points\":30},"
                        "{\"rule\":\"smb\",\"kind\":\"REQUIRE\",\"held\":false,\"points\":0}]");
    json_decref(json);
    check_row(LC_ROW_ROUTE, &row);
}

static void
a_metric_is_told_in_parts(void **state)
{
    (void)state;
    static const struct {
        const char *metric, *name, *label;
        int age;
    } cases[] = {
        {"handed_off", "handed_off", NULL, -1},   {"responded:5m", "responded", "5m", -1},
        {"reached:SAL", "reached", "SAL", -1},    {"reached:SAL@2", "reached", "SAL", 2},
        {"reached:SAL@24", "reached", "SAL", 24}, {"reached:S@L@0", "reached", "S@L", 0},
        {"reached:S@L", "reached", "S@L", -1},    {"reached:S@", "reached", "S@", -1},
        {"rejected:a@2", "rejected", "a@2", -1},  {"milestone_met:A:B", "milestone_met", "A:B", -1},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        lc_counter_row row = lc_counter_row_make(LC_TEXT("demo"), 24313, lc_text_of(cases[i].metric), 3, 7);
        assert_text(row.name, cases[i].name);
        assert_text(row.label, cases[i].label);
        assert_text(row.metric, cases[i].metric);
        assert_int_equal(row.age, cases[i].age);
    }
}

/* ---- CSV ---- */

static void
csv_quotes_what_must_be_and_tells_null_from_empty(void **state)
{
    (void)state;
    any_row row = empty_row(LC_ROW_TENURE);
    g_autoptr(GString) csv = g_string_new(NULL);
    lc_csv_write_header(csv, LC_ROW_TENURE);
    assert_string_equal(csv->str, "cycle_id,position,lead_id,owner,from_at,to_at");
    row.tenure.lead_id = LC_TEXT("a,\"b\"\n");
    g_string_truncate(csv, 0);
    lc_csv_write_row(csv, LC_ROW_TENURE, &row);
    assert_string_equal(csv->str,
                        "01010101-0101-0101-0101-010101010101,1,\"a,\"\"b\"\"\n\",,2026-02-02T09:00:00.000Z,");
    row.tenure.lead_id = LC_TEXT("7");
    row.tenure.owner = LC_TEXT("");
    g_string_truncate(csv, 0);
    lc_csv_write_row(csv, LC_ROW_TENURE, &row);
    assert_string_equal(csv->str, "01010101-0101-0101-0101-010101010101,1,7,\"\",2026-02-02T09:00:00.000Z,");
}

static void
csv_has_a_cell_for_each_column(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++)
        for (int i = 0; i < 2; i++) {
            any_row row = i ? filled_row(table) : empty_row(table);
            g_autoptr(GString) csv = g_string_new(NULL);
            lc_csv_write_row(csv, table, &row);
            g_auto(GStrv) cells = g_strsplit(csv->str, ",", -1);
            assert_int_equal(g_strv_length(cells), lc_rows_record(table)->n_fields);
        }
}

/* ---- Files ---- */

static void
a_file_of_rows_is_read_by_avro_c(void **state)
{
    (void)state;
    static const uint8_t sync[LC_SYNC_BYTES] = "0123456789abcde";
    g_autofree char *path = g_strdup_printf("/tmp/leadclock-rows-%d", (int)getpid());
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(GByteArray) bodies = g_byte_array_new();
    any_row row = filled_row(LC_ROW_CYCLE);
    avro_file_reader_t reader;
    avro_value_t value;
    int n = 0;
    lc_encode_row(bodies, LC_ROW_CYCLE, &row);
    lc_encode_row_deletion(bodies, LC_ROW_CYCLE, &row);
    lc_container_write_header(file, lc_schema_text(LC_SCHEMA_CYCLE_ROW), sync);
    lc_container_write_block(file, 2, bodies, sync);
    lc_container_write_block(file, 2, bodies, sync);
    assert_true(g_file_set_contents(path, (const char *)file->data, file->len, NULL));
    if (avro_file_reader(path, &reader) != 0)
        fail_msg("%s", avro_strerror());
    avro_schema_t schema = avro_file_reader_get_writer_schema(reader);
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_generic_value_new(class, &value);
    for (; avro_file_reader_read_value(reader, &value) == 0; n++) {
        avro_value_t deleted;
        int is_deleted;
        assert_int_equal(avro_value_get_by_name(&value, "deleted", &deleted, NULL), 0);
        avro_value_get_boolean(&deleted, &is_deleted);
        assert_int_equal(is_deleted, n % 2);
    }
    assert_int_equal(n, 4);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    avro_file_reader_close(reader);
    g_unlink(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(schemas_are_flat_and_have_the_columns_of_the_tables),
        cmocka_unit_test(a_row_is_the_same_in_avro_and_json),
        cmocka_unit_test(a_key_has_the_first_columns),
        cmocka_unit_test(a_deletion_has_the_key_and_nulls),
        cmocka_unit_test(lists_of_a_row_are_texts_that_hold_json),
        cmocka_unit_test(a_metric_is_told_in_parts),
        cmocka_unit_test(csv_quotes_what_must_be_and_tells_null_from_empty),
        cmocka_unit_test(csv_has_a_cell_for_each_column),
        cmocka_unit_test(a_file_of_rows_is_read_by_avro_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
