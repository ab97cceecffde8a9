/* batch_judge.h - facts and wake-ups -> outcomes, counters, dead letters. */
#pragma once

#include "batch_parts.h"

/* Wakes those leads of a share, from `first` to before `end`, whose wake-up is due. */
void lc_batch_judge_due(lc_batch *batch, lc_share *share, guint first, guint end);
/* As many as there is room for in what is to be published; how many they were. */
guint lc_batch_judge_facts(lc_batch *batch);
void lc_batch_add_rows(lc_batch *batch, const lc_share *share, lc_batch_lead *lead, const lc_judgement *judgement,
                       lc_cause_of cause);
