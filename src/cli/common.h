/* common.h - what the subcommands share: options, configuration, errors as exit codes, tables. */
#pragma once

#include <leadclock/cli.h>
#include <leadclock/codec.h>
#include <leadclock/kafka.h>
#include <leadclock/registry.h>
#include <leadclock/service.h>

#include <signal.h>
#include <stdio.h>

/* Exit codes (cli.h). */
enum { EXIT_DONE = 0, EXIT_FOUND = 1, EXIT_USAGE = 2, EXIT_AWAY = 3 };

/* How long a command waits for a server before it gives up. */
#define LC_CLI_TIMEOUT_MS 5000

/* ---- Options ---- */

/* --config and --set, which every command on servers takes. Zero-initialise; texts are owned. */
typedef struct {
    char *file;
    char **overrides;
} lc_cli_config_options;

void lc_cli_config_options_clear(lc_cli_config_options *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_cli_config_options, lc_cli_config_options_clear)

/* Takes the options out of `argv`. `usage`: the arguments; `summary`: what the command does, in one sentence; `more`:
 * the rest of --help, with an example. `config` NULL: no --config. False: wrong usage, already said. */
bool lc_cli_parse(int *argc, char ***argv, const char *usage, const char *summary, const char *more,
                  const GOptionEntry *entries, lc_cli_config_options *config);

/* What a command says of itself. */
typedef struct {
    const char *usage, *summary, *more;           /* as lc_cli_parse takes them; NULL: none */
    const GOptionEntry *config_entries, *entries; /* NULL: none */
} lc_cli_help;

/* From now on lc_cli_parse hands over what it was given and is false, so that a command that is called only says what
 * it would take. */
void lc_cli_describe_to(void (*take)(const lc_cli_help *help, void *data), void *data);

/* False unless between `min` and `max` arguments are left, which is then said. */
bool lc_cli_check_arguments(int argc, char **argv, int min, int max);

/* ---- Errors ---- */

/* "leadclock COMMAND: MESSAGE" on standard error; the exit code. */
int lc_cli_fail(const char *command, const GError *error);
int lc_cli_exit_code(const GError *error);

/* ---- From the configuration ---- */

/* Before a configuration is loaded: from now on the kernel writes no core file of us, which would have its secrets, and
 * nobody but root can look into our memory; unless LEADCLOCK_CORE is in the environment. */
void lc_cli_leave_no_core(void);
/* Loads it with no core left, starts the logs, and warns of what is odd. NULL: already said, the exit code is
 * EXIT_USAGE. */
lc_config *lc_cli_load_config(const char *command, const lc_cli_config_options *options);

/* Whether the rows of a table (codec.h) are published. */
bool lc_cli_publishes(const lc_config *config, int table);

/* Borrows from `config`; the consumer group is its name, the instance its instance. */
lc_kafka_options lc_cli_kafka_options(const lc_config *config);
lc_registry_options lc_cli_registry_options(const lc_config *config);
lc_registry *lc_cli_registry_new(const lc_config *config, GError **error);
/* lc_registry_register; a registry that is away, or slow because it has just started, is asked again for a while. */
bool lc_cli_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error);

/* Makes a changelog as `topics --create` does. */
bool lc_cli_create_changelog(const lc_kafka_options *options, const char *name, int32_t partitions, GError **error);
/* A topic as the tables of rows must be. */
bool lc_cli_create_table(const lc_kafka_options *options, const char *name, int32_t partitions, GError **error);

/* ---- Schemas by id, fetched when first seen ---- */

typedef struct lc_cli_schemas lc_cli_schemas;
/* `registry` is borrowed. */
lc_cli_schemas *lc_cli_schemas_new(lc_registry *registry);
void lc_cli_schemas_free(lc_cli_schemas *schemas);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_cli_schemas, lc_cli_schemas_free)
/* LC_ERROR_RECORD: there is no such schema, or it can't be read. LC_ERROR_RETRY: the registry is away, and was asked
 * again for a while. */
const lc_plan *lc_cli_schemas_find(lc_cli_schemas *schemas, uint32_t id, GError **error);
/* Of one that was looked for: it is a schema of JSON, and there is no plan. */
bool lc_cli_schemas_is_json(const lc_cli_schemas *schemas, uint32_t id);
/* Of one that was found: its text. */
const char *lc_cli_schemas_text(const lc_cli_schemas *schemas, uint32_t id);

/* ---- Tables ---- */

/* Aligned columns on `file`: `cells` (texts) row by row, `n_columns` a row, the first row the heading. A column whose
 * heading begins with '>' is flushed right (the '>' is not shown). */
void lc_cli_print_table(FILE *file, const GPtrArray *cells, guint n_columns);

/* SIGINT and SIGTERM are the main thread's alone from now on, by sigwait: threads inherit the mask. No SIGPIPE. */
void lc_cli_block_signals(sigset_t *signals);
/* SIGHUP too: secrets are read again. */
void lc_cli_block_signals_and_hangup(sigset_t *signals);

/* ---- Rights (cli.h has the table) ---- */

/* Prints what gives `role` (NULL: each) its rights, as commands for a shell. `principal`, `redis_user`: whose; NULL:
 * User:NAME-ROLE and NAME-ROLE. False: no such role, one principal for several roles, or no name; already said. */
bool lc_cli_print_acls(const lc_config *config, const char *role, const char *principal, const char *redis_user);
