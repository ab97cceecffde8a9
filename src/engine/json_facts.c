/* json_facts.c - records whose value is JSON: plain facts and CloudEvents. What the fact does not say is taken from the
 * headers of a CloudEvent in binary mode, and its type from the name of the topic. */
#include "json_facts.h"

#include "refusal.h"
#include "worker.h"

#include <leadclock/codec.h>

bool
lc_json_facts_are(lc_text value)
{
    size_t at = 0;

    while (at < value.size &&
           (value.data[at] == ' ' || value.data[at] == '\t' || value.data[at] == '\n' || value.data[at] == '\r'))
        at++;
    return at < value.size && value.data[at] == '{';
}

/* ---- What stands in ---- */

static lc_text
header(const lc_worker *worker, const lc_batch_record *record, const char *name)
{
    lc_text value;

    return lc_log_header(worker->log, &record->event, name, &value) ? value : LC_NO_TEXT;
}

/* How the name of a topic ends that carries one type; publishers find the topic of a type in the same way. That of
 * LeadPaused carries LeadResumed too, and so names none. */
static const struct {
    const char *end, *type;
} topic_types[] = {
    {"created", "LeadCreated"},       {"assigned", "LeadAssigned"}, {"contacted", "LeadContacted"},
    {"progressed", "LeadProgressed"}, {"rejected", "LeadRejected"}, {"merged", "LeadMerged"},
    {"erased", "LeadErased"},
};

static bool
ends_with(const char *name, const char *end)
{
    size_t size = strlen(name), end_size = strlen(end);

    return size >= end_size && g_ascii_strcasecmp(name + size - end_size, end) == 0;
}

/* The only topic that there is carries all types. */
static lc_text
type_of_topic(const lc_worker *worker, int topic)
{
    for (size_t i = 0; worker->n_inputs > 1 && i < G_N_ELEMENTS(topic_types); i++)
        if (ends_with(worker->options.input_names[topic], topic_types[i].end))
            return lc_text_of(topic_types[i].type);
    return LC_NO_TEXT;
}

static lc_stand_ins
find_stand_ins(const lc_worker *worker, const lc_batch_record *record)
{
    lc_stand_ins stand_ins = {
        .type = header(worker, record, "ce_type"),
        .event_id = header(worker, record, "ce_id"),
        .occurred_at = header(worker, record, "ce_time"),
        .lead_id = header(worker, record, "ce_subject"),
    };

    if (lc_text_is_absent(stand_ins.type))
        stand_ins.type = type_of_topic(worker, record->event.topic);
    return stand_ins;
}

/* ---- One record ---- */

void
lc_json_facts_read(const lc_worker *worker, lc_batch_record *record, lc_text text, lc_arena *arena)
{
    static const lc_dead_reason reasons[] = {[LC_JSON_NO_JSON] = LC_DEAD_UNREADABLE,
                                             [LC_JSON_NO_TYPE] = LC_DEAD_UNKNOWN_TYPE,
                                             [LC_JSON_NO_FACT] = LC_DEAD_BAD_FACT};
    const lc_stand_ins stand_ins = find_stand_ins(worker, record);
    lc_json_fact read;
    lc_json_problem problem;
    g_autoptr(GError) wrong = NULL;

    if (!lc_json_read(text.data, text.size, &stand_ins, arena, &read, &problem, &wrong)) {
        lc_fact_refuse(record, reasons[problem.fault], arena, "%s", wrong->message);
        return;
    }
    record->fact = read.fact;
    record->lead_id = read.lead_id;
}
