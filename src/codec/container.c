/* container.c - Avro object container files: a header with the schema, then blocks of records between sync markers. */
#include "decompress.h"
#include "plan.h"

#define SYNC_BYTES ((size_t)16)

static const char magic[] = {'O', 'b', 'j', 1};

struct lc_container {
    lc_arena memory; /* of the schema and the plans */
    lc_arena arena;  /* of one fact */
    const lc_node *root;
    uint64_t n_edges;
    lc_plan *plans; /* of each branch of a union, or one; blank where the branch is no record */
    size_t size;    /* of the file */
    lc_codec codec;
    lc_text sync;
    lc_wire file;
    GByteArray *content; /* of the block, where it is compressed */
    lc_wire block;
    uint64_t n_left; /* records of the block */
    uint64_t number; /* of the last record */
};

static bool
refuse(GError **error, const char *problem)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "Avro file: %s", problem);
    return false;
}

/* ---- The header ---- */

typedef struct {
    lc_text schema, codec;
} metadata;

static bool
read_entry(lc_wire *wire, metadata *read)
{
    lc_text key, value;
    if (!lc_wire_text(wire, &key) || !lc_wire_text(wire, &value))
        return false;
    if (lc_text_equal(key, LC_TEXT("avro.schema")))
        read->schema = value;
    if (lc_text_equal(key, LC_TEXT("avro.codec")))
        read->codec = value;
    return true;
}

static bool
read_metadata(lc_wire *wire, metadata *read)
{
    for (size_t count;;) {
        if (!lc_wire_block(wire, 2, &count))
            return false;
        if (count == 0)
            return true;
        for (size_t i = 0; i < count; i++)
            if (!read_entry(wire, read))
                return false;
    }
}

static bool
take_codec(lc_container *container, lc_text codec, GError **error)
{
    return lc_codec_find(codec, &container->codec) ||
           refuse(error, "its codec is none of null, deflate, snappy and zstandard; write it with one of them");
}

static bool
take_schema(lc_container *container, lc_text schema, GError **error)
{
    g_autofree char *text = g_strndup(schema.data ? schema.data : "", schema.size);
    g_autoptr(GError) problem = NULL;
    container->root = lc_node_parse(text, &container->memory, &container->n_edges, &problem);
    if (container->root == NULL)
        return refuse(error, problem->message);
    bool is_union = container->root->kind == LC_NODE_UNION;
    if (!is_union && (container->root->kind != LC_NODE_RECORD || container->root->min_bytes == 0))
        return refuse(error, "its schema is neither a record with fields nor a union of records");
    uint32_t n = is_union ? container->root->n : 1;
    container->plans = lc_arena_new(&container->memory, lc_plan, n);
    for (uint32_t i = 0; i < n; i++) {
        const lc_node *record = is_union ? container->root->children[i] : container->root;
        container->plans[i] = (lc_plan){.schema = -1, .root = record};
        if (record->kind == LC_NODE_RECORD)
            lc_plan_set_up(&container->plans[i], record, container->n_edges, &container->memory);
    }
    return true;
}

static bool
read_header(lc_container *container, GError **error)
{
    lc_text start;
    metadata read = {LC_NO_TEXT, LC_NO_TEXT};
    if (!lc_wire_bytes(&container->file, sizeof magic, &start) || memcmp(start.data, magic, sizeof magic) != 0)
        return refuse(error, "it does not begin as one");
    if (!read_metadata(&container->file, &read) || !lc_wire_bytes(&container->file, SYNC_BYTES, &container->sync))
        return refuse(error, container->file.problem);
    return take_codec(container, read.codec, error) && take_schema(container, read.schema, error);
}

lc_container *
lc_container_new(const void *bytes, size_t size, GError **error)
{
    g_autoptr(lc_container) container = g_new0(lc_container, 1);
    container->size = size;
    container->file = lc_wire_over(bytes, size, 0);
    container->content = g_byte_array_new();
    return read_header(container, error) ? g_steal_pointer(&container) : NULL;
}

void
lc_container_free(lc_container *container)
{
    if (container == NULL)
        return;
    lc_arena_clear(&container->memory);
    lc_arena_clear(&container->arena);
    g_byte_array_unref(container->content);
    g_free(container);
}

/* ---- Blocks ---- */

static bool
open_block(lc_container *container, lc_text bytes)
{
    container->block = lc_wire_over(bytes.data, bytes.size, container->n_edges);
    if (container->codec == LC_CODEC_NULL)
        return true;
    if (!lc_decompress(container->codec, bytes, container->content))
        return lc_wire_fail(&container->file, "a block that can't be decompressed to 64 MiB or less");
    container->block = lc_wire_over(container->content->data, container->content->len, container->n_edges);
    return true;
}

static bool
next_block(lc_container *container)
{
    lc_wire *file = &container->file;
    int64_t count, size;
    lc_text bytes, sync;
    if (!lc_wire_long(file, &count) || !lc_wire_long(file, &size))
        return false;
    if (count < 0 || size < 0)
        return lc_wire_fail(file, "a block with a negative size");
    if (!lc_wire_bytes(file, (size_t)size, &bytes) || !lc_wire_bytes(file, SYNC_BYTES, &sync))
        return false;
    if (!lc_text_equal(sync, container->sync))
        return lc_wire_fail(file, "a block that does not end with the sync marker");
    if (!open_block(container, bytes))
        return false;
    if ((uint64_t)count > lc_wire_left(&container->block) / container->root->min_bytes)
        return lc_wire_fail(file, "a block with more records than bytes");
    container->n_left = (uint64_t)count;
    return true;
}

/* ---- Records ---- */

static bool
next_plan(lc_container *container, const lc_plan **plan)
{
    uint32_t branch = 0;
    if (container->root->kind == LC_NODE_UNION && !lc_wire_index(&container->block, container->root->n, &branch))
        return false;
    *plan = &container->plans[branch];
    return true;
}

/* Bytes that no record can be: where the next one begins in the block is lost with them. */
static lc_container_result
give_up_block(lc_container *container, const char *field, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD,
                "%s%s%s (the %" G_GUINT64_FORMAT " records after it in its block are lost with it)", field ? field : "",
                field ? ": " : "", container->block.problem, container->n_left);
    container->number += container->n_left;
    container->n_left = 0;
    return LC_CONTAINER_BAD;
}

static lc_container_result
read_fact(lc_container *container, const lc_plan *plan, lc_read_fact *read, GError **error)
{
    lc_plan_reader reader = {.wire = container->block, .arena = &container->arena};
    bool is_read = lc_steps_run(plan->steps, plan->n_steps, &reader, read);
    container->block = reader.wire;
    if (!is_read)
        return give_up_block(container, reader.field, error);
    lc_plan_finish_fact(plan, read);
    if (reader.defect)
        g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "%s", reader.defect);
    bool is_good = reader.defect == NULL && lc_lead_id_check(read->lead_id, error) &&
                   lc_fact_check(&read->fact, LC_ABSENT, 0, error);
    return is_good ? LC_CONTAINER_FACT : LC_CONTAINER_BAD;
}

static lc_container_result
read_record(lc_container *container, lc_read_fact *read, GError **error)
{
    const lc_plan *plan;
    container->n_left--;
    container->number++;
    if (!next_plan(container, &plan))
        return give_up_block(container, NULL, error);
    if (lc_plan_is_fact(plan))
        return read_fact(container, plan, read, error);
    if (!lc_node_skip(plan->root, &container->block))
        return give_up_block(container, NULL, error);
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "%.64s is no fact",
                plan->root->name ? plan->root->name : lc_node_kind_name(plan->root->kind));
    return LC_CONTAINER_BAD;
}

lc_container_result
lc_container_next(lc_container *container, lc_fact *fact, lc_text *lead_id, lc_instant *arrived_at, GError **error)
{
    while (container->n_left == 0) {
        if (container->file.problem == NULL && lc_wire_left(&container->file) == 0)
            return LC_CONTAINER_END;
        if (container->file.problem || !next_block(container)) {
            g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "Avro file: damaged: %s", container->file.problem);
            return LC_CONTAINER_BROKEN;
        }
    }
    lc_read_fact read = lc_blank_read_fact;
    lc_arena_reset(&container->arena);
    lc_container_result result = read_record(container, &read, error);
    if (result == LC_CONTAINER_FACT) {
        *fact = read.fact;
        *lead_id = read.lead_id;
        *arrived_at = read.arrived_at;
    }
    return result;
}

uint64_t
lc_container_record(const lc_container *container)
{
    return container->number;
}

size_t
lc_container_position(const lc_container *container)
{
    return container->size - lc_wire_left(&container->file);
}
