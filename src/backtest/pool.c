/* pool.c - small pieces of memory, cut from chunks. */
#include "pool.h"

#include <stdlib.h>

/* It comes with the sanitizers, which a compiler may lack (Debian's clang without its runtime, Alpine's gcc). */
#if __has_include(<sanitizer/asan_interface.h>)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

#define CHUNK_BYTES ((size_t)2 * 1024 * 1024)
#define GRAIN ((size_t)64) /* a cache line */
#define SIZES ((size_t)16)

typedef struct released {
    struct released *next;
} released;

/* Pieces of up to GRAIN * SIZES bytes are cut from chunks and used again by others of their size; larger ones are
 * malloc's. */
struct lc_pool {
    GPtrArray *chunks;
    size_t left; /* bytes at the end of the last chunk */
    released *free[SIZES];
    GHashTable *large; /* a set */
};

lc_pool *
lc_pool_new(void)
{
    lc_pool *pool = g_new0(lc_pool, 1);
    pool->chunks = g_ptr_array_new();
    pool->large = g_hash_table_new_full(NULL, NULL, g_free, NULL);
    return pool;
}

void
lc_pool_free(lc_pool *pool)
{
    for (guint i = 0; i < pool->chunks->len; i++) {
        ASAN_UNPOISON_MEMORY_REGION(pool->chunks->pdata[i], CHUNK_BYTES);
        free(pool->chunks->pdata[i]);
    }
    g_ptr_array_unref(pool->chunks);
    g_hash_table_unref(pool->large);
    g_free(pool);
}

static size_t
grains_of(size_t size)
{
    return MAX(1, (size + GRAIN - 1) / GRAIN);
}

static void *
alloc_large(lc_pool *pool, size_t size)
{
    void *piece = g_malloc(size);
    g_hash_table_add(pool->large, piece);
    return piece;
}

static void
add_chunk(lc_pool *pool)
{
    void *chunk = aligned_alloc(CHUNK_BYTES, CHUNK_BYTES);
    if (chunk == NULL)
        g_error("out of memory: no %" G_GSIZE_FORMAT " bytes for leads", CHUNK_BYTES);
    ASAN_POISON_MEMORY_REGION(chunk, CHUNK_BYTES);
    g_ptr_array_add(pool->chunks, chunk);
    pool->left = CHUNK_BYTES;
}

static void *
cut(lc_pool *pool, size_t bytes)
{
    if (pool->left < bytes)
        add_chunk(pool);
    char *end = (char *)g_ptr_array_index(pool->chunks, pool->chunks->len - 1) + CHUNK_BYTES;
    char *piece = end - pool->left;
    pool->left -= bytes;
    return piece;
}

void *
lc_pool_alloc(lc_pool *pool, size_t size)
{
    size_t grains = grains_of(size);
    if (grains > SIZES)
        return alloc_large(pool, size);
    released *piece = pool->free[grains - 1];
    if (piece == NULL)
        piece = cut(pool, grains * GRAIN);
    ASAN_UNPOISON_MEMORY_REGION(piece, MAX(size, sizeof *piece));
    if (piece == pool->free[grains - 1])
        pool->free[grains - 1] = piece->next;
    return piece;
}

void
lc_pool_release(lc_pool *pool, void *piece, size_t size)
{
    size_t grains = grains_of(size);
    if (grains > SIZES) {
        g_hash_table_remove(pool->large, piece);
        return;
    }
    released *r = piece;
    r->next = pool->free[grains - 1];
    pool->free[grains - 1] = r;
    ASAN_POISON_MEMORY_REGION(piece, grains * GRAIN);
}
