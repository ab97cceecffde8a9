#include "options.h"

#include <leadclock/diagnostics.h>
#include <leadclock/text.h>
#include <libfyaml.h>

/* Where a value was given. */
typedef struct {
    int line, column;       /* 0: not in the file */
    const char *overridden; /* the key of `--set`; NULL: not by --set */
} place;

typedef struct {
    lc_config *config;
    const char *path; /* of the file; NULL: none */
    char *text;
    size_t size;
    place *places;  /* by option */
    GArray *inputs; /* place: of each of topics.inputs that the file names */
    GString *problems;
} loader;

static char *(*check_property)(const char *name, const char *value);

void
lc_config_check_properties_with(char *(*check)(const char *name, const char *value))
{
    check_property = check;
}

/* ---- Secrets are never shown, not even in the line that is wrong ---- */

static void
hide(char *from, const char *to)
{
    bool is_reference = g_strstr_len(from, to - from, "${") != NULL;
    for (; !is_reference && from < to; from++)
        *from = '*';
}

static void
hide_matches(char *line, const char *pattern)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    g_autofree char *original = g_strdup(line);
    g_autoptr(GMatchInfo) match = NULL;
    g_regex_match(regex, original, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        int start, end;
        if (g_match_info_fetch_pos(match, 1, &start, &end))
            hide(line + start, line + end);
    }
}

/* In place. A reference to the environment (${NAME}) is no secret. */
static char *
hide_secrets(char *line)
{
    hide_matches(line, "(?:password|passphrase|secret|token|jaas|\\.pem)[\\w.\\-]*[\"']?\\s*[:=]\\s*(.*)$");
    hide_matches(line, "(?:^|://|[\\s\"':])([^\\s\"'/]+(?:/[^\\s\"'/]+)*)@");
    return line;
}

/* ---- Problems ---- */

static void
report_text(loader *loader, place at, const char *message)
{
    if (at.overridden) {
        g_string_append_printf(loader->problems, "--set %s: %s\n", at.overridden, message);
        return;
    }
    if (at.line == 0) {
        g_string_append_printf(loader->problems, "%s: %s\n", loader->path ? loader->path : "configuration", message);
        return;
    }
    g_autofree char *line = hide_secrets(lc_line_of(loader->text, loader->size, at.line));
    lc_diagnose(loader->problems, loader->path, at.line, at.column, line, message);
}

static void G_GNUC_PRINTF(3, 4) report(loader *loader, place at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    report_text(loader, at, message);
}

/* ---- ${NAME} ---- */

/* `text` with ${NAME} replaced from the environment and $$ by $; or NULL with what is wrong. */
static char *
expand(const char *text, char **wrong)
{
    g_autoptr(GString) out = g_string_new(NULL);
    while (*text) {
        if (text[0] != '$' || (text[1] != '{' && text[1] != '$')) {
            g_string_append_c(out, *text++);
            continue;
        }
        if (text[1] == '$') {
            g_string_append_c(out, '$');
            text += 2;
            continue;
        }
        const char *end = strchr(text, '}');
        if (end == NULL || end == text + 2) {
            *wrong = g_strdup("has a ${ that names nothing; write ${NAME}, or $${ for these characters themselves");
            return NULL;
        }
        g_autofree char *name = g_strndup(text + 2, (size_t)(end - text - 2));
        const char *value = g_getenv(name);
        if (value == NULL) {
            *wrong = g_strdup_printf(
                "takes ${%s} from the environment, where it is not set; set it, or write the value", name);
            return NULL;
        }
        g_string_append(out, value);
        text = end + 1;
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}

/* ---- Taking values ---- */

static void
take_value(loader *loader, const lc_option *option, const char *raw, place at)
{
    g_autofree char *wrong = NULL;
    g_autofree char *value = expand(raw, &wrong);
    g_autofree char *shown = hide_secrets(g_strdup(raw));
    if (value)
        wrong = lc_option_set(option, loader->config, value, shown);
    if (wrong)
        report(loader, at, "%s: %s", option->key, wrong);
}

static bool
take_list_item(loader *loader, const lc_option *option, GStrvBuilder *list, const char *raw, place at)
{
    g_autofree char *wrong = NULL;
    g_autofree char *value = expand(raw, &wrong);
    if (value)
        wrong = option->check(value);
    if (wrong)
        report(loader, at, "%s: \"%s\" %s", option->key, raw, wrong);
    else
        g_strv_builder_add(list, value);
    return wrong == NULL;
}

static void
take_map_entry(loader *loader, const lc_option *option, GStrvBuilder *map, const char *name, const char *raw, place at)
{
    g_autofree char *wrong = NULL;
    g_autofree char *value = expand(raw, &wrong);
    if (value)
        wrong = option->check_entry(name, value);
    if (value && wrong == NULL && check_property)
        wrong = check_property(name, value);
    if (wrong && value && strcmp(raw, value) != 0 && strstr(wrong, value))
        report(loader, at, "%s.%s: what the environment gives is not valid", option->key, name);
    else if (wrong)
        report(loader, at, "%s.%s: %s", option->key, name, wrong);
    else
        g_strv_builder_add_many(map, name, value, NULL);
}

/* "a, b" or "[a, b]". */
static void
take_list_text(loader *loader, const lc_option *option, const char *text, place at)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    g_auto(GStrv) items = g_strsplit(text, ",", -1);
    bool empty = true;
    g_array_set_size(loader->inputs, 0);
    for (char **item = items; *item; item++)
        if (*g_strstrip(g_strdelimit(*item, "[]", ' '))) {
            take_list_item(loader, option, list, *item, at);
            empty = false;
        }
    if (empty)
        report(loader, at, "%s is empty; name at least one topic", option->key);
    lc_option_set_texts(option, loader->config, g_strv_builder_end(list));
}

static void
take_defaults(loader *loader)
{
    for (size_t i = 0; i < lc_n_options; i++) {
        const lc_option *option = &lc_options[i];
        if (option->kind == OPTION_LIST)
            take_list_text(loader, option, option->fallback, (place){0});
        else if (option->kind == OPTION_MAP)
            lc_option_set_texts(option, loader->config, g_new0(char *, 1));
        else if (option->fallback)
            take_value(loader, option, option->fallback, (place){0});
    }
}

/* ---- The file ---- */

/* Of a mapping or a list, its first part. */
static struct fy_node *
first_scalar(struct fy_node *node)
{
    void *cursor = NULL;
    while (node && !fy_node_is_scalar(node)) {
        struct fy_node_pair *pair = fy_node_is_mapping(node) ? fy_node_mapping_iterate(node, &cursor) : NULL;
        node = pair                        ? fy_node_pair_key(pair)
               : fy_node_is_sequence(node) ? fy_node_sequence_iterate(node, &cursor)
                                           : NULL;
        cursor = NULL;
    }
    return node;
}

static place
place_of(struct fy_node *node, place otherwise)
{
    struct fy_node *scalar = first_scalar(node);
    struct fy_token *token = scalar ? fy_node_get_scalar_token(scalar) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (mark == NULL)
        return otherwise;
    enum fy_node_style style = fy_node_get_style(scalar);
    bool marked_behind = style == FYNS_SINGLE_QUOTED || style == FYNS_DOUBLE_QUOTED || fy_node_is_alias(scalar);
    return (place){mark->line + 1, mark->column + (marked_behind ? 0 : 1), NULL};
}

static char *
text_of(struct fy_node *node)
{
    size_t size = 0;
    const char *text = node ? fy_node_get_scalar(node, &size) : NULL;
    return g_strndup(text ? text : "", size);
}

static bool
has_tag(struct fy_node *node)
{
    size_t size;
    return fy_node_get_tag(node, &size) != NULL;
}

/* A single value, not an alias, a list or a mapping, nor nothing at all. */
static bool
is_value(struct fy_node *node)
{
    return node && fy_node_is_scalar(node) && !fy_node_is_null(node) && !fy_node_is_alias(node) && !has_tag(node);
}

/* What stands where a single value should; `key` as it is to be shown. */
static void
refuse_value(loader *loader, const char *key, struct fy_node *node, place key_at)
{
    if (node == NULL || fy_node_is_null(node))
        report(loader, key_at, "%s has no value; write one, or leave the key out", key);
    else if (fy_node_is_alias(node))
        report(loader, place_of(node, key_at), "%s: aliases (*name) are not known here; write the value out", key);
    else if (has_tag(node))
        report(loader, place_of(node, key_at), "%s: a tag (!...) means nothing here; leave it out", key);
    else
        report(loader, key_at, "%s must be a single value", key);
}

static void
take_list(loader *loader, const lc_option *option, struct fy_node *node, place at)
{
    g_autoptr(GStrvBuilder) list = g_strv_builder_new();
    struct fy_node *item;
    void *cursor = NULL;
    if (!node || !fy_node_is_sequence(node)) {
        report(loader, at, "%s must be a list; write [A, B]", option->key);
        return;
    }
    g_array_set_size(loader->inputs, 0);
    while ((item = fy_node_sequence_iterate(node, &cursor))) {
        g_autofree char *text = text_of(item);
        place here = place_of(item, at);
        if (!is_value(item))
            refuse_value(loader, option->key, item, at);
        else if (take_list_item(loader, option, list, text, here))
            g_array_append_val(loader->inputs, here);
    }
    if (fy_node_sequence_is_empty(node))
        report(loader, at, "%s is empty; name at least one topic", option->key);
    lc_option_set_texts(option, loader->config, g_strv_builder_end(list));
}

static bool
is_first(loader *loader, GHashTable *seen, const char *key, place at)
{
    int first = GPOINTER_TO_INT(g_hash_table_lookup(seen, key));
    if (first)
        report(loader, at, "\"%s\" is given twice, first in line %d; take one out", key, first);
    else
        g_hash_table_insert(seen, g_strdup(key), GINT_TO_POINTER(at.line));
    return first == 0;
}

static void
take_map(loader *loader, const lc_option *option, struct fy_node *node, place at)
{
    g_autoptr(GStrvBuilder) map = g_strv_builder_new();
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct fy_node_pair *pair;
    void *cursor = NULL;
    if (!fy_node_is_null(node) && !fy_node_is_mapping(node)) {
        report(loader, at, "%s must be a mapping; write {NAME: VALUE}", option->key);
        return;
    }
    while (node && fy_node_is_mapping(node) && (pair = fy_node_mapping_iterate(node, &cursor))) {
        g_autofree char *name = text_of(fy_node_pair_key(pair)), *value = text_of(fy_node_pair_value(pair));
        g_autofree char *key = g_strdup_printf("%s.%s", option->key, name);
        place here = place_of(fy_node_pair_key(pair), at);
        if (is_first(loader, seen, key, here) && !is_value(fy_node_pair_value(pair)))
            refuse_value(loader, key, fy_node_pair_value(pair), here);
        else if (is_value(fy_node_pair_value(pair)))
            take_map_entry(loader, option, map, name, value, here);
    }
    lc_option_set_texts(option, loader->config, g_strv_builder_end(map));
}

static void
take_option(loader *loader, const lc_option *option, struct fy_node *node, place key_at)
{
    loader->places[option - lc_options] = node ? place_of(node, key_at) : key_at;
    if (option->kind == OPTION_LIST) {
        take_list(loader, option, node, key_at);
    } else if (option->kind == OPTION_MAP) {
        take_map(loader, option, node, key_at);
    } else if (is_value(node)) {
        g_autofree char *text = text_of(node);
        take_value(loader, option, text, place_of(node, key_at));
    } else {
        refuse_value(loader, option->key, node, key_at);
    }
}

/* The names that may follow `section` ("" or "kafka."), each once. */
static char **
names_in(const char *section)
{
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();
    g_autofree char *previous = NULL;
    for (size_t i = 0; i < lc_n_options; i++) {
        if (!g_str_has_prefix(lc_options[i].key, section))
            continue;
        const char *rest = lc_options[i].key + strlen(section);
        char *name = g_strndup(rest, strcspn(rest, "."));
        if (g_strcmp0(name, previous) != 0)
            g_strv_builder_add(names, name);
        g_free(previous);
        previous = name;
    }
    return g_strv_builder_end(names);
}

static const char *
find_by_last_name(const char *name)
{
    for (size_t i = 0; i < lc_n_options; i++) {
        const char *dot = strrchr(lc_options[i].key, '.');
        if (dot && strcmp(dot + 1, name) == 0)
            return lc_options[i].key;
    }
    return NULL;
}

static void
report_unknown(loader *loader, const char *section, const char *name, place at)
{
    g_auto(GStrv) names = names_in(section);
    const char *near = lc_nearest_name(name, (const char *const *)names), *elsewhere = find_by_last_name(name);
    if (elsewhere) {
        report(loader, at, "unknown key \"%s%s\"; did you mean \"%s\"?", section, name, elsewhere);
    } else if (near) {
        report(loader, at, "unknown key \"%s%s\"; did you mean \"%s%s\"?", section, name, section, near);
    } else {
        g_autofree char *all = g_strjoinv(", ", names);
        report(loader, at, "unknown key \"%s%s\"; keys here: %s", section, name, all);
    }
}

static void take_mapping(loader *loader, struct fy_node *node, const char *section);

static void
take_pair(loader *loader, const char *section, const char *name, struct fy_node *value, place at)
{
    g_autofree char *key = g_strconcat(section, name, NULL);
    int option = lc_option_find(key);
    if (option >= 0) {
        take_option(loader, &lc_options[option], value, at);
    } else if (!lc_option_is_section(key)) {
        report_unknown(loader, section, name, at);
    } else if (value && fy_node_is_mapping(value)) {
        g_autofree char *deeper = g_strconcat(key, ".", NULL);
        take_mapping(loader, value, deeper);
    } else if (!fy_node_is_null(value)) {
        g_autofree char *prefix = g_strconcat(key, ".", NULL);
        g_auto(GStrv) names = names_in(prefix);
        report(loader, at, "%s must be a mapping; write %s: {%s: ...}", key, key, names[0]);
    }
}

static void
take_mapping(loader *loader, struct fy_node *node, const char *section)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct fy_node_pair *pair;
    void *cursor = NULL;
    while ((pair = fy_node_mapping_iterate(node, &cursor))) {
        struct fy_node *node_of_key = fy_node_pair_key(pair);
        g_autofree char *name = text_of(node_of_key), *key = g_strconcat(section, name, NULL);
        place at = place_of(node_of_key, (place){1, 1, NULL});
        if (!node_of_key || !fy_node_is_scalar(node_of_key))
            report(loader, at, "a key must be a word; write KEY: VALUE");
        else if (is_first(loader, seen, key, at))
            take_pair(loader, section, name, fy_node_pair_value(pair), at);
    }
}

static void
ignore_output(struct fy_diag *diag, void *user, const char *text, size_t size)
{
    (void)diag, (void)user, (void)text, (void)size;
}

static void
report_syntax(loader *loader, struct fy_diag *diag)
{
    struct fy_diag_error *problem;
    void *cursor = NULL;
    while ((problem = fy_diag_errors_iterate(diag, &cursor))) {
        int line = MAX(problem->line, 1), column = MAX(problem->column, 1);
        lc_step_back(loader->text, loader->size, &line, &column);
        report(loader, (place){line, column, NULL},
               "not YAML: %s; check indentation, quotes and brackets here and on the line above", problem->msg);
    }
}

static void
take_document(loader *loader, struct fy_document *document)
{
    struct fy_node *root = fy_document_root(document);
    if (root && fy_node_is_mapping(root))
        take_mapping(loader, root, "");
    else if (!fy_node_is_null(root))
        report(loader, place_of(root, (place){1, 1, NULL}), "a configuration is a mapping; write KEY: VALUE");
}

static void
parse_text(loader *loader)
{
    struct fy_diag_cfg how = {0};
    fy_diag_cfg_default(&how);
    how.fp = NULL;
    how.output_fn = ignore_output;
    struct fy_diag *diag = fy_diag_create(&how);
    fy_diag_set_collect_errors(diag, true);
    struct fy_parse_cfg parse = {.flags = FYPCF_ALLOW_DUPLICATE_KEYS | FYPCF_COLLECT_DIAG, .diag = diag};
    struct fy_parser *parser = fy_parser_create(&parse);
    struct fy_document *document = NULL;
    if (fy_parser_set_string(parser, loader->text, loader->size) == 0 && (document = fy_parse_load_document(parser)))
        take_document(loader, document);
    struct fy_document *second = document ? fy_parse_load_document(parser) : NULL;
    if (second)
        report(loader, place_of(fy_document_root(second), (place){0}),
               "a second document, which would be ignored; take it out");
    report_syntax(loader, diag);
    fy_parse_document_destroy(parser, second);
    fy_parse_document_destroy(parser, document);
    fy_parser_destroy(parser);
    fy_diag_destroy(diag);
}

static void
take_text(loader *loader)
{
    place at = {0};
    const char *no_text = lc_find_no_text(loader->text, loader->size, &at.line, &at.column);
    if (no_text)
        report_text(loader, at, no_text);
    else
        parse_text(loader);
}

/* ---- --set KEY=VALUE ---- */

static void
override_property(loader *loader, const lc_option *option, const char *name, const char *raw, place at)
{
    g_autoptr(GStrvBuilder) map = g_strv_builder_new();
    char **present = *(char ***)((char *)loader->config + option->offset);
    for (char **entry = present; *entry; entry += 2)
        if (strcmp(entry[0], name) != 0)
            g_strv_builder_add_many(map, entry[0], entry[1], NULL);
    take_map_entry(loader, option, map, name, raw, at);
    lc_option_set_texts(option, loader->config, g_strv_builder_end(map));
}

static const lc_option *
find_map_of(const char *key)
{
    for (size_t i = 0; i < lc_n_options; i++) {
        size_t length = strlen(lc_options[i].key);
        if (lc_options[i].kind == OPTION_MAP && strncmp(lc_options[i].key, key, length) == 0 && key[length] == '.')
            return &lc_options[i];
    }
    return NULL;
}

static void
report_unknown_path(loader *loader, const char *key, place at)
{
    const char *dot = strrchr(key, '.');
    g_autofree char *section = g_strndup(key, dot ? (size_t)(dot + 1 - key) : 0);
    g_autofree char *parent = g_strndup(key, dot ? (size_t)(dot - key) : 0);
    if (dot && !lc_option_is_section(parent))
        report_unknown_path(loader, parent, at);
    else
        report_unknown(loader, section, dot ? dot + 1 : key, at);
}

/* `key` lives as long as the loader. */
static void
take_override(loader *loader, const char *key, const char *value)
{
    place at = {.overridden = key};
    int index = lc_option_find(key);
    const lc_option *map = find_map_of(key);
    if (map) {
        override_property(loader, map, key + strlen(map->key) + 1, value, at);
    } else if (index < 0) {
        report_unknown_path(loader, key, at);
    } else if (lc_options[index].kind == OPTION_MAP) {
        report(loader, at, "names no entry; write %s.NAME=VALUE", key);
    } else {
        loader->places[index] = at;
        if (lc_options[index].kind == OPTION_LIST)
            take_list_text(loader, &lc_options[index], value, at);
        else
            take_value(loader, &lc_options[index], value, at);
    }
}

static void
take_overrides(loader *loader, const char *const *overrides, GPtrArray *keys)
{
    for (; overrides && *overrides; overrides++) {
        const char *equals = strchr(*overrides, '=');
        char *key = g_strstrip(g_strndup(*overrides, equals ? (size_t)(equals - *overrides) : strlen(*overrides)));
        g_ptr_array_add(keys, key);
        if (equals)
            take_override(loader, key, equals + 1);
        else
            report(loader, (place){.overridden = key}, "has no value; write --set %s=VALUE", key);
    }
}

/* ---- What only all together shows ---- */

static place
place_by_key(const loader *loader, const char *key)
{
    return loader->places[lc_option_find(key)];
}

static bool
is_given(place at)
{
    return at.line || at.overridden;
}

static void
choose_registry(loader *loader)
{
    lc_config *config = loader->config;
    place url = place_by_key(loader, "registry.url"), file = place_by_key(loader, "registry.file");
    if (!is_given(file))
        return;
    if (is_given(url) && !url.overridden == !file.overridden)
        report(loader, file, "registry.file and registry.url are both given; take one out");
    if (url.overridden && !file.overridden)
        g_clear_pointer(&config->registry.file, g_free);
    else
        g_clear_pointer(&config->registry.url, g_free);
}

/* What the file names is relative to the file; what `--set` names, to where we are. */
static void
resolve_path(loader *loader, const char *key, char **path)
{
    if (*path == NULL || g_path_is_absolute(*path) || loader->path == NULL || place_by_key(loader, key).overridden)
        return;
    g_autofree char *folder = g_path_get_dirname(loader->path);
    char *resolved = strcmp(folder, ".") == 0 ? g_strdup(*path) : g_build_filename(folder, *path, NULL);
    g_free(*path);
    *path = resolved;
}

static void
name_instance(loader *loader)
{
    lc_config *config = loader->config;
    if (*config->instance)
        return;
    g_free(config->instance);
    config->instance = g_strdup(g_get_host_name());
    g_autofree char *wrong = lc_options[lc_option_find("instance")].check(config->instance);
    if (wrong)
        report(loader, (place){0},
               "instance: the host name \"%s\" can't be used; set instance to a name of letters, "
               "digits, '.', '_' or '-'",
               config->instance);
}

typedef struct {
    const char *key, *name;
    place at;
} named_topic;

/* Of two with one name, that which was given is wrong: a default can't be. */
static void
refuse_same_topic(loader *loader, const named_topic *topic, const named_topic *other)
{
    bool given = is_given(topic->at);
    const named_topic *wrong = given ? topic : other, *right = given ? other : topic;
    if (strcmp(topic->key, other->key) == 0)
        report(loader, wrong->at, "%s: \"%s\" is given twice; take one out", topic->key, topic->name);
    else
        report(loader, wrong->at, "%s: \"%s\" is already used by %s; give it another name", wrong->key, wrong->name,
               right->key);
}

static void
name_topic(loader *loader, GArray *seen, const char *key, char **topic, place at)
{
    char *name = g_strconcat(loader->config->topics.prefix, *topic, NULL);
    const named_topic named = {key, name, at};
    g_free(*topic);
    *topic = name;
    if (strlen(name) > 249)
        report(loader, at, "%s: \"%s\" is longer than 249 characters with its prefix; shorten one", key, name);
    for (guint i = 0; i < seen->len; i++)
        if (strcmp(g_array_index(seen, named_topic, i).name, name) == 0) {
            refuse_same_topic(loader, &named, &g_array_index(seen, named_topic, i));
            return;
        }
    g_array_append_val(seen, named);
}

static void
name_topics(loader *loader)
{
    g_autoptr(GArray) seen = g_array_new(FALSE, FALSE, sizeof(named_topic));
    lc_config *config = loader->config;
    const struct {
        const char *key;
        char **topic;
    } outputs[] = {
        {"topics.breaches", &config->topics.breaches},   {"topics.warnings", &config->topics.warnings},
        {"topics.clawbacks", &config->topics.clawbacks}, {"topics.routed", &config->topics.routed},
        {"topics.settled", &config->topics.settled},     {"topics.counters", &config->topics.counters},
        {"topics.state", &config->topics.state},         {"topics.dead_letters", &config->topics.dead_letters},
    };
    for (guint i = 0; config->topics.inputs[i]; i++)
        name_topic(loader, seen, "topics.inputs", &config->topics.inputs[i],
                   i < loader->inputs->len ? g_array_index(loader->inputs, place, i)
                                           : place_by_key(loader, "topics.inputs"));
    for (size_t i = 0; i < G_N_ELEMENTS(outputs); i++)
        name_topic(loader, seen, outputs[i].key, outputs[i].topic, place_by_key(loader, outputs[i].key));
}

static void
finish(loader *loader)
{
    lc_config *config = loader->config;
    choose_registry(loader);
    resolve_path(loader, "policy", &config->policy);
    resolve_path(loader, "registry.file", &config->registry.file);
    name_instance(loader);
    name_topics(loader);
    if (*config->http.listen == '\0')
        g_clear_pointer(&config->http.listen, g_free);
}

static bool
read_file(loader *loader, GError **error)
{
    g_autoptr(GError) problem = NULL;
    if (g_file_get_contents(loader->path, &loader->text, &loader->size, &problem)) {
        size_t mark = lc_byte_order_mark(loader->text, loader->size);
        memmove(loader->text, loader->text + mark, loader->size + 1 - mark);
        loader->size -= mark;
        return true;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "the configuration can't be read: %s", problem->message);
    return false;
}

lc_config *
lc_config_load(const char *path, const char *const *overrides, GError **error)
{
    g_autoptr(lc_config) config = g_new0(lc_config, 1);
    g_autofree place *places = g_new0(place, lc_n_options);
    g_autoptr(GString) problems = g_string_new(NULL);
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GArray) inputs = g_array_new(FALSE, FALSE, sizeof(place));
    loader loader = {.config = config, .path = path, .places = places, .inputs = inputs, .problems = problems};
    if (path && !read_file(&loader, error))
        return NULL;
    take_defaults(&loader);
    if (path)
        take_text(&loader);
    take_overrides(&loader, overrides, keys);
    finish(&loader);
    g_free(loader.text);
    if (problems->len == 0)
        return g_steal_pointer(&config);
    g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, g_strchomp(problems->str));
    return NULL;
}

void
lc_config_free(lc_config *config)
{
    if (config == NULL)
        return;
    for (size_t i = 0; i < lc_n_options; i++) {
        void *field = (char *)config + lc_options[i].offset;
        lc_option_kind kind = lc_options[i].kind;
        if (kind == OPTION_TEXT || kind == OPTION_SECRET || kind == OPTION_CHOICE)
            g_free(*(char **)field);
        else if (kind == OPTION_LIST || kind == OPTION_MAP)
            g_strfreev(*(char ***)field);
    }
    g_free(config);
}
