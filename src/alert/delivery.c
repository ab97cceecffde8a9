/* delivery.c - what an answer to a delivery means, and how long to wait for the next try. */
#include <leadclock/alert.h>

#define FIRST_DELAY LC_SECOND
#define LONGEST_DELAY LC_MINUTE
#define LONGEST_RETRY_AFTER LC_DAY

lc_delivery
lc_delivery_judge(lc_http_result result, int status)
{
    if (result == LC_HTTP_TIMED_OUT || result == LC_HTTP_FAILED || status < 200 || status >= 500 || status == 408 ||
        status == 429)
        return LC_DELIVERY_AGAIN;
    if (status < 300)
        return LC_DELIVERY_DONE;
    return status == 410 ? LC_DELIVERY_GONE : LC_DELIVERY_REFUSED;
}

lc_duration
lc_delivery_delay(unsigned failures, lc_duration retry_after, double random)
{
    unsigned doublings = MIN(failures - 1, 6u);
    lc_duration delay = MIN(FIRST_DELAY << doublings, LONGEST_DELAY);
    delay -= (lc_duration)((double)delay / 2 * random);
    return MAX(delay, MIN(retry_after, LONGEST_RETRY_AFTER));
}
