/* client.c - requests over HTTP and their answers, by libcurl. */
#include <leadclock/http_client.h>
#include <leadclock/text.h>

#include <curl/curl.h>

G_STATIC_ASSERT(LC_HTTP_PROBLEM_BYTES >= CURL_ERROR_SIZE);

struct lc_http_client {
    CURLM *multi; /* keeps connections */
    char *user, *password, *password_file, *ca_file, *certificate_file, *key_file;
    char **headers;
    lc_duration timeout;
    size_t max_answer_bytes;
    bool was_answered; /* ever */
};

/* What is behind an exchange. */
typedef struct {
    lc_http_exchange door;
    lc_http_client *client;
    CURL *handle;
    struct curl_slist *headers;
    char *body;
} request;

/* ---- One request ---- */

static size_t
take_answer(char *bytes, size_t one, size_t size, void *data)
{
    request *r = data;
    (void)one;
    if (size > r->client->max_answer_bytes - r->door.answer->len)
        return CURL_WRITEFUNC_ERROR;
    g_string_append_len(r->door.answer, bytes, (gssize)size);
    return size;
}

static void
add_headers(request *r, const char *const *headers)
{
    for (; headers && *headers; headers++)
        r->headers = curl_slist_append(r->headers, *headers);
}

/* False: the file can't be read, which ends the request. */
static bool
set_identity(request *r)
{
    const lc_http_client *client = r->client;
    g_autoptr(GError) error = NULL;
    char *secret = NULL;
    if (client->user == NULL)
        return true;
    if (client->password_file && (secret = lc_secret_read(client->password_file, &error)) == NULL) {
        g_snprintf(r->door.problem, sizeof r->door.problem, "its password: %s", error->message);
        r->door.result = LC_HTTP_FAILED;
        r->door.is_done = true;
        return false;
    }
    const char *password = secret ? secret : client->password;
    curl_easy_setopt(r->handle, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
    curl_easy_setopt(r->handle, CURLOPT_USERNAME, client->user);
    curl_easy_setopt(r->handle, CURLOPT_PASSWORD, password ? password : "");
    lc_secret_free(secret);
    return true;
}

static void
set_trust(const lc_http_client *client, CURL *handle)
{
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L);
    if (client->ca_file)
        curl_easy_setopt(handle, CURLOPT_CAINFO, client->ca_file);
    if (client->certificate_file)
        curl_easy_setopt(handle, CURLOPT_SSLCERT, client->certificate_file);
    if (client->key_file)
        curl_easy_setopt(handle, CURLOPT_SSLKEY, client->key_file);
}

static void
set_body(request *r, lc_text body)
{
    if (lc_text_is_absent(body))
        return;
    r->body = g_strndup(body.data, body.size);
    curl_easy_setopt(r->handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    curl_easy_setopt(r->handle, CURLOPT_POSTFIELDS, r->body);
}

lc_http_exchange *
lc_http_client_send(lc_http_client *client, const char *url, const char *const *headers, lc_text body)
{
    request *r = g_new0(request, 1);
    r->client = client;
    r->handle = curl_easy_init();
    r->door.answer = g_string_new(NULL);
    /* A large body is sent at once: not all servers answer to the question whether they want it. */
    r->headers = curl_slist_append(NULL, "Expect:");
    add_headers(r, (const char *const *)client->headers);
    add_headers(r, headers);
    curl_easy_setopt(r->handle, CURLOPT_URL, url);
    curl_easy_setopt(r->handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(r->handle, CURLOPT_TIMEOUT_MS, (long)client->timeout);
    curl_easy_setopt(r->handle, CURLOPT_ERRORBUFFER, r->door.problem);
    curl_easy_setopt(r->handle, CURLOPT_WRITEFUNCTION, take_answer);
    curl_easy_setopt(r->handle, CURLOPT_WRITEDATA, r);
    curl_easy_setopt(r->handle, CURLOPT_PRIVATE, r);
    curl_easy_setopt(r->handle, CURLOPT_HTTPHEADER, r->headers);
    set_trust(client, r->handle);
    set_body(r, body);
    if (set_identity(r))
        curl_multi_add_handle(client->multi, r->handle);
    return &r->door;
}

void
lc_http_exchange_free(lc_http_exchange *exchange)
{
    request *r = (request *)exchange;
    if (r == NULL)
        return;
    curl_multi_remove_handle(r->client->multi, r->handle);
    curl_easy_cleanup(r->handle);
    curl_slist_free_all(r->headers);
    g_string_free(r->door.answer, TRUE);
    g_free(r->body);
    g_free(r);
}

/* ---- Moving on ---- */

static lc_http_result
result_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return LC_HTTP_ANSWERED;
    case CURLE_WRITE_ERROR:
        return LC_HTTP_TOO_LONG;
    case CURLE_OPERATION_TIMEDOUT:
        return LC_HTTP_TIMED_OUT;
    default:
        return LC_HTTP_FAILED;
    }
}

/* Of <openssl/x509_vfy.h>, which libcurl passes on. */
enum { VERIFIED = 0, UNSPECIFIED = 1, NOT_YET_VALID = 9, EXPIRED = 10, OTHER_HOST = 62, OTHER_ADDRESS = 64 };

static lc_http_tls_problem
problem_of_certificate(CURL *handle)
{
    long verified = VERIFIED;
    curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &verified);
    switch (verified) {
    case NOT_YET_VALID:
    case EXPIRED:
        return LC_HTTP_TLS_OUT_OF_DATE;
    case VERIFIED: /* libcurl looks at the name itself, before it says of the rest that it is well */
    case UNSPECIFIED:
    case OTHER_HOST:
    case OTHER_ADDRESS:
        return LC_HTTP_TLS_OTHER_NAME;
    default:
        return LC_HTTP_TLS_CA_UNKNOWN;
    }
}

/* With TLS 1.3 a server says what it does not like about us once we have begun to write, by an alert, which may be
 * lost. Where none came it may as well have gone away; on a connection that was used before it has, if it ever
 * answered: libcurl also uses one again on which nothing could be written. */
static lc_http_tls_problem
problem_of_end(const request *r)
{
    long made = 0;
    curl_easy_getinfo(r->handle, CURLINFO_NUM_CONNECTS, &made);
    if (strstr(r->door.problem, "alert"))
        return LC_HTTP_TLS_REFUSES_US;
    return made || !r->client->was_answered ? LC_HTTP_TLS_ENDED : LC_HTTP_TLS_WELL;
}

static lc_http_tls_problem
tls_problem_of(const request *r, CURLcode code)
{
    char *scheme = NULL;
    long status = 0;
    curl_easy_getinfo(r->handle, CURLINFO_SCHEME, &scheme);
    curl_easy_getinfo(r->handle, CURLINFO_RESPONSE_CODE, &status);
    if (scheme == NULL || g_ascii_strcasecmp(scheme, "https") != 0 || status)
        return LC_HTTP_TLS_WELL;
    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return problem_of_certificate(r->handle);
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
        return LC_HTTP_TLS_FILES;
    case CURLE_SSL_CONNECT_ERROR:
        return strstr(r->door.problem, "wrong version number") ? LC_HTTP_TLS_NOT_SPOKEN : LC_HTTP_TLS_REFUSES_US;
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_GOT_NOTHING:
        return problem_of_end(r);
    default:
        return LC_HTTP_TLS_WELL;
    }
}

static void
end_request(request *r, CURLcode code)
{
    long status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(r->handle, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(r->handle, CURLINFO_RETRY_AFTER, &retry_after);
    r->door.result = result_of(code);
    r->client->was_answered |= code == CURLE_OK;
    r->door.tls_problem = tls_problem_of(r, code);
    r->door.status = (int)status;
    r->door.retry_after = CLAMP(retry_after, 0, G_MAXINT32) * LC_SECOND;
    r->door.is_done = true;
    if (code != CURLE_OK && r->door.problem[0] == '\0')
        g_strlcpy(r->door.problem, curl_easy_strerror(code), sizeof r->door.problem);
}

bool
lc_http_client_move(lc_http_client *client, int wait_ms)
{
    int running, left;
    size_t ended = 0;
    curl_multi_perform(client->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(client->multi, &left));) {
        request *r;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&r);
        end_request(r, message->data.result);
        ended++;
    }
    if (ended == 0)
        curl_multi_poll(client->multi, NULL, 0, wait_ms, NULL);
    return ended > 0;
}

/* ---- The client ---- */

/* libcurl wants this before its first use, and not from two threads. */
static void
start_curl(void)
{
    static gsize started;
    if (g_once_init_enter(&started)) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        g_once_init_leave(&started, 1);
    }
}

lc_http_client *
lc_http_client_new(const lc_http_client_options *options)
{
    start_curl();
    lc_http_client *client = g_new0(lc_http_client, 1);
    client->multi = curl_multi_init();
    client->user = g_strdup(options->user);
    client->password = g_strdup(options->password);
    client->password_file = g_strdup(options->password_file);
    client->ca_file = g_strdup(options->ca_file);
    client->certificate_file = g_strdup(options->certificate_file);
    client->key_file = g_strdup(options->key_file);
    client->headers = g_strdupv((char **)options->headers);
    client->timeout = options->timeout;
    client->max_answer_bytes = options->max_answer_bytes;
    return client;
}

void
lc_http_client_free(lc_http_client *client)
{
    if (client == NULL)
        return;
    curl_multi_cleanup(client->multi);
    g_free(client->user);
    lc_secret_free(client->password);
    g_free(client->password_file);
    g_free(client->ca_file);
    g_free(client->certificate_file);
    g_free(client->key_file);
    g_strfreev(client->headers);
    g_free(client);
}

/* ---- URLs ---- */

static bool
has_part(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool is_there = curl_url_get(url, part, &text, 0) == CURLUE_OK;
    curl_free(text);
    return is_there;
}

unsigned
lc_http_url_look(const char *text)
{
    unsigned traits = 0;
    CURLU *url = curl_url();
    if (curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
        !(g_str_has_prefix(text, "http://") || g_str_has_prefix(text, "https://")))
        traits |= LC_HTTP_URL_IS_NONE;
    if (has_part(url, CURLUPART_USER) || has_part(url, CURLUPART_PASSWORD))
        traits |= LC_HTTP_URL_HAS_IDENTITY;
    if (has_part(url, CURLUPART_QUERY) || has_part(url, CURLUPART_FRAGMENT))
        traits |= LC_HTTP_URL_HAS_QUERY;
    curl_url_cleanup(url);
    return traits;
}
