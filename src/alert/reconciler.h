/* reconciler.h - reads the table of breaches, and tells every Alertmanager again and again what holds. */
#pragma once

#include <leadclock/alert.h>
#include <leadclock/tables.h>

#include "part.h"

typedef struct {
    lc_part part;            /* of the requests to this one */
    char *url;               /* of the API */
    lc_instant last_success; /* LC_ABSENT: none yet; under the part's mutex, like what follows */
    uint64_t succeeded, failed;
} lc_alertmanager;

typedef struct {
    const lc_alert_options *options;
    lc_stopper *stopper;
    lc_part part; /* of reading the table */
    lc_alertmanager *targets;
    size_t n_targets;
    size_t open_breaches, open_alerts; /* under the part's mutex */

    lc_registry *registry;
    lc_tables *tables;     /* NULL: to be opened */
    lc_breaches *breaches; /* as the table was last read to its end, and what came since; NULL: not yet */
    lc_breaches *coming;   /* while it is read anew from its beginning */
    lc_alerts *alerts;
    lc_http_client *client;
} lc_reconciler;

bool
lc_reconciler_init(lc_reconciler *reconciler, const lc_alert_options *options, lc_stopper *stopper, GError **error);
void lc_reconciler_clear(lc_reconciler *reconciler);
/* A thread, until all is to stop. */
void *lc_reconciler_run(void *reconciler);
