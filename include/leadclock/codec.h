/* codec.h - bytes <-> facts, outcomes, counters and leads: Avro in Confluent framing, and JSON.
 *
 * Pure: no I/O, no clock. Uses core's structs; jansson for JSON (schemas too); zlib, snappy and zstd for container
 * files. No avro_value_t crosses this door: records are decoded by plans made once a writer schema (architecture.md
 * says why). Any input, hostile ones too, gives a value or an error, in time and memory bounded by its size. */
#pragma once

#include <leadclock/base.h>
#include <leadclock/core.h>

/* ---- Our schemas: the text of schemas/NAME.avsc, built in ---- */

typedef enum {
    /* facts, in the order of lc_fact_type */
    LC_SCHEMA_LEAD_CREATED,
    LC_SCHEMA_LEAD_RESUMED,
    LC_SCHEMA_LEAD_ASSIGNED,
    LC_SCHEMA_LEAD_CONTACTED,
    LC_SCHEMA_LEAD_PROGRESSED,
    LC_SCHEMA_LEAD_PAUSED,
    LC_SCHEMA_LEAD_REJECTED,
    LC_SCHEMA_LEAD_MERGED,
    LC_SCHEMA_LEAD_ERASED,
    /* outcomes, in the order of lc_outcome_type */
    LC_SCHEMA_SLA_WARNING,
    LC_SCHEMA_SLA_BREACHED,
    LC_SCHEMA_SLA_ESCALATED,
    LC_SCHEMA_SLA_BREACH_ENDED,
    LC_SCHEMA_LEAD_CLAWED_BACK,
    LC_SCHEMA_LEAD_ROUTED,
    LC_SCHEMA_LEAD_SETTLED,
    LC_SCHEMA_RETRACTED,
    /* changelogs */
    LC_SCHEMA_LEAD_STATE,
    LC_SCHEMA_CHANNEL_COUNTERS,
    /* rows: key and value of each table, in the order of lc_row_type, then of counters */
    LC_SCHEMA_CYCLE_KEY,
    LC_SCHEMA_CYCLE_ROW,
    LC_SCHEMA_BREACH_KEY,
    LC_SCHEMA_BREACH_ROW,
    LC_SCHEMA_STAGE_KEY,
    LC_SCHEMA_STAGE_ROW,
    LC_SCHEMA_TENURE_KEY,
    LC_SCHEMA_TENURE_ROW,
    LC_SCHEMA_ROUTE_KEY,
    LC_SCHEMA_ROUTE_ROW,
    LC_SCHEMA_COUNTER_KEY,
    LC_SCHEMA_COUNTER_ROW
} lc_schema;
#define LC_SCHEMAS 31

const char *lc_schema_record_name(lc_schema schema); /* full: "leadclock.LeadCreated" */
const char *lc_schema_text(lc_schema schema);        /* the .avsc file, as registered */

/* ---- Confluent framing: 0, the schema id as 4 bytes big-endian, body ---- */

#define LC_FRAME_BYTES 5
/* False: not framed. */
bool lc_frame_read(const void *value, size_t size, uint32_t *schema_id);

/* ---- Limits of a fact (architecture.md, Topics) ---- */

#define LC_MAX_RECORD_BYTES ((size_t)64 * 1024)
#define LC_MAX_LEAD_ID_BYTES ((size_t)255)
#define LC_MAX_EVENT_ID_BYTES ((size_t)128)
#define LC_MAX_NAME_BYTES ((size_t)255) /* channel, stage, reason, owner, campaign */
#define LC_MAX_NOTE_BYTES ((size_t)8 * 1024)
#define LC_MAX_ATTRIBUTES ((size_t)64)
#define LC_MAX_ATTRIBUTE_KEY_BYTES ((size_t)128)
#define LC_MAX_ATTRIBUTE_VALUE_BYTES ((size_t)1024)
#define LC_MAX_LEAD_STATE_BYTES ((size_t)512 * 1024)
#define LC_MAX_CHANNELS 10000

/* Whether `text` is UTF-8 (RFC 3629; U+0000 is). */
bool lc_text_is_utf8(lc_text text);

/* 1 to LC_MAX_LEAD_ID_BYTES of UTF-8 without a NUL, or LC_ERROR_RECORD. */
bool lc_lead_id_check(lc_text lead_id, GError **error);

/* Whether a fact may have such a time (rule 1.7): from 1990 to before 2200. */
bool lc_instant_may_be(lc_instant instant);

/* A hand-off whose channel is empty: legal, counted under the empty channel, and worth a warning. */
bool lc_fact_lacks_channel(const lc_fact *fact);

/* Whether every field of `fact` is present, UTF-8 and within its limit, its times lie from 1990 to before 2200 (rule
 * 1.7), and occurred_at is no more than `max_future` after `record_time` (LC_ABSENT: not checked). LC_ERROR_RECORD
 * names the field and what is wrong. The note, which no fact keeps, is checked by the decoders. */
bool lc_fact_check(const lc_fact *fact, lc_instant record_time, lc_duration max_future, GError **error);

/* ---- Plans: how to read one writer schema ---- */

typedef struct lc_plan lc_plan;

/* `schema_json` is the writer's schema. LC_ERROR_RECORD: not a schema that can be read (deeper than 32, with
 * references, not a record, or wrong). A record of a name that is none of ours gives a plan whose type is -1. */
lc_plan *lc_plan_new(const char *schema_json, GError **error);
void lc_plan_free(lc_plan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_plan, lc_plan_free)

/* Which of our records it writes (by name without namespace), an lc_schema; or -1. */
int lc_plan_schema(const lc_plan *plan);

/* Decodes the body (after the frame) of a fact. `*lead_id` is the lead_id field. Texts point into `body`; attributes
 * are allocated from `arena`. Does not call lc_lead_id_check and lc_fact_check: what is missing is absent. `*defect`:
 * what else keeps it from being a valid fact (a field of a wrong type, a note over its limit), as long as the plan
 * lives; or NULL. LC_ERROR_RECORD: bytes that the schema cannot have written, or a plan that is not of a fact. */
bool lc_plan_read_fact(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_fact *fact,
                       lc_text *lead_id, const char **defect, GError **error);

/* Any record as one line of JSON without a line end, fields as the writer named them, timestamps as ISO 8601, bytes as
 * base64, `"type"` with the record's name first. For `watch`. */
bool lc_plan_read_json(const lc_plan *plan, const void *body, size_t size, GString *json, GError **error);

/* ---- Encoding. Each appends the body (no frame) to `out`. ---- */

void lc_encode_fact(GByteArray *out, lc_text lead_id, const lc_fact *fact);
void lc_encode_outcome(GByteArray *out, lc_text lead_id, const lc_outcome *outcome);
/* The schema of an outcome or a fact. */
lc_schema lc_outcome_schema(lc_outcome_type type);
lc_schema lc_fact_schema(lc_fact_type type);

/* `metrics` and `counts` side by side; zero counts are left out. */
typedef struct {
    lc_text metric;
    int64_t count;
} lc_metric_count;
void lc_encode_counters(GByteArray *out, lc_text channel, int32_t cohort, int32_t partition,
                        const lc_metric_count *counts, size_t n_counts);
/* By plan, so older writers can be read. `*counts` from `arena`, texts point into `body`. */
bool
lc_plan_read_counters(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_text *channel,
                      int32_t *cohort, int32_t *partition, lc_metric_count **counts, size_t *n_counts, GError **error);

/* ---- Rows (section 10; schemas/tables) ---- */

/* A table: those that judging gives rows of, by lc_row_type, then counters. */
#define LC_TABLE_COUNTERS LC_ROW_TYPES
#define LC_TABLES (LC_ROW_TYPES + 1)

const char *lc_rows_table_name(int table); /* "cycles" */
const lc_record *lc_rows_record(int table);
lc_schema lc_rows_key_schema(int table);
lc_schema lc_rows_schema(int table);

/* `row` is a struct of the table's record: lc_cycle_row (as &lc_row.cycle) and so on, or lc_counter_row. */
void lc_encode_row_key(GByteArray *out, int table, const void *row);
void lc_encode_row(GByteArray *out, int table, const void *row);
/* The mark of a deletion: only the members of the key count. */
void lc_encode_row_deletion(GByteArray *out, int table, const void *row);

/* A row that was read, or its deletion: then only the members of its key say something. */
typedef struct {
    int table;
    bool deleted;
    union {
        lc_cycle_row cycle;
        lc_breach_row breach;
        lc_stage_row stage;
        lc_tenure_row tenure;
        lc_route_row route;
        lc_counter_row counter;
    };
} lc_table_row;

/* The body of a row, or of a key (that of a tombstone), which is read as a deletion. Columns that the writer lacks are
 * null, those that are not known here are passed over; a name that is not known here is null where it may be. Texts
 * point into `body`; lists come from `arena`. LC_ERROR_RECORD: bytes that the schema cannot have written, a column that
 * is not what it should be, or a plan that is not of a row. */
bool lc_plan_read_row(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_table_row *row,
                      GError **error);

/* One line of JSON without its end, all columns in their order. Lists are JSON in a text. */
void lc_json_write_row(GString *json, int table, const void *row);
/* RFC 4180, without the line's end. Null is empty, the empty text "". */
void lc_csv_write_header(GString *csv, int table);
void lc_csv_write_row(GString *csv, int table, const void *row);

/* ---- Avro object container files, for the backtest ---- */

#define LC_SYNC_BYTES ((size_t)16)

/* A file of records of one schema, not compressed: the header, then blocks of `n` bodies. `sync` is the same in all of
 * them, and best random. */
void lc_container_write_header(GByteArray *out, const char *schema_json, const uint8_t sync[LC_SYNC_BYTES]);
void lc_container_write_block(GByteArray *out, size_t n, const GByteArray *bodies, const uint8_t sync[LC_SYNC_BYTES]);

typedef struct lc_container lc_container;

/* The file's bytes are borrowed (map them). Its schema is a record or a union of records, codec null, deflate, snappy
 * or zstandard. LC_ERROR_CONFIG: it is not such a file. */
lc_container *lc_container_new(const void *bytes, size_t size, GError **error);
void lc_container_free(lc_container *container);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_container, lc_container_free)

typedef enum {
    LC_CONTAINER_FACT,
    LC_CONTAINER_BAD, /* LC_ERROR_RECORD: a record is no valid fact (lc_fact_check included); the next call goes on,
                       * after bytes that can't be read with the next block */
    LC_CONTAINER_END,
    LC_CONTAINER_BROKEN /* LC_ERROR_FATAL: the file is damaged, and can't be read on */
} lc_container_result;

/* The next fact, good until the next call. `*arrived_at`: of a field of this name, or LC_ABSENT. */
lc_container_result
lc_container_next(lc_container *container, lc_fact *fact, lc_text *lead_id, lc_instant *arrived_at, GError **error);
/* The number of the last record, from 1; the bytes of the file read so far. */
uint64_t lc_container_record(const lc_container *container);
size_t lc_container_position(const lc_container *container);

/* ---- Lead states: LeadState of schemas/LeadState.avsc ---- */

void lc_encode_lead(GByteArray *out, const lc_lead *lead);
/* Texts point into `body` where they can; the rest, and the facts (with room for one more), come from `arena`. */
bool
lc_plan_read_lead(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_lead *lead, GError **error);
/* Only its id and wake_at, without reading the facts: for recovery. */
bool lc_plan_peek_lead(const lc_plan *plan, const void *body, size_t size, lc_text *lead_id, lc_instant *wake_at,
                       GError **error);

/* ---- Facts in JSON: a plain one (section 9), or a CloudEvent in structured mode that holds one ---- */

/* What stands in for what a fact does not say itself: the headers of a CloudEvent in binary mode (type, id, time,
 * subject), the type that a topic has. In structured mode what the event says goes before it. Absent: nothing does. */
typedef struct {
    lc_text type; /* "LeadCreated", or "leadclock.LeadCreated" */
    lc_text event_id;
    lc_text occurred_at; /* ISO 8601 with a zone */
    lc_text lead_id;
} lc_stand_ins;

typedef struct {
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at; /* LC_ABSENT where not given */
} lc_json_fact;

typedef enum {
    LC_JSON_NO_JSON, /* the text is no JSON object; the message names the line and the column */
    LC_JSON_NO_TYPE, /* its type is missing, or that of no fact */
    LC_JSON_NO_FACT  /* anything else */
} lc_json_fault;

typedef struct {
    lc_json_fault fault;
    const char *field; /* a literal, as "occurred_at", or "ce_time" where that stands in; NULL: the text as a whole */
} lc_json_problem;

/* One text; space around it is ignored. `stand_ins` may be NULL. Texts and attributes come from `arena`.
 * LC_ERROR_RECORD: no valid fact (lc_lead_id_check and lc_fact_check included, without a record time); `problem` says
 * what it is about. */
bool lc_json_read(const char *text, size_t size, const lc_stand_ins *stand_ins, lc_arena *arena, lc_json_fact *read,
                  lc_json_problem *problem, GError **error);
/* The same of a line in which all is said. */
bool lc_json_read_fact(const char *line, size_t size, lc_arena *arena, lc_fact *fact, lc_text *lead_id,
                       lc_instant *arrived_at, GError **error);

/* ---- JSON Lines (section 9) ---- */

/* One line without its end, keys in the order of section 6 after `type`. */
void lc_json_write_outcome(GString *json, lc_text lead_id, const lc_outcome *outcome);
void lc_json_write_fact(GString *json, lc_text lead_id, const lc_fact *fact);
/* {"channel", "cohort", "metric", "count"} */
void lc_json_write_count(GString *json, lc_text channel, int32_t cohort, lc_text metric, int64_t count);
/* A JSON object as it came, as one line without space between. LC_ERROR_RECORD: it is none; nothing is appended. */
bool lc_json_compact(GString *json, const char *text, size_t size, GError **error);
/* A JSON string with its quotes. Bytes that are no UTF-8 become U+FFFD. */
void lc_json_write_text(GString *json, lc_text text);
