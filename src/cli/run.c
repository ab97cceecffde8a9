/* run.c - the service: workers in threads, and signals. */
#include "worker.h"

#include <leadclock/health.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Some senders (timeout, a terminal and its shell) signal the process and its group: that is one signal. */
#define SAME_SIGNAL_MS 500

/* librdkafka (2.0.2, and later ones) keeps no time-out in rd_kafka_send_offsets_to_transaction: with the brokers away a
 * worker is held up for as long as they are. Ending without it loses no more than kill -9 does: nothing. So is one that
 * another, which failed, has stopped. */
#define STOP_WITHIN_MS 20000

/* How a worker's thread tells the main thread that it has ended. */
#define SIGNAL_ENDED SIGUSR1

typedef struct service service;

typedef struct {
    service *service;
    unsigned number; /* from 1 */
    char *instance, *transactional_id;
    lc_worker *worker;
    pthread_t thread;
    bool has_thread, failed;
    GError *error;
    int ended; /* atomic */
    bool told; /* why it failed */
} worker_thread;

struct service {
    lc_config *config;
    const char *config_file;    /* NULL: none was given */
    const lc_policy_book *book; /* the last of `books` */
    GPtrArray *books;           /* former ones too: workers may still use them */
    worker_thread *workers;
    unsigned n_workers;
    lc_told *told;
    pthread_t main_thread;
    lc_health health;
    lc_http *http;             /* NULL: none */
    lc_supervisor *supervisor; /* NULL: none */
    gboolean accept_policy_change;
};

/* ---- One worker ---- */

static bool
prepare_worker(service *service, worker_thread *thread, GError **error)
{
    thread->instance = g_strdup_printf("%s-%u", service->config->instance, thread->number);
    thread->transactional_id = lc_kafka_transactional_id(service->config->name, thread->instance);
    thread->worker = lc_cli_worker_new(service->config, thread->instance, thread->transactional_id, service->book,
                                       service->told, service->accept_policy_change, error);
    return thread->worker != NULL;
}

static void *
run_worker(void *data)
{
    worker_thread *thread = data;
    thread->failed = !lc_worker_run(thread->worker, &thread->error);
    g_atomic_int_set(&thread->ended, 1);
    pthread_kill(thread->service->main_thread, SIGNAL_ENDED);
    return NULL;
}

/* ---- All of them ---- */

static void
stop_workers(service *service)
{
    for (unsigned i = 0; i < service->n_workers; i++)
        if (service->workers[i].worker)
            lc_worker_stop(service->workers[i].worker);
}

static bool
prepare_workers(service *service, GError **error)
{
    service->told = lc_told_new();
    service->n_workers = service->config->workers;
    service->workers = g_new0(worker_thread, service->n_workers);
    for (unsigned i = 0; i < service->n_workers; i++) {
        service->workers[i].service = service;
        service->workers[i].number = i + 1;
        if (!prepare_worker(service, &service->workers[i], error))
            return false;
    }
    return true;
}

static bool
start_threads(service *service, GError **error)
{
    for (unsigned i = 0; i < service->n_workers; i++) {
        worker_thread *thread = &service->workers[i];
        int failed = pthread_create(&thread->thread, NULL, run_worker, thread);
        if (failed) {
            g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "a thread can't be started: %s", g_strerror(failed));
            return false;
        }
        thread->has_thread = true;
    }
    return true;
}

static void
log_event(const service *service, const char *message)
{
    const lc_policy *last = lc_policy_book_get(service->book, lc_policy_book_size(service->book) - 1);
    g_autofree char *policy = g_strndup(last->name.data, last->name.size);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "VERSION", LC_VERSION, "TIME_ZONE_DATA", service->health.zone_data,
                     "GROUP", service->config->name, "INSTANCE", service->config->instance, "WORKERS",
                     LC_NUMBER(service->n_workers), "POLICIES", LC_NUMBER(lc_policy_book_size(service->book)),
                     "LAST_POLICY", policy, "MESSAGE", "%s", message);
}

static void
log_failure(const worker_thread *thread)
{
    g_autofree char *what = g_strconcat("failed: ", thread->error->message, NULL);
    if (!lc_told_may_say(thread->service->told, NULL, what, 0, INT64_MAX))
        return; /* another worker has ended for the same reason */
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "WORKER", thread->transactional_id, "MESSAGE", "%s",
                     thread->error->message);
}

static bool
has_ended(worker_thread *thread)
{
    return g_atomic_int_get(&thread->ended) != 0;
}

/* The threads that still run. */
static unsigned
count_running(service *service)
{
    unsigned running = 0;
    for (unsigned i = 0; i < service->n_workers; i++)
        running += service->workers[i].has_thread && !has_ended(&service->workers[i]);
    return running;
}

/* Whether a worker has failed that had not before: it is said at once, whatever the others do. */
static bool
tell_failures(service *service)
{
    bool any = false;
    for (unsigned i = 0; i < service->n_workers; i++) {
        worker_thread *thread = &service->workers[i];
        if (!has_ended(thread) || !thread->failed || thread->told)
            continue;
        log_failure(thread);
        thread->told = any = true;
    }
    return any;
}

/* Of those that have ended. */
static int
exit_code(service *service)
{
    int code = EXIT_DONE;
    for (unsigned i = 0; i < service->n_workers; i++)
        if (service->workers[i].told)
            code = MAX(code, lc_cli_exit_code(service->workers[i].error));
    return code;
}

/* ---- Policies ---- */

static void
free_book(void *book)
{
    lc_policy_book_free(book);
}

static bool
load_book(service *service, GError **error)
{
    const char *const paths[] = {service->config->policy, NULL};
    g_autofree char *zone_data = lc_zone_data_version();
    lc_policy_book *book = lc_policy_book_load(paths, error);
    if (book == NULL)
        return false;
    g_atomic_pointer_set(&service->health.zone_data, g_intern_string(zone_data));
    g_ptr_array_add(service->books, book);
    service->book = book;
    return true;
}

/* By a clock that is ahead of the broker's a document would seem to be in effect that is not yet. */
static lc_instant
checked_now(const service *service)
{
    lc_duration ahead = 0;
    for (unsigned i = 0; i < service->n_workers; i++) {
        lc_worker_report report;
        lc_worker_get_report(service->workers[i].worker, &report);
        if (report.ahead_of_broker != LC_ABSENT)
            ahead = MAX(ahead, report.ahead_of_broker);
        lc_worker_report_clear(&report);
    }
    return lc_system_time.wall(&lc_system_time) - ahead;
}

/* Running promises may not change under way. */
static bool
is_same_in_effect(const lc_policy_book *one, const lc_policy_book *other, lc_instant now)
{
    g_autofree char *hash = lc_policy_book_hash(one, now), *other_hash = lc_policy_book_hash(other, now);
    return strcmp(hash, other_hash) == 0;
}

/* On SIGHUP: documents that come into effect later are taken; a wrong one, or a change of those in effect, is not. */
static void
reload_policies(service *service)
{
    g_autoptr(GError) error = NULL;
    const lc_policy_book *before = service->book;
    lc_kafka_read_secrets_again();
    lc_supervisor_reloading(service->supervisor);
    if (!load_book(service, &error)) {
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "MESSAGE",
                         "the policies are wrong, the ones from before are kept: %s", error->message);
    } else if (!is_same_in_effect(before, service->book, checked_now(service))) {
        service->book = before;
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "MESSAGE",
                         "a policy document that is in effect was changed, the ones from before are kept: give the "
                         "change a document of its own with a later effective_from, or restart with "
                         "--accept-policy-change");
    } else {
        for (unsigned i = 0; i < service->n_workers; i++)
            lc_worker_use_book(service->workers[i].worker, service->book);
        log_event(service, "policies taken");
    }
    g_atomic_int_set(&service->health.policy_refused, service->book == before);
    lc_supervisor_reloaded(service->supervisor);
}

/* Monotonic; -1: not yet. */
typedef struct {
    int64_t since_ms; /* all are to stop */
    int64_t signal_ms;
} stopping;

static void
stop_all(service *service, stopping *stop)
{
    if (stop->since_ms < 0) {
        stop->since_ms = lc_system_time.monotonic_ms(&lc_system_time);
        lc_supervisor_stopping(service->supervisor, "stopping: the batches under way are finished");
    }
    stop_workers(service);
}

/* INT64_MAX: it is not stopping. */
static int64_t
left_to_stop_ms(const stopping *stop)
{
    if (stop->since_ms < 0)
        return INT64_MAX;
    return MAX(stop->since_ms + STOP_WITHIN_MS - lc_system_time.monotonic_ms(&lc_system_time), 0);
}

/* 0: none came in time, or something else interrupted. */
static int
next_signal(const service *service, const sigset_t *signals, const stopping *stop)
{
    int64_t interval_ms = lc_supervisor_interval_ms(service->supervisor), left_ms = left_to_stop_ms(stop),
            wait_ms = interval_ms < 0 ? left_ms : MIN(interval_ms, left_ms);
    const struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000};

    int received = wait_ms == INT64_MAX ? sigwaitinfo(signals, NULL) : sigtimedwait(signals, NULL, &wait);

    return MAX(received, 0);
}

/* The first signal stops all, a second one ends the process at once. */
static void
take_stop_signal(service *service, stopping *stop)
{
    int64_t now_ms = lc_system_time.monotonic_ms(&lc_system_time);
    if (stop->signal_ms >= 0 && now_ms - stop->signal_ms < SAME_SIGNAL_MS)
        return;
    if (stop->signal_ms >= 0) {
        log_event(service, "stopped at once by a second signal");
        _exit(EXIT_FOUND);
    }
    stop->signal_ms = now_ms;
    log_event(service, "stopping: the batches under way are finished; a second signal stops at once");
    stop_all(service, stop);
}

/* Until all threads have ended. One that failed makes the others stop. SIGHUP reads the policies again. */
static void
wait_for_end(service *service, const sigset_t *signals)
{
    stopping stop = {-1, -1};
    while (count_running(service)) {
        if (tell_failures(service))
            stop_all(service, &stop);
        lc_health_tell(lc_health_answer, &service->health, service->supervisor);
        int received = next_signal(service, signals, &stop);
        if (received == 0 && left_to_stop_ms(&stop) == 0) {
            log_event(service, "stopped without the batches under way, which the brokers don't let end: they are done "
                               "again at the next start");
            _exit(exit_code(service));
        }
        if (received == SIGHUP)
            reload_policies(service);
        else if (received != 0 && received != SIGNAL_ENDED)
            take_stop_signal(service, &stop);
    }
}

/* ---- The service ---- */

static bool
start_http(service *service, GError **error)
{
    const char *listen = service->config->http.listen;
    service->health.time = &lc_system_time;
    service->health.lateness = service->config->lateness;
    service->health.evictions_seen = lc_redis_evictions_seen;
    service->health.workers = g_ptr_array_new();
    for (unsigned i = 0; i < service->n_workers; i++)
        g_ptr_array_add(service->health.workers, service->workers[i].worker);
    if (listen)
        service->http = lc_http_start_pages("http", listen, lc_health_answer, &service->health, error);
    return listen == NULL || service->http != NULL;
}

static void
clear_service(service *service)
{
    g_clear_pointer(&service->http, lc_http_stop);
    g_clear_pointer(&service->supervisor, lc_supervisor_free);
    g_clear_pointer(&service->health.workers, g_ptr_array_unref);
    for (unsigned i = 0; service->workers && i < service->n_workers; i++) {
        worker_thread *thread = &service->workers[i];
        if (thread->worker)
            lc_worker_free(thread->worker);
        g_free(thread->instance);
        g_free(thread->transactional_id);
        g_clear_error(&thread->error);
    }
    g_free(service->workers);
    lc_told_free(service->told);
    g_clear_pointer(&service->books, g_ptr_array_unref);
    lc_config_free(service->config);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(service, clear_service)

static bool
load(service *service, GError **error)
{
    service->books = g_ptr_array_new_with_free_func(free_book);
    return load_book(service, error) && prepare_workers(service, error) && start_http(service, error);
}

/* Signals are taken by the main thread alone: threads inherit the mask. */
static void
take_signals(sigset_t *signals)
{
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGNAL_ENDED);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
}

static int
join_threads(service *service)
{
    for (unsigned i = 0; i < service->n_workers; i++)
        if (service->workers[i].has_thread)
            pthread_join(service->workers[i].thread, NULL);
    tell_failures(service);
    return exit_code(service);
}

static void
tell_configuration(const service *service)
{
    const lc_config *config = service->config;

    if (service->config_file)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "CONFIG", service->config_file, "BROKERS",
                         config->kafka.brokers, "POLICY", config->policy, "MESSAGE", "configuration read");
    else
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "BROKERS", config->kafka.brokers, "POLICY", config->policy,
                         "MESSAGE",
                         "no configuration was given: this runs with the defaults, and what --set says; --config FILE "
                         "gives one");
}

static int
serve(service *service)
{
    g_autoptr(GError) error = NULL;
    sigset_t signals;
    take_signals(&signals);
    service->main_thread = pthread_self();
    tell_configuration(service);
    if (!load(service, &error))
        return lc_cli_fail("run", error);
    log_event(service, "started");
    service->supervisor = lc_supervisor_new();
    bool ok = start_threads(service, &error);
    if (!ok)
        stop_workers(service);
    wait_for_end(service, &signals);
    int code = join_threads(service);
    log_event(service, "stopped");
    return ok ? code : lc_cli_fail("run", error);
}

static const char summary[] = "Runs the service: reads facts, judges leads, publishes what follows, exactly once.";
static const char more[] =
    "Waits for servers that are away, and for rights that Kafka refuses. SIGTERM or SIGINT finishes the batches\n"
    "under way and ends, within 20 s whatever comes; a second one ends at once; kill -9 is always safe. SIGHUP takes\n"
    "policy documents that come into effect later. Logs go to standard error. systemd is told what /livez and /readyz\n"
    "say (Type=notify, WatchdogSec=).\n\n"
    "Exit codes: 0 stopped by a signal, 1 it can't go on (the log says why and what mends it), 2 usage, configuration\n"
    "or policy.\n\n"
    "Example:\n"
    "  leadclock run --config leadclock.yaml --set workers=4 --set log.format=json\n";

int
lc_cli_run(int argc, char **argv)
{
    g_auto(lc_cli_config_options) options = {0};
    g_auto(service) service = {0};
    const GOptionEntry entries[] = {
        {"accept-policy-change", 0, 0, G_OPTION_ARG_NONE, &service.accept_policy_change,
         "Goes on although a policy document that is in effect was changed: leads are judged by the new text from now "
         "on",
         NULL},
        {NULL},
    };
    if (!lc_cli_parse(&argc, &argv, NULL, summary, more, entries, &options) ||
        !lc_cli_check_arguments(argc, argv, 0, 0))
        return EXIT_USAGE;
    lc_cli_keep_memory();
    service.config_file = options.file;
    service.config = lc_cli_load_config("run", &options);
    return service.config ? serve(&service) : EXIT_USAGE;
}
