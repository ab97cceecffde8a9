/* watch.c - whether facts can be taken: schemas that are registered, brokers that answer, topics that are there. */
#include "service.h"

#define LOOK_EVERY_US (2 * G_USEC_PER_SEC)
#define TRY_AGAIN_US (G_USEC_PER_SEC / 2)
#define LOOK_MS 1000
#define TELL_EVERY_US (10 * G_USEC_PER_SEC)

/* `why` NULL: it is ready. What changes is said, and what lasts every ten seconds. */
static void
set_waiting_for(lc_ingest *ingest, const char *why, gint64 *said_us)
{
    gint64 now_us = g_get_monotonic_time();
    g_mutex_lock(&ingest->lock);
    bool was_ready = ingest->waiting_for == NULL;
    g_free(ingest->waiting_for);
    ingest->waiting_for = g_strdup(why);
    g_mutex_unlock(&ingest->lock);
    if (why && (was_ready || now_us - *said_us >= TELL_EVERY_US)) {
        *said_us = now_us;
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "no fact is taken: %s", why);
    }
    if (why == NULL && !was_ready)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", "facts are taken");
}

char *
lc_ingest_waiting_for(lc_ingest *ingest)
{
    g_mutex_lock(&ingest->lock);
    char *why = g_strdup(ingest->waiting_for);
    g_mutex_unlock(&ingest->lock);
    return why;
}

/* False: it is to stop. */
static bool
rest(lc_ingest *ingest, gint64 wait_us)
{
    gint64 until = g_get_monotonic_time() + wait_us;
    g_mutex_lock(&ingest->lock);
    ingest->turned_us = g_get_monotonic_time();
    while (!ingest->is_stopping && g_cond_wait_until(&ingest->changed, &ingest->lock, until))
        continue;
    bool goes_on = !ingest->is_stopping;
    g_mutex_unlock(&ingest->lock);
    return goes_on;
}

static void
set_failure(lc_ingest *ingest, GError *failure)
{
    g_mutex_lock(&ingest->lock);
    ingest->failure = failure;
    g_mutex_unlock(&ingest->lock);
}

/* False: it is to stop, or can't go on. */
static bool
register_schemas(lc_ingest *ingest, gint64 *said_us)
{
    do {
        g_autoptr(GError) error = NULL;
        if (lc_inputs_register(&ingest->inputs, ingest->options.registry, lc_registry_register, &error))
            return true;
        set_waiting_for(ingest, error->message, said_us);
        if (!g_error_matches(error, LC_ERROR, LC_ERROR_RETRY)) {
            set_failure(ingest, g_steal_pointer(&error));
            return false;
        }
    } while (rest(ingest, TRY_AGAIN_US));
    return false;
}

static void *
watch(void *data)
{
    lc_ingest *ingest = data;
    gint64 said_us = INT64_MIN / 2;
    bool goes_on = register_schemas(ingest, &said_us);
    while (goes_on) {
        g_autoptr(GError) error = NULL;
        bool is_ready = lc_sender_look(ingest->sender, LOOK_MS, &error);
        set_waiting_for(ingest, is_ready ? NULL : error->message, &said_us);
        goes_on = rest(ingest, is_ready ? LOOK_EVERY_US : TRY_AGAIN_US);
    }
    return NULL;
}

void
lc_ingest_watch_init(lc_ingest *ingest)
{
    ingest->waiting_for = g_strdup("the registry has not been asked yet");
    ingest->turned_us = g_get_monotonic_time();
}

void
lc_ingest_watch_start(lc_ingest *ingest)
{
    ingest->watch = g_thread_new("ingest-watch", watch, ingest);
}

void
lc_ingest_watch_stop(lc_ingest *ingest)
{
    g_mutex_lock(&ingest->lock);
    ingest->is_stopping = true;
    g_cond_broadcast(&ingest->changed);
    g_mutex_unlock(&ingest->lock);
    g_clear_pointer(&ingest->watch, g_thread_join);
}
