/* instances.c - asks the instances of `run` how they are. */
#include "reader.h"

#include <leadclock/http_client.h>

#define EVERY_MS 5000
#define TIMEOUT (3 * LC_SECOND)
#define MAX_ANSWER_BYTES ((size_t)4 * 1024 * 1024)
#define SAYS_BYTES 300

/* The sum of a metric's samples, or the greatest; below 0: there are none. */
static double
figure(const char *metrics, const char *name, bool greatest)
{
    double result = -1;
    size_t length = strlen(name);
    g_auto(GStrv) lines = g_strsplit(metrics, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        if (strncmp(lines[i], name, length) != 0 || (lines[i][length] != '{' && lines[i][length] != ' '))
            continue;
        double value = g_ascii_strtod(strrchr(lines[i], ' ') + 1, NULL);
        result = result < 0 ? value : greatest ? MAX(result, value) : result + value;
    }
    return result;
}

static lc_http_exchange *
ask(lc_http_client *client, const char *url, const char *path)
{
    g_autofree char *whole = g_strconcat(url, g_str_has_suffix(url, "/") ? path + 1 : path, NULL);
    return lc_http_client_send(client, whole, NULL, LC_NO_TEXT);
}

static bool
was_answered(const lc_http_exchange *exchange)
{
    return exchange->is_done && exchange->result == LC_HTTP_ANSWERED;
}

static lc_instance_state
state_of(const char *url, const lc_http_exchange *ready, const lc_http_exchange *metrics)
{
    lc_instance_state state = {.url = g_strdup(url), .lag = -1, .pending = -1, .safe_time_delay_s = -1};
    state.asked_at = g_get_real_time() / 1000;
    state.is_ready = was_answered(ready) && ready->status == 200;
    state.says = g_strndup(was_answered(ready) ? ready->answer->str : ready->problem, SAYS_BYTES);
    g_strdelimit(g_strstrip(state.says), "\r\n", ';');
    if (was_answered(metrics) && metrics->status == 200) {
        state.lag = (int64_t)figure(metrics->answer->str, "leadclock_lag_records", false);
        state.pending = (int64_t)figure(metrics->answer->str, "leadclock_wakeups_pending", false);
        state.safe_time_delay_s = figure(metrics->answer->str, "leadclock_safe_time_delay_seconds", true);
    }
    return state;
}

static void
ask_all(lc_following *following, lc_http_client *client, size_t n)
{
    const char *const *urls = following->options->instances;
    g_autofree lc_http_exchange **exchanges = g_new0(lc_http_exchange *, 2 * n);
    g_autofree lc_instance_state *states = g_new0(lc_instance_state, n);
    size_t n_done = 0;
    for (size_t i = 0; i < n; i++) {
        exchanges[2 * i] = ask(client, urls[i], "/readyz");
        exchanges[2 * i + 1] = ask(client, urls[i], "/metrics");
    }
    while (n_done < 2 * n && !lc_following_wait(following, 0)) {
        lc_http_client_move(client, 100);
        n_done = 0;
        for (size_t i = 0; i < 2 * n; i++)
            n_done += exchanges[i]->is_done;
    }
    for (size_t i = 0; i < n; i++)
        states[i] = state_of(urls[i], exchanges[2 * i], exchanges[2 * i + 1]);
    lc_pages_tell_instances(following->pages, states, n);
    for (size_t i = 0; i < n; i++) {
        g_free(states[i].url);
        g_free(states[i].says);
        lc_http_exchange_free(exchanges[2 * i]);
        lc_http_exchange_free(exchanges[2 * i + 1]);
    }
}

void *
lc_instances_run(void *data)
{
    lc_following *following = data;
    const lc_http_client_options options = {.timeout = TIMEOUT, .max_answer_bytes = MAX_ANSWER_BYTES};
    size_t n = g_strv_length((char **)following->options->instances);
    g_autoptr(lc_http_client) client = lc_http_client_new(&options);
    while (n && !lc_following_wait(following, 0)) {
        ask_all(following, client, n);
        lc_following_wait(following, EVERY_MS);
    }
    return NULL;
}
