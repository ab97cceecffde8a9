/* wall_clock.c - whether the wall clock is to be believed (architecture.md, "Safe time"). */
#include "wall_clock.h"

#include "checks.h"

#include <leadclock/calendar.h>

#define JUMP_MS LC_MINUTE        /* a wall clock so far ahead of the monotonic one is not believed */
#define LONG_AGO (INT64_MIN / 2) /* monotonic */

/* The broker's clock is known from its
 * LogAppendTime of records of ours: it said so after they were sent and before we were told, and the monotonic clock
 * says how long ago that was. So no idle topic and no backlog makes it look wrong. */

void
lc_wall_clock_init(lc_wall_clock *clock, lc_duration max_future)
{
    *clock = (lc_wall_clock){max_future, LC_ABSENT, LC_ABSENT, LONG_AGO, LONG_AGO};
}

void
lc_wall_clock_broker_said(lc_wall_clock *clock, lc_instant append_at, int64_t sent_ms, int64_t told_ms)
{
    clock->append_at = append_at;
    clock->sent_ms = sent_ms;
    clock->told_ms = told_ms;
}

lc_duration
lc_wall_clock_ahead_of_broker(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    return clock->append_at == LC_ABSENT ? LC_ABSENT : wall - (clock->append_at + now_ms - clock->sent_ms);
}

lc_instant
lc_wall_clock_checked(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    if (clock->append_at != LC_ABSENT)
        return MIN(wall, clock->append_at + now_ms - clock->sent_ms);
    return clock->believed_ahead == LC_ABSENT ? wall : MIN(wall, now_ms + clock->believed_ahead);
}

/* No further ahead of the broker's than what is believed of the monotonic clock. */
static bool
agrees_with_broker(const lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    return clock->append_at != LC_ABSENT && wall - (clock->append_at + now_ms - clock->told_ms) <= JUMP_MS;
}

/* One that went back is believed, and may come forward again to where it was: otherwise timers would stand still for
 * ever once it is right. */
lc_wall_belief
lc_wall_clock_judge(lc_wall_clock *clock, lc_instant wall, int64_t now_ms)
{
    lc_duration ahead = wall - now_ms, of_broker = lc_wall_clock_ahead_of_broker(clock, wall, now_ms);

    if (LC_CHECKS(LC_CHECK_BROKER_CLOCK) && of_broker != LC_ABSENT && of_broker > clock->max_future) {
        clock->believed_ahead = LC_ABSENT; /* what was believed before the broker was asked */
        return LC_WALL_AHEAD_OF_BROKER;
    }
    if (clock->believed_ahead != LC_ABSENT && ahead > clock->believed_ahead + JUMP_MS &&
        !agrees_with_broker(clock, wall, now_ms))
        return LC_WALL_JUMPED;
    clock->believed_ahead = MAX(clock->believed_ahead, ahead);
    return LC_WALL_BELIEVED;
}

char *
lc_wall_clock_describe(const lc_wall_clock *clock, lc_wall_belief belief, lc_instant wall, int64_t now_ms)
{
    char wall_text[LC_INSTANT_TEXT_BYTES], broker_text[LC_INSTANT_TEXT_BYTES];
    char ahead_text[LC_DURATION_TEXT_BYTES], limit_text[LC_DURATION_TEXT_BYTES];
    bool is_known = clock->append_at != LC_ABSENT;
    lc_duration ahead =
        is_known ? wall - (clock->append_at + now_ms - clock->told_ms) : wall - now_ms - clock->believed_ahead;

    lc_instant_format(wall, wall_text);
    lc_duration_format(ahead, ahead_text);
    if (!is_known)
        return g_strdup_printf("the wall clock says %s and has jumped ahead by %s; what the broker's clock says is not "
                               "known; timers wait until it is right again (if it is right now, restart)",
                               wall_text, ahead_text);
    lc_instant_format(clock->append_at + now_ms - clock->told_ms, broker_text);
    lc_duration_format(belief == LC_WALL_JUMPED ? JUMP_MS : clock->max_future, limit_text);
    return g_strdup_printf("the wall clock says %s and the broker's %s: %s ahead, more than %s%s; timers wait until it "
                           "is right again",
                           wall_text, broker_text, ahead_text, limit_text,
                           belief == LC_WALL_JUMPED ? " in a jump" : " (max_future)");
}
