/* lead_table.h - the leads of a backtest in memory: their facts, owned, and their wake-ups in order.
 *
 * Grows with the leads that are open or kept, not with the facts that went by: what a lead no longer holds is freed.
 * A lead and its first facts lie in one piece of memory, packed; they are unpacked while the lead is in hand. */
#pragma once

#include <leadclock/core.h>

typedef struct lc_lead_table lc_lead_table;
typedef struct lc_stored_fact lc_stored_fact;

#define LC_KEPT_LEAD_BYTES 384

/* What a table keeps of a lead. */
typedef struct {
    lc_lead lead;           /* its id comes first, which is the key of the table; `facts` while it is in hand */
    lc_stored_fact *newest; /* its facts as they are kept */
    uint32_t slot;          /* of its wake-up */
    uint32_t room_used;     /* bytes */
    char room[LC_KEPT_LEAD_BYTES - sizeof(lc_lead) - sizeof(void *) - 2 * sizeof(uint32_t)]; /* id, facts */
} lc_kept_lead;

lc_lead_table *lc_lead_table_new(void);
void lc_lead_table_free(lc_lead_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_lead_table, lc_lead_table_free)

/* One lead is in hand at a time: until it is put back, or the next comes. */

/* The lead of this id, made where it is new. */
lc_kept_lead *lc_lead_table_take(lc_lead_table *table, lc_text id);
/* The lead with the earliest wake-up before `instant` (at one instant the least id in byte order), or NULL. */
lc_kept_lead *lc_lead_table_take_due(lc_lead_table *table, lc_instant instant);
/* A copy of `fact` whose texts the lead owns, with room for it in lead->facts, so that judging allocates nothing. */
lc_fact lc_lead_table_own(lc_lead_table *table, lc_kept_lead *lead, const lc_fact *fact);
/* The copy was not taken in: its texts are freed. */
void lc_lead_table_disown(lc_lead_table *table, lc_kept_lead *lead);
/* After a lead was judged: notes its wake-up, frees what it no longer holds, and drops it where nothing is left. */
void lc_lead_table_put_back(lc_lead_table *table, lc_kept_lead *lead);
