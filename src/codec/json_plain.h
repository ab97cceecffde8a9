/* json_plain.h - which bytes stand for themselves in a JSON string: ASCII, no quote, no backslash, no control
 * character. */
#pragma once

#include <stdint.h>

#define LC_EVERY_BYTE(byte) ((uint64_t)(byte)*0x0101010101010101u)

/* Of eight bytes: 0 where all are plain; otherwise the lowest bit set is the top bit of the lowest byte that is not.
 * (Each difference sets the top bit of such a byte; a borrow goes on only from one.) */
static inline uint64_t
lc_json_not_plain(uint64_t word)
{
    uint64_t quote = word ^ LC_EVERY_BYTE('"'), backslash = word ^ LC_EVERY_BYTE('\\');
    uint64_t tops = (word - LC_EVERY_BYTE(0x20)) | (quote - LC_EVERY_BYTE(1)) | (backslash - LC_EVERY_BYTE(1)) | word;
    return tops & LC_EVERY_BYTE(0x80);
}
