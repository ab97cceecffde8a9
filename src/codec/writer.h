/* writer.h - Avro's binary encoding, one value at a time, at the end of a byte array.
 *
 * Everything that writes takes the cursor and returns where it then is; nothing is written without having made room for
 * it. */
#pragma once

#include "wire.h"

typedef struct {
    GByteArray *out;
    uint8_t *end; /* of its room */
} lc_writer;

/* What there is room for anew, at the least, where room must be made. */
#define LC_WRITER_STEP_BYTES ((size_t)512)

/* Makes room for `bytes` behind the first `used` ones of the array; returns where that is. */
uint8_t *lc_writer_grow(lc_writer *writer, size_t used, size_t bytes);

static inline uint8_t *
lc_writer_room(lc_writer *writer, uint8_t *at, size_t bytes)
{
    return G_LIKELY((size_t)(writer->end - at) >= bytes)
               ? at
               : lc_writer_grow(writer, (size_t)(at - writer->out->data), bytes);
}

/* At the end of `out`, which is returned, and which must not be used otherwise before the writer is closed. */
static inline uint8_t *
lc_writer_open(lc_writer *writer, GByteArray *out)
{
    *writer = (lc_writer){.out = out};
    return lc_writer_grow(writer, out->len, LC_WRITER_STEP_BYTES);
}

/* (g_byte_array_set_size would move what is not there.) */
static inline void
lc_writer_close(const lc_writer *writer, const uint8_t *at)
{
    writer->out->len = (guint)(at - writer->out->data);
}

/* Of at most LC_MAX_VARINT_BYTES, for which there is room. */
static inline uint8_t *
lc_put_varint(uint8_t *to, int64_t value)
{
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (zigzag >= 0x80) {
        *to++ = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    *to++ = (uint8_t)zigzag;
    return to;
}

/* The index of an enum and the count of a block too. */
static inline uint8_t *
lc_put_long(lc_writer *writer, uint8_t *at, int64_t value)
{
    return lc_put_varint(lc_writer_room(writer, at, LC_MAX_VARINT_BYTES), value);
}

/* A boolean, the index of a union of two, or the end of a list: the byte as it is. */
static inline uint8_t *
lc_put_byte(lc_writer *writer, uint8_t *at, uint8_t byte)
{
    at = lc_writer_room(writer, at, 1);
    *at++ = byte;
    return at;
}

/* An absent text is written as an empty one. */
static inline uint8_t *
lc_put_text(lc_writer *writer, uint8_t *at, lc_text text)
{
    at = lc_put_varint(lc_writer_room(writer, at, lc_size_sum(LC_MAX_VARINT_BYTES, text.size)), (int64_t)text.size);
    if (text.size)
        memcpy(at, text.data, text.size);
    return at + text.size;
}

/* ["null", "long"]: `none` is what stands for null. */
static inline uint8_t *
lc_put_optional_long(lc_writer *writer, uint8_t *at, int64_t value, int64_t none)
{
    at = lc_put_byte(writer, at, value == none ? 0 : 2);
    return value == none ? at : lc_put_long(writer, at, value);
}

/* How many items of a list follow; it then ends with the byte 0. */
static inline uint8_t *
lc_put_count(lc_writer *writer, uint8_t *at, size_t n)
{
    return n ? lc_put_long(writer, at, (int64_t)n) : at;
}

/* YYYY-MM, of lc_zone_month. */
uint8_t *lc_put_month(lc_writer *writer, uint8_t *at, int32_t month);
