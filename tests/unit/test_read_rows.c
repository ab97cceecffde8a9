/* Rows (section 10) read back: what was written, what an older or a newer writer writes, and what is none. */
#include <leadclock/codec.h>

#include "asserting.h"
#include "filled.h"

static lc_table_row
filled_row(int table)
{
    lc_table_row row = {.table = table};
    filled_record(lc_rows_record(table), &row.cycle);
    return row;
}

/* Every column that may be null is. */
static lc_table_row
empty_row(int table)
{
    lc_table_row row = filled_row(table);
    const lc_record *record = lc_rows_record(table);
    for (size_t i = 0; i < record->n_fields; i++) {
        const lc_record_field *field = &record->fields[i];
        void *member = (char *)&row.cycle + field->at;
        if (!field->is_optional)
            continue;
        if (field->has_at)
            *((bool *)&row.cycle + field->has_at) = false;
        else if (field->kind == LC_FIELD_TEXT)
            *(lc_text *)member = LC_NO_TEXT;
        else if (field->kind == LC_FIELD_INSTANT || field->kind == LC_FIELD_DURATION)
            *(int64_t *)member = LC_ABSENT;
        else
            *(int *)member = -1;
    }
    return row;
}

static lc_table_row
read_row(const char *schema, const GByteArray *body, lc_arena *arena)
{
    g_autoptr(GError) error = NULL;
    lc_table_row row;
    g_autoptr(lc_plan) plan = lc_plan_new(schema, &error);
    must(plan && lc_plan_read_row(plan, body->data, body->len, arena, &row, &error), error);
    return row;
}

static void
assert_refused(const char *schema, const void *body, size_t size, const char *says)
{
    g_autoptr(GError) error = NULL;
    lc_arena arena = {0};
    lc_table_row row;
    g_autoptr(lc_plan) plan = lc_plan_new(schema, &error);
    assert_non_null(plan);
    assert_false(lc_plan_read_row(plan, body, size, &arena, &row, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
    if (says && strstr(error->message, says) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error->message, says);
    lc_arena_clear(&arena);
}

static void
assert_same_row(const lc_table_row *row, const lc_table_row *expected)
{
    assert_int_equal(row->table, expected->table);
    assert_true(lc_record_equal(lc_rows_record(row->table), &row->cycle, &expected->cycle));
}

static void
what_was_written_comes_back(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++)
        for (int i = 0; i < 2; i++) {
            lc_table_row row = i ? filled_row(table) : empty_row(table);
            lc_arena arena = {0};
            g_autoptr(GByteArray) body = g_byte_array_new();
            lc_encode_row(body, table, &row.cycle);
            lc_table_row read = read_row(lc_schema_text(lc_rows_schema(table)), body, &arena);
            assert_false(read.deleted);
            assert_same_row(&read, &row);
            lc_arena_clear(&arena);
        }
}

static void
lists_come_back(void **state)
{
    (void)state;
    static const lc_text owners[] = {{"ann", 3}, {"b\"o", 3}};
    static const lc_explanation explanation[] = {{{"large", 5}, true, true, 30}, {{"smb", 3}, false, false, 0}};
    lc_arena arena = {0};
    lc_table_row row = filled_row(LC_ROW_ROUTE);
    row.route.routed.exclude_owners = owners;
    row.route.routed.n_exclude_owners = 2;
    row.route.routed.explanation = explanation;
    row.route.routed.n_explanation = 2;
    g_autoptr(GByteArray) body = g_byte_array_new();
    lc_encode_row(body, LC_ROW_ROUTE, &row.cycle);
    lc_table_row read = read_row(lc_schema_text(LC_SCHEMA_ROUTE_ROW), body, &arena);
    assert_same_row(&read, &row);
    assert_int_equal(read.route.routed.n_explanation, 2);
    assert_text(read.route.routed.exclude_owners[1], "b\"o");
    assert_true(read.route.routed.explanation[0].is_signal);
    assert_int_equal(read.route.routed.explanation[0].points, 30);
    lc_arena_clear(&arena);
}

/* Said twice (people.md, 1): by a mark, and by a tombstone, of which there is the key alone. */
static void
a_deletion_has_its_key(void **state)
{
    (void)state;
    for (int table = 0; table < LC_TABLES; table++)
        for (int i = 0; i < 2; i++) {
            lc_table_row row = filled_row(table);
            lc_arena arena = {0};
            lc_record key = *lc_rows_record(table);
            key.n_fields = key.n_key_fields;
            g_autoptr(GByteArray) body = g_byte_array_new();
            if (i)
                lc_encode_row_deletion(body, table, &row.cycle);
            else
                lc_encode_row_key(body, table, &row.cycle);
            lc_schema schema = i ? lc_rows_schema(table) : lc_rows_key_schema(table);
            lc_table_row read = read_row(lc_schema_text(schema), body, &arena);
            assert_true(read.deleted);
            assert_int_equal(read.table, table);
            assert_true(lc_record_equal(&key, &read.cycle, &row.cycle));
            lc_arena_clear(&arena);
        }
}

static void
columns_that_a_writer_lacks_are_null(void **state)
{
    (void)state;
    static const char schema[] =
        "{\"type\":\"record\",\"name\":\"TenureRow\",\"fields\":["
        "{\"name\":\"new\",\"type\":[\"null\",\"string\"]},{\"name\":\"cycle_id\",\"type\":\"string\"},"
        "{\"name\":\"position\",\"type\":\"int\"},{\"name\":\"owner\",\"type\":[\"null\",\"string\"]}]}";
    lc_arena arena = {0};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_byte_array_append(body, (const guint8 *)"\2\4?!", 4);
    g_byte_array_append(body,
                        (const guint8 *)"\x48"
                                        "01010101-0101-0101-0101-010101010101\2\2\6ann",
                        43);
    lc_table_row row = read_row(schema, body, &arena);
    assert_false(row.deleted);
    assert_int_equal(row.tenure.position, 1);
    assert_text(row.tenure.owner, "ann");
    assert_true(lc_text_is_absent(row.tenure.lead_id));
    assert_true(row.tenure.from_at == LC_ABSENT && row.tenure.to_at == LC_ABSENT);
    lc_arena_clear(&arena);
}

/* By a later Leadclock: a state of the clock and a status that are not known here. */
static void
a_name_that_is_not_known_is_null_where_it_may_be(void **state)
{
    (void)state;
    static const char schema[] = "{\"type\":\"record\",\"name\":\"CycleRow\",\"fields\":["
                                 "{\"name\":\"cycle_id\",\"type\":\"string\"},{\"name\":\"%s\",\"type\":\"string\"}]}";
    static const char body[] = "\x48"
                               "01010101-0101-0101-0101-010101010101\6NEW";
    g_autofree char *optional = g_strdup_printf(schema, "first_contact_state");
    g_autofree char *required = g_strdup_printf(schema, "status");
    lc_arena arena = {0};
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    g_byte_array_append(bytes, (const guint8 *)body, sizeof body - 1);
    lc_table_row row = read_row(optional, bytes, &arena);
    assert_int_equal(row.cycle.first_contact_state, LC_FIRST_CONTACT_NONE);
    assert_refused(required, body, sizeof body - 1, "status");
    lc_arena_clear(&arena);
}

static void
what_is_no_row_is_refused(void **state)
{
    (void)state;
    static const char keyless[] = "{\"type\":\"record\",\"name\":\"CounterRow\",\"fields\":["
                                  "{\"name\":\"value\",\"type\":\"long\"}]}";
    static const char id[] = "{\"type\":\"record\",\"name\":\"CycleKey\",\"fields\":["
                             "{\"name\":\"cycle_id\",\"type\":\"string\"}]}";
    lc_table_row row = filled_row(LC_ROW_ROUTE);
    g_autoptr(GByteArray) body = g_byte_array_new();
    lc_encode_row(body, LC_ROW_ROUTE, &row.cycle);
    for (size_t size = 0; size < body->len; size++) {
        g_autofree void *cut = g_memdup2(body->data, size);
        assert_refused(lc_schema_text(LC_SCHEMA_ROUTE_ROW), cut, size, NULL);
    }
    assert_refused(keyless, "\2", 1, "channel");
    assert_refused(id, "\4no", 3, "cycle_id");
    assert_refused(lc_schema_text(LC_SCHEMA_LEAD_ERASED), "", 0, "another record");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(lists_come_back),
        cmocka_unit_test(a_deletion_has_its_key),
        cmocka_unit_test(columns_that_a_writer_lacks_are_null),
        cmocka_unit_test(a_name_that_is_not_known_is_null_where_it_may_be),
        cmocka_unit_test(what_is_no_row_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
