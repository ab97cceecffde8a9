/* redis_url.c - whether a redis.url can be one, in each of its forms. */
#include "options.h"

#include <leadclock/text.h>

/* "HOST" or "HOST:PORT". */
static bool
is_endpoint(const char *text)
{
    g_autofree char *url = g_strconcat("redis://", text, NULL);
    g_autoptr(GUri) uri = *text && strpbrk(text, " \t/@?") == NULL ? g_uri_parse(url, G_URI_FLAGS_NONE, NULL) : NULL;

    return uri && g_uri_get_host(uri) && *g_uri_get_host(uri) && g_uri_get_port(uri) != 0;
}

/* One, or more with commas between. */
static bool
are_endpoints(const char *text)
{
    g_auto(GStrv) list = g_strsplit(text, ",", -1);

    for (char **endpoint = list; *endpoint; endpoint++)
        if (!is_endpoint(*endpoint))
            return false;
    return *list != NULL;
}

static bool
is_database(const char *text)
{
    guint64 number;
    return text == NULL || *text == '\0' || g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL);
}

static char *
check_server(const char *hosts, const char *path)
{
    if (!is_endpoint(hosts))
        return g_strdup("must be redis://HOST:PORT/DATABASE or unix:///PATH, with a port from 1 to 65535");
    return is_database(path) ? NULL : g_strdup("must end with the number of a database, as redis://127.0.0.1:6379/0");
}

static char *
check_sentinels(const char *hosts, const char *path)
{
    g_auto(GStrv) parts = g_strsplit(path ? path : "", "/", 2);

    if (!are_endpoints(hosts))
        return g_strdup("must be redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE, with a port from 1 to 65535");
    if (*parts == NULL || **parts == '\0')
        return g_strdup("must name the master after the sentinels, as redis+sentinel://127.0.0.1:26379/mymaster");
    return is_database(parts[1])
               ? NULL
               : g_strdup("must end with the name of the master, or the number of a database after it");
}

static char *
check_cluster(const char *hosts, const char *path)
{
    if (!are_endpoints(hosts))
        return g_strdup("must be redis+cluster://HOST:PORT,HOST:PORT, with a port from 1 to 65535");
    return path == NULL || *path == '\0' || strcmp(path, "0") == 0
               ? NULL
               : g_strdup("names a database, and a cluster has no other than 0; leave it out");
}

char *
lc_check_redis_url(const char *value)
{
    static const struct {
        const char *scheme;
        char *(*check)(const char *hosts, const char *path);
    } forms[] = {
        {"redis://", check_server},
        {"redis+sentinel://", check_sentinels},
        {"redis+cluster://", check_cluster},
    };

    if (g_str_has_prefix(value, "unix:///"))
        return NULL;
    bool has_tls = g_str_has_prefix(value, "rediss");
    g_autofree char *plain = has_tls ? g_strconcat("redis", value + strlen("rediss"), NULL) : g_strdup(value);
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++) {
        if (!g_str_has_prefix(plain, forms[i].scheme))
            continue;
        g_auto(GStrv) parts = g_strsplit(plain + strlen(forms[i].scheme), "/", 2);
        const char *at = *parts ? strrchr(*parts, '@') : NULL;
        return forms[i].check(at ? at + 1 : *parts ? *parts : "", *parts ? parts[1] : NULL);
    }
    return g_strdup("must be redis://HOST:PORT/DATABASE, redis+sentinel://..., redis+cluster://... or unix:///PATH");
}
