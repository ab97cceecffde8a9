/* document.c - one document: its head, stages and reasons, and all its other parts in order. */
#include "read.h"

#define DEFAULT_CLOCK_SKEW (2 * LC_MINUTE)
#define DEFAULT_RETAIN (365 * LC_DAY)

/* ---- Stages ---- */

/* "SAL@2" would be counted where SAL is counted that was reached in its second period (section 7). */
static bool
read_stage_name(lc_document_reader *reader, const lc_yaml *node, lc_text *name)
{
    if (!lc_read_name(reader, node, "a stage's name", name))
        return false;
    const char *sign = strrchr(name->data, '@');
    size_t digits = sign ? strspn(sign + 1, "0123456789") : 0;
    if (digits < 1 || digits > 2 || sign[1 + digits] != '\0')
        return true;
    lc_refuse(
        reader, node,
        "a stage's name can't end in @ and one or two digits, which in counters say how late a stage was reached; "
        "write %.*s-%s, for example",
        (int)(sign - name->data), name->data, sign + 1);
    return false;
}

static const lc_yaml *
read_stage(lc_document_reader *reader, const lc_yaml *node, lc_stage *stage)
{
    enum { NAME, CLOSES };
    static const char *const ends[] = {"won", "lost"};
    lc_map_key fields[] = {[NAME] = {"name", "name: WON"}, [CLOSES] = {"closes"}};
    int closes;
    *stage = (lc_stage){.closes = LC_STAGE_OPEN};
    if (node->kind == LC_YAML_NOTHING)
        lc_refuse(reader, node, "a stage is missing; write its name, or {name: WON, closes: won}");
    if (node->kind == LC_YAML_SCALAR)
        return read_stage_name(reader, node, &stage->name) ? node : NULL;
    if (!lc_read_fields(reader, node, "a stage", fields, G_N_ELEMENTS(fields)))
        return NULL;
    if (lc_read_choice(reader, fields[CLOSES].value, "end", "a stage closes as", ends, G_N_ELEMENTS(ends), &closes))
        stage->closes = closes == 0 ? LC_STAGE_WON : LC_STAGE_LOST;
    return read_stage_name(reader, fields[NAME].value, &stage->name) ? fields[NAME].value : NULL;
}

static void
read_stages(lc_document_reader *reader, const lc_yaml *node)
{
    lc_policy *policy = reader->policy;
    if (!lc_read_list(reader, node, "stages", "[SAL, SQL, {name: WON, closes: won}]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_stage *stages = lc_arena_new(reader->arena, lc_stage, node->n);
    for (size_t i = 0; i < node->n; i++) {
        const lc_yaml *name = read_stage(reader, node->items[i], &stages[policy->n_stages]);
        if (name && lc_take_name(reader, seen, name, "stage"))
            policy->n_stages++;
    }
    policy->stages = stages;
}

/* ---- Reasons ---- */

static bool
read_reason(lc_document_reader *reader, const lc_yaml_pair *pair, GHashTable *seen, lc_reason *reason)
{
    enum { ROUTE, TRACK, COOLDOWN };
    lc_map_key fields[] = {
        [ROUTE] = {"route", NULL, "route: NURTURE, track: general"}, [TRACK] = {"track"}, [COOLDOWN] = {"cooldown"}};
    *reason = (lc_reason){.destination = {.route = LC_ROUTE_NURTURE}};
    if (pair->value->kind == LC_YAML_NOTHING)
        lc_refuse(reader, pair->value, "a reason without a value; write for example {route: NURTURE}");
    if (!lc_read_name(reader, pair->key, "a reason's name", &reason->name) ||
        !lc_take_name(reader, seen, pair->key, "reason"))
        return false;
    if (!lc_read_fields(reader, pair->value, "a reason", fields, G_N_ELEMENTS(fields)))
        return true;
    lc_read_destination(reader, fields[ROUTE].value, fields[TRACK].value, &reason->destination);
    lc_read_duration(reader, fields[COOLDOWN].value, "cooldown", &reason->cooldown, NULL);
    if (reason->destination.route == LC_ROUTE_NURTURE && lc_text_is_absent(reason->destination.track))
        lc_remark(reader, pair->key, "reason \"%s\" goes to nurture without a track", reason->name.data);
    return true;
}

static void
read_reasons(lc_document_reader *reader, const lc_yaml *node)
{
    lc_policy *policy = reader->policy;
    if (!lc_read_map(reader, node, "reasons", "other: {route: NURTURE, track: general}"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_reason *reasons = lc_arena_new(reader->arena, lc_reason, node->n);
    for (size_t i = 0; i < node->n; i++)
        if (read_reason(reader, &node->pairs[i], seen, &reasons[policy->n_reasons]))
            policy->n_reasons++;
    policy->reasons = reasons;
    int other = lc_policy_reason(policy, LC_TEXT("other"));
    if (other < 0)
        lc_refuse(reader, node,
                  "reasons lack \"other\", which takes every reason that is not listed; add `other: {route: NURTURE}`");
    policy->other = other < 0 ? 0 : (unsigned)other;
}

/* ---- The document ---- */

static void
read_reporting_zone(lc_document_reader *reader, const lc_yaml *node)
{
    lc_policy *policy = reader->policy;
    policy->reporting_zone_name = LC_TEXT("UTC");
    policy->reporting_zone =
        node ? lc_read_zone(reader, node, "reporting_time_zone", &policy->reporting_zone_name) : lc_zone_new("UTC");
}

enum {
    NAME,
    EFFECTIVE_FROM,
    REPORTING_TIME_ZONE,
    CONTACT_TIME,
    CLOCK_SKEW,
    RETAIN,
    CALENDARS,
    STAGES,
    REASONS,
    GATES,
    RULES,
    N_FIELDS
};

static void
read_head(lc_document_reader *reader, const lc_map_key *fields)
{
    static const char *const times[] = {"occurred", "logged"};
    lc_policy *policy = reader->policy;
    int time = 0;
    *policy = (lc_policy){
        .name = LC_TEXT(""), .effective_from = LC_ABSENT, .clock_skew = DEFAULT_CLOCK_SKEW, .retain = DEFAULT_RETAIN};
    lc_read_name(reader, fields[NAME].value, "a policy's name", &policy->name);
    lc_read_instant(reader, fields[EFFECTIVE_FROM].value, "effective_from", &policy->effective_from);
    read_reporting_zone(reader, fields[REPORTING_TIME_ZONE].value);
    lc_read_choice(reader, fields[CONTACT_TIME].value, "contact_time", "it is either", times, G_N_ELEMENTS(times),
                   &time);
    policy->contact_time_logged = time == 1;
    lc_read_duration(reader, fields[CLOCK_SKEW].value, "clock_skew", &policy->clock_skew, NULL);
    lc_read_duration(reader, fields[RETAIN].value, "retain", &policy->retain, NULL);
}

void
lc_document_read(lc_document *document, const lc_yaml *root)
{
    lc_map_key fields[N_FIELDS] = {[NAME] = {"name", "name: \"2026-01\""},
                                   [EFFECTIVE_FROM] = {"effective_from"},
                                   [REPORTING_TIME_ZONE] = {"reporting_time_zone"},
                                   [CONTACT_TIME] = {"contact_time"},
                                   [CLOCK_SKEW] = {"clock_skew"},
                                   [RETAIN] = {"retain"},
                                   [CALENDARS] = {"calendars"},
                                   [STAGES] = {"stages"},
                                   [REASONS] = {"reasons", "reasons: {other: {route: NURTURE}}"},
                                   [GATES] = {"gates"},
                                   [RULES] = {"rules", "rules: [{name: standard, when: any, clawback: {after: 30d}}]"}};
    lc_document_reader reader = {document, &document->arena, &document->policy};
    if (!lc_read_fields(&reader, root, "a policy", fields, N_FIELDS)) {
        if (root->kind == LC_YAML_NOTHING)
            lc_refuse(&reader, root, "an empty file; a policy has at least name, reasons and rules");
        return;
    }
    read_head(&reader, fields);
    lc_read_calendars(&reader, fields[CALENDARS].value);
    read_stages(&reader, fields[STAGES].value);
    read_reasons(&reader, fields[REASONS].value);
    lc_read_gates(&reader, fields[GATES].value);
    lc_read_rules(&reader, fields[RULES].value);
    lc_remark_unused_calendars(&reader);
    document->name_node = fields[NAME].key ? fields[NAME].value : root;
    document->effective_from_node = fields[EFFECTIVE_FROM].value ? fields[EFFECTIVE_FROM].value : document->name_node;
}
