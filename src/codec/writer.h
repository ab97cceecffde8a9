/* writer.h - Avro's binary encoding, one value at a time, at the end of a byte array.
 *
 * Writing goes on at a cursor; lc_writer_room makes sure of the bytes that come next, and nothing is written without
 * having asked it: each lc_put_* says what it takes at most. */
#pragma once

#include "wire.h"

typedef struct {
    GByteArray *out;
    uint8_t *at, *end; /* what is free of `out` */
} lc_writer;

/* What there is room for anew, at the least, where room must be made. */
#define LC_WRITER_STEP_BYTES ((size_t)512)

/* Makes room for `bytes` from the cursor on. */
void lc_writer_grow(lc_writer *writer, size_t bytes);

static inline void
lc_writer_room(lc_writer *writer, size_t bytes)
{
    if (G_UNLIKELY((size_t)(writer->end - writer->at) < bytes))
        lc_writer_grow(writer, bytes);
}

/* At the end of `out`, which must not be used otherwise before the writer is closed. */
static inline lc_writer
lc_writer_open(GByteArray *out)
{
    lc_writer writer = {.out = out, .at = out->data + out->len, .end = out->data + out->len};
    lc_writer_grow(&writer, LC_WRITER_STEP_BYTES);
    return writer;
}

static inline void
lc_writer_close(lc_writer *writer)
{
    g_byte_array_set_size(writer->out, (guint)(writer->at - writer->out->data));
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

/* The index of a union too. */
static inline void
lc_put_long(lc_writer *writer, int64_t value)
{
    lc_writer_room(writer, LC_MAX_VARINT_BYTES);
    writer->at = lc_put_varint(writer->at, value);
}

/* A boolean, and the index of a union of two: the byte as it is. */
static inline void
lc_put_byte(lc_writer *writer, uint8_t byte)
{
    lc_writer_room(writer, 1);
    *writer->at++ = byte;
}

/* An absent text is written as an empty one. */
static inline void
lc_put_text(lc_writer *writer, lc_text text)
{
    lc_writer_room(writer, lc_size_sum(LC_MAX_VARINT_BYTES, text.size));
    writer->at = lc_put_varint(writer->at, (int64_t)text.size);
    if (text.size)
        memcpy(writer->at, text.data, text.size);
    writer->at += text.size;
}

/* ["null", "long"]: `none` is what stands for null. */
static inline void
lc_put_optional_long(lc_writer *writer, int64_t value, int64_t none)
{
    lc_put_byte(writer, value == none ? 0 : 2);
    if (value != none)
        lc_put_long(writer, value);
}

/* How many items of a list follow, which then ends with lc_put_byte(writer, 0). */
static inline void
lc_put_count(lc_writer *writer, size_t n)
{
    if (n)
        lc_put_long(writer, (int64_t)n);
}

/* YYYY-MM, of lc_zone_month. */
void lc_put_month(lc_writer *writer, int32_t month);
