/* roles.c - the table of rights, what it comes to for one configuration, and how the documentation tells it. */
#include "common.h"

#include <leadclock/core.h>
#include <leadclock/redis.h>

const char *const lc_role_names[LC_ROLES + 1] = {"service",   "publisher", "ingest", "alert",
                                                 "dashboard", "tools",     "admin",  NULL};

const char *const lc_operation_names[LC_OPERATIONS] = {"READ",  "WRITE",    "CREATE",          "DELETE",
                                                       "ALTER", "DESCRIBE", "DESCRIBE_CONFIGS"};

/* ---- The table ---- */

#define TABLE(n) (1u << (n))
enum {
    TABLES = TABLE(LC_CONFIG_TABLES) - 1,
    INPUTS = TABLE(LC_CONFIG_TABLES),
    OUTCOMES = INPUTS << 1,
    DEAD_LETTERS = INPUTS << 2,
    STATE = INPUTS << 3,
    COUNTERS = INPUTS << 4,
    WANTED = INPUTS << 5,
    TOLD_BREACHES = INPUTS << 6,
    UNDELIVERED = INPUTS << 7,
    GROUP = INPUTS << 8,
    ALERT_GROUPS = INPUTS << 9,
    TRANSACTIONAL_IDS = INPUTS << 10,
    CHANGELOGS = STATE | COUNTERS,
    ALL_TOPICS = INPUTS | OUTCOMES | DEAD_LETTERS | CHANGELOGS | TABLES | UNDELIVERED,
};
#define MAY(operation) (1u << LC_MAY_##operation)

static const struct {
    lc_role role;
    const char *commands;
    unsigned may, on;
} needs[] = {
    {LC_ROLE_SERVICE, "`run`", MAY(READ), INPUTS | CHANGELOGS | GROUP},
    {LC_ROLE_SERVICE, "`run`", MAY(WRITE), OUTCOMES | DEAD_LETTERS | CHANGELOGS | TABLES | TRANSACTIONAL_IDS},
    {LC_ROLE_PUBLISHER, "`publish`", MAY(WRITE), INPUTS},
    {LC_ROLE_INGEST, "`ingest`", MAY(WRITE), INPUTS},
    {LC_ROLE_ALERT, "`alert`", MAY(READ), TOLD_BREACHES | WANTED | ALERT_GROUPS},
    {LC_ROLE_ALERT, "`alert`", MAY(WRITE), UNDELIVERED},
    {LC_ROLE_DASHBOARD, "`dashboard`", MAY(READ), TABLES},
    {LC_ROLE_TOOLS, "`watch`", MAY(READ), ALL_TOPICS},
    {LC_ROLE_TOOLS, "`verify`, `rebuild`", MAY(DESCRIBE), ALL_TOPICS | GROUP},
    {LC_ROLE_TOOLS, "`verify`, `rebuild`", MAY(READ), CHANGELOGS},
    {LC_ROLE_TOOLS, "`tables --fill`", MAY(READ), INPUTS | CHANGELOGS | GROUP},
    {LC_ROLE_TOOLS, "`tables --fill`", MAY(WRITE), TABLES | TRANSACTIONAL_IDS},
    {LC_ROLE_TOOLS, "`tables --fill`", MAY(DESCRIBE), OUTCOMES | DEAD_LETTERS},
    {LC_ROLE_TOOLS, "`report`, `worklist`", MAY(READ), TABLES & ~TABLE(LC_ROW_TENURE)},
    {LC_ROLE_TOOLS, "`topics`", MAY(DESCRIBE) | MAY(DESCRIBE_CONFIGS), ALL_TOPICS},
    {LC_ROLE_TOOLS, "`topics --lag`", MAY(DESCRIBE), GROUP},
    {LC_ROLE_ADMIN, "`topics --create`", MAY(CREATE) | MAY(DESCRIBE) | MAY(DESCRIBE_CONFIGS), ALL_TOPICS},
    {LC_ROLE_ADMIN, "`reset`", MAY(DESCRIBE), ALL_TOPICS},
    {LC_ROLE_ADMIN, "`reset`", MAY(DESCRIBE_CONFIGS) | MAY(DELETE) | MAY(CREATE), CHANGELOGS | TABLES},
    {LC_ROLE_ADMIN, "`reset`", MAY(DELETE), GROUP},
    {LC_ROLE_ADMIN, "`reset --to-time`", MAY(READ), INPUTS | GROUP},
    {LC_ROLE_ADMIN, "`reset --republish`", MAY(READ) | MAY(WRITE), INPUTS},
    {LC_ROLE_ADMIN, "`reset --republish`", MAY(READ), GROUP},
    {LC_ROLE_ADMIN, "`repartition`", MAY(ALTER), CHANGELOGS},
    {LC_ROLE_ADMIN, "`repartition`", MAY(READ) | MAY(WRITE), INPUTS | STATE},
    {LC_ROLE_ADMIN, "`repartition`", MAY(DESCRIBE_CONFIGS) | MAY(DELETE) | MAY(CREATE), TABLES},
    {LC_ROLE_ADMIN, "`repartition`", MAY(READ), GROUP},
};

/* How Redis is reached. */
enum {
    ALONE = 1,
    BY_SENTINELS = 2,
    IN_A_CLUSTER = 4,
    ANOTHER_DATABASE = 8,
    ANYHOW = ALONE | BY_SENTINELS | IN_A_CLUSTER
};

static const struct {
    unsigned roles, where;
    const char *commands;
} redis_needs[] = {
#define SERVICE (1u << LC_ROLE_SERVICE)
#define TOOLS (1u << LC_ROLE_TOOLS)
#define ADMIN (1u << LC_ROLE_ADMIN)
    {SERVICE | TOOLS | ADMIN, ANYHOW, "info get scan unlink"},
    {SERVICE | TOOLS | ADMIN, ANOTHER_DATABASE, "select"},
    {SERVICE | TOOLS | ADMIN, BY_SENTINELS, "role"},
    {SERVICE | TOOLS | ADMIN, IN_A_CLUSTER, "cluster|slots cluster|info"},
    {SERVICE | TOOLS | ADMIN, ANYHOW, "set setnx watch multi exec"},
    {SERVICE | TOOLS, ANYHOW, "hmget hset hdel hgetall sadd srem smembers zadd zrangebyscore rpush lrange incrby"},
    {SERVICE, ANYHOW, "zrem ltrim"},
    {TOOLS, ANYHOW, "hscan"},
};

/* ---- What it comes to ---- */

/* Takes `name`. */
static void
add(GPtrArray *names, char *name)
{
    if (g_ptr_array_find_with_equal_func(names, name, g_str_equal, NULL))
        g_free(name);
    else
        g_ptr_array_add(names, name);
}

static bool
is_wanted(const lc_config *config, const char *outcome)
{
    const GArray *webhooks = config->alert.webhooks;
    for (guint i = 0; webhooks && i < webhooks->len; i++) {
        char **events = g_array_index(webhooks, lc_config_webhook, i).events;
        if (events == NULL || *events == NULL || g_strv_contains((const char *const *)events, outcome))
            return true;
    }
    return false;
}

/* What webhooks may be called for (lc_config_outcomes), and where it is read. Retractions lie where what they retract
 * does. */
static void
add_wanted(GPtrArray *topics, const lc_config *config)
{
    const struct {
        const char *outcome, *topic;
    } places[] = {
        {"SlaWarning", config->topics.warnings},      {"SlaBreached", config->topics.breaches},
        {"SlaEscalated", config->topics.breaches},    {"SlaBreachEnded", config->topics.breaches},
        {"LeadClawedBack", config->topics.clawbacks}, {"LeadRouted", config->topics.routed},
        {"LeadSettled", config->topics.settled},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
        if (is_wanted(config, places[i].outcome))
            add(topics, g_strdup(places[i].topic));
}

static bool
has_webhooks(const lc_config *config)
{
    return config->alert.webhooks && config->alert.webhooks->len;
}

static void
add_topics(GPtrArray *topics, const lc_config *config, unsigned on)
{
    const struct {
        unsigned of;
        const char *name;
    } outputs[] = {
        {OUTCOMES, config->topics.breaches},  {OUTCOMES, config->topics.warnings},
        {OUTCOMES, config->topics.clawbacks}, {OUTCOMES, config->topics.routed},
        {OUTCOMES, config->topics.settled},   {DEAD_LETTERS, config->topics.dead_letters},
        {STATE, config->topics.state},        {COUNTERS, config->topics.counters},
    };
    for (char **input = config->topics.inputs; on & INPUTS && *input; input++)
        add(topics, g_strdup(*input));
    for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++)
        if (on & outputs[i].of)
            add(topics, g_strdup(outputs[i].name));
    for (int table = 0; table < LC_CONFIG_TABLES; table++)
        if (on & TABLE(table) && lc_cli_publishes(config, table))
            add(topics, g_strdup(config->tables.topics[table]));
    if (on & TOLD_BREACHES && config->alert.alertmanager.urls && *config->alert.alertmanager.urls)
        add(topics, g_strdup(config->tables.topics[LC_ROW_BREACH]));
    if (on & WANTED)
        add_wanted(topics, config);
    if (on & UNDELIVERED && has_webhooks(config))
        add(topics, g_strdup(config->topics.undelivered));
}

static void
add_groups(GPtrArray *groups, const lc_config *config, unsigned on)
{
    if (on & GROUP)
        add(groups, g_strdup(config->name));
    for (guint i = 0; on & ALERT_GROUPS && has_webhooks(config) && i < config->alert.webhooks->len; i++) {
        const char *webhook = g_array_index(config->alert.webhooks, lc_config_webhook, i).name;
        add(groups, g_strconcat(config->name, "-alert", *webhook ? "-" : "", webhook, NULL));
    }
}

static void
leave_out(GPtrArray *names, const GPtrArray *contained)
{
    for (guint i = 0; i < contained->len; i++) {
        guint at;
        if (g_ptr_array_find_with_equal_func(names, g_ptr_array_index(contained, i), g_str_equal, &at))
            g_ptr_array_remove_index(names, at);
    }
}

static void
leave_out_contained(lc_rights *rights)
{
    static const lc_operation describing[] = {LC_MAY_READ, LC_MAY_WRITE, LC_MAY_DELETE, LC_MAY_ALTER};
    for (int on = 0; on < LC_RESOURCES; on++)
        for (size_t i = 0; i < G_N_ELEMENTS(describing); i++)
            leave_out(rights->names[LC_MAY_DESCRIBE][on], rights->names[describing[i]][on]);
}

lc_rights *
lc_rights_new(lc_role role, const lc_config *config)
{
    lc_rights *rights = g_new0(lc_rights, 1);
    for (int may = 0; may < LC_OPERATIONS; may++) {
        GPtrArray **names = rights->names[may];
        for (int on = 0; on < LC_RESOURCES; on++)
            names[on] = g_ptr_array_new_with_free_func(g_free);
        for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
            if (needs[i].role != role || !(needs[i].may & 1u << may))
                continue;
            add_topics(names[LC_ON_TOPIC], config, needs[i].on);
            add_groups(names[LC_ON_GROUP], config, needs[i].on);
            if (needs[i].on & TRANSACTIONAL_IDS)
                add(names[LC_ON_TRANSACTIONAL_ID], g_strconcat(config->name, "-", NULL));
        }
    }
    leave_out_contained(rights);
    return rights;
}

void
lc_rights_free(lc_rights *rights)
{
    for (int may = 0; may < LC_OPERATIONS; may++)
        for (int on = 0; on < LC_RESOURCES; on++)
            g_ptr_array_unref(rights->names[may][on]);
    g_free(rights);
}

char *
lc_role_commands(lc_role role)
{
    g_autoptr(GPtrArray) commands = g_ptr_array_new();
    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++)
        if (needs[i].role == role && !g_ptr_array_find_with_equal_func(commands, needs[i].commands, g_str_equal, NULL))
            g_ptr_array_add(commands, (char *)needs[i].commands);
    if (role == LC_ROLE_TOOLS)
        g_ptr_array_add(commands, (char *)"`inspect`"); /* which asks Redis alone */
    g_ptr_array_add(commands, NULL);
    return g_strjoinv(", ", (char **)commands->pdata);
}

/* ---- Redis ---- */

static char *
redis_commands(lc_role role, unsigned where)
{
    GString *text = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(redis_needs); i++) {
        if (!(redis_needs[i].roles & 1u << role) || !(redis_needs[i].where & where))
            continue;
        g_auto(GStrv) commands = g_strsplit(redis_needs[i].commands, " ", -1);
        for (char **command = commands; *command; command++)
            g_string_append_printf(text, "%s+%s", text->len ? " " : "", *command);
    }
    return g_string_free(text, FALSE);
}

char *
lc_role_redis_commands(lc_role role, const lc_config *config)
{
    unsigned where = strstr(config->redis.url, "+sentinel://")  ? BY_SENTINELS
                     : strstr(config->redis.url, "+cluster://") ? IN_A_CLUSTER
                                                                : ALONE;
    return redis_commands(role, where | (lc_redis_selects(config->redis.url) ? ANOTHER_DATABASE : 0));
}

/* ---- For the documentation ---- */

static const struct {
    unsigned on;
    const char *words;
} resources_in_words[] = {
    {ALL_TOPICS, "all topics"},
    {INPUTS, "every input"},
    {OUTCOMES, "every outcome topic"},
    {DEAD_LETTERS, "`leads.dead-letters`"},
    {STATE, "`leads.state`"},
    {COUNTERS, "`leads.counters`"},
    {TABLES, "the tables that are published (`leads.tables.*`)"},
    {TABLES & ~TABLE(LC_ROW_TENURE), "the tables `cycles`, `breaches`, `stages`, `routes`, `counters`"},
    {TOLD_BREACHES, "`leads.tables.breaches`, where there are Alertmanagers"},
    {WANTED, "the outcomes that webhooks want"},
    {UNDELIVERED, "`leads.undelivered`, where there are webhooks"},
    {GROUP, "group `NAME`"},
    {ALERT_GROUPS, "group `NAME-alert`, or `NAME-alert-WEBHOOK` of webhooks with names"},
    {TRANSACTIONAL_IDS, "transactional ids that begin with `NAME-`"},
};

static void
write_resources(GString *text, unsigned on)
{
    const char *between = "";
    for (size_t i = 0; i < G_N_ELEMENTS(resources_in_words); i++) {
        if ((on & resources_in_words[i].on) != resources_in_words[i].on)
            continue;
        g_string_append_printf(text, "%s%s", between, resources_in_words[i].words);
        on &= ~resources_in_words[i].on;
        between = ", ";
    }
}

static void
write_operations(GString *text, unsigned may)
{
    const char *between = "";
    for (int operation = 0; operation < LC_OPERATIONS; operation++)
        if (may & 1u << operation) {
            g_string_append_printf(text, "%s%s", between, lc_operation_names[operation]);
            between = ", ";
        }
}

char *
lc_roles_reference(void)
{
    GString *text = g_string_new("| role | command | right | on |\n|---|---|---|---|\n");
    for (size_t i = 0; i < G_N_ELEMENTS(needs); i++) {
        bool is_same_role = i && needs[i].role == needs[i - 1].role;
        bool is_same_command = is_same_role && strcmp(needs[i].commands, needs[i - 1].commands) == 0;
        g_string_append_printf(text, "| %s%s%s | %s | ", is_same_role ? "" : "`",
                               is_same_role ? "" : lc_role_names[needs[i].role], is_same_role ? "" : "`",
                               is_same_command ? "" : needs[i].commands);
        write_operations(text, needs[i].may);
        g_string_append(text, " | ");
        write_resources(text, needs[i].on);
        g_string_append(text, " |\n");
    }
    g_string_append(text, "\n| role | commands of Redis, on the keys `NAME:*` |\n|---|---|\n");
    for (int role = 0; role < LC_ROLES; role++) {
        g_autofree char *commands = redis_commands((lc_role)role, ALONE);
        if (*commands)
            g_string_append_printf(text, "| `%s` | `%s` |\n", lc_role_names[role], commands);
    }
    return g_string_free(text, FALSE);
}
