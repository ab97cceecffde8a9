/* clocks.h - section 5: all clocks of a cycle, asked one after the other. Inside the core only. */
#pragma once

#include "replay.h"

/* The idle clocks of a cycle under each rule of a book. */
lc_clocks_book *lc_clocks_book_new(const lc_policy_book *book);
void lc_clocks_book_free(lc_clocks_book *clocks);

/* The clocks of the cycle just opened; those that start at the hand-off run. `follow_up_at` is LeadCreated's (5.2). */
void lc_clocks_open(lc_replay *replay, lc_instant follow_up_at);
void lc_clocks_contacted(lc_replay *replay, const lc_moment *contact);
void lc_clocks_progressed(lc_replay *replay, unsigned stage, lc_instant at);
/* `rule` is the first that holds for it. */
void lc_clocks_duplicated(lc_replay *replay, lc_instant at, const lc_rule *rule);
void lc_clocks_assigned(lc_replay *replay, lc_instant at);
/* A pause has begun or ended. */
void lc_clocks_move(lc_replay *replay);
void lc_clocks_settled(lc_replay *replay, lc_instant at);

/* NULL: the cycle has none. */
const lc_clock_run *lc_clocks_first_contact(const lc_replay *replay);

/* Fires the instants before `until` that have taken effect at the replay's now; of the others the earliest is when to
 * look again (1.6, 8.1). Whether one of them settles the cycle: then `*settlement` says how, and later ones have not
 * been fired. */
bool lc_clocks_advance(lc_replay *replay, lc_instant until, lc_settlement *settlement);
