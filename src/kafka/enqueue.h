/* enqueue.h - messages on their way into the queues of the client. Inside the room only. */
#pragma once

#include "producing.h"

/* What each delivery report carries: the place of the message among those of the transaction, from 1. */
typedef gsize lc_message_number;

/* Keys and values are borrowed until lc_enqueue_rest has taken them: what goes to one partition without headers is
 * handed over in bundles. Not 0: `*number` is that of the message which failed, maybe an earlier one of the bundle; a
 * full queue was waited for, up to a second without any room. */
rd_kafka_resp_err_t lc_enqueue(lc_producer *producer, const lc_outgoing *outgoing, lc_message_number *number);
/* Hands over what is left of the bundle of one output. After RD_KAFKA_RESP_ERR__QUEUE_FULL it may be tried again. */
rd_kafka_resp_err_t lc_enqueue_rest(lc_producer *producer, lc_output output, lc_message_number *failed);
