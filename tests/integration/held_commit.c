/* held_commit.c - to be preloaded: as long as the file LC_HOLD_FILE exists no transaction is committed. What is in it
 * has reached the brokers by then: so this is a process that can be killed in the middle of one. */
#include <dlfcn.h>
#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <unistd.h>

rd_kafka_error_t *
rd_kafka_commit_transaction(rd_kafka_t *client, int timeout_ms)
{
    static _Atomic(rd_kafka_error_t * (*)(rd_kafka_t *, int)) real;
    const char *file = getenv("LC_HOLD_FILE");

    if (real == NULL)
        real = (rd_kafka_error_t * (*)(rd_kafka_t *, int)) dlsym(RTLD_NEXT, "rd_kafka_commit_transaction");
    while (file && access(file, F_OK) == 0)
        usleep(10000);
    return real(client, timeout_ms);
}
