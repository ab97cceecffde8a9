/* cli.h - the subcommands. One file of src/cli each; main.c picks one.
 *
 * Uses every room. Standard output carries what was asked for, standard error everything else. Each takes its own
 * arguments (argv[0] is its name) and returns the exit code: 0 done, 1 found something, 2 usage or configuration,
 * 3 a server can't be reached. */
#pragma once

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
