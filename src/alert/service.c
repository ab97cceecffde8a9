/* service.c - the threads of `leadclock alert`: one that reads the table and tells every Alertmanager, one a webhook.
 */
#include "service.h"

#include <leadclock/text.h>

#include <errno.h>
#include <unistd.h>

static bool
check(const lc_alert_options *options, GError **error)
{
    if (options->alertmanagers[0] == NULL && options->n_webhooks == 0)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "nobody is to be told: give alert.alertmanager.urls, or alert.webhooks, or both");
    else if (options->alertmanagers[0] && options->breaches == NULL)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "Alertmanager is told of the table of breaches, which is not published: add it to tables.publish "
                    "('leadclock tables --fill' then fills it)");
    else if (options->ca_file && access(options->ca_file, R_OK) != 0)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "alert.ca_file: %s: %s", options->ca_file, g_strerror(errno));
    else /* once now: later it is waited for */
        return lc_secret_check("alert.alertmanager.password_file", options->password_file, error);
    return false;
}

static bool
init_parts(lc_alert *alert, const lc_alert_options *options, GError **error)
{
    alert->has_reconciler = options->alertmanagers[0] != NULL;
    if (alert->has_reconciler && !lc_reconciler_init(&alert->reconciler, options, &alert->stopper, error))
        return false;
    alert->webhooks = g_new0(lc_webhook, options->n_webhooks);
    for (size_t i = 0; i < options->n_webhooks; i++) {
        alert->n_webhooks = i + 1;
        if (!lc_webhook_init(&alert->webhooks[i], options, &options->webhooks[i], &alert->stopper, error))
            return false;
    }
    return true;
}

lc_alert *
lc_alert_new(const lc_alert_options *options, GError **error)
{
    if (!check(options, error))
        return NULL;
    g_autoptr(lc_alert) alert = g_new0(lc_alert, 1);
    lc_stopper_init(&alert->stopper);
    alert->threads = g_ptr_array_new();
    return init_parts(alert, options, error) ? g_steal_pointer(&alert) : NULL;
}

void
lc_alert_start(lc_alert *alert)
{
    if (alert->has_reconciler)
        g_ptr_array_add(alert->threads, g_thread_new("alertmanager", lc_reconciler_run, &alert->reconciler));
    for (size_t i = 0; i < alert->n_webhooks; i++)
        g_ptr_array_add(alert->threads, g_thread_new("webhook", lc_webhook_run, &alert->webhooks[i]));
}

void
lc_alert_stop(lc_alert *alert)
{
    if (alert == NULL)
        return;
    lc_stopper_stop(&alert->stopper);
    for (guint i = 0; i < alert->threads->len; i++)
        g_thread_join(alert->threads->pdata[i]);
    g_ptr_array_unref(alert->threads);
    if (alert->has_reconciler)
        lc_reconciler_clear(&alert->reconciler);
    for (size_t i = 0; i < alert->n_webhooks; i++)
        lc_webhook_clear(&alert->webhooks[i]);
    g_free(alert->webhooks);
    lc_stopper_clear(&alert->stopper);
    g_free(alert);
}
