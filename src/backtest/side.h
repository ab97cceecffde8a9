/* side.h - what a comparison looks at in a side. Private to this room. */
#pragma once

#include <leadclock/backtest.h>

const char *lc_backtest_side_name(const lc_backtest_side *side); /* its policy files */
lc_ledger *lc_backtest_side_ledger(const lc_backtest_side *side);
