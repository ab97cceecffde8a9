/* guard.c - who may send: tokens and signatures. */
#include <leadclock/ingest.h>

#include <nettle/sha2.h>

#define SCHEME "Bearer "

typedef struct {
    uint8_t digest[SHA256_DIGEST_SIZE];
} token;

/* Of a token only the digest is kept and compared: digests are of one length, and tell nothing by where they differ. */
struct lc_guard {
    GArray *tokens;  /* token */
    GPtrArray *keys; /* GBytes */
};

static token
digest_of(lc_text text)
{
    token of;
    struct sha256_ctx context;
    sha256_init(&context);
    sha256_update(&context, text.size, (const uint8_t *)text.data);
    sha256_digest(&context, sizeof of.digest, of.digest);
    return of;
}

static bool
add_key(lc_guard *guard, const char *name, const char *secret, GError **error)
{
    g_autoptr(GError) problem = NULL;
    GBytes *key = lc_signing_key(secret, &problem);
    if (key)
        g_ptr_array_add(guard->keys, key);
    else
        g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "ingest.secrets.%s %s", name, problem->message);
    return key != NULL;
}

lc_guard *
lc_guard_new(const char *const *tokens, const char *const *secrets, GError **error)
{
    g_autoptr(lc_guard) guard = g_new0(lc_guard, 1);
    guard->tokens = g_array_new(FALSE, FALSE, sizeof(token));
    guard->keys = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (; tokens && tokens[0]; tokens += 2) {
        token of = digest_of(lc_text_of(tokens[1]));
        g_array_append_val(guard->tokens, of);
    }
    for (; secrets && secrets[0]; secrets += 2)
        if (!add_key(guard, secrets[0], secrets[1], error))
            return NULL;
    return g_steal_pointer(&guard);
}

void
lc_guard_free(lc_guard *guard)
{
    if (guard == NULL)
        return;
    g_array_unref(guard->tokens);
    g_ptr_array_unref(guard->keys);
    g_free(guard);
}

bool
lc_guard_is_open(const lc_guard *guard)
{
    return guard->tokens->len == 0 && guard->keys->len == 0;
}

bool
lc_guard_has_secrets(const lc_guard *guard)
{
    return guard->keys->len > 0;
}

/* All are compared, whichever it is. */
bool
lc_guard_knows_token(const lc_guard *guard, const char *authorization)
{
    bool is_known = false;
    if (authorization == NULL || g_ascii_strncasecmp(authorization, SCHEME, strlen(SCHEME)) != 0)
        return false;
    token given = digest_of(lc_text_of(authorization + strlen(SCHEME)));
    for (guint i = 0; i < guard->tokens->len; i++) {
        const token *known = &g_array_index(guard->tokens, token, i);
        is_known |= lc_secret_equal((lc_text){(const char *)known->digest, sizeof known->digest},
                                    (lc_text){(const char *)given.digest, sizeof given.digest});
    }
    return is_known;
}

bool
lc_guard_knows_signature(const lc_guard *guard, const lc_webhook_headers *webhook, const char *hub, lc_text body,
                         lc_instant now)
{
    bool is_known = false;
    for (guint i = 0; i < guard->keys->len; i++)
        is_known |= lc_webhook_is_signed(guard->keys->pdata[i], webhook, body, now) ||
                    lc_hub_is_signed(guard->keys->pdata[i], hub, body);
    return is_known;
}
