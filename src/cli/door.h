/* door.h - what ingest, alert and dashboard share: they serve until a signal ends them, and who started them hears how
 * they stand. */
#pragma once

#include "common.h"

#include <leadclock/http.h>

typedef struct {
    sigset_t signals;
    lc_supervisor *supervisor; /* NULL: nobody wants to know */
    /* On SIGHUP, besides Kafka's: takes the secrets that its files hold now. False: those from before are kept, and
     * `error` says why. NULL: there are none. */
    bool (*read_again)(void *data, GError **error);
    void *read_again_data;
} lc_cli_door;

/* Signals are the door's from now on: before any thread starts. */
void lc_cli_door_init(lc_cli_door *door);
void lc_cli_door_clear(lc_cli_door *door);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_cli_door, lc_cli_door_clear)

/* Until SIGINT or SIGTERM, or until it can't go on; tells meanwhile what /livez and /readyz of `pages` say. `failed`
 * (with the same `data`) says why it can't go on; NULL: it always can. False: it can't, and `error` says why. */
bool lc_cli_door_wait(lc_cli_door *door, lc_http_pages pages, void *data, bool (*failed)(void *data, GError **error),
                      GError **error);
