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

/* A lead that is looked for. */
typedef struct {
    lc_text id;
    bool is_known; /* out */
    lc_text state; /* out, where it is known; absent: it has none. Good until something is kept */
} lc_lead_sought;

/* Many at once: memory is slow, and asked for some of them it answers together. */
void lc_lead_cache_find(const lc_lead_cache *cache, uint32_t term, lc_lead_sought *sought, size_t n);

/* Instead of what was known of the lead. */
void lc_lead_cache_keep(lc_lead_cache *cache, uint32_t term, lc_text id, lc_text state);

/* What is kept takes so much. */
size_t lc_lead_cache_bytes(const lc_lead_cache *cache);
