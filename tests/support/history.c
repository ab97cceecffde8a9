/* history.c - random histories of a lead. */
#include "history.h"

#include <leadclock/codec.h>

#define MOST_DOCUMENTS 3
#define START ((lc_instant)1769900000000) /* 2026-01-31T22:53:20Z */

/* ---- Policies ---- */

static const char *
pick(lc_random *random, const char *const *choices, size_t n)
{
    return choices[lc_random_below(random, n)];
}

#define PICK(random, ...)                                                                                              \
    pick((random), (const char *const[]){__VA_ARGS__}, G_N_ELEMENTS(((const char *const[]){__VA_ARGS__})))

static const char *
pick_route(lc_random *random)
{
    return PICK(random, "route: NURTURE, track: a", "route: REASSIGN", "route: SUPPRESS", "route: ENRICH, track: b",
                "route: REASSIGN, track: c");
}

static const char *
pick_calendar(lc_random *random)
{
    return PICK(random, "", "", ", calendar: office", ", calendar: south", ", calendar: always");
}

static void
add_gates(lc_random *random, GString *yaml)
{
    if (lc_random_chance(random, 40))
        return;
    g_string_append(yaml, "gates:\n");
    if (lc_random_chance(random, 50))
        g_string_append_printf(yaml, "  open_dialogue: {within: %s}\n", PICK(random, "1h", "3d", "14d"));
    g_string_append_printf(yaml,
                           "  qualification:\n"
                           "    require: [{name: r, when: {attributes: {segment: [smb, mid]}}}]\n"
                           "    signals: [{name: s, when: {channel: [demo]}, points: 5}]\n"
                           "    threshold: %s\n    otherwise: {route: NURTURE, track: early}\n",
                           PICK(random, "0", "0", "5"));
}

static const char *
pick_escalations(lc_random *random)
{
    return PICK(random, "", "", ", escalate: [1h]", ", escalate: [30m, 5m]");
}

static void
add_first_contact(lc_random *random, GString *yaml)
{
    g_string_append_printf(yaml, "    first_contact: {%s, warn: [\"50%%\", 1m], reassign: %s, renew: %s%s}\n",
                           PICK(random, "within: 5m", "within: 2h", "within: 30m, calendar: office",
                                "within: {working_days: 1, cutoff: \"15:00\"}, calendar: office",
                                "within: {working_days: 0}, calendar: south"),
                           PICK(random, "true", "false", "{within: 1h, times: 3}", "{times: 2}"),
                           PICK(random, "true", "false"), pick_escalations(random));
}

static void
add_pause(lc_random *random, GString *yaml)
{
    g_string_append_printf(yaml, "    pause: %s\n", PICK(random, "{at_most: 3h}", "{at_most: 4d}", "{}"));
}

static void
add_rule(lc_random *random, GString *yaml, const char *name, const char *when)
{
    g_string_append_printf(yaml, "  - name: %s\n    when: %s\n", name, when);
    if (lc_random_chance(random, 50))
        g_string_append_printf(yaml, "    head_start: %s\n", PICK(random, "2h", "3d"));
    if (lc_random_chance(random, 80))
        add_first_contact(random, yaml);
    if (lc_random_chance(random, 70))
        g_string_append_printf(yaml, "    requested_time: {early: %s, late: %s, warn: [\"50%%\"]%s%s}\n",
                               PICK(random, "15m", "0s", "1h"), PICK(random, "4h", "1h"), pick_calendar(random),
                               pick_escalations(random));
    if (lc_random_chance(random, 60))
        g_string_append_printf(yaml, "    milestones: [{stage: SAL, within: %s%s%s}, {stage: WON, within: 90h%s}]\n",
                               PICK(random, "2h", "16h", "48h"), pick_calendar(random), pick_escalations(random),
                               pick_calendar(random));
    if (lc_random_chance(random, 60))
        g_string_append_printf(yaml, "    next_contact: {within: %s, warn: [5m]%s%s%s}\n", PICK(random, "1h", "20h"),
                               PICK(random, "", ", until: SQL", ", until: OPPORTUNITY"), pick_calendar(random),
                               pick_escalations(random));
    if (lc_random_chance(random, 70))
        add_pause(random, yaml);
    if (lc_random_chance(random, 70))
        g_string_append_printf(yaml, "    follow_up: {attempts: %s, within: %s, %s%s%s}\n", PICK(random, "1", "2"),
                               PICK(random, "2h", "24h"), pick_route(random), pick_calendar(random),
                               pick_escalations(random));
    g_string_append_printf(yaml, "    clawback: {after: %s, from: %s, warn: [1h], %s, %s}\n",
                           PICK(random, "5h", "3d", "30d"), PICK(random, "handoff", "last_activity"),
                           PICK(random, "until: OPPORTUNITY", "until: SAL", "calendar: always"), pick_route(random));
}

static void
add_document(lc_random *random, GString *yaml, int number, const char *retain)
{
    g_string_append_printf(yaml, "name: d%d\n", number);
    if (number > 0)
        g_string_append_printf(yaml, "effective_from: 2026-02-0%dT00:00:00Z\n", 1 + 2 * number);
    g_string_append_printf(yaml, "reporting_time_zone: %s\ncontact_time: %s\nclock_skew: %s\nretain: %s\n",
                           PICK(random, "UTC", "America/New_York", "Australia/Sydney"),
                           PICK(random, "occurred", "logged"), PICK(random, "0s", "2m", "10m"), retain);
    g_string_append(yaml, "calendars:\n"
                          "  office: {time_zone: Europe/Stockholm, week: {mon: [08:00-12:00, 13:00-17:00], "
                          "tue: [08:00-17:00], thu: [22:00-03:00], sat: [10:00-24:00], sun: [00:00-02:00]}, "
                          "holidays: [2026-02-09, 02-05]}\n"
                          "  south: {time_zone: Australia/Lord_Howe, week: {sun: [00:00-24:00], mon: [00:00-24:00], "
                          "wed: [09:00-17:30]}}\n"
                          "stages: [SAL, SQL, OPPORTUNITY, {name: WON, closes: won}, {name: LOST, closes: lost}]\n");
    g_string_append_printf(yaml,
                           "reasons:\n  not_ready: {%s}\n  student: {route: SUPPRESS, cooldown: %s}\n"
                           "  wrong_territory: {route: REASSIGN}\n  other: {%s, cooldown: %s}\n",
                           pick_route(random), PICK(random, "1h", "3d"), pick_route(random), PICK(random, "1m", "2d"));
    add_gates(random, yaml);
    g_string_append(yaml, "rules:\n");
    add_rule(random, yaml, "hot", "{channel: [demo]}");
    add_rule(random, yaml, "rest", "any");
}

static char *
document_path(const char *folder, int number)
{
    return g_strdup_printf("%s/%d.yaml", folder, number);
}

char *
history_write_policy(lc_random *random, const char *retain)
{
    char *folder = g_dir_make_tmp("leadclock-history-XXXXXX", NULL);
    int n_documents = 1 + (int)lc_random_below(random, MOST_DOCUMENTS);

    for (int i = 0; i < n_documents; i++) {
        g_autoptr(GString) yaml = g_string_new(NULL);
        g_autofree char *file = document_path(folder, i);
        add_document(random, yaml, i, retain);
        g_file_set_contents(file, yaml->str, (gssize)yaml->len, NULL);
    }
    return folder;
}

lc_policy_book *
history_read_policy(const char *folder)
{
    g_autoptr(GError) error = NULL;
    lc_policy_book *book = lc_policy_book_load((const char *const[]){folder, NULL}, &error);

    if (book == NULL)
        g_error("%s", error->message);
    return book;
}

void
history_remove_policy(const char *folder)
{
    for (int i = 0; i < MOST_DOCUMENTS; i++) {
        g_autofree char *file = document_path(folder, i);
        remove(file);
    }
    remove(folder);
}

lc_policy_book *
history_policy(lc_random *random, const char *retain)
{
    g_autofree char *folder = history_write_policy(random, retain);
    lc_policy_book *book = history_read_policy(folder);

    history_remove_policy(folder);
    return book;
}

/* ---- Facts ---- */

/* Instants near each other and often the same: most rules are about what comes just before what. */
static lc_instant
pick_instant(lc_random *random)
{
    static const lc_duration steps[] = {LC_MINUTE / 2, LC_HOUR / 2, 12 * LC_HOUR, 1};
    lc_instant at = START + 12 * LC_HOUR * (lc_instant)lc_random_below(random, 8);

    for (size_t i = 0; i < G_N_ELEMENTS(steps); i++)
        if (lc_random_chance(random, 40))
            at += steps[i] * (lc_instant)lc_random_below(random, 9);
    return at;
}

static lc_text
pick_owner(lc_random *random, unsigned percent)
{
    static const char *const owners[] = {"ann", "bo", "cy"};

    return lc_random_chance(random, percent) ? lc_text_of(owners[lc_random_below(random, 3)]) : LC_NO_TEXT;
}

static void
fill_created(lc_random *random, lc_fact *fact)
{
    static const lc_attribute attributes[] = {
        {{"segment", 7}, {"smb", 3}}, {{"segment", 7}, {"mid", 3}}, {{"segment", 7}, {"rival", 5}}};

    fact->channel = lc_text_of(PICK(random, "demo", "demo", "ads"));
    fact->owner = pick_owner(random, 50);
    fact->attributes = &attributes[lc_random_below(random, 3)];
    fact->n_attributes = 1;
}

static lc_fact
pick_fact(lc_random *random, bool erasures)
{
    static const lc_fact_type types[] = {LC_FACT_CREATED,   LC_FACT_CREATED,    LC_FACT_CREATED,   LC_FACT_ASSIGNED,
                                         LC_FACT_CONTACTED, LC_FACT_CONTACTED,  LC_FACT_CONTACTED, LC_FACT_CONTACTED,
                                         LC_FACT_REJECTED,  LC_FACT_PROGRESSED, LC_FACT_PAUSED,    LC_FACT_PAUSED,
                                         LC_FACT_RESUMED,   LC_FACT_MERGED,     LC_FACT_ERASED};
    lc_fact fact = {.type = types[lc_random_below(random, G_N_ELEMENTS(types) - (erasures ? 0 : 1))],
                    .occurred_at = pick_instant(random),
                    .recorded_at = LC_ABSENT,
                    .follow_up_at = LC_ABSENT,
                    .until = LC_ABSENT};

    if (lc_random_chance(random, 30))
        fact.recorded_at = fact.occurred_at + LC_MINUTE * (lc_instant)lc_random_below(random, 300);
    if (fact.type == LC_FACT_CREATED)
        fill_created(random, &fact);
    else if (fact.type != LC_FACT_ERASED)
        fact.owner = pick_owner(random, fact.type == LC_FACT_ASSIGNED ? 100 : 50);
    if (fact.type == LC_FACT_PROGRESSED)
        fact.text = lc_text_of(PICK(random, "SAL", "SQL", "OPPORTUNITY", "WON", "LOST", "UNKNOWN"));
    if (fact.type == LC_FACT_REJECTED)
        fact.text = lc_text_of(PICK(random, "not_ready", "student", "wrong_territory", "wrong_territory", "", "what"));
    if (fact.type == LC_FACT_CONTACTED) {
        fact.automated = lc_random_chance(random, 5);
        fact.connected = lc_random_chance(random, 30);
    }
    if ((fact.type == LC_FACT_CREATED || fact.type == LC_FACT_CONTACTED || fact.type == LC_FACT_REJECTED) &&
        lc_random_chance(random, 25))
        fact.follow_up_at = pick_instant(random);
    if (fact.type == LC_FACT_PAUSED && lc_random_chance(random, 50))
        fact.until = pick_instant(random);
    if (fact.type == LC_FACT_MERGED)
        fact.into = lc_text_of(PICK(random, "another", "the-one"));
    return fact;
}

static int
by_arrival(const void *fact, const void *other)
{
    const history_fact *a = fact, *b = other;

    if (a->arrived_at != b->arrived_at)
        return a->arrived_at < b->arrived_at ? -1 : 1;
    return lc_text_compare(a->fact.event_id, b->fact.event_id);
}

void
history_shuffle(lc_random *random, GArray *facts)
{
    for (guint i = 0; i < facts->len; i++) {
        history_fact *fact = &g_array_index(facts, history_fact, i);
        fact->arrived_at = fact->fact.occurred_at;
        if (lc_random_chance(random, 60))
            fact->arrived_at = pick_instant(random);
    }
    g_array_sort(facts, by_arrival);
}

GArray *
history_facts(lc_random *random, bool erasures, lc_arena *arena)
{
    guint n = 1 + (guint)lc_random_below(random, 14);
    GArray *facts = g_array_sized_new(FALSE, TRUE, sizeof(history_fact), n);

    g_array_set_size(facts, n);
    for (guint i = 0; i < n; i++) {
        char *id = lc_arena_alloc(arena, 8);
        history_fact *fact = &g_array_index(facts, history_fact, i);
        fact->fact = pick_fact(random, erasures);
        g_snprintf(id, 8, "%c%u", (char)('a' + lc_random_below(random, 26)), i);
        fact->fact.event_id = lc_text_of(id);
    }
    history_shuffle(random, facts);
    return facts;
}

lc_instant
history_end(void)
{
    return START + 400 * LC_DAY;
}

/* ---- Playing ---- */

history_player *
history_player_new(const lc_policy_book *book)
{
    history_player *player = g_new0(history_player, 1);

    player->judge = lc_judge_new(book);
    player->net = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    player->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    player->rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    lc_judge_set_rows(player->judge, (1u << LC_ROW_TYPES) - 1);
    lc_lead_init(&player->lead, LC_TEXT("lead"));
    return player;
}

void
history_player_free(history_player *player)
{
    if (player == NULL)
        return;
    lc_judge_free(player->judge);
    g_hash_table_unref(player->net);
    g_hash_table_unref(player->counters);
    g_hash_table_unref(player->rows);
    lc_arena_clear(&player->arena);
    g_free(player);
}

void
history_player_reset(history_player *player)
{
    g_hash_table_remove_all(player->net);
    g_hash_table_remove_all(player->counters);
    g_hash_table_remove_all(player->rows);
    lc_arena_reset(&player->arena);
    lc_lead_init(&player->lead, LC_TEXT("lead"));
}

static char *
id_of(const lc_uuid *uuid)
{
    return lc_uuid_format(uuid, g_malloc(LC_UUID_TEXT_BYTES));
}

static char *
say(lc_text lead_id, lc_outcome outcome)
{
    GString *json = g_string_new(NULL);

    outcome.restated = false;
    lc_json_write_outcome(json, lead_id, &outcome);
    return g_string_free(json, FALSE);
}

static void
take_in(history_player *player, const lc_outcome *outcome)
{
    if (outcome->type == LC_OUTCOME_RETRACTED) {
        g_autofree char *id = id_of(&outcome->retracted.retracts);
        if (!g_hash_table_remove(player->net, id))
            g_error("retracted, but it does not stand: %s %s", lc_outcome_type_name(outcome->retracted.retracted_type),
                    id);
        return;
    }
    g_autofree char *id = id_of(&outcome->event_id);
    char *text = say(player->lead.id, *outcome);
    const char *before = g_hash_table_lookup(player->net, id);
    if (outcome->type != LC_OUTCOME_WARNING && outcome->restated != (before != NULL))
        g_error("%s: %s", outcome->restated ? "restated, but it does not stand" : "published twice", text);
    if (before && strcmp(before, text) == 0)
        g_error("restated without a change: %s", text);
    if (outcome->type == LC_OUTCOME_WARNING)
        g_free(text);
    else
        g_hash_table_insert(player->net, g_steal_pointer(&id), text);
}

static void
add_up(GHashTable *counters, const lc_count *count)
{
    char month[LC_MONTH_TEXT_BYTES];
    char *key = g_strdup_printf("%.*s|%s|%.*s", LC_TEXT_ARGS(count->channel), lc_month_format(count->cohort, month),
                                LC_TEXT_ARGS(count->metric));
    int sum = GPOINTER_TO_INT(g_hash_table_lookup(counters, key)) + count->delta;

    if (count->delta == 0 || sum < 0)
        g_error("%s: %+d to %d", key, count->delta, sum);
    if (sum == 0) {
        g_hash_table_remove(counters, key);
        g_free(key);
    } else {
        g_hash_table_replace(counters, key, GINT_TO_POINTER(sum));
    }
}

static char *
key_of(const lc_row *row)
{
    g_autofree char *id = id_of(&row->cycle.cycle_id);
    lc_text stage = row->type == LC_ROW_STAGE ? row->stage.stage : LC_NO_TEXT;

    return g_strdup_printf("%s %s %.*s %u", lc_row_type_name(row->type), id, LC_TEXT_ARGS(stage),
                           row->type == LC_ROW_TENURE ? row->tenure.position : 0);
}

static char *
say_row(const lc_row *row)
{
    GString *json = g_string_new(NULL);

    lc_json_write_row(json, row->type, &row->cycle);
    return g_string_free(json, FALSE);
}

static void
take_in_row(GHashTable *rows, const lc_row *row)
{
    g_autofree char *key = key_of(row);
    const char *before = g_hash_table_lookup(rows, key);

    if (row->deleted) {
        if (before == NULL)
            g_error("deleted, but it does not stand: %s", key);
        g_hash_table_remove(rows, key);
        return;
    }
    char *text = say_row(row);
    if (before && strcmp(before, text) == 0)
        g_error("a row without a change: %s", text);
    g_hash_table_insert(rows, g_steal_pointer(&key), text);
}

lc_verdict
history_judge(history_player *player, const lc_fact *fact, lc_instant now)
{
    const lc_judgement *judgement = lc_lead_judge(player->judge, &player->lead, fact, now, &player->arena);

    for (size_t i = 0; i < judgement->n_outcomes; i++)
        take_in(player, &judgement->outcomes[i]);
    for (size_t i = 0; i < judgement->n_counts; i++)
        add_up(player->counters, &judgement->counts[i]);
    for (size_t i = 0; i < judgement->n_rows; i++)
        take_in_row(player->rows, &judgement->rows[i]);
    if (fact && fact->type == LC_FACT_ERASED && judgement->verdict == LC_VERDICT_TAKEN &&
        g_hash_table_size(player->rows))
        g_error("an erasure left rows");
    if (player->lead.n_facts == 0) {
        g_hash_table_remove_all(player->net);
        g_hash_table_remove_all(player->rows);
    }
    return judgement->verdict;
}

void
history_wake(history_player *player, lc_instant until)
{
    while (player->lead.wake_at < until)
        history_judge(player, NULL, player->lead.wake_at + 1);
}

void
history_play(history_player *player, const GArray *facts, lc_instant until)
{
    for (guint i = 0; i < facts->len; i++) {
        const history_fact *fact = &g_array_index(facts, history_fact, i);
        history_wake(player, fact->arrived_at);
        history_judge(player, &fact->fact, fact->arrived_at);
    }
    history_wake(player, until);
}

static bool
same_tables(GHashTable *table, GHashTable *other, GEqualFunc equal)
{
    GHashTableIter iter;
    gpointer key, value, there;
    bool same = g_hash_table_size(table) == g_hash_table_size(other);

    g_hash_table_iter_init(&iter, table);
    while (same && g_hash_table_iter_next(&iter, &key, &value))
        same = g_hash_table_lookup_extended(other, key, NULL, &there) && equal(value, there);
    return same;
}

static void
print_tables(const char *name, GHashTable *table, bool texts)
{
    GHashTableIter iter;
    gpointer key, value;

    printf("%s:\n", name);
    g_hash_table_iter_init(&iter, table);
    while (g_hash_table_iter_next(&iter, &key, &value)) {
        if (texts)
            printf("  %s\n", (char *)value);
        else
            printf("  %s %d\n", (char *)key, GPOINTER_TO_INT(value));
    }
}

bool
history_same(const history_player *player, const history_player *other)
{
    if (same_tables(player->net, other->net, g_str_equal) &&
        same_tables(player->counters, other->counters, g_direct_equal) &&
        same_tables(player->rows, other->rows, g_str_equal))
        return true;
    print_tables("one", player->net, true);
    print_tables("other", other->net, true);
    print_tables("one's rows", player->rows, true);
    print_tables("the other's rows", other->rows, true);
    print_tables("one counts", player->counters, false);
    print_tables("other counts", other->counters, false);
    return false;
}

bool
history_same_as_derived(history_player *player, lc_instant now)
{
    g_autoptr(GHashTable) net = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(GHashTable) counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) rows = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const lc_judgement *derived = lc_lead_derive(player->judge, &player->lead, now);

    for (size_t i = 0; i < derived->n_outcomes; i++)
        if (derived->outcomes[i].type != LC_OUTCOME_WARNING)
            g_hash_table_insert(net, id_of(&derived->outcomes[i].event_id), say(player->lead.id, derived->outcomes[i]));
    for (size_t i = 0; i < derived->n_counts; i++)
        add_up(counters, &derived->counts[i]);
    for (size_t i = 0; i < derived->n_rows; i++)
        take_in_row(rows, &derived->rows[i]);
    return history_same(player, &(history_player){.net = net, .counters = counters, .rows = rows});
}
