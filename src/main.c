/* main.c - picks the subcommand. */
#include <leadclock/cli.h>
#include <leadclock/text.h>

#include <errno.h>
#include <glib.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char about[] =
    "Holds every lead's SLA to its deadline: facts from Kafka in, breaches, clawbacks, routes and "
    "rows for analysis out, exactly once.";

static const lc_cli_command commands[] = {
    {"alert", "tells Alertmanager what is broken, and webhooks what happens", lc_cli_alert},
    {"backtest", "tries a policy on facts from a file; no server needed", lc_cli_backtest},
    {"check", "what is wrong or odd with a configuration or a policy; what it promises", lc_cli_check},
    {"dashboard", "the report and the work list in a browser, live: from the tables", lc_cli_dashboard},
    {"ingest", "takes facts by HTTP and publishes them to the input topics", lc_cli_ingest},
    {"inspect", "one lead, from Redis: its facts, its outcomes, what runs", lc_cli_inspect},
    {"publish", "sends facts (JSON Lines) as Avro to the input topics", lc_cli_publish},
    {"rebuild", "makes Redis anew from the changelogs", lc_cli_rebuild},
    {"repartition", "moves leads to where they belong after the inputs got more partitions", lc_cli_repartition},
    {"report", "what happened, what converts, which channels are weak: from the tables", lc_cli_report},
    {"reset", "makes the group begin anew: offsets, changelogs, tables, Redis", lc_cli_reset},
    {"run", "the service: judges leads as their facts come", lc_cli_run},
    {"tables", "the tables of rows; fills those that were switched on later", lc_cli_tables},
    {"topics", "what topics are missing or different, and how far the group is", lc_cli_topics},
    {"verify", "compares Redis with the changelogs", lc_cli_verify},
    {"watch", "prints what is published, as JSON Lines or at a glance", lc_cli_watch},
    {"worklist", "which lead to work on next, and why: from the tables", lc_cli_worklist},
    {NULL, NULL, NULL},
};

static void
print_usage(FILE *file)
{
    fprintf(file, "Usage: leadclock COMMAND [OPTION...]\n\n%s\n\nCommands:\n", about);
    for (size_t i = 0; commands[i].name; i++)
        fprintf(file, "  %-12s %s\n", commands[i].name, commands[i].help);
    fprintf(file, "\n'leadclock COMMAND --help' tells more. Exit codes: 0 done, 1 found something, 2 usage or "
                  "configuration, 3 a server can't be reached.\n");
}

static void
refuse_command(const char *name)
{
    const char *names[G_N_ELEMENTS(commands)];

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
        names[i] = commands[i].name;
    g_autofree char *meant = lc_did_you_mean(name, names);
    fprintf(stderr, "leadclock: no command \"%s\"%s%s 'leadclock --help' lists them\n", name, meant, *meant ? "" : ";");
}

/* What was asked for and could not be written is no success. */
static int
finish(int code)
{
    bool written = fflush(stdout) == 0 && !ferror(stdout);
    if (written || code != 0)
        return code;
    fprintf(stderr, "leadclock: standard output: %s\n", g_strerror(errno));
    return 1;
}

int
main(int argc, char **argv)
{
    setlocale(LC_ALL, "C.UTF-8");
    if (argc < 2) {
        print_usage(stderr);
        return 2;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return finish(0);
    }
    if (strcmp(argv[1], "--version") == 0) {
        lc_cli_print_version();
        return finish(0);
    }
    if (strcmp(argv[1], "--manual") == 0 && argc == 3)
        return lc_cli_write_manual(about, commands, argv[2]);
    for (size_t i = 0; commands[i].name; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return finish(commands[i].run(argc - 1, argv + 1));
    refuse_command(argv[1]);
    return 2;
}
