/* json_write.c - outcomes, facts and counters as lines of JSON (sections 1, 6 and 9). */
#include <leadclock/codec.h>

#include "json_put.h"

static void
put_type(lc_json_writer *writer, const char *name)
{
    lc_json_room(writer, LC_JSON_FIELD_BYTES);
    writer->at = LC_JSON_PUT(writer->at, "{\"type\":");
    lc_json_text(writer, lc_text_of(name));
}

/* With its brace. */
static void
close_line(lc_json_writer *writer)
{
    lc_json_room(writer, 1);
    *writer->at++ = '}';
    lc_json_close(writer);
}

void
lc_json_write_outcome(GString *json, lc_text lead_id, const lc_outcome *outcome)
{
    lc_json_writer writer = lc_json_open(json);
    put_type(&writer, lc_outcome_type_name(outcome->type));
    lc_json_fields(&writer, &lc_outcome_records[outcome->type], lead_id, outcome, true);
    close_line(&writer);
}

/* The optional fields that it hasn't are left out. */
void
lc_json_write_fact(GString *json, lc_text lead_id, const lc_fact *fact)
{
    lc_json_writer writer = lc_json_open(json);
    put_type(&writer, lc_fact_type_name(fact->type));
    lc_json_fields(&writer, &lc_fact_records[fact->type], lead_id, fact, false);
    close_line(&writer);
}

/* ---- Counts ---- */

typedef struct {
    lc_text channel;
    int32_t cohort;
    lc_text metric;
    int64_t count;
} count_line;

static const lc_record_field count_fields[] = {
    LC_FIELD("channel", TEXT, count_line, channel),
    LC_FIELD("cohort", MONTH, count_line, cohort),
    LC_FIELD("metric", TEXT, count_line, metric),
    LC_FIELD("count", NUMBER, count_line, count),
};
static const lc_record count_record = LC_RECORD(count_fields, count_line);

void
lc_json_write_count(GString *json, lc_text channel, int32_t cohort, lc_text metric, int64_t count)
{
    const count_line line = {channel, cohort, metric, count};
    lc_json_writer writer = lc_json_open(json);
    lc_json_object(&writer, &count_record, LC_NO_TEXT, &line);
    lc_json_close(&writer);
}
