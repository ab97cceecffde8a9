/* tally.h - net outcomes (6.2) by rule and channel, and response times: what counters don't tell.
 *
 * What a lead contributed is kept with the lead, so that a restatement or a retraction takes it back. */
#pragma once

#include <leadclock/core.h>

typedef struct lc_tally lc_tally;

/* One population of net outcomes of one type. */
typedef struct {
    lc_outcome_type type; /* breached, clawed back, routed or settled */
    lc_text rule;         /* absent: a gate held it back */
    lc_text channel;
    lc_text what; /* breached: the clock, or CLOCK:early; routed: "CAUSE to ROUTE"; settled: the cause */
    int64_t count;
} lc_tally_group;

lc_tally *lc_tally_new(void);
void lc_tally_free(lc_tally *tally);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_tally, lc_tally_free)

/* `*lead` is what this lead has contributed; NULL at first. Warnings are not counted. */
void lc_tally_add_outcome(lc_tally *tally, void **lead, const lc_outcome *outcome);
/* Only the response time of a LeadSettled that was not published. */
void lc_tally_add_response(lc_tally *tally, void **lead, const lc_outcome *outcome);
/* Nothing of this lead will change any more: its response times are final. Frees `*lead`. */
void lc_tally_close_lead(lc_tally *tally, void **lead);

/* Groups with a count, by channel and rule. Caller unrefs (lc_tally_group *, borrowed). */
GPtrArray *lc_tally_groups(const lc_tally *tally);

/* Response times (plain time from hand-off to first contact) of the leads closed so far. */
size_t lc_tally_responses(const lc_tally *tally);
/* The least response time that `percent` (1 to 100) of them do not exceed; LC_ABSENT: there are none. */
lc_duration lc_tally_percentile(lc_tally *tally, unsigned percent);
