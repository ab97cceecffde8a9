/* problems.c - problems in order of their places, each with its line and a caret. */
#include "places.h"

#include <leadclock/yaml.h>

#define MOST_PROBLEMS 100

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

lc_problems *
lc_problems_copy(const lc_problems *problems)
{
    lc_problems *copy = lc_problems_new(problems->file, problems->text);
    for (guint i = 0; i < problems->list->len; i++) {
        lc_problem problem = g_array_index(problems->list, lc_problem, i);
        problem.message = g_strdup(problem.message);
        g_array_append_val(copy->list, problem);
    }
    copy->left_out = problems->left_out;
    return copy;
}

void
lc_problems_free(lc_problems *problems)
{
    if (problems == NULL)
        return;
    g_array_unref(problems->list);
    g_free(problems);
}

/* What stands behind an alias is read once for each use of it, and its problems are found as often. */
static bool
is_known(const lc_problems *problems, int line, int column, const char *message)
{
    for (guint i = 0; i < problems->list->len; i++) {
        const lc_problem *known = &g_array_index(problems->list, lc_problem, i);
        if (known->line == line && known->column == column && strcmp(known->message, message) == 0)
            return true;
    }
    return false;
}

void
lc_problems_add_va(lc_problems *problems, int line, int column, const char *format, va_list arguments)
{
    if (lc_problems_is_full(problems)) {
        problems->left_out = true;
        return;
    }
    g_autofree char *message = g_strdup_vprintf(format, arguments);
    if (is_known(problems, line, column, message))
        return;
    lc_problem problem = {line, column, problems->list->len, g_steal_pointer(&message)};
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

static void
print_problem(const lc_problems *problems, const lc_problem *problem, bool as_warning, GString *output)
{
    g_autofree char *message = g_strconcat(as_warning ? "warning: " : "", problem->message, NULL);
    if (problem->line == 0) {
        g_string_append_printf(output, "%s: %s\n", problems->file, message);
        return;
    }
    g_autofree char *line = lc_line_of(problems->text.data, problems->text.size, problem->line);
    lc_diagnose(output, problems->file, problem->line, problem->column, line, message);
}

void
lc_problems_print(const lc_problems *problems, bool as_warnings, GString *output)
{
    g_array_sort(problems->list, compare_problems);
    for (guint i = 0; i < problems->list->len; i++)
        print_problem(problems, &g_array_index(problems->list, lc_problem, i), as_warnings, output);
    if (problems->left_out)
        g_string_append_printf(output, "%s: and more, not shown\n", problems->file);
}
