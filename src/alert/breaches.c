/* breaches.c - the breaches that are open, by their id. */
#include "breaches.h"

struct lc_breaches {
    GHashTable *open; /* the event_id in the row -> lc_breach_row*, whose texts follow it in memory */
};

/* A SHA-1: all of its bits are good, and no publisher chooses them. */
static guint
hash_id(gconstpointer id)
{
    guint hash;
    memcpy(&hash, id, sizeof hash);
    return hash;
}

static gboolean
equal_id(gconstpointer one, gconstpointer other)
{
    return memcmp(one, other, sizeof(lc_uuid)) == 0;
}

lc_breaches *
lc_breaches_new(void)
{
    lc_breaches *breaches = g_new0(lc_breaches, 1);
    breaches->open = g_hash_table_new_full(hash_id, equal_id, NULL, g_free);
    return breaches;
}

void
lc_breaches_free(lc_breaches *breaches)
{
    if (breaches)
        g_hash_table_destroy(breaches->open);
    g_free(breaches);
}

static lc_breach_row *
copy_row(const lc_breach_row *row)
{
    static const size_t texts[] = {offsetof(lc_breach_row, lead_id), offsetof(lc_breach_row, policy),
                                   offsetof(lc_breach_row, rule),    offsetof(lc_breach_row, channel),
                                   offsetof(lc_breach_row, owner),   offsetof(lc_breach_row, clock)};
    size_t size = sizeof *row;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        size = lc_size_sum(size, ((const lc_text *)((const char *)row + texts[i]))->size);
    lc_breach_row *copy = g_malloc(size);
    char *at = (char *)(copy + 1);
    *copy = *row;
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        lc_text *text = (lc_text *)((char *)copy + texts[i]);
        if (lc_text_is_absent(*text))
            continue;
        memcpy(at, text->data, text->size);
        text->data = at;
        at += text->size;
    }
    return copy;
}

void
lc_breaches_drop(lc_breaches *breaches, const lc_uuid *event_id)
{
    g_hash_table_remove(breaches->open, event_id);
}

void
lc_breaches_take(lc_breaches *breaches, const lc_breach_row *row)
{
    if (row->ended_at != LC_ABSENT) {
        lc_breaches_drop(breaches, &row->event_id);
        return;
    }
    lc_breach_row *copy = copy_row(row);
    g_hash_table_replace(breaches->open, &copy->event_id, copy);
}

static bool
is_over(const lc_breach_row *row, lc_instant now)
{
    return row->early && now - row->breached_at >= LC_ALERT_EARLY_FOR;
}

static gboolean
remove_if_over(void *id, void *row, void *now)
{
    (void)id;
    return is_over(row, *(const lc_instant *)now);
}

size_t
lc_breaches_count(lc_breaches *breaches, lc_instant now)
{
    g_hash_table_foreach_remove(breaches->open, remove_if_over, &now);
    return g_hash_table_size(breaches->open);
}

static gint
compare_age(gconstpointer a, gconstpointer b)
{
    const lc_breach_row *one = *(lc_breach_row *const *)a, *other = *(lc_breach_row *const *)b;
    if (one->due_at != other->due_at)
        return one->due_at < other->due_at ? -1 : 1;
    return memcmp(&one->event_id, &other->event_id, sizeof one->event_id);
}

GPtrArray *
lc_breaches_list(lc_breaches *breaches, lc_instant now)
{
    GPtrArray *list = g_ptr_array_sized_new((guint)lc_breaches_count(breaches, now));
    GHashTableIter all;
    void *row;
    g_hash_table_iter_init(&all, breaches->open);
    while (g_hash_table_iter_next(&all, NULL, &row))
        g_ptr_array_add(list, row);
    g_ptr_array_sort(list, compare_age);
    return list;
}
