/* batch_judge.h - facts and wake-ups -> outcomes, counters, dead letters. */
#pragma once

#include "batch_parts.h"

/* Wakes those leads of a share, from `first` to before `end`, whose wake-up is due. */
void lc_batch_judge_due(lc_batch *batch, lc_share *share, guint first, guint end);
void lc_batch_judge_facts(lc_batch *batch);
