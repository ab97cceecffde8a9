/* bench_dashboard [CYCLES] - what a lead takes in the dashboard's memory, and how long its pages take to make. */
#include <leadclock/calendar.h>
#include <leadclock/dashboard.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

static const char policy_text[] =
    "name: p\nstages: [SAL, {name: WON, closes: won}]\nreasons:\n  other: {route: NURTURE}\n"
    "rules:\n  - {name: standard, when: any, clawback: {after: 30d}}\n";

static lc_uuid
id_of(unsigned cycle, unsigned kind)
{
    lc_uuid id = {{0}};
    uint64_t mixed = (cycle * (uint64_t)8 + kind) * UINT64_C(0x9e3779b97f4a7c15);
    memcpy(id.bytes, &mixed, sizeof mixed);
    memcpy(id.bytes + sizeof mixed, &cycle, sizeof cycle);
    return id;
}

/* A tenth is open; each has an owner, a half a stage, a third a breach, a third a route. */
static void
take_lead(lc_pages *pages, unsigned n, lc_instant now)
{
    static const char *const channels[] = {"demo", "quote", "webinar", "fair", "ads"};
    char lead[32], owner[32];
    snprintf(lead, sizeof lead, "lead-%012u", n);
    snprintf(owner, sizeof owner, "owner-%u", n % 200);
    bool is_open = n % 10 == 0;
    lc_instant at = now - n % 80 * LC_DAY - n % 86400 * LC_SECOND;
    lc_table_row row = {.table = LC_ROW_CYCLE,
                        .cycle = {.cycle_id = id_of(n, 0),
                                  .lead_id = lc_text_of(lead),
                                  .cycle = 1,
                                  .handoff_at = at,
                                  .channel = lc_text_of(channels[n % 5]),
                                  .rule = LC_TEXT("standard"),
                                  .owner = lc_text_of(owner),
                                  .settled = !is_open,
                                  .cause = LC_CAUSE_REJECTED,
                                  .reason = LC_TEXT("other"),
                                  .route = -1,
                                  .settled_at = is_open ? LC_ABSENT : at + LC_HOUR,
                                  .first_contact_at = at + LC_MINUTE,
                                  .response_ms = LC_MINUTE,
                                  .response_open_ms = LC_MINUTE,
                                  .next_clock = is_open ? LC_TEXT("first_contact") : LC_NO_TEXT,
                                  .next_due_at = is_open ? now + n % 86400 * LC_SECOND : LC_ABSENT,
                                  .broken = is_open && n % 30 == 0,
                                  .broken_since = at + LC_HOUR,
                                  .clawback_due_at = LC_ABSENT,
                                  .paused_since = LC_ABSENT,
                                  .priority_at = at}};
    lc_pages_take(pages, &row, now);
    row = (lc_table_row){.table = LC_ROW_TENURE,
                         .tenure = {.cycle_id = id_of(n, 0), .position = 1, .owner = lc_text_of(owner), .from_at = at}};
    lc_pages_take(pages, &row, now);
    row = (lc_table_row){.table = LC_ROW_STAGE,
                         .stage = {.cycle_id = id_of(n, 0), .stage = LC_TEXT("SAL"), .reached_at = at + LC_HOUR}};
    if (n % 2 == 0)
        lc_pages_take(pages, &row, now);
    row = (lc_table_row){.table = LC_ROW_BREACH,
                         .breach = {.event_id = id_of(n, 1),
                                    .cycle_id = id_of(n, 0),
                                    .clock = LC_TEXT("first_contact"),
                                    .owner = lc_text_of(owner),
                                    .due_at = at,
                                    .breached_at = at,
                                    .ended_at = LC_ABSENT,
                                    .late_ms = LC_ABSENT,
                                    .ended_by = -1}};
    if (n % 3 == 0)
        lc_pages_take(pages, &row, now);
    row = (lc_table_row){.table = LC_ROW_ROUTE,
                         .route = {.event_id = id_of(n, 2),
                                   .cycle_id = id_of(n, 0),
                                   .rule = LC_TEXT("standard"),
                                   .routed_at = at,
                                   .routed = {.cause = LC_CAUSE_REJECTED}}};
    if (n % 3 == 1)
        lc_pages_take(pages, &row, now);
}

static void
time_page(lc_pages *pages, const char *path, lc_instant now)
{
    g_auto(lc_page) page = {0};
    const lc_page_question question = {.path = path};
    int64_t begun_us = g_get_monotonic_time();
    lc_pages_find(pages, &question, now, begun_us, &page);
    printf("%-20s %6.1f ms, %zu KiB\n", path, (double)(g_get_monotonic_time() - begun_us) / 1000,
           g_bytes_get_size(page.body) / 1024);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    unsigned n = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
    lc_instant now = g_get_real_time() / 1000;
    g_autoptr(lc_policy_book) book = lc_policy_book_parse("p.yaml", policy_text, sizeof policy_text - 1, &error);
    if (book == NULL)
        g_error("%s", error->message);
    g_autoptr(lc_pages) pages = lc_pages_new(book, 90 * LC_DAY);
    size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;
    int64_t begun_us = g_get_monotonic_time();
    for (unsigned i = 0; i < n; i++)
        take_lead(pages, i, now);
    double seconds = (double)(g_get_monotonic_time() - begun_us) / G_USEC_PER_SEC;
    size_t bytes = mallinfo2().uordblks + mallinfo2().hblkhd - before;
    printf("%u cycles: %.1f s, %.0f MiB, %zu bytes each\n", n, seconds, (double)bytes / (1024 * 1024), bytes / n);
    static const char *const paths[] = {"/",       "/worklist", "/leads",   "/lead/lead-000000000042",
                                        "/routes", "/promises", "/channels"};
    for (size_t i = 0; i < G_N_ELEMENTS(paths); i++)
        time_page(pages, paths[i], now);
    return 0;
}
