/* admin.h - what one-off questions and orders to Kafka share: a client, a deadline, one answer. Private to this room.
 */
#pragma once

#include "client.h"

/* A consumer handle that joins no group; `isolation` is its isolation.level. */
rd_kafka_t *lc_admin_client_new(const lc_kafka_options *options, const char *isolation, GError **error);

/* False: `what` was refused, or the broker is away (LC_ERROR_RETRY). */
bool lc_admin_fail(const lc_kafka_options *options, rd_kafka_resp_err_t err, const char *what, GError **error);

int64_t lc_admin_deadline(int timeout_ms);
int lc_admin_ms_until(int64_t deadline); /* at least 1 */

rd_kafka_AdminOptions_t *lc_admin_options_new(rd_kafka_t *client, rd_kafka_admin_op_t operation, int timeout_ms);

/* The answer to a request whose result comes on `queue`, or NULL. Destroys the queue. */
rd_kafka_event_t *lc_admin_await(const lc_kafka_options *options, rd_kafka_queue_t *queue, int64_t deadline,
                                 const char *what, GError **error);
