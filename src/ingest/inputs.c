/* inputs.c - the topic and the schema of each type of fact, and its record. */
#include <leadclock/ingest.h>

static const char *
find_input(const char *const *topics, lc_fact_type type)
{
    const char *name = lc_fact_type_name(type == LC_FACT_RESUMED ? LC_FACT_PAUSED : type);
    g_autofree char *suffix = g_ascii_strdown(name + strlen("Lead"), -1);
    for (const char *const *topic = topics; *topic; topic++) {
        g_autofree char *lower = g_ascii_strdown(*topic, -1);
        if (g_str_has_suffix(lower, suffix))
            return *topic;
    }
    return topics[1] == NULL ? topics[0] : NULL;
}

void
lc_inputs_choose(lc_inputs *inputs, const char *const *topics)
{
    for (int type = 0; type < LC_FACT_TYPES; type++)
        inputs->topics[type] = g_strdup(find_input(topics, (lc_fact_type)type));
}

void
lc_inputs_clear(lc_inputs *inputs)
{
    for (int type = 0; type < LC_FACT_TYPES; type++)
        g_clear_pointer(&inputs->topics[type], g_free);
}

bool
lc_inputs_register(lc_inputs *inputs, lc_registry *registry, lc_inputs_ask ask, GError **error)
{
    g_autoptr(GPtrArray) subjects = g_ptr_array_new_with_free_func(g_free);
    lc_registry_entry entries[LC_FACT_TYPES];
    uint32_t ids[LC_FACT_TYPES];
    int types[LC_FACT_TYPES];
    size_t n = 0;
    for (int type = 0; type < LC_FACT_TYPES; type++) {
        lc_schema schema = lc_fact_schema((lc_fact_type)type);
        if (inputs->topics[type] == NULL)
            continue;
        g_ptr_array_add(subjects, g_strdup_printf("%s-%s", inputs->topics[type], lc_schema_record_name(schema)));
        types[n] = type;
        entries[n] = (lc_registry_entry){subjects->pdata[n], lc_schema_text(schema)};
        n++;
    }
    if (!ask(registry, entries, n, ids, error))
        return false;
    for (size_t i = 0; i < n; i++)
        inputs->ids[types[i]] = ids[i];
    return true;
}

bool
lc_inputs_encode(const lc_inputs *inputs, GByteArray *out, lc_text lead_id, const lc_fact *fact, GError **error)
{
    uint32_t id = inputs->ids[fact->type];
    const guint8 frame[LC_FRAME_BYTES] = {0, (guint8)(id >> 24), (guint8)(id >> 16), (guint8)(id >> 8), (guint8)id};
    guint before = out->len;
    if (inputs->topics[fact->type] == NULL) {
        g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "no input topic is named after %s",
                    lc_fact_type_name(fact->type));
        return false;
    }
    g_byte_array_append(out, frame, sizeof frame);
    lc_encode_fact(out, lead_id, fact);
    if (out->len - before <= LC_MAX_RECORD_BYTES)
        return true;
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "a record of %u bytes; at most 64 KiB are taken", out->len - before);
    g_byte_array_set_size(out, before);
    return false;
}
