/* tally.c - net outcomes by rule and channel, and response times. */
#include <leadclock/report.h>

#include <leadclock/text.h>

typedef struct {
    uint64_t id;           /* the first half of the event_id: enough within a lead */
    lc_tally_group *group; /* or NULL */
    lc_duration response;  /* of a settled cycle; or LC_ABSENT */
} contribution;

struct lc_tally {
    GHashTable *groups; /* lc_tally_group * -> itself */
    GArray *responses;  /* of lc_duration */
    bool sorted;
};

/* ---- Groups ---- */

static guint
group_hash(gconstpointer key)
{
    const lc_tally_group *group = key;
    return (guint)lc_text_hash(lc_text_hash(lc_text_hash(group->type, group->rule), group->channel), group->what);
}

static gboolean
group_equal(gconstpointer a, gconstpointer b)
{
    const lc_tally_group *one = a, *other = b;
    return one->type == other->type && lc_text_equal(one->rule, other->rule) &&
           lc_text_equal(one->channel, other->channel) && lc_text_equal(one->what, other->what);
}

static lc_text
own_text(lc_text text)
{
    return (lc_text){text.data ? g_strndup(text.data, text.size) : NULL, text.size};
}

static void
free_group(gpointer data)
{
    lc_tally_group *group = data;
    g_free((char *)group->rule.data);
    g_free((char *)group->channel.data);
    g_free((char *)group->what.data);
    g_free(group);
}

static lc_tally_group *
find_group(lc_tally *tally, const lc_tally_group *key)
{
    lc_tally_group *group = g_hash_table_lookup(tally->groups, key);
    if (group)
        return group;
    group = g_new(lc_tally_group, 1);
    *group = (lc_tally_group){key->type, own_text(key->rule), own_text(key->channel), own_text(key->what), 0};
    g_hash_table_add(tally->groups, group);
    return group;
}

/* `text` has room for what must be put together. */
static lc_text
what_of(const lc_outcome *outcome, char *text, size_t room)
{
    switch (outcome->type) {
    case LC_OUTCOME_BREACHED:
        if (!outcome->breached.early)
            return outcome->clock_name;
        g_snprintf(text, room, "%.*s:early", LC_TEXT_ARGS(outcome->clock_name));
        return lc_text_of(text);
    case LC_OUTCOME_ROUTED:
        g_snprintf(text, room, "%s to %s", lc_cause_name(outcome->routed.cause),
                   lc_route_name(outcome->routed.destination.route));
        return lc_text_of(text);
    case LC_OUTCOME_SETTLED:
        return lc_text_of(lc_cause_name(outcome->settled.cause));
    default:
        return LC_NO_TEXT;
    }
}

static lc_tally_group *
group_of(lc_tally *tally, const lc_outcome *outcome)
{
    char text[320];
    const lc_tally_group key = {outcome->type, outcome->rule, outcome->channel, what_of(outcome, text, sizeof text), 0};
    return find_group(tally, &key);
}

/* ---- What a lead contributed ---- */

static uint64_t
short_id(const lc_uuid *uuid)
{
    uint64_t id;
    memcpy(&id, uuid->bytes, sizeof id);
    return id;
}

static contribution *
find_contribution(GArray *contributions, uint64_t id)
{
    for (guint i = 0; contributions && i < contributions->len; i++)
        if (g_array_index(contributions, contribution, i).id == id)
            return &g_array_index(contributions, contribution, i);
    return NULL;
}

static contribution *
new_contribution(void **lead, uint64_t id)
{
    if (*lead == NULL)
        *lead = g_array_new(FALSE, FALSE, sizeof(contribution));
    GArray *contributions = *lead;
    contribution added = {id, NULL, LC_ABSENT};
    g_array_append_val(contributions, added);
    return &g_array_index(contributions, contribution, contributions->len - 1);
}

static lc_duration
response_of(const lc_outcome *outcome)
{
    if (outcome->type != LC_OUTCOME_SETTLED || outcome->settled.first_contact_at == LC_ABSENT)
        return LC_ABSENT;
    return outcome->settled.first_contact_at - outcome->handoff_at;
}

static void
retract(GArray *contributions, uint64_t id)
{
    contribution *retracted = find_contribution(contributions, id);
    if (retracted == NULL)
        return;
    retracted->group->count--;
    g_array_remove_index_fast(contributions, (guint)(retracted - (contribution *)(void *)contributions->data));
}

void
lc_tally_add_outcome(lc_tally *tally, void **lead, const lc_outcome *outcome)
{
    if (outcome->type == LC_OUTCOME_WARNING || outcome->type == LC_OUTCOME_BREACH_ENDED)
        return;
    if (outcome->type == LC_OUTCOME_RETRACTED) {
        retract(*lead, short_id(&outcome->retracted.retracts));
        return;
    }
    uint64_t id = short_id(&outcome->event_id);
    contribution *c = find_contribution(*lead, id);
    if (c == NULL)
        c = new_contribution(lead, id);
    if (c->group)
        c->group->count--;
    c->group = group_of(tally, outcome);
    c->group->count++;
    c->response = response_of(outcome);
}

void
lc_tally_add_response(lc_tally *tally, void **lead, const lc_outcome *outcome)
{
    (void)tally;
    uint64_t id = short_id(&outcome->event_id);
    if (response_of(outcome) != LC_ABSENT && find_contribution(*lead, id) == NULL)
        new_contribution(lead, id)->response = response_of(outcome);
}

void
lc_tally_close_lead(lc_tally *tally, void **lead)
{
    GArray *contributions = *lead;
    if (contributions == NULL)
        return;
    for (guint i = 0; i < contributions->len; i++) {
        lc_duration response = g_array_index(contributions, contribution, i).response;
        if (response != LC_ABSENT)
            g_array_append_val(tally->responses, response);
    }
    tally->sorted = false;
    g_array_unref(contributions);
    *lead = NULL;
}

/* ---- The whole ---- */

lc_tally *
lc_tally_new(void)
{
    lc_tally *tally = g_new0(lc_tally, 1);
    tally->groups = g_hash_table_new_full(group_hash, group_equal, free_group, NULL);
    tally->responses = g_array_new(FALSE, FALSE, sizeof(lc_duration));
    return tally;
}

void
lc_tally_free(lc_tally *tally)
{
    g_hash_table_unref(tally->groups);
    g_array_unref(tally->responses);
    g_free(tally);
}

static int
compare_groups(gconstpointer a, gconstpointer b)
{
    const lc_tally_group *one = *(lc_tally_group *const *)a, *other = *(lc_tally_group *const *)b;
    int order = lc_text_compare(one->channel, other->channel);
    if (order == 0)
        order = lc_text_compare(one->rule, other->rule);
    if (order == 0)
        order = (one->type > other->type) - (one->type < other->type);
    return order ? order : lc_text_compare(one->what, other->what);
}

GPtrArray *
lc_tally_groups(const lc_tally *tally)
{
    GPtrArray *groups = g_ptr_array_new();
    GHashTableIter iter;
    gpointer group;
    g_hash_table_iter_init(&iter, tally->groups);
    while (g_hash_table_iter_next(&iter, &group, NULL))
        if (((lc_tally_group *)group)->count != 0)
            g_ptr_array_add(groups, group);
    g_ptr_array_sort(groups, compare_groups);
    return groups;
}

size_t
lc_tally_responses(const lc_tally *tally)
{
    return tally->responses->len;
}

static int
compare_durations(gconstpointer a, gconstpointer b)
{
    lc_duration one = *(const lc_duration *)a, other = *(const lc_duration *)b;
    return (one > other) - (one < other);
}

lc_duration
lc_tally_percentile(lc_tally *tally, unsigned percent)
{
    size_t n = tally->responses->len;
    if (n == 0)
        return LC_ABSENT;
    if (!tally->sorted)
        g_array_sort(tally->responses, compare_durations);
    tally->sorted = true;
    return g_array_index(tally->responses, lc_duration, (n * percent + 99) / 100 - 1);
}
