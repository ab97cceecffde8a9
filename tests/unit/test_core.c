/* The lead policy rule by rule: what happens, and what is published. */
#include "story.h"

#include "asserting.h"

#define HEAD                                                                                                           \
    "name: test\nclock_skew: 2m\nretain: 90d\n"                                                                        \
    "stages: [SAL, SQL, OPPORTUNITY, {name: WON, closes: won}, {name: LOST, closes: lost}]\n"                          \
    "reasons:\n"                                                                                                       \
    "  not_ready: {route: NURTURE}\n"                                                                                  \
    "  student: {route: SUPPRESS, cooldown: 24h}\n"                                                                    \
    "  territory: {route: REASSIGN}\n"                                                                                 \
    "  other: {route: ENRICH, cooldown: 1h}\n"

#define FIRST_CONTACT                                                                                                  \
    HEAD "rules: [{name: all, when: any, first_contact: {within: 5m, reassign: true}, "                                \
         "clawback: {after: 10d, until: OPPORTUNITY}}]\n"

typedef struct {
    const char *rule, *story, *told;
} row;

static void
check(const char *yaml, const row *rows, size_t n_rows)
{
    g_autoptr(lc_policy_book) book = policy_of(yaml);

    for (size_t i = 0; i < n_rows; i++) {
        g_autofree char *told = story_told(book, rows[i].story);
        if (strcmp(told, rows[i].told) != 0)
            print_message("%s\n  %s\n", rows[i].rule, rows[i].story);
        assert_string_equal(told, rows[i].told);
    }
}

#define CHECK(yaml, ...)                                                                                               \
    do {                                                                                                               \
        static const row rows[] = {__VA_ARGS__};                                                                       \
        check((yaml), rows, G_N_ELEMENTS(rows));                                                                       \
    } while (0)

static void
first_contact_is_met_in_time_or_breached(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT, {"5: at the due instant is in time", "created 09:00 demo; contacted 09:05; until 09:10", ""},
          {"5: at the same instant facts come first, also when they come late",
           "created 09:00 demo; contacted 09:05 at=09:10",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05, -breached 09:05, -routed 09:05"},
          {"5: at the due instant nothing is due yet",
           "created 09:00 demo; assigned 09:01 ann at=09:05; contacted 09:05; until 10:00", ""},
          {"5: an instant takes effect once it has passed", "created 09:00 demo; until 09:05", ""},
          {"5.1: a breach at due, and its end", "created 09:00 demo owner=ann; contacted 09:05:00.001; until 10:00",
           "breached first_contact {ann 5m} 09:05, routed BREACHED REASSIGN not=ann 09:05, "
           "ended first_contact CONTACTED 09:05:00.001"},
          {"5.1: a progress meets it", "created 09:00 demo; progressed 09:04 SAL; until 10:00", ""},
          {"1.5: a stage that is not listed is nothing", "created 09:00 demo; progressed 09:04 NONE; until 09:06",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05"},
          {"1.1: nor is a machine", "created 09:00 demo; contacted 09:04 automated; until 09:06",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05"},
          {"5.6: a breach ends once", "created 09:00 demo; contacted 09:06; contacted 09:07; until 09:08",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05, ended first_contact CONTACTED 09:06"},
          {"6.2: a contact that comes late retracts", "created 09:00 demo; contacted 09:04 at=09:10",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05, "
           "-breached 09:05, -routed 09:05"},
          {"1.6: a fact ahead of now", "created 09:00 demo; contacted 09:20 at=09:01; until 09:30",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05, "
           "ended first_contact CONTACTED 09:20"});
}

static void
owners_are_known_by_the_time_they_held_it(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT,
          {"4.5: the creator's, then each assigned", "created 09:00 demo owner=ann; assigned 09:03 bo; until 09:06",
           "breached first_contact {ann 3m, bo 2m} 09:05, routed BREACHED REASSIGN not=ann+bo 09:05"},
          {"4.5: the first contact that names one, while there is none",
           "created 09:00 demo; contacted 09:01; contacted 09:02 owner=ann; contacted 09:03 owner=bo; "
           "rejected 09:04 not_ready owner=cy",
           "routed REJECTED NURTURE reason=not_ready not=ann+cy 09:04, settled REJECTED {- 2m, ann 2m} 09:04"},
          {"6: who held it for no time is left out, but excluded",
           "created 09:00 demo owner=ann; assigned 09:00 bo; assigned 09:02 ann; rejected 09:04 not_ready owner=bo",
           "routed REJECTED NURTURE reason=not_ready not=ann+bo 09:04, settled REJECTED {bo 2m, ann 2m} 09:04"},
          {"6.2: an owner who becomes known late restates",
           "created 09:00 demo owner=ann; until 09:06; assigned 09:03 bo at=09:10",
           "breached first_contact {ann 5m} 09:05, routed BREACHED REASSIGN not=ann 09:05, "
           "~breached first_contact {ann 3m, bo 2m} 09:05, ~routed BREACHED REASSIGN not=ann+bo 09:05"});
}

static void
a_rejection_settles_routes_and_cools_down(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT,
          {"1.4: an unknown reason goes as other, with its text",
           "created 09:00 demo; rejected 09:01 what follow=9/09:00",
           "routed REJECTED ENRICH reason=what resume=9/09:00 09:01, settled REJECTED {- 1m} 09:01"},
          {"4.6: a cooldown holds a hand-off back",
           "created 09:00 demo; rejected 09:01 student; created 3/09:00:59 demo",
           "routed REJECTED SUPPRESS reason=student 09:01, settled REJECTED {- 1m} 09:01, "
           "routed#2 COOLDOWN SUPPRESS reason=student 3/09:00:59, settled#2 COOLDOWN {} 3/09:00:59"},
          {"4.6: until its end", "created 09:00 demo; rejected 09:01 student; created 3/09:01 demo",
           "routed REJECTED SUPPRESS reason=student 09:01, settled REJECTED {- 1m} 09:01"},
          {"4.9: so does one after the settlement",
           "created 09:00 demo; rejected 09:01 not_ready; rejected 09:02 student; created 3/09:01 demo",
           "routed REJECTED NURTURE reason=not_ready 09:01, settled REJECTED {- 1m} 09:01, "
           "routed#2 COOLDOWN SUPPRESS reason=student 3/09:01, settled#2 COOLDOWN {} 3/09:01"},
          {"4.9: before the first hand-off it means nothing", "rejected 08:00 student; created 09:00 demo", ""},
          {"5.6: a breach ends at the settlement", "created 09:00 demo; until 09:06; rejected 09:07 not_ready",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05, ended first_contact SETTLED 09:07, "
           "routed REJECTED NURTURE reason=not_ready 09:07, "
           "settled REJECTED breaches=first_contact {- 7m} 09:07"},
          {"4.2: a second hand-off is a duplicate",
           "created 09:00 demo; created 09:01 ads; rejected 09:02 not_ready; created 09:03 demo",
           "routed REJECTED NURTURE reason=not_ready 09:02, settled REJECTED duplicate {- 2m} 09:02"});
}

static void
what_came_shortly_before_is_given_to_the_hand_off(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT, {"4.4: a contact within the skew", "contacted 08:58; created 09:00 demo; until 09:10", ""},
          {"4.4: not one before it", "contacted 08:57:59; created 09:00 demo; until 09:06",
           "breached first_contact {- 5m} 09:05, routed BREACHED REASSIGN 09:05"},
          {"4.4: a rejection, at H, and what remains waits",
           "rejected 08:59 territory; rejected 08:59:30 student; created 09:00 demo; created 10:00 demo",
           "routed REJECTED REASSIGN reason=territory 09:00, settled REJECTED {} 09:00, "
           "routed#2 COOLDOWN SUPPRESS reason=student 10:00, settled#2 COOLDOWN {} 10:00"},
          {"4.4, 4.11: an assignment that remains is a hand-off at H",
           "rejected 08:59 territory; assigned 08:59:30 bo; created 09:00 demo owner=ann; until 09:06",
           "routed REJECTED REASSIGN reason=territory not=ann 09:00, settled REJECTED {} 09:00, "
           "breached#2 first_contact {bo 5m} 09:05, routed#2 BREACHED REASSIGN not=bo 09:05"},
          {"4.4: they have no effect under 4.9",
           "created 07:00 demo; rejected 07:01 not_ready; rejected 08:59 student; created 09:00 demo",
           "routed REJECTED NURTURE reason=not_ready 07:01, settled REJECTED {- 1m} 07:01, "
           "routed#2 REJECTED SUPPRESS reason=student 09:00, settled#2 REJECTED {} 09:00"});
}

static void
an_assignment_after_a_reassignment_is_a_hand_off(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT,
          {"4.11: after a rejection with route REASSIGN",
           "created 09:00 demo owner=ann; rejected 09:01 territory; assigned 09:02 bo; created 09:03 ads; until 09:08",
           "routed REJECTED REASSIGN reason=territory not=ann 09:01, settled REJECTED {ann 1m} 09:01, "
           "breached#2 first_contact {bo 5m} 09:07, routed#2 BREACHED REASSIGN not=bo 09:07"},
          {"4.11: not after another route",
           "created 09:00 demo; rejected 09:01 not_ready; assigned 09:02 bo; until 10:00",
           "routed REJECTED NURTURE reason=not_ready 09:01, settled REJECTED {- 1m} 09:01"});
}

static void
stages_settle_and_stop_the_clawback(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT,
          {"4.7: a stage that closes settles", "created 09:00 demo; progressed 09:01 WON",
           "settled COMPLETED stages=WON {- 1m} 09:01"},
          {"4.9: a stage after the settlement restates the row",
           "created 09:00 demo; rejected 09:01 not_ready; progressed 10:00 SAL; progressed 11:00 SAL",
           "routed REJECTED NURTURE reason=not_ready 09:01, settled REJECTED {- 1m} 09:01, "
           "~settled REJECTED stages=SAL {- 1m} 09:01"},
          {"5.5: at due it is clawed back", "created 09:00 demo; contacted 09:01; until 12/09:01",
           "clawed_back HANDOFF 12/09:00, routed CLAWED_BACK NURTURE 12/09:00, settled CLAWED_BACK {- 10d} 12/09:00"},
          {"5.5: `until` stops it, a stage beyond too (4.10)",
           "created 09:00 demo; contacted 09:01; progressed 10:00 OPPORTUNITY; until 40/09:00", ""});
}

#define REQUESTED                                                                                                      \
    HEAD "rules: [{name: all, when: any, first_contact: {within: 5m}, requested_time: {early: 15m, late: 4h}, "        \
         "follow_up: {attempts: 1, within: 24h, route: REASSIGN}, "                                                    \
         "clawback: {after: 10d, from: last_activity}}]\n"

static void
a_requested_time_is_neither_too_early_nor_too_late(G_GNUC_UNUSED void **state)
{
    CHECK(REQUESTED,
          {"5.2: it replaces first_contact, and is met from its opening",
           "created 09:00 demo follow=12:00; contacted 11:45 connected; until 3/00:00", ""},
          {"5.2: too early, once a clock, and then late",
           "created 09:00 demo follow=12:00; contacted 11:44 connected; contacted 11:44:30; until 16:01",
           "breached requested early 11:44, breached requested {- 4h} 16:00"},
          {"5.2: contacts of one instant make one outcome",
           "created 09:00 demo; contacted 09:01 connected follow=12:00; contacted 10:00 follow=13:00; "
           "contacted 10:00 follow=12:00; until 10:01",
           "breached requested early 10:00, ~breached requested early 10:00"},
          {"5.2: a time not after the fact is none", "created 09:00 demo follow=09:00; until 09:06",
           "breached first_contact {- 5m} 09:05"},
          {"5.2: a progress before it opens leaves it alone",
           "created 09:00 demo follow=12:00; progressed 10:00 SAL; until 16:01", "breached requested {- 4h} 16:00"},
          {"5.5: the greatest F moves the base",
           "created 09:00 demo; contacted 09:01 connected follow=5/09:00; contacted 5/09:00 connected; until 15/09:01",
           "clawed_back LAST_ACTIVITY 15/09:00, routed CLAWED_BACK NURTURE 15/09:00, "
           "settled CLAWED_BACK {- 13d} 15/09:00"});
}

static void
a_lead_that_does_not_answer_is_followed_up(G_GNUC_UNUSED void **state)
{
    CHECK(REQUESTED,
          {"5.4: further attempts, and then unresponsive",
           "created 09:00 demo; contacted 09:01; contacted 10:00; until 4/00:00",
           "routed UNRESPONSIVE REASSIGN 3/09:01, settled UNRESPONSIVE {- 1d 1m} 3/09:01"},
          {"5.4: with fewer it is breached; an attempt does not end that",
           "created 09:00 demo; contacted 09:01; contacted 3/10:00; contacted 3/11:00 connected; until 4/00:00",
           "breached follow_up {- 1d} 3/09:01, ended follow_up CONTACTED 3/11:00"},
          {"5.4: an answer meets it", "created 09:00 demo; contacted 09:01; contacted 3/09:01 connected; until 4/00:00",
           ""},
          {"5.4: none after an answer", "created 09:00 demo; contacted 09:01 connected; contacted 10:00; until 4/00:00",
           ""},
          {"5.2: a requested time takes it away, and it may start anew",
           "created 09:00 demo; contacted 09:01; contacted 09:02 follow=12:00; contacted 12:00; until 3/12:01",
           "breached follow_up {- 1d} 3/12:00"},
          {"4.11: unresponsive with route REASSIGN waits for a new owner",
           "created 09:00 demo; contacted 09:01; contacted 10:00; assigned 4/09:00 bo; until 4/09:06",
           "routed UNRESPONSIVE REASSIGN 3/09:01, settled UNRESPONSIVE {- 1d 1m} 3/09:01, "
           "breached#2 first_contact {bo 5m} 4/09:05"});
}

#define GATES                                                                                                          \
    HEAD "gates:\n"                                                                                                    \
         "  open_dialogue: {within: 24h}\n"                                                                            \
         "  qualification:\n"                                                                                          \
         "    require: [{name: known, when: {attributes: {segment: [smb]}}}]\n"                                        \
         "    signals: [{name: demo, when: {channel: [demo]}, points: 5}]\n"                                           \
         "    threshold: 5\n"                                                                                          \
         "rules: [{name: all, when: any, milestones: [{stage: SAL, within: 1h, warn: [\"50%\"]}], "                    \
         "clawback: {after: 10d}}]\n"

static void
gates_hold_back_in_their_order(G_GNUC_UNUSED void **state)
{
    CHECK(GATES, {"4.3: qualified", "created 09:00 demo segment=smb", ""},
          {"4.3: a require", "created 09:00 demo segment=x",
           "routed NOT_QUALIFIED NURTURE 09:00, settled NOT_QUALIFIED {} 09:00"},
          {"4.3: the threshold", "created 09:00 ads segment=smb",
           "routed NOT_QUALIFIED NURTURE 09:00, settled NOT_QUALIFIED {} 09:00"},
          {"4.3: an open dialogue comes first",
           "contacted 1/09:00 owner=ann; contacted 08:57 owner=bo; created 09:00 ads",
           "routed OPEN_DIALOGUE REASSIGN to=bo 09:00, settled OPEN_DIALOGUE {} 09:00"},
          {"4.3: not before `within`", "contacted 1/08:59 owner=ann; created 09:00 demo segment=smb", ""},
          {"4.4: what was given is spent", "contacted 08:59; created 09:00 ads; created 09:10 demo segment=smb",
           "routed NOT_QUALIFIED NURTURE 09:00, settled NOT_QUALIFIED {} 09:00"},
          {"4.4: a rejection given to a cycle held back starts no cooldown",
           "rejected 08:59 student; created 09:00 ads; created 09:10 demo segment=smb",
           "routed NOT_QUALIFIED NURTURE 09:00, settled NOT_QUALIFIED {} 09:00"});
}

static void
milestones_are_reached_in_time_or_breached(G_GNUC_UNUSED void **state)
{
    CHECK(
        GATES,
        {"5.3: a later stage shows it (4.10)",
         "created 09:00 demo segment=smb; progressed 10:00 OPPORTUNITY; until 11:00",
         "warning milestone:SAL 50% 09:30"},
        {"5.3: lost shows nothing", "created 09:00 demo segment=smb; progressed 10:00:01 LOST",
         "warning milestone:SAL 50% 09:30, breached milestone:SAL {- 1h} 10:00, ended milestone:SAL SETTLED 10:00:01, "
         "settled COMPLETED stages=LOST breaches=milestone:SAL {- 1h 1s} 10:00:01"},
        {"5.6: a breach ends when it is reached", "created 09:00 demo segment=smb; progressed 10:30 SQL",
         "warning milestone:SAL 50% 09:30, breached milestone:SAL {- 1h} 10:00, ended milestone:SAL PROGRESSED 10:30"},
        {"6.3: no warning of what was due before now", "created 09:00 demo segment=smb at=10:30; until 10:31",
         "breached milestone:SAL {- 1h} 10:00"},
        {"6.3: but of what is due, also when its instant has passed",
         "created 09:00 demo segment=smb at=09:40; until 09:50", "warning milestone:SAL 50% 09:30"});
}

static void
an_erasure_forgets(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT,
          {"4.8: it settles an open cycle", "created 09:00 demo; erased 09:01; until 10:00",
           "settled ERASED {- 1m} 09:01"},
          {"4.8: at the latest of what is at hand, and what is not after it is dropped",
           "created 09:00 demo; contacted 09:02; erased 09:01 at=09:03; created 09:02 demo at=09:04; until 10:00",
           "settled ERASED {- 2m} 09:02"},
          {"4.8: no later than now",
           "created 09:00 demo; contacted 12:00 at=09:01; erased 09:02; created 10:00 demo; until 10:06",
           "settled ERASED {- 2m} 09:02, breached first_contact {- 5m} 10:05, routed BREACHED REASSIGN 10:05"},
          {"4.8: kept for `retain`", "erased 09:00; created 08:00 demo at=92/09:00; until 92/09:06", ""},
          {"4.8: and not for longer", "erased 09:00; created 08:00 demo at=92/09:00:00.001; until 92/09:06",
           "breached first_contact {- 5m} 08:05, routed BREACHED REASSIGN 08:05, "
           "ended first_contact SETTLED 12/08:00, clawed_back HANDOFF 12/08:00, routed CLAWED_BACK NURTURE 12/08:00, "
           "settled CLAWED_BACK breaches=first_contact {- 10d} 12/08:00"});
}

static void
a_settled_lead_is_purged(G_GNUC_UNUSED void **state)
{
    CHECK(FIRST_CONTACT,
          {"8.3: a late fact within `retain` corrects",
           "created 09:00 demo; rejected 09:01 not_ready; progressed 10:00 SAL at=92/09:01",
           "routed REJECTED NURTURE reason=not_ready 09:01, settled REJECTED {- 1m} 09:01, "
           "~settled REJECTED stages=SAL {- 1m} 09:01"},
          {"8.3: after it there is no lead",
           "created 09:00 demo; rejected 09:01 not_ready; progressed 10:00 SAL at=92/09:01:00.001",
           "routed REJECTED NURTURE reason=not_ready 09:01, settled REJECTED {- 1m} 09:01"});
}

static void
each_cycle_counts_at_most_once(G_GNUC_UNUSED void **state)
{
    static const struct {
        const char *yaml, *story, *counted;
    } rows[] = {
        {FIRST_CONTACT,
         "created 09:00 demo; contacted 09:05; contacted 09:06; rejected 10:00 what; rejected 10:01 what",
         "contacted 1, first_contact_met 1, handed_off 1, opened 1, reason_unknown 1, rejected 1, rejected:other 1, "
         "rejected_late 1, responded:5m 1, responded_open:5m 1"},
        {FIRST_CONTACT, "created 09:00 demo; created 09:01 demo; until 09:06; progressed 10:00 SQL",
         "duplicate 1, first_contact_breached 1, handed_off 1, opened 1, reached:SAL 1, reached:SAL@0 1, reached:SQL "
         "1, "
         "reached:SQL@0 1"},
        {FIRST_CONTACT, "created 09:00 demo; contacted 09:04 at=09:10",
         "contacted 1, first_contact_met 1, handed_off 1, opened 1, responded:5m 1, responded_open:5m 1"},
        {FIRST_CONTACT, "created 09:00 demo; rejected 09:01 not_ready; rejected 09:59 student; created 10:00 demo",
         "handed_off 2, opened 2, rejected 2, rejected:not_ready 1, rejected:student 1"},
        {FIRST_CONTACT, "created 09:00 demo; contacted 09:20 at=09:01",
         "contacted 1, handed_off 1, opened 1, responded:1h 1, responded_open:1h 1"},
        {GATES, "created 09:00 demo segment=smb; progressed 10:00 WON",
         "completed 1, handed_off 1, milestone_met:SAL 1, opened 1, reached:OPPORTUNITY 1, "
         "reached:OPPORTUNITY@0 1, reached:SAL 1, reached:SAL@0 1, reached:SQL 1, reached:SQL@0 1, reached:WON 1, "
         "reached:WON@0 1"},
        {REQUESTED, "created 09:00 demo follow=12:00; contacted 11:00; contacted 12:00; until 3/12:01",
         "contacted 1, follow_up_breached 1, handed_off 1, opened 1, requested_early 1, requested_met 1, "
         "responded:4h 1, responded_open:4h 1"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(lc_policy_book) book = policy_of(rows[i].yaml);
        g_autofree char *counted = story_counted(book, rows[i].story);
        assert_string_equal(counted, rows[i].counted);
    }
}

/* ---- The second edition ---- */

#define PAUSES                                                                                                         \
    HEAD "rules:\n"                                                                                                    \
         "  - name: r\n    when: any\n    pause: {at_most: 3h}\n"                                                      \
         "    first_contact: {within: 1h, warn: [\"50%\"], escalate: [30m]}\n"                                         \
         "    clawback: {after: 30d}\n"

static void
time_in_a_pause_is_closed_time(G_GNUC_UNUSED void **state)
{
    CHECK(PAUSES,
          {"4.12: due times, warnings and escalations move",
           "created 09:00 demo; paused 09:10; resumed 10:10; until 12:00",
           "warning first_contact 50% 10:30, breached first_contact {- 1h} 11:00, escalated first_contact 30m 11:30"},
          {"4.12: what falls on the beginning of a pause comes at its end",
           "created 09:00 demo; paused 09:30; resumed 10:30; until 10:31", "warning first_contact 50% 10:30"},
          {"4.12: what is due at the beginning of a pause is not expired before its end",
           "created 09:00 demo; until 09:59; paused 10:00; contacted 10:30; resumed 11:00; until 12:00",
           "warning first_contact 50% 09:30"},
          {"4.12: and then it expires", "created 09:00 demo; until 09:59; paused 10:00; resumed 11:00; until 11:30",
           "warning first_contact 50% 09:30, breached first_contact {- 1h} 11:00"},
          {"4.12: until", "created 09:00 demo; paused 09:10 until=09:20; until 10:11",
           "warning first_contact 50% 09:40, breached first_contact {- 1h} 10:10"},
          {"4.12: at_most, of which little is left the second time",
           "created 09:00 demo; paused 09:10; resumed 12:00; paused 12:05; until 12:16; until 13:11",
           "warning first_contact 50% 12:30, breached first_contact {- 1h} 13:00"},
          {"4.12: nothing is left: no pause",
           "created 09:00 demo; paused 09:10; until 12:11; paused 12:20; until 13:01",
           "warning first_contact 50% 12:30, breached first_contact {- 1h} 13:00"},
          {"4.12: another LeadPaused sets its end anew",
           "created 09:00 demo; paused 09:10 until=09:20; paused 09:20 until=09:30; until 10:21",
           "warning first_contact 50% 09:50, breached first_contact {- 1h} 10:20"},
          {"1.6: a fact behind an end that has not taken effect does not change it",
           "created 09:00 demo; paused 09:10 until=09:20 at=09:11; resumed 09:40 at=09:15; until 10:11",
           "warning first_contact 50% 09:40, breached first_contact {- 1h} 10:10"},
          {"4.12: the settlement ends it", "created 09:00 demo; paused 09:10; rejected 09:40 not_ready",
           "routed REJECTED NURTURE reason=not_ready 09:40, "
           "settled REJECTED paused=30m {- 40m} 09:40"});
}

#define LATER_OWNERS                                                                                                   \
    HEAD "rules:\n"                                                                                                    \
         "  - name: hot\n    when: {channel: [demo]}\n"                                                                \
         "    first_contact: {within: 1h, renew: true, reassign: {within: 30m, times: 2}}\n"                           \
         "    clawback: {after: 30d}\n"                                                                                \
         "  - name: slow\n    when: any\n    first_contact: {within: 24h}\n    clawback: {after: 30d}\n"

static void
a_promise_is_made_again(G_GNUC_UNUSED void **state)
{
    CHECK(LATER_OWNERS,
          {"5.9: to the next owner, and the one after, but no more",
           "created 09:00 demo owner=ann; assigned 10:10 bo; assigned 10:50 cy; assigned 11:30 ann; until 12:30",
           "breached first_contact {ann 1h} 10:00, routed BREACHED REASSIGN not=ann 10:00, "
           "breached first_contact:2 {bo 30m} 10:40, routed BREACHED REASSIGN not=ann+bo 10:40, "
           "breached first_contact:3 {cy 30m} 11:20, routed BREACHED REASSIGN not=ann+bo+cy 11:20"},
          {"5.9: not where the owner stays", "created 09:00 demo owner=ann; assigned 10:10 ann; until 12:30",
           "breached first_contact {ann 1h} 10:00, routed BREACHED REASSIGN not=ann 10:00"},
          {"5.10: who asks again for what is sooner", "created 09:00 ads; created 10:00 demo; until 12:00",
           "breached renewed {- 1h} 11:00"},
          {"5.10: not for what is no sooner", "created 09:00 demo; created 09:00 demo; until 09:59", ""},
          {"4.13: merged", "created 09:00 demo; merged 09:30 other", "settled MERGED into=other {- 30m} 09:30"});
}

/* ---- Verdicts ---- */

typedef struct {
    lc_policy_book *book;
    lc_judge *judge;
    lc_arena arena;
    lc_lead lead;
} fixture;

static lc_verdict
judge(fixture *fixture, lc_fact_type type, const char *id, const char *at)
{
    lc_fact fact = {.type = type,
                    .event_id = lc_arena_text(&fixture->arena, lc_text_of(id)),
                    .occurred_at = story_time(at),
                    .recorded_at = LC_ABSENT,
                    .follow_up_at = LC_ABSENT,
                    .channel = LC_TEXT("demo"),
                    .owner = LC_TEXT("ann"),
                    .text = LC_TEXT("SAL")};

    return lc_lead_judge(fixture->judge, &fixture->lead, &fact, fact.occurred_at, &fixture->arena)->verdict;
}

static int
set_up(void **state)
{
    fixture *fixture = g_malloc0(sizeof *fixture);

    fixture->book = policy_of(FIRST_CONTACT);
    fixture->judge = lc_judge_new(fixture->book);
    lc_lead_init(&fixture->lead, LC_TEXT("lead"));
    *state = fixture;
    return 0;
}

static int
tear_down(void **state)
{
    fixture *fixture = *state;

    lc_judge_free(fixture->judge);
    lc_policy_book_free(fixture->book);
    lc_arena_clear(&fixture->arena);
    g_free(fixture);
    return 0;
}

static void
a_fact_that_changes_nothing_says_why(void **state)
{
    fixture *fixture = *state;

    assert_int_equal(judge(fixture, LC_FACT_CREATED, "a", "09:00"), LC_VERDICT_TAKEN);
    assert_int_equal(judge(fixture, LC_FACT_ASSIGNED, "a", "09:01"), LC_VERDICT_REPEATED);
    assert_int_equal(fixture->lead.n_facts, 1);
    assert_int_equal(judge(fixture, LC_FACT_ERASED, "b", "09:02"), LC_VERDICT_TAKEN);
    assert_int_equal(fixture->lead.n_facts, 0);
    assert_false(lc_lead_is_empty(&fixture->lead));
    assert_int_equal(judge(fixture, LC_FACT_CREATED, "c", "09:02"), LC_VERDICT_FORGOTTEN);
    assert_int_equal(judge(fixture, LC_FACT_CREATED, "c", "09:03"), LC_VERDICT_TAKEN);
}

/* It keeps so many facts, all at one instant and the last of them first. */
static void
fill_up(fixture *fixture, size_t n_facts)
{
    lc_lead *lead = &fixture->lead;

    lead->facts = lc_arena_new(&fixture->arena, lc_fact, n_facts);
    lead->n_facts = lead->max_facts = n_facts;
    for (size_t i = 0; i < n_facts; i++) {
        char id[16];
        g_snprintf(id, sizeof id, "%zu", n_facts - i);
        lead->facts[i] = (lc_fact){.type = LC_FACT_CONTACTED,
                                   .event_id = lc_arena_text(&fixture->arena, lc_text_of(id)),
                                   .occurred_at = story_time("09:00"),
                                   .recorded_at = LC_ABSENT,
                                   .follow_up_at = LC_ABSENT};
    }
}

static void
a_lead_has_at_most_4096_facts_and_6144_with_progress_and_rejections(void **state)
{
    static const lc_fact_type first[] = {LC_FACT_CREATED, LC_FACT_ASSIGNED, LC_FACT_CONTACTED, LC_FACT_PAUSED,
                                         LC_FACT_RESUMED},
                              later[] = {LC_FACT_PROGRESSED, LC_FACT_REJECTED, LC_FACT_MERGED};
    fixture *fixture = *state;

    fill_up(fixture, 4095);
    assert_int_equal(judge(fixture, LC_FACT_CREATED, "last", "09:00"), LC_VERDICT_TAKEN);

    for (size_t i = 0; i < G_N_ELEMENTS(first); i++)
        assert_int_equal(judge(fixture, first[i], "more", "09:00"), LC_VERDICT_TOO_MANY_FACTS);
    for (size_t i = 0; i < G_N_ELEMENTS(later); i++)
        assert_int_equal(judge(fixture, later[i], lc_fact_type_name(later[i]), "09:00"), LC_VERDICT_TAKEN);
    fill_up(fixture, 6144);
    for (size_t i = 0; i < G_N_ELEMENTS(later); i++)
        assert_int_equal(judge(fixture, later[i], "more", "09:00"), LC_VERDICT_TOO_MANY_FACTS);
    assert_int_equal(judge(fixture, LC_FACT_REJECTED, "5", "09:00"), LC_VERDICT_REPEATED);
    assert_int_equal(judge(fixture, LC_FACT_ERASED, "more", "09:00"), LC_VERDICT_TAKEN);
}

static void
a_lead_is_never_judged_earlier_than_before(void **state)
{
    fixture *fixture = *state;
    lc_fact contact = {.type = LC_FACT_CONTACTED,
                       .event_id = LC_TEXT("b"),
                       .occurred_at = story_time("09:30"),
                       .recorded_at = LC_ABSENT,
                       .follow_up_at = LC_ABSENT};

    judge(fixture, LC_FACT_CREATED, "a", "09:00");
    assert_int_equal(fixture->lead.wake_at, story_time("09:05"));
    assert_int_equal(lc_lead_judge(fixture->judge, &fixture->lead, NULL, story_time("09:05"), NULL)->verdict,
                     LC_VERDICT_NOT_DUE);
    assert_int_equal(lc_lead_judge(fixture->judge, &fixture->lead, NULL, story_time("09:05") + 1, NULL)->n_outcomes, 2);
    assert_int_equal(lc_lead_judge(fixture->judge, &fixture->lead, &contact, LC_ABSENT, &fixture->arena)->n_outcomes,
                     1);
    assert_int_equal(fixture->lead.judged_at, story_time("09:05") + 1);
}

static void
while_time_is_unknown_no_clock_fires(void **state)
{
    fixture *fixture = *state;
    lc_fact created = {.type = LC_FACT_CREATED,
                       .event_id = LC_TEXT("a"),
                       .occurred_at = story_time("09:00"),
                       .recorded_at = LC_ABSENT,
                       .follow_up_at = LC_ABSENT,
                       .channel = LC_TEXT("demo")};
    const lc_running_clock *clocks;

    assert_int_equal(lc_lead_judge(fixture->judge, &fixture->lead, &created, LC_ABSENT, &fixture->arena)->n_outcomes,
                     0);
    assert_int_equal(fixture->lead.wake_at, story_time("09:05"));
    assert_int_equal(lc_lead_running_clocks(fixture->judge, &fixture->lead, story_time("09:01"), &clocks), 2);
    assert_int_equal(clocks[0].clock, LC_CLOCK_FIRST_CONTACT);
    assert_int_equal(clocks[0].due_at, story_time("09:05"));
    assert_int_equal(clocks[1].clock, LC_CLOCK_CLAWBACK);
}

static void
identities_are_uuids_of_version_5(void **state)
{
    fixture *fixture = *state;
    char text[LC_UUID_TEXT_BYTES];

    fixture->lead.id = LC_TEXT("lead-1");
    judge(fixture, LC_FACT_CREATED, "a", "09:00");
    const lc_judgement *judgement =
        lc_lead_judge(fixture->judge, &fixture->lead, NULL, story_time("09:06"), &fixture->arena);
    assert_string_equal(lc_uuid_format(&judgement->outcomes[0].event_id, text), "a30be112-287e-53f7-82dc-cbf37264e030");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_contact_is_met_in_time_or_breached),
        cmocka_unit_test(owners_are_known_by_the_time_they_held_it),
        cmocka_unit_test(a_rejection_settles_routes_and_cools_down),
        cmocka_unit_test(what_came_shortly_before_is_given_to_the_hand_off),
        cmocka_unit_test(an_assignment_after_a_reassignment_is_a_hand_off),
        cmocka_unit_test(stages_settle_and_stop_the_clawback),
        cmocka_unit_test(a_requested_time_is_neither_too_early_nor_too_late),
        cmocka_unit_test(a_lead_that_does_not_answer_is_followed_up),
        cmocka_unit_test(gates_hold_back_in_their_order),
        cmocka_unit_test(milestones_are_reached_in_time_or_breached),
        cmocka_unit_test(an_erasure_forgets),
        cmocka_unit_test(a_settled_lead_is_purged),
        cmocka_unit_test(each_cycle_counts_at_most_once),
        cmocka_unit_test(time_in_a_pause_is_closed_time),
        cmocka_unit_test(a_promise_is_made_again),
        cmocka_unit_test_setup_teardown(a_fact_that_changes_nothing_says_why, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_lead_has_at_most_4096_facts_and_6144_with_progress_and_rejections, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_lead_is_never_judged_earlier_than_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(while_time_is_unknown_no_clock_fires, set_up, tear_down),
        cmocka_unit_test_setup_teardown(identities_are_uuids_of_version_5, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
