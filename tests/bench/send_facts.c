/* send_facts.c - PORT CONNECTIONS FACTS EACH [TOKEN]: sends FACTS facts by HTTP, EACH of them a request, over so many
 * connections at once, each of which sends again when it is answered. One line: seconds, requests, requests a second,
 * facts a second, the longest answer in ms, errors. Exit code 1: not all were answered 202. */
#include <arpa/inet.h>
#include <glib.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
    unsigned number, port, each;
    uint64_t requests;
    const char *token;
    uint64_t errors;
    gint64 longest_us;
} sender;

static int
dial(unsigned port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {30, 0};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static void
write_facts(GString *body, const sender *of, uint64_t request)
{
    gint64 now_ms = g_get_real_time() / 1000;
    if (of->each > 1)
        g_string_append_c(body, '[');
    for (unsigned i = 0; i < of->each; i++)
        g_string_append_printf(body,
                               "%s{\"type\":\"LeadCreated\",\"lead_id\":\"lead-%u-%" G_GUINT64_FORMAT
                               "-%u\",\"event_id\":\"event-%u-%" G_GUINT64_FORMAT
                               "-%u\",\"occurred_at\":%" G_GINT64_FORMAT
                               ",\"channel\":\"web-form\",\"campaign\":\"autumn\",\"attributes\":{\"country\":\"de\","
                               "\"product\":\"loan\"}}",
                               i ? "," : "", of->number, request, i, of->number, request, i, now_ms);
    if (of->each > 1)
        g_string_append_c(body, ']');
}

static void
write_request(GString *text, const sender *of, uint64_t request)
{
    g_autoptr(GString) body = g_string_new(NULL);
    write_facts(body, of, request);
    g_string_printf(text, "POST /facts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n");
    if (of->token)
        g_string_append_printf(text, "Authorization: Bearer %s\r\n", of->token);
    g_string_append_printf(text, "Content-Length: %zu\r\n\r\n%s", (size_t)body->len, body->str);
}

static bool
send_all(int fd, const GString *text)
{
    for (size_t at = 0; at < text->len;) {
        ssize_t n = send(fd, text->str + at, text->len - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

/* The status; 0: the connection is gone. Answers are short, and none comes unasked. */
static int
read_answer(int fd)
{
    char answer[4096];
    size_t have = 0;
    while (have < sizeof answer - 1) {
        ssize_t n = recv(fd, answer + have, sizeof answer - 1 - have, 0);
        if (n <= 0)
            return 0;
        have += (size_t)n;
        answer[have] = '\0';
        const char *body = strstr(answer, "\r\n\r\n"), *length = strstr(answer, "Content-Length: ");
        if (body && length && have >= (size_t)(body + 4 - answer) + strtoul(length + 16, NULL, 10))
            return atoi(answer + strlen("HTTP/1.1 "));
    }
    return 0;
}

static void *
run(void *data)
{
    sender *of = data;
    g_autoptr(GString) text = g_string_new(NULL);
    int fd = dial(of->port);
    for (uint64_t request = 0; request < of->requests; request++) {
        write_request(text, of, request);
        gint64 began_us = g_get_monotonic_time();
        int status = fd >= 0 && send_all(fd, text) ? read_answer(fd) : 0;
        of->longest_us = MAX(of->longest_us, g_get_monotonic_time() - began_us);
        of->errors += status != 202;
        if (status == 0) {
            close(fd);
            fd = dial(of->port);
        }
    }
    close(fd);
    return NULL;
}

int
main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: send-facts PORT CONNECTIONS FACTS EACH [TOKEN]\n");
        return 2;
    }
    unsigned n = (unsigned)atoi(argv[2]), each = (unsigned)atoi(argv[4]);
    uint64_t requests = strtoull(argv[3], NULL, 10) / each / n, errors = 0;
    g_autofree sender *senders = g_new0(sender, n);
    g_autofree GThread **threads = g_new0(GThread *, n);
    gint64 began_us = g_get_monotonic_time(), longest_us = 0;
    for (unsigned i = 0; i < n; i++) {
        senders[i] = (sender){i, (unsigned)atoi(argv[1]), each, requests, argc > 5 ? argv[5] : NULL, 0, 0};
        threads[i] = g_thread_new("sender", run, &senders[i]);
    }
    for (unsigned i = 0; i < n; i++) {
        g_thread_join(threads[i]);
        errors += senders[i].errors;
        longest_us = MAX(longest_us, senders[i].longest_us);
    }
    double seconds = (double)(g_get_monotonic_time() - began_us) / G_USEC_PER_SEC;
    printf("%.2f %" G_GUINT64_FORMAT " %.0f %.0f %" G_GINT64_FORMAT " %" G_GUINT64_FORMAT "\n", seconds, requests * n,
           (double)(requests * n) / seconds, (double)(requests * n * each) / seconds, longest_us / 1000, errors);
    return errors ? 1 : 0;
}
