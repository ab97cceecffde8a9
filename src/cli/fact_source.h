/* fact_source.h - facts from a file, one after the other: JSON Lines (section 9), or an Avro object
 * container file, which its first bytes tell. */
#pragma once

#include <leadclock/codec.h>

typedef struct lc_fact_source lc_fact_source;

typedef struct {
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at; /* or LC_ABSENT */
} lc_sourced_fact;

typedef enum {
    LC_SOURCE_FACT,
    LC_SOURCE_BAD, /* no valid fact: `error` says why; the source goes on */
    LC_SOURCE_END,
    LC_SOURCE_BROKEN /* it can't be read on: `error` says why */
} lc_source_event;

/* "-": standard input. LC_ERROR_CONFIG: it can't be opened. */
lc_fact_source *lc_fact_source_open(const char *path, GError **error);
void lc_fact_source_close(lc_fact_source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_fact_source, lc_fact_source_close)

/* What is in `fact` is good until the next call. Blank lines are passed over. */
lc_source_event lc_fact_source_next(lc_fact_source *source, lc_sourced_fact *fact, GError **error);

/* "events.jsonl:17" (a line), "facts.avro: record 17": where the last one stood. Good until the next call. */
const char *lc_fact_source_place(lc_fact_source *source);
/* In the end: how many hand-offs had an empty channel, and where the first stood, on standard error; nothing where
 * there were none. */
void lc_fact_source_warn(const lc_fact_source *source, const char *command);
/* The share read so far, 0 to 1; negative where the size is not known. */
double lc_fact_source_share(const lc_fact_source *source);
