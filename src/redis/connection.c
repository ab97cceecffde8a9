/* connection.c - one connection: commands sent together, answers read together. */
#include "connection.h"

#include <leadclock/text.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define TIMEOUT_MS 1000
/* There are several sentinels, and no call takes longer than about a second. */
#define SENTINEL_TIMEOUT_MS 300

static bool
lose(lc_connection *connection, GError **error, const char *why)
{
    g_autofree char *address = connection->at.host ? g_strdup_printf("%s:%d", connection->at.host, connection->at.port)
                                                   : g_strdup(connection->address.path);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "%s at %s: %s", connection->is_to_sentinel ? "the sentinel" : "Redis",
                address, why);
    lc_connection_close(connection);
    return false;
}

bool
lc_connection_send(lc_connection *connection, GError **error)
{
    GString *out = connection->out;

    if (connection->address.tls) {
        const char *why = lc_redis_tls_send(connection->address.tls, connection->context, out->str, out->len);
        g_string_truncate(out, 0);
        return why == NULL || lose(connection, error, why);
    }
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

/* A server that takes TLS only hangs up on what is no TLS. */
static bool
may_want_tls(const lc_connection *connection)
{
    return connection->address.tls == NULL && connection->at.host && !connection->has_answered;
}

static bool
lose_unanswered(lc_connection *connection, GError **error)
{
    bool timed_out = connection->context->err == REDIS_ERR_IO && errno == EAGAIN;
    const char *refusal = lc_redis_tls_refusal(connection->address.tls);
    g_autofree char *hung_up = g_strconcat(
        connection->context->errstr,
        may_want_tls(connection) ? "; where it takes TLS only, redis.url must begin with rediss" : NULL, NULL);

    return lose(connection, error, refusal ? refusal : timed_out ? "does not answer" : hung_up);
}

const redisReply *
lc_connection_receive(lc_connection *connection, GError **error)
{
    void *reply = NULL;

    connection->context->reader->privdata = connection->replies;
    if (redisGetReply(connection->context, &reply) != REDIS_OK) {
        lose_unanswered(connection, error);
        return NULL;
    }
    connection->has_answered = true;
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
        {"WRONGPASS", "look at redis.user and redis.password (of sentinels: redis.sentinel_user and "
                      "redis.sentinel_password)"},
        {"ERR invalid password", "look at redis.password (of sentinels: redis.sentinel_password)"},
        {"ERR AUTH",
         "it has no password, and redis.url, redis.password or redis.password_file gives one (of sentinels: "
         "redis.sentinel_password and so on)"},
        {"ERR Client sent AUTH",
         "it has no password, and redis.url, redis.password or redis.password_file gives one (of "
         "sentinels: redis.sentinel_password and so on)"},
        {"ERR DB index", "redis.url names a database that it does not have"},
        {"NOAUTH", "it wants a login: set redis.user and redis.password, or redis.password_file (of sentinels: "
                   "redis.sentinel_user and so on)"},
        {"NOPERM", "`leadclock topics --acls` prints the ACL that its user needs"},
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
    static const char of_exec[] = "EXECABORT Transaction discarded because of: ";
    const char *said = reply->str + (g_str_has_prefix(reply->str, of_exec) ? strlen(of_exec) : 0);
    lc_error code = LC_ERROR_RETRY;

    for (const char *const *start = of_operator; *start; start++)
        if (g_str_has_prefix(said, *start))
            code = LC_ERROR_CONFIG;
    const char *remedy = remedy_of(said);
    if (g_str_has_prefix(said, "ASK ") || g_str_has_prefix(said, "TRYAGAIN"))
        g_set_error(error, LC_ERROR, (int)code, "a slot of Redis is being moved, which is waited for: %s", said);
    else
        g_set_error(error, LC_ERROR, (int)code, "Redis says: %s%s%s", said, remedy ? "; " : "", remedy ? remedy : "");
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

/* Whether there is one. False, with an error, too: its file can't be read, which is waited for. */
static bool
say_login(lc_connection *connection, const lc_redis_login *login, GError **error)
{
    g_autoptr(GError) problem = NULL;
    char *secret = login->file ? lc_secret_read(login->file, &problem) : NULL;
    const char *password = secret ? secret : login->password;

    if (problem)
        lose(connection, error, problem->message);
    if (problem || password == NULL)
        return false;
    lc_connection_command(connection, login->user ? 3 : 2);
    lc_connection_word(connection, LC_TEXT("AUTH"));
    if (login->user)
        lc_connection_word(connection, lc_text_of(login->user));
    lc_connection_word(connection, lc_text_of(password));
    lc_secret_free(secret);
    return true;
}

/* What was said is answered. A password in a file may be another one soon, as when all are renewed: it is waited for.
 */
static bool
take_login(lc_connection *connection, const lc_redis_login *login, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (lc_connection_expect(connection, &problem))
        return true;
    if (login->file && g_error_matches(problem, LC_ERROR, LC_ERROR_CONFIG))
        g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "%s (the password is that of %s, which is read again)",
                    problem->message, login->file);
    else
        g_propagate_error(error, g_steal_pointer(&problem));
    return false;
}

static bool
log_in(lc_connection *connection, const lc_redis_login *login, GError **error)
{
    g_autoptr(GError) problem = NULL;

    if (!say_login(connection, login, &problem)) {
        bool is_none = problem == NULL;
        if (problem)
            g_propagate_error(error, g_steal_pointer(&problem));
        return is_none;
    }
    return lc_connection_send(connection, error) && take_login(connection, login, error);
}

/* It begins in database 0. */
static bool
greet(lc_connection *connection, GError **error)
{
    bool selects = connection->address.database != 0;
    const lc_redis_login *login = &connection->address.login;
    g_autoptr(GError) problem = NULL;

    bool logs_in = say_login(connection, login, &problem);
    if (problem) {
        g_propagate_error(error, g_steal_pointer(&problem));
        return false;
    }
    if (selects) {
        lc_connection_command(connection, 2);
        lc_connection_word(connection, LC_TEXT("SELECT"));
        lc_connection_number(connection, connection->address.database);
    }
    return (!(logs_in || selects) || lc_connection_send(connection, error)) &&
           (!logs_in || take_login(connection, login, error)) && (!selects || lc_connection_expect(connection, error));
}

/* To `at`, or the socket; nothing is said yet. */
static bool
reach(lc_connection *connection, int timeout_ms, GError **error)
{
    struct timeval timeout = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};

    connection->context = connection->at.host
                              ? redisConnectWithTimeout(connection->at.host, connection->at.port, timeout)
                              : redisConnectUnixWithTimeout(connection->address.path, timeout);
    if (connection->context == NULL)
        return lose(connection, error, "no memory");
    if (connection->context->err) {
        bool is_named = !connection->address.is_cluster && (connection->is_to_sentinel || !connection->address.master);
        g_autofree char *unreached =
            g_strconcat(connection->context->errstr,
                        is_named ? "; look whether it runs, and whether redis.url is right" : NULL, NULL);
        return lose(connection, error, unreached);
    }
    connection->has_answered = false;
    connection->context->reader->fn = &reply_functions;
    connection->context->reader->maxbuf = 0; /* its buffer is kept from one large reply to the next */
    redisSetTimeout(connection->context, timeout);
    if (connection->at.host)
        redisEnableKeepAlive(connection->context);
    const char *why = NULL;
    if (connection->address.tls)
        why = lc_redis_tls_start(connection->address.tls, connection->context, connection->at.host);
    return why == NULL || lose(connection, error, why);
}

static void
set_at(lc_connection *connection, const char *host, int port)
{
    char *copy = g_strdup(host); /* `host` may be the one that is there */

    g_free(connection->at.host);
    connection->at = (lc_redis_endpoint){copy, port};
}

/* ---- Sentinels: https://redis.io/docs/reference/sentinel-clients ---- */

/* What one sentinel says; it is disconnected from again. */
static bool
ask_sentinel(lc_connection *connection, const lc_redis_endpoint *sentinel, lc_redis_endpoint *master, GError **error)
{
    set_at(connection, sentinel->host, sentinel->port);
    connection->is_to_sentinel = true;
    const redisReply *reply = NULL;
    if (reach(connection, SENTINEL_TIMEOUT_MS, error) &&
        log_in(connection, &connection->address.sentinel_login, error)) {
        lc_connection_command(connection, 3);
        lc_connection_word(connection, LC_TEXT("SENTINEL"));
        lc_connection_word(connection, LC_TEXT("get-master-addr-by-name"));
        lc_connection_word(connection, lc_text_of(connection->address.master));
        reply = lc_connection_send(connection, error) ? lc_connection_expect(connection, error) : NULL;
    }
    if (reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        *master = (lc_redis_endpoint){g_strdup(reply->element[0]->str), atoi(reply->element[1]->str)};
    else if (reply)
        g_set_error(
            error, LC_ERROR, LC_ERROR_RETRY,
            "the sentinel at %s:%d knows no master \"%s\"; look whether redis.url names it as sentinel.conf does",
            sentinel->host, sentinel->port, connection->address.master);
    if (reply == NULL)
        g_prefix_error(error, "of the sentinels, ");
    lc_connection_close(connection);
    connection->is_to_sentinel = false;
    return master->host != NULL;
}

/* The first that answers is believed, and asked first from then on. */
static bool
find_master(lc_connection *connection, lc_redis_endpoint *master, GError **error)
{
    GPtrArray *sentinels = connection->address.endpoints;

    for (guint i = 0; i < sentinels->len; i++) {
        g_clear_error(error);
        if (ask_sentinel(connection, sentinels->pdata[i], master, error)) {
            gpointer answered = sentinels->pdata[i];
            sentinels->pdata[i] = sentinels->pdata[0];
            sentinels->pdata[0] = answered;
            return true;
        }
    }
    return false;
}

/* A sentinel may name one that has not become the master yet, or is none any more. */
static bool
require_role(lc_connection *connection, GError **error)
{
    lc_connection_say(connection, "ROLE");
    const redisReply *role = lc_connection_send(connection, error) ? lc_connection_expect(connection, error) : NULL;
    if (role == NULL)
        return false;
    if (role->type == REDIS_REPLY_ARRAY && role->elements &&
        lc_text_equal(lc_reply_text(role->element[0]), LC_TEXT("master")))
        return true;
    return lose(connection, error, "the sentinels name it, and it is not (yet) the master");
}

static bool
open_by_sentinels(lc_connection *connection, GError **error)
{
    lc_redis_endpoint master = {0};

    if (!find_master(connection, &master, error))
        return false;
    set_at(connection, master.host, master.port);
    g_free(master.host);
    return reach(connection, TIMEOUT_MS, error) && greet(connection, error) && require_role(connection, error);
}

bool
lc_connection_open(lc_connection *connection, GError **error)
{
    if (connection->context)
        return true;
    if (connection->address.master)
        return open_by_sentinels(connection, error);
    return reach(connection, TIMEOUT_MS, error) && greet(connection, error);
}

bool
lc_connection_is_to_master(lc_connection *connection)
{
    if (connection->address.master == NULL || connection->context == NULL)
        return true;
    lc_connection asking = {.address = connection->address, .out = g_string_new(NULL), .replies = connection->replies};
    lc_redis_endpoint master = {0};
    g_autoptr(GError) unknown = NULL;
    bool is_known = find_master(&asking, &master, &unknown);
    bool is_same = !is_known || lc_redis_is_at(&master, connection->at.host, connection->at.port);
    g_free(master.host);
    g_free(asking.at.host);
    g_string_free(asking.out, TRUE);
    return is_same;
}

void
lc_connection_close(lc_connection *connection)
{
    g_clear_pointer(&connection->context, redisFree);
    g_string_truncate(connection->out, 0);
}

/* ---- Life ---- */

void
lc_connection_init(lc_connection *connection, lc_redis_address address)
{
    *connection = (lc_connection){.address = address, .out = g_string_new(NULL)};
    if (address.master == NULL && address.endpoints->len) {
        const lc_redis_endpoint *first = address.endpoints->pdata[0];
        set_at(connection, first->host, first->port);
    }
}

void
lc_connection_clear(lc_connection *connection)
{
    lc_connection_close(connection);
    lc_redis_address_clear(&connection->address);
    g_free(connection->at.host);
    g_string_free(connection->out, TRUE);
}
