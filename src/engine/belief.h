/* belief.h - the wall clock of a worker: doubted, asked for at the broker, told. */
#pragma once

#include "worker.h"

/* Whether the wall clock is to be believed; tells each change, and asks the broker for its clock where it may be wrong.
 */
bool lc_worker_believes(lc_worker *worker, lc_instant wall, int64_t now_ms);
/* After a flush: when the broker appended what was sent since `sent_ms`. `is_expected`: some of it went to a changelog.
 */
void lc_worker_take_append_time(lc_worker *worker, int64_t sent_ms, bool is_expected);
/* Before a commit, after a flush: what was judged as of `now` is not ahead of the broker's clock, as far as that is
 * known. LC_ERROR_ABORT. */
bool lc_worker_proves(lc_worker *worker, lc_instant now, GError **error);
/* Safe times are unknown again. */
void lc_worker_forget_time(lc_worker *worker);
