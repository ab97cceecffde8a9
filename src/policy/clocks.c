/* clocks.c - what every clock has: a target, warnings before it, escalations after it (2.3, 2.6, 2.7, 5.11). */
#include "read.h"

/* A century of them. */
#define MOST_WORKING_DAYS 36525

static bool
is_always(const lc_clock_rule *clock)
{
    return lc_text_equal(clock->calendar_name, LC_TEXT("always"));
}

/* On an office calendar "1d" could mean a day's open hours or 24 of them, so neither is taken (2.5). */
static void
check_unit(lc_document_reader *reader, const lc_yaml *node, bool has_days, const lc_clock_rule *clock)
{
    if (has_days && !is_always(clock))
        lc_refuse(reader, node,
                  "\"%s\": d and w are not clear on the calendar \"%s\"; say hours of open time, for example 16h",
                  node->text.data, clock->calendar_name.data);
}

/* ---- Targets ---- */

static void
read_cutoff(lc_document_reader *reader, const lc_yaml *node, int *cutoff)
{
    lc_text text;
    if (!lc_read_text(reader, node, "cutoff", &text))
        return;
    if (text.size == strlen("15:00") && lc_clock_time_parse(text.data, cutoff))
        return;
    g_autofree char *wrong = lc_quoted(node);
    lc_refuse(reader, node, "cutoff %s is no time of the day; write it like \"15:00\", from 00:00 to 24:00", wrong);
    *cutoff = LC_NO_CUTOFF;
}

static void
read_working_days(lc_document_reader *reader, const char *name, const lc_yaml *node, lc_clock_rule *clock)
{
    enum { WORKING_DAYS, CUTOFF };
    lc_map_key fields[] = {[WORKING_DAYS] = {"working_days", "working_days: 2"}, [CUTOFF] = {"cutoff"}};
    int64_t days = 0;
    if (!lc_read_fields(reader, node, name, fields, G_N_ELEMENTS(fields)))
        return;
    lc_read_integer(reader, fields[WORKING_DAYS].value, "working_days", 0, MOST_WORKING_DAYS, &days);
    read_cutoff(reader, fields[CUTOFF].value, &clock->cutoff);
    clock->target = 0;
    clock->working_days = (int)days;
    if (is_always(clock))
        lc_refuse(reader, node,
                  "working days need a calendar with a week; name it beside %s, for example calendar: office", name);
}

static void
read_target(lc_document_reader *reader, const char *name, const lc_yaml *node, lc_clock_rule *clock)
{
    bool has_days;
    if (node && node->kind == LC_YAML_MAP) {
        read_working_days(reader, name, node, clock);
        return;
    }
    if (!lc_read_duration(reader, node, name, &clock->target, &has_days))
        return;
    check_unit(reader, node, has_days, clock);
    if (clock->target == 0)
        lc_refuse(reader, node, "%s is zero; give the clock a length, for example 5m", name);
}

/* ---- Warnings ---- */

static bool
is_in_working_days(const lc_clock_rule *clock)
{
    return clock->working_days >= 0;
}

static bool
read_percentage(lc_document_reader *reader, const lc_yaml *node, lc_warning *warning)
{
    g_autofree char *digits = g_strndup(node->text.data, node->text.size - 1);
    guint64 percent;
    if (!g_ascii_string_to_unsigned(digits, 10, 0, G_MAXUINT64, &percent, NULL)) {
        lc_refuse(reader, node, "a percentage must be a whole number, for example \"50%%\"");
        return false;
    }
    if (percent < 1 || percent > 99) {
        lc_refuse(reader, node, "a warning at %s of the time lies outside its clock; take 1%% to 99%%",
                  node->text.data);
        return false;
    }
    warning->percent = (unsigned)percent;
    return true;
}

static bool
read_time_before(lc_document_reader *reader, const lc_yaml *node, const lc_clock_rule *clock, lc_warning *warning)
{
    bool has_days;
    char target[LC_DURATION_TEXT_BYTES];
    if (strspn(node->text.data, "0123456789") == node->text.size && node->text.size <= 2 && *node->text.data != '0') {
        lc_duration minutes = g_ascii_strtoll(node->text.data, NULL, 10) * LC_MINUTE;
        g_autofree char *or_minutes =
            minutes < clock->target ? g_strdup_printf(", or %sm before it is due", node->text.data) : g_strdup("");
        lc_refuse(reader, node, "a warning \"%s\" lacks a unit; write \"%s%%\" of the time%s", node->text.data,
                  node->text.data, or_minutes);
        return false;
    }
    if (!lc_read_duration(reader, node, "a warning", &warning->before, &has_days))
        return false;
    check_unit(reader, node, has_days, clock);
    bool too_long = !is_in_working_days(clock) && clock->target > 0 && warning->before >= clock->target;
    if (warning->before > 0 && !too_long)
        return true;
    if (too_long)
        lc_refuse(reader, node, "a warning %s before the due time lies outside its clock of %s; take less than that",
                  node->text.data,
                  is_always(clock) ? lc_duration_format(clock->target, target)
                                   : lc_open_time_format(clock->target, target));
    else
        lc_refuse(reader, node, "a warning %s before the due time lies outside its clock; take more than zero",
                  node->text.data);
    return false;
}

/* Of working days the target is known at the start only, so a warning outside the clock is left out then (2.3). */
static void
set_part(const lc_clock_rule *clock, lc_warning *warning)
{
    warning->part = 0;
    if (!is_in_working_days(clock) && clock->target > 0)
        warning->part = lc_warning_part(warning, clock->target);
}

static bool
read_warning(lc_document_reader *reader, const lc_yaml *node, const lc_clock_rule *clock, lc_warning *warning)
{
    *warning = (lc_warning){0};
    if (node->kind == LC_YAML_NOTHING)
        lc_refuse(reader, node, "a warning is missing; write \"50%%\" of the time, or 1h before it is due");
    if (!lc_read_name(reader, node, "a warning", &warning->label))
        return false;
    bool right = g_str_has_suffix(warning->label.data, "%") ? read_percentage(reader, node, warning)
                                                            : read_time_before(reader, node, clock, warning);
    set_part(clock, warning);
    return right;
}

static bool
come_together(const lc_warning *a, const lc_warning *b)
{
    return a->part || b->part ? a->part == b->part : a->percent == b->percent && a->before == b->before;
}

static void
remark_same_moment(lc_document_reader *reader, const lc_yaml *node, const lc_warning *warnings, unsigned n)
{
    for (unsigned i = 0; i < n && i < 100; i++)
        if (come_together(&warnings[i], &warnings[n]))
            lc_remark(reader, node, "the warnings %s and %s come at the same moment", warnings[i].label.data,
                      warnings[n].label.data);
}

static void
read_warnings(lc_document_reader *reader, const lc_yaml *node, lc_clock_rule *clock)
{
    if (!lc_read_list(reader, node, "warn", "[\"50%\"]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_warning *warnings = lc_arena_new(reader->arena, lc_warning, node->n);
    for (size_t i = 0; i < node->n; i++) {
        if (!read_warning(reader, node->items[i], clock, &warnings[clock->n_warnings]) ||
            !lc_take_name(reader, seen, node->items[i], "warning"))
            continue;
        remark_same_moment(reader, node->items[i], warnings, clock->n_warnings);
        clock->n_warnings++;
    }
    clock->warnings = warnings;
}

/* ---- Escalations ---- */

static bool
read_escalation(lc_document_reader *reader, const lc_yaml *node, const lc_clock_rule *clock, lc_escalation *escalation)
{
    bool has_days;
    if (node->kind == LC_YAML_NOTHING)
        lc_refuse(reader, node, "an escalation is missing; write how long after the due time, for example 1h");
    if (!lc_read_duration(reader, node, "an escalation", &escalation->after, &has_days) ||
        !lc_read_name(reader, node, "an escalation", &escalation->label))
        return false;
    check_unit(reader, node, has_days, clock);
    if (escalation->after == 0)
        lc_refuse(reader, node, "an escalation at the due time says no more than the breach; take more than zero");
    return escalation->after > 0;
}

/* Among those before it, by length; of two that are as long the first listed comes first. */
static void
insert_by_length(lc_escalation *escalations, unsigned n, lc_escalation escalation)
{
    for (; n > 0 && escalations[n - 1].after > escalation.after; n--)
        escalations[n] = escalations[n - 1];
    escalations[n] = escalation;
}

static void
remark_same_escalation(lc_document_reader *reader, const lc_yaml *node, const lc_clock_rule *clock,
                       const lc_escalation *new)
{
    for (unsigned i = 0; i < clock->n_escalations && i < 100; i++)
        if (clock->escalations[i].after == new->after)
            lc_remark(reader, node, "the escalations %s and %s come at the same moment",
                      clock->escalations[i].label.data, new->label.data);
}

static void
read_escalations(lc_document_reader *reader, const lc_yaml *node, lc_clock_rule *clock)
{
    if (!lc_read_list(reader, node, "escalate", "[1h, 4h]"))
        return;
    g_autoptr(GHashTable) seen = lc_names_new();
    lc_escalation *escalations = lc_arena_new(reader->arena, lc_escalation, node->n), next;
    clock->escalations = escalations;
    if (node->n > LC_MOST_ESCALATIONS)
        lc_refuse(reader, node, "more than %d escalations of one clock; keep those that somebody acts on",
                  LC_MOST_ESCALATIONS);
    for (size_t i = 0; i < node->n && i < LC_MOST_ESCALATIONS; i++) {
        if (!read_escalation(reader, node->items[i], clock, &next) ||
            !lc_take_name(reader, seen, node->items[i], "escalation"))
            continue;
        remark_same_escalation(reader, node->items[i], clock, &next);
        insert_by_length(escalations, clock->n_escalations++, next);
    }
}

/* ---- Clocks ---- */

void
lc_read_clock(lc_document_reader *reader, const lc_clock_fields *fields, lc_clock_rule *clock)
{
    guint index = (guint)lc_find_calendar(reader, fields->calendar);
    const lc_named_calendar *named = &g_array_index(reader->document->calendars, lc_named_calendar, index);
    g_autofree char *target = g_strdup_printf("%s.%s", fields->name, fields->target->name);
    *clock = (lc_clock_rule){.working_days = -1,
                             .cutoff = LC_NO_CUTOFF,
                             .calendar = named->calendar,
                             .calendar_name = lc_text_of(named->name)};
    read_target(reader, target, fields->target->value, clock);
    read_warnings(reader, fields->warn, clock);
    read_escalations(reader, fields->escalate, clock);
}

void
lc_read_again_clock(lc_document_reader *reader, const lc_map_key *within, const lc_clock_rule *first,
                    lc_clock_rule *again)
{
    *again = *first;
    if (within->value) {
        again->working_days = -1;
        again->cutoff = LC_NO_CUTOFF;
        read_target(reader, "reassign.within", within->value, again);
    }
    lc_warning *warnings = lc_arena_new(reader->arena, lc_warning, first->n_warnings);
    again->warnings = warnings;
    again->n_warnings = 0;
    for (unsigned i = 0; i < first->n_warnings; i++) {
        if (first->warnings[i].percent == 0)
            continue;
        warnings[again->n_warnings] = first->warnings[i];
        set_part(again, &warnings[again->n_warnings++]);
    }
}
