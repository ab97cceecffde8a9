/* icalendar.c - the dates that the all-day events of an iCalendar file (RFC 5545) close. */
#include "zone.h"

#include <leadclock/text.h>

#include <inttypes.h>
#include <libical/ical.h>

/* Holidays of a century take some hundreds of dates. */
#define MOST_DATES 100000

typedef struct {
    GArray *days;      /* of lc_closed_days */
    GHashTable *moved; /* "UID DATE" of what stands elsewhere, or is called off, of a series of events */
    unsigned n_dates, n_unread;
} lc_reading;

/* libical takes 02-30 for a date. */
static bool
date_of(struct icaltimetype time, int32_t *date)
{
    int64_t days = lc_days_from_date(time.year, MAX(time.month, 1), time.day), year;
    int month, day;
    lc_date_from_days(days, &year, &month, &day);
    *date = (int32_t)days;
    return !icaltime_is_null_time(time) && year == time.year && month == time.month && day == time.day;
}

/* ---- One event ---- */

/* What a component is asked for moves the place at which a search for its properties goes on, so all but the property
 * that is being searched for is taken before. */
typedef struct {
    lc_reading *reading;
    const char *uid; /* or "" */
    struct icaltimetype start;
    int32_t length;       /* in days */
    bool alone;           /* stands elsewhere than its series has it */
    GHashTable *left_out; /* dates as pointers */
} lc_event;

static const char *
uid_of(icalcomponent *component)
{
    const char *uid = icalcomponent_get_uid(component);
    return uid ? uid : "";
}

static char *
place_in_series(const char *uid, int32_t date)
{
    return g_strdup_printf("%s %" PRId32, uid, date);
}

static void
note_moved(lc_reading *reading, icalcomponent *component)
{
    int32_t date;
    if (date_of(icalcomponent_get_recurrenceid(component), &date))
        g_hash_table_add(reading->moved, place_in_series(uid_of(component), date));
}

static bool
is_left_out(const lc_event *event, int32_t date)
{
    g_autofree char *place = place_in_series(event->uid, date);
    return g_hash_table_contains(event->left_out, GINT_TO_POINTER(date)) ||
           (!event->alone && g_hash_table_contains(event->reading->moved, place));
}

static void
close_dates(const lc_event *event, struct icaltimetype start)
{
    lc_closed_days days;
    if (!date_of(start, &days.first)) {
        event->reading->n_unread++;
        return;
    }
    days.last = days.first + event->length - 1;
    days.yearly = false;
    event->reading->n_dates++;
    if (!is_left_out(event, days.first))
        g_array_append_val(event->reading->days, days);
}

/* Rules that repeat within a day say nothing of dates, and libical takes seconds for a few of them. */
static bool
is_of_days(const struct icalrecurrencetype *rule)
{
    return rule->freq == ICAL_DAILY_RECURRENCE || rule->freq == ICAL_WEEKLY_RECURRENCE ||
           rule->freq == ICAL_MONTHLY_RECURRENCE || rule->freq == ICAL_YEARLY_RECURRENCE;
}

static void
repeat(const lc_event *event, struct icalrecurrencetype rule)
{
    icalrecur_iterator *dates = is_of_days(&rule) ? icalrecur_iterator_new(rule, event->start) : NULL;
    int32_t date;
    if (dates == NULL) {
        event->reading->n_unread++;
        return;
    }
    for (struct icaltimetype next = icalrecur_iterator_next(dates);
         event->reading->n_dates < MOST_DATES && date_of(next, &date) && date * LC_DAY < LC_LAST_INSTANT;
         next = icalrecur_iterator_next(dates))
        close_dates(event, next);
    icalrecur_iterator_free(dates);
}

static void
repeat_all(const lc_event *event, icalcomponent *component)
{
    for (icalproperty *property = icalcomponent_get_first_property(component, ICAL_RRULE_PROPERTY); property;
         property = icalcomponent_get_next_property(component, ICAL_RRULE_PROPERTY))
        repeat(event, icalproperty_get_rrule(property));
    for (icalproperty *property = icalcomponent_get_first_property(component, ICAL_RDATE_PROPERTY); property;
         property = icalcomponent_get_next_property(component, ICAL_RDATE_PROPERTY)) {
        struct icaldatetimeperiodtype date = icalproperty_get_rdate(property);
        close_dates(event, icaltime_is_null_time(date.time) ? date.period.start : date.time);
    }
}

static GHashTable *
exceptions_of(icalcomponent *component)
{
    GHashTable *left_out = g_hash_table_new(NULL, NULL);
    for (icalproperty *property = icalcomponent_get_first_property(component, ICAL_EXDATE_PROPERTY); property;
         property = icalcomponent_get_next_property(component, ICAL_EXDATE_PROPERTY)) {
        int32_t date;
        if (date_of(icalproperty_get_exdate(property), &date))
            g_hash_table_add(left_out, GINT_TO_POINTER(date));
    }
    return left_out;
}

/* How many dates it takes; DTEND is that after the last, or a DURATION says it (RFC 5545, 3.6.1). */
static int32_t
length_of(icalcomponent *component, struct icaltimetype start)
{
    int32_t first, end;
    bool has_end = date_of(icalcomponent_get_dtend(component), &end) && date_of(start, &first);
    return has_end && end > first ? end - first : 1;
}

static void
read_event(lc_reading *reading, icalcomponent *component)
{
    struct icaltimetype start = icalcomponent_get_dtstart(component);
    if (!start.is_date || icalcomponent_get_status(component) == ICAL_STATUS_CANCELLED)
        return;
    g_autoptr(GHashTable) left_out = exceptions_of(component);
    lc_event event = {.reading = reading,
                      .uid = uid_of(component),
                      .start = start,
                      .length = length_of(component, start),
                      .alone = icalcomponent_get_first_property(component, ICAL_RECURRENCEID_PROPERTY) != NULL,
                      .left_out = left_out};
    close_dates(&event, start);
    if (!event.alone)
        repeat_all(&event, component);
}

/* ---- The file ---- */

/* A file with several calendars is read as a component that holds them. */
static void
for_each_event(lc_reading *reading, icalcomponent *parent, void (*take)(lc_reading *, icalcomponent *))
{
    for (icalcomponent *child = icalcomponent_get_first_component(parent, ICAL_ANY_COMPONENT); child;
         child = icalcomponent_get_next_component(parent, ICAL_ANY_COMPONENT))
        if (icalcomponent_isa(child) == ICAL_VEVENT_COMPONENT)
            take(reading, child);
        else if (icalcomponent_isa(child) == ICAL_VCALENDAR_COMPONENT)
            for_each_event(reading, child, take);
}

/* Whether each END has its BEGIN before it: libical tells of others on standard error, and of nothing else. */
static bool
is_nested(const char *text)
{
    int depth = 0;
    for (const char *line = text; *line && depth >= 0; line += strspn(line, "\r\n")) {
        if (g_ascii_strncasecmp(line, "BEGIN:", strlen("BEGIN:")) == 0)
            depth++;
        else if (g_ascii_strncasecmp(line, "END:", strlen("END:")) == 0)
            depth--;
        line += strcspn(line, "\r\n");
    }
    return depth >= 0;
}

static icalcomponent *
parse(const char *text, size_t size, GError **error)
{
    size_t mark = lc_byte_order_mark(text, size);
    /* What is wrong is a property of what was read, or nothing was. */
    icalerror_set_errors_are_fatal(false);
    bool is_text = memchr(text, '\0', size) == NULL && is_nested(text + mark);
    icalcomponent *root = is_text ? icalparser_parse_string(text + mark) : NULL;
    if (root &&
        (icalcomponent_isa(root) == ICAL_VCALENDAR_COMPONENT || icalcomponent_isa(root) == ICAL_XROOT_COMPONENT))
        return root;
    if (root)
        icalcomponent_free(root);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "no iCalendar file; it must be text from BEGIN:VCALENDAR to END:VCALENDAR");
    return NULL;
}

GArray *
lc_icalendar_read(const char *text, size_t size, unsigned *n_unread, GError **error)
{
    icalcomponent *root = parse(text, size, error);
    if (root == NULL)
        return NULL;
    g_autoptr(GArray) days = g_array_new(FALSE, FALSE, sizeof(lc_closed_days));
    g_autoptr(GHashTable) moved = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    lc_reading reading = {.days = days, .moved = moved, .n_unread = (unsigned)icalcomponent_count_errors(root)};
    for_each_event(&reading, root, note_moved);
    for_each_event(&reading, root, read_event);
    icalcomponent_free(root);
    *n_unread = reading.n_unread;
    if (reading.n_dates < MOST_DATES)
        return g_steal_pointer(&days);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "more than %d dates long; name a file of holidays alone", MOST_DATES);
    return NULL;
}
