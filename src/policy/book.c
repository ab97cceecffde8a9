/* book.c - documents from files and folders, in order of time, and what holds among them. */
#include "read.h"

#include <leadclock/text.h>

#define LARGEST_FILE_BYTES ((gsize)1024 * 1024)

struct lc_policy_book {
    GPtrArray *documents; /* of lc_document *, by effective_from once loaded */
};

const char *
lc_route_name(lc_route route)
{
    static const char *const names[] = {"NURTURE", "SUPPRESS", "REASSIGN", "ENRICH"};
    return names[route];
}

int
lc_policy_stage(const lc_policy *policy, lc_text name)
{
    for (unsigned i = 0; i < policy->n_stages; i++)
        if (lc_text_equal(policy->stages[i].name, name))
            return (int)i;
    return -1;
}

int
lc_policy_reason(const lc_policy *policy, lc_text name)
{
    for (unsigned i = 0; i < policy->n_reasons; i++)
        if (lc_text_equal(policy->reasons[i].name, name))
            return (int)i;
    return -1;
}

const lc_rule *
lc_policy_rule(const lc_policy *policy, lc_text channel, const lc_attribute *attributes, size_t n_attributes)
{
    unsigned last = policy->n_rules - 1;
    for (unsigned i = 0; i < last; i++)
        if (lc_condition_holds(policy->rules[i].when, channel, attributes, n_attributes))
            return &policy->rules[i];
    return &policy->rules[last];
}

/* ---- Documents ---- */

static void
free_document(gpointer data)
{
    lc_document *document = data;
    for (guint i = 0; i < document->calendars->len; i++) {
        lc_named_calendar *named = &g_array_index(document->calendars, lc_named_calendar, i);
        lc_calendar_free(named->calendar);
        g_free(named->name);
    }
    g_array_unref(document->calendars);
    g_array_unref(document->holiday_files);
    g_ptr_array_unref(document->included);
    lc_zone_free(document->policy.reporting_zone);
    lc_problems_free(document->problems);
    lc_problems_free(document->oddities);
    lc_arena_clear(&document->arena);
    g_free(document->text);
    g_free(document->file);
    g_free(document);
}

static lc_text
without_byte_order_mark(const char *text, gsize size)
{
    size_t mark = lc_byte_order_mark(text, size);
    return (lc_text){text + mark, size - mark};
}

/* Takes `text`. */
static lc_document *
add_document(lc_policy_book *book, const char *file, char *text, gsize size)
{
    lc_document *document = g_new0(lc_document, 1);
    document->file = g_strdup(file);
    document->text = text;
    document->text_size = size;
    document->included = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    document->holiday_files = g_array_new(FALSE, FALSE, sizeof(lc_holiday_file));
    document->calendars = g_array_new(FALSE, FALSE, sizeof(lc_named_calendar));
    document->problems = lc_problems_new(document->file, without_byte_order_mark(text, size));
    document->oddities = lc_problems_new(document->file, without_byte_order_mark(text, size));
    g_ptr_array_add(book->documents, document);
    return document;
}

static void
read_document(lc_policy_book *book, const char *file, char *text, gsize size)
{
    lc_document *document = add_document(book, file, text, size);
    if (size > LARGEST_FILE_BYTES) {
        lc_problems_add(document->problems, 0, 0, "over 1 MiB; no policy needs that");
        return;
    }
    const lc_yaml *root = lc_yaml_parse(without_byte_order_mark(text, size), &document->arena, document->problems);
    if (root)
        lc_document_read(document, root);
}

/* ---- Files ---- */

static void
read_file(lc_policy_book *book, const char *path)
{
    g_autoptr(GError) error = NULL;
    char *text;
    gsize size;
    if (g_file_get_contents(path, &text, &size, &error))
        read_document(book, path, text, size);
    else
        lc_problems_add(add_document(book, path, g_strdup(""), 0)->problems, 0, 0,
                        "can't be read (%s); name a policy file or a folder of them", error->message);
}

static int
compare_strings(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
read_folder(lc_policy_book *book, const char *path)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) error = NULL;
    g_autoptr(GDir) folder = g_dir_open(path, 0, &error);
    const char *name;
    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *file = g_build_filename(path, name, NULL);
        if (name[0] != '.' && (g_str_has_suffix(name, ".yaml") || g_str_has_suffix(name, ".yml")) &&
            !g_file_test(file, G_FILE_TEST_IS_DIR))
            g_ptr_array_add(files, g_steal_pointer(&file));
    }
    g_ptr_array_sort(files, compare_strings);
    for (guint i = 0; i < files->len; i++)
        read_file(book, files->pdata[i]);
    if (error)
        lc_problems_add(add_document(book, path, g_strdup(""), 0)->problems, 0, 0,
                        "can't be read (%s); let it be read, or name another", error->message);
    else if (files->len == 0)
        lc_problems_add(add_document(book, path, g_strdup(""), 0)->problems, 0, 0,
                        "a folder without policies; put *.yaml or *.yml files there");
}

/* ---- The book ---- */

static lc_document *
document_at(const lc_policy_book *book, size_t index)
{
    return book->documents->pdata[index];
}

static int
compare_documents(gconstpointer a, gconstpointer b)
{
    const lc_document *left = *(lc_document *const *)a, *right = *(lc_document *const *)b;
    lc_instant left_from = left->policy.effective_from, right_from = right->policy.effective_from;
    return (left_from > right_from) - (left_from < right_from);
}

static void
refuse_same(lc_document *document, const lc_yaml *node, const lc_document *other, const lc_yaml *other_node,
            const char *message)
{
    lc_problems_add(document->problems, node->line, node->column, "%s %s:%d", message, other->file, other_node->line);
}

static void
check_against(lc_document *document, const lc_document *other)
{
    if (document->policy.name.size && lc_text_equal(document->policy.name, other->policy.name))
        refuse_same(document, document->name_node, other, other->name_node,
                    "a document has this name already; choose another than that of");
    bool wrong = document->policy.effective_from == LC_ABSENT && document->effective_from_node != document->name_node;
    if (document->policy.effective_from != other->policy.effective_from || wrong)
        return;
    if (document->policy.effective_from == LC_ABSENT)
        refuse_same(document, document->name_node, other, other->name_node,
                    "only the earliest document may leave effective_from out; add it here or in");
    else
        refuse_same(document, document->effective_from_node, other, other->effective_from_node,
                    "another document is in effect from the same instant; change one, here or in");
}

static void
check_documents(lc_policy_book *book)
{
    for (guint i = 1; i < book->documents->len; i++)
        for (guint j = 0; j < i; j++)
            if (document_at(book, i)->name_node && document_at(book, j)->name_node)
                check_against(document_at(book, i), document_at(book, j));
}

static char *
problems_of(const lc_policy_book *book)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < book->documents->len; i++)
        lc_problems_print(document_at(book, i)->problems, false, text);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static lc_policy_book *
new_book(void)
{
    lc_policy_book *book = g_new0(lc_policy_book, 1);
    book->documents = g_ptr_array_new_with_free_func(free_document);
    return book;
}

/* Takes the book, and gives it back where nothing is wrong. */
static lc_policy_book *
finish(lc_policy_book *book, GError **error)
{
    check_documents(book);
    g_autofree char *problems = problems_of(book);
    if (problems[0] == '\0' && book->documents->len > 0) {
        g_ptr_array_sort(book->documents, compare_documents);
        return book;
    }
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "%s", problems[0] ? g_strchomp(problems) : "no policy was named");
    lc_policy_book_free(book);
    return NULL;
}

lc_policy_book *
lc_policy_book_load(const char *const *paths, GError **error)
{
    lc_policy_book *book = new_book();
    for (; *paths; paths++)
        if (g_file_test(*paths, G_FILE_TEST_IS_DIR))
            read_folder(book, *paths);
        else
            read_file(book, *paths);
    return finish(book, error);
}

lc_policy_book *
lc_policy_book_parse(const char *name, const char *yaml, size_t size, GError **error)
{
    lc_policy_book *book = new_book();
    char *text = g_malloc0(size + 1);
    if (size)
        memcpy(text, yaml, size);
    read_document(book, name, text, size);
    return finish(book, error);
}

void
lc_policy_book_free(lc_policy_book *book)
{
    if (book == NULL)
        return;
    g_ptr_array_unref(book->documents);
    g_free(book);
}

size_t
lc_policy_book_size(const lc_policy_book *book)
{
    return book->documents->len;
}

const lc_policy *
lc_policy_book_get(const lc_policy_book *book, size_t index)
{
    return &document_at(book, index)->policy;
}

const lc_policy *
lc_policy_book_at(const lc_policy_book *book, lc_instant instant)
{
    size_t index = book->documents->len - 1;
    while (index > 0 && document_at(book, index)->policy.effective_from > instant)
        index--;
    return lc_policy_book_get(book, index);
}

const lc_zone *
lc_policy_book_zone(const lc_policy_book *book)
{
    const lc_policy *first = lc_policy_book_get(book, 0);

    for (size_t i = 1; i < lc_policy_book_size(book); i++)
        if (!lc_text_equal(lc_policy_book_get(book, i)->reporting_zone_name, first->reporting_zone_name))
            return NULL;
    return first->reporting_zone;
}

static void
hash_text(GChecksum *checksum, const void *text, gsize size)
{
    guint64 length = GUINT64_TO_LE(size);
    g_checksum_update(checksum, (const guchar *)&length, sizeof length);
    g_checksum_update(checksum, text, (gssize)size);
}

static void
hash_document(GChecksum *checksum, const lc_document *document)
{
    hash_text(checksum, document->text, document->text_size);
    for (guint i = 0; i < document->included->len; i++) {
        gsize size;
        const void *text = g_bytes_get_data(document->included->pdata[i], &size);
        hash_text(checksum, text, size);
    }
}

char *
lc_policy_book_hash(const lc_policy_book *book, lc_instant now)
{
    g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
    for (guint i = 0; i < book->documents->len; i++) {
        if (i > 0 && document_at(book, i)->policy.effective_from > now)
            break;
        hash_document(checksum, document_at(book, i));
    }
    return g_strdup(g_checksum_get_string(checksum));
}

char *
lc_policy_book_warnings(const lc_policy_book *book, lc_instant now)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < book->documents->len; i++) {
        const lc_document *document = document_at(book, i);
        g_autoptr(lc_problems) oddities = lc_problems_copy(document->oddities);
        /* What no hand-off is judged by any more lacks nothing. */
        if (i + 1 == book->documents->len || lc_policy_book_get(book, i + 1)->effective_from > now)
            lc_remark_holidays(document, now, oddities);
        lc_problems_print(oddities, true, text);
    }
    return text->len ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

char *
lc_policy_book_explain(const lc_policy_book *book)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (guint i = 0; i < book->documents->len; i++)
        lc_explain_document(document_at(book, i), i ? lc_policy_book_get(book, i - 1) : NULL,
                            i + 1 < book->documents->len ? lc_policy_book_get(book, i + 1) : NULL, text);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
