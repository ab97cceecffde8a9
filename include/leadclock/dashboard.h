/* dashboard.h - the answers of the room report in a browser, live: follows the tables on Kafka into a ledger, and makes
 * pages of it.
 *
 * Uses report, tables, kafka, registry, policy, codec, http (server and client), and service for metrics. Read-only: it
 * joins no group, and nothing that a browser sends changes anything. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/http.h>
#include <leadclock/kafka.h>
#include <leadclock/policy.h>
#include <leadclock/registry.h>

/* ---- Pages, made at most once a second each, however many look ---- */

typedef struct lc_pages lc_pages;

/* `book` is borrowed. What was settled more than `keep` ago is not kept. */
lc_pages *lc_pages_new(const lc_policy_book *book, lc_duration keep);
void lc_pages_free(lc_pages *pages);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_pages, lc_pages_free)

/* All that follows: any thread. */

/* A row, or its deletion. */
void lc_pages_take(lc_pages *pages, const lc_table_row *row, lc_instant now);
/* Forgets all rows, as the tables have been emptied or are read anew. */
void lc_pages_begin_anew(lc_pages *pages);
/* Forgets what is old by now. */
void lc_pages_tidy(lc_pages *pages, lc_instant now);

/* How far what they show reaches; each is shown on every page. */
void lc_pages_tell_progress(lc_pages *pages, uint64_t done, uint64_t all); /* still reading */
void lc_pages_tell_fresh(lc_pages *pages, lc_instant now);                 /* all was read, as of then */
void lc_pages_tell_stale(lc_pages *pages, const char *why);                /* since it was fresh last */
/* What keeps it from showing all; NULL: nothing does. Caller frees. */
char *lc_pages_problem(lc_pages *pages);

/* The instances of `run`, as the page Service shows them: one a URL. */
typedef struct {
    char *url, *says; /* what /readyz answers; or what keeps it from that */
    bool is_ready;
    int64_t lag, pending;     /* -1: not known */
    double safe_time_delay_s; /* below 0: not known */
    lc_instant asked_at;
} lc_instance_state;
/* Copies. */
void lc_pages_tell_instances(lc_pages *pages, const lc_instance_state *states, size_t n);

/* What a page may be asked besides its path; NULL-terminated. */
#define LC_PAGE_PARAMETERS 29
extern const char *const lc_page_parameters[LC_PAGE_PARAMETERS + 1];

typedef struct {
    const char *path;                       /* unescaped */
    const char *values[LC_PAGE_PARAMETERS]; /* by lc_page_parameters, unescaped; NULL: not given */
} lc_page_question;

typedef struct {
    unsigned status;
    const char *content_type; /* static */
    bool is_fixed;            /* the same for as long as the program runs */
    GBytes *body;
} lc_page;

void lc_page_clear(lc_page *page);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_page, lc_page_clear)
/* Always a page; of what is none it says so. `now_us`: monotonic. */
void lc_pages_find(lc_pages *pages, const lc_page_question *question, lc_instant now, int64_t now_us, lc_page *page);
/* How many were made since the start. */
uint64_t lc_pages_made(lc_pages *pages);
/* As of when all was read; LC_ABSENT: never yet. */
lc_instant lc_pages_fresh_at(lc_pages *pages);

/* ---- Who may look ---- */

typedef struct lc_viewers lc_viewers;

/* `users`: name, password, ..., NULL; or NULL. Of passwords only digests are kept. */
lc_viewers *lc_viewers_new(const char *const *users);
void lc_viewers_free(lc_viewers *viewers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_viewers, lc_viewers_free)
/* Nobody is named, so everybody may. */
bool lc_viewers_are_all(const lc_viewers *viewers);
/* By the header Authorization (HTTP basic; NULL: there is none). */
bool lc_viewers_know(const lc_viewers *viewers, const char *authorization);

/* ---- The service ---- */

typedef struct {
    lc_kafka_options kafka;
    lc_registry_options registry;
    const char *const *topics; /* by table (codec.h) */
    const lc_policy_book *book;
    const char *listen;
    const char *const *users; /* name, password, ..., NULL; or NULL */
    bool behind_proxy;
    lc_duration keep;
    const char *const *instances; /* URLs, NULL-terminated */
} lc_dashboard_options;

typedef struct lc_dashboard lc_dashboard;

/* Options are borrowed. Shows pages at once, and reads in threads of its own, which wait for whatever is away.
 * LC_ERROR_CONFIG: the address can't be had, or anybody could look. */
lc_dashboard *lc_dashboard_start(const lc_dashboard_options *options, GError **error);
/* Others may look from now on: name, password, ..., NULL. LC_ERROR_CONFIG: nobody, where there was somebody; then those
 * from before are kept. */
bool lc_dashboard_use_users(lc_dashboard *dashboard, const char *const *users, GError **error);
void lc_dashboard_stop(lc_dashboard *dashboard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_dashboard, lc_dashboard_stop)
/* Of /metrics, /livez and /readyz: an lc_http_pages; `data` is an lc_dashboard. Any thread. */
bool lc_dashboard_answer(const char *path, lc_http_answer *answer, void *data);
/* The port that it listens on. */
unsigned lc_dashboard_port(const lc_dashboard *dashboard);
