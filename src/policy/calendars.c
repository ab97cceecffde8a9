/* calendars.c - the calendars of a document: zones, weeks and their windows (2.5, 3.5). */
#include "read.h"

/* Each takes some megabytes and milliseconds. */
#define MOST_CALENDARS 100

#define MINUTES_OF_DAY 1440

#define CALENDAR "{time_zone: Europe/Stockholm, week: {mon: [08:00-17:00]}}"

bool
lc_clock_time_parse(const char *text, int *minute)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : !g_ascii_isdigit(text[i]))
            return false;
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    *minute = hour * 60 + (text[3] - '0') * 10 + text[4] - '0';
    return text[3] < '6' && *minute <= MINUTES_OF_DAY;
}

static bool
read_window(lc_document_reader *reader, const lc_yaml *node, lc_window *window)
{
    lc_text text;
    int opens, closes;
    if (node->kind == LC_YAML_NOTHING) {
        lc_refuse(reader, node, "a window is missing; write it like 08:00-17:00");
        return false;
    }
    if (!lc_read_text(reader, node, "a window", &text))
        return false;
    if (text.size != strlen("08:00-17:00") || !lc_clock_time_parse(text.data, &opens) || text.data[5] != '-' ||
        !lc_clock_time_parse(text.data + 6, &closes)) {
        lc_refuse(reader, node, "this is no window; write it like 08:00-17:00, from 00:00 to 24:00");
        return false;
    }
    if (closes == opens || opens == MINUTES_OF_DAY) {
        lc_refuse(reader, node,
                  closes == opens ? "the window ends where it begins; leave it out, or write 00:00-24:00 for all day"
                                  : "the window begins at 24:00; write it for the next day, from 00:00");
        return false;
    }
    if (closes == MINUTES_OF_DAY - 1)
        lc_remark(reader, node, "the window ends a minute before midnight; write 24:00 where the whole day is meant");
    closes += closes < opens ? MINUTES_OF_DAY : 0;
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

/* Those of a day in order; what is wrong with one is told. */
static GArray *
read_placed_windows(lc_document_reader *reader, const lc_yaml *node)
{
    GArray *placed = g_array_new(FALSE, FALSE, sizeof(lc_placed_window));
    if (!lc_read_list(reader, node, "a day", "[08:00-12:00, 13:00-17:00]"))
        return placed;
    for (size_t i = 0; i < node->n; i++) {
        lc_placed_window next = {.node = node->items[i]};
        if (read_window(reader, next.node, &next.window))
            g_array_append_val(placed, next);
    }
    g_array_sort(placed, compare_windows);
    return placed;
}

static lc_day_windows
keep_windows(lc_document_reader *reader, const GArray *placed)
{
    lc_window *windows = lc_arena_new(reader->arena, lc_window, placed->len);
    for (guint i = 0; i < placed->len; i++)
        windows[i] = g_array_index(placed, lc_placed_window, i).window;
    return (lc_day_windows){windows, placed->len};
}

/* Of a special day; they may overlap (2.5). */
lc_day_windows
lc_read_windows(lc_document_reader *reader, const lc_yaml *node)
{
    g_autoptr(GArray) placed = read_placed_windows(reader, node);
    return keep_windows(reader, placed);
}

static lc_day_windows
read_day(lc_document_reader *reader, const lc_yaml *node, lc_placed_window *first, lc_placed_window *last)
{
    g_autoptr(GArray) placed = read_placed_windows(reader, node);
    lc_placed_window *windows = (lc_placed_window *)(void *)placed->data;
    for (guint i = 1; i < placed->len; i++)
        if (windows[i].window.opens < windows[i - 1].window.closes)
            lc_refuse(reader, windows[i].node, "the windows of a day overlap; join them");
    if (placed->len) {
        *first = windows[0];
        *last = windows[placed->len - 1];
    }
    return keep_windows(reader, placed);
}

/* `last` of one day and `first` of the next. */
static void
check_night(lc_document_reader *reader, const lc_placed_window *last, const lc_placed_window *first)
{
    if (last->node && first->node && first->window.opens + MINUTES_OF_DAY < last->window.closes)
        lc_refuse(reader, first->node, "%s of the day before is still open when this window begins; join them",
                  last->node->text.data);
}

static void
read_week(lc_document_reader *reader, const lc_yaml *node, lc_calendar_spec *spec)
{
    lc_map_key days[] = {{"mon", NULL, "mon: [08:00-17:00]"}, {"tue"}, {"wed"}, {"thu"}, {"fri"}, {"sat"}, {"sun"}};
    lc_placed_window first[G_N_ELEMENTS(days)] = {0}, last[G_N_ELEMENTS(days)] = {0};
    bool open = false;
    size_t n_known = 0;
    if (!lc_read_fields(reader, node, "week", days, G_N_ELEMENTS(days)))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(days); i++) {
        spec->week[i] = read_day(reader, days[i].value, &first[i], &last[i]);
        n_known += days[i].key != NULL;
        open |= days[i].value && (days[i].value->kind != LC_YAML_LIST || days[i].value->n > 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(days); i++)
        check_night(reader, &last[i], &first[(i + 1) % G_N_ELEMENTS(days)]);
    /* A misspelled day may have been meant to be open. */
    if (!open && n_known == node->n)
        lc_refuse(reader, node, "a week without a window; open it on some day, for example mon: [08:00-17:00]");
}

/* What is wrong is told; the calendar then stands for `always`, so that reading can go on. */
static void
read_calendar(lc_document_reader *reader, const lc_yaml *node, lc_named_calendar *named)
{
    enum { TIME_ZONE, WEEK, HOLIDAYS, HOLIDAYS_FROM, SPECIAL_DAYS };
    lc_map_key fields[] = {[TIME_ZONE] = {"time_zone", "time_zone: Europe/Stockholm"},
                           [WEEK] = {"week", "week: {mon: [08:00-17:00]}"},
                           [HOLIDAYS] = {"holidays"},
                           [HOLIDAYS_FROM] = {"holidays_from"},
                           [SPECIAL_DAYS] = {"special_days"}};
    if (!lc_read_fields(reader, node, "a calendar", fields, G_N_ELEMENTS(fields))) {
        named->calendar = lc_calendar_new_always();
        return;
    }
    g_autoptr(lc_zone) zone = lc_read_zone(reader, fields[TIME_ZONE].value, "time_zone", &named->zone_name);
    read_week(reader, fields[WEEK].value, &named->spec);
    lc_read_days(reader, fields[HOLIDAYS].value, fields[HOLIDAYS_FROM].value, fields[SPECIAL_DAYS].value, named);
    lc_calendar_spec spec = named->spec;
    spec.zone = zone;
    named->calendar =
        lc_problems_is_empty(reader->document->problems) ? lc_calendar_new(&spec) : lc_calendar_new_always();
}

static void
read_named_calendar(lc_document_reader *reader, const lc_yaml_pair *pair, GHashTable *seen)
{
    lc_text name;
    if (pair->value->kind == LC_YAML_NOTHING)
        lc_refuse(reader, pair->value, "a calendar without a value; write for example " CALENDAR);
    if (!lc_read_name(reader, pair->key, "a calendar's name", &name) ||
        !lc_take_name(reader, seen, pair->key, "calendar"))
        return;
    if (lc_text_equal(name, LC_TEXT("always"))) {
        lc_refuse(reader, pair->key, "calendar \"always\" is built in; choose another name");
        return;
    }
    lc_named_calendar named = {.name = g_strdup(name.data), .node = pair->key, .last_holiday = LC_NO_HOLIDAY};
    read_calendar(reader, pair->value, &named);
    g_array_append_val(reader->document->calendars, named);
}

void
lc_remark_unused_calendars(lc_document_reader *reader)
{
    for (guint i = 0; i < reader->document->calendars->len; i++) {
        const lc_named_calendar *named = &g_array_index(reader->document->calendars, lc_named_calendar, i);
        if (named->node && !named->used)
            lc_remark(reader, named->node, "no clock uses calendar \"%s\"", named->name);
    }
}

void
lc_read_calendars(lc_document_reader *reader, const lc_yaml *node)
{
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_named_calendar always = {.name = g_strdup("always"), .calendar = lc_calendar_new_always()};
    g_array_append_val(reader->document->calendars, always);
    if (!lc_read_map(reader, node, "calendars", "office: " CALENDAR))
        return;
    if (node->n > MOST_CALENDARS)
        lc_refuse(reader, node, "more than %d calendars; split the policy into documents", MOST_CALENDARS);
    for (size_t i = 0; i < node->n && i < MOST_CALENDARS; i++)
        read_named_calendar(reader, &node->pairs[i], seen);
}

int
lc_find_calendar(lc_document_reader *reader, const lc_yaml *node)
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
