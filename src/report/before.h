/* before.h - the period before the one that is asked for. Private to this room. */
#pragma once

#include "ledger.h"

/* As many months where it is whole months, as many days where it is whole days, otherwise as long; one that is not
 * over yet counts as far as it has come. `before` asks the same of it. False: there is none, or not all of its leads
 * are kept any more. */
bool lc_report_before(const lc_ledger *ledger, const lc_report_question *question, lc_report_question *before);
