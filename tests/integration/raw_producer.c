/* raw_producer.c - sends records as strangers might: any bytes, to any partition, in transactions that stay open for as
 * long as a test wants. Reads lines from standard input, and says "ok" after each command.
 *
 *   raw-producer BROKERS [TRANSACTIONAL_ID]
 *
 *   TOPIC <tab> PARTITION <tab> KEY <tab> VALUE     in hexadecimal, "-" is null; partition -1: by key, as Java does
 *   ... <tab> NAME=VALUE <tab> NAME=VALUE           headers, values in hexadecimal
 *   !flush  !begin  !commit  !abort */
#include <glib.h>
#include <librdkafka/rdkafka.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL_MS 30000

static void
die(const char *what, const char *why)
{
    fprintf(stderr, "raw-producer: %s: %s\n", what, why);
    exit(1);
}

static void
check(rd_kafka_error_t *error, const char *what)
{
    if (error)
        die(what, rd_kafka_error_string(error));
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char problem[256];

    if (rd_kafka_conf_set(conf, name, value, problem, sizeof problem) != RD_KAFKA_CONF_OK)
        die(name, problem);
}

static void
on_delivery(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    bool *aborting = opaque;

    (void)client;
    if (message->err && !*aborting)
        die("a record was not delivered", rd_kafka_err2str(message->err));
}

static rd_kafka_t *
make_client(const char *brokers, const char *transactional_id, bool *aborting)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char problem[256];

    set(conf, "bootstrap.servers", brokers);
    set(conf, "linger.ms", "1");
    set(conf, "partitioner", "murmur2_random");
    set(conf, "message.max.bytes", "4194304");
    set(conf, "queue.buffering.max.messages", "1000000");
    if (transactional_id)
        set(conf, "transactional.id", transactional_id);
    rd_kafka_conf_set_opaque(conf, aborting);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
    rd_kafka_t *client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, problem, sizeof problem);
    if (client == NULL)
        die("no client", problem);
    if (transactional_id)
        check(rd_kafka_init_transactions(client, CALL_MS), "init_transactions");
    return client;
}

/* In place; the number of bytes. */
static size_t
decode_hex(char *text)
{
    size_t n = strlen(text) / 2;

    for (size_t i = 0; i < n; i++)
        text[i] = (char)(g_ascii_xdigit_value(text[2 * i]) << 4 | g_ascii_xdigit_value(text[2 * i + 1]));
    return n;
}

/* NULL: none. */
static rd_kafka_headers_t *
make_headers(char **fields)
{
    rd_kafka_headers_t *headers = *fields ? rd_kafka_headers_new(8) : NULL;

    for (; *fields; fields++) {
        char *value = strchr(*fields, '=');
        if (value == NULL)
            die("not a header", *fields);
        *value++ = '\0';
        size_t size = decode_hex(value);
        rd_kafka_header_add(headers, *fields, -1, value, (ssize_t)size);
    }
    return headers;
}

static void
send_record(rd_kafka_t *client, char *line)
{
    g_auto(GStrv) fields = g_strsplit(line, "\t", -1);

    if (g_strv_length(fields) < 4)
        die("not a record", line);
    rd_kafka_headers_t *headers = make_headers(fields + 4);
    bool has_key = strcmp(fields[2], "-") != 0, has_value = strcmp(fields[3], "-") != 0;
    size_t key_size = has_key ? decode_hex(fields[2]) : 0, value_size = has_value ? decode_hex(fields[3]) : 0;
    for (;;) {
        rd_kafka_resp_err_t err =
            rd_kafka_producev(client, RD_KAFKA_V_TOPIC(fields[0]), RD_KAFKA_V_PARTITION(atoi(fields[1])),
                              RD_KAFKA_V_KEY(has_key ? fields[2] : NULL, key_size),
                              RD_KAFKA_V_VALUE(has_value ? fields[3] : NULL, value_size), RD_KAFKA_V_HEADERS(headers),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
        if (!err)
            break;
        if (err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
            die("produce", rd_kafka_err2str(err));
        rd_kafka_poll(client, 100);
    }
    rd_kafka_poll(client, 0);
}

static void
obey(rd_kafka_t *client, const char *command, bool *aborting)
{
    *aborting = strcmp(command, "!abort") == 0;
    if (strcmp(command, "!flush") == 0)
        rd_kafka_flush(client, CALL_MS);
    else if (strcmp(command, "!begin") == 0)
        check(rd_kafka_begin_transaction(client), command);
    else if (strcmp(command, "!commit") == 0)
        check(rd_kafka_commit_transaction(client, CALL_MS), command);
    else if (*aborting)
        check(rd_kafka_abort_transaction(client, CALL_MS), command);
    else
        die("no such command", command);
    puts("ok");
    fflush(stdout);
}

int
main(int argc, char **argv)
{
    bool aborting = false;
    char *line = NULL;
    size_t room = 0;
    ssize_t size;

    if (argc != 2 && argc != 3)
        die("usage", "raw-producer BROKERS [TRANSACTIONAL_ID]");
    rd_kafka_t *client = make_client(argv[1], argv[2], &aborting);
    while ((size = getline(&line, &room, stdin)) > 0) {
        g_strchomp(line);
        if (line[0] == '!')
            obey(client, line, &aborting);
        else
            send_record(client, line);
    }
    if (rd_kafka_flush(client, CALL_MS))
        die("flush", "not all records were delivered");
    rd_kafka_destroy(client);
    free(line);
    return 0;
}
