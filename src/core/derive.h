/* derive.h - facts and clock instants in order of time (1.3, 1.6, section 5), once for what held before and once for
 * what holds now. Inside the core only.
 *
 * A replay is driven fact by fact, in the order of rule 1.3; between two facts the clock instants that lie there take
 * effect. Both derivations share what they have in common. */
#pragma once

#include "replay.h"

/* What is judged: the lead's facts in order (`moments`), which held when the lead was judged `then` (LC_ABSENT: never);
 * and now the first `n_now` of them, with `*fact` (or NULL) at its place among them. */
typedef struct {
    const lc_moment *moments;
    size_t n_then;
    lc_instant then, now;
    const lc_moment *fact;
    size_t n_now;
} lc_question;

/* What the latest cycle had found when `before` was forked from `after`: both have it. */
typedef struct {
    guint findings, stages;
} lc_shared;

lc_shared lc_derive(const lc_question *question, lc_replay *before, lc_replay *after);

/* The order of rule 1.3. */
static inline bool
lc_moment_is_before(const lc_moment *moment, const lc_moment *other)
{
    if (moment->at != other->at)
        return moment->at < other->at;
    if (moment->fact->type != other->fact->type)
        return moment->fact->type < other->fact->type;
    return lc_text_compare(moment->fact->event_id, other->fact->event_id) < 0;
}
