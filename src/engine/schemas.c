/* schemas.c - schema ids: ours for writing, plans for reading. */
#include "schemas.h"

#include "patience.h"
#include "told.h"

#define ASK_AGAIN_AFTER_MS 2000   /* a registry must say twice, so long apart, that it has no such id */
#define ASK_AT_ONCE 16u           /* ids, so that the group is tended meanwhile */
#define NO_FOR_MS LC_MINUTE       /* a no is remembered for a minute */
#define MAX_REMEMBERED_NOS 100000 /* hostile ids must not fill the memory */

/* What is known of an id, or what was said of it so far. */
typedef struct {
    lc_plan *plan;
    bool is_read; /* there is a schema; without a plan it is none that we can read, or of JSON */
    bool is_json;
    bool is_damaged;     /* what it last gave is no Avro that we can read: as good as a no, once it has said so twice */
    int64_t no_ms;       /* monotonic: when the registry first said no; LC_ABSENT: it has not */
    int64_t failing_ms;  /* since when it fails for this id alone; LC_ABSENT: it does not */
    int64_t no_until_ms; /* it is believed that there is none; LC_ABSENT: it is not */
    char *why;           /* what it said; NULL: nothing more than no */
} known_schema;

struct lc_schemas {
    lc_registry *registry;
    lc_duration timeout; /* an id that it fails for so long, while it gives others, is taken for a no */
    lc_time *time;
    lc_told *told;
    GHashTable *known; /* id -> known_schema * */
    size_t n_nos;      /* of those, without a schema */
    uint32_t ids[LC_OUTPUTS][LC_SCHEMAS];
};

static void
known_schema_free(void *data)
{
    known_schema *known = data;

    g_clear_pointer(&known->plan, lc_plan_free);
    g_free(known->why);
    g_free(known);
}

lc_schemas *
lc_schemas_new(lc_registry *registry, lc_duration timeout, lc_time *time, lc_told *told)
{
    lc_schemas *schemas = g_new0(lc_schemas, 1);

    schemas->registry = registry;
    schemas->timeout = timeout;
    schemas->time = time;
    schemas->told = told;
    schemas->known = g_hash_table_new_full(NULL, NULL, NULL, known_schema_free);
    return schemas;
}

void
lc_schemas_free(lc_schemas *schemas)
{
    g_hash_table_unref(schemas->known);
    lc_registry_free(schemas->registry);
    g_free(schemas);
}

G_STATIC_ASSERT(LC_OUTPUT_TABLES == LC_TABLES);

/* What goes where: `Retracted` goes where the retracted one went (architecture.md, Topics). */
static const struct {
    lc_output output;
    lc_schema schema;
} written[] = {
    {LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACHED},     {LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACH_ENDED},
    {LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_ESCALATED},    {LC_OUTPUT_BREACHES, LC_SCHEMA_RETRACTED},
    {LC_OUTPUT_WARNINGS, LC_SCHEMA_SLA_WARNING},      {LC_OUTPUT_CLAWBACKS, LC_SCHEMA_LEAD_CLAWED_BACK},
    {LC_OUTPUT_CLAWBACKS, LC_SCHEMA_RETRACTED},       {LC_OUTPUT_ROUTED, LC_SCHEMA_LEAD_ROUTED},
    {LC_OUTPUT_ROUTED, LC_SCHEMA_RETRACTED},          {LC_OUTPUT_SETTLED, LC_SCHEMA_LEAD_SETTLED},
    {LC_OUTPUT_SETTLED, LC_SCHEMA_RETRACTED},         {LC_OUTPUT_STATE, LC_SCHEMA_LEAD_STATE},
    {LC_OUTPUT_COUNTERS, LC_SCHEMA_CHANNEL_COUNTERS},
};

/* What is known of the id, to be changed. */
static known_schema *
entry_of(lc_schemas *schemas, uint32_t id)
{
    known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));

    if (known)
        return known;
    known = g_new0(known_schema, 1);
    known->no_ms = known->failing_ms = known->no_until_ms = LC_ABSENT;
    g_hash_table_insert(schemas->known, GUINT_TO_POINTER(id), known);
    schemas->n_nos++;
    return known;
}

static lc_plan *
make_plan(const char *schema, lc_registry_language language, GError **error)
{
    if (language == LC_REGISTRY_AVRO)
        return lc_plan_new(schema, error);
    g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "it is neither of Avro nor of JSON");
    return NULL;
}

static void
tell_unreadable(const lc_schemas *schemas, uint32_t id, const char *why)
{
    g_autofree char *name = g_strdup_printf("schema %u", id);

    if (lc_told_may_say_once(schemas->told, name))
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "SCHEMA_ID", LC_NUMBER(id), "MESSAGE",
                         "schema cannot be read, its records go to the dead letters: %s", why);
}

/* An id may be known as readable already; it is for ever. False: the text is no Avro that we can read, and may be
 * another when it is asked for again; `why` it is (g_free). */
static bool
remember_schema(lc_schemas *schemas, uint32_t id, const char *schema, lc_registry_language language, char **why)
{
    g_autoptr(GError) unreadable = NULL;
    known_schema *known = entry_of(schemas, id);

    if (known->is_read)
        return true;
    if (language != LC_REGISTRY_JSON)
        known->plan = make_plan(schema, language, &unreadable);
    if (unreadable && language == LC_REGISTRY_AVRO) {
        *why = g_strdup(unreadable->message);
        return false;
    }
    if (unreadable)
        tell_unreadable(schemas, id, unreadable->message);
    known->is_json = language == LC_REGISTRY_JSON;
    known->is_read = true;
    schemas->n_nos--;
    return true;
}

/* What is registered together. */
typedef struct {
    lc_output output;
    lc_schema schema;
    char *subject; /* owned */
} registration;

static void
registration_clear(void *data)
{
    g_free(((registration *)data)->subject);
}

static void
add_registration(GArray *all, lc_output output, lc_schema schema, const char *topic, const char *what)
{
    registration one = {output, schema, g_strdup_printf("%s-%s", topic, what)};

    g_array_append_val(all, one);
}

/* Outcomes and changelogs by TopicRecordNameStrategy; rows by TopicNameStrategy, which is what sinks look for. */
static GArray *
list_registrations(const char *const *output_names)
{
    GArray *all = g_array_new(FALSE, FALSE, sizeof(registration));

    g_array_set_clear_func(all, registration_clear);
    for (size_t i = 0; i < G_N_ELEMENTS(written); i++)
        add_registration(all, written[i].output, written[i].schema, output_names[written[i].output],
                         lc_schema_record_name(written[i].schema));
    for (int table = 0; table < LC_TABLES; table++) {
        lc_output output = lc_table_output(table);
        if (output_names[output] == NULL)
            continue;
        add_registration(all, output, lc_rows_key_schema(table), output_names[output], "key");
        add_registration(all, output, lc_rows_schema(table), output_names[output], "value");
    }
    return all;
}

bool
lc_schemas_register(lc_schemas *schemas, const char *const *output_names, GError **error)
{
    g_autoptr(GArray) all = list_registrations(output_names);
    g_autofree lc_registry_entry *entries = g_new(lc_registry_entry, all->len);
    g_autofree uint32_t *ids = g_new(uint32_t, all->len);

    for (guint i = 0; i < all->len; i++) {
        const registration *one = &g_array_index(all, registration, i);
        entries[i] = (lc_registry_entry){one->subject, lc_schema_text(one->schema)};
    }
    if (!lc_registry_register(schemas->registry, entries, all->len, ids, error))
        return false;
    for (guint i = 0; i < all->len; i++) {
        const registration *one = &g_array_index(all, registration, i);
        schemas->ids[one->output][one->schema] = ids[i];
        g_autofree char *why = NULL;
        remember_schema(schemas, ids[i], entries[i].schema_json, LC_REGISTRY_AVRO, &why);
    }
    return true;
}

uint32_t
lc_schemas_id(const lc_schemas *schemas, lc_output output, lc_schema schema)
{
    return schemas->ids[output][schema];
}

static bool
is_no(const lc_schemas *schemas, const known_schema *known)
{
    return known->no_until_ms != LC_ABSENT && schemas->time->monotonic_ms(schemas->time) < known->no_until_ms;
}

lc_plan_state
lc_schemas_plan(lc_schemas *schemas, uint32_t id, const lc_plan **plan)
{
    const known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));

    if (known == NULL || (!known->is_read && !is_no(schemas, known)))
        return LC_PLAN_NOT_ASKED;
    if (!known->is_read)
        return known->is_damaged ? LC_PLAN_UNREADABLE : LC_PLAN_NO_SUCH_ID;
    *plan = known->plan;
    return known->plan ? LC_PLAN_READY : known->is_json ? LC_PLAN_JSON : LC_PLAN_UNREADABLE;
}

const char *
lc_schemas_why_not(const lc_schemas *schemas, uint32_t id)
{
    const known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));

    return known ? known->why : NULL;
}

/* ---- Asking ---- */

/* A no is believed when it was said twice; one of long ago does not count. */
static void
take_no(known_schema *known, int64_t now_ms)
{
    bool is_first = known->no_until_ms != LC_ABSENT || known->no_ms == LC_ABSENT;

    known->failing_ms = LC_ABSENT;
    if (is_first && LC_CHECKS(LC_CHECK_SECOND_NO)) {
        known->no_ms = now_ms;
        known->no_until_ms = LC_ABSENT;
    } else if (is_first || now_ms - known->no_ms >= ASK_AGAIN_AFTER_MS) {
        known->no_until_ms = now_ms + NO_FOR_MS;
    }
}

/* One that failed for long and still does is believed at once. */
static void
take_failure(known_schema *known, int64_t now_ms, lc_duration timeout)
{
    known->no_ms = LC_ABSENT;
    if (known->failing_ms == LC_ABSENT)
        known->failing_ms = now_ms;
    known->no_until_ms = now_ms - known->failing_ms >= timeout ? now_ms + NO_FOR_MS : LC_ABSENT;
}

static void
take_answer(lc_schemas *schemas, uint32_t id, lc_registry_answer *answer)
{
    known_schema *known = entry_of(schemas, id);
    int64_t now_ms = schemas->time->monotonic_ms(schemas->time);

    if (answer->verdict == LC_REGISTRY_HAS &&
        remember_schema(schemas, id, answer->schema, answer->language, &answer->why))
        return;
    g_free(known->why);
    known->why = g_steal_pointer(&answer->why);
    known->is_damaged = answer->verdict == LC_REGISTRY_HAS;
    if (answer->verdict == LC_REGISTRY_FAILS)
        take_failure(known, now_ms, schemas->timeout);
    else
        take_no(known, now_ms);
    if (known->is_damaged && is_no(schemas, known))
        tell_unreadable(schemas, id, known->why);
}

/* Now the registry fails for all. */
static void
forget_failures(lc_schemas *schemas, const uint32_t *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(ids[i]));
        if (known)
            known->failing_ms = LC_ABSENT;
    }
}

static bool
ask(lc_schemas *schemas, const uint32_t *ids, size_t n, GError **error)
{
    g_autofree lc_registry_answer *answers = g_new0(lc_registry_answer, n);

    if (!lc_registry_fetch(schemas->registry, ids, n, answers, error)) {
        if (!lc_registry_is_asking(schemas->registry))
            forget_failures(schemas, ids, n);
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        take_answer(schemas, ids[i], &answers[i]);
        lc_registry_answer_clear(&answers[i]);
    }
    return true;
}

typedef struct {
    const uint32_t *ids;
    size_t n;
} question;

static bool
ask_question(lc_worker *worker, void *argument, GError **error)
{
    const question *asked = argument;

    return ask(worker->schemas, asked->ids, asked->n, error);
}

static bool
ask_all(lc_worker *worker, const GArray *ids, GError **error)
{
    for (guint from = 0; from < ids->len; from += ASK_AT_ONCE) {
        question asked = {&g_array_index(ids, uint32_t, from), MIN(ids->len - from, ASK_AT_ONCE)};
        if (!lc_worker_insist(worker, "the schema registry", ask_question, &asked, error) ||
            !lc_worker_tend(worker, 0, error))
            return false;
    }
    return true;
}

/* Those that are still to be asked for stay in `ids`. A schema of ours that the registry fails for may come back, and
 * no other will do: it is waited for without end. */
static void
drop_settled(lc_worker *worker, GArray *ids, bool is_ours)
{
    for (guint i = ids->len; i > 0; i--) {
        uint32_t id = g_array_index(ids, uint32_t, i - 1);
        const known_schema *known = g_hash_table_lookup(worker->schemas->known, GUINT_TO_POINTER(id));
        bool is_settled = known && is_no(worker->schemas, known) && !(is_ours && known->failing_ms != LC_ABSENT);
        if (is_settled || (known && known->is_read))
            g_array_remove_index_fast(ids, i - 1);
    }
}

/* Where the registry fails for an id alone, it is waited for as if it were away, for a while. */
static void
tell_failures(lc_worker *worker, const GArray *ids)
{
    for (guint i = 0; i < ids->len; i++) {
        uint32_t id = g_array_index(ids, uint32_t, i);
        const known_schema *known = g_hash_table_lookup(worker->schemas->known, GUINT_TO_POINTER(id));
        if (known == NULL || known->failing_ms == LC_ABSENT)
            continue;
        GError *problem = g_error_new(LC_ERROR, LC_ERROR_RETRY, "it gives other schemas, but not %u: %s", id,
                                      known->why ? known->why : "no reason");
        lc_worker_complain(worker, "the schema registry", &problem);
        return;
    }
}

static bool
pause_before_asking_again(lc_worker *worker, GError **error)
{
    for (int64_t until = lc_worker_now_ms(worker) + ASK_AGAIN_AFTER_MS; lc_worker_now_ms(worker) < until;)
        if (!lc_worker_tend(worker, 100, error))
            return false;
    return true;
}

static gboolean
has_no_schema(gpointer id, gpointer value, gpointer data)
{
    (void)id;
    (void)data;
    return !((known_schema *)value)->is_read;
}

static void
forget_nos_if_many(lc_schemas *schemas)
{
    if (schemas->n_nos < MAX_REMEMBERED_NOS)
        return;
    g_hash_table_foreach_remove(schemas->known, has_no_schema, NULL);
    schemas->n_nos = 0;
}

bool
lc_schemas_learn(lc_worker *worker, GArray *ids, GError **error)
{
    forget_nos_if_many(worker->schemas);
    for (;;) {
        if (!ask_all(worker, ids, error))
            return false;
        drop_settled(worker, ids, false);
        if (ids->len == 0)
            return true;
        tell_failures(worker, ids);
        if (!pause_before_asking_again(worker, error))
            return false;
    }
}

/* Asks once. LC_ERROR_RETRY: it is not known yet. */
static bool
ask_for_ours(lc_worker *worker, uint32_t id, GError **error)
{
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof id);

    forget_nos_if_many(worker->schemas);
    g_array_append_val(ids, id);
    if (!ask(worker->schemas, &id, 1, error))
        return false;
    drop_settled(worker, ids, worker->give_up_ms == 0);
    if (ids->len == 0)
        return true;
    const char *why = lc_schemas_why_not(worker->schemas, id);
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "schema %u is not to be had: %s", id, why ? why : "it says no");
    return false;
}

const lc_plan *
lc_schemas_try(lc_worker *worker, lc_text value, GError **error)
{
    const lc_plan *plan;
    uint32_t id;

    if (!lc_frame_read(value.data, value.size, &id)) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "a value that is not Leadclock's");
        return NULL;
    }
    lc_plan_state state = lc_schemas_plan(worker->schemas, id, &plan);
    if (state == LC_PLAN_NOT_ASKED || state == LC_PLAN_NO_SUCH_ID) {
        if (!ask_for_ours(worker, id, error))
            return NULL;
        state = lc_schemas_plan(worker->schemas, id, &plan);
    }
    if (state == LC_PLAN_READY)
        return plan;
    if (state == LC_PLAN_UNREADABLE || state == LC_PLAN_JSON) {
        g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "a value whose schema (id %u) can't be read", id);
        return NULL;
    }
    const char *why = lc_schemas_why_not(worker->schemas, id);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "the schema registry has no schema %u%s%s, which what this service has written needs; it must be the "
                "registry that was used then, with all its schemas (registry.url)",
                id, why ? ": " : "", why ? why : "");
    return NULL;
}

typedef struct {
    lc_text value;
    const lc_plan *plan;
} needed_plan;

static bool
try_for(lc_worker *worker, void *argument, GError **error)
{
    needed_plan *needed = argument;

    needed->plan = lc_schemas_try(worker, needed->value, error);
    return needed->plan != NULL;
}

const lc_plan *
lc_schemas_need(lc_worker *worker, lc_text value, GError **error)
{
    needed_plan needed = {.value = value};
    uint32_t id;

    /* Of a million leads all but a few: not even the time is asked for. */
    if (lc_frame_read(value.data, value.size, &id) &&
        lc_schemas_plan(worker->schemas, id, &needed.plan) == LC_PLAN_READY)
        return needed.plan;
    lc_worker_insist(worker, "the schema registry", try_for, &needed, error);
    return needed.plan;
}
