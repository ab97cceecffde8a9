/* worker.h - a worker from the configuration: its log, its store, its registry. Private to this room. */
#pragma once

#include "common.h"

#include <leadclock/engine.h>

/* `instance` names it to the group. The configuration, the book and `transactional_id` are borrowed and must outlive
 * it. LC_ERROR_CONFIG: a property or an address that can't be used. Connects to nothing yet. */
lc_worker *lc_cli_worker_new(const lc_config *config, const char *instance, const char *transactional_id,
                             const lc_policy_book *book, bool accept_policy_change, GError **error);
