/* Rules 6.2 and 6.3: what is published is the difference between what held before and what holds now. */
#include "difference.h"

void
lc_difference_init(lc_difference *difference)
{
    *difference = (lc_difference){
        .published = lc_array_new(lc_entry),
        .retracted = lc_array_new(lc_entry),
        .outcomes = lc_array_new(lc_outcome),
    };
    lc_namer_init(&difference->namer);
}

void
lc_difference_clear(lc_difference *difference)
{
    g_array_unref(difference->published);
    g_array_unref(difference->retracted);
    g_array_unref(difference->outcomes);
    lc_arena_clear(&difference->arena);
    lc_namer_clear(&difference->namer);
}

/* One cycle as one of the two derivations has it: absent, or without its first findings, which both have. */
typedef struct {
    lc_replay *replay;
    const lc_cycle *cycle; /* or NULL */
    lc_finding *findings;
    guint n_findings;
    guint next; /* where to look first for a match: both are in order of time */
    uint32_t number;
} side;

static side
side_of(lc_replay *replay, guint number, guint n_shared)
{
    if (number < replay->first_number || number >= replay->first_number + replay->cycles->len)
        return (side){0};
    const lc_cycle *cycle = &g_array_index(replay->cycles, lc_cycle, number - replay->first_number);
    return (side){.replay = replay,
                  .cycle = cycle,
                  .findings = &g_array_index(replay->findings, lc_finding, cycle->findings + n_shared),
                  .n_findings = cycle->n_findings - n_shared,
                  .number = number + 1};
}

static lc_entry
entry_of(const side *of, const lc_finding *finding, bool restated)
{
    return (lc_entry){
        .replay = of->replay, .cycle = of->cycle, .finding = finding, .number = of->number, .restated = restated};
}

static void
add(GArray *entries, const side *of, const lc_finding *finding, bool restated)
{
    *lc_array_add(entries, lc_entry) = entry_of(of, finding, restated);
}

static lc_finding *
find_match(side *in, const lc_cycle *cycle, const lc_finding *finding)
{
    for (guint i = 0; i < in->n_findings; i++) {
        guint index = (in->next + i) % in->n_findings;
        lc_finding *candidate = &in->findings[index];
        if (!candidate->matched && lc_finding_same(in->cycle, candidate, cycle, finding)) {
            in->next = index + 1;
            return candidate;
        }
    }
    return NULL;
}

static bool
says_the_same(lc_difference *difference, const side *before, const lc_finding *then, const side *after,
              const lc_finding *now)
{
    lc_entry entries[] = {entry_of(before, then, false), entry_of(after, now, false)};
    lc_outcome outcomes[2];

    for (int i = 0; i < 2; i++)
        lc_entry_spell_out(&entries[i], &difference->namer, &difference->arena, &outcomes[i]);
    return lc_record_equal(&lc_outcome_records[outcomes[0].type], &outcomes[0], &outcomes[1]);
}

static void
compare_finding(lc_difference *difference, side *before, const side *after, const lc_finding *finding,
                lc_instant warn_from)
{
    lc_finding *match = find_match(before, after->cycle, finding);
    bool is_warning = finding->type == LC_OUTCOME_WARNING;

    if (match == NULL) {
        if (!is_warning || finding->due_at >= warn_from)
            add(difference->published, after, finding, false);
        return;
    }
    match->matched = true;
    if (!is_warning && !says_the_same(difference, before, match, after, finding))
        add(difference->published, after, finding, true);
}

static void
compare_cycle(lc_difference *difference, side *before, const side *after, lc_instant warn_from)
{
    for (guint i = 0; i < after->n_findings; i++)
        compare_finding(difference, before, after, &after->findings[i], warn_from);
    for (guint i = 0; i < before->n_findings; i++)
        if (!before->findings[i].matched && before->findings[i].type != LC_OUTCOME_WARNING)
            add(difference->retracted, before, &before->findings[i], false);
}

/* Of what both have found only a row can have changed since: by stages reached after the settlement (4.9). */
static void
compare_shared(lc_difference *difference, const side *before, const side *after, lc_shared shared)
{
    if (shared.findings == 0 || (before->cycle->n_stages == shared.stages && after->cycle->n_stages == shared.stages))
        return;
    const lc_finding *last = after->findings - 1;
    if (last->type == LC_OUTCOME_SETTLED && !says_the_same(difference, before, last, after, last))
        add(difference->published, after, last, true);
}

static void
compare_cycles(lc_difference *difference, lc_replay *before, lc_replay *after, lc_shared shared, lc_instant warn_from)
{
    guint first = before->first_number;
    guint end = MAX(first + before->cycles->len, after->cycles->len);

    for (guint number = first; number < end; number++) {
        guint n_shared = number == first && before->cycles->len ? shared.findings : 0;
        side was = side_of(before, number, 0), is = side_of(after, number, n_shared);
        if (n_shared)
            compare_shared(difference, &was, &is, shared);
        compare_cycle(difference, &was, &is, warn_from);
    }
}

static void
sort(lc_difference *difference, GArray *entries)
{
    for (guint i = 0; i < entries->len; i++)
        lc_entry_name(&g_array_index(entries, lc_entry, i), &difference->namer);
    if (entries->len > 1)
        g_qsort_with_data(entries->data, (gint)entries->len, sizeof(lc_entry), lc_entry_compare, NULL);
}

static void
retract(lc_difference *difference, const lc_entry *entry)
{
    *lc_array_add(difference->outcomes, lc_outcome) = (lc_outcome){
        .type = LC_OUTCOME_RETRACTED,
        .cycle = entry->number,
        .event_id = lc_retraction_id(&entry->id, &difference->namer),
        .handoff_at = LC_ABSENT,
        .occurred_at = entry->finding->occurred_at,
        .clock = LC_CLOCK_NONE,
        .retracted = {.retracts = entry->id, .retracted_type = (lc_outcome_type)entry->finding->type},
    };
}

static void
publish(lc_difference *difference, const lc_entry *entry)
{
    lc_entry_spell_out(entry, &difference->namer, &difference->arena, lc_array_add(difference->outcomes, lc_outcome));
}

void
lc_difference_make(lc_difference *difference, lc_text lead_id, lc_replay *before, lc_replay *after, lc_shared shared,
                   lc_instant warn_from)
{
    difference->namer.lead_id = lead_id;
    lc_arena_reset(&difference->arena);
    lc_array_empty(difference->published);
    lc_array_empty(difference->retracted);
    lc_array_empty(difference->outcomes);

    compare_cycles(difference, before, after, shared, warn_from);
    sort(difference, difference->retracted);
    sort(difference, difference->published);
    for (guint i = 0; i < difference->retracted->len; i++)
        retract(difference, &g_array_index(difference->retracted, lc_entry, i));
    for (guint i = 0; i < difference->published->len; i++)
        publish(difference, &g_array_index(difference->published, lc_entry, i));
}
