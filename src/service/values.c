/* values.c - values as texts, from wherever they come: checked, and put into the configuration. */
#include "loader.h"

static char *(*check_property)(const char *name, const char *value);

void
lc_config_check_properties_with(char *(*check)(const char *name, const char *value))
{
    check_property = check;
}

/* ---- ${NAME} ---- */

/* `text` with ${NAME} replaced from the environment and $$ by $; or NULL with what is wrong. */
static char *
expand(const char *text, char **wrong)
{
    g_autoptr(GString) out = g_string_new(NULL);
    while (*text) {
        if (text[0] != '$' || (text[1] != '{' && text[1] != '$')) {
            g_string_append_c(out, *text++);
            continue;
        }
        if (text[1] == '$') {
            g_string_append_c(out, '$');
            text += 2;
            continue;
        }
        const char *end = strchr(text, '}');
        if (end == NULL || end == text + 2) {
            *wrong = g_strdup("has a ${ that names nothing; write ${NAME}, or $${ for these characters themselves");
            return NULL;
        }
        g_autofree char *name = g_strndup(text + 2, (size_t)(end - text - 2));
        const char *value = g_getenv(name);
        if (value == NULL) {
            *wrong = g_strdup_printf(
                "takes ${%s} from the environment, where it is not set; set it, or write the value", name);
            return NULL;
        }
        g_string_append(out, value);
        text = end + 1;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- Taking values ---- */

void
lc_take_value_into(lc_loader *loader, const lc_option *option, void *into, const char *raw, lc_place at)
{
    g_autofree char *wrong = NULL;
    g_autofree char *value = expand(raw, &wrong);
    g_autofree char *shown = lc_hide_secrets(g_strdup(raw));
    if (value)
        wrong = lc_option_set(option, into, value, shown);
    if (wrong)
        lc_report(loader, at, "%s: %s", option->key, wrong);
}

void
lc_take_value(lc_loader *loader, const lc_option *option, const char *raw, lc_place at)
{
    lc_take_value_into(loader, option, loader->config, raw, at);
}

bool
lc_take_list_item(lc_loader *loader, const lc_option *option, GStrvBuilder *list, const char *raw, lc_place at)
{
    g_autofree char *wrong = NULL;
    g_autofree char *value = expand(raw, &wrong);
    g_autofree char *shown = lc_hide_secrets(g_strdup(raw));
    if (value)
        wrong = option->check(value);
    if (wrong)
        lc_report(loader, at, "%s: \"%s\" %s", option->key, shown, wrong);
    else
        g_strv_builder_add(list, value);
    return wrong == NULL;
}

void
lc_take_map_entry(lc_loader *loader, const lc_option *option, GStrvBuilder *map, const char *name, const char *raw,
                  lc_place at)
{
    g_autofree char *wrong = NULL;
    g_autofree char *value = expand(raw, &wrong);
    if (value)
        wrong = option->check_entry(name, value);
    if (value && wrong == NULL && check_property && strcmp(option->key, "kafka.properties") == 0)
        wrong = check_property(name, value);
    if (wrong && value && strcmp(raw, value) != 0 && strstr(wrong, value))
        lc_report(loader, at, "%s.%s: what the environment gives is not valid", option->key, name);
    else if (wrong)
        lc_report(loader, at, "%s.%s: %s", option->key, name, wrong);
    else
        g_strv_builder_add_many(map, name, value, NULL);
}

void
lc_take_list_text(lc_loader *loader, const lc_option *option, const char *text, lc_place at)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    bool empty = true;
    g_array_set_size(loader->items[option - lc_options], 0);
    for (char **item = items; *item; item++)
        if (*g_strstrip(g_strdelimit(*item, "[]", ' '))) {
            lc_take_list_item(loader, option, list, *item, at);
            empty = false;
        }
    if (empty && !option->may_be_empty)
        lc_report(loader, at, "%s is empty; name at least one %s", option->key, lc_option_item(option));
    lc_option_set_texts(option, loader->config, g_strv_builder_end(list));
}

void
lc_take_defaults(lc_loader *loader)
{
    for (size_t i = 0; i < lc_n_options; i++) {
        const lc_option *option = &lc_options[i];
        if (option->kind == OPTION_LIST)
            lc_take_list_text(loader, option, option->fallback, (lc_place){0});
        else if (lc_option_is_map(option))
            lc_option_set_texts(option, loader->config, g_new0(char *, 1));
        else if (option->fallback)
            lc_take_value(loader, option, option->fallback, (lc_place){0});
    }
}
