/* chains.c - what belongs together: a hash table of the first ones. */
#include "chains.h"

static void **
next_of(const lc_chains *chains, const void *item)
{
    return (void **)(void *)((char *)item + chains->next);
}

void
lc_chains_init(lc_chains *chains, GHashFunc hash, GEqualFunc equal, gsize next)
{
    *chains = (lc_chains){g_hash_table_new(hash, equal), next};
}

void
lc_chains_clear(lc_chains *chains)
{
    g_clear_pointer(&chains->heads, g_hash_table_unref);
}

void
lc_chains_add(lc_chains *chains, void *item)
{
    void *head = g_hash_table_lookup(chains->heads, item);
    *next_of(chains, item) = head ? *next_of(chains, head) : NULL;
    if (head)
        *next_of(chains, head) = item;
    else
        g_hash_table_add(chains->heads, item);
}

void
lc_chains_remove(lc_chains *chains, const void *item)
{
    void *before = g_hash_table_lookup(chains->heads, item), *next = *next_of(chains, item);
    if (before == item) {
        g_hash_table_remove(chains->heads, item);
        if (next)
            g_hash_table_add(chains->heads, next);
        return;
    }
    while (before && *next_of(chains, before) != item)
        before = *next_of(chains, before);
    if (before)
        *next_of(chains, before) = next;
}

void *
lc_chains_first(const lc_chains *chains, const void *like)
{
    return g_hash_table_lookup(chains->heads, like);
}

void *
lc_chains_next(const lc_chains *chains, const void *item)
{
    return *next_of(chains, item);
}
