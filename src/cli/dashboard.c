/* dashboard.c - the report and the work list in a browser, live, until a signal ends it. */
#include "answers.h"
#include "door.h"

#include <leadclock/dashboard.h>
#include <leadclock/policy.h>

static const char summary[] = "Shows in a browser how things stand: what is due and broken, whom to call next, what "
                              "converts, and all of one lead.";
static const char more[] =
    "Follows the tables of rows on Kafka; it joins no group and changes nothing. Pages: Now, Work list, Promises,\n"
    "Channels, Rejections and routes, Service, and one for each lead (/lead/ID). They are made here, work without\n"
    "scripts and ask for nothing from elsewhere; the same as JSON is below /api, and each table has a link to it as\n"
    "CSV. Until the tables are read it shows what it has and how far it is; while the brokers are away it says since\n"
    "when it is stale. /metrics, /livez and /readyz are for who watches it.\n\n"
    "On 127.0.0.1:9465 unless dashboard.listen says otherwise; an address that others reach needs dashboard.users or\n"
    "dashboard.behind_proxy. A policy that was changed is read at the next start; SIGHUP reads the files of\n"
    "dashboard.user_files again.\n\n"
    "Exit codes: 0 stopped by a signal, 2 usage or configuration.\n\n"
    "Example:\n"
    "  leadclock dashboard --config leadclock.yaml\n";

static char **
read_users(const lc_config *config, GError **error)
{
    return lc_config_with_files("dashboard.users", config->dashboard.users, config->dashboard.user_files, error);
}

typedef struct {
    lc_dashboard *dashboard;
    const lc_config *config;
} reading;

/* On SIGHUP. */
static bool
read_again(void *data, GError **error)
{
    const reading *what = data;
    g_auto(GStrv) users = read_users(what->config, error);
    return users && lc_dashboard_use_users(what->dashboard, (const char *const *)users, error);
}

static int
serve(const lc_config *config, GError **error)
{
    const char *topics[LC_TABLES], *const policies[] = {config->policy, NULL};
    g_auto(lc_cli_door) door = {0};
    g_auto(GStrv) users = read_users(config, error);
    g_autoptr(lc_policy_book) book = users ? lc_policy_book_load(policies, error) : NULL;
    if (book == NULL || !lc_cli_choose_topics(config, (1u << LC_TABLES) - 1, topics, error))
        return EXIT_USAGE;
    const lc_dashboard_options options = {
        .kafka = lc_cli_kafka_options(config),
        .registry = lc_cli_registry_options(config),
        .topics = topics,
        .book = book,
        .listen = config->dashboard.listen,
        .users = (const char *const *)users,
        .behind_proxy = config->dashboard.behind_proxy,
        .keep = config->dashboard.days * LC_DAY,
        .instances = (const char *const *)config->dashboard.instances,
    };
    lc_cli_door_init(&door);
    g_autoptr(lc_dashboard) dashboard = lc_dashboard_start(&options, error);
    if (dashboard == NULL)
        return EXIT_USAGE;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "VERSION", LC_VERSION, "LISTEN", options.listen, "PORT",
                     LC_NUMBER(lc_dashboard_port(dashboard)), "MESSAGE", "started");
    reading what = {dashboard, config};
    door.read_again = read_again;
    door.read_again_data = &what;
    lc_cli_door_wait(&door, lc_dashboard_answer, dashboard, NULL, NULL);
    g_clear_pointer(&dashboard, lc_dashboard_stop);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", "stopped");
    return EXIT_DONE;
}

int
lc_cli_dashboard(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_autoptr(GError) error = NULL;
    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, NULL, &options) || !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    g_autoptr(lc_config) config = lc_cli_load_config("dashboard", &options);
    if (config == NULL)
        return EXIT_USAGE;
    int code = serve(config, &error);
    return error ? lc_cli_fail("dashboard", error) : code;
}
