/* config_file.c - the file of a configuration: its tree, key by key. */
#include "loader.h"

#include <leadclock/text.h>

void
lc_refuse_value(lc_loader *loader, const char *key, const lc_yaml *node, lc_place key_at)
{
    if (node->kind == LC_YAML_NOTHING)
        lc_report(loader, key_at, "%s has no value; write one, or leave the key out", key);
    else
        lc_report(loader, key_at, "%s must be a single value", key);
}

char **
lc_take_items(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place at, GArray *places)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    if (node->kind != LC_YAML_LIST) {
        lc_report(loader, at, "%s must be a list; write [A, B]", option->key);
        return NULL;
    }
    for (size_t i = 0; i < node->n; i++) {
        lc_place here = lc_place_in(node->items[i]);
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_report(loader, here, "%s: an entry is missing; write one, or take its place out", option->key);
        else if (!lc_is_value(node->items[i]))
            lc_refuse_value(loader, option->key, node->items[i], here);
        else if (lc_take_list_item(loader, option, list, node->items[i]->text.data, here))
            g_array_append_val(places, here);
    }
    if (node->n == 0 && !option->may_be_empty)
        lc_report(loader, at, "%s is empty; name at least one %s", option->key, lc_option_item(option));
    return g_strv_builder_end(list);
}

static void
take_list(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place at)
{
    GArray *places = loader->items[option - lc_options];
    g_array_set_size(places, 0);
    char **items = lc_take_items(loader, option, node, at, places);
    if (items)
        lc_option_set_texts(option, loader->config, items);
}

bool
lc_is_new_key(lc_loader *loader, GHashTable *seen, const lc_yaml *key, const char *section)
{
    if (key->kind != LC_YAML_SCALAR) {
        lc_report(loader, lc_place_in(key), "a key must be a word; write KEY: VALUE");
        return false;
    }
    const lc_yaml *first = g_hash_table_lookup(seen, key->text.data);
    if (first)
        lc_report(loader, lc_place_in(key), "\"%s%s\" is given twice (first in line %d); keep one", section,
                  key->text.data, first->line);
    else
        g_hash_table_insert(seen, (gpointer)key->text.data, (gpointer)key);
    return first == NULL;
}

static void
take_map(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place at)
{
    g_autoptr(GStrvBuilder) map = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    g_autofree char *section = g_strconcat(option->key, ".", NULL);
    if (node->kind != LC_YAML_NOTHING && node->kind != LC_YAML_MAP) {
        lc_report(loader, at, "%s must be a mapping; write {NAME: VALUE}", option->key);
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        const lc_yaml *name = node->pairs[i].key, *value = node->pairs[i].value;
        g_autofree char *key =
            lc_is_new_key(loader, seen, name, section) ? g_strconcat(section, name->text.data, NULL) : NULL;
        if (key && lc_is_value(value))
            lc_take_map_entry(loader, option, map, name->text.data, value->text.data, lc_place_in(name));
        else if (key)
            lc_refuse_value(loader, key, value, lc_place_in(name));
    }
    lc_option_set_texts(option, loader->config, g_strv_builder_end(map));
}

static void
take_option(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place key_at)
{
    loader->places[option - lc_options] = lc_place_in(node);
    if (option->kind == OPTION_LIST)
        take_list(loader, option, node, key_at);
    else if (lc_option_is_map(option))
        take_map(loader, option, node, key_at);
    else if (option->kind == OPTION_WEBHOOKS)
        lc_take_webhooks(loader, option, node, key_at);
    else if (lc_is_value(node))
        lc_take_value(loader, option, node->text.data, lc_place_in(node));
    else
        lc_refuse_value(loader, option->key, node, key_at);
}

/* The names that may follow `section` ("" or "kafka."), each once. */
static char **
names_in(const char *section)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_autofree char *previous = NULL;
    for (size_t i = 0; i < lc_n_options; i++) {
        if (!g_str_has_prefix(lc_options[i].key, section))
            continue;
        const char *rest = lc_options[i].key + strlen(section);
        char *name = g_strndup(rest, strcspn(rest, "."));
        if (g_strcmp0(name, previous) != 0)
            g_strv_builder_add(names, name);
        g_free(previous);
        previous = name;
    }
    return g_strv_builder_end(names);
}

/* The keys below `section` that end with this name, as "\"redis.url\" or \"registry.url\""; empty: none. Caller
 * frees. */
static char *
find_by_last_name(const char *section, const char *name)
{
    g_autoptr(GString) keys = g_string_new(NULL);
    for (size_t i = 0; i < lc_n_options; i++) {
        const char *dot = strrchr(lc_options[i].key, '.');
        if (dot && strcmp(dot + 1, name) == 0 && g_str_has_prefix(lc_options[i].key, section))
            g_string_append_printf(keys, "%s\"%s\"", keys->len ? " or " : "", lc_options[i].key);
    }
    return g_string_free(g_steal_pointer(&keys), FALSE);
}

void
lc_report_unknown(lc_loader *loader, const char *section, const char *name, lc_place at)
{
    g_auto(GStrv) names = names_in(section);
    const char *near = lc_nearest_name(name, (const char *const *)names);
    g_autofree char *below = find_by_last_name(section, name), *elsewhere = find_by_last_name("", name);
    if (*below || (*elsewhere && near == NULL)) {
        lc_report(loader, at, "unknown key \"%s%s\"; did you mean %s?", section, name, *below ? below : elsewhere);
    } else if (near) {
        lc_report(loader, at, "unknown key \"%s%s\"; did you mean \"%s%s\"?", section, name, section, near);
    } else {
        g_autofree char *all = g_strjoinv(", ", names);
        lc_report(loader, at, "unknown key \"%s%s\"; keys here: %s", section, name, all);
    }
}

static void take_mapping(lc_loader *loader, const lc_yaml *node, const char *section);

static void
take_pair(lc_loader *loader, const char *section, const lc_yaml_pair *pair)
{
    lc_place at = lc_place_in(pair->key);
    g_autofree char *key = g_strconcat(section, pair->key->text.data, NULL), *deeper = g_strconcat(key, ".", NULL);
    int option = lc_option_find(key);
    if (option >= 0) {
        take_option(loader, &lc_options[option], pair->value, at);
    } else if (!lc_option_is_section(key)) {
        lc_report_unknown(loader, section, pair->key->text.data, at);
    } else if (pair->value->kind == LC_YAML_MAP) {
        take_mapping(loader, pair->value, deeper);
    } else if (pair->value->kind != LC_YAML_NOTHING) {
        g_auto(GStrv) names = names_in(deeper);
        lc_report(loader, at, "%s must be a mapping; write %s: {%s: ...}", key, key, names[0]);
    }
}

static void
take_mapping(lc_loader *loader, const lc_yaml *node, const char *section)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (size_t i = 0; i < node->n; i++)
        if (lc_is_new_key(loader, seen, node->pairs[i].key, section))
            take_pair(loader, section, &node->pairs[i]);
}

void
lc_take_file(lc_loader *loader)
{
    const lc_yaml *root = lc_yaml_parse((lc_text){loader->text, loader->size}, &loader->arena, loader->problems);
    if (root && root->kind == LC_YAML_MAP)
        take_mapping(loader, root, "");
    else if (root && root->kind != LC_YAML_NOTHING)
        lc_report(loader, lc_place_in(root), "a configuration is a mapping; write KEY: VALUE");
}
