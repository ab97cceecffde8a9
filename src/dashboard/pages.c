/* pages.c - the ledger, and the pages made of it: each at most once a second, and where making one takes long in
 * proportion, so that however many look, most of the time is the reader's. */
#include "frame.h"
#include "views.h"

#include <leadclock/calendar.h>
#include <leadclock/text.h>

#define GOOD_FOR_US G_USEC_PER_SEC
#define GOOD_FOR_TIMES_ITS_COST 10
#define PAGES_KEPT 64

#define HTML "text/html; charset=utf-8"
#define JSON "application/json; charset=utf-8"
#define CSV "text/csv; charset=utf-8"

static const char icon[] = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\"><circle cx=\"8\" cy=\"8\" "
                           "r=\"7\" fill=\"#0b57a4\"/><path d=\"M8 3v5l3 2\" stroke=\"#fff\" stroke-width=\"1.6\" "
                           "fill=\"none\" stroke-linecap=\"round\"/></svg>\n";

typedef struct {
    lc_page page;
    int64_t good_until_us;
} made_page;

struct lc_pages {
    const lc_policy_book *book;
    lc_duration keep;
    GMutex made_mutex; /* the inner one: who finds a page waits for nobody who makes another */
    GHashTable *made;  /* what was asked -> made_page */
    GMutex mutex;      /* of all that follows */
    lc_ledger *ledger;
    uint64_t n_made, records;
    bool is_read;
    uint64_t done, all;
    lc_instant fresh_at; /* LC_ABSENT: never yet */
    char *stale_because; /* NULL: it is fresh */
    GArray *instances;   /* lc_instance_state */
};

/* ---- Making and ending ---- */

static void
free_made(gpointer data)
{
    lc_page_clear(&((made_page *)data)->page);
    g_free(data);
}

static void
clear_instance(gpointer data)
{
    g_free(((lc_instance_state *)data)->url);
    g_free(((lc_instance_state *)data)->says);
}

static lc_ledger *
new_ledger(void)
{
    lc_ledger *ledger = lc_ledger_new();
    lc_ledger_keep_stories(ledger);
    return ledger;
}

lc_pages *
lc_pages_new(const lc_policy_book *book, lc_duration keep)
{
    lc_pages *pages = g_new0(lc_pages, 1);
    pages->book = book;
    pages->keep = keep;
    g_mutex_init(&pages->mutex);
    g_mutex_init(&pages->made_mutex);
    pages->ledger = new_ledger();
    pages->made = g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, free_made);
    pages->fresh_at = LC_ABSENT;
    pages->instances = g_array_new(FALSE, FALSE, sizeof(lc_instance_state));
    g_array_set_clear_func(pages->instances, clear_instance);
    return pages;
}

void
lc_pages_free(lc_pages *pages)
{
    if (pages == NULL)
        return;
    lc_ledger_free(pages->ledger);
    g_hash_table_unref(pages->made);
    g_array_unref(pages->instances);
    g_free(pages->stale_because);
    g_mutex_clear(&pages->mutex);
    g_mutex_clear(&pages->made_mutex);
    g_free(pages);
}

void
lc_page_clear(lc_page *page)
{
    g_clear_pointer(&page->body, g_bytes_unref);
}

/* ---- Rows ---- */

void
lc_pages_take(lc_pages *pages, const lc_table_row *row, lc_instant now)
{
    bool is_old =
        row->table == LC_ROW_CYCLE && !row->deleted && row->cycle.settled && row->cycle.settled_at < now - pages->keep;
    g_mutex_lock(&pages->mutex);
    lc_ledger_take(pages->ledger, row->table, row->deleted || is_old, &row->cycle);
    pages->records++;
    g_mutex_unlock(&pages->mutex);
}

void
lc_pages_begin_anew(lc_pages *pages)
{
    g_mutex_lock(&pages->mutex);
    lc_ledger_free(pages->ledger);
    pages->ledger = new_ledger();
    pages->is_read = false;
    pages->done = pages->all = 0;
    g_mutex_unlock(&pages->mutex);
}

void
lc_pages_tidy(lc_pages *pages, lc_instant now)
{
    g_mutex_lock(&pages->mutex);
    lc_ledger_forget_before(pages->ledger, now - pages->keep);
    g_mutex_unlock(&pages->mutex);
}

/* ---- How far it is ---- */

void
lc_pages_tell_progress(lc_pages *pages, uint64_t done, uint64_t all)
{
    g_mutex_lock(&pages->mutex);
    pages->done = done;
    pages->all = all;
    g_clear_pointer(&pages->stale_because, g_free);
    g_mutex_unlock(&pages->mutex);
}

void
lc_pages_tell_fresh(lc_pages *pages, lc_instant now)
{
    g_mutex_lock(&pages->mutex);
    pages->is_read = true;
    pages->fresh_at = now;
    g_clear_pointer(&pages->stale_because, g_free);
    g_mutex_unlock(&pages->mutex);
}

void
lc_pages_tell_stale(lc_pages *pages, const char *why)
{
    g_mutex_lock(&pages->mutex);
    g_free(pages->stale_because);
    pages->stale_because = g_strdup(why);
    g_mutex_unlock(&pages->mutex);
}

void
lc_pages_tell_instances(lc_pages *pages, const lc_instance_state *states, size_t n)
{
    g_mutex_lock(&pages->mutex);
    g_array_set_size(pages->instances, 0);
    for (size_t i = 0; i < n; i++) {
        lc_instance_state copy = states[i];
        copy.url = g_strdup(copy.url);
        copy.says = g_strdup(copy.says);
        g_array_append_val(pages->instances, copy);
    }
    g_mutex_unlock(&pages->mutex);
}

/* NULL: all is there. */
static char *
problem(const lc_pages *pages)
{
    char since[LC_DATE_TEXT_BYTES];
    if (pages->stale_because && !pages->is_read)
        return g_strdup_printf("the tables are not read yet: %s", pages->stale_because);
    if (pages->stale_because)
        return g_strdup_printf("stale since %s %.*s: %s", lc_report_time(pages->book, pages->fresh_at, since),
                               LC_TEXT_ARGS(lc_report_zone_name(pages->book)), pages->stale_because);
    if (!pages->is_read)
        return g_strdup_printf("the tables are still being read, %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT
                               " records so far: what is shown is not all",
                               pages->done, pages->all);
    return NULL;
}

char *
lc_pages_problem(lc_pages *pages)
{
    g_mutex_lock(&pages->mutex);
    char *text = problem(pages);
    g_mutex_unlock(&pages->mutex);
    return text;
}

lc_instant
lc_pages_fresh_at(lc_pages *pages)
{
    g_mutex_lock(&pages->mutex);
    lc_instant fresh_at = pages->fresh_at;
    g_mutex_unlock(&pages->mutex);
    return fresh_at;
}

uint64_t
lc_pages_made(lc_pages *pages)
{
    g_mutex_lock(&pages->mutex);
    uint64_t made = pages->n_made;
    g_mutex_unlock(&pages->mutex);
    return made;
}

/* ---- A page ---- */

static void
fill(lc_page *page, unsigned status, const char *content_type, GString *body)
{
    *page = (lc_page){.status = status, .content_type = content_type, .body = g_string_free_to_bytes(body)};
}

static bool
find_fixed(const char *path, lc_page *page)
{
    const struct {
        const char *path, *content_type, *text;
    } files[] = {{"/style.css", "text/css; charset=utf-8", lc_dashboard_style},
                 {"/live.js", "text/javascript; charset=utf-8", lc_dashboard_script},
                 {"/icon.svg", "image/svg+xml", icon}};
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
        if (strcmp(path, files[i].path) == 0) {
            *page = (lc_page){.status = 200,
                              .content_type = files[i].content_type,
                              .is_fixed = true,
                              .body = g_bytes_new_static(files[i].text, strlen(files[i].text))};
            return true;
        }
    return false;
}

static void
make_html(const lc_pages *pages, const lc_page_question *question, const lc_answers *report, lc_page *page)
{
    GString *body = g_string_new(NULL);
    g_autofree char *link = lc_view_path(question), *mind = problem(pages);
    const lc_frame frame = {.path = question->path,
                            .link = link,
                            .days = lc_view_days(question),
                            .state = mind ? mind : "Live: it changes as leads do.",
                            .is_whole = mind == NULL,
                            .report = report,
                            .problem = g_str_has_prefix(question->path, "/lead")
                                           ? "No row says anything of this lead: it is not known, was erased, or was "
                                             "settled so long ago that it is kept no more (dashboard.days)."
                                           : "There is no such page."};
    lc_frame_write(body, &frame);
    fill(page, report ? 200 : 404, HTML, body);
}

static void
make_json(const lc_answers *report, lc_page *page)
{
    GString *body = g_string_new(NULL);
    if (report)
        lc_answers_write(body, report, LC_TABLE_JSON);
    else
        g_string_append(body, "{\"problem\":\"there is no such page, or no such lead\"}\n");
    fill(page, report ? 200 : 404, JSON, body);
}

static void
make_csv(const lc_page_question *question, const lc_answers *report, lc_page *page)
{
    GString *body = g_string_new(NULL);
    const char *table = question->values[ASK_TABLE];
    bool is_there = report && table && lc_answers_write_csv(body, report, table);
    if (!is_there)
        g_string_assign(body, "there is no such table\n");
    fill(page, is_there ? 200 : 404, is_there ? CSV : "text/plain; charset=utf-8", body);
}

static bool
begins_with(const char **path, const char *prefix)
{
    if (!g_str_has_prefix(*path, prefix) || (*path)[strlen(prefix)] != '/')
        return false;
    *path += strlen(prefix);
    return true;
}

static void
make(lc_pages *pages, const lc_page_question *asked, lc_instant now, lc_page *page)
{
    lc_page_question question = *asked;
    bool is_json = begins_with(&question.path, "/api"), is_csv = !is_json && begins_with(&question.path, "/csv");
    const lc_view view = {.ledger = pages->ledger,
                          .book = pages->book,
                          .now = now,
                          .instances = (const lc_instance_state *)(void *)pages->instances->data,
                          .n_instances = pages->instances->len,
                          .records = pages->records,
                          .pages_made = pages->n_made};
    g_autoptr(lc_answers) report = lc_view_find(&view, &question);
    pages->n_made++;
    if (is_json)
        make_json(report, page);
    else if (is_csv)
        make_csv(&question, report, page);
    else
        make_html(pages, &question, report, page);
}

/* ---- Once, for all who ask ---- */

/* Lengths tell where a value ends. */
static char *
key_of(const lc_page_question *question)
{
    GString *key = g_string_new(question->path);
    for (int i = 0; i < LC_PAGE_PARAMETERS; i++)
        if (question->values[i])
            g_string_append_printf(key, "\n%d %" G_GSIZE_FORMAT " %s", i, strlen(question->values[i]),
                                   question->values[i]);
    return g_string_free(key, FALSE);
}

static gboolean
is_over(G_GNUC_UNUSED gpointer key, gpointer value, gpointer now_us)
{
    return ((const made_page *)value)->good_until_us <= *(const int64_t *)now_us;
}

static void
make_room(lc_pages *pages, int64_t now_us)
{
    if (g_hash_table_size(pages->made) >= PAGES_KEPT)
        g_hash_table_foreach_remove(pages->made, is_over, &now_us);
    if (g_hash_table_size(pages->made) >= PAGES_KEPT)
        g_hash_table_remove_all(pages->made);
}

/* Whether there is one that is still good. */
static bool
find_made(lc_pages *pages, const char *key, int64_t now_us, lc_page *page)
{
    g_mutex_lock(&pages->made_mutex);
    const made_page *made = g_hash_table_lookup(pages->made, key);
    bool is_good = made && made->good_until_us > now_us;
    if (is_good) {
        *page = made->page;
        g_bytes_ref(page->body);
    }
    g_mutex_unlock(&pages->made_mutex);
    return is_good;
}

static void
keep_made(lc_pages *pages, char *key, const lc_page *page, int64_t now_us, int64_t cost_us)
{
    made_page *made = g_new0(made_page, 1);
    made->page = *page;
    g_bytes_ref(page->body);
    made->good_until_us = now_us + MAX(GOOD_FOR_US, GOOD_FOR_TIMES_ITS_COST * cost_us);
    g_mutex_lock(&pages->made_mutex);
    make_room(pages, now_us);
    g_hash_table_replace(pages->made, key, made);
    g_mutex_unlock(&pages->made_mutex);
}

void
lc_pages_find(lc_pages *pages, const lc_page_question *question, lc_instant now, int64_t now_us, lc_page *page)
{
    if (find_fixed(question->path, page))
        return;
    g_autofree char *key = key_of(question);
    if (find_made(pages, key, now_us, page))
        return;
    g_mutex_lock(&pages->mutex);
    /* Who waited for it here has it now. */
    if (!find_made(pages, key, now_us, page)) {
        int64_t begun_us = g_get_monotonic_time();
        make(pages, question, now, page);
        keep_made(pages, g_steal_pointer(&key), page, now_us, g_get_monotonic_time() - begun_us);
    }
    g_mutex_unlock(&pages->mutex);
}
