/* topic_names.c - what a topic is called that somebody names. */
#include "topic_names.h"

#include <leadclock/text.h>

/* All that are configured. Caller frees. */
static char **
known_topics(const lc_config *config)
{
    const char *outputs[] = {config->topics.breaches,     config->topics.warnings,
                             config->topics.clawbacks,    config->topics.routed,
                             config->topics.settled,      config->topics.counters,
                             config->topics.dead_letters, config->topics.state,
                             config->topics.undelivered,  NULL};
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_strv_builder_addv(names, outputs);
    for (char **input = config->topics.inputs; *input; input++)
        g_strv_builder_add(names, *input);
    for (int table = 0; table < LC_CONFIG_TABLES; table++)
        g_strv_builder_add(names, config->tables.topics[table]);
    return g_strv_builder_end(names);
}

char *
lc_cli_topic_name(const lc_config *config, const char *name)
{
    g_auto(GStrv) known = known_topics(config);
    g_autofree char *prefixed = g_strconcat(config->topics.prefix, name, NULL);
    bool is_known = g_strv_contains((const char *const *)known, prefixed);
    return is_known ? g_steal_pointer(&prefixed) : g_strdup(name);
}

static const char *
last_word(const char *topic)
{
    const char *dot = strrchr(topic, '.');
    return dot ? dot + 1 : topic;
}

/* The one that is like it, or else one whose last word is like its last ("breach" and "leads.breaches"); NULL: none. */
static const char *
nearest_topic(char **known, const char *name)
{
    const char *near = lc_nearest_name(name, (const char *const *)known);
    g_autofree const char **words = g_new0(const char *, g_strv_length(known) + 1);
    for (guint i = 0; known[i]; i++)
        words[i] = last_word(known[i]);
    const char *last = last_word(name);
    const char *meant = g_strv_contains(words, last) ? last : lc_nearest_name(last, words);
    for (guint i = 0; meant && near == NULL && known[i]; i++)
        if (strcmp(words[i], meant) == 0)
            near = known[i];
    return near;
}

void
lc_cli_name_topic_meant(const lc_config *config, const lc_kafka_options *kafka, const char *const *topics,
                        GError **error)
{
    g_auto(GStrv) known = known_topics(config);
    g_autoptr(GArray) found = lc_kafka_describe_topics(kafka, topics, false, LC_CLI_TIMEOUT_MS, NULL);
    for (guint i = 0; found && i < found->len; i++) {
        const lc_topic_description *topic = &g_array_index(found, lc_topic_description, i);
        if (topic->partitions || g_strv_contains((const char *const *)known, topic->name))
            continue;
        const char *near = nearest_topic(known, topic->name);
        g_clear_error(error);
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "topic %s does not exist; %s%s%s'leadclock topics' lists those of this configuration", topic->name,
                    near ? "did you mean \"" : "", near ? near : "", near ? "\"? " : "");
        return;
    }
}
