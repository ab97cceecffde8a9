/* names.c - what was probably meant by a name that is none. */
#include <leadclock/text.h>

size_t
lc_byte_order_mark(const char *text, size_t size)
{
    return size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool
is_same_letter(char a, char b)
{
    return g_ascii_tolower(a) == g_ascii_tolower(b);
}

unsigned
lc_name_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b), width = m + 1;
    g_autofree unsigned *rows = g_new(unsigned, 3 * width);
    unsigned *older = rows, *previous = rows + width, *current = rows + 2 * width;
    for (size_t j = 0; j <= m; j++)
        previous[j] = (unsigned)j;
    for (size_t i = 1; i <= n; i++) {
        current[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned changed = previous[j - 1] + !is_same_letter(a[i - 1], b[j - 1]);
            current[j] = MIN(changed, MIN(previous[j], current[j - 1]) + 1);
            if (i > 1 && j > 1 && is_same_letter(a[i - 1], b[j - 2]) && is_same_letter(a[i - 2], b[j - 1]))
                current[j] = MIN(current[j], older[j - 2] + 1);
        }
        unsigned *free_row = older;
        older = previous;
        previous = current;
        current = free_row;
    }
    return previous[m];
}

/* Names whose numbers differ mean different things ("GMT+2" and "GMT+0", "phase1" and "phase2"). */
static bool
has_same_digits(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strcspn(a, "0123456789");
        b += strcspn(b, "0123456789");
        if (*a != *b || *a == '\0')
            return *a == *b;
    }
}

/* Whole words of one are whole words of the other, mostly: "warning" begins with "warn", "prune" has no "run". */
static bool
has_at_its_ends(const char *name, const char *part)
{
    return g_str_has_prefix(name, part) || g_str_has_suffix(name, part);
}

const char *
lc_nearest_name(const char *name, const char *const *names)
{
    const char *nearest = NULL;
    size_t length = strlen(name);
    unsigned best = length > 255 ? 0 : (unsigned)(length < 4 ? 1 : length / 3) + 1;
    for (const char *const *at = names; best && *at; at++) {
        unsigned distance = has_same_digits(name, *at) && strcmp(name, *at) != 0 ? lc_name_distance(name, *at) : best;
        if (distance < best) {
            best = distance;
            nearest = *at;
        }
    }
    g_autofree char *lower = g_ascii_strdown(name, -1);
    for (; best && nearest == NULL && *names; names++)
        if (has_same_digits(name, *names) && strcmp(name, *names) != 0 &&
            ((length > 3 && strstr(*names, lower)) || (length > 3 && strstr(*names, name)) ||
             (strlen(*names) >= 3 && (has_at_its_ends(lower, *names) || has_at_its_ends(name, *names)))))
            nearest = *names;
    return nearest;
}

char *
lc_did_you_mean(const char *name, const char *const *names)
{
    const char *near = lc_nearest_name(name, names);
    return near ? g_strdup_printf("; did you mean \"%s\"?", near) : g_strdup("");
}
