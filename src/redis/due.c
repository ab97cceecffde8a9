/* due.c - due wake-ups: found by the index, read from their lists, and taken from there by the write that says what
 * came of them. A list is due when all of its time has passed. One of a longer time is moved to shorter ones before it
 * begins, in two writes: one adds to these; the next one, once that was answered, takes them from where they were. So
 * an EXEC that was done only in part loses none, and whoever dies between the two leaves some twice. */
#include "parts.h"

#define LISTS_AT_ONCE 256
#define FULL_LISTS 4 /* so many are asked for all that is wanted, the next ones for half as many, and so on */
#define LEAST_OF_A_LIST 16
#define MOVE_BEFORE (16 * LC_SECOND) /* less than how near those are that come to a short list at once */
#define MOVED_AT_ONCE 10000

typedef struct {
    lc_span span;
    size_t n;    /* asked for; then: found */
    bool is_all; /* there are no more in it */
} due_list;

struct lc_due {
    char *applied; /* all this is so where the partition stands here */
    GArray *lists; /* due_list */
    bool is_moving;
    due_list moving;
    lc_arena arena;
    GArray *moves;  /* lc_wakeup, in `arena` */
    due_list moved; /* the first n of it were added elsewhere by a write that was answered; 0: none */
};

static lc_due *
due_of(lc_redis_store *store, int32_t partition)
{
    lc_due **due = &store->dues[partition];

    if (*due == NULL) {
        *due = g_new0(lc_due, 1);
        (*due)->lists = g_array_new(FALSE, FALSE, sizeof(due_list));
        (*due)->moves = g_array_new(FALSE, FALSE, sizeof(lc_wakeup));
    }
    return *due;
}

void
lc_due_free(lc_due *due)
{
    if (due == NULL)
        return;
    g_free(due->applied);
    g_array_unref(due->lists);
    g_array_unref(due->moves);
    lc_arena_clear(&due->arena);
    g_free(due);
}

static due_list *
list_at(const lc_due *due, guint i)
{
    return &g_array_index(due->lists, due_list, i);
}

static void
forget_plans(lc_due *due)
{
    g_array_set_size(due->lists, 0);
    g_array_set_size(due->moves, 0);
    lc_arena_reset(&due->arena);
    due->is_moving = false;
}

/* Others may have written since: nothing that was found before is so. */
static bool
is_there(const lc_due *due, lc_text applied)
{
    return due->applied && lc_text_equal(applied, lc_text_of(due->applied));
}

static void
note_place(lc_due *due, lc_text applied)
{
    g_free(due->applied);
    due->applied = applied.data ? g_strndup(applied.data, applied.size) : NULL;
}

/* Of this list so many are passed over: they were added elsewhere. */
static size_t
moved_of(const lc_due *due, lc_span span)
{
    return due->moved.n && lc_span_equal(due->moved.span, span) ? due->moved.n : 0;
}

/* ---- The index ---- */

static lc_instant
move_before(const lc_store_read *read)
{
    return read->due_before < LC_NEVER - MOVE_BEFORE ? read->due_before + MOVE_BEFORE : LC_NEVER;
}

static void
ask_index(lc_connection *redis, lc_text prefix, lc_text from, lc_text to, unsigned n)
{
    lc_connection_command(redis, 7);
    lc_connection_word(redis, LC_TEXT("ZRANGEBYSCORE"));
    lc_connection_words(redis, prefix, LC_TEXT("wakeups"));
    lc_connection_word(redis, from);
    lc_connection_word(redis, to);
    lc_connection_word(redis, LC_TEXT("LIMIT"));
    lc_connection_number(redis, 0);
    lc_connection_number(redis, n);
}

/* Those that have begun, or soon will, and the next one. */
void
lc_due_ask(lc_redis_store *store, const lc_store_read *read)
{
    lc_text prefix = lc_prefix(store, read->partition);
    char before[32];
    int size = g_snprintf(before, sizeof before, "(%" G_GINT64_FORMAT, move_before(read));
    lc_text soon = {before, (size_t)size}, later = {before + 1, (size_t)size - 1};

    ask_index(&store->connection, prefix, LC_TEXT("-inf"), soon, LISTS_AT_ONCE);
    ask_index(&store->connection, prefix, later, LC_TEXT("+inf"), 1);
}

/* Before this nothing of the list is to be done. */
static lc_instant
wakes_at(lc_span span)
{
    return span.level == 0 ? lc_span_end(span) - 1 : lc_span_begin(span);
}

static size_t
most_of(const lc_due *due, const lc_store_read *read)
{
    unsigned halves = MIN(due->lists->len / FULL_LISTS, 31);

    return MAX(read->max_due >> halves, MIN(read->max_due, LEAST_OF_A_LIST));
}

static void
plan_span(lc_due *due, lc_store_read *read, lc_span span)
{
    if (read->max_due && lc_span_end(span) <= read->due_before) {
        due_list list = {.span = span, .n = most_of(due, read)};
        g_array_append_val(due->lists, list);
    } else if (read->max_due && span.level > 0 && !due->is_moving && lc_span_begin(span) < move_before(read)) {
        due->is_moving = true;
        due->moving = (due_list){.span = span, .n = MOVED_AT_ONCE};
        read->next_wakeup = MIN(read->next_wakeup, wakes_at(span));
    } else {
        read->next_wakeup = MIN(read->next_wakeup, wakes_at(span));
    }
}

bool
lc_due_take(lc_redis_store *store, lc_store_read *read, redisReply **answers)
{
    lc_due *due = due_of(store, read->partition);
    lc_span span;

    forget_plans(due);
    if (!is_there(due, read->applied))
        due->moved.n = 0;
    note_place(due, read->applied);
    for (int a = 0; a < LC_DUE_COMMANDS; a++)
        for (size_t i = 0; i < answers[a]->elements; i++)
            if (lc_span_parse(lc_reply_text(answers[a]->element[i]), &span))
                plan_span(due, read, span);
    if (answers[0]->elements == LISTS_AT_ONCE && due->lists->len)
        read->next_wakeup = MIN(read->next_wakeup, wakes_at(list_at(due, due->lists->len - 1)->span));
    return lc_due_is_asked(store, read);
}

bool
lc_due_is_asked(const lc_redis_store *store, const lc_store_read *read)
{
    const lc_due *due = store->dues[read->partition];

    return read->due_before != LC_ABSENT && due && due->lists->len + due->is_moving > 0;
}

/* ---- The lists ---- */

static void
ask_list(lc_connection *redis, lc_text prefix, const due_list *list, size_t from)
{
    lc_connection_command(redis, 4);
    lc_connection_word(redis, LC_TEXT("LRANGE"));
    lc_redis_say_list(redis, prefix, list->span);
    lc_connection_number(redis, (int64_t)from);
    lc_connection_number(redis, (int64_t)(from + list->n - 1));
}

void
lc_due_ask_lists(lc_redis_store *store, const lc_store_read *read)
{
    const lc_due *due = store->dues[read->partition];
    lc_connection *redis = &store->connection;
    lc_text prefix = lc_prefix(store, read->partition);

    lc_connection_say(redis, "MULTI");
    lc_redis_say_get(redis, prefix, LC_TEXT("applied"));
    for (guint i = 0; i < due->lists->len; i++)
        ask_list(redis, prefix, list_at(due, i), moved_of(due, list_at(due, i)->span));
    if (due->is_moving)
        ask_list(redis, prefix, &due->moving, moved_of(due, due->moving.span));
    lc_connection_say(redis, "EXEC");
}

/* As many as are wanted. What is left of a list is read again. */
static void
take_list(lc_redis_store *store, lc_store_read *read, due_list *list, const redisReply *answer)
{
    size_t n = MIN(answer->elements, read->max_due - read->n_due);

    list->is_all = answer->elements < list->n && n == answer->elements;
    list->n = n;
    for (size_t i = 0; i < n; i++)
        read->due[read->n_due++] = lc_redis_take_id(
            &store->read_arena, lc_redis_take_wakeup(list->span, lc_reply_text(answer->element[i])).id);
    if (!list->is_all)
        read->next_wakeup = MIN(read->next_wakeup, wakes_at(list->span));
}

static void
take_moves(lc_due *due, const redisReply *answer)
{
    due->moving.is_all = answer->elements < due->moving.n;
    due->moving.n = answer->elements;
    for (size_t i = 0; i < answer->elements; i++) {
        lc_wakeup wakeup = lc_redis_take_wakeup(due->moving.span, lc_reply_text(answer->element[i]));
        wakeup.id = lc_arena_text(&due->arena, wakeup.id);
        wakeup.level = due->moving.span.level - 1;
        g_array_append_val(due->moves, wakeup);
    }
}

bool
lc_due_receive_lists(lc_redis_store *store, lc_store_read *read, GError **error)
{
    lc_due *due = store->dues[read->partition];
    const redisReply *answers = lc_redis_receive_exec(store, 1 + due->lists->len + due->is_moving, error);

    if (answers == NULL)
        return false;
    /* Others write: whatever was read is of no position. */
    if (!lc_text_equal(lc_redis_position(answers->element[0]), read->applied)) {
        read->applied = LC_NO_TEXT;
        forget_plans(due);
        return true;
    }
    read->due = lc_arena_new(&store->read_arena, lc_text, read->max_due);
    for (guint i = 0; i < due->lists->len; i++)
        take_list(store, read, list_at(due, i), answers->element[1 + i]);
    if (due->is_moving)
        take_moves(due, answers->element[1 + due->lists->len]);
    read->is_untidy = true;
    return true;
}

/* ---- Taking ---- */

static void
say_trim(lc_connection *redis, lc_text prefix, lc_span span, size_t n)
{
    lc_connection_command(redis, 4);
    lc_connection_word(redis, LC_TEXT("LTRIM"));
    lc_redis_say_list(redis, prefix, span);
    lc_connection_number(redis, (int64_t)n);
    lc_connection_number(redis, -1);
}

/* The list and its place in the index, which has nothing else. */
static void
say_gone(lc_connection *redis, lc_text prefix, lc_span span)
{
    lc_connection_command(redis, 2);
    lc_connection_word(redis, LC_TEXT("UNLINK"));
    lc_redis_say_list(redis, prefix, span);
    lc_connection_command(redis, 3);
    lc_connection_word(redis, LC_TEXT("ZREM"));
    lc_connection_words(redis, prefix, LC_TEXT("wakeups"));
    lc_redis_say_span(redis, span);
}

/* The first `n` of all lists that were due. */
static size_t
say_lists(lc_connection *redis, lc_text prefix, const lc_due *due, size_t n)
{
    size_t n_commands = 0;

    for (guint i = 0; i < due->lists->len; i++) {
        const due_list *list = list_at(due, i);
        size_t taken = MIN(list->n, n);
        n -= taken;
        if (taken == list->n && list->is_all) {
            say_gone(redis, prefix, list->span);
            n_commands += 2;
        } else if (taken) {
            say_trim(redis, prefix, list->span, taken);
            n_commands++;
        }
        if (taken < list->n)
            break;
    }
    return n_commands;
}

/* What was moved, and a list of which nothing is left to be moved. */
static size_t
say_moved(lc_connection *redis, lc_text prefix, const lc_due *due)
{
    bool is_empty = due->is_moving && due->moving.n == 0 && due->moving.is_all;

    if (is_empty && (due->moved.n == 0 || lc_span_equal(due->moved.span, due->moving.span))) {
        say_gone(redis, prefix, due->moving.span);
        return 2;
    }
    if (due->moved.n == 0)
        return 0;
    say_trim(redis, prefix, due->moved.span, due->moved.n);
    return 1;
}

size_t
lc_due_say_taken(lc_redis_store *store, const lc_store_write *write, GArray *wakeups, size_t *n_taken)
{
    lc_due *due = store->dues[write->partition];
    lc_connection *redis = &store->connection;
    lc_text prefix = lc_prefix(store, write->partition);

    *n_taken = 0;
    if (!write->takes_due || due == NULL || !is_there(due, write->expected))
        return 0;
    size_t n_commands = say_moved(redis, prefix, due);
    n_commands += say_lists(redis, prefix, due, write->n_taken);
    g_array_append_vals(wakeups, due->moves->data, due->moves->len);
    *n_taken = write->n_taken + due->moved.n;
    return n_commands;
}

void
lc_due_grow(lc_due *due, lc_span span)
{
    for (guint i = 0; due && i < due->lists->len; i++)
        if (lc_span_equal(list_at(due, i)->span, span))
            list_at(due, i)->is_all = false;
    if (due && due->is_moving && lc_span_equal(due->moving.span, span))
        due->moving.is_all = false;
}

void
lc_due_follow(lc_redis_store *store, const lc_store_write *write)
{
    lc_due *due = store->dues[write->partition];

    if (due == NULL)
        return;
    bool was_there = is_there(due, write->expected);
    if (write->takes_due || !was_there) {
        due->moved = was_there && due->is_moving ? due->moving : (due_list){0};
        forget_plans(due);
    }
    note_place(due, write->next);
}
