/* lead_cache.c - leads as they were last committed and applied. */
#include "lead_cache.h"

#include <leadclock/text.h>

/* One block of memory, written round and round: the next lead goes over those that were kept first. Places are counted
 * on and on, so that one which was written over is known by its number. Leads whose ids have the same hash, but for the
 * bits that don't matter, are linked, the last one kept first: a link to a place that was written over is the end. */

#define RING_BYTES_A_BUCKET 128 /* a lead takes more */
#define PART_OF_ONE 8           /* a lead that takes more than this part of it all is not kept */
#define NO_STATE UINT32_MAX     /* known to have none */
#define UNKNOWN (UINT32_MAX - 1)
#define WORD sizeof(uint64_t)

typedef struct {
    uint64_t before; /* the place of the lead of this bucket that was kept before */
    uint32_t term, hash;
    uint32_t id_bytes, state_bytes;
} kept; /* the id follows, and the state */

struct lc_lead_cache {
    size_t size; /* of the ring; 0: nothing is kept */
    size_t n_buckets;
    uint64_t *buckets; /* the place of the lead kept last */
    char *ring;
    uint64_t end; /* the next place; the first is 2 * size, so that 0 was written over */
    uint32_t terms;
};

static size_t
power_of_two(size_t most)
{
    size_t power = 1;

    while (power <= most / 2)
        power *= 2;
    return power;
}

lc_lead_cache *
lc_lead_cache_new(size_t bytes)
{
    lc_lead_cache *cache = g_new0(lc_lead_cache, 1);

    if (bytes < LC_LEAD_CACHE_LEAST)
        return cache;
    cache->n_buckets = power_of_two(bytes / RING_BYTES_A_BUCKET);
    cache->size = (bytes - cache->n_buckets * sizeof *cache->buckets) / WORD * WORD;
    cache->end = 2 * (uint64_t)cache->size;
    return cache;
}

void
lc_lead_cache_free(lc_lead_cache *cache)
{
    g_free(cache->buckets);
    g_free(cache->ring);
    g_free(cache);
}

uint32_t
lc_lead_cache_begin(lc_lead_cache *cache)
{
    return ++cache->terms;
}

static bool
is_there(const lc_lead_cache *cache, uint64_t place)
{
    return place + cache->size >= cache->end;
}

static kept *
at(const lc_lead_cache *cache, uint64_t place)
{
    return (kept *)(void *)(cache->ring + place % cache->size);
}

static lc_text
id_of(const kept *lead)
{
    return (lc_text){(const char *)(lead + 1), lead->id_bytes};
}

static uint64_t
hash_of(lc_text id)
{
    return lc_text_hash(0, id);
}

/* The link to the lead, or the one where its bucket ends. */
static uint64_t *
find_link(const lc_lead_cache *cache, lc_text id, uint64_t hash)
{
    uint64_t *link = &cache->buckets[hash & (cache->n_buckets - 1)];

    while (is_there(cache, *link)) {
        kept *lead = at(cache, *link);
        if (lead->hash == hash >> 32 && lc_text_equal(id_of(lead), id))
            break;
        link = &lead->before;
    }
    return link;
}

bool
lc_lead_cache_find(const lc_lead_cache *cache, uint32_t term, lc_text id, lc_text *state)
{
    if (cache->ring == NULL)
        return false;
    uint64_t place = *find_link(cache, id, hash_of(id));
    if (!is_there(cache, place))
        return false;
    const kept *lead = at(cache, place);
    if (lead->term != term || lead->state_bytes == UNKNOWN)
        return false;
    lc_text own_id = id_of(lead);
    *state = lead->state_bytes == NO_STATE ? LC_NO_TEXT : (lc_text){own_id.data + own_id.size, lead->state_bytes};
    return true;
}

static size_t
bytes_of(size_t id_bytes, size_t state_bytes)
{
    return (sizeof(kept) + id_bytes + state_bytes + WORD - 1) / WORD * WORD;
}

/* The place of so many bytes in one piece. */
static uint64_t
make_room(lc_lead_cache *cache, size_t bytes)
{
    size_t left = cache->size - cache->end % cache->size;

    g_assert(bytes <= cache->size);
    if (left < bytes)
        cache->end += left;
    uint64_t place = cache->end;
    cache->end += bytes;
    return place;
}

static void
write_lead(lc_lead_cache *cache, uint64_t place, lc_text id, lc_text state, kept head)
{
    uint64_t hash = hash_of(id), *bucket = &cache->buckets[hash & (cache->n_buckets - 1)];
    uint64_t *former = find_link(cache, id, hash);

    if (is_there(cache, *former))
        *former = at(cache, *former)->before;
    kept *lead = at(cache, place);
    *lead = head;
    lead->hash = (uint32_t)(hash >> 32);
    lead->before = *bucket;
    *bucket = place;
    char *bytes = memcpy(lead + 1, id.data, id.size);
    if (state.size)
        memcpy(bytes + id.size, state.data, state.size);
}

void
lc_lead_cache_keep(lc_lead_cache *cache, uint32_t term, lc_text id, lc_text state)
{
    if (cache->size == 0)
        return;
    if (cache->ring == NULL) {
        cache->ring = g_malloc(cache->size);
        cache->buckets = g_new0(uint64_t, cache->n_buckets);
    }
    uint32_t state_bytes = lc_text_is_absent(state) ? NO_STATE : (uint32_t)state.size;
    if (bytes_of(id.size, state.size) > cache->size / PART_OF_ONE) {
        state_bytes = UNKNOWN;
        state = LC_NO_TEXT;
    }
    write_lead(cache, make_room(cache, bytes_of(id.size, state.size)), id, state,
               (kept){.term = term, .id_bytes = (uint32_t)id.size, .state_bytes = state_bytes});
}

size_t
lc_lead_cache_bytes(const lc_lead_cache *cache)
{
    return (size_t)MIN(cache->end - 2 * (uint64_t)cache->size, cache->size);
}
