/* connection.c - one connection: commands sent together, answers read together. */
#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define TIMEOUT_MS 1000

/* ---- The address ---- */

static bool
refuse_url(GError **error, const char *why)
{
    /* The URL itself may hold a password. */
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "redis.url: %s; use redis://[user:password@]host:port/db or unix:///path/of.sock", why);
    return false;
}

static bool
parse_database(lc_connection *connection, const char *text, GError **error)
{
    guint64 number = 0;

    if (text == NULL || *text == '\0')
        return true;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL))
        return refuse_url(error, "what follows the host must be a database number");
    connection->database = (int)number;
    return true;
}

static bool
parse_tcp(lc_connection *connection, GUri *uri, GError **error)
{
    const char *path = g_uri_get_path(uri);

    if (g_uri_get_host(uri) == NULL || *g_uri_get_host(uri) == '\0')
        return refuse_url(error, "no host");
    connection->host = g_strdup(g_uri_get_host(uri));
    connection->port = g_uri_get_port(uri) < 0 ? 6379 : g_uri_get_port(uri);
    return parse_database(connection, *path == '/' ? path + 1 : path, error);
}

static bool
parse_unix(lc_connection *connection, GUri *uri, GError **error)
{
    const char *query = g_uri_get_query(uri);

    if (*g_uri_get_path(uri) != '/')
        return refuse_url(error, "no path of a socket");
    connection->path = g_strdup(g_uri_get_path(uri));
    return parse_database(connection, query && g_str_has_prefix(query, "db=") ? query + 3 : NULL, error);
}

static char *
first_given(const char *option, const char *of_url)
{
    const char *chosen = option && *option ? option : of_url;
    return chosen && *chosen ? g_strdup(chosen) : NULL;
}

bool
lc_connection_init(lc_connection *connection, const lc_redis_options *options, GError **error)
{
    g_autoptr(GUri) uri = g_uri_parse(options->url, G_URI_FLAGS_HAS_PASSWORD, NULL);

    *connection = (lc_connection){.out = g_string_new(NULL)};
    if (uri == NULL)
        return refuse_url(error, "not a URL");
    connection->user = first_given(options->user, g_uri_get_user(uri));
    connection->password = first_given(options->password, g_uri_get_password(uri));
    if (strcmp(g_uri_get_scheme(uri), "redis") == 0)
        return parse_tcp(connection, uri, error);
    if (strcmp(g_uri_get_scheme(uri), "unix") == 0)
        return parse_unix(connection, uri, error);
    if (strcmp(g_uri_get_scheme(uri), "rediss") == 0)
        return refuse_url(error,
                          "this build has no TLS to Redis (hiredis 0.14 lacks it; a TLS proxy beside Redis helps)");
    return refuse_url(error, "unknown scheme");
}

void
lc_connection_clear(lc_connection *connection)
{
    lc_connection_close(connection);
    g_free(connection->host);
    g_free(connection->path);
    g_free(connection->user);
    g_free(connection->password);
    if (connection->out)
        g_string_free(connection->out, TRUE);
}

/* ---- Commands: RESP, as https://redis.io/docs/reference/protocol-spec says ---- */

/* The digits of a number, up to `end`; where they begin. */
static char *
digits_before(char *end, uint64_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while (number /= 10);
    return end;
}

static void
append_count(GString *out, char kind, size_t count)
{
    char text[24];
    char *end = text + sizeof text - 2, *at = digits_before(end, count);

    memcpy(end, "\r\n", 2);
    *--at = kind;
    g_string_append_len(out, at, end + 2 - at);
}

void
lc_connection_command(lc_connection *connection, size_t n)
{
    append_count(connection->out, '*', n);
}

void
lc_connection_words(lc_connection *connection, lc_text first, lc_text second)
{
    GString *out = connection->out;

    append_count(out, '$', first.size + second.size);
    g_string_append_len(out, first.data, (gssize)first.size);
    if (second.size)
        g_string_append_len(out, second.data, (gssize)second.size);
    g_string_append_len(out, "\r\n", 2);
}

void
lc_connection_word(lc_connection *connection, lc_text word)
{
    lc_connection_words(connection, word, LC_NO_TEXT);
}

void
lc_connection_number(lc_connection *connection, int64_t number)
{
    char text[24];
    char *end = text + sizeof text, *at = digits_before(end, number < 0 ? -(uint64_t)number : (uint64_t)number);

    if (number < 0)
        *--at = '-';
    lc_connection_word(connection, (lc_text){at, (size_t)(end - at)});
}

void
lc_connection_say(lc_connection *connection, const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    lc_connection_command(connection, g_strv_length(list));
    for (char **word = list; *word; word++)
        lc_connection_word(connection, lc_text_of(*word));
}

static bool
lose(lc_connection *connection, GError **error, const char *why)
{
    g_autofree char *address =
        connection->host ? g_strdup_printf("%s:%d", connection->host, connection->port) : g_strdup(connection->path);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "Redis at %s: %s", address, why);
    lc_connection_close(connection);
    return false;
}

bool
lc_connection_send(lc_connection *connection, GError **error)
{
    GString *out = connection->out;

    for (gsize sent = 0; sent < out->len;) {
        /* hiredis would write(2), and a peer that is gone would kill us with SIGPIPE. */
        ssize_t n = send(connection->context->fd, out->str + sent, out->len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return lose(connection, error, errno == EAGAIN ? "takes no commands" : g_strerror(errno));
        sent += (gsize)n;
    }
    g_string_truncate(out, 0);
    return true;
}

/* ---- Replies: hiredis makes them in an arena, because one by one they cost more than all else here ---- */

static redisReply *
new_reply(const redisReadTask *task, size_t room)
{
    redisReply *reply = lc_arena_alloc(task->privdata, sizeof *reply + room);

    *reply = (redisReply){.type = task->type};
    if (task->parent)
        ((redisReply *)task->parent->obj)->element[task->idx] = reply;
    return reply;
}

static void *
new_string(const redisReadTask *task, char *text, size_t size)
{
    redisReply *reply = new_reply(task, size + 1);

    reply->str = (char *)(reply + 1);
    reply->len = size;
    memcpy(reply->str, text, size);
    reply->str[size] = '\0';
    return reply;
}

#if HIREDIS_MAJOR >= 1
typedef size_t element_count;
#else
typedef int element_count;
#endif

static void *
new_array(const redisReadTask *task, element_count n)
{
    redisReply *reply = new_reply(task, (size_t)n * sizeof(redisReply *));

    reply->element = (redisReply **)(void *)(reply + 1);
    reply->elements = (size_t)n;
    return reply;
}

static void *
new_integer(const redisReadTask *task, long long value)
{
    redisReply *reply = new_reply(task, 0);

    reply->integer = value;
    return reply;
}

static void *
new_nil(const redisReadTask *task)
{
    redisReply *reply = new_reply(task, 0);

    reply->type = REDIS_REPLY_NIL;
    return reply;
}

static void
leave_to_arena(void *reply)
{
    (void)reply;
}

static redisReplyObjectFunctions reply_functions = {
    .createString = new_string,
    .createArray = new_array,
    .createInteger = new_integer,
    .createNil = new_nil,
    .freeObject = leave_to_arena,
};

const redisReply *
lc_connection_receive(lc_connection *connection, GError **error)
{
    void *reply = NULL;

    connection->context->reader->privdata = connection->replies;
    while (redisGetReply(connection->context, &reply) != REDIS_OK) {
        bool timed_out = connection->context->err == REDIS_ERR_IO && errno == EAGAIN;
        lose(connection, error, timed_out ? "does not answer" : connection->context->errstr);
        return NULL;
    }
    return reply;
}

/* What is to be done where it answers, and takes no writes; NULL: it says that itself. */
static const char *
remedy_of(const char *refusal)
{
    static const struct {
        const char *start, *remedy;
    } remedies[] = {
        {"OOM", "give it more memory (maxmemory), or a machine that has more"},
        {"READONLY", "it is a replica; name the one that takes writes in redis.url"},
        {"NOREPLICAS", "it waits for its replicas (min-replicas-to-write)"},
        {"MISCONF", "it can't save to its disk; its log says why"},
        {"NOPERM", "its user needs ~NAME:* and +@read +@write +@transaction (ACL SETUSER; NAME is `name`)"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(remedies); i++)
        if (g_str_has_prefix(refusal, remedies[i].start))
            return remedies[i].remedy;
    return NULL;
}

bool
lc_connection_refuse(const redisReply *reply, GError **error)
{
    static const char *const of_operator[] = {
        "NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH", "ERR DB index", "ERR Client sent AUTH",
        NULL};
    lc_error code = LC_ERROR_RETRY;

    for (const char *const *start = of_operator; *start; start++)
        if (g_str_has_prefix(reply->str, *start))
            code = LC_ERROR_CONFIG;
    const char *remedy = remedy_of(reply->str);
    g_set_error(error, LC_ERROR, (int)code, "Redis says: %s%s%s", reply->str, remedy ? "; " : "", remedy ? remedy : "");
    return false;
}

const redisReply *
lc_connection_expect(lc_connection *connection, GError **error)
{
    const redisReply *reply = lc_connection_receive(connection, error);

    if (reply && reply->type == REDIS_REPLY_ERROR) {
        lc_connection_refuse(reply, error);
        /* What else was sent is not worth sorting out. */
        lc_connection_close(connection);
        return NULL;
    }
    return reply;
}

lc_text
lc_reply_text(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_NIL ? LC_NO_TEXT : (lc_text){reply->str, reply->len};
}

/* ---- Connecting ---- */

static bool
greet(lc_connection *connection, GError **error)
{
    int expected = 1;

    if (connection->password) {
        lc_connection_command(connection, connection->user ? 3 : 2);
        lc_connection_word(connection, LC_TEXT("AUTH"));
        if (connection->user)
            lc_connection_word(connection, lc_text_of(connection->user));
        lc_connection_word(connection, lc_text_of(connection->password));
        expected++;
    }
    lc_connection_command(connection, 2);
    lc_connection_word(connection, LC_TEXT("SELECT"));
    lc_connection_number(connection, connection->database);
    if (!lc_connection_send(connection, error))
        return false;
    for (; expected; expected--)
        if (!lc_connection_expect(connection, error))
            return false;
    return true;
}

bool
lc_connection_open(lc_connection *connection, GError **error)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000};

    if (connection->context)
        return true;
    connection->context = connection->host ? redisConnectWithTimeout(connection->host, connection->port, timeout)
                                           : redisConnectUnixWithTimeout(connection->path, timeout);
    if (connection->context == NULL)
        return lose(connection, error, "no memory");
    if (connection->context->err)
        return lose(connection, error, connection->context->errstr);
    connection->context->reader->fn = &reply_functions;
    connection->context->reader->maxbuf = 0; /* its buffer is kept from one large reply to the next */
    redisSetTimeout(connection->context, timeout);
    if (connection->host)
        redisEnableKeepAlive(connection->context);
    return greet(connection, error);
}

void
lc_connection_close(lc_connection *connection)
{
    g_clear_pointer(&connection->context, redisFree);
    if (connection->out)
        g_string_truncate(connection->out, 0);
}
