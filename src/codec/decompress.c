/* decompress.c - blocks of container files, whatever they hold: within 64 MiB, or not at all. */
#include "decompress.h"

#include <snappy-c.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

#define MAX_BLOCK_BYTES ((size_t)64 * 1024 * 1024)
#define FIRST_ROOM ((size_t)64 * 1024)
#define CRC_BYTES ((size_t)4)

bool
lc_codec_find(lc_text name, lc_codec *codec)
{
    static const char *const names[] = {[LC_CODEC_NULL] = "null",
                                        [LC_CODEC_DEFLATE] = "deflate",
                                        [LC_CODEC_SNAPPY] = "snappy",
                                        [LC_CODEC_ZSTANDARD] = "zstandard"};
    *codec = LC_CODEC_NULL;
    if (lc_text_is_absent(name))
        return true;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (lc_text_equal(name, lc_text_of(names[i]))) {
            *codec = (lc_codec)i;
            return true;
        }
    return false;
}

/* Raw deflate (RFC 1951), as Avro wants it. */
static bool
inflate_block(lc_text block, GByteArray *out)
{
    z_stream stream = {.next_in = (Bytef *)block.data, .avail_in = (uInt)block.size};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return false;
    int result = Z_OK;
    for (size_t room = FIRST_ROOM; result == Z_OK && room <= MAX_BLOCK_BYTES; room *= 2) {
        g_byte_array_set_size(out, (guint)room);
        stream.next_out = out->data + stream.total_out;
        stream.avail_out = (uInt)(room - stream.total_out);
        result = inflate(&stream, Z_NO_FLUSH);
    }
    g_byte_array_set_size(out, (guint)stream.total_out);
    inflateEnd(&stream);
    return result == Z_STREAM_END;
}

/* One block of snappy, then the CRC-32 of its content, big-endian. */
static bool
unsnap_block(lc_text block, GByteArray *out)
{
    size_t size;
    uint32_t sum;
    if (block.size < CRC_BYTES)
        return false;
    block.size -= CRC_BYTES;
    memcpy(&sum, block.data + block.size, sizeof sum);
    if (snappy_uncompressed_length(block.data, block.size, &size) != SNAPPY_OK || size > MAX_BLOCK_BYTES)
        return false;
    g_byte_array_set_size(out, (guint)size);
    return snappy_uncompress(block.data, block.size, (char *)out->data, &size) == SNAPPY_OK && size == out->len &&
           crc32(0, out->data, out->len) == GUINT32_FROM_BE(sum);
}

/* Frames say how much they hold, or not; and what they say need not be so. */
static bool
unzstd_block(lc_text block, GByteArray *out)
{
    unsigned long long told = ZSTD_getFrameContentSize(block.data, block.size);
    size_t room = told < MAX_BLOCK_BYTES ? MAX((size_t)told, 1) : FIRST_ROOM;
    for (;; room *= 2) {
        g_byte_array_set_size(out, (guint)room);
        size_t size = ZSTD_decompress(out->data, room, block.data, block.size);
        if (!ZSTD_isError(size)) {
            g_byte_array_set_size(out, (guint)size);
            return true;
        }
        if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall || room > MAX_BLOCK_BYTES / 2)
            return false;
    }
}

bool
lc_decompress(lc_codec codec, lc_text block, GByteArray *out)
{
    if (block.size > MAX_BLOCK_BYTES)
        return false;
    return codec == LC_CODEC_DEFLATE  ? inflate_block(block, out)
           : codec == LC_CODEC_SNAPPY ? unsnap_block(block, out)
                                      : unzstd_block(block, out);
}
