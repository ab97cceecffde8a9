/* check.h - what the readers of facts check beside the fact itself. Inside the codec only. */
#pragma once

#include <leadclock/codec.h>

/* Where it is told what is wrong. */
typedef struct {
    const char **field; /* a literal: which field it is about */
    GError **error;
    bool is_utf8; /* all texts are known to be UTF-8 */
} lc_complaint;

/* Whether a time that may be absent is one that rule 1.7 allows; otherwise LC_ERROR_RECORD, which says what it looks
 * like. */
bool lc_time_check(const char *field, lc_instant instant, const lc_complaint *to);
/* The same of one that came as a text, and is told as one. */
bool lc_time_text_check(const char *field, lc_instant instant, const lc_complaint *to);

/* lc_lead_id_check and lc_fact_check, without a record time. */
bool lc_record_check(lc_text lead_id, const lc_fact *fact, const lc_complaint *to);
