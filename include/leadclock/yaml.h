/* yaml.h - texts with places: a YAML file as a tree that knows where everything stands, and what is wrong with it,
 * printed like a good compiler prints it. Policies and configurations are read through it.
 *
 * Pure: no I/O. Uses libfyaml. */
#pragma once

#include <leadclock/base.h>

/* ---- What is wrong (or odd) with one file, collected ---- */

typedef struct lc_problems lc_problems;

/* `file` and `text` (the whole file) are borrowed and must outlive it. */
lc_problems *lc_problems_new(const char *file, lc_text text);
lc_problems *lc_problems_copy(const lc_problems *problems);
void lc_problems_free(lc_problems *problems);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_problems, lc_problems_free)

/* Line and column (in characters) count from 1; line 0 stands for the file as a whole. */
void lc_problems_add(lc_problems *problems, int line, int column, const char *format, ...) G_GNUC_PRINTF(4, 5);
void lc_problems_add_va(lc_problems *problems, int line, int column, const char *format, va_list arguments)
    G_GNUC_PRINTF(4, 0);

bool lc_problems_is_empty(const lc_problems *problems);
/* Further ones are no longer kept, only counted. */
bool lc_problems_is_full(const lc_problems *problems);
/* Appends, in order of lines, "FILE:LINE:COLUMN: MESSAGE", each followed by the line and a caret; as warnings
 * "FILE:LINE:COLUMN: warning: MESSAGE". */
void lc_problems_print(const lc_problems *problems, bool as_warnings, GString *output);

/* ---- The tree; it keeps keys that are given twice ---- */

typedef enum { LC_YAML_NOTHING, LC_YAML_SCALAR, LC_YAML_LIST, LC_YAML_MAP } lc_yaml_kind;

typedef struct lc_yaml lc_yaml;

typedef struct {
    const lc_yaml *key, *value;
} lc_yaml_pair;

struct lc_yaml {
    lc_yaml_kind kind;
    int line, column; /* from 1; of what is left empty, those of its key */
    lc_text text;     /* of a scalar, ends with a NUL and holds no other */
    size_t n;         /* of a list or map */
    const lc_yaml *const *items;
    const lc_yaml_pair *pairs;
    size_t weight; /* nodes of the tree below, those of aliases counted at each place */
};

/* The one document of the file, in `arena`, nothing where the file is empty; NULL, with problems added, where it is no
 * YAML that we take. */
const lc_yaml *lc_yaml_parse(lc_text text, lc_arena *arena, lc_problems *problems);
