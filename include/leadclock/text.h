/* text_hash.h - texts as keys of a GHashTable. */
#pragma once

#include <leadclock/base.h>

/* Goes on from `hash`, so that several texts make one. Not for keys that an adversary chooses. */
static inline uint64_t
lc_text_hash(uint64_t hash, lc_text text)
{
    uint64_t word = 0;
    size_t at = 0;
    hash ^= text.size;
    for (; at + sizeof word <= text.size; at += sizeof word) {
        memcpy(&word, text.data + at, sizeof word);
        hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
        hash ^= hash >> 32;
    }
    word = 0;
    if (at < text.size)
        memcpy(&word, text.data + at, text.size - at);
    hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
    return hash ^ (hash >> 32);
}
