/* test_policy_refusals.c - every refusal of rule 2.5, with its place and remedy. */
#include <leadclock/policy.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <glib/gstdio.h>
#include <unistd.h>

#include <cmocka.h>

/* Lines 1 and 2, the last rule as line 4 (or 3, where `rules:` is taken with it). */
#define HEAD "name: p\nreasons: {other: {track: t}}\n"
#define LAST "  - {name: last, when: any, clawback: {after: 30d}}\n"
#define RULES "rules:\n" LAST
#define OFFICE "calendars: {office: {time_zone: UTC, week: {mon: [08:00-17:00]}}}\n"
/* Line 4 is a rule's parts beside its name, condition and clawback. */
#define RULE(parts) HEAD "rules:\n  - {name: r, when: any, clawback: {after: 30d}, " parts "}\n"
#define OFFICE_RULE(parts) HEAD OFFICE "rules:\n  - {name: r, when: any, clawback: {after: 30d}, " parts "}\n"
#define ICS LC_SOURCE_DIR "/tests/unit/holidays.ics"
#define CLAWBACK(parts) HEAD "rules:\n  - {name: r, when: any, clawback: {" parts "}}\n"
#define WEEK(week) HEAD "calendars: {office: {time_zone: UTC, week: " week "}}\n" RULES
#define GATES(gates) HEAD "gates: {" gates "}\n" RULES

static const struct {
    const char *yaml;
    const char *spot;    /* what stands where it points; NULL: wherever */
    const char *message; /* a part of it */
} refusals[] = {
    /* Unknown keys, everywhere, with the nearest known. */
    {HEAD "time_zone: UTC\n" RULES, "time_zone: UTC",
     "unknown key \"time_zone\"; did you mean \"reporting_time_zone\"?"},
    {HEAD "retian: 90d\n" RULES, "retian: 90d", "did you mean \"retain\"?"},
    {RULE("first_contact: {within: 5m, warning: [1m]}"), "warning: [1m]}",
     "unknown key \"warning\"; did you mean \"warn\"?"},
    {RULE("first_contact: {within: 5m, zzz: 1}"), "zzz: 1}}",
     "keys of first_contact: within, warn, escalate, calendar, renew, reassign"},
    {RULE("requested_time: {late: 1h, after: 5m}"), "after: 5m}}", "unknown key \"after\""},
    {HEAD "stages: [SAL]\nrules: [{name: r, when: any, clawback: {after: 1d}, milestones: [{stage: SAL, within: 1h, "
          "until: SAL}]}]\n",
     "until: SAL}]}]", "unknown key \"until\""},
    {CLAWBACK("after: 30d, unitl: SAL"), "unitl: SAL}}", "did you mean \"until\"?"},
    {RULE("clawbak: 3"), "clawbak: 3}", "did you mean \"clawback\"?"},
    {HEAD "rules:\n  - {name: r, when: {chanel: [a]}, clawback: {after: 1d}}\n" LAST, "chanel: [a]},",
     "did you mean \"channel\"?"},
    {WEEK("{monday: [08:00-17:00], tue: [08:00-09:00]}"), "monday: [08:00", "did you mean \"mon\"?"},
    {HEAD "<<: {a: b}\n" RULES, "<<: {a: b}", "unknown key \"<<\""},
    {GATES("cooldown: 3d"), "cooldown: 3d}", "unknown key \"cooldown\""},
    {GATES("qualification: {require: [{name: a, when: any, points: 3}]}"), "points: 3}]}}", "unknown key \"points\""},

    {WEEK("{Monday: [08:00-17:00]}"), "Monday", "did you mean \"mon\"?"},
    /* What is misspelled is not missing, too. */
    {HEAD "Rules: [{name: r, when: any, clawback: {after: 30d}}]\n", "Rules:", "did you mean \"rules\"?"},
    {"naem: p\nreasons: {other: {track: t}}\n" RULES, "naem: p", "did you mean \"name\"?"},

    /* What must not be missing. */
    {"name: p\nreasons: {student: {track: t}}\n" RULES, "{student: {tra", "reasons lack \"other\""},
    {HEAD "rules: [{name: r, when: any}]\n", "{name: r, when", "a rule lacks \"clawback\""},
    {HEAD "rules: [{name: r, when: {channel: [a]}, clawback: {after: 1d}}]\n", "{channel: [a]}",
     "the last rule must say `when: any`"},
    {HEAD "rules: [{name: r, clawback: {after: 1d}}]\n", NULL, "a rule lacks \"when\""},
    {HEAD "rules: []\n", "[]", "the last rule must say `when: any`"},
    {HEAD, "name: p", "a policy lacks \"rules\""},
    {"reasons: {other: {track: t}}\n" RULES, "reasons: {othe", "a policy lacks \"name\""},
    {"name: p\n" RULES, "name: p", "a policy lacks \"reasons\""},
    {RULE("first_contact: {warn: [1m]}"), "{warn: [1m]}}", "first_contact lacks \"within\""},
    {RULE("requested_time: {early: 1m}"), "{early: 1m}}", "requested_time lacks \"late\""},
    {RULE("follow_up: {within: 1d}"), "{within: 1d}}", "follow_up lacks \"attempts\""},
    {CLAWBACK("from: handoff"), "{from: handoff", "clawback lacks \"after\""},
    {WEEK("{mon: [08:00-17:00]}, time_zone: UTC"), "time_zone: UTC", "\"time_zone\" is given twice"},
    {HEAD "calendars: {office: {week: {mon: [08:00-17:00]}}}\n" RULES, "{week: {mon: [",
     "a calendar lacks \"time_zone\""},
    {HEAD "calendars: {office: {time_zone: UTC}}\n" RULES, "{time_zone: UT", "a calendar lacks \"week\""},
    {GATES("open_dialogue: {route: REASSIGN}"), "{route: REASSI", "open_dialogue lacks \"within\""},
    {GATES("qualification: {signals: [{name: a, when: any}]}"), "{name: a, when", "a signal lacks \"points\""},
    {HEAD "retain:\n" RULES, "retain:", "\"retain\" has no value"},
    {HEAD "retain: ~\n" RULES, "~", "\"retain\" has no value"},
    {HEAD "calendars: {office: }\n" RULES, "office: }", "a calendar without a value"},
    {HEAD "rules:\n  -\n" LAST, NULL, "a rule is missing"},
    {"name: p\nreasons: {other: }\n" RULES, "other: }", "a reason without a value"},
    {HEAD RULES "calendars: 3\n", "3", "calendars is a single value"},

    /* Names used twice. */
    {HEAD "rules:\n  - {name: last, when: {channel: [a]}, clawback: {after: 1d}}\n" LAST, "last, when: an",
     "rule \"last\" is given twice"},
    {HEAD "stages: [SAL, SQL, {name: SAL, closes: won}]\n" RULES, "SAL, closes: w", "stage \"SAL\" is given twice"},
    {"name: p\nreasons: {other: {track: t}, other: {}}\n" RULES, "other: {}}", "reason \"other\" is given twice"},
    {HEAD OFFICE "stages: [SAL]\n" RULES "stages: [SQL]\n", "stages: [SQL]",
     "\"stages\" is given twice (first in line 4)"},
    {HEAD "calendars:\n  a: {time_zone: UTC, week: {mon: [08:00-17:00]}}\n  a: {time_zone: UTC, week: {mon: "
          "[08:00-17:00]}}\n" RULES,
     "a: {time_zone:", "calendar \"a\" is given twice"},
    {HEAD "calendars: {always: {time_zone: UTC, week: {mon: [08:00-17:00]}}}\n" RULES, "always: {time_",
     "\"always\" is built in"},
    {GATES("qualification: {signals: [{name: a, when: any, points: 1}, {name: a, when: any, points: 2}]}"),
     "a, when: any,", "signal \"a\" is given twice"},
    {HEAD "stages: [SAL]\n"
          "rules: [{name: r, when: any, clawback: {after: 1d}, milestones: [{stage: SAL, within: 1h}, {stage: SAL, "
          "within: 2h}]}]\n",
     "SAL, within: 2", "stage \"SAL\" is given twice"},
    {RULE("first_contact: {within: 5m, warn: [\"50%\", 1m, \"50%\"]}"), "\"50%\"]}}", "warning \"50%\" is given twice"},
    {HEAD "rules:\n  - {name: r, when: {attributes: {a: [b], a: [c]}}, clawback: {after: 1d}}\n" LAST, "a: [c]}}, claw",
     "attribute \"a\" is given twice"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2026-01-01, 2026-01-01]"), "2026-01-01]}}",
     "2026-01-01 is given twice (first in line 3); keep one"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2026-01-01], special_days: {2026-01-01: []}"), "2026-01-01: []",
     "2026-01-01 is given twice"},
    {WEEK("{mon: [08:00-17:00]}, special_days: {2026-01-01: [], 2026-01-01: []}"), "2026-01-01: []",
     "2026-01-01 is given twice (first in line 3); keep one"},
    {WEEK("{mon: [08:00-17:00]}, special_days: {2026-01-01: []}, holidays: [2026-01-01]"), "2026-01-01: []",
     "2026-01-01 is given twice (first in line 3); keep it under holidays or under special_days"},
    {WEEK("{mon: [08:00-17:00], mon: []}"), "mon: []}}}", "\"mon\" is given twice"},

    /* Unknown names. */
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: 1h, calendar: offce}}]\n", "offce}}]",
     "unknown calendar \"offce\"; did you mean \"office\"? calendars here: always, office"},
    {CLAWBACK("after: 1h, calendar: office"), "office}}", "unknown calendar \"office\"; calendars here: always"},
    {HEAD "stages: [SAL, SQL]\nrules: [{name: r, when: any, clawback: {after: 1h, until: SAI}}]\n", "SAI}}]",
     "unknown stage \"SAI\"; did you mean \"SAL\"? stages here: SAL, SQL"},
    {HEAD "stages: [SAL, SQL]\nrules: [{name: r, when: any, clawback: {after: 1h, until: asl}}]\n", "asl}}]",
     "unknown stage \"asl\"; did you mean \"SAL\"? stages here: SAL, SQL"},
    /* Counters of a stage's age are reached:STAGE@K. */
    {HEAD "stages: [SAL, SAL@2]\n" RULES, "SAL@2]", "a stage's name can't end in @ and one or two digits"},
    {HEAD "stages: [{name: a@b@24, closes: won}]\n" RULES, "a@b@24, cl", "write a@b-24, for example"},
    {CLAWBACK("after: 1h, until: SAL"), "SAL}}", "unknown stage \"SAL\"; stages here: none"},
    {RULE("milestones: [{stage: SAL, within: 1h}]"), "SAL, within: 1", "unknown stage"},
    {CLAWBACK("after: 1h, route: NUTURE"), "NUTURE}}", "unknown route \"NUTURE\"; did you mean \"NURTURE\"?"},
    {CLAWBACK("after: 1h, route: nurture"), "nurture}}", "unknown route \"nurture\"; did you mean \"NURTURE\"?"},
    {CLAWBACK("after: 30x"), "30x}}",
     "unknown unit \"x\" in clawback.after \"30x\"; units: s, m (minutes), h, d (24 h), w (7 d)"},
    /* A suggestion is never what means another length: M may be months. */
    {CLAWBACK("after: 5M"), "5M}}", "unknown unit \"M\" in clawback.after \"5M\"; units"},
    {CLAWBACK("after: 1mth"), "1mth}}", "unknown unit \"mth\" in clawback.after \"1mth\"; units"},
    {CLAWBACK("after: 3mths"), "3mths}}", "unknown unit \"mths\" in clawback.after \"3mths\"; units"},
    {CLAWBACK("after: 500msec"), "500msec}}", "unknown unit \"msec\" in clawback.after \"500msec\"; units"},
    {CLAWBACK("after: 500millis"), "500millis}}", "unknown unit \"millis\" in clawback.after \"500millis\"; units"},
    {CLAWBACK("after: 5milliseconds"), "5milliseco", "\"milliseconds\" in clawback.after \"5milliseconds\"; units"},
    {CLAWBACK("after: 5Stunden"), "5Stunden}}", "unknown unit \"Stunden\" in clawback.after \"5Stunden\"; units"},
    {CLAWBACK("after: 2Weeks"), "2Weeks}}", "did you mean \"w\"?"},
    {CLAWBACK("after: 30secs"), "30secs}}", "did you mean \"s\"?"},
    {CLAWBACK("after: 2H"), "2H}}", "did you mean \"h\"?"},
    {CLAWBACK("after: 2wd"), "2wd}}",
     "\"wd\" in clawback.after \"2wd\"; working days are the length of a clock on a calendar with a week, as in "
     "first_contact: {within: {working_days: 2}, calendar: office}"},
    {CLAWBACK("after: 2workdays"), "2workdays}}", "\"2workdays\"; working days are"},
    {CLAWBACK("after: 2working_days"), "2working_days", "\"2working_days\"; working days are"},
    {CLAWBACK("after: 2 Business days"), "2 Business", "is no duration; write whole numbers"},
    {CLAWBACK("after: 1h30min"), "1h30min}}",
     "unknown unit \"min\" in clawback.after \"1h30min\"; did you mean \"m\"?"},
    {CLAWBACK("after: 2days"), "2days}}", "did you mean \"d\"?"},
    {CLAWBACK("after: 500ms"), "500ms}}", "unknown unit \"ms\" in clawback.after \"500ms\"; units"},
    {CLAWBACK("after: 1mo"), "1mo}}", "unknown unit \"mo\" in clawback.after \"1mo\"; units"},
    {CLAWBACK("after: 1.5h"), "1.5h}}", "is no duration; write whole numbers with units and no spaces"},
    {CLAWBACK("after: 5 m"), "5 m}}", "is no duration; write whole numbers with units and no spaces"},
    {CLAWBACK("after: m5"), "m5}}", "is no duration; write whole numbers"},
    {CLAWBACK("after: 1h5"), "1h5}}", "\"1h5\" lacks a unit; write for example 1h5m"},
    {CLAWBACK("after: \"\""), "\"\"}}", "is no duration; write whole numbers"},
    {CLAWBACK("after: PT5M"), "PT5M}}", "is no duration; write whole numbers"},
    {CLAWBACK("after: \xd9\xa5m"), "\xd9\xa5m}}", "is no duration; write whole numbers"},
    {CLAWBACK("after: 9223372036854775807s"), "9223372036854775807s}}", "is no duration of at most 100 years"},
    {CLAWBACK("after: 1h, from: contact"), "contact}}",
     "unknown base \"contact\"; clawback runs from: handoff, last_activity"},
    {HEAD "contact_time: recorded\n" RULES, "recorded",
     "unknown contact_time \"recorded\"; it is either: occurred, logged"},
    {HEAD "stages: [{name: WON, closes: win}]\n" RULES, "win}]", "unknown end \"win\"; did you mean \"won\"?"},
    {HEAD "reporting_time_zone: Europe/Stokholm\n" RULES, "Europe/Stokhol",
     "unknown time zone \"Europe/Stokholm\"; did you mean \"Europe/Stockholm\"?"},
    {HEAD "calendars: {a: {time_zone: +01:00, week: {mon: [08:00-17:00]}}}\n" RULES,
     "+01:00, week:", "unknown time zone \"+01:00\""},
    {HEAD "reporting_time_zone: UTC+2\n" RULES, "UTC+2",
     "unknown time zone \"UTC+2\"; take that of a place, for example Europe/Stockholm, or Etc/GMT-2, which is 2 h "
     "ahead of "
     "UTC all year"},
    {HEAD "reporting_time_zone: GMT-05:00\n" RULES, "GMT-05:00", "or Etc/GMT+5, which is 5 h behind UTC all year"},
    {HEAD "reporting_time_zone: GMT+99\n" RULES, "GMT+99", "\"GMT+99\"; take a name of the IANA database"},
    /* A suggestion is never what was written, nor what means another thing. */
    {HEAD "reporting_time_zone: Factory\n" RULES, "Factory", "\"Factory\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: localtime\n" RULES, "localtime", "\"localtime\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: PST\n" RULES, "PST", "\"PST\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: Europe\n" RULES, "Europe", "\"Europe\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: utc\n" RULES, "utc", "did you mean \"UTC\"?"},
    {HEAD "reporting_time_zone: New York\n" RULES, "New York", "did you mean \"America/New_York\"?"},
    {HEAD "stages: [S1, S2]\nrules: [{name: r, when: any, clawback: {after: 1h, until: S3}}]\n", "S3}}]",
     "unknown stage \"S3\"; stages here: S1, S2"},
    {HEAD "reporting_time_zone: Stockholm\n" RULES, "Stockholm", "did you mean \"Europe/Stockholm\"?"},
    {HEAD "reporting_time_zone: America/London\n" RULES, "America/London", "did you mean \"Europe/London\"?"},
    {HEAD "reporting_time_zone: Istanbul\n" RULES, "Istanbul",
     "did you mean \"Europe/Istanbul\" or \"Asia/Istanbul\"?"},
    {HEAD "reporting_time_zone: Eurpoe/Stockholm\n" RULES, "Eurpoe/Sto", "did you mean \"Europe/Stockholm\"?"},
    {HEAD "reporting_time_zone: America/New-Yrok\n" RULES, "America/New-Y", "did you mean \"America/New_York\"?"},
    {HEAD "reporting_time_zone: Europe/Z\xc3\xbcrich\n" RULES, "Europe/Z", "did you mean \"Europe/Zurich\"?"},
    {HEAD "reporting_time_zone: etc/gmt+5\n" RULES, "etc/gmt+5", "did you mean \"Etc/GMT+5\"?"},
    {HEAD "reporting_time_zone: Asia/Mumbai\n" RULES, "Asia/Mumbai",
     "\"Asia/Mumbai\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: Europe/Bern\n" RULES, "Europe/Bern",
     "\"Europe/Bern\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: America/EST\n" RULES, "America/EST",
     "\"America/EST\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: US/EST\n" RULES, "US/EST", "\"US/EST\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: Africa/West\n" RULES, "Africa/West",
     "\"Africa/West\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: America/GMT+5\n" RULES, "America/GMT", "\"America/GMT+5\"; take a name of the IANA"},
    {HEAD "reporting_time_zone: Europe/\n" RULES, "Europe/", "\"Europe/\"; take a name of the IANA database"},
    {HEAD "reporting_time_zone: Etc/\n" RULES, "Etc/",
     "\"Etc/\"; take that of a place, for example Europe/Stockholm; those "
     "of Etc go from Etc/GMT-14, which is 14 h ahead of UTC, to Etc/GMT+12, which is 12 h behind"},
    {HEAD "reporting_time_zone: Etc/GMT+13\n" RULES, "Etc/GMT+13", "\"Etc/GMT+13\"; take that of a place"},
    {HEAD "reporting_time_zone: Etc/GMT+14\n" RULES, "Etc/GMT+14", "\"Etc/GMT+14\"; take that of a place"},
    {HEAD "reporting_time_zone: Etc/UTC+2\n" RULES, "Etc/UTC+2",
     "\"Etc/UTC+2\"; take that of a place, for example "
     "Europe/Stockholm; those of Etc"},
    {HEAD "reporting_time_zone: Etc/UTC-5\n" RULES, "Etc/UTC-5", "those of Etc go from"},
    {HEAD "reporting_time_zone: Etc/GMT 2\n" RULES, "Etc/GMT 2", "those of Etc go from"},
    {HEAD "reporting_time_zone: Etc/EST\n" RULES, "Etc/EST", "those of Etc go from"},
    {HEAD "reporting_time_zone: Etc/CET\n" RULES, "Etc/CET", "those of Etc go from"},
    /* Offsets, however they are written. */
    {HEAD "reporting_time_zone: utc+1\n" RULES, "utc+1", "or Etc/GMT-1, which is 1 h ahead of UTC all year"},
    {HEAD "reporting_time_zone: GMT +2\n" RULES, "GMT +2", "or Etc/GMT-2, which is 2 h ahead of UTC all year"},
    {HEAD "reporting_time_zone: -0500\n" RULES, "-0500", "or Etc/GMT+5, which is 5 h behind UTC all year"},
    {HEAD "reporting_time_zone: UTC+0\n" RULES, "UTC+0", "unknown time zone \"UTC+0\"; did you mean \"UTC\"?"},
    {HEAD "reporting_time_zone: Etc/UTC-00:00\n" RULES, "Etc/UTC-00:00", "did you mean \"UTC\"?"},
    {HEAD "reporting_time_zone: UTC+5:30\n" RULES, "UTC+5:30",
     "\"UTC+5:30\"; no zone is named by this offset; take that of a place, as Asia/Kolkata for +05:30"},
    {HEAD "reporting_time_zone: GMT-13\n" RULES, "GMT-13", "\"GMT-13\"; no zone is named by this offset"},

    /* Windows. */
    {WEEK("{mon: [08:00-12:00, 11:59-17:00]}"), "11:59-17:00]}}", "the windows of a day overlap"},
    {WEEK("{mon: [13:00-17:00, 08:00-13:01]}"), "13:00-17:00, 0", "the windows of a day overlap"},
    {WEEK("{mon: [22:00-06:00, 05:00-06:00], tue: [05:59-08:00]}"), "05:59-08:00]}}",
     "22:00-06:00 of the day before is still open when this window begins; join them"},
    {WEEK("{sun: [20:00-19:59], mon: [19:00-20:00]}"), "19:00-20:00]}}", "20:00-19:59 of the day before is still open"},
    {WEEK("{mon: [22:00-06:00, 23:00-24:00]}"), "23:00-24:00]}}", "the windows of a day overlap"},
    {WEEK("{mon: [24:00-06:00]}"), "24:00-06:00]}}", "the window begins at 24:00; write it for the next day"},
    {WEEK("{mon: [24:00-24:00]}"), "24:00-24:00]}}", "the window ends where it begins"},
    {WEEK("{mon: [08:00-08:00]}"), "08:00-08:00]}}", "the window ends where it begins"},
    {WEEK("{mon: [08:00-24:01]}"), "08:00-24:01]}}", "this is no window; write it like 08:00-17:00"},
    {WEEK("{mon: [8-17]}"), "8-17]}}}", "this is no window"},
    {WEEK("{mon: [8:00-17:00]}"), "8:00-17:00]}}}", "this is no window"},
    {WEEK("{mon: [08:60-17:00]}"), "08:60-17:00]}}", "this is no window"},
    {WEEK("{mon: 08:00-17:00}"), "08:00-17:00}}}", "a day is a single value; it must be a list"},
    {WEEK("{}"), "{}}}", "a week without a window"},
    {WEEK("{mon: [], tue: []}"), "{mon: [], tue:", "a week without a window"},
    {WEEK("{mon: [08:00-17:00]}, special_days: {2026-02-30: []}"), "2026-02-30: []", "\"2026-02-30\" is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2101-01-01]"), "2101-01-01]}}", "is no date of the years 1970 to 2100"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [1969-12-31]"), "1969-12-31]}}", "is no date of the years 1970 to 2100"},
    {WEEK("{mon: [08:00-17:00]}, special_days: {2026-02-03: [12:00-12:00]}"), "12:00-12:00]}}",
     "the window ends where it begins"},

    /* Days that are unlike others. */
    {WEEK("{mon: [08:00-17:00]}, holidays: [02-30]"), "02-30]}}", "\"02-30\" is no date of the years 1970 to 2100"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [13-01]"), "13-01]}}", "or 12-24 for that of every year"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [00-01]"), "00-01]}}", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [1-1]"), "1-1]}}", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2027-02-29]"), "2027-02-29]}}", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [[01-01]]"), "[01-01]]}}", "a date is a list"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [~]"), "~]}}", "a date is missing"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [01-01, 01-01]"), "01-01]}}", "01-01 is given twice"},
    {WEEK("{mon: [08:00-17:00]}, special_days: {01-01: [], 01-01: []}"), "01-01: []}", "01-01 is given twice"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2026-07-06..07-24]"), "2026-07-06..07", "a range goes from a full date to"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [07-06..2026-07-24]"), "07-06..2026-07", "a range goes from a full date to"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2026-07-24..2026-07-06]"), "2026-07-24..",
     "the range ends before it begins"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [2026-07-06..]"), "2026-07-06..]", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [..07-06]"), "..07-06]", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [07-06 .. 07-08]"), "07-06 .. 07", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays: [07-06...07-08]"), "07-06...07", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, special_days: {07-06..07-08: []}"), "07-06..07-08", "is no date"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: sweden.ics"), "sweden.ics}}", "holidays_from is a single value"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: [nowhere.ics]"), "nowhere.ics]}}",
     "\"nowhere.ics\" can't be read (Failed to open file"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: [/dev/zero]"), "/dev/zero]}}", "\"/dev/zero\" is no file"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: [/]"), "/]}}", "\"/\" is no file"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: [~]"), "~]}}", "a file is missing"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: [" LC_SOURCE_DIR "/README.md]"), NULL,
     "README.md\" is no iCalendar file; it must be text from BEGIN:VCALENDAR to END:VCALENDAR"},
    {WEEK("{mon: [08:00-17:00]}, holidays_from: [" ICS ", " ICS "]"), NULL, "the file \"" ICS "\" is given twice"},
    {WEEK("{mon: [08:00-17:00]}, holiday_from: []"), "holiday_from: ", "did you mean \"holidays_from\"?"},

    /* Clocks and warnings. */
    {CLAWBACK("after: 0s"), "0s}}", "clawback.after is zero"},
    {RULE("first_contact: {within: 0m}"), "0m}}", "first_contact.within is zero"},
    {RULE("requested_time: {late: 0h}"), "0h}}", "requested_time.late is zero"},
    {RULE("first_contact: {within: 5m, warn: [5m]}"), "5m]}}",
     "a warning 5m before the due time lies outside its clock of 5m"},
    {RULE("first_contact: {within: 5m, warn: [1h]}"), "1h]}}", "lies outside its clock"},
    {OFFICE_RULE("first_contact: {within: 90h, warn: [95h], calendar: office}"), "95h], calendar",
     "lies outside its clock of 90h"},
    {RULE("first_contact: {within: 5m, warn: [0s]}"), "0s]}}", "lies outside its clock"},
    {RULE("first_contact: {within: 5m, warn: [\"0%\"]}"), "\"0%\"]}}",
     "a warning at 0% of the time lies outside its clock"},
    {RULE("first_contact: {within: 5m, warn: [100%]}"), "100%]}}", "lies outside its clock"},
    {RULE("first_contact: {within: 5m, warn: [99999999999999999999%]}"), "99999999999999",
     "a percentage must be a whole number"},
    {RULE("first_contact: {within: 5m, warn: [50.5%]}"), "50.5%]}}", "a percentage must be a whole number"},
    {RULE("first_contact: {within: 5m, warn: [50 %]}"), "50 %]}}", "a percentage must be a whole number"},
    {RULE("first_contact: {within: 5m, warn: [-5%]}"), "-5%]}}", "a percentage must be a whole number"},
    {RULE("first_contact: {within: 5m, warn: [%]}"), "%]}}", "not YAML"},
    {RULE("first_contact: {within: 5m, warn: 50%}"), "50%}}", "warn is a single value; it must be a list"},
    {RULE("first_contact: {within: 5m, warn: [soon]}"), "soon]}}", "is no duration"},
    {RULE("first_contact: {within: 5}"), "5}}", "\"5\" lacks a unit; write for example 5m"},
    {RULE("first_contact: {within: -5m}"), "-5m}}", "is no duration"},
    {RULE("first_contact: {within: 101y}"), "101y}}", "unknown unit"},
    {RULE("first_contact: {within: 99999w}"), "99999w}}", "at most 100 years"},
    {RULE("first_contact: {within: [5m]}"), "[5m]}}",
     "first_contact.within is a list; it must be a duration, for example 5m"},
    {RULE("first_contact: {within: 5m, warn: [50]}"), "50]}}",
     "a warning \"50\" lacks a unit; write \"50%\" of the time\n"},
    {RULE("first_contact: {within: 2h, warn: [50]}"), "50]}}",
     "a warning \"50\" lacks a unit; write \"50%\" of the time, or 50m before it is due"},
    {RULE("first_contact: {within: 5m, warn: [0]}"), "0]}}", "a warning \"0\" lacks a unit; write for example 0m"},
    {RULE("first_contact: {within: 5h, warn: [150]}"), "150]}}",
     "a warning \"150\" lacks a unit; write for example 150m"},
    {RULE("first_contact: {within: 5m, escalate: [[5m]]}"), "[5m]]}}",
     "an escalation is a list; it must be a duration"},
    {HEAD "effective_from: [2026-01-01]\n" RULES, "[2026-01-01]",
     "effective_from is a list; it must be a time, for example 2026-01-01T00:00:00Z"},
    {RULE("follow_up: {attempts: [1], within: 1d}"), "[1], within", "attempts is a list; it must be a whole number"},
    {RULE("first_contact: 5m"), "5m}",
     "first_contact is a single value; it must be a map of keys, for example {within: 5m}"},
    {RULE("first_contact: {within: 5m, reassign: yes}"), "yes}}",
     "reassign must be true, false or a map of keys, for example {within: 10m, times: 2}"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: 2d, calendar: office}}]\n",
     "2d, calendar:", "\"2d\": d and w are not clear on the calendar \"office\"; say hours of open time"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: 1w2h, calendar: office}}]\n", "1w2h, calendar",
     "d and w are not clear"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: 200h, warn: [1d], calendar: office}}]\n",
     "1d], calendar:", "d and w are not clear"},
    {CLAWBACK("after: 31d"), "31d}}", "extremely low; take at most 30d, or add `beyond_30_days: true`"},
    {CLAWBACK("after: 30d1s"), "30d1s}}", "add `beyond_30_days: true`"},
    {CLAWBACK("after: 31d, beyond_30_days: false"), "31d, beyond_30", "clawback.after is over 30 days"},
    {RULE("follow_up: {attempts: -1, within: 1d}"), "-1, within: 1d", "attempts \"-1\" must be a whole number from 0"},
    {RULE("follow_up: {attempts: 1.5, within: 1d}"), "1.5, within: 1", "must be a whole number"},
    {RULE("follow_up: {attempts: 99999999999999999999, within: 1d}"), "99999999999999", "must be a whole number"},
    /* Working days. */
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: {working_days: 2}}}]\n", "{working_days:",
     "working days need a calendar with a week; name it beside clawback.after, for example calendar: office"},
    {RULE("first_contact: {within: {working_days: 2}, calendar: always}"), "{working_days",
     "working days need a calendar"},
    {OFFICE_RULE("first_contact: {within: {cutoff: \"15:00\"}, calendar: office}"), "{cutoff: \"15",
     "first_contact.within lacks \"working_days\"; add for example `working_days: 2`"},
    {OFFICE_RULE("first_contact: {within: {}, calendar: office}"), "{}, calendar", "lacks \"working_days\""},
    {OFFICE_RULE("first_contact: {within: {working_days: -1}, calendar: office}"), "-1}, calenda",
     "working_days \"-1\" must be a whole number from 0 to"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1.5}, calendar: office}"), "1.5}, calend", "a whole number"},
    {OFFICE_RULE("first_contact: {within: {working_days: 2d}, calendar: office}"), "2d}, calend", "a whole number"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1, cutoff: 3pm}, calendar: office}"), "3pm}, calend",
     "cutoff \"3pm\" is no time of the day; write it like \"15:00\", from 00:00 to 24:00"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1, cutoff: \"24:01\"}, calendar: office}"), "\"24:01\"",
     "is no time of the day"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1, cut_off: \"15:00\"}, calendar: office}"), "cut_off",
     "did you mean \"cutoff\"?"},
    {OFFICE_RULE("first_contact: {within: 4h, cutoff: \"15:00\", calendar: office}"), "cutoff: \"15",
     "\"cutoff\" is no key of first_contact; it goes with working days, like within: {working_days: 2, cutoff"},
    {OFFICE_RULE("first_contact: {working_days: 4, calendar: office, within: 1h}"), "working_days: 4",
     "it is a length, like"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1}, warn: [0s], calendar: office}"), "0s], calend",
     "a warning 0s before the due time lies outside its clock"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1}, warn: [1d], calendar: office}"), "1d], calend",
     "d and w are not clear"},
    {OFFICE_RULE("first_contact: {within: {working_days: 1}, warn: [100%], calendar: office}"), "100%], cal",
     "lies outside its clock"},
    {OFFICE_RULE("requested_time: {late: 1h, early: {working_days: 1}, calendar: office}"), "{working_days: 1}, c",
     "requested_time.early is a map of keys"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: {working_days: 31}, calendar: office}}]\n",
     "{working_days: 31",
     "clawback.after is over 30 days, and the odds of converting a lead after 30 days are extremely low; take fewer "
     "working days, or add `beyond_30_days: true`"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: 721h, calendar: office}}]\n", "721h, calendar",
     "extremely low; take fewer hours of open time, or add `beyond_30_days: true`"},

    /* Escalations. */
    {RULE("first_contact: {within: 5m, escalate: 1h}"), "1h}}", "escalate is a single value; it must be a list"},
    {RULE("first_contact: {within: 5m, escalate: [1h, 2h, 1h]}"), "1h]}}", "escalation \"1h\" is given twice"},
    {RULE("first_contact: {within: 5m, escalate: [0s]}"), "0s]}}", "an escalation at the due time says no more"},
    {RULE("first_contact: {within: 5m, escalate: [\"50%\"]}"), "\"50%\"]}}", "is no duration"},
    {RULE("first_contact: {within: 5m, escalate: [~]}"), "~]}}", "an escalation is missing"},
    {OFFICE_RULE("first_contact: {within: 5h, escalate: [1d], calendar: office}"), "1d], cal", "d and w are not clear"},
    {CLAWBACK("after: 30d, escalate: [1h]"), "escalate: [1h]",
     "\"escalate\" is no key of clawback; only a clock that can be broken has it"},

    /* A next owner, who asks again, the next contact, pauses, priority. */
    {RULE("first_contact: {within: 5m, reassign: {times: 0}}"), "0}}}",
     "times \"0\" must be a whole number from 1 to 9"},
    {RULE("first_contact: {within: 5m, reassign: {times: 10}}"), "10}}}", "from 1 to 9"},
    {RULE("first_contact: {within: 5m, reassign: {within: 0s}}"), "0s}}}", "reassign.within is zero"},
    {RULE("first_contact: {within: 5m, reassign: {withn: 5m}}"), "withn: 5m", "did you mean \"within\"?"},
    {RULE("first_contact: {within: 5m, reassign: []}"), "[]}}", "reassign must be true, false or a map"},
    {OFFICE_RULE("first_contact: {within: 5h, calendar: office, reassign: {within: 1d}}"), "1d}}", "are not clear"},
    {RULE("first_contact: {within: 5m, reassign: {within: {working_days: 1}}}"), "{working_days", "need a calendar"},
    {RULE("first_contact: {within: 5m, renew: maybe}"), "maybe}}", "unknown renew \"maybe\""},
    {RULE("next_contact: {within: 5d, renew: true}"), "renew: true",
     "\"renew\" is no key of next_contact; it belongs to first_contact"},
    {RULE("follow_up: {attempts: 1, within: 5d, reassign: true}"), "reassign: true", "it belongs to first_contact"},
    {RULE("reassign: true"), "reassign: true", "\"reassign\" is no key of a rule; it belongs to first_contact"},
    {RULE("next_contact: {until: SAL}"), NULL, "next_contact lacks \"within\""},
    {RULE("next_contact: {within: 0d}"), "0d}}", "next_contact.within is zero"},
    {RULE("next_contact: {within: 5d, until: SAL}"), "SAL}}", "unknown stage \"SAL\""},
    {RULE("pause: true"), "true}", "pause is a single value; it must be a map of keys"},
    {RULE("pause: {at_most: 5}"), "5}}", "lacks a unit"},
    {RULE("pause: {until: 5d}"), "until: 5d", "unknown key \"until\""},
    {RULE("at_most: 14d"), "at_most: 14d", "it belongs to pause"},
    {RULE("head_start: 2"), "2}", "\"2\" lacks a unit"},
    {RULE("head_start: -2h"), "-2h}", "is no duration"},

    {GATES("qualification: {threshold: ten}"), "ten}}", "threshold \"ten\" must be a whole number"},

    /* Conditions and texts. */
    {HEAD "rules:\n  - {name: r, when: all, clawback: {after: 1d}}\n" LAST,
     "all, clawback:", "`when` must be `any`, or a map"},
    /* Only that: not also that the last rule is not for all. */
    {HEAD "rules:\n  - {name: r, when: Any, clawback: {after: 1d}}\n", "Any, clawback:", "`when` must be `any`"},
    {HEAD "rules:\n  - {name: r, when: {}, clawback: {after: 1d}}\n" LAST, "{}, clawback:", "an empty condition"},
    {HEAD "rules:\n  - {name: r, when: {attributes: {}}, clawback: {after: 1d}}\n" LAST, "{attributes: {",
     "an empty condition"},
    {HEAD "rules:\n  - {name: r, when: {channel: demo}, clawback: {after: 1d}}\n" LAST, "demo}, clawbac",
     "channel is a single value; it must be a list, for example [\"demo\"]"},
    {HEAD "rules:\n  - {name: r, when: {channel: []}, clawback: {after: 1d}}\n" LAST,
     "[]}, clawback:", "an empty list never holds"},
    {HEAD "rules:\n  - {name: r, when: {channel: [[a]]}, clawback: {after: 1d}}\n" LAST, "[a]]}, clawbac",
     "channel is a list; it must be a single text"},
    {HEAD "rules:\n  - {name: r, when: {at_least: {a: 1e3}}, clawback: {after: 1d}}\n" LAST, "1e3}}, clawbac",
     "must be a decimal number"},
    {HEAD "rules:\n  - {name: r, when: {at_least: {a: [1]}}, clawback: {after: 1d}}\n" LAST, "[1]}}, clawbac",
     "must be a decimal number"},
    {"name: \"\"\nreasons: {other: {track: t}}\n" RULES, "\"\"", "a policy's name must have 1 to 255 bytes"},
    {"name: [p]\nreasons: {other: {track: t}}\n" RULES, "[p]", "a policy's name is a list; it must be a single text"},
    {HEAD "effective_from: 2026-01-01\n" RULES, "2026-01-01",
     "\"2026-01-01\" has no time with a zone; write it like 2026-01-01T00:00:00Z"},
    {HEAD "effective_from: 2026-01-01T08:00:00\n" RULES, "2026-01-01T08",
     "\"2026-01-01T08:00:00\" has no zone; write 2026-01-01T08:00:00Z, or a zone like +01:00"},
    {HEAD "effective_from: 2026-02-30T00:00:00Z\n" RULES, "2026-02-30", "is no time; write date, time and zone, like"},
    {HEAD "effective_from: 2026-01-01T25:00:00Z\n" RULES, "2026-01-01T25",
     "is no time; write date, time and zone, like"},
    {HEAD "effective_from: soon\n" RULES, "soon", "is no time; write date, time and zone, like"},

    {"name: \"a\\nb\"\nreasons: {other: {track: t}}\n" RULES, "\"a\\nb", "a policy's name must be one line"},
    {WEEK("{monday: [08:00-17:00]}"), "monday", "did you mean \"mon\"?"},

    /* YAML that is none, or none of ours. */
    {"", "", "an empty file"},
    {"# nothing\n", NULL, "an empty file"},
    {"---\n", NULL, "an empty file"},
    {"just text\n", "just text", "a policy is a single value"},
    {"- a\n- b\n", "- a", "a policy is a list"},
    {HEAD RULES "---\nname: q\n", "---", "a second document, and a file holds one; put it in its own, or take it out"},
    {HEAD "retain: *x\n" RULES, "*x", "no anchor &x above"},
    {HEAD "gates: &x {open_dialogue: *x}\n" RULES, "*x}", "no anchor &x above"},
    {HEAD "retain: !!str 90d\n" RULES, "!!str 90d", "a tag (!...) means nothing here"},
    {HEAD "? [a, b]\n: c\n" RULES, "[a, b]", "a key of a policy must be a word"},
    {HEAD "retain: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n" RULES, NULL, "nested too deeply"},
    {HEAD "retain: 'x\n" RULES, NULL, "not YAML"},
    {HEAD "rules: [{name: r\n", NULL, "not YAML"},
    {HEAD "\tretain: 1d\n", NULL, "not YAML"},
    {HEAD "retain: \xff\n" RULES, "", "a byte that is not UTF-8"},
    {HEAD "track: \xc3\xa9\xc3\xa9\xc3\n" RULES, "", "a byte that is not UTF-8"},
    {HEAD "retain: \"1\\0d\"\n" RULES, "\"1\\0d\"", "a character that is no text"},
    {HEAD "retain: |\n  1 d\n" RULES, "1 d\n", "is no duration"},
    {HEAD "retian: 1d\n" RULES, "retian", "did you mean \"retain\"?"},
    {HEAD "r\xc3\xa9tain: 1d\n" RULES, "rétain: 1d", "unknown key \"r\xc3\xa9tain\"; did you mean \"retain\"?"},
};

/* Messages, not the lines and carets below them. */
static unsigned
count_messages(const char *text)
{
    unsigned n = 0;
    for (const char *found = text; (found = strstr(found, "policy.yaml:")); found++)
        n++;
    return n;
}

static char *
refusal_of(const char *yaml, size_t size)
{
    g_autoptr(GError) error = NULL;
    assert_null(lc_policy_book_parse("policy.yaml", yaml, size, &error));
    assert_non_null(error);
    assert_true(g_error_matches(error, LC_ERROR, LC_ERROR_CONFIG));
    return g_strdup(error->message);
}

/* The text that the first message points at. */
static const char *
pointed_at(const char *yaml, const char *message)
{
    int line, column;
    if (sscanf(message, "policy.yaml:%d:%d: ", &line, &column) != 2)
        return "";
    for (; line > 1; line--)
        yaml = strchr(yaml, '\n') + 1;
    return g_utf8_offset_to_pointer(yaml, column - 1);
}

static bool
is_refused(const char *yaml, const char *spot, const char *part)
{
    g_autofree char *message = refusal_of(yaml, strlen(yaml));
    if (strstr(message, part) &&
        (spot == NULL || (count_messages(message) == 1 && g_str_has_prefix(pointed_at(yaml, message), spot))))
        return true;
    print_message("--- expected: %s at `%s` of\n%s--- got: %s\n", part, spot ? spot : "", yaml, message);
    return false;
}

static void
what_is_wrong_is_refused_where_it_stands(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
        failed += !is_refused(refusals[i].yaml, refusals[i].spot, refusals[i].message);
    assert_int_equal(failed, 0);
}

/* With @ where `wrong` stands. */
static const struct {
    const char *yaml, *wrong;
} examples[] = {
    {"@\n", "just text"},
    {"{@}\n", ""},
    {HEAD "calendars: @\n" RULES, "3"},
    {HEAD "calendars: {office: @}\n" RULES, "3"},
    {HEAD "calendars: {office: @}\n" RULES, ""},
    {HEAD "calendars: {office: {@}}\n" RULES, ""},
    {WEEK("@"), "08:00-17:00"},
    {WEEK("{mon: @}"), "08:00-17:00"},
    {WEEK("{@}"), ""},
    {WEEK("{mon: [08:00-17:00]}, holidays: @"), "2026-12-25"},
    {WEEK("{mon: [08:00-17:00]}, special_days: @"), "[2026-12-25]"},
    {HEAD "stages: @\n" RULES, "SAL"},
    {HEAD "stages: [@]\n" RULES, "[SAL]"},
    {"name: p\nreasons: @\n" RULES, "SUPPRESS"},
    {"name: p\nreasons: {other: @}\n" RULES, "SUPPRESS"},
    {"name: p\nreasons: {other: @}\n" RULES, ""},
    {HEAD "gates: @\n" RULES, "5"},
    {GATES("open_dialogue: @"), "14d"},
    {GATES("open_dialogue: {@}"), ""},
    {GATES("qualification: @"), "5"},
    {GATES("qualification: {require: @}"), "5"},
    {GATES("qualification: {require: [@]}"), "a"},
    {GATES("qualification: {require: [@]}"), "~"},
    {GATES("qualification: {require: [{@}]}"), ""},
    {GATES("qualification: {signals: @}"), "5"},
    {GATES("qualification: {signals: [@]}"), "a"},
    {GATES("qualification: {signals: [@]}"), "~"},
    {GATES("qualification: {signals: [{@}]}"), ""},
    {GATES("qualification: {otherwise: @}"), "NURTURE"},
    {HEAD "rules: @\n", "5"},
    {HEAD "rules: [@]\n", "5"},
    {HEAD "rules: [@, {name: last, when: any, clawback: {after: 30d}}]\n", "~"},
    {HEAD "rules: [{@}]\n", ""},
    {HEAD "rules:\n  - {name: r, when: @, clawback: {after: 1d}}\n" LAST, "[demo]"},
    {HEAD "rules:\n  - {name: r, when: {channel: @}, clawback: {after: 1d}}\n" LAST, "demo"},
    {HEAD "rules:\n  - {name: r, when: {channel: @}, clawback: {after: 1d}}\n" LAST, "'null'"},
    {HEAD "rules:\n  - {name: r, when: {channel: @}, clawback: {after: 1d}}\n" LAST, "'a], b: \"c'"},
    {HEAD "rules:\n  - {name: r, when: {attributes: @}, clawback: {after: 1d}}\n" LAST, "[demo]"},
    {HEAD "rules:\n  - {name: r, when: {attributes: {a: @}}, clawback: {after: 1d}}\n" LAST, "'[#]'"},
    {HEAD "rules:\n  - {name: r, when: {at_least: @}, clawback: {after: 1d}}\n" LAST, "5"},
    {HEAD "rules: [{name: r, when: any, clawback: @}]\n", "30d"},
    {CLAWBACK("@"), ""},
    {CLAWBACK("after: @"), "[30d]"},
    {CLAWBACK("after: @"), "0s"},
    {CLAWBACK("after: @"), "30"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: @, calendar: office}}]\n", "1d"},
    {HEAD OFFICE "rules: [{name: r, when: any, clawback: {after: {working_days: 2}, @}}]\n", ""},
    {OFFICE_RULE("first_contact: {within: {@}, calendar: office}"), ""},
    {OFFICE_RULE("first_contact: {within: @, calendar: office}"), "[5m]"},
    {RULE("first_contact: @"), "5m"},
    {RULE("first_contact: {@}"), ""},
    {RULE("first_contact: {within: 5s, warn: @}"), "50%"},
    {RULE("first_contact: {within: 5m, warn: [@]}"), "1.5%"},
    {RULE("first_contact: {within: 5m, escalate: @}"), "1h"},
    {RULE("first_contact: {within: 5m, escalate: [@]}"), "[1h]"},
    {RULE("first_contact: {within: 5m, reassign: @}"), "yes"},
    {RULE("first_contact: {within: 5m, reassign: @}"), "[1]"},
    {RULE("requested_time: @"), "4h"},
    {RULE("requested_time: {@}"), ""},
    {HEAD "stages: [SAL]\nrules: [{name: r, when: any, clawback: {after: 1d}, milestones: @}]\n", "48h"},
    {HEAD "stages: [SAL]\nrules: [{name: r, when: any, clawback: {after: 1d}, milestones: [@]}]\n", "48h"},
    {HEAD "stages: [SAL]\nrules: [{name: r, when: any, clawback: {after: 1d}, milestones: [@]}]\n", "~"},
    {HEAD "stages: [SAL]\nrules: [{name: r, when: any, clawback: {after: 1d}, milestones: [{@}]}]\n", ""},
    {RULE("next_contact: @"), "5d"},
    {RULE("next_contact: {@}"), ""},
    {RULE("pause: @"), "true"},
    {RULE("pause: {at_most: @}"), "[14d]"},
    {RULE("follow_up: @"), "2"},
    {RULE("follow_up: {@}"), ""},
    {HEAD "reporting_time_zone: @\n" RULES, "PST"},
};

static char *
with_part(const char *yaml, const char *part)
{
    g_auto(GStrv) pieces = g_strsplit(yaml, "@", 2);
    return g_strjoinv(part, pieces);
}

/* What follows "for example" in each message, as parts of one map where there are several. */
static char *
examples_in(const char *message)
{
    static const char sign[] = "for example ";
    g_autoptr(GString) text = g_string_new(NULL);
    for (const char *at = message; (at = strstr(at, sign));) {
        at += strlen(sign) + (at[strlen(sign)] == '`');
        g_string_append_printf(text, "%s%.*s", text->len ? ", " : "", (int)strcspn(at, "\n`;"), at);
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static void
an_example_is_taken_where_it_is_pasted(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(examples); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *wrong = with_part(examples[i].yaml, examples[i].wrong);
        g_autofree char *message = refusal_of(wrong, strlen(wrong)), *example = examples_in(message);
        g_autofree char *right = with_part(examples[i].yaml, example);
        g_autoptr(lc_policy_book) book = lc_policy_book_parse("policy.yaml", right, strlen(right), &error);
        if (book && *example)
            continue;
        print_message("--- %s\n--- as it says:\n%s--- %s\n", message, right, error ? error->message : "no example");
        failed++;
    }
    assert_int_equal(failed, 0);
}

static void
every_problem_of_a_file_is_told_at_once(void **state)
{
    static const char yaml[] = "name: p\n"
                               "retian: 90d\n"
                               "stages: [SAL, SAL]\n"
                               "reasons: {student: {route: SUPRESS}}\n"
                               "rules:\n"
                               "  - name: hot\n"
                               "    when: {channel: [demo]}\n"
                               "    first_contact: {within: 5m, warn: [5m], calendar: offce}\n";
    g_autofree char *message = refusal_of(yaml, strlen(yaml));
    (void)state;
    assert_string_equal(
        message,
        "policy.yaml:2:1: unknown key \"retian\"; did you mean \"retain\"? keys of a policy: name, effective_from, "
        "reporting_time_zone, contact_time, clock_skew, retain, calendars, stages, reasons, gates, rules\n"
        "    retian: 90d\n"
        "    ^\n"
        "policy.yaml:3:15: stage \"SAL\" is given twice (first in line 3); keep one or choose another name\n"
        "    stages: [SAL, SAL]\n"
        "                  ^\n"
        "policy.yaml:4:10: reasons lack \"other\", which takes every reason that is not listed; add "
        "`other: {route: NURTURE}`\n"
        "    reasons: {student: {route: SUPRESS}}\n"
        "             ^\n"
        "policy.yaml:4:28: unknown route \"SUPRESS\"; did you mean \"SUPPRESS\"? routes: NURTURE, SUPPRESS, REASSIGN, "
        "ENRICH\n"
        "    reasons: {student: {route: SUPRESS}}\n"
        "                               ^\n"
        "policy.yaml:6:5: a rule lacks \"clawback\"; add for example `clawback: {after: 30d}`\n"
        "      - name: hot\n"
        "        ^\n"
        "policy.yaml:7:11: the last rule must say `when: any`, so that every lead has one; add such a rule\n"
        "        when: {channel: [demo]}\n"
        "              ^\n"
        "policy.yaml:8:40: a warning 5m before the due time lies outside its clock of 5m; take less than that\n"
        "        first_contact: {within: 5m, warn: [5m], calendar: offce}\n"
        "                                           ^\n"
        "policy.yaml:8:55: unknown calendar \"offce\"; calendars here: always\n"
        "        first_contact: {within: 5m, warn: [5m], calendar: offce}\n"
        "                                                          ^");
}

static void
what_is_wrong_behind_an_alias_is_told_once(void **state)
{
    static const char yaml[] =
        HEAD "calendars: {office: {time_zone: UTC, week: {mon: &w [33:00-34:00], tue: *w, wed: *w}}}\n" RULES;
    g_autofree char *message = refusal_of(yaml, strlen(yaml));
    (void)state;
    const char *first = strstr(message, "this is no window");
    assert_non_null(first);
    assert_null(strstr(first + 1, "this is no window"));
}

static void
a_nul_byte_is_refused_where_it_stands(void **state)
{
    static const char yaml[] = HEAD "retain: 1\0d\n" RULES;
    g_autofree char *message = refusal_of(yaml, sizeof yaml - 1);
    (void)state;
    assert_true(g_str_has_prefix(message, "policy.yaml:3:10: a NUL byte; save the file as UTF-8 text"));
}

static const struct {
    const char *yaml, *shown; /* the line and the caret below it */
} carets[] = {
    {"a: b\nx\ty: c\n", "\n    a: b\n    ^\n"},
    {"name:\t[p]\n", "\n    name: [p]\n          ^\n"},
    {"name: p\r\nretian: 1d\r\n", "\n    retian: 1d\n    ^\n"},
    {"name: p\rretian: 1d\r", "\n    retian: 1d\n    ^\n"},
    {"{name: \"l\xc3\xa5ng\", retian: 1d}\n", "\n    {name: \"l\xc3\xa5ng\", retian: 1d}\n                   ^\n"},
    /* Letters that take two columns, and one that takes none. */
    {"{name: \"\xe6\x97\xa5\xe6\x9c\xac\", retian: 1d}\n",
     "\n    {name: \"\xe6\x97\xa5\xe6\x9c\xac\", retian: 1d}\n                   ^\n"},
    {"{name: \"e\xcc\x81\", retian: 1d}\n", "\n    {name: \"e\xcc\x81\", retian: 1d}\n                ^\n"},
};

static void
the_caret_stands_below_the_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(carets); i++) {
        g_autofree char *message = refusal_of(carets[i].yaml, strlen(carets[i].yaml));
        g_autofree char *ended = g_strconcat(message, "\n", NULL);
        if (strstr(ended, carets[i].shown) == NULL)
            fail_msg("%s lacks:%s", message, carets[i].shown);
    }
}

static void
a_byte_order_mark_is_skipped(void **state)
{
    g_autofree char *message = refusal_of("\xef\xbb\xbfnaem: p\n", strlen("\xef\xbb\xbfnaem: p\n"));
    (void)state;
    assert_non_null(strstr(message, "policy.yaml:1:1: unknown key \"naem\""));
    assert_non_null(strstr(message, "\n    naem: p\n    ^"));
}

static void
hostile_files_are_refused_quickly(void **state)
{
    g_autoptr(GString) deep = g_string_new("name: "), bomb = g_string_new("a0: &a0 [x, x]\n"),
                       wide = g_string_new(NULL), zone = g_string_new(HEAD "reporting_time_zone: Europe/");
    g_autoptr(GString) long_line = g_string_new("{");
    (void)state;
    for (int i = 0; i < 100000; i++)
        g_string_append_c(deep, '[');
    for (int i = 0; i < 1000000; i++)
        g_string_append_c(zone, 'x');
    for (int i = 1; i < 30; i++)
        g_string_append_printf(bomb, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1, i - 1);
    for (int i = 0; i < 20000; i++) {
        g_string_append_printf(wide, "unknown%d: 1\n", i);
        g_string_append_printf(long_line, "unknown%d: 1, ", i);
    }
    g_string_append_c(long_line, '}');
    const GString *hostile[] = {deep, bomb, wide, long_line, zone};
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        clock_t started = clock();
        g_autofree char *message = refusal_of(hostile[i]->str, hostile[i]->len);
        assert_true(clock() - started < 10 * CLOCKS_PER_SEC);
        print_message("%.300s\n", message);
        assert_true(strlen(message) < 100000);
    }
    g_autofree char *large = g_strnfill(1024 * 1024 + 1, ' ');
    g_autofree char *message = refusal_of(large, strlen(large));
    assert_string_equal(message, "policy.yaml: over 1 MiB; no policy needs that");
}

/* The list of zones tells of more than Debian's package tzdata has. */
static void
a_zone_that_this_machine_lacks_is_not_suggested(void **state)
{
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
    g_autofree char *list = g_build_filename(folder, "tzdata.zi", NULL);
    (void)state;
    assert_true(g_file_set_contents(list, "Z Asia/Kolkata 5:30 - IST\nL Asia/Kolkata Asia/Calcutta\n", -1, NULL));
    g_setenv("TZDIR", folder, TRUE);
    bool is_told = is_refused(HEAD "reporting_time_zone: Asia/Calcutta\n" RULES, "Asia/Calcutta",
                              "the zone database of this machine has \"Asia/Calcutta\" no more"),
         is_left_out = is_refused(HEAD "reporting_time_zone: Asia/Calcuta\n" RULES, "Asia/Calcuta",
                                  "\"Asia/Calcuta\"; take a name of the IANA database"),
         is_no_place = is_refused(HEAD "reporting_time_zone: Calcutta\n" RULES, "Calcutta",
                                  "\"Calcutta\"; take a name of the IANA database");
    g_unsetenv("TZDIR");
    g_remove(list);
    g_rmdir(folder);
    assert_true(is_told && is_left_out && is_no_place);
}

/* ---- Several documents ---- */

static const struct {
    const char *first, *second; /* what follows the name */
    const char *message;        /* NULL: fine */
} pairs[] = {
    {"name: a\n", "name: b\neffective_from: 2026-01-01T00:00:00Z\n", NULL},
    {"name: a\neffective_from: 2025-01-01T00:00:00Z\n", "name: b\neffective_from: 2026-01-01T00:00:00Z\n", NULL},
    {"name: a\n", "name: a\neffective_from: 2026-01-01T00:00:00Z\n", "2.yaml:1:7: a document has this name already"},
    {"name: a\n", "name: b\n", "2.yaml:1:7: only the earliest document may leave effective_from out"},
    {"name: a\neffective_from: 2026-01-01T00:00:00Z\n", "name: b\neffective_from: 2026-01-01T01:00:00+01:00\n",
     "2.yaml:2:17: another document is in effect from the same instant; change one, here or in "},
};

static void
documents_are_told_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < G_N_ELEMENTS(pairs); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
        g_autofree char *first = g_build_filename(folder, "1.yaml", NULL);
        g_autofree char *second = g_build_filename(folder, "2.yaml", NULL);
        g_autofree char *first_text = g_strconcat(pairs[i].first, "reasons: {other: {}}\n" RULES, NULL);
        g_autofree char *second_text = g_strconcat(pairs[i].second, "reasons: {other: {}}\n" RULES, NULL);
        assert_true(g_file_set_contents(first, first_text, -1, NULL));
        assert_true(g_file_set_contents(second, second_text, -1, NULL));
        g_autoptr(lc_policy_book) book = lc_policy_book_load((const char *[]){folder, NULL}, &error);
        g_remove(first);
        g_remove(second);
        g_rmdir(folder);
        if (error)
            print_message("%s\n", error->message);
        assert_int_equal(book == NULL, pairs[i].message != NULL);
        if (pairs[i].message)
            assert_non_null(strstr(error->message, pairs[i].message));
    }
}

static void
paths_without_policies_are_refused(void **state)
{
    g_autoptr(GError) missing = NULL, empty = NULL, none = NULL, dangling = NULL;
    g_autofree char *folder = g_dir_make_tmp("leadclock-XXXXXX", NULL);
    g_autofree char *link = g_build_filename(folder, "p.yaml", NULL);
    (void)state;
    assert_null(lc_policy_book_load((const char *[]){"/nowhere/policy.yaml", NULL}, &missing));
    assert_non_null(strstr(missing->message, "/nowhere/policy.yaml: can't be read"));
    assert_null(lc_policy_book_load((const char *[]){folder, NULL}, &empty));
    assert_non_null(strstr(empty->message, "a folder without policies"));
    assert_null(lc_policy_book_load((const char *[]){NULL}, &none));
    assert_true(g_error_matches(none, LC_ERROR, LC_ERROR_CONFIG));
    /* A document that is meant to be there is not passed over. */
    assert_int_equal(symlink("/nowhere/policy.yaml", link), 0);
    assert_null(lc_policy_book_load((const char *[]){folder, NULL}, &dangling));
    assert_non_null(strstr(dangling->message, "/p.yaml: can't be read"));
    g_remove(link);
    g_rmdir(folder);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_refused_where_it_stands),
        cmocka_unit_test(an_example_is_taken_where_it_is_pasted),
        cmocka_unit_test(every_problem_of_a_file_is_told_at_once),
        cmocka_unit_test(what_is_wrong_behind_an_alias_is_told_once),
        cmocka_unit_test(a_nul_byte_is_refused_where_it_stands),
        cmocka_unit_test(the_caret_stands_below_the_place),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(hostile_files_are_refused_quickly),
        cmocka_unit_test(a_zone_that_this_machine_lacks_is_not_suggested),
        cmocka_unit_test(documents_are_told_apart),
        cmocka_unit_test(paths_without_policies_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
