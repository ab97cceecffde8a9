/* reference.c - the table of keys as docs/configuration.md. */
#include "options.h"

static const char heading[] =
    "# Configuration\n\n"
    "Made from the table of keys in `src/service/options.c`; a test fails when this file is out of date.\n\n"
    "One YAML file, `leadclock COMMAND --config FILE`. Every key may be absent. `--set KEY=VALUE` overrides one "
    "(`--set kafka.brokers=broker:9092`, `--set topics.inputs=a,b`, `--set "
    "kafka.properties.security.protocol=SSL`).\n\n"
    "`${NAME}` in a value is taken from the environment, so that no secret need be in the file; `$$` is a dollar. "
    "Durations are digits with `ms`, `s`, `m`, `h`, `d` (24 h) or `w` (7 d), which may follow each other: `1m30s`.\n\n"
    "| key | default | what |\n|---|---|---|\n";

static char *
show_fallback(const lc_option *option)
{
    if (lc_option_is_map(option))
        return g_strdup("`{}`");
    if (option->fallback == NULL)
        return g_strdup("none");
    if (*option->fallback == '\0')
        return g_strdup("`\"\"`");
    if (option->kind == OPTION_LIST)
        return g_strdup_printf("`[%s]`", option->fallback);
    return g_strdup_printf("`%s`", option->fallback);
}

static void
append_bounds(GString *text, const lc_option *option)
{
    if (option->kind == OPTION_COUNT) {
        g_string_append_printf(text, " From %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", option->min, option->max);
    } else if (option->kind == OPTION_DURATION) {
        g_autofree char *min = lc_show_config_duration(option->min), *max = lc_show_config_duration(option->max);
        g_string_append_printf(text, " From %s to %s.", min, max);
    }
}

static void
append_options(GString *text, const lc_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        g_autofree char *fallback = show_fallback(&options[i]);
        g_string_append_printf(text, "| `%s` | %s | %s", options[i].key, fallback, options[i].doc);
        append_bounds(text, &options[i]);
        g_string_append(text, " |\n");
        if (options[i].kind == OPTION_WEBHOOKS)
            append_options(text, lc_webhook_options, lc_n_webhook_options);
    }
}

char *
lc_config_reference(void)
{
    GString *text = g_string_new(heading);
    append_options(text, lc_options, lc_n_options);
    return g_string_free(text, FALSE);
}
