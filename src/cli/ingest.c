/* ingest.c - the door for facts by HTTP, and signals. */
#include "door.h"

#include <leadclock/ingest.h>

typedef struct {
    char **tokens, **secrets; /* those of the configuration and those in files */
} senders;

static void
clear_senders(senders *of)
{
    g_strfreev(of->tokens);
    g_strfreev(of->secrets);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(senders, clear_senders)

static bool
read_senders(senders *of, const lc_config *config, GError **error)
{
    of->tokens = lc_config_with_files("ingest.tokens", config->ingest.tokens, config->ingest.token_files, error);
    of->secrets =
        of->tokens ? lc_config_with_files("ingest.secrets", config->ingest.secrets, config->ingest.secret_files, error)
                   : NULL;
    return of->secrets != NULL;
}

static lc_ingest_options
options_of(const lc_config *config, lc_registry *registry, const senders *of)
{
    return (lc_ingest_options){
        .kafka = lc_cli_kafka_options(config),
        .registry = registry,
        .listen = config->ingest.listen,
        .certificate = config->ingest.certificate,
        .key = config->ingest.key,
        .tokens = (const char *const *)of->tokens,
        .secrets = (const char *const *)of->secrets,
        .threads = config->ingest.threads,
        .connections = config->ingest.connections,
        .in_flight_bytes = config->ingest.in_flight_bytes,
        .timeout = config->ingest.timeout,
        .patience = config->ingest.patience,
        .max_future = config->max_future,
    };
}

static void
log_event(const lc_config *config, const char *message)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "VERSION", LC_VERSION, "LISTEN", config->ingest.listen, "TLS",
                     config->ingest.certificate ? "yes" : "no", "BROKERS", config->kafka.brokers, "MESSAGE", "%s",
                     message);
}

typedef struct {
    lc_ingest *ingest;
    const lc_config *config;
} reading;

/* On SIGHUP. */
static bool
read_again(void *data, GError **error)
{
    const reading *what = data;
    g_auto(senders) of = {0};
    return read_senders(&of, what->config, error) &&
           lc_ingest_use_secrets(what->ingest, (const char *const *)of.tokens, (const char *const *)of.secrets, error);
}

static bool
has_failed(void *ingest, GError **error)
{
    return lc_ingest_failed(ingest, error);
}

static int
serve(const lc_config *config)
{
    g_autoptr(GError) error = NULL;
    g_auto(lc_cli_door) door = {0};
    g_auto(senders) of = {0};
    lc_cli_door_init(&door);
    if (!read_senders(&of, config, &error))
        return lc_cli_fail("ingest", error);
    g_autoptr(lc_registry) registry = lc_cli_registry_new(config, &error);
    if (registry == NULL)
        return lc_cli_fail("ingest", error);
    const lc_ingest_options options = options_of(config, registry, &of);
    lc_ingest *ingest = lc_ingest_start(&options, &error);
    if (ingest == NULL)
        return lc_cli_fail("ingest", error);
    log_event(config, "started");
    reading what = {ingest, config};
    door.read_again = read_again;
    door.read_again_data = &what;
    bool ok = lc_cli_door_wait(&door, lc_ingest_answer, ingest, has_failed, &error);
    log_event(config, "stopping: what is under way is answered first");
    lc_ingest_stop(ingest);
    log_event(config, "stopped");
    return ok ? EXIT_DONE : lc_cli_fail("ingest", error);
}

static const char summary[] = "Takes facts by HTTP (POST /facts) and publishes them as Avro to the input topics.";
static const char more[] =
    "A body is one fact or an array of facts (application/json), JSON Lines (application/x-ndjson), or CloudEvents\n"
    "(application/cloudevents+json, application/cloudevents-batch+json, or headers ce-...). Answers: 202 all are\n"
    "acknowledged by all replicas; 400 what is wrong with which fact, and none is published; 401 no token and no "
    "right\n"
    "signature; 413 over 1 MiB; 415 none of these; 429 too much at once; 503 Kafka does not take them now. Whoever "
    "gets\n"
    "no 202 sends all of it again: event_id makes that safe. /metrics, /livez and /readyz are served, too.\n\n"
    "Waits for servers that are away. SIGTERM or SIGINT answers what is under way, and ends; SIGHUP reads\n"
    "the files of ingest.token_files and ingest.secret_files again.\n\n"
    "Exit codes: 0 stopped by a signal, 2 usage or configuration.\n\n"
    "Example:\n"
    "  leadclock ingest --config leadclock.yaml &\n"
    "  curl -H 'Content-Type: application/json' -d @fact.json http://127.0.0.1:9466/facts\n";

int
lc_cli_ingest(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, NULL, &options) || !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    g_autoptr(lc_config) config = lc_cli_load_config("ingest", &options);
    return config ? serve(config) : EXIT_USAGE;
}
