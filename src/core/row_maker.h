/* row_maker.h - what it takes to make the rows of a lead. Inside the core only. */
#pragma once

#include "derive.h"
#include "outcome.h"

/* A cycle as one of the two derivations has it. Its first findings may lie in the other replay: both have them. */
typedef struct {
    lc_replay *replay;
    const lc_cycle *cycle; /* NULL: there is none */
    uint32_t number;
    const lc_finding *shared, *own;
    guint n_shared, n_own;
    bool has_id;
    lc_uuid id; /* its cycle_id, once it is asked for */
} lc_row_side;

typedef struct {
    GArray *rows;                         /* lc_row: what is new, in the order of lc_judgement */
    GArray *rows_then, *rows_now;         /* lc_row: what one cycle has of one table, on either side */
    GArray *breaches_then, *breaches_now; /* the same of breaches */
} lc_rows;

typedef struct {
    lc_rows *rows;
    unsigned types; /* bits by lc_row_type */
    lc_namer *namer;
} lc_row_maker;

bool lc_row_wanted(const lc_row_maker *m, lc_row_type type);
/* The event_id of its LeadSettled, also while it is open. */
lc_uuid lc_row_cycle_id(const lc_row_maker *m, lc_row_side *side);
lc_uuid lc_row_finding_id(const lc_row_maker *m, const lc_row_side *side, const lc_finding *finding);
/* Its columns are still to be set. Good until another is added. */
lc_row *lc_row_add(GArray *rows, lc_row_type type);
