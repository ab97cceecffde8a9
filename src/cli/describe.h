/* describe.h - a fact, an outcome, a state or counters in a few words, for people. */
#pragma once

#include <leadclock/base.h>

#include <jansson.h>

typedef struct {
    const char *what;   /* "BREACHED"; static, or borrowed from the record */
    const char *colour; /* ANSI, to go before; "" for none */
} lc_description;

/* `record`: as lc_plan_read_json and lc_json_write_outcome write it. Appends why to `why`. */
lc_description lc_cli_describe(const json_t *record, GString *why);

/* The two largest units: "1d 2h" of 1d 2h 30m 5s; appended. */
void lc_cli_append_duration(GString *out, lc_duration duration);

/* "2026-02-02 09:00:00" of "2026-02-02T09:00:00.000Z"; appended. NULL: "-". */
void lc_cli_append_time(GString *out, const char *iso);
