/* test_logging.c - lines of the log, in both formats. */
#include <leadclock/service.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <unistd.h>

typedef enum { FIELDS, NEWLINES, QUOTES, NOT_UTF8, QUIET, LOUD, CONTROL } said;

static void
say(said what)
{
    switch (what) {
    case FIELDS:
        g_log_structured("leadclock", G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(3), "LEAD", "a b", "MESSAGE", "took %d",
                         7);
        break;
    case NEWLINES:
        g_log_structured("leadclock", G_LOG_LEVEL_WARNING, "MESSAGE", "one\ntwo");
        break;
    case QUOTES:
        g_log_structured("leadclock", G_LOG_LEVEL_INFO, "NAME", "a=\"b\"", "EMPTY", "", "MESSAGE", "quoted");
        break;
    case NOT_UTF8:
        g_log_structured("leadclock", G_LOG_LEVEL_INFO, "MESSAGE", "%s", "bad\xff");
        break;
    case QUIET:
        g_log_structured("leadclock", G_LOG_LEVEL_DEBUG, "MESSAGE", "whispered");
        break;
    case LOUD:
        g_log_structured("leadclock", G_LOG_LEVEL_CRITICAL, "MESSAGE", "shouted");
        break;
    case CONTROL:
        g_log_structured("leadclock", G_LOG_LEVEL_INFO, "MESSAGE", "\033[31mred");
        break;
    }
}

/* What is written to standard error; caller frees. */
static char *
capture(bool json, const char *level, said what)
{
    int pipe_ends[2], standard_error = dup(STDERR_FILENO);
    char text[1024] = "";
    assert_int_equal(pipe(pipe_ends), 0);
    dup2(pipe_ends[1], STDERR_FILENO);
    lc_logging_start(json, level);
    say(what);
    dup2(standard_error, STDERR_FILENO);
    close(pipe_ends[1]);
    close(standard_error);
    ssize_t size = read(pipe_ends[0], text, sizeof text - 1);
    close(pipe_ends[0]);
    assert_true(size >= 0);
    return g_strdup(text);
}

static const struct {
    said what;
    const char *level, *line; /* after ts=... */
} cases[] = {
    {FIELDS, "info", "level=info msg=\"took 7\" partition=3 lead=\"a b\"\n"},
    {NEWLINES, "info", "level=warning msg=\"one\\ntwo\"\n"},
    {QUOTES, "debug", "level=info msg=quoted name=\"a=\\\"b\\\"\" empty=\"\"\n"},
    {NOT_UTF8, "info", "level=info msg=bad\xef\xbf\xbd\n"},
    {CONTROL, "info", "level=info msg=\"\\u001b[31mred\"\n"},
    {QUIET, "info", NULL},
    {QUIET, "debug", "level=debug msg=whispered\n"},
    {LOUD, "error", "level=error msg=shouted\n"},
    {NEWLINES, "error", NULL},
    {FIELDS, "warning", NULL},
};

static void
a_line_of_logfmt_is_one_line(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *line = capture(false, cases[i].level, cases[i].what);
        if (cases[i].line == NULL) {
            assert_string_equal(line, "");
            continue;
        }
        assert_true(g_str_has_prefix(line, "ts=20"));
        assert_string_equal(strchr(line, ' ') + 1, cases[i].line);
    }
}

static void
a_line_of_json_is_an_object_of_the_same_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        if (cases[i].line == NULL)
            continue;
        g_autofree char *line = capture(true, cases[i].level, cases[i].what);
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        assert_int_equal(strchr(line, '\n') - line, strlen(line) - 1);
        assert_non_null(json_object_get(object, "ts"));
        assert_non_null(json_object_get(object, "level"));
        assert_non_null(json_object_get(object, "msg"));
        if (cases[i].what == QUOTES)
            assert_string_equal(json_string_value(json_object_get(object, "name")), "a=\"b\"");
        json_decref(object);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_of_logfmt_is_one_line),
        cmocka_unit_test(a_line_of_json_is_an_object_of_the_same_fields),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
