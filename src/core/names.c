/* The names of sections 1 and 6. */
#include <leadclock/core.h>

const char *
lc_fact_type_name(lc_fact_type type)
{
    static const char *const names[LC_FACT_TYPES] = {
        [LC_FACT_CREATED] = "LeadCreated",     [LC_FACT_ASSIGNED] = "LeadAssigned",
        [LC_FACT_CONTACTED] = "LeadContacted", [LC_FACT_PROGRESSED] = "LeadProgressed",
        [LC_FACT_REJECTED] = "LeadRejected",   [LC_FACT_ERASED] = "LeadErased",
        [LC_FACT_PAUSED] = "LeadPaused",       [LC_FACT_RESUMED] = "LeadResumed",
        [LC_FACT_MERGED] = "LeadMerged",
    };

    return names[type];
}

const char *
lc_outcome_type_name(lc_outcome_type type)
{
    static const char *const names[LC_OUTCOME_TYPES] = {
        [LC_OUTCOME_WARNING] = "SlaWarning",         [LC_OUTCOME_BREACHED] = "SlaBreached",
        [LC_OUTCOME_ESCALATED] = "SlaEscalated",     [LC_OUTCOME_BREACH_ENDED] = "SlaBreachEnded",
        [LC_OUTCOME_CLAWED_BACK] = "LeadClawedBack", [LC_OUTCOME_ROUTED] = "LeadRouted",
        [LC_OUTCOME_SETTLED] = "LeadSettled",        [LC_OUTCOME_RETRACTED] = "Retracted",
    };

    return names[type];
}

const char *
lc_cause_name(lc_cause cause)
{
    static const char *const names[] = {
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
    };

    return names[cause];
}

const char *
lc_row_type_name(lc_row_type type)
{
    static const char *const names[LC_ROW_TYPES] = {
        [LC_ROW_CYCLE] = "cycles",   [LC_ROW_BREACH] = "breaches", [LC_ROW_STAGE] = "stages",
        [LC_ROW_TENURE] = "tenures", [LC_ROW_ROUTE] = "routes",
    };

    return names[type];
}

const char *
lc_first_contact_state_name(lc_first_contact_state state)
{
    static const char *const names[] = {"RUNNING", "MET", "BREACHED", "ENDED", "CANCELLED"};

    return names[state];
}

char *
lc_uuid_format(const lc_uuid *uuid, char *text)
{
    static const char digits[] = "0123456789abcdef";
    char *next = text;

    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *next++ = '-';
        *next++ = digits[uuid->bytes[i] >> 4];
        *next++ = digits[uuid->bytes[i] & 15];
    }
    *next = '\0';
    return text;
}
