/* reading.h - a body while it is read. */
#pragma once

#include <leadclock/ingest.h>

typedef struct {
    lc_parcel *parcel;
    const lc_inputs *inputs;
    lc_form form;
    const lc_header *headers;
    size_t n_headers;
    lc_instant now;
    lc_duration max_future;
    lc_arena arena; /* of one fact */
    size_t index;
} reading;

/* The fact is good until the arena is reset. False: what is wrong was told. */
bool lc_reading_fact(reading *in, lc_text text, lc_fact *fact, lc_text *lead_id);
void lc_reading_refuse(reading *in, const char *field, const char *message);
