/* Section 5: all clocks of a cycle, and the order among them. */
#include "clocks.h"

#include "clock.h"
#include "pause.h"

extern const struct lc_clock_kind lc_first_contact_kind, lc_again_kind, lc_renewed_kind, lc_requested_kind,
    lc_milestone_kind, lc_follow_up_kind, lc_next_contact_kind, lc_clawback_kind;

/* In the order of section 5. */
static const struct lc_clock_kind *const kinds[] = {
    &lc_first_contact_kind, &lc_again_kind,     &lc_renewed_kind,      &lc_requested_kind,
    &lc_milestone_kind,     &lc_follow_up_kind, &lc_next_contact_kind, &lc_clawback_kind,
};

/* Whether something can still happen to it but a start. */
static inline bool
is_awake(const lc_clock_run *run)
{
    return run->state == LC_RUN_RUNNING || run->state == LC_RUN_BREACHED;
}

/* Calls a hook of each run that has it: where it may not start a clock of those that are awake. */
#define TELL(replay, hook, starts, ...)                                                                                \
    do {                                                                                                               \
        lc_clock_run *run = (lc_clock_run *)(void *)(replay)->runs->data, *end = run + (replay)->runs->len;            \
        for (; run < end; run++)                                                                                       \
            if (((starts) || is_awake(run)) && run->kind->hook)                                                        \
                run->kind->hook((replay), run, __VA_ARGS__);                                                           \
    } while (0)

/* ---- What a cycle has, made once a rule ---- */

typedef struct {
    const lc_policy *policy;
    GArray **runs; /* by rule: lc_clock_run */
} document_clocks;

struct lc_clocks_book {
    size_t n;
    document_clocks *documents;
};

static void
set_up(GArray *runs, const struct lc_clock_kind *kind, const lc_policy *policy, const lc_rule *rule)
{
    unsigned n = kind->count(policy, rule);

    for (unsigned i = 0; i < n; i++) {
        lc_clock_run run = {.kind = kind,
                            .clock = (uint8_t)kind->clock,
                            .waits = !kind->runs_in_pauses,
                            .index = (uint8_t)i,
                            .next = LC_NEVER};
        kind->set_up(&run, rule, i);
        g_array_append_val(runs, run);
    }
}

static document_clocks
set_up_document(const lc_policy *policy)
{
    document_clocks document = {policy, g_new(GArray *, policy->n_rules)};

    for (unsigned i = 0; i < policy->n_rules; i++) {
        document.runs[i] = g_array_new(FALSE, FALSE, sizeof(lc_clock_run));
        for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++)
            set_up(document.runs[i], kinds[k], policy, &policy->rules[i]);
    }
    return document;
}

lc_clocks_book *
lc_clocks_book_new(const lc_policy_book *book)
{
    lc_clocks_book *clocks = g_new(lc_clocks_book, 1);

    clocks->n = lc_policy_book_size(book);
    clocks->documents = g_new(document_clocks, clocks->n);
    for (size_t i = 0; i < clocks->n; i++)
        clocks->documents[i] = set_up_document(lc_policy_book_get(book, i));
    return clocks;
}

void
lc_clocks_book_free(lc_clocks_book *clocks)
{
    for (size_t i = 0; i < clocks->n; i++) {
        for (unsigned k = 0; k < clocks->documents[i].policy->n_rules; k++)
            g_array_unref(clocks->documents[i].runs[k]);
        g_free(clocks->documents[i].runs);
    }
    g_free(clocks->documents);
    g_free(clocks);
}

static const GArray *
runs_of(const lc_clocks_book *clocks, const lc_cycle *cycle)
{
    size_t i = clocks->n - 1;

    while (clocks->documents[i].policy != cycle->policy)
        i--;
    return clocks->documents[i].runs[cycle->rule - cycle->policy->rules];
}

/* ---- What happens to them ---- */

void
lc_clocks_open(lc_replay *replay, lc_instant follow_up_at)
{
    const GArray *runs = runs_of(replay->clocks, replay->cycle);

    lc_array_empty(replay->runs);
    lc_array_lengthen(replay->runs, runs->len);
    memcpy(replay->runs->data, runs->data, runs->len * sizeof(lc_clock_run));
    replay->quiet_until = LC_NEVER;
    TELL(replay, opened, true, follow_up_at);
}

void
lc_clocks_contacted(lc_replay *replay, const lc_moment *contact)
{
    TELL(replay, contacted, false, contact);
    TELL(replay, after_contact, true, contact);
}

void
lc_clocks_progressed(lc_replay *replay, unsigned stage, lc_instant at)
{
    TELL(replay, progressed, false, stage, at);
    TELL(replay, after_progress, true, stage, at);
}

void
lc_clocks_settled(lc_replay *replay, lc_instant at)
{
    lc_clock_run *run = (lc_clock_run *)(void *)replay->runs->data, *end = run + replay->runs->len;

    for (; run < end; run++)
        if (is_awake(run))
            lc_clock_settle(replay, run, at);
}

void
lc_clocks_duplicated(lc_replay *replay, lc_instant at, const lc_rule *rule)
{
    TELL(replay, duplicated, true, at, rule);
}

void
lc_clocks_assigned(lc_replay *replay, lc_instant at)
{
    TELL(replay, assigned, true, at);
}

void
lc_clocks_move(lc_replay *replay)
{
    lc_clock_run *run = (lc_clock_run *)(void *)replay->runs->data, *end = run + replay->runs->len;

    for (; run < end; run++)
        if (is_awake(run) && run->waits)
            lc_clock_move(replay, run);
}

const lc_clock_run *
lc_clocks_first_contact(const lc_replay *replay)
{
    return lc_clock_find(replay, LC_CLOCK_FIRST_CONTACT);
}

/* ---- What takes place next ---- */

/* Among the instants at one time: by what they are, then the clocks in their order. */
static inline bool
is_earlier(const lc_clock_run *run, const lc_clock_run *than)
{
    return run->next < than->next || (run->next == than->next && run->next_is < than->next_is);
}

/* `*others` is the first instant of the others. */
static lc_clock_run *
earliest(const lc_replay *replay, lc_instant *others)
{
    lc_clock_run *run = (lc_clock_run *)(void *)replay->runs->data, *end = run + replay->runs->len, *best = run;

    *others = LC_NEVER;
    for (run++; run < end; run++)
        if (is_earlier(run, best)) {
            *others = best->next;
            best = run;
        } else if (run->next < *others) {
            *others = run->next;
        }
    return best;
}

static void
end_pause(lc_replay *replay)
{
    lc_pause_end(replay, replay->cycle->pause_ends);
    lc_clocks_move(replay);
}

/* Looks at clocks until the earliest is known; NULL: the end of a pause is the first of its time. */
static lc_clock_run *
look(lc_replay *replay, lc_instant until)
{
    lc_instant others;
    lc_clock_run *run = earliest(replay, &others);

    while (run->next < until && !run->is_exact) {
        lc_clock_look(replay, run);
        if (run->next >= others)
            run = earliest(replay, &others);
    }
    bool ends_pause = lc_is_paused(replay) && replay->cycle->pause_ends <= run->next;
    replay->quiet_until = ends_pause ? replay->cycle->pause_ends : run->next;
    return ends_pause ? NULL : run;
}

/* Whether the first instant has taken effect. */
static bool
is_over(lc_replay *replay, lc_instant until)
{
    if (replay->quiet_until >= until)
        return false;
    if (replay->quiet_until < replay->now)
        return true;
    replay->wake_at = MIN(replay->wake_at, replay->quiet_until);
    return false;
}

bool
lc_clocks_advance(lc_replay *replay, lc_instant until, lc_settlement *settlement)
{
    for (;;) {
        lc_clock_run *run = look(replay, until);
        if (!is_over(replay, until))
            return false;
        if (run == NULL)
            end_pause(replay);
        else if (lc_clock_fire(replay, run, settlement))
            return true;
    }
}
