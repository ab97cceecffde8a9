/* position.c - (O, C) as text: committed metadata, and the position applied in the store. */
#include "position.h"

#include "checks.h"

#include <leadclock/engine.h>

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

static uint64_t
fresh_nonce(void)
{
    return (uint64_t)g_random_int() << 32 | g_random_int();
}

/* "C", or "B>C" where not all below C is sure. */
static void
append_ends(GString *text, const int64_t *sure, const int64_t *ends)
{
    bool is_sure = !LC_CHECKS(LC_CHECK_SURE) || memcmp(sure, ends, sizeof(int64_t) * LC_CHANGELOGS) == 0;

    if (!is_sure)
        g_string_append_printf(text, "%" PRId64 "/%" PRId64 ">", sure[LC_CHANGELOG_STATE], sure[LC_CHANGELOG_COUNTERS]);
    g_string_append_printf(text, "%" PRId64 "/%" PRId64, ends[LC_CHANGELOG_STATE], ends[LC_CHANGELOG_COUNTERS]);
}

static void
append_nonce(GString *text)
{
    g_string_append_printf(text, ":%016" PRIx64, fresh_nonce());
}

char *
lc_applied_format_recovering(const int64_t *sure, const int64_t *ends)
{
    g_autoptr(GString) text = g_string_new("rec:");

    append_ends(text, sure, ends);
    append_nonce(text);
    return g_steal_pointer(&text->str);
}

char *
lc_applied_format(const char *const *input_names, const int64_t *offsets, const int64_t *sure, const int64_t *ends)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (int i = 0; input_names[i]; i++)
        g_string_append_printf(text, "%s%s=%" PRId64, i ? "," : "", input_names[i], offsets[i]);
    g_string_append_c(text, ':');
    append_ends(text, sure, ends);
    append_nonce(text);
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

static bool
parse_sure_and_ends(const char *text, lc_applied *applied)
{
    g_auto(GStrv) parts = g_strsplit(text, ">", 3);
    guint n = g_strv_length(parts);

    return (n == 1 || n == 2) && parse_ends(parts[0], applied->sure) && parse_ends(parts[n - 1], applied->ends);
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
    *applied = (lc_applied){.kind = LC_APPLIED_NONE, .offsets = lc_arena_new(arena, int64_t, (size_t)n_inputs)};
    for (int i = 0; i < n_inputs; i++)
        applied->offsets[i] = -1;
    if (lc_text_is_absent(text))
        return true;

    g_autofree char *copy = g_strndup(text.data, text.size);
    g_auto(GStrv) parts = g_strsplit(copy, ":", 4);
    if (g_strv_length(parts) != 3 || strlen(parts[2]) != 16 || !parse_sure_and_ends(parts[1], applied))
        return false;
    applied->kind = strcmp(parts[0], "rec") == 0 ? LC_APPLIED_RECOVERING : LC_APPLIED_WHOLE;
    return applied->kind == LC_APPLIED_RECOVERING || parse_offsets(parts[0], input_names, applied->offsets);
}

char *
lc_metadata_format(const lc_metadata *metadata)
{
    return g_strdup_printf("3:%" PRId32 "%s:%d:%" PRId64 ":%" PRId64 ":%.*s:%.*s", metadata->partitions,
                           metadata->republished ? "r" : "", metadata->edition, metadata->ends[LC_CHANGELOG_STATE],
                           metadata->ends[LC_CHANGELOG_COUNTERS], LC_TEXT_ARGS(metadata->policy_hash),
                           LC_TEXT_ARGS(metadata->transactional_id));
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

/* The number, and an "r" where facts were republished. */
static bool
parse_partitions(lc_text text, lc_metadata *metadata)
{
    int64_t number;

    metadata->republished = text.size > 0 && text.data[text.size - 1] == 'r';
    text.size -= metadata->republished;
    if (!parse_offset_text(text, &number) || number < 1 || number > INT32_MAX)
        return false;
    metadata->partitions = (int32_t)number;
    return true;
}

static bool
parse_edition(lc_text text, lc_metadata *metadata)
{
    int64_t number;

    if (!parse_offset_text(text, &number) || number < 1 || number > INT_MAX)
        return false;
    metadata->edition = (int)number;
    return true;
}

/* Version 2 is the same without the edition, which was the first; version 1 has no number of partitions either. */
bool
lc_metadata_parse(lc_text text, lc_metadata *metadata)
{
    lc_text rest = text;
    lc_text version = next_part(&rest);

    metadata->partitions = 0;
    metadata->republished = false;
    metadata->edition = 1;
    bool is_latest = lc_text_equal(version, LC_TEXT("3"));
    if (is_latest || lc_text_equal(version, LC_TEXT("2"))) {
        if (!parse_partitions(next_part(&rest), metadata))
            return false;
    } else if (!lc_text_equal(version, LC_TEXT("1"))) {
        return false;
    }
    if (is_latest && !parse_edition(next_part(&rest), metadata))
        return false;
    if (!parse_offset_text(next_part(&rest), &metadata->ends[LC_CHANGELOG_STATE]) ||
        !parse_offset_text(next_part(&rest), &metadata->ends[LC_CHANGELOG_COUNTERS]))
        return false;
    metadata->policy_hash = next_part(&rest);
    metadata->transactional_id = rest;
    return true;
}

char *
lc_reset_metadata(const char *policy_hash, int32_t partitions, bool republished)
{
    const lc_metadata metadata = {.partitions = partitions,
                                  .republished = republished,
                                  .edition = LC_POLICY_EDITION,
                                  .policy_hash = lc_text_of(policy_hash),
                                  .transactional_id = LC_TEXT("")};

    return lc_metadata_format(&metadata);
}

const char lc_reset_under_way[] = LC_METADATA_LOST
    "a reset was cut off after it had put facts where their leads belong; 'leadclock reset --republish' finishes it";

int32_t
lc_metadata_partitions(const char *text)
{
    lc_metadata metadata;

    return text && lc_metadata_parse(lc_text_of(text), &metadata) ? metadata.partitions : 0;
}

bool
lc_metadata_ends(const char *text, int64_t ends[LC_CHANGELOGS])
{
    lc_metadata metadata;

    if (text == NULL || !lc_metadata_parse(lc_text_of(text), &metadata))
        return false;
    memcpy(ends, metadata.ends, sizeof metadata.ends);
    return true;
}

/* Facts that were not read yet were published again. */
char *
lc_moved_metadata(const char *text, int32_t partitions, const int64_t ends[LC_CHANGELOGS])
{
    lc_metadata metadata;

    if (!lc_metadata_parse(lc_text_of(text), &metadata))
        return NULL;
    metadata.partitions = partitions;
    metadata.republished = true;
    memcpy(metadata.ends, ends, sizeof metadata.ends);
    metadata.transactional_id = LC_TEXT("");
    return lc_metadata_format(&metadata);
}
