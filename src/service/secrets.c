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
    hide_matches(line, "(?:password|passphrase|secret|token|jaas|\\.pem)[\\w.\\-]*[\"']?\\s*[:=]\\s*(.*)$");
    hide_matches(line, "(?:^|://|[\\s\"':])([^\\s\"'/]+(?:/[^\\s\"'/]+)*)@");
    return line;
}

static bool
has_secret(char *line)
{
    g_autofree char *original = g_strdup(g_strchug(line));

    return *line != '#' && strcmp(lc_hide_secrets(line), original) != 0;
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
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && !found; line++)
        found = has_secret(*line);
    return found;
}
