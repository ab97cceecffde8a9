/* story.c - facts and outcomes in a few words, for tests. */
#include "story.h"

#include <stdio.h>

#define DAY_0 ((lc_instant)1769817600000) /* 2026-01-31T00:00:00Z */

/* ---- Times ---- */

lc_instant
story_time(const char *text)
{
    unsigned day = 2, hour, minute, second = 0, ms = 0;
    const char *slash = strchr(text, '/');

    if (slash) {
        day = (unsigned)g_ascii_strtoull(text, NULL, 10);
        text = slash + 1;
    }
    if (sscanf(text, "%u:%u:%u.%u", &hour, &minute, &second, &ms) < 2)
        g_error("no time: %s", text);
    return DAY_0 + day * LC_DAY + hour * LC_HOUR + minute * LC_MINUTE + second * LC_SECOND + ms;
}

static void
tell_time(GString *text, lc_instant at)
{
    lc_instant day = (at - DAY_0) / LC_DAY, rest = (at - DAY_0) % LC_DAY;

    if (day != 2)
        g_string_append_printf(text, "%d/", (int)day);
    g_string_append_printf(text, "%02d:%02d", (int)(rest / LC_HOUR), (int)(rest % LC_HOUR / LC_MINUTE));
    rest %= LC_MINUTE;
    if (rest)
        g_string_append_printf(text, ":%02d", (int)(rest / LC_SECOND));
    if (rest % LC_SECOND)
        g_string_append_printf(text, ".%03d", (int)(rest % LC_SECOND));
}

/* ---- Reading ---- */

typedef struct {
    lc_fact fact;
    lc_instant arrived_at;
    bool is_until;
} line;

static void
read_option(line *line, const char *word, lc_arena *arena)
{
    const char *equals = strchr(word, '=');
    lc_text value = equals ? lc_arena_text(arena, lc_text_of(equals + 1)) : LC_NO_TEXT;

    if (strcmp(word, "connected") == 0)
        line->fact.connected = true;
    else if (strcmp(word, "automated") == 0)
        line->fact.automated = true;
    else if (g_str_has_prefix(word, "owner="))
        line->fact.owner = value;
    else if (g_str_has_prefix(word, "id="))
        line->fact.event_id = value;
    else if (g_str_has_prefix(word, "follow="))
        line->fact.follow_up_at = story_time(value.data);
    else if (g_str_has_prefix(word, "until="))
        line->fact.until = story_time(value.data);
    else if (g_str_has_prefix(word, "logged="))
        line->fact.recorded_at = story_time(value.data);
    else if (g_str_has_prefix(word, "at="))
        line->arrived_at = story_time(value.data);
    else if (g_str_has_prefix(word, "segment=")) {
        lc_attribute *attribute = lc_arena_new(arena, lc_attribute, 1);
        *attribute = (lc_attribute){LC_TEXT("segment"), value};
        line->fact.attributes = attribute;
        line->fact.n_attributes = 1;
    } else {
        g_error("no option: %s", word);
    }
}

static guint
read_head(line *line, char **words, lc_arena *arena)
{
    static const struct {
        const char *word;
        lc_fact_type type;
        size_t argument; /* its offset in lc_fact; 0: none */
    } types[] = {{"created", LC_FACT_CREATED, offsetof(lc_fact, channel)},
                 {"assigned", LC_FACT_ASSIGNED, offsetof(lc_fact, owner)},
                 {"contacted", LC_FACT_CONTACTED, 0},
                 {"progressed", LC_FACT_PROGRESSED, offsetof(lc_fact, text)},
                 {"rejected", LC_FACT_REJECTED, offsetof(lc_fact, text)},
                 {"paused", LC_FACT_PAUSED, 0},
                 {"resumed", LC_FACT_RESUMED, 0},
                 {"merged", LC_FACT_MERGED, offsetof(lc_fact, into)},
                 {"erased", LC_FACT_ERASED, 0}};

    line->arrived_at = line->fact.occurred_at = story_time(words[1]);
    line->is_until = strcmp(words[0], "until") == 0;
    for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
        if (strcmp(words[0], types[i].word) == 0) {
            line->fact.type = types[i].type;
            if (types[i].argument)
                *(lc_text *)(void *)((char *)&line->fact + types[i].argument) =
                    lc_arena_text(arena, lc_text_of(words[2]));
            return types[i].argument ? 3 : 2;
        }
    if (!line->is_until)
        g_error("no fact: %s", words[0]);
    return 2;
}

static line
read_line(const char *text, unsigned number, lc_arena *arena)
{
    g_autofree char *stripped = g_strstrip(g_strdup(text));
    g_auto(GStrv) words = g_strsplit(stripped, " ", -1);
    g_autofree char *id = g_strdup_printf("%02u", number);
    line line = {.fact = {.event_id = lc_arena_text(arena, lc_text_of(id)),
                          .recorded_at = LC_ABSENT,
                          .follow_up_at = LC_ABSENT,
                          .until = LC_ABSENT}};

    for (guint i = read_head(&line, words, arena); words[i]; i++)
        read_option(&line, words[i], arena);
    return line;
}

/* ---- Telling ---- */

static void
tell_tenures(GString *text, const lc_tenure *tenures, size_t n)
{
    char duration[LC_DURATION_TEXT_BYTES];

    g_string_append(text, " {");
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(
            text, "%s%.*s %s", i ? ", " : "", (int)(tenures[i].owner.data ? tenures[i].owner.size : 1),
            tenures[i].owner.data ? tenures[i].owner.data : "-", lc_duration_format(tenures[i].held_ms, duration));
    g_string_append_c(text, '}');
}

static void
tell_texts(GString *text, const char *name, const lc_text *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        g_string_append_printf(text, "%s%.*s", i ? "+" : name, LC_TEXT_ARGS(texts[i]));
}

static void
tell_routed(GString *text, const lc_outcome *outcome)
{
    g_string_append_printf(text, " %s %s", lc_cause_name(outcome->routed.cause),
                           lc_route_name(outcome->routed.destination.route));
    if (outcome->routed.reason.data)
        g_string_append_printf(text, " reason=%.*s", LC_TEXT_ARGS(outcome->routed.reason));
    if (outcome->routed.to_owner.data)
        g_string_append_printf(text, " to=%.*s", LC_TEXT_ARGS(outcome->routed.to_owner));
    tell_texts(text, " not=", outcome->routed.exclude_owners, outcome->routed.n_exclude_owners);
    if (outcome->routed.resume_at != LC_ABSENT) {
        g_string_append(text, " resume=");
        tell_time(text, outcome->routed.resume_at);
    }
}

static void
tell_paused(GString *text, lc_duration paused)
{
    char duration[LC_DURATION_TEXT_BYTES];

    g_string_append_printf(text, " paused=%s", lc_duration_format(paused, duration));
}

static void
tell_settled(GString *text, const lc_outcome *outcome)
{
    g_string_append_printf(text, " %s", lc_cause_name(outcome->settled.cause));
    for (size_t i = 0; i < outcome->settled.n_stages; i++)
        g_string_append_printf(text, "%s%.*s", i ? "+" : " stages=", LC_TEXT_ARGS(outcome->settled.stages[i].stage));
    tell_texts(text, " breaches=", outcome->settled.breaches, outcome->settled.n_breaches);
    if (!lc_text_is_absent(outcome->settled.merged_into))
        g_string_append_printf(text, " into=%.*s", LC_TEXT_ARGS(outcome->settled.merged_into));
    if (outcome->settled.paused_ms)
        tell_paused(text, outcome->settled.paused_ms);
    if (outcome->settled.duplicate)
        g_string_append(text, " duplicate");
    tell_tenures(text, outcome->settled.owners, outcome->settled.n_owners);
}

static void
tell_details(GString *text, const lc_outcome *outcome)
{
    static const char *const ended_by[] = {"CONTACTED", "PROGRESSED", "SETTLED"};
    static const char *const clock_from[] = {"HANDOFF", "LAST_ACTIVITY", "REQUESTED_TIME"};

    if (outcome->clock != LC_CLOCK_NONE)
        g_string_append_printf(text, " %.*s", LC_TEXT_ARGS(outcome->clock_name));
    if (outcome->type == LC_OUTCOME_WARNING)
        g_string_append_printf(text, " %.*s", LC_TEXT_ARGS(outcome->warning.label));
    else if (outcome->type == LC_OUTCOME_BREACHED && !outcome->breached.early)
        tell_tenures(text, outcome->breached.owners, outcome->breached.n_owners);
    else if (outcome->type == LC_OUTCOME_BREACHED)
        g_string_append(text, " early");
    else if (outcome->type == LC_OUTCOME_ESCALATED)
        g_string_append_printf(text, " %.*s", LC_TEXT_ARGS(outcome->escalated.label));
    else if (outcome->type == LC_OUTCOME_BREACH_ENDED)
        g_string_append_printf(text, " %s", ended_by[outcome->breach_ended.ended_by]);
    else if (outcome->type == LC_OUTCOME_CLAWED_BACK)
        g_string_append_printf(text, " %s", clock_from[outcome->clawed_back.clock_from]);
    else if (outcome->type == LC_OUTCOME_ROUTED)
        tell_routed(text, outcome);
    else if (outcome->type == LC_OUTCOME_SETTLED)
        tell_settled(text, outcome);
}

static void
tell(GString *text, const lc_outcome *outcome)
{
    static const char *const names[] = {"warning",     "breached", "escalated", "ended",
                                        "clawed_back", "routed",   "settled"};
    bool retracted = outcome->type == LC_OUTCOME_RETRACTED;

    g_string_append(text, text->len ? ", " : "");
    g_string_append(text, retracted ? "-" : outcome->restated ? "~" : "");
    g_string_append(text, names[retracted ? outcome->retracted.retracted_type : outcome->type]);
    if (outcome->cycle > 1)
        g_string_append_printf(text, "#%u", outcome->cycle);
    tell_details(text, outcome);
    g_string_append_c(text, ' ');
    tell_time(text, outcome->occurred_at);
}

/* ---- Playing ---- */

typedef struct {
    lc_judge *judge;
    lc_lead lead;
    lc_arena arena;
    GString *told;
    GTree *counts;
} stage;

static void
take_in(stage *stage, const lc_judgement *judgement)
{
    for (size_t i = 0; i < judgement->n_outcomes; i++)
        tell(stage->told, &judgement->outcomes[i]);
    for (size_t i = 0; i < judgement->n_counts; i++) {
        const lc_count *count = &judgement->counts[i];
        char *metric = g_strndup(count->metric.data, count->metric.size);
        int sum = GPOINTER_TO_INT(g_tree_lookup(stage->counts, metric)) + count->delta;
        g_tree_replace(stage->counts, metric, GINT_TO_POINTER(sum));
    }
}

static void
play(stage *stage, const char *story)
{
    g_auto(GStrv) texts = g_strsplit(story, ";", -1);

    for (unsigned i = 0; texts[i]; i++) {
        line line = read_line(texts[i], i, &stage->arena);
        while (stage->lead.wake_at < line.arrived_at)
            take_in(stage, lc_lead_judge(stage->judge, &stage->lead, NULL, stage->lead.wake_at + 1, &stage->arena));
        if (!line.is_until)
            take_in(stage, lc_lead_judge(stage->judge, &stage->lead, &line.fact, line.arrived_at, &stage->arena));
    }
}

static int
compare_keys(const void *key, const void *other, G_GNUC_UNUSED void *unused)
{
    return strcmp(key, other);
}

static gboolean
tell_count(void *metric, void *count, void *text)
{
    if (count)
        g_string_append_printf(text, "%s%s %d", ((GString *)text)->len ? ", " : "", (char *)metric,
                               GPOINTER_TO_INT(count));
    return FALSE;
}

static char *
perform(const lc_policy_book *book, const char *story, bool counted)
{
    stage stage = {.judge = lc_judge_new(book),
                   .told = g_string_new(NULL),
                   .counts = g_tree_new_full(compare_keys, NULL, g_free, NULL)};

    lc_lead_init(&stage.lead, LC_TEXT("lead"));
    play(&stage, story);
    if (counted) {
        g_string_truncate(stage.told, 0);
        g_tree_foreach(stage.counts, tell_count, stage.told);
    }
    lc_judge_free(stage.judge);
    g_tree_unref(stage.counts);
    lc_arena_clear(&stage.arena);
    return g_string_free(stage.told, FALSE);
}

char *
story_told(const lc_policy_book *book, const char *story)
{
    return perform(book, story, false);
}

char *
story_counted(const lc_policy_book *book, const char *story)
{
    return perform(book, story, true);
}
