/* logging.c - structured logs as lines of logfmt or JSON on standard error. */
#include <leadclock/service.h>

#include <errno.h>
#include <unistd.h>

/* Set once, before any thread starts. */
static bool as_json;
static GLogLevelFlags shown_levels;

static const struct {
    const char *name;
    GLogLevelFlags flags;
} levels[] = {
    {"error", G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL},
    {"warning", G_LOG_LEVEL_WARNING},
    {"info", G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO},
    {"debug", G_LOG_LEVEL_DEBUG},
};

static const char *
level_name(GLogLevelFlags flags)
{
    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++)
        if (flags & levels[i].flags)
            return levels[i].name;
    return "debug";
}

static GLogLevelFlags
levels_from(const char *lowest)
{
    GLogLevelFlags flags = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(levels); i++) {
        flags |= levels[i].flags;
        if (strcmp(levels[i].name, lowest) == 0)
            break;
    }
    return flags;
}

/* ---- Lines ---- */

static bool
needs_quotes(const char *text)
{
    if (*text == '\0')
        return true;
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at <= ' ' || *at == '"' || *at == '=' || *at == '\\' || *at == 127)
            return true;
    return false;
}

static void
append_quoted(GString *line, const char *text)
{
    g_string_append_c(line, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            g_string_append_printf(line, "\\%c", c);
        else if (c == '\n')
            g_string_append(line, "\\n");
        else if (c == '\t')
            g_string_append(line, "\\t");
        else if (c < ' ' || c == 127)
            g_string_append_printf(line, "\\u%04x", c);
        else
            g_string_append_c(line, (char)c);
    }
    g_string_append_c(line, '"');
}

/* `name` in lower case. */
static void
append_field(GString *line, const char *name, const char *value)
{
    bool is_first = line->len == 0;
    g_autofree char *lower = g_ascii_strdown(name, -1);
    if (as_json) {
        g_string_append(line, is_first ? "{" : ",");
        append_quoted(line, lower);
        g_string_append_c(line, ':');
        append_quoted(line, value);
        return;
    }
    g_string_append_printf(line, "%s%s=", is_first ? "" : " ", lower);
    if (needs_quotes(value))
        append_quoted(line, value);
    else
        g_string_append(line, value);
}

static char *
now_text(void)
{
    gint64 now = g_get_real_time();
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now / G_USEC_PER_SEC);
    g_autofree char *seconds = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");
    return g_strdup_printf("%s.%03dZ", seconds, (int)(now % G_USEC_PER_SEC / 1000));
}

static char *
field_text(const GLogField *field)
{
    return g_utf8_make_valid(field->value ? field->value : "", field->value ? field->length : 0);
}

static bool
is_own_field(const char *key)
{
    static const char *const of_glib[] = {"MESSAGE",   "PRIORITY",  "GLIB_DOMAIN",      "CODE_FILE",
                                          "CODE_LINE", "CODE_FUNC", "GLIB_OLD_LOG_API", NULL};
    return !g_strv_contains(of_glib, key);
}

static GString *
format_line(GLogLevelFlags level, const GLogField *fields, size_t n)
{
    GString *line = g_string_sized_new(256);
    g_autofree char *now = now_text();
    append_field(line, "ts", now);
    append_field(line, "level", level_name(level));
    for (size_t i = 0; i < n; i++)
        if (strcmp(fields[i].key, "MESSAGE") == 0) {
            g_autofree char *message = field_text(&fields[i]);
            append_field(line, "msg", message);
        }
    for (size_t i = 0; i < n; i++)
        if (is_own_field(fields[i].key)) {
            g_autofree char *value = field_text(&fields[i]);
            append_field(line, fields[i].key, value);
        }
    return g_string_append(line, as_json ? "}\n" : "\n");
}

/* One write a line, so that lines of several threads never mix. */
static void
write_line(const GString *line)
{
    size_t done = 0;
    while (done < line->len) {
        ssize_t n = write(STDERR_FILENO, line->str + done, line->len - done);
        if (n < 0 && errno != EINTR)
            return;
        done += n > 0 ? (size_t)n : 0;
    }
}

static GLogWriterOutput
write_log(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer user)
{
    (void)user;
    if ((level & shown_levels) == 0)
        return G_LOG_WRITER_HANDLED;
    GString *line = format_line(level, fields, n);
    write_line(line);
    g_string_free(line, TRUE);
    return G_LOG_WRITER_HANDLED;
}

void
lc_logging_start(bool json, const char *level)
{
    static gsize installed;
    as_json = json;
    shown_levels = levels_from(level);
    if (g_once_init_enter(&installed)) {
        g_log_set_writer_func(write_log, NULL, NULL);
        g_once_init_leave(&installed, 1);
    }
}
