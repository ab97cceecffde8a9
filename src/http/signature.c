/* signature.c - HMAC-SHA256 as Standard Webhooks and X-Hub-Signature-256 use it. */
#include <leadclock/http.h>
#include <leadclock/text.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

#define SECRET_PREFIX "whsec_"
#define VERSION_PREFIX "v1,"
#define HUB_PREFIX "sha256="
/* Of a secret after whsec_, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
 */
#define MIN_KEY_BYTES 24
#define MAX_KEY_BYTES 64

/* ---- Keys ---- */

GBytes *
lc_signing_key(const char *secret, GError **error)
{
    if (*secret == '\0') {
        g_set_error_literal(error, LC_ERROR, LC_ERROR_CONFIG, "is empty; write a secret");
        return NULL;
    }
    if (!g_str_has_prefix(secret, SECRET_PREFIX))
        return g_bytes_new(secret, strlen(secret));
    g_autoptr(GBytes) key = lc_base64_read(secret + strlen(SECRET_PREFIX));
    if (key && g_bytes_get_size(key) >= MIN_KEY_BYTES && g_bytes_get_size(key) <= MAX_KEY_BYTES)
        return g_steal_pointer(&key);
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG,
                "begins with " SECRET_PREFIX " and is no base64 of %d to %d bytes after it", MIN_KEY_BYTES,
                MAX_KEY_BYTES);
    return NULL;
}

bool
lc_secret_equal(lc_text one, lc_text other)
{
    return one.size == other.size && memeql_sec(one.data, other.data, one.size);
}

static void
start_hmac(struct hmac_sha256_ctx *context, GBytes *key)
{
    gsize size;
    const uint8_t *bytes = g_bytes_get_data(key, &size);
    hmac_sha256_set_key(context, size, bytes);
}

static void
add(struct hmac_sha256_ctx *context, lc_text text)
{
    hmac_sha256_update(context, text.size, (const uint8_t *)text.data);
}

/* ---- Standard Webhooks: of "ID.TIMESTAMP.BODY" ---- */

static char *
webhook_signature(GBytes *key, const char *id, const char *timestamp, lc_text body)
{
    struct hmac_sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    start_hmac(&context, key);
    add(&context, lc_text_of(id));
    add(&context, LC_TEXT("."));
    add(&context, lc_text_of(timestamp));
    add(&context, LC_TEXT("."));
    add(&context, body);
    hmac_sha256_digest(&context, sizeof digest, digest);
    g_autofree char *text = g_base64_encode(digest, sizeof digest);
    return g_strconcat(VERSION_PREFIX, text, NULL);
}

char *
lc_webhook_signature(GBytes *key, const char *id, int64_t timestamp, lc_text body)
{
    return webhook_signature(key, id, LC_NUMBER(timestamp), body);
}

static bool
is_recent(const char *timestamp, lc_instant now)
{
    gint64 seconds;
    if (!g_ascii_string_to_signed(timestamp, 10, 0, INT64_MAX / LC_SECOND, &seconds, NULL))
        return false;
    return ABS(now - seconds * LC_SECOND) <= LC_WEBHOOK_TOLERANCE;
}

bool
lc_webhook_is_signed(GBytes *key, const lc_webhook_headers *headers, lc_text body, lc_instant now)
{
    bool any = false;
    if (headers->id == NULL || headers->timestamp == NULL || headers->signature == NULL ||
        !is_recent(headers->timestamp, now))
        return false;
    g_autofree char *right = webhook_signature(key, headers->id, headers->timestamp, body);
    g_auto(GStrv) given = g_strsplit(headers->signature, " ", -1);
    for (char **signature = given; *signature; signature++)
        any |= lc_secret_equal(lc_text_of(right), lc_text_of(*signature));
    return any;
}

/* ---- X-Hub-Signature-256: of the body ---- */

char *
lc_hub_signature(GBytes *key, lc_text body)
{
    struct hmac_sha256_ctx context;
    uint8_t digest[SHA256_DIGEST_SIZE];
    GString *text = g_string_new(HUB_PREFIX);
    start_hmac(&context, key);
    add(&context, body);
    hmac_sha256_digest(&context, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++)
        g_string_append_printf(text, "%02x", digest[i]);
    return g_string_free(text, FALSE);
}

bool
lc_hub_is_signed(GBytes *key, const char *signature, lc_text body)
{
    if (signature == NULL)
        return false;
    g_autofree char *right = lc_hub_signature(key, body), *given = g_ascii_strdown(signature, -1);
    return lc_secret_equal(lc_text_of(right), lc_text_of(given));
}
