/* outbox.c - outcomes, states, counters and dead letters on their way into one transaction. */
#include "outbox.h"

#include "checks.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

#include <inttypes.h>
#include <stdio.h>

#define DEAD_LETTER_KEY_BYTES ((size_t)64 * 1024)
#define MAX_HEADERS 8
/* A UUID, the name of a topic (at most 249 bytes), two numbers with the room that they want, an instant, what stands
 * between them. */
#define HEADER_TEXT_BYTES 512

typedef enum { MESSAGE_OUTCOME, MESSAGE_CHANGELOG, MESSAGE_ROW, MESSAGE_DEAD_LETTER } message_kind;

typedef struct {
    message_kind kind;
    lc_output output;
    int32_t partition;           /* -1: by key */
    lc_text key;                 /* not of a row */
    size_t value_at, value_size; /* in `bytes` */
    bool tombstone;
    bool deleted; /* of a row */
    lc_cause_of cause;
    int64_t *offset;
    union {
        struct {
            lc_uuid event_id;
            lc_outcome_type type;
            lc_instant occurred_at;
        } outcome;
        struct {
            lc_text value; /* as it came */
            lc_dead_reason reason;
            const char *detail;
            size_t most_bytes;
        } dead_letter;
        struct {
            size_t key_at, key_size; /* in `bytes` */
            size_t before;           /* as lc_outbox_add_row's `latest`, when it was added */
        } row;
    };
} message;

struct lc_outbox {
    const lc_worker_options *options;
    const lc_schemas *schemas;
    GByteArray *bytes;
    GArray *messages; /* message */
};

lc_outbox *
lc_outbox_new(const lc_worker_options *options, const lc_schemas *schemas)
{
    lc_outbox *outbox = g_new0(lc_outbox, 1);

    outbox->options = options;
    outbox->schemas = schemas;
    outbox->bytes = g_byte_array_new();
    outbox->messages = g_array_new(FALSE, FALSE, sizeof(message));
    return outbox;
}

void
lc_outbox_free(lc_outbox *outbox)
{
    g_byte_array_unref(outbox->bytes);
    g_array_unref(outbox->messages);
    g_free(outbox);
}

void
lc_outbox_clear(lc_outbox *outbox)
{
    g_byte_array_set_size(outbox->bytes, 0);
    g_array_set_size(outbox->messages, 0);
}

size_t
lc_outbox_bytes(const lc_outbox *outbox)
{
    return outbox->bytes->len + outbox->messages->len * sizeof(message);
}

static void
add_frame(lc_outbox *outbox, lc_output output, lc_schema schema)
{
    uint32_t id = lc_schemas_id(outbox->schemas, output, schema);
    const uint8_t frame[LC_FRAME_BYTES] = {0, (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8),
                                           (uint8_t)id};

    g_byte_array_append(outbox->bytes, frame, sizeof frame);
}

static size_t
add_message(lc_outbox *outbox, message *added)
{
    added->value_size = outbox->bytes->len - added->value_at;
    g_array_append_val(outbox->messages, *added);
    return outbox->messages->len - 1;
}

/* Which topic an outcome goes to; a retraction goes where the retracted one went. */
static lc_output
outcome_output(lc_outcome_type type)
{
    switch (type) {
    case LC_OUTCOME_WARNING:
        return LC_OUTPUT_WARNINGS;
    case LC_OUTCOME_CLAWED_BACK:
        return LC_OUTPUT_CLAWBACKS;
    case LC_OUTCOME_ROUTED:
        return LC_OUTPUT_ROUTED;
    case LC_OUTCOME_SETTLED:
        return LC_OUTPUT_SETTLED;
    case LC_OUTCOME_BREACHED:
    case LC_OUTCOME_ESCALATED:
    case LC_OUTCOME_BREACH_ENDED:
    case LC_OUTCOME_RETRACTED:
        break;
    }
    return LC_OUTPUT_BREACHES;
}

void
lc_outbox_add_outcome(lc_outbox *outbox, lc_text lead_id, const lc_outcome *outcome, lc_cause_of cause)
{
    bool is_retraction = outcome->type == LC_OUTCOME_RETRACTED;
    message added = {
        .kind = MESSAGE_OUTCOME,
        .output = outcome_output(is_retraction ? outcome->retracted.retracted_type : outcome->type),
        .partition = -1,
        .key = lead_id,
        .value_at = outbox->bytes->len,
        .cause = cause,
        .outcome = {outcome->event_id, outcome->type, outcome->occurred_at},
    };

    add_frame(outbox, added.output, lc_outcome_schema(outcome->type));
    lc_encode_outcome(outbox->bytes, lead_id, outcome);
    add_message(outbox, &added);
}

size_t
lc_outbox_add_state(lc_outbox *outbox, int32_t partition, const lc_lead *lead, int64_t *offset)
{
    message added = {
        .kind = MESSAGE_CHANGELOG,
        .output = LC_OUTPUT_STATE,
        .partition = partition,
        .key = lead->id,
        .value_at = outbox->bytes->len,
        .tombstone = lc_lead_is_empty(lead),
        .cause = {.tag = LC_TAG_NONE},
        .offset = offset,
    };

    if (!added.tombstone) {
        add_frame(outbox, LC_OUTPUT_STATE, LC_SCHEMA_LEAD_STATE);
        lc_encode_lead(outbox->bytes, lead);
    }
    return add_message(outbox, &added);
}

void
lc_outbox_add_counters(lc_outbox *outbox, int32_t partition, const lc_population *population,
                       const lc_stored_count *counts, size_t n, lc_arena *arena, int64_t *offset)
{
    char number[16];
    size_t number_size = (size_t)snprintf(number, sizeof number, "|%" PRId32, partition);
    char *key = lc_arena_alloc(arena, population->name.size + number_size);
    lc_metric_count *encoded = lc_arena_new(arena, lc_metric_count, n);
    message added = {
        .kind = MESSAGE_CHANGELOG,
        .output = LC_OUTPUT_COUNTERS,
        .partition = partition,
        .key = {key, population->name.size + number_size},
        .value_at = outbox->bytes->len,
        .cause = {.tag = LC_TAG_NONE},
        .offset = offset,
    };

    memcpy(key, population->name.data, population->name.size);
    memcpy(key + population->name.size, number, number_size);
    for (size_t i = 0; i < n; i++)
        encoded[i] = (lc_metric_count){counts[i].metric, counts[i].count};
    add_frame(outbox, LC_OUTPUT_COUNTERS, LC_SCHEMA_CHANNEL_COUNTERS);
    lc_encode_counters(outbox->bytes, population->channel, population->cohort, partition, encoded, n);
    add_message(outbox, &added);
}

/* ---- Rows ---- */

static lc_text
row_key(const lc_outbox *outbox, const message *row)
{
    return (lc_text){(const char *)outbox->bytes->data + row->row.key_at, row->row.key_size};
}

/* The message that has the key of `row`, among those that were added before it for the same lead; or NULL. */
static message *
find_row(const lc_outbox *outbox, const message *row)
{
    lc_text key = row_key(outbox, row);

    for (size_t place = row->row.before; place > 0;) {
        message *earlier = &g_array_index(outbox->messages, message, place - 1);
        if (earlier->output == row->output && lc_text_equal(row_key(outbox, earlier), key))
            return earlier;
        place = earlier->row.before;
    }
    return NULL;
}

static void
add_row_key(lc_outbox *outbox, int table, const void *row, message *added)
{
    added->row.key_at = outbox->bytes->len;
    add_frame(outbox, lc_table_output(table), lc_rows_key_schema(table));
    lc_encode_row_key(outbox->bytes, table, row);
    added->row.key_size = outbox->bytes->len - added->row.key_at;
}

static void
add_row_value(lc_outbox *outbox, int table, const void *row, message *added)
{
    added->value_at = outbox->bytes->len;
    if (!added->tombstone) {
        add_frame(outbox, lc_table_output(table), lc_rows_schema(table));
        if (added->deleted)
            lc_encode_row_deletion(outbox->bytes, table, row);
        else
            lc_encode_row(outbox->bytes, table, row);
    }
    added->value_size = outbox->bytes->len - added->value_at;
}

void
lc_outbox_add_row(lc_outbox *outbox, int32_t partition, int table, const void *row, bool deleted, lc_cause_of cause,
                  size_t *latest)
{
    message added = {
        .kind = MESSAGE_ROW,
        .output = lc_table_output(table),
        .partition = partition,
        .tombstone = deleted && outbox->options->deletion == LC_DELETION_TOMBSTONE,
        .deleted = deleted,
        .cause = cause,
        .row = {.before = *latest},
    };

    add_row_key(outbox, table, row, &added);
    message *former = find_row(outbox, &added);
    add_row_value(outbox, table, row, &added);
    if (former == NULL) {
        g_array_append_val(outbox->messages, added);
        *latest = outbox->messages->len;
    } else if (LC_CHECKS(LC_CHECK_LAST_ROW)) {
        added.row.before = former->row.before;
        *former = added;
    }
}

/* ---- Dead letters ---- */

void
lc_outbox_add_dead_letter(lc_outbox *outbox, const lc_log_event *record, lc_dead_reason reason, const char *detail,
                          size_t most_bytes, lc_cause_of cause)
{
    message added = {
        .kind = MESSAGE_DEAD_LETTER,
        .output = LC_OUTPUT_DEAD_LETTERS,
        .partition = -1,
        .key = record->key,
        .value_at = outbox->bytes->len,
        .cause = cause,
        .dead_letter = {record->value, reason, detail, most_bytes},
    };

    add_message(outbox, &added);
}

lc_text
lc_outbox_value(const lc_outbox *outbox, size_t index)
{
    const message *found = &g_array_index(outbox->messages, message, index);

    return found->tombstone ? LC_NO_TEXT
                            : (lc_text){(const char *)outbox->bytes->data + found->value_at, found->value_size};
}

/* ---- Headers ---- */

typedef struct {
    lc_header headers[MAX_HEADERS];
    size_t n;
    char text[HEADER_TEXT_BYTES]; /* what is put together for them */
    char *at;                     /* where the next one's is to stand */
} header_list;

static void
add_header(header_list *list, const char *name, lc_text value)
{
    list->headers[list->n++] = (lc_header){lc_text_of(name), value};
}

/* Its value stands in `text`, from `at` up to `end`. */
static void
add_put_header(header_list *list, const char *name, char *end)
{
    add_header(list, name, (lc_text){list->at, (size_t)(end - list->at)});
    list->at = end;
}

static void
add_number_header(header_list *list, const char *name, int64_t number)
{
    add_put_header(list, name, lc_put_number(list->at, number));
}

static char *
put_text(char *to, lc_text text)
{
    return mempcpy(to, text.data, text.size);
}

/* Where it comes from: "TOPIC/PARTITION/OFFSET", or "wake/NOW". */
static char *
put_cause(char *to, const lc_cause_of *cause, const char *const *input_names)
{
    if (cause->topic < 0)
        return lc_put_number(put_text(to, LC_TEXT("wake/")), cause->now);
    to = put_text(to, lc_text_of(input_names[cause->topic]));
    *to++ = '/';
    to = lc_put_number(to, cause->partition);
    *to++ = '/';
    return lc_put_number(to, cause->offset);
}

/* CloudEvents, Kafka binding. ce_id is unique for each message: the outcome's id and what caused it. */
static void
add_cloud_event(const lc_outbox *outbox, const message *sent, header_list *list)
{
    char *id = list->at;

    add_header(list, "ce_specversion", LC_TEXT("1.0"));
    lc_uuid_format(&sent->outcome.event_id, id);
    id += LC_UUID_TEXT_BYTES - 1;
    *id++ = '.';
    add_put_header(list, "ce_id", put_cause(id, &sent->cause, outbox->options->input_names));
    add_header(list, "ce_type", lc_text_of(lc_schema_record_name(lc_outcome_schema(sent->outcome.type))));
    add_header(list, "ce_source", lc_text_of(outbox->options->source));
    add_put_header(list, "ce_time", lc_instant_put(list->at, sent->outcome.occurred_at));
    add_header(list, "content-type", LC_TEXT("application/avro"));
}

/* In the style of Kafka Connect. */
static void
add_reason(const lc_outbox *outbox, const message *sent, header_list *list)
{
    add_header(list, "__connect.errors.topic", lc_text_of(outbox->options->input_names[sent->cause.topic]));
    add_number_header(list, "__connect.errors.partition", sent->cause.partition);
    add_number_header(list, "__connect.errors.offset", sent->cause.offset);
    add_header(list, "__connect.errors.exception.class.name",
               lc_text_of(lc_dead_reason_name(sent->dead_letter.reason)));
    add_header(list, "__connect.errors.exception.message", lc_text_of(sent->dead_letter.detail));
    if (sent->dead_letter.value.size > sent->dead_letter.most_bytes)
        add_number_header(list, "leadclock.truncated", (int64_t)sent->dead_letter.value.size);
}

static bool
produce_one(const lc_outbox *outbox, lc_log *log, size_t index, GError **error)
{
    const message *sent = &g_array_index(outbox->messages, message, index);
    header_list list;
    list.n = 0;
    list.at = list.text;
    lc_outgoing outgoing = {
        .output = sent->output,
        .partition = sent->partition,
        .key = sent->kind == MESSAGE_ROW ? row_key(outbox, sent) : sent->key,
        .value = lc_outbox_value(outbox, index),
        .headers = list.headers,
        .offset = sent->offset,
        .tag = sent->cause.tag,
    };

    if (sent->kind == MESSAGE_OUTCOME && outbox->options->cloud_events)
        add_cloud_event(outbox, sent, &list);
    if (sent->kind == MESSAGE_DEAD_LETTER) {
        outgoing.value = sent->dead_letter.value;
        outgoing.value.size = MIN(outgoing.value.size, sent->dead_letter.most_bytes);
        outgoing.key.size = MIN(outgoing.key.size, DEAD_LETTER_KEY_BYTES);
        add_reason(outbox, sent, &list);
    }
    outgoing.n_headers = list.n;
    if (!lc_log_produce(log, &outgoing, error))
        return false;
    if (!sent->deleted || outbox->options->deletion != LC_DELETION_BOTH)
        return true;
    outgoing.value = LC_NO_TEXT;
    return lc_log_produce(log, &outgoing, error);
}

bool
lc_outbox_produce(const lc_outbox *outbox, lc_log *log, GError **error)
{
    for (size_t i = 0; i < outbox->messages->len; i++)
        if (!produce_one(outbox, log, i, error))
            return false;
    return true;
}
