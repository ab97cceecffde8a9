/* base.h - the words that every room uses: instants, durations, borrowed text, errors, an arena.
 *
 * Header only: it belongs to no room and uses GLib alone. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Unix milliseconds in UTC. */
typedef int64_t lc_instant;
/* Milliseconds. */
typedef int64_t lc_duration;

/* No instant given (an optional time that is absent). Earlier than any other. */
#define LC_ABSENT INT64_MIN
/* An instant that never comes. Later than any other. */
#define LC_NEVER INT64_MAX

#define LC_SECOND ((lc_duration)1000)
#define LC_MINUTE (60 * LC_SECOND)
#define LC_HOUR (60 * LC_MINUTE)
#define LC_DAY (24 * LC_HOUR)

/* Who can do something about an error. Callers switch on the code, never on the text. */
typedef enum {
    LC_ERROR_CONFIG, /* the operator: configuration, policy, usage. Exit code 2 */
    LC_ERROR_RECORD, /* the publisher: a record that is no valid fact. Dead letter */
    LC_ERROR_RETRY,  /* time: a server that does not answer. Back off and try again */
    LC_ERROR_ABORT,  /* this transaction: abort it and recover its partitions */
    LC_ERROR_FATAL,  /* nobody: stop. Exit code 1 */
    LC_ERROR_DENIED /* the operator: Kafka refuses a right. A command ends with exit code 2, the service waits for it */
} lc_error;

#define LC_ERROR (lc_error_quark())

static inline GQuark
lc_error_quark(void)
{
    return g_quark_from_static_string("leadclock-error");
}

/* Borrowed bytes, not NUL-terminated. Absent: data is NULL. Present and empty: data is not NULL, size 0. */
typedef struct {
    const char *data;
    size_t size;
} lc_text;

#define LC_TEXT(literal) ((lc_text){(literal), sizeof(literal) - 1})
#define LC_NO_TEXT ((lc_text){NULL, 0})
/* For printf("%.*s", LC_TEXT_ARGS(text)). */
#define LC_TEXT_ARGS(text) (int)(text).size, (text).data ? (text).data : ""

static inline lc_text
lc_text_of(const char *string)
{
    return (lc_text){string, string ? strlen(string) : 0};
}

static inline bool
lc_text_is_absent(lc_text text)
{
    return text.data == NULL;
}

#define LC_WORD_BYTES sizeof(uint64_t)
#define LC_HALF_WORD_BYTES sizeof(uint32_t)

/* Absent equals absent only. */
static inline bool
lc_text_equal(lc_text a, lc_text b)
{
    if (a.data == NULL || b.data == NULL)
        return a.data == b.data;
    if (a.size != b.size)
        return false;
    /* Most texts are short, or differ at one of their ends: that takes no call. */
    if (a.size >= LC_WORD_BYTES)
        return memcmp(a.data, b.data, LC_WORD_BYTES) == 0 &&
               memcmp(a.data + a.size - LC_WORD_BYTES, b.data + a.size - LC_WORD_BYTES, LC_WORD_BYTES) == 0 &&
               (a.size <= 2 * LC_WORD_BYTES ||
                memcmp(a.data + LC_WORD_BYTES, b.data + LC_WORD_BYTES, a.size - 2 * LC_WORD_BYTES) == 0);
    if (a.size >= LC_HALF_WORD_BYTES)
        return memcmp(a.data, b.data, LC_HALF_WORD_BYTES) == 0 &&
               memcmp(a.data + a.size - LC_HALF_WORD_BYTES, b.data + a.size - LC_HALF_WORD_BYTES, LC_HALF_WORD_BYTES) ==
                   0;
    for (size_t i = a.size; i-- > 0;)
        if (a.data[i] != b.data[i])
            return false;
    return true;
}

/* Byte order; absent comes first, then the empty text. */
static inline int
lc_text_compare(lc_text a, lc_text b)
{
    if (a.data == NULL || b.data == NULL)
        return (a.data != NULL) - (b.data != NULL);
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* A number as text, good to the end of the block: for fields of g_log_structured, which takes no formats but in
 * MESSAGE. */
#define LC_NUMBER_BYTES 24
#define LC_NUMBER(number) (lc_number_text((char[LC_NUMBER_BYTES]){0}, (int64_t)(number)))

static inline const char *
lc_number_text(char *text, int64_t number)
{
    g_snprintf(text, LC_NUMBER_BYTES, "%" G_GINT64_FORMAT, number);
    return text;
}

/* Sums and products of sizes: what doesn't fit a size_t is more than there can be, and nothing goes on from there. */
static inline size_t
lc_size_sum(size_t a, size_t b)
{
    size_t sum;
    if (G_UNLIKELY(__builtin_add_overflow(a, b, &sum)))
        g_error("a sum of sizes overflows");
    return sum;
}

static inline size_t
lc_size_product(size_t a, size_t b)
{
    size_t product;
    if (G_UNLIKELY(__builtin_mul_overflow(a, b, &product)))
        g_error("a product of sizes overflows");
    return product;
}

/* A bump allocator for what lives as long as a batch (GLib has none). Memory is freed all at once;
 * `lc_arena_reset` keeps the chunks for the next batch. Zero-initialise before use. Not thread safe. */
typedef struct lc_arena_chunk lc_arena_chunk;
struct lc_arena_chunk {
    lc_arena_chunk *next;
    size_t size; /* of the bytes that follow */
};

typedef struct {
    lc_arena_chunk *first, *current;
    size_t used; /* bytes of the current chunk */
    /* What is large has a chunk of its own, so that no other chunk is passed over for it. */
    lc_arena_chunk *large, *spare; /* in use; of the batch before, to be used again */
} lc_arena;

#define LC_ARENA_CHUNK_BYTES ((size_t)256 * 1024)
#define LC_ARENA_LARGE_BYTES ((size_t)32 * 1024)
#define LC_ARENA_ALIGNMENT ((size_t)16)

static inline lc_arena_chunk *
lc_arena_new_chunk(size_t size)
{
    lc_arena_chunk *chunk = g_malloc(lc_size_sum(sizeof *chunk, size));

    *chunk = (lc_arena_chunk){NULL, size};
    return chunk;
}

/* One that is neither too small nor more than twice too large; NULL: there is none. */
static inline lc_arena_chunk *
lc_arena_take_spare(lc_arena *arena, size_t size)
{
    for (lc_arena_chunk **place = &arena->spare, *chunk; (chunk = *place); place = &chunk->next)
        if (chunk->size >= size && chunk->size / 2 <= size) {
            *place = chunk->next;
            return chunk;
        }
    return NULL;
}

static inline void *
lc_arena_alloc_large(lc_arena *arena, size_t size)
{
    lc_arena_chunk *chunk = lc_arena_take_spare(arena, size), *unfit = arena->spare;

    if (chunk == NULL && unfit) {
        arena->spare = unfit->next;
        g_free(unfit);
    }
    if (chunk == NULL)
        chunk = lc_arena_new_chunk(size);
    chunk->next = arena->large;
    arena->large = chunk;
    return chunk + 1;
}

static inline void
lc_arena_next_chunk(lc_arena *arena, size_t size)
{
    do {
        lc_arena_chunk **next = arena->current ? &arena->current->next : &arena->first;
        if (*next == NULL)
            *next = lc_arena_new_chunk(LC_ARENA_CHUNK_BYTES);
        arena->current = *next;
        arena->used = 0;
    } while (arena->current->size < size); /* the first may be a small one */
}

/* Uninitialised, aligned to 16 bytes, never NULL. Owned by the arena. */
static inline void *
lc_arena_alloc(lc_arena *arena, size_t size)
{
    size = lc_size_sum(size, LC_ARENA_ALIGNMENT - 1) & ~(LC_ARENA_ALIGNMENT - 1);
    if (arena->current == NULL || size > arena->current->size - arena->used) {
        if (size >= LC_ARENA_LARGE_BYTES)
            return lc_arena_alloc_large(arena, size);
        lc_arena_next_chunk(arena, size);
    }
    void *memory = (char *)(arena->current + 1) + arena->used;
    arena->used += size;
    return memory;
}

#define lc_arena_new(arena, type, count) ((type *)lc_arena_alloc((arena), lc_size_product(sizeof(type), (count))))

/* A copy that ends with a NUL (not counted in its size), so that it can also be used as a C string. */
static inline lc_text
lc_arena_text(lc_arena *arena, lc_text text)
{
    if (text.data == NULL)
        return text;
    char *copy = lc_arena_alloc(arena, lc_size_sum(text.size, 1));
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    return (lc_text){copy, text.size};
}

static inline void
lc_arena_free_chunks(lc_arena_chunk *chunk)
{
    for (lc_arena_chunk *next; chunk; chunk = next) {
        next = chunk->next;
        g_free(chunk);
    }
}

static inline void
lc_arena_reset(lc_arena *arena)
{
    arena->current = arena->first;
    arena->used = 0;
    lc_arena_free_chunks(arena->spare);
    arena->spare = arena->large;
    arena->large = NULL;
}

static inline void
lc_arena_clear(lc_arena *arena)
{
    lc_arena_free_chunks(arena->first);
    lc_arena_free_chunks(arena->large);
    lc_arena_free_chunks(arena->spare);
    *arena = (lc_arena){0};
}

/* What to do where the inputs' number of partitions was changed; the rest of a message. */
#define LC_AFTER_GROWTH                                                                                                \
    "leads belong in other partitions now; give all inputs as many ('leadclock topics' shows which differ), then "     \
    "'leadclock repartition' moves them"
