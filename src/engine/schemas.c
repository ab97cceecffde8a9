#include "worker.h"

#define NO_SUCH_ID_FOR_MS 60000   /* a no of the registry is remembered for a minute */
#define MAX_REMEMBERED_NOS 100000 /* hostile ids must not fill the memory */

typedef struct {
    lc_plan *plan; /* NULL: unreadable, or no such id */
    bool no_such_id;
    int64_t until_ms; /* of a no: monotonic */
} known_schema;

struct lc_schemas {
    lc_registry *registry;
    lc_time *time;
    GHashTable *known; /* id -> known_schema * */
    size_t n_nos;
    uint32_t ids[LC_OUTPUTS][LC_SCHEMAS];
};

static void
known_schema_free(void *data)
{
    known_schema *known = data;

    g_clear_pointer(&known->plan, lc_plan_free);
    g_free(known);
}

lc_schemas *
lc_schemas_new(lc_registry *registry, lc_time *time)
{
    lc_schemas *schemas = g_new0(lc_schemas, 1);

    schemas->registry = registry;
    schemas->time = time;
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

/* What goes where: `Retracted` goes where the retracted one went (architecture.md, Topics). */
static const struct {
    lc_output output;
    lc_schema schema;
} written[] = {
    {LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACHED},      {LC_OUTPUT_BREACHES, LC_SCHEMA_SLA_BREACH_ENDED},
    {LC_OUTPUT_BREACHES, LC_SCHEMA_RETRACTED},         {LC_OUTPUT_WARNINGS, LC_SCHEMA_SLA_WARNING},
    {LC_OUTPUT_CLAWBACKS, LC_SCHEMA_LEAD_CLAWED_BACK}, {LC_OUTPUT_CLAWBACKS, LC_SCHEMA_RETRACTED},
    {LC_OUTPUT_ROUTED, LC_SCHEMA_LEAD_ROUTED},         {LC_OUTPUT_ROUTED, LC_SCHEMA_RETRACTED},
    {LC_OUTPUT_SETTLED, LC_SCHEMA_LEAD_SETTLED},       {LC_OUTPUT_SETTLED, LC_SCHEMA_RETRACTED},
    {LC_OUTPUT_STATE, LC_SCHEMA_LEAD_STATE},           {LC_OUTPUT_COUNTERS, LC_SCHEMA_CHANNEL_COUNTERS},
};

static void
remember(lc_schemas *schemas, uint32_t id, known_schema known)
{
    known_schema *entry = g_memdup2(&known, sizeof known);

    g_hash_table_replace(schemas->known, GUINT_TO_POINTER(id), entry);
}

/* An id may be known as readable already; it is for ever. */
static void
remember_schema(lc_schemas *schemas, uint32_t id, const char *schema_json)
{
    g_autoptr(GError) unreadable = NULL;
    known_schema known = {lc_plan_new(schema_json, &unreadable), false, 0};

    if (known.plan == NULL)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "SCHEMA_ID", LC_NUMBER(id), "MESSAGE",
                         "schema cannot be read, its records go to the dead letters: %s", unreadable->message);
    remember(schemas, id, known);
}

bool
lc_schemas_register(lc_schemas *schemas, const char *const *output_names, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(written); i++) {
        const char *text = lc_schema_text(written[i].schema);
        g_autofree char *subject =
            g_strdup_printf("%s-%s", output_names[written[i].output], lc_schema_record_name(written[i].schema));
        uint32_t id;
        if (!lc_registry_register(schemas->registry, subject, text, &id, error))
            return false;
        schemas->ids[written[i].output][written[i].schema] = id;
        if (!g_hash_table_contains(schemas->known, GUINT_TO_POINTER(id)))
            remember_schema(schemas, id, text);
    }
    return true;
}

uint32_t
lc_schemas_id(const lc_schemas *schemas, lc_output output, lc_schema schema)
{
    return schemas->ids[output][schema];
}

lc_plan_state
lc_schemas_plan(lc_schemas *schemas, uint32_t id, const lc_plan **plan)
{
    known_schema *known = g_hash_table_lookup(schemas->known, GUINT_TO_POINTER(id));

    if (known == NULL)
        return LC_PLAN_NOT_ASKED;
    if (known->no_such_id && schemas->time->monotonic_ms(schemas->time) >= known->until_ms) {
        g_hash_table_remove(schemas->known, GUINT_TO_POINTER(id));
        schemas->n_nos--;
        return LC_PLAN_NOT_ASKED;
    }
    if (known->no_such_id)
        return LC_PLAN_NO_SUCH_ID;
    *plan = known->plan;
    return known->plan ? LC_PLAN_READY : LC_PLAN_UNREADABLE;
}

static gboolean
is_a_no(gpointer id, gpointer value, gpointer data)
{
    (void)id;
    (void)data;
    return ((known_schema *)value)->no_such_id;
}

static void
remember_no(lc_schemas *schemas, uint32_t id)
{
    if (schemas->n_nos >= MAX_REMEMBERED_NOS) {
        g_hash_table_foreach_remove(schemas->known, is_a_no, NULL);
        schemas->n_nos = 0;
    }
    if (!g_hash_table_contains(schemas->known, GUINT_TO_POINTER(id)))
        schemas->n_nos++;
    remember(schemas, id, (known_schema){NULL, true, schemas->time->monotonic_ms(schemas->time) + NO_SUCH_ID_FOR_MS});
}

bool
lc_schemas_ask(lc_schemas *schemas, const uint32_t *ids, size_t n, bool final, GError **error)
{
    g_autofree char **texts = g_new0(char *, n);

    if (!lc_registry_fetch(schemas->registry, ids, n, texts, error))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (texts[i])
            remember_schema(schemas, ids[i], texts[i]);
        else if (final)
            remember_no(schemas, ids[i]);
        g_free(texts[i]);
    }
    return true;
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
    if (state == LC_PLAN_NOT_ASKED) {
        if (!lc_schemas_ask(worker->schemas, &id, 1, true, error))
            return NULL;
        state = lc_schemas_plan(worker->schemas, id, &plan);
    }
    if (state == LC_PLAN_READY)
        return plan;
    g_set_error(error, LC_ERROR, LC_ERROR_FATAL, "a value whose schema (id %u) can't be had or read", id);
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

    lc_worker_insist(worker, "the schema registry", try_for, &needed, error);
    return needed.plan;
}
