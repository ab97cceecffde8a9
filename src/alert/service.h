/* service.h - the inside of the service: its parts, for the pages that tell of them. */
#pragma once

#include "reconciler.h"
#include "webhook.h"

struct lc_alert {
    lc_stopper stopper;
    bool has_reconciler;
    lc_reconciler reconciler;
    lc_webhook *webhooks;
    size_t n_webhooks;
    GPtrArray *threads; /* GThread* */
};
