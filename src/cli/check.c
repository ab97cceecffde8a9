/* check.c - what is wrong or odd with a configuration and with policies, without running; what a policy promises. */
#include "common.h"

#include <leadclock/http.h>
#include <leadclock/policy.h>
#include <leadclock/text.h>

typedef struct {
    lc_cli_config_options config;
    char *command; /* whose secrets are looked at; NULL: all */
    char **policies;
    gboolean explain, strict;
} check_command;

static void
print_ok(const lc_policy_book *book)
{
    size_t n = lc_policy_book_size(book);
    unsigned rules = 0;
    printf("policy ok:");
    for (size_t i = 0; i < n; i++) {
        const lc_policy *policy = lc_policy_book_get(book, i);
        printf("%s %.*s", i ? "," : "", LC_TEXT_ARGS(policy->name));
        rules += policy->n_rules;
    }
    printf(" (%zu document%s, %u rule%s)\n", n, n == 1 ? "" : "s", rules, rules == 1 ? "" : "s");
}

/* What is refused was told. */
static int
check_policies(const check_command *command, const char *const *paths)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(lc_policy_book) book = lc_policy_book_load(paths, &error);
    if (book == NULL) {
        /* Also a single problem stands alone, as those of a compiler do. */
        fprintf(stderr, "%s\n", error->message);
        return lc_cli_exit_code(error);
    }
    g_autofree char *warnings = lc_policy_book_warnings(book, g_get_real_time() / 1000);
    if (warnings)
        fputs(warnings, stderr);
    if (command->explain) {
        g_autofree char *text = lc_policy_book_explain(book);
        fputs(text, stdout);
    } else
        print_ok(book);
    return warnings && command->strict ? EXIT_FOUND : EXIT_DONE;
}

/* ---- Secrets in files ---- */

static const struct {
    const char *command;
    unsigned secrets;
} readers[] = {
    {"run", LC_SECRETS_OF_SERVERS},
    {"ingest", LC_SECRETS_OF_SERVERS | LC_SECRETS_OF_INGEST},
    {"alert", LC_SECRETS_OF_SERVERS | LC_SECRETS_OF_ALERT},
    {"dashboard", LC_SECRETS_OF_SERVERS | LC_SECRETS_OF_DASHBOARD},
};

/* 0: there is no such command. */
static unsigned
secrets_of(const char *command)
{
    if (command == NULL)
        return ~0u;
    for (size_t i = 0; i < G_N_ELEMENTS(readers); i++)
        if (strcmp(readers[i].command, command) == 0)
            return readers[i].secrets;
    return 0;
}

typedef struct {
    unsigned refused, warned;
} look_at_files;

static void
look_at_file(const char *key, const char *path, void *data)
{
    look_at_files *look = data;
    g_autoptr(GError) error = NULL;
    if (!lc_secret_check(key, path, &error)) {
        fprintf(stderr, "%s\n", error->message);
        look->refused++;
    } else if (lc_secret_is_public(path)) {
        fprintf(stderr,
                "%s: warning: everybody on this machine may read %s: chmod o-r, and a group for those who need "
                "it\n",
                key, path);
        look->warned++;
    }
}

/* What the files of maps' entries and of webhooks hold is checked as secrets themselves are. */
static bool
check_entries(const lc_config *config, unsigned of, GError **error)
{
    g_auto(GStrv) tokens = NULL, secrets = NULL, users = NULL;
    if (of & LC_SECRETS_OF_INGEST) {
        tokens = lc_config_with_files("ingest.tokens", config->ingest.tokens, config->ingest.token_files, error);
        secrets =
            tokens ? lc_config_with_files("ingest.secrets", config->ingest.secrets, config->ingest.secret_files, error)
                   : NULL;
        if (secrets == NULL)
            return false;
    }
    if (of & LC_SECRETS_OF_DASHBOARD)
        users = lc_config_with_files("dashboard.users", config->dashboard.users, config->dashboard.user_files, error);
    if (users == NULL && (of & LC_SECRETS_OF_DASHBOARD))
        return false;
    return !(of & LC_SECRETS_OF_ALERT) || lc_config_check_webhook_files(config, error);
}

/* ---- Doors ---- */

static bool
has_some(char *const *map, char *const *files)
{
    return (map && *map) || (files && *files);
}

/* A door that is open to others has a lock, or the command would refuse to start. */
static bool
check_doors(const lc_config *config, unsigned of)
{
    bool is_open = of & LC_SECRETS_OF_INGEST && !lc_http_is_local(config->ingest.listen) &&
                   !has_some(config->ingest.tokens, config->ingest.token_files) &&
                   !has_some(config->ingest.secrets, config->ingest.secret_files);
    bool shows_all = of & LC_SECRETS_OF_DASHBOARD && !lc_http_is_local(config->dashboard.listen) &&
                     !has_some(config->dashboard.users, config->dashboard.user_files) &&
                     !config->dashboard.behind_proxy;
    if (is_open)
        fprintf(stderr,
                "ingest.listen: \"%s\" can be reached from elsewhere, and anybody could send facts; set ingest.tokens "
                "or ingest.secrets, or listen on 127.0.0.1\n",
                config->ingest.listen);
    if (shows_all)
        fprintf(stderr,
                "dashboard.listen: \"%s\" can be reached from elsewhere, and anybody could read about leads; set "
                "dashboard.users or dashboard.behind_proxy, or listen on 127.0.0.1\n",
                config->dashboard.listen);
    return !is_open && !shows_all;
}

static int
check_secrets(const check_command *command, const lc_config *config)
{
    look_at_files look = {0};
    g_autoptr(GError) error = NULL;
    unsigned of = secrets_of(command->command);
    lc_config_secret_files(config, of, look_at_file, &look);
    if (look.refused == 0 && !check_entries(config, of, &error)) {
        fprintf(stderr, "%s\n", error->message);
        look.refused++;
    }
    look.refused += !check_doors(config, of);
    return look.refused ? EXIT_USAGE : look.warned && command->strict ? EXIT_FOUND : EXIT_DONE;
}

/* The configuration, and the policy that it names unless others are given. */
static int
check_config(const check_command *command)
{
    g_autoptr(GError) error = NULL;
    lc_cli_leave_no_core();
    g_autoptr(lc_config) config =
        lc_config_load(command->config.file, (const char *const *)command->config.overrides, &error);
    if (config == NULL) {
        fprintf(stderr, "%s\n", error->message);
        return lc_cli_exit_code(error);
    }
    int of_secrets = check_secrets(command, config);
    if (!command->explain && of_secrets != EXIT_USAGE)
        printf("configuration ok: %s\n", command->config.file ? command->config.file : "defaults");
    int of_policies =
        command->policies ? EXIT_DONE : check_policies(command, (const char *const[]){config->policy, NULL});
    return MAX(of_secrets, of_policies);
}

/* --policy A B C means all three; without it a file could be a configuration as well. */
static bool
take_arguments(check_command *command, int argc, char **argv)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    if (argc < 2)
        return true;
    if (command->policies == NULL) {
        fprintf(stderr,
                "leadclock check: \"%s\" is what? name a policy with --policy %s, a configuration with --config %s\n",
                argv[1], argv[1], argv[1]);
        return false;
    }
    g_strv_builder_addv(builder, (const char **)command->policies);
    for (int i = 1; i < argc; i++)
        g_strv_builder_add(builder, argv[i]);
    g_strfreev(command->policies);
    command->policies = g_strv_builder_end(builder);
    return true;
}

static int
run(const check_command *command)
{
    bool has_config = command->config.file || command->config.overrides;
    if (secrets_of(command->command) == 0) {
        fprintf(stderr, "leadclock check: --for %s: no command that has secrets; run, ingest, alert or dashboard\n",
                command->command);
        return EXIT_USAGE;
    }
    int of_config = has_config ? check_config(command) : EXIT_DONE;
    int of_policies = command->policies ? check_policies(command, (const char *const *)command->policies) : EXIT_DONE;
    if (!has_config && command->policies == NULL) {
        fprintf(stderr, "leadclock check: nothing to check; name --config FILE or --policy FILE\n");
        return EXIT_USAGE;
    }
    return MAX(of_config, of_policies);
}

static const char summary[] = "Checks a configuration, with the policy that it names, or policies, without running.";
static const char more[] =
    "What is wrong is told with file, line and column, all of it in one run, on standard error; so is what is legal\n"
    "but odd, as a warning. Files that hold secrets are read, too. A folder stands for every *.yaml and *.yml file in "
    "it. docs/lead-policy.md explains\n"
    "every key of a policy, docs/configuration.md those of a configuration.\n\n"
    "Exit codes: 0 all is right, 1 there are warnings (with --strict), 2 something is refused.\n\n"
    "Examples:\n  leadclock check --config leadclock.yaml\n  leadclock check --policy 2026.yaml 2027.yaml --explain\n";

int
lc_cli_check(int argc, char **argv)
{
    check_command command = {0};
    const GOptionEntry entries[] = {
        {"policy", 'p', 0, G_OPTION_ARG_FILENAME_ARRAY, &command.policies,
         "A policy document or a folder of them, instead of the configuration's; may be repeated", "FILE"},
        {"explain", 'e', 0, G_OPTION_ARG_NONE, &command.explain, "Says in plain sentences what the policy promises",
         NULL},
        {"for", 'f', 0, G_OPTION_ARG_STRING, &command.command,
         "Looks at the files of secrets that this command reads: run, ingest, alert or dashboard (default: all)",
         "COMMAND"},
        {"strict", 0, 0, G_OPTION_ARG_NONE, &command.strict, "Exit code 1 where there are warnings", NULL},
        {NULL},
    };
    int code = EXIT_USAGE;
    if (lc_cli_parse(&argc, &argv, "[--policy FILE...]", summary, more, entries, &command.config) &&
        take_arguments(&command, argc, argv))
        code = run(&command);
    lc_cli_config_options_clear(&command.config);
    g_strfreev(command.policies);
    g_free(command.command);
    return code;
}
