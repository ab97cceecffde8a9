/* Section 7: the names of counters. */
#include "counter_names.h"

#define NAME(literal)                                                                                                  \
    {                                                                                                                  \
        literal, sizeof(literal) - 1                                                                                   \
    }

const lc_text lc_metric_names[LC_METRICS] = {
    [LC_METRIC_HANDED_OFF] = NAME("handed_off"),
    [LC_METRIC_OPENED] = NAME("opened"),
    [LC_METRIC_COOLED_DOWN] = NAME("cooled_down"),
    [LC_METRIC_OPEN_DIALOGUE] = NAME("open_dialogue"),
    [LC_METRIC_NOT_QUALIFIED] = NAME("not_qualified"),
    [LC_METRIC_DUPLICATE] = NAME("duplicate"),
    [LC_METRIC_CONTACTED] = NAME("contacted"),
    [LC_METRIC_RESPONDED_1M] = NAME("responded:1m"),
    NAME("responded:5m"),
    NAME("responded:15m"),
    NAME("responded:1h"),
    NAME("responded:4h"),
    NAME("responded:24h"),
    NAME("responded:48h"),
    NAME("responded:7d"),
    NAME("responded:later"),
    [LC_METRIC_RESPONDED_OPEN_1M] = NAME("responded_open:1m"),
    NAME("responded_open:5m"),
    NAME("responded_open:15m"),
    NAME("responded_open:1h"),
    NAME("responded_open:4h"),
    NAME("responded_open:24h"),
    NAME("responded_open:48h"),
    NAME("responded_open:7d"),
    NAME("responded_open:later"),
    [LC_METRIC_FIRST_CONTACT_MET] = NAME("first_contact_met"),
    [LC_METRIC_FIRST_CONTACT_BREACHED] = NAME("first_contact_breached"),
    [LC_METRIC_AGAIN_MET] = NAME("again_met"),
    [LC_METRIC_AGAIN_BREACHED] = NAME("again_breached"),
    [LC_METRIC_RENEWED_MET] = NAME("renewed_met"),
    [LC_METRIC_RENEWED_BREACHED] = NAME("renewed_breached"),
    [LC_METRIC_REQUESTED_MET] = NAME("requested_met"),
    [LC_METRIC_REQUESTED_BREACHED] = NAME("requested_breached"),
    [LC_METRIC_REQUESTED_EARLY] = NAME("requested_early"),
    [LC_METRIC_FOLLOW_UP_MET] = NAME("follow_up_met"),
    [LC_METRIC_FOLLOW_UP_BREACHED] = NAME("follow_up_breached"),
    [LC_METRIC_NEXT_CONTACT_MET] = NAME("next_contact_met"),
    [LC_METRIC_NEXT_CONTACT_BREACHED] = NAME("next_contact_breached"),
    [LC_METRIC_ESCALATED] = NAME("escalated"),
    [LC_METRIC_PAUSED] = NAME("paused"),
    [LC_METRIC_REJECTED] = NAME("rejected"),
    [LC_METRIC_REASON_UNKNOWN] = NAME("reason_unknown"),
    [LC_METRIC_REJECTED_LATE] = NAME("rejected_late"),
    [LC_METRIC_CLAWED_BACK] = NAME("clawed_back"),
    [LC_METRIC_UNRESPONSIVE] = NAME("unresponsive"),
    [LC_METRIC_COMPLETED] = NAME("completed"),
    [LC_METRIC_MERGED] = NAME("merged"),
    [LC_METRIC_ERASED] = NAME("erased"),
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
