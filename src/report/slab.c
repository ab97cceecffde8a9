/* slab.c - things of one size, cut from chunks. */
#include "slab.h"

#include <string.h>

/* It comes with the sanitizers, which a compiler may lack (Debian's clang without its runtime, Alpine's gcc). */
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define THINGS_A_CHUNK ((gsize)1024)

typedef struct given {
    struct given *next;
} given;

void
lc_slab_init(lc_slab *slab, gsize bytes)
{
    *slab = (lc_slab){.bytes = bytes, .chunks = g_ptr_array_new()};
}

void
lc_slab_clear(lc_slab *slab)
{
    for (guint i = 0; i < slab->chunks->len; i++) {
        ASAN_UNPOISON_MEMORY_REGION(slab->chunks->pdata[i], slab->bytes * THINGS_A_CHUNK);
        g_free(slab->chunks->pdata[i]);
    }
    g_ptr_array_unref(slab->chunks);
    *slab = (lc_slab){0};
}

static void *
cut(lc_slab *slab)
{
    if (slab->left == 0) {
        void *chunk = g_malloc(slab->bytes * THINGS_A_CHUNK);
        ASAN_POISON_MEMORY_REGION(chunk, slab->bytes * THINGS_A_CHUNK);
        g_ptr_array_add(slab->chunks, chunk);
        slab->left = THINGS_A_CHUNK;
    }
    char *last = g_ptr_array_index(slab->chunks, slab->chunks->len - 1);
    return last + slab->bytes * (THINGS_A_CHUNK - slab->left--);
}

void *
lc_slab_take(lc_slab *slab)
{
    given *thing = slab->free;
    if (thing == NULL)
        thing = cut(slab);
    ASAN_UNPOISON_MEMORY_REGION(thing, slab->bytes);
    if (slab->free)
        slab->free = thing->next;
    return memset(thing, 0, slab->bytes);
}

void
lc_slab_give(lc_slab *slab, void *thing)
{
    ((given *)thing)->next = slab->free;
    slab->free = thing;
    ASAN_POISON_MEMORY_REGION(thing, slab->bytes);
}
