/* plans.h - how outcomes are read: schemas by id, asked for when first seen. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/registry.h>

typedef struct lc_plans lc_plans;

/* `registry` is borrowed. */
lc_plans *lc_plans_new(lc_registry *registry);
void lc_plans_free(lc_plans *plans);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_plans, lc_plans_free)
/* Of a value in Confluent's framing. LC_ERROR_RETRY: the registry does not answer yet; LC_ERROR_RECORD: there is none.
 */
const lc_plan *lc_plans_find(lc_plans *plans, lc_text value, GError **error);
