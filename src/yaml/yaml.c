/* yaml.c - from the events of libfyaml to a tree. */
#include "places.h"

#include <leadclock/yaml.h>

#include <libfyaml.h>

#define DEEPEST 16
/* A file with aliases may stand for no more nodes than this. */
#define HEAVIEST ((size_t)200000)

typedef struct {
    struct fy_parser *parser;
    struct fy_event *event; /* the present one */
    lc_text source;
    lc_arena *arena;
    lc_problems *problems;
    GHashTable *anchors; /* name -> const lc_yaml * */
    size_t weight;
    int line, column; /* where the reading is */
} lc_yaml_reader;

static bool
refuse(lc_yaml_reader *reader, const char *message)
{
    lc_problems_add(reader->problems, reader->line, reader->column, "%s", message);
    return false;
}

static void
refuse_syntax(lc_yaml_reader *reader, lc_text text, struct fy_diag *diag)
{
    void *iterator = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(diag, &iterator);
    if (error) {
        int line = MAX(error->line, 1), column = MAX(error->column, 1);
        lc_step_back(text.data, text.size, &line, &column);
        lc_problems_add(reader->problems, line, column,
                        "not YAML: %s; check indentation, quotes and brackets here and on the line above (nothing else "
                        "was checked)",
                        error->msg);
    } else
        refuse(reader, "not YAML; check indentation, quotes and brackets");
}

/* What is not written has no place; later versions of libfyaml (0.9) mark it behind the colon. */
static bool
is_unwritten(const struct fy_event *event)
{
    size_t size = 0;
    if (event->type != FYET_SCALAR)
        return false;
    struct fy_token *token = event->scalar.value;
    return token == NULL ||
           (fy_token_scalar_style(token) == FYSS_PLAIN && (fy_token_get_text(token, &size) == NULL || size == 0));
}

static bool
next_event(lc_yaml_reader *reader)
{
    if (reader->event)
        fy_parser_event_free(reader->parser, reader->event);
    reader->event = fy_parser_parse(reader->parser);
    if (reader->event == NULL)
        return false;
    const struct fy_mark *mark = fy_event_start_mark(reader->event);
    if (mark && !is_unwritten(reader->event)) { /* its key's place is told then */
        reader->line = mark->line + 1;
        reader->column = mark->column + 1;
    }
    return true;
}

static const lc_yaml *read_node(lc_yaml_reader *reader, int depth);

static lc_yaml *
new_node(lc_yaml_reader *reader, lc_yaml_kind kind)
{
    lc_yaml *node = lc_arena_new(reader->arena, lc_yaml, 1);
    *node = (lc_yaml){.kind = kind, .line = reader->line, .column = reader->column, .weight = 1};
    return node;
}

static bool
is_nothing(lc_text text, enum fy_scalar_style style)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (style != FYSS_PLAIN)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (lc_text_equal(text, lc_text_of(words[i])))
            return true;
    return false;
}

/* The mark of a text after | or > stands at the beginning of its line. */
static int
indented_column(const lc_yaml_reader *reader, int line)
{
    g_autofree char *text = lc_line_of(reader->source.data, reader->source.size, line);
    return (int)strspn(text, " ") + 1;
}

static lc_yaml *
read_scalar(lc_yaml_reader *reader)
{
    struct fy_token *token = reader->event->scalar.value;
    lc_yaml *node = new_node(reader, LC_YAML_NOTHING);
    size_t size = 0;
    const char *data = token ? fy_token_get_text(token, &size) : NULL;
    if (data == NULL)
        return node;
    enum fy_scalar_style style = fy_token_scalar_style(token);
    lc_text text = {data, size};
    if (style == FYSS_LITERAL || style == FYSS_FOLDED)
        node->column = indented_column(reader, node->line);
    /* The mark stands behind the quote. */
    if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) && node->column > 1)
        reader->column = --node->column;
    if (!g_utf8_validate(data, (gssize)size, NULL)) {
        refuse(reader, "a character that is no text; leave it out");
        return NULL;
    }
    node->kind = is_nothing(text, style) ? LC_YAML_NOTHING : LC_YAML_SCALAR;
    node->text = lc_arena_text(reader->arena, text);
    return node;
}

static bool
add_weight(lc_yaml_reader *reader, lc_yaml *node, const lc_yaml *child)
{
    node->weight += child->weight;
    return node->weight <= HEAVIEST || refuse(reader, "the aliases up to here stand for too much; write it out");
}

static lc_yaml *
read_list(lc_yaml_reader *reader, int depth)
{
    lc_yaml *node = new_node(reader, LC_YAML_LIST);
    g_autoptr(GPtrArray) items = g_ptr_array_new();
    while (next_event(reader)) {
        if (reader->event->type == FYET_SEQUENCE_END) {
            const lc_yaml **copy = lc_arena_new(reader->arena, const lc_yaml *, items->len);
            if (items->len)
                memcpy(copy, items->pdata, items->len * sizeof *copy);
            node->items = copy;
            node->n = items->len;
            return node;
        }
        const lc_yaml *item = read_node(reader, depth);
        if (item == NULL || !add_weight(reader, node, item))
            return NULL;
        g_ptr_array_add(items, (gpointer)item);
    }
    return NULL;
}

static lc_yaml *
read_map(lc_yaml_reader *reader, int depth)
{
    lc_yaml *node = new_node(reader, LC_YAML_MAP);
    g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(lc_yaml_pair));
    while (next_event(reader)) {
        if (reader->event->type == FYET_MAPPING_END) {
            lc_yaml_pair *copy = lc_arena_new(reader->arena, lc_yaml_pair, pairs->len);
            if (pairs->len)
                memcpy(copy, pairs->data, pairs->len * sizeof *copy);
            node->pairs = copy;
            node->n = pairs->len;
            return node;
        }
        lc_yaml_pair pair = {.key = read_node(reader, depth)};
        if (pair.key == NULL || !next_event(reader))
            return NULL;
        pair.value = read_node(reader, depth);
        if (pair.value == NULL || !add_weight(reader, node, pair.key) || !add_weight(reader, node, pair.value))
            return NULL;
        g_array_append_val(pairs, pair);
    }
    return NULL;
}

static const lc_yaml *
read_alias(lc_yaml_reader *reader)
{
    size_t size = 0;
    const char *data = fy_token_get_text(reader->event->alias.anchor, &size);
    g_autofree char *name = g_strndup(data ? data : "", size);
    const lc_yaml *node = g_hash_table_lookup(reader->anchors, name);
    if (node == NULL)
        lc_problems_add(reader->problems, reader->line, MAX(reader->column - 1, 1),
                        "no anchor &%s above; name the part to repeat with it, or write it out here", name);
    return node;
}

static struct fy_token *
anchor_of(const struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR:
        return event->scalar.anchor;
    case FYET_SEQUENCE_START:
        return event->sequence_start.anchor;
    case FYET_MAPPING_START:
        return event->mapping_start.anchor;
    default:
        return NULL;
    }
}

static struct fy_token *
tag_of(const struct fy_event *event)
{
    switch (event->type) {
    case FYET_SCALAR:
        return event->scalar.tag;
    case FYET_SEQUENCE_START:
        return event->sequence_start.tag;
    case FYET_MAPPING_START:
        return event->mapping_start.tag;
    default:
        return NULL;
    }
}

static void
refuse_tag(lc_yaml_reader *reader, struct fy_token *tag)
{
    const struct fy_mark *mark = fy_token_start_mark(tag);
    lc_problems_add(reader->problems, mark ? mark->line + 1 : reader->line, mark ? mark->column + 1 : reader->column,
                    "a tag (!...) means nothing here; leave it out");
}

/* The node that begins with the present event; an anchor names it from its end on, so that none holds itself. */
static const lc_yaml *
read_node(lc_yaml_reader *reader, int depth)
{
    struct fy_token *anchor = anchor_of(reader->event);
    size_t size = 0;
    const char *data = anchor ? fy_token_get_text(anchor, &size) : NULL;
    g_autofree char *name = data ? g_strndup(data, size) : NULL;
    const lc_yaml *node = NULL;
    if (depth > DEEPEST) {
        refuse(reader, "nested too deeply; nothing here needs that");
        return NULL;
    }
    if (tag_of(reader->event)) {
        refuse_tag(reader, tag_of(reader->event));
        return NULL;
    }
    if (reader->event->type == FYET_ALIAS)
        node = read_alias(reader);
    else if (reader->event->type == FYET_SCALAR)
        node = read_scalar(reader);
    else if (reader->event->type == FYET_SEQUENCE_START)
        node = read_list(reader, depth + 1);
    else if (reader->event->type == FYET_MAPPING_START)
        node = read_map(reader, depth + 1);
    if (node && name)
        g_hash_table_replace(reader->anchors, g_steal_pointer(&name), (gpointer)node);
    return node;
}

static const lc_yaml *
nothing_at_all(lc_yaml_reader *reader)
{
    lc_yaml *node = new_node(reader, LC_YAML_NOTHING);
    node->line = node->column = 1;
    return node;
}

static const lc_yaml *
read_stream(lc_yaml_reader *reader)
{
    const lc_yaml *document = NULL;
    while (next_event(reader)) {
        switch (reader->event->type) {
        case FYET_STREAM_END:
            return document ? document : nothing_at_all(reader);
        case FYET_DOCUMENT_START:
            if (document) {
                refuse(reader, "a second document, and a file holds one; put it in its own, or take it out");
                return NULL;
            }
            break;
        case FYET_STREAM_START:
        case FYET_DOCUMENT_END:
            break;
        default:
            document = read_node(reader, 0);
            if (document == NULL)
                return NULL;
        }
    }
    return NULL;
}

static const lc_yaml *
parse_with(struct fy_diag *diag, lc_text text, lc_arena *arena, lc_problems *problems)
{
    struct fy_parse_cfg config = {.flags = (enum fy_parse_cfg_flags)(FYPCF_QUIET | FYPCF_COLLECT_DIAG |
                                                                     FYPCF_DEFAULT_VERSION_1_2 | FYPCF_JSON_NONE),
                                  .diag = diag};
    lc_yaml_reader reader = {.parser = fy_parser_create(&config),
                             .source = text,
                             .arena = arena,
                             .problems = problems,
                             .anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                             .line = 1,
                             .column = 1};
    const lc_yaml *document = NULL;
    if (reader.parser && fy_parser_set_string(reader.parser, text.data, text.size) == 0)
        document = read_stream(&reader);
    if (document == NULL && lc_problems_is_empty(problems))
        refuse_syntax(&reader, text, diag);
    if (reader.event)
        fy_parser_event_free(reader.parser, reader.event);
    if (reader.parser)
        fy_parser_destroy(reader.parser);
    g_hash_table_unref(reader.anchors);
    return document;
}

const lc_yaml *
lc_yaml_parse(lc_text text, lc_arena *arena, lc_problems *problems)
{
    struct fy_diag_cfg config;
    int line, column;
    const char *no_text = lc_find_no_text(text.data, text.size, &line, &column);
    if (no_text) {
        lc_problems_add(problems, line, column, "%s", no_text);
        return NULL;
    }
    fy_diag_cfg_default(&config);
    config.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&config);
    if (diag == NULL)
        g_error("out of memory");
    fy_diag_set_collect_errors(diag, true);
    const lc_yaml *document = parse_with(diag, text, arena, problems);
    fy_diag_destroy(diag);
    return document;
}
