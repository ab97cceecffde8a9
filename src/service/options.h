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
    OPTION_SECRETS,  /* the same, but its values are never shown */
    OPTION_WEBHOOKS  /* GArray *: a list of mappings, whose keys have a table of their own */
} lc_option_kind;

typedef struct {
    const char *key; /* "kafka.brokers" */
    lc_option_kind kind;
    const char *fallback; /* the default as `--set` would give it; NULL: none */
    size_t offset;        /* in lc_config, or what the table is of */
    int64_t min, max;
    const char *const *choices;
    bool may_be_empty;                 /* a list */
    bool has_paths;                    /* a map, whose values are paths */
    char *(*check)(const char *value); /* what is wrong with a text, or an entry of a list; NULL: nothing */
    char *(*check_entry)(const char *name, const char *value); /* the same of a map's entry */
    const char *doc;
} lc_option;

extern const lc_option lc_options[];
extern const size_t lc_n_options;

/* Whether every key below it is an entry. */
bool lc_option_is_map(const lc_option *option);
/* The same of one of alert.webhooks: keys begin with "alert.webhooks.". */
extern const lc_option lc_webhook_options[];
extern const size_t lc_n_webhook_options;

/* The index of the option, or -1. */
int lc_option_find(const char *key);
/* Whose entry "MAP.NAME" is; NULL: of none. */
const lc_option *lc_option_find_map(const char *key);
/* Whether keys begin with `section` and a dot. */
bool lc_option_is_section(const char *section);

/* "1h30m", "50ms", "0s": digits with ms, s, m, h, d or w, which may follow each other; at most 100 years. */
bool lc_parse_config_duration(const char *text, lc_duration *duration);
/* The same text back; caller frees. */
char *lc_show_config_duration(lc_duration duration);

/* Checks `value` and stores a copy in `config`, or what the option's table is of. What is wrong and what to do, without
 * the key; NULL: taken. Caller frees. `shown`: how the value may be quoted. */
char *lc_option_set(const lc_option *option, void *config, const char *value, const char *shown);
/* The same for lists and maps, whose texts are handed over. */
void lc_option_set_texts(const lc_option *option, void *config, char **texts);
/* What the entries of a list are. */
const char *lc_option_item(const lc_option *option);
/* Frees what the options of a table own. */
void lc_options_clear(const lc_option *options, size_t n, void *config);

/* ---- Checks that several tables use ---- */

char *lc_check_name(const char *value);
/* http:// or https://, without a user or password. */
char *lc_check_http_url(const char *value);
/* What is wrong with a secret to sign with; NULL: nothing. */
char *lc_check_signing_secret(const char *value);
/* A label of Prometheus, and its value. */
char *lc_check_label(const char *name, const char *value);
char *lc_check_group_by(const char *value);
/* One of `names`, of which each is `what`. */
char *lc_check_among(const char *value, const char *const *names, const char *what);
/* A redis.url. */
char *lc_check_redis_url(const char *value);
