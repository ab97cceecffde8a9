/* state.c - a lead as LeadState: its facts with times as differences and texts by index, then each text once. */
#include "plan.h"
#include "writer.h"

#include <leadclock/text.h>

/* Of a fact, without its attributes. */
#define FACT_TEXTS ((size_t)4)
/* Texts that a lead uses, repetitions included, for which no memory is asked. */
#define FEW_TEXTS ((size_t)128)

/* Differences wrap around: whatever the instants are, adding gives back what was subtracted. */
static int64_t
difference(int64_t to, int64_t from)
{
    return (int64_t)((uint64_t)to - (uint64_t)from);
}

static int64_t
sum(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* ---- The table of texts: open addressing, at most half full ---- */

typedef struct {
    uint32_t *slots;       /* an index to `texts`; 0: free */
    const lc_text **texts; /* by index, from 1 */
    uint32_t mask, n;
} text_table;

/* Writes the index of a text, which is added to the table where it is new. */
static uint8_t *
put_index(lc_writer *writer, uint8_t *at, text_table *table, const lc_text *text)
{
    if (lc_text_is_absent(*text))
        return lc_put_byte(writer, at, 0);
    uint32_t slot = (uint32_t)lc_text_hash(0, *text) & table->mask;
    while (table->slots[slot] && !lc_text_equal(*table->texts[table->slots[slot]], *text))
        slot = (slot + 1) & table->mask;
    if (table->slots[slot] == 0) {
        table->slots[slot] = ++table->n;
        table->texts[table->n] = text;
    }
    return lc_put_long(writer, at, table->slots[slot]);
}

static uint8_t *
put_table(lc_writer *writer, uint8_t *at, const text_table *table)
{
    at = lc_put_count(writer, at, table->n);
    for (uint32_t i = 1; i <= table->n; i++)
        at = lc_put_text(writer, at, *table->texts[i]);
    return lc_put_byte(writer, at, 0);
}

/* ---- Writing ---- */

/* How many texts the facts use, each use counted. */
static size_t
count_texts(const lc_lead *lead)
{
    size_t n = 0;
    for (size_t i = 0; i < lead->n_facts; i++)
        n = lc_size_sum(n, FACT_TEXTS + lc_size_product(2, lead->facts[i].n_attributes));
    return n;
}

static uint8_t *
put_event_id(lc_writer *writer, uint8_t *at, lc_text event_id)
{
    at = lc_writer_room(writer, at, 1 + sizeof(lc_uuid));
    if (lc_text_uuid(event_id, at + 1)) {
        *at = 0;
        return at + 1 + sizeof(lc_uuid);
    }
    return lc_put_text(writer, lc_put_byte(writer, at, 2), event_id);
}

static uint8_t *
put_after(lc_writer *writer, uint8_t *at, lc_instant instant, lc_instant occurred_at)
{
    bool is_absent = instant == LC_ABSENT;
    at = lc_put_byte(writer, at, is_absent ? 0 : 2);
    return is_absent ? at : lc_put_long(writer, at, difference(instant, occurred_at));
}

static uint8_t *
put_attributes(lc_writer *writer, uint8_t *at, text_table *table, const lc_fact *fact)
{
    at = lc_put_count(writer, at, 2 * fact->n_attributes);
    for (size_t i = 0; i < fact->n_attributes; i++) {
        at = put_index(writer, at, table, &fact->attributes[i].key);
        at = put_index(writer, at, table, &fact->attributes[i].value);
    }
    return lc_put_byte(writer, at, 0);
}

static uint8_t *
put_fact(lc_writer *writer, uint8_t *at, text_table *table, const lc_fact *fact, lc_instant before)
{
    at = lc_put_long(writer, at, fact->type);
    at = put_event_id(writer, at, fact->event_id);
    at = lc_put_long(writer, at, difference(fact->occurred_at, before));
    at = put_after(writer, at, fact->recorded_at, fact->occurred_at);
    at = put_after(writer, at, fact->type == LC_FACT_PAUSED ? fact->until : fact->follow_up_at, fact->occurred_at);
    at = put_index(writer, at, table, &fact->owner);
    at = put_index(writer, at, table, &fact->channel);
    at = put_index(writer, at, table, &fact->campaign);
    at = put_index(writer, at, table, fact->type == LC_FACT_MERGED ? &fact->into : &fact->text);
    at = lc_put_long(writer, at, fact->method);
    at = lc_put_long(writer, at, fact->connected);
    return put_attributes(writer, at, table, fact);
}

static uint8_t *
put_facts(lc_writer *writer, uint8_t *at, text_table *table, const lc_lead *lead)
{
    lc_instant before = 0;
    at = lc_put_count(writer, at, lead->n_facts);
    for (size_t i = 0; i < lead->n_facts; i++) {
        at = put_fact(writer, at, table, &lead->facts[i], before);
        before = lead->facts[i].occurred_at;
    }
    return lc_put_byte(writer, at, 0);
}

static void
encode_with(GByteArray *out, const lc_lead *lead, text_table *table)
{
    lc_writer writer;
    uint8_t *at = lc_writer_open(&writer, out);
    at = lc_put_text(&writer, at, lead->id);
    at = lc_put_optional_long(&writer, at, lead->wake_at, LC_NEVER);
    at = lc_put_optional_long(&writer, at, lead->judged_at, LC_ABSENT);
    at = lc_put_optional_long(&writer, at, lead->erased_at, LC_ABSENT);
    at = put_facts(&writer, at, table, lead);
    lc_writer_close(&writer, put_table(&writer, at, table));
}

void
lc_encode_lead(GByteArray *out, const lc_lead *lead)
{
    size_t n_texts = count_texts(lead), n_slots = 16;
    while (n_slots < lc_size_product(2, n_texts))
        n_slots *= 2;
    uint32_t few_slots[2 * FEW_TEXTS];
    const lc_text *few_texts[FEW_TEXTS + 1];
    g_autofree uint32_t *more_slots = n_texts > FEW_TEXTS ? g_new(uint32_t, n_slots) : NULL;
    g_autofree const lc_text **more_texts = n_texts > FEW_TEXTS ? g_new(const lc_text *, n_texts + 1) : NULL;
    text_table table = {more_slots ? more_slots : few_slots, more_texts ? more_texts : few_texts,
                        (uint32_t)n_slots - 1};
    memset(table.slots, 0, n_slots * sizeof *table.slots);
    encode_with(out, lead, &table);
}

/* ---- Reading ---- */

/* Until now the text holds an index in its size. */
static bool
resolve_text(lc_text *text, const lc_text_list *texts)
{
    if (text->size > texts->n)
        return false;
    if (text->size)
        *text = texts->items[text->size - 1];
    return true;
}

static bool
resolve_texts(lc_fact *fact, const lc_text_list *texts)
{
    lc_attribute *attributes = (lc_attribute *)fact->attributes;
    for (size_t i = 0; i < fact->n_attributes; i++)
        if (!resolve_text(&attributes[i].key, texts) || !resolve_text(&attributes[i].value, texts))
            return false;
    return resolve_text(&fact->owner, texts) && resolve_text(&fact->channel, texts) &&
           resolve_text(&fact->campaign, texts) && resolve_text(&fact->text, texts);
}

/* What a fact of its type has not stands for what no other type has: until and into. */
static void
take_shared(lc_fact *fact)
{
    if (fact->type == LC_FACT_PAUSED) {
        fact->until = fact->follow_up_at;
        fact->follow_up_at = LC_ABSENT;
    }
    if (fact->type == LC_FACT_MERGED) {
        fact->into = fact->text;
        fact->text = LC_NO_TEXT;
    }
}

static bool
resolve_facts(lc_read_lead *read, lc_wire *wire)
{
    lc_instant before = 0;
    for (size_t i = 0; i < read->facts.n; i++) {
        lc_fact *fact = &read->facts.items[i];
        if (lc_text_is_absent(fact->event_id) || fact->occurred_at == LC_ABSENT)
            return lc_wire_fail(wire, "a fact without event_id or time");
        before = fact->occurred_at = sum(before, fact->occurred_at);
        if (fact->recorded_at != LC_ABSENT)
            fact->recorded_at = sum(before, fact->recorded_at);
        if (fact->follow_up_at != LC_ABSENT)
            fact->follow_up_at = sum(before, fact->follow_up_at);
        if (!resolve_texts(fact, &read->strings))
            return lc_wire_fail(wire, "an index is beyond its strings");
        take_shared(fact);
    }
    return true;
}

static const lc_read_lead blank_lead = {.wake_at = LC_NEVER, .judged_at = LC_ABSENT, .erased_at = LC_ABSENT};

bool
lc_plan_read_lead(const lc_plan *plan, const void *body, size_t size, lc_arena *arena, lc_lead *lead, GError **error)
{
    lc_plan_reader reader = lc_plan_reader_over(plan, body, size, arena);
    lc_read_lead read = blank_lead;
    if (plan->schema != LC_SCHEMA_LEAD_STATE || !lc_plan_run_ours(plan, &reader, &read) ||
        !resolve_facts(&read, &reader.wire))
        return lc_plan_fail(plan, reader.field, reader.wire.problem, error);
    if (!lc_lead_id_check(read.lead_id, error))
        return false;
    *lead = (lc_lead){
        .id = read.lead_id,
        .judged_at = read.judged_at,
        .wake_at = read.wake_at,
        .erased_at = read.erased_at,
        .facts = read.facts.items,
        .n_facts = read.facts.n,
        .max_facts = read.facts.room,
    };
    return true;
}

bool
lc_plan_peek_lead(const lc_plan *plan, const void *body, size_t size, lc_text *lead_id, lc_instant *wake_at,
                  GError **error)
{
    lc_arena scratch = {0}; /* for an odd writer, who has facts before them */
    lc_plan_reader reader = lc_plan_reader_over(plan, body, size, &scratch);
    lc_read_lead read = blank_lead;
    bool is_read =
        plan->schema == LC_SCHEMA_LEAD_STATE && lc_steps_run(plan->steps, plan->n_peek_steps, &reader, &read);
    lc_arena_clear(&scratch);
    if (!is_read)
        return lc_plan_fail(plan, reader.field, reader.wire.problem, error);
    if (!lc_lead_id_check(read.lead_id, error))
        return false;
    *lead_id = read.lead_id;
    *wake_at = read.wake_at;
    return true;
}
