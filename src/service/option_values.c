/* option_values.c - values of options: from a text into the configuration's structs, and away again. */
#include "options.h"

#include <leadclock/text.h>

static const struct {
    const char *name;
    lc_duration ms;
} units[] = {{"w", 7 * LC_DAY}, {"d", LC_DAY}, {"h", LC_HOUR}, {"ms", 1}, {"m", LC_MINUTE}, {"s", LC_SECOND}};

static const char *
read_unit(const char *text, lc_duration *ms)
{
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (g_str_has_prefix(text, units[i].name)) {
            *ms = units[i].ms;
            return text + strlen(units[i].name);
        }
    return NULL;
}

bool
lc_parse_config_duration(const char *text, lc_duration *duration)
{
    const lc_duration longest = 36525 * LC_DAY;
    lc_duration total = 0, unit;
    if (*text == '\0')
        return false;
    while (*text) {
        lc_duration amount = 0;
        const char *digits = text;
        for (; g_ascii_isdigit(*text) && amount <= longest; text++)
            amount = amount * 10 + (*text - '0');
        if (text == digits || (text = read_unit(text, &unit)) == NULL || amount > (longest - total) / unit)
            return false;
        total += amount * unit;
    }
    *duration = total;
    return true;
}

char *
lc_show_config_duration(lc_duration duration)
{
    static const struct {
        const char *name;
        lc_duration ms;
    } largest_first[] = {{"d", LC_DAY}, {"h", LC_HOUR}, {"m", LC_MINUTE}, {"s", LC_SECOND}, {"ms", 1}};
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(largest_first); i++) {
        if (duration >= largest_first[i].ms)
            g_string_append_printf(text, "%" G_GINT64_FORMAT "%s", duration / largest_first[i].ms,
                                   largest_first[i].name);
        duration %= largest_first[i].ms;
    }
    return g_string_free(text->len ? text : g_string_append(text, "0s"), FALSE);
}

static char *
set_count(const lc_option *option, unsigned *field, const char *value, const char *shown)
{
    guint64 count;
    if (!g_ascii_string_to_unsigned(value, 10, (guint64)option->min, (guint64)option->max, &count, NULL))
        return g_strdup_printf("\"%s\" must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, shown,
                               option->min, option->max);
    *field = (unsigned)count;
    return NULL;
}

static char *
set_duration(const lc_option *option, lc_duration *field, const char *value, const char *shown)
{
    lc_duration duration;
    if (!lc_parse_config_duration(value, &duration))
        return g_strdup_printf("\"%s\" is no duration; write digits with ms, s, m, h, d or w, as %s", shown,
                               option->fallback);
    if (duration < option->min || duration > option->max) {
        g_autofree char *min = lc_show_config_duration(option->min), *max = lc_show_config_duration(option->max);
        return g_strdup_printf("\"%s\" is out of bounds; write %s to %s", shown, min, max);
    }
    *field = duration;
    return NULL;
}

static int
find_choice(const lc_option *option, const char *value)
{
    for (int i = 0; option->choices[i]; i++)
        if (strcmp(option->choices[i], value) == 0)
            return i;
    return -1;
}

static char *
refuse_choice(const lc_option *option, const char *shown)
{
    g_autofree char *all = g_strjoinv(", ", (char **)option->choices);
    const char *near = lc_nearest_name(shown, option->choices);
    if (near)
        return g_strdup_printf("\"%s\" is not known; did you mean \"%s\"? allowed are: %s", shown, near, all);
    return g_strdup_printf("\"%s\" is not known; allowed are: %s", shown, all);
}

static void
set_text(char **field, const char *value)
{
    g_free(*field);
    *field = g_strdup(value);
}

char *
lc_option_set(const lc_option *option, void *config, const char *value, const char *shown)
{
    void *field = (char *)config + option->offset;
    switch (option->kind) {
    case OPTION_COUNT:
        return set_count(option, field, value, shown);
    case OPTION_DURATION:
        return set_duration(option, field, value, shown);
    case OPTION_CHOICE:
    case OPTION_SWITCH: {
        int choice = find_choice(option, value);
        if (choice < 0)
            return refuse_choice(option, shown);
        if (option->kind == OPTION_SWITCH)
            *(bool *)field = choice == 0;
        else
            set_text(field, value);
        return NULL;
    }
    default: {
        g_autofree char *wrong = option->check ? option->check(value) : NULL;
        if (wrong)
            return option->kind == OPTION_SECRET ? g_steal_pointer(&wrong) : g_strdup_printf("\"%s\" %s", shown, wrong);
        set_text(field, value);
        return NULL;
    }
    }
}

void
lc_option_set_texts(const lc_option *option, void *config, char **texts)
{
    char ***field = (char ***)((char *)config + option->offset);
    g_strfreev(*field);
    *field = texts;
}

void
lc_options_clear(const lc_option *options, size_t n, void *config)
{
    for (size_t i = 0; i < n; i++) {
        void *field = (char *)config + options[i].offset;
        lc_option_kind kind = options[i].kind;
        if (kind == OPTION_TEXT || kind == OPTION_SECRET || kind == OPTION_CHOICE)
            g_clear_pointer((char **)field, g_free);
        else if (kind == OPTION_LIST || lc_option_is_map(&options[i]))
            g_clear_pointer((char ***)field, g_strfreev);
        else if (kind == OPTION_WEBHOOKS)
            g_clear_pointer((GArray **)field, g_array_unref);
    }
}
