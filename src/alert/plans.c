/* plans.c - how outcomes are read: schemas by id, asked for when first seen. */
#include "plans.h"

struct lc_plans {
    lc_registry *registry;
    GHashTable *known; /* schema id -> lc_plan */
};

lc_plans *
lc_plans_new(lc_registry *registry)
{
    lc_plans *plans = g_new0(lc_plans, 1);
    plans->registry = registry;
    plans->known = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)lc_plan_free);
    return plans;
}

void
lc_plans_free(lc_plans *plans)
{
    if (plans)
        g_hash_table_unref(plans->known);
    g_free(plans);
}

static lc_plan *
fetch(lc_plans *plans, uint32_t id, GError **error)
{
    lc_registry_answer answer;
    lc_plan *plan = NULL;
    if (!lc_registry_fetch(plans->registry, &id, 1, &answer, error))
        return NULL;
    if (answer.verdict == LC_REGISTRY_HAS)
        plan = lc_plan_new(answer.schema, error);
    else
        g_set_error(error, LC_ERROR, answer.verdict == LC_REGISTRY_FAILS ? LC_ERROR_RETRY : LC_ERROR_RECORD,
                    "the registry has no schema %u%s%s", id, answer.why ? ": " : "", answer.why ? answer.why : "");
    lc_registry_answer_clear(&answer);
    return plan;
}

const lc_plan *
lc_plans_find(lc_plans *plans, lc_text value, GError **error)
{
    uint32_t id;
    if (lc_text_is_absent(value) || !lc_frame_read(value.data, value.size, &id)) {
        g_set_error(error, LC_ERROR, LC_ERROR_RECORD, "no Avro in Confluent's framing");
        return NULL;
    }
    lc_plan *plan = g_hash_table_lookup(plans->known, GUINT_TO_POINTER(id));
    if (plan == NULL && (plan = fetch(plans, id, error)))
        g_hash_table_insert(plans->known, GUINT_TO_POINTER(id), plan);
    return plan;
}
