/* names.h - the names of enumerations, by value and NULL-terminated. Inside the core only. */
#pragma once

#include <leadclock/core.h>

extern const char *const lc_outcome_type_names[];
extern const char *const lc_breach_kind_names[]; /* of `early` */
extern const char *const lc_ended_by_names[];
extern const char *const lc_clock_from_names[];
extern const char *const lc_route_names[];
extern const char *const lc_cause_names[];
extern const char *const lc_criterion_kind_names[]; /* of `is_signal` */
extern const char *const lc_row_type_names[];
extern const char *const lc_cycle_status_names[]; /* of `settled` */
extern const char *const lc_first_contact_state_names[];

/* Of an lc_explanation. */
extern const lc_record lc_explanation_record;
