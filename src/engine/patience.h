/* patience.h - waiting for servers: the group is tended, what is waited for is told, and a tool gives up. */
#pragma once

#include "worker.h"

#define LC_TEND_EVERY_MS 500 /* the group is polled at least so often while something is waited for */
#define LC_COMPLAIN_EVERY_MS 10000
#define LC_RETRY_AFTER_MS 200
#define LC_RIGHT_AFTER_MS                                                                                              \
    5000 /* a right that was refused is tried again; each try may cost a producer and a recovery */

/* While something is waited for: polls the group for up to `wait_ms`, all inputs paused. False: give up, because the
 * assignment is gone or the worker is to stop (`error` unset), or for an error. */
bool lc_worker_tend(lc_worker *worker, int wait_ms, GError **error);
/* Acts on what is no record. False as above. */
bool lc_worker_handle(lc_worker *worker, const lc_log_event *event, GError **error);
/* Tells why the worker waits, once in 10 s (all workers together); takes the error. */
void lc_worker_complain(lc_worker *worker, const char *what, GError **error);
/* Is this an error that goes away by waiting, and is there time left to wait? Rights may be given while the service
 * waits; a tool ends. A registry that is slow is not away. */
bool lc_worker_may_wait(const lc_worker *worker, const GError *problem, int64_t began_ms);
/* Has a tool waited long enough? The service waits for ever. */
bool lc_worker_gives_up(const lc_worker *worker, int64_t since_ms);
/* Something was done or came: a tool has got on. */
void lc_worker_got_on(lc_worker *worker);
/* Has a tool tried often enough, and not got on? Each try has its own patience. */
bool lc_worker_despairs(const lc_worker *worker);
/* Until what failed is tried again. False: give up (see lc_worker_tend), or the assignment has changed. */
bool lc_worker_wait_to_retry(lc_worker *worker, bool denied, GError **error);
/* Calls `call` until it no longer says LC_ERROR_RETRY, tending the group and complaining meanwhile. */
typedef bool (*lc_worker_call)(lc_worker *worker, void *argument, GError **error);
bool lc_worker_insist(lc_worker *worker, const char *what, lc_worker_call call, void *argument, GError **error);
/* The same before the group is joined: there is nothing to tend. */
bool lc_worker_insist_at_start(lc_worker *worker, const char *what, lc_worker_call call, GError **error);
/* What tending has paused flows again, but of partitions that must recover. */
void lc_worker_resume_all(lc_worker *worker);

static inline bool
lc_is_denied(const GError *problem)
{
    return g_error_matches(problem, LC_ERROR, LC_ERROR_DENIED);
}
