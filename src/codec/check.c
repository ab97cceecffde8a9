/* check.c - the limits of a fact, and the sense of its times. */
#include "check.h"

#include <leadclock/calendar.h>

#include "utf8.h"

#include <stdarg.h>

/* Rule 1.7: from 1990-01-01 to before 2200-01-01. */
#define FIRST_INSTANT ((lc_instant)631152000000)
#define END_OF_INSTANTS ((lc_instant)7258118400000)

static bool
refuse(const lc_complaint *to, const char *field, const char *format, ...) G_GNUC_PRINTF(3, 4) __attribute__((cold));

static bool
refuse(const lc_complaint *to, const char *field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_propagate_error(to->error, g_error_new_valist(LC_ERROR, LC_ERROR_RECORD, format, arguments));
    va_end(arguments);
    *to->field = field;
    return false;
}

/* Nearly all text is. */
static bool
is_ascii(lc_text text)
{
    uint64_t word, bits = 0;
    size_t at = 0;
    for (; at + sizeof word <= text.size; at += sizeof word) {
        memcpy(&word, text.data + at, sizeof word);
        bits |= word;
    }
    for (; at < text.size; at++)
        bits |= (uint8_t)text.data[at];
    return (bits & 0x8080808080808080u) == 0;
}

bool
lc_text_is_utf8(lc_text text)
{
    if (G_LIKELY(is_ascii(text)))
        return true;
    for (size_t at = 0, length; at < text.size; at += length) {
        length = lc_utf8_sequence_size((const uint8_t *)text.data + at, text.size - at);
        if (length == 0)
            return false;
    }
    return true;
}

static bool
text_check(const char *field, lc_text text, bool required, size_t max_bytes, const lc_complaint *to)
{
    if (lc_text_is_absent(text))
        return !required || refuse(to, field, "%s is missing", field);
    if (text.size > max_bytes)
        return refuse(to, field, "%s has %zu bytes; at most %zu are allowed", field, text.size, max_bytes);
    return to->is_utf8 || lc_text_is_utf8(text) || refuse(to, field, "%s is not UTF-8", field);
}

static bool
attribute_check(const lc_attribute *attribute, const lc_complaint *to)
{
    if (text_check("a key of attributes", attribute->key, true, LC_MAX_ATTRIBUTE_KEY_BYTES, to) &&
        text_check("a value of attributes", attribute->value, true, LC_MAX_ATTRIBUTE_VALUE_BYTES, to))
        return true;
    *to->field = "attributes";
    return false;
}

static bool
lead_check(const char *field, lc_text lead_id, const lc_complaint *to)
{
    return text_check(field, lead_id, true, LC_MAX_LEAD_ID_BYTES, to) &&
           (lead_id.size > 0 || refuse(to, field, "%s is empty", field)) &&
           (memchr(lead_id.data, '\0', lead_id.size) == NULL || refuse(to, field, "%s has a NUL", field));
}

bool
lc_lead_id_check(lc_text lead_id, GError **error)
{
    const char *field;
    return lead_check("lead_id", lead_id, &(lc_complaint){&field, error, false});
}

bool
lc_instant_may_be(lc_instant instant)
{
    return instant >= FIRST_INSTANT && instant < END_OF_INSTANTS;
}

/* What unit a number that is no time in milliseconds would be one in. */
static const char *
likely_unit(lc_instant value)
{
    return value < FIRST_INSTANT && value > 0 && lc_instant_may_be(value * 1000) ? "seconds"
           : lc_instant_may_be(value / 1000)                                     ? "microseconds"
           : lc_instant_may_be(value / 1000000)                                  ? "nanoseconds"
                                                                                 : NULL;
}

#define OUT_OF_RANGE "which is not from 1990 to before 2200; it looks like "
#define A_DEFAULT "a default that slipped through"

static __attribute__((cold)) bool
refuse_time(const char *field, lc_instant instant, const lc_complaint *to)
{
    const char *unit = likely_unit(instant);
    char text[LC_INSTANT_TEXT_BYTES];
    return refuse(to, field,
                  "%s is %" G_GINT64_FORMAT " (%s), " OUT_OF_RANGE "%s%s times are in milliseconds since 1970", field,
                  instant, lc_instant_format(instant, text), unit ? unit : A_DEFAULT, unit ? ", but" : ";");
}

static __attribute__((cold)) bool
refuse_time_text(const char *field, lc_instant instant, const lc_complaint *to)
{
    const char *unit = likely_unit(instant);
    char text[LC_INSTANT_TEXT_BYTES];
    return refuse(to, field, "%s is %s, " OUT_OF_RANGE "%s%s", field, lc_instant_format(instant, text),
                  unit ? unit : A_DEFAULT,
                  unit ? " that were taken for milliseconds" : "; leave it out where there is none");
}

bool
lc_time_check(const char *field, lc_instant instant, const lc_complaint *to)
{
    return instant == LC_ABSENT || lc_instant_may_be(instant) || refuse_time(field, instant, to);
}

bool
lc_time_text_check(const char *field, lc_instant instant, const lc_complaint *to)
{
    return lc_instant_may_be(instant) || refuse_time_text(field, instant, to);
}

static bool
required_time_check(const char *field, lc_instant instant, const lc_complaint *to)
{
    return instant == LC_ABSENT ? refuse(to, field, "%s is missing", field) : lc_time_check(field, instant, to);
}

static bool
future_check(lc_instant occurred_at, lc_instant record_time, lc_duration max_future, const lc_complaint *to)
{
    char ahead[LC_DURATION_TEXT_BYTES], most[LC_DURATION_TEXT_BYTES];

    if (record_time == LC_ABSENT || record_time < 0 || occurred_at <= record_time ||
        occurred_at - record_time <= max_future)
        return true;
    return refuse(to, "occurred_at",
                  "occurred_at is %s ahead of the record's timestamp; at most %s (max_future) are allowed",
                  lc_duration_format(occurred_at - record_time, ahead), lc_duration_format(max_future, most));
}

static bool
attributes_check(const lc_fact *fact, const lc_complaint *to)
{
    if (fact->n_attributes > LC_MAX_ATTRIBUTES)
        return refuse(to, "attributes", "attributes has %zu entries; at most %zu are allowed", fact->n_attributes,
                      LC_MAX_ATTRIBUTES);
    for (size_t i = 0; i < fact->n_attributes; i++)
        if (!attribute_check(&fact->attributes[i], to))
            return false;
    return true;
}

static bool
own_fields_check(const lc_fact *fact, const lc_complaint *to)
{
    switch (fact->type) {
    case LC_FACT_CREATED:
        return text_check("channel", fact->channel, true, LC_MAX_NAME_BYTES, to) &&
               text_check("campaign", fact->campaign, false, LC_MAX_NAME_BYTES, to) && attributes_check(fact, to);
    case LC_FACT_PROGRESSED:
        return text_check("stage", fact->text, true, LC_MAX_NAME_BYTES, to);
    case LC_FACT_PAUSED:
        return text_check("reason", fact->text, false, LC_MAX_NAME_BYTES, to) &&
               lc_time_check("until", fact->until, to);
    case LC_FACT_MERGED:
        return lead_check("into", fact->into, to);
    case LC_FACT_REJECTED:
        return text_check("reason", fact->text, true, LC_MAX_NAME_BYTES, to) &&
               text_check("note", fact->note, false, LC_MAX_NOTE_BYTES, to);
    default:
        return true;
    }
}

bool
lc_fact_lacks_channel(const lc_fact *fact)
{
    return fact->type == LC_FACT_CREATED && fact->channel.data && fact->channel.size == 0;
}

static bool
fact_check(const lc_fact *fact, lc_instant record_time, lc_duration max_future, const lc_complaint *to)
{
    if (fact->event_id.data && fact->event_id.size == 0)
        return refuse(to, "event_id", "event_id is empty");
    return text_check("event_id", fact->event_id, true, LC_MAX_EVENT_ID_BYTES, to) &&
           required_time_check("occurred_at", fact->occurred_at, to) &&
           lc_time_check("recorded_at", fact->recorded_at, to) &&
           lc_time_check("follow_up_at", fact->follow_up_at, to) &&
           future_check(fact->occurred_at, record_time, max_future, to) &&
           text_check("owner", fact->owner, fact->type == LC_FACT_ASSIGNED, LC_MAX_NAME_BYTES, to) &&
           own_fields_check(fact, to);
}

bool
lc_fact_check(const lc_fact *fact, lc_instant record_time, lc_duration max_future, GError **error)
{
    const char *field;
    return fact_check(fact, record_time, max_future, &(lc_complaint){&field, error, false});
}

bool
lc_record_check(lc_text lead_id, const lc_fact *fact, const lc_complaint *to)
{
    return lead_check("lead_id", lead_id, to) && fact_check(fact, LC_ABSENT, 0, to);
}
