/* leads.c - leads in hashes: a field a lead, so that no key is paid for each. Which hash it is follows from the id. A
 * field is the id, a UUID as 16 bytes. A value is a byte that says where in the state the lead's own id stood, which is
 * left out, and the state. */
#include "parts.h"

#include <leadclock/text.h>

#define ESCAPE "=" /* before an id of 16 bytes, and before a longer one that begins so */

#define HEAD_BYTES 1 /* where the id was left out, from 1; 0: nowhere */
#define MAX_ID_PLACE 64

/* ---- Ids ---- */

lc_text
lc_redis_pack_id(lc_arena *arena, lc_text id)
{
    uint8_t bytes[LC_TEXT_UUID_BYTES];

    if (lc_text_uuid(id, bytes))
        return (lc_text){memcpy(lc_arena_alloc(arena, sizeof bytes), bytes, sizeof bytes), sizeof bytes};
    if (id.size != LC_TEXT_UUID_BYTES && (id.size < LC_TEXT_UUID_BYTES || id.data[0] != ESCAPE[0]))
        return id;
    char *escaped = lc_arena_alloc(arena, id.size + 1);
    escaped[0] = ESCAPE[0];
    memcpy(escaped + 1, id.data, id.size);
    return (lc_text){escaped, id.size + 1};
}

void
lc_redis_say_id(lc_connection *redis, lc_text id)
{
    uint8_t bytes[LC_TEXT_UUID_BYTES];

    if (lc_text_uuid(id, bytes))
        lc_connection_word(redis, (lc_text){(const char *)bytes, sizeof bytes});
    else if (id.size == LC_TEXT_UUID_BYTES || (id.size > LC_TEXT_UUID_BYTES && id.data[0] == ESCAPE[0]))
        lc_connection_words(redis, LC_TEXT(ESCAPE), id);
    else
        lc_connection_word(redis, id);
}

lc_text
lc_redis_take_id(lc_arena *arena, lc_text said)
{
    static const char digits[] = "0123456789abcdef";

    if (said.size != LC_TEXT_UUID_BYTES)
        return said.size > LC_TEXT_UUID_BYTES && said.data[0] == ESCAPE[0] ? (lc_text){said.data + 1, said.size - 1}
                                                                           : said;
    char *text = lc_arena_alloc(arena, LC_TEXT_UUID_SIZE + 1), *to = text;
    for (size_t n = 0; n < LC_TEXT_UUID_BYTES; n++) {
        if (n == 4 || n == 6 || n == 8 || n == 10)
            *to++ = '-';
        *to++ = digits[(unsigned char)said.data[n] >> 4];
        *to++ = digits[said.data[n] & 15];
    }
    *to = '\0';
    return (lc_text){text, LC_TEXT_UUID_SIZE};
}

/* ---- Which hash: FNV-1a of the id (http://www.isthe.com/chongo/tech/comp/fnv) ---- */

static unsigned
bucket_of(lc_text id)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < id.size; i++)
        hash = (hash ^ (unsigned char)id.data[i]) * 16777619u;
    return (hash ^ hash >> 16) % LC_LEAD_BUCKETS;
}

lc_buckets *
lc_redis_sort_ids(lc_arena *arena, const void *first, size_t stride, size_t n)
{
    lc_buckets *buckets = lc_arena_new(arena, lc_buckets, 1);
    unsigned char *of = lc_arena_alloc(arena, n);
    size_t next[LC_LEAD_BUCKETS];

    memset(buckets->ends, 0, sizeof buckets->ends);
    for (size_t i = 0; i < n; i++)
        buckets->ends[of[i] = (unsigned char)bucket_of(*(const lc_text *)((const char *)first + i * stride))]++;
    for (size_t b = 0, end = 0; b < LC_LEAD_BUCKETS; b++) {
        next[b] = end;
        buckets->ends[b] = end += buckets->ends[b];
    }
    buckets->order = lc_arena_new(arena, size_t, n);
    for (size_t i = 0; i < n; i++)
        buckets->order[next[of[i]]++] = i;
    return buckets;
}

void
lc_redis_say_bucket(lc_connection *redis, lc_text prefix, unsigned bucket)
{
    char key[16];
    int size = g_snprintf(key, sizeof key, "leads:%u", bucket);

    lc_connection_words(redis, prefix, (lc_text){key, (size_t)size});
}

/* ---- Values ---- */

/* Where the id begins in the state, from 1; 0: nowhere. Near its beginning as a rule, so that memmem, which prepares
 * itself for a long search, took 0.1 us longer. */
static size_t
place_of(lc_text id, lc_text state)
{
    size_t end = id.size && id.size <= state.size ? MIN(state.size - id.size, MAX_ID_PLACE) + 1 : 0;

    for (size_t i = 0; i < end; i++)
        if (lc_text_equal((lc_text){state.data + i, id.size}, id))
            return i + 1;
    return 0;
}

void
lc_redis_say_lead(lc_connection *redis, const lc_lead_change *change)
{
    size_t place = place_of(change->lead_id, change->state);
    size_t before = place ? place - 1 : change->state.size, gap = place ? change->lead_id.size : 0;
    char head[HEAD_BYTES] = {(char)place};
    const lc_text parts[] = {{head, sizeof head},
                             {change->state.data, before},
                             {change->state.data + before + gap, change->state.size - before - gap}};
    lc_connection_parts(redis, parts, G_N_ELEMENTS(parts));
}

/* What is no value of ours is given as it is: nothing else is equal to it. */
lc_text
lc_redis_lead_state(lc_arena *arena, lc_text id, lc_text value)
{
    size_t place = value.size ? (unsigned char)value.data[0] : 0;

    if (value.size < HEAD_BYTES || (place && place - 1 > value.size - HEAD_BYTES))
        return value;
    const char *state = value.data + HEAD_BYTES;
    size_t size = value.size - HEAD_BYTES;
    if (place == 0)
        return (lc_text){state, size};
    char *whole = lc_arena_alloc(arena, size + id.size + 1);
    memcpy(whole, state, place - 1);
    memcpy(whole + place - 1, id.data, id.size);
    memcpy(whole + place - 1 + id.size, state + place - 1, size - (place - 1));
    whole[size + id.size] = '\0';
    return (lc_text){whole, size + id.size};
}
