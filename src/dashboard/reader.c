/* reader.c - follows the tables into the pages, and says how far it is. */
#include "reader.h"

#include <leadclock/tables.h>

#define OPEN_AGAIN_MS 2000
#define REGISTRY_MS 500
#define READ_MS 100
#define ROWS_A_TURN 256
#define LOOK_EVERY_US (G_USEC_PER_SEC / 2)
#define TIDY_EVERY_US (60 * G_USEC_PER_SEC)
#define SAY_AGAIN_US (60 * G_USEC_PER_SEC)

typedef struct {
    lc_following *following;
    lc_registry *registry;
    lc_tables *tables; /* NULL: to be opened */
    bool has_read;     /* to the end, once */
    bool is_stale;
    gint64 looked_us, tidied_us, said_us;
    uint64_t rows;
} follower;

static lc_instant
now(void)
{
    return g_get_real_time() / 1000;
}

/* ---- What keeps it from its work ---- */

static void
fails(follower *f, const char *why)
{
    gint64 now_us = g_get_monotonic_time();
    if (!f->is_stale || now_us - f->said_us > SAY_AGAIN_US) {
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "the tables: %s", why);
        f->said_us = now_us;
    }
    f->is_stale = true;
    lc_pages_tell_stale(f->following->pages, why);
}

static void
is_well(follower *f)
{
    if (f->is_stale)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_INFO, "MESSAGE", "the tables: goes on");
    f->is_stale = false;
    lc_pages_tell_fresh(f->following->pages, now());
}

/* ---- Reading ---- */

/* Where the tables are read anew, what was shown is shown until they have been found. */
static void
open_tables(follower *f)
{
    g_autoptr(GError) error = NULL;
    const lc_dashboard_options *options = f->following->options;
    if (f->registry == NULL)
        f->registry = lc_registry_new(&options->registry, &error);
    if (f->registry)
        f->tables = lc_tables_new(&options->kafka, f->registry, options->topics, &error);
    if (f->tables == NULL) {
        fails(f, error->message);
        lc_following_wait(f->following, OPEN_AGAIN_MS);
        return;
    }
    lc_pages_begin_anew(f->following->pages);
    f->has_read = false;
    f->looked_us = g_get_monotonic_time();
}

static void
close_tables(follower *f, const GError *why)
{
    fails(f, why->message);
    g_clear_pointer(&f->tables, lc_tables_free);
}

/* Whether there was one. */
static bool
read_row(follower *f, int timeout_ms, lc_instant at)
{
    g_autoptr(GError) error = NULL;
    lc_table_row row;
    int result = lc_tables_read(f->tables, timeout_ms, &row, &error);
    if (result > 0) {
        lc_pages_take(f->following->pages, &row, at);
        f->rows++;
    } else if (result < 0 && g_error_matches(error, LC_ERROR, LC_ERROR_RETRY)) {
        fails(f, error->message);
        lc_following_wait(f->following, REGISTRY_MS);
    } else if (result < 0 && g_error_matches(error, LC_ERROR, LC_ERROR_RECORD)) {
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE", "passed over: %s", error->message);
    } else if (result < 0) {
        close_tables(f, error);
    }
    return result > 0;
}

/* Those that are there, and where none is, the next one: to look at the clock takes as long as a quarter of a row. */
static void
read_rows(follower *f)
{
    lc_instant at = now();
    bool is_more = read_row(f, READ_MS, at);
    for (int n = 1; is_more && n < ROWS_A_TURN; n++)
        is_more = read_row(f, 0, at);
}

static void
tidy(follower *f)
{
    if (f->tidied_us && g_get_monotonic_time() - f->tidied_us < TIDY_EVERY_US)
        return;
    f->tidied_us = g_get_monotonic_time();
    lc_pages_tidy(f->following->pages, now());
}

/* Whether all of it was read is known only of where the tables ended when one looked last, so that is looked at again
 * and again. */
static void
look(follower *f)
{
    g_autoptr(GError) error = NULL;
    if (g_get_monotonic_time() - f->looked_us < LOOK_EVERY_US)
        return;
    f->looked_us = g_get_monotonic_time();
    bool was_caught_up = lc_tables_are_caught_up(f->tables);
    if (lc_tables_look(f->tables, &error)) {
        f->has_read |= was_caught_up;
        if (was_caught_up) {
            is_well(f);
            tidy(f);
        }
    } else if (g_error_matches(error, LC_ERROR, LC_ERROR_RETRY)) {
        fails(f, error->message);
    } else {
        close_tables(f, error);
    }
}

static void
tell_progress(follower *f)
{
    uint64_t done, all;
    lc_tables_progress(f->tables, &done, &all);
    lc_pages_tell_progress(f->following->pages, done, all);
}

/* The first time. Brokers that go away meanwhile are noticed only by looking. */
static void
read_first(follower *f)
{
    g_autoptr(GError) error = NULL;
    if (lc_tables_are_caught_up(f->tables)) {
        f->has_read = true;
        is_well(f);
        tidy(f);
        return;
    }
    if (g_get_monotonic_time() - f->looked_us < LOOK_EVERY_US)
        return;
    f->looked_us = g_get_monotonic_time();
    if (lc_tables_look(f->tables, &error))
        tell_progress(f);
    else if (g_error_matches(error, LC_ERROR, LC_ERROR_RETRY))
        fails(f, error->message);
    else
        close_tables(f, error);
}

/* Whether it is to go round once more. */
static bool
turn(follower *f)
{
    g_mutex_lock(&f->following->mutex);
    f->following->turned_us = g_get_monotonic_time();
    f->following->rows = f->rows;
    bool goes_on = !f->following->is_stopping;
    g_mutex_unlock(&f->following->mutex);
    return goes_on;
}

void *
lc_reader_run(void *data)
{
    follower f = {.following = data};
    while (turn(&f)) {
        if (f.tables == NULL)
            open_tables(&f);
        if (f.tables)
            read_rows(&f);
        if (f.tables && !f.has_read)
            read_first(&f);
        else if (f.tables)
            look(&f);
    }
    g_clear_pointer(&f.tables, lc_tables_free);
    lc_registry_free(f.registry);
    return NULL;
}
