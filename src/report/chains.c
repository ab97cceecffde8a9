/* chains.c - a hash table whose chains run through the things themselves. */
#include "chains.h"

#define LEAST_HEADS ((gsize)64)

static gpointer *
next_of(const lc_chains *chains, const void *item)
{
    return (gpointer *)(void *)((char *)item + chains->next);
}

static gpointer *
head_of(const lc_chains *chains, const void *item)
{
    return &chains->heads[chains->hash(item) & (chains->n_heads - 1)];
}

void
lc_chains_init(lc_chains *chains, GHashFunc hash, GEqualFunc equal, gsize next)
{
    *chains = (lc_chains){.hash = hash, .equal = equal, .next = next};
}

void
lc_chains_clear(lc_chains *chains)
{
    g_free(chains->heads);
    *chains = (lc_chains){0};
}

static void
hang(lc_chains *chains, void *item)
{
    gpointer *head = head_of(chains, item);
    *next_of(chains, item) = *head;
    *head = item;
}

static void
grow(lc_chains *chains)
{
    gsize n = chains->n_heads;
    g_autofree gpointer *old = chains->heads;
    chains->n_heads = n ? 2 * n : LEAST_HEADS;
    chains->heads = g_new0(gpointer, chains->n_heads);
    for (gsize i = 0; i < n; i++)
        for (void *item = old[i], *next; item; item = next) {
            next = *next_of(chains, item);
            hang(chains, item);
        }
}

void
lc_chains_add(lc_chains *chains, void *item)
{
    if (chains->n_items++ >= chains->n_heads)
        grow(chains);
    hang(chains, item);
}

void
lc_chains_remove(lc_chains *chains, const void *item)
{
    gpointer *at = head_of(chains, item);
    while (*at != item)
        at = next_of(chains, *at);
    *at = *next_of(chains, item);
    chains->n_items--;
}

/* From there on. */
static void *
find_like(const lc_chains *chains, void *item, const void *like)
{
    while (item && !chains->equal(item, like))
        item = *next_of(chains, item);
    return item;
}

void *
lc_chains_first(const lc_chains *chains, const void *like)
{
    return chains->n_heads ? find_like(chains, *head_of(chains, like), like) : NULL;
}

void *
lc_chains_next(const lc_chains *chains, const void *item)
{
    return find_like(chains, *next_of(chains, item), item);
}
