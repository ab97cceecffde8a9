/* secrets.c - what is never shown, not even in the line that is wrong. */
#include "loader.h"

#include <sys/stat.h>

static void
hide(char *from, const char *to)
{
    bool is_reference = g_strstr_len(from, to - from, "${") != NULL;
    for (; !is_reference && from < to; from++)
        *from = '*';
}

static void
hide_matches(char *line, const char *pattern)
{
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_CASELESS | G_REGEX_RAW, 0, NULL);
    g_autofree char *original = g_strdup(line);
    g_autoptr(GMatchInfo) match = NULL;
    g_regex_match(regex, original, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        int start, end;
        if (g_match_info_fetch_pos(match, 1, &start, &end))
            hide(line + start, line + end);
    }
}

char *
lc_hide_secrets(char *line)
{
    hide_matches(line, "(?:password|passphrase|secret|token|\\busers|jaas|\\.pem)(?![\\w.\\-]*_files?\\b)[\\w.\\-]*[\"'"
                       "]?\\s*[:=]\\s*(.*)$");
    hide_matches(line, "(?:^|://|[\\s\"':])([^\\s\"'/]+(?:/[^\\s\"'/]+)*)@");
    return line;
}

static int
indent_of(const char *line)
{
    return (int)strspn(line, " ");
}

/* Below "tokens:", "secrets:" or "users:" every value is one. */
static bool
begins_secrets(const char *line)
{
    return g_regex_match_simple("^[^#]*\\b(?:tokens|secrets|users)[\"']?\\s*:", line, G_REGEX_RAW, 0);
}

static void
hide_value(char *line)
{
    char *colon = strchr(line, ':'), *from = colon ? colon + 1 : line + indent_of(line);
    hide(from, line + strlen(line));
}

static void
hide_lines(char **lines)
{
    int indent = -1; /* of the key whose values are secrets; -1: none */
    for (char **line = lines; *line; line++) {
        bool is_blank = (*line)[strspn(*line, " \t\r")] == '\0';
        if (!is_blank && indent >= 0 && indent_of(*line) <= indent)
            indent = -1;
        if (indent >= 0 && !is_blank)
            hide_value(*line);
        else if (begins_secrets(*line))
            indent = indent_of(*line);
        lc_hide_secrets(*line);
    }
}

char *
lc_without_secrets(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    hide_lines(lines);
    return g_strjoinv("\n", lines);
}

static bool
is_comment(const char *line)
{
    return line[strspn(line, " \t")] == '#';
}

bool
lc_config_tells_secrets(const char *path)
{
    g_autofree char *text = NULL;
    struct stat file;
    bool found = false;

    if (stat(path, &file) != 0 || !S_ISREG(file.st_mode) || (file.st_mode & S_IROTH) == 0 ||
        !g_file_get_contents(path, &text, NULL, NULL))
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1), hidden = g_strdupv(lines);
    hide_lines(hidden);
    for (int i = 0; lines[i] && !found; i++)
        found = !is_comment(lines[i]) && strcmp(lines[i], hidden[i]) != 0;
    return found;
}

char *
lc_config_secret_override(const char *const *overrides)
{
    for (; overrides && *overrides; overrides++) {
        g_autofree char *key = g_strndup(*overrides, strcspn(*overrides, "="));
        g_autofree char *hidden = lc_hide_secrets(g_strdup(*overrides));
        int option = lc_option_find(key);
        const lc_option *map = lc_option_find_map(key);
        if ((option >= 0 && lc_options[option].kind == OPTION_SECRET) || (map && map->kind == OPTION_SECRETS) ||
            strcmp(hidden, *overrides) != 0)
            return g_steal_pointer(&key);
    }
    return NULL;
}
