#include "lead_table.h"

#include "text_hash.h"
#include "wake_heap.h"

G_STATIC_ASSERT(offsetof(lc_table_lead, lead.id) == 0);

struct lc_fact_texts {
    lc_fact_texts *next;
    lc_attribute attributes[]; /* then the bytes of all texts */
};

struct lc_lead_table {
    GHashTable *leads; /* lc_table_lead *, a set by id */
    lc_wake_heap *wake_ups;
    void (*forget)(lc_table_lead *lead, void *data);
    void *data;
};

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

static bool
is_in_room(const lc_table_lead *lead, const lc_fact_texts *texts)
{
    const char *at = (const char *)texts;
    return at >= lead->room && at < lead->room + sizeof lead->room;
}

/* In the lead's room while that lasts. */
static lc_fact_texts *
add_texts(lc_table_lead *lead, size_t size)
{
    size_t bytes = (sizeof(lc_fact_texts) + size + 7) & ~(size_t)7;
    bool fits = bytes <= sizeof lead->room - lead->room_used;
    lc_fact_texts *texts = fits ? (void *)(lead->room + lead->room_used) : g_malloc(bytes);
    if (fits)
        lead->room_used += (uint32_t)bytes;
    texts->next = lead->texts;
    lead->texts = texts;
    return texts;
}

lc_fact
lc_table_lead_own(lc_table_lead *lead, const lc_fact *fact)
{
    lc_fact own = *fact;
    lc_fact_texts *texts = add_texts(lead, texts_size(fact));
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
    if (is_in_room(lead, texts))
        lead->room_used = (uint32_t)((char *)texts - lead->room);
    else
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
    table->wake_ups = lc_wake_heap_new();
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
    lc_wake_heap_free(table->wake_ups);
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
    lead->room_used = 0;
    lead->tally = NULL;
    return lead;
}

lc_table_lead *
lc_lead_table_take(lc_lead_table *table, lc_text id)
{
    lc_table_lead *lead = g_hash_table_lookup(table->leads, &id);
    if (lead == NULL) {
        lead = new_lead(id);
        lead->slot = lc_wake_heap_join(table->wake_ups, &lead->lead.id);
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
        lc_wake_heap_set(table->wake_ups, lead->slot, lead->lead.wake_at);
        return;
    }
    lc_wake_heap_leave(table->wake_ups, lead->slot);
    g_hash_table_remove(table->leads, lead);
    free_lead(table, lead);
}

lc_table_lead *
lc_lead_table_due(lc_lead_table *table, lc_instant instant)
{
    return (lc_table_lead *)lc_wake_heap_due(table->wake_ups, instant);
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
