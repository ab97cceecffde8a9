/* schema.c - our schemas, and the frame that says by which one a value is written. */
#include <leadclock/codec.h>

#define SCHEMAS(X)                                                                                                     \
    X(LEAD_CREATED, LeadCreated)                                                                                       \
    X(LEAD_RESUMED, LeadResumed)                                                                                       \
    X(LEAD_ASSIGNED, LeadAssigned)                                                                                     \
    X(LEAD_CONTACTED, LeadContacted)                                                                                   \
    X(LEAD_PROGRESSED, LeadProgressed)                                                                                 \
    X(LEAD_PAUSED, LeadPaused)                                                                                         \
    X(LEAD_REJECTED, LeadRejected)                                                                                     \
    X(LEAD_MERGED, LeadMerged)                                                                                         \
    X(LEAD_ERASED, LeadErased)                                                                                         \
    X(SLA_WARNING, SlaWarning)                                                                                         \
    X(SLA_BREACHED, SlaBreached)                                                                                       \
    X(SLA_ESCALATED, SlaEscalated)                                                                                     \
    X(SLA_BREACH_ENDED, SlaBreachEnded)                                                                                \
    X(LEAD_CLAWED_BACK, LeadClawedBack)                                                                                \
    X(LEAD_ROUTED, LeadRouted)                                                                                         \
    X(LEAD_SETTLED, LeadSettled)                                                                                       \
    X(RETRACTED, Retracted)                                                                                            \
    X(LEAD_STATE, LeadState)                                                                                           \
    X(CHANNEL_COUNTERS, ChannelCounters)                                                                               \
    X(CYCLE_KEY, CycleKey)                                                                                             \
    X(CYCLE_ROW, CycleRow)                                                                                             \
    X(BREACH_KEY, BreachKey)                                                                                           \
    X(BREACH_ROW, BreachRow)                                                                                           \
    X(STAGE_KEY, StageKey)                                                                                             \
    X(STAGE_ROW, StageRow)                                                                                             \
    X(TENURE_KEY, TenureKey)                                                                                           \
    X(TENURE_ROW, TenureRow)                                                                                           \
    X(ROUTE_KEY, RouteKey)                                                                                             \
    X(ROUTE_ROW, RouteRow)                                                                                             \
    X(COUNTER_KEY, CounterKey)                                                                                         \
    X(COUNTER_ROW, CounterRow)

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
    return LC_SCHEMA_LEAD_CREATED + (lc_schema)type;
}

lc_schema
lc_outcome_schema(lc_outcome_type type)
{
    return LC_SCHEMA_SLA_WARNING + (lc_schema)type;
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
