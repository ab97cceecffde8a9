/* ingest.h - facts by HTTP: all of a request is checked, published, and answered once all replicas have it.
 *
 * Uses codec, http, registry, service and the producer of kafka.h. Keeps nothing: who gets no 202 sends again. */
#pragma once

#include <leadclock/codec.h>
#include <leadclock/http.h>
#include <leadclock/kafka.h>
#include <leadclock/registry.h>

/* ---- Where facts go, and as what; `publish` uses it too ---- */

typedef struct {
    char *topics[LC_FACT_TYPES]; /* NULL: none for this type */
    uint32_t ids[LC_FACT_TYPES]; /* of the schemas, once registered */
} lc_inputs;

/* "LeadCreated" goes to the topic whose name ends with "created", LeadResumed where LeadPaused goes, and all to the
 * only one where there is one. */
void lc_inputs_choose(lc_inputs *inputs, const char *const *topics);
void lc_inputs_clear(lc_inputs *inputs);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_inputs, lc_inputs_clear)

/* lc_registry_register, or what asks it patiently. */
typedef bool (*lc_inputs_ask)(lc_registry *registry, const lc_registry_entry *entries, size_t n, uint32_t *ids,
                              GError **error);
/* Subjects by TopicRecordNameStrategy. */
bool lc_inputs_register(lc_inputs *inputs, lc_registry *registry, lc_inputs_ask ask, GError **error);

/* Appends the framed record. LC_ERROR_RECORD: there is no topic for its type, or it is too large. */
bool lc_inputs_encode(const lc_inputs *inputs, GByteArray *out, lc_text lead_id, const lc_fact *fact, GError **error);

/* ---- Who may send ---- */

typedef struct lc_guard lc_guard;

/* Both: name, value, ..., NULL. LC_ERROR_CONFIG: a secret that is none. */
lc_guard *lc_guard_new(const char *const *tokens, const char *const *secrets, GError **error);
void lc_guard_free(lc_guard *guard);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_guard, lc_guard_free)

/* It has neither tokens nor secrets: everybody may. */
bool lc_guard_is_open(const lc_guard *guard);
/* "Bearer TOKEN" or NULL. */
bool lc_guard_knows_token(const lc_guard *guard, const char *authorization);
bool lc_guard_has_secrets(const lc_guard *guard);
/* `webhook` as it came, `hub` X-Hub-Signature-256 or NULL. */
bool lc_guard_knows_signature(const lc_guard *guard, const lc_webhook_headers *webhook, const char *hub, lc_text body,
                              lc_instant now);

/* ---- What a request holds ---- */

typedef enum {
    LC_FORM_UNKNOWN,
    LC_FORM_JSON,   /* one fact, or an array of facts */
    LC_FORM_LINES,  /* JSON Lines */
    LC_FORM_EVENT,  /* a CloudEvent, structured */
    LC_FORM_EVENTS, /* an array of them */
    LC_FORM_BINARY  /* a CloudEvent whose attributes are headers, ce-..., and whose data is the body */
} lc_form;

/* By Content-Type (NULL: none); `has_headers`: there is a header ce-specversion. */
lc_form lc_form_of(const char *content_type, bool has_headers);

typedef struct {
    lc_fact_type type;
    size_t key_at, key_size, at, size; /* in `bytes` */
} lc_parcel_record;

typedef struct {
    size_t index;  /* of the fact, from 0; lines that are blank don't count */
    char *field;   /* NULL: none in particular */
    char *message; /* what is wrong, and what to do */
} lc_parcel_problem;

#define LC_PARCEL_PROBLEMS 100

/* The facts of a request as they are published; or what is wrong, at most LC_PARCEL_PROBLEMS. */
typedef struct {
    GByteArray *bytes;
    GArray *records;  /* lc_parcel_record */
    GArray *problems; /* lc_parcel_problem */
} lc_parcel;

void lc_parcel_init(lc_parcel *parcel);
void lc_parcel_clear(lc_parcel *parcel);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(lc_parcel, lc_parcel_clear)

/* Reads all of `body`. `stand_ins`: what the headers of LC_FORM_BINARY say, or NULL; `now` and `max_future` bound
 * occurred_at, as they will when the record is read. False: there are problems. */
bool lc_parcel_read(lc_parcel *parcel, lc_form form, lc_text body, const lc_stand_ins *stand_ins,
                    const lc_inputs *inputs, lc_instant now, lc_duration max_future);
/* {"problems":[{"index","field","message"}]} and a line's end. */
void lc_parcel_write_problems(const lc_parcel *parcel, GString *json);

/* ---- The service ---- */

typedef struct lc_ingest lc_ingest;

typedef struct {
    lc_kafka_options kafka;
    lc_registry *registry; /* borrowed; used by a thread of the service's own */
    const char *listen, *certificate, *key;
    const char *const *tokens, *const *secrets;
    unsigned threads, connections;
    size_t in_flight_bytes;
    lc_duration timeout, patience, max_future;
} lc_ingest_options;

/* All is borrowed. Waits for no server: until they are there, requests are answered 503. LC_ERROR_CONFIG: what is wrong
 * with the options; an address that others can reach and nothing to tell senders by, too. */
lc_ingest *lc_ingest_start(const lc_ingest_options *options, GError **error);
/* Why it can't go on: LC_ERROR_CONFIG, schemas that the registry refuses. False: it can. */
bool lc_ingest_failed(lc_ingest *ingest, GError **error);
/* Other senders from now on; both as lc_guard_new takes them. LC_ERROR_CONFIG: a secret that is none, or none at all
 * where there were some; then those from before are kept. */
bool lc_ingest_use_secrets(lc_ingest *ingest, const char *const *tokens, const char *const *secrets, GError **error);
/* Takes no more, answers what is under way, ends. */
void lc_ingest_stop(lc_ingest *ingest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_ingest, lc_ingest_stop)
