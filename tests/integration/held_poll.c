/* held_poll.c - to be preloaded: as long as the file LC_HOLD_FILE exists, nobody who polls a group gets anything, or
 * only the client does not whose name ends in LC_HOLD_CLIENT ("#consumer-2": of the second worker). Behind its back
 * librdkafka goes on: this is a worker that waits for something else while the broker is away. */
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool
is_held(const rd_kafka_t *client)
{
    const char *end = getenv("LC_HOLD_CLIENT"), *name = rd_kafka_name(client);
    size_t size = end ? strlen(end) : 0;

    return strlen(name) >= size && strcmp(name + strlen(name) - size, end ? end : "") == 0;
}

rd_kafka_message_t *
rd_kafka_consumer_poll(rd_kafka_t *client, int timeout_ms)
{
    static _Atomic(rd_kafka_message_t * (*)(rd_kafka_t *, int)) real;
    const char *file = getenv("LC_HOLD_FILE");

    if (real == NULL)
        real = (rd_kafka_message_t * (*)(rd_kafka_t *, int)) dlsym(RTLD_NEXT, "rd_kafka_consumer_poll");
    while (file && is_held(client) && access(file, F_OK) == 0)
        usleep(10000);
    return real(client, timeout_ms);
}
