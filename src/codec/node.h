/* node.h - a writer's schema as a graph of types.
 *
 * Schemas come from a registry that anyone may write to: whatever they hold, building the graph ends, in time and
 * memory bounded by the text, and so does walking a body by it (wire.h's allowance). */
#pragma once

#include "wire.h"

typedef enum {
    LC_NODE_NULL,
    LC_NODE_BOOLEAN,
    LC_NODE_INT,
    LC_NODE_LONG,
    LC_NODE_FLOAT,
    LC_NODE_DOUBLE,
    LC_NODE_BYTES,
    LC_NODE_STRING,
    LC_NODE_FIXED,
    LC_NODE_ENUM,
    LC_NODE_ARRAY,
    LC_NODE_MAP,
    LC_NODE_UNION,
    LC_NODE_RECORD
} lc_node_kind;

/* What a long counts, where it is a timestamp. */
typedef enum { LC_NOT_A_TIME, LC_TIME_MILLIS, LC_TIME_MICROS, LC_TIME_NANOS } lc_time_unit;

typedef struct lc_node lc_node;
struct lc_node {
    lc_node_kind kind;
    lc_time_unit time_unit;
    const char *no_instant; /* the logical type of what counts days, or milliseconds of an unknown zone; or NULL */
    bool is_uuid;           /* fixed(16) with this logical type */
    bool is_open;           /* while it is built: a use of it now is a recursion */
    unsigned height;        /* of the types below, recursions aside; 0: none */
    uint64_t min_bytes;     /* that a value takes; 0: it always takes none */
    uint64_t fixed_size;    /* fixed */
    const char *name;       /* record: without its namespace */
    const char **names;     /* of a record's fields, an enum's symbols */
    lc_node **children;     /* the types of a record's fields, a union's branches, the items */
    uint32_t n;             /* names, children */
};

#define LC_MAX_SCHEMA_DEPTH 32u
#define LC_MAX_SCHEMA_BYTES ((size_t)1024 * 1024)

/* Reads the JSON text of a schema. All memory is from `arena`. LC_ERROR_RECORD: no schema, or one that is
 * deeper than 32, longer than 1 MiB or refers to another schema. A record may contain itself: then the graph has a
 * circle. `*n_edges`: children in all. */
const lc_node *lc_node_parse(const char *schema_json, lc_arena *arena, uint64_t *n_edges, GError **error);

const char *lc_node_kind_name(lc_node_kind kind);

/* Passes over one value. */
bool lc_node_skip(const lc_node *node, lc_wire *wire);
