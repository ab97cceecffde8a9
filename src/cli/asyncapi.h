/* asyncapi.h - the topics as an AsyncAPI document. */
#pragma once

#include "common.h"

typedef struct {
    const char *name;
    const char *const *settings; /* of the topic: name, value, ..., NULL */
} lc_cli_topic;

/* `topics` are those of `config`, each by its name there. */
void lc_cli_write_asyncapi(const lc_config *config, const lc_cli_topic *topics, size_t n, FILE *file);
