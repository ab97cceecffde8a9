/* lane.h - one partition of outcomes on its way to one webhook: one event at a time, in order. */
#pragma once

#include "webhook.h"

typedef struct {
    lc_webhook *webhook;
    size_t number;  /* of the subscriber's lanes */
    lc_arena bytes; /* of the record */
    lc_read_record record;
    bool has_record;
    bool is_event; /* it has been read, and is to be delivered */
    lc_outcome_event event;
    lc_http_exchange *exchange; /* a try under way */
    unsigned failures;
    gint64 again_us;    /* not before */
    bool is_refused;    /* it is to be put aside */
    int refused_status; /* 0: it can't be read */
    char *refused_why;
} lc_lane_of_webhook;

void lc_lane_of_webhook_init(lc_lane_of_webhook *lane, lc_webhook *webhook, size_t number);
/* For a GArray. */
void lc_lane_of_webhook_clear(void *lane);
/* Does what can be done now, without waiting. `may_begin`: a new event may be begun. False: the webhook can't go on
 * with its group as it is. */
bool lc_lane_of_webhook_step(lc_lane_of_webhook *lane, bool may_begin, GError **error);
