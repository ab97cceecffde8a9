/* parts.c - cycles and what is theirs, in memory: whose it is, and where it goes. */
#include "parts.h"

lc_ledger_holder *
lc_ledger_find_holder(const lc_ledger *ledger, const lc_uuid *id)
{
    lc_ledger_holder *holder = g_hash_table_lookup(ledger->cycles, id);
    return holder ? holder : g_hash_table_lookup(ledger->awaited, id);
}

lc_ledger_holder *
lc_ledger_await(lc_ledger *ledger, const lc_uuid *id)
{
    lc_ledger_holder *holder = lc_slab_take(&ledger->holders);
    holder->id = *id;
    g_hash_table_add(ledger->awaited, holder);
    return holder;
}

lc_ledger_holder *
lc_ledger_holder_of(lc_ledger *ledger, const lc_uuid *id)
{
    lc_ledger_holder *holder = lc_ledger_find_holder(ledger, id);
    return holder ? holder : lc_ledger_await(ledger, id);
}

void
lc_ledger_await_no_more(lc_ledger *ledger, lc_ledger_holder *holder)
{
    g_hash_table_remove(ledger->awaited, holder);
    lc_slab_give(&ledger->holders, holder);
}

void *
lc_ledger_add_part(lc_ledger *ledger, lc_ledger_holder *holder, lc_part_kind kind)
{
    lc_ledger_part *part = lc_slab_take(&ledger->parts[kind]);
    *part = (lc_ledger_part){.next = holder->parts, .kind = (uint8_t)kind};
    return holder->parts = part;
}

static lc_uuid *
id_of(lc_ledger_part *part)
{
    return part->kind == LC_PART_BREACH  ? &((lc_ledger_breach *)part)->id
           : part->kind == LC_PART_ROUTE ? &((lc_ledger_route *)part)->id
                                         : NULL;
}

void
lc_ledger_free_part(lc_ledger *ledger, lc_ledger_part *part)
{
    if (part->kind == LC_PART_BREACH)
        g_hash_table_remove(ledger->breaches, id_of(part));
    if (part->kind == LC_PART_ROUTE)
        g_hash_table_remove(ledger->routes, id_of(part));
    lc_slab_give(&ledger->parts[part->kind], part);
}

/* What is awaited is awaited no more without its last part. */
static void
take_out(lc_ledger *ledger, lc_ledger_holder *holder, const lc_ledger_part *part)
{
    lc_ledger_part **at = &holder->parts;
    while (*at != part)
        at = &(*at)->next;
    *at = part->next;
    if (holder->parts == NULL && g_hash_table_lookup(ledger->awaited, holder) == holder)
        lc_ledger_await_no_more(ledger, holder);
}

void
lc_ledger_drop_part(lc_ledger *ledger, lc_ledger_holder *holder, lc_ledger_part *part)
{
    take_out(ledger, holder, part);
    lc_ledger_free_part(ledger, part);
}

lc_ledger_holder *
lc_ledger_move_part(lc_ledger *ledger, lc_ledger_holder *from, lc_ledger_part *part, const lc_uuid *id)
{
    if (memcmp(&from->id, id, sizeof *id) == 0)
        return from;
    take_out(ledger, from, part);
    lc_ledger_holder *to = lc_ledger_holder_of(ledger, id);
    part->next = to->parts;
    to->parts = part;
    return to;
}

void
lc_ledger_move_parts(lc_ledger_holder *from, lc_ledger_holder *to)
{
    to->parts = from->parts;
    from->parts = NULL;
    for (lc_ledger_part *part = to->parts; part; part = part->next) {
        if (part->kind == LC_PART_BREACH)
            ((lc_ledger_breach *)part)->of = to;
        if (part->kind == LC_PART_ROUTE)
            ((lc_ledger_route *)part)->of = to;
    }
}

void
lc_ledger_close_cycle(lc_ledger *ledger, lc_ledger_cycle *cycle)
{
    if (cycle->open)
        lc_slab_give(&ledger->open, cycle->open);
    cycle->open = NULL;
}

lc_ledger_tenure *
lc_holder_tenure(const lc_ledger_holder *holder, uint32_t position)
{
    LC_EACH_PART_OF (lc_ledger_tenure, one, holder, LC_PART_TENURE)
        if (one->position == position)
            return (lc_ledger_tenure *)one;
    return NULL;
}

const lc_ledger_stage *
lc_holder_stage(const lc_ledger_holder *holder, uint32_t stage)
{
    LC_EACH_PART_OF (lc_ledger_stage, one, holder, LC_PART_STAGE)
        if (one->part.name == stage)
            return one;
    return NULL;
}
