/* chart.c - the trend as a drawing (SVG in the page): one line a channel, told apart by its mark and its name, not by
 * colour alone. What the lines are called stands below, where it has the room that it takes on any screen. */
#include "table.h"

#include <leadclock/calendar.h>

#define WIDTH 640
#define HEIGHT 300
#define LEFT 70 /* room for shares, also where a page has them in larger letters */
#define RIGHT 40
#define TOP 16
#define BOTTOM 40
#define MOST_LINES 6
#define LINES_ACROSS 4
#define LEAST_LEADS 10 /* of a point: of two leads one that has come is 50 % */

static const char *const colours[MOST_LINES] = {"#1b4f9c", "#a3410e", "#1c7044", "#6b2c8f", "#8a6d00", "#0e7490"};
static const char *const dashes[MOST_LINES] = {"none", "6 3", "2 3", "8 3 2 3", "1 4", "12 4"};

typedef struct {
    const lc_conversion *conversion;
    unsigned age;
    int32_t first, last; /* months */
    double top;          /* the share of the uppermost line across */
} drawing;

static const lc_cohort *
cohort_at(const drawing *d, guint i)
{
    return &g_array_index(d->conversion->cohorts, lc_cohort, i);
}

/* Its cell is known, and says something. */
static bool
is_shown(const drawing *d, const lc_cohort *cohort)
{
    return cohort->n_ages > d->age && cohort->leads >= LEAST_LEADS;
}

static double
share_of(const drawing *d, const lc_cohort *cohort)
{
    return (double)cohort->reached[d->age] / (double)cohort->leads;
}

/* So that the lines across stand at round shares. */
static double
round_top(double top)
{
    static const double steps[] = {.0025, .005, .01, .02, .025, .05, .1, .15, .2};
    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        if (top <= LINES_ACROSS * steps[i])
            return LINES_ACROSS * steps[i];
    return 1;
}

static void
measure(drawing *d)
{
    d->first = INT32_MAX;
    for (guint i = 0; i < d->conversion->cohorts->len; i++) {
        const lc_cohort *cohort = cohort_at(d, i);
        if (!is_shown(d, cohort))
            continue;
        d->first = MIN(d->first, cohort->month);
        d->last = MAX(d->last, cohort->month);
        d->top = MAX(d->top, share_of(d, cohort));
    }
    d->top = round_top(d->top);
}

static int
x_of(const drawing *d, int32_t month)
{
    return LEFT + (WIDTH - LEFT - RIGHT) * (month - d->first) / MAX(1, d->last - d->first);
}

static int
y_of(const drawing *d, double share)
{
    return TOP + (int)((HEIGHT - TOP - BOTTOM) * (1 - share / d->top));
}

static void
draw_frame(GString *out, const drawing *d)
{
    char month[LC_MONTH_TEXT_BYTES];
    for (int i = 0; i <= LINES_ACROSS; i++) {
        double share = d->top * i / LINES_ACROSS;
        int y = y_of(d, share);
        g_string_append_printf(out,
                               "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#ddd\"/>"
                               "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%.3g %%</text>\n",
                               LEFT, y, WIDTH - RIGHT, y, LEFT - 6, y + 4, 100 * share);
    }
    for (int32_t m = d->first; m <= d->last; m += MAX(1, (d->last - d->first) / 4))
        g_string_append_printf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x_of(d, m),
                               HEIGHT - BOTTOM + 20, lc_month_format(m, month));
}

/* The cohorts from `from` to before `end` are of one channel. */
static void
draw_line(GString *out, const drawing *d, guint from, guint end, unsigned number)
{
    g_string_append_printf(out,
                           "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\" points=\"",
                           colours[number], dashes[number]);
    for (guint i = from; i < end; i++)
        if (is_shown(d, cohort_at(d, i)))
            g_string_append_printf(out, "%d,%d ", x_of(d, cohort_at(d, i)->month),
                                   y_of(d, share_of(d, cohort_at(d, i))));
    g_string_append(out, "\"/>\n");
}

static void
name_line(GString *out, const drawing *d, guint from, G_GNUC_UNUSED guint end, unsigned number)
{
    lc_text channel = cohort_at(d, from)->channel;
    g_string_append_printf(
        out,
        "<li><svg viewBox=\"0 0 28 10\" width=\"28\" height=\"10\" aria-hidden=\"true\"><line x1=\"1\" "
        "y1=\"5\" x2=\"27\" y2=\"5\" stroke=\"%s\" stroke-width=\"2\" stroke-dasharray=\"%s\"/></svg> ",
        colours[number], dashes[number]);
    g_autofree char *name =
        lc_text_is_absent(channel) ? g_strdup("all channels") : g_strndup(channel.data, channel.size);
    g_autofree char *valid = g_utf8_make_valid(name, -1);
    lc_html_text(out, valid);
    g_string_append(out, "</li>\n");
}

static guint
end_of_channel(const drawing *d, guint from)
{
    guint end = from + 1;
    while (end < d->conversion->cohorts->len && lc_text_equal(cohort_at(d, end)->channel, cohort_at(d, from)->channel))
        end++;
    return end;
}

/* A line wants two points, and leads enough. */
static bool
is_worth_a_line(const drawing *d, guint from, guint end)
{
    unsigned points = 0;
    int64_t leads = 0;
    for (guint i = from; i < end; i++)
        if (is_shown(d, cohort_at(d, i))) {
            points++;
            leads += cohort_at(d, i)->leads;
        }
    return points >= 2 && leads >= LC_REPORT_LEADS;
}

static void
each_line(GString *out, const drawing *d,
          void (*write)(GString *out, const drawing *d, guint from, guint end, unsigned number))
{
    unsigned number = 0;
    for (guint from = 0, end; from < d->conversion->cohorts->len && number < MOST_LINES; from = end) {
        end = end_of_channel(d, from);
        if (is_worth_a_line(d, from, end))
            write(out, d, from, end, number++);
    }
}

void
lc_chart_write(GString *out, const lc_conversion *conversion)
{
    drawing d = {.conversion = conversion, .age = conversion->age < 0 ? 0 : (unsigned)conversion->age};
    measure(&d);
    if (conversion->stage == NULL || d.first == INT32_MAX || d.first == d.last)
        return;
    g_string_append(out, "<h2 id=\"trend-title\">Conversion to ");
    lc_html_text(out, conversion->stage);
    g_string_append_printf(
        out,
        " within %u days, by month of hand-off and channel</h2>\n"
        "<svg class=\"chart\" role=\"img\" aria-labelledby=\"trend-title trend-desc\" viewBox=\"0 0 %d %d\" "
        "width=\"%d\" height=\"%d\" font-family=\"sans-serif\" font-size=\"12\">\n"
        "<desc id=\"trend-desc\">The share of each month's leads that had reached it by then. The "
        "numbers are in the table \"Trend by channel\" below; months of fewer than %d leads are left "
        "out, and of many channels the first %d by name that have %d leads are drawn.</desc>\n",
        (d.age + 1) * 30, WIDTH, HEIGHT, WIDTH, HEIGHT, LEAST_LEADS, MOST_LINES - 1, LC_REPORT_LEADS);
    draw_frame(out, &d);
    each_line(out, &d, draw_line);
    g_string_append(out, "</svg>\n<ul class=\"legend\">\n");
    each_line(out, &d, name_line);
    g_string_append(out, "</ul>\n");
}
