/* enqueue.c - messages on their way into the queues of the client. */
#include "enqueue.h"

#include <string.h>

/* ---- Alone ---- */

static rd_kafka_headers_t *
make_headers(const lc_outgoing *outgoing)
{
    rd_kafka_headers_t *headers = rd_kafka_headers_new(outgoing->n_headers);

    for (size_t i = 0; i < outgoing->n_headers; i++)
        rd_kafka_header_add(headers, outgoing->headers[i].name.data, (ssize_t)outgoing->headers[i].name.size,
                            outgoing->headers[i].value.data, (ssize_t)outgoing->headers[i].value.size);
    return headers;
}

static rd_kafka_resp_err_t
enqueue_with_headers(lc_producer *producer, const lc_outgoing *outgoing, void *opaque)
{
    rd_kafka_headers_t *headers = make_headers(outgoing);
    rd_kafka_vu_t parts[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = producer->topics[outgoing->output]},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = outgoing->partition},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)outgoing->key.data, outgoing->key.size}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)outgoing->value.data, outgoing->value.size}},
        {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = opaque},
    };
    rd_kafka_error_t *cause = rd_kafka_produceva(producer->client, parts, G_N_ELEMENTS(parts));

    if (cause == NULL)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t err = rd_kafka_error_code(cause);
    rd_kafka_error_destroy(cause);
    rd_kafka_headers_destroy(headers);
    return err;
}

static rd_kafka_resp_err_t
enqueue_alone(lc_producer *producer, const lc_outgoing *outgoing, void *opaque)
{
    if (outgoing->n_headers)
        return enqueue_with_headers(producer, outgoing, opaque);
    if (rd_kafka_produce(producer->topics[outgoing->output], outgoing->partition, RD_KAFKA_MSG_F_COPY,
                         (void *)outgoing->value.data, outgoing->value.size, outgoing->key.data, outgoing->key.size,
                         opaque) == 0)
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    return rd_kafka_last_error();
}

/* ---- In bundles ---- */

static void
add_to_bundle(lc_bundle *bundle, const lc_outgoing *outgoing, void *opaque)
{
    bundle->partition = outgoing->partition;
    bundle->messages[bundle->n++] = (rd_kafka_message_t){
        .payload = (void *)outgoing->value.data,
        .len = outgoing->value.size,
        .key = (void *)outgoing->key.data,
        .key_len = outgoing->key.size,
        ._private = opaque,
    };
}

/* How many are in the queue then: where it is full those behind are not, so their order holds. */
static size_t
hand_over(lc_producer *producer, lc_output output)
{
    lc_bundle *bundle = &producer->bundles[output];
    size_t taken = 0;

    if (rd_kafka_produce_batch(producer->topics[output], bundle->partition, RD_KAFKA_MSG_F_COPY, bundle->messages,
                               (int)bundle->n) == (int)bundle->n)
        return bundle->n;
    while (taken < bundle->n && !bundle->messages[taken].err)
        taken++;
    return taken;
}

static void
forget(lc_bundle *bundle, size_t taken)
{
    bundle->n -= taken;
    memmove(bundle->messages, bundle->messages + taken, bundle->n * sizeof *bundle->messages);
}

rd_kafka_resp_err_t
lc_enqueue_rest(lc_producer *producer, lc_output output, lc_message_number *failed)
{
    lc_bundle *bundle = &producer->bundles[output];

    for (bool has_waited = false; bundle->n > 0; has_waited = true) {
        size_t taken = hand_over(producer, output);
        forget(bundle, taken);
        if (bundle->n == 0)
            break;
        rd_kafka_resp_err_t err = bundle->messages[0].err;
        *failed = GPOINTER_TO_SIZE(bundle->messages[0]._private);
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL || (has_waited && taken == 0))
            return err;
        rd_kafka_poll(producer->client, LC_PRODUCER_CALL_MS);
    }
    return RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* ---- Either ---- */

static bool
goes_alone(const lc_outgoing *outgoing)
{
    return outgoing->n_headers > 0 || outgoing->partition < 0;
}

rd_kafka_resp_err_t
lc_enqueue(lc_producer *producer, const lc_outgoing *outgoing, lc_message_number *number)
{
    lc_bundle *bundle = &producer->bundles[outgoing->output];
    void *opaque = GSIZE_TO_POINTER(*number);
    bool is_alone = goes_alone(outgoing);
    rd_kafka_resp_err_t err = RD_KAFKA_RESP_ERR_NO_ERROR;

    if (is_alone || bundle->n == LC_BUNDLE_MESSAGES || bundle->partition != outgoing->partition)
        err = lc_enqueue_rest(producer, outgoing->output, number);
    if (err)
        return err;
    if (!is_alone) {
        add_to_bundle(bundle, outgoing, opaque);
        return RD_KAFKA_RESP_ERR_NO_ERROR;
    }
    err = enqueue_alone(producer, outgoing, opaque);
    if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        rd_kafka_poll(producer->client, LC_PRODUCER_CALL_MS);
        err = enqueue_alone(producer, outgoing, opaque);
    }
    return err;
}
