/* The core's door: a fact or a wake-up is judged (section 8). */
#include "clock.h"
#include "clocks.h"
#include "counters.h"
#include "derive.h"
#include "difference.h"
#include "rows.h"

/* Rule 8.4. */
enum { FACTS_THEN_WHAT_COUNTS_ONLY = 4096, FACTS_THEN_ERASURES_ONLY = 6144 };

struct lc_judge {
    const lc_policy_book *book;
    lc_clocks_book *clocks;
    bool any_logged; /* a document says contact_time: logged */
    GArray *moments; /* lc_moment: the lead's facts in the order of 1.3 */
    lc_replay before, after;
    lc_difference difference;
    lc_counters counters;
    lc_rows rows;
    GArray *running;    /* lc_running_clock */
    unsigned row_types; /* that are asked for, as bits */
    lc_judgement judgement;
};

lc_judge *
lc_judge_new(const lc_policy_book *book)
{
    lc_judge *judge = g_new0(lc_judge, 1);

    judge->book = book;
    judge->clocks = lc_clocks_book_new(book);
    for (size_t i = 0; i < lc_policy_book_size(book); i++)
        judge->any_logged |= lc_policy_book_get(book, i)->contact_time_logged;
    judge->moments = lc_array_new(lc_moment);
    judge->running = lc_array_new(lc_running_clock);
    lc_replay_init(&judge->before, book, judge->clocks);
    lc_replay_init(&judge->after, book, judge->clocks);
    lc_difference_init(&judge->difference);
    lc_counters_init(&judge->counters, book);
    lc_rows_init(&judge->rows);
    return judge;
}

void
lc_judge_free(lc_judge *judge)
{
    if (judge == NULL)
        return;
    g_array_unref(judge->moments);
    g_array_unref(judge->running);
    lc_replay_clear(&judge->before);
    lc_replay_clear(&judge->after);
    lc_difference_clear(&judge->difference);
    lc_counters_clear(&judge->counters);
    lc_rows_clear(&judge->rows);
    lc_clocks_book_free(judge->clocks);
    g_free(judge);
}

void
lc_judge_set_rows(lc_judge *judge, unsigned row_types)
{
    judge->row_types = row_types;
    judge->before.keeps_due = judge->after.keeps_due = row_types >> LC_ROW_CYCLE & 1;
}

void
lc_lead_init(lc_lead *lead, lc_text id)
{
    *lead = (lc_lead){.id = id, .judged_at = LC_ABSENT, .wake_at = LC_NEVER, .erased_at = LC_ABSENT};
}

bool
lc_lead_is_empty(const lc_lead *lead)
{
    return lead->n_facts == 0 && lead->erased_at == LC_ABSENT;
}

/* ---- Order (1.2, 1.3) ---- */

static lc_moment
moment_of(const lc_judge *judge, const lc_fact *fact)
{
    bool logged = judge->any_logged && fact->type == LC_FACT_CONTACTED && fact->recorded_at != LC_ABSENT &&
                  lc_policy_book_at(judge->book, fact->occurred_at)->contact_time_logged;

    return (lc_moment){logged ? fact->recorded_at : fact->occurred_at, fact};
}

static int
compare_moments(const void *moment, const void *other, G_GNUC_UNUSED void *unused)
{
    return lc_moment_is_before(moment, other) ? -1 : lc_moment_is_before(other, moment);
}

/* How many places each fact may be out of order, on average, before it takes less time to sort them anew. */
enum { PLACES_OUT_OF_ORDER = 16 };

/* Facts are kept as they came, which is nearly in order. */
static void
order_facts(lc_judge *judge, const lc_fact *facts, size_t n_facts)
{
    lc_array_empty(judge->moments);
    lc_array_lengthen(judge->moments, (guint)n_facts);
    lc_moment *moments = &g_array_index(judge->moments, lc_moment, 0);
    size_t left = PLACES_OUT_OF_ORDER * n_facts;

    for (size_t i = 0; i < n_facts; i++) {
        lc_moment moment = moment_of(judge, &facts[i]);
        size_t place = i;
        for (; place > 0 && left > 0 && lc_moment_is_before(&moment, &moments[place - 1]); place--, left--)
            moments[place] = moments[place - 1];
        moments[place] = moment;
    }
    if (left == 0)
        g_qsort_with_data(moments, (gint)n_facts, sizeof *moments, compare_moments, NULL);
}

/* ---- Deriving ---- */

static const lc_judgement *
say(lc_judge *judge, lc_verdict verdict)
{
    judge->judgement = (lc_judgement){.verdict = verdict};
    return &judge->judgement;
}

/* The facts are in order. `fact` (or NULL) is new; of the others the first `n_now` still hold. */
#define QUESTION(judge, ...)                                                                                           \
    (&(lc_question){                                                                                                   \
        .moments = &g_array_index((judge)->moments, lc_moment, 0), .n_then = (judge)->moments->len, __VA_ARGS__})

/* Whether the lead is forgotten with this, and so its rows are (10.8). */
static void
make_rows(lc_judge *judge, lc_shared shared, bool forgets)
{
    lc_namer *namer = &judge->difference.namer;

    if (forgets)
        lc_rows_delete(&judge->rows, judge->row_types, namer, &judge->before, &judge->after, shared);
    else
        lc_rows_make(&judge->rows, judge->row_types, namer, &judge->before, &judge->after, shared,
                     judge->difference.outcomes);
}

static const lc_judgement *
answer(lc_judge *judge, lc_text lead_id, const lc_question *question, lc_instant warn_from, bool forgets)
{
    lc_shared shared = lc_derive(question, &judge->before, &judge->after);

    lc_difference_make(&judge->difference, lead_id, &judge->before, &judge->after, shared, warn_from);
    lc_counters_make(&judge->counters, &judge->before, &judge->after);
    if (judge->row_types)
        make_rows(judge, shared, forgets);
    judge->judgement = (lc_judgement){
        .verdict = LC_VERDICT_TAKEN,
        .outcomes = (const lc_outcome *)(void *)judge->difference.outcomes->data,
        .n_outcomes = judge->difference.outcomes->len,
        .counts = (const lc_count *)(void *)judge->counters.counts->data,
        .n_counts = judge->counters.counts->len,
        .rows = (const lc_row *)(void *)judge->rows.rows->data,
        .n_rows = judge->rows.rows->len,
    };
    return &judge->judgement;
}

/* ---- Forgetting (4.8, 8.3) ---- */

static lc_instant
retained_until(const lc_judge *judge, lc_instant from)
{
    return lc_instant_after(from, lc_policy_book_at(judge->book, from)->retain);
}

static lc_instant
erasure_that_holds(const lc_judge *judge, lc_instant erased_at, lc_instant now)
{
    return erased_at != LC_ABSENT && retained_until(judge, erased_at) < now ? LC_ABSENT : erased_at;
}

/* When the facts just judged may go; LC_NEVER while a cycle is open. */
static lc_instant
purge_of(const lc_judge *judge, lc_instant last_fact_at)
{
    const lc_replay *after = &judge->after;
    lc_instant last = after->cycle ? MAX(last_fact_at, after->cycle->settled_at) : last_fact_at;

    return after->open ? LC_NEVER : MAX(retained_until(judge, last), after->cooldown_ends);
}

static void
forget_facts(lc_lead *lead)
{
    lead->n_facts = 0;
    lead->wake_at = LC_NEVER;
}

/* The erasure is kept until its time has come; of a lead of which nothing is left nothing is kept. */
static void
keep_erasure(const lc_judge *judge, lc_lead *lead, lc_instant erased_at, lc_instant now)
{
    lead->judged_at = now;
    lead->erased_at = erasure_that_holds(judge, erased_at, now);
    if (lead->erased_at != LC_ABSENT)
        lead->wake_at = MIN(lead->wake_at, retained_until(judge, lead->erased_at));
    if (lc_lead_is_empty(lead))
        lead->judged_at = LC_ABSENT;
}

/* ---- Judging ---- */

static lc_instant
later(lc_instant now, const lc_lead *lead)
{
    if (now == LC_ABSENT && lead->judged_at == LC_ABSENT)
        return 0;
    return MAX(now, lead->judged_at);
}

static bool
has_fact(const lc_lead *lead, lc_text event_id)
{
    for (size_t i = 0; i < lead->n_facts; i++)
        if (lc_text_equal(lead->facts[i].event_id, event_id))
            return true;
    return false;
}

static bool
is_one_too_many(const lc_lead *lead, lc_fact_type type)
{
    if (type == LC_FACT_ERASED)
        return false;
    if (type == LC_FACT_PROGRESSED || type == LC_FACT_REJECTED || type == LC_FACT_MERGED)
        return lead->n_facts >= FACTS_THEN_ERASURES_ONLY;
    return lead->n_facts >= FACTS_THEN_WHAT_COUNTS_ONLY;
}

static lc_verdict
receive(const lc_judge *judge, const lc_lead *lead, const lc_fact *fact, lc_instant erased_at)
{
    if (fact->type == LC_FACT_CONTACTED && fact->automated)
        return LC_VERDICT_AUTOMATED;
    if (erased_at != LC_ABSENT && moment_of(judge, fact).at <= erased_at)
        return LC_VERDICT_FORGOTTEN;
    if (has_fact(lead, fact->event_id))
        return LC_VERDICT_REPEATED;
    return is_one_too_many(lead, fact->type) ? LC_VERDICT_TOO_MANY_FACTS : LC_VERDICT_TAKEN;
}

static void
keep_fact(lc_lead *lead, const lc_fact *fact, lc_arena *arena)
{
    if (lead->n_facts == lead->max_facts) {
        size_t max_facts = MAX(1, 2 * lead->max_facts);
        lc_fact *facts = lc_arena_new(arena, lc_fact, max_facts);
        if (lead->n_facts)
            memcpy(facts, lead->facts, lead->n_facts * sizeof *facts);
        lead->facts = facts;
        lead->max_facts = max_facts;
    }
    lead->facts[lead->n_facts++] = *fact;
}

static size_t
count_until(const GArray *moments, lc_instant at)
{
    guint n = moments->len;

    while (n > 0 && g_array_index(moments, lc_moment, n - 1).at > at)
        n--;
    return n;
}

/* Rule 4.8. Where time is not known, or behind (8.2), the log's time of the erasure tells that its moment has come:
 * else it would lie before the hand-off, and the cycle would end as if it had never been. */
static const lc_judgement *
judge_erasure(lc_judge *judge, lc_lead *lead, const lc_fact *fact, lc_instant erased_at, lc_instant now)
{
    order_facts(judge, lead->facts, lead->n_facts);
    guint n = judge->moments->len;
    lc_instant last = n ? g_array_index(judge->moments, lc_moment, n - 1).at : LC_ABSENT;
    lc_moment moment = {MIN(MAX(now, fact->published_at), MAX(fact->occurred_at, last)), fact};

    size_t n_now = count_until(judge->moments, moment.at);
    answer(judge, lead->id, QUESTION(judge, .then = lead->judged_at, .now = now, .fact = &moment, .n_now = n_now), now,
           true);
    forget_facts(lead);
    keep_erasure(judge, lead, MAX(erased_at, moment.at), now);
    return &judge->judgement;
}

static const lc_judgement *
judge_facts(lc_judge *judge, lc_lead *lead, const lc_fact *fact, lc_instant erased_at, lc_instant now)
{
    size_t n = lead->n_facts - (fact ? 1 : 0);
    order_facts(judge, lead->facts, n);
    lc_moment moment = fact ? moment_of(judge, &lead->facts[n]) : (lc_moment){LC_ABSENT, NULL};
    lc_instant last = MAX(moment.at, n ? g_array_index(judge->moments, lc_moment, n - 1).at : LC_ABSENT);

    answer(judge, lead->id,
           QUESTION(judge, .then = lead->judged_at, .now = now, .fact = fact ? &moment : NULL, .n_now = n), now, false);
    lc_instant purge_at = last == LC_ABSENT ? LC_NEVER : purge_of(judge, last);
    if (purge_at < now)
        forget_facts(lead);
    else
        lead->wake_at = MIN(judge->after.wake_at, purge_at);
    keep_erasure(judge, lead, erased_at, now);
    return &judge->judgement;
}

const lc_judgement *
lc_lead_judge(lc_judge *judge, lc_lead *lead, const lc_fact *fact, lc_instant now, lc_arena *arena)
{
    now = later(now, lead);
    if (fact == NULL && lead->wake_at >= now)
        return say(judge, LC_VERDICT_NOT_DUE);

    lc_instant erased_at = erasure_that_holds(judge, lead->erased_at, now);
    lc_verdict verdict = fact ? receive(judge, lead, fact, erased_at) : LC_VERDICT_TAKEN;
    if (verdict != LC_VERDICT_TAKEN)
        return say(judge, verdict);
    if (fact && fact->type == LC_FACT_ERASED)
        return judge_erasure(judge, lead, fact, erased_at, now);
    if (fact)
        keep_fact(lead, fact, arena);
    return judge_facts(judge, lead, fact, erased_at, now);
}

/* ---- Looking ---- */

const lc_judgement *
lc_lead_derive(lc_judge *judge, const lc_lead *lead, lc_instant now)
{
    order_facts(judge, lead->facts, lead->n_facts);
    return answer(judge, lead->id, QUESTION(judge, .then = LC_ABSENT, .now = later(now, lead), .n_now = lead->n_facts),
                  LC_ABSENT, false);
}

size_t
lc_lead_running_clocks(lc_judge *judge, const lc_lead *lead, lc_instant now, const lc_running_clock **clocks)
{
    order_facts(judge, lead->facts, lead->n_facts);
    lc_derive(QUESTION(judge, .then = LC_ABSENT, .now = later(now, lead), .n_now = lead->n_facts), &judge->before,
              &judge->after);
    lc_array_empty(judge->running);
    for (guint i = 0; judge->after.open && i < judge->after.runs->len; i++) {
        lc_clock_run *run = &g_array_index(judge->after.runs, lc_clock_run, i);
        if (run->state == LC_RUN_RUNNING)
            *lc_array_add(judge->running, lc_running_clock) =
                (lc_running_clock){(lc_clock)run->clock, run->name, run->started_at, lc_clock_due(&judge->after, run)};
    }
    *clocks = (const lc_running_clock *)(void *)judge->running->data;
    return judge->running->len;
}
