/* service.h - what a running service needs around the engine: configuration, logs, the Prometheus text.
 *
 * Uses yaml and text. Knows nothing of leads. */
#pragma once

#include <leadclock/base.h>

/* ---- Configuration: the keys of architecture.md. One table in src/service makes defaults, checks and reference. ----
 */

/* The tables of rows, and how deletions may be said; both NULL-terminated. */
#define LC_CONFIG_TABLES 6
extern const char *const lc_config_tables[LC_CONFIG_TABLES + 1];
extern const char *const lc_config_deletions[];

/* The outcomes that a webhook may be called for, and the labels that alerts may be grouped by; both NULL-terminated. */
extern const char *const lc_config_outcomes[];
extern const char *const lc_config_labels[];

typedef struct {
    char *name;                       /* empty: the only one */
    char *url, *secret, *secret_file; /* one of both secrets */
    char **events;                    /* of lc_config_outcomes, NULL-terminated; empty: all */
    lc_duration max_age;
} lc_config_webhook;

typedef struct {
    char *name;
    char *instance; /* never empty once loaded */
    unsigned workers;
    struct {
        char *brokers;
        char **properties;                       /* name, value, ..., NULL */
        char *password_file, *key_password_file; /* of sasl.password and ssl.key.password */
    } kafka;
    struct {
        char *url, *user, *password, *password_file, *ca, *certificate, *key, *file;
        lc_duration timeout;
    } registry;
    struct {
        char *url, *user, *password, *password_file, *sentinel_user, *sentinel_password, *sentinel_password_file;
        char *ca, *certificate, *key, *server_name;
    } redis;
    char *policy; /* path, made relative to the configuration file's folder */
    struct {
        char *prefix;
        char **inputs; /* with the prefix, NULL-terminated */
        char *breaches, *warnings, *clawbacks, *routed, *settled, *counters, *state, *dead_letters,
            *undelivered;  /* with the prefix */
        bool cloud_events; /* topics.headers: cloudevents (default) or none */
        char *tables;      /* with the prefix: what the names of the tables' topics begin with */
    } topics;
    struct {
        char **publish;                 /* names of lc_config_tables, NULL-terminated */
        char *deletes;                  /* one of lc_config_deletions */
        char *topics[LC_CONFIG_TABLES]; /* by lc_config_tables, published or not; with both prefixes */
    } tables;
    struct {
        unsigned facts, wakeups;
        lc_duration linger;
    } batch;
    struct {
        unsigned leads; /* MiB, of all workers together */
    } cache;
    lc_duration lateness, patience, max_future;
    struct {
        char *listen; /* NULL: no HTTP */
    } http;
    struct {
        char *listen;
        char **tokens, **secrets;           /* name, value, ..., NULL */
        char **token_files, **secret_files; /* name, path, ..., NULL */
        char *certificate, *key;            /* paths, as `policy`; both or none */
        unsigned threads, connections, in_flight_bytes;
        lc_duration timeout, patience;
    } ingest;
    struct {
        char *listen; /* NULL: no HTTP */
        struct {
            char **urls, **labels; /* labels: name, value, ..., NULL */
            char *user, *password, *password_file;
            lc_duration every;
        } alertmanager;
        char **group_by; /* of lc_config_labels, NULL-terminated */
        unsigned max_alerts;
        char *dashboard_url;
        GArray *webhooks; /* lc_config_webhook */
        char *ca_file;    /* NULL: those of this machine */
        lc_duration timeout;
    } alert;
    struct {
        char *listen;
        char **users;      /* name, password, ..., NULL */
        char **user_files; /* name, path, ..., NULL */
        bool behind_proxy;
        unsigned days;
        char **instances; /* URLs, NULL-terminated */
    } dashboard;
    struct {
        bool json;   /* format: json; otherwise logfmt */
        char *level; /* error, warning, info, debug */
    } log;
} lc_config;

/* `path` NULL: defaults alone. `overrides` ("kafka.brokers=..."), NULL-terminated, or NULL. LC_ERROR_CONFIG lists every
 * problem as "FILE:LINE:COLUMN: what is wrong; what to do", each followed by the line and a caret. */
lc_config *lc_config_load(const char *path, const char *const *overrides, GError **error);
/* For all later loads: what else is wrong with an entry of kafka.properties, in words that follow its name and say what
 * to do (the caller frees), or NULL. The service room knows no Kafka. */
void lc_config_check_properties_with(char *(*check)(const char *name, const char *value));
/* Whether a configuration has what looks like a secret, and everybody on this machine may read it. References to the
 * environment (${NAME}) are none. */
bool lc_config_tells_secrets(const char *path);
/* The key of the first override ("redis.password=...") that is a secret, which everybody on this machine may see as
 * long as we run; NULL: there is none. Caller frees. */
char *lc_config_secret_override(const char *const *overrides);

/* What may be in files: of those that one command reads, or of all. */
typedef enum {
    LC_SECRETS_OF_SERVERS = 1, /* Kafka, the registry, Redis */
    LC_SECRETS_OF_INGEST = 2,
    LC_SECRETS_OF_ALERT = 4,
    LC_SECRETS_OF_DASHBOARD = 8,
} lc_config_secrets;
/* Called with each file that is named, and its key. */
typedef void (*lc_config_take_file)(const char *key, const char *path, void *data);
void lc_config_secret_files(const lc_config *config, unsigned of, lc_config_take_file take, void *data);
/* The entries of a map ("ingest.tokens"), those given (name, value, ..., NULL) and those in `files` (name, path, ...,
 * NULL), which are read now and checked as the others. LC_ERROR_CONFIG names the file. Caller frees (g_strfreev). */
char **lc_config_with_files(const char *key, char **given, char **files, GError **error);
/* Whether what the webhooks' files hold may be their secrets. LC_ERROR_CONFIG names the file. */
bool lc_config_check_webhook_files(const lc_config *config, GError **error);
void lc_config_free(lc_config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_config, lc_config_free)

/* The reference of every key, with defaults, as Markdown (docs/configuration.md is made from it). Caller frees. */
char *lc_config_reference(void);

/* One key as the reference tells it. `fallback`: as a configuration would say it; NULL: there is none. */
typedef struct {
    const char *key;
    char *fallback, *doc;
} lc_config_key;

/* The key number `index`, from 0; the texts are the caller's. False: there are no more. */
bool lc_config_describe_key(size_t index, lc_config_key *key);
void lc_config_key_clear(lc_config_key *key);

/* ---- Logs: GLib's structured logging to standard error, as logfmt or JSON. Never a secret. Every room logs with
 *      g_log_structured("leadclock", G_LOG_LEVEL_INFO, "PARTITION", LC_NUMBER(3), "MESSAGE", "recovered %d", n): fields
 *      are texts, only MESSAGE (the last) takes a format. The writer prints time, level, MESSAGE and every field that
 *      is not GLib's own, in lower case. ---- */

/* Installs the writer; before any thread starts. `level`: error, warning, info or debug. G_LOG_LEVEL_CRITICAL is shown
 * as error (G_LOG_LEVEL_ERROR too, but GLib then aborts the program). */
void lc_logging_start(bool json, const char *level);

/* ---- Who started us: systemd, or what speaks like it, over a datagram socket (sd_notify(3)). It is named by
 *      NOTIFY_SOCKET, and WATCHDOG_USEC says how often it wants to hear that the loop advances. All take NULL, and then
 * do nothing. ---- */

typedef struct lc_supervisor lc_supervisor;

/* NULL: nobody wants to know. An address that can't be used is warned of, and is the same. */
lc_supervisor *lc_supervisor_new(void);
void lc_supervisor_free(lc_supervisor *supervisor);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_supervisor, lc_supervisor_free)

/* In how many ms lc_supervisor_tell is to be called again; -1: never. */
int64_t lc_supervisor_interval_ms(const lc_supervisor *supervisor);

/* How it stands at `now_ms` (monotonic). `words`, a line each, become the status. READY once, when it is ready first;
 * until then more time to start, as long as it is alive; the watchdog only as long as it is alive. */
void lc_supervisor_tell(lc_supervisor *supervisor, bool alive, bool ready, const char *words, int64_t now_ms);

/* Around a reload; before it was ready first nothing is said. */
void lc_supervisor_reloading(lc_supervisor *supervisor);
void lc_supervisor_reloaded(lc_supervisor *supervisor);
/* From now on only the watchdog is told. */
void lc_supervisor_stopping(lc_supervisor *supervisor, const char *words);

/* ---- The Prometheus text format ---- */

#define LC_METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* "# HELP" and "# TYPE" (counter, gauge, histogram). */
void lc_metrics_family(GString *text, const char *name, const char *type, const char *help);
/* One sample; label names and values follow in pairs, NULL-terminated. */
void lc_metrics_sample(GString *text, const char *name, double value, ...) G_GNUC_NULL_TERMINATED;
/* A histogram of seconds: `counts` by bucket, of those up to each of the `n - 1` bounds and of those beyond. */
void lc_metrics_histogram(GString *text, const char *name, const int64_t *bounds_ms, const uint64_t *counts, size_t n,
                          double sum_ms);
/* What every service of ours tells: leadclock_build_info (`zone_data` NULL: it reads no policy), and the process_*
 * figures, as far as /proc can be read. */
void lc_metrics_build(GString *text, const char *zone_data);
void lc_metrics_process(GString *text);
