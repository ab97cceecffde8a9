#include "zone.h"

#include <stdio.h>

/* From `start` up to the next one's start, wall-clock time is UTC plus `offset`. */
typedef struct {
    lc_instant start;
    lc_duration offset;
} lc_offset;

struct lc_zone {
    lc_offset *offsets; /* the first starts at LC_ABSENT */
    size_t n_offsets;
};

/* Wall-clock time is never further from UTC than this (POSIX allows 24 h, the zones have at most 15 h). */
#define LC_LONGEST_OFFSET (26 * LC_HOUR)

/* GLib takes much more for a zone than names of the database: paths, ":name", offsets, POSIX rules, files that are no
 * zone; and in right/ seconds are counted differently. */
static bool
is_plain_name(const char *name)
{
    static const char *const other[] = {"localtime", "posixrules", "Factory"};
    for (size_t i = 0; i < G_N_ELEMENTS(other); i++)
        if (strcmp(name, other[i]) == 0)
            return false;
    for (const char *c = name; *c; c++)
        if (!g_ascii_isalnum(*c) && strchr("_+-/", *c) == NULL)
            return false;
    return g_ascii_isalpha(name[0]) && !g_str_has_prefix(name, "posix/") && !g_str_has_prefix(name, "right/");
}

static bool
is_in_database(const char *name)
{
    const char *folder = g_getenv("TZDIR");
    g_autofree char *path = g_build_filename(folder ? folder : "/usr/share/zoneinfo", name, NULL);
    FILE *file = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? fopen(path, "rbe") : NULL;
    char magic[4];
    bool found = file && fread(magic, 1, sizeof magic, file) == sizeof magic && memcmp(magic, "TZif", 4) == 0;
    if (file)
        fclose(file);
    return found;
}

static lc_duration
offset_at(GTimeZone *zone, int64_t second, int *interval)
{
    *interval = g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, second);
    return g_time_zone_get_offset(zone, *interval) * LC_SECOND;
}

/* The first second after `from` that lies in a later interval than `interval`; `end` where there is none. */
static int64_t
interval_end(GTimeZone *zone, int interval, int64_t from, int64_t end)
{
    while (end - from > 1) {
        int64_t middle = from + (end - from) / 2;
        if (g_time_zone_find_interval(zone, G_TIME_TYPE_UNIVERSAL, middle) > interval)
            end = middle;
        else
            from = middle;
    }
    return end;
}

static void
tabulate(lc_zone *zone, GTimeZone *source)
{
    const int64_t begin = (LC_FIRST_INSTANT - 2 * LC_DAY) / LC_SECOND, end = (LC_LAST_INSTANT + 2 * LC_DAY) / LC_SECOND;
    g_autoptr(GArray) offsets = g_array_new(FALSE, FALSE, sizeof(lc_offset));
    int interval;
    for (int64_t second = begin; second < end; second = interval_end(source, interval, second, end)) {
        lc_offset next = {second == begin ? LC_ABSENT : second * LC_SECOND, offset_at(source, second, &interval)};
        if (offsets->len == 0 || g_array_index(offsets, lc_offset, offsets->len - 1).offset != next.offset)
            g_array_append_val(offsets, next);
    }
    zone->n_offsets = offsets->len;
    zone->offsets = (lc_offset *)g_array_free(g_steal_pointer(&offsets), FALSE);
}

lc_zone *
lc_zone_new(const char *name)
{
    g_autoptr(GTimeZone) source = NULL;
    if (strcmp(name, "UTC") == 0)
        source = g_time_zone_new_utc();
    else if (is_plain_name(name) && is_in_database(name))
        source = g_time_zone_new_identifier(name);
    if (source == NULL)
        return NULL;
    lc_zone *zone = g_new0(lc_zone, 1);
    tabulate(zone, source);
    return zone;
}

void
lc_zone_free(lc_zone *zone)
{
    if (zone == NULL)
        return;
    g_free(zone->offsets);
    g_free(zone);
}

static size_t
index_at(const lc_zone *zone, lc_instant instant)
{
    size_t low = 0, high = zone->n_offsets;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (zone->offsets[middle].start <= instant)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t
lc_zone_month(const lc_zone *zone, lc_instant instant)
{
    int64_t year;
    int month, day;
    instant = CLAMP(instant, INT64_MIN / 2, INT64_MAX / 2);
    lc_instant wall = instant + zone->offsets[index_at(zone, instant)].offset;
    lc_date_from_days(wall / LC_DAY - (wall % LC_DAY < 0), &year, &month, &day);
    return (int32_t)(year * 12 + month - 1);
}

lc_wall_instants
lc_zone_instants_of(const lc_zone *zone, int64_t wall)
{
    lc_wall_instants found = {LC_NEVER, LC_ABSENT};
    lc_instant transition = wall;
    for (size_t i = index_at(zone, wall - LC_LONGEST_OFFSET);
         i < zone->n_offsets && zone->offsets[i].start <= wall + LC_LONGEST_OFFSET; i++) {
        lc_instant start = zone->offsets[i].start, instant = wall - zone->offsets[i].offset;
        lc_instant end = i + 1 < zone->n_offsets ? zone->offsets[i + 1].start : LC_NEVER;
        if (instant >= end)
            transition = end;
        else if (instant >= start) {
            found.first = MIN(found.first, instant);
            found.last = instant;
        }
    }
    return found.first == LC_NEVER ? (lc_wall_instants){transition, transition} : found;
}
