/* replay.h - facts in order of arrival, judged as section 9 says: due wake-ups first, then the fact. */
#pragma once

#include "lead_table.h"

typedef struct lc_replay lc_replay;

/* Called for each judgement, before the lead is put back; `lead->id` and all texts are good during the call. */
typedef void (*lc_replay_sink)(lc_table_lead *lead, const lc_judgement *judgement, void *data);

/* `book` is borrowed and must outlive the replay. `forget` as in lc_lead_table_new. */
lc_replay *
lc_replay_new(const lc_policy_book *book, lc_replay_sink sink, void (*forget)(lc_table_lead *, void *), void *data);
void lc_replay_free(lc_replay *replay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_replay, lc_replay_free)

/* Everything is copied that must be kept. `arrived_at` LC_ABSENT: at its occurred_at. */
lc_verdict lc_replay_fact(lc_replay *replay, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at);
/* Every wake-up before `until`. */
void lc_replay_until(lc_replay *replay, lc_instant until);

lc_judge *lc_replay_judge(lc_replay *replay);
lc_lead_table *lc_replay_leads(lc_replay *replay);
