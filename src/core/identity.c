/* Rules 6.1 and 6.2: the identity of an outcome and its place among others. */
#include "outcome.h"

#include <leadclock/text.h>

#include <nettle/version.h>

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
    return finding->type == LC_OUTCOME_WARNING     ? finding->warning->label
           : finding->type == LC_OUTCOME_ESCALATED ? finding->breach.escalation->label
                                                   : LC_NO_TEXT;
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

/* Of a text without the names of a clock, a warning and a lead: two numbers, the longest names of a type and a cause, a
 * UUID. */
enum { MOST_FIXED_BYTES = 128 };

void
lc_namer_init(lc_namer *namer)
{
    *namer = (lc_namer){.text = g_string_new_len((const char *)namespace, sizeof namespace)};
    sha1_init(&namer->sha1);
}

void
lc_namer_clear(lc_namer *namer)
{
    g_string_free(namer->text, TRUE);
}

/* ---- Text: put piece by piece into room that is there ---- */

/* Behind the namespace, for that many bytes at most. Where it begins. */
static char *
begin_text(lc_namer *namer, size_t most_bytes)
{
    g_string_set_size(namer->text, sizeof namespace + most_bytes);
    return namer->text->str + sizeof namespace;
}

static char *
put(char *to, lc_text text)
{
    if (text.size)
        memcpy(to, text.data, text.size);
    return to + text.size;
}

static lc_uuid
name_text(lc_namer *namer, const char *end)
{
    uint8_t digest[SHA1_DIGEST_SIZE];
    lc_uuid uuid;

    sha1_update(&namer->sha1, (size_t)(end - namer->text->str), (const uint8_t *)namer->text->str);
#if NETTLE_VERSION_MAJOR >= 4
    sha1_digest(&namer->sha1, digest);
#else
    sha1_digest(&namer->sha1, sizeof digest, digest);
#endif
    memcpy(uuid.bytes, digest, sizeof uuid.bytes);
    uuid.bytes[6] = (uint8_t)((uuid.bytes[6] & 0x0f) | 0x50);
    uuid.bytes[8] = (uint8_t)((uuid.bytes[8] & 0x3f) | 0x80);
    return uuid;
}

/* ---- Identities (6.1) ---- */

static char *
put_key(char *to, lc_outcome_type type, const lc_finding *finding)
{
    if (type <= LC_OUTCOME_BREACH_ENDED)
        to = put(to, finding->clock_name);
    if (type == LC_OUTCOME_WARNING || type == LC_OUTCOME_ESCALATED) {
        *to++ = '@';
        return put(to, label_of(finding));
    }
    if (type == LC_OUTCOME_BREACHED && finding->early)
        return put(to, LC_TEXT(":early"));
    if (type == LC_OUTCOME_CLAWED_BACK)
        return put(to, LC_TEXT("clawback"));
    if (type == LC_OUTCOME_ROUTED)
        return put(to, lc_text_of(lc_cause_name((lc_cause)finding->by)));
    return to;
}

static lc_uuid
name_finding(const lc_entry *entry, lc_outcome_type type, lc_instant at, lc_namer *namer)
{
    const lc_finding *finding = entry->finding;
    char *to =
        begin_text(namer, MOST_FIXED_BYTES + clock_of(finding).size + label_of(finding).size + namer->lead_id.size);

    to = put(to, lc_text_of(lc_outcome_type_name(type)));
    *to++ = '/';
    to = lc_put_number(to, entry->number);
    *to++ = '/';
    to = put_key(to, type, finding);
    *to++ = '/';
    to = lc_put_number(to, at);
    *to++ = '/';
    to = put(to, namer->lead_id);
    return name_text(namer, to);
}

lc_uuid
lc_cycle_id(uint32_t number, lc_instant handoff_at, lc_namer *namer)
{
    const lc_finding settled = {.type = LC_OUTCOME_SETTLED};

    return name_finding(&(lc_entry){.finding = &settled, .number = number}, LC_OUTCOME_SETTLED, handoff_at, namer);
}

void
lc_entry_name(lc_entry *entry, lc_namer *namer)
{
    entry->id = name_finding(entry, entry->finding->type, stamp_of(entry->cycle, entry->finding), namer);
}

lc_uuid
lc_breach_id(const lc_entry *entry, lc_namer *namer)
{
    return name_finding(entry, LC_OUTCOME_BREACHED, entry->finding->breach.breached_at, namer);
}

lc_uuid
lc_retraction_id(const lc_uuid *retracted, lc_namer *namer)
{
    char *to = begin_text(namer, MOST_FIXED_BYTES);

    to = put(to, LC_TEXT("Retracted/"));
    lc_uuid_format(retracted, to);
    return name_text(namer, to + LC_UUID_TEXT_BYTES - 1);
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
