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

/* Who asks a coordinator has a client for it, and destroys that where no answer comes: `timeout_ms` is not of those. */
rd_kafka_AdminOptions_t *lc_admin_options_new(rd_kafka_t *client, rd_kafka_admin_op_t operation, int timeout_ms);

/* The answer to a request whose result comes on `queue`, or NULL. Destroys the queue. */
rd_kafka_event_t *lc_admin_await(const lc_kafka_options *options, rd_kafka_queue_t *queue, int64_t deadline,
                                 const char *what, GError **error);

#define LC_ADMIN_PATIENCE_MS 5000 /* after which a coordinator is asked anew, by another client */

/* A question about our group. It goes on from one try to the next: to connect may take longer than one. */
typedef struct {
    rd_kafka_t *client; /* NULL: nothing is asked */
    rd_kafka_queue_t *queue;
    int64_t asked_us;
} lc_group_question;

void lc_group_question_clear(lc_group_question *question);

/* Takes the answer, whose client this is. */
typedef bool lc_group_taker(rd_kafka_t *client, rd_kafka_event_t *described, void *data, GError **error);

/* Asks for the members of our group, or goes on asking; waits for up to `timeout_ms`. */
bool lc_admin_describe_group(const lc_kafka_options *options, lc_group_question *question, int timeout_ms,
                             lc_group_taker *take, void *data, GError **error);
