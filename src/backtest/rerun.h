/* rerun.h - facts in order of arrival, judged as section 9 says: due wake-ups first, then the fact. */
#pragma once

#include "lead_table.h"

typedef struct lc_rerun lc_rerun;

/* Called for each judgement, before the lead is put back; `lead->id` and all texts are good during the call. */
typedef void (*lc_rerun_sink)(lc_kept_lead *lead, const lc_judgement *judgement, void *data);

/* `book` is borrowed and must outlive the rerun. */
lc_rerun *lc_rerun_new(const lc_policy_book *book, lc_rerun_sink sink, void *data);
void lc_rerun_free(lc_rerun *rerun);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_rerun, lc_rerun_free)

/* Everything is copied that must be kept. `arrived_at` LC_ABSENT: at its occurred_at. */
lc_verdict lc_rerun_fact(lc_rerun *rerun, lc_text lead_id, const lc_fact *fact, lc_instant arrived_at);
/* Every wake-up before `until`. */
void lc_rerun_until(lc_rerun *rerun, lc_instant until);

/* When the last fact arrived; LC_ABSENT: there was none. */
lc_instant lc_rerun_now(const lc_rerun *rerun);
lc_judge *lc_rerun_judge(lc_rerun *rerun);
