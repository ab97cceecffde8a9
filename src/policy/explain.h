/* explain.h - what the files that explain a policy share: each appends plain words to a text. */
#pragma once

#include "read.h"

/* "5 min", "2 min 30 s", "24 h", "30 days". */
void lc_say_duration(GString *text, lc_duration duration);
/* The same by the calendar of a clock: of open time a day is not 24 h, so it is said in hours. */
void lc_say_time_of(GString *text, const lc_clock_rule *clock, lc_duration duration);
/* "from demo or quote, with region north". */
void lc_say_condition(GString *text, const lc_condition *condition);
/* "NURTURE, track early". */
void lc_say_destination(GString *text, const lc_destination *destination);
/* What stands between item `i` of `n` and the one before it: "a, b or c". */
const char *lc_separator(unsigned i, unsigned n, const char *last);

void lc_explain_rule(const lc_policy *policy, unsigned index, GString *text);
/* Those of a document but `always`. */
void lc_explain_calendars(const lc_document *document, GString *text);
