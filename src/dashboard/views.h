/* views.h - which page a path is: answers of the room report. Private to this room. */
#pragma once

#include <leadclock/dashboard.h>
#include <leadclock/report.h>

/* lc_page_parameters by number. */
typedef enum {
    ASK_ID,
    ASK_OWNER,
    ASK_UNOWNED,
    ASK_DAYS,
    ASK_FROM,
    ASK_BROKEN,
    ASK_DUE,
    ASK_CLOCK,
    ASK_HANDED_OFF,
    ASK_SETTLED,
    ASK_CHANNEL,
    ASK_RULE,
    ASK_CAUSE,
    ASK_REASON,
    ASK_TRACK,
    ASK_FIRST_CONTACT,
    ASK_STAGE,
    ASK_TO,
    ASK_IS,
    ASK_NEXT,
    ASK_BROKE,
    ASK_EARLY,
    ASK_BY,
    ASK_ROUTED,
    ASK_ROUTE,
    ASK_ONTO,
    ASK_MONTH,
    ASK_AGE,
    ASK_TABLE
} lc_page_parameter;

/* What pages are made of. */
typedef struct {
    const lc_ledger *ledger;
    const lc_policy_book *book;
    lc_instant now;
    const lc_instance_state *instances;
    size_t n_instances;
    uint64_t records, pages_made; /* so far */
} lc_view;

/* NULL: there is no such page, or no such lead. */
lc_answers *lc_view_find(const lc_view *view, const lc_page_question *question);
/* How many days a page that looks back tells of. */
unsigned lc_view_days(const lc_page_question *question);
/* The path and what was asked of it, as a link. Caller frees. */
char *lc_view_path(const lc_page_question *question);
