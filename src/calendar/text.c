/* text.c - dates, instants, durations and months as text. */
#include "zone.h"

#include <leadclock/text.h>

#include <stdio.h>

#define LC_LONGEST_DURATION (36525 * LC_DAY)
/* So many days can be counted in quarters. */
#define DAYS_OF_32_BITS (1 << 30)

/* After Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March, eras of 400 years,
 * days counted from 0000-03-01. */
int64_t
lc_days_from_date(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static int64_t
floor_divide(int64_t dividend, int64_t divisor)
{
    return dividend / divisor - (dividend % divisor < 0);
}

/* After Cassio Neri and Lorenz Schneider, "Euclidean affine functions and their application to calendar algorithms",
 * Software: Practice and Experience 53 (2023), figure 12: 32-bit numbers, and multiplications instead of divisions.
 * What has no such number is counted from the beginning of its era. */
void
lc_date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = days >= 0 && days < DAYS_OF_32_BITS ? 0 : floor_divide(days, 146097);
    uint32_t quarters = 4 * (uint32_t)(days - era * 146097) + 3;
    uint32_t century = quarters / 146097, quarters_of_century = quarters % 146097 | 3;
    uint64_t product = (uint64_t)2939745 * quarters_of_century;
    uint32_t day_of_year = (uint32_t)product / 2939745 / 4;
    uint32_t month_and_day = 2141 * day_of_year + 197913;
    bool is_next_year = day_of_year >= 306;
    *day = (int)(month_and_day % 65536 / 2141 + 1);
    *month = (int)(month_and_day / 65536) - (is_next_year ? 12 : 0);
    *year = 400 * era + 100 * century + (uint32_t)(product >> 32) + is_next_year;
}

/* Exactly `digits` digits. */
static bool
read_number(const char **text, int digits, int *number)
{
    *number = 0;
    for (int i = 0; i < digits; i++) {
        char c = *(*text)++;
        if (!g_ascii_isdigit(c))
            return false;
        *number = *number * 10 + (c - '0');
    }
    return true;
}

static bool
read_sign(const char **text, char sign)
{
    if (**text != sign)
        return false;
    (*text)++;
    return true;
}

static bool
read_date(const char **text, lc_instant *instant)
{
    int year, month, day, read_month, read_day;
    int64_t read_year;
    if (!read_number(text, 4, &year) || !read_sign(text, '-') || !read_number(text, 2, &month) ||
        !read_sign(text, '-') || !read_number(text, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    int64_t days = lc_days_from_date(year, month, day);
    lc_date_from_days(days, &read_year, &read_month, &read_day);
    *instant = days * LC_DAY;
    return read_year == year && read_month == month && read_day == day;
}

static void
read_fraction(const char **text, lc_instant *instant)
{
    if (**text != '.' && **text != ',')
        return;
    lc_duration unit = LC_SECOND / 10;
    while (g_ascii_isdigit(*++*text)) {
        *instant += (**text - '0') * unit;
        unit /= 10;
    }
}

/* Seconds may be missing; a second 60 is the leap second, which Unix time counts as the next second. */
static bool
read_time(const char **text, lc_instant *instant)
{
    int hour, minute, second = 0;
    if (!read_number(text, 2, &hour) || !read_sign(text, ':') || !read_number(text, 2, &minute) || hour > 23 ||
        minute > 59)
        return false;
    if (read_sign(text, ':')) {
        if (!read_number(text, 2, &second) || second > 60)
            return false;
        *instant += second * LC_SECOND;
        read_fraction(text, instant);
    }
    *instant += hour * LC_HOUR + minute * LC_MINUTE;
    return true;
}

static bool
read_offset(const char **text, lc_instant *instant)
{
    if (read_sign(text, 'Z') || read_sign(text, 'z'))
        return true;
    int hours, minutes = 0;
    bool west = **text == '-';
    if (!west && **text != '+')
        return false;
    (*text)++;
    if (!read_number(text, 2, &hours))
        return false;
    if (**text != '\0') {
        read_sign(text, ':');
        if (!read_number(text, 2, &minutes))
            return false;
    }
    lc_duration offset = hours * LC_HOUR + minutes * LC_MINUTE;
    *instant += west ? offset : -offset;
    return hours <= 23 && minutes <= 59;
}

bool
lc_instant_parse(const char *text, lc_instant *instant)
{
    lc_instant read;
    if (!read_date(&text, &read))
        return false;
    if (!read_sign(&text, 'T') && !read_sign(&text, 't') && !read_sign(&text, ' '))
        return false;
    if (!read_time(&text, &read) || !read_offset(&text, &read) || *text != '\0')
        return false;
    *instant = read;
    return true;
}

bool
lc_zone_date_parse(const lc_zone *zone, const char *text, lc_instant *begins)
{
    lc_instant read;
    if (!read_date(&text, &read) || *text != '\0')
        return false;
    *begins = zone ? lc_zone_instants_of(zone, read).first : read;
    return true;
}

/* Two digits. */
static char *
put_pair(char *to, unsigned number)
{
    memcpy(to, lc_digit_pairs + 2 * (size_t)number, 2);
    return to + 2;
}

/* `lead`, then two digits. */
static char *
put_led_pair(char *to, char lead, unsigned number)
{
    *to = lead;
    return put_pair(to + 1, number);
}

static char *
put_year(char *to, int64_t year)
{
    if (year < 0 || year > 9999)
        return to + g_snprintf(to, LC_INSTANT_TEXT_BYTES, "%+" G_GINT64_FORMAT, year);
    return put_pair(put_pair(to, (unsigned)year / 100), (unsigned)year % 100);
}

static char *
put_time(char *to, uint32_t milliseconds)
{
    uint32_t seconds = milliseconds / 1000, minutes = seconds / 60;
    milliseconds %= 1000;
    to = put_led_pair(to, 'T', minutes / 60);
    to = put_led_pair(to, ':', minutes % 60);
    to = put_led_pair(to, ':', seconds % 60);
    to = put_led_pair(to, '.', milliseconds / 10);
    *to = (char)('0' + milliseconds % 10);
    return to + 1;
}

char *
lc_instant_put(char *to, lc_instant instant)
{
    int64_t days = floor_divide(instant, LC_DAY), year;
    int month, day;
    lc_date_from_days(days, &year, &month, &day);
    to = put_year(to, year);
    to = put_led_pair(to, '-', (unsigned)month);
    to = put_led_pair(to, '-', (unsigned)day);
    /* The first day there is begins before the first instant, which no signed number says. */
    to = put_time(to, (uint32_t)((uint64_t)instant - (uint64_t)days * LC_DAY));
    *to = 'Z';
    return to + 1;
}

char *
lc_instant_format(lc_instant instant, char *text)
{
    *lc_instant_put(text, instant) = '\0';
    return text;
}

static lc_duration
unit_of(char letter)
{
    switch (letter) {
    case 's':
        return LC_SECOND;
    case 'm':
        return LC_MINUTE;
    case 'h':
        return LC_HOUR;
    case 'd':
        return LC_DAY;
    case 'w':
        return 7 * LC_DAY;
    default:
        return 0;
    }
}

bool
lc_duration_parse(const char *text, lc_duration *duration, bool *has_days)
{
    lc_duration total = 0;
    bool days = false;
    do {
        int64_t number = 0;
        if (!g_ascii_isdigit(*text))
            return false;
        for (; g_ascii_isdigit(*text); text++) {
            number = number * 10 + (*text - '0');
            if (number > LC_LONGEST_DURATION)
                return false;
        }
        lc_duration unit = unit_of(*text);
        if (unit == 0 || number > (LC_LONGEST_DURATION - total) / unit)
            return false;
        days |= unit >= LC_DAY;
        total += number * unit;
    } while (*++text);
    *duration = total;
    if (has_days)
        *has_days = days;
    return true;
}

enum { IN_DAYS, IN_HOURS };

static char *
format_duration(lc_duration duration, size_t largest, char *text)
{
    static const struct {
        uint64_t size;
        const char *name;
    } units[] = {[IN_DAYS] = {LC_DAY, "d"}, [IN_HOURS] = {LC_HOUR, "h"}, {LC_MINUTE, "m"}, {LC_SECOND, "s"}, {1, "ms"}};
    uint64_t rest = duration < 0 ? -(uint64_t)duration : (uint64_t)duration;
    char *end = text;
    if (duration < 0)
        *end++ = '-';
    const char *separator = "";
    for (size_t i = largest; i < G_N_ELEMENTS(units); i++) {
        uint64_t count = rest / units[i].size;
        rest %= units[i].size;
        if (count == 0)
            continue;
        end += g_snprintf(end, LC_DURATION_TEXT_BYTES - (size_t)(end - text), "%s%" G_GUINT64_FORMAT "%s", separator,
                          count, units[i].name);
        separator = " ";
    }
    if (duration == 0)
        g_snprintf(text, LC_DURATION_TEXT_BYTES, "0s");
    return text;
}

char *
lc_duration_format(lc_duration duration, char *text)
{
    return format_duration(duration, IN_DAYS, text);
}

char *
lc_open_time_format(lc_duration duration, char *text)
{
    return format_duration(duration, IN_HOURS, text);
}

char *
lc_month_format(int32_t month, char *text)
{
    int64_t year = floor_divide(month, 12);
    unsigned month_of_year = (unsigned)(month - year * 12) + 1;
    if (year >= 0 && year <= 9999)
        *put_led_pair(put_year(text, year), '-', month_of_year) = '\0';
    else
        g_snprintf(text, LC_MONTH_TEXT_BYTES, "%04d-%02u", (int)year, month_of_year);
    return text;
}
