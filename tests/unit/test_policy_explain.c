/* test_policy_explain.c - every key is said back in plain words. */
#include <leadclock/cli.h>
#include <leadclock/policy.h>

#include <stdio.h>

#include "asserting.h"

#define HEAD "name: p\nreasons: {other: {track: t}}\n"
#define LAST "  - {name: last, when: any, clawback: {after: 30d}}\n"
/* 2026-11-29 */
#define NOW ((lc_instant)1795910400000)
/* Line 3 is the calendar, line 4 the rule. */
#define CALENDAR(parts)                                                                                                \
    HEAD "calendars: {office: {" parts "}}\nrules: [{name: r, when: any, clawback: {after: 9h, calendar: office}}]\n"
#define CALENDAR_AND(calendar, parts)                                                                                  \
    HEAD "calendars: {office: {" calendar "}}\nrules: [{name: r, when: any, clawback: {after: 30d}, " parts "}]\n"
#define RULE(parts) HEAD "rules:\n  - {name: r, when: any, clawback: {after: 30d}, " parts "}\n"
/* Line 4 is the rule; all of its parts. */
#define OFFICE(parts)                                                                                                  \
    HEAD "calendars: {office: {time_zone: UTC, week: {mon: &d [08:00-17:00], tue: *d, wed: *d, thu: *d, fri: *d}}}\n"  \
         "rules: [{name: r, when: any, " parts "}]\n"
#define STAGES(parts)                                                                                                  \
    HEAD "stages: [SAL, SQL, {name: WON, closes: won}, PAID]\nrules:\n  - {name: r, when: any, " parts "}\n"
#define ICS LC_SOURCE_DIR "/tests/unit"
#define EXAMPLES LC_SOURCE_DIR "/tests/examples/"

static const struct {
    const char *yaml, *warning; /* NULL: none */
} oddities[] = {
    {HEAD "rules:\n" LAST, NULL},
    {HEAD "rules:\n  - {name: a, when: {channel: [x]}, clawback: {after: 1d}}\n" LAST, NULL},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"last\" can never be reached: rule \"a\" before it takes all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {channel: [x, y]}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [y], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"b\" can never be reached: rule \"a\" before it takes all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {channel: [x], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [x]}, clawback: {after: 1d}}\n" LAST,
     NULL},
    {HEAD "rules:\n  - {name: a, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {at_least: {n: 200}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"b\" can never be reached: rule \"a\" before it takes all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {at_least: {n: 200}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n" LAST,
     NULL},
    /* Taken by several rules together, or by what cannot be. */
    {HEAD "rules:\n  - {name: a, when: {channel: [x]}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [y]}, clawback: {after: 1d}}\n"
          "  - {name: c, when: {channel: [x, y], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:6:5: warning: rule \"c\" can never be reached: the rules before it together take all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {channel: [x]}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {channel: [y], attributes: {z: [\"1\"]}}, clawback: {after: 1d}}\n"
          "  - {name: c, when: {channel: [x, y]}, clawback: {after: 1d}}\n" LAST,
     NULL},
    {HEAD "rules:\n  - {name: a, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {attributes: {n: [\"150\", \"200\"]}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:5:5: warning: rule \"b\" can never be reached: the rules before it together take all of its leads\n"},
    {HEAD "rules:\n  - {name: a, when: {attributes: {n: [\"100\"]}}, clawback: {after: 1d}}\n"
          "  - {name: b, when: {at_least: {n: 100}}, clawback: {after: 1d}}\n" LAST,
     NULL},
    {HEAD
     "rules:\n  - {name: a, when: {attributes: {n: [\"50\", few]}, at_least: {n: 100}}, clawback: {after: 1d}}\n" LAST,
     "policy.yaml:4:5: warning: rule \"a\" can never be reached: what its `when` asks for contradicts itself\n"},
    {HEAD "gates: {qualification: {require: [{name: q, when: {attributes: {n: [\"1\"]}, at_least: {n: "
          "2}}}]}}\nrules:\n" LAST,
     "policy.yaml:3:35: warning: \"q\" never holds: what its `when` asks for contradicts itself\n"},
    {HEAD "gates: {open_dialogue: {within: 2m}}\nrules:\n" LAST,
     "policy.yaml:3:33: warning: no contact is an open dialogue: those within clock_skew before the hand-off belong to "
     "it\n"},
    {"name: p\nreasons: {other: {}}\nrules:\n" LAST,
     "policy.yaml:2:11: warning: reason \"other\" goes to nurture without a track\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 30d}, first_contact: {within: 25h}}\n",
     "policy.yaml:4:74: warning: first_contact within more than 24 h; leads cool off within minutes\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 1h}, first_contact: {within: 1h}}\n",
     "policy.yaml:4:36: warning: clawback comes before first_contact is due\n"},
    {OFFICE("clawback: {after: 9h}, first_contact: {within: 9h, calendar: office}"),
     "warning: clawback comes before first_contact is due\n"},
    {OFFICE("clawback: {after: 9h, calendar: office}, first_contact: {within: 9h}"), NULL},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 30d, beyond_30_days: true}}\n",
     "policy.yaml:4:49: warning: beyond_30_days, but clawback.after is not\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 31d, beyond_30_days: true}}\n", NULL},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 2m, warn: [1m, 50%]}}\n",
     "policy.yaml:4:59: warning: the warnings 1m and 50% come at the same moment\n"},
    {HEAD "gates: {qualification: {signals: [{name: s, when: any, points: 5}], threshold: 10}}\nrules:\n" LAST,
     "policy.yaml:3:80: warning: no lead can reach the threshold: all signals together give 5\n"},
    {HEAD "calendars: {office: {time_zone: UTC, week: {mon: [08:00-17:00]}}}\nrules:\n" LAST,
     "policy.yaml:3:13: warning: no clock uses calendar \"office\"\n"},

    /* Holidays that end within 60 days of 2026-11-29. */
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [2026-12-25, 2026-04-03]"),
     "policy.yaml:3:76: warning: the holidays of calendar \"office\" end on 2026-12-25; add those that follow\n"},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [2027-01-28]"),
     "policy.yaml:3:76: warning: the holidays of calendar \"office\" end on 2027-01-28; add those that follow\n"},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [2027-01-29]"), NULL},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [01-01, 12-24..12-26]"), NULL},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [01-01, 2026-12-24..2026-12-26]"),
     "policy.yaml:3:76: warning: the holidays of calendar \"office\" end on 2026-12-26; add those that follow\n"},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, special_days: {2020-01-01: []}"), NULL},
    /* A file that goes on goes on for them. */
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [2026-12-25], holidays_from: [" ICS
              "/holidays.ics]"),
     NULL},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays_from: [" ICS "/empty.ics]"),
     "has no all-day event, so"},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays_from: [" ICS "/past.ics]"),
     "has no all-day event in the future; fetch a newer one"},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays_from: [" ICS "/broken.ics]"),
     "is wrong and was passed over; look through it"},

    {CALENDAR("time_zone: EST, week: {mon: [08:00-17:00]}"),
     "policy.yaml:3:33: warning: EST is an abbreviation and never has summer time; take that of a place, for example "
     "America/New_York, or UTC\n"},
    {HEAD "reporting_time_zone: GMT\nrules:\n" LAST, "policy.yaml:3:22: warning: GMT is an abbreviation and never has"},
    {HEAD "reporting_time_zone: GMT0\nrules:\n" LAST, "warning: GMT0 is an abbreviation and never has summer time"},
    {HEAD "reporting_time_zone: UTC\nrules:\n" LAST, NULL},
    {HEAD "reporting_time_zone: Zulu\nrules:\n" LAST, NULL},
    {HEAD "reporting_time_zone: EST5EDT\nrules:\n" LAST, NULL},
    {CALENDAR("time_zone: UTC, week: {mon: [00:00-23:59]}"),
     "policy.yaml:3:51: warning: the window ends a minute before midnight; write 24:00 where the whole day is meant\n"},
    {CALENDAR("time_zone: UTC, week: {mon: [23:00-22:59]}"), NULL},

    {RULE("pause: {}"), "policy.yaml:4:50: warning: a pause without at_most may last for ever, and keeps the lead from "
                        "being taken back; add at_most, less than clawback.after\n"},
    {RULE("pause: {at_most: 30d}"),
     "policy.yaml:4:50: warning: pause.at_most is not below clawback.after; take less\n"},
    {RULE("pause: {at_most: 29d}"), NULL},
    /* On a calendar: a week of five days of nine hours, 2 working days take 48 h and more, and 18 h 33. */
    {OFFICE("clawback: {after: {working_days: 2}, calendar: office}, pause: {at_most: 49h}"),
     "policy.yaml:4:86: warning: pause.at_most is not below clawback.after, which may be over sooner; take less\n"},
    {OFFICE("clawback: {after: {working_days: 2}, calendar: office}, pause: {at_most: 48h}"), NULL},
    {OFFICE("clawback: {after: 18h, calendar: office}, pause: {at_most: 33h}"),
     "warning: pause.at_most is not below clawback.after, which may be over sooner; take less\n"},
    {OFFICE("clawback: {after: 18h, calendar: office}, pause: {at_most: 32h}"), NULL},
    {OFFICE("clawback: {after: 30d}, first_contact: {within: 1h, calendar: office}, pause: {at_most: 29d}"), NULL},
    /* Elapsed time of what is told in open time: 30 days are four weeks and two days. */
    {OFFICE("clawback: {after: 198h, calendar: office}"), NULL},
    {OFFICE("clawback: {after: 208h, calendar: office}"),
     "policy.yaml:4:48: warning: clawback.after is over 30 days of elapsed time on calendar \"office\", and the odds "
     "of "
     "converting a lead after 30 days are extremely low; take less, or add `beyond_30_days: true`\n"},
    {OFFICE("clawback: {after: {working_days: 25}, calendar: office}"), "warning: clawback.after is over 30 days of"},
    {OFFICE("clawback: {after: {working_days: 20}, calendar: office}"), NULL},
    {OFFICE("clawback: {after: 720h, calendar: office}"), "warning: clawback.after is over 30 days of elapsed time"},
    {OFFICE("clawback: {after: 208h, calendar: office, beyond_30_days: true}"), NULL},
    /* 30 d 9 h at the least, and 32 days from a Thursday. */
    {OFFICE("clawback: {after: 207h, calendar: office, beyond_30_days: true}"), NULL},
    {OFFICE("clawback: {after: {working_days: 22}, calendar: office, beyond_30_days: true}"), NULL},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [01-01..12-31]"),
     "warning: clawback.after is over 30 days of elapsed time"},
    {OFFICE("clawback: {after: 100h, calendar: office, beyond_30_days: true}"),
     "warning: beyond_30_days, but clawback.after is not\n"},
    {RULE("pause: {at_most: 0s}"), "policy.yaml:4:67: warning: a pause of no length never begins; leave `pause` out\n"},
    {HEAD "stages: [{name: LOST, closes: lost}]\nrules:\n  - {name: r, when: any, clawback: {after: 30d}, milestones: "
          "[{stage: LOST, within: 1d, escalate: [1h]}]}\n",
     "policy.yaml:5:71: warning: a milestone that is met when the lead is lost\n"},
    {HEAD "stages: [{name: LOST, closes: lost}]\nrules:\n  - {name: r, when: any, clawback: {after: 30d}, milestones: "
          "[{stage: LOST, within: 1d, escalate: [1h]}]}\n",
     "policy.yaml:5:89: warning: escalations of a clock that nobody can end but by losing the lead; leave them out\n"},
    {RULE("follow_up: {attempts: 0, within: 1d, escalate: [1h]}"),
     "warning: escalations of a follow_up that is never broken: without further attempts the lead is unresponsive\n"},
    {RULE("first_contact: {within: 24h, escalate: [29d, 28d]}"),
     "policy.yaml:4:65: warning: escalation 29d of first_contact comes when the lead is taken back already\n"},
    {RULE("first_contact: {within: 24h, escalate: [28d]}"), NULL},
    /* While nobody has made contact nothing moves or stops the clawback. */
    {RULE("requested_time: {late: 4h}, first_contact: {within: 24h, escalate: [29d]}"),
     "escalation 29d of first_contact"},
    {STAGES("clawback: {after: 5d, from: last_activity, until: SQL}, first_contact: {within: 24h, escalate: [4d]}"),
     "policy.yaml:5:97: warning: escalation 4d of first_contact comes when the lead is taken back already\n"},
    /* One who asks again may do so in a cycle of another rule. */
    {RULE("first_contact: {within: 24h, escalate: [29d], renew: true}"), NULL},
    /* Open time takes no less than elapsed time; at closing time the escalation is first. */
    {OFFICE("clawback: {after: 20h}, first_contact: {within: 9h, escalate: [11h], calendar: office}"),
     "escalation 11h of first_contact comes when the lead is taken back already\n"},
    {OFFICE("clawback: {after: 18h, calendar: office}, first_contact: {within: 9h, escalate: [9h], calendar: office}"),
     NULL},
    {OFFICE("clawback: {after: 18h, calendar: office}, first_contact: {within: 9h, escalate: [10h], calendar: office}"),
     "escalation 10h of first_contact comes"},
    {OFFICE("clawback: {after: 18h, calendar: office}, first_contact: {within: 9h, escalate: [10h]}"), NULL},
    /* Whatever else there is, only what ends the breach moves or stops the clawback. */
    {STAGES("clawback: {after: 5d}, milestones: [{stage: SAL, within: 1d, escalate: [4d]}]"),
     "escalation 4d of milestone:SAL comes when the lead is taken back already\n"},
    {STAGES("clawback: {after: 5d, from: last_activity}, milestones: [{stage: SAL, within: 1d, escalate: [4d]}]"),
     NULL},
    {STAGES("clawback: {after: 5d, until: SQL}, milestones: [{stage: SAL, within: 1d, escalate: [4d]}]"),
     "escalation 4d of milestone:SAL comes"},
    {STAGES("clawback: {after: 5d, until: SAL}, milestones: [{stage: SQL, within: 1d, escalate: [4d]}]"), NULL},
    {STAGES("clawback: {after: 5d, until: SQL}, milestones: [{stage: WON, within: 1d, escalate: [4d]}]"), NULL},
    {STAGES("clawback: {after: 5d, until: PAID}, milestones: [{stage: WON, within: 1d, escalate: [4d]}]"), NULL},
    {STAGES(
         "clawback: {after: 5d}, requested_time: {late: 1h}, milestones: [{stage: SAL, within: 1d, escalate: [4d]}]"),
     NULL},
    {STAGES("clawback: {after: 5d, until: SAL}, follow_up: {attempts: 1, within: 1d, escalate: [4d]}"),
     "escalation 4d of follow_up comes when the lead is taken back already\n"},
    {STAGES("clawback: {after: 5d, from: last_activity}, follow_up: {attempts: 1, within: 1d, escalate: [4d]}"), NULL},
    {STAGES("clawback: {after: 5d}, requested_time: {late: 1h}, follow_up: {attempts: 1, within: 1d, escalate: [4d]}"),
     NULL},
    {STAGES("clawback: {after: 5d, from: last_activity}, next_contact: {within: 1d, escalate: [4d]}"),
     "escalation 4d of next_contact comes when the lead is taken back already\n"},
    {STAGES("clawback: {after: 5d, until: SQL}, next_contact: {within: 1d, escalate: [4d]}"), NULL},
    {STAGES("clawback: {after: 5d, until: SQL}, next_contact: {within: 1d, until: SAL, escalate: [4d]}"),
     "escalation 4d of next_contact comes"},
    {STAGES("clawback: {after: 5d, until: SAL}, next_contact: {within: 1d, until: SQL, escalate: [4d]}"), NULL},
    {STAGES("clawback: {after: 5d}, requested_time: {late: 1h}, next_contact: {within: 1d, escalate: [4d]}"), NULL},
    /* An earlier requested time may have moved the clawback further than a later one that replaced it. */
    {STAGES("clawback: {after: 2d}, requested_time: {late: 1d, escalate: [2d]}"), NULL},
    {RULE("first_contact: {within: 5m, escalate: [1h, 60m]}"),
     "policy.yaml:4:93: warning: the escalations 1h and 60m come at the same moment\n"},
    {HEAD "stages: [{name: WON, closes: won}]\nrules:\n  - {name: r, when: any, clawback: {after: 30d}, next_contact: "
          "{within: 1d, until: WON}}\n",
     "policy.yaml:5:84: warning: stage \"WON\" closes the lead anyway; `until` adds nothing\n"},
};

static void
what_is_odd_is_a_warning(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(oddities); i++) {
        g_autoptr(lc_policy_book) book = policy_of(oddities[i].yaml);
        g_autofree char *warnings = lc_policy_book_warnings(book, NOW);
        if (oddities[i].warning ? warnings && strstr(warnings, oddities[i].warning) : warnings == NULL)
            continue;
        print_message("%s: %s\ninstead of %s\n", oddities[i].yaml, warnings, oddities[i].warning);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void
the_card_policy_is_explained(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book =
        lc_policy_book_load((const char *[]){EXAMPLES "card/feed/policy.yaml", NULL}, &error);
    g_autofree char *text = book ? lc_policy_book_explain(book) : NULL;
    (void)state;
    assert_non_null(text);
    assert_string_equal(
        text,
        "Policy card, for leads handed off at any time.\n"
        "A cohort is the month of the hand-off in UTC. A contact counts at the time it happened. A contact, assignment "
        "or rejection up to 2 min before the hand-off counts for it. A settled lead is remembered for 365 days after "
        "the last that happened to it.\n"
        "Stages, in order: SAL, OPPORTUNITY, WON (closes as won), LOST (closes as lost). Reaching one is "
        "progress, "
        "which meets a promise of contact as a contact does.\n"
        "\n"
        "Held back at the hand-off:\n"
        "  - a lead whose rejection still asks for quiet goes where that rejection sent it.\n"
        "\n"
        "1. hot. Leads from demo or quote:\n"
        "  - first human contact within 5 min, day and night; warned at 2 min 30 s and 4 min; then taken from everyone "
        "who had it and routed to REASSIGN.\n"
        "  - where that is broken and the lead gets another owner, the same within 5 min, day and night; warned at 2 "
        "min "
        "30 s, for one such owner.\n"
        "  - taken back from sales 14 days, day and night, after the latest of the hand-off and the last contact or "
        "progress, unless OPPORTUNITY is "
        "reached; warned at 13 days; it goes to NURTURE, track re-engage.\n"
        "\n"
        "2. standard. All other leads:\n"
        "  - first human contact within 24 h, day and night; warned at 19 h 12 min.\n"
        "  - taken back from sales 30 days, day and night, after the hand-off, unless OPPORTUNITY is reached; warned "
        "at "
        "29 days; it goes to NURTURE, track re-engage.\n"
        "\n"
        "Rejected by sales:\n"
        "  - not_ready goes to NURTURE, track long-term.\n"
        "  - student goes to SUPPRESS; not handed off again for 180 days.\n"
        "  - wrong_territory goes to REASSIGN.\n"
        "  - bad_contact_data goes to ENRICH.\n"
        "  - other (and every reason not listed here) goes to NURTURE, track general.\n"
        "\n"
        "A lead that a rejection, a clawback or silence has sent to REASSIGN is handed off anew, past the gates, when "
        "it is assigned.\n");
}

static const struct {
    const char *yaml, *sentence;
} sentences[] = {
    {HEAD "effective_from: 2026-01-01T00:00:00Z\nrules:\n" LAST, "Policy p, for leads handed off at any time.\n"},
    {HEAD "contact_time: logged\nclock_skew: 0s\nrules:\n" LAST,
     "A contact counts at the time it was logged, where that is known. A settled lead"},
    {HEAD "gates: {qualification: {require: [{name: big, when: {at_least: {n: 2}}}]}}\nrules:\n" LAST,
     "Held back at the hand-off, by the first of these that applies:\n"
     "  - a lead whose rejection still asks for quiet goes where that rejection sent it.\n"
     "  - a lead must be big (leads with n at least 2); otherwise it goes to NURTURE.\n"},
    {HEAD "gates: {qualification: {signals: [{name: bad, when: {channel: [x]}, points: -5}]}}\nrules:\n" LAST,
     "  - a lead must have at least 0 points: -5 for bad (leads from x); otherwise it goes to NURTURE.\n"},
    {HEAD "rules:\n  - {name: a, when: any, follow_up: {attempts: 0, within: 1d}, clawback: {after: 1d}}\n",
     "  - after a first attempt that reached nobody: an answer or progress within 24 h, day and night; otherwise the "
     "lead "
     "is unresponsive and goes to NURTURE.\n"},
    {HEAD
     "rules:\n  - {name: a, when: any, follow_up: {attempts: 1, within: 1d, warn: [1h], route: SUPPRESS}, clawback: "
     "{after: 1d}}\n",
     "within 24 h, day and night; warned at 23 h; otherwise and after 1 more attempt the lead is unresponsive and goes "
     "to SUPPRESS; with fewer attempts this is broken.\n"},
    {HEAD "rules:\n  - {name: a, when: any, requested_time: {late: 1h}, clawback: {after: 1d, route: REASSIGN}}\n",
     "  - where the prospect asked for a time: contact not before it, and after it within 1 h, day and night.\n"
     "  - taken back from sales 24 h, day and night, after the latest of the hand-off and the time asked for; it goes "
     "to "
     "REASSIGN.\n"},
    {RULE("head_start: 2h"), "  - worked through as if handed off 2 h later than it was: the latest come first.\n"},
    {RULE("first_contact: {within: 5m, escalate: [1h, 15m], renew: true}"),
     "  - first human contact within 5 min, day and night; while it is broken escalated 15 min and 1 h after it was "
     "due.\n"
     "  - where a prospect asks again like this while an earlier lead of theirs is open: contact within the same time "
     "from "
     "then on, unless it is due sooner anyway.\n"},
    {RULE("first_contact: {within: 5m, warn: [\"50%\", 1m], reassign: {within: 10m, times: 3}}"),
     "  - where that is broken and the lead gets another owner, the same within 10 min, day and night; warned at 5 "
     "min, "
     "for 3 such owners in turn.\n"},
    {CALENDAR_AND(
         "time_zone: UTC, week: {mon: [08:00-17:00]}",
         "first_contact: {within: {working_days: 2, cutoff: \"15:00\"}, calendar: office, warn: [\"75%\", 2h], "
         "escalate: [1h]}"),
     "  - first human contact within 2 working days (calendar office), to its last closing time, where what comes from "
     "15:00 on counts for the next; warned at 75% of the open time up to then and 2 h of open time before it; while it "
     "is broken escalated 1 h of open time after it was due.\n"},
    {CALENDAR_AND("time_zone: UTC, week: {mon: [08:00-17:00]}",
                  "first_contact: {within: 90h, calendar: office, warn: [80h], escalate: [48h]}"),
     "  - first human contact within 90 h of open time (calendar office); warned at 10 h; while it is broken escalated "
     "48 h of open time after it was due.\n"},
    {CALENDAR_AND("time_zone: UTC, week: {mon: [08:00-17:00]}",
                  "first_contact: {within: {working_days: 0}, calendar: office}"),
     "  - first human contact within the working day itself (calendar office), to its last closing time.\n"},
    {RULE("next_contact: {within: 5d}"),
     "  - after each contact or progress the next one within 5 days, day and night.\n"},
    {RULE("pause: {at_most: 14d}"), "  - sales may pause it, for 14 days in all; meanwhile no time passes.\n"},
    {RULE("pause: {}, requested_time: {late: 1h}"),
     "  - sales may pause it, for as long as it takes; meanwhile no time passes but towards a time that the prospect "
     "asked for.\n"},
    {CALENDAR("time_zone: UTC, week: {fri: [22:00-06:00], sat: [20:00-24:00]}, holidays: [2026-12-25, 01-01, "
              "2026-07-06..2026-07-24, 12-27..12-30], special_days: {2026-12-24: [08:00-12:00], 12-30: [10:00-02:00], "
              "12-31: []}"),
     "  - office: Fri 22:00-06:00, Sat 20:00-24:00, in UTC; closed on 1 date; other hours on 1 date; every year on "
     "12-30 "
     "10:00-02:00; every year on 12-31 closed; closed every year on 01-01; closed from 2026-07-06 to 2026-07-24; "
     "closed "
     "every year from 12-27 to 12-30.\n"},
    {CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays_from: [" ICS "/holidays.ics, " ICS "/empty.ics]"),
     "in UTC; closed on the all-day events of " ICS
     "/holidays.ics, the last of them on 2028-12-26; closed on the all-day "
     "events of " ICS "/empty.ics.\n"},
    {HEAD "rules:\n  - {name: a, when: any, clawback: {after: 1d, route: REASSIGN}}\n",
     "A lead that a rejection, a clawback or silence has sent to REASSIGN is handed off anew, past the gates, when it "
     "is "
     "assigned.\n"},
};

static void
each_key_has_its_sentence(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(sentences); i++) {
        g_autoptr(lc_policy_book) book = policy_of(sentences[i].yaml);
        g_autofree char *text = lc_policy_book_explain(book);
        if (strstr(text, sentences[i].sentence))
            continue;
        print_message("%s lacks: %s\n", text, sentences[i].sentence);
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void
calendars_are_explained(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book =
        lc_policy_book_load((const char *[]){EXAMPLES "full/feed/policy.yaml", NULL}, &error);
    g_autofree char *text = book ? lc_policy_book_explain(book) : NULL;
    (void)state;
    assert_non_null(text);
    assert_non_null(
        strstr(text, "Open time:\n"
                     "  - office: Mon to Thu 08:00-12:00 and 13:00-17:00, Fri 08:00-12:00 and 13:00-16:00, in "
                     "Europe/Stockholm; closed on 4 dates; other hours on 1 date.\n"
                     "  - night_desk: Mon 00:00-06:00 and 20:00-24:00, Sat, Sun 00:00-24:00, in America/New_York.\n"));
}

static void
the_policy_of_the_documentation_is_taken(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL, *holidays = NULL, *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
    g_autofree char *policy = g_build_filename(folder, "policy.yaml", NULL);
    g_autofree char *file = g_build_filename(folder, "sweden.ics", NULL);
    (void)state;
    assert_true(g_file_get_contents(LC_SOURCE_DIR "/docs/lead-policy.md", &text, NULL, NULL));
    assert_true(g_file_get_contents(ICS "/holidays.ics", &holidays, NULL, NULL));
    char *start = strstr(text, "```yaml\n"), *end = start ? strstr(start + 3, "```") : NULL;
    assert_non_null(end);
    *end = '\0';
    assert_true(g_file_set_contents(policy, start + strlen("```yaml\n"), -1, NULL));
    assert_true(g_file_set_contents(file, holidays, -1, NULL));
    g_autoptr(lc_policy_book) book = lc_policy_book_load((const char *[]){folder, NULL}, &error);
    remove(policy);
    remove(file);
    remove(folder);
    if (error)
        print_message("%s\n", error->message);
    assert_non_null(book);
    assert_int_equal(lc_policy_book_size(book), 1);
}

/* The last date and the time of the day count, and a document that others have followed is left alone. */
static void
only_the_latest_document_runs_out_of_holidays(void **state)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
    g_autofree char *old = g_build_filename(folder, "1.yaml", NULL), *new = g_build_filename(folder, "2.yaml", NULL);
    (void)state;
    assert_true(g_file_set_contents(old, CALENDAR("time_zone: UTC, week: {mon: [08:00-17:00]}, holidays: [2026-12-25]"),
                                    -1, NULL));
    assert_true(g_file_set_contents(
        new, "name: q\neffective_from: 2026-12-01T00:00:00Z\nreasons: {other: {track: t}}\nrules:\n" LAST, -1, NULL));
    g_autoptr(lc_policy_book) book = lc_policy_book_load((const char *[]){folder, NULL}, &error);
    remove(old);
    remove(new);
    remove(folder);
    assert_non_null(book);
    g_autofree char *before = lc_policy_book_warnings(book, instant_of("2026-11-30T23:59:59Z"));
    assert_non_null(before);
    assert_null(lc_policy_book_warnings(book, instant_of("2026-12-01T00:00:00Z")));
}

/* ---- The subcommand ---- */

static int
check(const char *arguments)
{
    g_autofree char *line = g_strconcat("check ", arguments, NULL);
    g_auto(GStrv) argv = g_strsplit(line, " ", -1);
    g_autofree char **copy = g_memdup2(argv, (g_strv_length(argv) + 1) * sizeof *argv);
    print_message("leadclock %s\n", line);
    return lc_cli_check((int)g_strv_length(argv), copy);
}

static void
check_exits_with_2_where_something_is_refused(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
    g_autofree char *wrong = g_build_filename(folder, "wrong.yaml", NULL);
    g_autofree char *odd = g_build_filename(folder, "odd.yaml", NULL);
    static const char card[] = EXAMPLES "card/feed/policy.yaml";
    (void)state;
    assert_true(g_file_set_contents(wrong, "name: [", -1, NULL));
    assert_true(g_file_set_contents(odd, "name: odd\nreasons: {other: {}}\nrules:\n" LAST, -1, NULL));
    const struct {
        char *arguments;
        int code;
    } cases[] = {
        {g_strdup_printf("--policy %s", card), 0},
        {g_strdup_printf("--policy %s --explain", card), 0},
        {g_strdup_printf("--policy %s", wrong), 2},
        {g_strdup_printf("--policy %s --policy %s", card, wrong), 2},
        {g_strdup_printf("--policy %s %s", card, wrong), 2},
        {g_strdup_printf("--policy %s", odd), 0},
        {g_strdup_printf("--policy %s --strict", odd), 1},
        {g_strdup_printf("--policy %s", folder), 2},
        {g_strdup("--policy /nowhere"), 2},
        {g_strdup("--config /nowhere"), 2},
        {g_strdup("--unknown"), 2},
        {g_strdup_printf("%s", card), 2},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        assert_int_equal(check(cases[i].arguments), cases[i].code);
        g_free(cases[i].arguments);
    }
    remove(wrong);
    remove(odd);
    remove(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_odd_is_a_warning),
        cmocka_unit_test(the_card_policy_is_explained),
        cmocka_unit_test(each_key_has_its_sentence),
        cmocka_unit_test(calendars_are_explained),
        cmocka_unit_test(the_policy_of_the_documentation_is_taken),
        cmocka_unit_test(only_the_latest_document_runs_out_of_holidays),
        cmocka_unit_test(check_exits_with_2_where_something_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
