/* oddities.c - what of the facts means nothing to a policy, or may be a mistake: counted, and told in the end. */
#include <leadclock/backtest.h>
#include <leadclock/text.h>

#include <inttypes.h>
#include <stdio.h>

#define NAMES_KEPT 1000
#define NAMES_TOLD 5
#define NAME_TOLD 40 /* characters */

typedef struct {
    uint64_t n;
    char *first;       /* place */
    GHashTable *names; /* of what: name -> how often; or NULL */
} oddity;

/* An attribute that a condition compares as a number, and those of its values that are none. */
typedef struct {
    lc_policy_number number;
    oddity values;
    char *example;
} odd_number;

struct lc_oddities {
    const lc_policy_book *book, *other; /* or NULL */
    lc_instant today;
    uint64_t n_facts;
    oddity repeated, later, stages, reasons;
    GArray *numbers; /* odd_number */
};

static void
clear_number(gpointer data)
{
    odd_number *one = data;

    g_free(one->values.first);
    g_free(one->example);
}

static GArray *
list_numbers(const lc_policy_book *book, const lc_policy_book *other)
{
    g_autoptr(GArray) compared = g_array_new(FALSE, FALSE, sizeof(lc_policy_number));
    GArray *numbers = g_array_new(FALSE, FALSE, sizeof(odd_number));

    lc_policy_book_numbers(book, compared);
    if (other)
        lc_policy_book_numbers(other, compared);
    for (guint i = 0; i < compared->len; i++) {
        odd_number added = {.number = g_array_index(compared, lc_policy_number, i)};
        g_array_append_val(numbers, added);
    }
    g_array_set_clear_func(numbers, clear_number);
    return numbers;
}

lc_oddities *
lc_oddities_new(const lc_policy_book *book, const lc_policy_book *other, lc_instant today)
{
    lc_oddities *odd = g_new0(lc_oddities, 1);

    odd->book = book;
    odd->other = other;
    odd->today = today;
    odd->stages.names = g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, NULL);
    odd->reasons.names = g_hash_table_new_full(lc_string_key_hash, g_str_equal, g_free, NULL);
    odd->numbers = list_numbers(book, other);
    return odd;
}

void
lc_oddities_free(lc_oddities *odd)
{
    g_free(odd->repeated.first);
    g_free(odd->later.first);
    g_free(odd->stages.first);
    g_free(odd->reasons.first);
    g_hash_table_unref(odd->stages.names);
    g_hash_table_unref(odd->reasons.names);
    g_array_unref(odd->numbers);
    g_free(odd);
}

/* ---- Counting ---- */

static void
count(oddity *one, lc_fact_source *source)
{
    if (one->n++ == 0)
        one->first = g_strdup(lc_fact_source_place(source));
}

static void
count_name(oddity *one, lc_text name, lc_fact_source *source)
{
    g_autofree char *text = g_strndup(name.data, name.size);
    guint known = GPOINTER_TO_UINT(g_hash_table_lookup(one->names, text));

    count(one, source);
    if (known || g_hash_table_size(one->names) < NAMES_KEPT)
        g_hash_table_insert(one->names, g_steal_pointer(&text), GUINT_TO_POINTER(known + 1));
}

typedef int (*find_name)(const lc_policy *policy, lc_text name);

static bool
is_listed(const lc_policy_book *book, find_name find, lc_text name)
{
    for (size_t i = 0; book && i < lc_policy_book_size(book); i++)
        if (find(lc_policy_book_get(book, i), name) >= 0)
            return true;
    return false;
}

static void
take_numbers(lc_oddities *odd, const lc_fact *fact, lc_fact_source *source)
{
    for (guint i = 0; i < odd->numbers->len; i++) {
        odd_number *one = &g_array_index(odd->numbers, odd_number, i);
        for (size_t j = 0; j < fact->n_attributes; j++) {
            lc_text value = fact->attributes[j].value;
            if (!lc_text_equal(fact->attributes[j].key, one->number.attribute) || lc_policy_is_number(value))
                continue;
            if (one->values.n == 0)
                one->example = g_strndup(value.data, value.size);
            count(&one->values, source);
        }
    }
}

void
lc_oddities_take(lc_oddities *odd, const lc_fact *fact, lc_verdict verdict, lc_fact_source *source)
{
    odd->n_facts++;
    if (verdict == LC_VERDICT_REPEATED)
        count(&odd->repeated, source);
    if (fact->occurred_at > odd->today)
        count(&odd->later, source);
    if (fact->type == LC_FACT_PROGRESSED && !is_listed(odd->book, lc_policy_stage, fact->text) &&
        !is_listed(odd->other, lc_policy_stage, fact->text))
        count_name(&odd->stages, fact->text, source);
    if (fact->type == LC_FACT_REJECTED && !is_listed(odd->book, lc_policy_reason, fact->text) &&
        !is_listed(odd->other, lc_policy_reason, fact->text))
        count_name(&odd->reasons, fact->text, source);
    if (fact->n_attributes > 0)
        take_numbers(odd, fact, source);
}

/* ---- Telling ---- */

typedef struct {
    const char *name;
    guint n;
} named;

/* The most frequent first. */
static gint
by_number(gconstpointer a, gconstpointer b)
{
    const named *one = a, *other = b;

    return one->n != other->n ? (one->n < other->n ? 1 : -1) : strcmp(one->name, other->name);
}

static void
add_quoted(GString *text, const char *name)
{
    g_autofree char *start = g_utf8_strlen(name, -1) > NAME_TOLD ? g_utf8_substring(name, 0, NAME_TOLD) : NULL;

    lc_json_write_text(text, lc_text_of(start ? start : name));
    g_string_append(text, start ? "..." : "");
}

/* "\"won\" (12), \"Lost\" (3) and 2 more". Caller frees. */
static char *
list_names(GHashTable *names)
{
    g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(named));
    GString *text = g_string_new(NULL);
    GHashTableIter iter;
    gpointer name, n;

    g_hash_table_iter_init(&iter, names);
    while (g_hash_table_iter_next(&iter, &name, &n)) {
        named one = {name, GPOINTER_TO_UINT(n)};
        g_array_append_val(all, one);
    }
    g_array_sort(all, by_number);
    for (guint i = 0; i < MIN(all->len, NAMES_TOLD); i++) {
        g_string_append(text, i ? ", " : "");
        add_quoted(text, g_array_index(all, named, i).name);
        g_string_append_printf(text, " (%u)", g_array_index(all, named, i).n);
    }
    if (all->len > NAMES_TOLD)
        g_string_append_printf(text, " and %s%u more", all->len == NAMES_KEPT ? "at least " : "",
                               all->len - NAMES_TOLD);
    return g_string_free(text, FALSE);
}

static void
tell(const lc_oddities *odd, const char *command, const oddity *one, const char *what)
{
    if (one->n > 0)
        fprintf(stderr, "leadclock %s: %" PRIu64 " of %" PRIu64 " facts: %s (the first is %s)\n", command, one->n,
                odd->n_facts, what, one->first);
}

/* `what` has a place for the names. */
static void
tell_names(const lc_oddities *odd, const char *command, const oddity *one, const char *what) G_GNUC_PRINTF(4, 0);

static void
tell_names(const lc_oddities *odd, const char *command, const oddity *one, const char *what)
{
    g_autofree char *names = list_names(one->names), *text = g_strdup_printf(what, names);

    tell(odd, command, one, text);
}

static void
tell_number(const lc_oddities *odd, const char *command, const odd_number *one)
{
    g_autoptr(GString) text = g_string_new("an attribute ");
    g_autofree char *attribute = g_strndup(one->number.attribute.data, one->number.attribute.size);

    if (one->values.n == 0)
        return;
    add_quoted(text, attribute);
    g_string_append(text, " that is no number, as ");
    add_quoted(text, one->example);
    g_string_append_printf(text,
                           ", which %s %.*s compares with `at_least`; they are below every bound: write digits, and a "
                           "point where there are decimals",
                           one->number.kind, LC_TEXT_ARGS(one->number.name));
    tell(odd, command, &one->values, text->str);
}

void
lc_oddities_tell(const lc_oddities *odd, const char *command)
{
    tell(odd, command, &odd->later,
         "later than now; what stands after one counts as arriving then, and all clocks until then have run out: look "
         "at its occurred_at");
    tell(odd, command, &odd->repeated, "an event_id that their lead has already; they change nothing");
    tell_names(odd, command, &odd->stages, "a stage that no policy document lists: %s; they are no progress");
    tell_names(odd, command, &odd->reasons, "a reason that no policy document lists: %s; they count as `other`");
    for (guint i = 0; i < odd->numbers->len; i++)
        tell_number(odd, command, &g_array_index(odd->numbers, odd_number, i));
}
