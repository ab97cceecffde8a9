/* cohorts.c - conversion by channel as tables and sentences: triangle, trend, weak channels, the gate. */
#include "making.h"

#include <leadclock/calendar.h>

#define PERIOD_DAYS 30

static const lc_cohort *
cohort_at(const lc_conversion *c, guint i)
{
    return &g_array_index(c->cohorts, lc_cohort, i);
}

/* A channel that anybody may name: what is empty has a name of its own in a sentence. */
static const char *
channel_name(lc_text channel)
{
    return channel.size ? channel.data : "(no channel)";
}

/* ---- The triangle ---- */

static unsigned
oldest_age(const lc_conversion *c)
{
    unsigned oldest = 0;
    for (guint i = 0; i < c->cohorts->len; i++)
        oldest = MAX(oldest, cohort_at(c, i)->n_ages);
    return oldest;
}

/* The leads of a month, or those that reached a stage by an age; those that are kept. */
static char *
link_of(const lc_cohort *cohort, const char *stage, const char *age)
{
    return lc_link("/leads", "month", LC_MONTH(cohort->month), "channel", cohort->channel.data, "stage", stage, "age",
                   age, NULL);
}

static void
add_triangle(const lc_making *making, const lc_conversion *c)
{
    g_autofree char *title =
        g_strdup_printf("Share of each month's leads that had reached %s, by days since the hand-off",
                        c->stage ? c->stage : "(no stage)");
    lc_table *table = lc_report_add_table(making, "conversion", title);
    unsigned n = oldest_age(c);
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "month", "month");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    for (unsigned age = 0; age < n; age++) {
        g_autofree char *name = g_strdup_printf("age_%u", age), *days = g_strdup_printf("%ud", (age + 1) * PERIOD_DAYS);
        lc_table_column(table, LC_CELL_SHARE, name, days);
    }
    for (guint i = 0; i < c->cohorts->len; i++) {
        const lc_cohort *cohort = cohort_at(c, i);
        lc_report_name(table, cohort->channel, "(all)");
        lc_table_text(table, lc_text_of(LC_MONTH(cohort->month)));
        lc_report_count(table, cohort->leads, link_of(cohort, NULL, NULL));
        for (unsigned age = 0; age < n; age++)
            lc_table_share(table, cohort->reached[age], age < cohort->n_ages ? cohort->leads : 0);
    }
}

/* ---- The trend ---- */

/* The age at which months are compared: that of channels, or, where it is too early for those, the first. */
static unsigned
age_of_trend(const lc_conversion *c)
{
    return c->age < 0 ? 0 : (unsigned)c->age;
}

static void
add_trend(const lc_making *making, const lc_conversion *c)
{
    unsigned age = age_of_trend(c);
    g_autofree char *within = g_strdup_printf("%u", age);
    g_autofree char *title =
        g_strdup_printf("Trend by channel: share that had reached %s within %u days of the hand-off",
                        c->stage ? c->stage : "(no stage)", (age + 1) * PERIOD_DAYS);
    lc_table *table = lc_report_add_table(making, "trend", title);
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_TEXT, "month", "month");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    lc_table_column(table, LC_CELL_COUNT, "reached", "reached");
    lc_table_column(table, LC_CELL_SHARE, "share", "share");
    for (guint i = 0; i < c->cohorts->len; i++) {
        const lc_cohort *cohort = cohort_at(c, i);
        if (cohort->n_ages <= age)
            continue;
        lc_report_name(table, cohort->channel, "(all)");
        lc_table_text(table, lc_text_of(LC_MONTH(cohort->month)));
        lc_report_count(table, cohort->leads, link_of(cohort, NULL, NULL));
        lc_report_count(table, cohort->reached[age], link_of(cohort, c->stage, within));
        lc_table_share(table, cohort->reached[age], cohort->leads);
    }
}

/* ---- Weak channels ---- */

/* NULL: nothing to say. */
static const char *
verdict_of(const lc_channel_share *channel)
{
    if (channel->is_weak)
        return "candidate for nurture";
    return channel->leads < LC_REPORT_LEADS ? "too few leads to say" : NULL;
}

static double
percent(int64_t part, int64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static void
add_channels(const lc_making *making, const lc_conversion *c)
{
    lc_table *table = lc_report_add_table(making, "weak_channels", "Each channel against all others together");
    lc_table_column(table, LC_CELL_TEXT, "channel", "channel");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    lc_table_column(table, LC_CELL_COUNT, "reached", "reached");
    lc_table_column(table, LC_CELL_SHARE, "share", "share");
    lc_table_column(table, LC_CELL_SHARE, "low", "at least");
    lc_table_column(table, LC_CELL_SHARE, "high", "at most");
    lc_table_column(table, LC_CELL_SHARE, "others", "others");
    lc_table_column(table, LC_CELL_TEXT, "verdict", "verdict");
    for (guint i = 0; i < c->channels->len; i++) {
        const lc_channel_share *channel = &g_array_index(c->channels, lc_channel_share, i);
        lc_table_text(table, channel->channel);
        lc_table_link(table, lc_link("/leads", "channel", channel->channel.data, NULL));
        lc_table_count(table, channel->leads);
        lc_table_count(table, channel->reached);
        lc_table_share(table, channel->reached, channel->leads);
        lc_table_ratio(table, channel->interval.low);
        lc_table_ratio(table, channel->interval.high);
        lc_table_share(table, channel->other_reached, channel->other_leads);
        lc_table_text(table, lc_text_of(verdict_of(channel)));
    }
}

static void
say_weak(const lc_making *making, const lc_conversion *c, const lc_channel_share *channel)
{
    lc_report_say(making, "weak_channels",
                  "%s is a candidate for nurture: of its %s of %s to %s, %" G_GINT64_FORMAT
                  " (%.1f %%) had reached %s within %d days, while of those of all other channels %.1f %% had. Chance "
                  "alone does not explain it: even the most that it may be, %.1f %% (upper end of the 95 %% interval), "
                  "is less than half of that.",
                  channel_name(channel->channel), LC_LEADS(channel->leads), LC_MONTH(c->first_compared),
                  LC_MONTH(c->last_compared), channel->reached, percent(channel->reached, channel->leads), c->stage,
                  (c->age + 1) * PERIOD_DAYS, percent(channel->other_reached, channel->other_leads),
                  100 * channel->interval.high);
}

static void
say_channels(const lc_making *making, const lc_conversion *c)
{
    unsigned n = 0;
    for (guint i = 0; i < c->channels->len; i++) {
        const lc_channel_share *channel = &g_array_index(c->channels, lc_channel_share, i);
        n += channel->is_weak;
        if (channel->is_weak)
            say_weak(making, c, channel);
    }
    if (n == 0)
        lc_report_say(
            making, "weak_channels",
            "No channel is clearly weak: none with %d leads or more reaches %s so seldom that chance does not "
            "explain it (months %s to %s, %d days after the hand-off).",
            LC_REPORT_LEADS, c->stage, LC_MONTH(c->first_compared), LC_MONTH(c->last_compared),
            (c->age + 1) * PERIOD_DAYS);
}

/* ---- Held back too many? ---- */

static void
add_gate_line(lc_table *table, const char *what, int64_t leads, int64_t reached, lc_interval interval)
{
    lc_table_text(table, lc_text_of(what));
    lc_table_count(table, leads);
    lc_table_count(table, reached);
    lc_table_share(table, reached, leads);
    lc_table_ratio(table, interval.low);
    lc_table_ratio(table, interval.high);
}

static void
add_gate(const lc_making *making, const lc_conversion *c)
{
    lc_table *table = lc_report_add_table(making, "gate", "Held back too many? What the qualification gate cost");
    lc_table_column(table, LC_CELL_TEXT, "what", "");
    lc_table_column(table, LC_CELL_COUNT, "leads", "leads");
    lc_table_column(table, LC_CELL_COUNT, "reached", "reached");
    lc_table_column(table, LC_CELL_SHARE, "share", "share");
    lc_table_column(table, LC_CELL_SHARE, "low", "at least");
    lc_table_column(table, LC_CELL_SHARE, "high", "at most");
    if (c->held_back == 0)
        return;
    add_gate_line(table, "held back as not qualified", c->held_back, c->held_back_reached, c->held_back_interval);
    add_gate_line(table, "opened", c->opened, c->opened_reached, lc_interval_of_share(c->opened_reached, c->opened));
}

static void
say_gate(const lc_making *making, const lc_conversion *c)
{
    if (c->held_back == 0)
        return;
    if (!c->is_too_strict) {
        lc_report_say(
            making, "gate",
            "Nothing says that the qualification gate is too strict: of %s that it held back, %" G_GINT64_FORMAT
            " (%.1f %%) reached %s all the same; of those that "
            "were opened %.1f %% did.",
            LC_LEADS(c->held_back), c->held_back_reached, percent(c->held_back_reached, c->held_back), c->stage,
            percent(c->opened_reached, c->opened));
        return;
    }
    lc_report_say(making, "gate",
                  "The qualification gate may be too strict: of %s that it held back, "
                  "%" G_GINT64_FORMAT " (%.1f %%) reached %s all the same. Even the least that it may be, %.1f %%, is "
                  "more than %s brings (%.1f %%), which nobody holds back; of those that were opened %.1f %% did.",
                  LC_LEADS(c->held_back), c->held_back_reached, percent(c->held_back_reached, c->held_back), c->stage,
                  100 * c->held_back_interval.low, channel_name(c->weakest_fit->channel),
                  percent(c->weakest_fit->reached, c->weakest_fit->leads), percent(c->opened_reached, c->opened));
}

/* ---- All of it ---- */

static void
say_best(const lc_making *making, const lc_conversion *c)
{
    const lc_channel_share *best = NULL;
    for (guint i = 0; i < c->channels->len; i++) {
        const lc_channel_share *channel = &g_array_index(c->channels, lc_channel_share, i);
        if (channel->leads >= LC_REPORT_LEADS &&
            (best == NULL || percent(channel->reached, channel->leads) > percent(best->reached, best->leads)))
            best = channel;
    }
    if (best && best->reached)
        lc_report_say(making, "conversion",
                      "The channel that brings most: %s, of whose %" G_GINT64_FORMAT
                      " leads %.1f %% had reached %s within %d days.",
                      channel_name(best->channel), best->leads, percent(best->reached, best->leads), c->stage,
                      (c->age + 1) * PERIOD_DAYS);
}

void
lc_report_add_conversion(const lc_making *making)
{
    const lc_conversion *c = making->report->conversion = lc_conversion_find(making->ledger, making->question);
    add_triangle(making, c);
    add_trend(making, c);
    add_channels(making, c);
    add_gate(making, c);
    if (c->stage == NULL) {
        lc_report_say(making, "conversion", "The policy names no stages, so there is no conversion to speak of.");
        return;
    }
    if (c->age < 0) {
        lc_report_say(making, "weak_channels",
                      "It is too early to compare channels: that takes %d months whose leads have all had %d days. A "
                      "month that is younger is not a bad one.",
                      LC_REPORT_COHORTS, PERIOD_DAYS);
        return;
    }
    say_best(making, c);
    say_channels(making, c);
    say_gate(making, c);
}
