/* facts.c - POST /facts: who sends, what it holds, its way to the brokers, its answer. */
#include "service.h"

#include <stdlib.h>

#define PLAIN "text/plain; charset=utf-8"
#define JSON "application/json"
#define TELL_EVERY_US (10 * G_USEC_PER_SEC)

/* A request whose facts are on their way. */
typedef struct {
    lc_ingest *ingest;
    lc_http_request *request;
    lc_parcel parcel;
    int left; /* atomic: records whose end is not told, and one for who sends them */
    GMutex lock;
    GError *failure; /* the first */
} shipment;

static void
refuse(lc_http_request *request, unsigned status, const char *text, const char *header, const char *value)
{
    const char *const headers[] = {header, value, NULL};
    lc_http_reply(request, status, PLAIN, lc_text_of(text), header ? headers : NULL);
}

/* ---- Before the body is read ---- */

static bool
is_signed(lc_http_request *request)
{
    return lc_http_header(request, "webhook-signature") || lc_http_header(request, "X-Hub-Signature-256");
}

static bool
is_trusted(lc_http_request *request, const lc_guard *guard)
{
    return lc_guard_is_open(guard) || lc_guard_knows_token(guard, lc_http_header(request, "Authorization"));
}

/* A signature can only be looked at when the body is here. */
static bool
may_send(lc_http_request *request, const lc_guard *guard)
{
    return is_trusted(request, guard) || (lc_guard_has_secrets(guard) && is_signed(request));
}

static void
refuse_sender(lc_http_request *request)
{
    refuse(request, 401, "send a token as \"Authorization: Bearer TOKEN\", or sign the body\n", "WWW-Authenticate",
           "Bearer");
}

static lc_form
form_of(lc_http_request *request)
{
    const char *encoding = lc_http_header(request, "Content-Encoding");
    if (encoding && g_ascii_strcasecmp(encoding, "identity") != 0)
        return LC_FORM_UNKNOWN;
    return lc_form_of(lc_http_header(request, "Content-Type"), lc_http_header(request, "ce-specversion") != NULL);
}

static void
refuse_form(lc_http_request *request)
{
    refuse(request, 415,
           "send application/json, application/x-ndjson, application/cloudevents+json or "
           "application/cloudevents-batch+json, in UTF-8 and not compressed\n",
           NULL, NULL);
}

static bool
refuse_unless_ready(lc_http_request *request, lc_ingest *ingest)
{
    g_autofree char *waiting_for = lc_ingest_waiting_for(ingest);
    if (waiting_for)
        refuse(request, 503, "facts can't be taken now; send it again later\n", "Retry-After", "2");
    return waiting_for != NULL;
}

void
lc_ingest_begin(lc_http_request *request, lc_ingest *ingest)
{
    if (strcmp(lc_http_method(request), "POST") != 0)
        refuse(request, 405, "only POST\n", "Allow", "POST");
    else if (!may_send(request, lc_ingest_guard(ingest)))
        refuse_sender(request);
    else if (form_of(request) == LC_FORM_UNKNOWN)
        refuse_form(request);
    else
        refuse_unless_ready(request, ingest);
}

/* ---- The way to the brokers ---- */

static void
free_shipment(shipment *of)
{
    lc_parcel_clear(&of->parcel);
    g_clear_error(&of->failure);
    g_mutex_clear(&of->lock);
    g_free(of);
}

static void
count_in_flight(lc_ingest *ingest, const shipment *of, int n)
{
    lc_ingest_tally *tally = &ingest->tally;
    g_mutex_lock(&ingest->lock);
    tally->in_flight_requests += n;
    tally->in_flight_facts += n * (int64_t)of->parcel.records->len;
    g_mutex_unlock(&ingest->lock);
}

static void
count_taken(lc_ingest *ingest, const shipment *of)
{
    g_mutex_lock(&ingest->lock);
    for (guint i = 0; i < of->parcel.records->len; i++)
        ingest->tally.facts[g_array_index(of->parcel.records, lc_parcel_record, i).type]++;
    g_mutex_unlock(&ingest->lock);
}

static void
log_failure(lc_ingest *ingest, const GError *failure)
{
    gint64 now_us = g_get_monotonic_time();
    g_mutex_lock(&ingest->lock);
    bool is_told = now_us - ingest->told_us < TELL_EVERY_US;
    if (!is_told)
        ingest->told_us = now_us;
    g_mutex_unlock(&ingest->lock);
    if (!is_told)
        g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "MESSAGE",
                         "facts were not taken, their senders were told: %s", failure->message);
}

/* Some of it may have been written: sent again, it changes nothing there. So no answer here says that it was not. */
static void
reply(shipment *of)
{
    g_autofree char *accepted = g_strdup_printf("{\"accepted\":%u}\n", of->parcel.records->len);
    if (of->failure == NULL)
        lc_http_reply(of->request, 202, JSON, lc_text_of(accepted), NULL);
    else if (g_error_matches(of->failure, LC_ERROR, LC_ERROR_CONFIG))
        refuse(of->request, 500, "the brokers don't take such a record; the log says why\n", NULL, NULL);
    else
        refuse(of->request, 503, "not all facts were acknowledged; send all of them again later\n", "Retry-After", "2");
}

static void
finish(shipment *of)
{
    count_in_flight(of->ingest, of, -1);
    if (of->failure)
        log_failure(of->ingest, of->failure);
    else
        count_taken(of->ingest, of);
    reply(of);
    free_shipment(of);
}

/* Of one of its records, or of the sender: has nothing more to do with it. */
static void
let_go(shipment *of)
{
    if (g_atomic_int_dec_and_test(&of->left))
        finish(of);
}

static void
keep_failure(shipment *of, const GError *failure)
{
    g_mutex_lock(&of->lock);
    if (of->failure == NULL)
        of->failure = g_error_copy(failure);
    g_mutex_unlock(&of->lock);
}

void
lc_ingest_on_sent(void *ticket, const GError *why)
{
    shipment *of = ticket;
    if (why)
        keep_failure(of, why);
    let_go(of);
}

static bool
send_record(shipment *of, const lc_parcel_record *record)
{
    g_autoptr(GError) error = NULL;
    const char *bytes = (const char *)of->parcel.bytes->data;
    g_atomic_int_inc(&of->left);
    if (lc_sender_send(of->ingest->sender, of->ingest->topic_of[record->type],
                       (lc_text){bytes + record->key_at, record->key_size}, (lc_text){bytes + record->at, record->size},
                       of, &error))
        return true;
    lc_ingest_on_sent(of, error);
    return false;
}

static void
ship(shipment *of)
{
    of->left = 1;
    count_in_flight(of->ingest, of, 1);
    for (guint i = 0; i < of->parcel.records->len; i++)
        if (!send_record(of, &g_array_index(of->parcel.records, lc_parcel_record, i)))
            break;
    let_go(of);
}

/* ---- When all is here ---- */

/* Of a CloudEvent in binary mode; percent-encoded (CloudEvents' HTTP binding, 3.1.3.2). */
static lc_text
event_header(lc_http_request *request, const char *name, lc_arena *arena)
{
    const char *value = lc_http_header(request, name);
    g_autofree char *text = value ? g_uri_unescape_string(value, NULL) : NULL;
    return lc_arena_text(arena, lc_text_of(text ? text : value));
}

static void
reply_problems(lc_http_request *request, const lc_parcel *parcel)
{
    g_autoptr(GString) json = g_string_new(NULL);
    lc_parcel_write_problems(parcel, json);
    lc_http_reply(request, 400, JSON, (lc_text){json->str, json->len}, NULL);
}

static bool
has_right_signature(lc_http_request *request, const lc_guard *guard)
{
    const lc_webhook_headers webhook = {lc_http_header(request, "webhook-id"),
                                        lc_http_header(request, "webhook-timestamp"),
                                        lc_http_header(request, "webhook-signature")};
    return lc_guard_knows_signature(guard, &webhook, lc_http_header(request, "X-Hub-Signature-256"),
                                    lc_http_body(request), g_get_real_time() / 1000);
}

static bool
read_parcel(lc_http_request *request, const lc_ingest *ingest, lc_parcel *parcel)
{
    lc_arena arena = {0};
    lc_form form = form_of(request);
    const lc_stand_ins event = {
        .type = event_header(request, "ce-type", &arena),
        .event_id = event_header(request, "ce-id", &arena),
        .occurred_at = event_header(request, "ce-time", &arena),
        .lead_id = event_header(request, "ce-subject", &arena),
    };
    bool ok = lc_parcel_read(parcel, form, lc_http_body(request), form == LC_FORM_BINARY ? &event : NULL,
                             &ingest->inputs, g_get_real_time() / 1000, ingest->options.max_future);
    lc_arena_clear(&arena);
    return ok;
}

void
lc_ingest_handle(lc_http_request *request, lc_ingest *ingest)
{
    bool is_by_token = is_trusted(request, lc_ingest_guard(ingest));
    if (!is_by_token && !has_right_signature(request, lc_ingest_guard(ingest))) {
        refuse_sender(request);
        return;
    }
    /* Whoever has one signed body could send it under any id. */
    if (!is_by_token && form_of(request) == LC_FORM_BINARY) {
        refuse(request, 401, "a signature covers no ce- headers: send the event in structured mode, or with a token\n",
               "WWW-Authenticate", "Bearer");
        return;
    }
    if (refuse_unless_ready(request, ingest))
        return;
    shipment *of = g_new0(shipment, 1);
    of->ingest = ingest;
    of->request = request;
    g_mutex_init(&of->lock);
    lc_parcel_init(&of->parcel);
    if (read_parcel(request, ingest, &of->parcel)) {
        ship(of);
    } else {
        reply_problems(request, &of->parcel);
        free_shipment(of);
    }
}
