/* container_write.c - Avro object container files of records of one schema. */
#include "writer.h"

static const char magic[] = {'O', 'b', 'j', 1};

void
lc_container_write_header(GByteArray *out, const char *schema_json, const uint8_t sync[LC_SYNC_BYTES])
{
    lc_writer writer;
    g_byte_array_append(out, (const guint8 *)magic, sizeof magic);
    uint8_t *at = lc_put_count(&writer, lc_writer_open(&writer, out), 2);
    at = lc_put_text(&writer, at, LC_TEXT("avro.schema"));
    at = lc_put_text(&writer, at, lc_text_of(schema_json));
    at = lc_put_text(&writer, at, LC_TEXT("avro.codec"));
    at = lc_put_text(&writer, at, LC_TEXT("null"));
    lc_writer_close(&writer, lc_put_byte(&writer, at, 0));
    g_byte_array_append(out, sync, LC_SYNC_BYTES);
}

void
lc_container_write_block(GByteArray *out, size_t n, const GByteArray *bodies, const uint8_t sync[LC_SYNC_BYTES])
{
    lc_writer writer;
    uint8_t *at = lc_put_long(&writer, lc_writer_open(&writer, out), (int64_t)n);
    lc_writer_close(&writer, lc_put_text(&writer, at, (lc_text){(const char *)bodies->data, bodies->len}));
    g_byte_array_append(out, sync, LC_SYNC_BYTES);
}
