#include "fact_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

struct lc_fact_source {
    char *name;
    FILE *file;
    int64_t size; /* bytes; 0: not known */
    int64_t done; /* bytes */
    char *line;
    size_t room;
    uint64_t number; /* of the line, from 1 */
    lc_arena arena;  /* of one fact */
    GString *place;
};

lc_fact_source *
lc_fact_source_open(const char *path, GError **error)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "re");
    struct stat status;
    if (file == NULL || fstat(fileno(file), &status) != 0 || S_ISDIR(status.st_mode)) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s: %s", path,
                    file ? "a folder; name a file of JSON Lines, or - for standard input" : g_strerror(errno));
        if (file && !standard)
            fclose(file);
        return NULL;
    }
    lc_fact_source *source = g_new0(lc_fact_source, 1);
    source->name = g_strdup(standard ? "standard input" : path);
    source->file = file;
    source->size = S_ISREG(status.st_mode) ? status.st_size : 0;
    source->place = g_string_new(NULL);
    return source;
}

void
lc_fact_source_close(lc_fact_source *source)
{
    if (source->file != stdin)
        fclose(source->file);
    free(source->line);
    lc_arena_clear(&source->arena);
    g_string_free(source->place, TRUE);
    g_free(source->name);
    g_free(source);
}

static bool
is_blank(const char *line, size_t size)
{
    size_t at = 0;
    while (at < size && strchr(" \t\r\n", line[at]) && line[at])
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

lc_source_event
lc_fact_source_next(lc_fact_source *source, lc_sourced_fact *fact, GError **error)
{
    errno = 0;
    ssize_t size = next_line(source);
    if (size < 0 && !ferror(source->file) && errno != ENOMEM)
        return LC_SOURCE_END;
    if (size < 0) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "%s: %s", source->name, g_strerror(errno));
        return LC_SOURCE_BROKEN;
    }
    lc_arena_reset(&source->arena);
    bool read = lc_json_read_fact(source->line, (size_t)size, &source->arena, &fact->fact, &fact->lead_id,
                                  &fact->arrived_at, error);
    return read ? LC_SOURCE_FACT : LC_SOURCE_BAD;
}

const char *
lc_fact_source_place(lc_fact_source *source)
{
    g_string_printf(source->place, "%s:%" G_GUINT64_FORMAT, source->name, source->number);
    return source->place->str;
}

double
lc_fact_source_share(const lc_fact_source *source)
{
    return source->size > 0 ? (double)source->done / (double)source->size : -1;
}
