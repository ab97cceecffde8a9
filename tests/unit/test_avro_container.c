/* Object container files that avro-c writes are read, and damaged ones do no harm. */
#include <leadclock/codec.h>

#include <avro.h>
#include <glib/gstdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>
#include <zstd.h>

#define FACTS 100

static lc_fact
fact_number(int i, char *event_id)
{
    g_snprintf(event_id, 16, "e%d", i);
    return (lc_fact){.type = LC_FACT_CONTACTED,
                     .method = LC_METHOD_CALL,
                     .connected = i % 2,
                     .event_id = lc_text_of(event_id),
                     .occurred_at = 1767225600000 + i,
                     .recorded_at = LC_ABSENT,
                     .follow_up_at = i % 3 ? LC_ABSENT : 1767225600000};
}

static void
append_value(avro_file_writer_t writer, avro_value_t *value, int i)
{
    char event_id[16];
    lc_fact fact = fact_number(i, event_id);
    avro_value_t branch;
    g_autoptr(GByteArray) body = g_byte_array_new();
    lc_encode_fact(body, LC_TEXT("lead"), &fact);
    avro_reader_t reader = avro_reader_memory((const char *)body->data, body->len);
    if (avro_value_get_type(value) == AVRO_UNION)
        assert_int_equal(avro_value_set_branch(value, i % 2, &branch), 0);
    else
        branch = *value;
    /* a body of ours, where the branch is a fact; branch 0 of the union is another record without fields */
    if (avro_value_get_type(value) != AVRO_UNION || i % 2)
        assert_int_equal(avro_value_read(reader, &branch), 0);
    assert_int_equal(avro_file_writer_append_value(writer, value), 0);
    avro_reader_free(reader);
}

/* A file of FACTS facts by avro-c. Caller frees. */
static GBytes *
write_file(const char *schema_json, const char *codec)
{
    g_autofree char *path = g_strdup_printf("/tmp/leadclock-container-%d-%u", (int)getpid(), g_random_int());
    avro_schema_t schema;
    avro_file_writer_t writer;
    avro_value_t value;
    char *bytes;
    gsize size;
    assert_int_equal(avro_schema_from_json_length(schema_json, strlen(schema_json), &schema), 0);
    if (avro_file_writer_create_with_codec(path, schema, &writer, codec, 512) != 0)
        fail_msg("%s", avro_strerror());
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_generic_value_new(class, &value);
    for (int i = 0; i < FACTS; i++)
        append_value(writer, &value, i);
    avro_file_writer_close(writer);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);
    assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    g_unlink(path);
    return g_bytes_new_take(bytes, size);
}

/* ---- What avro-c does not write: zstandard ---- */

static uint64_t
take_number(const uint8_t **at)
{
    uint64_t zigzag = 0;
    unsigned shift = 0;
    do
        zigzag |= (uint64_t)(**at & 0x7f) << shift;
    while (shift += 7, *(*at)++ & 0x80);
    return zigzag >> 1;
}

static void
append_number(GByteArray *file, uint64_t number)
{
    for (number *= 2; number >= 0x80; number >>= 7)
        g_byte_array_append(file, (const guint8[]){(guint8)(number | 0x80)}, 1);
    g_byte_array_append(file, (const guint8[]){(guint8)number}, 1);
}

static void
append_text(GByteArray *file, const char *text)
{
    append_number(file, strlen(text));
    g_byte_array_append(file, (const guint8 *)text, (guint)strlen(text));
}

/* Frames that say how much they hold, and others that do not. */
static void
append_frame(GByteArray *file, const uint8_t *block, size_t size, bool says_size)
{
    size_t room = ZSTD_compressBound(size);
    g_autofree char *frame = g_malloc(room);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, says_size);
    size_t used = ZSTD_compress2(context, frame, room, block, size);
    ZSTD_freeCCtx(context);
    assert_false(ZSTD_isError(used));
    append_number(file, used);
    g_byte_array_append(file, (const guint8 *)frame, (guint)used);
}

/* The file with each of its blocks compressed. */
static GBytes *
as_zstandard(const char *schema, GBytes *plain, bool says_size)
{
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(plain, &size), *end = bytes + size, *sync = end - 16;
    const uint8_t *at = memmem(bytes, size, sync, 16);
    GByteArray *file = g_byte_array_new();
    g_byte_array_append(file, (const guint8 *)"Obj\1\x04", 5);
    append_text(file, "avro.schema");
    append_text(file, schema);
    append_text(file, "avro.codec");
    append_text(file, "zstandard");
    append_number(file, 0);
    g_byte_array_append(file, sync, 16);
    for (at += 16; at < end; at += 16) {
        append_number(file, take_number(&at));
        size_t block = take_number(&at);
        append_frame(file, at, block, says_size);
        at += block;
        g_byte_array_append(file, sync, 16);
    }
    return g_byte_array_free_to_bytes(file);
}

static GBytes *
file_with(const char *schema, const char *codec)
{
    if (!g_str_has_prefix(codec, "zstandard"))
        return write_file(schema, codec);
    g_autoptr(GBytes) plain = write_file(schema, "null");
    return as_zstandard(schema, plain, strcmp(codec, "zstandard") == 0);
}

/* ---- What holds ---- */

static void
check_file(const char *schema, const char *codec, bool is_union)
{
    g_autoptr(GBytes) file = file_with(schema, codec);
    g_autoptr(GError) error = NULL;
    gsize size;
    const void *bytes = g_bytes_get_data(file, &size);
    g_autoptr(lc_container) container = lc_container_new(bytes, size, &error);
    if (container == NULL)
        fail_msg("%s: %s", codec, error->message);
    for (int i = 0; i < FACTS; i++) {
        char event_id[16];
        lc_fact read, expected = fact_number(i, event_id);
        lc_text lead_id;
        lc_instant arrived_at;
        bool is_other = is_union && i % 2 == 0;
        lc_container_result result = lc_container_next(container, &read, &lead_id, &arrived_at, &error);
        assert_int_equal(lc_container_record(container), i + 1);
        if (is_other) {
            assert_int_equal(result, LC_CONTAINER_BAD);
            assert_string_equal(error->message, "Other is no fact");
            g_clear_error(&error);
            continue;
        }
        if (result != LC_CONTAINER_FACT)
            fail_msg("%s, record %d: %s", codec, i, error ? error->message : "the end");
        assert_true(lc_text_equal(lead_id, LC_TEXT("lead")) && lc_text_equal(read.event_id, expected.event_id));
        assert_true(read.occurred_at == expected.occurred_at && read.follow_up_at == expected.follow_up_at);
        assert_true(read.connected == expected.connected && arrived_at == LC_ABSENT);
    }
    assert_int_equal(lc_container_next(container, NULL, NULL, NULL, &error), LC_CONTAINER_END);
    assert_int_equal(lc_container_position(container), size);
}

static const char *const codecs[] = {"null", "deflate", "snappy", "zstandard", "zstandard, size unsaid"};

static char *
union_schema(void)
{
    return g_strdup_printf("[{\"type\":\"record\",\"name\":\"Other\",\"fields\":[]},%s]",
                           lc_schema_text(LC_SCHEMA_LEAD_CONTACTED));
}

static void
files_of_facts_are_read(void **state)
{
    (void)state;
    g_autofree char *both = union_schema();
    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
        check_file(lc_schema_text(LC_SCHEMA_LEAD_CONTACTED), codecs[i], false);
        check_file(both, codecs[i], true);
    }
}

/* To its end, whatever comes; how it ended. */
static lc_container_result
read_all(const void *bytes, size_t size)
{
    g_autoptr(lc_container) container = lc_container_new(bytes, size, NULL);
    lc_container_result result = LC_CONTAINER_BROKEN;
    while (container) {
        lc_fact fact;
        lc_text lead_id;
        lc_instant arrived_at;
        result = lc_container_next(container, &fact, &lead_id, &arrived_at, NULL);
        if (result == LC_CONTAINER_END || result == LC_CONTAINER_BROKEN)
            break;
    }
    return result;
}

static void
damaged_files_do_no_harm(void **state)
{
    (void)state;
    g_autofree char *both = union_schema();
    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++) {
        g_autoptr(GBytes) file = file_with(i % 2 ? both : lc_schema_text(LC_SCHEMA_LEAD_CONTACTED), codecs[i]);
        gsize size;
        const char *bytes = g_bytes_get_data(file, &size);
        for (gsize cut = 0; cut < size; cut += 1 + cut / 64) {
            g_autofree char *copy = g_memdup2(bytes, cut);
            read_all(copy, cut);
        }
        for (gsize at = 0; at < size; at++) {
            g_autofree char *copy = g_memdup2(bytes, size);
            copy[at] = (char)(copy[at] ^ (1 << at % 8));
            read_all(copy, size);
        }
        g_autofree char *copy = g_memdup2(bytes, size);
        copy[size - 1] = (char)~copy[size - 1];
        assert_int_equal(read_all(copy, size), LC_CONTAINER_BROKEN);
        assert_int_equal(read_all(bytes, size), LC_CONTAINER_END);
    }
}

/* 100 MB of zeros in a few KB. */
static void
a_block_that_grows_beyond_64_mib_is_refused(void **state)
{
    (void)state;
    g_autoptr(GByteArray) file = g_byte_array_new();
    size_t size = 100 * 1000 * 1000;
    g_autofree uint8_t *zeros = g_malloc0(size);
    g_byte_array_append(file, (const guint8 *)"Obj\1\x04", 5);
    append_text(file, "avro.schema");
    append_text(file, lc_schema_text(LC_SCHEMA_LEAD_CONTACTED));
    append_text(file, "avro.codec");
    append_text(file, "zstandard");
    append_number(file, 0);
    g_byte_array_append(file, (const guint8 *)"0123456789abcdef", 16);
    append_number(file, 1);
    append_frame(file, zeros, size, false);
    g_byte_array_append(file, (const guint8 *)"0123456789abcdef", 16);
    assert_int_equal(read_all(file->data, file->len), LC_CONTAINER_BROKEN);
}

static void
what_is_no_container_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
        const char *message;
    } cases[] = {
        {"", 0, "does not begin"},
        {"Obj\2", 4, "does not begin"},
        {"Obj\1\0", 5, "longer"},
        {"Obj\1\x02\x16"
         "avro.schema\x10\"string\"\0",
         4 + 1 + 12 + 9 + 1, "longer"},
        {"Obj\1\x02\x16"
         "avro.schema\x10\"string\"\0"
         "0123456789abcdef",
         4 + 1 + 12 + 9 + 1 + 16, "neither a record"},
        {"Obj\1\x02\x14"
         "avro.codec\x0a"
         "bzip2\0"
         "0123456789abcdef",
         4 + 1 + 11 + 6 + 1 + 16, "none of null, deflate, snappy and zstandard"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        assert_null(lc_container_new(cases[i].bytes, cases[i].size, &error));
        assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
        if (strstr(error->message, cases[i].message) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", error->message, cases[i].message);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_facts_are_read),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(a_block_that_grows_beyond_64_mib_is_refused),
        cmocka_unit_test(what_is_no_container_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
