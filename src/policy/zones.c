/* zones.c - time zones by name, and what was probably meant by a name that is none. */
#include "read.h"

#include <leadclock/text.h>

#include <stdlib.h>

/* What is longer is no slip. */
#define LONGEST_NAME_BYTES 64

/* "Stockholm" of "Europe/Stockholm". */
static const char *
place_of(const char *name)
{
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static bool
is_of_etc(const char *name)
{
    return g_ascii_strncasecmp(name, "Etc/", 4) == 0;
}

/* Zones whose last part is no place, so that it says nothing without the first. */
static bool
is_of_a_place(const char *name)
{
    static const char *const others[] = {"Etc/",          "US/",     "Canada/",         "Brazil/",
                                         "Mexico/",       "Chile/C", "Australia/North", "Australia/South",
                                         "Australia/West"};
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (g_str_has_prefix(name, others[i]))
            return false;
    return strchr(name, '/');
}

static bool
is_here(const char *name)
{
    g_autoptr(lc_zone) zone = lc_zone_new(name);
    return zone != NULL;
}

/* The zone that has this name but for case, or else those whose place has it. Caller frees with g_strfreev. */
static char **
same_zones(const char *spelled, char **names)
{
    g_autoptr(GStrvBuilder) found = g_strv_builder_new();
    for (char **name = names; *name; name++) {
        if (g_ascii_strcasecmp(spelled, *name) == 0 && is_here(*name))
            return g_strdupv((char *[]){*name, NULL});
        if (is_of_a_place(*name) && g_ascii_strcasecmp(place_of(spelled), place_of(*name)) == 0 && is_here(*name))
            g_strv_builder_add(found, *name);
    }
    return g_strv_builder_end(found);
}

/* The zone of a place whose name has a slip or, where it is long, two. Another city is seldom as near. */
static const char *
nearest_zone(const char *spelled, char **names)
{
    const char *nearest = NULL;
    unsigned best = strlen(place_of(spelled)) < strlen("Chicago") ? 2 : 3;
    bool may_be_near = strchr(spelled, '/') && strlen(spelled) <= LONGEST_NAME_BYTES;
    for (char **name = names; *name && may_be_near; name++) {
        unsigned distance = strchr(*name, '/') && !is_of_etc(*name) ? lc_name_distance(spelled, *name) : best;
        if (distance < best && is_here(*name)) {
            best = distance;
            nearest = *name;
        }
    }
    return nearest;
}

/* "A" or "B"; NULL: none. Caller frees. */
static char *
meant_zone(const char *wrong, char **names)
{
    g_autofree char *spelled = g_strdelimit(g_strdup(wrong), " ", '_');
    g_auto(GStrv) same = same_zones(spelled, names);
    if (same[0])
        return g_strjoinv("\" or \"", same);
    return *place_of(spelled) ? g_strdup(nearest_zone(spelled, names)) : NULL;
}

/* "UTC+2", "gmt -05:00" and "+0530" as minutes ahead of UTC. */
static bool
parse_offset(const char *name, int *minutes)
{
    g_autoptr(GRegex) form =
        g_regex_new("^(?:utc|gmt)? ?([+-]) ?(\\d|0\\d|1[0-4])(?::?([0-5]\\d))?$", G_REGEX_CASELESS, 0, NULL);
    g_autoptr(GMatchInfo) found = NULL;
    if (!g_regex_match(form, name, 0, &found))
        return false;
    g_autofree char *sign = g_match_info_fetch(found, 1), *hours = g_match_info_fetch(found, 2),
                    *rest = g_match_info_fetch(found, 3);
    *minutes = (atoi(hours) * 60 + (rest ? atoi(rest) : 0)) * (*sign == '-' ? -1 : 1);
    return true;
}

/* In names of the database the sign of an offset is turned round, so that what is meant by one of Etc is not known. */
static void
refuse_offset(lc_document_reader *reader, const lc_yaml *node, const char *wrong, int minutes, char **names)
{
    g_autofree char *zone = g_strdup_printf("Etc/GMT%+d", -minutes / 60);
    if (minutes % 60 == 0 && g_strv_contains((const char *const *)names, zone))
        lc_refuse(reader, node,
                  "unknown time zone %s; take that of a place, for example Europe/Stockholm, or %s, which is %d h %s "
                  "UTC all year",
                  wrong, zone, abs(minutes / 60), minutes > 0 ? "ahead of" : "behind");
    else
        lc_refuse(reader, node,
                  "unknown time zone %s; no zone is named by this offset; take that of a place, as Asia/Kolkata for "
                  "+05:30",
                  wrong);
}

static void
refuse_zone(lc_document_reader *reader, const lc_yaml *node)
{
    if (lc_problems_is_full(reader->document->problems))
        return;
    g_auto(GStrv) names = lc_zone_names();
    const char *name = node->text.data;
    int minutes;
    bool is_offset = parse_offset(is_of_etc(name) ? name + strlen("Etc/") : name, &minutes);
    g_autofree char *wrong = lc_quoted(node),
                    *meant = is_offset && minutes == 0 ? g_strdup("UTC") : meant_zone(name, names);
    if (g_strv_contains((const char *const *)names, name))
        lc_refuse(reader, node,
                  "the zone database of this machine has %s no more (Debian's package tzdata-legacy has it); take that "
                  "of a place, for example Europe/Stockholm",
                  wrong);
    else if (meant)
        lc_refuse(reader, node, "unknown time zone %s; did you mean \"%s\"? Zones are those of the IANA database",
                  wrong, meant);
    else if (is_of_etc(name))
        lc_refuse(reader, node,
                  "unknown time zone %s; take that of a place, for example Europe/Stockholm; those of Etc go from "
                  "Etc/GMT-14, which is 14 h ahead of UTC, to Etc/GMT+12, which is 12 h behind",
                  wrong);
    else if (is_offset)
        refuse_offset(reader, node, wrong, minutes, names);
    else
        lc_refuse(reader, node, "unknown time zone %s; take a name of the IANA database, for example Europe/Stockholm",
                  wrong);
}

static void
remark_abbreviation(lc_document_reader *reader, const lc_yaml *node)
{
    static const struct {
        const char *name, *place;
    } abbreviations[] = {{"EST", "America/New_York"}, {"MST", "America/Denver"}, {"HST", "Pacific/Honolulu"},
                         {"GMT", "Europe/London"},    {"GMT0", "Europe/London"}, {"GMT+0", "Europe/London"},
                         {"GMT-0", "Europe/London"}};
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
