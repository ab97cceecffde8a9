/* zones.c - time zones by name, and what was probably meant by a name that is none. */
#include "read.h"

#include <leadclock/text.h>

#include <stdio.h>

/* "Stockholm" of "Europe/Stockholm". */
static const char *
place_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* The zone that has this name but for case, or else whose place has it. */
static const char *
same_place(const char *wrong, char **names)
{
    g_autofree char *spelled = g_strdelimit(g_strdup(wrong), " ", '_');
    const char *found = NULL;
    for (char **name = names; *name; name++) {
        if (g_ascii_strcasecmp(spelled, *name) == 0)
            return *name;
        if (found == NULL && g_ascii_strcasecmp(spelled, place_of(*name)) == 0)
            found = *name;
    }
    return found;
}

/* What is short and has no place is an abbreviation: the nearest one means other hours ("PST", "EST"). */
static const char *
meant_zone(const char *wrong, char **names)
{
    const char *same = same_place(wrong, names);
    return same || strchr(wrong, '/') == NULL ? same : lc_nearest_name(wrong, (const char *const *)names);
}

/* "GMT+2" and "UTC+02:00", whose sign the database turns round: the zone that is so many hours ahead; NULL: another
 * name. Caller frees. */
static char *
offset_zone(const char *wrong, char **names, char **hours)
{
    int length = 0;
    char sign, number[3];
    if ((!g_str_has_prefix(wrong, "GMT") && !g_str_has_prefix(wrong, "UTC")) ||
        sscanf(wrong + 3, "%c%2[0-9]%n", &sign, number, &length) != 2 || (sign != '+' && sign != '-') ||
        (wrong[3 + length] != '\0' && strcmp(wrong + 3 + length, ":00") != 0))
        return NULL;
    g_autofree char *zone = g_strdup_printf("Etc/GMT%c%d", sign == '+' ? '-' : '+', atoi(number));
    if (!g_strv_contains((const char *const *)names, zone))
        return NULL;
    *hours = g_strdup_printf("%d h %s UTC", atoi(number), sign == '+' ? "ahead of" : "behind");
    return g_steal_pointer(&zone);
}

static void
refuse_zone(lc_document_reader *reader, const lc_yaml *node)
{
    if (lc_problems_is_full(reader->document->problems))
        return;
    g_auto(GStrv) names = lc_zone_names();
    g_autofree char *wrong = lc_quoted(node), *hours = NULL;
    g_autofree char *fixed = offset_zone(node->text.data, names, &hours);
    const char *meant = meant_zone(node->text.data, names);
    if (g_strv_contains((const char *const *)names, node->text.data))
        lc_refuse(reader, node,
                  "the zone database of this machine has %s no more (Debian's package tzdata-legacy has it); take that "
                  "of a place, for example Europe/Stockholm",
                  wrong);
    else if (fixed)
        lc_refuse(
            reader, node,
            "unknown time zone %s; take that of a place, for example Europe/Stockholm, or %s, which is %s all year",
            wrong, fixed, hours);
    else if (meant)
        lc_refuse(reader, node, "unknown time zone %s; did you mean \"%s\"? Zones are those of the IANA database",
                  wrong, meant);
    else
        lc_refuse(reader, node, "unknown time zone %s; take a name of the IANA database, for example Europe/Stockholm",
                  wrong);
}

static void
remark_abbreviation(lc_document_reader *reader, const lc_yaml *node)
{
    static const struct {
        const char *name, *place;
    } abbreviations[] = {
        {"EST", "America/New_York"}, {"MST", "America/Denver"}, {"HST", "Pacific/Honolulu"}, {"GMT", "Europe/London"}};
    for (size_t i = 0; i < G_N_ELEMENTS(abbreviations); i++)
        if (strcmp(node->text.data, abbreviations[i].name) == 0)
            lc_remark(reader, node,
                      "%s is an abbreviation and never has summer time; take that of a place, for example %s, or UTC",
                      abbreviations[i].name, abbreviations[i].place);
}

lc_zone *
lc_read_zone(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_text *name)
{
    if (!lc_read_text(reader, node, what, name))
        return NULL;
    lc_zone *zone = lc_zone_new(name->data);
    if (zone == NULL)
        refuse_zone(reader, node);
    else
        remark_abbreviation(reader, node);
    return zone;
}
