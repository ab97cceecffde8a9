/* history.h - random policies and leads' histories for property tests, and a player that keeps what a consumer would
 * have: the net outcomes (6.2), the counters and the rows. */
#pragma once

#include <leadclock/core.h>

#include "random.h"

/* ---- Policies ---- */

/* One to three documents in effect one after the other, with zones of both hemispheres and any mix of gates and clocks.
 * `retain` as in the YAML. */
lc_policy_book *history_policy(lc_random *random, const char *retain);
/* The same as a folder of files: written (caller frees its name), read and removed. */
char *history_write_policy(lc_random *random, const char *retain);
lc_policy_book *history_read_policy(const char *folder);
void history_remove_policy(const char *folder);

/* ---- Facts ---- */

typedef struct {
    lc_fact fact;
    lc_instant arrived_at;
} history_fact;

/* Facts of one lead, in order of arrival: late, ahead, repeated instants, any order of types. No id twice. Texts are
 * static or from `arena`. */
GArray *history_facts(lc_random *random, bool erasures, lc_arena *arena);
/* Other instants of arrival, and so another order. */
void history_shuffle(lc_random *random, GArray *facts);
/* Later than anything that any history does by itself. */
lc_instant history_end(void);

/* ---- Playing ---- */

typedef struct {
    lc_judge *judge;
    lc_lead lead;
    lc_arena arena;
    GHashTable *net;      /* event_id (text) -> outcome as JSON without `restated` */
    GHashTable *counters; /* "channel|cohort|metric" -> count, as GINT_TO_POINTER; zeros are left out */
    GHashTable *rows;     /* table and key (text) -> row as JSON */
} history_player;

history_player *history_player_new(const lc_policy_book *book);
void history_player_free(history_player *player);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(history_player, history_player_free)

/* Forgets the lead and all that it led to. */
void history_player_reset(history_player *player);

/* Judges the fact (NULL: a wake-up) and takes in what is published, which must make sense: nothing is published twice,
 * restated without a change, or retracted that does not stand; and the same of rows. What was published of facts that
 * are forgotten runs out; an erasure deletes every row before. */
lc_verdict history_judge(history_player *player, const lc_fact *fact, lc_instant now);
/* Fires the wake-ups d < `until`, each at d + 1 ms (section 9). */
void history_wake(history_player *player, lc_instant until);
/* The backtest of section 9. */
void history_play(history_player *player, const GArray *facts, lc_instant until);

/* What both hold, or print how they differ. */
bool history_same(const history_player *player, const history_player *other);
/* The same for what lc_lead_derive says of the lead now. */
bool history_same_as_derived(history_player *player, lc_instant now);
