/* Section 7: the names of counters. */
#include "counter_names.h"

const lc_text lc_metric_names[LC_METRICS] = {
    [LC_METRIC_HANDED_OFF] = {"handed_off", 10},
    [LC_METRIC_OPENED] = {"opened", 6},
    [LC_METRIC_COOLED_DOWN] = {"cooled_down", 11},
    [LC_METRIC_OPEN_DIALOGUE] = {"open_dialogue", 13},
    [LC_METRIC_NOT_QUALIFIED] = {"not_qualified", 13},
    [LC_METRIC_DUPLICATE] = {"duplicate", 9},
    [LC_METRIC_CONTACTED] = {"contacted", 9},
    [LC_METRIC_RESPONDED_1M] = {"responded:1m", 12},
    {"responded:5m", 12},
    {"responded:15m", 13},
    {"responded:1h", 12},
    {"responded:4h", 12},
    {"responded:24h", 13},
    {"responded:48h", 13},
    {"responded:7d", 12},
    {"responded:later", 15},
    [LC_METRIC_RESPONDED_OPEN_1M] = {"responded_open:1m", 17},
    {"responded_open:5m", 17},
    {"responded_open:15m", 18},
    {"responded_open:1h", 17},
    {"responded_open:4h", 17},
    {"responded_open:24h", 18},
    {"responded_open:48h", 18},
    {"responded_open:7d", 17},
    {"responded_open:later", 20},
    [LC_METRIC_FIRST_CONTACT_MET] = {"first_contact_met", 17},
    [LC_METRIC_FIRST_CONTACT_BREACHED] = {"first_contact_breached", 22},
    [LC_METRIC_AGAIN_MET] = {"again_met", 9},
    [LC_METRIC_AGAIN_BREACHED] = {"again_breached", 14},
    [LC_METRIC_RENEWED_MET] = {"renewed_met", 11},
    [LC_METRIC_RENEWED_BREACHED] = {"renewed_breached", 16},
    [LC_METRIC_REQUESTED_MET] = {"requested_met", 13},
    [LC_METRIC_REQUESTED_BREACHED] = {"requested_breached", 18},
    [LC_METRIC_REQUESTED_EARLY] = {"requested_early", 15},
    [LC_METRIC_FOLLOW_UP_MET] = {"follow_up_met", 13},
    [LC_METRIC_FOLLOW_UP_BREACHED] = {"follow_up_breached", 18},
    [LC_METRIC_NEXT_CONTACT_MET] = {"next_contact_met", 16},
    [LC_METRIC_NEXT_CONTACT_BREACHED] = {"next_contact_breached", 21},
    [LC_METRIC_ESCALATED] = {"escalated", 9},
    [LC_METRIC_PAUSED] = {"paused", 6},
    [LC_METRIC_REJECTED] = {"rejected", 8},
    [LC_METRIC_REASON_UNKNOWN] = {"reason_unknown", 14},
    [LC_METRIC_REJECTED_LATE] = {"rejected_late", 13},
    [LC_METRIC_CLAWED_BACK] = {"clawed_back", 11},
    [LC_METRIC_UNRESPONSIVE] = {"unresponsive", 12},
    [LC_METRIC_COMPLETED] = {"completed", 9},
    [LC_METRIC_MERGED] = {"merged", 6},
    [LC_METRIC_ERASED] = {"erased", 6},
};

typedef struct {
    const lc_policy *policy;
    lc_text (*stages)[LC_STAGE_COUNTERS];
    lc_text *reasons;
} document_names;

struct lc_counter_names {
    size_t n;
    document_names *documents;
    lc_arena arena; /* all that is made */
};

static lc_text
join(lc_arena *arena, const char *prefix, lc_text name, const char *suffix)
{
    size_t size = strlen(prefix) + name.size + strlen(suffix);
    char *text = lc_arena_alloc(arena, size + 1);

    g_snprintf(text, size + 1, "%s%.*s%s", prefix, LC_TEXT_ARGS(name), suffix);
    return (lc_text){text, size};
}

static void
name_stage(lc_arena *arena, lc_text stage, lc_text *names)
{
    names[LC_STAGE_COUNTED_REACHED] = join(arena, "reached:", stage, "");
    names[LC_STAGE_COUNTED_HELD_BACK] = join(arena, "held_back_reached:", stage, "");
    names[LC_STAGE_COUNTED_MET] = join(arena, "milestone_met:", stage, "");
    names[LC_STAGE_COUNTED_BREACHED] = join(arena, "milestone_breached:", stage, "");
    for (unsigned age = 0; age < LC_STAGE_AGES; age++) {
        g_autofree char *suffix = g_strdup_printf("@%u", age);
        names[LC_STAGE_COUNTED_AT_AGE + age] = join(arena, "reached:", stage, suffix);
    }
}

static document_names
name_document(lc_arena *arena, const lc_policy *policy)
{
    document_names names = {.policy = policy,
                            .stages = lc_arena_alloc(arena, policy->n_stages * sizeof *names.stages),
                            .reasons = lc_arena_new(arena, lc_text, policy->n_reasons)};

    for (unsigned i = 0; i < policy->n_stages; i++)
        name_stage(arena, policy->stages[i].name, names.stages[i]);
    for (unsigned i = 0; i < policy->n_reasons; i++)
        names.reasons[i] = join(arena, "rejected:", policy->reasons[i].name, "");
    return names;
}

lc_counter_names *
lc_counter_names_new(const lc_policy_book *book)
{
    lc_counter_names *names = g_new0(lc_counter_names, 1);

    names->n = lc_policy_book_size(book);
    names->documents = lc_arena_new(&names->arena, document_names, names->n);
    for (size_t i = 0; i < names->n; i++)
        names->documents[i] = name_document(&names->arena, lc_policy_book_get(book, i));
    return names;
}

void
lc_counter_names_free(lc_counter_names *names)
{
    lc_arena_clear(&names->arena);
    g_free(names);
}

static const document_names *
names_of(const lc_counter_names *names, const lc_policy *policy)
{
    const document_names *last = &names->documents[names->n - 1];

    while (last->policy != policy)
        last--;
    return last;
}

lc_text
lc_counter_name_of_stage(const lc_counter_names *names, const lc_policy *policy, unsigned stage,
                         lc_stage_counter counter)
{
    return names_of(names, policy)->stages[stage][counter];
}

lc_text
lc_counter_name_of_reason(const lc_counter_names *names, const lc_policy *policy, unsigned reason)
{
    return names_of(names, policy)->reasons[reason];
}
