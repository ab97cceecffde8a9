/* texts.c - texts kept once each, by number. */
#include "texts.h"

#include <leadclock/text.h>

struct lc_texts {
    GHashTable *numbers; /* lc_text * -> number */
    GPtrArray *texts;    /* lc_text *, by number */
    lc_arena arena;
};

lc_texts *
lc_texts_new(void)
{
    static const lc_text none = LC_NO_TEXT;
    lc_texts *texts = g_new0(lc_texts, 1);
    texts->numbers = g_hash_table_new(lc_text_key_hash, lc_text_key_equal);
    texts->texts = g_ptr_array_new();
    g_ptr_array_add(texts->texts, (void *)&none);
    return texts;
}

void
lc_texts_free(lc_texts *texts)
{
    g_hash_table_unref(texts->numbers);
    g_ptr_array_unref(texts->texts);
    lc_arena_clear(&texts->arena);
    g_free(texts);
}

uint32_t
lc_texts_find(const lc_texts *texts, lc_text text)
{
    if (lc_text_is_absent(text))
        return 0;
    uint32_t number = GPOINTER_TO_UINT(g_hash_table_lookup(texts->numbers, &text));
    return number ? number : UINT32_MAX;
}

uint32_t
lc_texts_add(lc_texts *texts, lc_text text)
{
    uint32_t number = lc_texts_find(texts, text);
    if (number != UINT32_MAX)
        return number;
    lc_text *kept = lc_arena_new(&texts->arena, lc_text, 1);
    *kept = lc_arena_text(&texts->arena, text);
    number = texts->texts->len;
    g_ptr_array_add(texts->texts, kept);
    g_hash_table_insert(texts->numbers, kept, GUINT_TO_POINTER(number));
    return number;
}

lc_text
lc_texts_get(const lc_texts *texts, uint32_t number)
{
    return *(const lc_text *)g_ptr_array_index(texts->texts, number);
}
