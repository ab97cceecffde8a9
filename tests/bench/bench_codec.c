/* How fast outcomes and leads are written, and facts are read.
 *
 *   build/release/tests/bench/bench_codec
 *
 * One thread; what is counted is its time on a core. The outcomes are those of the feed of tests/examples/full. */
#include <leadclock/codec.h>

#include <stdio.h>
#include <time.h>

#define FEED LC_SOURCE_DIR "/tests/examples/full/feed"
#define ROUNDS 400

/* What was judged, kept: texts and lists point into `arena`. */
typedef struct {
    lc_arena arena;
    GArray *outcomes; /* lc_outcome */
    GPtrArray *judges, *leads;
    GHashTable *by_id; /* -> lc_lead */
} feed;

static double
seconds_on_core(void)
{
    struct timespec time;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void
report(const char *what, double count, double began)
{
    double seconds = seconds_on_core() - began;

    printf("%-48s %11.0f a second, %7.1f ns each\n", what, count / seconds, seconds / count * 1e9);
    fflush(stdout);
}

static lc_lead *
lead_of(feed *f, lc_text id)
{
    lc_lead *lead = g_hash_table_lookup(f->by_id, id.data);

    if (lead == NULL) {
        lead = lc_arena_new(&f->arena, lc_lead, 1);
        lc_lead_init(lead, id);
        g_hash_table_insert(f->by_id, (gpointer)id.data, lead);
        g_ptr_array_add(f->leads, lead);
    }
    return lead;
}

/* A judge of its own for each lead: what it returns then stays. */
static void
take_line(feed *f, const lc_policy_book *book, const char *line)
{
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at;

    if (!lc_json_read_fact(line, strlen(line), &f->arena, &fact, &lead_id, &arrived_at, NULL))
        return;
    lc_judge *judge = lc_judge_new(book);
    const lc_judgement *judgement =
        lc_lead_judge(judge, lead_of(f, lead_id), &fact, fact.occurred_at + 30 * LC_DAY, &f->arena);
    g_ptr_array_add(f->judges, judge);
    g_array_append_vals(f->outcomes, judgement->outcomes, (guint)judgement->n_outcomes);
}

static void
bench_outcomes(const feed *f)
{
    GString *json = g_string_new(NULL);
    GByteArray *avro = g_byte_array_new();
    double n = (double)f->outcomes->len * ROUNDS, began = seconds_on_core();

    for (int round = 0; round < ROUNDS; round++) {
        g_string_truncate(json, 0);
        for (guint i = 0; i < f->outcomes->len; i++)
            lc_json_write_outcome(json, LC_TEXT("5b8c52f2-2659-4e67-a587-6614ab77121e"),
                                  &g_array_index(f->outcomes, lc_outcome, i));
    }
    report("an outcome as JSON", n, began);
    began = seconds_on_core();
    for (int round = 0; round < ROUNDS; round++) {
        g_byte_array_set_size(avro, 0);
        for (guint i = 0; i < f->outcomes->len; i++)
            lc_encode_outcome(avro, LC_TEXT("5b8c52f2-2659-4e67-a587-6614ab77121e"),
                              &g_array_index(f->outcomes, lc_outcome, i));
    }
    report("an outcome as Avro", n, began);
    g_string_free(json, TRUE);
    g_byte_array_unref(avro);
}

static void
bench_leads(const feed *f)
{
    GByteArray *avro = g_byte_array_new();
    double n = (double)f->leads->len * ROUNDS, began = seconds_on_core();

    for (int round = 0; round < ROUNDS; round++) {
        g_byte_array_set_size(avro, 0);
        for (guint i = 0; i < f->leads->len; i++)
            lc_encode_lead(avro, g_ptr_array_index(f->leads, i));
    }
    report("a lead as Avro", n, began);
    g_byte_array_unref(avro);
}

static void
bench_lines(char **lines)
{
    lc_arena arena = {0};
    lc_fact fact;
    lc_text lead_id;
    lc_instant arrived_at;
    double n = 0, began = seconds_on_core();

    for (int round = 0; round < ROUNDS; round++)
        for (char **line = lines; *line; line++, n++) {
            lc_json_read_fact(*line, strlen(*line), &arena, &fact, &lead_id, &arrived_at, NULL);
            lc_arena_reset(&arena);
        }
    report("a fact read from JSON", n, began);
    lc_arena_clear(&arena);
}

int
main(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;
    g_autoptr(lc_policy_book) book = lc_policy_book_load((const char *const[]){FEED "/policy.yaml", NULL}, &error);

    if (book == NULL || !g_file_get_contents(FEED "/events.jsonl", &text, NULL, &error)) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    feed f = {.outcomes = g_array_new(FALSE, FALSE, sizeof(lc_outcome)),
              .judges = g_ptr_array_new_with_free_func((GDestroyNotify)lc_judge_free),
              .leads = g_ptr_array_new(),
              .by_id = g_hash_table_new(g_str_hash, g_str_equal)};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        take_line(&f, book, *line);
    bench_outcomes(&f);
    bench_leads(&f);
    bench_lines(lines);
    g_hash_table_unref(f.by_id);
    g_array_unref(f.outcomes);
    g_ptr_array_unref(f.leads);
    g_ptr_array_unref(f.judges);
    lc_arena_clear(&f.arena);
    return 0;
}
