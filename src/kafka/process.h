/* process.h - which process a member of the group is: the group's consumers say so in their client.id, so that who
 * starts under the same name can tell one that died from one that runs. Private to this room. */
#pragma once

#include <leadclock/base.h>

/* "leadclock.pid-PID.start-TICKS.ns-NUMBER.boot-ID.host-NAME": the process, when it started, its namespace of process
 * ids, the boot of its machine, the host's name. Caller frees. */
char *lc_process_client_id(void);

typedef enum {
    LC_PROCESS_SELF,
    LC_PROCESS_RUNS,      /* on this host */
    LC_PROCESS_DEAD,      /* as far as this host can tell: it was here, or in another life of this host */
    LC_PROCESS_ELSEWHERE, /* on a host with another name */
    LC_PROCESS_UNKNOWN    /* a client id that is not one of these */
} lc_process_state;

lc_process_state lc_process_find(const char *client_id);

/* Takes a name that one process of this machine has at a time, until `*held` is closed or the process ends, however it
 * ends: an abstract Unix socket, so one of its network namespace. False: another process has it, `*other`; `*other` 0:
 * nobody can tell which. True with `*held` -1: this process has it already, or may make no such socket. */
bool lc_process_take_name(const char *name, int *held, int *other);
