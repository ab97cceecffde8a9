/* told.c - what the log is told once, or as a number. */
#include "told.h"

#include <inttypes.h>

#define TELL_EVERY_MS 10000 /* how many records were refused, and the like */
#define MAX_REMEMBERED 1000 /* things said */

/* What was said, by whom, and when it was last. */
typedef struct {
    const void *teller;
    int64_t at_ms;
} said;

/* Facts that somebody should look at, since that was last told. */
typedef struct {
    uint64_t refused[LC_DEAD_REASONS], without_channel;
    char *last_refused, *last_without_channel; /* where it lies, and what is wrong */
} oddities;

struct lc_told {
    GMutex lock;
    GHashTable *said; /* text -> said * */
    oddities odd;
    int64_t told_ms; /* when they were last told */
};

lc_told *
lc_told_new(void)
{
    lc_told *told = g_new0(lc_told, 1);

    g_mutex_init(&told->lock);
    told->said = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    told->told_ms = INT64_MIN / 2;
    return told;
}

static void
clear_oddities(oddities *odd)
{
    g_free(odd->last_refused);
    g_free(odd->last_without_channel);
    *odd = (oddities){0};
}

void
lc_told_free(lc_told *told)
{
    if (told == NULL)
        return;
    g_mutex_clear(&told->lock);
    g_hash_table_unref(told->said);
    clear_oddities(&told->odd);
    g_free(told);
}

bool
lc_told_may_say(lc_told *told, const void *teller, const char *what, int64_t now_ms, int64_t within_ms)
{
    g_mutex_lock(&told->lock);
    said *before = g_hash_table_lookup(told->said, what);
    bool is_own = before && teller && before->teller == teller;
    bool may = before == NULL || is_own || now_ms - before->at_ms >= within_ms;

    if (before == NULL) {
        if (g_hash_table_size(told->said) >= MAX_REMEMBERED)
            g_hash_table_remove_all(told->said);
        before = g_new0(said, 1);
        g_hash_table_insert(told->said, g_strdup(what), before);
    }
    if (may)
        *before = (said){teller, now_ms};
    g_mutex_unlock(&told->lock);
    return may;
}

bool
lc_told_may_say_once(lc_told *told, const char *what)
{
    return lc_told_may_say(told, NULL, what, 0, INT64_MAX);
}

/* ---- Facts that somebody should look at ---- */

void
lc_told_add(lc_told *told, const lc_worker_tally *tally, char *last_refused, char *last_without_channel)
{
    g_mutex_lock(&told->lock);
    for (int i = 0; i < LC_DEAD_REASONS; i++)
        if (i != LC_DEAD_TOO_MANY_FACTS) /* said once a lead */
            told->odd.refused[i] += tally->dead_letters[i];
    told->odd.without_channel += tally->without_channel;
    if (last_refused) {
        g_free(told->odd.last_refused);
        told->odd.last_refused = last_refused;
    }
    if (last_without_channel) {
        g_free(told->odd.last_without_channel);
        told->odd.last_without_channel = last_without_channel;
    }
    g_mutex_unlock(&told->lock);
}

static void
tell_refused(const oddities *odd, const char *dead_letters)
{
    g_autoptr(GString) reasons = g_string_new(NULL);
    uint64_t n = 0;

    for (int i = 0; i < LC_DEAD_REASONS; i++) {
        if (odd->refused[i] == 0)
            continue;
        n += odd->refused[i];
        g_string_append_printf(reasons, "%s%s %" PRIu64, reasons->len ? ", " : "",
                               lc_dead_reason_name((lc_dead_reason)i), odd->refused[i]);
    }
    if (n > 0)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "DEAD_LETTERS", LC_NUMBER(n), "REASONS", reasons->str,
                         "MESSAGE", "records that can be no fact went to %s; the last one: %s", dead_letters,
                         odd->last_refused ? odd->last_refused : "not known");
}

static void
tell_without_channel(const oddities *odd)
{
    if (odd->without_channel > 0)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "FACTS", LC_NUMBER(odd->without_channel), "MESSAGE",
                         "hand-offs came with an empty channel, and are counted under it; the last one: %s",
                         odd->last_without_channel ? odd->last_without_channel : "not known");
}

void
lc_told_tell(lc_told *told, const char *dead_letters, int64_t now_ms, bool at_once)
{
    oddities odd = {0};

    g_mutex_lock(&told->lock);
    if ((told->odd.last_refused || told->odd.last_without_channel) &&
        (at_once || now_ms - told->told_ms >= TELL_EVERY_MS)) {
        odd = told->odd;
        told->odd = (oddities){0};
        told->told_ms = now_ms;
    }
    g_mutex_unlock(&told->lock);
    tell_refused(&odd, dead_letters);
    tell_without_channel(&odd);
    clear_oddities(&odd);
}
