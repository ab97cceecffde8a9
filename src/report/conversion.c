/* conversion.c - which channels bring leads that convert: cohorts by age, weak channels, what gates held back. */
#include "ledger.h"
#include "months.h"

#include <leadclock/calendar.h>

#include <math.h>
#include <stdlib.h>

#define PERIOD (30 * LC_DAY)

/* ---- Wilson's interval ---- */

lc_interval
lc_interval_of_share(int64_t part, int64_t whole)
{
    const double z = 1.959964;
    if (whole <= 0)
        return (lc_interval){0, 1};
    double n = (double)whole, share = (double)part / n, scale = 1 + z * z / n;
    double centre = (share + z * z / (2 * n)) / scale;
    double half = z / scale * sqrt(share * (1 - share) / n + z * z / (4 * n * n));
    return (lc_interval){MAX(0, centre - half), MIN(1, centre + half)};
}

static double
share_of(int64_t part, int64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* ---- Stages ---- */

/* Of the last document: the first that closes as won, or else the last of all; NULL: there are none. */
static char *
usual_stage(const lc_policy_book *book)
{
    const lc_policy *policy = lc_policy_book_get(book, lc_policy_book_size(book) - 1);
    lc_text name = LC_NO_TEXT;
    for (unsigned i = policy->n_stages; i-- > 0;)
        if (policy->stages[i].closes == LC_STAGE_WON || lc_text_is_absent(name))
            name = policy->stages[i].name;
    return name.data ? g_strndup(name.data, name.size) : NULL;
}

/* ---- Cohorts ---- */

/* Of a metric "reached:STAGE@K" the K, which has two digits at most: a stage's name may end in more. -1: it is another.
 */
static int
age_of(const char *metric, const char *prefix)
{
    const char *age = g_str_has_prefix(metric, prefix) ? metric + strlen(prefix) : "";
    size_t digits = strspn(age, "0123456789");
    return (digits == 1 || digits == 2) && age[digits] == '\0' ? atoi(age) : -1;
}

/* Where the cohorts are under way: by channel (0: all) and month. */
typedef struct {
    const lc_ledger *ledger;
    GArray *cohorts;
    GHashTable *places; /* int64_t * -> index */
} collection;

static lc_cohort *
find_cohort(const collection *all, uint32_t channel, int32_t month)
{
    int64_t key = (int64_t)channel << 32 | (uint32_t)month;
    gpointer place;
    if (!g_hash_table_lookup_extended(all->places, &key, NULL, &place)) {
        const lc_cohort added = {.channel = lc_ledger_text(all->ledger, channel), .month = month};
        place = GUINT_TO_POINTER(all->cohorts->len);
        g_hash_table_insert(all->places, g_memdup2(&key, sizeof key), place);
        g_array_append_val(all->cohorts, added);
    }
    return &g_array_index(all->cohorts, lc_cohort, GPOINTER_TO_UINT(place));
}

static void
add_to_cohort(const collection *all, uint32_t channel, int32_t month, int age, int64_t value)
{
    lc_cohort *cohort = find_cohort(all, channel, month);
    if (age < 0)
        cohort->leads += value;
    else if (age < LC_REPORT_AGES)
        cohort->reached[age] += value;
}

/* The cohorts of the last months; what was reached is by age, not yet up to it. */
static void
collect(lc_conversion *c, const lc_ledger *ledger, int32_t first, int32_t last)
{
    g_autofree char *prefix = g_strdup_printf("reached:%s@", c->stage ? c->stage : "");
    g_autoptr(GHashTable) places = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    const collection all = {ledger, c->cohorts, places};
    GHashTableIter iter;
    gpointer item;
    g_hash_table_iter_init(&iter, ledger->counters);
    while (g_hash_table_iter_next(&iter, &item, NULL)) {
        const lc_ledger_counter *counter = item;
        const char *metric = lc_ledger_text(ledger, counter->metric).data;
        int age = c->stage ? age_of(metric, prefix) : -1;
        if (counter->value == 0 || counter->cohort < first || counter->cohort > last ||
            (age < 0 && strcmp(metric, "handed_off") != 0))
            continue;
        add_to_cohort(&all, 0, counter->cohort, age, counter->value);
        add_to_cohort(&all, counter->channel, counter->cohort, age, counter->value);
    }
}

static int
compare_cohorts(gconstpointer a, gconstpointer b)
{
    const lc_cohort *one = a, *other = b;
    int order = lc_text_compare(one->channel, other->channel);
    return order ? order : (one->month > other->month) - (one->month < other->month);
}

/* A cell is known once all leads of the month, the last one too, have had the time. */
static void
finish_cohort(lc_cohort *cohort, const lc_report_question *question)
{
    lc_duration since = question->at - lc_month_end(question->book, cohort->month);
    for (unsigned age = 1; age < LC_REPORT_AGES; age++)
        cohort->reached[age] += cohort->reached[age - 1];
    cohort->n_ages = since < PERIOD ? 0 : (unsigned)MIN(since / PERIOD, LC_REPORT_AGES);
}

/* ---- Channels against each other ---- */

static const lc_cohort *
cohort_at(const lc_conversion *c, guint i)
{
    return &g_array_index(c->cohorts, lc_cohort, i);
}

static unsigned
count_complete(const lc_conversion *c, int age)
{
    unsigned n = 0;
    for (guint i = 0; i < c->cohorts->len && lc_text_is_absent(cohort_at(c, i)->channel); i++)
        n += cohort_at(c, i)->leads > 0 && (int)cohort_at(c, i)->n_ages > age;
    return n;
}

static void
choose_age(lc_conversion *c)
{
    for (c->age = LC_REPORT_AGES - 1; c->age >= 0 && count_complete(c, c->age) < LC_REPORT_COHORTS;)
        c->age--;
    c->n_compared = c->age < 0 ? 0 : count_complete(c, c->age);
    for (guint i = 0; i < c->cohorts->len && c->n_compared; i++) {
        const lc_cohort *cohort = cohort_at(c, i);
        if (!lc_text_is_absent(cohort->channel) || (int)cohort->n_ages <= c->age)
            continue;
        c->first_compared = c->first_compared ? MIN(c->first_compared, cohort->month) : cohort->month;
        c->last_compared = MAX(c->last_compared, cohort->month);
    }
}

static void
add_shares(lc_conversion *c, int64_t *leads, int64_t *reached)
{
    for (guint i = 0; i < c->cohorts->len && c->age >= 0; i++) {
        const lc_cohort *cohort = cohort_at(c, i);
        if ((int)cohort->n_ages <= c->age)
            continue;
        if (lc_text_is_absent(cohort->channel)) {
            *leads += cohort->leads;
            *reached += cohort->reached[c->age];
            continue;
        }
        lc_channel_share *last =
            c->channels->len ? &g_array_index(c->channels, lc_channel_share, c->channels->len - 1) : NULL;
        if (last == NULL || !lc_text_equal(last->channel, cohort->channel)) {
            const lc_channel_share added = {.channel = cohort->channel};
            g_array_append_val(c->channels, added);
            last = &g_array_index(c->channels, lc_channel_share, c->channels->len - 1);
        }
        last->leads += cohort->leads;
        last->reached += cohort->reached[c->age];
    }
}

static void
compare_channels(lc_conversion *c)
{
    int64_t leads = 0, reached = 0;
    add_shares(c, &leads, &reached);
    for (guint i = 0; i < c->channels->len; i++) {
        lc_channel_share *channel = &g_array_index(c->channels, lc_channel_share, i);
        channel->other_leads = leads - channel->leads;
        channel->other_reached = reached - channel->reached;
        channel->interval = lc_interval_of_share(channel->reached, channel->leads);
        channel->is_weak = channel->leads >= LC_REPORT_LEADS && channel->other_leads > 0 &&
                           channel->interval.high < share_of(channel->other_reached, channel->other_leads) / 2;
    }
}

/* ---- What the gate held back ---- */

static bool
is_compared(const lc_conversion *c, int32_t month)
{
    for (guint i = 0; i < c->cohorts->len && lc_text_is_absent(cohort_at(c, i)->channel); i++)
        if (cohort_at(c, i)->month == month)
            return c->age >= 0 && (int)cohort_at(c, i)->n_ages > c->age;
    return false;
}

static bool
has_reached(const lc_conversion *c, const lc_ledger *ledger, const lc_ledger_cycle *cycle)
{
    const lc_ledger_stage *stage =
        lc_cycle_stage(cycle, lc_texts_find(ledger->texts, lc_text_of(c->stage ? c->stage : "")));
    return stage && stage->age <= c->age;
}

static void
count_held_back(lc_conversion *c, const lc_ledger *ledger)
{
    LC_EACH_CYCLE (cycle, ledger, NULL) {
        if (!is_compared(c, cycle->cohort))
            continue;
        int64_t reached = has_reached(c, ledger, cycle);
        if (cycle->cause == LC_CAUSE_NOT_QUALIFIED) {
            c->held_back++;
            c->held_back_reached += reached;
        } else if (!lc_cycle_was_held_back(cycle)) {
            c->opened++;
            c->opened_reached += reached;
        }
    }
    c->held_back_interval = lc_interval_of_share(c->held_back_reached, c->held_back);
}

static void
judge_the_gate(lc_conversion *c)
{
    for (guint i = 0; i < c->channels->len; i++) {
        const lc_channel_share *channel = &g_array_index(c->channels, lc_channel_share, i);
        if (!channel->is_weak && channel->leads >= LC_REPORT_LEADS &&
            (c->weakest_fit == NULL ||
             share_of(channel->reached, channel->leads) < share_of(c->weakest_fit->reached, c->weakest_fit->leads)))
            c->weakest_fit = channel;
    }
    c->is_too_strict = c->weakest_fit && c->held_back > 0 &&
                       c->held_back_interval.low > share_of(c->weakest_fit->reached, c->weakest_fit->leads);
}

/* ---- The whole ---- */

lc_conversion *
lc_conversion_find(const lc_ledger *ledger, const lc_report_question *question)
{
    lc_conversion *c = g_new0(lc_conversion, 1);
    const lc_policy *latest = lc_policy_book_get(question->book, lc_policy_book_size(question->book) - 1);
    int32_t last = lc_zone_month(latest->reporting_zone, question->at);
    int32_t first = last - (int32_t)question->months + 1;
    c->stage = question->stage ? g_strdup(question->stage) : usual_stage(question->book);
    c->cohorts = g_array_new(FALSE, FALSE, sizeof(lc_cohort));
    c->channels = g_array_new(FALSE, FALSE, sizeof(lc_channel_share));
    collect(c, ledger, first, last);
    for (guint i = 0; i < c->cohorts->len; i++)
        finish_cohort(&g_array_index(c->cohorts, lc_cohort, i), question);
    g_array_sort(c->cohorts, compare_cohorts);
    choose_age(c);
    compare_channels(c);
    count_held_back(c, ledger);
    judge_the_gate(c);
    return c;
}

void
lc_conversion_free(lc_conversion *conversion)
{
    if (conversion == NULL)
        return;
    g_free(conversion->stage);
    g_array_unref(conversion->cohorts);
    g_array_unref(conversion->channels);
    g_free(conversion);
}
