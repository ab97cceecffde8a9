/* standing.h - how a lead's latest cycle stands, in words. Inside the CLI only. */
#pragma once

#include <leadclock/core.h>

/* "-" where it is absent, "never". `text`: LC_INSTANT_TEXT_BYTES, may be what is returned. */
const char *lc_cli_format_instant(lc_instant at, char *text);
/* `before`, then "2026-02-02 09:00:00". */
void lc_cli_append_instant(GString *out, const char *before, lc_instant at);

/* NULL where there is none. Lives as long as the judgement. */
const lc_cycle_row *lc_cli_latest_cycle(const lc_judgement *judgement);
void lc_cli_print_standing(const lc_judgement *judgement, const lc_cycle_row *cycle);
