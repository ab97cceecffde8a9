/* lead_table.h - the leads of a backtest in memory: their facts, owned, and their wake-ups in order.
 *
 * Grows with the leads that are open or kept, not with the facts that went by: what a lead no longer holds is freed. */
#pragma once

#include <leadclock/core.h>

typedef struct lc_lead_table lc_lead_table;
typedef struct lc_fact_texts lc_fact_texts;

/* Most leads have one fact or two, which fit into the lead: it lies in one piece of memory then. */
#define LC_TABLE_LEAD_FACTS 2
#define LC_TABLE_LEAD_ROOM_BYTES 192

typedef struct {
    lc_lead lead;                                    /* its id comes first, which is the key of the table */
    lc_fact facts[LC_TABLE_LEAD_FACTS];              /* where lead.facts stands until there are more */
    lc_fact_texts *texts;                            /* what the facts point to, the newest first */
    void *tally;                                     /* of the report; whoever sets it frees it in `forget` */
    uint32_t slot;                                   /* of its wake-up */
    uint32_t room_used;                              /* bytes */
    _Alignas(8) char room[LC_TABLE_LEAD_ROOM_BYTES]; /* for the first texts */
} lc_table_lead;

/* `forget` (or NULL) is called with `data` for each lead that is dropped, at the latest by `free`. */
lc_lead_table *lc_lead_table_new(void (*forget)(lc_table_lead *lead, void *data), void *data);
void lc_lead_table_free(lc_lead_table *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_lead_table, lc_lead_table_free)

/* The lead of this id, made where it is new. Good until `lc_lead_table_put_back`. */
lc_table_lead *lc_lead_table_take(lc_lead_table *table, lc_text id);
/* A copy of `fact` whose texts the lead owns, with room for it in lead->facts, so that judging allocates nothing. */
lc_fact lc_table_lead_own(lc_table_lead *lead, const lc_fact *fact);
/* The copy was not taken in: its texts are freed. */
void lc_table_lead_disown(lc_table_lead *lead);
/* After a lead was judged: notes its wake-up, frees what it no longer holds, and drops it where nothing is left. */
void lc_lead_table_put_back(lc_lead_table *table, lc_table_lead *lead);

/* The lead with the earliest wake-up before `instant` (at one instant the least id in byte order), or NULL. */
lc_table_lead *lc_lead_table_due(lc_lead_table *table, lc_instant instant);

size_t lc_lead_table_size(const lc_lead_table *table);
void lc_lead_table_foreach(lc_lead_table *table, void (*visit)(lc_table_lead *lead, void *data), void *data);
