/* parcel.c - the facts of a request: taken apart, checked, and made into records. */
#include <leadclock/ingest.h>

#include <leadclock/text.h>

void
lc_parcel_init(lc_parcel *parcel)
{
    parcel->bytes = g_byte_array_new();
    parcel->records = g_array_new(FALSE, FALSE, sizeof(lc_parcel_record));
    parcel->problems = g_array_new(FALSE, FALSE, sizeof(lc_parcel_problem));
}

void
lc_parcel_clear(lc_parcel *parcel)
{
    for (guint i = 0; parcel->problems && i < parcel->problems->len; i++) {
        g_free(g_array_index(parcel->problems, lc_parcel_problem, i).field);
        g_free(g_array_index(parcel->problems, lc_parcel_problem, i).message);
    }
    g_clear_pointer(&parcel->bytes, g_byte_array_unref);
    g_clear_pointer(&parcel->records, g_array_unref);
    g_clear_pointer(&parcel->problems, g_array_unref);
}

/* ---- One fact ---- */

/* A body while it is read. */
typedef struct {
    lc_parcel *parcel;
    const lc_inputs *inputs;
    lc_form form;
    const lc_stand_ins *stand_ins; /* NULL: none */
    lc_instant now;
    lc_duration max_future;
    lc_arena arena; /* of one fact */
    size_t index;
} reading;

static bool
is_full(const reading *in)
{
    return in->parcel->problems->len >= LC_PARCEL_PROBLEMS;
}

static void
refuse(reading *in, const char *field, const char *message)
{
    const lc_parcel_problem problem = {in->index, g_strdup(field), g_strdup(message)};
    if (!is_full(in))
        g_array_append_val(in->parcel->problems, problem);
}

static void
add_record(reading *in, lc_text lead_id, const lc_fact *fact)
{
    g_autoptr(GError) error = NULL;
    lc_parcel *parcel = in->parcel;
    lc_parcel_record record = {fact->type, parcel->bytes->len, lead_id.size, 0, 0};
    g_byte_array_append(parcel->bytes, (const guint8 *)lead_id.data, (guint)lead_id.size);
    record.at = parcel->bytes->len;
    if (lc_inputs_encode(in->inputs, parcel->bytes, lead_id, fact, &error)) {
        record.size = parcel->bytes->len - record.at;
        g_array_append_val(parcel->records, record);
    } else {
        refuse(in, in->inputs->topics[fact->type] ? NULL : "type", error->message);
    }
}

/* The reader knows no time of a record. */
static void
take_fact(reading *in, lc_text text)
{
    g_autoptr(GError) error = NULL;
    lc_json_fact read;
    lc_json_problem problem;
    if (!lc_json_read(text.data, text.size, in->stand_ins, &in->arena, &read, &problem, &error))
        refuse(in, problem.field, error->message);
    else if (!lc_fact_check(&read.fact, in->now, in->max_future, &error))
        refuse(in, "occurred_at", error->message);
    else
        add_record(in, read.lead_id, &read.fact);
    lc_arena_reset(&in->arena);
    in->index++;
}

/* ---- Bodies ---- */

static bool
is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static const char *
skip_spaces(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

/* The end of a JSON value, or of what would be one: a comma or a closing bracket that is not within it. What stands
 * between is for the reader of facts to judge. */
static const char *
end_of_item(const char *at, const char *end)
{
    int depth = 0;
    bool in_text = false;
    for (; at < end; at++) {
        if (in_text && *at == '\\') {
            at++; /* whatever follows is no end of the text */
        } else if (in_text) {
            in_text = *at != '"';
        } else if (*at == '"') {
            in_text = true;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (depth == 0 && (*at == ',' || *at == ']')) {
            return at;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
    }
    return NULL;
}

static void
read_array(reading *in, const char *at, const char *end)
{
    bool is_first = true;
    while (!is_full(in)) {
        at = skip_spaces(at + 1, end); /* after '[' or ',' */
        if (is_first && at < end && *at == ']')
            break;
        is_first = false;
        const char *stop = end_of_item(at, end);
        if (stop == NULL) {
            refuse(in, NULL, "the array has no end; nothing of it is taken");
            return;
        }
        take_fact(in, (lc_text){at, (size_t)(stop - at)});
        at = stop;
        if (*at == ']')
            break;
    }
    if (!is_full(in) && skip_spaces(at + 1, end) != end)
        refuse(in, NULL,
               "something follows the end of the array; send one array, or JSON Lines as "
               "application/x-ndjson");
}

static void
read_lines(reading *in, const char *at, const char *end)
{
    while (at < end && !is_full(in)) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        if (skip_spaces(at, stop) != stop)
            take_fact(in, (lc_text){at, (size_t)(stop - at)});
        at = stop + 1;
    }
}

static void
read_body(reading *in, lc_text body)
{
    const char *end = body.data + body.size, *at = skip_spaces(body.data, end);
    bool is_array = at < end && *at == '[';
    if (at == end)
        refuse(in, NULL, "the body is empty; send a fact");
    else if (in->form == LC_FORM_LINES)
        read_lines(in, at, end);
    else if (is_array && (in->form == LC_FORM_JSON || in->form == LC_FORM_EVENTS))
        read_array(in, at, end);
    else if (in->form == LC_FORM_EVENTS)
        refuse(in, NULL, "a batch of CloudEvents is an array; write [...]");
    else
        take_fact(in, (lc_text){at, (size_t)(end - at)});
}

bool
lc_parcel_read(lc_parcel *parcel, lc_form form, lc_text body, const lc_stand_ins *stand_ins, const lc_inputs *inputs,
               lc_instant now, lc_duration max_future)
{
    reading in = {parcel, inputs, form, stand_ins, now, max_future, {0}, 0};
    size_t mark = lc_byte_order_mark(body.data, body.size);
    read_body(&in, (lc_text){body.data + mark, body.size - mark});
    lc_arena_clear(&in.arena);
    return parcel->problems->len == 0;
}

void
lc_parcel_write_problems(const lc_parcel *parcel, GString *json)
{
    g_string_append(json, "{\"problems\":[");
    for (guint i = 0; i < parcel->problems->len; i++) {
        const lc_parcel_problem *problem = &g_array_index(parcel->problems, lc_parcel_problem, i);
        g_string_append_printf(json, "%s{\"index\":%zu,\"field\":", i ? "," : "", problem->index);
        if (problem->field)
            lc_json_write_text(json, lc_text_of(problem->field));
        else
            g_string_append(json, "null");
        g_string_append(json, ",\"message\":");
        lc_json_write_text(json, lc_text_of(problem->message));
        g_string_append_c(json, '}');
    }
    g_string_append(json, "]}\n");
}
