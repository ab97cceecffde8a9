/* dashboard.c - the service: its threads, its server, its end. */
#include "reader.h"

#define THREADS 4
#define CONNECTIONS 256
#define HEADER_BYTES ((size_t)16 * 1024)

/* Nothing from elsewhere, nothing inline; no other page may show ours within itself. */
#define POLICY "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

struct lc_dashboard {
    lc_dashboard_options options;
    lc_following following;
    lc_viewers *viewers; /* atomic: the last of `former` */
    GPtrArray *former;   /* requests may still use them */
    GThread *reader, *instances;
    lc_http *http;
};

bool
lc_following_wait(lc_following *following, int ms)
{
    gint64 until_us = g_get_monotonic_time() + ms * (gint64)1000;
    g_mutex_lock(&following->mutex);
    while (!following->is_stopping && ms > 0 && g_cond_wait_until(&following->changed, &following->mutex, until_us))
        continue;
    bool is_stopping = following->is_stopping;
    g_mutex_unlock(&following->mutex);
    return is_stopping;
}

/* ---- Answers ---- */

static void
reply_text(lc_http_request *request, unsigned status, const char *text, const char *header, const char *value)
{
    const char *const headers[] = {header, value, NULL};
    lc_http_reply(request, status, "text/plain; charset=utf-8", lc_text_of(text), header ? headers : NULL);
}

static void
reply_readiness(const lc_dashboard *dashboard, lc_http_request *request)
{
    g_autofree char *problem = lc_pages_problem(dashboard->following.pages);
    g_autofree char *text = problem ? g_strconcat(problem, "\n", NULL) : g_strdup("ok\n");
    reply_text(request, problem ? 503 : 200, text, NULL, NULL);
}

static void
reply_page(const lc_dashboard *dashboard, lc_http_request *request)
{
    g_auto(lc_page) page = {0};
    lc_page_question question = {.path = lc_http_path(request)};
    for (int i = 0; i < LC_PAGE_PARAMETERS; i++)
        question.values[i] = lc_http_query(request, lc_page_parameters[i]);
    lc_pages_find(dashboard->following.pages, &question, g_get_real_time() / 1000, g_get_monotonic_time(), &page);
    const char *const headers[] = {"Content-Security-Policy",
                                   POLICY,
                                   "X-Content-Type-Options",
                                   "nosniff",
                                   "Referrer-Policy",
                                   "no-referrer",
                                   "Cache-Control",
                                   page.is_fixed ? "max-age=300" : "no-store",
                                   NULL};
    lc_text body = {g_bytes_get_data(page.body, NULL), g_bytes_get_size(page.body)};
    lc_http_reply(request, page.status, page.content_type, body, headers);
}

/* A page of another site can have a name of its own lead here (DNS rebinding), but not ask under one of ours. */
static bool
is_our_name(lc_http_request *request)
{
    const char *host = lc_http_header(request, "Host");
    g_autofree char *url = g_strconcat("http://", host ? host : "", NULL);
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *name = uri ? g_uri_get_host(uri) : NULL;
    return name && (g_ascii_strcasecmp(name, "localhost") == 0 || g_hostname_is_ip_address(name));
}

static void
on_handle(lc_http_request *request, void *data)
{
    lc_dashboard *dashboard = data;
    const char *method = lc_http_method(request), *path = lc_http_path(request);
    const lc_viewers *viewers = g_atomic_pointer_get(&dashboard->viewers);
    bool is_open = lc_viewers_are_all(viewers);
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        reply_text(request, 405, "only GET\n", "Allow", "GET, HEAD");
    else if (strcmp(path, "/livez") == 0)
        reply_text(request, 200, "ok\n", NULL, NULL);
    else if (strcmp(path, "/readyz") == 0)
        reply_readiness(dashboard, request);
    else if (!is_open && !lc_viewers_know(viewers, lc_http_header(request, "Authorization")))
        reply_text(request, 401, "a name and a password are needed\n", "WWW-Authenticate",
                   "Basic realm=\"leadclock\", charset=\"UTF-8\"");
    else if (is_open && !dashboard->options.behind_proxy && !is_our_name(request))
        reply_text(request, 403, "ask for it by its address, or as localhost\n", NULL, NULL);
    else
        reply_page(dashboard, request);
}

/* ---- Who may look ---- */

static void
free_viewers(void *viewers)
{
    lc_viewers_free(viewers);
}

bool
lc_dashboard_use_users(lc_dashboard *dashboard, const char *const *users, GError **error)
{
    lc_viewers *viewers = lc_viewers_new(users);
    if (dashboard->viewers && lc_viewers_are_all(viewers) && !lc_viewers_are_all(dashboard->viewers)) {
        lc_viewers_free(viewers);
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "there is no user any more");
        return false;
    }
    g_ptr_array_add(dashboard->former, viewers);
    g_atomic_pointer_set(&dashboard->viewers, viewers);
    return true;
}

/* ---- The start ---- */

static bool
check_open(const lc_dashboard *dashboard, GError **error)
{
    const char *listen = dashboard->options.listen;
    if (!lc_viewers_are_all(dashboard->viewers) || dashboard->options.behind_proxy || lc_http_is_local(listen))
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "dashboard.listen: \"%s\" can be reached from elsewhere, and anybody could read about leads; set "
                "dashboard.users, or dashboard.behind_proxy: true where a proxy says who may look, or listen on "
                "127.0.0.1",
                listen);
    return false;
}

static bool
start_server(lc_dashboard *dashboard, GError **error)
{
    const lc_http_options http = {.section = "dashboard",
                                  .listen = dashboard->options.listen,
                                  .threads = THREADS,
                                  .connections = CONNECTIONS,
                                  .header_bytes = HEADER_BYTES,
                                  .handle = on_handle,
                                  .data = dashboard};
    dashboard->http = lc_http_start(&http, error);
    return dashboard->http != NULL;
}

lc_dashboard *
lc_dashboard_start(const lc_dashboard_options *options, GError **error)
{
    g_autoptr(lc_dashboard) dashboard = g_new0(lc_dashboard, 1);
    lc_following *following = &dashboard->following;
    dashboard->options = *options;
    following->options = &dashboard->options;
    g_mutex_init(&following->mutex);
    g_cond_init(&following->changed);
    following->pages = lc_pages_new(options->book, options->keep);
    dashboard->former = g_ptr_array_new_with_free_func(free_viewers);
    if (!lc_dashboard_use_users(dashboard, options->users, error) || !check_open(dashboard, error) ||
        !start_server(dashboard, error))
        return NULL;
    dashboard->reader = g_thread_new("tables", lc_reader_run, following);
    dashboard->instances = g_thread_new("instances", lc_instances_run, following);
    return g_steal_pointer(&dashboard);
}

void
lc_dashboard_stop(lc_dashboard *dashboard)
{
    if (dashboard == NULL)
        return;
    lc_following *following = &dashboard->following;
    g_clear_pointer(&dashboard->http, lc_http_stop);
    g_mutex_lock(&following->mutex);
    following->is_stopping = true;
    g_cond_broadcast(&following->changed);
    g_mutex_unlock(&following->mutex);
    g_clear_pointer(&dashboard->reader, g_thread_join);
    g_clear_pointer(&dashboard->instances, g_thread_join);
    lc_pages_free(following->pages);
    g_ptr_array_unref(dashboard->former);
    g_cond_clear(&following->changed);
    g_mutex_clear(&following->mutex);
    g_free(dashboard);
}

unsigned
lc_dashboard_port(const lc_dashboard *dashboard)
{
    return lc_http_port(dashboard->http);
}
