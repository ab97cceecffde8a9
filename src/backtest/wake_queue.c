/* wake_queue.c - wake-ups in a radix heap, with what is near in a real heap. */
#include "wake_queue.h"

/* Most ties are decided by the first bytes of the id, here as a big-endian number. */
typedef struct {
    lc_instant at;
    uint32_t first_bytes;
    uint32_t slot;
} wake_up;

/* It holds while its slot has the same serial number. */
typedef struct {
    lc_instant at;
    uint32_t slot;
    uint32_t serial;
} later_wake_up;

typedef struct {
    const lc_text *id; /* NULL: free */
    lc_instant at;
    uint32_t first_bytes;
    uint32_t place; /* in `near`, from 1; 0: not there */
    uint32_t serial;
} waiting;

/* An instant as digits of six bits: what comes later lies by the highest digit in which it differs from `base`, and by
 * its own digit there. */
#define DIGIT_BITS 6
#define DIGITS 64 /* so that a word says which are there */
#define LEVELS 11

struct lc_wake_queue {
    GArray *near;                  /* of wake_up, before `limit`: a heap; a child of i is at ARITY * i + 1 and on */
    GArray *later[LEVELS][DIGITS]; /* of later_wake_up, not before `limit`; NULL: never used */
    uint64_t filled[LEVELS];       /* which of them hold any, by bits */
    lc_instant base, limit;
    size_t n_later, n_stale; /* in `later`; of those the ones that do not hold */
    GArray *slots;           /* of waiting */
    GArray *free_slots;      /* of uint32_t */
    size_t item_bytes;
};

/* Four children a node: a heap half as deep, whose siblings share a cache line or two. */
#define ARITY 4
/* So many at once come near, of a bucket of four minutes or less: one that is far off would bring all before it. */
#define NEAR ((guint)16)
#define NEAR_LEVEL 2
/* Stale ones are dropped once they are more than the rest and than this. */
#define STALE ((size_t)4096)
#define CACHE_LINE ((size_t)64)

lc_wake_queue *
lc_wake_queue_new(size_t item_bytes)
{
    lc_wake_queue *queue = g_new0(lc_wake_queue, 1);
    queue->near = g_array_new(FALSE, FALSE, sizeof(wake_up));
    queue->slots = g_array_new(FALSE, FALSE, sizeof(waiting));
    queue->free_slots = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    queue->item_bytes = item_bytes;
    return queue;
}

void
lc_wake_queue_free(lc_wake_queue *queue)
{
    g_array_unref(queue->near);
    for (guint i = 0; i < LEVELS * DIGITS; i++)
        g_clear_pointer(&queue->later[i / DIGITS][i % DIGITS], g_array_unref);
    g_array_unref(queue->slots);
    g_array_unref(queue->free_slots);
    g_free(queue);
}

static waiting *
slot_at(const lc_wake_queue *queue, uint32_t slot)
{
    return &g_array_index(queue->slots, waiting, slot);
}

/* ---- Soon: a heap ---- */

static wake_up *
item_at(const lc_wake_queue *queue, size_t index)
{
    return &g_array_index(queue->near, wake_up, index);
}

static bool
fires_before(const lc_wake_queue *queue, const wake_up *a, const wake_up *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    if (a->first_bytes != b->first_bytes)
        return a->first_bytes < b->first_bytes;
    return lc_text_compare(*slot_at(queue, a->slot)->id, *slot_at(queue, b->slot)->id) < 0;
}

static void
put(lc_wake_queue *queue, size_t index, wake_up item)
{
    *item_at(queue, index) = item;
    slot_at(queue, item.slot)->place = (uint32_t)index + 1;
}

static void
sift_up(lc_wake_queue *queue, size_t index, wake_up item)
{
    while (index > 0) {
        size_t parent = (index - 1) / ARITY;
        if (!fires_before(queue, &item, item_at(queue, parent)))
            break;
        put(queue, index, *item_at(queue, parent));
        index = parent;
    }
    put(queue, index, item);
}

static size_t
earliest_child(const lc_wake_queue *queue, size_t index)
{
    size_t first = ARITY * index + 1, earliest = first;
    for (size_t child = first + 1; child < first + ARITY && child < queue->near->len; child++)
        if (fires_before(queue, item_at(queue, child), item_at(queue, earliest)))
            earliest = child;
    return earliest;
}

static void
sift_down(lc_wake_queue *queue, size_t index, wake_up item)
{
    while (ARITY * index + 1 < queue->near->len) {
        size_t child = earliest_child(queue, index);
        if (!fires_before(queue, item_at(queue, child), &item))
            break;
        put(queue, index, *item_at(queue, child));
        index = child;
    }
    put(queue, index, item);
}

static void
sift(lc_wake_queue *queue, size_t index, wake_up item)
{
    if (index > 0 && fires_before(queue, &item, item_at(queue, (index - 1) / ARITY)))
        sift_up(queue, index, item);
    else
        sift_down(queue, index, item);
}

static void
add_near(lc_wake_queue *queue, uint32_t slot, lc_instant at)
{
    wake_up item = {at, slot_at(queue, slot)->first_bytes, slot};
    g_array_append_val(queue->near, item);
    sift_up(queue, queue->near->len - 1, item);
}

static void
move_near(lc_wake_queue *queue, uint32_t place, lc_instant at)
{
    wake_up item = *item_at(queue, place - 1);
    item.at = at;
    sift(queue, place - 1, item);
}

static void
take_out_near(lc_wake_queue *queue, uint32_t slot)
{
    size_t index = slot_at(queue, slot)->place - 1;
    wake_up last = *item_at(queue, queue->near->len - 1);
    queue->near->len--;
    slot_at(queue, slot)->place = 0;
    if (index < queue->near->len)
        sift(queue, index, last);
}

/* ---- Later: by digits ---- */

typedef struct {
    guint level, digit;
} bucket;

static bucket
bucket_of(const lc_wake_queue *queue, lc_instant at)
{
    uint64_t different = (uint64_t)at ^ (uint64_t)queue->base;
    guint level = different ? (63 - (guint)__builtin_clzll(different)) / DIGIT_BITS : 0;
    return (bucket){level, (guint)((uint64_t)at >> (level * DIGIT_BITS)) % DIGITS};
}

static lc_instant
bucket_begins(const lc_wake_queue *queue, bucket b)
{
    guint bits = b.level * DIGIT_BITS;
    uint64_t above = bits + DIGIT_BITS < 64 ? (uint64_t)queue->base >> (bits + DIGIT_BITS) << (bits + DIGIT_BITS) : 0;
    return (lc_instant)(above | (uint64_t)b.digit << bits);
}

static void
add_later(lc_wake_queue *queue, later_wake_up item)
{
    bucket b = bucket_of(queue, item.at);
    GArray **items = &queue->later[b.level][b.digit];
    if (*items == NULL)
        *items = g_array_new(FALSE, FALSE, sizeof(later_wake_up));
    g_array_append_val(*items, item);
    queue->filled[b.level] |= UINT64_C(1) << b.digit;
    queue->n_later++;
}

static bool
holds(const lc_wake_queue *queue, const later_wake_up *item)
{
    return slot_at(queue, item->slot)->serial == item->serial;
}

static void
drop_stale(lc_wake_queue *queue, bucket b)
{
    GArray *items = queue->later[b.level][b.digit];
    guint kept = 0;
    for (guint i = 0; i < items->len; i++) {
        later_wake_up item = g_array_index(items, later_wake_up, i);
        if (holds(queue, &item))
            g_array_index(items, later_wake_up, kept++) = item;
    }
    queue->n_later -= items->len - kept;
    queue->n_stale -= items->len - kept;
    items->len = kept;
    if (kept == 0)
        queue->filled[b.level] &= ~(UINT64_C(1) << b.digit);
}

static void
drop_all_stale(lc_wake_queue *queue)
{
    for (bucket b = {0, 0}; b.level < LEVELS; b.level++)
        for (b.digit = 0; b.digit < DIGITS; b.digit++)
            if (queue->filled[b.level] >> b.digit & 1)
                drop_stale(queue, b);
}

static void
fetch_item(const lc_wake_queue *queue, const lc_text *id)
{
    for (size_t at = 0; at < queue->item_bytes; at += CACHE_LINE)
        __builtin_prefetch((const char *)id + at);
}

/* The rest of their bucket stays later. All are fetched before the first is waited for. */
static void
bring_near(lc_wake_queue *queue, const GArray *items)
{
    for (guint i = 0; i < items->len; i++)
        fetch_item(queue, slot_at(queue, g_array_index(items, later_wake_up, i).slot)->id);
    for (guint i = 0; i < items->len; i++) {
        const later_wake_up *item = &g_array_index(items, later_wake_up, i);
        queue->limit = MAX(queue->limit, item->at + 1);
        add_near(queue, item->slot, item->at);
    }
}

/* Into buckets before this one. */
static void
spread(lc_wake_queue *queue, const GArray *items)
{
    for (guint i = 0; i < items->len; i++)
        add_later(queue, g_array_index(items, later_wake_up, i));
}

/* The earliest bucket is emptied; `base` becomes its beginning. */
static void
open_bucket(lc_wake_queue *queue, bucket b)
{
    GArray *items = queue->later[b.level][b.digit];
    drop_stale(queue, b);
    queue->base = bucket_begins(queue, b);
    queue->filled[b.level] &= ~(UINT64_C(1) << b.digit);
    queue->n_later -= items->len;
    if ((items->len <= NEAR && b.level <= NEAR_LEVEL) || b.level == 0) {
        bring_near(queue, items);
    } else {
        spread(queue, items);
    }
    items->len = 0;
}

static bool
earliest_bucket(const lc_wake_queue *queue, bucket *b)
{
    for (b->level = 0; b->level < LEVELS; b->level++)
        if (queue->filled[b->level]) {
            b->digit = (guint)__builtin_ctzll(queue->filled[b->level]);
            return true;
        }
    return false;
}

/* After it the heap is empty only where nothing is before `instant`. */
static void
fill_near(lc_wake_queue *queue, lc_instant instant)
{
    bucket b;
    while (queue->near->len == 0 && earliest_bucket(queue, &b) && bucket_begins(queue, b) < instant)
        open_bucket(queue, b);
}

/* ---- Wake-ups ---- */

static void
set_soon(lc_wake_queue *queue, uint32_t slot, lc_instant at)
{
    uint32_t place = slot_at(queue, slot)->place;
    if (place)
        move_near(queue, place, at);
    else
        add_near(queue, slot, at);
}

static void
set_later(lc_wake_queue *queue, uint32_t slot, lc_instant at)
{
    if (slot_at(queue, slot)->place)
        take_out_near(queue, slot);
    if (at != LC_NEVER)
        add_later(queue, (later_wake_up){at, slot, slot_at(queue, slot)->serial});
}

void
lc_wake_queue_set(lc_wake_queue *queue, uint32_t slot, lc_instant at)
{
    waiting *w = slot_at(queue, slot);
    if (w->at == at)
        return;
    bool was_later = w->at != LC_NEVER && w->place == 0;
    w->at = at;
    w->serial++;
    if (was_later && ++queue->n_stale > MAX(STALE, queue->n_later / 2))
        drop_all_stale(queue);
    if (at < queue->limit)
        set_soon(queue, slot, at);
    else
        set_later(queue, slot, at);
}

const lc_text *
lc_wake_queue_due(lc_wake_queue *queue, lc_instant instant)
{
    if (queue->near->len == 0)
        fill_near(queue, instant);
    if (queue->near->len == 0 || item_at(queue, 0)->at >= instant)
        return NULL;
    return slot_at(queue, item_at(queue, 0)->slot)->id;
}

void
lc_wake_queue_fetch(const lc_wake_queue *queue, uint32_t slot, const lc_text *id)
{
    __builtin_prefetch(slot_at(queue, slot));
    fetch_item(queue, id);
}

/* ---- Slots ---- */

static uint32_t
first_bytes_of(lc_text id)
{
    uint32_t bytes = 0;
    memcpy(&bytes, id.data, MIN(id.size, sizeof bytes));
    return GUINT32_FROM_BE(bytes);
}

uint32_t
lc_wake_queue_join(lc_wake_queue *queue, const lc_text *id)
{
    guint n_free = queue->free_slots->len;
    if (n_free == 0) {
        waiting w = {.id = id, .at = LC_NEVER, .first_bytes = first_bytes_of(*id)};
        g_array_append_val(queue->slots, w);
        return queue->slots->len - 1;
    }
    uint32_t slot = g_array_index(queue->free_slots, uint32_t, n_free - 1);
    g_array_set_size(queue->free_slots, n_free - 1);
    slot_at(queue, slot)->id = id;
    slot_at(queue, slot)->first_bytes = first_bytes_of(*id);
    return slot;
}

void
lc_wake_queue_leave(lc_wake_queue *queue, uint32_t slot)
{
    lc_wake_queue_set(queue, slot, LC_NEVER);
    slot_at(queue, slot)->id = NULL;
    g_array_append_val(queue->free_slots, slot);
}
