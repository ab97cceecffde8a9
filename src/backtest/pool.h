/* pool.h - many small pieces of memory, close together: no header for each, and all are freed at once. */
#pragma once

#include <leadclock/base.h>

typedef struct lc_pool lc_pool;

lc_pool *lc_pool_new(void);
/* Frees all pieces. */
void lc_pool_free(lc_pool *pool);

/* Uninitialised, aligned to 64 bytes up to 1024 of them and as by malloc beyond, never NULL. */
void *lc_pool_alloc(lc_pool *pool, size_t size);
/* `size` as it was allocated with. */
void lc_pool_release(lc_pool *pool, void *piece, size_t size);
