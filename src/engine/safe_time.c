/* safe_time.c - how far time is known to have passed in the inputs of a partition. */
#include "safe_time.h"

/* Safe time (architecture.md): an instant up to which everything that was published to any of the inputs' same
 * partition has been judged. */

void
lc_safe_time_init(lc_safe_time *safe, int n_inputs, const int64_t *offsets)
{
    *safe = (lc_safe_time){g_new(lc_input_time, n_inputs), n_inputs, LC_ABSENT, false};
    for (int i = 0; i < n_inputs; i++)
        safe->inputs[i] = (lc_input_time){offsets[i], LC_ABSENT, LC_ABSENT, LC_ABSENT, -1, LC_ABSENT, -1};
}

void
lc_safe_time_clear(lc_safe_time *safe)
{
    g_clear_pointer(&safe->inputs, g_free);
    safe->now = LC_ABSENT;
}

/* Is the end that was asked for reached? Then the input was consumed up to the moment before it was asked for. */
static void
see(lc_input_time *input)
{
    if (input->asked_end < 0 || input->done < input->asked_end)
        return;
    input->seen_at = MAX(input->seen_at, input->asked_at);
    input->asked_end = -1;
    input->behind_since_ms = -1;
}

void
lc_safe_time_asked(lc_safe_time *safe, int input_index, int64_t end, lc_instant at, int64_t monotonic_ms)
{
    lc_input_time *input = &safe->inputs[input_index];

    /* An older end that is still ahead stays: under a steady load a newer one would never be reached. */
    if (input->asked_end >= 0)
        return;
    input->asked_end = end;
    input->asked_at = at;
    input->behind_since_ms = monotonic_ms;
    see(input);
}

void
lc_safe_time_done(lc_safe_time *safe, int input_index, int64_t done, lc_instant append_at)
{
    lc_input_time *input = &safe->inputs[input_index];

    input->done = MAX(input->done, done);
    input->append_at = MAX(input->append_at, append_at);
    see(input);
}

void
lc_safe_time_confirm(lc_safe_time *safe)
{
    for (int i = 0; safe->inputs && i < safe->n_inputs; i++)
        safe->inputs[i].confirmed_append_at = safe->inputs[i].append_at;
}

static lc_instant
input_time(const lc_input_time *input, int64_t monotonic_ms, lc_duration patience)
{
    bool patience_is_over = input->behind_since_ms >= 0 && monotonic_ms - input->behind_since_ms > patience;

    return patience_is_over ? MAX(input->seen_at, input->confirmed_append_at) : input->seen_at;
}

void
lc_safe_time_advance(lc_safe_time *safe, int64_t monotonic_ms, lc_duration lateness, lc_duration patience)
{
    lc_instant earliest = LC_NEVER, least_seen = LC_NEVER;

    for (int i = 0; i < safe->n_inputs; i++) {
        earliest = MIN(earliest, input_time(&safe->inputs[i], monotonic_ms, safe->republished ? LC_NEVER : patience));
        least_seen = MIN(least_seen, safe->inputs[i].seen_at);
    }
    safe->republished = safe->republished && least_seen == LC_ABSENT;
    if (earliest != LC_ABSENT && earliest != LC_NEVER)
        safe->now = MAX(safe->now, earliest - lateness);
}

void
lc_safe_time_forget(lc_safe_time *safe)
{
    for (int i = 0; safe->inputs && i < safe->n_inputs; i++) {
        lc_input_time *input = &safe->inputs[i];
        input->seen_at = LC_ABSENT;
        input->asked_end = input->behind_since_ms = -1;
    }
    safe->now = LC_ABSENT;
}
