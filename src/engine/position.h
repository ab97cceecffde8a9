/* position.h - (O, C) as text: committed metadata, and the position applied in the store. */
#pragma once

#include <leadclock/log.h>

/* The position applied in the store, taken apart. */
typedef enum { LC_APPLIED_NONE, LC_APPLIED_RECOVERING, LC_APPLIED_WHOLE } lc_applied_kind;

typedef struct {
    lc_applied_kind kind;
    int64_t *offsets;            /* O by input topic, -1 where it names none; of WHOLE only */
    int64_t sure[LC_CHANGELOGS]; /* B: all below is there; at or above there may be holes */
    int64_t ends[LC_CHANGELOGS]; /* C: nothing at or above is there */
} lc_applied;

/* `rec:B>C:nonce`, or `O:B>C:nonce`, with a fresh nonce; without `B>` where B is C. Caller frees. */
char *lc_applied_format_recovering(const int64_t *sure, const int64_t *ends);
char *
lc_applied_format(const char *const *input_names, const int64_t *offsets, const int64_t *sure, const int64_t *ends);
/* `text` absent: NONE. False: not one of ours. `offsets` from `arena`. */
bool lc_applied_parse(lc_text text, const char *const *input_names, int n_inputs, lc_arena *arena, lc_applied *applied);

/* What travels with committed offsets. */
typedef struct {
    int32_t partitions; /* of the inputs; 0: not known, of an older version */
    bool republished;   /* facts from before lie in the inputs again, and not all were seen to be read */
    int edition;        /* of the rules that leads were judged by: LC_POLICY_EDITION */
    int64_t ends[LC_CHANGELOGS];
    lc_text policy_hash, transactional_id;
} lc_metadata;

/* Instead of it: what Kafka has lost, said by an owner that stopped for it. */
#define LC_METADATA_LOST "lost: "

char *lc_metadata_format(const lc_metadata *metadata);
bool lc_metadata_parse(lc_text text, lc_metadata *metadata);
