/* test_config.c - the configuration: defaults, overrides, secrets, refusals. */
#include <leadclock/service.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <unistd.h>

/* Loads `yaml` as FOLDER/leadclock.yaml; in the message FOLDER/ is left out. */
static lc_config *
load(const char *yaml, const char *const *overrides, char **message)
{
    g_autofree char *folder = g_dir_make_tmp("leadclock-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "leadclock.yaml", NULL);
    g_autoptr(GError) error = NULL;
    assert_true(g_file_set_contents(path, yaml, -1, NULL));
    lc_config *config = lc_config_load(path, overrides, &error);
    assert_true((config == NULL) == (error != NULL));
    if (error) {
        assert_int_equal(error->domain, LC_ERROR);
        assert_int_equal(error->code, LC_ERROR_CONFIG);
        g_autofree char *prefix = g_strconcat(folder, "/", NULL);
        g_auto(GStrv) pieces = g_strsplit(error->message, prefix, -1);
        *message = g_strjoinv("", pieces);
    }
    g_unlink(path);
    g_rmdir(folder);
    return config;
}

static void
without_a_file_the_defaults_hold(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_config) config = lc_config_load(NULL, NULL, &error);
    assert_null(error);
    assert_string_equal(config->name, "leadclock");
    assert_string_equal(config->instance, g_get_host_name());
    assert_int_equal(config->workers, 1);
    assert_string_equal(config->kafka.brokers, "127.0.0.1:9092");
    assert_null(config->kafka.properties[0]);
    assert_string_equal(config->registry.url, "http://127.0.0.1:8081");
    assert_null(config->registry.file);
    assert_string_equal(config->policy, "policy.yaml");
    assert_int_equal(g_strv_length(config->topics.inputs), 8);
    assert_string_equal(config->topics.inputs[7], "leads.erased");
    assert_string_equal(config->topics.dead_letters, "leads.dead-letters");
    assert_true(config->topics.cloud_events);
    assert_int_equal(config->batch.facts, 20000);
    assert_int_equal(config->batch.linger, 50);
    assert_int_equal(config->lateness, 5 * LC_SECOND);
    assert_int_equal(config->patience, 5 * LC_MINUTE);
    assert_null(config->http.listen);
    assert_false(config->log.json);
    assert_string_equal(config->log.level, "info");
}

static void
every_value_of_a_file_is_taken(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    g_setenv("LC_TEST_PASSWORD", "s3cret", TRUE);
    g_autoptr(lc_config) config =
        load("name: north\n"
             "instance: a1\n"
             "workers: 4\n"
             "kafka: {brokers: 'a:1,b:2', properties: {security.protocol: SSL, "
             "socket.timeout.ms: 8000}}\n"
             "registry: {file: schemas.json}\n"
             "redis: {url: unix:///run/r.sock, user: u, password: \"${LC_TEST_PASSWORD}$$\"}\n"
             "policy: /etc/leadclock\n"
             "topics: {prefix: t., inputs: [one, two], headers: none, state: s}\n"
             "batch: {facts: 10, wakeups: 20, linger: 0s}\n"
             "lateness: 1m30s\n"
             "patience: &week 1w\n"
             "max_future: *week\n"
             "http:\n  listen: 127.0.0.1:9464\n"
             "log: {format: json, level: debug}\n",
             NULL, &message);
    assert_null(message);
    assert_string_equal(config->name, "north");
    assert_string_equal(config->kafka.brokers, "a:1,b:2");
    assert_string_equal(config->kafka.properties[0], "security.protocol");
    assert_string_equal(config->kafka.properties[3], "8000");
    assert_null(config->registry.url);
    assert_true(g_str_has_suffix(config->registry.file, "/schemas.json"));
    assert_true(g_path_is_absolute(config->registry.file));
    assert_string_equal(config->redis.password, "s3cret$");
    assert_string_equal(config->policy, "/etc/leadclock");
    assert_string_equal(config->topics.inputs[1], "t.two");
    assert_string_equal(config->topics.state, "t.s");
    assert_string_equal(config->topics.settled, "t.leads.settled");
    assert_false(config->topics.cloud_events);
    assert_int_equal(config->batch.linger, 0);
    assert_int_equal(config->lateness, 90 * LC_SECOND);
    assert_int_equal(config->patience, 7 * LC_DAY);
    assert_int_equal(config->max_future, 7 * LC_DAY);
    assert_string_equal(config->http.listen, "127.0.0.1:9464");
    assert_true(config->log.json);
}

static void
set_overrides_one_key(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    const char *overrides[] = {"kafka.brokers=b:9",        "kafka.properties.debug=broker",
                               "topics.inputs=[x, y]",     "lateness=0s",
                               "registry.file=local.json", "policy=here.yaml",
                               "topics.prefix=p.",         NULL};
    g_autoptr(lc_config) config = load("registry: {url: 'http://a'}\npolicy: there.yaml\n"
                                       "kafka: {properties: {debug: all, ssl.ca.location: /ca}}\n",
                                       overrides, &message);
    assert_null(message);
    assert_string_equal(config->kafka.brokers, "b:9");
    assert_int_equal(g_strv_length(config->kafka.properties), 4);
    assert_string_equal(config->kafka.properties[3], "broker");
    assert_string_equal(config->topics.inputs[1], "p.y");
    assert_int_equal(config->lateness, 0);
    assert_null(config->registry.url);
    assert_string_equal(config->registry.file, "local.json");
    assert_string_equal(config->policy, "here.yaml");
}

static void
paths_of_set_are_of_the_working_folder(void **state)
{
    (void)state;
    g_autofree char *message = NULL, *token = g_canonicalize_filename("tok", NULL);
    const char *overrides[] = {"ingest.token_files.crm=tok", "ingest.secret_files.crm=tok",
                               "dashboard.user_files.a=tok", "kafka.properties.debug=all", NULL};
    g_autoptr(lc_config) config = load("ingest: {token_files: {crm: old, web: there}}\n", overrides, &message);
    assert_null(message);
    assert_int_equal(g_strv_length(config->ingest.token_files), 4);
    assert_true(g_path_is_absolute(config->ingest.token_files[1]));
    assert_true(g_str_has_suffix(config->ingest.token_files[1], "/there"));
    assert_string_equal(config->ingest.token_files[2], "crm");
    assert_string_equal(config->ingest.token_files[3], token);
    assert_string_equal(config->ingest.secret_files[1], token);
    assert_string_equal(config->dashboard.user_files[1], token);
    assert_string_equal(config->kafka.properties[1], "all");
}

static void
an_empty_file_means_the_defaults(void **state)
{
    (void)state;
    static const char *const empty[] = {"", "# nothing\n", "---\n", "kafka:\nredis:\n"};
    for (size_t i = 0; i < G_N_ELEMENTS(empty); i++) {
        g_autofree char *message = NULL;
        g_autoptr(lc_config) config = load(empty[i], NULL, &message);
        assert_null(message);
        assert_int_equal(config->workers, 1);
    }
}

/* What is wrong, and the whole or the beginning of what is said. */
static const struct {
    const char *yaml, *set, *message;
} wrong[] = {
    {"kafka:\n  broker: a:1\n", NULL,
     "leadclock.yaml:2:3: unknown key \"kafka.broker\"; did you mean \"kafka.brokers\"?\n"
     "      broker: a:1\n"
     "      ^"},
    {"brokers: a:1\n", NULL, "leadclock.yaml:1:1: unknown key \"brokers\"; did you mean \"kafka.brokers\"?\n"},
    {"batch: {nonsense: 1}\n", NULL,
     "leadclock.yaml:1:9: unknown key \"batch.nonsense\"; keys here: facts, wakeups, linger\n"},
    {"workers: many\n", NULL,
     "leadclock.yaml:1:10: workers: \"many\" must be a whole number from 1 to 256\n"
     "    workers: many\n"
     "             ^"},
    {"workers: 0\n", NULL, "leadclock.yaml:1:10: workers: \"0\" must be a whole number from 1 to 256\n"},
    {"workers: -1\n", NULL, "leadclock.yaml:1:10: workers: \"-1\" must be"},
    {"workers: 1\nworkers: 2\n", NULL, "leadclock.yaml:2:1: \"workers\" is given twice (first in line 1); keep one\n"},
    {"workers:\n", NULL, "leadclock.yaml:1:1: workers has no value; write one, or leave the key out\n"},
    {"workers: [1]\n", NULL, "leadclock.yaml:1:1: workers must be a single value\n"},
    {"lateness: 5\n", NULL,
     "leadclock.yaml:1:11: lateness: \"5\" is no duration; write digits with ms, s, m, h, d or w, as 5s\n"},
    {"lateness: 5 s\n", NULL, "leadclock.yaml:1:11: lateness: \"5 s\" is no duration"},
    {"lateness: ''\n", NULL, "leadclock.yaml:1:11: lateness: \"\" is no duration"},
    {"lateness: 99999999999999999999w\n", NULL, "leadclock.yaml:1:11: lateness: \"99999999999999999999w\" is no dur"},
    {"patience: 0s\n", NULL, "leadclock.yaml:1:11: patience: \"0s\" is out of bounds; write 1s to 7d\n"},
    {"log: {level: loud}\n", NULL,
     "leadclock.yaml:1:14: log.level: \"loud\" is not known; allowed are: error, warning, info, debug\n"},
    {"log: {format: xml}\n", NULL,
     "leadclock.yaml:1:15: log.format: \"xml\" is not known; allowed are: json, logfmt\n"},
    {"log: debug\n", NULL, "leadclock.yaml:1:1: log must be a mapping; write log: {format: ...}\n"},
    {"http: {listen: 9464}\n", NULL, "leadclock.yaml:1:16: http.listen: \"9464\" must be HOST:PORT"},
    {"http: {listen: 'a:99999'}\n", NULL, "leadclock.yaml:1:16: http.listen: \"a:99999\" must be HOST:PORT"},
    {"kafka: {brokers: 'a:b'}\n", NULL, "leadclock.yaml:1:18: kafka.brokers: \"a:b\" must be HOST:PORT"},
    {"name: 'a b'\n", NULL, "leadclock.yaml:1:7: name: \"a b\" must be 1 to 100 letters"},
    {"topics: {inputs: [a, a]}\n", NULL, "leadclock.yaml:1:22: topics.inputs: \"a\" is given twice; take one out\n"},
    {"topics:\n  inputs:\n    - a\n    - leads.routed\n", NULL,
     "leadclock.yaml:4:7: topics.inputs: \"leads.routed\" is already used by topics.routed; give it another name\n"},
    {"topics: {inputs: [a, ~]}\n", NULL, "leadclock.yaml:1:22: topics.inputs: an entry is missing; write one, or"},
    {"topics: {inputs: [a, ]}\nworkers: 0\n", NULL, "leadclock.yaml:2:10: workers"},
    {"topics: {inputs: [[a]]}\n", NULL, "leadclock.yaml:1:19: topics.inputs must be a single value"},
    {"topics: {state: leads.created}\n", NULL,
     "leadclock.yaml:1:17: topics.state: \"leads.created\" is already used by topics.inputs"},
    {"topics: {inputs: []}\n", NULL, "leadclock.yaml:1:10: topics.inputs is empty; name at least one topic\n"},
    {"topics: {inputs: a}\n", NULL, "leadclock.yaml:1:10: topics.inputs must be a list; write [A, B]\n"},
    {"topics: {inputs: [a b]}\n", NULL, "leadclock.yaml:1:19: topics.inputs: \"a b\" is no topic name"},
    {"registry: {url: 'http://a', file: b}\n", NULL,
     "leadclock.yaml:1:35: registry.file and registry.url are both given; take one out\n"},
    {"registry: {url: 'a:80'}\n", NULL, "leadclock.yaml:1:17: registry.url: \"a:80\" must begin with http://"},
    {"registry: {url: 'http://a:80811'}\n", NULL,
     "leadclock.yaml:1:17: registry.url: \"http://a:80811\" must be http://"},
    {"registry: {url: 'http://:80'}\n", NULL, "leadclock.yaml:1:17: registry.url: \"http://:80\" must be http://HOST"},
    {"redis: {url: 'redis://a:70000/0'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis://a:70000/0\" must be redis://"},
    {"redis: {url: 'redis://a:0/0'}\n", NULL, "leadclock.yaml:1:14: redis.url: \"redis://a:0/0\" must be redis://"},
    {"redis: {url: 'redis://:6379'}\n", NULL, "leadclock.yaml:1:14: redis.url: \"redis://:6379\" must be redis://"},
    {"redis: {url: 'redis://a b'}\n", NULL, "leadclock.yaml:1:14: redis.url: \"redis://a b\" must be redis://"},
    {"redis: {url: 'redis://a/x'}\n", NULL, "leadclock.yaml:1:14: redis.url: \"redis://a/x\" must end with the number"},
    {"redis: {url: 'redis://a/-1'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis://a/-1\" must end with the number"},
    {"redis: {url: 'redis+sentinel://a:0/m'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+sentinel://a:0/m\" must be "
     "redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE"},
    {"redis: {url: 'redis+sentinel:///m'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+sentinel:///m\" must be "
     "redis+sentinel://HOST:PORT,HOST:PORT/MASTER/DATABASE"},
    {"redis: {url: 'redis+sentinel://a:1,,b/m'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+sentinel://a:1,,b/m\" must be "
     "redis+sentinel://HOST:PORT,HOST:PORT/MASTER"},
    {"redis: {url: 'redis+sentinel://a:1,b:2'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+sentinel://a:1,b:2\" must name the master after the sentinels, as "
     "redis+sentinel://"},
    {"redis: {url: 'redis+sentinel://a:1,b:2/m/x'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+sentinel://a:1,b:2/m/x\" must end with the name of the master, or the "
     "number"},
    {"redis: {url: 'redis+cluster://a:1,b:x'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+cluster://a:1,b:x\" must be redis+cluster://HOST:PORT,HOST:PORT"},
    {"redis: {url: 'redis+cluster://a:1/2'}\n", NULL,
     "leadclock.yaml:1:14: redis.url: \"redis+cluster://a:1/2\" names a database, and a cluster has no other than 0"},
    {"redis: {url: 'http://a'}\n", NULL, "leadclock.yaml:1:14: redis.url: \"http://a\" must be redis://"},
    {"redis: {password: '${LC_TEST_UNSET}'}\n", NULL,
     "leadclock.yaml:1:19: redis.password: takes ${LC_TEST_UNSET} from the environment, where it is not set; set it, "
     "or "
     "write the value\n"
     "    redis: {password: '${LC_TEST_UNSET}'}\n"
     "                      ^"},
    {"name: '${x'\n", NULL, "leadclock.yaml:1:7: name: has a ${ that names nothing"},
    {"kafka: {properties: {enable.idempotence: false}}\n", NULL,
     "leadclock.yaml:1:22: kafka.properties.enable.idempotence: can't be set here: without it a retry doubles "
     "outcomes; "
     "take the line out\n"},
    {"kafka: {properties: {group.id: x}}\n", NULL, "leadclock.yaml:1:22: kafka.properties.group.id: can't be set here"},
    {"kafka: {properties: [a]}\n", NULL, "leadclock.yaml:1:9: kafka.properties must be a mapping"},
    {"kafka: {properties: {a: [b]}}\n", NULL, "leadclock.yaml:1:22: kafka.properties.a must be a single value"},
    {"- a\n", NULL, "leadclock.yaml:1:1: a configuration is a mapping; write KEY: VALUE"},
    {"a\n", NULL, "leadclock.yaml:1:1: a configuration is a mapping"},
    {"name: a\n---\nname: b\n", NULL,
     "leadclock.yaml:2:1: a second document, and a file holds one; put it in its own, or take it out\n"},
    {"kafka: {properties: {a: 1, b: 2, a: 3}}\n", NULL,
     "leadclock.yaml:1:34: \"kafka.properties.a\" is given twice (first in line 1); keep one\n"},
    {"kafka: {properties: {a: }}\n", NULL, "leadclock.yaml:1:22: kafka.properties.a has no value; write one"},
    {"lateness: &x 0s\npatience: *x\n", NULL,
     "leadclock.yaml:1:14: patience: \"0s\" is out of bounds; write 1s to 7d\n"},
    {"patience: !!str 5m\n", NULL, "leadclock.yaml:1:11: a tag (!...) means nothing here; leave it out\n"},
    {"workers: 1\n? [a, b]\n: c\n", NULL, "leadclock.yaml:2:3: a key must be a word; write KEY: VALUE\n"},
    {"workers: 1\nname: l\xe5ng\n", NULL,
     "leadclock.yaml:2:8: a byte that is not UTF-8; save the file as UTF-8 text\n"},
    {"\xef\xbb\xbfnaem: p\n", NULL,
     "leadclock.yaml:1:1: unknown key \"naem\"; did you mean \"name\"?\n    naem: p\n    ^"},
    {"name: p\rworker: 2\r", NULL,
     "leadclock.yaml:2:1: unknown key \"worker\"; did you mean \"workers\"?\n    worker: 2\n"},
    {"log: {level: inf}\n", NULL,
     "leadclock.yaml:1:14: log.level: \"inf\" is not known; did you mean \"info\"? allowed"},
    {"log: {level: warn}\n", NULL, "leadclock.yaml:1:14: log.level: \"warn\" is not known; did you mean \"warning\"?"},
    {"log: {format: text}\n", NULL,
     "leadclock.yaml:1:15: log.format: \"text\" is not known; allowed are: json, logfmt"},
    {"name: a\nlog: {level: info\n", NULL, "leadclock.yaml:2:18: not YAML: "},
    {"topics: {inputs: [\xe6\x97\xa5]}\n", NULL,
     "leadclock.yaml:1:19: topics.inputs: \"\xe6\x97\xa5\" is no topic name"},
    {"name: [a\n", NULL, "leadclock.yaml:1:9: not YAML: flow sequence without a closing bracket"},
    {"name: *x\n", NULL,
     "leadclock.yaml:1:7: no anchor &x above; name the part to repeat with it, or write it out here\n"},
    {"alert: {group_by: [leadid]}\n", NULL,
     "leadclock.yaml:1:20: alert.group_by: \"leadid\" is no label of an alert; did you mean \"lead_id\"?"},
    {"alert: {group_by: []}\n", NULL, "leadclock.yaml:1:9: alert.group_by is empty; name at least one label\n"},
    {"alert: {alertmanager: {urls: [ftp://x]}}\n", NULL,
     "leadclock.yaml:1:31: alert.alertmanager.urls: \"ftp://x\" must be a URL as https://HOST:PORT/PATH\n"},
    {"alert: {alertmanager: {urls: ['http://u:p@x']}}\n", NULL,
     "leadclock.yaml:1:31: alert.alertmanager.urls: \"http://***@x\" must not hold a user or password\n"},
    {"registry: {url: 'https://u:p@x'}\n", NULL,
     "leadclock.yaml:1:17: registry.url: \"https://***@x\" must hold no user or password: messages have it; they go "
     "to"},
    {"registry: {ca: a.pem}\n", NULL,
     "leadclock.yaml:1:16: registry.ca is given, but registry.url speaks no TLS; write https:// there, or take the"},
    {"registry: {url: 'https://x', key: us.key}\n", NULL,
     "leadclock.yaml:1:35: registry.key needs its certificate; set registry.certificate too\n"},
    {"alert: {alertmanager: {labels: {severity: x}}}\n", NULL,
     "leadclock.yaml:1:33: alert.alertmanager.labels.severity: is a label that alerts have by themselves"},
    {"alert: {alertmanager: {labels: {a-b: x}}}\n", NULL,
     "leadclock.yaml:1:33: alert.alertmanager.labels.a-b: is no label; use letters"},
    {"alert: {webhooks: {url: 'http://x'}}\n", NULL, "leadclock.yaml:1:9: alert.webhooks must be a list; write ["},
    {"alert: {webhooks: [7]}\n", NULL, "leadclock.yaml:1:20: alert.webhooks: an entry must be a mapping; write {"},
    {"alert:\n  webhooks:\n    - {url: 'http://x'}\n", NULL,
     "leadclock.yaml:3:7: alert.webhooks.secret is missing; who is called must be able to tell who calls\n"},
    {"alert:\n  webhooks:\n    - {secret: x}\n", NULL, "leadclock.yaml:3:7: alert.webhooks.url is missing; write"},
    {"alert:\n  webhooks:\n    - {maxage: 1h, url: 'http://x', secret: x}\n", NULL,
     "leadclock.yaml:3:8: unknown key \"alert.webhooks.maxage\"; did you mean \"max_age\"?\n"},
    {"alert:\n  webhooks:\n    - {url: 'http://x', secret: x}\n    - {url: 'http://y', secret: x}\n", NULL,
     "leadclock.yaml:4:7: alert.webhooks: two have the same name, or none; give each a name of its own\n"},
    {"alert:\n  webhooks:\n    - {url: 'http://x', secret: x, events: [SlaBroken]}\n", NULL,
     "leadclock.yaml:3:45: alert.webhooks.events: \"SlaBroken\" is no outcome; there are: SlaWarning, SlaBreached"},
    {"alert:\n  webhooks:\n    - {url: 'http://x', secret: 'whsec_!!!'}\n", NULL,
     "leadclock.yaml:3:33: alert.webhooks.secret: begins with whsec_, and is no base64 of 24 to 64 bytes after it"},
    {"ingest: {secrets: {crm: 'whsec_0123456789abcdef'}}\n", NULL,
     "leadclock.yaml:1:20: ingest.secrets.crm: begins with whsec_, and is no base64 of 24 to 64 bytes after it"},
    {"registry: {password_file: /run/secret}\n", NULL,
     "leadclock.yaml:1:27: registry.password_file needs who has it; set registry.user too\n"},
    {"", "alert.alertmanager.password_file=secret",
     "--set alert.alertmanager.password_file: alert.alertmanager.password_file needs who has it; set "
     "alert.alertmanager.user too"},
    {"", "alert.webhooks=x", "--set alert.webhooks: can't be given by --set; write it in the file"},
    {"", "kafka.broker=a:1", "--set kafka.broker: unknown key \"kafka.broker\"; did you mean \"kafka.brokers\"?"},
    {"", "kafak.brokers=a:1", "--set kafak.brokers: unknown key \"kafak\"; did you mean \"kafka\"?"},
    {"", "url=x", "--set url: unknown key \"url\"; did you mean \"registry.url\" or \"redis.url\"?"},
    {"", "alert.url=x", "--set alert.url: unknown key \"alert.url\"; did you mean \"registry.url\" or \"redis.url\"?"},
    {"", "workers", "--set workers: has no value; write --set workers=VALUE"},
    {"", "workers=x", "--set workers: workers: \"x\" must be a whole number from 1 to 256"},
    {"", "kafka.properties=x", "--set kafka.properties: names no entry; write kafka.properties.NAME=VALUE"},
    {"", "kafka.properties.transactional.id=x", "--set kafka.properties.transactional.id: kafka.properties.transact"},
};

static void
what_is_wrong_is_said_with_its_place_and_what_to_do(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autofree char *message = NULL;
        const char *overrides[] = {wrong[i].set, NULL};
        g_autoptr(lc_config) config = load(wrong[i].yaml, overrides, &message);
        if (config || !g_str_has_prefix(message, wrong[i].message)) {
            print_message("%s%s\n is said to be:\n%s\n and not:\n%s\n", wrong[i].yaml, wrong[i].set ? wrong[i].set : "",
                          message ? message : "right", wrong[i].message);
            failed++;
        }
    }
    assert_int_equal(failed, 0);
}

static void
webhooks_are_a_list_of_mappings(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    static const char yaml[] = "alert:\n"
                               "  alertmanager: {urls: ['http://a:9093/x'], every: 1s, labels: {team: inside}}\n"
                               "  webhooks:\n"
                               "    - {name: crm, url: 'https://x/y?z', secret: s, events: [LeadRouted], max_age: 2h}\n"
                               "    - {url: '${LC_TEST_HOOK}', secret: s}\n";
    g_setenv("LC_TEST_HOOK", "http://hook", TRUE);
    g_autoptr(lc_config) config = load(yaml, NULL, &message);
    assert_null(message);
    assert_string_equal(config->alert.alertmanager.urls[0], "http://a:9093/x");
    assert_int_equal(config->alert.alertmanager.every, LC_SECOND);
    assert_string_equal(config->alert.alertmanager.labels[1], "inside");
    assert_string_equal(config->alert.listen, "127.0.0.1:9467");
    assert_int_equal(config->alert.webhooks->len, 2);
    const lc_config_webhook *crm = &g_array_index(config->alert.webhooks, lc_config_webhook, 0), *other = crm + 1;
    assert_string_equal(crm->name, "crm");
    assert_string_equal(crm->url, "https://x/y?z");
    assert_string_equal(crm->events[0], "LeadRouted");
    assert_int_equal(crm->max_age, 2 * LC_HOUR);
    assert_string_equal(other->name, "");
    assert_string_equal(other->url, "http://hook");
    assert_null(other->events[0]);
    assert_int_equal(other->max_age, LC_HOUR);
}

static void
a_file_with_a_nul_byte_is_refused(void **state)
{
    (void)state;
    g_autofree char *folder = g_dir_make_tmp("leadclock-config-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(folder, "leadclock.yaml", NULL);
    g_autoptr(GError) error = NULL;
    assert_true(g_file_set_contents(path, "name: a\nworkers: 2\0", sizeof "name: a\nworkers: 2", NULL));
    assert_null(lc_config_load(path, NULL, &error));
    assert_non_null(strstr(error->message, "leadclock.yaml:2:11: a NUL byte"));
    g_unlink(path);
    g_rmdir(folder);
}

static char *
refuse_odd_properties(const char *name, const char *value)
{
    return strcmp(name, "odd") == 0 ? g_strdup_printf("\"%s\" is wrong; take another", value) : NULL;
}

static void
properties_are_checked_where_they_stand(void **state)
{
    (void)state;
    static const char yaml[] = "kafka:\n  properties:\n    even: 1\n    odd: ${LC_TEST_SECRET}\n    odd2: 1\n";
    g_autofree char *message = NULL, *set = NULL;
    g_setenv("LC_TEST_SECRET", "hunter2", TRUE);
    lc_config_check_properties_with(refuse_odd_properties);
    g_autoptr(lc_config) config = load(yaml, NULL, &message);
    g_autoptr(lc_config) other = load("", (const char *[]){"kafka.properties.odd=7", NULL}, &set);
    lc_config_check_properties_with(NULL);
    assert_non_null(message);
    assert_true(
        g_str_has_prefix(message, "leadclock.yaml:4:5: kafka.properties.odd: what the environment gives is not"));
    assert_null(strstr(message, "hunter2"));
    assert_non_null(set);
    assert_string_equal(set, "--set kafka.properties.odd: kafka.properties.odd: \"7\" is wrong; take another");
}

static void
all_problems_of_a_file_are_said_in_one_run(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    const char *overrides[] = {"batch.facts=x", NULL};
    g_autoptr(lc_config) config = load("workers: x\nlog: {level: y, colour: z}\npatience: 1\n", overrides, &message);
    assert_null(config);
    static const char *const said[] = {"yaml:1:10: workers", "yaml:2:14: log.level", "yaml:2:17: unknown key",
                                       "yaml:3:11: patience", "--set batch.facts"};
    for (size_t i = 0; i < G_N_ELEMENTS(said); i++)
        assert_non_null(strstr(message, said[i]));
}

static void
secrets_are_never_shown(void **state)
{
    (void)state;
    static const char *const yaml[] = {
        "redis: {password: hunter2, colour: 1}\n",
        "redis: {passwort: hunter2, password: [hunter2]}\n",
        "redis: {url: 'http://u:hunter2@h'}\n",
        "redis: {url: ':hunter2@h'}\n",
        "registry: {url: 'hunter2@h'}\n",
        "registry: {password: \"hunter2\n",
        "kafka: {properties: {sasl.password: hunter2, group.id: 1}}\n",
        "kafka: {properties: {group.id: 1, ssl.key.pem: hunter2}}\n",
        "kafka: {properties: {sasl.password: [hunter2]}}\n",
        "ingest:\n  tokens:\n    crm: hunter2\n",
        "ingest:\n  \"tokens\" :  # of senders\n\n    crm: hunter2-is-long-enough\n    crm: hunter2\n",
        "ingest:\n  tokens:\n    crm: [hunter2]\n",
        "ingest:\n  tokens:\n    - hunter2\n",
        "ingest:\n  tokens:\n    crm: \"hunter2\n",
        "ingest: {tokens: {crm: hunter2}}\n",
        "ingest: {secrets: {a: hunter2,\n  b: hunter2}}\n",
        "dashboard: {users: {anna: 'hunter2-hunter2-hunter2'}, bogus: [}\n",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(yaml); i++) {
        g_autofree char *message = NULL;
        g_autoptr(lc_config) config = load(yaml[i], NULL, &message);
        assert_null(config);
        if (strstr(message, "hunter2") && i != 1)
            fail_msg("%s gives %s", yaml[i], message);
    }
    g_autofree char *message = NULL;
    const char *overrides[] = {"redis.passwort=hunter2", "redis.url=http://:hunter2@x", "ingest.tokens.crm=hunter2",
                               NULL};
    g_autoptr(lc_config) config = load("", overrides, &message);
    assert_null(config);
    assert_null(strstr(message, "hunter2"));
}

static void
a_file_that_all_may_read_is_warned_of_if_it_has_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        bool tells;
    } cases[] = {
        {"redis: {password: hunter2}\n", true},
        {"redis: {password: \"${REDIS_PASSWORD}\"}\n", false},
        {"# password: hunter2\nname: a\n", false},
        {"ingest:\n  tokens:\n    crm: hunter2\n", true},
        {"ingest:\n  tokens:\n    crm: ${CRM}\n  listen: 127.0.0.1:1\n", false},
        {"ingest:\n  tokens:\n    # crm: hunter2\n  listen: 127.0.0.1:1\n", false},
        {"ingest:\n  listen: 127.0.0.1:1\n", false},
        {"dashboard: {users: {anna: hunter2-hunter2-hunter2}}\n", true},
        {"dashboard: {users: {anna: \"${ANNA}\"}}\n", false},
        {"dashboard: {user_files: {anna: /run/anna}}\n", false},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *folder = g_dir_make_tmp("leadclock-config-XXXXXX", NULL);
        g_autofree char *path = g_build_filename(folder, "leadclock.yaml", NULL);
        assert_true(g_file_set_contents(path, cases[i].yaml, -1, NULL));
        g_chmod(path, 0644);
        if (lc_config_tells_secrets(path) != cases[i].tells)
            fail_msg("%s", cases[i].yaml);
        g_chmod(path, 0640);
        assert_false(lc_config_tells_secrets(path));
        g_unlink(path);
        g_rmdir(folder);
    }
}

static void
tokens_are_taken_by_name(void **state)
{
    (void)state;
    g_autofree char *message = NULL;
    const char *overrides[] = {"ingest.tokens.web=fedcba9876543210", NULL};
    g_autoptr(lc_config) config = load(
        "ingest:\n  tokens:\n    crm: 0123456789abcdef\n  certificate: a.pem\n  key: b.pem\n", overrides, &message);
    assert_null(message);
    assert_string_equal(config->ingest.listen, "127.0.0.1:9466");
    assert_int_equal(g_strv_length(config->ingest.tokens), 4);
    assert_string_equal(config->ingest.tokens[0], "crm");
    assert_string_equal(config->ingest.tokens[1], "0123456789abcdef");
    assert_string_equal(config->ingest.tokens[3], "fedcba9876543210");
    assert_int_equal(g_strv_length(config->ingest.secrets), 0);
    assert_true(g_str_has_suffix(config->ingest.certificate, "/a.pem"));
    assert_true(g_path_is_absolute(config->ingest.key));
}

static void
a_file_that_is_not_there_is_named(void **state)
{
    (void)state;
    g_autoptr(GError) error = NULL;
    assert_null(lc_config_load("/nowhere/leadclock.yaml", NULL, &error));
    assert_int_equal(error->code, LC_ERROR_CONFIG);
    assert_non_null(strstr(error->message, "/nowhere/leadclock.yaml"));
}

static void
the_reference_is_up_to_date(void **state)
{
    (void)state;
    g_autofree char *made = lc_config_reference(), *kept = NULL;
    g_file_get_contents(LC_SOURCE_DIR "/docs/configuration.md", &kept, NULL, NULL);
    if (g_strcmp0(made, kept) != 0)
        fail_msg("docs/configuration.md is out of date: run 'test_config --write-reference'");
}

int
main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--write-reference") == 0) {
        g_autofree char *made = lc_config_reference();
        return !g_file_set_contents(LC_SOURCE_DIR "/docs/configuration.md", made, -1, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_file_the_defaults_hold),
        cmocka_unit_test(every_value_of_a_file_is_taken),
        cmocka_unit_test(set_overrides_one_key),
        cmocka_unit_test(paths_of_set_are_of_the_working_folder),
        cmocka_unit_test(an_empty_file_means_the_defaults),
        cmocka_unit_test(what_is_wrong_is_said_with_its_place_and_what_to_do),
        cmocka_unit_test(webhooks_are_a_list_of_mappings),
        cmocka_unit_test(a_file_with_a_nul_byte_is_refused),
        cmocka_unit_test(properties_are_checked_where_they_stand),
        cmocka_unit_test(all_problems_of_a_file_are_said_in_one_run),
        cmocka_unit_test(secrets_are_never_shown),
        cmocka_unit_test(a_file_that_all_may_read_is_warned_of_if_it_has_secrets),
        cmocka_unit_test(tokens_are_taken_by_name),
        cmocka_unit_test(a_file_that_is_not_there_is_named),
        cmocka_unit_test(the_reference_is_up_to_date),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
