/* worker.h - a worker from the configuration: its log, its store, its registry. Private to this room. */
#pragma once

#include "common.h"

#include <leadclock/engine.h>
#include <leadclock/redis.h>

/* What a batch frees the next one takes: given back to the system in between, its pages would have to be cleared anew.
 * But each thread has a heap of its own, and none is to keep for good what it once needed at most. */
void lc_cli_keep_memory(void);

/* Borrows from `config`. */
lc_redis_options lc_cli_redis_options(const lc_config *config);

/* `instance` names it to the group. The configuration, the book, `transactional_id` and `told` (which the workers of a
 * process share) are borrowed and must outlive it. LC_ERROR_CONFIG: a property or an address that can't be used.
 * Connects to nothing yet. */
lc_worker *lc_cli_worker_new(const lc_config *config, const char *instance, const char *transactional_id,
                             const lc_policy_book *book, lc_told *told, bool accept_policy_change, GError **error);

/* The same for a command that is in the group for a while, and leaves it when it ends. */
lc_worker *lc_cli_guest_new(const lc_config *config, const char *instance, const char *transactional_id,
                            const lc_policy_book *book, lc_told *told, GError **error);

/* ---- A worker for a command, which joins no group. Zero-initialise. ---- */

typedef struct {
    const char *command;
    lc_config *config;
    lc_policy_book *book;
    char *instance;
    lc_told *told;
    lc_worker *worker;
} lc_cli_tool;

/* Loads the configuration and the policies and makes the worker; servers are waited for LC_CLI_TIMEOUT_MS. False:
 * already said, `*code` is the exit code. */
bool lc_cli_tool_open(lc_cli_tool *tool, const char *command, const lc_cli_config_options *options, int *code);
void lc_cli_tool_clear(lc_cli_tool *tool);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_cli_tool, lc_cli_tool_clear)
