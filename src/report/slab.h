/* slab.h - things of one size, close together: no header for each, and used again by the next. Private to this room. */
#pragma once

#include <glib.h>

typedef struct {
    gsize bytes; /* of each; a multiple of 8 */
    GPtrArray *chunks;
    gsize left; /* things at the end of the last chunk */
    void *free; /* a list through the things themselves */
} lc_slab;

void lc_slab_init(lc_slab *slab, gsize bytes);
/* Frees all of them. */
void lc_slab_clear(lc_slab *slab);
/* Zeroed. */
void *lc_slab_take(lc_slab *slab);
void lc_slab_give(lc_slab *slab, void *thing);
