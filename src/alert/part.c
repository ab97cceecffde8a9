/* part.c - what keeps a part of the service from its work, said once; and waits that end when all is to stop. */
#include "part.h"

#define SAY_AGAIN_US (60 * G_USEC_PER_SEC)

/* ---- Stopping ---- */

void
lc_stopper_init(lc_stopper *stopper)
{
    g_mutex_init(&stopper->mutex);
    g_cond_init(&stopper->changed);
    stopper->is_stopping = false;
}

void
lc_stopper_clear(lc_stopper *stopper)
{
    g_mutex_clear(&stopper->mutex);
    g_cond_clear(&stopper->changed);
}

void
lc_stopper_stop(lc_stopper *stopper)
{
    g_mutex_lock(&stopper->mutex);
    stopper->is_stopping = true;
    g_cond_broadcast(&stopper->changed);
    g_mutex_unlock(&stopper->mutex);
}

bool
lc_stopper_wait(lc_stopper *stopper, int ms)
{
    gint64 until_us = g_get_monotonic_time() + ms * (gint64)1000;
    g_mutex_lock(&stopper->mutex);
    while (!stopper->is_stopping && ms > 0 && g_cond_wait_until(&stopper->changed, &stopper->mutex, until_us))
        continue;
    bool is_stopping = stopper->is_stopping;
    g_mutex_unlock(&stopper->mutex);
    return is_stopping;
}

bool
lc_stopper_is_stopping(lc_stopper *stopper)
{
    return lc_stopper_wait(stopper, 0);
}

/* ---- Parts ---- */

void
lc_part_init(lc_part *part, char *name)
{
    *part = (lc_part){.name = name};
    g_mutex_init(&part->mutex);
}

void
lc_part_clear(lc_part *part)
{
    g_free(part->name);
    g_free(part->problem);
    g_free(part->said);
    g_mutex_clear(&part->mutex);
}

void
lc_part_turn(lc_part *part)
{
    g_mutex_lock(&part->mutex);
    part->turned_us = g_get_monotonic_time();
    g_mutex_unlock(&part->mutex);
}

static void
say(lc_part *part)
{
    gint64 now_us = g_get_monotonic_time();
    if (g_strcmp0(part->said, part->problem) == 0 && now_us - part->said_us < SAY_AGAIN_US)
        return;
    g_free(part->said);
    part->said = g_strdup(part->problem);
    part->said_us = now_us;
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "%s: %s", part->name, part->problem);
}

void
lc_part_fails(lc_part *part, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *problem = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_mutex_lock(&part->mutex);
    g_free(part->problem);
    part->problem = problem;
    part->is_ready = false;
    say(part);
    g_mutex_unlock(&part->mutex);
}

void
lc_part_is_well(lc_part *part)
{
    g_mutex_lock(&part->mutex);
    if (part->problem)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", "%s: goes on", part->name);
    g_clear_pointer(&part->problem, g_free);
    g_clear_pointer(&part->said, g_free);
    part->is_ready = true;
    g_mutex_unlock(&part->mutex);
}

char *
lc_part_problem(lc_part *part)
{
    g_mutex_lock(&part->mutex);
    char *problem = part->is_ready ? NULL : g_strdup(part->problem ? part->problem : "has just begun");
    g_mutex_unlock(&part->mutex);
    return problem;
}
