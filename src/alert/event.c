/* event.c - an outcome as a CloudEvent: structured JSON, with the outcome's own JSON as its data. */
#include <leadclock/alert.h>

#include <leadclock/calendar.h>
#include <leadclock/codec.h>

#include <jansson.h>

#include "group.h"

void
lc_outcome_event_clear(lc_outcome_event *event)
{
    if (event->json)
        g_string_free(event->json, TRUE);
    g_free(event->id);
    g_free(event->type);
    g_free(event->retracted_type);
    *event = (lc_outcome_event){0};
}

/* Of the header, or absent. */
static lc_text
header_of(const lc_read_record *record, const char *name)
{
    for (size_t i = 0; i < record->n_headers; i++)
        if (lc_text_equal(record->headers[i].name, lc_text_of(name)))
            return record->headers[i].value;
    return LC_NO_TEXT;
}

static const char *
text_member(const json_t *outcome, const char *name)
{
    const char *text = json_string_value(json_object_get(outcome, name));
    return text ? text : "";
}

/* That of the header; without headers, one that is the same whenever this record is read. */
static char *
make_id(const lc_read_record *record, const char *topic, const json_t *outcome)
{
    lc_text id = header_of(record, "ce_id");
    if (id.size)
        return g_strndup(id.data, id.size);
    return g_strdup_printf("%s.%s/%d/%" G_GINT64_FORMAT, text_member(outcome, "event_id"), topic, record->partition,
                           record->offset);
}

/* The attributes of CloudEvents 1.0. */
static void
write_event(lc_outcome_event *event, const lc_read_record *record, const json_t *outcome, const char *source,
            GString *data)
{
    g_autofree char *type = g_strconcat("leadclock.", event->type, NULL);
    lc_text said = header_of(record, "ce_source");
    event->json = g_string_new("{");
    lc_member_write(event->json, "specversion", LC_TEXT("1.0"));
    lc_member_write(event->json, "id", lc_text_of(event->id));
    lc_member_write(event->json, "source", said.size ? said : lc_text_of(source));
    lc_member_write(event->json, "type", lc_text_of(type));
    lc_member_write(event->json, "subject", lc_text_of(text_member(outcome, "lead_id")));
    lc_member_write(event->json, "time", lc_text_of(text_member(outcome, "occurred_at")));
    lc_member_write(event->json, "datacontenttype", LC_TEXT("application/json"));
    g_string_append_printf(event->json, ",\"data\":%s}", data->str);
}

bool
lc_outcome_event_make(lc_outcome_event *event, const lc_read_record *record, const char *topic, const lc_plan *plan,
                      const char *source, GError **error)
{
    g_autoptr(GString) data = g_string_new(NULL);
    lc_text body = {record->value.data + LC_FRAME_BYTES, record->value.size - LC_FRAME_BYTES};
    if (!lc_plan_read_json(plan, body.data, body.size, data, error))
        return false;
    json_t *outcome = json_loadb(data->str, data->len, JSON_ALLOW_NUL, NULL);
    const char *retracted = text_member(outcome, "retracted_type");
    event->type = g_strdup(text_member(outcome, "type"));
    event->retracted_type = *retracted ? g_strdup(retracted) : NULL;
    event->id = make_id(record, topic, outcome);
    if (!lc_instant_parse(text_member(outcome, "occurred_at"), &event->occurred_at))
        event->occurred_at = LC_ABSENT;
    write_event(event, record, outcome, source, data);
    json_decref(outcome);
    return true;
}

bool
lc_outcome_event_is_wanted(const lc_outcome_event *event, const char *const *types)
{
    const char *type = event->retracted_type ? event->retracted_type : event->type;
    return types[0] == NULL || g_strv_contains(types, type);
}
