/* chains.h - things found by what they have in common, at a pointer each and one in the thing itself. Private to this
 * room. */
#pragma once

#include <glib.h>

/* Items are borrowed; `hash` and `equal` see what they have in common. */
typedef struct {
    GHashFunc hash;
    GEqualFunc equal;
    gsize next;      /* where in an item the pointer to the next one of its chain is */
    gpointer *heads; /* a power of two of them, or none */
    gsize n_heads, n_items;
} lc_chains;

void lc_chains_init(lc_chains *chains, GHashFunc hash, GEqualFunc equal, gsize next);
void lc_chains_clear(lc_chains *chains);
void lc_chains_add(lc_chains *chains, void *item);
/* Before the item is freed, or changes what it has in common. */
void lc_chains_remove(lc_chains *chains, const void *item);
/* The first that has this in common with `like`, in no order; NULL: none. */
void *lc_chains_first(const lc_chains *chains, const void *like);
void *lc_chains_next(const lc_chains *chains, const void *item);
