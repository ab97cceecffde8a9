/* tag.c - the hash tag of a partition, chosen by its slot. */
#include <leadclock/redis.h>

#define SLOTS 16384u

/* CRC16 of the Redis Cluster specification (CCITT, XMODEM: polynomial 0x1021, from 0). */
static unsigned
slot_of(const char *text)
{
    unsigned crc = 0;

    for (; *text; text++) {
        crc ^= (unsigned)(unsigned char)*text << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 0x8000 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1 & 0xffff;
    }
    return crc % SLOTS;
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
        unsigned slot = slot_of(tag);
        if (from <= slot && slot < to)
            return g_strdup(tag);
    }
}
