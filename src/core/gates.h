/* gates.h - rule 4.3: what holds a hand-off back. Inside the core only. */
#pragma once

#include "replay.h"

/* Whether a gate holds the latest cycle back, which has just been opened; then `*settlement` says how it ends. */
bool lc_gates_hold_back(lc_replay *replay, lc_settlement *settlement);
