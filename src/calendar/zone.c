/* zone.c - time zones as tables of offsets, made from the zone database. */
#include "zone.h"

/* From `start` up to the next one's start, wall-clock time is UTC plus `offset`. */
typedef struct {
    lc_instant start;
    lc_duration offset;
} lc_offset;

/* Most zones change their offset twice a year: in steps of 99 days the one that holds is found at once. */
#define LC_STEP ((lc_duration)1 << 33)
#define LC_STEPS (LC_LAST_INSTANT / LC_STEP + 1)

struct lc_zone {
    lc_offset *offsets; /* the first starts at LC_ABSENT */
    size_t n_offsets;
    uint32_t at_step[LC_STEPS]; /* the index of the offset that holds when the step begins */
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

static char *
database_path(const char *name)
{
    const char *folder = g_getenv("TZDIR");
    return g_build_filename(folder ? folder : "/usr/share/zoneinfo", name, NULL);
}

/* The file of a zone; NULL where the database has none. Ends with a NUL. Caller frees. */
static char *
read_database(const char *name, gsize *size)
{
    g_autofree char *path = database_path(name);
    g_autofree char *data = NULL;
    if (!g_file_test(path, G_FILE_TEST_IS_REGULAR) || !g_file_get_contents(path, &data, size, NULL) || *size < 4 ||
        memcmp(data, "TZif", 4) != 0)
        return NULL;
    return g_steal_pointer(&data);
}

static const char *
skip_abbreviation(const char *rule)
{
    if (*rule == '<')
        return rule + strcspn(rule, ">") + 1;
    return rule + strspn(rule, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}

/* GLib takes a summer offset of 0 in the rule for the years to come ("IST-1GMT0,M10.5.0,M3.5.0/1", Dublin) for none
 * given, and adds an hour. The offset that it so makes up; 0 where the rule is none of these. */
static lc_duration
made_up_offset(const char *data, gsize size)
{
    g_autofree char *rule = NULL;
    const char *end = data + size - 1, *start = end;
    if (size < 6 || *end != '\n')
        return 0;
    while (start > data && start[-1] != '\n')
        start--;
    rule = g_strndup(start, (gsize)(end - start));
    const char *offset = skip_abbreviation(rule);
    char *after;
    gint64 hours = *offset ? g_ascii_strtoll(offset, &after, 10) : 0;
    if (hours == 0)
        return 0;
    const char *summer = skip_abbreviation(after);
    bool zero = summer != after && *summer == '0' && strspn(summer, "0:") == strcspn(summer, ",");
    return zero ? (1 - hours) * LC_HOUR : 0;
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

/* Where GLib made up the offset `wrong` for 0, also the change from it, which is told in its wall-clock time, comes too
 * early by as much, the first such change included (the one before the first `wrong`). */
static void
mend(lc_zone *zone, lc_duration wrong)
{
    size_t first = 0;
    while (first < zone->n_offsets && zone->offsets[first].offset != wrong)
        first++;
    for (size_t i = MAX(first, 1) - 1; first < zone->n_offsets && i < zone->n_offsets; i++)
        if (zone->offsets[i].offset == wrong)
            zone->offsets[i].offset = 0;
        else if (zone->offsets[i].start != LC_ABSENT)
            zone->offsets[i].start += wrong;
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

static size_t
index_from(const lc_zone *zone, size_t index, lc_instant instant)
{
    while (index + 1 < zone->n_offsets && zone->offsets[index + 1].start <= instant)
        index++;
    return index;
}

static void
note_steps(lc_zone *zone)
{
    size_t index = 0;
    for (int64_t step = 0; step < LC_STEPS; step++) {
        index = index_from(zone, index, step * LC_STEP);
        zone->at_step[step] = (uint32_t)index;
    }
}

static size_t
index_at(const lc_zone *zone, lc_instant instant)
{
    size_t near = instant < LC_FIRST_INSTANT ? 0 : zone->at_step[MIN(instant / LC_STEP, LC_STEPS - 1)];
    return index_from(zone, near, instant);
}

lc_zone *
lc_zone_new(const char *name)
{
    gsize size = 0;
    g_autofree char *data = is_plain_name(name) ? read_database(name, &size) : NULL;
    g_autoptr(GTimeZone) source = data ? g_time_zone_new_identifier(name) : NULL;
    /* A small container may have no database. */
    if (source == NULL && strcmp(name, "UTC") == 0)
        source = g_time_zone_new_utc();
    if (source == NULL)
        return NULL;
    lc_zone *zone = g_new0(lc_zone, 1);
    tabulate(zone, source);
    lc_duration wrong = data ? made_up_offset(data, size) : 0;
    if (wrong != 0)
        mend(zone, wrong);
    note_steps(zone);
    return zone;
}

lc_zone *
lc_zone_copy(const lc_zone *zone)
{
    lc_zone *copy = g_memdup2(zone, sizeof *zone);
    copy->offsets = g_memdup2(zone->offsets, zone->n_offsets * sizeof *zone->offsets);
    return copy;
}

void
lc_zone_free(lc_zone *zone)
{
    if (zone == NULL)
        return;
    g_free(zone->offsets);
    g_free(zone);
}

/* In tzdata.zi a zone is a line "Z NAME ...", another name of one "L ZONE NAME". */
char **
lc_zone_names(void)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_autofree char *path = database_path("tzdata.zi"), *text = NULL;
    g_auto(GStrv) lines = g_file_get_contents(path, &text, NULL, NULL) ? g_strsplit(text, "\n", -1) : NULL;
    for (char **line = lines; line && *line; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 4);
        guint n = g_strv_length(words);
        const char *name = n > 1 && strcmp(words[0], "Z") == 0   ? words[1]
                           : n > 2 && strcmp(words[0], "L") == 0 ? words[2]
                                                                 : NULL;
        if (name && is_plain_name(name))
            g_strv_builder_add(names, name);
    }
    return g_strv_builder_end(names);
}

/* In tzdata.zi the first line is "# version 2025b"; the database of its makers has a file +VERSION. */
char *
lc_zone_data_version(void)
{
    static const char mark[] = "# version ";
    g_autofree char *rules = database_path("tzdata.zi"), *file = database_path("+VERSION"), *text = NULL;
    const char *version = "unknown";
    if (g_file_get_contents(rules, &text, NULL, NULL) && g_str_has_prefix(text, mark))
        version = text + strlen(mark);
    else {
        g_clear_pointer(&text, g_free);
        if (g_file_get_contents(file, &text, NULL, NULL) && text[0])
            version = text;
    }
    return g_strndup(version, strcspn(version, "\r\n"));
}

int64_t
lc_zone_date(const lc_zone *zone, lc_instant instant)
{
    instant = CLAMP(instant, INT64_MIN / 2, INT64_MAX / 2);
    lc_instant wall = instant + zone->offsets[index_at(zone, instant)].offset;
    return wall / LC_DAY - (wall % LC_DAY < 0);
}

char *
lc_zone_date_format(const lc_zone *zone, lc_instant instant, char *text)
{
    int64_t year;
    int month, day;
    lc_date_from_days(lc_zone_date(zone, instant), &year, &month, &day);
    g_snprintf(text, LC_DATE_TEXT_BYTES, "%04" G_GINT64_FORMAT "-%02d-%02d", year, month, day);
    return text;
}

char *
lc_zone_time_format(const lc_zone *zone, lc_instant instant, char *text)
{
    instant = CLAMP(instant, INT64_MIN / 2, INT64_MAX / 2);
    lc_instant wall = instant + zone->offsets[index_at(zone, instant)].offset;
    int seconds = (int)((wall % LC_DAY + LC_DAY) % LC_DAY / LC_SECOND);
    size_t date = strlen(lc_zone_date_format(zone, instant, text));
    g_snprintf(text + date, LC_DATE_TEXT_BYTES - date, " %02d:%02d:%02d", seconds / 3600, seconds / 60 % 60,
               seconds % 60);
    return text;
}

int32_t
lc_zone_month(const lc_zone *zone, lc_instant instant)
{
    int64_t year;
    int month, day;
    lc_date_from_days(lc_zone_date(zone, instant), &year, &month, &day);
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

void
lc_zone_day(const lc_zone *zone, lc_instant instant, lc_instant *begins, lc_instant *ends)
{
    int64_t date = lc_zone_date(zone, instant);
    *begins = lc_zone_instants_of(zone, date * LC_DAY).first;
    *ends = lc_zone_instants_of(zone, (date + 1) * LC_DAY).first;
}
