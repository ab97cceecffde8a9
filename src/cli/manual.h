/* manual.h - what --help says, kept, so that manual pages and completions are made from it. */
#pragma once

#include "common.h"

typedef struct {
    const lc_cli_command *command;
    lc_cli_help help; /* without its tables */
    GArray *entries;  /* GOptionEntry: all that the command takes, without --help */
} lc_cli_chapter;

/* Of all subcommands: the text that bash or zsh reads. The caller frees. */
char *lc_cli_complete_bash(const GPtrArray *chapters);
char *lc_cli_complete_zsh(const GPtrArray *chapters);
