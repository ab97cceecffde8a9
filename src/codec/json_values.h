/* json_values.h - what the fields of a fact in JSON say, before it is known what they mean: its type may come last, and
 * so may what makes it a CloudEvent. */
#pragma once

#include "json_scan.h"

typedef enum {
    LC_JSON_FIELD_TEXT,
    LC_JSON_FIELD_TIME,
    LC_JSON_FIELD_BOOLEAN,
    LC_JSON_FIELD_ATTRIBUTES
} lc_json_field_kind;

/* Where the values of fields go. */
typedef struct {
    lc_fact fact;
    lc_text type, lead_id, method, outcome;
    lc_instant arrived_at;
    struct {
        lc_text specversion, id, time, subject;
    } event; /* of a CloudEvent */
} lc_json_line;

typedef struct {
    lc_text name;
    lc_json_field_kind kind;
    unsigned types; /* the facts that have it; in others it is unknown, and ignored */
    size_t offset;  /* in lc_json_line */
} lc_json_field;

#define LC_JSON_FIELD(name, kind, types, member)                                                                       \
    {                                                                                                                  \
        {name, sizeof(name) - 1}, LC_JSON_FIELD_##kind, types, offsetof(lc_json_line, member)                          \
    }

#define LC_JSON_FIELDS 25
extern const lc_json_field lc_json_fact_fields[LC_JSON_FIELDS];

/* `type` comes first: it decides which of the others count. Those of a CloudEvent come last. */
enum {
    LC_JSON_TYPE_FIELD = 0,
    LC_JSON_ATTRIBUTES_FIELD = 8,
    LC_JSON_VERSION_FIELD = 19,
    LC_JSON_SUBJECT_FIELD = 22,
    LC_JSON_BASE64_FIELD,
    LC_JSON_DATA_FIELD
};
G_STATIC_ASSERT(LC_JSON_DATA_FIELD == LC_JSON_FIELDS - 1);

typedef struct {
    lc_arena *arena;
    unsigned given; /* a bit for each field; the others' values are not set */
    int next;       /* where to look first for the field of the next key */
    lc_json_value of[LC_JSON_FIELDS];
    /* what "attributes" holds */
    lc_attribute attributes[LC_MAX_ATTRIBUTES];
    size_t n_attributes;
    lc_text wrong_attribute; /* one whose value is a list or an object, or absent */
    size_t data, data_end;   /* where "data" lies in the text */
} lc_json_values;

/* A null is as good as no field. */
static inline bool
lc_json_is_given(const lc_json_values *values, int field)
{
    return values->given & (1u << field) && values->of[field].kind != LC_JSON_NULL;
}

/* An object, to the end of the text. */
bool lc_json_read_values(lc_json_scanner *r, lc_arena *arena, lc_json_values *values);

/* After r->error: where it is that r->problem.field is missing, names a key that is there and was probably meant. */
void lc_json_name_similar(const lc_json_scanner *r, lc_arena *arena);

/* LC_ERROR_RECORD, about this field, with which the message begins; returns false. */
bool lc_json_refuse(lc_json_scanner *r, const char *field, const char *format, ...) G_GNUC_PRINTF(3, 4);
