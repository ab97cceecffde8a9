/* workload.c - the facts that are published, and when. */
#include "sim.h"

static sim_record *
record_at(const sim *s, size_t index)
{
    return &g_array_index(s->records, sim_record, index);
}

static lc_text
one_of(sim *s, const char *const *words, uint32_t n)
{
    return lc_text_of(words[sim_random_below(&s->random, n)]);
}

/* ---- Facts ---- */

static bool
counts_days(const sim *s)
{
    return s->plan.horizon > LC_DAY;
}

static lc_instant
random_occurrence(sim *s, lc_instant publish_at)
{
    lc_duration far = counts_days(s) ? 3 * LC_DAY : 30 * LC_SECOND;
    switch (sim_random_below(&s->random, 4)) {
    case 0:
        return publish_at - sim_random_between(&s->random, 0, far);
    case 1:
        return publish_at + sim_random_between(&s->random, 0, 5 * LC_SECOND);
    default:
        return publish_at - sim_random_between(&s->random, 0, LC_SECOND);
    }
}

static lc_fact_type
random_type(sim *s)
{
    static const lc_fact_type types[] = {LC_FACT_CREATED,   LC_FACT_CREATED,   LC_FACT_CREATED,  LC_FACT_CONTACTED,
                                         LC_FACT_CONTACTED, LC_FACT_CONTACTED, LC_FACT_ASSIGNED, LC_FACT_PROGRESSED,
                                         LC_FACT_REJECTED,  LC_FACT_PAUSED,    LC_FACT_PAUSED,   LC_FACT_RESUMED};
    if (sim_random_below(&s->random, 30) == 0)
        return LC_FACT_MERGED;
    return types[sim_random_below(&s->random, G_N_ELEMENTS(types))];
}

bool
sim_is_forgettable(lc_text lead_id)
{
    return lead_id.size > 5 && memcmp(lead_id.data, "gone-", 5) == 0;
}

static lc_fact
random_fact(sim *s, lc_instant publish_at)
{
    static const char *const owners[] = {"ann", "bob", "cyd"};
    static const char *const channels[] = {"demo", "ads"};
    static const char *const stages[] = {"SAL", "SQL", "WON", "LOST", "NONE"};
    static const char *const reasons[] = {"not_ready", "student", "territory", "who knows"};
    lc_fact fact = {.type = random_type(s), .recorded_at = LC_ABSENT, .follow_up_at = LC_ABSENT, .until = LC_ABSENT};
    fact.occurred_at = random_occurrence(s, publish_at);
    bool has_owner = fact.type != LC_FACT_RESUMED && fact.type != LC_FACT_MERGED;
    if (fact.type == LC_FACT_ASSIGNED || (has_owner && sim_random_below(&s->random, 2)))
        fact.owner = one_of(s, owners, 3);
    if (fact.type == LC_FACT_PAUSED && sim_random_below(&s->random, 2))
        fact.until = fact.occurred_at + sim_random_between(&s->random, 0, counts_days(s) ? LC_DAY : 20 * LC_SECOND);
    if (fact.type == LC_FACT_MERGED)
        fact.into = LC_TEXT("another");
    if (fact.type == LC_FACT_CREATED)
        fact.channel = one_of(s, channels, 2);
    if (fact.type == LC_FACT_PROGRESSED)
        fact.text = one_of(s, stages, 5);
    if (fact.type == LC_FACT_REJECTED)
        fact.text = one_of(s, reasons, 4);
    if (fact.type == LC_FACT_CONTACTED) {
        fact.connected = sim_random_below(&s->random, 2);
        fact.automated = sim_random_below(&s->random, 8) == 0;
    }
    bool can_follow_up =
        fact.type == LC_FACT_CREATED || fact.type == LC_FACT_CONTACTED || fact.type == LC_FACT_REJECTED;
    if (can_follow_up && sim_random_below(&s->random, 6) == 0)
        fact.follow_up_at = fact.occurred_at + sim_random_between(&s->random, 0, 20 * LC_SECOND);
    return fact;
}

static lc_text
frame(sim *s, uint32_t schema_id, const GByteArray *body)
{
    char *value = lc_arena_alloc(&s->arena, LC_FRAME_BYTES + body->len + 1);
    value[0] = 0;
    for (int i = 0; i < 4; i++)
        value[1 + i] = (char)(schema_id >> (24 - 8 * i));
    if (body->len)
        memcpy(value + LC_FRAME_BYTES, body->data, body->len);
    return (lc_text){value, LC_FRAME_BYTES + body->len};
}

static void
encode(sim *s, sim_record *record, uint32_t schema_id)
{
    g_autoptr(GByteArray) body = g_byte_array_new();
    lc_encode_fact(body, record->lead_id, &record->fact);
    record->value = frame(s, schema_id, body);
}

static lc_text
numbered(sim *s, const char *prefix, unsigned number)
{
    g_autofree char *text = g_strdup_printf("%s%u", prefix, number);
    return lc_arena_text(&s->arena, lc_text_of(text));
}

static lc_instant
random_moment(sim *s)
{
    return s->began + sim_random_between(&s->random, 0, s->plan.span - LC_SECOND);
}

/* A lead of those that are erased, or its erasure; its hand-offs count in a channel of their own. */
static void
make_forgettable(sim *s, sim_record *record)
{
    record->lead_id = record->key = numbered(s, "gone-", sim_random_below(&s->random, s->plan.leads));
    if (sim_random_below(&s->random, 2))
        record->fact = (lc_fact){.type = LC_FACT_ERASED,
                                 .event_id = record->fact.event_id,
                                 .occurred_at = record->fact.occurred_at,
                                 .recorded_at = LC_ABSENT,
                                 .follow_up_at = LC_ABSENT,
                                 .until = LC_ABSENT};
    if (record->fact.type == LC_FACT_CREATED)
        record->fact.channel = LC_TEXT("gone");
}

static void
add_fact(sim *s)
{
    sim_record record = {.publish_at = random_moment(s), .offset = -1, .visible_at = LC_NEVER};
    record.lead_id = record.key = numbered(s, "lead-", sim_random_below(&s->random, s->plan.leads));
    record.fact = random_fact(s, record.publish_at);
    record.fact.event_id = numbered(s, "e", s->records->len);
    if (s->plan.erasures && sim_random_below(&s->random, 3) == 0)
        make_forgettable(s, &record);
    record.topic = sim_random_below(&s->random, 5) ? (int)record.fact.type % s->plan.n_inputs
                                                   : (int)sim_random_below(&s->random, (uint32_t)s->plan.n_inputs);
    record.partition = lc_log_partition_of(record.key, s->plan.partitions);
    encode(s, &record, SIM_SCHEMA_ID(lc_fact_schema(record.fact.type)));
    g_array_append_val(s->records, record);
}

/* The same record once more; now and then with other content under the same event_id. */
static void
add_repeat(sim *s)
{
    sim_record *first = record_at(s, sim_random_below(&s->random, s->records->len)), record = *first;
    lc_instant last = s->began + s->plan.span - LC_SECOND;
    if (record.reason || sim_is_forgettable(record.lead_id))
        return;
    first->is_repeated = record.is_repeated = true;
    record.publish_at = sim_random_between(&s->random, MIN(record.publish_at + 1, last), last);
    if (sim_random_below(&s->random, 4) == 0) {
        lc_text event_id = record.fact.event_id;
        record.fact = random_fact(s, record.publish_at);
        record.fact.event_id = event_id;
        encode(s, &record, SIM_SCHEMA_ID(lc_fact_schema(record.fact.type)));
    }
    g_array_append_val(s->records, record);
}

/* ---- What is no fact ---- */

static void
spoil(sim *s, sim_record *record)
{
    switch (sim_random_below(&s->random, 6)) {
    case 0:
        record->reason = "UNREADABLE";
        record->value = LC_TEXT("this is no Avro");
        return;
    case 1:
        record->reason = "KEY_MISMATCH";
        record->key = LC_TEXT("somebody else");
        record->partition = lc_log_partition_of(record->key, s->plan.partitions);
        return;
    case 2:
        record->reason = "UNKNOWN_SCHEMA";
        encode(s, record, sim_random_below(&s->random, 2) ? SIM_UNKNOWN_SCHEMA_ID : SIM_FAILING_SCHEMA_ID);
        return;
    case 3:
        record->reason = "UNKNOWN_TYPE";
        encode(s, record, SIM_SCHEMA_ID(LC_SCHEMA_SLA_WARNING));
        return;
    case 4:
        record->reason = "BAD_FACT";
        record->fact.occurred_at = record->publish_at + LC_DAY;
        encode(s, record, SIM_SCHEMA_ID(lc_fact_schema(record->fact.type)));
        return;
    default:
        if (s->plan.partitions == 1)
            return;
        record->reason = "WRONG_PARTITION";
        record->partition = (record->partition + 1) % s->plan.partitions;
    }
}

static void
spoil_some(sim *s)
{
    for (guint i = 0; i < s->records->len; i++)
        if (sim_random_below(&s->random, 10) == 0)
            spoil(s, record_at(s, i));
}

/* ---- Publishing ---- */

/* Facts of one partition of one topic, published within a while, come in one transaction. */
static void
bind_upstream(sim *s, unsigned number)
{
    lc_instant from = random_moment(s), to = from + sim_random_between(&s->random, 0, 20 * LC_SECOND);
    int32_t partition = (int32_t)sim_random_below(&s->random, (uint32_t)s->plan.partitions);
    for (guint i = 0; i < s->records->len; i++) {
        sim_record *record = record_at(s, i);
        if (record->partition == partition && record->publish_at >= from && record->publish_at <= to &&
            record->upstream == 0 && !record->is_held_back)
            record->upstream = number;
    }
}

void
sim_workload_make(sim *s)
{
    for (unsigned i = 0; i < s->plan.facts; i++)
        add_fact(s);
    for (unsigned i = sim_random_below(&s->random, 1 + s->plan.facts / 4); i > 0; i--)
        add_repeat(s);
    if (s->plan.hostile)
        spoil_some(s);
    for (guint i = 0; s->plan.scenario == SIM_LOSS && i < s->records->len; i++)
        record_at(s, i)->is_held_back = sim_random_below(&s->random, 4) == 0;
    if (s->plan.upstream)
        for (unsigned number = 1; number <= SIM_UPSTREAMS; number++)
            bind_upstream(s, number);
}

/* In a partition that no broker of ours has: seen at once, and never read. */
static void
publish_elsewhere(sim *s, sim_record *record)
{
    record->partition = lc_log_partition_of(record->key, 2 * s->plan.partitions);
    record->offset = INT64_MAX;
    record->appended_at = record->visible_at = s->now;
    record->is_committed = record->is_elsewhere = true;
    sim_say(s, "published elsewhere: %.*s %s %.*s", LC_TEXT_ARGS(record->key), lc_fact_type_name(record->fact.type),
            LC_TEXT_ARGS(record->fact.event_id));
}

void
sim_workload_publish(sim *s, size_t index)
{
    sim_record *record = record_at(s, index);
    if (!sim_may_publish(s, record))
        return;
    if (sim_lies_elsewhere(s, record)) {
        publish_elsewhere(s, record);
        return;
    }
    if (record->upstream) {
        g_autofree char *name = g_strdup_printf("upstream-%u", record->upstream);
        record->offset =
            lc_memory_append_open(s->broker, name, record->topic, record->partition, record->key, record->value);
    }
    if (record->offset < 0) {
        record->offset =
            lc_memory_append(s->broker, record->topic, record->partition, record->key, record->value, LC_ABSENT);
        record->is_committed = true;
    }
    record->appended_at = s->now;
    g_array_append_val(s->hidden, index);
    sim_say(s, "published %s/%d/%" G_GINT64_FORMAT ": %.*s %s %.*s at %+" G_GINT64_FORMAT "%s%s",
            sim_input_names(s->plan.n_inputs)[record->topic], record->partition, record->offset,
            LC_TEXT_ARGS(record->key), lc_fact_type_name(record->fact.type), LC_TEXT_ARGS(record->fact.event_id),
            record->fact.occurred_at - s->began, record->reason ? " hostile: " : "",
            record->reason ? record->reason : "");
}

void
sim_workload_look(sim *s)
{
    for (guint i = 0; i < s->hidden->len;) {
        sim_record *record = record_at(s, g_array_index(s->hidden, size_t, i));
        if (lc_memory_stable_end(s->broker, record->topic, record->partition) <= record->offset) {
            i++;
            continue;
        }
        record->visible_at = s->now;
        g_array_remove_index(s->hidden, i);
    }
}
