/* trouble.h - why brokers do not let us in, or let us write.
 *
 * librdkafka's calls say no more than that they timed out; what its connections met, it tells its log alone. That is
 * kept here for all clients of the process, by broker, until the broker answers something or it is a minute old. Any
 * thread. */
#pragma once

#include "client.h"

/* Hears of the connections of every client that is made of `conf`. */
void lc_trouble_listen(rd_kafka_conf_t *conf);

/* Of a client that is about to be destroyed: what its connections end by is no trouble. `gone` once it is. */
void lc_trouble_give_up(const rd_kafka_t *client);
void lc_trouble_gone(const char *name);

/* A line of librdkafka's log. */
void lc_trouble_take(const rd_kafka_t *client, const char *facility, const char *text);

/* "127.0.0.1:9092: what happened; what to do" of the broker that failed last; NULL: none that is known. Caller frees.
 */
char *lc_trouble_text(void);

/* librdkafka before 2.6.1 answers a SCRAM challenge in a way that Kafka refuses from 4.0 on. What to
 * do, where these properties (name, value, ..., NULL; or NULL) want SCRAM of such a one; else NULL. */
const char *lc_trouble_with_scram(const char *const *properties);

/* The topics that may not be written to by this client, as its transactions were told since the last call: "NAME,
 * NAME"; NULL: none. Caller frees. */
char *lc_trouble_refused_topics(const rd_kafka_t *client);
