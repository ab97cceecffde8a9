/* options.h - the table of configuration keys: defaults, checks, `--set` and the reference are all made from it. */
#pragma once

#include <leadclock/service.h>

typedef enum {
    OPTION_TEXT,     /* char * */
    OPTION_SECRET,   /* char *: its value is never shown */
    OPTION_COUNT,    /* unsigned, from min to max */
    OPTION_DURATION, /* lc_duration, from min to max */
    OPTION_CHOICE,   /* char *: one of choices */
    OPTION_SWITCH,   /* bool: true for the first of two choices */
    OPTION_LIST,     /* char **: a list of texts */
    OPTION_MAP,      /* char **: name, value, ...: every key below it is an entry */
    OPTION_SECRETS   /* the same, but its values are never shown */
} lc_option_kind;

typedef struct {
    const char *key; /* "kafka.brokers" */
    lc_option_kind kind;
    const char *fallback; /* the default as `--set` would give it; NULL: none */
    size_t offset;        /* in lc_config */
    int64_t min, max;
    const char *const *choices;
    bool may_be_empty;                 /* a list */
    char *(*check)(const char *value); /* what is wrong with a text, or an entry of a list; NULL: nothing */
    char *(*check_entry)(const char *name, const char *value); /* the same of a map's entry */
    const char *doc;
} lc_option;

extern const lc_option lc_options[];
extern const size_t lc_n_options;

/* Whether every key below it is an entry. */
bool lc_option_is_map(const lc_option *option);
/* The index of the option, or -1. */
int lc_option_find(const char *key);
/* Whether keys begin with `section` and a dot. */
bool lc_option_is_section(const char *section);

/* "1h30m", "50ms", "0s": digits with ms, s, m, h, d or w, which may follow each other; at most 100 years. */
bool lc_parse_config_duration(const char *text, lc_duration *duration);
/* The same text back; caller frees. */
char *lc_show_config_duration(lc_duration duration);

/* Checks `value` and stores a copy in `config`. What is wrong and what to do, without the key; NULL: taken. Caller
 * frees. `shown`: how the value may be quoted. */
char *lc_option_set(const lc_option *option, lc_config *config, const char *value, const char *shown);
/* The same for lists and maps, whose texts are handed over. */
void lc_option_set_texts(const lc_option *option, lc_config *config, char **texts);

/* What is wrong with a redis.url; NULL: nothing. */
char *lc_check_redis_url(const char *value);
