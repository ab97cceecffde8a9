/* firsts.h - the first few of many, in an order, without keeping the others. Private to this room. */
#pragma once

#include <glib.h>

typedef struct {
    GPtrArray *items; /* borrowed */
    gsize limit;      /* 0: all */
    gsize n_all;
    GCompareDataFunc compare; /* of pointers to items */
    gpointer data;
} lc_firsts;

void lc_firsts_init(lc_firsts *firsts, gsize limit, GCompareDataFunc compare, gpointer data);
void lc_firsts_add(lc_firsts *firsts, gpointer item);
/* The first ones, in order. Caller unrefs. */
GPtrArray *lc_firsts_end(lc_firsts *firsts);
