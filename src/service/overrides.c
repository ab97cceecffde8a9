/* overrides.c - what --set says of keys of the configuration. */
#include "loader.h"

/* Of a map's last entry, if that is `name`: what --set names is relative to where we are. */
static void
find_path(char **map, const char *name)
{
    guint n = g_strv_length(map);
    if (n == 0 || strcmp(map[n - 2], name) != 0)
        return;
    char *path = g_canonicalize_filename(map[n - 1], NULL);
    g_free(map[n - 1]);
    map[n - 1] = path;
}

static void
override_property(lc_loader *loader, const lc_option *option, const char *name, const char *raw, lc_place at)
{
    g_autoptr(GStrvBuilder) map = g_strv_builder_new();
    char **present = *(char ***)((char *)loader->config + option->offset);
    for (char **entry = present; *entry; entry += 2)
        if (strcmp(entry[0], name) != 0)
            g_strv_builder_add_many(map, entry[0], entry[1], NULL);
    lc_take_map_entry(loader, option, map, name, raw, at);
    char **entries = g_strv_builder_end(map);
    if (option->has_paths)
        find_path(entries, name);
    lc_option_set_texts(option, loader->config, entries);
}

static void
report_unknown_path(lc_loader *loader, const char *key, lc_place at)
{
    const char *dot = strrchr(key, '.');
    g_autofree char *section = g_strndup(key, dot ? (size_t)(dot + 1 - key) : 0);
    g_autofree char *parent = g_strndup(key, dot ? (size_t)(dot - key) : 0);
    if (dot && !lc_option_is_section(parent))
        report_unknown_path(loader, parent, at);
    else
        lc_report_unknown(loader, section, dot ? dot + 1 : key, at);
}

/* `key` lives as long as the loader. */
static void
take_override(lc_loader *loader, const char *key, const char *value)
{
    lc_place at = {.overridden = key};
    int index = lc_option_find(key);
    const lc_option *map = lc_option_find_map(key);
    if (map) {
        override_property(loader, map, key + strlen(map->key) + 1, value, at);
    } else if (index < 0) {
        report_unknown_path(loader, key, at);
    } else if (lc_options[index].kind == OPTION_WEBHOOKS) {
        lc_report(loader, at, "can't be given by --set; write it in the file");
    } else if (lc_option_is_map(&lc_options[index])) {
        lc_report(loader, at, "names no entry; write %s.NAME=VALUE", key);
    } else {
        loader->places[index] = at;
        if (lc_options[index].kind == OPTION_LIST)
            lc_take_list_text(loader, &lc_options[index], value, at);
        else
            lc_take_value(loader, &lc_options[index], value, at);
    }
}

void
lc_take_overrides(lc_loader *loader, const char *const *overrides, GPtrArray *keys)
{
    for (; overrides && *overrides; overrides++) {
        const char *equals = strchr(*overrides, '=');
        char *key = g_strstrip(g_strndup(*overrides, equals ? (size_t)(equals - *overrides) : strlen(*overrides)));
        g_ptr_array_add(keys, key);
        if (equals)
            take_override(loader, key, equals + 1);
        else
            lc_report(loader, (lc_place){.overridden = key}, "has no value; write --set %s=VALUE", key);
    }
}
