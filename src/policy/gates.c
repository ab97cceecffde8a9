/* gates.c - open dialogue and qualification (4.3). */
#include "read.h"

#define REQUIREMENT "{name: target-segment, when: {attributes: {segment: [smb]}}}"
#define SIGNAL "{name: asked-for-demo, when: {channel: [demo]}, points: 50}"
/* So that no sum of points overflows. */
#define MOST_POINTS 1000000000

static void
read_open_dialogue(lc_document_reader *reader, const lc_yaml *node)
{
    enum { WITHIN, ROUTE, TRACK };
    lc_map_key fields[] = {[WITHIN] = {"within", "within: 14d"}, [ROUTE] = {"route"}, [TRACK] = {"track"}};
    lc_policy *policy = reader->policy;
    if (!lc_read_fields(reader, node, "open_dialogue", fields, G_N_ELEMENTS(fields)))
        return;
    policy->has_open_dialogue = true;
    policy->open_dialogue_destination.route = LC_ROUTE_REASSIGN;
    lc_read_duration(reader, fields[WITHIN].value, "open_dialogue.within", &policy->open_dialogue_within, NULL);
    lc_read_destination(reader, fields[ROUTE].value, fields[TRACK].value, &policy->open_dialogue_destination);
    if (policy->open_dialogue_within <= policy->clock_skew && lc_problems_is_empty(reader->document->problems))
        lc_remark(reader, fields[WITHIN].value,
                  "no contact is an open dialogue: those within clock_skew before the hand-off belong to it");
}

static bool
read_criterion(lc_document_reader *reader, const lc_yaml *node, bool signal, GHashTable *seen, lc_criterion *criterion)
{
    enum { NAME, WHEN, POINTS };
    lc_map_key fields[] = {[NAME] = {"name", "name: target-segment"},
                           [WHEN] = {"when", "when: {channel: [demo]}"},
                           [POINTS] = {"points", "points: 10"}};
    const char *what = signal ? "a signal" : "a requirement";
    *criterion = (lc_criterion){0};
    if (node->kind == LC_YAML_NOTHING)
        lc_refuse(reader, node, "%s is missing; write for example %s", what, signal ? SIGNAL : REQUIREMENT);
    if (!lc_read_fields(reader, node, what, fields, G_N_ELEMENTS(fields) - !signal))
        return false;
    if (lc_read_name(reader, fields[NAME].value, "a name", &criterion->name))
        lc_take_name(reader, seen, fields[NAME].value, signal ? "signal" : "requirement");
    criterion->when = lc_read_condition(reader, fields[WHEN].value);
    if (lc_problems_is_empty(reader->document->problems) &&
        lc_condition_reach(criterion->when, NULL, 0) == LC_IMPOSSIBLE)
        lc_remark(reader, node, "\"%s\" never holds: what its `when` asks for contradicts itself",
                  criterion->name.data);
    lc_read_integer(reader, fields[POINTS].value, "points", -MOST_POINTS, MOST_POINTS, &criterion->points);
    return true;
}

static const lc_criterion *
read_criteria(lc_document_reader *reader, const lc_yaml *node, bool signals, unsigned *n)
{
    if (!lc_read_list(reader, node, signals ? "signals" : "require", signals ? "[" SIGNAL "]" : "[" REQUIREMENT "]"))
        return NULL;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_criterion *criteria = lc_arena_new(reader->arena, lc_criterion, node->n);
    for (size_t i = 0; i < node->n; i++)
        if (read_criterion(reader, node->items[i], signals, seen, &criteria[*n]))
            (*n)++;
    return criteria;
}

static void
remark_threshold(lc_document_reader *reader, const lc_yaml *qualification, const lc_yaml *threshold)
{
    const lc_policy *policy = reader->policy;
    int64_t most = 0, least = 0;
    for (unsigned i = 0; i < policy->n_signals; i++) {
        most += MAX(policy->signals[i].points, 0);
        least += MIN(policy->signals[i].points, 0);
    }
    if (most < policy->threshold)
        lc_remark(reader, threshold ? threshold : qualification,
                  "no lead can reach the threshold: all signals "
                  "together give %" G_GINT64_FORMAT,
                  most);
    else if (least >= policy->threshold && policy->n_requires == 0)
        lc_remark(reader, qualification, "every lead qualifies: no requirement, and no score below the threshold");
}

static void
read_qualification(lc_document_reader *reader, const lc_yaml *node)
{
    enum { REQUIRE, SIGNALS, THRESHOLD, OTHERWISE };
    enum { ROUTE, TRACK };
    lc_map_key fields[] = {[REQUIRE] = {"require", NULL, "require: [" REQUIREMENT "]"},
                           [SIGNALS] = {"signals"},
                           [THRESHOLD] = {"threshold"},
                           [OTHERWISE] = {"otherwise"}};
    lc_map_key otherwise[] = {[ROUTE] = {"route", NULL, "route: NURTURE, track: early"}, [TRACK] = {"track"}};
    lc_policy *policy = reader->policy;
    if (!lc_read_fields(reader, node, "qualification", fields, G_N_ELEMENTS(fields)))
        return;
    policy->has_qualification = true;
    policy->requires = read_criteria(reader, fields[REQUIRE].value, false, &policy->n_requires);
    policy->signals = read_criteria(reader, fields[SIGNALS].value, true, &policy->n_signals);
    lc_read_integer(reader, fields[THRESHOLD].value, "threshold", -MOST_POINTS, MOST_POINTS, &policy->threshold);
    if (lc_read_fields(reader, fields[OTHERWISE].value, "otherwise", otherwise, G_N_ELEMENTS(otherwise)))
        lc_read_destination(reader, otherwise[ROUTE].value, otherwise[TRACK].value, &policy->not_qualified_destination);
    remark_threshold(reader, node, fields[THRESHOLD].value);
}

void
lc_read_gates(lc_document_reader *reader, const lc_yaml *node)
{
    enum { OPEN_DIALOGUE, QUALIFICATION };
    lc_map_key fields[] = {
        [OPEN_DIALOGUE] = {"open_dialogue", NULL, "open_dialogue: {within: 14d}"}, [QUALIFICATION] = {"qualification"}};
    if (!lc_read_fields(reader, node, "gates", fields, G_N_ELEMENTS(fields)))
        return;
    read_open_dialogue(reader, fields[OPEN_DIALOGUE].value);
    read_qualification(reader, fields[QUALIFICATION].value);
}
