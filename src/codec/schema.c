#include <leadclock/codec.h>

#define SCHEMAS(X)                                                                                                     \
    X(LEAD_CREATED, LeadCreated)                                                                                       \
    X(LEAD_ASSIGNED, LeadAssigned)                                                                                     \
    X(LEAD_CONTACTED, LeadContacted)                                                                                   \
    X(LEAD_PROGRESSED, LeadProgressed)                                                                                 \
    X(LEAD_REJECTED, LeadRejected)                                                                                     \
    X(LEAD_ERASED, LeadErased)                                                                                         \
    X(SLA_WARNING, SlaWarning)                                                                                         \
    X(SLA_BREACHED, SlaBreached)                                                                                       \
    X(SLA_BREACH_ENDED, SlaBreachEnded)                                                                                \
    X(LEAD_CLAWED_BACK, LeadClawedBack)                                                                                \
    X(LEAD_ROUTED, LeadRouted)                                                                                         \
    X(LEAD_SETTLED, LeadSettled)                                                                                       \
    X(RETRACTED, Retracted)                                                                                            \
    X(LEAD_STATE, LeadState)                                                                                           \
    X(CHANNEL_COUNTERS, ChannelCounters)

#define TEXT(symbol, name) extern const char lc_schema_##name[];
SCHEMAS(TEXT)
#undef TEXT

static const struct {
    const char *record_name, *text;
} schemas[LC_SCHEMAS] = {
#define ROW(symbol, name) [LC_SCHEMA_##symbol] = {"leadclock." #name, lc_schema_##name},
    SCHEMAS(ROW)
#undef ROW
};

const char *
lc_schema_record_name(lc_schema schema)
{
    return schemas[schema].record_name;
}

const char *
lc_schema_text(lc_schema schema)
{
    return schemas[schema].text;
}

lc_schema
lc_fact_schema(lc_fact_type type)
{
    static const lc_schema schemas_of[LC_FACT_TYPES] = {
        [LC_FACT_CREATED] = LC_SCHEMA_LEAD_CREATED,
        [LC_FACT_ASSIGNED] = LC_SCHEMA_LEAD_ASSIGNED,
        [LC_FACT_CONTACTED] = LC_SCHEMA_LEAD_CONTACTED,
        [LC_FACT_PROGRESSED] = LC_SCHEMA_LEAD_PROGRESSED,
        [LC_FACT_REJECTED] = LC_SCHEMA_LEAD_REJECTED,
        [LC_FACT_ERASED] = LC_SCHEMA_LEAD_ERASED,
        [LC_FACT_RESUMED] = LC_SCHEMAS,
        [LC_FACT_PAUSED] = LC_SCHEMAS,
        [LC_FACT_MERGED] = LC_SCHEMAS,
    };
    return schemas_of[type];
}

lc_schema
lc_outcome_schema(lc_outcome_type type)
{
    return LC_SCHEMA_SLA_WARNING + (lc_schema)(type > LC_OUTCOME_ESCALATED ? type - 1 : type);
}

bool
lc_frame_read(const void *value, size_t size, uint32_t *schema_id)
{
    const uint8_t *bytes = value;
    if (size < LC_FRAME_BYTES || bytes[0] != 0)
        return false;
    *schema_id = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 | bytes[4];
    return true;
}
