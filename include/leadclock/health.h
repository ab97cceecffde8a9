/* health.h - /metrics, /livez and /readyz of a running service, from what its workers report; and what they say, told
 * to who started it.
 *
 * Uses engine, http and service. Reads reports only: it never waits for a worker. */
#pragma once

#include <leadclock/engine.h>
#include <leadclock/http.h>
#include <leadclock/service.h>

typedef struct {
    GPtrArray *workers; /* lc_worker *, borrowed */
    lc_time *time;
    lc_duration lateness;
    const char *zone_data; /* atomic: the version of the zone database that the policies were read with, interned */
    int policy_refused;    /* atomic: what the last SIGHUP read is not in use */
    uint64_t (*evictions_seen)(void); /* how often Redis was seen to have evicted keys; NULL: not told */
} lc_health;

/* An lc_http_pages; `data` is an lc_health. */
bool lc_health_answer(const char *path, lc_http_answer *answer, void *data);

/* Tells who started us what /livez and /readyz of `pages` say now. `supervisor` NULL: nobody. */
void lc_health_tell(lc_http_pages pages, void *data, lc_supervisor *supervisor);
