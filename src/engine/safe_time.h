/* safe_time.h - how far time is known to have passed in the inputs of a partition. */
#pragma once

#include <leadclock/base.h>

typedef struct {
    int64_t done;                   /* every record before it is judged and applied */
    lc_instant append_at;           /* LogAppendTime of the last record judged, or LC_ABSENT */
    lc_instant confirmed_append_at; /* the same, as of when all facts were last known to lie where they are read */
    lc_instant seen_at;             /* the last wall time at which it was seen consumed to its end, or LC_ABSENT */
    int64_t asked_end;              /* an end not reached yet, asked for after `asked_at`; -1: none */
    lc_instant asked_at;
    int64_t behind_since_ms; /* monotonic; -1: not behind */
} lc_input_time;

typedef struct {
    lc_input_time *inputs;
    int n_inputs;
    lc_instant now;   /* safe time; LC_ABSENT: unknown. Never goes back */
    bool republished; /* records may tell of facts from long before: no record's time is trusted until every input was
                         seen at its end */
} lc_safe_time;

void lc_safe_time_init(lc_safe_time *safe, int n_inputs, const int64_t *offsets);
void lc_safe_time_clear(lc_safe_time *safe);
/* An end that was asked for at wall time `at`: all that was published to the input by then is before it. */
void lc_safe_time_asked(lc_safe_time *safe, int input, int64_t end, lc_instant at, int64_t monotonic_ms);
void lc_safe_time_done(lc_safe_time *safe, int input, int64_t done, lc_instant append_at);
/* All that was published by now lies in partitions that are read. Without it time does not go on. */
void lc_safe_time_confirm(lc_safe_time *safe);
void lc_safe_time_advance(lc_safe_time *safe, int64_t monotonic_ms, lc_duration lateness, lc_duration patience);
/* Unknown again, as after an assignment: what was seen was timed by a wrong clock. */
void lc_safe_time_forget(lc_safe_time *safe);
