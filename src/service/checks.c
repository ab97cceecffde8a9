/* checks.c - checks of values that more than one table of keys has: each says what is wrong, and what to do. */
#include "options.h"

#include <leadclock/text.h>

const char *const lc_config_outcomes[] = {"SlaWarning",     "SlaBreached", "SlaEscalated", "SlaBreachEnded",
                                          "LeadClawedBack", "LeadRouted",  "LeadSettled",  NULL};
const char *const lc_config_labels[] = {"policy",  "rule",  "clock", "channel", "severity",
                                        "lead_id", "owner", "kind",  "due_at",  NULL};

char *
lc_check_among(const char *value, const char *const *names, const char *what)
{
    if (g_strv_contains(names, value))
        return NULL;
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    const char *near = lc_nearest_name(value, names);
    if (near)
        return g_strdup_printf("is no %s; did you mean \"%s\"? there are: %s", what, near, all);
    return g_strdup_printf("is no %s; there are: %s", what, all);
}

char *
lc_check_group_by(const char *value)
{
    return lc_check_among(value, lc_config_labels, "label of an alert");
}

char *
lc_check_http_url(const char *value)
{
    g_autoptr(GUri) uri = g_uri_parse(value, G_URI_FLAGS_HAS_PASSWORD, NULL);
    if (uri == NULL || strpbrk(value, " \t\r\n") || !*(g_uri_get_host(uri) ? g_uri_get_host(uri) : "") ||
        g_uri_get_port(uri) == 0 ||
        (strcmp(g_uri_get_scheme(uri), "http") != 0 && strcmp(g_uri_get_scheme(uri), "https") != 0))
        return g_strdup("must be a URL as https://HOST:PORT/PATH");
    if (g_uri_get_userinfo(uri))
        return g_strdup("must not hold a user or password");
    return NULL;
}

/* Those of Prometheus; some are those of the alerts themselves. */
char *
lc_check_label(const char *name, const char *value)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    (void)value;
    if (*name == '\0' || name[length] || g_ascii_isdigit(*name) || g_str_has_prefix(name, "__"))
        return g_strdup("is no label; use letters, digits and '_', not a digit first");
    if (strcmp(name, "alertname") == 0 || g_strv_contains(lc_config_labels, name))
        return g_strdup("is a label that alerts have by themselves; choose another");
    return NULL;
}

/* As lc_signing_key of the room http takes them. */
char *
lc_check_signing_secret(const char *value)
{
    if (!g_str_has_prefix(value, "whsec_"))
        return NULL;
    g_autoptr(GBytes) key = lc_base64_read(value + strlen("whsec_"));
    if (key && g_bytes_get_size(key) >= 24 && g_bytes_get_size(key) <= 64)
        return NULL;
    return g_strdup("begins with whsec_, and is no base64 of 24 to 64 bytes after it; "
                    "echo whsec_$(openssl rand -base64 24) makes a good one");
}
