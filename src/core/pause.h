/* pause.h - rule 4.12: the pauses of a cycle. Inside the core only. */
#pragma once

#include "replay.h"

/* Whether the open cycle is in a pause. */
static inline bool
lc_is_paused(const lc_replay *replay)
{
    return replay->cycle->pause_ends != LC_ABSENT;
}

/* A LeadPaused, a LeadResumed. Whether the open time of the cycle is another than before. */
bool lc_pause_take(lc_replay *replay, const lc_moment *paused);
bool lc_pause_resume(lc_replay *replay, lc_instant at);
/* The pause that runs (there may be none) ends. */
void lc_pause_end(lc_replay *replay, lc_instant at);
