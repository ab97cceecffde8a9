/* acls.c - what gives each role its rights: commands of Kafka's and Redis' own tools, for a shell. */
#include "common.h"

#include <leadclock/text.h>

static const char heading[] = "# What each role of %s may do, and no more: for sh, with the rights of an "
                              "administrator. KAFKA_ACLS and REDIS_CLI%s\n"
                              "# are how Kafka's and Redis' tools are called (redis-cli with what it needs to get in, "
                              "and with -e, or a refusal\n"
                              "# is not noticed), COMMAND_CONFIG is a file with the administrator's login at Kafka, "
                              "if any.\n"
                              "# At Kafka rights are only added: what was taken out of the configuration keeps its old "
                              "ACLs.\n"
                              "BOOTSTRAP_SERVER=${BOOTSTRAP_SERVER:-%s}\n";

/* As kafka-acls.sh spells them. */
static const char *const operations[LC_OPERATIONS] = {"Read",  "Write",    "Create",         "Delete",
                                                      "Alter", "Describe", "DescribeConfigs"};

static const char *const resource_options[LC_RESOURCES] = {"--topic", "--group", "--transactional-id"};

/* ---- Kafka ---- */

static void
print_kafka_command(const char *principal, lc_operation may, const char *resources, bool is_prefix)
{
    g_autofree char *whose = g_shell_quote(principal);
    printf("${KAFKA_ACLS:-kafka-acls.sh} --bootstrap-server \"$BOOTSTRAP_SERVER\" "
           "${COMMAND_CONFIG:+--command-config \"$COMMAND_CONFIG\"} \\\n"
           "    --add --allow-principal %s --operation %s%s \\\n   %s\n",
           whose, operations[may], is_prefix ? " --resource-pattern-type prefixed" : "", resources);
}

/* One command for all that is named in full, one for what names begin with. Whether there is anything. */
static bool
print_operation(const char *principal, const lc_rights *rights, lc_operation may)
{
    g_autoptr(GString) exact = g_string_new(NULL);
    g_autoptr(GString) prefixes = g_string_new(NULL);
    for (int on = 0; on < LC_RESOURCES; on++) {
        const GPtrArray *names = rights->names[may][on];
        for (guint i = 0; i < names->len; i++)
            g_string_append_printf(on == LC_ON_TRANSACTIONAL_ID ? prefixes : exact, " %s %s", resource_options[on],
                                   (const char *)g_ptr_array_index(names, i));
    }
    if (exact->len)
        print_kafka_command(principal, may, exact->str, false);
    if (prefixes->len)
        print_kafka_command(principal, may, prefixes->str, true);
    return exact->len || prefixes->len;
}

/* ---- Redis ---- */

static void
print_redis_line(const char *client, const char *user, const char *keys, const char *commands)
{
    g_autofree char *whose = g_shell_quote(user);
    printf("${%s} ACL SETUSER %s on resetkeys resetchannels nocommands", client, whose);
    if (keys)
        printf(" '~%s:*'", keys);
    g_auto(GStrv) words = g_strsplit(commands, " ", -1);
    for (char **word = words; *word; word++)
        printf(strchr(*word, '|') ? " '%s'" : " %s", *word);
    printf("\n");
}

static bool
has_sentinels(const lc_config *config)
{
    return strstr(config->redis.url, "+sentinel://") != NULL;
}

static void
print_redis(const lc_config *config, lc_role role, const char *user)
{
    g_autofree char *commands = lc_role_redis_commands(role, config);
    if (*commands == '\0')
        return;
    printf("# Redis%s. Without a password nobody comes in by it: ACL SETUSER %s '>PASSWORD' gives one, ACL SAVE keeps "
           "it.\n",
           strstr(config->redis.url, "+cluster://") ? ", on each node of the cluster" : "", user);
    print_redis_line("REDIS_CLI:-redis-cli -e", user, config->name, commands);
    if (!has_sentinels(config))
        return;
    printf("# On each sentinel, where they ask for a login.\n");
    print_redis_line("SENTINEL_CLI:-redis-cli -e -p 26379",
                     config->redis.sentinel_user ? config->redis.sentinel_user : user, NULL,
                     "+sentinel|get-master-addr-by-name");
}

/* ---- Roles ---- */

static void
print_role(const lc_config *config, lc_role role, const char *principal, const char *redis_user)
{
    g_autofree char *user = g_strconcat(config->name, "-", lc_role_names[role], NULL);
    g_autofree char *own = g_strconcat("User:", user, NULL), *commands = lc_role_commands(role);
    g_autoptr(lc_rights) rights = lc_rights_new(role, config);
    g_strdelimit(commands, "`", '\'');
    printf("\n# %s: %s\n", lc_role_names[role], commands);
    bool has_rights = false;
    for (int may = 0; may < LC_OPERATIONS; may++)
        has_rights |= print_operation(principal ? principal : own, rights, (lc_operation)may);
    if (!has_rights)
        printf("# Nothing: this configuration gives it nothing to do.\n");
    print_redis(config, role, redis_user ? redis_user : user);
}

static int
find_role(const char *name)
{
    for (int role = 0; role < LC_ROLES; role++)
        if (strcmp(lc_role_names[role], name) == 0)
            return role;
    return -1;
}

static bool
refuse(const char *role, const char *why)
{
    g_autofree char *all = g_strjoinv(", ", (char **)lc_role_names);
    g_autofree char *meant = lc_did_you_mean(role ? role : "", lc_role_names);
    fprintf(stderr, "leadclock topics: %s%s%s%s%s roles: %s\n", why, role ? " " : "", role ? role : "", meant,
            *meant ? "" : ";", all);
    return false;
}

static bool
has_control(const char *text)
{
    while (*text && !g_ascii_iscntrl(*text))
        text++;
    return *text != '\0';
}

/* As it stands in a comment of the script. */
static bool
is_redis_user(const char *name)
{
    return *name && strchr(name, ' ') == NULL && !has_control(name);
}

bool
lc_cli_print_acls(const lc_config *config, const char *role, const char *principal, const char *redis_user)
{
    int only = role ? find_role(role) : -1;
    if (role && only < 0)
        return refuse(role, "there is no role");
    if (role == NULL && (principal || redis_user))
        return refuse(NULL, "--principal and --redis-user are for one role, which is to be named");
    if (principal && (strchr(principal, ':') == NULL || has_control(principal)))
        return refuse(NULL, "--principal must be TYPE:NAME, as User:leadclock");
    if (redis_user && !is_redis_user(redis_user))
        return refuse(NULL, "--redis-user must be a name without spaces and control characters");
    g_autofree char *brokers = g_shell_quote(config->kafka.brokers);
    printf(heading, config->name, has_sentinels(config) ? ", and SENTINEL_CLI," : "", brokers);
    for (int one = 0; one < LC_ROLES; one++)
        if (only < 0 || one == only)
            print_role(config, (lc_role)one, principal, redis_user);
    return true;
}
