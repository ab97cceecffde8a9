/* parts.h - cycles and what is theirs, for the two that change a ledger: what takes rows, and what forgets them.
 * Private to this room. */
#pragma once

#include "ledger.h"

/* NULL: neither a row nor a part told of it. */
lc_ledger_holder *lc_ledger_find_holder(const lc_ledger *ledger, const lc_uuid *id);
/* Rows come by several topics, so a cycle may come after what is its. */
lc_ledger_holder *lc_ledger_holder_of(lc_ledger *ledger, const lc_uuid *id);
lc_ledger_holder *lc_ledger_await(lc_ledger *ledger, const lc_uuid *id);
void lc_ledger_await_no_more(lc_ledger *ledger, lc_ledger_holder *holder);
/* It has no open part any more. */
void lc_ledger_close_cycle(lc_ledger *ledger, lc_ledger_cycle *cycle);

/* A new one, zeroed. */
void *lc_ledger_add_part(lc_ledger *ledger, lc_ledger_holder *holder, lc_part_kind kind);
/* One that nothing holds any more. */
void lc_ledger_free_part(lc_ledger *ledger, lc_ledger_part *part);
/* What is awaited is awaited no more without its last part. */
void lc_ledger_drop_part(lc_ledger *ledger, lc_ledger_holder *holder, lc_ledger_part *part);
/* It is that cycle's from now on (or still): a hand-off that came late gives what was found a cycle of another id. Its
 * holder. */
lc_ledger_holder *
lc_ledger_move_part(lc_ledger *ledger, lc_ledger_holder *from, lc_ledger_part *part, const lc_uuid *id);
/* The parts of one are the other's from now on, which had none. */
void lc_ledger_move_parts(lc_ledger_holder *from, lc_ledger_holder *to);
/* NULL: there is none. */
lc_ledger_tenure *lc_holder_tenure(const lc_ledger_holder *holder, uint32_t position);

/* A deletion of what `row` is the key of. */
void lc_ledger_forget(lc_ledger *ledger, int table, const void *row);
