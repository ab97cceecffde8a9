/* registry.c - a registry that has every schema. */
#include "sim.h"

struct lc_registry {
    bool has_denied[LC_SCHEMAS]; /* said no to a schema that it has, or gave half of it: never a second time */
};

lc_registry *
lc_registry_new(const lc_registry_options *options, GError **error)
{
    (void)options;
    (void)error;
    return g_new0(lc_registry, 1);
}

void
lc_registry_free(lc_registry *registry)
{
    g_free(registry);
}

static bool
answers_at_all(const char *call, GError **error)
{
    sim *s = sim_running;
    if (s->world.step)
        s->world.step(&s->world, call);
    if (s->is_quiet || !sim_random_chance(&s->random, s->plan.registry))
        return true;
    sim_say(s, "fault: the registry does not answer");
    g_set_error(error, LC_ERROR, LC_ERROR_RETRY, "the registry does not answer");
    return false;
}

bool
lc_registry_register(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids, GError **error)
{
    (void)registry;
    if (!answers_at_all("registry register", error))
        return false;
    for (size_t i = 0; i < n; i++)
        for (int schema = 0; schema < LC_SCHEMAS; schema++)
            if (strcmp(lc_schema_text(schema), entries[i].schema_json) == 0)
                ids[i] = SIM_SCHEMA_ID(schema);
    return true;
}

bool
lc_registry_is_asking(const lc_registry *registry)
{
    (void)registry;
    return false;
}

void
lc_registry_answer_clear(lc_registry_answer *answer)
{
    g_clear_pointer(&answer->schema, g_free);
    g_clear_pointer(&answer->why, g_free);
}

static bool
denies(lc_registry *registry, lc_schema schema)
{
    sim *s = sim_running;
    if (s->is_quiet || registry->has_denied[schema] || !sim_random_chance(&s->random, s->plan.registry))
        return false;
    sim_say(s, "fault: the registry says no to schema %u, which it has, or gives half of it", SIM_SCHEMA_ID(schema));
    registry->has_denied[schema] = true;
    return true;
}

/* By turns: another draw would make another world of each seed. */
static lc_registry_answer
wrong_answer(lc_schema schema)
{
    const char *text = lc_schema_text(schema);
    if (schema % 2)
        return (lc_registry_answer){.verdict = LC_REGISTRY_NO};
    return (lc_registry_answer){.verdict = LC_REGISTRY_HAS, .schema = g_strndup(text, strlen(text) / 2)};
}

static lc_registry_answer
answer_for(lc_registry *registry, uint32_t id)
{
    lc_schema schema = (lc_schema)(id - 1);
    if (id == SIM_FAILING_SCHEMA_ID)
        return (lc_registry_answer){.verdict = LC_REGISTRY_FAILS, .why = g_strdup("HTTP 500")};
    if (id < 1 || id > LC_SCHEMAS)
        return (lc_registry_answer){.verdict = LC_REGISTRY_NO};
    if (denies(registry, schema))
        return wrong_answer(schema);
    return (lc_registry_answer){.verdict = LC_REGISTRY_HAS, .schema = g_strdup(lc_schema_text(schema))};
}

bool
lc_registry_fetch(lc_registry *registry, const uint32_t *ids, size_t n, lc_registry_answer *answers, GError **error)
{
    if (!answers_at_all("registry fetch", error))
        return false;
    for (size_t i = 0; i < n; i++)
        answers[i] = answer_for(registry, ids[i]);
    return true;
}
