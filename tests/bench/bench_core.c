/* How fast the core judges, without rows and with all.
 *
 *   build/release/tests/bench/bench_core [CASES [ROUNDS]]
 *
 * CASES is a pattern that a case's line matches ('the fifth*' for all of those, 'a wake-up*demo)' for one without
 * rows); by default all run. ROUNDS is how many judgements each takes, 2,000,000 by default: fewer, by turns with those
 * of another program, tell two programs apart on a machine that does other things too.
 *
 * One thread; what is counted is its time on a core, so that other programs' share is not. The policy is that of
 * tests/examples/full/feed. The limit to reach is 1,000,000 judgements a second of a lead of five facts. */
#include <leadclock/core.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define HANDED_OFF ((lc_instant)1770022800000) /* Monday 2026-02-02T09:00:00Z */

static const lc_attribute attributes[] = {{{"employees", 9}, {"250", 3}}, {{"segment", 7}, {"smb", 3}}};

static lc_fact
fact_of(lc_fact_type type, const char *event_id, lc_duration after)
{
    return (lc_fact){.type = type,
                     .event_id = lc_text_of(event_id),
                     .occurred_at = HANDED_OFF + after,
                     .recorded_at = LC_ABSENT,
                     .follow_up_at = LC_ABSENT};
}

/* Handed off, given to an owner, tried, answered, accepted. Ids as long as UUIDs. */
static void
tell(lc_fact *facts, const char *channel)
{
    facts[0] = fact_of(LC_FACT_CREATED, "1b2eaffe-189a-59cc-ae3c-629f94e78090", 0);
    facts[0].channel = lc_text_of(channel);
    facts[0].attributes = attributes;
    facts[0].n_attributes = G_N_ELEMENTS(attributes);
    facts[1] = fact_of(LC_FACT_ASSIGNED, "1b2eaffe-189a-59cc-ae3c-629f94e78091", LC_MINUTE);
    facts[1].owner = LC_TEXT("ann");
    facts[2] = fact_of(LC_FACT_CONTACTED, "1b2eaffe-189a-59cc-ae3c-629f94e78092", 4 * LC_MINUTE);
    facts[3] = fact_of(LC_FACT_CONTACTED, "1b2eaffe-189a-59cc-ae3c-629f94e78093", 2 * LC_HOUR);
    facts[3].connected = true;
    facts[4] = fact_of(LC_FACT_PROGRESSED, "1b2eaffe-189a-59cc-ae3c-629f94e78094", 3 * LC_HOUR);
    facts[4].text = LC_TEXT("SAL");
}

static double
seconds_on_core(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static const char *cases = "*", *suffix = "";
static int rounds = 2000000;

static bool
is_asked_for(const char *what)
{
    g_autofree char *line = g_strconcat(what, suffix, NULL);

    return g_pattern_match_simple(cases, line);
}

static void
report(const char *what, double count, double began)
{
    double seconds = seconds_on_core() - began;
    g_autofree char *line = g_strconcat(what, suffix, NULL);

    printf("%-72s %11.0f a second, %7.1f ns each\n", line, count / seconds, seconds / count * 1e9);
    fflush(stdout);
}

static lc_lead
lead_of(lc_fact *room, const lc_fact *facts, size_t n, lc_judge *judge, lc_arena *arena)
{
    lc_lead lead;

    lc_lead_init(&lead, LC_TEXT("5b8c52f2-2659-4e67-a587-6614ab77121e"));
    lead.facts = room;
    lead.max_facts = 8;
    for (size_t i = 0; i < n; i++)
        lc_lead_judge(judge, &lead, &facts[i], facts[i].occurred_at, arena);
    return lead;
}

/* The last of five facts comes, again and again. */
static void
bench_last_fact(lc_judge *judge, const char *channel)
{
    g_autofree char *what = g_strdup_printf("the fifth fact of a lead (channel %s)", channel);
    lc_arena arena = {0};
    lc_fact facts[5], room[8];

    if (!is_asked_for(what))
        return;
    tell(facts, channel);
    const lc_lead lead = lead_of(room, facts, 4, judge, &arena);
    double began = seconds_on_core();
    for (int i = 0; i < rounds; i++) {
        lc_lead again = lead;
        lc_lead_judge(judge, &again, &facts[4], facts[4].occurred_at, &arena);
    }
    report(what, rounds, began);
    lc_arena_clear(&arena);
}

/* A wake-up of a lead of five facts comes, again and again. */
static void
bench_wake_up(lc_judge *judge, const char *channel)
{
    g_autofree char *what = g_strdup_printf("a wake-up of a lead of five facts (channel %s)", channel);
    lc_arena arena = {0};
    lc_fact facts[5], room[8];

    if (!is_asked_for(what))
        return;
    tell(facts, channel);
    const lc_lead lead = lead_of(room, facts, 5, judge, &arena);
    double began = seconds_on_core();
    for (int i = 0; i < rounds; i++) {
        lc_lead again = lead;
        lc_lead_judge(judge, &again, NULL, lead.wake_at + 1, &arena);
    }
    report(what, rounds, began);
    lc_arena_clear(&arena);
}

/* Leads from their first fact to their fifth. */
static void
bench_whole_leads(lc_judge *judge, const char *channel)
{
    g_autofree char *what = g_strdup_printf("each fact of leads from none to five (channel %s)", channel);
    lc_arena arena = {0};
    lc_fact facts[5], room[8];

    if (!is_asked_for(what))
        return;
    tell(facts, channel);
    double began = seconds_on_core();
    for (int i = 0; i < rounds / 5; i++)
        lead_of(room, facts, 5, judge, &arena);
    report(what, rounds, began);
    lc_arena_clear(&arena);
}

/* The most facts that a lead can have, the last comes. */
static void
bench_long_lead(lc_judge *judge)
{
    enum { FACTS = 512 };
    static const char *const what = "the 512th fact of a lead of 128 cycles";
    static lc_fact facts[FACTS];
    static char ids[FACTS][16];
    const int times = rounds / 1000;
    lc_arena arena = {0};
    lc_lead lead;

    if (!is_asked_for(what))
        return;
    lc_lead_init(&lead, LC_TEXT("long"));
    for (int i = 0; i < FACTS; i++) {
        g_snprintf(ids[i], sizeof ids[i], "%d", i);
        facts[i] = fact_of(i % 4 == 0   ? LC_FACT_CREATED
                           : i % 4 == 3 ? LC_FACT_REJECTED
                                        : LC_FACT_CONTACTED,
                           ids[i], i * LC_HOUR);
        facts[i].channel = LC_TEXT("demo");
        facts[i].text = LC_TEXT("not_ready");
        facts[i].attributes = attributes;
        facts[i].n_attributes = G_N_ELEMENTS(attributes);
    }
    for (int i = 0; i < FACTS - 1; i++)
        lc_lead_judge(judge, &lead, &facts[i], facts[i].occurred_at, &arena);
    double began = seconds_on_core();
    for (int i = 0; i < times; i++) {
        lc_lead again = lead;
        lc_lead_judge(judge, &again, &facts[FACTS - 1], facts[FACTS - 1].occurred_at, &arena);
    }
    report(what, times, began);
    lc_arena_clear(&arena);
}

static void
bench_all(lc_judge *judge)
{
    static const char *const channels[] = {"demo", "webinar"};

    for (size_t i = 0; i < G_N_ELEMENTS(channels); i++) {
        bench_last_fact(judge, channels[i]);
        bench_wake_up(judge, channels[i]);
        bench_whole_leads(judge, channels[i]);
    }
    bench_long_lead(judge);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book =
        lc_policy_book_load((const char *const[]){LC_SOURCE_DIR "/tests/examples/full/feed/policy.yaml", NULL}, &error);

    if (book == NULL) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    if (argc > 1)
        cases = argv[1];
    if (argc > 2)
        rounds = MAX(atoi(argv[2]), 1000);
    g_autoptr(lc_judge) judge = lc_judge_new(book);
    bench_all(judge);
    lc_judge_set_rows(judge, (1u << LC_ROW_TYPES) - 1);
    suffix = ", with rows";
    bench_all(judge);
    return 0;
}
