/* wall_clock.h - whether the wall clock is to be believed: what is known of it, and nothing else. */
#pragma once

#include <leadclock/base.h>

typedef struct {
    lc_duration max_future;
    lc_duration believed_ahead; /* the furthest that the wall clock was believed ahead of the monotonic one */
    lc_instant append_at;       /* what the broker's clock said; LC_ABSENT: not known */
    int64_t sent_ms, told_ms;   /* monotonic: it said so between these */
} lc_wall_clock;

typedef enum {
    LC_WALL_BELIEVED,
    LC_WALL_JUMPED,         /* ahead of the monotonic clock, and the broker does not agree with it */
    LC_WALL_AHEAD_OF_BROKER /* by more than max_future */
} lc_wall_belief;

void lc_wall_clock_init(lc_wall_clock *clock, lc_duration max_future);
/* The broker appended a record of ours, by its own clock at `append_at`, between these two monotonic moments. */
void lc_wall_clock_broker_said(lc_wall_clock *clock, lc_instant append_at, int64_t sent_ms, int64_t told_ms);
lc_wall_belief lc_wall_clock_judge(lc_wall_clock *clock, lc_instant wall, int64_t now_ms);
/* What the time is at most: the wall clock's, or the broker's where that is earlier; a jump ahead is not believed. */
lc_instant lc_wall_clock_checked(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms);
/* By how much at least; LC_ABSENT: not known. */
lc_duration lc_wall_clock_ahead_of_broker(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms);
/* What is wrong, with both clocks and the difference. Caller frees. */
char *lc_wall_clock_describe(const lc_wall_clock *clock, lc_wall_belief belief, lc_instant wall, int64_t now_ms);
