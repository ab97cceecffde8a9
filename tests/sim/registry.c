#include "sim.h"

struct lc_registry {
    int unused;
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
answers(const char *call, GError **error)
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
lc_registry_register(lc_registry *registry, const char *subject, const char *schema_json, uint32_t *id, GError **error)
{
    (void)registry;
    (void)subject;
    if (!answers("registry register", error))
        return false;
    for (int schema = 0; schema < LC_SCHEMAS; schema++)
        if (strcmp(lc_schema_text(schema), schema_json) == 0)
            *id = SIM_SCHEMA_ID(schema);
    return true;
}

bool
lc_registry_fetch(lc_registry *registry, const uint32_t *ids, size_t n, char **schemas, GError **error)
{
    (void)registry;
    if (!answers("registry fetch", error))
        return false;
    for (size_t i = 0; i < n; i++)
        schemas[i] = ids[i] >= 1 && ids[i] <= LC_SCHEMAS ? g_strdup(lc_schema_text((lc_schema)(ids[i] - 1))) : NULL;
    return true;
}
