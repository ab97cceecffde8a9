/* story.h - a lead's history in a line of text, and what is published in another: for rows of tests.
 *
 * A story is facts in order of arrival, with a semicolon after each but the last:
 *   created TIME CHANNEL [owner=O] [follow=TIME] [segment=S]
 *   assigned TIME OWNER
 *   contacted TIME [connected] [automated] [owner=O] [follow=TIME] [logged=TIME]
 *   progressed TIME STAGE
 *   rejected TIME REASON [owner=O] [follow=TIME]
 *   paused TIME [until=TIME]
 *   resumed TIME
 *   merged TIME LEAD_ID
 *   erased TIME
 *   until TIME                     (fires the wake-ups before it)
 * each with [id=ID] and [at=TIME], when it arrives. A TIME is [DAY/]HH:MM[:SS[.mmm]], UTC; day 1 is Sunday
 * 2026-02-01, and day 2, a Monday, is the default. */
#pragma once

#include <leadclock/core.h>

/* Plays the story as a backtest does and tells what is published, by commas: "breached first_contact 09:05". A `~`
 * before it: restated, a `-`: retracted. More is told where there is more: "{ann 3m}" are owners. Caller frees. */
char *story_told(const lc_policy_book *book, const char *story);
/* The counters then, sorted: "contacted 1, handed_off 2". Caller frees. */
char *story_counted(const lc_policy_book *book, const char *story);

lc_instant story_time(const char *text);
