/* number.c - numbers as text, quickly. */
#include <leadclock/text.h>

const char lc_digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                              "25262728293031323334353637383940414243444546474849"
                              "50515253545556575859606162636465666768697071727374"
                              "75767778798081828384858687888990919293949596979899";

/* Two digits at a time, which halves the divisions. */
char *
lc_put_number(char *to, int64_t number)
{
    char digits[2 * LC_NUMBER_BYTES], *end = digits + LC_NUMBER_BYTES, *at = end;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    if ((uint64_t)number < 10) {
        *to = (char)('0' + number);
        return to + 1;
    }
    for (; rest >= 10; rest /= 100) {
        at -= 2;
        memcpy(at, &lc_digit_pairs[rest % 100 * 2], 2);
    }
    if (rest > 0)
        *--at = (char)('0' + rest);
    if (number < 0)
        *--at = '-';
    /* As many bytes whatever it is: that takes no call. */
    memcpy(to, at, LC_NUMBER_BYTES);
    return to + (end - at);
}
