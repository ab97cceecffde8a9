/* recount.c - the counters of section 7 from rows, for leads that are not those of whole months. */
#include "summary.h"

#include <leadclock/text.h>

typedef struct {
    lc_summary *summary;
    const lc_ledger *ledger;
    GHashTable *counted; /* metrics: a cycle counts once under each */
} recount;

static void
add(const recount *r, const lc_ledger_cycle *cycle, const char *metric)
{
    lc_summary_add(r->summary, lc_ledger_text(r->ledger, cycle->channel), metric, 1);
}

static void
add_named(const recount *r, const lc_ledger_cycle *cycle, const char *prefix, lc_text name)
{
    g_autofree char *metric = g_strdup_printf("%s%.*s", prefix, LC_TEXT_ARGS(name));
    add(r, cycle, metric);
}

/* ---- Cycles ---- */

static const char *
bucket_of(lc_duration response)
{
    static const struct {
        lc_duration most;
        const char *name;
    } buckets[] = {{LC_MINUTE, "1m"},   {5 * LC_MINUTE, "5m"}, {15 * LC_MINUTE, "15m"}, {LC_HOUR, "1h"},
                   {4 * LC_HOUR, "4h"}, {LC_DAY, "24h"},       {2 * LC_DAY, "48h"},     {7 * LC_DAY, "7d"}};
    for (size_t i = 0; i < G_N_ELEMENTS(buckets); i++)
        if (response <= buckets[i].most)
            return buckets[i].name;
    return "later";
}

static const char *
metric_of_cause(int cause)
{
    switch (cause) {
    case LC_CAUSE_COOLDOWN:
        return "cooled_down";
    case LC_CAUSE_OPEN_DIALOGUE:
        return "open_dialogue";
    case LC_CAUSE_NOT_QUALIFIED:
        return "not_qualified";
    case LC_CAUSE_REJECTED:
        return "rejected";
    case LC_CAUSE_CLAWED_BACK:
        return "clawed_back";
    case LC_CAUSE_UNRESPONSIVE:
        return "unresponsive";
    case LC_CAUSE_COMPLETED:
        return "completed";
    case LC_CAUSE_MERGED:
        return "merged";
    default:
        return NULL;
    }
}

static void
count_contact(const recount *r, const lc_ledger_cycle *cycle)
{
    if (cycle->response_ms == LC_ABSENT)
        return;
    add(r, cycle, "contacted");
    add_named(r, cycle, "responded:", lc_text_of(bucket_of(cycle->response_ms)));
    add_named(r, cycle, "responded_open:", lc_text_of(bucket_of(cycle->response_open_ms)));
}

static void
count_rejection(const recount *r, const lc_ledger_cycle *cycle)
{
    if (cycle->cause != LC_CAUSE_REJECTED)
        return;
    add_named(r, cycle, "rejected:", lc_ledger_text(r->ledger, cycle->rejected_as));
    if (cycle->reason != cycle->rejected_as)
        add(r, cycle, "reason_unknown");
}

static void
count_cycle(const recount *r, const lc_ledger_cycle *cycle)
{
    const char *cause = metric_of_cause(cycle->cause);
    lc_contact contact = lc_cycle_contact(cycle);
    add(r, cycle, "handed_off");
    if (!lc_cycle_was_held_back(cycle))
        add(r, cycle, "opened");
    if (cause)
        add(r, cycle, cause);
    if (cycle->duplicate)
        add(r, cycle, "duplicate");
    if (cycle->was_paused)
        add(r, cycle, "paused");
    if (contact == LC_CONTACT_KEPT)
        add(r, cycle, "first_contact_met");
    if (contact == LC_CONTACT_BROKEN)
        add(r, cycle, "first_contact_breached");
    count_contact(r, cycle);
    count_rejection(r, cycle);
}

/* ---- Breaches ---- */

static void
count_once(const recount *r, const lc_ledger_cycle *cycle, const char *metric)
{
    if (g_hash_table_add(r->counted, g_strdup(metric)))
        add(r, cycle, metric);
}

/* Of first_contact the cycle tells. */
static void
count_breach(const recount *r, const lc_ledger_cycle *cycle, const lc_ledger_breach *breach)
{
    const char *clock = lc_ledger_text(r->ledger, breach->part.name).data;
    g_autofree char *metric = NULL;
    if (breach->level > 0)
        count_once(r, cycle, "escalated");
    if (strcmp(clock, "first_contact") == 0)
        return;
    if (g_str_has_prefix(clock, "first_contact:"))
        metric = g_strdup("again_breached");
    else if (g_str_has_prefix(clock, "milestone:"))
        metric = g_strdup_printf("milestone_breached:%s", clock + strlen("milestone:"));
    else
        metric = g_strdup_printf("%s_%s", clock, breach->early ? "early" : "breached");
    count_once(r, cycle, metric);
}

/* ---- Stages ---- */

static void
count_stage(const recount *r, const lc_ledger_cycle *cycle, const lc_ledger_stage *stage)
{
    lc_text name = lc_ledger_text(r->ledger, stage->part.name);
    g_autofree char *aged = g_strdup_printf("reached:%.*s@%u", LC_TEXT_ARGS(name), stage->age);
    add_named(r, cycle, "reached:", name);
    add(r, cycle, aged);
    if (lc_cycle_was_held_back(cycle))
        add_named(r, cycle, "held_back_reached:", name);
}

/* ---- All of them ---- */

static void
count_all_of(const recount *r, const lc_ledger_cycle *cycle)
{
    g_hash_table_remove_all(r->counted);
    count_cycle(r, cycle);
    LC_EACH_BREACH (breach, cycle)
        count_breach(r, cycle, breach);
    LC_EACH_STAGE (stage, cycle)
        count_stage(r, cycle, stage);
}

void
lc_summary_add_rows(lc_summary *summary, const lc_ledger *ledger, const lc_report_question *question)
{
    g_autoptr(GHashTable) counted = g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, NULL);
    const recount r = {summary, ledger, counted};
    LC_EACH_CYCLE (cycle, ledger, question)
        count_all_of(&r, cycle);
}
