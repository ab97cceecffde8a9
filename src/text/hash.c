/* hash.c - the keys of the hash of texts, and what GHashTable wants of it. */
#include <leadclock/text.h>

#include <sys/random.h>

uint64_t lc_text_hash_keys[2];

/* A key that is even loses bits, and one that is 0 all. */
static void
mend_keys(void)
{
    lc_text_hash_keys[1] |= 1;
}

void
lc_text_hash_set_keys(uint64_t seed)
{
    lc_text_hash_keys[0] = seed * 0x9e3779b97f4a7c15u;
    lc_text_hash_keys[1] = (seed + 1) * 0xbf58476d1ce4e5b9u;
    mend_keys();
}

/* Before main(), so that no table is ever made without. Early at boot the kernel may have none yet, and is waited for.
 */
__attribute__((constructor)) static void
take_keys_from_kernel(void)
{
    if (getrandom(lc_text_hash_keys, sizeof lc_text_hash_keys, 0) != (ssize_t)sizeof lc_text_hash_keys)
        g_error("the kernel gives no random numbers (getrandom)");
    mend_keys();
}

guint
lc_text_key_hash(gconstpointer text)
{
    return (guint)lc_text_hash(0, *(const lc_text *)text);
}

gboolean
lc_text_key_equal(gconstpointer text, gconstpointer other)
{
    return lc_text_equal(*(const lc_text *)text, *(const lc_text *)other);
}

guint
lc_string_key_hash(gconstpointer string)
{
    return (guint)lc_text_hash(0, lc_text_of(string));
}
