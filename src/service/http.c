/* http.c - a small HTTP server for pages that are read. */
#include <leadclock/service.h>

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdlib.h>

struct lc_http {
    struct MHD_Daemon *daemon;
    lc_http_handler handler;
    void *data;
};

static enum MHD_Result
send_body(struct MHD_Connection *connection, unsigned status, const char *content_type, const GString *body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(body->len, body->str, MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    enum MHD_Result result = MHD_queue_response(connection, status, response);

    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result
on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
           const char *upload, size_t *upload_size, void **request)
{
    lc_http *http = data;
    static int first_call;

    (void)version, (void)upload;
    if (*request == NULL) { /* only the headers are here; a body may follow, and is passed over */
        *request = &first_call;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    lc_http_answer answer = {MHD_HTTP_OK, "text/plain; charset=utf-8", g_string_new(NULL)};
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        answer.status = MHD_HTTP_METHOD_NOT_ALLOWED;
        g_string_assign(answer.body, "only GET\n");
    } else if (!http->handler(path, &answer, http->data)) {
        answer.status = MHD_HTTP_NOT_FOUND;
        g_string_assign(answer.body, "no such page\n");
    }
    enum MHD_Result result = send_body(connection, answer.status, answer.content_type, answer.body);
    g_string_free(answer.body, TRUE);
    return result;
}

/* "host:port", "[v6]:port" or "*:port". */
static bool
split_address(const char *listen, char **host, char **port)
{
    const char *colon = strrchr(listen, ':');

    if (colon == NULL || colon[1] == '\0')
        return false;
    *port = g_strdup(colon + 1);
    *host = listen[0] == '[' && colon > listen && colon[-1] == ']' ? g_strndup(listen + 1, (gsize)(colon - listen - 2))
                                                                   : g_strndup(listen, (gsize)(colon - listen));
    return true;
}

static struct addrinfo *
find_address(const char *listen, GError **error)
{
    g_autofree char *host = NULL, *port = NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int failure = EAI_NONAME;

    if (split_address(listen, &host, &port))
        failure = getaddrinfo(strcmp(host, "*") == 0 || *host == '\0' ? NULL : host, port, &hints, &found);
    if (failure)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "http.listen: \"%s\": %s; write host:port, as 127.0.0.1:9464",
                    listen, gai_strerror(failure));
    return found;
}

lc_http *
lc_http_start(const char *listen, lc_http_handler handler, void *data, GError **error)
{
    struct addrinfo *address = find_address(listen, error);
    if (address == NULL)
        return NULL;

    lc_http *http = g_new0(lc_http, 1);
    http->handler = handler;
    http->data = data;
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    http->daemon =
        MHD_start_daemon(flags, 0, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, address->ai_addr,
                         MHD_OPTION_CONNECTION_LIMIT, 32u, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_END);
    int reason = errno;
    freeaddrinfo(address);
    if (http->daemon)
        return http;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "http.listen: \"%s\" can't be had: %s; choose another address, or leave http out", listen,
                g_strerror(reason));
    g_free(http);
    return NULL;
}

void
lc_http_stop(lc_http *http)
{
    MHD_stop_daemon(http->daemon);
    g_free(http);
}
