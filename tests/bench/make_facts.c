/* make_facts.c - a feed of lead facts as JSON Lines (section 9), as many as wanted, the same for the same seed.
 *
 * Leads are handed off at a steady pace; contacts and rejections fall on leads that came lately, most on the newest, or
 * on any lead of before. */
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_A_DAY ((int64_t)86400000)

typedef struct {
    uint64_t high, low;
} uuid;

typedef enum { CREATED, CONTACTED, REJECTED, PROGRESSED, ASSIGNED, TYPES } fact_type;

typedef struct {
    int64_t count, leads, start_ms, seed;
    double days;
    int channels;
    gboolean any_lead;
    char *mix_text;
    double mix[TYPES]; /* cumulative shares */
} options;

typedef struct {
    const options *o;
    uint64_t state;
    uuid *recent; /* ring of the last leads */
    int64_t n_recent, n_created;
} feed;

#define RECENT 16384

static const char *const channel_names[] = {"demo", "quote",    "webinar", "ads",
                                            "fair", "referral", "content", "partner"};
static const char *const segments[] = {"smb", "mid", "enterprise", "student", "unknown"};
static const char *const methods[] = {"CALL", "EMAIL", "MEETING", "MESSAGE"};
static const char *const reasons[] = {"not_ready", "student", "wrong_territory", "bad_contact_data", "no_budget"};
static const char *const stages[] = {"SAL", "SQL", "OPPORTUNITY", "WON", "LOST"};
static const char *const owners[] = {"ann", "bo", "cy", "dee", "eli", "fay", "gus", "hal"};

/* splitmix64 (Vigna, public domain). */
static uint64_t
next_random(feed *f)
{
    uint64_t z = f->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t
random_below(feed *f, uint64_t bound)
{
    return next_random(f) % bound;
}

#define PICK(f, list) ((list)[random_below((f), G_N_ELEMENTS(list))])

/* 0 to 1, 1 excluded. */
static double
random_share(feed *f)
{
    return (double)(next_random(f) >> 11) / 9007199254740992.0;
}

static uuid
random_uuid(feed *f)
{
    uint64_t high = next_random(f), low = next_random(f);
    return (uuid){(high & ~(uint64_t)0xf000) | 0x4000, (low & ~((uint64_t)3 << 62)) | ((uint64_t)1 << 63)};
}

static void
print_uuid(const char *key, uuid id)
{
    printf(", \"%s\": \"%08x-%04x-%04x-%04x-%012" G_GINT64_MODIFIER "x\"", key, (unsigned)(id.high >> 32),
           (unsigned)(id.high >> 16) & 0xffff, (unsigned)id.high & 0xffff, (unsigned)(id.low >> 48),
           id.low & 0xffffffffffff);
}

/* A new lead, or one of before where there are as many as wanted. */
static uuid
created_lead(feed *f)
{
    uint64_t known = (uint64_t)MIN(f->n_created, f->n_recent);
    uuid id = f->n_created < f->o->leads ? random_uuid(f) : f->recent[random_below(f, known)];
    f->recent[f->n_created++ % f->n_recent] = id;
    return id;
}

/* Squaring the share makes the newest the likeliest. */
static uuid
earlier_lead(feed *f)
{
    double share = random_share(f);
    double reach = (double)MIN(f->n_created, f->n_recent);
    int64_t back = (int64_t)(f->o->any_lead ? share * reach : share * share * reach);
    return f->recent[(f->n_created - 1 - back) % f->n_recent];
}

static fact_type
random_type(feed *f)
{
    double share = random_share(f);
    fact_type type = CREATED;
    while (type + 1 < TYPES && share >= f->o->mix[type])
        type++;
    return f->n_created ? type : CREATED;
}

static void
print_own_fields(feed *f, fact_type type)
{
    switch (type) {
    case CREATED:
        printf(", \"channel\": \"%s\", \"attributes\": {\"segment\": \"%s\", \"employees\": \"%u\"}",
               channel_names[random_below(f, (uint64_t)f->o->channels)], PICK(f, segments),
               (unsigned)random_below(f, 1000));
        if (random_below(f, 2))
            printf(", \"owner\": \"%s\"", PICK(f, owners));
        break;
    case CONTACTED:
        printf(", \"method\": \"%s\", \"owner\": \"%s\", \"outcome\": \"%s\"", PICK(f, methods), PICK(f, owners),
               random_below(f, 5) < 2 ? "CONNECTED" : "ATTEMPTED");
        break;
    case REJECTED:
        printf(", \"reason\": \"%s\", \"owner\": \"%s\"", PICK(f, reasons), PICK(f, owners));
        break;
    case PROGRESSED:
        printf(", \"stage\": \"%s\"", PICK(f, stages));
        break;
    default:
        printf(", \"owner\": \"%s\"", PICK(f, owners));
        break;
    }
}

static void
print_fact(feed *f, int64_t occurred_at)
{
    static const char *const names[] = {"LeadCreated", "LeadContacted", "LeadRejected", "LeadProgressed",
                                        "LeadAssigned"};
    fact_type type = random_type(f);
    printf("{\"type\": \"%s\"", names[type]);
    print_uuid("lead_id", type == CREATED ? created_lead(f) : earlier_lead(f));
    print_uuid("event_id", random_uuid(f));
    printf(", \"occurred_at\": %" G_GINT64_FORMAT, occurred_at);
    print_own_fields(f, type);
    fputs("}\n", stdout);
}

static bool
read_mix(options *o)
{
    g_auto(GStrv) parts = g_strsplit(o->mix_text, ",", -1);
    double sum = 0;
    if (g_strv_length(parts) > TYPES)
        return false;
    for (guint i = 0, n = g_strv_length(parts); i < TYPES; i++)
        o->mix[i] = sum += i < n ? g_ascii_strtod(parts[i], NULL) : 0;
    for (guint i = 0; sum > 0 && i < TYPES; i++)
        o->mix[i] /= sum;
    return sum > 0;
}

static bool
parse_options(int argc, char **argv, options *o, GError **error)
{
    const GOptionEntry entries[] = {
        {"count", 'n', 0, G_OPTION_ARG_INT64, &o->count, "Facts (default 1000000)", "N"},
        {"leads", 'l', 0, G_OPTION_ARG_INT64, &o->leads, "Leads at most; after that, old ones are handed off again",
         "N"},
        {"mix", 'm', 0, G_OPTION_ARG_STRING, &o->mix_text,
         "Shares of created, contacted, rejected, progressed, assigned (default 60,35,5)", "C,K,R,P,A"},
        {"any-lead", 'a', 0, G_OPTION_ARG_NONE, &o->any_lead,
         "Contacts and the like fall on any lead of before (default: on late ones, mostly the newest)", NULL},
        {"channels", 'c', 0, G_OPTION_ARG_INT, &o->channels, "Channels, 1 to 8 (default 5)", "N"},
        {"start", 0, 0, G_OPTION_ARG_INT64, &o->start_ms, "When the first occurs, in Unix ms (default 2026-01-05)",
         "MS"},
        {"days", 'd', 0, G_OPTION_ARG_DOUBLE, &o->days, "Over how many days (default 30)", "D"},
        {"seed", 's', 0, G_OPTION_ARG_INT64, &o->seed, "Another feed (default 1)", "N"},
        {NULL},
    };
    g_autoptr(GOptionContext) context = g_option_context_new("- a feed of lead facts as JSON Lines");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, error))
        return false;
    if (argc == 1 && o->count >= 0 && o->leads > 0 && o->channels >= 1 && o->channels <= 8 && o->days > 0 &&
        read_mix(o))
        return true;
    g_set_error_literal(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "an option is out of its range; see --help");
    return false;
}

int
main(int argc, char **argv)
{
    options o = {.count = 1000000,
                 .leads = INT64_MAX,
                 .start_ms = 1767571200000,
                 .seed = 1,
                 .days = 30,
                 .channels = 5,
                 .mix_text = g_strdup("60,35,5")};
    g_autoptr(GError) error = NULL;
    if (!parse_options(argc, argv, &o, &error)) {
        fprintf(stderr, "make-facts: %s\n", error->message);
        return 2;
    }
    feed f = {.o = &o, .state = (uint64_t)o.seed, .n_recent = o.any_lead ? MAX(o.count, 1) : RECENT};
    f.recent = g_new(uuid, (gsize)f.n_recent);
    double step = o.days * (double)MS_A_DAY / (double)MAX(o.count, 1);
    for (int64_t i = 0; i < o.count; i++)
        print_fact(&f, o.start_ms + (int64_t)((double)i * step));
    g_free(f.recent);
    g_free(o.mix_text);
    return fflush(stdout) == 0 ? 0 : 1;
}
