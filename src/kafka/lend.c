/* lend.c - a message of librdkafka as a record that is lent to whoever reads. */
#include "lend.h"

static void
take_headers(const rd_kafka_message_t *message, GArray *into)
{
    rd_kafka_headers_t *headers;
    const char *name;
    const void *value;
    size_t size;
    g_array_set_size(into, 0);
    if (rd_kafka_message_headers(message, &headers))
        return;
    for (size_t i = 0; !rd_kafka_header_get_all(headers, i, &name, &value, &size); i++) {
        lc_header header = {lc_text_of(name), {value, value ? size : 0}};
        g_array_append_val(into, header);
    }
}

lc_read_record
lc_kafka_lend(const rd_kafka_message_t *message, int topic, GArray *headers)
{
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(message, &type);
    if (headers)
        take_headers(message, headers);
    return (lc_read_record){
        .topic = topic,
        .partition = message->partition,
        .offset = message->offset,
        .timestamp = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? LC_ABSENT : timestamp,
        .key = {message->key, message->key ? message->key_len : 0},
        .value = {message->payload, message->payload ? message->len : 0},
        .headers = headers ? (const lc_header *)(void *)headers->data : NULL,
        .n_headers = headers ? headers->len : 0,
    };
}
