/* avro_file.h - an Avro object container file of records as they came: for `watch --avro`. Private to this room. */
#pragma once

#include <leadclock/codec.h>

typedef struct lc_cli_avro_file lc_cli_avro_file;

/* LC_ERROR_CONFIG: the file can't be written. */
lc_cli_avro_file *lc_cli_avro_file_new(const char *path, GError **error);
/* A file has one schema, that of its first record: `id` is its name in the registry. LC_ERROR_CONFIG: another one;
 * LC_ERROR_FATAL: the file can't be written. */
bool lc_cli_avro_file_add(lc_cli_avro_file *file, uint32_t id, const char *schema_json, lc_text body, GError **error);
/* What was added so far is a whole file. LC_ERROR_FATAL: it can't be written. */
bool lc_cli_avro_file_flush(lc_cli_avro_file *file, GError **error);
void lc_cli_avro_file_free(lc_cli_avro_file *file); /* or NULL */
