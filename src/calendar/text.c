#include "zone.h"

#include <stdio.h>

#define LC_LONGEST_DURATION (36525 * LC_DAY)

/* Both after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years that begin in March, eras of 400
 * years, days counted from 0000-03-01. */
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

void
lc_date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t march_month = (5 * day_of_year + 2) / 153;
    *day = (int)(day_of_year - (153 * march_month + 2) / 5 + 1);
    *month = (int)(march_month < 10 ? march_month + 3 : march_month - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
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

static int64_t
floor_divide(int64_t dividend, int64_t divisor)
{
    return dividend / divisor - (dividend % divisor < 0);
}

/* `lead`, then two digits. */
static char *
write_pair(char *text, char lead, int number)
{
    text[0] = lead;
    text[1] = (char)('0' + number / 10);
    text[2] = (char)('0' + number % 10);
    return text + 3;
}

static char *
write_year(char *text, int64_t year)
{
    if (year < 0 || year > 9999)
        return text + g_snprintf(text, LC_INSTANT_TEXT_BYTES, "%+" G_GINT64_FORMAT, year);
    unsigned number = (unsigned)year;
    for (int i = 3; i >= 0; i--, number /= 10)
        text[i] = (char)('0' + number % 10);
    return text + 4;
}

static char *
write_time(char *text, unsigned milliseconds)
{
    unsigned seconds = milliseconds / 1000, minutes = seconds / 60;
    milliseconds %= 1000;
    text = write_pair(text, 'T', (int)(minutes / 60));
    text = write_pair(text, ':', (int)(minutes % 60));
    text = write_pair(text, ':', (int)(seconds % 60));
    text = write_pair(text, '.', (int)(milliseconds / 10));
    *text = (char)('0' + milliseconds % 10);
    return text + 1;
}

char *
lc_instant_format(lc_instant instant, char *text)
{
    int64_t days = floor_divide(instant, LC_DAY), year;
    int month, day;
    lc_date_from_days(days, &year, &month, &day);
    char *end = write_year(text, year);
    end = write_pair(end, '-', month);
    end = write_pair(end, '-', day);
    end = write_time(end, (unsigned)(instant - days * LC_DAY));
    *end++ = 'Z';
    *end = '\0';
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

char *
lc_duration_format(lc_duration duration, char *text)
{
    static const struct {
        uint64_t size;
        const char *name;
    } units[] = {{LC_DAY, "d"}, {LC_HOUR, "h"}, {LC_MINUTE, "m"}, {LC_SECOND, "s"}, {1, "ms"}};
    uint64_t rest = duration < 0 ? -(uint64_t)duration : (uint64_t)duration;
    char *end = text;
    if (duration < 0)
        *end++ = '-';
    const char *separator = "";
    for (size_t i = 0; i < G_N_ELEMENTS(units); i++) {
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
lc_month_format(int32_t month, char *text)
{
    int64_t year = floor_divide(month, 12);
    g_snprintf(text, LC_MONTH_TEXT_BYTES, "%04d-%02d", (int)year, (int)(month - year * 12) + 1);
    return text;
}
