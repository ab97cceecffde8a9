/* What is encoded is read back as it was, by our plans and by avro-c. */
#include <leadclock/codec.h>

#include "random.h"

#include <avro.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define ROUNDS 20000

static uint64_t seed;

/* ---- Random structs, all from an arena ---- */

typedef struct {
    lc_random random;
    lc_arena arena;
} maker;

static lc_text
make_text(maker *m, size_t max_bytes)
{
    static const char *const words[] = {"", "ann", "bo", "demo", "å", "€", "\"\\\n", "2026-01", "x\xf0\x9f\x98\x80"};
    lc_text word = lc_text_of(words[lc_random_below(&m->random, G_N_ELEMENTS(words))]);
    if (lc_random_chance(&m->random, 80))
        return word;
    size_t size = lc_random_below(&m->random, max_bytes + 1);
    char *text = lc_arena_alloc(&m->arena, size + 1);
    for (size_t i = 0; i < size; i++)
        text[i] = (char)(lc_random_below(&m->random, 128));
    return (lc_text){text, size};
}

static lc_text
make_optional_text(maker *m, size_t max_bytes)
{
    return lc_random_chance(&m->random, 30) ? LC_NO_TEXT : make_text(m, max_bytes);
}

static lc_instant
make_instant(maker *m)
{
    return lc_random_chance(&m->random, 90) ? 1767225600000 + (int64_t)lc_random_below(&m->random, 1u << 31)
                                            : 1 + (int64_t)lc_random_below(&m->random, 253402300799999u);
}

static lc_instant
make_optional_instant(maker *m)
{
    return lc_random_chance(&m->random, 50) ? LC_ABSENT : make_instant(m);
}

static lc_uuid
make_uuid(maker *m)
{
    lc_uuid uuid;
    for (size_t i = 0; i < sizeof uuid.bytes; i++)
        uuid.bytes[i] = (uint8_t)lc_random_next(&m->random);
    return uuid;
}

/* UUIDs mostly, and texts that nearly are. */
static lc_text
make_event_id(maker *m)
{
    static const char digits[] = "0123456789abcdef";
    if (lc_random_chance(&m->random, 20))
        return make_text(m, LC_MAX_EVENT_ID_BYTES);
    char *text = lc_arena_alloc(&m->arena, 37);
    for (size_t i = 0; i < 36; i++)
        text[i] = i == 8 || i == 13 || i == 18 || i == 23 ? '-' : digits[lc_random_below(&m->random, 16)];
    if (lc_random_chance(&m->random, 20))
        text[lc_random_below(&m->random, 36)] = "AfF-gG:/\xc3"[lc_random_below(&m->random, 9)];
    return (lc_text){text, lc_random_chance(&m->random, 95) ? 36 : 35};
}

static void
make_attributes(maker *m, lc_fact *fact)
{
    size_t n = lc_random_chance(&m->random, 95) ? lc_random_below(&m->random, 5) : LC_MAX_ATTRIBUTES;
    lc_attribute *attributes = lc_arena_new(&m->arena, lc_attribute, n);
    for (size_t i = 0; i < n; i++) {
        g_autofree char *key = g_strdup_printf("key%zu", i);
        attributes[i] =
            (lc_attribute){lc_arena_text(&m->arena, lc_text_of(key)), make_text(m, LC_MAX_ATTRIBUTE_VALUE_BYTES)};
    }
    fact->attributes = n ? attributes : NULL;
    fact->n_attributes = n;
}

static void
make_own_fields(maker *m, lc_fact *fact)
{
    if (fact->type == LC_FACT_CREATED || fact->type == LC_FACT_CONTACTED || fact->type == LC_FACT_REJECTED)
        fact->follow_up_at = make_optional_instant(m);
    if (fact->type == LC_FACT_PAUSED)
        fact->until = make_optional_instant(m);
    if (fact->type == LC_FACT_MERGED)
        fact->into = make_text(m, 255);
    if (fact->type != LC_FACT_RESUMED && fact->type != LC_FACT_MERGED && fact->type != LC_FACT_ERASED)
        fact->owner = fact->type == LC_FACT_ASSIGNED ? make_text(m, 255) : make_optional_text(m, 255);
    if (fact->type == LC_FACT_CREATED) {
        fact->channel = make_text(m, 255);
        fact->campaign = make_optional_text(m, 255);
        make_attributes(m, fact);
    }
    if (fact->type == LC_FACT_PROGRESSED || fact->type == LC_FACT_REJECTED)
        fact->text = make_text(m, 255);
    if (fact->type == LC_FACT_PAUSED)
        fact->text = make_optional_text(m, 255);
    if (fact->type == LC_FACT_CONTACTED) {
        fact->method = (lc_method)lc_random_below(&m->random, 5);
        fact->connected = lc_random_chance(&m->random, 50);
    }
}

static lc_fact
make_fact(maker *m)
{
    lc_fact fact = {
        .type = (lc_fact_type)lc_random_below(&m->random, LC_FACT_TYPES),
        .method = LC_METHOD_OTHER,
        .event_id = make_event_id(m),
        .occurred_at = make_instant(m),
        .recorded_at = make_optional_instant(m),
        .follow_up_at = LC_ABSENT,
        .until = LC_ABSENT,
    };
    make_own_fields(m, &fact);
    return fact;
}

static lc_text
make_lead_id(maker *m)
{
    lc_text id = make_event_id(m);
    return lc_lead_id_check(id, NULL) ? id : LC_TEXT("lead");
}

static const lc_tenure *
make_tenures(maker *m, size_t *n)
{
    *n = lc_random_below(&m->random, 4);
    lc_tenure *owners = lc_arena_new(&m->arena, lc_tenure, *n);
    for (size_t i = 0; i < *n; i++)
        owners[i] = (lc_tenure){make_optional_text(m, 255), (int64_t)lc_random_below(&m->random, 1u << 30)};
    return owners;
}

static const lc_text *
make_texts(maker *m, size_t *n)
{
    *n = lc_random_below(&m->random, 4);
    lc_text *texts = lc_arena_new(&m->arena, lc_text, *n);
    for (size_t i = 0; i < *n; i++)
        texts[i] = make_text(m, 255);
    return texts;
}

static void
make_routed(maker *m, lc_outcome *outcome)
{
    outcome->routed.destination.route = (lc_route)lc_random_below(&m->random, 4);
    outcome->routed.destination.track = make_optional_text(m, 255);
    outcome->routed.cause = (lc_cause)lc_random_below(&m->random, LC_CAUSE_BREACHED + 1);
    outcome->routed.reason = make_optional_text(m, 255);
    outcome->routed.resume_at = make_optional_instant(m);
    outcome->routed.to_owner = make_optional_text(m, 255);
    outcome->routed.exclude_owners = make_texts(m, &outcome->routed.n_exclude_owners);
    outcome->routed.has_score = lc_random_chance(&m->random, 50);
    outcome->routed.score = (int64_t)lc_random_next(&m->random);
    outcome->routed.n_explanation = lc_random_below(&m->random, 4);
    lc_explanation *explanation = lc_arena_new(&m->arena, lc_explanation, outcome->routed.n_explanation);
    for (size_t i = 0; i < outcome->routed.n_explanation; i++)
        explanation[i] = (lc_explanation){make_text(m, 255), lc_random_chance(&m->random, 50),
                                          lc_random_chance(&m->random, 50), (int64_t)lc_random_next(&m->random)};
    outcome->routed.explanation = explanation;
}

static void
make_settled(maker *m, lc_outcome *outcome)
{
    outcome->settled.cause = (lc_cause)lc_random_below(&m->random, LC_CAUSE_ERASED + 1);
    outcome->settled.reason = make_optional_text(m, 255);
    outcome->settled.stage = make_optional_text(m, 255);
    outcome->settled.has_route = lc_random_chance(&m->random, 50);
    outcome->settled.destination.route = (lc_route)lc_random_below(&m->random, 4);
    outcome->settled.destination.track = make_optional_text(m, 255);
    outcome->settled.cohort = (int32_t)(1970 * 12 + lc_random_below(&m->random, 130 * 12));
    outcome->settled.first_contact_at = make_optional_instant(m);
    outcome->settled.response_open_ms = make_optional_instant(m);
    outcome->settled.attempts = (uint32_t)lc_random_below(&m->random, 600);
    outcome->settled.duplicate = lc_random_chance(&m->random, 50);
    outcome->settled.has_score = lc_random_chance(&m->random, 50);
    outcome->settled.score = (int64_t)lc_random_next(&m->random);
    outcome->settled.merged_into = make_optional_text(m, 255);
    outcome->settled.paused_ms = (int64_t)lc_random_below(&m->random, 1u << 31);
    outcome->settled.n_stages = lc_random_below(&m->random, 4);
    lc_stage_reached *stages = lc_arena_new(&m->arena, lc_stage_reached, outcome->settled.n_stages);
    for (size_t i = 0; i < outcome->settled.n_stages; i++)
        stages[i] = (lc_stage_reached){make_text(m, 255), make_instant(m)};
    outcome->settled.stages = stages;
    outcome->settled.breaches = make_texts(m, &outcome->settled.n_breaches);
    outcome->settled.owners = make_tenures(m, &outcome->settled.n_owners);
}

static void
make_breached(maker *m, lc_outcome *outcome)
{
    outcome->breached.early = lc_random_chance(&m->random, 50);
    outcome->breached.due_at = make_instant(m);
    outcome->breached.target_ms = (int64_t)lc_random_below(&m->random, 1u << 31);
    outcome->breached.attempts = (uint32_t)lc_random_below(&m->random, 600);
    outcome->breached.owners = make_tenures(m, &outcome->breached.n_owners);
}

static void
make_own_members(maker *m, lc_outcome *outcome)
{
    switch (outcome->type) {
    case LC_OUTCOME_WARNING:
        outcome->warning.label = make_text(m, 255);
        outcome->warning.due_at = make_instant(m);
        break;
    case LC_OUTCOME_BREACHED:
        make_breached(m, outcome);
        break;
    case LC_OUTCOME_BREACH_ENDED:
        outcome->breach_ended.breach_id = make_uuid(m);
        outcome->breach_ended.ended_by = (lc_ended_by)lc_random_below(&m->random, 3);
        outcome->breach_ended.late_ms = (int64_t)lc_random_below(&m->random, 1u << 31);
        break;
    case LC_OUTCOME_CLAWED_BACK:
        outcome->clawed_back.due_at = make_instant(m);
        outcome->clawed_back.clock_from = (lc_clock_from)lc_random_below(&m->random, 3);
        outcome->clawed_back.last_activity_at = make_optional_instant(m);
        outcome->clawed_back.first_contact_at = make_optional_instant(m);
        outcome->clawed_back.attempts = (uint32_t)lc_random_below(&m->random, 600);
        break;
    case LC_OUTCOME_ESCALATED:
        outcome->escalated.label = make_text(m, 255);
        outcome->escalated.level = 1 + (uint32_t)lc_random_below(&m->random, 9);
        outcome->escalated.due_at = make_instant(m);
        outcome->escalated.breach_id = make_uuid(m);
        outcome->escalated.attempts = (uint32_t)lc_random_below(&m->random, 600);
        break;
    case LC_OUTCOME_ROUTED:
        make_routed(m, outcome);
        break;
    case LC_OUTCOME_SETTLED:
        make_settled(m, outcome);
        break;
    case LC_OUTCOME_RETRACTED:
        outcome->retracted.retracts = make_uuid(m);
        outcome->retracted.retracted_type =
            (lc_outcome_type)(1 + lc_random_below(&m->random, LC_OUTCOME_RETRACTED - 1));
        break;
    }
}

static lc_outcome
make_outcome(maker *m)
{
    lc_outcome outcome = {
        .type = (lc_outcome_type)lc_random_below(&m->random, LC_OUTCOME_TYPES),
        .restated = lc_random_chance(&m->random, 50),
        .cycle = 1 + (uint32_t)lc_random_below(&m->random, 100),
        .event_id = make_uuid(m),
        .handoff_at = make_instant(m),
        .occurred_at = make_instant(m),
        .policy = make_text(m, 255),
        .rule = make_optional_text(m, 255),
        .channel = make_text(m, 255),
        .owner = make_optional_text(m, 255),
        .clock_name = make_text(m, 255),
    };
    make_own_members(m, &outcome);
    return outcome;
}

/* ---- Equality ---- */

static bool
facts_equal(const lc_fact *a, const lc_fact *b)
{
    bool equal = a->type == b->type && a->method == b->method && a->automated == b->automated &&
                 a->connected == b->connected && lc_text_equal(a->event_id, b->event_id) &&
                 a->occurred_at == b->occurred_at && a->recorded_at == b->recorded_at &&
                 a->follow_up_at == b->follow_up_at && a->until == b->until && lc_text_equal(a->into, b->into) &&
                 lc_text_equal(a->owner, b->owner) && lc_text_equal(a->channel, b->channel) &&
                 lc_text_equal(a->campaign, b->campaign) && lc_text_equal(a->text, b->text) &&
                 a->n_attributes == b->n_attributes;
    for (size_t i = 0; equal && i < a->n_attributes; i++)
        equal = lc_text_equal(a->attributes[i].key, b->attributes[i].key) &&
                lc_text_equal(a->attributes[i].value, b->attributes[i].value);
    return equal;
}

/* ---- avro-c, the second opinion ---- */

static avro_schema_t schemas[LC_SCHEMAS];
static avro_value_iface_t *classes[LC_SCHEMAS];
static lc_plan *plans[LC_SCHEMAS];

static int
set_up(void **state)
{
    (void)state;
    for (int i = 0; i < LC_SCHEMAS; i++) {
        const char *text = lc_schema_text((lc_schema)i);
        if (avro_schema_from_json_length(text, strlen(text), &schemas[i]) != 0)
            return -1;
        classes[i] = avro_generic_class_from_schema(schemas[i]);
        plans[i] = lc_plan_new(text, NULL);
        if (plans[i] == NULL || lc_plan_schema(plans[i]) != i)
            return -1;
    }
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < LC_SCHEMAS; i++) {
        avro_value_iface_decref(classes[i]);
        avro_schema_decref(schemas[i]);
        lc_plan_free(plans[i]);
    }
    return 0;
}

/* avro-c reads all of the bytes, and writes the same bytes again. */
static void
assert_avro_c_agrees(lc_schema schema, const GByteArray *body)
{
    avro_value_t value;
    size_t written;
    avro_generic_value_new(classes[schema], &value);
    avro_reader_t reader = avro_reader_memory((const char *)body->data, body->len);
    if (avro_value_read(reader, &value) != 0)
        fail_msg("%s: avro-c: %s", lc_schema_record_name(schema), avro_strerror());
    g_autofree char *again = g_malloc(body->len + 1);
    avro_writer_t writer = avro_writer_memory(again, body->len + 1);
    assert_int_equal(avro_value_write(writer, &value), 0);
    written = (size_t)avro_writer_tell(writer);
    if (written != body->len || memcmp(again, body->data, body->len) != 0)
        fail_msg("%s: avro-c writes %zu bytes, we %u", lc_schema_record_name(schema), written, body->len);
    avro_writer_free(writer);
    avro_reader_free(reader);
    avro_value_decref(&value);
}

/* ---- What holds ---- */

static void
a_fact_comes_back_as_it_was(void **state)
{
    (void)state;
    maker m = {.random = {seed}};
    g_autoptr(GByteArray) body = g_byte_array_new();
    for (int i = 0; i < ROUNDS; i++) {
        lc_fact fact = make_fact(&m), read;
        lc_text lead_id = make_lead_id(&m), read_id;
        const char *defect;
        g_autoptr(GError) error = NULL;
        lc_schema schema = lc_fact_schema(fact.type);
        fact.automated = fact.type == LC_FACT_CONTACTED && lc_random_chance(&m.random, 50);
        g_byte_array_set_size(body, 0);
        lc_encode_fact(body, lead_id, &fact);
        assert_avro_c_agrees(schema, body);
        if (!lc_plan_read_fact(plans[schema], body->data, body->len, &m.arena, &read, &read_id, &defect, &error))
            fail_msg("round %d: %s", i, error->message);
        assert_true(lc_text_equal(lead_id, read_id) && defect == NULL);
        if (!facts_equal(&fact, &read))
            fail_msg("round %d: a %s came back changed", i, lc_schema_record_name(schema));
        lc_arena_reset(&m.arena);
    }
    lc_arena_clear(&m.arena);
}

/* Both lines hold the same values; the key order and the spacing don't matter. */
static void
assert_same_json(const GString *a, const GString *b)
{
    json_t *left = json_loadb(a->str, a->len, JSON_ALLOW_NUL, NULL);
    json_t *right = json_loadb(b->str, b->len, JSON_ALLOW_NUL, NULL);
    if (left == NULL || right == NULL || !json_equal(left, right))
        fail_msg("not the same:\n%s\n%s", a->str, b->str);
    json_decref(left);
    json_decref(right);
}

static void
an_outcome_is_read_by_avro_c_and_shown_as_the_backtest_shows_it(void **state)
{
    (void)state;
    maker m = {.random = {seed}};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GString) json = g_string_new(NULL);
    g_autoptr(GString) expected = g_string_new(NULL);
    for (int i = 0; i < ROUNDS; i++) {
        lc_outcome outcome = make_outcome(&m);
        lc_text lead_id = make_lead_id(&m);
        lc_schema schema = lc_outcome_schema(outcome.type);
        g_autoptr(GError) error = NULL;
        g_byte_array_set_size(body, 0);
        lc_encode_outcome(body, lead_id, &outcome);
        assert_avro_c_agrees(schema, body);
        g_string_truncate(json, 0);
        g_string_truncate(expected, 0);
        if (!lc_plan_read_json(plans[schema], body->data, body->len, json, &error))
            fail_msg("round %d: %s", i, error->message);
        lc_json_write_outcome(expected, lead_id, &outcome);
        assert_same_json(json, expected);
        lc_arena_reset(&m.arena);
    }
    lc_arena_clear(&m.arena);
}

static lc_lead
make_lead(maker *m)
{
    lc_lead lead = {
        .id = make_lead_id(m),
        .judged_at = make_optional_instant(m),
        .wake_at = lc_random_chance(&m->random, 50) ? LC_NEVER : make_instant(m),
        .erased_at = make_optional_instant(m),
        .n_facts = lc_random_chance(&m->random, 98) ? lc_random_below(&m->random, 8) : 100,
    };
    lead.facts = lc_arena_new(&m->arena, lc_fact, lead.n_facts);
    for (size_t i = 0; i < lead.n_facts; i++)
        lead.facts[i] = make_fact(m);
    return lead;
}

static void
a_lead_comes_back_as_it_was(void **state)
{
    (void)state;
    maker m = {.random = {seed}};
    g_autoptr(GByteArray) body = g_byte_array_new();
    for (int i = 0; i < ROUNDS; i++) {
        lc_lead lead = make_lead(&m), read;
        lc_text peeked_id;
        lc_instant peeked_at;
        g_autoptr(GError) error = NULL;
        const lc_plan *plan = plans[LC_SCHEMA_LEAD_STATE];
        g_byte_array_set_size(body, 0);
        lc_encode_lead(body, &lead);
        assert_avro_c_agrees(LC_SCHEMA_LEAD_STATE, body);
        if (!lc_plan_read_lead(plan, body->data, body->len, &m.arena, &read, &error) ||
            !lc_plan_peek_lead(plan, body->data, body->len, &peeked_id, &peeked_at, &error))
            fail_msg("round %d: %s", i, error->message);
        assert_true(lc_text_equal(read.id, lead.id) && lc_text_equal(peeked_id, lead.id));
        assert_true(read.wake_at == lead.wake_at && peeked_at == lead.wake_at);
        assert_true(read.judged_at == lead.judged_at && read.erased_at == lead.erased_at);
        assert_int_equal(read.n_facts, lead.n_facts);
        assert_true(read.n_facts == 0 || read.max_facts >= read.n_facts + 1);
        for (size_t j = 0; j < lead.n_facts; j++)
            if (!facts_equal(&lead.facts[j], &read.facts[j]))
                fail_msg("round %d: fact %zu came back changed", i, j);
        lc_arena_reset(&m.arena);
    }
    lc_arena_clear(&m.arena);
}

static void
counters_come_back_without_their_zeros(void **state)
{
    (void)state;
    maker m = {.random = {seed}};
    g_autoptr(GByteArray) body = g_byte_array_new();
    for (int i = 0; i < ROUNDS / 4; i++) {
        size_t n = lc_random_below(&m.random, 20), n_read, expected = 0;
        lc_metric_count *counts = lc_arena_new(&m.arena, lc_metric_count, n), *read;
        for (size_t j = 0; j < n; j++) {
            g_autofree char *metric = g_strdup_printf("reached:%zu", j);
            counts[j] =
                (lc_metric_count){lc_arena_text(&m.arena, lc_text_of(metric)), (int64_t)lc_random_below(&m.random, 4)};
        }
        lc_text channel = make_text(&m, 255), read_channel;
        int32_t cohort = (int32_t)(1970 * 12 + lc_random_below(&m.random, 130 * 12)), read_cohort;
        int32_t partition = (int32_t)lc_random_below(&m.random, 1000), read_partition;
        g_autoptr(GError) error = NULL;
        g_byte_array_set_size(body, 0);
        lc_encode_counters(body, channel, cohort, partition, counts, n);
        assert_avro_c_agrees(LC_SCHEMA_CHANNEL_COUNTERS, body);
        if (!lc_plan_read_counters(plans[LC_SCHEMA_CHANNEL_COUNTERS], body->data, body->len, &m.arena, &read_channel,
                                   &read_cohort, &read_partition, &read, &n_read, &error))
            fail_msg("round %d: %s", i, error->message);
        assert_true(lc_text_equal(channel, read_channel));
        assert_int_equal(cohort, read_cohort);
        assert_int_equal(partition, read_partition);
        for (size_t j = 0; j < n; j++)
            if (counts[j].count) {
                assert_true(expected < n_read && lc_text_equal(read[expected].metric, counts[j].metric));
                assert_int_equal(read[expected++].count, counts[j].count);
            }
        assert_int_equal(expected, n_read);
        lc_arena_reset(&m.arena);
    }
    lc_arena_clear(&m.arena);
}

/* A copy of its exact size, so that the sanitizer sees a read beyond it, with some bytes changed or cut off. */
static char *
change_some_bytes(maker *m, const GByteArray *body, size_t *size)
{
    *size = lc_random_chance(&m->random, 20) ? lc_random_below(&m->random, body->len) : body->len;
    char *changed = g_memdup2(body->data, *size);
    for (uint64_t n = lc_random_below(&m->random, 5); n && *size; n--)
        changed[lc_random_below(&m->random, *size)] = (char)lc_random_next(&m->random);
    return changed;
}

static void
changed_bytes_give_a_value_or_an_error(void **state)
{
    (void)state;
    maker m = {.random = {seed}};
    g_autoptr(GByteArray) body = g_byte_array_new();
    g_autoptr(GString) json = g_string_new(NULL);
    for (int i = 0; i < ROUNDS; i++) {
        lc_lead lead = make_lead(&m);
        lc_fact fact = make_fact(&m);
        lc_text lead_id;
        lc_instant wake_at;
        const char *defect;
        const lc_plan *fact_plan = plans[lc_fact_schema(fact.type)], *lead_plan = plans[LC_SCHEMA_LEAD_STATE];
        size_t size;
        g_byte_array_set_size(body, 0);
        lc_encode_fact(body, lead.id, &fact);
        g_autofree char *changed_fact = change_some_bytes(&m, body, &size);
        if (lc_plan_read_fact(fact_plan, changed_fact, size, &m.arena, &fact, &lead_id, &defect, NULL))
            lc_fact_check(&fact, LC_ABSENT, 0, NULL);
        g_string_truncate(json, 0);
        lc_plan_read_json(fact_plan, changed_fact, size, json, NULL);
        g_byte_array_set_size(body, 0);
        lc_encode_lead(body, &lead);
        g_autofree char *changed_lead = change_some_bytes(&m, body, &size);
        lc_plan_peek_lead(lead_plan, changed_lead, size, &lead_id, &wake_at, NULL);
        if (lc_plan_read_lead(lead_plan, changed_lead, size, &m.arena, &lead, NULL))
            lc_encode_lead(body, &lead);
        g_string_truncate(json, 0);
        lc_plan_read_json(lead_plan, changed_lead, size, json, NULL);
        lc_arena_reset(&m.arena);
    }
    lc_arena_clear(&m.arena);
}

int
main(int argc, char **argv)
{
    seed = lc_random_seed(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fact_comes_back_as_it_was),
        cmocka_unit_test(an_outcome_is_read_by_avro_c_and_shown_as_the_backtest_shows_it),
        cmocka_unit_test(a_lead_comes_back_as_it_was),
        cmocka_unit_test(counters_come_back_without_their_zeros),
        cmocka_unit_test(changed_bytes_give_a_value_or_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
