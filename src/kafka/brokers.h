/* brokers.h - whether brokers do what a transaction needs of them. Private to this room. */
#pragma once

#include "client.h"

/* Warns, once a process, of brokers that may leave transactions hanging: those before Kafka 3.6, and later ones that
 * are told to. Where they don't let us see their settings (DESCRIBE_CONFIGS on the cluster), nothing is known and
 * nothing said. Takes a second at most. */
void lc_kafka_warn_of_brokers(rd_kafka_t *client, const struct rd_kafka_metadata *metadata);
