/* fact_source.c - facts from JSON Lines or an Avro object container file. */
#include <leadclock/backtest.h>

#include <leadclock/text.h>

#include "other_formats.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct lc_fact_source {
    char *name;
    GString *place;
    bool has_begun; /* something was read that is a fact, or should be one */
    bool has_ended;
    uint64_t without_channel; /* hand-offs */
    char *first_without_channel;

    /* JSON Lines */
    FILE *file;
    int64_t size; /* bytes; 0: not known */
    int64_t done; /* bytes */
    char *line;
    size_t room;
    uint64_t number; /* of the line, from 1 */
    lc_arena arena;  /* of one fact */

    /* a container file; otherwise NULL */
    lc_container *container;
    GBytes *bytes;
};

/* ---- Opening ---- */

static void
set_errno(GError **error, lc_error code, const char *name)
{
    g_set_error(error, LC_ERROR, code, "%s: %s", name, g_strerror(errno));
}

static GBytes *
read_rest(FILE *file, GError **error)
{
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    guint8 block[65536];
    size_t size;
    while ((size = fread(block, 1, sizeof block, file)) > 0)
        g_byte_array_append(bytes, block, (guint)size);
    if (ferror(file)) {
        g_set_error_literal(error, LC_ERROR, LC_ERROR_FATAL, g_strerror(errno));
        return NULL;
    }
    return g_byte_array_free_to_bytes(g_steal_pointer(&bytes));
}

/* A file is mapped, so that it may be larger than memory; a pipe is read. */
static GBytes *
container_bytes(lc_fact_source *source, GError **error)
{
    if (source->size == 0)
        return read_rest(source->file, error);
    g_autoptr(GMappedFile) mapped = g_mapped_file_new_from_fd(fileno(source->file), FALSE, error);
    return mapped ? g_mapped_file_get_bytes(mapped) : NULL;
}

static bool
open_container(lc_fact_source *source, GError **error)
{
    g_autoptr(GError) wrong = NULL;
    gsize size;
    source->bytes = container_bytes(source, &wrong);
    if (source->bytes) {
        const void *bytes = g_bytes_get_data(source->bytes, &size);
        source->container = lc_container_new(bytes, size, &wrong);
    }
    if (source->container)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s: %s", source->name, wrong->message);
    return false;
}

/* What can't be read is tried again with the first line, which tells why. */
static int
peek(FILE *file)
{
    int first = getc(file);
    if (first != EOF)
        ungetc(first, file);
    else if (ferror(file))
        clearerr(file);
    return first;
}

static bool
refuse(const lc_fact_source *source, const char *what, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s %s", source->name, what);
    return false;
}

/* A container begins with "Obj"; no line of JSON begins with an O. An array may be one line, and larger than memory. */
static bool
look_at_beginning(lc_fact_source *source, GError **error)
{
    int first = peek(source->file);
    if (first == '[')
        return refuse(source, lc_other_format("[", 1), error);
    return first != 'O' || open_container(source, error);
}

static FILE *
open_file(const char *path, int64_t *size, GError **error)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        set_errno(error, LC_ERROR_CONFIG, path);
        return NULL;
    }
    if (S_ISDIR(status.st_mode)) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "%s: a folder; name a file of JSON Lines or an Avro container file, or - for standard input", path);
        fclose(file);
        return NULL;
    }
    *size = S_ISREG(status.st_mode) ? status.st_size : 0;
    return file;
}

lc_fact_source *
lc_fact_source_open(const char *path, GError **error)
{
    int64_t size;
    FILE *file = open_file(path, &size, error);
    if (file == NULL)
        return NULL;
    g_autoptr(lc_fact_source) source = g_new0(lc_fact_source, 1);
    source->name = g_strdup(file == stdin ? "standard input" : path);
    source->file = file;
    source->size = size;
    source->place = g_string_new(NULL);
    if (!look_at_beginning(source, error))
        return NULL;
    return g_steal_pointer(&source);
}

void
lc_fact_source_close(lc_fact_source *source)
{
    g_clear_pointer(&source->container, lc_container_free);
    g_clear_pointer(&source->bytes, g_bytes_unref);
    if (source->file != stdin)
        fclose(source->file);
    free(source->line);
    lc_arena_clear(&source->arena);
    g_string_free(source->place, TRUE);
    g_free(source->first_without_channel);
    g_free(source->name);
    g_free(source);
}

/* ---- Reading ---- */

static bool
is_blank(const char *line, size_t size)
{
    size_t at = 0;
    while (at < size && (line[at] == ' ' || line[at] == '\t' || line[at] == '\r' || line[at] == '\n'))
        at++;
    return at == size;
}

/* The length of the next line that is not blank; -1: none. */
static ssize_t
next_line(lc_fact_source *source)
{
    ssize_t size;
    do {
        size = getline(&source->line, &source->room, source->file);
        source->number++;
        source->done += MAX(size, 0);
    } while (size >= 0 && is_blank(source->line, (size_t)size));
    return size;
}

static lc_source_event
next_from_lines(lc_fact_source *source, lc_sourced_fact *fact, GError **error)
{
    errno = 0;
    ssize_t size = next_line(source);
    if (size < 0 && !ferror(source->file) && errno != ENOMEM)
        return LC_SOURCE_END;
    if (size < 0) {
        set_errno(error, LC_ERROR_FATAL, source->name);
        return LC_SOURCE_BROKEN;
    }
    const char *other = source->has_begun ? NULL : lc_other_format(source->line, (size_t)size);
    if (other) {
        refuse(source, other, error);
        return LC_SOURCE_BROKEN;
    }
    lc_arena_reset(&source->arena);
    size_t mark = source->number == 1 ? lc_byte_order_mark(source->line, (size_t)size) : 0;
    bool read = lc_json_read_fact(source->line + mark, (size_t)size - mark, &source->arena, &fact->fact, &fact->lead_id,
                                  &fact->arrived_at, error);
    return read ? LC_SOURCE_FACT : LC_SOURCE_BAD;
}

static lc_source_event
next_from_container(lc_fact_source *source, lc_sourced_fact *fact, GError **error)
{
    switch (lc_container_next(source->container, &fact->fact, &fact->lead_id, &fact->arrived_at, error)) {
    case LC_CONTAINER_FACT:
        return LC_SOURCE_FACT;
    case LC_CONTAINER_BAD:
        return LC_SOURCE_BAD;
    case LC_CONTAINER_END:
        return LC_SOURCE_END;
    case LC_CONTAINER_BROKEN:
        g_prefix_error(error, "%s: ", source->name);
        return LC_SOURCE_BROKEN;
    }
    g_assert_not_reached();
}

static void
note_channel(lc_fact_source *source, const lc_fact *fact)
{
    if (lc_fact_lacks_channel(fact) && source->without_channel++ == 0)
        source->first_without_channel = g_strdup(lc_fact_source_place(source));
}

lc_source_event
lc_fact_source_next(lc_fact_source *source, lc_sourced_fact *fact, GError **error)
{
    lc_source_event event =
        source->container ? next_from_container(source, fact, error) : next_from_lines(source, fact, error);
    source->has_begun |= event == LC_SOURCE_FACT || event == LC_SOURCE_BAD;
    source->has_ended |= event == LC_SOURCE_END;
    if (event == LC_SOURCE_FACT)
        note_channel(source, &fact->fact);
    return event;
}

void
lc_fact_source_warn(const lc_fact_source *source, const char *command)
{
    if (source->has_ended && !source->has_begun)
        fprintf(stderr, "leadclock %s: there is no fact in %s\n", command, source->name);
    if (source->without_channel)
        fprintf(stderr,
                "leadclock %s: %" G_GUINT64_FORMAT " of LeadCreated have an empty channel, the first is %s; they are "
                "counted under it\n",
                command, source->without_channel, source->first_without_channel);
}

const char *
lc_fact_source_place(lc_fact_source *source)
{
    if (source->container)
        g_string_printf(source->place, "%s: record %" G_GUINT64_FORMAT, source->name,
                        lc_container_record(source->container));
    else
        g_string_printf(source->place, "%s:%" G_GUINT64_FORMAT, source->name, source->number);
    return source->place->str;
}

double
lc_fact_source_share(const lc_fact_source *source)
{
    if (source->container)
        return (double)lc_container_position(source->container) / (double)g_bytes_get_size(source->bytes);
    return source->size > 0 ? (double)source->done / (double)source->size : -1;
}
