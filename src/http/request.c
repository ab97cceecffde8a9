/* request.c - one request: its body, its answer now or later. */
#include "parts.h"

#define PLAIN "text/plain; charset=utf-8"

/* Of a body that is passed over so much is read, so that its sender comes to read the answer. */
#define PASSED_OVER_BYTES ((size_t)8 * 1024 * 1024)

/* Who has the request. */
enum { COMING, HANDLED, SUSPENDED, ANSWERED };

struct lc_http_request {
    lc_http *http;
    struct MHD_Connection *connection;
    lc_http_peer *peer;
    char *method, *path;
    GByteArray *body; /* NULL: none is taken */
    size_t body_bytes, passed_over;
    gint64 began_us;
    int state; /* atomic */
    unsigned status;
    struct MHD_Response *response;
};

/* ---- What is asked ---- */

const char *
lc_http_method(const lc_http_request *request)
{
    return request->method;
}

const char *
lc_http_path(const lc_http_request *request)
{
    return request->path;
}

const char *
lc_http_header(lc_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *
lc_http_query(lc_http_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

lc_text
lc_http_body(const lc_http_request *request)
{
    if (request->body == NULL || request->body->len == 0)
        return LC_TEXT("");
    return (lc_text){(const char *)request->body->data, request->body->len};
}

/* ---- The answer ---- */

void
lc_http_reply(lc_http_request *request, unsigned status, const char *content_type, lc_text body,
              const char *const *headers)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.size, (void *)body.data, MHD_RESPMEM_MUST_COPY);
    if (content_type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (; headers && headers[0]; headers += 2)
        MHD_add_response_header(response, headers[0], headers[1]);
    if (lc_http_is_stopping(request->http))
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    request->response = response;
    request->status = status;
    struct MHD_Connection *connection = request->connection;
    int before = g_atomic_int_exchange(&request->state, ANSWERED);
    if (before == SUSPENDED)
        MHD_resume_connection(connection);
}

static void
reply_text(lc_http_request *request, unsigned status, const char *text)
{
    static const char *const again[] = {MHD_HTTP_HEADER_RETRY_AFTER, "1", NULL};
    lc_http_reply(request, status, PLAIN, lc_text_of(text), status == MHD_HTTP_TOO_MANY_REQUESTS ? again : NULL);
}

/* What was waited for while it was handled is no longer: the answer is on its way, and is to be taken. */
static enum MHD_Result
send_answer(lc_http_request *request)
{
    lc_http_peer_expect(request->peer);
    return MHD_queue_response(request->connection, request->status, request->response);
}

static bool
is_answered(lc_http_request *request)
{
    return g_atomic_int_get(&request->state) == ANSWERED;
}

/* ---- The body ---- */

static void
drop_body(lc_http_request *request)
{
    if (request->body == NULL)
        return;
    g_atomic_pointer_add(&request->http->body_bytes, -(gssize)request->body->len);
    g_clear_pointer(&request->body, g_byte_array_unref);
}

size_t
lc_http_body_bytes(lc_http *http)
{
    return (size_t)g_atomic_pointer_get((void **)&http->body_bytes);
}

/* False: so much is together. */
static bool
reserve(lc_http *http, size_t bytes)
{
    size_t before = (size_t)g_atomic_pointer_add(&http->body_bytes, (gssize)bytes);
    if (http->options.all_body_bytes == 0 || before + bytes <= http->options.all_body_bytes)
        return true;
    g_atomic_pointer_add(&http->body_bytes, -(gssize)bytes);
    return false;
}

static void
refuse_size(lc_http_request *request)
{
    g_autofree char *text =
        g_strdup_printf("a body of more than %zu bytes; send less at once\n", request->http->options.body_bytes);
    drop_body(request);
    reply_text(request, MHD_HTTP_CONTENT_TOO_LARGE, text);
}

static void
take_body(lc_http_request *request, const char *bytes, size_t size)
{
    if (size > request->http->options.body_bytes - request->body->len) {
        refuse_size(request);
    } else if (!reserve(request->http, size)) {
        drop_body(request);
        reply_text(request, MHD_HTTP_TOO_MANY_REQUESTS, "too much at once; send it again later\n");
    } else {
        g_byte_array_append(request->body, (const guint8 *)bytes, (guint)size);
    }
}

/* A body of a request that is answered already, or that wants none, is passed over, up to where it is too much. */
static enum MHD_Result
on_upload(lc_http_request *request, const char *bytes, size_t size)
{
    request->body_bytes += size;
    if (request->body && !is_answered(request)) {
        take_body(request, bytes, size);
        return MHD_YES;
    }
    request->passed_over += size;
    return request->passed_over <= PASSED_OVER_BYTES ? MHD_YES : MHD_NO;
}

/* ---- From the headers to the end ---- */

/* What it says of its size; 0: nothing. */
static guint64
announced_size(lc_http_request *request)
{
    const char *text = lc_http_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    guint64 size = 0;
    if (text && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXUINT64, &size, NULL))
        return 0;
    return size;
}

/* A sender that asks first is told before it sends; any other when it has sent, since one that sends does not read. */
static bool
may_answer_at_once(lc_http_request *request)
{
    return lc_http_header(request, MHD_HTTP_HEADER_EXPECT) != NULL || announced_size(request) > PASSED_OVER_BYTES;
}

typedef struct {
    unsigned n;    /* headers that say where the body ends */
    bool is_other; /* by a coding that is not read */
} ends_said;

static enum MHD_Result
note_end(void *data, enum MHD_ValueKind kind, const char *name, const char *value)
{
    ends_said *said = data;
    bool is_length = g_ascii_strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
    bool is_coding = g_ascii_strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0;
    (void)kind;
    said->n += is_length || is_coding;
    said->is_other |= is_coding && (value == NULL || g_ascii_strcasecmp(value, "chunked") != 0);
    return MHD_YES;
}

/* A body whose end may be read in two ways hides a request from who passes it on to us (RFC 9112, 6.3 and 11.2). */
static bool
has_two_ends(lc_http_request *request)
{
    ends_said said = {0};
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, note_end, &said);
    return said.n > 1 || said.is_other;
}

/* Nothing of what follows is read. */
static enum MHD_Result
refuse_two_ends(lc_http_request *request)
{
    static const char *const headers[] = {MHD_HTTP_HEADER_CONNECTION, "close", NULL};
    lc_http_reply(request, MHD_HTTP_BAD_REQUEST, PLAIN,
                  LC_TEXT("say once where the body ends: Content-Length, or Transfer-Encoding: chunked\n"), headers);
    return send_answer(request);
}

static enum MHD_Result
begin(lc_http_request *request)
{
    const lc_http_options *options = &request->http->options;
    if (has_two_ends(request))
        return refuse_two_ends(request);
    if (options->body_bytes)
        request->body = g_byte_array_new();
    if (options->begin)
        options->begin(request, options->data);
    if (request->body && !is_answered(request) && announced_size(request) > options->body_bytes)
        refuse_size(request);
    if (is_answered(request) && may_answer_at_once(request))
        return send_answer(request);
    return MHD_YES;
}

/* The handler may answer before it returns, or later: then the connection sleeps. */
static enum MHD_Result
handle(lc_http_request *request)
{
    const lc_http_options *options = &request->http->options;
    struct MHD_Connection *connection = request->connection;
    lc_http_peer_rest(request->peer);
    g_atomic_int_set(&request->state, HANDLED);
    options->handle(request, options->data);
    if (is_answered(request))
        return send_answer(request);
    MHD_suspend_connection(connection);
    if (!g_atomic_int_compare_and_exchange(&request->state, HANDLED, SUSPENDED))
        MHD_resume_connection(connection);
    return MHD_YES;
}

static lc_http_request *
new_request(lc_http *http, struct MHD_Connection *connection, const char *method, const char *path)
{
    lc_http_request *request = g_new0(lc_http_request, 1);
    request->http = http;
    request->connection = connection;
    request->peer = lc_http_peer_of(connection);
    request->method = g_strdup(method);
    request->path = g_strdup(path);
    request->began_us = g_get_monotonic_time();
    lc_http_peer_expect(request->peer); /* headers have their time, and a body its own */
    lc_http_count_request(http, request->peer, 1);
    return request;
}

enum MHD_Result
lc_http_on_request(void *data, struct MHD_Connection *connection, const char *path, const char *method,
                   const char *version, const char *upload, size_t *upload_size, void **context)
{
    lc_http_request *request = *context;
    (void)version;
    if (request == NULL) {
        *context = request = new_request(data, connection, method, path);
        return begin(request);
    }
    if (*upload_size) {
        enum MHD_Result result = on_upload(request, upload, *upload_size);
        *upload_size = 0;
        return result;
    }
    return is_answered(request) ? send_answer(request) : handle(request);
}

void
lc_http_on_end(void *data, struct MHD_Connection *connection, void **context, enum MHD_RequestTerminationCode why)
{
    lc_http *http = data;
    lc_http_request *request = *context;
    (void)connection, (void)why;
    if (request == NULL)
        return;
    const lc_http_end end = {request->method, request->path, request->status, request->body_bytes,
                             g_get_monotonic_time() - request->began_us};
    if (http->options.end)
        http->options.end(&end, http->options.data);
    drop_body(request);
    if (request->response)
        MHD_destroy_response(request->response);
    lc_http_peer_expect(request->peer);
    lc_http_count_request(http, request->peer, -1);
    g_free(request->method);
    g_free(request->path);
    g_free(request);
    *context = NULL;
}

/* ---- Pages ---- */

void
lc_http_reply_page(lc_http_request *request, lc_http_pages pages, void *data)
{
    static const char *const allowed[] = {MHD_HTTP_HEADER_ALLOW, "GET, HEAD", NULL};
    if (strcmp(request->method, MHD_HTTP_METHOD_GET) != 0 && strcmp(request->method, MHD_HTTP_METHOD_HEAD) != 0) {
        lc_http_reply(request, MHD_HTTP_METHOD_NOT_ALLOWED, PLAIN, LC_TEXT("only GET\n"), allowed);
        return;
    }
    lc_http_answer answer = {MHD_HTTP_OK, PLAIN, g_string_new(NULL)};
    if (!pages(request->path, &answer, data)) {
        answer.status = MHD_HTTP_NOT_FOUND;
        g_string_assign(answer.body, "no such page\n");
    }
    lc_http_reply(request, answer.status, answer.content_type, (lc_text){answer.body->str, answer.body->len}, NULL);
    g_string_free(answer.body, TRUE);
}
