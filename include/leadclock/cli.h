/* cli.h - the subcommands. One file of src/cli each; main.c picks one.
 *
 * Uses every room. Standard output carries what was asked for, standard error everything else. Each takes its own
 * arguments (argv[0] is its name) and returns the exit code: 0 done, 1 found something, 2 usage or configuration,
 * 3 a server can't be reached. */
#pragma once

#include <leadclock/service.h>

/* "leadclock 0.1.0 (time zone data 2025b)". */
void lc_cli_print_version(void);

/* A subcommand, and what it is for, in some words. */
typedef struct {
    const char *name, *help;
    int (*run)(int argc, char **argv);
} lc_cli_command;

/* Writes the manual pages, and what bash and zsh complete by, into `folder`: all made of `commands` (after the last one
 * comes one without a name), of their tables of options, and of the table of configuration keys. `about`: what the
 * program does. The exit code. The build calls it, as 'leadclock --manual FOLDER'. */
int lc_cli_write_manual(const char *about, const lc_cli_command *commands, const char *folder);

int lc_cli_alert(int argc, char **argv);
int lc_cli_backtest(int argc, char **argv);
int lc_cli_check(int argc, char **argv);
int lc_cli_dashboard(int argc, char **argv);
int lc_cli_ingest(int argc, char **argv);
int lc_cli_inspect(int argc, char **argv);
int lc_cli_publish(int argc, char **argv);
int lc_cli_rebuild(int argc, char **argv);
int lc_cli_repartition(int argc, char **argv);
int lc_cli_report(int argc, char **argv);
int lc_cli_reset(int argc, char **argv);
int lc_cli_run(int argc, char **argv);
int lc_cli_tables(int argc, char **argv);
int lc_cli_topics(int argc, char **argv);
int lc_cli_watch(int argc, char **argv);
int lc_cli_verify(int argc, char **argv);
int lc_cli_worklist(int argc, char **argv);

/* ---- Who may do what at Kafka and Redis: one table, by command and role. `topics --acls` prints from it, and the
 * tables of docs/security.md are made from it. ---- */

typedef enum {
    LC_ROLE_SERVICE,
    LC_ROLE_PUBLISHER,
    LC_ROLE_INGEST,
    LC_ROLE_ALERT,
    LC_ROLE_DASHBOARD,
    LC_ROLE_TOOLS,
    LC_ROLE_ADMIN,
    LC_ROLES
} lc_role;

/* As in "service". */
extern const char *const lc_role_names[LC_ROLES + 1];

typedef enum {
    LC_MAY_READ,
    LC_MAY_WRITE,
    LC_MAY_CREATE,
    LC_MAY_DELETE,
    LC_MAY_ALTER,
    LC_MAY_DESCRIBE,
    LC_MAY_DESCRIBE_CONFIGS,
    LC_OPERATIONS
} lc_operation;

/* As Kafka calls them: "DESCRIBE_CONFIGS". */
extern const char *const lc_operation_names[LC_OPERATIONS];

/* What rights are on. A transactional id stands for all that begin with it. */
typedef enum { LC_ON_TOPIC, LC_ON_GROUP, LC_ON_TRANSACTIONAL_ID, LC_RESOURCES } lc_resource;

/* The names on which a role needs each right, by operation and resource (owned texts); what another right contains is
 * left out. */
typedef struct {
    GPtrArray *names[LC_OPERATIONS][LC_RESOURCES];
} lc_rights;

/* Of a service that is configured so. */
lc_rights *lc_rights_new(lc_role role, const lc_config *config);
void lc_rights_free(lc_rights *rights);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_rights, lc_rights_free)

/* The commands of leadclock that a role is for, as "`verify`, `rebuild`". Caller frees. */
char *lc_role_commands(lc_role role);

/* The commands of Redis that a role needs where Redis is reached so, as in "+get +set". Empty: it needs no Redis.
 * Caller frees. */
char *lc_role_redis_commands(lc_role role, const lc_config *config);

/* The tables as Markdown, for docs/security.md. Caller frees. */
char *lc_roles_reference(void);
