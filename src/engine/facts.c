/* facts.c - records of the inputs -> facts, or dead letters. */
#include "facts.h"

#include "json_facts.h"
#include "refusal.h"
#include "schemas.h"
#include "worker.h"

#include <inttypes.h>

/* ---- Poison ---- */

/* Where it stands. */
typedef struct {
    int topic;
    int32_t partition;
    int64_t offset;
} poison_place;

static guint
hash_place(gconstpointer key)
{
    const poison_place *place = key;

    return (g_int64_hash(&place->offset) * 31 + (guint)place->partition) * 31 + (guint)place->topic;
}

static gboolean
is_same_place(gconstpointer one, gconstpointer other)
{
    const poison_place *a = one, *b = other;

    return a->topic == b->topic && a->partition == b->partition && a->offset == b->offset;
}

GHashTable *
lc_facts_poison_new(void)
{
    return g_hash_table_new_full(hash_place, is_same_place, g_free, NULL);
}

static poison_place
place_of(const lc_log_event *record)
{
    return (poison_place){record->topic, record->partition, record->offset};
}

void
lc_facts_poison(lc_worker *worker, const lc_log_event *record)
{
    const poison_place place = place_of(record);

    g_hash_table_add(worker->poison, g_memdup2(&place, sizeof place));
}

static gboolean
is_passed(gpointer key, gpointer value, gpointer data)
{
    const poison_place *place = key;
    const lc_partition *partition = data;

    (void)value;
    return place->partition == partition->number && place->offset < partition->offsets[place->topic];
}

void
lc_facts_forget_poison(lc_worker *worker, const lc_partition *partition)
{
    if (g_hash_table_size(worker->poison))
        g_hash_table_foreach_remove(worker->poison, is_passed, (gpointer)partition);
}

bool
lc_facts_is_poison(const lc_worker *worker, const lc_log_event *record)
{
    const poison_place place = place_of(record);

    return g_hash_table_size(worker->poison) && g_hash_table_contains(worker->poison, &place);
}

/* ---- Schemas ---- */

static bool
has_frame(const lc_log_event *event, uint32_t *id)
{
    return !lc_text_is_absent(event->value) && event->value.size <= LC_MAX_RECORD_BYTES &&
           lc_frame_read(event->value.data, event->value.size, id);
}

/* The ids of the batch that nobody has asked for yet, each once. */
static GArray *
unknown_ids(lc_worker *worker, const lc_batch_record *records, size_t n)
{
    GArray *ids = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    g_autoptr(GHashTable) seen = NULL;
    const lc_plan *plan;
    uint32_t id, last = 0;
    bool last_is_known = false;

    for (size_t i = 0; i < n; i++) {
        if (!has_frame(&records[i].event, &id) || (last_is_known && id == last))
            continue;
        last_is_known = lc_schemas_plan(worker->schemas, id, &plan) != LC_PLAN_NOT_ASKED;
        last = id;
        if (last_is_known)
            continue;
        if (seen == NULL)
            seen = g_hash_table_new(NULL, NULL);
        if (g_hash_table_add(seen, GUINT_TO_POINTER(id)))
            g_array_append_val(ids, id);
    }
    return ids;
}

static bool
learn_schemas(lc_worker *worker, const lc_batch_record *records, size_t n, GError **error)
{
    g_autoptr(GArray) ids = unknown_ids(worker, records, n);

    return ids->len == 0 || lc_schemas_learn(worker, ids, error);
}

/* ---- One record ---- */

/* A null value erases the lead; its id is made from where it stands. */
static void
read_tombstone(const lc_worker *worker, lc_batch_record *record, lc_arena *arena)
{
    g_autofree char *id = g_strdup_printf("%s/%" PRId32 "/%" PRId64, worker->options.input_names[record->event.topic],
                                          record->event.partition, record->event.offset);

    record->fact = (lc_fact){
        .type = LC_FACT_ERASED,
        .event_id = lc_arena_text(arena, lc_text_of(id)),
        .occurred_at = record->event.timestamp,
        .recorded_at = LC_ABSENT,
        .follow_up_at = LC_ABSENT,
        .until = LC_ABSENT,
    };
    record->lead_id = record->event.key;
}

static void
read_avro(const lc_plan *plan, uint32_t id, lc_batch_record *record, lc_text body, lc_arena *arena)
{
    const char *defect = NULL;
    g_autoptr(GError) wrong = NULL;

    if (lc_plan_schema(plan) < LC_SCHEMA_LEAD_CREATED || lc_plan_schema(plan) > LC_SCHEMA_LEAD_ERASED)
        lc_fact_refuse(record, LC_DEAD_UNKNOWN_TYPE, arena, "the record of schema %" PRIu32 " is none of the facts",
                       id);
    else if (!lc_plan_read_fact(plan, body.data, body.size, arena, &record->fact, &record->lead_id, &defect, &wrong))
        lc_fact_refuse(record, LC_DEAD_UNREADABLE, arena, "%s", wrong->message);
    else if (defect)
        lc_fact_refuse(record, LC_DEAD_BAD_FACT, arena, "%s", defect);
}

static void
read_framed(lc_worker *worker, lc_batch_record *record, uint32_t id, lc_arena *arena)
{
    const lc_text body = {record->event.value.data + LC_FRAME_BYTES, record->event.value.size - LC_FRAME_BYTES};
    const lc_plan *plan = NULL;

    switch (lc_schemas_plan(worker->schemas, id, &plan)) {
    case LC_PLAN_READY:
        read_avro(plan, id, record, body, arena);
        break;
    case LC_PLAN_JSON:
        lc_json_facts_read(worker, record, body, arena);
        break;
    case LC_PLAN_UNREADABLE:
        lc_fact_refuse(record, LC_DEAD_UNKNOWN_TYPE, arena, "schema %" PRIu32 " can't be read", id);
        break;
    case LC_PLAN_NO_SUCH_ID:
    case LC_PLAN_NOT_ASKED:
        lc_refuse_schema(worker, record, id, arena);
        break;
    }
}

static void
read_record(lc_worker *worker, lc_batch_record *record, lc_arena *arena)
{
    lc_text value = record->event.value;
    uint32_t id;

    if (value.size > LC_MAX_RECORD_BYTES)
        lc_fact_refuse(record, LC_DEAD_BAD_FACT, arena, "a record of %zu bytes; at most %zu", value.size,
                       LC_MAX_RECORD_BYTES);
    else if (has_frame(&record->event, &id))
        read_framed(worker, record, id, arena);
    else if (lc_json_facts_are(value))
        lc_json_facts_read(worker, record, value, arena);
    else
        lc_refuse_frame(worker, record, arena);
}

static void
check_key(const lc_worker *worker, lc_batch_record *record, lc_arena *arena)
{
    lc_text key = record->event.key;

    if (!lc_text_equal(key, record->lead_id)) {
        lc_refuse_key(record, arena);
        return;
    }
    int32_t right = lc_log_partition_of(key, worker->partition_count);
    if (right != record->event.partition)
        lc_fact_refuse(record, LC_DEAD_WRONG_PARTITION, arena,
                       "in partition %" PRId32 ", but its key belongs in %" PRId32
                       ": publish with partitioner=murmur2_random",
                       record->event.partition, right);
}

static void
decode(lc_worker *worker, lc_batch_record *record, lc_arena *arena)
{
    g_autoptr(GError) wrong = NULL;

    if (lc_text_is_absent(record->event.value))
        read_tombstone(worker, record, arena);
    else
        read_record(worker, record, arena);
    if (record->refused)
        return;
    record->fact.published_at = record->event.timestamp;
    if (lc_text_is_absent(record->event.value) && lc_text_is_absent(record->event.key))
        lc_fact_refuse(record, LC_DEAD_BAD_FACT, arena,
                       "the record has neither a value nor a key; one without a value erases the lead that is its key");
    else if (!lc_lead_id_check(record->lead_id, &wrong) ||
             !lc_fact_check(&record->fact, record->event.timestamp, worker->options.max_future, &wrong))
        lc_fact_refuse(record, LC_DEAD_BAD_FACT, arena, "%s", wrong->message);
    else if (lc_facts_is_poison(worker, &record->event))
        lc_fact_refuse(record, LC_DEAD_LEAD_TOO_LARGE, arena, "Kafka refused for its size what follows from this fact");
    else
        check_key(worker, record, arena);
}

bool
lc_facts_decode(lc_worker *worker, lc_batch_record *records, size_t n, lc_arena *arena, GError **error)
{
    if (!learn_schemas(worker, records, n, error))
        return false;
    for (size_t i = 0; i < n; i++)
        decode(worker, &records[i], arena);
    return true;
}
