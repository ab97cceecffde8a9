/* condition.c - `when`: reading it, whether it holds (2.1), and whether one covers another. */
#include "read.h"

/* ---- Decimal numbers: compared as text, so that no digit is lost ---- */

static size_t
count_digits(lc_text text, size_t from)
{
    size_t at = from;
    while (at < text.size && g_ascii_isdigit(text.data[at]))
        at++;
    return at - from;
}

bool
lc_decimal_read(lc_text text, lc_decimal *decimal)
{
    size_t start = text.size > 0 && text.data[0] == '-' ? 1 : 0;
    size_t n_whole = count_digits(text, start), point = start + n_whole, n_fraction = 0;
    if (n_whole == 0)
        return false;
    if (point < text.size) {
        if (text.data[point] != '.')
            return false;
        n_fraction = count_digits(text, point + 1);
        if (n_fraction == 0 || point + 1 + n_fraction != text.size)
            return false;
    }
    decimal->whole = (lc_text){text.data + start, n_whole};
    decimal->fraction = (lc_text){n_fraction ? text.data + point + 1 : "", n_fraction};
    while (decimal->whole.size && decimal->whole.data[0] == '0') {
        decimal->whole.data++;
        decimal->whole.size--;
    }
    while (decimal->fraction.size && decimal->fraction.data[decimal->fraction.size - 1] == '0')
        decimal->fraction.size--;
    decimal->negative = start == 1 && (decimal->whole.size || decimal->fraction.size);
    return true;
}

static int
compare_sizes(const lc_decimal *a, const lc_decimal *b)
{
    if (a->whole.size != b->whole.size)
        return a->whole.size < b->whole.size ? -1 : 1;
    int order = lc_text_compare(a->whole, b->whole);
    return order ? order : lc_text_compare(a->fraction, b->fraction);
}

static bool
is_not_below(const lc_decimal *number, const lc_decimal *bound)
{
    if (number->negative != bound->negative)
        return bound->negative;
    int order = compare_sizes(number, bound);
    return number->negative ? order <= 0 : order >= 0;
}

/* ---- Holding ---- */

static bool
is_one_of(lc_text value, const lc_text *values, unsigned n_values)
{
    for (unsigned i = 0; i < n_values; i++)
        if (lc_text_equal(value, values[i]))
            return true;
    return false;
}

static lc_text
value_of(lc_text key, const lc_attribute *attributes, size_t n_attributes)
{
    for (size_t i = 0; i < n_attributes; i++)
        if (lc_text_equal(key, attributes[i].key))
            return attributes[i].value;
    return LC_NO_TEXT;
}

static bool
bound_holds(const lc_bound_condition *condition, lc_text value)
{
    lc_decimal number;
    return lc_decimal_read(value, &number) && is_not_below(&number, &condition->least);
}

bool
lc_condition_holds(const lc_condition *condition, lc_text channel, const lc_attribute *attributes, size_t n_attributes)
{
    if (condition->any)
        return true;
    if (condition->n_channels && !is_one_of(channel, condition->channels, condition->n_channels))
        return false;
    for (unsigned i = 0; i < condition->n_attributes; i++) {
        const lc_attribute_condition *part = &condition->attributes[i];
        lc_text value = value_of(part->key, attributes, n_attributes);
        if (lc_text_is_absent(value) || !is_one_of(value, part->values, part->n_values))
            return false;
    }
    for (unsigned i = 0; i < condition->n_bounds; i++)
        if (!bound_holds(&condition->bounds[i], value_of(condition->bounds[i].key, attributes, n_attributes)))
            return false;
    return true;
}

/* ---- Covering ---- */

static bool
all_are_among(const lc_text *some, unsigned n_some, const lc_text *values, unsigned n_values)
{
    for (unsigned i = 0; i < n_some; i++)
        if (!is_one_of(some[i], values, n_values))
            return false;
    return true;
}

static bool
attribute_is_covered(const lc_attribute_condition *general, const lc_condition *special)
{
    for (unsigned i = 0; i < special->n_attributes; i++) {
        const lc_attribute_condition *part = &special->attributes[i];
        if (lc_text_equal(part->key, general->key) &&
            all_are_among(part->values, part->n_values, general->values, general->n_values))
            return true;
    }
    return false;
}

static bool
bound_is_covered(const lc_bound_condition *general, const lc_condition *special)
{
    for (unsigned i = 0; i < special->n_bounds; i++)
        if (lc_text_equal(special->bounds[i].key, general->key) && bound_holds(general, special->bounds[i].bound))
            return true;
    return false;
}

bool
lc_condition_covers(const lc_condition *general, const lc_condition *special)
{
    if (general->any)
        return true;
    if (special->any)
        return false;
    if (general->n_channels && (special->n_channels == 0 || !all_are_among(special->channels, special->n_channels,
                                                                           general->channels, general->n_channels)))
        return false;
    for (unsigned i = 0; i < general->n_attributes; i++)
        if (!attribute_is_covered(&general->attributes[i], special))
            return false;
    for (unsigned i = 0; i < general->n_bounds; i++)
        if (!bound_is_covered(&general->bounds[i], special))
            return false;
    return true;
}

/* ---- Reading ---- */

static const lc_text *
read_values(lc_document_reader *reader, const lc_yaml *node, const char *what, unsigned *n_values)
{
    bool is_shown = node && node->kind == LC_YAML_SCALAR && node->text.size < 60 && !strpbrk(node->text.data, "\"\\");
    g_autofree char *value = is_shown ? lc_quoted(node) : g_strdup("demo, quote");
    g_autofree char *example = g_strdup_printf("[%s]", value);
    if (!lc_read_list(reader, node, what, example))
        return NULL;
    if (node->n == 0)
        lc_refuse(reader, node, "an empty list never holds; name a value or leave %s out", what);
    lc_text *values = lc_arena_new(reader->arena, lc_text, node->n);
    for (size_t i = 0; i < node->n; i++)
        if (node->items[i]->kind == LC_YAML_NOTHING)
            lc_refuse(reader, node->items[i], "a value of %s is missing; put null in quotes where the word is meant",
                      what);
        else if (lc_read_text(reader, node->items[i], what, &values[*n_values]))
            (*n_values)++;
    return values;
}

static bool
read_attribute_key(lc_document_reader *reader, GHashTable *seen, const lc_yaml *node, lc_text *key)
{
    if (node->kind != LC_YAML_SCALAR) {
        lc_refuse(reader, node, "an attribute's name must be a text");
        return false;
    }
    *key = node->text;
    return lc_take_name(reader, seen, node, "attribute");
}

static void
read_attributes(lc_document_reader *reader, const lc_yaml *node, lc_condition *condition)
{
    if (!lc_read_map(reader, node, "attributes", "region: [north]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_attribute_condition *list = lc_arena_new(reader->arena, lc_attribute_condition, node->n);
    for (size_t i = 0; i < node->n; i++) {
        lc_attribute_condition part = {0};
        if (!read_attribute_key(reader, seen, node->pairs[i].key, &part.key))
            continue;
        g_autofree char *name = lc_quoted(node->pairs[i].key);
        if (node->pairs[i].value->kind == LC_YAML_NOTHING)
            lc_refuse(reader, node->pairs[i].value, "attribute %s has no values; give a list", name);
        part.values = read_values(reader, node->pairs[i].value, name, &part.n_values);
        list[condition->n_attributes++] = part;
    }
    condition->attributes = list;
}

static void
read_bounds(lc_document_reader *reader, const lc_yaml *node, lc_condition *condition)
{
    if (!lc_read_map(reader, node, "at_least", "employees: 200"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_bound_condition *list = lc_arena_new(reader->arena, lc_bound_condition, node->n);
    for (size_t i = 0; i < node->n; i++) {
        lc_bound_condition part = {0};
        const lc_yaml *value = node->pairs[i].value;
        if (!read_attribute_key(reader, seen, node->pairs[i].key, &part.key))
            continue;
        g_autofree char *name = lc_quoted(node->pairs[i].key);
        if (value->kind != LC_YAML_SCALAR || !lc_decimal_read(value->text, &part.least))
            lc_refuse(reader, value, "at_least %s must be a decimal number, for example 200 or 0.5", name);
        part.bound = value->text;
        list[condition->n_bounds++] = part;
    }
    condition->bounds = list;
}

static void
read_parts(lc_document_reader *reader, const lc_yaml *node, lc_condition *condition)
{
    enum { CHANNEL, ATTRIBUTES, AT_LEAST };
    lc_map_key fields[] = {[CHANNEL] = {"channel", NULL, "channel: [demo, quote]"},
                           [ATTRIBUTES] = {"attributes"},
                           [AT_LEAST] = {"at_least"}};
    if (!lc_read_fields(reader, node, "when", fields, G_N_ELEMENTS(fields)))
        return;
    condition->channels = read_values(reader, fields[CHANNEL].value, "channel", &condition->n_channels);
    read_attributes(reader, fields[ATTRIBUTES].value, condition);
    read_bounds(reader, fields[AT_LEAST].value, condition);
    if (node->n == 0 ||
        (fields[ATTRIBUTES].value && fields[ATTRIBUTES].value->kind == LC_YAML_MAP && fields[ATTRIBUTES].value->n == 0))
        lc_refuse(reader, node, "an empty condition; write `when: any` where it shall always hold");
}

const lc_condition *
lc_read_condition(lc_document_reader *reader, const lc_yaml *node)
{
    lc_condition *condition = lc_arena_new(reader->arena, lc_condition, 1);
    *condition = (lc_condition){0};
    if (node == NULL || node->kind == LC_YAML_NOTHING)
        return condition;
    if (node->kind != LC_YAML_SCALAR)
        read_parts(reader, node, condition);
    else if (lc_text_equal(node->text, LC_TEXT("any")))
        condition->any = true;
    else {
        lc_refuse(reader, node, "`when` must be `any`, or a map like {channel: [demo, quote]}");
        condition->any = true; /* what was meant, mostly */
    }
    return condition;
}
