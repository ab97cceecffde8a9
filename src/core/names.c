/* The names of sections 1 and 6. */
#include "names.h"

#include "replay.h"

const char *const lc_fact_type_names[] = {
    [LC_FACT_CREATED] = "LeadCreated",       [LC_FACT_RESUMED] = "LeadResumed",
    [LC_FACT_ASSIGNED] = "LeadAssigned",     [LC_FACT_CONTACTED] = "LeadContacted",
    [LC_FACT_PROGRESSED] = "LeadProgressed", [LC_FACT_PAUSED] = "LeadPaused",
    [LC_FACT_REJECTED] = "LeadRejected",     [LC_FACT_MERGED] = "LeadMerged",
    [LC_FACT_ERASED] = "LeadErased",         [LC_FACT_TYPES] = NULL,
};

const char *const lc_method_names[] = {
    [LC_METHOD_CALL] = "CALL",       [LC_METHOD_EMAIL] = "EMAIL", [LC_METHOD_MEETING] = "MEETING",
    [LC_METHOD_MESSAGE] = "MESSAGE", [LC_METHOD_OTHER] = "OTHER", NULL,
};

const char *const lc_contact_outcome_names[] = {"ATTEMPTED", "CONNECTED", NULL};

const char *const lc_outcome_type_names[] = {
    [LC_OUTCOME_WARNING] = "SlaWarning",
    [LC_OUTCOME_BREACHED] = "SlaBreached",
    [LC_OUTCOME_ESCALATED] = "SlaEscalated",
    [LC_OUTCOME_BREACH_ENDED] = "SlaBreachEnded",
    [LC_OUTCOME_CLAWED_BACK] = "LeadClawedBack",
    [LC_OUTCOME_ROUTED] = "LeadRouted",
    [LC_OUTCOME_SETTLED] = "LeadSettled",
    [LC_OUTCOME_RETRACTED] = "Retracted",
    [LC_OUTCOME_TYPES] = NULL,
};

const char *const lc_breach_kind_names[] = {"LATE", "EARLY", NULL};

const char *const lc_ended_by_names[] = {
    [LC_ENDED_BY_CONTACTED] = "CONTACTED",
    [LC_ENDED_BY_PROGRESSED] = "PROGRESSED",
    [LC_ENDED_BY_SETTLED] = "SETTLED",
    NULL,
};

const char *const lc_clock_from_names[] = {
    [LC_FROM_HANDOFF] = "HANDOFF",
    [LC_FROM_LAST_ACTIVITY] = "LAST_ACTIVITY",
    [LC_FROM_REQUESTED_TIME] = "REQUESTED_TIME",
    NULL,
};

const char *const lc_route_names[] = {
    [LC_ROUTE_NURTURE] = "NURTURE",
    [LC_ROUTE_SUPPRESS] = "SUPPRESS",
    [LC_ROUTE_REASSIGN] = "REASSIGN",
    [LC_ROUTE_ENRICH] = "ENRICH",
    NULL,
};

const char *const lc_cause_names[] = {
    [LC_CAUSE_REJECTED] = "REJECTED",
    [LC_CAUSE_CLAWED_BACK] = "CLAWED_BACK",
    [LC_CAUSE_UNRESPONSIVE] = "UNRESPONSIVE",
    [LC_CAUSE_NOT_QUALIFIED] = "NOT_QUALIFIED",
    [LC_CAUSE_OPEN_DIALOGUE] = "OPEN_DIALOGUE",
    [LC_CAUSE_COOLDOWN] = "COOLDOWN",
    [LC_CAUSE_BREACHED] = "BREACHED",
    [LC_CAUSE_COMPLETED] = "COMPLETED",
    [LC_CAUSE_MERGED] = "MERGED",
    [LC_CAUSE_ERASED] = "ERASED",
    NULL,
};

const char *const lc_row_type_names[] = {
    [LC_ROW_CYCLE] = "cycles",   [LC_ROW_BREACH] = "breaches", [LC_ROW_STAGE] = "stages",
    [LC_ROW_TENURE] = "tenures", [LC_ROW_ROUTE] = "routes",    [LC_ROW_TYPES] = NULL,
};

const char *const lc_first_contact_state_names[] = {
    [LC_FIRST_CONTACT_RUNNING] = "RUNNING",     [LC_FIRST_CONTACT_MET] = "MET",
    [LC_FIRST_CONTACT_BREACHED] = "BREACHED",   [LC_FIRST_CONTACT_ENDED] = "ENDED",
    [LC_FIRST_CONTACT_CANCELLED] = "CANCELLED", NULL,
};

const char *const lc_cycle_status_names[] = {"OPEN", "SETTLED", NULL};

const char *const lc_criterion_kind_names[] = {"REQUIRE", "SIGNAL", NULL};

const char *
lc_fact_type_name(lc_fact_type type)
{
    return lc_fact_type_names[type];
}

const char *
lc_outcome_type_name(lc_outcome_type type)
{
    return lc_outcome_type_names[type];
}

const char *
lc_cause_name(lc_cause cause)
{
    return lc_cause_names[cause];
}

const char *
lc_row_type_name(lc_row_type type)
{
    return lc_row_type_names[type];
}

static inline void
put_two(char *to, const uint8_t *bytes)
{
    static const char digits[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
                                 "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f"
                                 "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"
                                 "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f"
                                 "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f"
                                 "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
                                 "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
                                 "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";
    memcpy(to, digits + 2 * (size_t)bytes[0], 2);
    memcpy(to + 2, digits + 2 * (size_t)bytes[1], 2);
}

char *
lc_put_uuid(char *to, const lc_uuid *uuid)
{
    const uint8_t *bytes = uuid->bytes;
    put_two(to, bytes);
    put_two(to + 4, bytes + 2);
    put_two(to + 9, bytes + 4);
    put_two(to + 14, bytes + 6);
    put_two(to + 19, bytes + 8);
    put_two(to + 24, bytes + 10);
    put_two(to + 28, bytes + 12);
    put_two(to + 32, bytes + 14);
    to[8] = to[13] = to[18] = to[23] = '-';
    return to + LC_UUID_TEXT_BYTES - 1;
}

char *
lc_uuid_format(const lc_uuid *uuid, char *text)
{
    *lc_put_uuid(text, uuid) = '\0';
    return text;
}

const lc_text lc_again_names[LC_AGAIN_CLOCKS] = {
    {"first_contact:2", 15}, {"first_contact:3", 15}, {"first_contact:4", 15},
    {"first_contact:5", 15}, {"first_contact:6", 15}, {"first_contact:7", 15},
    {"first_contact:8", 15}, {"first_contact:9", 15}, {"first_contact:10", 16},
};
