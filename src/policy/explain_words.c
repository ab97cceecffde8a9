/* explain_words.c - lengths, conditions and routes in plain words. */
#include "explain.h"

static void
say_duration(GString *text, lc_duration duration, bool in_hours)
{
    static const struct {
        lc_duration size;
        const char *name;
    } units[] = {{LC_DAY, "days"}, {LC_HOUR, "h"}, {LC_MINUTE, "min"}, {LC_SECOND, "s"}, {1, "ms"}};
    const char *between = "";
    for (size_t i = in_hours ? 1 : 0; i < G_N_ELEMENTS(units); i++) {
        lc_duration count = duration / units[i].size;
        duration %= units[i].size;
        if (count == 0)
            continue;
        g_string_append_printf(text, "%s%" G_GINT64_FORMAT " %s", between, count, units[i].name);
        between = " ";
    }
    if (*between == '\0')
        g_string_append(text, "0 s");
}

void
lc_say_duration(GString *text, lc_duration duration)
{
    say_duration(text, duration, duration < 2 * LC_DAY || (duration % LC_DAY != 0 && duration < 3 * LC_DAY));
}

void
lc_say_time_of(GString *text, const lc_clock_rule *clock, lc_duration duration)
{
    if (lc_calendar_is_always(clock->calendar))
        lc_say_duration(text, duration);
    else
        say_duration(text, duration, true);
}

static void
append_text(GString *text, lc_text part)
{
    g_string_append_len(text, part.data, (gssize)part.size);
}

const char *
lc_separator(unsigned i, unsigned n, const char *last)
{
    return i == 0 ? "" : i + 1 < n ? ", " : last;
}

static void
append_values(GString *text, const lc_text *values, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        g_string_append(text, lc_separator(i, n, " or "));
        append_text(text, values[i]);
    }
}

void
lc_say_condition(GString *text, const lc_condition *condition)
{
    const char *and = "";
    if (condition->n_channels) {
        g_string_append(text, "from ");
        append_values(text, condition->channels, condition->n_channels);
        and = ", ";
    }
    for (unsigned i = 0; i < condition->n_attributes; i++, and = ", ") {
        g_string_append_printf(text, "%swith %s ", and, condition->attributes[i].key.data);
        append_values(text, condition->attributes[i].values, condition->attributes[i].n_values);
    }
    for (unsigned i = 0; i < condition->n_bounds; i++, and = ", ")
        g_string_append_printf(text, "%swith %s at least %s", and, condition->bounds[i].key.data,
                               condition->bounds[i].bound.data);
    if (condition->any)
        g_string_append(text, "of any kind");
}

void
lc_say_destination(GString *text, const lc_destination *destination)
{
    g_string_append(text, lc_route_name(destination->route));
    if (!lc_text_is_absent(destination->track))
        g_string_append_printf(text, ", track %s", destination->track.data);
}
