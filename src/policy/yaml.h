/* yaml.h - a YAML file as a tree that knows where everything stands, and keeps keys that are given twice. */
#pragma once

#include "problems.h"

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

/* The one document of the file, in `arena`; NULL, with problems added, where it is no YAML that we take. */
const lc_yaml *lc_yaml_parse(lc_text text, lc_arena *arena, lc_problems *problems);
