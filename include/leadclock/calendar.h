/* calendar.h - open time: what "within 8 office hours" means; and instants, durations and zones as text.
 *
 * Pure: no I/O but the zone database when a zone is made, no clock, no global but that libical's errors are not fatal.
 * Everything is computed when a policy is loaded; afterwards a calendar or a zone never changes and may be read from
 * any thread. Uses GLib and libical. Rules: lead-policy.md, section 3. */
#pragma once

#include <leadclock/base.h>

/* ---- Text ---- */

/* "2026-02-02T09:00:00Z", "...:00.250+01:00" (ISO 8601 with a zone; a fraction is cut to the millisecond). */
bool lc_instant_parse(const char *text, lc_instant *instant);

#define LC_INSTANT_TEXT_BYTES 32
/* "2026-02-02T09:00:00.000Z" into `text` (at least LC_INSTANT_TEXT_BYTES); returns `text`. */
char *lc_instant_format(lc_instant instant, char *text);
/* The same without the NUL; returns its end. */
char *lc_instant_put(char *to, lc_instant instant);

/* "1h30m": digits with s, m, h, d (24 h) or w (7 d), one or more (rule 2.2). At most 100 years.
 * `*has_days` (may be NULL): whether d or w occurs (rule 2.5 wants to know). */
bool lc_duration_parse(const char *text, lc_duration *duration, bool *has_days);

#define LC_DURATION_TEXT_BYTES 64
/* "1d 2h 30m", the largest units first, milliseconds as "250ms"; returns `text`. */
char *lc_duration_format(lc_duration duration, char *text);
/* Of open time, of which a day is not 24 h: "52h 10m"; returns `text`. */
char *lc_open_time_format(lc_duration duration, char *text);

/* ---- Zones ---- */

typedef struct lc_zone lc_zone;

/* An IANA zone ("Europe/Stockholm", "UTC"). NULL where the zone database has no such name: it never falls back. */
lc_zone *lc_zone_new(const char *name);
void lc_zone_free(lc_zone *zone);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_zone, lc_zone_free)

/* The names of the zone database, for "did you mean": NULL-terminated, in any order; none where it has no list
 * (tzdata.zi). Caller frees with g_strfreev. */
char **lc_zone_names(void);

/* The calendar month of an instant in the zone, as 12 * year + (month - 1): a cohort. O(1). */
int32_t lc_zone_month(const lc_zone *zone, lc_instant instant);

/* The calendar day of an instant in the zone: from when on, and to before when. A midnight that comes twice begins at
 * the first, one that doesn't exist where the clocks were changed. */
void lc_zone_day(const lc_zone *zone, lc_instant instant, lc_instant *begins, lc_instant *ends);

/* "2026-02-02": when that day begins in the zone; NULL: in UTC. False: it is none. */
bool lc_zone_date_parse(const lc_zone *zone, const char *text, lc_instant *begins);

#define LC_DATE_TEXT_BYTES 32
/* The date of an instant in the zone, "2026-02-02"; returns `text`. */
char *lc_zone_date_format(const lc_zone *zone, lc_instant instant, char *text);

#define LC_MONTH_TEXT_BYTES 16
/* "2026-02"; returns `text`. */
char *lc_month_format(int32_t month, char *text);

/* The time of an instant in the zone, "2026-02-02 09:00:00", at least LC_DATE_TEXT_BYTES; returns `text`. */
char *lc_zone_time_format(const lc_zone *zone, lc_instant instant, char *text);

/* The version of the zone database, "2025b"; "unknown" where it doesn't say. Caller frees. */
char *lc_zone_data_version(void);

/* ---- Calendars ---- */

/* Open from `opens` to `closes`, minutes since midnight on the wall of the date that it belongs to, on which it begins:
 * 0 <= opens < 1440, opens < closes <= opens + 1440. One over midnight closes after 1440. */
typedef struct {
    int16_t opens, closes;
} lc_window;

typedef struct {
    const lc_window *windows; /* in any order; none: a closed day */
    unsigned n_windows;
} lc_day_windows;

/* Rule 3.5: what names a full date wins over what names it every year, and that over what closes it in a range. */
typedef struct {
    int32_t date;           /* days since 1970-01-01 */
    lc_day_windows windows; /* replace those of the week; a holiday has none */
} lc_special_day;

typedef struct {
    int month_and_day;      /* 100 * month + day: 229 in leap years only */
    lc_day_windows windows; /* replace those of the week */
} lc_yearly_day;

/* Closed on every date from `first` to `last`: days since 1970-01-01; where `yearly`, 100 * month + day of every year,
 * over the new year where `last` is before `first`. */
typedef struct {
    int32_t first, last;
    bool yearly;
} lc_closed_days;

typedef struct {
    const lc_zone *zone;
    lc_day_windows week[7];             /* Monday first */
    const lc_special_day *special_days; /* each date once; like the others in any order */
    unsigned n_special_days;
    const lc_yearly_day *yearly_days; /* each once */
    unsigned n_yearly_days;
    const lc_closed_days *closed_days;
    unsigned n_closed_days;
} lc_calendar_spec;

/* The dates that the all-day events of an iCalendar file close (3.5), as lc_closed_days in any order; caller unrefs.
 * `text` ends with a NUL beyond `size`. `*n_unread`: how many lines, dates and rules of it are wrong and were passed
 * over. What is no such file at all is LC_ERROR_CONFIG. */
GArray *lc_icalendar_read(const char *text, size_t size, unsigned *n_unread, GError **error);

typedef struct lc_calendar lc_calendar;

/* `spec` is borrowed for the call only (the zone too). Computed for 1970 to 2100. */
lc_calendar *lc_calendar_new(const lc_calendar_spec *spec);
/* Open day and night: plain time. */
lc_calendar *lc_calendar_new_always(void);
void lc_calendar_free(lc_calendar *calendar);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_calendar, lc_calendar_free)

bool lc_calendar_is_always(const lc_calendar *calendar);

/* The instant at which `amount` (0 or more) of open time has passed since `from`; LC_NEVER beyond the year 2100.
 * An amount that runs out at closing time is due at closing time. O(log windows). */
lc_instant lc_calendar_add(const lc_calendar *calendar, lc_instant from, lc_duration amount);

/* The latest instant up to which no more than `amount` (0 or more) of open time has passed since `from`: where
 * lc_calendar_add gives a closing time the next opening, otherwise the same (3.2); LC_NEVER beyond the year 2100.
 * O(log windows). */
lc_instant lc_calendar_last(const lc_calendar *calendar, lc_instant from, lc_duration amount);

/* The open time between `from` and `to`; 0 where `to` is not after `from`. O(log windows). */
lc_duration lc_calendar_between(const lc_calendar *calendar, lc_instant from, lc_instant to);

#define LC_NO_CUTOFF (-1)
/* The last closing time of the `days`-th day with windows after day 0 (2.7), which is the date of `from` unless it has
 * no windows, or `from` is not before their last closing time or not before `cutoff` (minutes since midnight on the
 * wall, or LC_NO_CUTOFF). LC_NEVER beyond the year 2100. Not for a calendar that is always open. O(1). */
lc_instant lc_calendar_working_days(const lc_calendar *calendar, lc_instant from, unsigned days, int cutoff);
