/* lead_cache.h - leads as they were last committed and applied, so that the store need not be asked for them. */
#pragma once

#include <leadclock/base.h>

/* Of one worker. What it takes is bounded; what was kept first is forgotten first, as a rule. Nothing is looked up or
 * kept but for a term: that is how long a partition is held without a recovery. */
typedef struct lc_lead_cache lc_lead_cache;

#define LC_LEAD_CACHE_LEAST 1024 /* bytes; with less it keeps nothing */

/* Takes its memory when first something is kept. */
lc_lead_cache *lc_lead_cache_new(size_t bytes);
void lc_lead_cache_free(lc_lead_cache *cache);

/* A new term: nothing is kept for it yet. */
uint32_t lc_lead_cache_begin(lc_lead_cache *cache);

/* The state of a lead; absent: it is known to have none. Good until something is kept. False: not known. */
bool lc_lead_cache_find(const lc_lead_cache *cache, uint32_t term, lc_text id, lc_text *state);

/* Instead of what was known of the lead. */
void lc_lead_cache_keep(lc_lead_cache *cache, uint32_t term, lc_text id, lc_text state);

/* What is kept takes so much. */
size_t lc_lead_cache_bytes(const lc_lead_cache *cache);
