/* supervisor.c - what systemd is told of a service: ready, what it does, that it is alive. */
#include <leadclock/service.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define LOOK_MS 200 /* until it is ready: a restart takes some 300 ms */
#define INTERVAL_MS 1000
#define EXTEND_EVERY_MS 10000
#define EXTEND_US "60000000"
#define STATUS_LINES 3 /* of some hundred partitions each may have something to say */

struct lc_supervisor {
    int socket;
    struct sockaddr_un address;
    socklen_t address_bytes;
    int64_t watchdog_ms; /* 0: not wanted */
    bool is_ready, is_stopping;
    char *status;                    /* as it was told last */
    int64_t extended_ms, watched_ms; /* when that was told last */
};

/* ---- Making one ---- */

static bool
set_address(lc_supervisor *supervisor, const char *name)
{
    size_t length = strlen(name);
    if ((*name != '/' && *name != '@') || length < 2 || length >= sizeof supervisor->address.sun_path)
        return false;
    supervisor->address.sun_family = AF_UNIX;
    memcpy(supervisor->address.sun_path, name, length);
    if (*name == '@')
        supervisor->address.sun_path[0] = '\0';
    supervisor->address_bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
    return true;
}

/* Of another process, it is not meant for us. */
static int64_t
find_watchdog_ms(void)
{
    const char *interval = g_getenv("WATCHDOG_USEC"), *pid = g_getenv("WATCHDOG_PID");
    guint64 us, of;
    if (interval == NULL || !g_ascii_string_to_unsigned(interval, 10, 1, G_MAXINT64, &us, NULL))
        return 0;
    if (pid && (!g_ascii_string_to_unsigned(pid, 10, 1, G_MAXINT, &of, NULL) || of != (guint64)getpid()))
        return 0;
    return MAX((int64_t)(us / 1000), 1);
}

lc_supervisor *
lc_supervisor_new(void)
{
    const char *name = g_getenv("NOTIFY_SOCKET");
    if (name == NULL || *name == '\0')
        return NULL;
    g_autoptr(lc_supervisor) supervisor = g_new0(lc_supervisor, 1);
    bool ok = set_address(supervisor, name);
    supervisor->socket = ok ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0) : -1;
    if (supervisor->socket < 0) {
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "NOTIFY_SOCKET=%s can't be used, nobody is told when this is ready: %s", name,
                         ok ? g_strerror(errno) : "it is no path, nor a name that begins with @");
        return NULL;
    }
    supervisor->watchdog_ms = find_watchdog_ms();
    supervisor->extended_ms = supervisor->watched_ms = INT64_MIN / 2;
    return g_steal_pointer(&supervisor);
}

void
lc_supervisor_free(lc_supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    if (supervisor->socket >= 0)
        close(supervisor->socket);
    g_free(supervisor->status);
    g_free(supervisor);
}

/* ---- Telling ---- */

/* What does not go through now (the queue is full) is told again with the next look. */
static bool
say(const lc_supervisor *supervisor, const char *message)
{
    size_t length = strlen(message);
    return sendto(supervisor->socket, message, length, MSG_NOSIGNAL, (const struct sockaddr *)&supervisor->address,
                  supervisor->address_bytes) == (ssize_t)length;
}

/* A status is one line. */
static char *
make_status(const char *words)
{
    g_auto(GStrv) lines = g_strsplit(words, "\n", -1);
    GString *status = g_string_new("STATUS=");
    guint n = 0, left_out = 0;
    for (char **line = lines; *line; line++) {
        if (**line == '\0')
            continue;
        if (n < STATUS_LINES)
            g_string_append_printf(status, "%s%s", n ? "; " : "", *line);
        else
            left_out++;
        n++;
    }
    if (left_out)
        g_string_append_printf(status, "; and %u more", left_out);
    return g_string_free(status, FALSE);
}

static void
tell_status(lc_supervisor *supervisor, const char *words)
{
    g_autofree char *status = make_status(words);
    if (g_strcmp0(status, supervisor->status) == 0 || !say(supervisor, status))
        return;
    g_free(supervisor->status);
    supervisor->status = g_steal_pointer(&status);
}

static void
tell_every(const lc_supervisor *supervisor, const char *message, int64_t every_ms, int64_t *told_ms, int64_t now_ms)
{
    if (now_ms - *told_ms >= every_ms && say(supervisor, message))
        *told_ms = now_ms;
}

int64_t
lc_supervisor_interval_ms(const lc_supervisor *supervisor)
{
    if (supervisor == NULL)
        return -1;
    int64_t interval_ms = supervisor->is_ready ? INTERVAL_MS : LOOK_MS;
    return supervisor->watchdog_ms ? MAX(MIN(interval_ms, supervisor->watchdog_ms / 4), 1) : interval_ms;
}

void
lc_supervisor_tell(lc_supervisor *supervisor, bool alive, bool ready, const char *words, int64_t now_ms)
{
    if (supervisor == NULL)
        return;
    if (alive && supervisor->watchdog_ms)
        tell_every(supervisor, "WATCHDOG=1", supervisor->watchdog_ms / 2, &supervisor->watched_ms, now_ms);
    if (supervisor->is_stopping)
        return;
    tell_status(supervisor, words);
    if (!supervisor->is_ready && ready && alive)
        supervisor->is_ready = say(supervisor, "READY=1");
    if (!supervisor->is_ready && alive)
        tell_every(supervisor, "EXTEND_TIMEOUT_USEC=" EXTEND_US, EXTEND_EVERY_MS, &supervisor->extended_ms, now_ms);
}

void
lc_supervisor_reloading(lc_supervisor *supervisor)
{
    if (supervisor == NULL || !supervisor->is_ready)
        return;
    g_autofree char *message = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT, g_get_monotonic_time());
    say(supervisor, message);
}

void
lc_supervisor_reloaded(lc_supervisor *supervisor)
{
    if (supervisor && supervisor->is_ready)
        supervisor->is_ready = say(supervisor, "READY=1");
}

void
lc_supervisor_stopping(lc_supervisor *supervisor, const char *words)
{
    if (supervisor == NULL)
        return;
    tell_status(supervisor, words);
    say(supervisor, "STOPPING=1");
    supervisor->is_stopping = true;
}
