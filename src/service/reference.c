/* reference.c - the table of keys as docs/configuration.md. */
#include "options.h"

static const char heading[] =
    "# Configuration\n\n"
    "Made from the tables of keys in `src/service/options.c` and `webhooks.c`; a test fails when this file is out of "
    "date.\n\n"
    "One YAML file, `leadclock COMMAND --config FILE`. Every key may be absent, but for `url` and "
    "`secret` of a webhook. `--set KEY=VALUE` overrides any but `alert.webhooks` "
    "(`--set kafka.brokers=broker:9092`, `--set topics.inputs=a,b`, `--set "
    "kafka.properties.security.protocol=SSL`).\n\n"
    "A key that is a list says so: in the file `[A, B]`, also where it has one entry, or each on a line of its own "
    "after `- `; with `--set` commas between.\n\n"
    "`${NAME}` in a value is taken from the environment, so that no secret need be in the file; `$$` is a dollar. "
    "Durations are digits with `ms`, `s`, `m`, `h`, `d` (24 h) or `w` (7 d), which may follow each other: `1m30s`.\n\n"
    "| key | default | what |\n|---|---|---|\n";

static char *
show_fallback(const lc_option *option)
{
    if (lc_option_is_map(option))
        return g_strdup("{}");
    if (option->fallback == NULL)
        return NULL;
    if (option->kind == OPTION_LIST)
        return g_strdup_printf("[%s]", option->fallback);
    return g_strdup(*option->fallback ? option->fallback : "\"\"");
}

static bool
is_of_webhooks(const lc_option *option)
{
    return option >= lc_webhook_options && option < lc_webhook_options + lc_n_webhook_options;
}

/* How it is written, where it is no single text: " From 1 to 256." A secret on a command line is none. */
static char *
show_form(const lc_option *option)
{
    if (option->kind == OPTION_LIST && is_of_webhooks(option))
        return g_strdup(" A list: `[A, B]`.");
    if (option->kind == OPTION_LIST)
        return g_strdup_printf(" A list: `[A, B]`, or `--set %s=A,B`.", option->key);
    if (option->kind == OPTION_WEBHOOKS)
        return g_strdup(" `[{url: URL, secret: SECRET}]`.");
    if (option->kind == OPTION_SECRETS)
        return g_strdup(" A mapping: `{NAME: VALUE}`.");
    if (lc_option_is_map(option))
        return g_strdup_printf(" A mapping: `{NAME: VALUE}`, or `--set %s.NAME=VALUE`.", option->key);
    if (option->kind == OPTION_COUNT)
        return g_strdup_printf(" From %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT ".", option->min, option->max);
    if (option->kind != OPTION_DURATION)
        return g_strdup("");
    g_autofree char *min = lc_show_config_duration(option->min), *max = lc_show_config_duration(option->max);
    return g_strdup_printf(" From %s to %s.", min, max);
}

/* Those of a webhook come after the list of them. NULL: there are no more. */
static const lc_option *
option_at(size_t index)
{
    for (size_t i = 0; i < lc_n_options; i++, index--) {
        if (index == 0)
            return &lc_options[i];
        if (lc_options[i].kind != OPTION_WEBHOOKS)
            continue;
        if (index <= lc_n_webhook_options)
            return &lc_webhook_options[index - 1];
        index -= lc_n_webhook_options;
    }
    return NULL;
}

bool
lc_config_describe_key(size_t index, lc_config_key *key)
{
    const lc_option *option = option_at(index);
    if (option == NULL)
        return false;
    g_autofree char *form = show_form(option);
    *key = (lc_config_key){option->key, show_fallback(option), g_strconcat(option->doc, form, NULL)};
    return true;
}

void
lc_config_key_clear(lc_config_key *key)
{
    g_free(key->fallback);
    g_free(key->doc);
}

char *
lc_config_reference(void)
{
    GString *text = g_string_new(heading);
    lc_config_key key;
    for (size_t i = 0; lc_config_describe_key(i, &key); i++) {
        const char *quote = key.fallback ? "`" : "";
        g_string_append_printf(text, "| `%s` | %s%s%s | %s |\n", key.key, quote, key.fallback ? key.fallback : "none",
                               quote, key.doc);
        lc_config_key_clear(&key);
    }
    return g_string_free(text, FALSE);
}
