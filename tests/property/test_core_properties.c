/* What must hold for any lead under any policy. --seed N, --leads N (each property, default 10,000). */
#include "history.h"

#include <leadclock/core.h>

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { LEADS_A_POLICY = 400 };

static uint64_t seed;
static guint n_leads = 10000;

/* One lead to try: the same for the same seed and property. */
typedef struct {
    lc_random random;
    const lc_policy_book *book;
    history_player *player, *other;
    GArray *facts;
} trial;

/* Tries leads, LEADS_A_POLICY under each random policy. */
static void
for_leads(const char *property, const char *retain, bool erasures, void (*try)(trial *))
{
    for (guint lead = 0; lead < n_leads; lead += LEADS_A_POLICY) {
        trial trial = {.random = {seed ^ g_str_hash(property) ^ ((uint64_t)lead << 32)}};
        g_autoptr(lc_policy_book) book = history_policy(&trial.random, retain);
        g_autoptr(history_player) player = history_player_new(book), other = history_player_new(book);
        trial.book = book;
        trial.player = player;
        trial.other = other;
        for (guint i = 0; i < LEADS_A_POLICY && lead + i < n_leads; i++) {
            lc_arena arena = {0};
            trial.facts = history_facts(&trial.random, erasures, &arena);
            history_player_reset(player);
            history_player_reset(other);
            try(&trial);
            g_array_unref(trial.facts);
            lc_arena_clear(&arena);
        }
    }
}

static void
try_any_order(trial *trial)
{
    history_play(trial->player, trial->facts, history_end());
    history_shuffle(&trial->random, trial->facts);
    history_play(trial->other, trial->facts, history_end());
    assert_true(history_same(trial->player, trial->other));
    assert_true(history_same_as_derived(trial->player, history_end()));
}

static void
any_order_of_arrival_gives_the_same_net_outcomes_and_counters(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "9000d", false, try_any_order);
}

static void
try_each_step(trial *trial)
{
    for (guint i = 0; i < trial->facts->len; i++) {
        const history_fact *fact = &g_array_index(trial->facts, history_fact, i);
        history_wake(trial->player, fact->arrived_at);
        if (history_judge(trial->player, &fact->fact, fact->arrived_at) == LC_VERDICT_TAKEN)
            assert_true(history_same_as_derived(trial->player, trial->player->lead.judged_at));
    }
}

static void
what_was_published_is_what_holds_after_every_judgement(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "9000d", false, try_each_step);
}

/* Also where it now says something else. */
static void
deliver_again(trial *trial, const lc_fact *fact, lc_instant at)
{
    history_player *player = trial->player;
    lc_lead before = player->lead;
    lc_fact other = *fact;
    if (lc_random_chance(&trial->random, 50))
        other.occurred_at += LC_HOUR;
    const lc_judgement *again = lc_lead_judge(player->judge, &player->lead, &other, at, &player->arena);
    assert_true(again->verdict == LC_VERDICT_REPEATED || again->verdict == LC_VERDICT_AUTOMATED);
    assert_int_equal(again->n_outcomes + again->n_counts + again->n_rows, 0);
    assert_memory_equal(&before, &player->lead, sizeof before);
}

static void
try_redelivered(trial *trial)
{
    history_player *player = trial->player;

    for (guint i = 0; i < trial->facts->len; i++) {
        const history_fact *fact = &g_array_index(trial->facts, history_fact, i);
        lc_instant at = fact->arrived_at + (lc_instant)lc_random_below(&trial->random, 3);
        history_wake(player, fact->arrived_at);
        history_judge(player, &fact->fact, fact->arrived_at);
        deliver_again(trial, &fact->fact, at);
        guint earlier = (guint)lc_random_below(&trial->random, i + 1);
        deliver_again(trial, &g_array_index(trial->facts, history_fact, earlier).fact, at);
    }
}

static void
a_redelivered_fact_changes_nothing(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "9000d", false, try_redelivered);
}

static void
try_steps_of_now(trial *trial)
{
    for (guint i = 0; i < trial->facts->len; i++) {
        const history_fact *fact = &g_array_index(trial->facts, history_fact, i);
        lc_instant now = lc_random_chance(&trial->random, 20) ? LC_ABSENT : fact->arrived_at;
        history_judge(trial->other, &fact->fact, now);
    }
    history_judge(trial->other, NULL, history_end());
    history_play(trial->player, trial->facts, history_end());
    assert_true(history_same(trial->player, trial->other));
}

static void
small_steps_of_now_and_one_give_the_same(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "9000d", false, try_steps_of_now);
}

/* Judging between the last judgement and the wake-up, that instant included, changes nothing. */
static void
look_before_wake_up(trial *trial, lc_instant now)
{
    history_player *player = trial->player;
    lc_lead lead = player->lead;

    if (now <= lead.judged_at || now > lead.wake_at)
        return;
    lead.wake_at = LC_ABSENT;
    const lc_judgement *judgement = lc_lead_judge(player->judge, &lead, NULL, now, &player->arena);
    assert_int_equal(judgement->verdict, LC_VERDICT_TAKEN);
    assert_int_equal(judgement->n_outcomes + judgement->n_counts + judgement->n_rows, 0);
    assert_int_equal(lead.wake_at, player->lead.wake_at);
    assert_int_equal(lead.n_facts, player->lead.n_facts);
}

static void
look_around_wake_up(trial *trial)
{
    const lc_lead *lead = &trial->player->lead;
    lc_instant wake_at = MIN(lead->wake_at, lead->judged_at + 3000 * LC_DAY);

    for (lc_instant now = wake_at - 3; now <= wake_at; now++)
        look_before_wake_up(trial, now);
    if (wake_at > lead->judged_at)
        look_before_wake_up(trial,
                            lead->judged_at + 1 +
                                (lc_instant)lc_random_below(&trial->random, (uint64_t)(wake_at - lead->judged_at)));
    assert_int_equal(lc_lead_judge(trial->player->judge, &trial->player->lead, NULL, wake_at, NULL)->verdict,
                     LC_VERDICT_NOT_DUE);
}

static void
try_wake_ups(trial *trial)
{
    history_player *player = trial->player;

    for (guint i = 0; i < trial->facts->len; i++) {
        const history_fact *fact = &g_array_index(trial->facts, history_fact, i);
        while (player->lead.wake_at < fact->arrived_at) {
            history_judge(player, NULL, player->lead.wake_at + 1);
            look_around_wake_up(trial);
        }
        history_judge(player, &fact->fact, fact->arrived_at);
        if (!lc_lead_is_empty(&player->lead))
            look_around_wake_up(trial);
    }
}

static void
the_next_wake_up_is_never_late(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "9000d", false, try_wake_ups);
    for_leads(__func__, "2d", true, try_wake_ups);
}

/* ---- Recounting ---- */

/* The counters of a lead by its rows. */
typedef struct {
    const lc_judgement *derived;
    GHashTable *counters; /* "channel|cohort|metric" -> count, as GINT_TO_POINTER */
} recount;

static void
add_to(GHashTable *counters, lc_text channel, int32_t cohort, const char *metric, int delta)
{
    char *key = g_strdup_printf("%.*s|%d|%s", LC_TEXT_ARGS(channel), cohort, metric);
    int count = GPOINTER_TO_INT(g_hash_table_lookup(counters, key)) + delta;
    g_hash_table_replace(counters, key, GINT_TO_POINTER(count));
}

static void
add(GHashTable *counters, const lc_cycle_row *cycle, const char *metric)
{
    add_to(counters, cycle->channel, cycle->cohort, metric, 1);
}

G_GNUC_PRINTF(3, 4)
static void
add_named(GHashTable *counters, const lc_cycle_row *cycle, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *metric = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    add(counters, cycle, metric);
}

static const char *
response_step(lc_duration response)
{
    static const struct {
        lc_duration most;
        const char *step;
    } steps[] = {{LC_MINUTE, "1m"},   {5 * LC_MINUTE, "5m"}, {15 * LC_MINUTE, "15m"}, {LC_HOUR, "1h"},
                 {4 * LC_HOUR, "4h"}, {24 * LC_HOUR, "24h"}, {48 * LC_HOUR, "48h"},   {7 * LC_DAY, "7d"}};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        if (response <= steps[i].most)
            return steps[i].step;
    return "later";
}

static void
recount_settlement(GHashTable *counters, const lc_cycle_row *cycle)
{
    static const char *const metrics[] = {[LC_CAUSE_REJECTED] = "rejected",
                                          [LC_CAUSE_CLAWED_BACK] = "clawed_back",
                                          [LC_CAUSE_UNRESPONSIVE] = "unresponsive",
                                          [LC_CAUSE_NOT_QUALIFIED] = "not_qualified",
                                          [LC_CAUSE_OPEN_DIALOGUE] = "open_dialogue",
                                          [LC_CAUSE_COOLDOWN] = "cooled_down",
                                          [LC_CAUSE_COMPLETED] = "completed",
                                          [LC_CAUSE_MERGED] = "merged",
                                          [LC_CAUSE_ERASED] = "erased"};
    if (cycle->settled)
        add(counters, cycle, metrics[cycle->cause]);
    if (cycle->cause == LC_CAUSE_REJECTED)
        add_named(counters, cycle, "rejected:%.*s", LC_TEXT_ARGS(cycle->rejected_as));
}

static void
recount_cycle(GHashTable *counters, const lc_cycle_row *cycle)
{
    add(counters, cycle, "handed_off");
    recount_settlement(counters, cycle);
    if (!lc_text_is_absent(cycle->rule))
        add(counters, cycle, "opened");
    if (cycle->duplicate)
        add(counters, cycle, "duplicate");
    if (cycle->first_contact_state == LC_FIRST_CONTACT_MET)
        add(counters, cycle, "first_contact_met");
    if (cycle->first_contact_at != LC_ABSENT) {
        add(counters, cycle, "contacted");
        add_named(counters, cycle, "responded:%s", response_step(cycle->response_ms));
        add_named(counters, cycle, "responded_open:%s", response_step(cycle->response_open_ms));
    }
}

static char *
breach_metric(const lc_breach_row *breach)
{
    g_autofree char *clock = g_strndup(breach->clock.data, breach->clock.size);
    if (breach->early)
        return g_strdup("requested_early");
    if (g_str_has_prefix(clock, "first_contact:"))
        return g_strdup("again_breached");
    if (g_str_has_prefix(clock, "milestone:"))
        return g_strconcat("milestone_breached:", clock + strlen("milestone:"), NULL);
    return g_strconcat(clock, "_breached", NULL);
}

/* Each metric once a cycle. */
static void
recount_breaches(recount *recount, const lc_cycle_row *cycle)
{
    g_autoptr(GHashTable) metrics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GHashTableIter all;
    gpointer metric;
    for (size_t i = 0; i < recount->derived->n_rows; i++) {
        const lc_row *row = &recount->derived->rows[i];
        if (row->type != LC_ROW_BREACH || row->breach.cycle != cycle->cycle)
            continue;
        g_hash_table_add(metrics, breach_metric(&row->breach));
        if (row->breach.level)
            g_hash_table_add(metrics, g_strdup("escalated"));
    }
    g_hash_table_iter_init(&all, metrics);
    while (g_hash_table_iter_next(&all, &metric, NULL))
        add(recount->counters, cycle, metric);
}

static void
recount_stages(recount *recount, const lc_cycle_row *cycle)
{
    for (size_t i = 0; i < recount->derived->n_rows; i++) {
        const lc_stage_row *stage = &recount->derived->rows[i].stage;
        if (recount->derived->rows[i].type != LC_ROW_STAGE ||
            memcmp(&stage->cycle_id, &cycle->cycle_id, sizeof(lc_uuid)) != 0)
            continue;
        add_named(recount->counters, cycle, "reached:%.*s", LC_TEXT_ARGS(stage->stage));
        add_named(recount->counters, cycle, "reached:%.*s@%u", LC_TEXT_ARGS(stage->stage), stage->age);
        if (lc_text_is_absent(cycle->rule))
            add_named(recount->counters, cycle, "held_back_reached:%.*s", LC_TEXT_ARGS(stage->stage));
    }
}

/* A clock that was met, and what happened after the settlement, leaves no trace in rows; nor does a pause of no time.
 */
static bool
can_be_recounted(const char *metric)
{
    return strcmp(metric, "first_contact_met") == 0 ||
           (strstr(metric, "_met") == NULL && strcmp(metric, "rejected_late") != 0 &&
            strcmp(metric, "reason_unknown") != 0 && strcmp(metric, "paused") != 0);
}

static void
compare_counts(const recount *recount)
{
    GHashTableIter all;
    gpointer key, count;
    for (size_t i = 0; i < recount->derived->n_counts; i++) {
        const lc_count *counted = &recount->derived->counts[i];
        g_autofree char *metric = g_strndup(counted->metric.data, counted->metric.size);
        if (can_be_recounted(metric))
            add_to(recount->counters, counted->channel, counted->cohort, metric, -counted->delta);
    }
    g_hash_table_iter_init(&all, recount->counters);
    while (g_hash_table_iter_next(&all, &key, &count))
        if (count)
            fail_msg("%s: rows and counters differ by %d", (char *)key, GPOINTER_TO_INT(count));
}

static int
sum(const lc_judgement *derived, const char *metric)
{
    int sum = 0;

    for (size_t i = 0; i < derived->n_counts; i++)
        if (lc_text_equal(derived->counts[i].metric, lc_text_of(metric)))
            sum += derived->counts[i].delta;
    return sum;
}

static void
try_recount(trial *trial)
{
    history_player *player = trial->player;
    lc_instant end = lc_random_chance(&trial->random, 50) ? history_end() : 0;
    g_autoptr(GHashTable) counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    uint64_t settled = 0, cycles = 0;

    history_play(player, trial->facts, end);
    if (lc_lead_is_empty(&player->lead))
        return;
    const lc_judgement *derived = lc_lead_derive(player->judge, &player->lead, player->lead.judged_at);
    recount recount = {.derived = derived, .counters = counters};
    for (size_t i = 0; i < derived->n_outcomes; i++)
        if (derived->outcomes[i].type == LC_OUTCOME_SETTLED)
            settled |= UINT64_C(1) << derived->outcomes[i].cycle;
    for (size_t i = 0; i < derived->n_rows; i++) {
        const lc_cycle_row *cycle = &derived->rows[i].cycle;
        if (derived->rows[i].type != LC_ROW_CYCLE)
            continue;
        assert_false(cycles >> cycle->cycle & 1);
        assert_int_equal(cycle->settled, settled >> cycle->cycle & 1);
        cycles |= UINT64_C(1) << cycle->cycle;
        recount_cycle(counters, cycle);
        recount_breaches(&recount, cycle);
        recount_stages(&recount, cycle);
    }
    compare_counts(&recount);
    assert_true(settled == cycles || settled == (cycles & cycles >> 1));
    assert_true(history_same_as_derived(player, player->lead.judged_at));
}

static void
every_hand_off_has_one_row_and_counters_can_be_recounted_from_rows(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "9000d", false, try_recount);
}

/* ---- Forgetting ---- */

static bool
has_open_cycle(const history_player *player)
{
    const lc_judgement *derived = lc_lead_derive(player->judge, &player->lead, player->lead.judged_at);
    int rows = 0;

    for (size_t i = 0; i < derived->n_outcomes; i++)
        rows += derived->outcomes[i].type == LC_OUTCOME_SETTLED;
    return sum(derived, "handed_off") > rows;
}

static void
try_forgetting(trial *trial)
{
    history_player *player = trial->player;

    for (guint i = 0; i < trial->facts->len; i++) {
        const history_fact *fact = &g_array_index(trial->facts, history_fact, i);
        history_wake(player, fact->arrived_at);
        history_judge(player, &fact->fact, fact->arrived_at);
        assert_true(player->lead.wake_at >= MAX(player->lead.judged_at, 0) || lc_lead_is_empty(&player->lead));
    }
    history_wake(player, LC_NEVER);
    assert_true(lc_lead_is_empty(&player->lead) || has_open_cycle(player));
}

static void
erasures_and_purges_leave_nothing_behind(G_GNUC_UNUSED void **state)
{
    for_leads(__func__, "2d", true, try_forgetting);
}

/* ---- Promises, told by another path ---- */

/* One cycle, of whose facts alone it is told what was kept. */
typedef struct {
    lc_random *random;
    lc_arena arena;
    GArray *facts;  /* lc_fact, in order */
    GArray *pauses; /* lc_instant: begins, ends, begins, ends, ... */
    const lc_rule *rule;
    const lc_judgement *derived;
    lc_instant end;
} promise;

#define HANDED_OFF ((lc_instant)1770022800000) /* Monday 2026-02-02T09:00:00Z */

static lc_policy_book *
promise_policy(lc_random *random)
{
    static const char *const calendars[] = {"always", "office", "night"}, *const targets[] = {"30m", "3h", "9h", "20h"},
                             *const pauses[] = {"{}", "{at_most: 2h}", "{at_most: 30h}"};
    const char *calendar = calendars[lc_random_below(random, 3)], *target = targets[lc_random_below(random, 4)];
    g_autoptr(GError) error = NULL;
    g_autofree char *yaml = g_strdup_printf(
        "name: p\n"
        "calendars:\n"
        "  office: {time_zone: Europe/Stockholm, week: {mon: [08:00-12:00, 13:00-17:00], tue: [08:00-17:00], "
        "wed: [08:00-17:00], thu: [08:00-17:00]}}\n"
        "  night: {time_zone: America/New_York, week: {mon: [20:00-04:00], wed: [20:00-04:00], sat: [10:00-11:00]}}\n"
        "stages: [SAL, SQL]\n"
        "reasons: {other: {route: NURTURE}}\n"
        "rules:\n"
        "  - name: r\n    when: any\n    pause: %s\n"
        "    first_contact: {within: %s, calendar: %s, warn: [\"50%%\"], escalate: [1h]}\n"
        "    milestones: [{stage: SQL, within: %s, calendar: %s}]\n"
        "    next_contact: {within: %s, calendar: %s}\n"
        "    clawback: {after: 60d, beyond_30_days: true}\n",
        pauses[lc_random_below(random, 3)], target, calendar, target, calendar, target, calendar);
    lc_policy_book *book = lc_policy_book_parse("p", yaml, strlen(yaml), &error);

    if (book == NULL)
        g_error("%s", error->message);
    return book;
}

static int
compare_facts(const void *fact, const void *other)
{
    const lc_fact *a = fact, *b = other;

    if (a->occurred_at != b->occurred_at)
        return a->occurred_at < b->occurred_at ? -1 : 1;
    return a->type != b->type ? (int)a->type - (int)b->type : lc_text_compare(a->event_id, b->event_id);
}

/* Often the same, opening and closing times, and a millisecond beside them. */
static lc_instant
pick_instant(lc_random *random)
{
    lc_instant at = HANDED_OFF + LC_HOUR * (1 + (lc_instant)lc_random_below(random, 100));

    return at + (lc_random_chance(random, 30) ? (lc_instant)lc_random_below(random, 3) - 1 : 0);
}

static void
make_facts(promise *p)
{
    static const lc_fact_type types[] = {LC_FACT_CONTACTED, LC_FACT_CONTACTED, LC_FACT_PROGRESSED,
                                         LC_FACT_PAUSED,    LC_FACT_PAUSED,    LC_FACT_RESUMED};
    guint n = 1 + (guint)lc_random_below(p->random, 9);

    for (guint i = 0; i < n; i++) {
        char *id = lc_arena_alloc(&p->arena, 8);
        g_snprintf(id, 8, "%u", i);
        lc_fact fact = {.type = i ? types[lc_random_below(p->random, G_N_ELEMENTS(types))] : LC_FACT_CREATED,
                        .event_id = lc_text_of(id),
                        .occurred_at = i ? pick_instant(p->random) : HANDED_OFF,
                        .recorded_at = LC_ABSENT,
                        .follow_up_at = LC_ABSENT,
                        .until = LC_ABSENT,
                        .channel = LC_TEXT("demo"),
                        .text = lc_random_chance(p->random, 50) ? LC_TEXT("SAL") : LC_TEXT("SQL")};
        if (fact.type == LC_FACT_PAUSED && lc_random_chance(p->random, 50))
            fact.until = pick_instant(p->random);
        g_array_append_val(p->facts, fact);
    }
    g_array_sort(p->facts, compare_facts);
}

static const lc_fact *
fact_at(const promise *p, guint index)
{
    return &g_array_index(p->facts, lc_fact, index);
}

/* Rule 4.12: the first of what ends the pause that the fact `begin` begins. */
static lc_instant
end_of_pause(const promise *p, guint begin, lc_duration left)
{
    const lc_fact *paused = fact_at(p, begin);
    lc_instant limit = left == LC_NEVER ? LC_NEVER : paused->occurred_at + left;
    lc_instant ends = paused->until > paused->occurred_at ? MIN(limit, paused->until) : limit;

    for (guint i = begin + 1; i < p->facts->len && fact_at(p, i)->occurred_at <= ends; i++) {
        const lc_fact *fact = fact_at(p, i);
        if (fact->type == LC_FACT_RESUMED)
            return fact->occurred_at;
        if (fact->type == LC_FACT_PAUSED)
            ends = fact->until > fact->occurred_at ? MIN(limit, fact->until) : limit;
    }
    return MIN(ends, p->end);
}

static void
tell_pauses(promise *p)
{
    lc_duration left = p->rule->pause_at_most;
    lc_instant last = LC_ABSENT;

    for (guint i = 0; i < p->facts->len; i++) {
        lc_instant at = fact_at(p, i)->occurred_at;
        if (fact_at(p, i)->type != LC_FACT_PAUSED || at < last || left <= 0)
            continue;
        last = end_of_pause(p, i, left);
        left -= left == LC_NEVER ? 0 : last - at;
        g_array_append_val(p->pauses, at);
        g_array_append_val(p->pauses, last);
    }
}

static lc_duration
open_between(const promise *p, lc_instant from, lc_instant to)
{
    const lc_calendar *calendar = p->rule->first_contact.calendar;
    lc_duration open = lc_calendar_between(calendar, from, to);

    for (guint i = 0; i < p->pauses->len; i += 2)
        open -= lc_calendar_between(calendar, MAX(from, g_array_index(p->pauses, lc_instant, i)),
                                    MIN(to, g_array_index(p->pauses, lc_instant, i + 1)));
    return open;
}

/* The breach of a clock between two instants; NULL: none. */
static const lc_breach_row *
find_breach(const promise *p, const char *clock, lc_instant from, lc_instant to)
{
    for (size_t i = 0; i < p->derived->n_rows; i++) {
        const lc_row *row = &p->derived->rows[i];
        if (row->type == LC_ROW_BREACH && lc_text_equal(row->breach.clock, lc_text_of(clock)) &&
            row->breach.breached_at > from && row->breach.breached_at <= to)
            return &row->breach;
    }
    return NULL;
}

/* Of what ran from `from` until it was served (LC_NEVER: it was not). */
static void
check_promise(const promise *p, const char *clock, lc_instant from, lc_instant served)
{
    lc_duration open = open_between(p, from, MIN(served, p->end)), target = p->rule->first_contact.target;
    const lc_breach_row *breach = find_breach(p, clock, from, MIN(served, p->end));

    if ((breach == NULL) != (open <= target))
        fail_msg("%s from %" PRId64 " to %" PRId64 ": %" PRId64 " ms of open time, %" PRId64 " promised, %s", clock,
                 from, served, open, target, breach ? "breached" : "kept");
    if (breach == NULL || served == LC_NEVER)
        return;
    assert_int_equal(breach->ended_at, served);
    assert_int_equal(breach->late_ms, open - target);
    assert_true(breach->late_ms > 0);
}

static bool
serves(const lc_fact *fact)
{
    return fact->type == LC_FACT_CONTACTED || fact->type == LC_FACT_PROGRESSED;
}

static void
check_promises(const promise *p)
{
    lc_instant first = LC_NEVER, sql = LC_NEVER, last = LC_ABSENT;

    for (guint i = 0; i < p->facts->len; i++) {
        const lc_fact *fact = fact_at(p, i);
        if (!serves(fact))
            continue;
        first = MIN(first, fact->occurred_at);
        if (fact->type == LC_FACT_PROGRESSED && lc_text_equal(fact->text, LC_TEXT("SQL")))
            sql = MIN(sql, fact->occurred_at);
        if (last != LC_ABSENT)
            check_promise(p, "next_contact", last, fact->occurred_at);
        last = fact->occurred_at;
    }
    if (last != LC_ABSENT)
        check_promise(p, "next_contact", last, LC_NEVER);
    check_promise(p, "first_contact", HANDED_OFF, first);
    check_promise(p, "milestone:SQL", HANDED_OFF, sql);
}

static void
try_promise(lc_random *random, const lc_policy_book *book, lc_judge *judge)
{
    promise p = {.random = random,
                 .facts = g_array_new(FALSE, FALSE, sizeof(lc_fact)),
                 .pauses = g_array_new(FALSE, FALSE, sizeof(lc_instant)),
                 .rule = lc_policy_book_get(book, 0)->rules,
                 .end = HANDED_OFF + 30 * LC_DAY};
    lc_lead lead;

    make_facts(&p);
    tell_pauses(&p);
    lc_lead_init(&lead, LC_TEXT("lead"));
    lead.facts = (lc_fact *)(void *)p.facts->data;
    lead.n_facts = lead.max_facts = p.facts->len;
    p.derived = lc_lead_derive(judge, &lead, p.end);
    check_promises(&p);
    g_array_unref(p.facts);
    g_array_unref(p.pauses);
    lc_arena_clear(&p.arena);
}

static void
a_promise_is_kept_where_open_time_is_at_most_its_target(G_GNUC_UNUSED void **state)
{
    lc_random random = {seed};

    for (guint lead = 0; lead < n_leads; lead += 100) {
        g_autoptr(lc_policy_book) book = promise_policy(&random);
        g_autoptr(lc_judge) judge = lc_judge_new(book);
        lc_judge_set_rows(judge, 1u << LC_ROW_BREACH);
        for (guint i = 0; i < 100; i++)
            try_promise(&random, book, judge);
    }
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_order_of_arrival_gives_the_same_net_outcomes_and_counters),
        cmocka_unit_test(what_was_published_is_what_holds_after_every_judgement),
        cmocka_unit_test(a_redelivered_fact_changes_nothing),
        cmocka_unit_test(small_steps_of_now_and_one_give_the_same),
        cmocka_unit_test(the_next_wake_up_is_never_late),
        cmocka_unit_test(every_hand_off_has_one_row_and_counters_can_be_recounted_from_rows),
        cmocka_unit_test(erasures_and_purges_leave_nothing_behind),
        cmocka_unit_test(a_promise_is_kept_where_open_time_is_at_most_its_target),
    };

    seed = lc_random_seed(argc, argv);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--leads") == 0)
            n_leads = (guint)g_ascii_strtoull(argv[i + 1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
