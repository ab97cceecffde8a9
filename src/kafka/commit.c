/* commit.c - the end of a transaction: its offsets, its commit or its abort (steps 6 to 8). */
#include "producing.h"

#include <errno.h>
#include <stdlib.h>

static rd_kafka_topic_partition_list_t *
list_commits(const char *const *inputs, int n_inputs, const lc_log_commit *commits, size_t n)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n * n_inputs);

    for (size_t c = 0; c < n; c++)
        for (int i = 0; i < n_inputs; i++) {
            rd_kafka_topic_partition_t *one = rd_kafka_topic_partition_list_add(list, inputs[i], commits[c].partition);
            one->offset = commits[c].offsets[i];
            one->metadata = strdup(commits[c].metadata); /* librdkafka frees it */
            one->metadata_size = strlen(commits[c].metadata);
        }
    return list;
}

/* Whether librdkafka's list of what was refused has the topic: "NAME[PARTITION](REASON), ...", and from 2.4 on
 * "NAME(TOPIC ID)[PARTITION](REASON), ...". */
static bool
is_listed(const char *text, const char *name)
{
    g_autofree char *word = g_strconcat(" ", name, NULL);
    size_t size = strlen(word);

    for (const char *at = strstr(text, word); at; at = strstr(at + size, word))
        if (at[size] == '[' || at[size] == '(')
            return true;
    return false;
}

/* The inputs that an error of librdkafka names; all, where it names none. */
static char *
names_in(const char *text, const char *const *inputs, int n_inputs)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (int i = 0; i < n_inputs; i++)
        if (is_listed(text, inputs[i]))
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", inputs[i]);
    return names->len ? g_string_free(g_steal_pointer(&names), FALSE) : g_strjoinv(", ", (char **)inputs);
}

/* Takes the cause. */
static bool
refuse_offsets(lc_producer *producer, const char *const *inputs, int n_inputs, rd_kafka_error_t *cause, GError **error)
{
    g_autofree char *names = names_in(rd_kafka_error_string(cause), inputs, n_inputs);

    if (rd_kafka_error_code(cause) == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        lc_kafka_deny(producer->client, "READ", "topic", names, error);
    else if (rd_kafka_error_code(cause) == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        lc_kafka_deny(producer->client, "READ", "group", producer->options->group, error);
    else
        lc_kafka_deny(producer->client, "WRITE", "transactional id", producer->transactional_id, error);
    rd_kafka_error_destroy(cause);
    return false;
}

/* librdkafka 2.0.2 does not keep the time-out while a request is out: with the broker away this takes as long as the
 * outage (26 s were seen), and only then says what it says. */
bool
lc_producer_send_offsets(lc_producer *producer, const char *const *inputs, int n_inputs, const lc_log_commit *commits,
                         size_t n, const rd_kafka_consumer_group_metadata_t *metadata, GError **error)
{
    gint64 until = g_get_monotonic_time() + LC_PRODUCER_CALL_MS * 1000;

    if (!lc_producer_is_ready(producer, error))
        return false;
    if (metadata == NULL) {
        g_set_error(error, LC_ERROR, LC_ERROR_ABORT, "the partitions were given up");
        return false;
    }
    g_autoptr(rd_kafka_topic_partition_list_t) list = list_commits(inputs, n_inputs, commits, n);
    for (;;) {
        rd_kafka_error_t *cause =
            rd_kafka_send_offsets_to_transaction(producer->client, list, metadata, LC_PRODUCER_CALL_MS);
        if (cause == NULL)
            return true;
        if (lc_kafka_is_denial(rd_kafka_error_code(cause)))
            return refuse_offsets(producer, inputs, n_inputs, cause, error);
        bool again = rd_kafka_error_is_retriable(cause) && !rd_kafka_error_is_fatal(cause) &&
                     !rd_kafka_error_txn_requires_abort(cause);
        if (!again || g_get_monotonic_time() >= until)
            return lc_kafka_fail_with(error, again ? LC_ERROR_RETRY : LC_ERROR_ABORT, cause,
                                      "send_offsets_to_transaction");
        rd_kafka_error_destroy(cause);
        g_usleep(5000);
    }
}

bool
lc_producer_commit_begin(lc_producer *producer, GError **error)
{
    if (!lc_producer_is_ready(producer, error))
        return false;
    rd_kafka_poll(producer->client, 0);
    producer->commit_us = g_get_monotonic_time();
    producer->n_transport_errors = 0;
    g_atomic_int_set(&producer->sent->end_txns, 0);
    return true;
}

/* Success is not enough: an EndTxn that went out twice may decide the next transaction too. */
static lc_commit_result
judge_commit(lc_producer *producer, GError **error)
{
    gint64 took = g_get_monotonic_time() - producer->commit_us;
    int sent = g_atomic_int_get(&producer->sent->end_txns);

    if (sent <= 1 && producer->n_transport_errors == 0 && took < producer->uncertain_us)
        return LC_COMMIT_CLEAN;
    g_set_error(error, LC_ERROR, LC_ERROR_ABORT,
                "the commit succeeded, but not beyond doubt: %d requests, %u transport errors, %" G_GINT64_FORMAT " ms",
                sent, producer->n_transport_errors, took / 1000);
    return LC_COMMIT_UNKNOWN;
}

/* Waits for as long as the answer can still be a clean one: a second try would cost a recovery. */
lc_commit_result
lc_producer_commit_end(lc_producer *producer, GError **error)
{
    for (;;) {
        rd_kafka_error_t *cause = rd_kafka_commit_transaction(producer->client, LC_PRODUCER_CALL_MS);
        rd_kafka_poll(producer->client, 0);
        if (cause == NULL)
            return judge_commit(producer, error);
        bool waits = rd_kafka_error_code(cause) == RD_KAFKA_RESP_ERR__TIMED_OUT && rd_kafka_error_is_retriable(cause);
        bool in_doubt =
            producer->n_transport_errors || g_get_monotonic_time() - producer->commit_us >= producer->uncertain_us;
        if (!waits || in_doubt) {
            lc_kafka_fail_with(error, LC_ERROR_ABORT, cause, "commit_transaction");
            return LC_COMMIT_UNKNOWN;
        }
        rd_kafka_error_destroy(cause);
    }
}

void
lc_producer_abort(lc_producer *producer)
{
    if (producer->client && !producer->is_initializing) {
        /* One try: the next init_transactions aborts what this one did not. */
        rd_kafka_error_t *cause = rd_kafka_abort_transaction(producer->client, LC_PRODUCER_CALL_MS);
        if (cause) {
            g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", "kafka: abort_transaction: %s",
                             rd_kafka_error_string(cause));
            rd_kafka_error_destroy(cause);
        }
    }
    /* No late delivery report finds the caller's offsets. */
    g_array_set_size(producer->slots, 0);
}
