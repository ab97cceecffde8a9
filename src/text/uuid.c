/* uuid.c - UUIDs as 16 bytes. */
#include <leadclock/text.h>

#define EACH 0x0101010101010101u
#define DIGITS 8

/* Eight digits in lower case as four bytes. Together, and no branch tells what a digit is: the digits of UUIDs are
 * random, and of each branch on one a third is mispredicted, which took 0.1 us a UUID. */
static bool
pack(const char *text, uint8_t *bytes)
{
    uint64_t said;

    memcpy(&said, text, sizeof said);
    said = GUINT64_FROM_LE(said);
    uint64_t values = (said & 0x0f * EACH) + 9 * (said >> 6 & EACH), letters = (values + 6 * EACH) >> 4 & EACH;
    if ((values & 0xf0 * EACH) || values + '0' * EACH + ('a' - '9' - 1) * letters != said)
        return false;
    uint64_t packed = (values << 4 | values >> 8) & 0x00ff00ff00ff00ffu;
    packed = (packed | packed >> 8) & 0x0000ffff0000ffffu;
    uint32_t four = GUINT32_TO_LE((uint32_t)(packed | packed >> 16));
    memcpy(bytes, &four, sizeof four);
    return true;
}

bool
lc_text_uuid(lc_text text, uint8_t *bytes)
{
    char middle[2 * DIGITS]; /* from the first dash on, without dashes */

    if (text.size != LC_TEXT_UUID_SIZE || text.data[8] != '-' || text.data[13] != '-' || text.data[18] != '-' ||
        text.data[23] != '-')
        return false;
    for (size_t i = 0; i < 4; i++)
        memcpy(middle + 4 * i, text.data + 9 + 5 * i, 4);
    return pack(text.data, bytes) && pack(middle, bytes + 4) && pack(middle + DIGITS, bytes + 8) &&
           pack(text.data + 28, bytes + 12);
}
