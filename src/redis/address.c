/* address.c - redis.url, in each of its forms. */
#include "address.h"

#include <leadclock/text.h>

#define FORMS                                                                                                          \
    "redis://[user:password@]host:port/db, unix:///path/of.sock, "                                                     \
    "redis+sentinel://[user:password@]host:port,host:port/master/db or redis+cluster://host:port,host:port, or with "  \
    "rediss for TLS"
#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

static bool
refuse_url(GError **error, const char *why)
{
    /* The URL itself may hold a password. */
    g_set_error(error, LC_ERROR, LC_ERROR_CONFIG, "redis.url: %s; use " FORMS, why);
    return false;
}

static void
free_endpoint(void *data)
{
    lc_redis_endpoint *endpoint = data;

    g_free(endpoint->host);
    g_free(endpoint);
}

static void
take_endpoint(lc_redis_address *address, const char *host, int port)
{
    lc_redis_endpoint *endpoint = g_new0(lc_redis_endpoint, 1);

    *endpoint = (lc_redis_endpoint){g_strdup(host), port};
    g_ptr_array_add(address->endpoints, endpoint);
}

/* "host", "host:port" or "[v6]:port". */
static bool
add_endpoint(lc_redis_address *address, const char *text, int default_port, GError **error)
{
    g_autofree char *url = g_strconcat("redis://", text, NULL);
    g_autoptr(GUri) uri = g_uri_parse(url, G_URI_FLAGS_NONE, NULL);
    const char *host = uri ? g_uri_get_host(uri) : NULL;

    if (host == NULL || *host == '\0')
        return refuse_url(error, "a host is missing, or not one");
    take_endpoint(address, host, g_uri_get_port(uri) < 0 ? default_port : g_uri_get_port(uri));
    return true;
}

static bool
parse_database(lc_redis_address *address, const char *text, GError **error)
{
    guint64 number = 0;

    if (text == NULL || *text == '\0')
        return true;
    if (!g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT, &number, NULL))
        return refuse_url(error, "the database must be a number");
    address->database = (int)number;
    return true;
}

/* One, or more with commas between. */
static bool
parse_hosts(lc_redis_address *address, const char *hosts, bool many, int default_port, GError **error)
{
    g_auto(GStrv) list = g_strsplit(hosts, ",", many ? -1 : 1);

    if (*list == NULL)
        return refuse_url(error, "no host");
    for (char **host = list; *host; host++)
        if (!add_endpoint(address, *host, default_port, error))
            return false;
    return true;
}

static bool
parse_sentinels(lc_redis_address *address, const char *hosts, const char *path, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", 2);

    if (!parse_hosts(address, hosts, true, SENTINEL_PORT, error))
        return false;
    if (*parts == NULL || **parts == '\0')
        return refuse_url(error, "the name of the master is missing after the sentinels");
    address->master = g_uri_unescape_string(*parts, NULL);
    return parse_database(address, parts[1], error);
}

static bool
parse_cluster(lc_redis_address *address, const char *hosts, const char *path, GError **error)
{
    address->is_cluster = true;
    if (!parse_hosts(address, hosts, true, REDIS_PORT, error))
        return false;
    if (*path && strcmp(path, "0") != 0)
        return refuse_url(error, "a cluster has no other database than 0");
    return true;
}

static bool
parse_unix(lc_redis_address *address, const char *path, GError **error)
{
    g_auto(GStrv) parts = g_strsplit(path, "?db=", 2);

    if (*path != '/')
        return refuse_url(error, "no path of a socket");
    address->path = g_strdup(parts[0]);
    return parse_database(address, parts[1], error);
}

/* user:password of the URL, each percent-encoded. */
static void
take_login(lc_redis_login *login, const char *text)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);

    login->user = *parts && **parts ? g_uri_unescape_string(parts[0], NULL) : NULL;
    login->password = *parts && parts[1] && *parts[1] ? g_uri_unescape_string(parts[1], NULL) : NULL;
}

static void
override(char **value, const char *option)
{
    if (option && *option) {
        g_free(*value);
        *value = g_strdup(option);
    }
}

/* What follows "scheme://". */
static bool
parse_rest(lc_redis_address *address, const char *scheme, const char *rest, GError **error)
{
    const char *slash = strchr(rest, '/');
    g_autofree char *authority = slash ? g_strndup(rest, (gsize)(slash - rest)) : g_strdup(rest);
    char *at = strrchr(authority, '@');
    const char *hosts = at ? at + 1 : authority, *path = slash ? slash + 1 : "";

    if (at) {
        *at = '\0';
        take_login(&address->login, authority);
    }
    if (strcmp(scheme, "redis") == 0)
        return parse_hosts(address, hosts, false, REDIS_PORT, error) && parse_database(address, path, error);
    if (strcmp(scheme, "redis+sentinel") == 0)
        return parse_sentinels(address, hosts, path, error);
    if (strcmp(scheme, "redis+cluster") == 0)
        return parse_cluster(address, hosts, path, error);
    if (strcmp(scheme, "unix") == 0)
        return parse_unix(address, slash ? slash : "", error);
    return refuse_url(error, "unknown scheme");
}

/* What it holds is looked at once now: later it is waited for. */
static bool
take_file(lc_redis_login *login, const char *key, const char *path, GError **error)
{
    if (!lc_secret_check(key, path, error))
        return false;
    login->file = g_strdup(path);
    return true;
}

static bool
parse_url(lc_redis_address *address, const char *url, bool *has_tls, GError **error)
{
    const char *colon = strstr(url, "://");
    g_autofree char *scheme = colon ? g_strndup(url, (gsize)(colon - url)) : NULL;

    *address = (lc_redis_address){.endpoints = g_ptr_array_new_with_free_func(free_endpoint)};
    if (scheme == NULL)
        return refuse_url(error, "not a URL");
    *has_tls = g_str_has_prefix(scheme, "rediss");
    if (*has_tls) /* the same forms */
        memmove(scheme + strlen("redis"), scheme + strlen("rediss"), strlen(scheme + strlen("rediss")) + 1);
    return parse_rest(address, scheme, colon + strlen("://"), error);
}

bool
lc_redis_selects(const char *url)
{
    lc_redis_address address;
    bool has_tls, selects = parse_url(&address, url, &has_tls, NULL) && address.database != 0;

    lc_redis_address_clear(&address);
    return selects;
}

bool
lc_redis_address_init(lc_redis_address *address, const lc_redis_options *options, GError **error)
{
    bool has_tls;

    if (!parse_url(address, options->url, &has_tls, error))
        return false;
    if (has_tls && (address->tls = lc_redis_tls_new(options, error)) == NULL)
        return false;
    override(&address->login.user, options->user);
    override(&address->login.password, options->password);
    override(&address->sentinel_login.user, options->sentinel_user);
    override(&address->sentinel_login.password, options->sentinel_password);
    return take_file(&address->login, "redis.password_file", options->password_file, error) &&
           take_file(&address->sentinel_login, "redis.sentinel_password_file", options->sentinel_password_file, error);
}

const char *
lc_redis_address_scheme(const lc_redis_address *address)
{
    return address->tls ? "rediss" : "redis";
}

void
lc_redis_address_of_node(lc_redis_address *address, const lc_redis_address *cluster, const char *host, int port)
{
    *address = (lc_redis_address){.endpoints = g_ptr_array_new_with_free_func(free_endpoint), .is_cluster = true};
    take_endpoint(address, host, port);
    address->login.user = g_strdup(cluster->login.user);
    address->login.password = g_strdup(cluster->login.password);
    address->login.file = g_strdup(cluster->login.file);
    address->tls = lc_redis_tls_ref(cluster->tls);
}

static void
clear_login(lc_redis_login *login)
{
    g_free(login->user);
    lc_secret_free(login->password);
    g_free(login->file);
}

void
lc_redis_address_clear(lc_redis_address *address)
{
    g_clear_pointer(&address->endpoints, g_ptr_array_unref);
    g_free(address->path);
    g_free(address->master);
    clear_login(&address->login);
    clear_login(&address->sentinel_login);
    lc_redis_tls_unref(address->tls);
}
