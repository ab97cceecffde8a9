/* refusal.c - a record that is no fact, with a message that says what is wrong with it, and what to do. */
#include "refusal.h"

#include "schemas.h"
#include "worker.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define SHOWN_BYTES ((size_t)40)
#define LONG_FRAME_BYTES ((size_t)9) /* a zero byte, the schema's id in 8 */

/* Whatever is shown in it, or where it is cut short, is UTF-8: readers of headers take it for a text. */
void
lc_fact_refuse(lc_batch_record *record, lc_dead_reason reason, lc_arena *arena, const char *format, ...)
{
    char detail[512];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    record->refused = true;
    record->reason = reason;
    g_autofree char *valid = g_utf8_make_valid(detail, -1);
    record->detail = lc_arena_text(arena, lc_text_of(valid)).data;
}

/* ---- Showing what came ---- */

/* In quotes, cut short, with what can't be printed left out. Caller frees. */
static char *
show(lc_text text)
{
    g_autofree char *valid = g_utf8_make_valid(text.size ? text.data : "", (gssize)MIN(text.size, SHOWN_BYTES));

    for (char *at = valid; *at; at++)
        if (g_ascii_iscntrl(*at))
            *at = '.';
    return g_strdup_printf("\"%s%s\"", valid, text.size > SHOWN_BYTES ? "..." : "");
}

/* ---- Frames ---- */

/* Serializers that put the schema's id elsewhere, by the header that they put it in, and what makes them put it first.
 */
static const struct {
    const char *header, *cure;
} id_headers[] = {
    {"apicurio.value.contentId", "apicurio.registry.headers.enabled=false"},
    {"apicurio.value.globalId", "apicurio.registry.headers.enabled=false"},
    {"apicurio.value.contentHash", "apicurio.registry.headers.enabled=false"},
    {"__value_schema_id", "its PrefixSchemaIdSerializer, which is the default"},
};

static bool
refuse_id_in_header(const lc_worker *worker, lc_batch_record *record, lc_dead_reason reason, lc_arena *arena)
{
    lc_text id;

    for (size_t i = 0; i < G_N_ELEMENTS(id_headers); i++) {
        if (!lc_log_header(worker->log, &record->event, id_headers[i].header, &id))
            continue;
        lc_fact_refuse(
            record, reason, arena,
            "the schema's id is in the header %s, but the value must begin with it (a zero byte, the id in 4 "
            "bytes, the Avro body): set the publisher's serializer to %s",
            id_headers[i].header, id_headers[i].cure);
        return true;
    }
    return false;
}

void
lc_refuse_frame(const lc_worker *worker, lc_batch_record *record, lc_arena *arena)
{
    lc_text value = record->event.value;

    if (refuse_id_in_header(worker, record, LC_DEAD_UNREADABLE, arena))
        return;
    if (value.size > 0 && (value.data[0] == '"' || value.data[0] == '['))
        lc_fact_refuse(record, LC_DEAD_UNREADABLE, arena,
                       "byte 1: it looks like %s of JSON; publish one object in a record, not %s",
                       value.data[0] == '[' ? "a list" : "a string",
                       value.data[0] == '[' ? "a list of them" : "its text as a string");
    else
        lc_fact_refuse(
            record, LC_DEAD_UNREADABLE, arena,
            "byte 1: neither Avro in the Confluent wire format (a zero byte, the schema's id in 4 bytes, the "
            "Avro body) nor a JSON object, which begins with {");
}

static uint32_t
big_endian_at(lc_text value, size_t at)
{
    const uint8_t *bytes = (const uint8_t *)value.data + at;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Registries give out ids from 1 on: where one begins with four zero bytes it has eight. */
static bool
has_long_id(lc_text value, uint32_t id)
{
    return id == 0 && value.size >= LONG_FRAME_BYTES && big_endian_at(value, LC_FRAME_BYTES) != 0;
}

void
lc_refuse_schema(const lc_worker *worker, lc_batch_record *record, uint32_t id, lc_arena *arena)
{
    const char *why = lc_schemas_why_not(worker->schemas, id);

    if (refuse_id_in_header(worker, record, LC_DEAD_UNKNOWN_SCHEMA, arena))
        return;
    if (has_long_id(record->event.value, id))
        lc_fact_refuse(record, LC_DEAD_UNKNOWN_SCHEMA, arena,
                       "the schema's id seems to have 8 bytes (%" PRIu32
                       "), as Apicurio's serializer may write it; it must have 4: set the publisher's "
                       "apicurio.registry.id-handler to io.apicurio.registry.serde.Default4ByteIdHandler (before 3.0: "
                       "apicurio.registry.as-confluent=true) and apicurio.registry.use-id to contentId",
                       big_endian_at(record->event.value, LC_FRAME_BYTES));
    else
        lc_fact_refuse(record, LC_DEAD_UNKNOWN_SCHEMA, arena, "the registry has no schema with id %" PRIu32 "%s%s", id,
                       why ? ": " : "", why ? why : "");
}

/* ---- Keys ---- */

static bool
ends_with(lc_text text, lc_text end)
{
    return end.size > 0 && text.size >= end.size && memcmp(text.data + text.size - end.size, end.data, end.size) == 0;
}

/* What the key looks like, and what to do; "" where it can't be told. */
static const char *
guess_key(lc_text key, lc_text lead_id)
{
    if (key.size > LC_FRAME_BYTES && key.data[0] == '\0' && ends_with(key, lead_id))
        return ": it looks like Avro; publish keys with a StringSerializer";
    if (key.size > LC_FRAME_BYTES + 1 && key.data[0] == '\0' && key.data[LC_FRAME_BYTES] == '"')
        return ": it looks like JSON with a schema; publish keys with a StringSerializer";
    if (key.size == lead_id.size + 2 && key.data[0] == '"' && key.data[key.size - 1] == '"' &&
        memcmp(key.data + 1, lead_id.data, lead_id.size) == 0)
        return ": it is quoted, as JSON is; publish keys with a StringSerializer";
    if (key.size > 0 && key.data[0] == '{')
        return ": it looks like JSON; publish the lead_id alone, with a StringSerializer";
    return "";
}

void
lc_refuse_key(lc_batch_record *record, lc_arena *arena)
{
    lc_text key = record->event.key;
    g_autofree char *shown = show(key), *lead_id = show(record->lead_id);

    if (lc_text_is_absent(key))
        lc_fact_refuse(record, LC_DEAD_KEY_MISMATCH, arena, "the record has no key; it must be its lead_id, %s",
                       lead_id);
    else
        lc_fact_refuse(record, LC_DEAD_KEY_MISMATCH, arena, "the record's key, %s, is not its lead_id, %s%s", shown,
                       lead_id, guess_key(key, record->lead_id));
}
