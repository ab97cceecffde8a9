/* Tables on a real Kafka, read to their end and on: with topics of their own, and a registry that is a file. */
#include <leadclock/tables.h>

#include "asserting.h"

#include <glib/gstdio.h>
#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define PATIENCE (30 * LC_SECOND)
#define KEY_ID 7
#define ROW_ID 8

typedef struct {
    char *topic, *schemas;
    lc_kafka_options options;
    lc_registry *registry;
    lc_tables *tables;
    GString *seen; /* "+1 +2 -1 " */
} world;

/* ---- A table of tenures, told apart by their positions ---- */

static void
write_schemas(const char *path)
{
    json_t *schemas = json_object();
    g_autoptr(GError) error = NULL;
    json_object_set_new(schemas, G_STRINGIFY(KEY_ID), json_string(lc_schema_text(LC_SCHEMA_TENURE_KEY)));
    json_object_set_new(schemas, G_STRINGIFY(ROW_ID), json_string(lc_schema_text(LC_SCHEMA_TENURE_ROW)));
    char *text = json_dumps(schemas, 0);
    must(g_file_set_contents(path, text, -1, &error), error);
    free(text);
    json_decref(schemas);
}

static void
create_topic(const world *w, int32_t partitions)
{
    static const char *const configs[] = {"cleanup.policy", "compact", NULL};
    g_autoptr(GError) error = NULL;
    must(lc_kafka_create_topic(&w->options, w->topic, partitions, 1, configs, 20000, &error), error);
}

static world
begin(const char *name)
{
    g_autoptr(GError) error = NULL;
    world w = {.topic = g_strdup_printf("t%d-%s.tenures", getpid(), name),
               .schemas = g_strdup_printf("/tmp/leadclock-tables-%d-%s.json", getpid(), name),
               .seen = g_string_new(NULL)};
    w.options = (lc_kafka_options){.brokers = g_getenv("LC_TEST_BROKERS"), .group = "tables"};
    write_schemas(w.schemas);
    w.registry = lc_registry_new(&(lc_registry_options){.file = w.schemas}, &error);
    must(w.registry != NULL, error);
    create_topic(&w, 2);
    return w;
}

static void
end(world *w)
{
    g_clear_pointer(&w->tables, lc_tables_free);
    lc_registry_free(w->registry);
    lc_kafka_delete_topic(&w->options, w->topic, 20000, NULL);
    g_unlink(w->schemas);
    g_string_free(w->seen, TRUE);
    g_free(w->topic);
    g_free(w->schemas);
}

static void
frame(GByteArray *out, uint8_t id)
{
    const uint8_t head[] = {0, 0, 0, 0, id};
    g_byte_array_append(out, head, sizeof head);
}

/* A row, its deletion by a mark, or a tombstone. */
static void
publish(const world *w, uint32_t position, char what)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_publisher) publisher = lc_publisher_new(&w->options, &error);
    g_autoptr(GByteArray) key = g_byte_array_new(), value = g_byte_array_new();
    const lc_tenure_row row = {.position = position, .lead_id = LC_TEXT("7"), .from_at = 1000, .to_at = LC_ABSENT};
    frame(key, KEY_ID);
    frame(value, ROW_ID);
    lc_encode_row_key(key, LC_ROW_TENURE, &row);
    if (what == '+')
        lc_encode_row(value, LC_ROW_TENURE, &row);
    else
        lc_encode_row_deletion(value, LC_ROW_TENURE, &row);
    lc_text bytes = what == '0'   ? LC_NO_TEXT
                    : what == '?' ? LC_TEXT("no row")
                                  : (lc_text){(const char *)value->data, value->len};
    must(lc_publisher_send_to(publisher, w->topic, (int32_t)(position % 2),
                              (lc_text){(const char *)key->data, key->len}, bytes, NULL, 0, &error),
         error);
    assert_int_equal(lc_publisher_flush(publisher, &error), 0);
}

static void
open_tables(world *w)
{
    g_autoptr(GError) error = NULL;
    const char *topics[LC_TABLES] = {[LC_ROW_TENURE] = w->topic};
    w->tables = lc_tables_new(&w->options, w->registry, topics, &error);
    must(w->tables != NULL, error);
}

static bool
take(const lc_table_row *row, void *data, G_GNUC_UNUSED GError **error)
{
    world *w = data;
    g_string_append_printf(w->seen, "%c%u ", row->deleted ? '-' : '+', row->tenure.position);
    return true;
}

static void
read_to_end(world *w)
{
    g_autoptr(GError) error = NULL;
    must(lc_tables_read_to_end(w->tables, PATIENCE, take, NULL, w, &error), error);
}

/* ---- What holds ---- */

static void
rows_and_deletions_are_read_to_the_end_and_on(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    world w = begin("on");
    uint64_t done, all;
    publish(&w, 2, '+');
    publish(&w, 4, '+');
    publish(&w, 2, '-');
    publish(&w, 2, '0');
    open_tables(&w);
    assert_false(lc_tables_are_caught_up(w.tables));
    publish(&w, 6, '+'); /* after the ends were asked for */
    read_to_end(&w);
    assert_true(g_str_has_prefix(w.seen->str, "+2 +4 -2 -2 "));
    lc_tables_progress(w.tables, &done, &all);
    assert_int_equal(all, 4);
    assert_int_equal(done, 4);

    must(lc_tables_look(w.tables, &error), error);
    read_to_end(&w);
    assert_string_equal(w.seen->str, "+2 +4 -2 -2 +6 ");
    must(lc_tables_look(w.tables, &error), error);
    assert_true(lc_tables_are_caught_up(w.tables));
    end(&w);
}

static void
what_is_no_row_is_named_and_passed_over(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    world w = begin("wrong");
    publish(&w, 2, '?');
    publish(&w, 4, '+');
    open_tables(&w);
    assert_false(lc_tables_read_to_end(w.tables, PATIENCE, take, NULL, &w, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RECORD));
    assert_non_null(strstr(error->message, "partition 0, offset 0"));
    read_to_end(&w);
    assert_string_equal(w.seen->str, "+4 ");
    end(&w);
}

/* As `reset` does: what was read says nothing any more. */
static void
tables_that_were_emptied_must_be_read_anew(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    world w = begin("anew");
    publish(&w, 2, '+');
    publish(&w, 4, '+');
    open_tables(&w);
    read_to_end(&w);
    must(lc_kafka_delete_topic(&w.options, w.topic, 20000, &error), error);
    bool is_gone = false;
    for (int tries = 0; tries < 100 && !is_gone; tries++) {
        g_clear_error(&error);
        is_gone = !lc_tables_look(w.tables, &error) && g_error_matches(error, LC_ERROR, LC_ERROR_ABORT);
    }
    assert_true(is_gone);
    end(&w);
}

static void
a_topic_that_does_not_exist_is_named(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    world w = begin("none");
    const char *topics[LC_TABLES] = {[LC_ROW_TENURE] = w.topic, [LC_ROW_ROUTE] = "no.such.topic"};
    assert_null(lc_tables_new(&w.options, w.registry, topics, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
    assert_non_null(strstr(error->message, "no.such.topic does not exist"));
    end(&w);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_deletions_are_read_to_the_end_and_on),
        cmocka_unit_test(what_is_no_row_is_named_and_passed_over),
        cmocka_unit_test(tables_that_were_emptied_must_be_read_anew),
        cmocka_unit_test(a_topic_that_does_not_exist_is_named),
    };
    if (g_getenv("LC_TEST_BROKERS") == NULL) {
        g_print("skipped: no servers (tests/run.sh starts them)\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
