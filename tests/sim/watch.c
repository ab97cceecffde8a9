/* watch.c - each transaction and each write, held against what must follow from the facts. */
#include "position.h"
#include "sim.h"

#include <inttypes.h>

/* What a changelog said of a key, once. */
typedef struct {
    int64_t offset;
    GBytes *value; /* NULL: a tombstone. Of states: the state; of counters: counts_text */
    lc_instant wake_at;
} version;

typedef struct {
    GHashTable *versions[LC_CHANGELOGS]; /* GBytes (key; of counters the population) -> GArray of version, by offset */
    GHashTable *positions;               /* char*: "O:C:" of all that was committed */
    GArray *commits;                     /* sim_commit */
    int64_t offsets[SIM_MAX_INPUTS];     /* O as last committed */
    int64_t ends[LC_CHANGELOGS];         /* C */
} watched;

struct sim_watch {
    lc_judge *judge;
    watched *partitions;
    GHashTable *net;     /* GBytes (lead id) -> GHashTable of char* (event_id) -> GBytes (body) */
    GHashTable *ce_ids;  /* char* */
    GHashTable *letters; /* char*: "topic/partition/offset reason" of every dead letter */
    GHashTable *asks;    /* int64_t* (wall and partition) -> lc_instant* */
    lc_arena arena;
};

/* One transaction as far as it touches one partition. */
typedef struct {
    sim *s;
    watched *partition;
    int32_t number;
    int64_t offsets[SIM_MAX_INPUTS]; /* O */
    const char *metadata;
    int64_t ends[LC_CHANGELOGS]; /* C by its own records */
    GPtrArray *states;           /* const lc_memory_record* */
    guint n_letters;
} share;

/* ---- Small things ---- */

static void
versions_clear(version *v)
{
    g_clear_pointer(&v->value, g_bytes_unref);
}

static GBytes *
text_bytes(lc_text text)
{
    return g_bytes_new(text.data, text.size);
}

static lc_text
bytes_text(GBytes *bytes)
{
    gsize size = 0;
    const char *data = bytes ? g_bytes_get_data(bytes, &size) : NULL;
    return (lc_text){bytes && data == NULL ? "" : data, size};
}

static bool
is_worker(const char *transactional_id)
{
    return g_str_has_prefix(transactional_id, "worker-");
}

void
sim_watch_begin(sim *s)
{
    sim_watch *watch = s->watch = g_new0(sim_watch, 1);
    s->rows = sim_rows_new(s->book);
    watch->judge = lc_judge_new(s->book);
    watch->net = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                       (GDestroyNotify)g_hash_table_unref);
    watch->ce_ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    watch->letters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    watch->asks = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    watch->partitions = g_new0(watched, s->plan.partitions);
    for (int32_t i = 0; i < s->plan.partitions; i++) {
        watched *partition = &watch->partitions[i];
        partition->positions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
        partition->commits = g_array_new(FALSE, FALSE, sizeof(sim_commit));
        for (int k = 0; k < LC_CHANGELOGS; k++)
            partition->versions[k] = g_hash_table_new_full(g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref,
                                                           (GDestroyNotify)g_array_unref);
    }
}

void
sim_watch_end(sim *s)
{
    sim_watch *watch = s->watch;
    for (int32_t i = 0; i < s->plan.partitions; i++) {
        watched *partition = &watch->partitions[i];
        g_hash_table_unref(partition->positions);
        for (guint k = 0; k < partition->commits->len; k++)
            g_free(g_array_index(partition->commits, sim_commit, k).metadata);
        g_array_unref(partition->commits);
        for (int k = 0; k < LC_CHANGELOGS; k++)
            g_hash_table_unref(partition->versions[k]);
    }
    g_free(watch->partitions);
    g_hash_table_unref(watch->net);
    g_hash_table_unref(watch->ce_ids);
    g_hash_table_unref(watch->letters);
    g_hash_table_unref(watch->asks);
    lc_judge_free(watch->judge);
    sim_rows_free(s->rows);
    lc_arena_clear(&watch->arena);
    g_free(watch);
}

GHashTable *
sim_watch_net(const sim *s)
{
    return s->watch->net;
}

const sim_commit *
sim_watch_commits(const sim *s, int32_t partition, guint *n)
{
    const GArray *commits = s->watch->partitions[partition].commits;
    *n = commits->len;
    return (const sim_commit *)(const void *)commits->data;
}

/* ---- Asked ends ---- */

static int64_t
ask_key(int32_t partition, lc_instant wall)
{
    return wall * 8 + partition;
}

void
sim_watch_asked(sim *s, int32_t partition, lc_instant wall)
{
    int64_t key = ask_key(partition, wall);
    if (!g_hash_table_contains(s->watch->asks, &key))
        g_hash_table_insert(s->watch->asks, g_memdup2(&key, sizeof key), g_memdup2(&s->now, sizeof s->now));
}

/* The earliest moment at which the ends were asked for that made `wall` a safe time; LC_NEVER: none were. */
static lc_instant
asked_at(const sim *s, int32_t partition, lc_instant wall)
{
    int64_t key = ask_key(partition, wall);
    const lc_instant *at = g_hash_table_lookup(s->watch->asks, &key);
    return at ? *at : LC_NEVER;
}

static bool
is_append_time(const sim *s, int32_t partition, lc_instant at)
{
    for (guint i = 0; i < s->records->len; i++) {
        const sim_record *record = &g_array_index(s->records, sim_record, i);
        if (record->partition == partition && record->appended_at == at)
            return true;
    }
    return false;
}

/* Every record visible before this moment is judged by a safe time that `wall` made. Behind for longer than `patience`,
 * the brokers' time of a record makes one too, and all that was visible before it has been read. */
static lc_instant
seen_before(sim *s, int32_t partition, lc_instant wall)
{
    lc_instant asked = asked_at(s, partition, wall);
    bool may_be_append_time = is_append_time(s, partition, wall);
    if (asked == LC_NEVER && !may_be_append_time)
        sim_fail(s, "a safe time of partition %d that nobody asked for: %+" PRId64, partition, wall - s->began);
    if (may_be_append_time && s->plan.clock_jumps)
        return LC_ABSENT;
    /* A wall clock that was put back stands before the asking. That an input was seen at its end then, by that clock,
     * may be the earliest of all inputs' times, beside another's that is behind, and goes by its records' time. */
    return MIN(asked, wall);
}

/* ---- Facts ---- */

static bool
is_fact(const sim_record *record)
{
    bool is_automated = record->fact.type == LC_FACT_CONTACTED && record->fact.automated;
    return record->reason == NULL && record->is_committed && !is_automated && !sim_is_forgettable(record->lead_id);
}

/* Two records with one id may tell of different things; the first counts. */
static bool
is_first_of_its_id(const sim *s, const sim_record *record)
{
    if (!record->is_repeated)
        return true;
    for (guint i = 0; i < s->records->len; i++) {
        const sim_record *other = &g_array_index(s->records, sim_record, i);
        if (other->is_repeated && is_fact(other) && other->offset < record->offset &&
            lc_text_equal(other->lead_id, record->lead_id) &&
            lc_text_equal(other->fact.event_id, record->fact.event_id))
            return false;
    }
    return true;
}

static bool
has_fact(const lc_lead *lead, lc_text event_id)
{
    for (size_t i = 0; i < lead->n_facts; i++)
        if (lc_text_equal(lead->facts[i].event_id, event_id))
            return true;
    return false;
}

/* The state has the facts below O, and no others; and all that were seen before its safe time are below O. */
static void
check_facts(const share *sh, const lc_lead *lead)
{
    sim *s = sh->s;
    size_t n = 0;
    lc_instant seen = lead->judged_at > 0 ? seen_before(s, sh->number, lead->judged_at + s->plan.lateness) : LC_ABSENT;
    for (guint i = 0; i < s->records->len && s->failure == NULL; i++) {
        const sim_record *record = &g_array_index(s->records, sim_record, i);
        if (!lc_text_equal(record->lead_id, lead->id) || !is_fact(record) || !is_first_of_its_id(s, record))
            continue;
        bool is_read = record->offset < sh->offsets[record->topic];
        n += is_read;
        if (is_read && !has_fact(lead, record->fact.event_id))
            sim_fail(s, "%.*s of %.*s was read, and is not in its state", LC_TEXT_ARGS(record->fact.event_id),
                     LC_TEXT_ARGS(lead->id));
        if (!is_read && record->visible_at < seen)
            sim_fail(s,
                     "%.*s is judged at %+" PRId64 " without %.*s, which was in the input before the ends were asked",
                     LC_TEXT_ARGS(lead->id), lead->judged_at - s->began, LC_TEXT_ARGS(record->fact.event_id));
    }
    if (s->failure == NULL && n != lead->n_facts)
        sim_fail(s, "%.*s has %zu facts, and %zu were read", LC_TEXT_ARGS(lead->id), lead->n_facts, n);
}

/* ---- Outcomes ---- */

static GHashTable *
net_of(sim *s, lc_text lead_id)
{
    g_autoptr(GBytes) key = text_bytes(lead_id);
    GHashTable *net = g_hash_table_lookup(s->watch->net, key);
    if (net == NULL) {
        net = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_bytes_unref);
        g_hash_table_insert(s->watch->net, g_bytes_ref(key), net);
    }
    return net;
}

static char *
retracted_id(const GString *json)
{
    const char *at = strstr(json->str, "\"retracts\":\"");
    return at ? g_strndup(at + 12, LC_UUID_TEXT_BYTES - 1) : NULL;
}

static void
take_standing(sim *s, GHashTable *net, const char *ce_id, lc_text body, bool is_restated)
{
    g_autofree char *id = g_strndup(ce_id, LC_UUID_TEXT_BYTES - 1);
    bool stood = g_hash_table_contains(net, id);
    if (is_restated != stood)
        sim_fail(s, "%s published %s", ce_id, is_restated ? "as restated, but it did not stand" : "again");
    g_hash_table_replace(net, g_steal_pointer(&id), text_bytes(body));
}

/* No timer fires by a wall clock that is too far ahead: the record's own time is the broker's. */
static void
check_earliness(sim *s, const char *ce_id, const lc_memory_record *record)
{
    const char *cause = strstr(ce_id, ".wake/");
    lc_instant now = cause ? g_ascii_strtoll(cause + 6, NULL, 10) : 0;
    if (now > record->timestamp + SIM_MAX_FUTURE)
        sim_fail(s, "a timer fired %" PRId64 " ms before its time: %s", now - record->timestamp, ce_id);
}

static void
take_outcome(sim *s, lc_output output, const lc_memory_record *record)
{
    const lc_plan *plan = sim_plan_of(record->value);
    g_autofree char *ce_id = sim_header_of(record, "ce_id");
    g_autoptr(GString) json = g_string_new(NULL);
    lc_text body = sim_body_of(record->value);
    GHashTable *net = net_of(s, record->key);
    if (plan == NULL || !lc_plan_read_json(plan, body.data, body.size, json, NULL)) {
        sim_fail(s, "an outcome that can't be read");
        return;
    }
    check_earliness(s, ce_id, record);
    if (!g_hash_table_add(s->watch->ce_ids, g_strdup(ce_id)))
        sim_fail(s, "committed twice: %s, the second at offset %" PRId64, ce_id, record->offset);
    if (lc_plan_schema(plan) == LC_SCHEMA_RETRACTED) {
        g_autofree char *id = retracted_id(json);
        if (!g_hash_table_remove(net, id))
            sim_fail(s, "%s retracted, which does not stand", id);
    } else if (output != LC_OUTPUT_WARNINGS) {
        take_standing(s, net, ce_id, body, strstr(json->str, "\"restated\":true"));
    }
}

/* `restated` is one byte, and no part of what is compared. */
bool
sim_same_but_restated(lc_text actual, lc_text expected)
{
    gsize differences = 0;
    if (actual.size != expected.size)
        return false;
    for (gsize i = 0; i < actual.size; i++)
        differences += actual.data[i] != expected.data[i];
    return differences <= 1;
}

static void
compare_outcome(const share *sh, const lc_lead *lead, GHashTable *net, const lc_outcome *outcome)
{
    char id[LC_UUID_TEXT_BYTES];
    g_autoptr(GByteArray) body = g_byte_array_new();
    GBytes *published = g_hash_table_lookup(net, lc_uuid_format(&outcome->event_id, id));
    lc_encode_outcome(body, lead->id, outcome);
    if (published == NULL)
        sim_fail(sh->s, "%s %s of %.*s follows from the facts read, but does not stand",
                 lc_outcome_type_name(outcome->type), id, LC_TEXT_ARGS(lead->id));
    else if (!sim_same_but_restated(bytes_text(published), (lc_text){(const char *)body->data, body->len}))
        sim_fail(sh->s, "%s %s of %.*s stands otherwise than it follows from the facts read",
                 lc_outcome_type_name(outcome->type), id, LC_TEXT_ARGS(lead->id));
}

/* What stands of a lead is what follows from its state: after every transaction. */
static void
check_outcomes(const share *sh, const lc_lead *lead)
{
    sim *s = sh->s;
    const lc_judgement *judgement = lc_lead_derive(s->watch->judge, lead, lead->judged_at);
    GHashTable *net = net_of(s, lead->id);
    guint n = 0;
    for (size_t i = 0; i < judgement->n_outcomes && s->failure == NULL; i++) {
        if (judgement->outcomes[i].type == LC_OUTCOME_WARNING)
            continue;
        compare_outcome(sh, lead, net, &judgement->outcomes[i]);
        n++;
    }
    if (s->failure == NULL && n != g_hash_table_size(net))
        sim_fail(s, "of %.*s %u outcomes stand, and %u follow from the facts read", LC_TEXT_ARGS(lead->id),
                 g_hash_table_size(net), n);
}

static void
check_wake_up(const share *sh, const lc_lead *lead)
{
    lc_lead anew = *lead;
    anew.wake_at = LC_ABSENT;
    lc_lead_judge(sh->s->watch->judge, &anew, NULL, lead->judged_at, &sh->s->watch->arena);
    if (anew.wake_at != lead->wake_at)
        sim_fail(sh->s, "%.*s is to wake at %+" PRId64 ", and has %+" PRId64 " in its state", LC_TEXT_ARGS(lead->id),
                 anew.wake_at - sh->s->began, lead->wake_at - sh->s->began);
}

/* Of what was erased no row is left. */
static void
check_rows_of_forgettable(const share *sh, const lc_memory_record *record)
{
    sim *s = sh->s;
    lc_lead lead;
    lc_arena_reset(&s->watch->arena);
    lc_lead_init(&lead, record->key);
    if (!lc_text_is_absent(record->value)) {
        lc_text body = sim_body_of(record->value);
        if (!lc_plan_read_lead(sim_plan_of(record->value), body.data, body.size, &s->watch->arena, &lead, NULL))
            sim_fail(s, "the state of %.*s can't be read", LC_TEXT_ARGS(record->key));
    }
    if (s->failure == NULL)
        sim_rows_check_lead(s, &lead, MAX(lead.judged_at, 0));
}

static void
check_state(const share *sh, const lc_memory_record *record)
{
    sim *s = sh->s;
    lc_lead lead = {0};
    lc_text body = sim_body_of(record->value);
    if (sim_is_forgettable(record->key)) {
        check_rows_of_forgettable(sh, record);
        return;
    }
    lc_arena_reset(&s->watch->arena);
    if (lc_text_is_absent(record->value)) {
        sim_fail(s, "the state of %.*s was deleted", LC_TEXT_ARGS(record->key));
    } else if (!lc_plan_read_lead(sim_plan_of(record->value), body.data, body.size, &s->watch->arena, &lead, NULL)) {
        sim_fail(s, "the state of %.*s can't be read", LC_TEXT_ARGS(record->key));
    } else {
        check_facts(sh, &lead);
        if (s->failure == NULL)
            check_outcomes(sh, &lead);
        if (s->failure == NULL)
            sim_rows_check_lead(s, &lead, MAX(lead.judged_at, 0));
        if (s->failure == NULL)
            check_wake_up(sh, &lead);
    }
}

/* ---- What was read by a transaction ---- */

static bool
has_state(const share *sh, lc_text lead_id)
{
    for (guint i = 0; i < sh->states->len; i++)
        if (lc_text_equal(((const lc_memory_record *)g_ptr_array_index(sh->states, i))->key, lead_id))
            return true;
    return false;
}

static bool
has_letter(sim *s, const sim_record *record)
{
    g_autofree char *place = g_strdup_printf("%s/%d/%" PRId64 " %s", sim_input_names(s->plan.n_inputs)[record->topic],
                                             record->partition, record->offset, record->reason);
    return g_hash_table_contains(s->watch->letters, place);
}

/* Each record read is in a state, or in the dead letters, by the same transaction. */
static void
check_read(const share *sh)
{
    sim *s = sh->s;
    guint n_letters = 0;
    for (guint i = 0; i < s->records->len && s->failure == NULL; i++) {
        const sim_record *record = &g_array_index(s->records, sim_record, i);
        if (record->partition != sh->number || !record->is_committed ||
            record->offset < sh->partition->offsets[record->topic] || record->offset >= sh->offsets[record->topic])
            continue;
        n_letters += record->reason != NULL;
        if (record->reason && !has_letter(s, record))
            sim_fail(s, "not in the dead letters as %s: offset %" PRId64, record->reason, record->offset);
        if (is_fact(record) && is_first_of_its_id(s, record) && !has_state(sh, record->lead_id))
            sim_fail(s, "%.*s was read, and no state of %.*s was written", LC_TEXT_ARGS(record->fact.event_id),
                     LC_TEXT_ARGS(record->lead_id));
    }
    if (s->failure == NULL && n_letters != sh->n_letters)
        sim_fail(s, "%u records of partition %d are no facts, and %u went to the dead letters", n_letters, sh->number,
                 sh->n_letters);
}

static void
take_letter(sim *s, const lc_memory_record *record)
{
    g_autofree char *topic = sim_header_of(record, "__connect.errors.topic");
    g_autofree char *partition = sim_header_of(record, "__connect.errors.partition");
    g_autofree char *offset = sim_header_of(record, "__connect.errors.offset");
    g_autofree char *reason = sim_header_of(record, "__connect.errors.exception.class.name");
    char *place = g_strdup_printf("%s/%s/%s %s", topic, partition, offset, reason);
    if (!g_hash_table_add(s->watch->letters, place))
        sim_fail(s, "twice in the dead letters: %s", place);
}

/* ---- Changelogs ---- */

static int
by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static GBytes *
join(GPtrArray *counts)
{
    g_ptr_array_sort(counts, by_text);
    g_ptr_array_add(counts, NULL);
    char *text = g_strjoinv(" ", (char **)counts->pdata);
    return g_bytes_new_take(text, strlen(text));
}

/* "metric=count ...", sorted, without zeros. */
static GBytes *
published_counts(sim *s, lc_text value)
{
    lc_text body = sim_body_of(value), channel;
    int32_t cohort, partition;
    lc_metric_count *counts;
    size_t n = 0;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    lc_arena_reset(&s->watch->arena);
    if (!lc_plan_read_counters(sim_plan_of(value), body.data, body.size, &s->watch->arena, &channel, &cohort,
                               &partition, &counts, &n, NULL))
        sim_fail(s, "counters that can't be read");
    for (size_t i = 0; i < n; i++)
        if (counts[i].count)
            g_ptr_array_add(texts, g_strdup_printf("%.*s=%" PRId64, LC_TEXT_ARGS(counts[i].metric), counts[i].count));
    return join(texts);
}

static GBytes *
stored_counts(GHashTable *counts)
{
    GHashTableIter iter;
    gpointer metric, count;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    g_hash_table_iter_init(&iter, counts);
    while (g_hash_table_iter_next(&iter, &metric, &count))
        if (*(int64_t *)count)
            g_ptr_array_add(texts, g_strdup_printf("%s=%" PRId64, (char *)metric, *(int64_t *)count));
    return join(texts);
}

static lc_text
key_of(lc_changelog changelog, lc_text key)
{
    const char *bar = changelog == LC_CHANGELOG_COUNTERS ? memrchr(key.data, '|', key.size) : NULL;
    return bar ? (lc_text){key.data, (size_t)(bar - key.data)} : key;
}

static version
version_of(sim *s, lc_changelog changelog, const lc_memory_record *record)
{
    version v = {record->offset, NULL, LC_NEVER};
    lc_text body, lead_id;
    if (lc_text_is_absent(record->value))
        return v;
    body = sim_body_of(record->value);
    if (changelog == LC_CHANGELOG_COUNTERS) {
        v.value = published_counts(s, record->value);
        return v;
    }
    v.value = text_bytes(record->value);
    if (!lc_plan_peek_lead(sim_plan_of(record->value), body.data, body.size, &lead_id, &v.wake_at, NULL))
        sim_fail(s, "the state of %.*s can't be read", LC_TEXT_ARGS(record->key));
    return v;
}

static void
take_version(share *sh, lc_changelog changelog, const lc_memory_record *record)
{
    g_autoptr(GBytes) key = text_bytes(key_of(changelog, record->key));
    GHashTable *all = sh->partition->versions[changelog];
    GArray *versions = g_hash_table_lookup(all, key);
    if (versions == NULL) {
        versions = g_array_new(FALSE, FALSE, sizeof(version));
        g_array_set_clear_func(versions, (GDestroyNotify)versions_clear);
        g_hash_table_insert(all, g_bytes_ref(key), versions);
    }
    if (versions->len && g_array_index(versions, version, versions->len - 1).offset >= record->offset)
        sim_fail(sh->s, "a record at %" PRId64 " is committed after a later one of its key", record->offset);
    version v = version_of(sh->s, changelog, record);
    g_array_append_val(versions, v);
    sh->ends[changelog] = MAX(sh->ends[changelog], record->offset + 1);
}

/* ---- A transaction ---- */

static void
mark_committed(sim *s, const lc_memory_placed *placed)
{
    for (guint i = 0; i < s->records->len; i++) {
        sim_record *record = &g_array_index(s->records, sim_record, i);
        if (record->topic == placed->topic && record->partition == placed->partition &&
            record->offset == placed->record->offset)
            record->is_committed = true;
    }
}

static share *
share_of(GArray *shares, int32_t number)
{
    for (guint i = 0; i < shares->len; i++)
        if (g_array_index(shares, share, i).number == number)
            return &g_array_index(shares, share, i);
    return NULL;
}

static void
begin_shares(sim *s, GArray *shares, const lc_memory_decided *decided)
{
    for (size_t i = 0; i < decided->n_offsets; i++) {
        const lc_memory_sent_offset *offset = &decided->offsets[i];
        share *sh = share_of(shares, offset->partition);
        if (sh == NULL) {
            share new = {.s = s, .number = offset->partition, .partition = &s->watch->partitions[offset->partition]};
            memcpy(new.ends, new.partition->ends, sizeof new.ends);
            new.states = g_ptr_array_new();
            g_array_append_val(shares, new);
            sh = share_of(shares, offset->partition);
        }
        sh->offsets[offset->topic] = offset->offset;
        sh->metadata = offset->metadata;
    }
}

static void
take_record(share *sh, lc_output output, const lc_memory_record *record)
{
    switch (output) {
    case LC_OUTPUT_STATE:
        take_version(sh, LC_CHANGELOG_STATE, record);
        g_ptr_array_add(sh->states, (gpointer)record);
        break;
    case LC_OUTPUT_COUNTERS:
        take_version(sh, LC_CHANGELOG_COUNTERS, record);
        break;
    case LC_OUTPUT_DEAD_LETTERS:
        break;
    default:
        if (output >= LC_OUTPUT_TABLE_CYCLES)
            sim_rows_take(sh->s, (int)output - LC_OUTPUT_TABLE_CYCLES, sh->number, record);
        else
            take_outcome(sh->s, output, record);
    }
}

/* A dead letter goes by its key, wherever it came from. */
static void
count_letter(GArray *shares, const lc_memory_record *record)
{
    g_autofree char *partition = sim_header_of(record, "__connect.errors.partition");
    share *sh = share_of(shares, (int32_t)g_ascii_strtoll(partition, NULL, 10));
    if (sh)
        sh->n_letters++;
}

static void
take_placed(sim *s, GArray *shares, const lc_memory_placed *placed)
{
    lc_output output = (lc_output)(-1 - placed->topic);
    share *sh = share_of(shares, placed->partition);
    if (output == LC_OUTPUT_DEAD_LETTERS) {
        take_letter(s, placed->record);
        count_letter(shares, placed->record);
    } else if (sh == NULL) {
        sim_fail(s, "records of partition %d are committed without its offsets", placed->partition);
    } else {
        take_record(sh, output, placed->record);
    }
}

static void
check_position(const share *sh)
{
    lc_metadata metadata;
    sim *s = sh->s;
    for (int topic = 0; topic < s->plan.n_inputs; topic++)
        if (sh->offsets[topic] < sh->partition->offsets[topic])
            sim_fail(s, "the offset of partition %d went back from %" PRId64 " to %" PRId64, sh->number,
                     sh->partition->offsets[topic], sh->offsets[topic]);
    if (s->has_lost && g_str_has_prefix(sh->metadata, LC_METADATA_LOST))
        return;
    if (!lc_metadata_parse(lc_text_of(sh->metadata), &metadata))
        sim_fail(s, "metadata \"%s\"", sh->metadata);
    else if (memcmp(metadata.ends, sh->ends, sizeof sh->ends) != 0)
        sim_fail(s, "C is %s, but the changelogs reach to %" PRId64 " and %" PRId64, sh->metadata,
                 sh->ends[LC_CHANGELOG_STATE], sh->ends[LC_CHANGELOG_COUNTERS]);
}

/* "O:C:", as the store's position begins. */
static char *
position_text(const sim *s, const int64_t *offsets, const int64_t *ends)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int topic = 0; topic < s->plan.n_inputs; topic++)
        g_string_append_printf(text, "%s%s=%" PRId64, topic ? "," : "", sim_input_names(s->plan.n_inputs)[topic],
                               offsets[topic]);
    g_string_append_printf(text, ":%" PRId64 "/%" PRId64 ":", ends[LC_CHANGELOG_STATE], ends[LC_CHANGELOG_COUNTERS]);
    return g_steal_pointer(&text->str);
}

static void
finish_share(share *sh)
{
    watched *partition = sh->partition;
    sim_commit commit = {.metadata = g_strdup(sh->metadata)};
    check_position(sh);
    if (sh->s->failure == NULL)
        check_read(sh);
    for (guint i = 0; i < sh->states->len && sh->s->failure == NULL; i++)
        check_state(sh, g_ptr_array_index(sh->states, i));
    memcpy(partition->offsets, sh->offsets, sizeof sh->offsets);
    memcpy(partition->ends, sh->ends, sizeof sh->ends);
    memcpy(commit.offsets, sh->offsets, sizeof sh->offsets);
    memcpy(commit.ends, sh->ends, sizeof sh->ends);
    g_array_append_val(partition->commits, commit);
    g_hash_table_add(partition->positions, position_text(sh->s, sh->offsets, sh->ends));
    g_ptr_array_unref(sh->states);
}

void
sim_watch_decided(lc_memory_world *world, const lc_memory_decided *decided)
{
    sim *s = (sim *)world;
    if (!decided->commit || s->failure)
        return;
    g_autoptr(GArray) shares = g_array_new(FALSE, FALSE, sizeof(share));
    begin_shares(s, shares, decided);
    for (size_t i = 0; i < decided->n_records; i++)
        if (is_worker(decided->transactional_id))
            take_placed(s, shares, &decided->records[i]);
        else
            mark_committed(s, &decided->records[i]);
    sim_rows_check_marks(s);
    for (guint i = 0; i < shares->len; i++)
        finish_share(&g_array_index(shares, share, i));
}

/* ---- Redis at each position ---- */

/* The latest below `end`; NULL: there is none. */
static const version *
latest_below(const GArray *versions, int64_t end)
{
    for (guint i = versions->len; i-- > 0;)
        if (g_array_index(versions, version, i).offset < end)
            return &g_array_index(versions, version, i);
    return NULL;
}

/* A replay up to an end that is not the last one may find that compaction has taken a record there, because a later one
 * of its key follows. */
static bool
is_compacted(sim *s, int32_t partition, lc_changelog changelog, const GArray *versions, const version *v)
{
    int topic = LC_MEMORY_OUTPUT(changelog == LC_CHANGELOG_STATE ? LC_OUTPUT_STATE : LC_OUTPUT_COUNTERS);
    size_t n;
    if (v == NULL || v->offset == g_array_index(versions, version, versions->len - 1).offset)
        return false;
    const lc_memory_record *const *records = lc_memory_records(s->broker, topic, partition, &n);
    for (size_t i = 0; i < n; i++)
        if (records[i]->offset == v->offset)
            return false;
    return true;
}

/* Of a recovery under way, from `sure` on there may be what a write that failed in part has left. */
typedef struct {
    sim *s;
    int32_t partition;
    const int64_t *sure, *ends;
    const char *position;
} stored;

/* The one that `is_there` among those that may be; if none is, the one that ought to be. Where the last write failed in
 * part, an older one may be there, or, where compaction has taken that, an older one still, or none. */
static const version *
version_there(const stored *at, lc_changelog changelog, const GArray *versions,
              bool (*is_there)(const version *v, gconstpointer there), gconstpointer there)
{
    const version *v = latest_below(versions, at->ends[changelog]), *other = v;
    while (!is_there(other, there) && other &&
           (other->offset >= at->sure[changelog] || is_compacted(at->s, at->partition, changelog, versions, other)))
        other = latest_below(versions, other->offset);
    return is_there(other, there) ? other : v;
}

static bool
is_state(const version *v, gconstpointer state)
{
    return lc_text_equal(v && v->value ? bytes_text(v->value) : LC_NO_TEXT, bytes_text((GBytes *)state));
}

static bool
is_counts(const version *v, gconstpointer counts)
{
    return lc_text_equal(v && v->value ? bytes_text(v->value) : LC_TEXT(""), bytes_text((GBytes *)counts));
}

static void
compare_lead(const stored *at, GBytes *key, const GArray *versions)
{
    lc_text id = bytes_text(key);
    GBytes *state = lc_memory_redis_lead(at->s->redis, at->partition, id);
    const version *v = version_there(at, LC_CHANGELOG_STATE, versions, is_state, state);
    lc_text wanted = v && v->value ? bytes_text(v->value) : LC_NO_TEXT;
    /* An older one is to be replayed, and what it wanted may be taken. */
    bool wakes = v && v->wake_at != LC_NEVER && v == latest_below(versions, at->ends[LC_CHANGELOG_STATE]);
    if (is_compacted(at->s, at->partition, LC_CHANGELOG_STATE, versions, v))
        return;
    if (!lc_text_equal(bytes_text(state), wanted))
        sim_fail(at->s, "Redis at \"%s\" has %s state of %.*s than the changelog", at->position,
                 state == NULL         ? "no"
                 : wanted.data == NULL ? "a"
                                       : "another",
                 LC_TEXT_ARGS(id));
    else if (wakes && !lc_memory_redis_has_wakeup(at->s->redis, at->partition, id, v->wake_at))
        sim_fail(at->s, "Redis at \"%s\" does not wake %.*s at %" PRId64 ", as its state says", at->position,
                 LC_TEXT_ARGS(id), v->wake_at);
}

static void
compare_population(const stored *at, GBytes *key, const GArray *versions)
{
    lc_text name = bytes_text(key);
    g_autofree char *population = g_strndup(name.data, name.size);
    GHashTable *counts = g_hash_table_lookup(lc_memory_redis_counters(at->s->redis, at->partition), population);
    g_autoptr(GBytes) actual = counts ? stored_counts(counts) : g_bytes_new_static("", 0);
    const version *v = version_there(at, LC_CHANGELOG_COUNTERS, versions, is_counts, actual);
    if (!lc_text_equal(bytes_text(actual), v && v->value ? bytes_text(v->value) : LC_TEXT("")) &&
        !is_compacted(at->s, at->partition, LC_CHANGELOG_COUNTERS, versions, v))
        sim_fail(at->s, "Redis at \"%s\" counts %.*s in %s, the changelog %.*s", at->position,
                 LC_TEXT_ARGS(bytes_text(actual)), population, LC_TEXT_ARGS(bytes_text(v ? v->value : NULL)));
}

static void
check_all_known(const stored *at, GHashTable *keys, GHashTable *versions, const char *what)
{
    GHashTableIter iter;
    gpointer key;
    g_hash_table_iter_init(&iter, keys);
    while (at->s->failure == NULL && g_hash_table_iter_next(&iter, &key, NULL))
        if (!g_hash_table_contains(versions, key))
            sim_fail(at->s, "Redis at \"%s\" has a %s that no changelog had", at->position, what);
}

static void
compare_stored(const stored *at)
{
    GHashTable *const *versions = at->s->watch->partitions[at->partition].versions;
    GHashTableIter iter;
    gpointer key, value;
    check_all_known(at, lc_memory_redis_leads(at->s->redis, at->partition), versions[LC_CHANGELOG_STATE], "lead");
    check_all_known(at, lc_memory_redis_wakeups(at->s->redis, at->partition), versions[LC_CHANGELOG_STATE], "wake-up");
    g_hash_table_iter_init(&iter, versions[LC_CHANGELOG_STATE]);
    while (at->s->failure == NULL && g_hash_table_iter_next(&iter, &key, &value))
        compare_lead(at, key, value);
    g_hash_table_iter_init(&iter, versions[LC_CHANGELOG_COUNTERS]);
    while (at->s->failure == NULL && g_hash_table_iter_next(&iter, &key, &value))
        compare_population(at, key, value);
}

/* A whole position is one that was committed, or the beginning of everything. */
static void
check_whole(const stored *at, const lc_applied *applied)
{
    g_autofree char *text = position_text(at->s, applied->offsets, applied->ends);
    bool is_beginning = applied->ends[LC_CHANGELOG_STATE] == 0 && applied->ends[LC_CHANGELOG_COUNTERS] == 0;
    for (int topic = 0; topic < at->s->plan.n_inputs; topic++)
        is_beginning = is_beginning && applied->offsets[topic] == 0;
    if (!is_beginning && !g_hash_table_contains(at->s->watch->partitions[at->partition].positions, text))
        sim_fail(at->s, "Redis is at \"%s\", which was never committed", at->position);
}

void
sim_watch_applied(lc_memory_world *world, int32_t partition)
{
    sim *s = (sim *)world;
    GBytes *position = lc_memory_redis_applied(s->redis, partition);
    lc_applied applied;
    if (s->failure || position == NULL)
        return;
    g_autofree char *text = g_strndup(g_bytes_get_data(position, NULL), g_bytes_get_size(position));
    lc_arena_reset(&s->watch->arena);
    if (!lc_applied_parse(lc_text_of(text), sim_input_names(s->plan.n_inputs), s->plan.n_inputs, &s->watch->arena,
                          &applied)) {
        sim_fail(s, "Redis is at \"%s\"", text);
        return;
    }
    bool is_recovering = applied.kind == LC_APPLIED_RECOVERING;
    stored at = {s, partition, is_recovering ? applied.sure : applied.ends, applied.ends, text};
    bool is_emptying =
        is_recovering && applied.ends[LC_CHANGELOG_STATE] == 0 && applied.ends[LC_CHANGELOG_COUNTERS] == 0;
    if (applied.kind == LC_APPLIED_WHOLE)
        check_whole(&at, &applied);
    if (s->failure == NULL && !is_emptying)
        compare_stored(&at);
}
