/* What the tables have in common: names are made once, and only when a row is. */
#include "row_maker.h"

bool
lc_row_wanted(const lc_row_maker *m, lc_row_type type)
{
    return m->types >> type & 1;
}

lc_uuid
lc_row_cycle_id(const lc_row_maker *m, lc_row_side *side)
{
    if (!side->has_id)
        side->id = lc_cycle_id(side->number, side->cycle->handoff_at, m->namer);
    side->has_id = true;
    return side->id;
}

lc_uuid
lc_row_finding_id(const lc_row_maker *m, const lc_row_side *side, const lc_finding *finding)
{
    lc_entry entry = {.replay = side->replay, .cycle = side->cycle, .finding = finding, .number = side->number};

    lc_entry_name(&entry, m->namer);
    return entry.id;
}

lc_row *
lc_row_add(GArray *rows, lc_row_type type)
{
    lc_row *row = lc_array_add(rows, lc_row);

    row->type = type;
    row->deleted = false;
    return row;
}
