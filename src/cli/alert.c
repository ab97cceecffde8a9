/* alert.c - tells Alertmanager what is broken and webhooks what happens, until a signal ends it. */
#include "door.h"

#include <leadclock/alert.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* Beyond the time-out of a request under way. */
#define STOP_WITHIN_US (10 * G_USEC_PER_SEC)

typedef struct {
    lc_config *config;
    lc_webhook_options *webhooks;
    lc_alert_options options;
    lc_alert *alert;
    lc_http *http; /* NULL: none */
} alert_command;

/* ---- Options ---- */

static void
take_webhooks(alert_command *command)
{
    const GArray *given = command->config->alert.webhooks;
    command->options.n_webhooks = given ? given->len : 0;
    command->webhooks = g_new0(lc_webhook_options, command->options.n_webhooks);
    for (size_t i = 0; i < command->options.n_webhooks; i++) {
        const lc_config_webhook *one = &g_array_index(given, lc_config_webhook, i);
        command->webhooks[i] = (lc_webhook_options){.name = one->name,
                                                    .url = one->url,
                                                    .secret = one->secret,
                                                    .secret_file = one->secret_file,
                                                    .events = (const char *const *)one->events,
                                                    .max_age = one->max_age};
    }
    command->options.webhooks = command->webhooks;
}

static void
take_options(alert_command *command)
{
    const lc_config *config = command->config;
    command->options = (lc_alert_options){
        .kafka = lc_cli_kafka_options(config),
        .registry = lc_cli_registry_options(config),
        .breaches = lc_cli_publishes(config, LC_ROW_BREACH) ? config->tables.topics[LC_ROW_BREACH] : NULL,
        .undelivered = config->topics.undelivered,
        .alertmanagers = (const char *const *)config->alert.alertmanager.urls,
        .user = config->alert.alertmanager.user,
        .password = config->alert.alertmanager.password,
        .password_file = config->alert.alertmanager.password_file,
        .alerts = {.group_by = (const char *const *)config->alert.group_by,
                   .labels = (const char *const *)config->alert.alertmanager.labels,
                   .max_alerts = config->alert.max_alerts,
                   .dashboard_url = config->alert.dashboard_url,
                   .every = config->alert.alertmanager.every},
        .ca_file = config->alert.ca_file,
        .timeout = config->alert.timeout,
    };
    take_webhooks(command);
}

static void
log_event(const alert_command *command, const char *message)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "VERSION", LC_VERSION, "GROUP", command->config->name,
                     "ALERTMANAGERS", LC_NUMBER(g_strv_length((char **)command->options.alertmanagers)), "WEBHOOKS",
                     LC_NUMBER(command->options.n_webhooks), "MESSAGE", "%s", message);
}

static void *
stop_alert(void *data)
{
    alert_command *command = data;
    g_clear_pointer(&command->alert, lc_alert_stop);
    return NULL;
}

/* Brokers that are away may hold up the end: what was not committed is delivered again, so it may end without them. */
static int
stop(alert_command *command, const sigset_t *signals)
{
    const struct timespec moment = {0, 20 * 1000000};
    gint64 until_us = g_get_monotonic_time() + STOP_WITHIN_US + command->options.timeout * 1000;
    pthread_t thread;
    log_event(command, "stopping: what is under way is finished; a second signal stops at once");
    g_clear_pointer(&command->http, lc_http_stop);
    if (pthread_create(&thread, NULL, stop_alert, command) != 0)
        _exit(EXIT_FOUND);
    while (pthread_tryjoin_np(thread, NULL) == EBUSY)
        if (sigtimedwait(signals, NULL, &moment) > 0 || g_get_monotonic_time() > until_us) {
            log_event(command, "stopped without what was under way");
            _exit(EXIT_FOUND);
        }
    log_event(command, "stopped");
    return EXIT_DONE;
}

/* ---- The command ---- */

static void
clear_command(alert_command *command)
{
    g_clear_pointer(&command->http, lc_http_stop);
    g_clear_pointer(&command->alert, lc_alert_stop);
    g_free(command->webhooks);
    lc_config_free(command->config);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(alert_command, clear_command)

static bool
start(alert_command *command, GError **error)
{
    const char *listen = command->config->alert.listen;
    take_options(command);
    command->alert = lc_alert_new(&command->options, error);
    if (command->alert && listen)
        command->http = lc_http_start_pages("alert", listen, lc_alert_answer, command->alert, error);
    if (command->alert == NULL || (listen && command->http == NULL))
        return false;
    lc_alert_start(command->alert);
    return true;
}

static int
serve(alert_command *command)
{
    g_autoptr(GError) error = NULL;
    g_auto(lc_cli_door) door = {0};
    lc_cli_door_init(&door);
    if (!start(command, &error))
        return lc_cli_fail("alert", error);
    log_event(command, "started");
    lc_cli_door_wait(&door, lc_alert_answer, command->alert, NULL, NULL);
    return stop(command, &door.signals);
}

static const char summary[] = "Tells Alertmanager what is broken now, and webhooks what happens.";
static const char more[] =
    "Alertmanager: reads the table of breaches to its end, and then says again and again (alert.alertmanager.every)\n"
    "which promises are broken, to every instance. Keeps nothing: a restart, or a second one beside it, says the "
    "same.\n"
    "Webhooks: a CloudEvent (JSON, signed as Standard Webhooks are) for each outcome, one at a time and in order for\n"
    "each partition, until it is taken; what is refused goes to leads.undelivered. The consumer group is NAME-alert, "
    "or\n"
    "NAME-alert-WEBHOOK where webhooks have names.\n\n"
    "Waits for servers that are away. SIGTERM or SIGINT finishes what is under way; kill -9 is always safe. Logs go "
    "to\n"
    "standard error; /metrics, /livez and /readyz are at alert.listen.\n\n"
    "Exit codes: 0 stopped by a signal, 1 stopped without what was under way, 2 usage or configuration.\n\n"
    "Example:\n"
    "  leadclock alert --config leadclock.yaml --set alert.alertmanager.urls=http://127.0.0.1:9093\n";

int
lc_cli_alert(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(alert_command) command = {0};
    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, NULL, &options) || !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    command.config = lc_cli_load_config("alert", &options);
    return command.config ? serve(&command) : EXIT_USAGE;
}
