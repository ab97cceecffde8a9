/* firsts.c - the first few of many: sorted and cut whenever there are some more. */
#include "firsts.h"

#define MORE 8

void
lc_firsts_init(lc_firsts *firsts, gsize limit, GCompareDataFunc compare, gpointer data)
{
    *firsts = (lc_firsts){.items = g_ptr_array_new(), .limit = limit, .compare = compare, .data = data};
}

static void
cut(lc_firsts *firsts)
{
    g_ptr_array_sort_with_data(firsts->items, firsts->compare, firsts->data);
    if (firsts->limit && firsts->items->len > firsts->limit)
        g_ptr_array_set_size(firsts->items, (gint)firsts->limit);
}

void
lc_firsts_add(lc_firsts *firsts, gpointer item)
{
    g_ptr_array_add(firsts->items, item);
    firsts->n_all++;
    if (firsts->limit && firsts->items->len >= MORE * firsts->limit)
        cut(firsts);
}

GPtrArray *
lc_firsts_end(lc_firsts *firsts)
{
    cut(firsts);
    return g_steal_pointer(&firsts->items);
}
