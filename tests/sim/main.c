/* main.c - runs seeds; --weaken takes a check away. */
#include "checks.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SEEDS_A_CHILD 20   /* what killed workers leave behind is given back with the child */
#define SECONDS_A_SEED 120 /* a seed that takes longer never ends */

/* What a child tells its parent. */
typedef struct {
    uint64_t seed; /* under way */
    uint64_t done;
    unsigned failovers[SIM_FAILOVERS];
    bool failed;
    char failure[2048];
} report;

static struct {
    gint64 seed, seeds, start, seconds;
    gboolean trace, expect_failure, keep_going, failovers;
    char *weaken;
} options = {.seed = -1, .start = 1};

static const struct {
    const char *name;
    unsigned mask;
} weakenings[] = {
    {"stable-offsets", LC_MEMORY_WEAKEN_STABLE_OFFSETS},
    {"early-eof", LC_MEMORY_WEAKEN_EARLY_EOF},
    {"recovery-guard", LC_MEMORY_WEAKEN_RECOVERY_GUARD},
    {"read-guard", LC_MEMORY_WEAKEN_READ_GUARD},
    {"early-offsets", LC_MEMORY_WEAKEN_EARLY_OFFSETS},
    /* Waiting for the last owner's transaction, and ending it, keeps most zombies off too. */
    {"unchanged-offsets", LC_MEMORY_WEAKEN_UNCHANGED_OFFSETS | (LC_CHECK_WAIT | LC_CHECK_FENCE) << SIM_ENGINE_BIT},
    {"group-metadata", LC_MEMORY_WEAKEN_GROUP_METADATA | (LC_CHECK_WAIT | LC_CHECK_FENCE) << SIM_ENGINE_BIT},
    {"failed-send", LC_MEMORY_WEAKEN_FAILED_SEND},
    {"keep-producer", LC_MEMORY_WEAKEN_KEEP_PRODUCER},
    {"apply-guard", LC_MEMORY_WEAKEN_APPLY_GUARD},
    {"one-connection", LC_MEMORY_WEAKEN_ONE_CONNECTION},
    {"late-requests", LC_MEMORY_WEAKEN_LATE_REQUESTS},
    {"cut", LC_CHECK_CUT << SIM_ENGINE_BIT},
    {"pieces", LC_CHECK_PIECES << SIM_ENGINE_BIT},
    {"look", LC_CHECK_LOOK << SIM_ENGINE_BIT},
    {"second-no", LC_CHECK_SECOND_NO << SIM_ENGINE_BIT},
    {"wait", LC_CHECK_WAIT << SIM_ENGINE_BIT},
    {"fence", LC_CHECK_FENCE << SIM_ENGINE_BIT},
    {"claim", LC_CHECK_CLAIM << SIM_ENGINE_BIT},
    {"emptying", LC_CHECK_EMPTYING << SIM_ENGINE_BIT},
    {"lost-tail", LC_CHECK_LOST_TAIL << SIM_ENGINE_BIT},
    {"lost-rewritten", LC_CHECK_LOST_REWRITTEN << SIM_ENGINE_BIT},
    {"lost-offsets", LC_CHECK_LOST_OFFSETS << SIM_ENGINE_BIT},
    {"sure", LC_CHECK_SURE << SIM_ENGINE_BIT},
    {"last-row", (unsigned)LC_CHECK_LAST_ROW << SIM_ENGINE_BIT},
    {"apart", LC_CHECK_APART << SIM_ENGINE_BIT},
    {"broker-clock", LC_CHECK_BROKER_CLOCK << SIM_ENGINE_BIT},
    {"growth", LC_CHECK_GROWTH << SIM_ENGINE_BIT},
    {"forget", LC_CHECK_FORGET << SIM_ENGINE_BIT},
    {"taken", (unsigned)LC_CHECK_TAKEN << SIM_ENGINE_BIT},
    {"tidy", (unsigned)LC_CHECK_TIDY << SIM_ENGINE_BIT},
};

static unsigned
weaken_mask(void)
{
    if (options.weaken == NULL)
        return 0;
    for (size_t i = 0; i < G_N_ELEMENTS(weakenings); i++)
        if (strcmp(weakenings[i].name, options.weaken) == 0)
            return weakenings[i].mask;
    fprintf(stderr, "sim: no weakening \"%s\"; there are:", options.weaken);
    for (size_t i = 0; i < G_N_ELEMENTS(weakenings); i++)
        fprintf(stderr, " %s", weakenings[i].name);
    fprintf(stderr, "\n");
    exit(2);
}

/* The engine's log: part of a trace, otherwise nothing. */
static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    (void)data;
    for (gsize i = 0; sim_running && i < n; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0)
            sim_say(sim_running, "log: %s", (const char *)fields[i].value);
    if (level & (G_LOG_FLAG_FATAL | G_LOG_LEVEL_CRITICAL))
        return g_log_writer_standard_streams(level, fields, n, data);
    return G_LOG_WRITER_HANDLED;
}

static double
seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- Seeds in a child ---- */

static void
run_seeds(report *shared, uint64_t first, uint64_t n)
{
    for (uint64_t seed = first; seed < first + n; seed++) {
        shared->seed = seed;
        alarm(SECONDS_A_SEED);
        g_autofree char *failure = sim_run(seed, weaken_mask(), false);
        for (int i = 0; i < SIM_FAILOVERS; i++)
            shared->failovers[i] += sim_failovers[i];
        memset(sim_failovers, 0, sizeof sim_failovers);
        if (failure) {
            shared->failed = true;
            g_strlcpy(shared->failure, failure, sizeof shared->failure);
            return;
        }
        shared->done++;
    }
}

/* Seeds from `first` on, in a child of their own. */
static void
run_child(report *shared, uint64_t first, uint64_t n)
{
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        run_seeds(shared, first, n);
        _exit(0);
    }
    if (waitpid(child, &status, 0) == child && status != 0 && !shared->failed) {
        shared->failed = true;
        g_snprintf(shared->failure, sizeof shared->failure, "the process died: %s",
                   WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "see above");
    }
}

/* What became of Redis in all seeds. False: something never did. */
static bool
tell_failovers(const report *shared)
{
    bool is_whole = true;
    for (int i = 0; i < SIM_FAILOVERS; i++) {
        printf("%7u x %s\n", shared->failovers[i], sim_failover_names[i]);
        is_whole = is_whole && shared->failovers[i] > 0;
    }
    return is_whole;
}

static int
run_many(void)
{
    report *shared = mmap(NULL, sizeof(report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double began = seconds_now();
    uint64_t next = (uint64_t)options.start, failures = 0, failed = 0;
    for (;;) {
        uint64_t left = options.seeds ? (uint64_t)(options.start + options.seeds) - next : SEEDS_A_CHILD;
        if (left == 0 || (options.seconds && seconds_now() - began >= (double)options.seconds))
            break;
        run_child(shared, next, MIN(left, SEEDS_A_CHILD));
        next += MIN(left, SEEDS_A_CHILD);
        if (!shared->failed)
            continue;
        printf("seed %" G_GUINT64_FORMAT ": %s\n", shared->seed, shared->failure);
        fflush(stdout);
        failures++;
        failed = shared->seed;
        shared->failed = false;
        next = shared->seed + 1;
        if (!options.keep_going)
            break;
    }
    bool is_whole = tell_failovers(shared) || !options.failovers || options.expect_failure;
    printf("%" G_GUINT64_FORMAT " seeds held, %" G_GUINT64_FORMAT " failed, in %.0f s\n", shared->done, failures,
           seconds_now() - began);
    if (failures && !options.expect_failure)
        printf("replay with: sim --seed %" G_GUINT64_FORMAT " --trace%s%s%s\n", failed,
               options.failovers ? " --failovers" : "", options.weaken ? " --weaken " : "",
               options.weaken ? options.weaken : "");
    return (failures > 0) == options.expect_failure && is_whole ? 0 : 1;
}

static int
run_one(void)
{
    g_autofree char *failure = sim_run((uint64_t)options.seed, weaken_mask(), options.trace);
    printf("seed %" G_GINT64_FORMAT ": %s\n", options.seed, failure ? failure : "holds");
    return (failure != NULL) == options.expect_failure ? 0 : 1;
}

int
main(int argc, char **argv)
{
    const GOptionEntry entries[] = {
        {"seed", 0, 0, G_OPTION_ARG_INT64, &options.seed, "Run this seed only", "N"},
        {"trace", 0, 0, G_OPTION_ARG_NONE, &options.trace, "Tell every step of it", NULL},
        {"seeds", 0, 0, G_OPTION_ARG_INT64, &options.seeds, "Run so many seeds", "N"},
        {"seconds", 0, 0, G_OPTION_ARG_INT64, &options.seconds, "Run seeds for so long", "S"},
        {"start", 0, 0, G_OPTION_ARG_INT64, &options.start, "The first seed", "N"},
        {"keep-going", 0, 0, G_OPTION_ARG_NONE, &options.keep_going, "Go on after a seed that fails", NULL},
        {"weaken", 0, 0, G_OPTION_ARG_STRING, &options.weaken, "Take a check away", "NAME"},
        {"failovers", 0, 0, G_OPTION_ARG_NONE, &options.failovers,
         "Only Redis fails: another master, slots that move; in each way", NULL},
        {"expect-failure", 0, 0, G_OPTION_ARG_NONE, &options.expect_failure, "Succeed if a seed fails", NULL},
        {NULL}};
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context = g_option_context_new("- the engine in a simulated cluster");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "sim: %s\n", error->message);
        return 2;
    }
    setenv("TZ", "UTC", 1);
    g_log_set_writer_func(write_log, NULL, NULL);
    sim_only_failovers = options.failovers;
    if (options.seed >= 0)
        return run_one();
    if (options.seeds == 0 && options.seconds == 0)
        options.seconds = 10;
    return run_many();
}

/* A worker that is killed leaves its memory behind, as a process does. */
const char *__asan_default_options(void);
const char *
__asan_default_options(void)
{
    return "detect_leaks=0:detect_stack_use_after_return=0";
}
