/* filled.h - records with something in every field, by their tables (record.h). */
#pragma once

#include <leadclock/core.h>

/* Something that is neither blank nor that of the other variant (0 or 1); lists of records are left alone. */
void filled_field(const lc_record_field *field, void *record, int variant);
/* Each field, in variant 0. */
void filled_record(const lc_record *record, void *of);
/* A list of one item. */
void filled_list(const lc_record_field *field, void *record, const void *items);
