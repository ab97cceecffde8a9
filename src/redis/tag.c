/* tag.c - the hash tag of a partition, chosen by its slot. */
#include "parts.h"

#define SLOTS 16384u

/* CRC16 of the Redis Cluster specification (CCITT, XMODEM: polynomial 0x1021, from 0). */
static unsigned
slot_of(const char *text, size_t size)
{
    unsigned crc = 0;

    for (const char *end = text + size; text < end; text++) {
        crc ^= (unsigned)(unsigned char)*text << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
    }
    return crc % SLOTS;
}

unsigned
lc_redis_slot(const char *key)
{
    const char *open = strchr(key, '{'), *close = open ? strchr(open, '}') : NULL;

    return close && close > open + 1 ? slot_of(open + 1, (size_t)(close - open - 1)) : slot_of(key, strlen(key));
}

/* The first of p-0, p-1, ... whose slot is in p's share. */
char *
lc_redis_tag(int32_t partition, int32_t partitions)
{
    unsigned from = (unsigned)((uint64_t)partition * SLOTS / (uint64_t)partitions);
    unsigned to = (unsigned)(((uint64_t)partition + 1) * SLOTS / (uint64_t)partitions);
    char tag[32];

    for (unsigned n = 0;; n++) {
        g_snprintf(tag, sizeof tag, "%d-%u", partition, n);
        unsigned slot = slot_of(tag, strlen(tag));
        if (from <= slot && slot < to)
            return g_strdup(tag);
    }
}
