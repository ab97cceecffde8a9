/* lend.h - a message of librdkafka as a record that is lent to whoever reads. Private to this room. */
#pragma once

#include <leadclock/kafka.h>

#include <librdkafka/rdkafka.h>

/* `headers` (lc_header) is filled anew. The record is good as long as both. */
lc_read_record lc_kafka_lend(const rd_kafka_message_t *message, int topic, GArray *headers);
