/* What must hold for any lead under any policy. --seed N, --leads N (each property, default 10,000). */
#include "history.h"

#include <leadclock/core.h>

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
    };

    seed = lc_random_seed(argc, argv);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--leads") == 0)
            n_leads = (guint)g_ascii_strtoull(argv[i + 1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
