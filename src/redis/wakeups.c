/* wakeups.c - wake-ups: lists by time, to which they are only added, and an index of these lists. The farther away, the
 * longer the time of a list, so that few are many enough to be worth a key; those of a long time are moved to shorter
 * ones before it begins (due.c). An element is how long after the beginning, and the lead id. */
#include "parts.h"

#include <leadclock/text.h>

#include <stdlib.h>

static const struct {
    unsigned bits;       /* a list is of 2^bits ms */
    size_t offset_bytes; /* of how long after the beginning */
    lc_duration reach;   /* for those that are no farther away */
} levels[LC_SPAN_LEVELS] = {
    {4, 1, 32 * LC_SECOND},
    {13, 2, 2 * LC_HOUR},
    {20, 3, LC_NEVER},
};

G_STATIC_ASSERT(LC_DUE_GRAIN_MS == 1 << 4);

/* ---- A list ---- */

lc_span
lc_span_of(unsigned level, lc_instant at)
{
    return (lc_span){level, at >> levels[level].bits};
}

lc_instant
lc_span_begin(lc_span span)
{
    return span.number * (INT64_C(1) << levels[span.level].bits);
}

lc_instant
lc_span_end(lc_span span)
{
    lc_instant begin = lc_span_begin(span);
    lc_duration length = INT64_C(1) << levels[span.level].bits;

    return begin < LC_NEVER - length ? begin + length : LC_NEVER;
}

bool
lc_span_equal(lc_span a, lc_span b)
{
    return a.level == b.level && a.number == b.number;
}

static lc_text
span_text(lc_span span, char text[32])
{
    return (lc_text){text, (size_t)g_snprintf(text, 32, "%u:%" G_GINT64_FORMAT, span.level, span.number)};
}

bool
lc_span_parse(lc_text said, lc_span *span)
{
    g_autofree char *text = g_strndup(said.data, said.size);
    lc_span parsed = {(unsigned)(*text - '0'), *text ? strtoll(text + 1 + (text[1] == ':'), NULL, 10) : 0};
    char again[32];

    if (parsed.level >= LC_SPAN_LEVELS || !lc_text_equal(span_text(parsed, again), said))
        return false;
    *span = parsed;
    return true;
}

void
lc_redis_say_span(lc_connection *redis, lc_span span)
{
    char text[32];

    lc_connection_word(redis, span_text(span, text));
}

void
lc_redis_say_list(lc_connection *redis, lc_text prefix, lc_span span)
{
    char text[32];
    const lc_text parts[] = {prefix, LC_TEXT("wakeups:"), span_text(span, text)};

    lc_connection_parts(redis, parts, G_N_ELEMENTS(parts));
}

/* ---- Elements ---- */

static void
say_element(lc_connection *redis, lc_span span, const lc_wakeup *wakeup)
{
    uint64_t offset = (uint64_t)(wakeup->at - lc_span_begin(span));
    size_t n = levels[span.level].offset_bytes;
    char bytes[sizeof offset];

    for (size_t i = 0; i < n; i++)
        bytes[i] = (char)(offset >> 8 * (n - 1 - i));
    lc_connection_words(redis, (lc_text){bytes, n}, wakeup->id);
}

/* Of what is none of ours something comes that no lead wants. */
lc_wakeup
lc_redis_take_wakeup(lc_span span, lc_text said)
{
    size_t n = MIN(levels[span.level].offset_bytes, said.size);
    int64_t offset = 0;

    for (size_t i = 0; i < n; i++)
        offset = offset << 8 | (unsigned char)said.data[i];
    return (lc_wakeup){lc_span_begin(span) + offset, {said.data + n, said.size - n}, 0};
}

/* ---- Adding ---- */

static lc_span
span_for(const lc_wakeup *wakeup, lc_instant now)
{
    lc_duration distance = wakeup->at > now ? wakeup->at - MAX(now, 0) : now - wakeup->at;
    unsigned level = 0;

    while (level < wakeup->level && distance > levels[level].reach)
        level++;
    return lc_span_of(level, wakeup->at);
}

typedef struct {
    lc_span span;
    const lc_wakeup *wakeup;
} placed;

static int
by_span(const void *a, const void *b)
{
    const placed *x = a, *y = b;

    if (x->span.level != y->span.level)
        return x->span.level < y->span.level ? -1 : 1;
    if (x->span.number != y->span.number)
        return x->span.number < y->span.number ? -1 : 1;
    return (x->wakeup > y->wakeup) - (x->wakeup < y->wakeup);
}

/* Those of one list; all are of one. */
static size_t
say_pushes(lc_connection *redis, lc_text prefix, const placed *some, size_t n)
{
    size_t n_commands = 0;

    for (size_t from = 0; from < n; from += LC_WORDS_MAX, n_commands++) {
        size_t end = MIN(n, from + LC_WORDS_MAX);
        lc_connection_command(redis, 2 + end - from);
        lc_connection_word(redis, LC_TEXT("RPUSH"));
        lc_redis_say_list(redis, prefix, some->span);
        for (size_t i = from; i < end; i++)
            say_element(redis, some->span, some[i].wakeup);
    }
    return n_commands;
}

static size_t
say_index(lc_connection *redis, lc_text prefix, const lc_span *spans, size_t n)
{
    size_t n_commands = 0;

    for (size_t from = 0; from < n; from += LC_WORDS_MAX, n_commands++) {
        size_t end = MIN(n, from + LC_WORDS_MAX);
        lc_connection_command(redis, 2 + 2 * (end - from));
        lc_connection_word(redis, LC_TEXT("ZADD"));
        lc_connection_words(redis, prefix, LC_TEXT("wakeups"));
        for (size_t i = from; i < end; i++) {
            lc_connection_number(redis, lc_span_begin(spans[i]));
            lc_redis_say_span(redis, spans[i]);
        }
    }
    return n_commands;
}

size_t
lc_redis_say_wakeups(lc_redis_store *store, const lc_store_write *write, const lc_wakeup *wakeups, size_t n)
{
    lc_text prefix = lc_prefix(store, write->partition);
    placed *all = lc_arena_new(&store->write_arena, placed, n);
    lc_span *spans = lc_arena_new(&store->write_arena, lc_span, n);
    size_t n_spans = 0, n_commands = 0;

    for (size_t i = 0; i < n; i++)
        all[i] = (placed){span_for(&wakeups[i], write->now), &wakeups[i]};
    if (n)
        qsort(all, n, sizeof *all, by_span);
    for (size_t from = 0, end; from < n; from = end) {
        for (end = from + 1; end < n && lc_span_equal(all[from].span, all[end].span);)
            end++;
        spans[n_spans++] = all[from].span;
        lc_due_grow(store->dues[write->partition], all[from].span);
        n_commands += say_pushes(&store->connection, prefix, all + from, end - from);
    }
    return n_commands + say_index(&store->connection, prefix, spans, n_spans);
}

/* ---- Finding, for verify ---- */

static guint
wakeup_hash(gconstpointer key)
{
    const lc_wakeup *wakeup = key;

    return (guint)lc_text_hash((uint64_t)wakeup->at, wakeup->id);
}

static gboolean
wakeup_equal(gconstpointer a, gconstpointer b)
{
    const lc_wakeup *x = a, *y = b;

    return x->at == y->at && lc_text_equal(x->id, y->id);
}

static int
by_place(const void *a, const void *b)
{
    return by_span(&(placed){*(const lc_span *)a, NULL}, &(placed){*(const lc_span *)b, NULL});
}

void
lc_redis_plan_wakeups(lc_arena *arena, const lc_store_read *read, lc_read_plan *plan)
{
    size_t n = 0;

    plan->n_spans = 0;
    if (read->wake_ats == NULL || read->n_leads == 0)
        return;
    plan->spans = lc_arena_new(arena, lc_span, read->n_leads * LC_SPAN_LEVELS);
    for (size_t i = 0; i < read->n_leads; i++)
        for (unsigned level = 0; level < LC_SPAN_LEVELS && read->wake_ats[i] != LC_NEVER; level++)
            plan->spans[n++] = lc_span_of(level, read->wake_ats[i]);
    qsort(plan->spans, n, sizeof *plan->spans, by_place);
    for (size_t i = 0; i < n; i++)
        if (plan->n_spans == 0 || !lc_span_equal(plan->spans[plan->n_spans - 1], plan->spans[i]))
            plan->spans[plan->n_spans++] = plan->spans[i];
}

void
lc_redis_find_wakeups(lc_arena *arena, lc_store_read *read, const lc_read_plan *plan, redisReply **answers)
{
    g_autoptr(GHashTable) found = g_hash_table_new(wakeup_hash, wakeup_equal);

    for (size_t s = 0; s < plan->n_spans; s++) {
        lc_wakeup *some = lc_arena_new(arena, lc_wakeup, answers[s]->elements);
        for (size_t i = 0; i < answers[s]->elements; i++) {
            some[i] = lc_redis_take_wakeup(plan->spans[s], lc_reply_text(answers[s]->element[i]));
            g_hash_table_add(found, &some[i]);
        }
    }
    read->has_wakeup = lc_arena_new(arena, bool, read->n_leads);
    for (size_t i = 0; i < read->n_leads; i++) {
        const lc_wakeup sought = {read->wake_ats[i], lc_redis_pack_id(arena, read->lead_ids[i]), 0};
        read->has_wakeup[i] = g_hash_table_contains(found, &sought);
    }
}
