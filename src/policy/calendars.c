#include "read.h"

/* Each takes some megabytes and milliseconds. */
#define MOST_CALENDARS 100

#define MINUTES_OF_DAY 1440

static bool
read_clock_time(const char *text, int *minute)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : !g_ascii_isdigit(text[i]))
            return false;
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    *minute = hour * 60 + (text[3] - '0') * 10 + text[4] - '0';
    return text[3] < '6' && *minute <= MINUTES_OF_DAY;
}

static bool
read_window(lc_reader *reader, const lc_yaml *node, lc_window *window)
{
    lc_text text;
    int opens, closes;
    if (node->kind == LC_YAML_NOTHING) {
        lc_refuse(reader, node, "a window is missing; write it like 08:00-17:00");
        return false;
    }
    if (!lc_read_text(reader, node, "a window", &text))
        return false;
    if (text.size != strlen("08:00-17:00") || !read_clock_time(text.data, &opens) || text.data[5] != '-' ||
        !read_clock_time(text.data + 6, &closes)) {
        lc_refuse(reader, node, "this is no window; write it like 08:00-17:00, from 00:00 to 24:00");
        return false;
    }
    if (closes <= opens) {
        lc_refuse(reader, node,
                  closes == opens ? "the window ends where it begins; leave it out, or write 00:00-24:00 for all day"
                                  : "the window ends before it begins; one over midnight is two: until 24:00, and from "
                                    "00:00 on the next day");
        return false;
    }
    *window = (lc_window){(int16_t)opens, (int16_t)closes};
    return true;
}

typedef struct {
    lc_window window;
    const lc_yaml *node;
} lc_placed_window;

static int
compare_windows(gconstpointer a, gconstpointer b)
{
    const lc_placed_window *left = a, *right = b;
    return left->window.opens - right->window.opens;
}

static lc_day_windows
read_windows(lc_reader *reader, const lc_yaml *node)
{
    if (!lc_read_list(reader, node, "a day", "[08:00-12:00, 13:00-17:00]"))
        return (lc_day_windows){NULL, 0};
    g_autoptr(GArray) placed = g_array_new(FALSE, FALSE, sizeof(lc_placed_window));
    for (size_t i = 0; i < node->n; i++) {
        lc_placed_window next = {.node = node->items[i]};
        if (read_window(reader, next.node, &next.window))
            g_array_append_val(placed, next);
    }
    g_array_sort(placed, compare_windows);
    lc_window *windows = lc_arena_new(reader->arena, lc_window, placed->len);
    for (guint i = 0; i < placed->len; i++) {
        const lc_placed_window *this = &g_array_index(placed, lc_placed_window, i);
        windows[i] = this->window;
        if (i > 0 && this->window.opens < windows[i - 1].closes)
            lc_refuse(reader, this->node, "the windows of a day overlap; join them");
    }
    return (lc_day_windows){windows, placed->len};
}

static void
read_week(lc_reader *reader, const lc_yaml *node, lc_calendar_spec *spec)
{
    lc_field days[] = {{"mon"}, {"tue"}, {"wed"}, {"thu"}, {"fri"}, {"sat"}, {"sun"}};
    bool open = false;
    size_t n_known = 0;
    if (!lc_read_fields(reader, node, "week", days, G_N_ELEMENTS(days)))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(days); i++) {
        spec->week[i] = read_windows(reader, days[i].value);
        n_known += days[i].key != NULL;
        open |= days[i].value && (days[i].value->kind != LC_YAML_LIST || days[i].value->n > 0);
    }
    /* A misspelled day may have been meant to be open. */
    if (!open && n_known == node->n)
        lc_refuse(reader, node, "a week without a window; open it on some day, for example mon: [08:00-17:00]");
}

typedef struct {
    lc_reader *reader;
    GArray *days;     /* of lc_special_day */
    GHashTable *seen; /* date + 1 -> const lc_yaml * */
} lc_special_days;

/* Where the date is new. */
static bool
take_date(lc_special_days *special, const lc_yaml *node, lc_special_day *day)
{
    if (node->kind == LC_YAML_NOTHING)
        lc_refuse(special->reader, node, "a date is missing; write it like 2026-12-24");
    if (!lc_read_date(special->reader, node, &day->date))
        return false;
    const lc_yaml *first = g_hash_table_lookup(special->seen, GINT_TO_POINTER(day->date + 1));
    if (first)
        lc_refuse(special->reader, node,
                  "%s is given twice (first in line %d); keep one, under holidays or under special_days",
                  node->text.data, first->line);
    else
        g_hash_table_insert(special->seen, GINT_TO_POINTER(day->date + 1), (gpointer)node);
    return first == NULL;
}

static void
read_holidays(lc_special_days *special, const lc_yaml *node)
{
    if (!lc_read_list(special->reader, node, "holidays", "[2026-12-25]"))
        return;
    for (size_t i = 0; i < node->n; i++) {
        lc_special_day day = {0};
        if (take_date(special, node->items[i], &day))
            g_array_append_val(special->days, day);
    }
}

static void
read_special_days(lc_special_days *special, const lc_yaml *node)
{
    if (!lc_read_map(special->reader, node, "special_days", "2026-12-24: [08:00-12:00]"))
        return;
    for (size_t i = 0; i < node->n; i++) {
        lc_special_day day = {0};
        const lc_yaml *windows = node->pairs[i].value;
        if (windows->kind == LC_YAML_NOTHING)
            lc_refuse(special->reader, windows, "a day without windows; write [] where it is closed");
        bool taken = take_date(special, node->pairs[i].key, &day);
        day.windows = read_windows(special->reader, windows);
        if (taken)
            g_array_append_val(special->days, day);
    }
}

static lc_zone *
read_zone(lc_reader *reader, const lc_yaml *node, lc_text *name)
{
    if (!lc_read_text(reader, node, "time_zone", name))
        return NULL;
    lc_zone *zone = lc_zone_new(name->data);
    if (zone == NULL)
        lc_refuse_zone(reader, node);
    return zone;
}

static const lc_special_day *
keep_days(lc_reader *reader, const GArray *days)
{
    lc_special_day *kept = lc_arena_new(reader->arena, lc_special_day, days->len);
    if (days->len)
        memcpy(kept, days->data, days->len * sizeof *kept);
    return kept;
}

/* What is wrong is told; the calendar then stands for `always`, so that reading can go on. */
static void
read_calendar(lc_reader *reader, const lc_yaml *node, lc_named_calendar *named)
{
    enum { TIME_ZONE, WEEK, HOLIDAYS, SPECIAL_DAYS };
    lc_field fields[] = {[TIME_ZONE] = {"time_zone", "time_zone: Europe/Stockholm"},
                         [WEEK] = {"week", "week: {mon: [08:00-17:00]}"},
                         [HOLIDAYS] = {"holidays"},
                         [SPECIAL_DAYS] = {"special_days"}};
    if (!lc_read_fields(reader, node, "a calendar", fields, G_N_ELEMENTS(fields))) {
        named->calendar = lc_calendar_new_always();
        return;
    }
    g_autoptr(GArray) days = g_array_new(FALSE, FALSE, sizeof(lc_special_day));
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
    g_autoptr(lc_zone) zone = read_zone(reader, fields[TIME_ZONE].value, &named->zone_name);
    lc_special_days special = {reader, days, seen};
    read_week(reader, fields[WEEK].value, &named->spec);
    read_holidays(&special, fields[HOLIDAYS].value);
    read_special_days(&special, fields[SPECIAL_DAYS].value);
    named->spec.special_days = keep_days(reader, days);
    named->spec.n_special_days = days->len;
    lc_calendar_spec spec = named->spec;
    spec.zone = zone;
    named->calendar =
        lc_problems_is_empty(reader->document->problems) ? lc_calendar_new(&spec) : lc_calendar_new_always();
}

static void
read_named_calendar(lc_reader *reader, const lc_yaml_pair *pair, GHashTable *seen)
{
    lc_text name;
    if (pair->value->kind == LC_YAML_NOTHING)
        lc_refuse(reader, pair->value, "a calendar without a value; give it a time_zone and a week");
    if (!lc_read_name(reader, pair->key, "a calendar's name", &name) ||
        !lc_take_name(reader, seen, pair->key, "calendar"))
        return;
    if (lc_text_equal(name, LC_TEXT("always"))) {
        lc_refuse(reader, pair->key, "calendar \"always\" is built in; choose another name");
        return;
    }
    lc_named_calendar named = {.name = g_strdup(name.data), .node = pair->key};
    read_calendar(reader, pair->value, &named);
    g_array_append_val(reader->document->calendars, named);
}

void
lc_remark_unused_calendars(lc_reader *reader)
{
    for (guint i = 0; i < reader->document->calendars->len; i++) {
        const lc_named_calendar *named = &g_array_index(reader->document->calendars, lc_named_calendar, i);
        if (named->node && !named->used)
            lc_remark(reader, named->node, "no clock uses calendar \"%s\"", named->name);
    }
}

void
lc_read_calendars(lc_reader *reader, const lc_yaml *node)
{
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_named_calendar always = {.name = g_strdup("always"), .calendar = lc_calendar_new_always()};
    g_array_append_val(reader->document->calendars, always);
    if (!lc_read_map(reader, node, "calendars", "office: {time_zone: Europe/Stockholm, week: ...}"))
        return;
    if (node->n > MOST_CALENDARS)
        lc_refuse(reader, node, "more than %d calendars; split the policy into documents", MOST_CALENDARS);
    for (size_t i = 0; i < node->n && i < MOST_CALENDARS; i++)
        read_named_calendar(reader, &node->pairs[i], seen);
}

int
lc_find_calendar(lc_reader *reader, const lc_yaml *node)
{
    const GArray *calendars = reader->document->calendars;
    g_autofree const char **names = g_new(const char *, calendars->len);
    int found = 0;
    for (guint i = 0; i < calendars->len; i++)
        names[i] = g_array_index(calendars, lc_named_calendar, i).name;
    lc_read_choice(reader, node, "calendar", "calendars here", names, calendars->len, &found);
    g_array_index(calendars, lc_named_calendar, (guint)found).used = true;
    return found;
}
