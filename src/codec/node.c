/* node.c - an Avro schema, parsed. */
#include "node.h"

#include <leadclock/text.h>

#include <jansson.h>

/* Beyond this a length is as good as endless: no body is that long. */
#define ENDLESS ((uint64_t)1 << 40)
#define MAX_BRANCHES 256

static const char *const kind_names[] = {
    [LC_NODE_NULL] = "null",     [LC_NODE_BOOLEAN] = "boolean", [LC_NODE_INT] = "int",     [LC_NODE_LONG] = "long",
    [LC_NODE_FLOAT] = "float",   [LC_NODE_DOUBLE] = "double",   [LC_NODE_BYTES] = "bytes", [LC_NODE_STRING] = "string",
    [LC_NODE_FIXED] = "fixed",   [LC_NODE_ENUM] = "enum",       [LC_NODE_ARRAY] = "array", [LC_NODE_MAP] = "map",
    [LC_NODE_UNION] = "a union", [LC_NODE_RECORD] = "record",
};

const char *
lc_node_kind_name(lc_node_kind kind)
{
    return kind_names[kind];
}

typedef struct {
    lc_arena *arena;
    GHashTable *named; /* full name -> lc_node, both owned by the arena */
    uint64_t n_edges;
    GError **error;
} builder;

/* Where a type stands: its depth, and the namespace that names in it belong to. */
typedef struct {
    unsigned depth;
    const char *namespace;
} place;

static lc_node *build(builder *b, const json_t *json, place at);

static lc_node *refuse(builder *b, const char *format, ...) G_GNUC_PRINTF(2, 3);

static lc_node *
refuse(builder *b, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *problem = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_set_error(b->error, LC_ERROR, LC_ERROR_RECORD, "schema: %.300s", problem);
    return NULL;
}

static lc_node *
new_node(builder *b, lc_node_kind kind)
{
    lc_node *node = lc_arena_new(b->arena, lc_node, 1);
    *node = (lc_node){.kind = kind};
    return node;
}

static uint64_t
add_bytes(uint64_t a, uint64_t b)
{
    return MIN(a + b, ENDLESS);
}

/* ---- Names ---- */

/* `name` with the namespace it belongs to, in the arena. */
static const char *
full_name(builder *b, const char *name, const char *namespace)
{
    if (strchr(name, '.') || namespace == NULL || *namespace == '\0')
        return lc_arena_text(b->arena, lc_text_of(name)).data;
    g_autofree char *full = g_strconcat(namespace, ".", name, NULL);
    return lc_arena_text(b->arena, lc_text_of(full)).data;
}

static const char *
namespace_of(builder *b, const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot ? lc_arena_text(b->arena, (lc_text){full, (size_t)(dot - full)}).data : NULL;
}

static const char *
short_name(const char *full)
{
    const char *dot = strrchr(full, '.');
    return dot ? dot + 1 : full;
}

/* A node with the name of `json`; `*at` becomes the place inside it. */
static lc_node *
new_named(builder *b, const json_t *json, lc_node_kind kind, place *at)
{
    const char *name = json_string_value(json_object_get(json, "name"));
    const char *namespace = json_string_value(json_object_get(json, "namespace"));
    if (name == NULL || *name == '\0')
        return refuse(b, "a %s has no name", kind_names[kind]);
    const char *full = full_name(b, name, namespace ? namespace : at->namespace);
    if (g_hash_table_contains(b->named, full))
        return refuse(b, "\"%s\" is defined twice", full);
    lc_node *node = new_node(b, kind);
    node->name = short_name(full);
    at->namespace = namespace_of(b, full);
    g_hash_table_insert(b->named, (gpointer)full, node);
    return node;
}

static const struct {
    const char *name;
    lc_node_kind kind;
    uint64_t min_bytes;
} primitives[] = {
    {"null", LC_NODE_NULL, 0},   {"boolean", LC_NODE_BOOLEAN, 1}, {"int", LC_NODE_INT, 1},
    {"long", LC_NODE_LONG, 1},   {"float", LC_NODE_FLOAT, 4},     {"double", LC_NODE_DOUBLE, 8},
    {"bytes", LC_NODE_BYTES, 1}, {"string", LC_NODE_STRING, 1},
};

static lc_node *
build_reference(builder *b, const char *name, place at)
{
    for (size_t i = 0; i < G_N_ELEMENTS(primitives); i++)
        if (strcmp(name, primitives[i].name) == 0) {
            lc_node *node = new_node(b, primitives[i].kind);
            node->min_bytes = primitives[i].min_bytes;
            return node;
        }
    lc_node *node = g_hash_table_lookup(b->named, full_name(b, name, at.namespace));
    if (node == NULL)
        return refuse(b, "the type \"%s\" is not defined in it (references to other schemas are not read)", name);
    if (!node->is_open && at.depth + node->height > LC_MAX_SCHEMA_DEPTH)
        return refuse(b, "it is deeper than %u types", LC_MAX_SCHEMA_DEPTH);
    return node;
}

/* ---- Composed types ---- */

static bool
build_child(builder *b, lc_node *parent, uint32_t index, const json_t *json, place at)
{
    at.depth++;
    lc_node *child = build(b, json, at);
    if (child == NULL)
        return false;
    parent->children[index] = child;
    parent->height = MAX(parent->height, child->height + 1);
    b->n_edges++;
    return true;
}

static void
make_children(builder *b, lc_node *node, size_t n)
{
    node->n = (uint32_t)n;
    node->children = lc_arena_new(b->arena, lc_node *, n);
}

static lc_node *
build_collection(builder *b, const json_t *json, lc_node_kind kind, place at)
{
    const json_t *items = json_object_get(json, kind == LC_NODE_ARRAY ? "items" : "values");
    if (items == NULL)
        return refuse(b, "an array has no items, or a map no values");
    lc_node *node = new_node(b, kind);
    node->min_bytes = 1;
    make_children(b, node, 1);
    return build_child(b, node, 0, items, at) ? node : NULL;
}

/* Only named types may be in a union several times, and each of them once (Avro, Unions). */
static bool
has_branch(const lc_node *node, uint32_t n, const lc_node *branch)
{
    for (uint32_t i = 0; i < n; i++)
        if (node->children[i] == branch || (branch->name == NULL && node->children[i]->kind == branch->kind))
            return true;
    return false;
}

static lc_node *
build_union(builder *b, const json_t *json, place at)
{
    if (json_array_size(json) == 0)
        return refuse(b, "a union is empty");
    if (json_array_size(json) > MAX_BRANCHES)
        return refuse(b, "a union has more than %d types", MAX_BRANCHES);
    lc_node *node = new_node(b, LC_NODE_UNION);
    node->min_bytes = 1;
    make_children(b, node, json_array_size(json));
    for (uint32_t i = 0; i < node->n; i++) {
        if (!build_child(b, node, i, json_array_get(json, i), at))
            return NULL;
        if (node->children[i]->kind == LC_NODE_UNION)
            return refuse(b, "a union holds a union");
        if (has_branch(node, i, node->children[i]))
            return refuse(b, "a union has a type twice");
    }
    return node;
}

static lc_node *
build_enum(builder *b, const json_t *json, place at)
{
    const json_t *symbols = json_object_get(json, "symbols");
    lc_node *node = new_named(b, json, LC_NODE_ENUM, &at);
    if (node == NULL)
        return NULL;
    if (!json_is_array(symbols))
        return refuse(b, "the enum \"%s\" has no symbols", node->name);
    node->min_bytes = 1;
    node->n = (uint32_t)json_array_size(symbols);
    node->names = lc_arena_new(b->arena, const char *, node->n);
    for (uint32_t i = 0; i < node->n; i++) {
        const char *symbol = json_string_value(json_array_get(symbols, i));
        if (symbol == NULL)
            return refuse(b, "a symbol of the enum \"%s\" is no text", node->name);
        node->names[i] = lc_arena_text(b->arena, lc_text_of(symbol)).data;
    }
    return node;
}

static lc_node *
build_fixed(builder *b, const json_t *json, place at)
{
    const json_t *size = json_object_get(json, "size");
    lc_node *node = new_named(b, json, LC_NODE_FIXED, &at);
    if (node == NULL)
        return NULL;
    if (!json_is_integer(size) || json_integer_value(size) < 0)
        return refuse(b, "the fixed \"%s\" has no size", node->name);
    node->fixed_size = MIN((uint64_t)json_integer_value(size), ENDLESS);
    node->min_bytes = node->fixed_size;
    node->is_uuid = node->fixed_size == sizeof(lc_uuid) &&
                    g_strcmp0(json_string_value(json_object_get(json, "logicalType")), "uuid") == 0;
    return node;
}

/* Reads the name and the type of a field; `names` are those so far. Returns the record. */
static lc_node *
build_field(builder *b, lc_node *record, uint32_t index, const json_t *field, GHashTable *names, place at)
{
    const char *name = json_string_value(json_object_get(field, "name"));
    const json_t *type = json_object_get(field, "type");
    if (name == NULL || type == NULL)
        return refuse(b, "a field of the record \"%s\" has no name or no type", record->name);
    record->names[index] = lc_arena_text(b->arena, lc_text_of(name)).data;
    if (!g_hash_table_add(names, (gpointer)record->names[index]))
        return refuse(b, "the record \"%s\" has the field \"%s\" twice", record->name, name);
    if (!build_child(b, record, index, type, at))
        return NULL;
    if (record->children[index]->is_open)
        return refuse(b, "\"%s\" contains itself, and so without an end", record->children[index]->name);
    record->min_bytes = add_bytes(record->min_bytes, record->children[index]->min_bytes);
    return record;
}

static lc_node *
build_record(builder *b, const json_t *json, place at)
{
    const json_t *fields = json_object_get(json, "fields");
    lc_node *node = new_named(b, json, LC_NODE_RECORD, &at);
    if (node == NULL)
        return NULL;
    if (!json_is_array(fields))
        return refuse(b, "the record \"%s\" has no fields", node->name);
    node->is_open = true;
    make_children(b, node, json_array_size(fields));
    node->names = lc_arena_new(b->arena, const char *, node->n);
    g_autoptr(GHashTable) names = g_hash_table_new(lc_string_key_hash, g_str_equal);
    for (uint32_t i = 0; i < node->n; i++)
        if (!build_field(b, node, i, json_array_get(fields, i), names, at))
            return NULL;
    node->is_open = false;
    return node;
}

/* ---- Any type ---- */

static const struct {
    const char *name;
    lc_node_kind kind;
    lc_time_unit unit; /* LC_NOT_A_TIME: no instant */
} logical_times[] = {
    {"timestamp-millis", LC_NODE_LONG, LC_TIME_MILLIS},      {"timestamp-micros", LC_NODE_LONG, LC_TIME_MICROS},
    {"timestamp-nanos", LC_NODE_LONG, LC_TIME_NANOS},        {"date", LC_NODE_INT, LC_NOT_A_TIME},
    {"local-timestamp-millis", LC_NODE_LONG, LC_NOT_A_TIME}, {"local-timestamp-micros", LC_NODE_LONG, LC_NOT_A_TIME},
    {"local-timestamp-nanos", LC_NODE_LONG, LC_NOT_A_TIME},
};

/* A logical type that is not known, or of another type, is none (Avro, Logical Types). */
static void
set_logical_time(lc_node *node, const char *logical_type)
{
    for (size_t i = 0; logical_type && i < G_N_ELEMENTS(logical_times); i++)
        if (node->kind == logical_times[i].kind && strcmp(logical_type, logical_times[i].name) == 0) {
            node->time_unit = logical_times[i].unit;
            if (node->time_unit == LC_NOT_A_TIME)
                node->no_instant = logical_times[i].name;
        }
}

/* {"type": "long", "logicalType": ...}, {"type": {...}}, {"type": "NAME"} */
static lc_node *
build_wrapped(builder *b, const json_t *json, place at)
{
    at.depth++;
    lc_node *node = build(b, json_object_get(json, "type"), at);
    if (node && node->time_unit == LC_NOT_A_TIME && node->no_instant == NULL)
        set_logical_time(node, json_string_value(json_object_get(json, "logicalType")));
    return node;
}

static lc_node *
build_object(builder *b, const json_t *json, place at)
{
    const char *type = json_string_value(json_object_get(json, "type"));
    if (type == NULL)
        return build_wrapped(b, json, at);
    if (strcmp(type, "record") == 0)
        return build_record(b, json, at);
    if (strcmp(type, "enum") == 0)
        return build_enum(b, json, at);
    if (strcmp(type, "fixed") == 0)
        return build_fixed(b, json, at);
    if (strcmp(type, "array") == 0)
        return build_collection(b, json, LC_NODE_ARRAY, at);
    if (strcmp(type, "map") == 0)
        return build_collection(b, json, LC_NODE_MAP, at);
    return build_wrapped(b, json, at);
}

static lc_node *
build(builder *b, const json_t *json, place at)
{
    if (at.depth > LC_MAX_SCHEMA_DEPTH)
        return refuse(b, "it is deeper than %u types", LC_MAX_SCHEMA_DEPTH);
    if (json_is_string(json))
        return build_reference(b, json_string_value(json), at);
    if (json_is_array(json))
        return build_union(b, json, at);
    if (json_is_object(json))
        return build_object(b, json, at);
    return refuse(b, "a type is no text, list or object");
}

const lc_node *
lc_node_parse(const char *schema_json, lc_arena *arena, uint64_t *n_edges, GError **error)
{
    builder b = {.arena = arena, .error = error};
    json_error_t problem;
    if (strlen(schema_json) > LC_MAX_SCHEMA_BYTES)
        return refuse(&b, "it is longer than %zu bytes", LC_MAX_SCHEMA_BYTES);
    json_t *json = json_loads(schema_json, JSON_DECODE_ANY, &problem);
    if (json == NULL)
        return refuse(&b, "not JSON: line %d: %s", problem.line, problem.text);
    b.named = g_hash_table_new(lc_string_key_hash, g_str_equal);
    const lc_node *node = build(&b, json, (place){0});
    g_hash_table_unref(b.named);
    json_decref(json);
    *n_edges = b.n_edges;
    return node;
}

/* ---- Skipping ---- */

static bool
skip_text(lc_wire *wire)
{
    lc_text text;
    return lc_wire_text(wire, &text);
}

static bool
skip_fixed(lc_wire *wire, uint64_t size)
{
    lc_text bytes;
    return lc_wire_bytes(wire, size, &bytes);
}

static bool
skip_collection(const lc_node *node, lc_wire *wire)
{
    const lc_node *items = node->children[0];
    bool is_map = node->kind == LC_NODE_MAP;
    for (size_t count;;) {
        if (!lc_wire_block(wire, items->min_bytes + is_map, &count))
            return false;
        if (count == 0)
            return true;
        for (size_t i = 0; i < count && (is_map || items->min_bytes); i++)
            if ((is_map && !skip_text(wire)) || !lc_node_skip(items, wire))
                return false;
    }
}

static bool
skip_union(const lc_node *node, lc_wire *wire)
{
    uint32_t branch;
    return lc_wire_index(wire, node->n, &branch) && lc_node_skip(node->children[branch], wire);
}

static bool
skip_record(const lc_node *node, lc_wire *wire)
{
    if (!lc_wire_descend(wire))
        return false;
    for (uint32_t i = 0; i < node->n; i++)
        if (!lc_node_skip(node->children[i], wire))
            return false;
    lc_wire_ascend(wire);
    return true;
}

bool
lc_node_skip(const lc_node *node, lc_wire *wire)
{
    int64_t wide;
    int32_t narrow;
    uint32_t index;
    bool flag;
    if (node->min_bytes == 0)
        return lc_wire_allow(wire, 1);
    switch (node->kind) {
    case LC_NODE_NULL:
        return true;
    case LC_NODE_BOOLEAN:
        return lc_wire_bool(wire, &flag);
    case LC_NODE_INT:
        return lc_wire_int(wire, &narrow);
    case LC_NODE_LONG:
        return lc_wire_long(wire, &wide);
    case LC_NODE_ENUM:
        return lc_wire_index(wire, node->n, &index);
    case LC_NODE_BYTES:
    case LC_NODE_STRING:
        return skip_text(wire);
    case LC_NODE_FLOAT:
    case LC_NODE_DOUBLE:
    case LC_NODE_FIXED:
        return skip_fixed(wire, node->min_bytes);
    case LC_NODE_ARRAY:
    case LC_NODE_MAP:
        return skip_collection(node, wire);
    case LC_NODE_UNION:
        return skip_union(node, wire);
    case LC_NODE_RECORD:
        return skip_record(node, wire);
    }
    return false;
}
