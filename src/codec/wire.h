/* wire.h - Avro's binary encoding, one value at a time: a reader that never leaves its bytes (writer.h writes). */
#pragma once

#include <leadclock/codec.h>

#define LC_MAX_VARINT_BYTES 10
#define LC_MAX_VALUE_DEPTH 256u

/* What is left of a body. The first problem sticks. */
typedef struct {
    const uint8_t *at, *end;
    /* Values of no bytes that may still come: what keeps an array of a million nulls in bounds. */
    uint64_t allowance;
    uint32_t depth; /* of the records that are open */
    const char *problem;
} lc_wire;

/* An honest record has few values of no bytes: those of its schema (`n_edges`), and some in its lists. */
static inline lc_wire
lc_wire_over(const void *body, size_t size, uint64_t n_edges)
{
    const uint8_t *at = body && size ? body : (const uint8_t *)"";
    return (lc_wire){at, at + size, n_edges + 16 * (uint64_t)size, 0, NULL};
}

static inline size_t
lc_wire_left(const lc_wire *wire)
{
    return (size_t)(wire->end - wire->at);
}

static inline bool
lc_wire_fail(lc_wire *wire, const char *problem)
{
    if (wire->problem == NULL)
        wire->problem = problem;
    return false;
}

/* Takes `n` values of no bytes from the allowance. */
static inline bool
lc_wire_allow(lc_wire *wire, uint64_t n)
{
    if (G_UNLIKELY(n > wire->allowance))
        return lc_wire_fail(wire, "too many values of no bytes");
    wire->allowance -= n;
    return true;
}

/* Into a record, of which a recursive schema may have any number. */
static inline bool
lc_wire_descend(lc_wire *wire)
{
    if (G_UNLIKELY(wire->depth == LC_MAX_VALUE_DEPTH))
        return lc_wire_fail(wire, "records in records are deeper than 256");
    wire->depth++;
    return true;
}

static inline void
lc_wire_ascend(lc_wire *wire)
{
    wire->depth--;
}

/* Most numbers are of one byte: lc_wire_varint reads those itself. */
static inline bool
lc_wire_long_varint(lc_wire *wire, uint64_t *value)
{
    const uint8_t *at = wire->at;
    uint64_t sum = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (G_UNLIKELY(at == wire->end))
            return lc_wire_fail(wire, "the bytes end within a number");
        uint8_t byte = *at++;
        if (G_UNLIKELY(shift == 63 && byte > 1))
            return lc_wire_fail(wire, "a number has more than 64 bits");
        sum |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            wire->at = at;
            *value = sum;
            return true;
        }
    }
    return lc_wire_fail(wire, "a number has more than 64 bits");
}

static inline bool
lc_wire_varint(lc_wire *wire, uint64_t *value)
{
    if (G_UNLIKELY(wire->at == wire->end || *wire->at >= 0x80))
        return lc_wire_long_varint(wire, value);
    *value = *wire->at++;
    return true;
}

static inline bool
lc_wire_long(lc_wire *wire, int64_t *value)
{
    uint64_t zigzag;
    if (!lc_wire_varint(wire, &zigzag))
        return false;
    *value = (int64_t)(zigzag >> 1) ^ -(int64_t)(zigzag & 1);
    return true;
}

static inline bool
lc_wire_int(lc_wire *wire, int32_t *value)
{
    int64_t wide;
    if (!lc_wire_long(wire, &wide))
        return false;
    if (G_UNLIKELY(wide < INT32_MIN || wide > INT32_MAX))
        return lc_wire_fail(wire, "an int has more than 32 bits");
    *value = (int32_t)wide;
    return true;
}

/* An index of a union or an enum, below `count`. */
static inline bool
lc_wire_index(lc_wire *wire, uint32_t count, uint32_t *index)
{
    int64_t wide;
    if (!lc_wire_long(wire, &wide))
        return false;
    if (G_UNLIKELY(wide < 0 || wide >= (int64_t)count))
        return lc_wire_fail(wire, "an index is outside its union or enum");
    *index = (uint32_t)wide;
    return true;
}

static inline bool
lc_wire_bytes(lc_wire *wire, size_t size, lc_text *bytes)
{
    if (G_UNLIKELY(size > lc_wire_left(wire)))
        return lc_wire_fail(wire, "a value is longer than the bytes that are left");
    *bytes = (lc_text){(const char *)wire->at, size};
    wire->at += size;
    return true;
}

static inline bool
lc_wire_text(lc_wire *wire, lc_text *text)
{
    int64_t size;
    if (!lc_wire_long(wire, &size))
        return false;
    if (G_UNLIKELY(size < 0))
        return lc_wire_fail(wire, "a length is negative");
    return lc_wire_bytes(wire, (size_t)size, text);
}

static inline bool
lc_wire_bool(lc_wire *wire, bool *value)
{
    if (G_UNLIKELY(wire->at == wire->end))
        return lc_wire_fail(wire, "the bytes end before a boolean");
    if (G_UNLIKELY(*wire->at > 1))
        return lc_wire_fail(wire, "a boolean is neither 0 nor 1");
    *value = *wire->at++ == 1;
    return true;
}

/* The head of a block of an array or a map: how many items of at least `min_item_bytes` follow (0: no further block),
 * checked against the bytes that are left. */
static inline bool
lc_wire_block(lc_wire *wire, uint64_t min_item_bytes, size_t *count)
{
    int64_t items;
    if (!lc_wire_long(wire, &items))
        return false;
    if (items < 0) {
        int64_t bytes;
        if (items == INT64_MIN || !lc_wire_long(wire, &bytes))
            return lc_wire_fail(wire, "a count is out of range");
        if (bytes < 0 || (uint64_t)bytes > lc_wire_left(wire))
            return lc_wire_fail(wire, "a block is longer than the bytes that are left");
        items = -items;
    }
    if (min_item_bytes == 0 && !lc_wire_allow(wire, (uint64_t)items))
        return false;
    if (min_item_bytes && (uint64_t)items > lc_wire_left(wire) / min_item_bytes)
        return lc_wire_fail(wire, "more items than the bytes that are left can hold");
    *count = (size_t)items;
    return true;
}
