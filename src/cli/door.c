/* door.c - a service behind HTTP: its signals, and what systemd is told of it. */
#include "door.h"

#include <leadclock/health.h>

#define LOOK_MS 200

void
lc_cli_door_init(lc_cli_door *door)
{
    lc_cli_block_signals_and_hangup(&door->signals);
    door->supervisor = lc_supervisor_new();
}

void
lc_cli_door_clear(lc_cli_door *door)
{
    g_clear_pointer(&door->supervisor, lc_supervisor_free);
}

static void
read_again(const lc_cli_door *door)
{
    g_autoptr(GError) error = NULL;
    if (door->read_again(door->read_again_data, &error))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", "secrets read again");
    else
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "MESSAGE", "the secrets from before are kept: %s",
                         error->message);
}

static void
take_hangup(const lc_cli_door *door)
{
    lc_supervisor_reloading(door->supervisor);
    lc_kafka_read_secrets_again();
    if (door->read_again)
        read_again(door);
    lc_supervisor_reloaded(door->supervisor);
}

/* 0: none yet. */
static int
next_signal(const lc_cli_door *door)
{
    int64_t interval_ms = lc_supervisor_interval_ms(door->supervisor),
            wait_ms = interval_ms < 0 ? LOOK_MS : MIN(interval_ms, LOOK_MS);
    const struct timespec wait = {0, wait_ms * 1000000};
    int received = sigtimedwait(&door->signals, NULL, &wait);
    return MAX(received, 0);
}

bool
lc_cli_door_wait(lc_cli_door *door, lc_http_pages pages, void *data, bool (*failed)(void *data, GError **error),
                 GError **error)
{
    for (;;) {
        if (failed && failed(data, error))
            return false;
        lc_health_tell(pages, data, door->supervisor);
        int received = next_signal(door);
        if (received == SIGHUP)
            take_hangup(door);
        else if (received)
            break;
    }
    sigdelset(&door->signals, SIGHUP); /* which ends nothing */
    lc_supervisor_stopping(door->supervisor, "stopping: what is under way is finished");
    return true;
}
