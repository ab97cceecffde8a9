/* check.h - what the readers of facts check beside the fact itself. Inside the codec only. */
#pragma once

#include <leadclock/codec.h>

/* Whether a time that may be absent is one that rule 1.7 allows; otherwise LC_ERROR_RECORD, which says what it looks
 * like. */
bool lc_time_check(const char *field, lc_instant instant, GError **error);
