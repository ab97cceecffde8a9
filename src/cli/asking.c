/* asking.c - what is asked of a report, from options. */
#include "asking.h"

#include <leadclock/calendar.h>

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

bool
lc_cli_read_instant(const char *option, const char *text, lc_instant *instant, GError **error)
{
    char *end;
    if (lc_instant_parse(text, instant))
        return true;
    errno = 0;
    *instant = g_ascii_strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0')
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "%s: \"%s\" is no time; write it as 2026-02-02T09:00:00Z (a zone is needed), or as milliseconds since "
                "1970",
                option, text);
    return false;
}

bool
lc_cli_asking_read(lc_cli_asking *asking, GError **error)
{
    asking->from = LC_ABSENT;
    asking->to = LC_NEVER;
    if ((asking->from_text && !lc_cli_read_instant("--from", asking->from_text, &asking->from, error)) ||
        (asking->to_text && !lc_cli_read_instant("--to", asking->to_text, &asking->to, error)))
        return false;
    if (asking->from >= asking->to) {
        g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, "--from is not before --to: no lead lies between them");
        return false;
    }
    if (asking->months == LC_CLI_NOT_GIVEN || (asking->months >= 1 && asking->months <= MOST_MONTHS))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--months: from 1 to %d", MOST_MONTHS);
    return false;
}

lc_report_question
lc_cli_asking_question(const lc_cli_asking *asking)
{
    return (lc_report_question){.from = asking->from,
                                .to = asking->to,
                                .stage = asking->stage,
                                .months =
                                    asking->months == LC_CLI_NOT_GIVEN ? LC_REPORT_MONTHS : (unsigned)asking->months};
}

bool
lc_cli_asking_check_stage(const lc_cli_asking *asking, const lc_policy_book *book, GError **error)
{
    g_autoptr(GString) names = g_string_new(NULL);
    for (size_t i = 0; i < lc_policy_book_size(book); i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        if (asking->stage == NULL || lc_policy_stage(policy, lc_text_of(asking->stage)) >= 0)
            return true;
        for (unsigned j = 0; j < policy->n_stages; j++)
            g_string_append_printf(names, "%s%.*s", names->len ? ", " : "", LC_TEXT_ARGS(policy->stages[j].name));
    }
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--stage: the policy has no stage \"%s\"; stages: %s", asking->stage,
                names->len ? names->str : "none");
    return false;
}

bool
lc_cli_asking_choose_table(const lc_cli_asking *asking, lc_answers *report, GError **error)
{
    g_autofree char *names = asking->table ? lc_answers_table_names(report) : NULL;
    if (names == NULL)
        return true;
    g_auto(GStrv) known = g_strsplit(names, ", ", -1);
    if (!g_strv_contains((const char *const *)known, asking->table)) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--table: the report has no table \"%s\"; tables: %s",
                    asking->table, names);
        return false;
    }
    lc_answers_choose_table(report, asking->table);
    return true;
}
