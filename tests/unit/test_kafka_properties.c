/* What members of the group have for properties of librdkafka: ours, unless the operator names another. */
#include <leadclock/kafka.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#define BACKOFF "fetch.queue.backoff.ms"

static int64_t
number_with(const char *const *properties, const char *name)
{
    lc_kafka_options options = {.brokers = "127.0.0.1:1", .group = "g", .properties = properties};

    return lc_kafka_member_number(&options, name);
}

static void
what_the_operator_names_is_taken(void **state)
{
    (void)state;
    assert_int_equal(number_with(NULL, "session.timeout.ms"), 15000);
    assert_int_equal(number_with((const char *const[]){"session.timeout.ms", "7000", NULL}, "session.timeout.ms"),
                     7000);
    assert_int_equal(number_with(NULL, "no.such.property"), -1);
    assert_int_equal(number_with((const char *const[]){"session.timeout.ms", "soon", NULL}, "session.timeout.ms"), -1);
}

static void
a_full_queue_is_looked_at_again_soon_unless_the_operator_says_when(void **state)
{
    static const struct {
        const char *said;
        int64_t taken;
    } cases[] = {{NULL, 20}, {"5", 5}, {"1000", 1000}, {"20", 20}};

    (void)state;
    g_autofree char *wrong = lc_kafka_check_property(BACKOFF, "5"); /* it is there from librdkafka 2.2 on */
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        const char *const properties[] = {"client.rack", "r", cases[i].said ? BACKOFF : NULL, cases[i].said, NULL};
        assert_int_equal(number_with(properties, BACKOFF), wrong ? -1 : cases[i].taken);
    }
}

static void
the_other_group_protocol_is_refused_with_the_reason(void **state)
{
    (void)state;
    g_autofree char *said = lc_kafka_check_property("group.protocol", "consumer");
    assert_non_null(said);
    assert_non_null(strstr(said, "must be classic"));
    assert_non_null(strstr(said, "refused its group.instance.id until the session of the one before has timed out"));
}

static GString *warnings;

static GLogWriterOutput
keep_warning(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)data;
    for (gsize i = 0; i < n && (level & G_LOG_LEVEL_WARNING); i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            g_string_append_printf(warnings, "%s\n", (const char *)fields[i].value);
    return G_LOG_WRITER_HANDLED;
}

/* Once it was read: new clients are made all the while, and one that can't be made would end the service. */
static void
a_password_file_that_is_away_for_a_while_ends_nothing(void **state)
{
    static const char *const properties[] = {"sasl.username", "u", NULL};
    GError *error = NULL;
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", &error);
    (void)state;
    assert_non_null(folder);
    g_autofree char *file = g_build_filename(folder, "password", NULL);
    lc_kafka_options options = {.brokers = "127.0.0.1:1",
                                .group = "g",
                                .properties = properties,
                                .password_file = file,
                                .key_password_file = file};

    assert_int_equal(lc_kafka_member_number(&options, "session.timeout.ms"), -1);
    assert_true(g_file_set_contents(file, "secret\n", -1, &error));
    assert_int_equal(lc_kafka_member_number(&options, "session.timeout.ms"), 15000);
    g_unlink(file);
    assert_int_equal(lc_kafka_member_number(&options, "session.timeout.ms"), 15000);
    assert_non_null(strstr(warnings->str, "kafka.password_file: "));
    assert_non_null(strstr(warnings->str, "kafka.key_password_file: "));
    g_rmdir(folder);
}

/* Nor does any other file: it is waited for. At the start the operator is to mend it. */
static void
a_certificate_that_is_away_for_a_while_is_waited_for(void **state)
{
    GError *error = NULL;
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", &error);
    (void)state;
    assert_non_null(folder);
    g_autofree char *file = g_build_filename(folder, "ca.pem", NULL);
    const char *const properties[] = {"ssl.ca.location", file, NULL};
    const lc_kafka_options options = {.brokers = "127.0.0.1:1", .properties = properties};

    assert_null(lc_publisher_new(&options, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
    g_clear_error(&error);
    assert_true(g_file_set_contents(file, "", -1, &error));
    lc_publisher *publisher = lc_publisher_new(&options, &error);
    assert_non_null(publisher);
    g_unlink(file);
    assert_null(lc_publisher_new(&options, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
    g_clear_error(&error);
    lc_publisher_free(publisher);
    g_rmdir(folder);
}

/* A certificate of nobody, good until 2126. */
static const char certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                  "MIIBjzCCATWgAwIBAgIUG8Z7R6aLZ32jftDd0fGKplUABRYwCgYIKoZIzj0EAwIw\n"
                                  "HDEaMBgGA1UEAwwRTGVhZGNsb2NrJ3MgdGVzdHMwIBcNMjYxMTMwMTIwNzMwWhgP\n"
                                  "MjEyNjExMDYxMjA3MzBaMBwxGjAYBgNVBAMMEUxlYWRjbG9jaydzIHRlc3RzMFkw\n"
                                  "EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEVJlw8GDWNClhgbbhMSFrjEj7sjWYmEx3\n"
                                  "XnY2g0vclQgQIw0XJDzm9SuG7h0SJ0jOdpC5vvNceDPsM3TrxG6rWqNTMFEwHQYD\n"
                                  "VR0OBBYEFBEUAXUlRxOZlqdfr1J+zDJfwRkdMB8GA1UdIwQYMBaAFBEUAXUlRxOZ\n"
                                  "lqdfr1J+zDJfwRkdMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIg\n"
                                  "Jepg3/RizTPRg33HG3k/gY6YhqMdcBYhaHPgLxrJPRQCIQDNgTKpXvMRB3ZPgBEs\n"
                                  "f6dvthO8cbvlWgx++Eur3VhiNg==\n"
                                  "-----END CERTIFICATE-----\n";

/* Who renews certificates may be in the middle of writing one. */
static void
a_certificate_that_is_half_written_is_waited_for(void **state)
{
    GError *error = NULL;
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", &error);
    (void)state;
    assert_non_null(folder);
    g_autofree char *file = g_build_filename(folder, "ca.pem", NULL);
    const char *const properties[] = {"security.protocol", "ssl", "ssl.ca.location", file, NULL};
    const lc_kafka_options options = {.brokers = "127.0.0.1:1", .properties = properties};

    assert_true(g_file_set_contents(file, certificate, -1, &error));
    lc_publisher *publisher = lc_publisher_new(&options, &error);
    assert_non_null(publisher);
    lc_publisher_free(publisher);
    assert_true(g_file_set_contents(file, certificate, sizeof certificate / 2, &error));
    assert_null(lc_publisher_new(&options, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
    g_clear_error(&error);
    assert_true(g_file_set_contents(file, certificate, -1, &error));
    assert_null(lc_publisher_new(&options, &error)); /* so soon it is not even tried: each refusal costs memory */
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_RETRY));
    g_clear_error(&error);
    g_usleep(300 * 1000);
    publisher = lc_publisher_new(&options, &error);
    assert_non_null(publisher);
    lc_publisher_free(publisher);
    g_unlink(file);
    g_rmdir(folder);
}

/* Of what contradicts itself no waiting comes, though clients of another kind were made. */
static void
a_contradiction_is_the_operators_whatever_was_made_before(void **state)
{
    GError *error = NULL;
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", &error);
    (void)state;
    assert_non_null(folder);
    g_autofree char *file = g_build_filename(folder, "ca.pem", NULL);
    assert_true(g_file_set_contents(file, certificate, -1, &error));
    const char *const properties[] = {
        "security.protocol", "ssl", "ssl.ca.location", file, "transaction.timeout.ms", "10000", NULL};
    const char *const inputs[] = {"facts", NULL};
    const lc_kafka_options options = {
        .brokers = "127.0.0.1:1", .group = "g", .instance = "i", .properties = properties, .inputs = inputs};
    lc_log *log = lc_kafka_log_new(&options, &error);
    assert_non_null(log);
    assert_false(lc_log_renew_producer(log, &error));
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
    assert_non_null(strstr(error->message, "transaction.timeout.ms"));
    g_clear_error(&error);
    lc_log_free(log);
    g_unlink(file);
    g_rmdir(folder);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_operator_names_is_taken),
        cmocka_unit_test(a_full_queue_is_looked_at_again_soon_unless_the_operator_says_when),
        cmocka_unit_test(the_other_group_protocol_is_refused_with_the_reason),
        cmocka_unit_test(a_password_file_that_is_away_for_a_while_ends_nothing),
        cmocka_unit_test(a_certificate_that_is_away_for_a_while_is_waited_for),
        cmocka_unit_test(a_certificate_that_is_half_written_is_waited_for),
        cmocka_unit_test(a_contradiction_is_the_operators_whatever_was_made_before),
    };

    warnings = g_string_new(NULL);
    g_log_set_writer_func(keep_warning, NULL, NULL);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    g_string_free(warnings, TRUE);
    return failed;
}
