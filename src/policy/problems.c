#include "problems.h"

#define MOST_PROBLEMS 100
/* Of a long line as much is shown, around the caret. */
#define SHOWN_CHARACTERS 160
#define LONGEST_NAME 64

typedef struct {
    int line, column;
    unsigned rank; /* of two at the same place the first found comes first */
    char *message;
} lc_problem;

struct lc_problems {
    const char *file;
    lc_text text;
    GArray *list;
    bool left_out;
};

static void
clear_problem(gpointer problem)
{
    g_free(((lc_problem *)problem)->message);
}

lc_problems *
lc_problems_new(const char *file, lc_text text)
{
    lc_problems *problems = g_new0(lc_problems, 1);
    problems->file = file;
    problems->text = text;
    problems->list = g_array_new(FALSE, FALSE, sizeof(lc_problem));
    g_array_set_clear_func(problems->list, clear_problem);
    return problems;
}

void
lc_problems_free(lc_problems *problems)
{
    if (problems == NULL)
        return;
    g_array_unref(problems->list);
    g_free(problems);
}

void
lc_problems_add_va(lc_problems *problems, int line, int column, const char *format, va_list arguments)
{
    if (lc_problems_is_full(problems)) {
        problems->left_out = true;
        return;
    }
    lc_problem problem = {line, column, problems->list->len, g_strdup_vprintf(format, arguments)};
    g_array_append_val(problems->list, problem);
}

void
lc_problems_add(lc_problems *problems, int line, int column, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    lc_problems_add_va(problems, line, column, format, arguments);
    va_end(arguments);
}

bool
lc_problems_is_empty(const lc_problems *problems)
{
    return problems->list->len == 0;
}

bool
lc_problems_is_full(const lc_problems *problems)
{
    return problems->list->len >= MOST_PROBLEMS;
}

static int
compare_problems(gconstpointer a, gconstpointer b)
{
    const lc_problem *left = a, *right = b;
    if (left->line != right->line)
        return left->line < right->line ? -1 : 1;
    if (left->column != right->column)
        return left->column < right->column ? -1 : 1;
    return left->rank < right->rank ? -1 : 1;
}

static lc_text
line_of(lc_text text, int line)
{
    const char *start = text.data, *end = text.data + text.size;
    for (; line > 1 && start < end; line--) {
        const char *newline = memchr(start, '\n', (size_t)(end - start));
        start = newline ? newline + 1 : end;
    }
    const char *newline = memchr(start, '\n', (size_t)(end - start));
    lc_text found = {start, (size_t)((newline ? newline : end) - start)};
    if (found.size && found.data[found.size - 1] == '\r')
        found.size--;
    return found;
}

/* What would upset a terminal, or is no UTF-8, is shown as one '?'. Takes the character off the front of `text`. */
static void
append_character(GString *output, lc_text *text)
{
    gunichar character = g_utf8_get_char_validated(text->data, (gssize)text->size);
    bool valid = character < 0x110000;
    size_t size = valid ? (size_t)g_unichar_to_utf8(character, NULL) : 1;
    if (character == '\t')
        g_string_append_c(output, ' ');
    else if (valid && g_unichar_isprint(character))
        g_string_append_len(output, text->data, (gssize)size);
    else
        g_string_append_c(output, '?');
    text->data += size;
    text->size -= size;
}

static void
print_source(const lc_problems *problems, const lc_problem *problem, GString *output)
{
    g_autoptr(GString) ignored = g_string_new(NULL);
    lc_text line = line_of(problems->text, problem->line);
    int first = problem->column <= SHOWN_CHARACTERS * 3 / 4 ? 1 : problem->column - SHOWN_CHARACTERS / 2;
    for (int i = 1; i < first && line.size; i++)
        append_character(ignored, &line);
    const char *start = first > 1 ? "    ..." : "    ";
    g_string_append(output, start);
    for (int i = 0; i < SHOWN_CHARACTERS && line.size; i++)
        append_character(output, &line);
    g_string_append_printf(output, "%s\n%*s^\n", line.size ? "..." : "", (int)strlen(start) + problem->column - first,
                           "");
}

void
lc_problems_print(const lc_problems *problems, bool as_warnings, GString *output)
{
    g_array_sort(problems->list, compare_problems);
    for (guint i = 0; i < problems->list->len; i++) {
        const lc_problem *problem = &g_array_index(problems->list, lc_problem, i);
        g_string_append(output, problems->file);
        if (problem->line > 0)
            g_string_append_printf(output, ":%d:%d", problem->line, problem->column);
        g_string_append_printf(output, ": %s%s\n", as_warnings ? "warning: " : "", problem->message);
        if (!as_warnings && problem->line > 0)
            print_source(problems, problem, output);
    }
    if (problems->left_out)
        g_string_append_printf(output, "%s: and more, not shown\n", problems->file);
}

/* Edits (a letter added, left out, changed, or two exchanged) that make one of the other; case does not count. */
static size_t
edit_distance(lc_text a, const char *b, size_t b_size)
{
    size_t rows[3][LONGEST_NAME + 1];
    for (size_t j = 0; j <= b_size; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            char left = g_ascii_tolower(a.data[i - 1]), right = g_ascii_tolower(b[j - 1]);
            row[j] = MIN(MIN(above[j], row[j - 1]) + 1, above[j - 1] + (left != right));
            if (i > 1 && j > 1 && left == g_ascii_tolower(b[j - 2]) && right == g_ascii_tolower(a.data[i - 2]))
                row[j] = MIN(row[j], two_above[j - 2] + 1);
        }
    }
    return rows[a.size % 3][b_size];
}

/* One is the other with something more ("warning" for "warn", "time_zone" for "reporting_time_zone"). */
static bool
is_part_of_the_other(lc_text wrong, const char *name)
{
    return (wrong.size > 3 && strstr(name, wrong.data)) || (strlen(name) >= 3 && strstr(wrong.data, name));
}

const char *
lc_nearest_name(lc_text wrong, const char *const *names, size_t n_names)
{
    const char *nearest = NULL;
    /* A third of the letters wrong is still a slip. */
    size_t least = MAX(1, wrong.size / 3) + 1;
    if (wrong.size == 0 || wrong.size > LONGEST_NAME)
        return NULL;
    for (size_t i = 0; i < n_names; i++) {
        size_t size = strlen(names[i]);
        size_t distance = size > LONGEST_NAME ? least : edit_distance(wrong, names[i], size);
        if (distance < least && distance < size) {
            least = distance;
            nearest = names[i];
        }
    }
    for (size_t i = 0; i < n_names && nearest == NULL; i++)
        if (is_part_of_the_other(wrong, names[i]))
            nearest = names[i];
    return nearest;
}
