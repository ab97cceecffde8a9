/* producer.h - the transactional producer of one worker, renewed after every end that is not certain. */
#pragma once

#include "client.h"

typedef struct lc_producer lc_producer;

/* Checks the properties; makes no client yet. The options are borrowed for good. */
lc_producer *lc_producer_new(const lc_kafka_options *options, GError **error);
void lc_producer_free(lc_producer *producer);

/* What these mean is said in log.h. */
bool lc_producer_renew(lc_producer *producer, GError **error);
bool lc_producer_begin(lc_producer *producer, GError **error);
bool lc_producer_produce(lc_producer *producer, const lc_outgoing *outgoing, GError **error);
bool lc_producer_flush(lc_producer *producer, GError **error);
lc_instant lc_producer_appended_at(const lc_producer *producer);
int64_t lc_producer_refused(const lc_producer *producer);
bool
lc_producer_send_offsets(lc_producer *producer, const char *const *inputs, int n_inputs, const lc_log_commit *commits,
                         size_t n, const rd_kafka_consumer_group_metadata_t *metadata, GError **error);
bool lc_producer_commit_begin(lc_producer *producer, GError **error);
lc_commit_result lc_producer_commit_end(lc_producer *producer, GError **error);
void lc_producer_abort(lc_producer *producer);
