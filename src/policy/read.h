/* read.h - typed values out of the YAML tree. Each tells on its own what is wrong; a node that is NULL (a key that is
 * absent) leaves the output untouched and says nothing. */
#pragma once

#include <leadclock/policy.h>
#include <leadclock/yaml.h>

typedef struct {
    char *name;
    const lc_yaml *node; /* of its name; NULL: built in */
    lc_calendar *calendar;
    lc_text zone_name;
    lc_calendar_spec spec; /* but for its zone; in the arena */
    bool used;
    const lc_yaml *holidays_node; /* NULL: none are listed */
    unsigned n_listed_days;       /* of spec.closed_days; those that follow are of files */
    int32_t last_holiday;         /* of those with a full date, files included; LC_NO_HOLIDAY: none */
} lc_named_calendar;

#define LC_NO_HOLIDAY INT32_MIN

/* An iCalendar file, and the last date that it closes. */
typedef struct {
    const lc_yaml *node;
    guint calendar; /* its index in document->calendars */
    int32_t last;   /* or LC_NO_HOLIDAY */
} lc_holiday_file;

/* One document and all that it owns. */
typedef struct {
    lc_policy policy;
    lc_arena arena;
    char *file;
    char *text;
    size_t text_size;
    GPtrArray *included;   /* of GBytes: files that are part of it, in order */
    GArray *holiday_files; /* of lc_holiday_file */
    GArray *calendars;     /* of lc_named_calendar; the first is `always` */
    lc_problems *problems, *oddities;
    const lc_yaml *name_node, *effective_from_node; /* the latter the name where there is none */
} lc_document;

/* Fills what the tree says; whether it is right is in document->problems. */
void lc_document_read(lc_document *document, const lc_yaml *root);

typedef struct {
    lc_document *document;
    lc_arena *arena;
    lc_policy *policy;
} lc_document_reader;

void lc_refuse(lc_document_reader *reader, const lc_yaml *node, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* Legal, but odd: a warning of `check`. */
void lc_remark(lc_document_reader *reader, const lc_yaml *node, const char *format, ...) G_GNUC_PRINTF(3, 4);
/* "unknown WHAT "..."; did you mean "..."? LIST: a, b, c". */
void lc_refuse_name(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *list,
                    const char *const *names, size_t n_names);

/* For messages: the scalar in quotes, one line, no more of it than helps. Caller frees. */
char *lc_quoted(const lc_yaml *node);

/* A key that a map may have; `value` and `key` are found by lc_read_fields. */
typedef struct {
    const char *name;
    const char *required; /* an example of what to write, where it must not be missing */
    const char *example;  /* of the first key, where no key is required */
    const lc_yaml *key, *value;
    bool misspelled; /* an unknown key is near */
} lc_map_key;

/* Finds the fields of a map that stands for `what`. False where it is no map. */
bool
lc_read_fields(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_map_key *fields, size_t n_fields);
/* True where it is a list. */
bool lc_read_list(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *example);
/* True where it is a map; `example` may be NULL then. */
bool lc_read_map(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *example);

/* Remembers a name in `seen` (lc_names_new); refuses one that is there already. */
bool lc_take_name(lc_document_reader *reader, GHashTable *seen, const lc_yaml *node, const char *what);
GHashTable *lc_names_new(void);

bool lc_read_text(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_text *text);
/* As text, but of 1 to 255 bytes in one line. */
bool lc_read_name(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_text *name);
bool lc_read_instant(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_instant *instant);
bool lc_read_duration(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_duration *duration,
                      bool *has_days);
bool lc_read_integer(lc_document_reader *reader, const lc_yaml *node, const char *what, int64_t least, int64_t most,
                     int64_t *number);
bool lc_read_boolean(lc_document_reader *reader, const lc_yaml *node, const char *what, bool *boolean);
bool lc_read_choice(lc_document_reader *reader, const lc_yaml *node, const char *what, const char *list,
                    const char *const *names, size_t n_names, int *choice);

/* "15:00", from 00:00 to 24:00, as minutes since midnight. */
bool lc_clock_time_parse(const char *text, int *minute);

/* NULL where the zone is none, or the node absent. */
lc_zone *lc_read_zone(lc_document_reader *reader, const lc_yaml *node, const char *what, lc_text *name);

void lc_read_destination(lc_document_reader *reader, const lc_yaml *route, const lc_yaml *track,
                         lc_destination *destination);
bool lc_read_stage_name(lc_document_reader *reader, const lc_yaml *node, int *stage);

/* ---- Parts of a document, each in a file of its own ---- */

void lc_read_calendars(lc_document_reader *reader, const lc_yaml *node);
/* Of a calendar: the days that are unlike others. */
void lc_read_days(lc_document_reader *reader, const lc_yaml *holidays, const lc_yaml *holidays_from,
                  const lc_yaml *special_days, lc_named_calendar *named);
lc_day_windows lc_read_windows(lc_document_reader *reader, const lc_yaml *node);
/* What will be lacking soon. */
void lc_remark_holidays(const lc_document *document, lc_instant now, lc_problems *oddities);
/* Once all clocks are read. */
void lc_remark_unused_calendars(lc_document_reader *reader);
const lc_condition *lc_read_condition(lc_document_reader *reader, const lc_yaml *node);
void lc_read_rules(lc_document_reader *reader, const lc_yaml *node);
void lc_read_gates(lc_document_reader *reader, const lc_yaml *node);

/* The index in document->calendars; that of `always` where the node is absent or wrong. */
int lc_find_calendar(lc_document_reader *reader, const lc_yaml *node);
#define LC_MOST_ESCALATIONS 100

/* The fields that every clock has. */
typedef struct {
    const char *name;         /* the clock's */
    const lc_map_key *target; /* its `within`, `late` or `after` */
    const lc_yaml *warn, *escalate, *calendar;
} lc_clock_fields;

void lc_read_clock(lc_document_reader *reader, const lc_clock_fields *fields, lc_clock_rule *clock);
/* Of the clock `again` of the next owners: `within`, where it is not that of `first`, with the rest of it (5.9). */
void lc_read_again_clock(lc_document_reader *reader, const lc_map_key *within, const lc_clock_rule *first,
                         lc_clock_rule *again);

/* ---- Conditions, also for `explain` and for what can never be reached ---- */

typedef struct {
    lc_text key;
    const lc_text *values;
    unsigned n_values;
} lc_attribute_condition;

typedef struct {
    bool negative;
    lc_text whole, fraction; /* no zeros in front of the one, none at the end of the other */
} lc_decimal;

/* "-?digits[.digits]"; false: it is none. It borrows from the text. */
bool lc_decimal_read(lc_text text, lc_decimal *decimal);

typedef struct {
    lc_text key;
    lc_text bound;    /* a decimal number */
    lc_decimal least; /* the same, read */
} lc_bound_condition;

struct lc_condition {
    bool any;
    const lc_text *channels;
    unsigned n_channels; /* 0: whatever channel */
    const lc_attribute_condition *attributes;
    unsigned n_attributes;
    const lc_bound_condition *bounds;
    unsigned n_bounds;
};

/* Whether `general` surely holds wherever `special` does. */
bool lc_condition_covers(const lc_condition *general, const lc_condition *special);

typedef enum {
    LC_REACHED,
    LC_SHADOWED,  /* the rules before take every lead for which it holds */
    LC_IMPOSSIBLE /* there is no lead for which it holds */
} lc_reach;

/* Whether a condition is ever asked behind `n` earlier rules and then holds. Where that takes too long: LC_REACHED. */
lc_reach lc_condition_reach(const lc_condition *condition, const lc_rule *earlier, unsigned n);

/* Appends what the document promises; `previous` and `next` are those around it in time, or NULL. */
void lc_explain_document(const lc_document *document, const lc_policy *previous, const lc_policy *next, GString *text);
