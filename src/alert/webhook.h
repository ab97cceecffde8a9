/* webhook.h - calls one webhook for each outcome that it wants. */
#pragma once

#include <leadclock/alert.h>

#include "part.h"
#include "plans.h"

typedef struct {
    const lc_alert_options *options;
    const lc_webhook_options *own;
    lc_stopper *stopper;
    lc_part part;    /* of its deliveries */
    lc_part reading; /* of outcomes, from Kafka and by the registry */
    char *group;
    char **topics; /* of the outcomes that are wanted, NULL-terminated */
    GBytes *key;   /* that signs */
    char *told;    /* why its file gives none now; NULL: it does */

    /* Under the part's mutex. */
    uint64_t delivered, retries, passed_over, undelivered;
    lc_instant oldest; /* of the events that wait for their delivery; LC_ABSENT: none does */

    gint64 look_us; /* at Kafka, not before */
    bool is_gone;   /* it answered 410 */
    lc_registry *registry;
    lc_plans *plans;
    lc_http_client *client;
    lc_publisher *publisher;   /* of what is refused; NULL: not needed yet */
    lc_subscriber *subscriber; /* NULL: to be opened */
    unsigned assignment;       /* that the lanes are of */
    GArray *lanes;             /* lc_lane_of_webhook */
} lc_webhook;

bool lc_webhook_init(lc_webhook *webhook, const lc_alert_options *options, const lc_webhook_options *own,
                     lc_stopper *stopper, GError **error);
/* What signs now. One that can't be read is told, and the one from before kept. */
GBytes *lc_webhook_key(lc_webhook *webhook);
void lc_webhook_clear(lc_webhook *webhook);
/* A thread, until all is to stop, or the webhook is gone. */
void *lc_webhook_run(void *webhook);
