/* Rules 6.1 and 6.2: the identity of an outcome and its place among others. */
#include "outcome.h"

static bool
has_clock(const lc_finding *finding)
{
    return finding->type <= LC_OUTCOME_BREACH_ENDED;
}

static lc_text
clock_of(const lc_finding *finding)
{
    return has_clock(finding) ? finding->clock_name : LC_NO_TEXT;
}

static lc_text
label_of(const lc_finding *finding)
{
    return finding->type == LC_OUTCOME_WARNING ? finding->warning->label : LC_NO_TEXT;
}

/* The instant that is part of its identity. */
static lc_instant
stamp_of(const lc_cycle *cycle, const lc_finding *finding)
{
    return finding->type == LC_OUTCOME_SETTLED ? cycle->handoff_at : finding->occurred_at;
}

static inline bool
same_text(lc_text a, lc_text b)
{
    return (a.data == b.data && a.size == b.size) || lc_text_equal(a, b);
}

bool
lc_finding_same(const lc_cycle *cycle, const lc_finding *finding, const lc_cycle *other_cycle, const lc_finding *other)
{
    if (finding->type != other->type || stamp_of(cycle, finding) != stamp_of(other_cycle, other) ||
        finding->early != other->early)
        return false;
    if (finding->type == LC_OUTCOME_ROUTED)
        return finding->by == other->by;
    return same_text(clock_of(finding), clock_of(other)) && same_text(label_of(finding), label_of(other));
}

/* ---- UUIDs (RFC 4122, version 5) ---- */

static const uint8_t namespace[16] = {0x5b, 0x0c, 0x1f, 0x0e, 0x6a, 0x43, 0x5c, 0x7e,
                                      0x9a, 0x51, 0x6c, 0x65, 0x61, 0x64, 0x63, 0x6b};

/* The algorithm is looked up once: that takes longer than a digest does. */
void
lc_namer_init(lc_namer *namer)
{
    *namer = (lc_namer){
        .sha1 = EVP_MD_fetch(NULL, "SHA1", NULL),
        .digest = EVP_MD_CTX_new(),
        .text = g_string_new(NULL),
    };
    if (!namer->sha1 || !EVP_DigestInit_ex2(namer->digest, namer->sha1, NULL))
        g_error("libcrypto has no SHA-1 to make event ids with; is its default provider turned off in openssl.cnf?");
}

void
lc_namer_clear(lc_namer *namer)
{
    EVP_MD_CTX_free(namer->digest);
    EVP_MD_free(namer->sha1);
    g_string_free(namer->text, TRUE);
}

static lc_uuid
name_text(lc_namer *namer)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    lc_uuid uuid;
    bool made = EVP_DigestInit_ex2(namer->digest, namer->sha1, NULL) &&
                EVP_DigestUpdate(namer->digest, namespace, sizeof namespace) &&
                EVP_DigestUpdate(namer->digest, namer->text->str, namer->text->len) &&
                EVP_DigestFinal_ex(namer->digest, digest, NULL);

    g_assert(made);
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x50);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

/* g_string_append_printf would take a third of the time that an identity takes. */
static void
append_number(GString *text, int64_t number)
{
    char digits[24], *at = digits + sizeof digits;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

    do {
        *--at = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (number < 0)
        *--at = '-';
    g_string_append_len(text, at, digits + sizeof digits - at);
}

static void
append_key(GString *text, lc_outcome_type type, const lc_finding *finding)
{
    lc_text clock = type <= LC_OUTCOME_BREACH_ENDED ? finding->clock_name : LC_NO_TEXT;

    g_string_append_len(text, clock.data ? clock.data : "", (gssize)clock.size);
    if (type == LC_OUTCOME_WARNING) {
        g_string_append_c(text, '@');
        g_string_append_len(text, finding->warning->label.data, (gssize)finding->warning->label.size);
    } else if (type == LC_OUTCOME_BREACHED && finding->early) {
        g_string_append(text, ":early");
    } else if (type == LC_OUTCOME_CLAWED_BACK) {
        g_string_append(text, "clawback");
    } else if (type == LC_OUTCOME_ROUTED) {
        g_string_append(text, lc_cause_name((lc_cause)finding->by));
    }
}

static lc_uuid
name_finding(const lc_entry *entry, lc_outcome_type type, lc_instant at, lc_namer *namer)
{
    GString *text = namer->text;

    g_string_assign(text, lc_outcome_type_name(type));
    g_string_append_c(text, '/');
    append_number(text, entry->number);
    g_string_append_c(text, '/');
    append_key(text, type, entry->finding);
    g_string_append_c(text, '/');
    append_number(text, at);
    g_string_append_c(text, '/');
    g_string_append_len(text, namer->lead_id.data, (gssize)namer->lead_id.size);
    return name_text(namer);
}

void
lc_entry_name(lc_entry *entry, lc_namer *namer)
{
    entry->id = name_finding(entry, entry->finding->type, stamp_of(entry->cycle, entry->finding), namer);
}

lc_uuid
lc_breach_id(const lc_entry *entry, lc_namer *namer)
{
    return name_finding(entry, LC_OUTCOME_BREACHED, entry->finding->due_at, namer);
}

lc_uuid
lc_retraction_id(const lc_uuid *retracted, lc_namer *namer)
{
    char id[LC_UUID_TEXT_BYTES];

    g_string_assign(namer->text, "Retracted/");
    g_string_append(namer->text, lc_uuid_format(retracted, id));
    return name_text(namer);
}

/* ---- Order ---- */

int
lc_entry_compare(const void *entry, const void *other, G_GNUC_UNUSED void *unused)
{
    const lc_entry *a = entry, *b = other;
    const lc_finding *x = a->finding, *y = b->finding;
    int order;

    if (x->occurred_at != y->occurred_at)
        return x->occurred_at < y->occurred_at ? -1 : 1;
    if (x->type != y->type)
        return x->type < y->type ? -1 : 1;
    if (a->number != b->number)
        return a->number < b->number ? -1 : 1;
    if ((order = lc_text_compare(clock_of(x), clock_of(y))) != 0)
        return order;
    if ((order = lc_text_compare(label_of(x), label_of(y))) != 0)
        return order;
    return memcmp(a->id.bytes, b->id.bytes, sizeof a->id.bytes);
}
