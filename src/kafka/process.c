/* process.c - which process a client is, and whether it lives. */
#include "process.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define BOOT_CHARACTERS 8 /* of the boot's id: enough to tell two of one host */

/* For a name that one who ends, or begins, has not given up, or not taken yet. */
#define NAME_TRIES 10
#define NAME_RETRY_US 20000

typedef struct {
    char *pid, *start, *ns, *boot, *host; /* owned */
} process;

static void
process_clear(process *p)
{
    g_free(p->pid);
    g_free(p->start);
    g_free(p->ns);
    g_free(p->boot);
    g_free(p->host);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(process, process_clear)

/* When a process started, in ticks since the boot (field 22 of its stat; the name before may hold anything). NULL: it
 * does not run. */
static char *
start_of(const char *pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *stat = NULL;

    if (!g_file_get_contents(path, &stat, NULL, NULL))
        return NULL;
    const char *state = strrchr(stat, ')');
    g_auto(GStrv) fields = g_strsplit(state ? state + 1 : "", " ", -1);
    if (g_strv_length(fields) < 21 || strchr("ZX", fields[1][0]))
        return NULL;
    return g_strdup(fields[20]);
}

/* "pid:[4026531836]" */
static char *
own_namespace(void)
{
    g_autofree char *link = g_file_read_link("/proc/self/ns/pid", NULL);
    const char *bracket = link ? strchr(link, '[') : NULL;

    return bracket ? g_strndup(bracket + 1, strcspn(bracket + 1, "]")) : g_strdup("0");
}

static char *
own_boot(void)
{
    char *id = NULL;

    if (!g_file_get_contents("/proc/sys/kernel/random/boot_id", &id, NULL, NULL))
        return g_strdup("0");
    id[MIN(strlen(id), BOOT_CHARACTERS)] = '\0';
    return id;
}

static void
find_self(process *self)
{
    self->pid = g_strdup_printf("%d", (int)getpid());
    self->start = start_of(self->pid);
    self->ns = own_namespace();
    self->boot = own_boot();
    self->host = g_strdup(g_get_host_name());
    if (self->start == NULL)
        self->start = g_strdup("0");
}

char *
lc_process_client_id(void)
{
    g_auto(process) self = {0};

    find_self(&self);
    return g_strdup_printf("leadclock.pid-%s.start-%s.ns-%s.boot-%s.host-%s", self.pid, self.start, self.ns, self.boot,
                           self.host);
}

/* Cuts "NAME-VALUE" off the front of `*text`; the value reaches to the next dot. */
static char *
take_part(const char **text, const char *name)
{
    if (!g_str_has_prefix(*text, name))
        return NULL;
    const char *value = *text + strlen(name), *dot = strchr(value, '.');
    if (dot == NULL)
        return NULL;
    *text = dot + 1;
    return g_strndup(value, (gsize)(dot - value));
}

static bool
parse(const char *client_id, process *found)
{
    const char *rest = client_id + strlen("leadclock.");

    if (!g_str_has_prefix(client_id, "leadclock."))
        return false;
    if ((found->pid = take_part(&rest, "pid-")) == NULL || (found->start = take_part(&rest, "start-")) == NULL ||
        (found->ns = take_part(&rest, "ns-")) == NULL || (found->boot = take_part(&rest, "boot-")) == NULL ||
        !g_str_has_prefix(rest, "host-"))
        return false;
    found->host = g_strdup(rest + strlen("host-"));
    return strspn(found->pid, "0123456789") == strlen(found->pid);
}

lc_process_state
lc_process_find(const char *client_id)
{
    g_auto(process) self = {0}, other = {0};

    find_self(&self);
    if (!parse(client_id, &other))
        return LC_PROCESS_UNKNOWN;
    if (strcmp(self.host, other.host) != 0)
        return LC_PROCESS_ELSEWHERE;
    if (strcmp(self.boot, other.boot) != 0 || strcmp(self.ns, other.ns) != 0)
        return LC_PROCESS_DEAD;
    g_autofree char *start = start_of(other.pid);
    if (start == NULL || strcmp(start, other.start) != 0)
        return LC_PROCESS_DEAD;
    return strcmp(self.pid, other.pid) == 0 ? LC_PROCESS_SELF : LC_PROCESS_RUNS;
}

/* ---- Names ---- */

/* Any name makes one of the length that there is room for. */
static socklen_t
name_address(const char *name, struct sockaddr_un *address)
{
    g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, name, -1);
    int n = g_snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "leadclock/%s", digest);

    address->sun_family = AF_UNIX;
    address->sun_path[0] = '\0'; /* abstract */
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

/* Whether somebody listens there; `*pid`: who, 0: one of another namespace of process ids, or its queue is full of
 * those who asked before. */
static bool
is_held(const struct sockaddr_un *address, socklen_t size, int *pid)
{
    struct ucred peer = {0};
    socklen_t peer_size = sizeof peer;
    int asking = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *pid = 0;
    if (asking < 0)
        return false;
    bool connected = connect(asking, (const struct sockaddr *)address, size) == 0;
    bool held = connected || errno == EAGAIN;
    if (connected && getsockopt(asking, SOL_SOCKET, SO_PEERCRED, &peer, &peer_size) == 0)
        *pid = (int)peer.pid;
    close(asking);
    return held;
}

bool
lc_process_take_name(const char *name, int *held, int *other)
{
    struct sockaddr_un address = {0};
    socklen_t size = name_address(name, &address);

    *held = -1;
    for (int tries = 0; tries < NAME_TRIES; tries++) {
        int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (listening < 0)
            return true;
        if (bind(listening, (struct sockaddr *)&address, size) == 0 && listen(listening, 1) == 0) {
            *held = listening;
            return true;
        }
        bool is_taken = errno == EADDRINUSE;
        close(listening);
        if (!is_taken)
            return true;
        if (is_held(&address, size, other))
            return *other == (int)getpid();
        g_usleep(NAME_RETRY_US);
    }
    return true;
}
