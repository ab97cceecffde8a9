/* `leadclock backtest` of many leads prints what judging them one by one tells: against a slow replay that keeps every
 * lead apart and looks through all of them for the next wake-up (section 9). --seed N, --cases N (default 6). */
#include "asserting.h"
#include "history.h"

#include <leadclock/cli.h>
#include <leadclock/codec.h>

#include <fcntl.h>
#include <unistd.h>

#define LEADS 500

static uint64_t seed;
static gint64 n_cases = 6;

typedef struct {
    char id[64];
    lc_lead lead;
    lc_arena arena;
} slow_lead;

typedef struct {
    slow_lead *of;
    lc_fact fact;
    lc_instant arrived_at;
} arrival;

typedef struct {
    lc_random random;
    slow_lead leads[LEADS];
    GArray *arrivals;
    lc_arena arena; /* of texts */
    lc_judge *judge;
    GString *expected;
} feed;

/* ---- The facts ---- */

static lc_text
long_text(feed *feed, size_t most)
{
    size_t size = 1 + lc_random_below(&feed->random, most);
    char *text = lc_arena_alloc(&feed->arena, size);
    memset(text, 'x', size);
    return (lc_text){text, size};
}

/* A lead's first facts lie close together where they are short: now and then they are not. */
static void
make_longer(feed *feed, lc_fact *fact)
{
    if (fact->type != LC_FACT_CREATED || !lc_random_chance(&feed->random, 30))
        return;
    size_t n = 1 + lc_random_below(&feed->random, 4);
    lc_attribute *attributes = lc_arena_new(&feed->arena, lc_attribute, n);
    static const char *const keys[] = {"a", "b", "c", "segment"};
    for (size_t i = 0; i < n; i++)
        attributes[i] = (lc_attribute){lc_text_of(keys[4 - n + i]), long_text(feed, 1024)};
    fact->attributes = attributes;
    fact->n_attributes = n;
    fact->campaign = long_text(feed, 255);
}

/* Else most instants of all leads would be the same few. */
static void
shift(history_fact *fact, lc_duration by)
{
    fact->arrived_at += by;
    fact->fact.occurred_at += by;
    if (fact->fact.recorded_at != LC_ABSENT)
        fact->fact.recorded_at += by;
    if (fact->fact.follow_up_at != LC_ABSENT)
        fact->fact.follow_up_at += by;
}

static int
by_arrival(const void *a, const void *b)
{
    const arrival *x = a, *y = b;
    return (x->arrived_at > y->arrived_at) - (x->arrived_at < y->arrived_at);
}

static void
make_lead(feed *feed, int number)
{
    slow_lead *lead = &feed->leads[number];
    g_autoptr(GArray) facts = history_facts(&feed->random, true, &feed->arena);
    lc_duration by = (lc_duration)(lc_random_chance(&feed->random, 20) ? 0 : lc_random_below(&feed->random, LC_HOUR));
    /* Many ids begin alike, so that ties are not decided by the first bytes. */
    g_snprintf(lead->id, sizeof lead->id, "%.*s%d", (int)lc_random_below(&feed->random, 50),
               "lead-lead-lead-lead-lead-lead-lead-lead-lead-lead-", number);
    lc_lead_init(&lead->lead, lc_text_of(lead->id));
    for (guint i = 0; i < facts->len; i++) {
        history_fact *fact = &g_array_index(facts, history_fact, i);
        shift(fact, by);
        arrival a = {lead, fact->fact, fact->arrived_at};
        make_longer(feed, &a.fact);
        g_array_append_val(feed->arrivals, a);
        if (lc_random_chance(&feed->random, 5))
            g_array_append_val(feed->arrivals, a);
    }
}

static void
write_facts(const feed *feed, const char *path)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    for (guint i = 0; i < feed->arrivals->len; i++) {
        const arrival *a = &g_array_index(feed->arrivals, arrival, i);
        lc_json_write_fact(lines, a->of->lead.id, &a->fact);
        g_string_truncate(lines, lines->len - 1);
        g_string_append_printf(lines, ",\"arrived_at\":%" G_GINT64_FORMAT "}\n", a->arrived_at);
    }
    assert_true(g_file_set_contents(path, lines->str, (gssize)lines->len, NULL));
}

/* ---- The slow replay ---- */

static void
judge(feed *feed, slow_lead *lead, const lc_fact *fact, lc_instant now)
{
    const lc_judgement *judgement = lc_lead_judge(feed->judge, &lead->lead, fact, now, &lead->arena);
    for (size_t i = 0; i < judgement->n_outcomes; i++) {
        lc_json_write_outcome(feed->expected, lead->lead.id, &judgement->outcomes[i]);
        g_string_append_c(feed->expected, '\n');
    }
}

static bool
is_earlier(const slow_lead *lead, const slow_lead *other)
{
    if (other == NULL || lead->lead.wake_at != other->lead.wake_at)
        return other == NULL || lead->lead.wake_at < other->lead.wake_at;
    return lc_text_compare(lead->lead.id, other->lead.id) < 0;
}

static void
wake_until(feed *feed, lc_instant until)
{
    for (;;) {
        slow_lead *first = NULL;
        for (slow_lead *lead = feed->leads; lead < feed->leads + LEADS; lead++)
            if (lead->lead.wake_at < until && is_earlier(lead, first))
                first = lead;
        if (first == NULL)
            return;
        judge(feed, first, NULL, first->lead.wake_at + 1);
    }
}

static void
replay_slowly(feed *feed)
{
    lc_instant now = LC_ABSENT;
    for (guint i = 0; i < feed->arrivals->len; i++) {
        const arrival *a = &g_array_index(feed->arrivals, arrival, i);
        now = MAX(now, a->arrived_at);
        wake_until(feed, now);
        judge(feed, a->of, &a->fact, now);
    }
    wake_until(feed, history_end());
}

/* ---- The tool ---- */

static void
run_backtest(const char *policies, const char *facts, const char *outcomes)
{
    g_autofree char *until = g_strdup_printf("%" G_GINT64_FORMAT, history_end());
    char *arguments[] = {"backtest", "--policy", (char *)policies, "--until", until, (char *)facts, NULL};
    fflush(stdout);
    int standard_output = dup(STDOUT_FILENO), file = open(outcomes, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(standard_output >= 0 && file >= 0 && dup2(file, STDOUT_FILENO) >= 0);
    int code = lc_cli_backtest(G_N_ELEMENTS(arguments) - 1, arguments);
    fflush(stdout);
    dup2(standard_output, STDOUT_FILENO);
    close(standard_output);
    close(file);
    assert_int_equal(code, 0);
}

static void
compare(const feed *feed, const char *path)
{
    g_autofree char *outcomes = NULL;
    assert_true(g_file_get_contents(path, &outcomes, NULL, NULL));
    g_auto(GStrv) is = g_strsplit(outcomes, "\n", -1), should = g_strsplit(feed->expected->str, "\n", -1);
    for (guint i = 0; is[i] && should[i]; i++)
        assert_string_equal(is[i], should[i]);
    assert_int_equal(g_strv_length(is), g_strv_length(should));
}

static void
try_feed(uint64_t number)
{
    feed f = {.random = {seed + number},
              .arrivals = g_array_new(FALSE, FALSE, sizeof(arrival)),
              .expected = g_string_new(NULL)};
    g_autofree char *policies = history_write_policy(&f.random, lc_random_chance(&f.random, 50) ? "3d" : "9000d");
    g_autoptr(lc_policy_book) book = history_read_policy(policies);
    g_autofree char *facts = g_strconcat(policies, ".facts", NULL), *outcomes = g_strconcat(policies, ".out", NULL);
    f.judge = lc_judge_new(book);
    for (int i = 0; i < LEADS; i++)
        make_lead(&f, i);
    g_array_sort(f.arrivals, by_arrival);
    write_facts(&f, facts);
    replay_slowly(&f);
    run_backtest(policies, facts, outcomes);
    compare(&f, outcomes);

    history_remove_policy(policies);
    remove(facts);
    remove(outcomes);
    for (int i = 0; i < LEADS; i++)
        lc_arena_clear(&f.leads[i].arena);
    lc_arena_clear(&f.arena);
    lc_judge_free(f.judge);
    g_array_unref(f.arrivals);
    g_string_free(f.expected, TRUE);
}

static void
many_leads_are_told_as_each_by_itself(G_GNUC_UNUSED void **state)
{
    for (gint64 i = 0; i < n_cases; i++)
        try_feed((uint64_t)i);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_leads_are_told_as_each_by_itself)};
    seed = lc_random_seed(argc, argv);
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], "--cases") == 0)
            n_cases = g_ascii_strtoll(argv[i + 1], NULL, 10);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
