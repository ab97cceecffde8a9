/* json_facts.h - records whose value is JSON: plain facts and CloudEvents. */
#pragma once

#include "facts.h"

/* Whether the value is to be read as JSON: a brace, with space before it or without. */
bool lc_json_facts_are(lc_text value);

/* `text`: the value, without its frame. The record becomes a fact, or a dead letter. */
void lc_json_facts_read(const lc_worker *worker, lc_batch_record *record, lc_text text, lc_arena *arena);
