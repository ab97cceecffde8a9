/* uuid.c - a UUID as text, and back. */
#include "wire.h"

static inline void
put_two(char *to, const uint8_t *bytes)
{
    static const char digits[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                                 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                                 "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
                                 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
                                 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
                                 "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                                 "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
                                 "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    memcpy(to, digits + 2 * (size_t)bytes[0], 2);
    memcpy(to + 2, digits + 2 * (size_t)bytes[1], 2);
}

char *
lc_put_uuid(char *to, const lc_uuid *uuid)
{
    const uint8_t *bytes = uuid->bytes;
    put_two(to, bytes);
    put_two(to + 4, bytes + 2);
    put_two(to + 9, bytes + 4);
    put_two(to + 14, bytes + 6);
    put_two(to + 19, bytes + 8);
    put_two(to + 24, bytes + 10);
    put_two(to + 28, bytes + 12);
    put_two(to + 32, bytes + 14);
    to[8] = to[13] = to[18] = to[23] = '-';
    return to + LC_UUID_TEXT_BYTES - 1;
}
