/* avro_file.c - what is read, written as Avro object container files. */
#include "avro_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK_BYTES ((guint)64 * 1024)

struct lc_cli_avro_file {
    char *path;
    FILE *file;
    bool has_header;
    uint32_t id; /* of the schema */
    uint8_t sync[LC_SYNC_BYTES];
    GByteArray *bodies; /* of the block under way */
    size_t n;
};

lc_cli_avro_file *
lc_cli_avro_file_new(const char *path, GError **error)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "--avro: %s: %s", path, g_strerror(errno));
        return NULL;
    }
    lc_cli_avro_file *avro = g_new0(lc_cli_avro_file, 1);
    avro->path = g_strdup(path);
    avro->file = file;
    avro->bodies = g_byte_array_new();
    return avro;
}

static bool
put(lc_cli_avro_file *file, const GByteArray *bytes, GError **error)
{
    if (fwrite(bytes->data, 1, bytes->len, file->file) == bytes->len)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "--avro: %s: %s", file->path, g_strerror(errno));
    return false;
}

static bool
begin(lc_cli_avro_file *file, uint32_t id, const char *schema_json, GError **error)
{
    g_autoptr(GByteArray) header = g_byte_array_new();

    if (getrandom(file->sync, sizeof file->sync, 0) != (ssize_t)sizeof file->sync)
        g_error("the kernel gives no random numbers (getrandom)");
    file->has_header = true;
    file->id = id;
    lc_container_write_header(header, schema_json, file->sync);
    return put(file, header, error);
}

static bool
finish_block(lc_cli_avro_file *file, GError **error)
{
    g_autoptr(GByteArray) block = g_byte_array_new();

    if (file->n == 0)
        return true;
    lc_container_write_block(block, file->n, file->bodies, file->sync);
    file->n = 0;
    g_byte_array_set_size(file->bodies, 0);
    return put(file, block, error);
}

bool
lc_cli_avro_file_add(lc_cli_avro_file *file, uint32_t id, const char *schema_json, lc_text body, GError **error)
{
    if (!file->has_header && !begin(file, id, schema_json, error))
        return false;
    if (id != file->id) {
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                    "--avro: %s has records of schema %u, and here is one of schema %u; a file has one schema, so name "
                    "one table",
                    file->path, file->id, id);
        return false;
    }
    g_byte_array_append(file->bodies, (const guint8 *)body.data, (guint)body.size);
    file->n++;
    return file->bodies->len < BLOCK_BYTES || finish_block(file, error);
}

bool
lc_cli_avro_file_flush(lc_cli_avro_file *file, GError **error)
{
    if (!finish_block(file, error))
        return false;
    if (fflush(file->file) == 0)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "--avro: %s: %s", file->path, g_strerror(errno));
    return false;
}

void
lc_cli_avro_file_free(lc_cli_avro_file *file)
{
    struct stat stat;

    if (file == NULL)
        return;
    /* Only a record tells its schema, and no header is no container. */
    if (!file->has_header && fstat(fileno(file->file), &stat) == 0 && S_ISREG(stat.st_mode))
        unlink(file->path);
    fclose(file->file);
    g_byte_array_unref(file->bodies);
    g_free(file->path);
    g_free(file);
}
