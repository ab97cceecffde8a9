/* server.c - the server: its address, its certificate, its start and end. */
#include "parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- What libmicrohttpd can ---- */

const char *
lc_http_library_version(void)
{
    return MHD_get_version();
}

bool
lc_http_has_tls(void)
{
    return MHD_is_feature_supported(MHD_FEATURE_SSL) == MHD_YES;
}

/* ---- The address ---- */

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

static int
look_up(const char *listen, struct addrinfo **found)
{
    g_autofree char *host = NULL, *port = NULL;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};

    if (!split_address(listen, &host, &port))
        return EAI_NONAME;
    return getaddrinfo(strcmp(host, "*") == 0 || *host == '\0' ? NULL : host, port, &hints, found);
}

static struct addrinfo *
find_address(const lc_http_options *options, GError **error)
{
    struct addrinfo *found = NULL;
    int failure = look_up(options->listen, &found);
    if (failure)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s.listen: \"%s\": %s; write host:port, as 127.0.0.1:9464",
                    options->section, options->listen, gai_strerror(failure));
    return found;
}

static bool
is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return address->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

bool
lc_http_is_local(const char *listen)
{
    struct addrinfo *found = NULL;
    if (look_up(listen, &found) != 0)
        return false;
    bool is_local = is_loopback(found->ai_addr); /* the one that is listened on */
    freeaddrinfo(found);
    return is_local;
}

/* ---- The start ---- */

static bool
read_file(const lc_http_options *options, const char *key, const char *path, char **text, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (path == NULL || g_file_get_contents(path, text, NULL, &problem))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s.%s: %s", options->section, key, problem->message);
    return false;
}

/* Before the server runs its words are kept for our message; later they are of no use but to those who look for a
 * defect. */
static void G_GNUC_PRINTF(2, 0) on_log(void *data, const char *format, va_list arguments)
{
    lc_http *http = data;
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    g_strdelimit(g_strchomp(text), "\n", ' ');
    g_mutex_lock(&http->lock);
    bool is_starting = http->trouble != NULL;
    if (is_starting)
        g_string_append_printf(http->trouble, "%s%s", http->trouble->len ? "; " : "", text);
    g_mutex_unlock(&http->lock);
    if (!is_starting)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_DEBUG, "MESSAGE", "http: %s", text);
}

static bool
fail_to_start(const lc_http *http, int reason, bool is_certificate, GError **error)
{
    const lc_http_options *options = &http->options;
    if (is_certificate && reason != EADDRINUSE && reason != EACCES && reason != EADDRNOTAVAIL)
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "%s.certificate: %s and %s can't be used together: %s; both must be PEM, and belong to each other",
                    options->section, options->certificate, options->key,
                    http->trouble->len ? http->trouble->str : g_strerror(reason));
    else
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s.listen: \"%s\" can't be had: %s; choose another address",
                    options->section, options->listen, g_strerror(reason));
    return false;
}

static bool
start_daemon(lc_http *http, const struct addrinfo *address, const char *certificate, const char *key, GError **error)
{
    const lc_http_options *options = &http->options;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                     (address->ai_family == AF_INET6 ? MHD_USE_IPv6 : 0) | (certificate ? MHD_USE_TLS : 0);
    const struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)certificate},
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)key},
        {MHD_OPTION_END, 0, NULL},
    };
    const struct MHD_OptionItem pool[] = {
        {MHD_OPTION_THREAD_POOL_SIZE, options->threads, NULL},
        {MHD_OPTION_END, 0, NULL},
    };
    http->trouble = g_string_new(NULL);
    errno = 0;
    http->daemon = MHD_start_daemon(flags, 0, NULL, NULL, lc_http_on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log,
                                    http, MHD_OPTION_SOCK_ADDR, address->ai_addr, MHD_OPTION_CONNECTION_LIMIT,
                                    options->connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT, options->header_bytes,
                                    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)(options->patience / LC_SECOND),
                                    MHD_OPTION_NOTIFY_CONNECTION, lc_http_on_peer, http, MHD_OPTION_NOTIFY_COMPLETED,
                                    lc_http_on_end, http, MHD_OPTION_ARRAY, options->threads > 1 ? pool : pool + 1,
                                    MHD_OPTION_ARRAY, certificate ? tls : tls + 2, MHD_OPTION_END);
    int reason = errno;
    bool ok = http->daemon != NULL || fail_to_start(http, reason, certificate != NULL, error);
    g_mutex_lock(&http->lock);
    g_string_free(g_steal_pointer(&http->trouble), TRUE);
    g_mutex_unlock(&http->lock);
    return ok;
}

static lc_http *
new_server(const lc_http_options *options)
{
    lc_http *http = g_new0(lc_http, 1);
    http->options = *options;
    http->options.threads = MAX(options->threads, 1);
    http->options.connections = options->connections ? options->connections : 32;
    http->options.header_bytes = options->header_bytes ? options->header_bytes : (size_t)32 * 1024;
    http->options.patience = options->patience ? MAX(options->patience, LC_SECOND) : 10 * LC_SECOND;
    return http;
}

/* Takes `http`. */
static lc_http *
start(lc_http *http, GError **error)
{
    g_autofree char *certificate = NULL, *key = NULL;
    struct addrinfo *address = NULL;
    bool ok = read_file(&http->options, "certificate", http->options.certificate, &certificate, error) &&
              read_file(&http->options, "key", http->options.key, &key, error) &&
              (address = find_address(&http->options, error)) != NULL;
    lc_http_peers_start(http);
    ok = ok && start_daemon(http, address, certificate, key, error);
    if (address)
        freeaddrinfo(address);
    if (ok)
        return http;
    lc_http_peers_drain(http);
    lc_http_peers_stop(http);
    g_free(http);
    return NULL;
}

lc_http *
lc_http_start(const lc_http_options *options, GError **error)
{
    return start(new_server(options), error);
}

void
lc_http_stop(lc_http *http)
{
    MHD_socket listening = MHD_quiesce_daemon(http->daemon);
    lc_http_peers_drain(http);
    MHD_stop_daemon(http->daemon);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    lc_http_peers_stop(http);
    g_free(http);
}

unsigned
lc_http_port(lc_http *http)
{
    return MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
}

/* ---- Pages ---- */

static void
handle_page(lc_http_request *request, void *data)
{
    lc_http *http = data;
    lc_http_reply_page(request, http->pages, http->pages_data);
}

lc_http *
lc_http_start_pages(const char *section, const char *listen, lc_http_pages pages, void *data, GError **error)
{
    const lc_http_options options = {.section = section, .listen = listen, .handle = handle_page};
    lc_http *http = new_server(&options);
    http->options.data = http;
    http->pages = pages;
    http->pages_data = data;
    return start(http, error);
}
