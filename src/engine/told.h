/* told.h - what the log is told once, or as a number. */
#pragma once

#include <leadclock/engine.h>

/* What a batch has committed: those refused (but not TOO_MANY_FACTS), and those without a channel. Takes the texts over
 * (where such a record lies and what is wrong with it; NULL: there is none). */
void lc_told_add(lc_told *told, const lc_worker_tally *tally, char *last_refused, char *last_without_channel);
/* Tells how many there were, unless `at_once` at most once in 10 s; `dead_letters` is their topic. */
void lc_told_tell(lc_told *told, const char *dead_letters, int64_t now_ms, bool at_once);

/* Whether nobody has said it yet. */
bool lc_told_may_say_once(lc_told *told, const char *what);
