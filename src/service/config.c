/* config.c - loads a configuration: defaults, the file, --set, then what all together show. */
#include "loader.h"

#include <leadclock/text.h>

void
lc_report(lc_loader *loader, lc_place at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (at.overridden)
        g_string_append_printf(loader->others, "--set %s: %s\n", at.overridden, message);
    else if (at.line)
        lc_problems_add(loader->problems, at.line, at.column, "%s", message);
    else
        g_string_append_printf(loader->others, "%s: %s\n", loader->path ? loader->path : "configuration", message);
}

static bool
read_file(lc_loader *loader, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (g_file_get_contents(loader->path, &loader->text, &loader->size, &problem)) {
        size_t mark = lc_byte_order_mark(loader->text, loader->size);
        memmove(loader->text, loader->text + mark, loader->size + 1 - mark);
        loader->size -= mark;
        return true;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "the configuration can't be read: %s", problem->message);
    return false;
}

/* Those of the file in order of lines, then the others. */
static char *
problems_of(lc_loader *loader)
{
    g_autoptr(GString) text = g_string_new(NULL);
    lc_problems_print(loader->problems, false, text);
    g_string_append(text, loader->others->str);
    return g_strchomp(g_string_free(g_steal_pointer(&text), FALSE));
}

static void
make_items(lc_loader *loader)
{
    loader->items = g_new0(GArray *, lc_n_options);
    for (size_t i = 0; i < lc_n_options; i++)
        if (lc_options[i].kind == OPTION_LIST)
            loader->items[i] = g_array_new(FALSE, FALSE, sizeof(lc_place));
}

static void
free_items(lc_loader *loader)
{
    for (size_t i = 0; i < lc_n_options; i++)
        g_clear_pointer(&loader->items[i], g_array_unref);
    g_clear_pointer(&loader->items, g_free);
}

static char *
load(lc_loader *loader, const char *const *overrides)
{
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GString) others = g_string_new(NULL);
    g_autofree char *shown = loader->text ? lc_without_secrets(loader->text) : NULL;
    g_autoptr(lc_problems) problems = lc_problems_new(loader->path, lc_text_of(shown));
    g_autofree lc_place *places = g_new0(lc_place, lc_n_options);
    loader->others = others;
    loader->problems = problems;
    loader->places = places;
    make_items(loader);
    lc_take_defaults(loader);
    if (loader->path)
        lc_take_file(loader);
    lc_take_overrides(loader, overrides, keys);
    lc_check_together(loader);
    free_items(loader);
    return problems_of(loader);
}

lc_config *
lc_config_load(const char *path, const char *const *overrides, GError **error)
{
    g_autoptr(lc_config) config = g_new0(lc_config, 1);
    lc_loader loader = {.config = config, .path = path};
    if (path && !read_file(&loader, error))
        return NULL;
    g_autofree char *problems = load(&loader, overrides);
    g_free(loader.text);
    lc_arena_clear(&loader.arena);
    if (*problems == '\0')
        return g_steal_pointer(&config);
    g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, problems);
    return NULL;
}

void
lc_config_free(lc_config *config)
{
    if (config == NULL)
        return;
    lc_options_clear(lc_options, lc_n_options, config);
    for (int i = 0; i < LC_CONFIG_TABLES; i++)
        g_free(config->tables.topics[i]);
    g_free(config);
}
