/* reading.c - one fact of a body, and what is wrong with it. */
#include "reading.h"

bool
lc_reading_fact(reading *in, lc_text text, lc_fact *fact, lc_text *lead_id)
{
    g_autoptr(GError) error = NULL;
    lc_instant arrived_at;
    if (lc_json_read_fact(text.data, text.size, &in->arena, fact, lead_id, &arrived_at, &error) &&
        lc_fact_check(fact, in->now, in->max_future, &error))
        return true;
    lc_reading_refuse(in, NULL, error->message);
    return false;
}
