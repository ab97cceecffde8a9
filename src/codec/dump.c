/* dump.c - any record as JSON, as its writer's schema says. */
#include "plan.h"

#include <leadclock/calendar.h>

#include <math.h>

/* Names may be long and values short: what a line of JSON may grow to. */
#define MAX_JSON_BYTES ((size_t)16 * 1024 * 1024)

typedef struct {
    GString *json;
    lc_wire wire;
    size_t max_bytes; /* of json */
} dumper;

static bool write_value(dumper *d, const lc_node *node);

/* As ISO 8601; what is beyond the year 9999 as a number. */
static void
write_instant(GString *json, int64_t value, int64_t units_per_ms)
{
    static const int64_t last = 253402300799999, first = -62135596800000; /* years 1 to 9999 */
    char text[LC_INSTANT_TEXT_BYTES];
    int64_t instant = value / units_per_ms - (value % units_per_ms < 0);
    if (instant < first || instant > last)
        g_string_append_printf(json, "%" G_GINT64_FORMAT, value);
    else
        g_string_append_printf(json, "\"%s\"", lc_instant_format(instant, text));
}

static bool
write_long(dumper *d, const lc_node *node)
{
    static const int64_t units_per_ms[] = {[LC_TIME_MILLIS] = 1, [LC_TIME_MICROS] = 1000, [LC_TIME_NANOS] = 1000000};
    int64_t value;
    if (!lc_wire_long(&d->wire, &value))
        return false;
    if (node->time_unit == LC_NOT_A_TIME)
        g_string_append_printf(d->json, "%" G_GINT64_FORMAT, value);
    else
        write_instant(d->json, value, units_per_ms[node->time_unit]);
    return true;
}

static bool
write_int(dumper *d)
{
    int32_t value;
    if (!lc_wire_int(&d->wire, &value))
        return false;
    g_string_append_printf(d->json, "%d", value);
    return true;
}

static bool
write_bool(dumper *d)
{
    bool value;
    if (!lc_wire_bool(&d->wire, &value))
        return false;
    g_string_append(d->json, value ? "true" : "false");
    return true;
}

/* JSON has no infinity and no NaN: null. */
static void
write_number(GString *json, double value)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];
    g_string_append(json, isfinite(value) ? g_ascii_dtostr(text, sizeof text, value) : "null");
}

static bool
write_float(dumper *d)
{
    lc_text bytes;
    uint32_t word;
    float value;
    if (!lc_wire_bytes(&d->wire, sizeof word, &bytes))
        return false;
    memcpy(&word, bytes.data, sizeof word);
    word = GUINT32_FROM_LE(word);
    memcpy(&value, &word, sizeof value);
    write_number(d->json, (double)value);
    return true;
}

static bool
write_double(dumper *d)
{
    lc_text bytes;
    uint64_t word;
    double value;
    if (!lc_wire_bytes(&d->wire, sizeof word, &bytes))
        return false;
    memcpy(&word, bytes.data, sizeof word);
    word = GUINT64_FROM_LE(word);
    memcpy(&value, &word, sizeof value);
    write_number(d->json, value);
    return true;
}

static void
write_base64(GString *json, lc_text bytes)
{
    g_autofree char *text = g_base64_encode((const guchar *)bytes.data, bytes.size);
    g_string_append_printf(json, "\"%s\"", text);
}

static void
write_uuid(GString *json, lc_text bytes)
{
    lc_uuid uuid;
    char text[LC_UUID_TEXT_BYTES];
    memcpy(uuid.bytes, bytes.data, sizeof uuid.bytes);
    *lc_put_uuid(text, &uuid) = '\0';
    g_string_append_printf(json, "\"%s\"", text);
}

static bool
write_bytes(dumper *d, const lc_node *node)
{
    lc_text bytes;
    if (!(node->kind == LC_NODE_FIXED ? lc_wire_bytes(&d->wire, node->fixed_size, &bytes)
                                      : lc_wire_text(&d->wire, &bytes)))
        return false;
    if (node->is_uuid)
        write_uuid(d->json, bytes);
    else
        write_base64(d->json, bytes);
    return true;
}

static bool
write_string(dumper *d)
{
    lc_text text;
    if (!lc_wire_text(&d->wire, &text))
        return false;
    lc_json_write_text(d->json, text);
    return true;
}

static bool
write_symbol(dumper *d, const lc_node *node)
{
    uint32_t index;
    if (!lc_wire_index(&d->wire, node->n, &index))
        return false;
    lc_json_write_text(d->json, lc_text_of(node->names[index]));
    return true;
}

static bool
write_item(dumper *d, const lc_node *node, bool is_first)
{
    if (!is_first)
        g_string_append(d->json, ",");
    if (node->kind == LC_NODE_MAP) {
        if (!write_string(d))
            return false;
        g_string_append(d->json, ":");
    }
    return write_value(d, node->children[0]);
}

static bool
write_collection(dumper *d, const lc_node *node)
{
    bool is_map = node->kind == LC_NODE_MAP, is_first = true;
    g_string_append_c(d->json, is_map ? '{' : '[');
    for (size_t count;;) {
        if (!lc_wire_block(&d->wire, node->children[0]->min_bytes + is_map, &count))
            return false;
        if (count == 0)
            break;
        for (size_t i = 0; i < count; i++, is_first = false)
            if (!write_item(d, node, is_first))
                return false;
    }
    g_string_append_c(d->json, is_map ? '}' : ']');
    return true;
}

static bool
write_union(dumper *d, const lc_node *node)
{
    uint32_t branch;
    return lc_wire_index(&d->wire, node->n, &branch) && write_value(d, node->children[branch]);
}

/* `separator` comes before the first field. */
static bool
write_fields(dumper *d, const lc_node *node, const char *separator)
{
    for (uint32_t i = 0; i < node->n; i++) {
        g_string_append(d->json, separator);
        lc_json_write_text(d->json, lc_text_of(node->names[i]));
        g_string_append(d->json, ":");
        if (!write_value(d, node->children[i]))
            return false;
        separator = ",";
    }
    g_string_append_c(d->json, '}');
    return true;
}

static bool
write_record(dumper *d, const lc_node *node)
{
    g_string_append_c(d->json, '{');
    if (!lc_wire_descend(&d->wire) || !write_fields(d, node, ""))
        return false;
    lc_wire_ascend(&d->wire);
    return true;
}

static bool
write_value(dumper *d, const lc_node *node)
{
    if (node->min_bytes == 0 && !lc_wire_allow(&d->wire, 1))
        return false;
    if (d->json->len > d->max_bytes)
        return lc_wire_fail(&d->wire, "longer than 16 MiB as JSON");
    switch (node->kind) {
    case LC_NODE_NULL:
        g_string_append(d->json, "null");
        return true;
    case LC_NODE_BOOLEAN:
        return write_bool(d);
    case LC_NODE_INT:
        return write_int(d);
    case LC_NODE_LONG:
        return write_long(d, node);
    case LC_NODE_FLOAT:
        return write_float(d);
    case LC_NODE_DOUBLE:
        return write_double(d);
    case LC_NODE_BYTES:
    case LC_NODE_FIXED:
        return write_bytes(d, node);
    case LC_NODE_STRING:
        return write_string(d);
    case LC_NODE_ENUM:
        return write_symbol(d, node);
    case LC_NODE_ARRAY:
    case LC_NODE_MAP:
        return write_collection(d, node);
    case LC_NODE_UNION:
        return write_union(d, node);
    case LC_NODE_RECORD:
        return write_record(d, node);
    }
    return false;
}

bool
lc_plan_read_json(const lc_plan *plan, const void *body, size_t size, GString *json, GError **error)
{
    gsize before = json->len;
    dumper d = {json, lc_wire_over(body, size, plan->n_edges), before + MAX_JSON_BYTES};
    g_string_append(json, "{\"type\":");
    lc_json_write_text(json, lc_text_of(plan->root->name));
    if (write_fields(&d, plan->root, ",") &&
        (lc_wire_left(&d.wire) == 0 || lc_wire_fail(&d.wire, "bytes follow its last field")))
        return true;
    g_string_truncate(json, before);
    return lc_plan_fail(plan, NULL, d.wire.problem, error);
}
