/* text.h - texts as keys: the hash for what others choose; what was probably meant by a name that is none; UUIDs as
 * bytes; numbers; secrets as files hold them; and texts as a terminal shows them.
 *
 * No I/O but of files that hold secrets, which are read and never written.
 *
 * Publishers choose lead ids, event ids and attributes, and could choose a hundred thousand that all want one slot of a
 * table, if they knew the hash. They don't: it has two keys from the kernel, new in each process. So nothing that is
 * written or shown may depend on the order of a hash table. (Tables of names that only the operator or we ourselves
 * choose, of settings or members say, may have GLib's.) */
#pragma once

#include <leadclock/base.h>

/* Random from before main() on. */
extern uint64_t lc_text_hash_keys[2];

/* For the simulator, whose runs must be the same again. Before any table is made. */
void lc_text_hash_set_keys(uint64_t seed);

/* Both halves of the product: a difference of two factors can't be taken back by one of the next two, whoever doesn't
 * know the key. */
static inline uint64_t
lc_text_fold(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Up to 7 bytes, all of them. */
static inline uint64_t
lc_text_short_word(const char *data, size_t size)
{
    uint32_t first, last;
    if (size >= sizeof first) {
        memcpy(&first, data, sizeof first);
        memcpy(&last, data + size - sizeof last, sizeof last);
        return (uint64_t)first << 32 | last;
    }
    return size == 0 ? 0
                     : (uint64_t)(uint8_t)data[0] << 16 | (uint64_t)(uint8_t)data[size / 2] << 8 |
                           (uint64_t)(uint8_t)data[size - 1];
}

/* Goes on from `hash`, so that several texts make one; the first begins with any number. All of its bits are good. */
static inline uint64_t
lc_text_hash(uint64_t hash, lc_text text)
{
    uint64_t word;
    size_t at = 0;
    hash = lc_text_fold(hash ^ text.size ^ lc_text_hash_keys[0], lc_text_hash_keys[1]);
    for (; text.size - at >= sizeof word; at += sizeof word) {
        memcpy(&word, text.data + at, sizeof word);
        hash = lc_text_fold(hash ^ word, lc_text_hash_keys[1]);
    }
    if (at < text.size)
        hash = lc_text_fold(hash ^ lc_text_short_word(text.data + at, text.size - at), lc_text_hash_keys[1]);
    return hash;
}

/* ---- For GHashTable: of lc_text *, and of C strings ---- */

guint lc_text_key_hash(gconstpointer text);
gboolean lc_text_key_equal(gconstpointer text, gconstpointer other);
guint lc_string_key_hash(gconstpointer string);

/* ---- Names that are not known ---- */

/* The bytes of a byte order mark that a text begins with. */
size_t lc_byte_order_mark(const char *text, size_t size);

/* The one of `names` (NULL-terminated) that was probably meant by `name`, which is none of them: one that is near, or
 * that has more or less around it ("warning", "time_zone", "Monday"); NULL: none. */
const char *lc_nearest_name(const char *name, const char *const *names);
/* The same as "; did you mean \"NAME\"?"; empty: none. Caller frees. */
char *lc_did_you_mean(const char *name, const char *const *names);
/* How many letters must be added, removed, changed or swapped with their neighbour to make one of the other; case does
 * not count. */
unsigned lc_name_distance(const char *one, const char *other);

/* ---- Numbers ---- */

/* "00" to "99", two bytes each. */
extern const char lc_digit_pairs[];

/* In decimal, without NUL; returns what follows. All of LC_NUMBER_BYTES may be written over. */
char *lc_put_number(char *to, int64_t number);

/* ---- UUIDs ---- */

enum { LC_TEXT_UUID_BYTES = 16, LC_TEXT_UUID_SIZE = 36 };

/* The 16 bytes of a UUID in lower case, the one text that stands for them, so that it comes back as it was; false: it
 * is another text, and what `bytes` holds says nothing. */
bool lc_text_uuid(lc_text text, uint8_t *bytes);

/* ---- Secrets ---- */

/* The bytes that base64 stands for, with or without `=` at its end; NULL: it is none. Caller unrefs. */
GBytes *lc_base64_read(const char *text);

/* The secret that a file holds: all of it, without the end of its line; at most 4096 bytes. LC_ERROR_CONFIG: PATH, what
 * is wrong with it, and what to do. Caller frees with lc_secret_free, which overwrites it. */
char *lc_secret_read(const char *path, GError **error);
void lc_secret_free(char *secret);
/* Whether it can be read now, by who reads it later; `path` NULL: there is none. The error begins with `key`, which
 * names the file. */
bool lc_secret_check(const char *key, const char *path, GError **error);
/* Whether everybody on this machine may read it. */
bool lc_secret_is_public(const char *path);

/* ---- For a terminal ---- */

/* `n` characters of `text`, or up to its end; what would upset a terminal as '?'. Returns what follows. `out` may be
 * NULL. */
const char *lc_show_characters(GString *out, const char *text, int n);

/* The columns of a terminal that a text takes. */
int lc_text_columns(const char *text);
