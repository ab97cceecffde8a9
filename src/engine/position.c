#include "worker.h"

#include <inttypes.h>
#include <stdlib.h>

static uint64_t
fresh_nonce(void)
{
    return (uint64_t)g_random_int() << 32 | g_random_int();
}

char *
lc_applied_format_recovering(const int64_t *ends)
{
    return g_strdup_printf("rec:%" PRId64 "/%" PRId64 ":%016" PRIx64, ends[LC_CHANGELOG_STATE],
                           ends[LC_CHANGELOG_COUNTERS], fresh_nonce());
}

char *
lc_applied_format(const char *const *input_names, const int64_t *offsets, const int64_t *ends)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (int i = 0; input_names[i]; i++)
        g_string_append_printf(text, "%s%s=%" PRId64, i ? "," : "", input_names[i], offsets[i]);
    g_string_append_printf(text, ":%" PRId64 "/%" PRId64 ":%016" PRIx64, ends[LC_CHANGELOG_STATE],
                           ends[LC_CHANGELOG_COUNTERS], fresh_nonce());
    return g_steal_pointer(&text->str);
}

/* A whole offset, 0 or more, up to the end of `text`. */
static bool
parse_offset(const char *text, int64_t *offset)
{
    gint64 value;

    if (!g_ascii_string_to_signed(text, 10, 0, INT64_MAX, &value, NULL))
        return false;
    *offset = value;
    return true;
}

static bool
parse_ends(const char *text, int64_t *ends)
{
    g_auto(GStrv) parts = g_strsplit(text, "/", 3);

    return g_strv_length(parts) == LC_CHANGELOGS && parse_offset(parts[0], &ends[LC_CHANGELOG_STATE]) &&
           parse_offset(parts[1], &ends[LC_CHANGELOG_COUNTERS]);
}

static int
input_index(const char *const *input_names, const char *name)
{
    for (int i = 0; input_names[i]; i++)
        if (strcmp(input_names[i], name) == 0)
            return i;
    return -1;
}

/* "topic=offset,...": topics that are no input of ours any more are passed over. */
static bool
parse_offsets(const char *text, const char *const *input_names, int64_t *offsets)
{
    g_auto(GStrv) entries = g_strsplit(text, ",", -1);

    for (char **entry = entries; *entry; entry++) {
        char *equals = strchr(*entry, '=');
        int64_t offset;
        if (equals == NULL || !parse_offset(equals + 1, &offset))
            return false;
        *equals = '\0';
        int index = input_index(input_names, *entry);
        if (index >= 0)
            offsets[index] = offset;
    }
    return true;
}

bool
lc_applied_parse(lc_text text, const char *const *input_names, int n_inputs, lc_arena *arena, lc_applied *applied)
{
    *applied = (lc_applied){LC_APPLIED_NONE, lc_arena_new(arena, int64_t, (size_t)n_inputs), {0, 0}};
    for (int i = 0; i < n_inputs; i++)
        applied->offsets[i] = -1;
    if (lc_text_is_absent(text))
        return true;

    g_autofree char *copy = g_strndup(text.data, text.size);
    g_auto(GStrv) parts = g_strsplit(copy, ":", 4);
    if (g_strv_length(parts) != 3 || strlen(parts[2]) != 16 || !parse_ends(parts[1], applied->ends))
        return false;
    applied->kind = strcmp(parts[0], "rec") == 0 ? LC_APPLIED_RECOVERING : LC_APPLIED_WHOLE;
    return applied->kind == LC_APPLIED_RECOVERING || parse_offsets(parts[0], input_names, applied->offsets);
}

char *
lc_metadata_format(const int64_t *ends, const char *policy_hash, const char *transactional_id)
{
    return g_strdup_printf("1:%" PRId64 ":%" PRId64 ":%s:%s", ends[LC_CHANGELOG_STATE], ends[LC_CHANGELOG_COUNTERS],
                           policy_hash, transactional_id);
}

/* Cuts the part before the next colon off `*rest`; the last part is all that is left. */
static lc_text
next_part(lc_text *rest)
{
    const char *colon = rest->size ? memchr(rest->data, ':', rest->size) : NULL;
    size_t size = colon ? (size_t)(colon - rest->data) : rest->size;
    lc_text part = {rest->data, size};

    *rest = colon ? (lc_text){colon + 1, rest->size - size - 1} : (lc_text){rest->data + size, 0};
    return part;
}

static bool
parse_offset_text(lc_text text, int64_t *offset)
{
    g_autofree char *copy = g_strndup(text.data, text.size);

    return parse_offset(copy, offset);
}

bool
lc_metadata_parse(lc_text text, lc_metadata *metadata)
{
    if (text.size < 2 || memcmp(text.data, "1:", 2) != 0)
        return false;

    lc_text rest = {text.data + 2, text.size - 2};
    if (!parse_offset_text(next_part(&rest), &metadata->ends[LC_CHANGELOG_STATE]) ||
        !parse_offset_text(next_part(&rest), &metadata->ends[LC_CHANGELOG_COUNTERS]))
        return false;
    metadata->policy_hash = next_part(&rest);
    metadata->transactional_id = rest;
    return true;
}

char *
lc_reset_metadata(const char *policy_hash)
{
    const int64_t nothing[LC_CHANGELOGS] = {0, 0};

    return lc_metadata_format(nothing, policy_hash, "");
}
