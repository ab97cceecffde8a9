#include "wake_heap.h"

/* Most ties are decided by the first bytes of the id, here as a big-endian number. */
typedef struct {
    lc_instant at;
    uint32_t first_bytes;
    uint32_t slot;
} wake_up;

struct lc_wake_heap {
    GArray *items;      /* of wake_up; a child of i is at ARITY * i + 1 and on */
    GArray *places;     /* of uint32_t, by slot: in `items`, from 1; 0: none */
    GPtrArray *ids;     /* of const lc_text *, by slot */
    GArray *free_slots; /* of uint32_t */
};

/* Four children a node: a heap half as deep, whose siblings share a cache line or two. */
#define ARITY 4

static wake_up *
item_at(const lc_wake_heap *heap, size_t index)
{
    return &g_array_index(heap->items, wake_up, index);
}

static uint32_t *
place_of(const lc_wake_heap *heap, uint32_t slot)
{
    return &g_array_index(heap->places, uint32_t, slot);
}

static const lc_text *
id_of(const lc_wake_heap *heap, uint32_t slot)
{
    return g_ptr_array_index(heap->ids, slot);
}

lc_wake_heap *
lc_wake_heap_new(void)
{
    lc_wake_heap *heap = g_new(lc_wake_heap, 1);
    heap->items = g_array_new(FALSE, FALSE, sizeof(wake_up));
    heap->places = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    heap->ids = g_ptr_array_new();
    heap->free_slots = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    return heap;
}

void
lc_wake_heap_free(lc_wake_heap *heap)
{
    g_array_unref(heap->items);
    g_array_unref(heap->places);
    g_ptr_array_unref(heap->ids);
    g_array_unref(heap->free_slots);
    g_free(heap);
}

/* ---- Order ---- */

static bool
fires_before(const lc_wake_heap *heap, const wake_up *a, const wake_up *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    if (a->first_bytes != b->first_bytes)
        return a->first_bytes < b->first_bytes;
    return lc_text_compare(*id_of(heap, a->slot), *id_of(heap, b->slot)) < 0;
}

static void
put(lc_wake_heap *heap, size_t index, wake_up item)
{
    *item_at(heap, index) = item;
    *place_of(heap, item.slot) = (uint32_t)index + 1;
}

static void
sift_up(lc_wake_heap *heap, size_t index, wake_up item)
{
    while (index > 0) {
        size_t parent = (index - 1) / ARITY;
        if (!fires_before(heap, &item, item_at(heap, parent)))
            break;
        put(heap, index, *item_at(heap, parent));
        index = parent;
    }
    put(heap, index, item);
}

static size_t
earliest_child(const lc_wake_heap *heap, size_t index)
{
    size_t first = ARITY * index + 1, earliest = first;
    for (size_t child = first + 1; child < first + ARITY && child < heap->items->len; child++)
        if (fires_before(heap, item_at(heap, child), item_at(heap, earliest)))
            earliest = child;
    return earliest;
}

static void
sift_down(lc_wake_heap *heap, size_t index, wake_up item)
{
    while (ARITY * index + 1 < heap->items->len) {
        size_t child = earliest_child(heap, index);
        if (!fires_before(heap, item_at(heap, child), &item))
            break;
        put(heap, index, *item_at(heap, child));
        index = child;
    }
    put(heap, index, item);
}

static void
sift(lc_wake_heap *heap, size_t index, wake_up item)
{
    if (index > 0 && fires_before(heap, &item, item_at(heap, (index - 1) / ARITY)))
        sift_up(heap, index, item);
    else
        sift_down(heap, index, item);
}

/* ---- Wake-ups ---- */

static uint32_t
first_bytes_of(lc_text id)
{
    uint32_t bytes = 0;
    memcpy(&bytes, id.data, MIN(id.size, sizeof bytes));
    return GUINT32_FROM_BE(bytes);
}

static void
add(lc_wake_heap *heap, uint32_t slot, lc_instant at)
{
    wake_up item = {at, first_bytes_of(*id_of(heap, slot)), slot};
    g_array_append_val(heap->items, item);
    sift_up(heap, heap->items->len - 1, item);
}

static void
take_out(lc_wake_heap *heap, uint32_t slot)
{
    size_t index = *place_of(heap, slot) - 1;
    wake_up last = *item_at(heap, heap->items->len - 1);
    heap->items->len--;
    *place_of(heap, slot) = 0;
    if (index < heap->items->len)
        sift(heap, index, last);
}

void
lc_wake_heap_set(lc_wake_heap *heap, uint32_t slot, lc_instant at)
{
    uint32_t place = *place_of(heap, slot);
    if (place == 0 && at != LC_NEVER) {
        add(heap, slot, at);
    } else if (place && at == LC_NEVER) {
        take_out(heap, slot);
    } else if (place && item_at(heap, place - 1)->at != at) {
        wake_up item = *item_at(heap, place - 1);
        item.at = at;
        sift(heap, place - 1, item);
    }
}

const lc_text *
lc_wake_heap_due(const lc_wake_heap *heap, lc_instant instant)
{
    if (heap->items->len == 0 || item_at(heap, 0)->at >= instant)
        return NULL;
    return id_of(heap, item_at(heap, 0)->slot);
}

/* ---- Slots ---- */

uint32_t
lc_wake_heap_join(lc_wake_heap *heap, const lc_text *id)
{
    guint n_free = heap->free_slots->len, none = 0;
    if (n_free > 0) {
        uint32_t slot = g_array_index(heap->free_slots, uint32_t, n_free - 1);
        g_array_set_size(heap->free_slots, n_free - 1);
        heap->ids->pdata[slot] = (gpointer)id;
        return slot;
    }
    g_ptr_array_add(heap->ids, (gpointer)id);
    g_array_append_val(heap->places, none);
    return heap->ids->len - 1;
}

void
lc_wake_heap_leave(lc_wake_heap *heap, uint32_t slot)
{
    lc_wake_heap_set(heap, slot, LC_NEVER);
    heap->ids->pdata[slot] = NULL;
    g_array_append_val(heap->free_slots, slot);
}
