/* test_roles.c - who needs which rights, as it comes out of the table of roles; and that docs/security.md says the
 * same. */
#include <leadclock/cli.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#define DOCUMENT LC_SOURCE_DIR "/docs/security.md"
#define BEGIN "<!-- made by build/dev/tests/test_roles --write-reference -->\n"
#define END "<!-- end -->"

/* `overrides` as --set takes them; one that begins with "alert:" is a file's text. */
static lc_config *
configured(const char *const *overrides)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *path = NULL;
    if (*overrides && g_str_has_prefix(*overrides, "alert:")) {
        int file = g_file_open_tmp(NULL, &path, NULL);
        assert_true(g_file_set_contents(path, *overrides++, -1, NULL));
        g_close(file, NULL);
    }
    lc_config *config = lc_config_load(path, overrides, &error);
    if (path)
        g_unlink(path);
    if (config == NULL)
        fail_msg("%s", error->message);
    return config;
}

static char *
names_of(lc_role role, const char *const *overrides, lc_operation may, lc_resource on)
{
    g_autoptr(lc_config) config = configured(overrides);
    g_autoptr(lc_rights) rights = lc_rights_new(role, config);
    g_ptr_array_add(rights->names[may][on], NULL);
    char *names = g_strjoinv(" ", (char **)rights->names[may][on]->pdata);
    g_ptr_array_set_size(rights->names[may][on], (int)rights->names[may][on]->len - 1);
    return names;
}

#define ALERTMANAGER "alert.alertmanager.urls=http://127.0.0.1:9093"
#define WEBHOOKS                                                                                                       \
    "alert: {webhooks: [{name: one, url: 'http://127.0.0.1:1', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, "       \
    "events: [LeadRouted]}, "                                                                                          \
    "{name: two, url: 'http://127.0.0.1:2', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, events: [SlaBreached, "    \
    "SlaBreachEnded]}]}"
#define ALL_WEBHOOK "alert: {webhooks: [{url: 'http://127.0.0.1:1', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw}]}"
#define TWO_INPUTS "topics.inputs=leads.created,leads.contacted"
#define ONE_TABLE "tables.publish=cycles"

static const struct {
    lc_role role;
    const char *overrides[4];
    lc_operation may;
    lc_resource on;
    const char *names;
} cases[] = {
    {LC_ROLE_SERVICE, {NULL}, LC_MAY_READ, LC_ON_GROUP, "leadclock"},
    {LC_ROLE_SERVICE, {"name=sales", NULL}, LC_MAY_WRITE, LC_ON_TRANSACTIONAL_ID, "sales-"},
    {LC_ROLE_SERVICE, {NULL}, LC_MAY_DESCRIBE, LC_ON_TOPIC, ""},
    {LC_ROLE_SERVICE, {NULL}, LC_MAY_CREATE, LC_ON_TOPIC, ""},
    {LC_ROLE_SERVICE,
     {TWO_INPUTS, "topics.prefix=x-", NULL},
     LC_MAY_READ,
     LC_ON_TOPIC,
     "x-leads.created x-leads.contacted x-leads.state x-leads.counters"},
    {LC_ROLE_SERVICE,
     {ONE_TABLE, NULL},
     LC_MAY_WRITE,
     LC_ON_TOPIC,
     "leads.breaches leads.warnings leads.clawbacks leads.routed leads.settled leads.dead-letters leads.state "
     "leads.counters leads.tables.cycles"},
    {LC_ROLE_PUBLISHER, {TWO_INPUTS, NULL}, LC_MAY_WRITE, LC_ON_TOPIC, "leads.created leads.contacted"},
    {LC_ROLE_PUBLISHER, {NULL}, LC_MAY_READ, LC_ON_TOPIC, ""},
    {LC_ROLE_INGEST, {TWO_INPUTS, NULL}, LC_MAY_WRITE, LC_ON_TOPIC, "leads.created leads.contacted"},
    {LC_ROLE_DASHBOARD, {ONE_TABLE, NULL}, LC_MAY_READ, LC_ON_TOPIC, "leads.tables.cycles"},
    {LC_ROLE_DASHBOARD, {NULL}, LC_MAY_READ, LC_ON_GROUP, ""},
    {LC_ROLE_ALERT, {NULL}, LC_MAY_READ, LC_ON_TOPIC, ""},
    {LC_ROLE_ALERT, {ALERTMANAGER, NULL}, LC_MAY_READ, LC_ON_TOPIC, "leads.tables.breaches"},
    {LC_ROLE_ALERT, {ALERTMANAGER, NULL}, LC_MAY_READ, LC_ON_GROUP, ""},
    {LC_ROLE_ALERT, {WEBHOOKS, NULL}, LC_MAY_READ, LC_ON_TOPIC, "leads.breaches leads.routed"},
    {LC_ROLE_ALERT, {WEBHOOKS, NULL}, LC_MAY_READ, LC_ON_GROUP, "leadclock-alert-one leadclock-alert-two"},
    {LC_ROLE_ALERT, {ALL_WEBHOOK, NULL}, LC_MAY_READ, LC_ON_GROUP, "leadclock-alert"},
    {LC_ROLE_ALERT,
     {ALL_WEBHOOK, NULL},
     LC_MAY_READ,
     LC_ON_TOPIC,
     "leads.warnings leads.breaches leads.clawbacks leads.routed leads.settled"},
    {LC_ROLE_ALERT, {ALL_WEBHOOK, NULL}, LC_MAY_WRITE, LC_ON_TOPIC, "leads.undelivered"},
    {LC_ROLE_TOOLS, {NULL}, LC_MAY_DESCRIBE, LC_ON_TOPIC, ""},
    {LC_ROLE_TOOLS, {ONE_TABLE, NULL}, LC_MAY_WRITE, LC_ON_TOPIC, "leads.tables.cycles"},
    {LC_ROLE_TOOLS, {NULL}, LC_MAY_DELETE, LC_ON_TOPIC, ""},
    {LC_ROLE_ADMIN, {NULL}, LC_MAY_ALTER, LC_ON_TOPIC, "leads.state leads.counters"},
    {LC_ROLE_ADMIN, {ONE_TABLE, NULL}, LC_MAY_DELETE, LC_ON_TOPIC, "leads.state leads.counters leads.tables.cycles"},
    {LC_ROLE_ADMIN,
     {NULL},
     LC_MAY_DESCRIBE,
     LC_ON_TOPIC,
     "leads.breaches leads.warnings leads.clawbacks leads.routed leads.settled leads.dead-letters"},
    {LC_ROLE_ADMIN, {NULL}, LC_MAY_WRITE, LC_ON_TRANSACTIONAL_ID, ""},
};

static void
a_role_gets_what_its_commands_need_of_this_configuration_and_no_more(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *names = names_of(cases[i].role, cases[i].overrides, cases[i].may, cases[i].on);
        if (strcmp(names, cases[i].names) != 0)
            fail_msg("case %zu: %s may %s \"%s\", not \"%s\"", i, lc_role_names[cases[i].role],
                     lc_operation_names[cases[i].may], names, cases[i].names);
    }
}

static void
redis_is_for_those_who_ask_it_and_as_it_is_reached(void **state)
{
    (void)state;
    static const struct {
        lc_role role;
        const char *url, *has, *has_not;
    } reached[] = {
        {LC_ROLE_SERVICE, "redis.url=redis://127.0.0.1:1/0", "+get", "+select"},
        {LC_ROLE_SERVICE, "redis.url=redis://127.0.0.1:1/2", "+select", "cluster"},
        {LC_ROLE_TOOLS, "redis.url=redis+sentinel://127.0.0.1:1/m/2", "+select", "cluster"},
        {LC_ROLE_TOOLS, "redis.url=redis+sentinel://127.0.0.1:1/2", "+role", "+select"},
        {LC_ROLE_ADMIN, "redis.url=unix:///run/redis/2?db=3", "+select", "cluster"},
        {LC_ROLE_TOOLS, "redis.url=redis://127.0.0.1:1", "+hscan", "+ltrim"},
        {LC_ROLE_SERVICE, "redis.url=redis+cluster://127.0.0.1:1", "+cluster|slots", "+select"},
        {LC_ROLE_SERVICE, "redis.url=rediss+sentinel://127.0.0.1:1/m", "+role", "cluster"},
        {LC_ROLE_ADMIN, "redis.url=redis://127.0.0.1:1/0", "+scan", "+hset"},
        {LC_ROLE_PUBLISHER, "redis.url=redis://127.0.0.1:1/0", "", "+"},
        {LC_ROLE_ALERT, "redis.url=redis://127.0.0.1:1/0", "", "+"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(reached); i++) {
        const char *const overrides[] = {reached[i].url, NULL};
        g_autoptr(lc_config) config = configured(overrides);
        g_autofree char *commands = lc_role_redis_commands(reached[i].role, config);
        if (strstr(commands, reached[i].has) == NULL || strstr(commands, reached[i].has_not))
            fail_msg("case %zu: %s", i, commands);
    }
}

/* docs/security.md with the tables as they are; NULL: it has no place for them. */
static char *
renewed(const char *document)
{
    const char *begin = document ? strstr(document, BEGIN) : NULL, *end = begin ? strstr(begin, END) : NULL;
    g_autofree char *tables = lc_roles_reference();
    return end ? g_strdup_printf("%.*s" BEGIN "%s%s", (int)(begin - document), document, tables, end) : NULL;
}

static void
the_reference_is_up_to_date(void **state)
{
    (void)state;
    g_autofree char *kept = NULL;
    g_file_get_contents(DOCUMENT, &kept, NULL, NULL);
    g_autofree char *made = renewed(kept);
    if (made == NULL || strcmp(made, kept) != 0)
        fail_msg("docs/security.md is out of date: run 'test_roles --write-reference'");
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write-reference") == 0) {
        g_autofree char *kept = NULL;
        g_file_get_contents(DOCUMENT, &kept, NULL, NULL);
        g_autofree char *made = renewed(kept);
        return !(made && g_file_set_contents(DOCUMENT, made, -1, NULL));
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_gets_what_its_commands_need_of_this_configuration_and_no_more),
        cmocka_unit_test(redis_is_for_those_who_ask_it_and_as_it_is_reached),
        cmocka_unit_test(the_reference_is_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
