/* lead_table.c - the leads of a backtest, packed. */
#include "lead_table.h"

#include "pool.h"
#include "wake_queue.h"

#include <leadclock/text.h>

G_STATIC_ASSERT(offsetof(lc_kept_lead, lead.id) == 0);
G_STATIC_ASSERT(sizeof(lc_kept_lead) == LC_KEPT_LEAD_BYTES);

/* TEXT: of a merged one `into`. */
enum { EVENT_ID, OWNER, CHANNEL, CAMPAIGN, TEXT, TEXTS };
#define ABSENT UINT32_MAX

typedef struct {
    uint32_t key, value; /* bytes */
} attribute_sizes;

/* Behind it: the rare instants where it has them, the sizes of the attributes, all texts. */
struct lc_stored_fact {
    lc_stored_fact *older;
    lc_instant occurred_at;
    uint32_t bytes;        /* all of it */
    uint32_t sizes[TEXTS]; /* or ABSENT */
    uint32_t n_attributes;
    uint8_t type;
    uint8_t method;
    bool connected : 1, automated : 1, has_rare : 1;
};

/* Most facts have none of these. */
typedef struct {
    lc_instant recorded_at, published_at, follow_up_at, until;
} rare_instants;

struct lc_lead_table {
    lc_pool *pool;
    GHashTable *leads; /* lc_kept_lead *, a set by id */
    lc_wake_queue *wake_ups;
    lc_fact *facts; /* of the lead in hand */
    size_t max_facts;
    lc_arena arena; /* their attributes */
};

/* ---- A fact as it is kept ---- */

static bool
has_rare(const lc_fact *fact)
{
    return fact->recorded_at != LC_ABSENT || fact->published_at != 0 || fact->follow_up_at != LC_ABSENT ||
           fact->until != LC_ABSENT;
}

/* Which of the two it has. */
#define TEXT_OF(fact) ((fact)->type == LC_FACT_MERGED ? &(fact)->into : &(fact)->text)

static size_t
stored_size(const lc_fact *fact)
{
    size_t size = sizeof(lc_stored_fact) + (has_rare(fact) ? sizeof(rare_instants) : 0);
    size += fact->event_id.size + fact->owner.size + fact->channel.size + fact->campaign.size + TEXT_OF(fact)->size;
    for (size_t i = 0; i < fact->n_attributes; i++)
        size += sizeof(attribute_sizes) + fact->attributes[i].key.size + fact->attributes[i].value.size;
    return (size + 7) & ~(size_t)7;
}

/* The text as it is kept. */
static lc_text
write_text(char **at, lc_text text, uint32_t *size)
{
    if (lc_text_is_absent(text)) {
        *size = ABSENT;
        return LC_NO_TEXT;
    }
    lc_text kept = {memcpy(*at, text.data, text.size), text.size};
    *size = (uint32_t)text.size;
    *at += text.size;
    return kept;
}

/* The fact as it is kept: its texts are those of `to`. */
static lc_fact
write_fact(lc_stored_fact *to, const lc_fact *fact, lc_arena *arena)
{
    to->occurred_at = fact->occurred_at;
    to->n_attributes = (uint32_t)fact->n_attributes;
    to->type = (uint8_t)fact->type;
    to->method = (uint8_t)fact->method;
    to->connected = fact->connected;
    to->automated = fact->automated;
    to->has_rare = has_rare(fact);
    rare_instants *rare = (rare_instants *)(to + 1);
    if (to->has_rare)
        *rare++ = (rare_instants){fact->recorded_at, fact->published_at, fact->follow_up_at, fact->until};
    attribute_sizes *sizes = (attribute_sizes *)rare;
    char *at = (char *)(sizes + fact->n_attributes);
    lc_attribute *attributes = fact->n_attributes ? lc_arena_new(arena, lc_attribute, fact->n_attributes) : NULL;
    lc_fact kept = *fact;
    kept.event_id = write_text(&at, fact->event_id, &to->sizes[EVENT_ID]);
    kept.owner = write_text(&at, fact->owner, &to->sizes[OWNER]);
    kept.channel = write_text(&at, fact->channel, &to->sizes[CHANNEL]);
    kept.campaign = write_text(&at, fact->campaign, &to->sizes[CAMPAIGN]);
    kept.note = kept.text = kept.into = LC_NO_TEXT;
    *TEXT_OF(&kept) = write_text(&at, *TEXT_OF(fact), &to->sizes[TEXT]);
    for (size_t i = 0; i < fact->n_attributes; i++) {
        attributes[i].key = write_text(&at, fact->attributes[i].key, &sizes[i].key);
        attributes[i].value = write_text(&at, fact->attributes[i].value, &sizes[i].value);
    }
    kept.attributes = attributes;
    return kept;
}

static lc_text
read_text(const char **at, uint32_t size)
{
    if (size == ABSENT)
        return LC_NO_TEXT;
    lc_text text = {*at, size};
    *at += size;
    return text;
}

/* Its texts stay where they are. */
static void
read_fact(const lc_stored_fact *from, lc_fact *fact, lc_arena *arena)
{
    const rare_instants *rare = (const rare_instants *)(from + 1);
    rare_instants instants = from->has_rare ? *rare++ : (rare_instants){LC_ABSENT, 0, LC_ABSENT, LC_ABSENT};
    const attribute_sizes *sizes = (const attribute_sizes *)rare;
    const char *at = (const char *)(sizes + from->n_attributes);
    lc_attribute *attributes = from->n_attributes ? lc_arena_new(arena, lc_attribute, from->n_attributes) : NULL;
    *fact = (lc_fact){
        .type = (lc_fact_type)from->type,
        .method = (lc_method)from->method,
        .automated = from->automated,
        .connected = from->connected,
        .occurred_at = from->occurred_at,
        .recorded_at = instants.recorded_at,
        .published_at = instants.published_at,
        .follow_up_at = instants.follow_up_at,
        .until = instants.until,
        .attributes = attributes,
        .n_attributes = from->n_attributes,
    };
    fact->event_id = read_text(&at, from->sizes[EVENT_ID]);
    fact->owner = read_text(&at, from->sizes[OWNER]);
    fact->channel = read_text(&at, from->sizes[CHANNEL]);
    fact->campaign = read_text(&at, from->sizes[CAMPAIGN]);
    *TEXT_OF(fact) = read_text(&at, from->sizes[TEXT]);
    for (size_t i = 0; i < from->n_attributes; i++) {
        attributes[i].key = read_text(&at, sizes[i].key);
        attributes[i].value = read_text(&at, sizes[i].value);
    }
}

/* ---- The facts of a lead ---- */

/* In the lead's room while that lasts. */
static void *
take_room(lc_lead_table *table, lc_kept_lead *lead, size_t bytes)
{
    if (bytes > sizeof lead->room - lead->room_used)
        return lc_pool_alloc(table->pool, bytes);
    void *piece = lead->room + lead->room_used;
    lead->room_used += (uint32_t)bytes;
    return piece;
}

/* The last piece first. */
static void
give_room_back(lc_lead_table *table, lc_kept_lead *lead, void *piece, size_t bytes)
{
    char *at = piece;
    if (at >= lead->room && at < lead->room + sizeof lead->room)
        lead->room_used = (uint32_t)(at - lead->room);
    else
        lc_pool_release(table->pool, piece, bytes);
}

static void
make_room_in_hand(lc_lead_table *table, size_t n_facts)
{
    if (n_facts <= table->max_facts)
        return;
    table->max_facts = MAX(16, 2 * n_facts);
    table->facts = g_renew(lc_fact, table->facts, table->max_facts);
}

static lc_kept_lead *
take_in_hand(lc_lead_table *table, lc_kept_lead *lead)
{
    lc_lead *l = &lead->lead;
    size_t i = l->n_facts;
    make_room_in_hand(table, l->n_facts + 1);
    lc_arena_reset(&table->arena);
    for (const lc_stored_fact *stored = lead->newest; stored; stored = stored->older)
        read_fact(stored, &table->facts[--i], &table->arena);
    l->facts = table->facts;
    l->max_facts = table->max_facts;
    return lead;
}

lc_fact
lc_lead_table_own(lc_lead_table *table, lc_kept_lead *lead, const lc_fact *fact)
{
    size_t bytes = stored_size(fact);
    lc_stored_fact *stored = take_room(table, lead, bytes);
    stored->older = lead->newest;
    stored->bytes = (uint32_t)bytes;
    lead->newest = stored;
    return write_fact(stored, fact, &table->arena);
}

void
lc_lead_table_disown(lc_lead_table *table, lc_kept_lead *lead)
{
    lc_stored_fact *stored = lead->newest;
    lead->newest = stored->older;
    give_room_back(table, lead, stored, stored->bytes);
}

/* ---- Leads ---- */

lc_lead_table *
lc_lead_table_new(void)
{
    lc_lead_table *table = g_new0(lc_lead_table, 1);
    table->pool = lc_pool_new();
    table->leads = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    table->wake_ups = lc_wake_queue_new(sizeof(lc_kept_lead));
    return table;
}

void
lc_lead_table_free(lc_lead_table *table)
{
    g_hash_table_unref(table->leads);
    lc_wake_queue_free(table->wake_ups);
    lc_pool_free(table->pool);
    lc_arena_clear(&table->arena);
    g_free(table->facts);
    g_free(table);
}

static size_t
id_bytes(lc_text id)
{
    return (id.size + 7) & ~(size_t)7;
}

static lc_kept_lead *
new_lead(lc_lead_table *table, lc_text id)
{
    lc_kept_lead *lead = lc_pool_alloc(table->pool, sizeof *lead);
    lead->room_used = 0;
    char *copy = take_room(table, lead, id_bytes(id));
    memcpy(copy, id.data, id.size);
    lc_lead_init(&lead->lead, (lc_text){copy, id.size});
    lead->newest = NULL;
    lead->slot = lc_wake_queue_join(table->wake_ups, &lead->lead.id);
    g_hash_table_add(table->leads, lead);
    return lead;
}

static void
drop_lead(lc_lead_table *table, lc_kept_lead *lead)
{
    lc_wake_queue_leave(table->wake_ups, lead->slot);
    g_hash_table_remove(table->leads, lead);
    give_room_back(table, lead, (char *)lead->lead.id.data, id_bytes(lead->lead.id));
    lc_pool_release(table->pool, lead, sizeof *lead);
}

lc_kept_lead *
lc_lead_table_take(lc_lead_table *table, lc_text id)
{
    lc_kept_lead *lead = g_hash_table_lookup(table->leads, &id);
    if (lead)
        lc_wake_queue_fetch(table->wake_ups, lead->slot, &lead->lead.id);
    return take_in_hand(table, lead ? lead : new_lead(table, id));
}

lc_kept_lead *
lc_lead_table_take_due(lc_lead_table *table, lc_instant instant)
{
    lc_kept_lead *lead = (lc_kept_lead *)lc_wake_queue_due(table->wake_ups, instant);
    return lead ? take_in_hand(table, lead) : NULL;
}

void
lc_lead_table_put_back(lc_lead_table *table, lc_kept_lead *lead)
{
    if (lead->lead.n_facts == 0)
        while (lead->newest)
            lc_lead_table_disown(table, lead);
    if (lc_lead_is_empty(&lead->lead))
        drop_lead(table, lead);
    else
        lc_wake_queue_set(table->wake_ups, lead->slot, lead->lead.wake_at);
}
