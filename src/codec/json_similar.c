/* json_similar.c - a field of a fact that is missing, and a key that no fact has and that looks like it. */
#include "json_values.h"

#include <leadclock/text.h>

/* Shorter names are near others that mean something else ("into" and "info"). */
#define SHORTEST_MISSPELLED 5
/* Of each so many letters of a name one may be too many, missing, another, or swapped. */
#define LETTERS_A_SLIP 5

typedef struct {
    const char *field;
    bool is_there, is_event;
    lc_text similar; /* or absent */
} search;

/* Without what sets words apart: "leadId" and "lead-id" are "leadid". Caller frees. */
static char *
only_letters(lc_text name)
{
    g_autoptr(GString) letters = g_string_new(NULL);
    for (size_t i = 0; i < name.size; i++)
        if (g_ascii_isalnum(name.data[i]))
            g_string_append_c(letters, g_ascii_tolower(name.data[i]));
    return g_string_free(g_steal_pointer(&letters), FALSE);
}

static bool
is_known(lc_text key)
{
    for (size_t i = 0; i < LC_JSON_FIELDS; i++)
        if (lc_json_fact_fields[i].types && lc_text_equal(key, lc_json_fact_fields[i].name))
            return true;
    return false;
}

/* It is shown as it stands. */
static bool
has_control_characters(lc_text key)
{
    for (size_t i = 0; i < key.size; i++)
        if (g_ascii_iscntrl(key.data[i]))
            return true;
    return false;
}

static bool
is_similar(const char *field, lc_text key)
{
    if (key.size > 2 * strlen(field) || is_known(key) || has_control_characters(key))
        return false;
    g_autofree char *wanted = only_letters(lc_text_of(field)), *written = only_letters(key);
    size_t length = strlen(wanted);
    return strcmp(wanted, written) == 0 ||
           (length >= SHORTEST_MISSPELLED && lc_name_distance(wanted, written) <= length / LETTERS_A_SLIP);
}

static bool
look_at_member(lc_json_scanner *r, unsigned depth, lc_text key, void *data)
{
    search *s = data;
    lc_json_value ignored;
    s->is_there |= lc_text_equal(key, lc_text_of(s->field));
    s->is_event |= lc_text_equal(key, lc_json_fact_fields[LC_JSON_VERSION_FIELD].name);
    if (lc_text_is_absent(s->similar) && is_similar(s->field, key))
        s->similar = key;
    return lc_json_read_value(r, depth + 1, &ignored);
}

void
lc_json_name_similar(const lc_json_scanner *r, lc_arena *arena)
{
    search s = {.field = r->problem.field, .similar = LC_NO_TEXT};
    lc_json_scanner again = lc_json_scan(r->text, (size_t)(r->end - r->start), arena, NULL);
    if (r->error == NULL || s.field == NULL || !g_str_has_suffix((*r->error)->message, "missing") ||
        !lc_json_take(&again, '{') || !lc_json_read_members(&again, look_at_member, 1, &s) || s.is_there ||
        s.is_event || lc_text_is_absent(s.similar))
        return;
    char *message = g_strdup_printf("%s; did you mean it by \"%.*s\"?", (*r->error)->message, LC_TEXT_ARGS(s.similar));
    g_free((*r->error)->message);
    (*r->error)->message = message;
}
