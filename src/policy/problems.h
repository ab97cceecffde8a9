/* problems.h - what is wrong (or odd) with one file, collected, and printed like a good compiler prints it. */
#pragma once

#include <leadclock/base.h>

typedef struct lc_problems lc_problems;

/* `file` and `text` (the whole file) are borrowed and must outlive it. */
lc_problems *lc_problems_new(const char *file, lc_text text);
lc_problems *lc_problems_copy(const lc_problems *problems);
void lc_problems_free(lc_problems *problems);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lc_problems, lc_problems_free)

/* Line and column (in characters) count from 1; line 0 stands for the file as a whole. */
void lc_problems_add(lc_problems *problems, int line, int column, const char *format, ...) G_GNUC_PRINTF(4, 5);
void lc_problems_add_va(lc_problems *problems, int line, int column, const char *format, va_list arguments)
    G_GNUC_PRINTF(4, 0);

bool lc_problems_is_empty(const lc_problems *problems);
/* Further ones are no longer kept, only counted. */
bool lc_problems_is_full(const lc_problems *problems);
/* Appends, in order of lines, "FILE:LINE:COLUMN: MESSAGE", each followed by the line and a caret; as warnings
 * "FILE:LINE:COLUMN: warning: MESSAGE" alone. */
void lc_problems_print(const lc_problems *problems, bool as_warnings, GString *output);
