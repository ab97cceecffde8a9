/* number.c - numbers in decimal. */
#include <leadclock/text.h>

/* Two digits at a time, which halves the divisions. */
char *
lc_put_number(char *to, int64_t number)
{
    static const char pairs[] =
        "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243"
        "4445464748495051525354555657585960616263646566676869707172737475767778798081828384858687"
        "888990919293949596979899";
    char digits[LC_NUMBER_TEXT_SIZE], *end = digits + sizeof digits, *at = end;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    for (; rest >= 10; rest /= 100) {
        at -= 2;
        memcpy(at, &pairs[rest % 100 * 2], 2);
    }
    if (rest > 0 || at == end)
        *--at = (char)('0' + rest);
    if (number < 0)
        *--at = '-';
    return mempcpy(to, at, (size_t)(end - at));
}
