/* asking.c - what is asked of a report, from options. */
#include "asking.h"

#include <leadclock/calendar.h>
#include <leadclock/codec.h>
#include <leadclock/text.h>

#include <errno.h>

#define MOST_MONTHS 120

void
lc_cli_asking_clear(lc_cli_asking *asking)
{
    g_free(asking->from_text);
    g_free(asking->to_text);
    g_free(asking->stage);
    g_free(asking->table);
}

bool
lc_cli_asking_is_given(const lc_cli_asking *asking)
{
    return asking->from_text || asking->to_text || asking->stage || asking->table || asking->months != LC_CLI_NOT_GIVEN;
}

/* A number is one as facts have it: seconds would be days in 1970. */
static bool
take_number(const char *option, lc_instant number, lc_instant *instant, GError **error)
{
    if (!lc_instant_may_be(number)) {
        char text[LC_INSTANT_TEXT_BYTES];
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "%s: %" G_GINT64_FORMAT " is %s as milliseconds since 1970, which no fact has; write a date, as "
                    "2026-02-02, or a time, as 2026-02-02T09:00:00Z",
                    option, number, lc_instant_format(number, text));
        return false;
    }
    *instant = number;
    return true;
}

bool
lc_cli_read_instant(const char *option, const char *text, const lc_policy_book *book, lc_instant *instant,
                    GError **error)
{
    char *end;
    if (lc_instant_parse(text, instant) || lc_zone_date_parse(book ? lc_policy_book_zone(book) : NULL, text, instant))
        return true;
    errno = 0;
    lc_instant number = g_ascii_strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0')
        return take_number(option, number, instant, error);
    g_set_error(
        error, LC_ERROR, LC_ERROR_CONFIG,
        "%s: \"%s\" is no time; write it as 2026-02-02T09:00:00Z (a zone is needed), as 2026-02-02 (the beginning "
        "of that day), or as milliseconds since 1970",
        option, text);
    return false;
}

/* Into what was LC_ABSENT and LC_NEVER. */
static bool
read_times(const lc_cli_asking *asking, const lc_policy_book *book, lc_instant *from, lc_instant *to, GError **error)
{
    return (asking->from_text == NULL || lc_cli_read_instant("--from", asking->from_text, book, from, error)) &&
           (asking->to_text == NULL || lc_cli_read_instant("--to", asking->to_text, book, to, error));
}

static bool
check_order(lc_instant from, lc_instant to, GError **error)
{
    if (from < to)
        return true;
    g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, "--from is not before --to: no lead lies between them");
    return false;
}

bool
lc_cli_asking_check(const lc_cli_asking *asking, GError **error)
{
    lc_instant from = LC_ABSENT, to = LC_NEVER;

    if (!read_times(asking, NULL, &from, &to, error))
        return false;
    if (asking->months == LC_CLI_NOT_GIVEN || (asking->months >= 1 && asking->months <= MOST_MONTHS))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--months: from 1 to %d", MOST_MONTHS);
    return false;
}

static void
add_once(GPtrArray *names, lc_text name)
{
    g_autofree char *added = g_strndup(name.data, name.size);
    if (!g_ptr_array_find_with_equal_func(names, added, g_str_equal, NULL))
        g_ptr_array_add(names, g_steal_pointer(&added));
}

static bool
check_stage(const lc_cli_asking *asking, const lc_policy_book *book, GError **error)
{
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        if (asking->stage == NULL || lc_policy_stage(policy, lc_text_of(asking->stage)) >= 0)
            return true;
        for (unsigned j = 0; j < policy->n_stages; j++)
            add_once(names, policy->stages[j].name);
    }
    g_ptr_array_add(names, NULL);
    g_autofree char *meant = lc_did_you_mean(asking->stage, (const char *const *)names->pdata);
    g_autofree char *all = g_strjoinv(", ", (char **)names->pdata);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--stage: the policy has no stage \"%s\"%s%s stages: %s",
                asking->stage, meant, *meant ? "" : ";", *all ? all : "none");
    return false;
}

bool
lc_cli_asking_question(const lc_cli_asking *asking, const lc_policy_book *book, lc_report_question *question,
                       GError **error)
{
    *question = (lc_report_question){
        .book = book,
        .from = LC_ABSENT,
        .to = LC_NEVER,
        .stage = asking->stage,
        .months = asking->months == LC_CLI_NOT_GIVEN ? LC_REPORT_MONTHS : (unsigned)asking->months,
    };
    return read_times(asking, book, &question->from, &question->to, error) &&
           check_order(question->from, question->to, error) && check_stage(asking, book, error);
}

bool
lc_cli_asking_choose_table(const lc_cli_asking *asking, lc_answers *report, GError **error)
{
    g_autofree char *names = asking->table ? lc_answers_table_names(report) : NULL;
    if (names == NULL)
        return true;
    g_auto(GStrv) known = g_strsplit(names, ", ", -1);
    if (!g_strv_contains((const char *const *)known, asking->table)) {
        g_autofree char *meant = lc_did_you_mean(asking->table, (const char *const *)known);
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--table: the report has no table \"%s\"%s%s tables: %s",
                    asking->table, meant, *meant ? "" : ";", names);
        return false;
    }
    lc_answers_choose_table(report, asking->table);
    return true;
}
