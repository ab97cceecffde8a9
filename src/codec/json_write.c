/* json_write.c - outcomes, facts and counters as lines of JSON (sections 1, 6 and 9). */
#include <leadclock/codec.h>

#include "json_put.h"

static char *
put_type(lc_json_writer *writer, char *at, const char *name)
{
    at = LC_JSON_PUT(lc_json_room(writer, at, LC_JSON_FIELD_BYTES), "{\"type\":");
    return lc_json_put_word(at, name);
}

static void
close_line(lc_json_writer *writer, char *at)
{
    *at++ = '}';
    lc_json_close(writer, at);
}

void
lc_json_write_outcome(GString *json, lc_text lead_id, const lc_outcome *outcome)
{
    lc_json_writer writer;
    char *at = put_type(&writer, lc_json_open(&writer, json), lc_outcome_type_name(outcome->type));
    close_line(&writer, lc_json_fields(&writer, at, &lc_outcome_records[outcome->type], lead_id, outcome, true));
}

/* The optional fields that it hasn't are left out. */
void
lc_json_write_fact(GString *json, lc_text lead_id, const lc_fact *fact)
{
    lc_json_writer writer;
    char *at = put_type(&writer, lc_json_open(&writer, json), lc_fact_type_name(fact->type));
    close_line(&writer, lc_json_fields(&writer, at, &lc_fact_records[fact->type], lead_id, fact, false));
}

void
lc_json_write_row(GString *json, int table, const void *row)
{
    lc_json_writer writer;
    char *at = lc_json_open(&writer, json);
    writer.lists_as_texts = true;
    lc_json_close(&writer, lc_json_object(&writer, at, lc_rows_record(table), LC_NO_TEXT, row));
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
    lc_json_writer writer;
    char *at = lc_json_open(&writer, json);
    lc_json_close(&writer, lc_json_object(&writer, at, &count_record, LC_NO_TEXT, &line));
}
