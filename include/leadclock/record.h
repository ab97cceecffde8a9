/* record.h - what a record consists of: a table of its fields. Whatever writes, compares or checks records walks it.
 *
 * Header only: it belongs to no room and uses base alone. The tables are those of core. */
#pragma once

#include <leadclock/base.h>

/* What a field is, and what its member is. */
typedef enum {
    LC_FIELD_TEXT,     /* a text: lc_text; absent: null */
    LC_FIELD_LEAD,     /* the lead_id: no member, whoever walks the table knows it */
    LC_FIELD_UUID,     /* a UUID as text: lc_uuid */
    LC_FIELD_INSTANT,  /* an instant: lc_instant; LC_ABSENT: null */
    LC_FIELD_DURATION, /* milliseconds: lc_duration; LC_ABSENT: null */
    LC_FIELD_NUMBER,   /* a whole number: int64_t */
    LC_FIELD_COUNT,    /* a whole number: uint32_t */
    LC_FIELD_INT,      /* a whole number: int32_t; below 0: null */
    LC_FIELD_FLAG,     /* true or false: bool */
    LC_FIELD_CHOICE,   /* one of two names: bool, the second where it is true */
    LC_FIELD_ENUM,     /* one of `names`: an enumeration; -1: null */
    LC_FIELD_NAME,     /* the same, but in Avro a text */
    LC_FIELD_MONTH,    /* YYYY-MM as text: int32_t, of lc_zone_month */
    LC_FIELD_TEXTS,    /* a list of texts: const lc_text *, and how many */
    LC_FIELD_LIST,     /* a list of records: a pointer to the first, and how many */
    LC_FIELD_MAP       /* a map of texts: const lc_attribute *, and how many */
} lc_field_kind;

typedef struct lc_record lc_record;

/* Of a key; beyond its size there are NULs. */
#define LC_FIELD_KEY_BYTES ((size_t)32)

typedef struct {
    char key[LC_FIELD_KEY_BYTES]; /* the name as in JSON, where all of it is copied at once: `,"name":` */
    uint8_t key_size;
    uint8_t kind;     /* lc_field_kind */
    bool is_optional; /* may be null */
    bool is_envelope; /* of the message, not of what it says: where two records are compared it doesn't count */
    uint16_t at;      /* the member's place in the struct */
    uint16_t n_at;    /* TEXTS, LIST, MAP: that of a size_t, how many there are */
    uint16_t has_at;  /* that of a bool: false, the field is null; 0: there is none */
    union {
        const char *const *names; /* CHOICE, ENUM, NAME: by value, NULL-terminated */
        const lc_record *items;   /* LIST */
    };
} lc_record_field;

struct lc_record {
    const lc_record_field *fields;
    size_t n_fields;
    size_t n_key_fields; /* rows: so many of the first are its key */
    size_t bytes;        /* of the struct */
};

/* For tables: a field that is the member `of` of a struct `type`, then further members of lc_record_field. */
#define LC_FIELD_NAMED(name) .key = ",\"" name "\":", .key_size = sizeof(",\"" name "\":") - 1
#define LC_FIELD(name, of_kind, type, of, ...)                                                                         \
    {                                                                                                                  \
        LC_FIELD_NAMED(name), .kind = LC_FIELD_##of_kind, .at = offsetof(type, of), __VA_ARGS__                        \
    }
#define LC_RECORD(table, type)                                                                                         \
    {                                                                                                                  \
        .fields = (table), .n_fields = G_N_ELEMENTS(table), .bytes = sizeof(type)                                      \
    }

static inline lc_text
lc_field_name(const lc_record_field *field)
{
    return (lc_text){field->key + 2, field->key_size - 4u};
}

static inline const void *
lc_field_member(const lc_record_field *field, const void *record)
{
    return (const char *)record + field->at;
}

/* How many there are in a list or a map. */
static inline size_t
lc_field_count(const lc_record_field *field, const void *record)
{
    return *(const size_t *)((const char *)record + field->n_at);
}

/* Whether a field that is optional is null. */
static inline bool
lc_field_is_null(const lc_record_field *field, const void *record)
{
    const void *member = lc_field_member(field, record);
    if (field->has_at && !*((const bool *)record + field->has_at))
        return true;
    if (field->kind == LC_FIELD_TEXT)
        return lc_text_is_absent(*(const lc_text *)member);
    if (field->kind == LC_FIELD_INSTANT || field->kind == LC_FIELD_DURATION)
        return *(const int64_t *)member == LC_ABSENT;
    if (field->kind == LC_FIELD_INT || field->kind == LC_FIELD_ENUM || field->kind == LC_FIELD_NAME)
        return *(const int *)member < 0;
    return false;
}
