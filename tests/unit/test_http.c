/* test_http.c - the HTTP server against senders of every kind, on sockets of this machine. */
#include <leadclock/http.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define GENEROUS_S 60
/* In no buffer of a socket there is room for so much. */
#define LARGE_BYTES ((size_t)32 * 1024 * 1024)

/* ---- A server that keeps what it is asked until the test answers ---- */

typedef struct {
    lc_http *http;
    GAsyncQueue *asked;   /* lc_http_request */
    GAsyncQueue *ended;   /* status + 1 */
    bool answers_at_once; /* with the size of the body */
    unsigned refuses;     /* a status: before the body is read; 0: none */
} server;

static void
answer(lc_http_request *request)
{
    if (strcmp(lc_http_path(request), "/large") == 0) {
        g_autofree char *large = g_malloc0(LARGE_BYTES);
        lc_http_reply(request, 200, "text/plain", (lc_text){large, LARGE_BYTES}, NULL);
        return;
    }
    g_autofree char *text =
        g_strdup_printf("%s %s %zu", lc_http_method(request), lc_http_path(request), lc_http_body(request).size);
    lc_http_reply(request, 200, "text/plain", lc_text_of(text), NULL);
}

static void
on_begin(lc_http_request *request, void *data)
{
    server *of = data;
    if (of->refuses)
        lc_http_reply(request, of->refuses, "text/plain", LC_TEXT("refused"), NULL);
}

static void
on_handle(lc_http_request *request, void *data)
{
    server *of = data;
    if (of->answers_at_once)
        answer(request);
    else
        g_async_queue_push(of->asked, request);
}

static void
on_end(const lc_http_end *end, void *data)
{
    g_async_queue_push(((server *)data)->ended, GUINT_TO_POINTER(end->status + 1));
}

static void
start(server *of, lc_http_options options)
{
    g_autoptr(GError) error = NULL;
    of->asked = g_async_queue_new();
    of->ended = g_async_queue_new();
    options.section = "http";
    options.listen = "127.0.0.1:0";
    options.begin = on_begin;
    options.handle = on_handle;
    options.end = on_end;
    options.data = of;
    of->http = lc_http_start(&options, &error);
    assert_null(error);
}

static void
stop(server *of)
{
    lc_http_stop(of->http);
    g_async_queue_unref(of->asked);
    g_async_queue_unref(of->ended);
}

/* ---- A sender ---- */

static int
dial(const server *of)
{
    const struct timeval patience = {GENEROUS_S, 0};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)lc_http_port(of->http)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* False: the connection is gone. */
static bool
say(int fd, const char *text, size_t size)
{
    for (size_t at = 0; at < size;) {
        ssize_t n = send(fd, text + at, size - at, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    return true;
}

static bool
say_text(int fd, const char *text)
{
    return say(fd, text, strlen(text));
}

static bool
say_many(int fd, char c, size_t n)
{
    g_autofree char *text = g_malloc(n);
    memset(text, c, n);
    return say(fd, text, n);
}

/* What comes until the end of the connection. */
static char *
hear_all(int fd)
{
    GString *heard = g_string_new(NULL);
    char part[4096];
    ssize_t n;
    while ((n = recv(fd, part, sizeof part, 0)) > 0)
        g_string_append_len(heard, part, n);
    if (n < 0 && errno == EAGAIN)
        fail_msg("the connection was left open; so far: %s", heard->str);
    close(fd);
    return g_string_free(heard, FALSE);
}

/* What comes until `end` does. */
static char *
hear(int fd, const char *end)
{
    GString *heard = g_string_new(NULL);
    char c;
    while (!g_str_has_suffix(heard->str, end)) {
        if (recv(fd, &c, 1, 0) != 1)
            fail_msg("no \"%s\" in: %s", end, heard->str);
        g_string_append_c(heard, c);
    }
    return g_string_free(heard, FALSE);
}

static void
expect(int fd, const char *end)
{
    g_free(hear(fd, end));
}

static void
expect_status(int fd, const char *status)
{
    g_autofree char *heard = hear_all(fd);
    g_autofree char *begin = g_strconcat("HTTP/1.1 ", status, NULL);
    if (!g_str_has_prefix(heard, begin))
        fail_msg("not %s: %s", status, heard);
}

static lc_http_request *
next_asked(server *of)
{
    lc_http_request *request = g_async_queue_timeout_pop(of->asked, GENEROUS_S * G_USEC_PER_SEC);
    assert_non_null(request);
    return request;
}

static unsigned
next_end(server *of)
{
    void *ended = g_async_queue_timeout_pop(of->ended, GENEROUS_S * G_USEC_PER_SEC);
    assert_non_null(ended);
    return GPOINTER_TO_UINT(ended) - 1;
}

/* ---- Answers ---- */

static void
a_request_is_answered_later_and_the_connection_goes_on(void **state)
{
    (void)state;
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 100, .threads = 2});
    int fd = dial(&of);
    say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nX-Name: y\r\nContent-Length: 5\r\n\r\nhello");
    lc_http_request *request = next_asked(&of);
    assert_string_equal(lc_http_header(request, "x-name"), "y");
    assert_null(lc_http_header(request, "x-other"));
    assert_true(lc_text_equal(lc_http_body(request), LC_TEXT("hello")));
    answer(request);
    expect(fd, "POST /a 5");
    assert_int_equal(next_end(&of), 200);
    say_text(fd, "GET /b?c=d%20e HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    request = next_asked(&of);
    assert_string_equal(lc_http_query(request, "c"), "d e");
    answer(request);
    g_autofree char *heard = hear_all(fd);
    assert_non_null(strstr(heard, "GET /b 0"));
    stop(&of);
}

static void *
stop_server(void *data)
{
    server *of = data;
    lc_http_stop(of->http);
    g_async_queue_push(of->ended, GUINT_TO_POINTER(1000));
    return NULL;
}

static void
a_stop_waits_for_the_answers_under_way(void **state)
{
    (void)state;
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 100, .threads = 2, .patience = 10 * LC_SECOND});
    int fd = dial(&of), idle = dial(&of);
    say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    lc_http_request *request = next_asked(&of);
    GThread *stopping = g_thread_new("stop", stop_server, &of);
    g_free(hear_all(idle)); /* is ended at once: it asks for nothing */
    assert_null(g_async_queue_try_pop(of.ended));
    answer(request);
    g_autofree char *heard = hear_all(fd);
    assert_non_null(strstr(heard, "POST /a 1"));
    assert_non_null(strstr(heard, "Connection: close"));
    g_thread_join(stopping);
    assert_int_equal(next_end(&of), 200);
    assert_int_equal(next_end(&of), 999);
    g_async_queue_unref(of.asked);
    g_async_queue_unref(of.ended);
}

static void
who_is_refused_is_told_even_if_it_has_sent_all(void **state)
{
    (void)state;
    server of = {.refuses = 401};
    start(&of, (lc_http_options){.body_bytes = 1000});
    int fd = dial(&of);
    say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2000000\r\n\r\n");
    assert_true(say_many(fd, 'x', 2000000));
    expect_status(fd, "401");
    fd = dial(&of); /* asks first, and is told first */
    say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2000000\r\n\r\n");
    expect_status(fd, "401");
    assert_null(g_async_queue_try_pop(of.asked));
    stop(&of);
}

static bool
only_page(const char *path, lc_http_answer *page, void *data)
{
    (void)data;
    g_string_assign(page->body, "text");
    return strcmp(path, "/page") == 0;
}

static void
pages_are_only_read(void **state)
{
    (void)state;
    static const struct {
        const char *method, *path, *status;
        bool has_body;
    } cases[] = {
        {"GET", "/page", "200", true}, {"HEAD", "/page", "200", false},  {"GET", "/other", "404", true},
        {"PUT", "/page", "405", true}, {"DELETE", "/page", "405", true}, {"HEAD", "/other", "404", false},
    };
    g_autoptr(GError) error = NULL;
    server of = {.http = lc_http_start_pages("http", "127.0.0.1:0", only_page, NULL, &error)};
    assert_null(error);
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *asked =
            g_strdup_printf("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", cases[i].method, cases[i].path);
        int fd = dial(&of);
        say_text(fd, asked);
        g_autofree char *heard = hear_all(fd);
        assert_int_equal(strncmp(heard + strlen("HTTP/1.1 "), cases[i].status, 3), 0);
        assert_int_equal(!g_str_has_suffix(heard, "\r\n\r\n"), cases[i].has_body);
    }
    lc_http_stop(of.http);
}

/* ---- Bounds ---- */

static void
a_body_has_its_limit(void **state)
{
    (void)state;
    server of = {.answers_at_once = true};
    start(&of, (lc_http_options){.body_bytes = 100000});
    static const struct {
        size_t size;
        bool in_chunks;
        const char *status;
    } cases[] = {{100000, false, "200"}, {100001, false, "413"}, {100000, true, "200"}, {100001, true, "413"}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int fd = dial(&of);
        g_autofree char *length = g_strdup_printf("Content-Length: %zu\r\n\r\n", cases[i].size);
        g_autofree char *chunk = g_strdup_printf("Transfer-Encoding: chunked\r\n\r\n%zx\r\n", cases[i].size);
        say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        say_text(fd, cases[i].in_chunks ? chunk : length);
        say_many(fd, 'x', cases[i].size);
        if (cases[i].in_chunks)
            say_text(fd, "\r\n0\r\n\r\n");
        expect_status(fd, cases[i].status);
    }
    stop(&of);
}

static void
a_body_without_end_is_cut_off(void **state)
{
    (void)state;
    server of = {.answers_at_once = true};
    start(&of, (lc_http_options){.body_bytes = 1000});
    int fd = dial(&of);
    say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    size_t sent = 0;
    while (say_text(fd, "10000\r\n") && say_many(fd, 'x', 0x10000) && say_text(fd, "\r\n") && sent < 200000000)
        sent += 0x10000;
    assert_true(sent < 200000000);
    close(fd);
    stop(&of);
}

static void
broken_chunks_are_no_request(void **state)
{
    (void)state;
    static const char *const broken[] = {"zz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloworld\r\n0\r\n\r\n",
                                         "-5\r\nhello\r\n0\r\n\r\n", "ffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
                                         "5\r\nhel"};
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 1000, .patience = 2 * LC_SECOND});
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        int fd = dial(&of);
        say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
        say_text(fd, broken[i]);
        shutdown(fd, SHUT_WR);
        g_autofree char *heard = hear_all(fd);
        if (*heard != '\0' && !g_str_has_prefix(heard, "HTTP/1.1 4"))
            fail_msg("case %zu: %s", i, heard);
    }
    assert_null(g_async_queue_try_pop(of.asked));
    stop(&of);
}

/* Whoever passes requests on may see another end than we do, and in the rest another request. */
static void
a_body_with_two_ends_is_no_request_and_what_follows_none(void **state)
{
    (void)state;
    static const char *const two[] = {"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
                                      "Content-Length: 2\r\nContent-Length: 7\r\n\r\n{}",
                                      "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"};
    server of = {.answers_at_once = true};
    start(&of, (lc_http_options){.body_bytes = 1000});
    for (size_t i = 0; i < G_N_ELEMENTS(two); i++) {
        int fd = dial(&of);
        say_text(fd, "POST /a HTTP/1.1\r\nHost: x\r\n");
        say_text(fd, two[i]);
        say_text(fd, "POST /hidden HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        g_autofree char *heard = hear_all(fd);
        if (!g_str_has_prefix(heard, "HTTP/1.1 400") || strstr(heard, "hidden"))
            fail_msg("case %zu: %s", i, heard);
    }
    stop(&of);
}

/* Of what has no end yet: 4xx, or the connection was closed before. */
static void
expect_refusal(int fd)
{
    say_text(fd, "\r\n\r\n");
    g_autofree char *heard = hear_all(fd);
    if (*heard != '\0' && !g_str_has_prefix(heard, "HTTP/1.1 4"))
        fail_msg("not refused: %.200s", heard);
}

static void
a_million_bytes_of_header_are_refused(void **state)
{
    (void)state;
    server of = {.answers_at_once = true};
    start(&of, (lc_http_options){.body_bytes = 1000});
    int fd = dial(&of);
    say_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\nX-Long: ");
    say_many(fd, 'x', 1000000);
    expect_refusal(fd);
    fd = dial(&of);
    say_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\n");
    for (int i = 0; i < 20000 && say_text(fd, "X-Some-Header: and its value, and some more, to a million bytes\r\n");
         i++)
        continue;
    expect_refusal(fd);
    fd = dial(&of);
    say_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect_status(fd, "200");
    stop(&of);
}

static void
bodies_together_have_a_limit(void **state)
{
    (void)state;
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 60000, .all_body_bytes = 100000, .threads = 2});
    static const char head[] = "POST /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 60000\r\n\r\n";
    int first = dial(&of), second = dial(&of);
    say_text(first, head);
    say_many(first, 'x', 60000);
    lc_http_request *request = next_asked(&of);
    say_text(second, head);
    say_many(second, 'x', 60000);
    g_autofree char *heard = hear_all(second);
    assert_true(g_str_has_prefix(heard, "HTTP/1.1 429"));
    assert_non_null(strstr(heard, "Retry-After: "));
    assert_int_equal(next_end(&of), 429);
    answer(request);
    expect_status(first, "200");
    assert_int_equal(next_end(&of), 200); /* its bytes are free again */
    second = dial(&of);
    say_text(second, head);
    say_many(second, 'x', 60000);
    answer(next_asked(&of));
    expect_status(second, "200");
    stop(&of);
}

/* ---- Those who take their time ---- */

static void
who_asks_for_nothing_is_sent_away(void **state)
{
    (void)state;
    static const char *const begun[] = {"", "GET /a HT", "GET /a HTTP/1.1\r\nHost: x\r\n",
                                        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf"};
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 100, .patience = LC_SECOND});
    for (size_t i = 0; i < G_N_ELEMENTS(begun); i++) {
        int fd = dial(&of);
        say_text(fd, begun[i]);
        g_free(hear_all(fd));
    }
    assert_null(g_async_queue_try_pop(of.asked));
    stop(&of);
}

/* A byte now and then keeps no connection. */
static void
who_asks_slowly_is_sent_away(void **state)
{
    (void)state;
    static const char *const begun[] = {"GET /a HTTP/1.1\r\nX-Long: ",
                                        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 10000\r\n\r\n"};
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 10000, .patience = LC_SECOND});
    for (size_t i = 0; i < G_N_ELEMENTS(begun); i++) {
        int fd = dial(&of);
        gint64 until = g_get_monotonic_time() + GENEROUS_S * G_USEC_PER_SEC;
        say_text(fd, begun[i]);
        while (say_text(fd, "x")) {
            if (g_get_monotonic_time() > until)
                fail_msg("case %zu: it was waited for", i);
            g_usleep(50000);
        }
        close(fd);
    }
    assert_null(g_async_queue_try_pop(of.asked));
    stop(&of);
}

/* However it does not take it: neither does this hold up the others. */
static void
who_does_not_take_the_answer_is_sent_away(void **state)
{
    (void)state;
    static const size_t taken_at_once[] = {0, 65536};
    server of = {.answers_at_once = true};
    start(&of, (lc_http_options){.patience = 5 * LC_SECOND});
    for (size_t i = 0; i < G_N_ELEMENTS(taken_at_once); i++) {
        char part[65536];
        unsigned n_others = 0;
        int fd = dial(&of), window = 128 * 1024;
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
        gint64 began = g_get_monotonic_time();
        for (int n = 0; n < 100; n++)
            say_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
        while (g_async_queue_try_pop(of.ended) == NULL) {
            if (g_get_monotonic_time() - began > 15 * G_USEC_PER_SEC)
                fail_msg("case %zu: it was waited for", i);
            if (taken_at_once[i])
                recv(fd, part, taken_at_once[i], 0);
            int other = dial(&of);
            say_text(other, "GET /other HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            expect_status(other, "200");
            assert_int_equal(next_end(&of), 200);
            n_others++;
            g_usleep(50000);
        }
        assert_true(n_others > 10);
        size_t taken = 0;
        for (ssize_t n; (n = recv(fd, part, sizeof part, 0)) > 0;)
            taken += (size_t)n;
        assert_true(taken < LARGE_BYTES); /* nor is anything else of what it asked answered */
        close(fd);
    }
    stop(&of);
}

/* Who is answered late is not sent away for it. */
static void
an_answer_may_take_longer_than_the_patience(void **state)
{
    (void)state;
    server of = {0};
    start(&of, (lc_http_options){.body_bytes = 100, .patience = LC_SECOND});
    int fd = dial(&of), other = dial(&of);
    say_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    lc_http_request *request = next_asked(&of);
    g_free(hear_all(other)); /* patience ends for one that came at the same time ... */
    other = dial(&of);
    g_free(hear_all(other)); /* ... and for another after it */
    answer(request);
    expect_status(fd, "200");
    stop(&of);
}

static void
those_beyond_the_limit_of_connections_wait(void **state)
{
    (void)state;
    server of = {.answers_at_once = true};
    int idle[4];
    start(&of, (lc_http_options){.body_bytes = 100, .connections = 4, .patience = LC_SECOND});
    for (size_t i = 0; i < G_N_ELEMENTS(idle); i++)
        idle[i] = dial(&of);
    int fd = dial(&of);
    say_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    expect_status(fd, "200");
    bool was_ended = false; /* one of them, before there was a place */
    for (size_t i = 0; i < G_N_ELEMENTS(idle); i++) {
        char byte;
        was_ended |= recv(idle[i], &byte, 1, MSG_DONTWAIT) == 0;
    }
    assert_true(was_ended);
    for (size_t i = 0; i < G_N_ELEMENTS(idle); i++)
        g_free(hear_all(idle[i]));
    stop(&of);
}

/* ---- The start ---- */

static void
an_address_is_local_or_not(void **state)
{
    (void)state;
    static const struct {
        const char *listen;
        bool is_local;
    } cases[] = {{"127.0.0.1:1", true}, {"127.1.2.3:1", true}, {"[::1]:1", true}, {"*:1", false},
                 {":1", false},         {"0.0.0.0:1", false},  {"[::]:1", false}, {"10.0.0.1:1", false},
                 {"nonsense", false},   {"128.0.0.1:1", false}};
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        if (lc_http_is_local(cases[i].listen) != cases[i].is_local)
            fail_msg("%s", cases[i].listen);
}

static void
what_keeps_it_from_starting_is_said(void **state)
{
    (void)state;
    server of = {0};
    start(&of, (lc_http_options){0});
    g_autofree char *taken = g_strdup_printf("127.0.0.1:%u", lc_http_port(of.http));
    const struct {
        const char *listen, *certificate, *key, *said;
    } cases[] = {
        {taken, NULL, NULL, "x.listen: \"127.0.0.1:"},
        {"127.0.0.1", NULL, NULL, "x.listen: \"127.0.0.1\": "},
        {"127.0.0.1:0", "/nothing.pem", "/nothing.pem", "x.certificate: "},
        {"127.0.0.1:0", LC_SOURCE_DIR "/README.md", LC_SOURCE_DIR "/README.md", "x.certificate: "},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        const lc_http_options options = {.section = "x",
                                         .listen = cases[i].listen,
                                         .certificate = cases[i].certificate,
                                         .key = cases[i].key,
                                         .handle = on_handle};
        assert_null(lc_http_start(&options, &error));
        assert_int_equal(error->code, LC_ERROR_CONFIG);
        if (!g_str_has_prefix(error->message, cases[i].said))
            fail_msg("not \"%s\": %s", cases[i].said, error->message);
    }
    stop(&of);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_answered_later_and_the_connection_goes_on),
        cmocka_unit_test(a_stop_waits_for_the_answers_under_way),
        cmocka_unit_test(who_is_refused_is_told_even_if_it_has_sent_all),
        cmocka_unit_test(pages_are_only_read),
        cmocka_unit_test(a_body_has_its_limit),
        cmocka_unit_test(a_body_without_end_is_cut_off),
        cmocka_unit_test(broken_chunks_are_no_request),
        cmocka_unit_test(a_body_with_two_ends_is_no_request_and_what_follows_none),
        cmocka_unit_test(a_million_bytes_of_header_are_refused),
        cmocka_unit_test(bodies_together_have_a_limit),
        cmocka_unit_test(who_asks_for_nothing_is_sent_away),
        cmocka_unit_test(who_asks_slowly_is_sent_away),
        cmocka_unit_test(who_does_not_take_the_answer_is_sent_away),
        cmocka_unit_test(an_answer_may_take_longer_than_the_patience),
        cmocka_unit_test(those_beyond_the_limit_of_connections_wait),
        cmocka_unit_test(an_address_is_local_or_not),
        cmocka_unit_test(what_keeps_it_from_starting_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
