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

/* ---- What a cycle has, made once a rule ---- */

/* Runs by their index. */
typedef struct {
    guint n;
    guint *indexes;
} run_list;

struct lc_rule_clocks {
    GArray *runs; /* lc_clock_run */
    /* Those that have a hook: few have most, and to look at the others takes as long as to ask one. */
    run_list opened, contacted, after_contact, progressed, after_progress, duplicated, assigned;
};

typedef struct {
    const lc_policy *policy;
    lc_rule_clocks *rules;
} document_clocks;

struct lc_clocks_book {
    size_t n;
    document_clocks *documents;
    lc_arena arena;
};

static void
set_up_kind(GArray *runs, const struct lc_clock_kind *kind, const lc_policy *policy, const lc_rule *rule)
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

#define LIST_RUNS(clocks, hook, arena)                                                                                 \
    do {                                                                                                               \
        (clocks)->hook = (run_list){0, lc_arena_new((arena), guint, (clocks)->runs->len)};                             \
        for (guint i = 0; i < (clocks)->runs->len; i++)                                                                \
            if (g_array_index((clocks)->runs, lc_clock_run, i).kind->hook)                                             \
                (clocks)->hook.indexes[(clocks)->hook.n++] = i;                                                        \
    } while (0)

static void
set_up_rule(lc_rule_clocks *clocks, const lc_policy *policy, const lc_rule *rule, lc_arena *arena)
{
    clocks->runs = g_array_new(FALSE, FALSE, sizeof(lc_clock_run));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        set_up_kind(clocks->runs, kinds[i], policy, rule);
    LIST_RUNS(clocks, opened, arena);
    LIST_RUNS(clocks, contacted, arena);
    LIST_RUNS(clocks, after_contact, arena);
    LIST_RUNS(clocks, progressed, arena);
    LIST_RUNS(clocks, after_progress, arena);
    LIST_RUNS(clocks, duplicated, arena);
    LIST_RUNS(clocks, assigned, arena);
}

static document_clocks
set_up_document(const lc_policy *policy, lc_arena *arena)
{
    document_clocks document = {policy, lc_arena_new(arena, lc_rule_clocks, policy->n_rules)};

    for (unsigned i = 0; i < policy->n_rules; i++)
        set_up_rule(&document.rules[i], policy, &policy->rules[i], arena);
    return document;
}

lc_clocks_book *
lc_clocks_book_new(const lc_policy_book *book)
{
    lc_clocks_book *clocks = g_new0(lc_clocks_book, 1);

    clocks->n = lc_policy_book_size(book);
    clocks->documents = lc_arena_new(&clocks->arena, document_clocks, clocks->n);
    for (size_t i = 0; i < clocks->n; i++)
        clocks->documents[i] = set_up_document(lc_policy_book_get(book, i), &clocks->arena);
    return clocks;
}

void
lc_clocks_book_free(lc_clocks_book *clocks)
{
    for (size_t i = 0; i < clocks->n; i++)
        for (unsigned k = 0; k < clocks->documents[i].policy->n_rules; k++)
            g_array_unref(clocks->documents[i].rules[k].runs);
    lc_arena_clear(&clocks->arena);
    g_free(clocks);
}

static const lc_rule_clocks *
clocks_of(const lc_clocks_book *clocks, const lc_cycle *cycle)
{
    size_t i = clocks->n - 1;

    while (clocks->documents[i].policy != cycle->policy)
        i--;
    return &clocks->documents[i].rules[cycle->rule - cycle->policy->rules];
}

/* ---- What happens to them ---- */

/* Calls a hook of each run that has it: where it may not start a clock of those that are awake. */
#define TELL(replay, hook, starts, ...)                                                                                \
    do {                                                                                                               \
        const run_list *list = &(replay)->rule_clocks->hook;                                                           \
        lc_clock_run *first_run = (lc_clock_run *)(void *)(replay)->runs->data;                                        \
        for (guint i = 0; i < list->n; i++) {                                                                          \
            lc_clock_run *run = &first_run[list->indexes[i]];                                                          \
            if ((starts) || is_awake(run))                                                                             \
                run->kind->hook((replay), run, __VA_ARGS__);                                                           \
        }                                                                                                              \
    } while (0)

void
lc_clocks_open(lc_replay *replay, lc_instant follow_up_at)
{
    replay->rule_clocks = clocks_of(replay->clocks, replay->cycle);
    const GArray *runs = replay->rule_clocks->runs;

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

/* Among the instants at one time: by what they are, then the clocks in their order. `*others` is the first instant of
 * the others. */
static lc_clock_run *
earliest(const lc_replay *replay, lc_instant *others)
{
    lc_clock_run *run = (lc_clock_run *)(void *)replay->runs->data, *end = run + replay->runs->len, *best = run;
    lc_instant first = run->next, second = LC_NEVER;

    for (run++; run < end; run++) {
        lc_instant next = run->next;
        if (G_LIKELY(next > first)) {
            second = MIN(second, next);
            continue;
        }
        second = first;
        if (next == first && run->next_is >= best->next_is)
            continue;
        first = next;
        best = run;
    }
    *others = second;
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
