/* Facts and clock instants in order of time (1.3, 1.6, section 5). */
#include "derive.h"

#include "cycle.h"

/* ---- One replay ---- */

/* The next facts. At the same instant facts come first: only what lies before a fact takes effect before it. */
static void
take(lc_replay *replay, const lc_moment *moments, size_t n_moments)
{
    for (const lc_moment *moment = moments; moment < moments + n_moments; moment++) {
        lc_cycle_advance(replay, moment->at);
        lc_cycle_take(replay, moment);
    }
}

/* There are no more: what lies between the last fact and now takes effect. */
static void
end(lc_replay *replay)
{
    lc_cycle_advance(replay, LC_NEVER);
    lc_cycle_end(replay);
}

/* ---- Both ---- */

static size_t
place_of(const lc_question *question)
{
    size_t n = question->n_now;

    while (question->fact && n > 0 && lc_moment_is_before(question->fact, &question->moments[n - 1]))
        n--;
    return n;
}

/* Both derivations begin with what lies before the fact and before both instants. Facts of one instant stay together:
 * of what they find the last stands (see requested.c). */
static size_t
count_shared(const lc_question *question, size_t place)
{
    const lc_moment *moments = question->moments;
    size_t n = question->then == LC_ABSENT ? 0 : place;

    while (n > 0 && (moments[n - 1].at > question->then || (question->fact && moments[n - 1].at >= question->fact->at)))
        n--;
    return n;
}

/* The clocks of both run alike up to `then`, or to the first fact that one of them may not have. */
static lc_instant
shared_until(const lc_question *question, size_t n_shared)
{
    lc_instant until = question->then;

    if (question->fact)
        until = MIN(until, question->fact->at);
    if (n_shared < question->n_then)
        until = MIN(until, question->moments[n_shared].at);
    return until;
}

static lc_shared
derive_before(const lc_question *question, size_t n_shared, lc_replay *before, lc_replay *after)
{
    lc_shared shared = {0};

    if (question->then == LC_ABSENT) {
        lc_replay_begin(before, question->then);
        return shared;
    }
    lc_instant until = shared_until(question, n_shared);
    lc_cycle_advance(after, until);
    if (after->cycle)
        shared = (lc_shared){after->cycle->n_findings, after->cycle->n_stages};
    lc_replay_fork(before, after, question->then);
    bool is_there = n_shared == question->n_then && until == question->then;
    if (!is_there || before->keeps_due)
        lc_replay_fork_clocks(before, after);
    if (!is_there) {
        take(before, question->moments + n_shared, question->n_then - n_shared);
        lc_cycle_advance(before, LC_NEVER);
    }
    lc_cycle_end(before);
    return shared;
}

lc_shared
lc_derive(const lc_question *question, lc_replay *before, lc_replay *after)
{
    const lc_moment *moments = question->moments;
    size_t place = place_of(question), n_shared = count_shared(question, place);

    lc_replay_begin(after, question->now);
    take(after, moments, n_shared);
    lc_shared shared = derive_before(question, n_shared, before, after);
    take(after, moments + n_shared, place - n_shared);
    if (question->fact)
        take(after, question->fact, 1);
    take(after, moments + place, question->n_now - place);
    end(after);
    return shared;
}
