/* webhooks.c - the list alert.webhooks: a table of keys for each of its mappings. */
#include "loader.h"

#include <leadclock/text.h>

static char *
check_name(const char *value)
{
    return *value ? lc_check_name(value) : NULL;
}

static char *
check_event(const char *value)
{
    return lc_check_among(value, lc_config_outcomes, "outcome");
}

static char *
check_secret(const char *value)
{
    if (*value == '\0')
        return g_strdup("must not be empty; take it from the environment, as ${HOOK_SECRET}");
    return lc_check_signing_secret(value);
}

static char *
check_path(const char *value)
{
    return *value ? NULL : g_strdup("must not be empty; write a path");
}

#define AT(member) offsetof(lc_config_webhook, member)
/* clang-format off */
const lc_option lc_webhook_options[] = {
    {"alert.webhooks.name", OPTION_TEXT, "", AT(name), .check = check_name,
     .doc = "What it is called where it is spoken of; and its consumer group is NAME-alert-THIS. Only the only one may be "
            "without, whose group is NAME-alert."},
    {"alert.webhooks.url", OPTION_SECRET, NULL, AT(url), .check = lc_check_http_url,
     .doc = "Where a CloudEvent (structured JSON) is posted for each outcome. It is not logged."},
    {"alert.webhooks.secret", OPTION_SECRET, NULL, AT(secret), .check = check_secret,
     .doc = "Signs what is posted as Standard Webhooks are: `whsec_` and base64 of 24 to 64 bytes, or a text as it is."},
    {"alert.webhooks.secret_file", OPTION_TEXT, NULL, AT(secret_file), .check = check_path,
     .doc = "File that holds it instead. Relative to this file. Read again at each call."},
    {"alert.webhooks.events", OPTION_LIST, "", AT(events), .may_be_empty = true, .check = check_event,
     .doc = "Outcomes that are posted, as `[SlaBreached, LeadRouted]`, with what retracts them. Empty: all."},
    {"alert.webhooks.max_age", OPTION_DURATION, "1h", AT(max_age), .min = LC_SECOND, .max = 3650 * LC_DAY,
     .doc = "What happened longer ago when its turn comes is passed over, and counted: a backfill calls nobody."},
};
/* clang-format on */
const size_t lc_n_webhook_options = G_N_ELEMENTS(lc_webhook_options);

#define SECTION "alert.webhooks."

static void
clear_webhook(void *data)
{
    lc_options_clear(lc_webhook_options, lc_n_webhook_options, data);
}

static const lc_option *
find_option(const char *name)
{
    for (size_t i = 0; i < lc_n_webhook_options; i++)
        if (strcmp(lc_webhook_options[i].key + strlen(SECTION), name) == 0)
            return &lc_webhook_options[i];
    return NULL;
}

static void
refuse_key(lc_loader *loader, const lc_yaml *key)
{
    const char *names[G_N_ELEMENTS(lc_webhook_options) + 1] = {NULL};
    for (size_t i = 0; i < lc_n_webhook_options; i++)
        names[i] = lc_webhook_options[i].key + strlen(SECTION);
    const char *near = lc_nearest_name(key->text.data, names);
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    if (near)
        lc_report(loader, lc_place_in(key), "unknown key \"" SECTION "%s\"; did you mean \"%s\"?", key->text.data,
                  near);
    else
        lc_report(loader, lc_place_in(key), "unknown key \"" SECTION "%s\"; keys here: %s", key->text.data, all);
}

static void
take_defaults(lc_loader *loader, lc_config_webhook *webhook)
{
    for (size_t i = 0; i < lc_n_webhook_options; i++) {
        const lc_option *option = &lc_webhook_options[i];
        if (option->kind == OPTION_LIST)
            lc_option_set_texts(option, webhook, g_new0(char *, 1));
        else if (option->fallback)
            lc_take_value_into(loader, option, webhook, option->fallback, (lc_place){0});
    }
}

static void
take_key(lc_loader *loader, lc_config_webhook *webhook, const lc_yaml_pair *pair)
{
    const lc_option *option = find_option(pair->key->text.data);
    lc_place at = lc_place_in(pair->key);
    if (option == NULL) {
        refuse_key(loader, pair->key);
    } else if (option->kind == OPTION_LIST) {
        g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(lc_place));
        char **items = lc_take_items(loader, option, pair->value, at, places);
        if (items)
            lc_option_set_texts(option, webhook, items);
    } else if (lc_is_value(pair->value)) {
        lc_take_value_into(loader, option, webhook, pair->value->text.data, lc_place_in(pair->value));
    } else {
        lc_refuse_value(loader, option->key, pair->value, at);
    }
}

static void
take_webhook(lc_loader *loader, lc_config_webhook *webhook, const lc_yaml *node)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    lc_place at = lc_place_in(node);
    take_defaults(loader, webhook);
    if (node->kind != LC_YAML_MAP) {
        lc_report(loader, at, "alert.webhooks: an entry must be a mapping; write {url: ..., secret: ...}");
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        if (lc_is_new_key(loader, seen, node->pairs[i].key, SECTION))
            take_key(loader, webhook, &node->pairs[i]);
    if (!g_hash_table_contains(seen, "url"))
        lc_report(loader, at, SECTION "url is missing; write where outcomes are to be posted");
    bool has_file = g_hash_table_contains(seen, "secret_file");
    if (!g_hash_table_contains(seen, "secret") && !has_file)
        lc_report(loader, at, SECTION "secret is missing; who is called must be able to tell who calls");
    else if (has_file && g_hash_table_contains(seen, "secret"))
        lc_report(loader, at, SECTION "secret and " SECTION "secret_file are both given; take one out");
}

/* The name makes the group. */
static void
check_names(lc_loader *loader, const GArray *webhooks, const lc_yaml *node)
{
    for (guint i = 1; i < webhooks->len; i++)
        for (guint before = 0; before < i; before++)
            if (strcmp(g_array_index(webhooks, lc_config_webhook, i).name,
                       g_array_index(webhooks, lc_config_webhook, before).name) == 0) {
                lc_report(loader, lc_place_in(node->items[i]),
                          "alert.webhooks: two have the same name, or none; give each a name of its own");
                return;
            }
}

void
lc_take_webhooks(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place at)
{
    GArray **webhooks = (GArray **)((char *)loader->config + option->offset);
    g_clear_pointer(webhooks, g_array_unref);
    *webhooks = g_array_new(FALSE, TRUE, sizeof(lc_config_webhook));
    g_array_set_clear_func(*webhooks, clear_webhook);
    if (node->kind != LC_YAML_LIST) {
        lc_report(loader, at, "alert.webhooks must be a list; write [{url: ..., secret: ...}]");
        return;
    }
    g_array_set_size(*webhooks, (guint)node->n);
    for (size_t i = 0; i < node->n; i++)
        take_webhook(loader, &g_array_index(*webhooks, lc_config_webhook, i), node->items[i]);
    check_names(loader, *webhooks, node);
}
