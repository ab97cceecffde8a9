/* before.c - the period before the one that is asked for. */
#include "before.h"

#include "months.h"

/* More days are no week and no month: their length counts. */
#define MOST_DAYS 400

static lc_instant
months_before(const lc_policy_book *book, lc_instant from, lc_instant to)
{
    int32_t first, end;
    if (to == LC_NEVER || !lc_months_between(book, from, to, &first, &end))
        return LC_ABSENT;
    return lc_month_end(book, first - (end - first) - 1);
}

/* `n` days before the day that begins at `at`. */
static lc_instant
go_back(const lc_policy_book *book, lc_instant at, unsigned n)
{
    lc_instant ends;
    while (n-- > 0)
        lc_report_day(book, at - 1, &at, &ends);
    return at;
}

static lc_instant
days_before(const lc_policy_book *book, lc_instant from, lc_instant to)
{
    unsigned n = 0;
    lc_instant at = to;
    for (; at > from && n < MOST_DAYS; n++)
        at = go_back(book, at, 1);
    /* `from` is the beginning of a day; so is `to`, or the next one would be counted again. */
    return at == from && go_back(book, to + 1, 1) == to ? go_back(book, from, n) : LC_ABSENT;
}

bool
lc_report_before(const lc_ledger *ledger, const lc_report_question *question, lc_report_question *before)
{
    lc_instant from = question->from, to = MIN(question->to, question->at);
    if (from <= 0 || from >= to) /* LC_ABSENT too */
        return false;
    lc_instant begins = question->to <= question->at ? months_before(question->book, from, to) : LC_ABSENT;
    if (begins == LC_ABSENT)
        begins = days_before(question->book, from, to);
    if (begins == LC_ABSENT)
        begins = from - (to - from);
    *before = *question;
    before->from = begins;
    before->to = from;
    return begins > 0 && begins >= ledger->forgotten_before;
}
