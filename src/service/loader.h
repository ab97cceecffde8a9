/* loader.h - what the files that load a configuration share. */
#pragma once

#include "options.h"

#include <leadclock/yaml.h>

/* Where a value was given. */
typedef struct {
    int line, column;       /* 0: not in the file */
    const char *overridden; /* the key of `--set`; NULL: not by --set */
} lc_place;

typedef struct {
    lc_config *config;
    const char *path; /* of the file; NULL: none */
    char *text;
    size_t size;
    lc_arena arena;
    lc_place *places;      /* by option */
    GArray **items;        /* by option, of lists: lc_place of each item that the file names */
    lc_problems *problems; /* of the file */
    GString *others;       /* those without a place in it, a line each */
} lc_loader;

void lc_report(lc_loader *loader, lc_place at, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* A key of `section` ("" or "kafka.") that there is not. */
void lc_report_unknown(lc_loader *loader, const char *section, const char *name, lc_place at);

/* In place; returns it. A reference to the environment (${NAME}) is no secret. */
char *lc_hide_secrets(char *line);
/* A copy of a whole text, as long as it is. */
char *lc_without_secrets(const char *text);

void lc_take_defaults(lc_loader *loader);
void lc_take_file(lc_loader *loader);
/* The keys are put into `keys`, which outlives the loader. */
void lc_take_overrides(lc_loader *loader, const char *const *overrides, GPtrArray *keys);
void lc_check_together(lc_loader *loader);

/* ---- Nodes of the file ---- */

static inline lc_place
lc_place_in(const lc_yaml *node)
{
    return (lc_place){node->line, node->column, NULL};
}

static inline bool
lc_is_value(const lc_yaml *node)
{
    return node->kind == LC_YAML_SCALAR;
}

/* What stands where a single value should; `key` as it is to be shown. */
void lc_refuse_value(lc_loader *loader, const char *key, const lc_yaml *node, lc_place key_at);
/* A key that is a word, and stands there for the first time. */
bool lc_is_new_key(lc_loader *loader, GHashTable *seen, const lc_yaml *key, const char *section);
/* A list's entries, and the places of those that were taken; NULL: it is no list. */
char **lc_take_items(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place at, GArray *places);
void lc_take_webhooks(lc_loader *loader, const lc_option *option, const lc_yaml *node, lc_place at);

/* ---- Values ---- */

/* `raw`: as it was written, with references to the environment. */
void lc_take_value(lc_loader *loader, const lc_option *option, const char *raw, lc_place at);
/* The same into what the option's table is of. */
void lc_take_value_into(lc_loader *loader, const lc_option *option, void *into, const char *raw, lc_place at);
/* Whether it was taken. */
bool lc_take_list_item(lc_loader *loader, const lc_option *option, GStrvBuilder *list, const char *raw, lc_place at);
/* "a, b" or "[a, b]". */
void lc_take_list_text(lc_loader *loader, const lc_option *option, const char *text, lc_place at);
void lc_take_map_entry(lc_loader *loader, const lc_option *option, GStrvBuilder *map, const char *name, const char *raw,
                       lc_place at);
