/* read.c - typed values out of the tree, and how what is wrong with one is said. */
#include "read.h"

#include <leadclock/text.h>

#define LONGEST_NAME_BYTES 255
#define LONGEST_QUOTED 60 /* characters */

void
lc_refuse(lc_document_reader *reader, const lc_yaml *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lc_problems_add_va(reader->document->problems, node->line, node->column, format, arguments);
    va_end(arguments);
}

void
lc_remark(lc_document_reader *reader, const lc_yaml *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lc_problems_add_va(reader->document->oddities, node->line, node->column, format, arguments);
    va_end(arguments);
}

char *
lc_quoted(const lc_yaml *node)
{
    g_autoptr(GString) text = g_string_new("\"");
    const char *rest = lc_show_characters(text, node->text.data, LONGEST_QUOTED);
    g_string_append(text, *rest ? "...\"" : "\"");
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *
joined(const char *const *names, size_t n_names)
{
    g_autoptr(GString) list = g_string_new(NULL);
    for (size_t i = 0; i < n_names && i < 20; i++)
        g_string_append_printf(list, "%s%s", i ? ", " : "", names[i]);
    if (n_names > 20)
        g_string_append(list, ", ...");
    return g_string_free(g_steal_pointer(&list), FALSE);
}

static const char *
nearest_name(const char *wrong, const char *const *names, size_t n_names)
{
    g_autofree const char **all = g_new0(const char *, n_names + 1);
    for (size_t i = 0; i < n_names; i++)
        all[i] = names[i];
    return lc_nearest_name(wrong, all);
}

void
lc_refuse_name(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *list,
               const char *const *names, size_t n_names)
{
    if (lc_problems_is_full(reader->document->problems))
        return;
    g_autofree char *wrong = lc_quoted(node), *all = joined(names, n_names);
    const char *nearest = nearest_name(node->text.data, names, n_names);
    if (n_names == 0)
        lc_refuse(reader, node, "unknown %s %s; %s: none", what, wrong, list);
    else if (nearest)
        lc_refuse(reader, node, "unknown %s %s; did you mean \"%s\"? %s: %s", what, wrong, nearest, list, all);
    else
        lc_refuse(reader, node, "unknown %s %s; %s: %s", what, wrong, list, all);
}

GHashTable *
lc_names_new(void)
{
    return g_hash_table_new(g_str_hash, g_str_equal);
}

bool
lc_take_name(lc_document_reader *reader, GHashTable *seen, const lc_yaml *node, const char *what)
{
    const lc_yaml *first = g_hash_table_lookup(seen, node->text.data);
    if (first == NULL)
        return g_hash_table_insert(seen, (gpointer)node->text.data, (gpointer)node);
    g_autofree char *name = lc_quoted(node);
    lc_refuse(reader, node, "%s %s is given twice (first in line %d); keep one or choose another name", what, name,
              first->line);
    return false;
}

/* Keys that stand in one place alone, and are looked for in others. */
static const char *
place_of_key(lc_text key)
{
    static const struct {
        const char *key, *place;
    } places[] = {
        {"renew", "it belongs to first_contact"},
        {"reassign", "it belongs to first_contact"},
        {"cutoff", "it goes with working days, like within: {working_days: 2, cutoff: \"15:00\"}"},
        {"working_days", "it is a length, like within: {working_days: 2}"},
        {"at_most", "it belongs to pause"},
        {"head_start", "it belongs to a rule"},
        {"escalate", "only a clock that can be broken has it; clawback ends the cycle"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
        if (lc_text_equal(key, lc_text_of(places[i].key)))
            return places[i].place;
    return NULL;
}

/* What was probably meant is not lacking, too. */
static void
refuse_key(lc_document_reader *reader, const lc_yaml *key, const char *what, lc_map_key *fields, size_t n_fields)
{
    const char *place = place_of_key(key->text);
    if (place) {
        lc_refuse(reader, key, "\"%s\" is no key of %s; %s", key->text.data, what, place);
        return;
    }
    g_autofree const char **names = g_new(const char *, n_fields);
    g_autofree char *list = g_strdup_printf("keys of %s", what);
    for (size_t i = 0; i < n_fields; i++)
        names[i] = fields[i].name;
    lc_refuse_name(reader, key, "key", list, names, n_fields);
    const char *nearest = nearest_name(key->text.data, names, n_fields);
    for (size_t i = 0; i < n_fields; i++)
        fields[i].misspelled |= names[i] == nearest;
}

static lc_map_key *
field_named(lc_map_key *fields, size_t n_fields, lc_text name)
{
    for (size_t i = 0; i < n_fields; i++)
        if (lc_text_equal(name, lc_text_of(fields[i].name)))
            return &fields[i];
    return NULL;
}

static void
take_pair(lc_document_reader *reader, const lc_yaml_pair *pair, const char *what, lc_map_key *fields, size_t n_fields)
{
    lc_map_key *field = pair->key->kind == LC_YAML_SCALAR ? field_named(fields, n_fields, pair->key->text) : NULL;
    if (pair->key->kind != LC_YAML_SCALAR)
        lc_refuse(reader, pair->key, "a key of %s must be a word", what);
    else if (field == NULL)
        refuse_key(reader, pair->key, what, fields, n_fields);
    else if (field->key)
        lc_refuse(reader, pair->key, "\"%s\" is given twice (first in line %d); keep one", field->name,
                  field->key->line);
    else {
        field->key = pair->key;
        field->value = pair->value;
        if (pair->value->kind == LC_YAML_NOTHING)
            lc_refuse(reader, pair->value, "\"%s\" has no value; give it one or leave the key out", field->name);
    }
}

/* All that must not be missing, or else the first key. */
static char *
example_of(const lc_map_key *fields, size_t n_fields)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (size_t i = 0; i < n_fields; i++)
        if (fields[i].required)
            g_string_append_printf(text, "%s%s", text->len ? ", " : "", fields[i].required);
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : g_strdup(fields[0].example);
}

bool
lc_read_fields(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_map_key *fields, size_t n_fields)
{
    if (node == NULL)
        return false;
    g_autofree char *example = node->kind == LC_YAML_MAP ? NULL : example_of(fields, n_fields);
    if (!lc_read_map(reader, node, what, example))
        return false;
    for (size_t i = 0; i < node->n; i++)
        take_pair(reader, &node->pairs[i], what, fields, n_fields);
    for (size_t i = 0; i < n_fields; i++)
        if (fields[i].required && fields[i].key == NULL && !fields[i].misspelled)
            lc_refuse(reader, node, "%s lacks \"%s\"; add for example `%s`", what, fields[i].name, fields[i].required);
    return true;
}

static const char *
kind_of(const lc_yaml *node)
{
    return node->kind == LC_YAML_LIST ? "a list" : node->kind == LC_YAML_MAP ? "a map of keys" : "a single value";
}

/* Whether the node is of the kind; what has no value has been told of already where it is a field's. */
static bool
expect(lc_document_reader *reader, const lc_yaml *node, lc_yaml_kind kind, const char *what, const char *must)
{
    if (node == NULL || node->kind == kind)
        return node != NULL;
    if (node->kind != LC_YAML_NOTHING)
        lc_refuse(reader, node, "%s is %s; it must be %s", what, kind_of(node), must);
    return false;
}

bool
lc_read_list(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *example)
{
    g_autofree char *must = g_strdup_printf("a list, for example %s", example);
    return expect(reader, node, LC_YAML_LIST, what, must);
}

bool
lc_read_map(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *example)
{
    g_autofree char *must = example ? g_strdup_printf("a map of keys, for example {%s}", example) : NULL;
    return expect(reader, node, LC_YAML_MAP, what, must);
}

bool
lc_read_text(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_text *text)
{
    if (!expect(reader, node, LC_YAML_SCALAR, what, "a single text"))
        return false;
    *text = node->text;
    return true;
}

bool
lc_read_name(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_text *name)
{
    lc_text text;
    if (!lc_read_text(reader, node, what, &text))
        return false;
    if (text.size == 0 || text.size > LONGEST_NAME_BYTES) {
        lc_refuse(reader, node, "%s must have 1 to %d bytes", what, LONGEST_NAME_BYTES);
        return false;
    }
    for (const char *c = text.data; *c; c = g_utf8_next_char(c))
        if (g_unichar_iscntrl(g_utf8_get_char(c))) {
            lc_refuse(reader, node, "%s must be one line, without control characters", what);
            return false;
        }
    *name = text;
    return true;
}

static void
refuse_instant(lc_document_reader *reader, const lc_yaml *node, const char *what)
{
    g_autofree char *wrong = lc_quoted(node), *zoned = g_strconcat(node->text.data, "Z", NULL),
                    *timed = g_strconcat(node->text.data, "T00:00:00Z", NULL);
    lc_instant meant;
    if (lc_instant_parse(zoned, &meant))
        lc_refuse(reader, node, "%s %s has no zone; write %s, or a zone like +01:00", what, wrong, zoned);
    else if (lc_instant_parse(timed, &meant))
        lc_refuse(reader, node, "%s %s has no time with a zone; write it like %s", what, wrong, timed);
    else
        lc_refuse(reader, node, "%s %s is no time; write date, time and zone, like 2026-01-01T00:00:00Z", what, wrong);
}

bool
lc_read_instant(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_instant *instant)
{
    if (!expect(reader, node, LC_YAML_SCALAR, what, "a time, for example 2026-01-01T00:00:00Z"))
        return false;
    if (lc_instant_parse(node->text.data, instant))
        return true;
    refuse_instant(reader, node, what);
    return false;
}

#define UNITS "units: s, m (minutes), h, d (24 h), w (7 d), as in 1h30m"
#define WORKING_DAYS "working days"

/* What was surely meant by a word. Others may be of another length: "M", "mth" and "millis" are no minutes. */
static const char *
meant_unit(const char *wrong)
{
    static const struct {
        const char *unit, *words;
    } units[] = {
        {"s", " s sec secs second seconds "}, {"m", " min mins minute minutes "},
        {"h", " h hr hrs hour hours "},       {"d", " d day days "},
        {"w", " w wk wks week weeks "},       {WORKING_DAYS, " wd wds bd bds workday workdays working business "}};
    g_autofree char *lower = g_ascii_strdown(wrong, -1), *word = g_strdup_printf(" %s ", lower);
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++)
        if (strstr(units[i].words, word))
            return units[i].unit;
    return NULL;
}

static void
refuse_unit(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *unit)
{
    g_autofree char *wrong = lc_quoted(node);
    const char *meant = meant_unit(unit);
    if (meant == NULL)
        lc_refuse(reader, node, "unknown unit \"%s\" in %s %s; " UNITS, unit, what, wrong);
    else if (strcmp(meant, WORKING_DAYS) == 0)
        lc_refuse(reader, node,
                  "unknown unit \"%s\" in %s %s; working days are the length of a clock on a calendar with a week, as "
                  "in first_contact: {within: {working_days: 2}, calendar: office}",
                  unit, what, wrong);
    else
        lc_refuse(reader, node, "unknown unit \"%s\" in %s %s; did you mean \"%s\"? " UNITS, unit, what, wrong, meant);
}

/* Goes on to the first number and unit that are wrong. */
static void
refuse_duration(lc_document_reader *reader, const lc_yaml *node, const char *what)
{
    g_autofree char *wrong = lc_quoted(node);
    const char *at = node->text.data;
    size_t digits, letters;
    for (;; at += digits + 1) {
        digits = strspn(at, "0123456789");
        for (letters = 0; digits && g_ascii_isalpha(at[digits + letters]); letters++)
            ;
        if (letters == 0 || strchr("smhdw", at[digits]) == NULL || letters > 1)
            break;
    }
    g_autofree char *unit = g_strndup(at + digits, letters);
    if (letters)
        refuse_unit(reader, node, what, unit);
    else if (digits && at[digits] == '\0')
        lc_refuse(reader, node, "%s %s lacks a unit; write for example %.*sm; " UNITS, what, wrong,
                  (int)node->text.size, node->text.data);
    else if (*at == '\0' && node->text.size)
        lc_refuse(reader, node, "%s %s is no duration of at most 100 years; take less", what, wrong);
    else
        lc_refuse(reader, node, "%s %s is no duration; write whole numbers with units and no spaces; " UNITS, what,
                  wrong);
}

bool
lc_read_duration(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_duration *duration,
                 bool *has_days)
{
    if (!expect(reader, node, LC_YAML_SCALAR, what, "a duration, for example 5m"))
        return false;
    if (lc_duration_parse(node->text.data, duration, has_days))
        return true;
    refuse_duration(reader, node, what);
    return false;
}

bool
lc_read_integer(lc_document_reader *reader, const lc_yaml *node, const char *what, int64_t least, int64_t most,
                int64_t *number)
{
    if (!expect(reader, node, LC_YAML_SCALAR, what, "a whole number"))
        return false;
    if (g_ascii_string_to_signed(node->text.data, 10, least, most, number, NULL))
        return true;
    g_autofree char *wrong = lc_quoted(node);
    lc_refuse(reader, node, "%s %s must be a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, what, wrong,
              least, most);
    return false;
}

bool
lc_read_choice(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *list,
               const char *const *names, size_t n_names, int *choice)
{
    lc_text text;
    if (!lc_read_text(reader, node, what, &text))
        return false;
    for (size_t i = 0; i < n_names; i++)
        if (lc_text_equal(text, lc_text_of(names[i]))) {
            *choice = (int)i;
            return true;
        }
    lc_refuse_name(reader, node, what, list, names, n_names);
    return false;
}

bool
lc_read_boolean(lc_document_reader *reader, const lc_yaml *node, const char *what, bool *boolean)
{
    static const char *const names[] = {"false", "true"};
    int choice;
    if (!lc_read_choice(reader, node, what, "it is either", names, G_N_ELEMENTS(names), &choice))
        return false;
    *boolean = choice == 1;
    return true;
}

void
lc_read_destination(lc_document_reader *reader, const lc_yaml *route, const lc_yaml *track, lc_destination *destination)
{
    const char *names[] = {lc_route_name(LC_ROUTE_NURTURE), lc_route_name(LC_ROUTE_SUPPRESS),
                           lc_route_name(LC_ROUTE_REASSIGN), lc_route_name(LC_ROUTE_ENRICH)};
    int choice;
    if (lc_read_choice(reader, route, "route", "routes", names, G_N_ELEMENTS(names), &choice))
        destination->route = (lc_route)choice;
    lc_read_text(reader, track, "track", &destination->track);
}

bool
lc_read_stage_name(lc_document_reader *reader, const lc_yaml *node, int *stage)
{
    const lc_policy *policy = reader->policy;
    g_autofree const char **names = g_new(const char *, policy->n_stages + 1);
    for (unsigned i = 0; i < policy->n_stages; i++)
        names[i] = policy->stages[i].name.data;
    return lc_read_choice(reader, node, "stage", "stages here", names, policy->n_stages, stage);
}
