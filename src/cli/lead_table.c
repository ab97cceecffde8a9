#include "lead_table.h"

#include "text_hash.h"

G_STATIC_ASSERT(offsetof(lc_table_lead, lead.id) == 0);

struct lc_fact_texts {
    lc_fact_texts *next;
    lc_attribute attributes[]; /* then the bytes of all texts */
};

/* One wake-up; `at` stands here too, so that most comparisons touch the heap alone. */
typedef struct {
    lc_instant at;
    lc_table_lead *lead;
} wake_up;

struct lc_lead_table {
    GHashTable *leads; /* lc_table_lead *, a set by id */
    GArray *heap;      /* of wake_up; a child of i is at ARITY * i + 1 and on */
    void (*forget)(lc_table_lead *lead, void *data);
    void *data;
};

/* Four children a node: a heap half as deep, whose siblings share a cache line. */
#define ARITY 4

/* ---- Wake-ups ---- */

static bool
fires_before(const wake_up *a, const wake_up *b)
{
    if (a->at != b->at)
        return a->at < b->at;
    return lc_text_compare(a->lead->lead.id, b->lead->lead.id) < 0;
}

static void
place(wake_up *heap, size_t index, wake_up item)
{
    heap[index] = item;
    item.lead->place = index + 1;
}

static void
sift_up(wake_up *heap, size_t index, wake_up item)
{
    while (index > 0) {
        size_t parent = (index - 1) / ARITY;
        if (!fires_before(&item, &heap[parent]))
            break;
        place(heap, index, heap[parent]);
        index = parent;
    }
    place(heap, index, item);
}

static size_t
earliest_child(const wake_up *heap, size_t size, size_t index)
{
    size_t first = ARITY * index + 1, earliest = first;
    for (size_t child = first + 1; child < first + ARITY && child < size; child++)
        if (fires_before(&heap[child], &heap[earliest]))
            earliest = child;
    return earliest;
}

static void
sift_down(wake_up *heap, size_t size, size_t index, wake_up item)
{
    while (ARITY * index + 1 < size) {
        size_t child = earliest_child(heap, size, index);
        if (!fires_before(&heap[child], &item))
            break;
        place(heap, index, heap[child]);
        index = child;
    }
    place(heap, index, item);
}

static void
sift(GArray *array, size_t index, wake_up item)
{
    wake_up *heap = (wake_up *)(void *)array->data;
    if (index > 0 && fires_before(&item, &heap[(index - 1) / ARITY]))
        sift_up(heap, index, item);
    else
        sift_down(heap, array->len, index, item);
}

static void
remove_wake_up(GArray *heap, lc_table_lead *lead)
{
    size_t index = lead->place - 1;
    wake_up last = g_array_index(heap, wake_up, heap->len - 1);
    g_array_set_size(heap, heap->len - 1);
    lead->place = 0;
    if (index < heap->len)
        sift(heap, index, last);
}

static void
note_wake_up(GArray *heap, lc_table_lead *lead)
{
    wake_up item = {lead->lead.wake_at, lead};
    if (lead->lead.wake_at == LC_NEVER) {
        if (lead->place)
            remove_wake_up(heap, lead);
        return;
    }
    if (lead->place == 0) {
        g_array_set_size(heap, heap->len + 1);
        sift_up((wake_up *)(void *)heap->data, heap->len - 1, item);
    } else if (g_array_index(heap, wake_up, lead->place - 1).at != item.at) {
        sift(heap, lead->place - 1, item);
    }
}

/* ---- Facts ---- */

static char *
copy_text(char *to, lc_text *text)
{
    if (text->data == NULL)
        return to;
    if (text->size)
        memcpy(to, text->data, text->size);
    text->data = to;
    return to + text->size;
}

static size_t
texts_size(const lc_fact *fact)
{
    size_t size = fact->event_id.size + fact->owner.size + fact->channel.size + fact->campaign.size + fact->text.size;
    for (size_t i = 0; i < fact->n_attributes; i++)
        size += sizeof(lc_attribute) + fact->attributes[i].key.size + fact->attributes[i].value.size;
    return size;
}

static void
make_room(lc_table_lead *lead)
{
    lc_lead *l = &lead->lead;
    if (l->n_facts < l->max_facts)
        return;
    l->max_facts *= 2;
    if (l->facts != lead->facts) {
        l->facts = g_renew(lc_fact, l->facts, l->max_facts);
        return;
    }
    l->facts = g_new(lc_fact, l->max_facts);
    memcpy(l->facts, lead->facts, sizeof lead->facts);
}

lc_fact
lc_table_lead_own(lc_table_lead *lead, const lc_fact *fact)
{
    lc_fact own = *fact;
    lc_fact_texts *texts = g_malloc(sizeof *texts + texts_size(fact));
    texts->next = lead->texts;
    lead->texts = texts;
    char *to = (char *)(texts->attributes + fact->n_attributes);
    lc_text *members[] = {&own.event_id, &own.owner, &own.channel, &own.campaign, &own.text};
    for (size_t i = 0; i < G_N_ELEMENTS(members); i++)
        to = copy_text(to, members[i]);
    for (size_t i = 0; i < fact->n_attributes; i++) {
        texts->attributes[i] = fact->attributes[i];
        to = copy_text(to, &texts->attributes[i].key);
        to = copy_text(to, &texts->attributes[i].value);
    }
    own.note = LC_NO_TEXT;
    own.attributes = texts->attributes;
    make_room(lead);
    return own;
}

void
lc_table_lead_disown(lc_table_lead *lead)
{
    lc_fact_texts *texts = lead->texts;
    lead->texts = texts->next;
    g_free(texts);
}

static void
free_facts(lc_table_lead *lead)
{
    while (lead->texts)
        lc_table_lead_disown(lead);
    if (lead->lead.facts != lead->facts)
        g_free(lead->lead.facts);
    lead->lead.facts = lead->facts;
    lead->lead.max_facts = LC_TABLE_LEAD_FACTS;
}

/* ---- Leads ---- */

static guint
lead_hash(gconstpointer key)
{
    return (guint)lc_text_hash(0, *(const lc_text *)key);
}

static gboolean
lead_equal(gconstpointer a, gconstpointer b)
{
    return lc_text_equal(*(const lc_text *)a, *(const lc_text *)b);
}

lc_lead_table *
lc_lead_table_new(void (*forget)(lc_table_lead *lead, void *data), void *data)
{
    lc_lead_table *table = g_new(lc_lead_table, 1);
    table->leads = g_hash_table_new(lead_hash, lead_equal);
    table->heap = g_array_new(FALSE, FALSE, sizeof(wake_up));
    table->forget = forget;
    table->data = data;
    return table;
}

static void
free_lead(lc_lead_table *table, lc_table_lead *lead)
{
    if (table->forget)
        table->forget(lead, table->data);
    free_facts(lead);
    g_free(lead);
}

void
lc_lead_table_free(lc_lead_table *table)
{
    GHashTableIter iter;
    gpointer lead;
    g_hash_table_iter_init(&iter, table->leads);
    while (g_hash_table_iter_next(&iter, &lead, NULL))
        free_lead(table, lead);
    g_hash_table_unref(table->leads);
    g_array_unref(table->heap);
    g_free(table);
}

/* The id stands right behind the lead. */
static lc_table_lead *
new_lead(lc_text id)
{
    lc_table_lead *lead = g_malloc(sizeof *lead + id.size);
    char *copy = (char *)(lead + 1);
    memcpy(copy, id.data, id.size);
    lc_lead_init(&lead->lead, (lc_text){copy, id.size});
    lead->lead.facts = lead->facts;
    lead->lead.max_facts = LC_TABLE_LEAD_FACTS;
    lead->texts = NULL;
    lead->place = 0;
    lead->tally = NULL;
    return lead;
}

lc_table_lead *
lc_lead_table_take(lc_lead_table *table, lc_text id)
{
    lc_table_lead *lead = g_hash_table_lookup(table->leads, &id);
    if (lead == NULL) {
        lead = new_lead(id);
        g_hash_table_add(table->leads, lead);
    }
    return lead;
}

void
lc_lead_table_put_back(lc_lead_table *table, lc_table_lead *lead)
{
    if (lead->lead.n_facts == 0)
        free_facts(lead);
    if (!lc_lead_is_empty(&lead->lead)) {
        note_wake_up(table->heap, lead);
        return;
    }
    if (lead->place)
        remove_wake_up(table->heap, lead);
    g_hash_table_remove(table->leads, lead);
    free_lead(table, lead);
}

lc_table_lead *
lc_lead_table_due(lc_lead_table *table, lc_instant instant)
{
    const wake_up *earliest = (const wake_up *)(void *)table->heap->data;
    return table->heap->len > 0 && earliest->at < instant ? earliest->lead : NULL;
}

size_t
lc_lead_table_size(const lc_lead_table *table)
{
    return g_hash_table_size(table->leads);
}

void
lc_lead_table_foreach(lc_lead_table *table, void (*visit)(lc_table_lead *lead, void *data), void *data)
{
    GHashTableIter iter;
    gpointer lead;
    g_hash_table_iter_init(&iter, table->leads);
    while (g_hash_table_iter_next(&iter, &lead, NULL))
        visit(lead, data);
}
