/* lead_cache.c - leads as they were last committed and applied. */
#include "lead_cache.h"

#include <leadclock/text.h>

#include <stdlib.h>

/* One block of memory, written round and round: the next lead goes over those that were kept first. Places are counted
 * on and on, so that one which was written over is known by its number. A lead is looked for in one line of the index
 * alone, by a few bits of its hash, so that one that is not kept costs no look at another's id; where a line is full,
 * it forgets its oldest. */

#define LINE 8                /* leads in a line of the index: a line of the processor's cache */
#define RING_BYTES_A_LEAD 128 /* a lead takes more */
#define PART_OF_ONE 8         /* a lead that takes more than this part of it all is not kept */
#define NO_STATE UINT32_MAX   /* known to have none */
#define UNKNOWN (UINT32_MAX - 1)
#define WORD sizeof(uint64_t)

typedef struct {
    uint32_t term;
    uint32_t id_bytes, state_bytes;
} kept; /* the id follows, and the state */

/* A place in words, which is enough for a thousand years, and 8 bits of the hash. */
typedef uint64_t entry;
#define TAG_BITS 8

struct lc_lead_cache {
    size_t size; /* words of the ring; 0: nothing is kept */
    size_t n_lines;
    entry *index;
    uint64_t *ring;
    uint64_t end; /* the next place; the first is 2 * size, so that 0 was written over */
    uint32_t terms;
};

lc_lead_cache *
lc_lead_cache_new(size_t bytes)
{
    lc_lead_cache *cache = g_new0(lc_lead_cache, 1);

    if (bytes < LC_LEAD_CACHE_LEAST)
        return cache;
    cache->n_lines = bytes / RING_BYTES_A_LEAD / LINE;
    cache->size = bytes / WORD - cache->n_lines * LINE;
    cache->end = 2 * (uint64_t)cache->size;
    return cache;
}

void
lc_lead_cache_free(lc_lead_cache *cache)
{
    free(cache->index);
    g_free(cache->ring);
    g_free(cache);
}

uint32_t
lc_lead_cache_begin(lc_lead_cache *cache)
{
    return ++cache->terms;
}

static uint64_t
place_of(entry one)
{
    return one >> TAG_BITS;
}

static bool
is_there(const lc_lead_cache *cache, entry one)
{
    return place_of(one) + cache->size >= cache->end;
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

static uint8_t
tag_of(uint64_t hash)
{
    return (uint8_t)(hash >> 56);
}

static entry *
line_of(const lc_lead_cache *cache, uint64_t hash)
{
    return cache->index + ((uint64_t)(uint32_t)hash * cache->n_lines >> 32) * LINE;
}

/* Where the lead is, or NULL. */
static entry *
find_entry(const lc_lead_cache *cache, lc_text id, uint64_t hash)
{
    entry *line = line_of(cache, hash);

    for (int i = 0; i < LINE; i++)
        if ((uint8_t)line[i] == tag_of(hash) && is_there(cache, line[i]) &&
            lc_text_equal(id_of(at(cache, place_of(line[i]))), id))
            return &line[i];
    return NULL;
}

/* Where the next lead of this line goes. */
static entry *
oldest_of(entry *line)
{
    entry *oldest = line;

    for (int i = 1; i < LINE; i++)
        if (line[i] < *oldest)
            oldest = &line[i];
    return oldest;
}

bool
lc_lead_cache_find(const lc_lead_cache *cache, uint32_t term, lc_text id, lc_text *state)
{
    if (cache->ring == NULL)
        return false;
    const entry *found = find_entry(cache, id, hash_of(id));
    if (found == NULL)
        return false;
    const kept *lead = at(cache, place_of(*found));
    if (lead->term != term || lead->state_bytes == UNKNOWN)
        return false;
    lc_text own_id = id_of(lead);
    *state = lead->state_bytes == NO_STATE ? LC_NO_TEXT : (lc_text){own_id.data + own_id.size, lead->state_bytes};
    return true;
}

static size_t
words_of(size_t id_bytes, size_t state_bytes)
{
    return (sizeof(kept) + id_bytes + state_bytes + WORD - 1) / WORD;
}

/* The place of so many words in one piece. */
static uint64_t
make_room(lc_lead_cache *cache, size_t words)
{
    size_t left = cache->size - cache->end % cache->size;

    g_assert(words <= cache->size);
    if (left < words)
        cache->end += left;
    uint64_t place = cache->end;
    cache->end += words;
    return place;
}

static void
write_lead(lc_lead_cache *cache, uint64_t place, lc_text id, lc_text state, kept head)
{
    uint64_t hash = hash_of(id);
    entry *former = find_entry(cache, id, hash);
    kept *lead = at(cache, place);

    *(former ? former : oldest_of(line_of(cache, hash))) = place << TAG_BITS | tag_of(hash);
    *lead = head;
    char *bytes = memcpy(lead + 1, id.data, id.size);
    if (state.size)
        memcpy(bytes + id.size, state.data, state.size);
}

static void
take_memory(lc_lead_cache *cache)
{
    size_t bytes = cache->n_lines * LINE * sizeof *cache->index;

    cache->ring = g_new(uint64_t, cache->size);
    cache->index = aligned_alloc(LINE * sizeof *cache->index, bytes);
    g_assert(cache->index);
    memset(cache->index, 0, bytes);
}

void
lc_lead_cache_keep(lc_lead_cache *cache, uint32_t term, lc_text id, lc_text state)
{
    if (cache->size == 0)
        return;
    if (cache->ring == NULL)
        take_memory(cache);
    uint32_t state_bytes = lc_text_is_absent(state) ? NO_STATE : (uint32_t)state.size;
    if (words_of(id.size, state.size) > cache->size / PART_OF_ONE) {
        state_bytes = UNKNOWN;
        state = LC_NO_TEXT;
    }
    write_lead(cache, make_room(cache, words_of(id.size, state.size)), id, state,
               (kept){.term = term, .id_bytes = (uint32_t)id.size, .state_bytes = state_bytes});
}

size_t
lc_lead_cache_bytes(const lc_lead_cache *cache)
{
    return (size_t)MIN(cache->end - 2 * (uint64_t)cache->size, cache->size) * WORD;
}
