/* holidays.c - the days of a calendar that are unlike others (3.5): holidays, special days, and iCalendar files. */
#include "read.h"

#define LARGEST_FILE_BYTES ((gsize)1024 * 1024)
/* As those who keep the calendar need to add the next year's. */
#define HOLIDAYS_TO_COME_DAYS 60

typedef struct {
    lc_document_reader *reader;
    lc_named_calendar *named;
    GArray *special;                     /* of lc_special_day */
    GArray *yearly;                      /* of lc_yearly_day */
    GArray *closed;                      /* of lc_closed_days */
    GHashTable *holidays, *special_days; /* text of a day -> const lc_yaml * */
} lc_days_reader;

/* ---- Dates ---- */

/* "2026-12-24", or "12-24" for that of every year. */
typedef struct {
    bool yearly;
    int32_t number; /* days since 1970-01-01, or 100 * month + day */
} lc_day;

static bool
parse_day(const char *text, lc_day *day)
{
    lc_instant midnight;
    day->yearly = strlen(text) == strlen("12-24");
    /* A leap year, so that 02-29 is a day. */
    g_autofree char *instant = g_strconcat(day->yearly ? "2000-" : "", text, "T00:00:00Z", NULL);
    if (strlen(instant) != strlen("2026-12-24T00:00:00Z") || !lc_instant_parse(instant, &midnight) || midnight < 0 ||
        strcmp(instant, "2101") >= 0)
        return false;
    day->number = day->yearly ? atoi(text) * 100 + atoi(text + 3) : (int32_t)(midnight / LC_DAY);
    return true;
}

static bool
read_day(lc_days_reader *days, const lc_yaml *node, const char *text, lc_day *day)
{
    if (parse_day(text, day))
        return true;
    g_autofree char *wrong = lc_quoted(node);
    lc_refuse(days->reader, node,
              "%s is no date of the years 1970 to 2100; write it like 2026-12-24, or 12-24 for that of every year",
              wrong);
    return false;
}

/* A full date stands in one place only; one of every year once under each key. */
static bool
take_day(lc_days_reader *days, const lc_yaml *node, const lc_day *day, GHashTable *mine, GHashTable *others)
{
    const lc_yaml *same = g_hash_table_lookup(mine, node->text.data);
    const lc_yaml *other = day->yearly ? NULL : g_hash_table_lookup(others, node->text.data);
    if (same || other)
        lc_refuse(days->reader, node, "%s is given twice (first in line %d); keep %s", node->text.data,
                  same ? same->line : other->line, same ? "one" : "it under holidays or under special_days");
    else
        g_hash_table_insert(mine, (gpointer)node->text.data, (gpointer)node);
    return !same && !other;
}

/* ---- Holidays ---- */

static void
note_last(lc_days_reader *days, int32_t date)
{
    days->named->last_holiday = MAX(days->named->last_holiday, date);
}

static void
add_holiday(lc_days_reader *days, const lc_yaml *node)
{
    lc_day day;
    if (!read_day(days, node, node->text.data, &day) || !take_day(days, node, &day, days->holidays, days->special_days))
        return;
    lc_closed_days every_year = {day.number, day.number, true};
    lc_special_day once = {day.number, {NULL, 0}};
    if (day.yearly) {
        g_array_append_val(days->closed, every_year);
    } else {
        g_array_append_val(days->special, once);
        note_last(days, day.number);
    }
}

/* "A..B"; `dots` is where. */
static void
add_range(lc_days_reader *days, const lc_yaml *node, const char *dots)
{
    g_autofree char *from = g_strndup(node->text.data, (gsize)(dots - node->text.data));
    lc_day first, last;
    if (!read_day(days, node, from, &first) || !read_day(days, node, dots + 2, &last))
        return;
    if (first.yearly != last.yearly)
        lc_refuse(days->reader, node,
                  "a range goes from a full date to a full date, like 2026-07-06..2026-07-24, or from a day of every "
                  "year to another, like 12-27..01-02");
    else if (!first.yearly && last.number < first.number)
        lc_refuse(days->reader, node, "the range ends before it begins; write the earlier date first");
    else {
        lc_closed_days range = {first.number, last.number, first.yearly};
        g_array_append_val(days->closed, range);
        if (!first.yearly)
            note_last(days, last.number);
    }
}

static void
read_holidays(lc_days_reader *days, const lc_yaml *node)
{
    if (!lc_read_list(days->reader, node, "holidays", "[2026-12-25, 01-01, 2026-07-06..2026-07-24]"))
        return;
    days->named->holidays_node = node;
    for (size_t i = 0; i < node->n; i++) {
        const lc_yaml *item = node->items[i];
        lc_text text;
        if (item->kind == LC_YAML_NOTHING)
            lc_refuse(days->reader, item, "a date is missing; write it like 2026-12-25");
        if (!lc_read_text(days->reader, item, "a date", &text))
            continue;
        const char *dots = strstr(text.data, "..");
        if (dots)
            add_range(days, item, dots);
        else
            add_holiday(days, item);
    }
}

/* ---- Special days ---- */

static void
add_special_day(lc_days_reader *days, const lc_yaml_pair *pair)
{
    lc_text text;
    lc_day day;
    if (pair->value->kind == LC_YAML_NOTHING)
        lc_refuse(days->reader, pair->value, "a day without windows; write [] where it is closed");
    lc_day_windows windows = lc_read_windows(days->reader, pair->value);
    if (pair->key->kind == LC_YAML_NOTHING)
        lc_refuse(days->reader, pair->key, "a date is missing; write it like 2026-12-24");
    if (!lc_read_text(days->reader, pair->key, "a date", &text) || !read_day(days, pair->key, text.data, &day) ||
        !take_day(days, pair->key, &day, days->special_days, days->holidays))
        return;
    lc_yearly_day every_year = {day.number, windows};
    lc_special_day once = {day.number, windows};
    if (day.yearly)
        g_array_append_val(days->yearly, every_year);
    else
        g_array_append_val(days->special, once);
}

static void
read_special_days(lc_days_reader *days, const lc_yaml *node)
{
    if (!lc_read_map(days->reader, node, "special_days", "2026-12-24: [08:00-12:00]"))
        return;
    for (size_t i = 0; i < node->n; i++)
        add_special_day(days, &node->pairs[i]);
}

/* ---- iCalendar files ---- */

/* A path is one from the folder of the policy. */
static char *
path_of(const lc_days_reader *days, const char *name)
{
    g_autofree char *folder = g_path_get_dirname(days->reader->document->file);
    return g_path_is_absolute(name) ? g_strdup(name) : g_build_filename(folder, name, NULL);
}

/* The text belongs to the document from now on; NULL where there is none. */
static GBytes *
load(lc_days_reader *days, const lc_yaml *node)
{
    g_autofree char *path = path_of(days, node->text.data), *text = NULL, *name = lc_quoted(node);
    g_autoptr(GError) error = NULL;
    gsize size;
    /* A pipe would never end. */
    if (g_file_test(path, G_FILE_TEST_EXISTS) && !g_file_test(path, G_FILE_TEST_IS_REGULAR))
        lc_refuse(days->reader, node, "%s is no file; name an iCalendar file", name);
    else if (!g_file_get_contents(path, &text, &size, &error))
        lc_refuse(days->reader, node, "%s can't be read (%s); name an iCalendar file, from the folder of this one",
                  name, error->message);
    else if (size > LARGEST_FILE_BYTES)
        lc_refuse(days->reader, node, "%s is over 1 MiB; no holidays need that", name);
    else {
        GBytes *file = g_bytes_new_take(g_steal_pointer(&text), size);
        g_ptr_array_add(days->reader->document->included, file);
        return file;
    }
    return NULL;
}

static int32_t
last_of(const GArray *closed)
{
    int32_t last = LC_NO_HOLIDAY;
    for (guint i = 0; i < closed->len; i++)
        last = MAX(last, g_array_index(closed, lc_closed_days, i).last);
    return last;
}

static void
add_file(lc_days_reader *days, const lc_yaml *node)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = lc_quoted(node);
    GBytes *file = load(days, node);
    if (file == NULL)
        return;
    gsize size;
    const char *text = g_bytes_get_data(file, &size);
    unsigned n_unread;
    g_autoptr(GArray) closed = lc_icalendar_read(text, size, &n_unread, &error);
    if (closed == NULL) {
        lc_refuse(days->reader, node, "%s is %s", name, error->message);
        return;
    }
    if (n_unread)
        lc_remark(days->reader, node, "%u of what %s says is wrong and was passed over; look through it", n_unread,
                  name);
    if (closed->len)
        g_array_append_vals(days->closed, closed->data, closed->len);
    /* The calendar is added once it is read. */
    lc_holiday_file kept = {node, days->reader->document->calendars->len, last_of(closed)};
    g_array_append_val(days->reader->document->holiday_files, kept);
    note_last(days, kept.last);
}

static void
read_files(lc_days_reader *days, const lc_yaml *node)
{
    if (!lc_read_list(days->reader, node, "holidays_from", "[sweden.ics]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    for (size_t i = 0; i < node->n; i++) {
        lc_text name;
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_refuse(days->reader, node->items[i], "a file is missing; write its name, like sweden.ics");
        if (lc_read_name(days->reader, node->items[i], "a file's name", &name) &&
            lc_take_name(days->reader, seen, node->items[i], "the file"))
            add_file(days, node->items[i]);
    }
}

/* ---- All of them ---- */

static void *
keep(lc_document_reader *reader, const GArray *array)
{
    gsize size = array->len * g_array_get_element_size((GArray *)array);
    void *kept = lc_arena_alloc(reader->arena, size);
    if (size)
        memcpy(kept, array->data, size);
    return kept;
}

void
lc_read_days(lc_document_reader *reader, const lc_yaml *holidays, const lc_yaml *holidays_from,
             const lc_yaml *special_days, lc_named_calendar *named)
{
    g_autoptr(GArray) special = g_array_new(FALSE, FALSE, sizeof(lc_special_day));
    g_autoptr(GArray) yearly = g_array_new(FALSE, FALSE, sizeof(lc_yearly_day));
    g_autoptr(GArray) closed = g_array_new(FALSE, FALSE, sizeof(lc_closed_days));
    g_autoptr(GHashTable) seen = lc_names_new(), seen_special = lc_names_new();
    lc_days_reader days = {reader, named, special, yearly, closed, seen, seen_special};
    read_holidays(&days, holidays);
    named->n_listed_days = closed->len;
    read_files(&days, holidays_from);
    read_special_days(&days, special_days);
    named->spec.special_days = keep(reader, special);
    named->spec.n_special_days = special->len;
    named->spec.yearly_days = keep(reader, yearly);
    named->spec.n_yearly_days = yearly->len;
    named->spec.closed_days = keep(reader, closed);
    named->spec.n_closed_days = closed->len;
}

/* ---- What is odd as time goes by ---- */

static void
remark_files(const lc_document *document, int32_t today, lc_problems *oddities)
{
    for (guint i = 0; i < document->holiday_files->len; i++) {
        const lc_holiday_file *file = &g_array_index(document->holiday_files, lc_holiday_file, i);
        g_autofree char *name = lc_quoted(file->node);
        if (file->last == LC_NO_HOLIDAY)
            lc_problems_add(oddities, file->node->line, file->node->column,
                            "%s has no all-day event, so it closes no date; name a calendar of holidays", name);
        else if (file->last < today)
            lc_problems_add(oddities, file->node->line, file->node->column,
                            "%s has no all-day event in the future; fetch a newer one", name);
    }
}

void
lc_remark_holidays(const lc_document *document, lc_instant now, lc_problems *oddities)
{
    int32_t today = (int32_t)(now / LC_DAY);
    remark_files(document, today, oddities);
    for (guint i = 0; i < document->calendars->len; i++) {
        const lc_named_calendar *named = &g_array_index(document->calendars, lc_named_calendar, i);
        char text[LC_INSTANT_TEXT_BYTES];
        if (named->holidays_node == NULL || named->last_holiday == LC_NO_HOLIDAY ||
            named->last_holiday > today + HOLIDAYS_TO_COME_DAYS)
            continue;
        lc_instant_format(named->last_holiday * LC_DAY, text);
        lc_problems_add(oddities, named->holidays_node->line, named->holidays_node->column,
                        "the holidays of calendar \"%s\" end on %.10s; add those that follow", named->name, text);
    }
}
