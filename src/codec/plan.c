/* plan.c - how a writer's records become ours, made once a schema. */
#include "plan.h"

/* ---- Our fields ---- */

#define BLANK_FACT                                                                                                     \
    {                                                                                                                  \
        .method = LC_METHOD_OTHER, .occurred_at = LC_ABSENT, .recorded_at = LC_ABSENT, .follow_up_at = LC_ABSENT,      \
        .until = LC_ABSENT                                                                                             \
    }
const lc_fact lc_blank_fact = BLANK_FACT;
const lc_read_fact lc_blank_read_fact = {.fact = BLANK_FACT, .arrived_at = LC_ABSENT};
const lc_metric_count lc_blank_count = {.metric = {NULL, 0}};

#define FIELD(name, target, type, member)                                                                              \
    {                                                                                                                  \
        name, LC_TARGET_##target, offsetof(type, member), NULL, 0                                                      \
    }
#define ENUM(name, target, type, member, symbols, unknown)                                                             \
    {                                                                                                                  \
        name, LC_TARGET_##target, offsetof(type, member), symbols, unknown                                             \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        NULL, LC_TARGET_NONE, 0, NULL, 0                                                                               \
    }

const lc_field lc_lead_fields[] = {
    FIELD("lead_id", TEXT, lc_read_lead, lead_id),
    FIELD("wake_at", INSTANT, lc_read_lead, wake_at),
    FIELD("judged_at", INSTANT, lc_read_lead, judged_at),
    FIELD("erased_at", INSTANT, lc_read_lead, erased_at),
    FIELD("strings", TEXTS, lc_read_lead, strings),
    FIELD("facts", FACTS, lc_read_lead, facts),
    END,
};

const lc_field lc_stored_fact_fields[] = {
    ENUM("type", ENUM, lc_fact, type, lc_fact_type_names, -1),
    FIELD("event_id", EVENT_ID, lc_fact, event_id),
    FIELD("occurred_after_ms", LONG, lc_fact, occurred_at),
    FIELD("recorded_after_ms", LONG, lc_fact, recorded_at),
    FIELD("follow_up_after_ms", LONG, lc_fact, follow_up_at),
    FIELD("owner", INDEX, lc_fact, owner),
    FIELD("channel", INDEX, lc_fact, channel),
    FIELD("campaign", INDEX, lc_fact, campaign),
    FIELD("text", INDEX, lc_fact, text),
    ENUM("method", ENUM, lc_fact, method, lc_method_names, LC_METHOD_OTHER),
    ENUM("outcome", CONNECTED, lc_fact, connected, lc_contact_outcome_names, 0),
    FIELD("attributes", INDICES, lc_fact, attributes),
    END,
};

const lc_field lc_counters_fields[] = {
    FIELD("channel", TEXT, lc_read_counters, channel),
    FIELD("cohort", TEXT, lc_read_counters, cohort),
    FIELD("partition", INT, lc_read_counters, partition),
    FIELD("counts", COUNTS, lc_read_counters, counts),
    END,
};

/* ---- Plans ---- */

static int
schema_of(const char *record_name)
{
    for (int schema = 0; schema < LC_SCHEMAS; schema++) {
        const char *full = lc_schema_record_name((lc_schema)schema);
        if (strcmp(strrchr(full, '.') + 1, record_name) == 0)
            return schema;
    }
    return -1;
}

bool
lc_plan_is_fact(const lc_plan *plan)
{
    return plan->schema >= LC_SCHEMA_LEAD_CREATED && plan->schema <= LC_SCHEMA_LEAD_ERASED;
}

lc_fact_type
lc_plan_fact_type(const lc_plan *plan)
{
    return (lc_fact_type)(plan->schema - LC_SCHEMA_LEAD_CREATED);
}

/* How a field of core's table is read. Nothing is decided by the note, so it is not kept. An unknown symbol is what a
 * blank fact has. */
static lc_field
fact_field(const lc_record_field *field, lc_arena *arena)
{
    static const lc_target targets[] = {
        [LC_FIELD_TEXT] = LC_TARGET_TEXT,       [LC_FIELD_LEAD] = LC_TARGET_TEXT,
        [LC_FIELD_INSTANT] = LC_TARGET_INSTANT, [LC_FIELD_FLAG] = LC_TARGET_BOOL,
        [LC_FIELD_ENUM] = LC_TARGET_ENUM,       [LC_FIELD_CHOICE] = LC_TARGET_CONNECTED,
        [LC_FIELD_MAP] = LC_TARGET_ATTRIBUTES,
    };
    lc_field made = {.name = lc_arena_text(arena, lc_field_name(field)).data,
                     .target = targets[field->kind],
                     .offset = field->at,
                     .symbols = field->names};
    if (field->kind == LC_FIELD_LEAD)
        made.offset = offsetof(lc_read_fact, lead_id);
    if (made.offset == offsetof(lc_fact, note))
        made.target = LC_TARGET_NOTE;
    if (field->kind == LC_FIELD_ENUM)
        made.default_symbol = *(const int *)lc_field_member(field, &lc_blank_fact);
    return made;
}

/* Of lc_read_fact, which begins with the fact. */
static const lc_field *
fact_fields(lc_fact_type type, lc_arena *arena)
{
    const lc_record *record = &lc_fact_records[type];
    lc_field *fields = lc_arena_new(arena, lc_field, record->n_fields + 2);
    for (size_t i = 0; i < record->n_fields; i++)
        fields[i] = fact_field(&record->fields[i], arena);
    fields[record->n_fields] = (lc_field)FIELD("arrived_at", INSTANT, lc_read_fact, arrived_at);
    fields[record->n_fields + 1] = (lc_field)END;
    return fields;
}

static const lc_field *
fields_of(const lc_plan *plan, lc_arena *arena)
{
    if (lc_plan_is_fact(plan))
        return fact_fields(lc_plan_fact_type(plan), arena);
    if (lc_plan_table(plan) >= 0)
        return lc_row_fields(lc_plan_table(plan), arena);
    return plan->schema == LC_SCHEMA_LEAD_STATE         ? lc_lead_fields
           : plan->schema == LC_SCHEMA_CHANNEL_COUNTERS ? lc_counters_fields
                                                        : NULL;
}

static uint32_t
count_peek_steps(const lc_node *record)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < record->n; i++)
        if (strcmp(record->names[i], "lead_id") == 0 || strcmp(record->names[i], "wake_at") == 0)
            n = i + 1;
    return n;
}

void
lc_plan_set_up(lc_plan *plan, const lc_node *record, uint64_t n_edges, lc_arena *arena)
{
    plan->root = record;
    plan->n_edges = n_edges;
    plan->schema = schema_of(record->name);
    const lc_field *fields = fields_of(plan, arena);
    if (fields == NULL)
        return;
    plan->steps = lc_steps_new(record, fields, arena);
    plan->n_steps = record->n;
    plan->n_peek_steps = count_peek_steps(record);
}

/* A plan takes a few KiB and lives for ever: less than a chunk to begin with. */
static void
start_small(lc_arena *arena)
{
    const size_t bytes = 12 * 1024;
    arena->first = g_malloc(sizeof(lc_arena_chunk) + bytes);
    *arena->first = (lc_arena_chunk){.next = NULL, .size = bytes};
}

lc_plan *
lc_plan_new(const char *schema_json, GError **error)
{
    g_autoptr(lc_plan) plan = g_new0(lc_plan, 1);
    start_small(&plan->memory);
    uint64_t n_edges;
    const lc_node *root = lc_node_parse(schema_json, &plan->memory, &n_edges, error);
    if (root == NULL)
        return NULL;
    if (root->kind != LC_NODE_RECORD) {
        g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "schema: %s is no record", lc_node_kind_name(root->kind));
        return NULL;
    }
    lc_plan_set_up(plan, root, n_edges, &plan->memory);
    return g_steal_pointer(&plan);
}

void
lc_plan_free(lc_plan *plan)
{
    if (plan == NULL)
        return;
    lc_arena_clear(&plan->memory);
    g_free(plan);
}

int
lc_plan_schema(const lc_plan *plan)
{
    return plan->schema;
}

/* ---- Reading by a plan ---- */

lc_plan_reader
lc_plan_reader_over(const lc_plan *plan, const void *body, size_t size, lc_arena *arena)
{
    return (lc_plan_reader){.wire = lc_wire_over(body, size, plan->n_edges), .arena = arena};
}

bool
lc_plan_run(const lc_plan *plan, lc_plan_reader *reader, void *base)
{
    if (!lc_steps_run(plan->steps, plan->n_steps, reader, base))
        return false;
    return lc_wire_left(&reader->wire) == 0 || lc_wire_fail(&reader->wire, "bytes follow its last field");
}

bool
lc_plan_run_ours(const lc_plan *plan, lc_plan_reader *reader, void *base)
{
    return lc_plan_run(plan, reader, base) && (reader->defect == NULL || lc_wire_fail(&reader->wire, reader->defect));
}

bool
lc_plan_fail(const lc_plan *plan, const char *field, const char *problem, GError **error)
{
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "%.64s%s%.64s: %s", plan->root->name, field ? "." : "",
                field ? field : "", problem ? problem : "another record was expected");
    return false;
}

/* An Avro map may hold a key twice: the last one counts, as in Java. */
static void
drop_repeated_attributes(lc_fact *fact)
{
    lc_attribute *attributes = (lc_attribute *)fact->attributes;
    size_t kept = 0;
    for (size_t i = 0; i < fact->n_attributes; i++) {
        size_t j = 0;
        while (j < kept && !lc_text_equal(attributes[j].key, attributes[i].key))
            j++;
        attributes[j] = attributes[i];
        kept = MAX(kept, j + 1);
    }
    fact->n_attributes = kept;
}

void
lc_plan_finish_fact(const lc_plan *plan, lc_read_fact *read)
{
    read->fact.type = lc_plan_fact_type(plan);
    /* of too many the check will say so */
    if (read->fact.n_attributes > 1 && read->fact.n_attributes <= LC_MAX_ATTRIBUTES)
        drop_repeated_attributes(&read->fact);
}

bool
lc_plan_read_fact(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_fact *fact, lc_text *lead_id,
                  const char **defect, GError **error)
{
    lc_plan_reader reader = lc_plan_reader_over(plan, body, size, arena);
    lc_read_fact read = lc_blank_read_fact;
    if (!lc_plan_is_fact(plan) || !lc_plan_run(plan, &reader, &read))
        return lc_plan_fail(plan, reader.field, reader.wire.problem, error);
    lc_plan_finish_fact(plan, &read);
    *fact = read.fact;
    *lead_id = read.lead_id;
    *defect = reader.defect;
    return true;
}

int32_t
lc_read_month(lc_text text)
{
    int32_t digits[7];
    if (text.size != G_N_ELEMENTS(digits) || text.data[4] != '-')
        return -1;
    for (size_t i = 0; i < text.size; i++) {
        digits[i] = text.data[i] - '0';
        if (i != 4 && (digits[i] < 0 || digits[i] > 9))
            return -1;
    }
    int32_t year = digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3];
    int32_t month = digits[5] * 10 + digits[6];
    return month >= 1 && month <= 12 ? 12 * year + month - 1 : -1;
}

bool
lc_plan_read_counters(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_text *channel,
                      int32_t *cohort, int32_t *partition, lc_metric_count **counts, size_t *n_counts, GError **error)
{
    lc_plan_reader reader = lc_plan_reader_over(plan, body, size, arena);
    lc_read_counters read = {.partition = -1};
    if (plan->schema != LC_SCHEMA_CHANNEL_COUNTERS || !lc_plan_run_ours(plan, &reader, &read))
        return lc_plan_fail(plan, reader.field, reader.wire.problem, error);
    int32_t month = lc_read_month(read.cohort);
    if (lc_text_is_absent(read.channel) || month < 0 || read.partition < 0) {
        lc_wire_fail(&reader.wire, "channel, cohort or partition is missing or wrong");
        return lc_plan_fail(plan, reader.field, reader.wire.problem, error);
    }
    *channel = read.channel;
    *cohort = month;
    *partition = read.partition;
    *counts = read.counts.items;
    *n_counts = read.counts.n;
    return true;
}
