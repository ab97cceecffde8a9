/* manual.c - the manual pages, made of what the subcommands say of themselves and of the table of configuration keys.
 */
#include "manual.h"

#define PARAGRAPH ".PP\n"
#define EXAMPLE "  " /* a line that begins with it is to stand as it is */

/* ---- Chapters ---- */

static void
free_chapter(void *data)
{
    lc_cli_chapter *chapter = data;
    g_array_unref(chapter->entries);
    g_free(chapter);
}

static void
add_entries(GArray *into, const GOptionEntry *entries)
{
    for (; entries && entries->long_name; entries++)
        g_array_append_vals(into, entries, 1);
}

/* The tables are the command's own, on its stack; their texts are not. */
static void
take_help(const lc_cli_help *help, void *data)
{
    lc_cli_chapter *chapter = data;
    chapter->help = (lc_cli_help){help->usage, help->summary, help->more, NULL, NULL};
    add_entries(chapter->entries, help->config_entries);
    add_entries(chapter->entries, help->entries);
}

static GPtrArray *
ask_commands(const lc_cli_command *commands)
{
    GPtrArray *chapters = g_ptr_array_new_with_free_func(free_chapter);
    for (const lc_cli_command *command = commands; command->name; command++) {
        lc_cli_chapter *chapter = g_new0(lc_cli_chapter, 1);
        char *argv[] = {(char *)command->name, NULL};
        chapter->command = command;
        chapter->entries = g_array_new(FALSE, TRUE, sizeof(GOptionEntry));
        g_ptr_array_add(chapters, chapter);
        lc_cli_describe_to(take_help, chapter);
        command->run(1, argv);
        if (chapter->help.summary == NULL)
            g_error("leadclock %s says nothing of itself: it must begin with lc_cli_parse", command->name);
    }
    return chapters;
}

/* ---- Texts as roff ---- */

static void
put_char(GString *page, gunichar c)
{
    if (c == '\\')
        g_string_append(page, "\\e");
    else if (c == '-')
        g_string_append(page, "\\-");
    else if (c == '\'')
        g_string_append(page, "\\(aq");
    else if (c == '^')
        g_string_append(page, "\\(ha");
    else if (c == '~')
        g_string_append(page, "\\(ti");
    else if (c < 128)
        g_string_append_c(page, (char)c);
    else
        g_string_append_printf(page, "\\[u%04X]", c);
}

/* What stands in backquotes is bold. A line that begins with a dot would be a command. */
static void
put_text(GString *page, const char *text)
{
    bool bold = false;
    for (const char *at = text; *at; at = g_utf8_next_char(at)) {
        if (*at == '.' && (page->len == 0 || page->str[page->len - 1] == '\n'))
            g_string_append(page, "\\&");
        if (*at == '`') {
            bold = !bold;
            g_string_append(page, bold ? "\\fB" : "\\fR");
        } else
            put_char(page, g_utf8_get_char(at));
    }
}

static void
put_line(GString *page, const char *text)
{
    put_text(page, text);
    g_string_append_c(page, '\n');
}

static void
put_strong(GString *page, const char *text)
{
    g_string_append(page, "\\fB");
    put_text(page, text);
    g_string_append(page, "\\fR");
}

static void
put_heading(GString *page, const char *title)
{
    g_string_append_printf(page, ".SH \"%s\"\n", title);
}

/* What is put as paragraphs begins with a command to begin one, which a heading has done. */
static void
put_section(GString *page, const char *title, const GString *paragraphs)
{
    put_heading(page, title);
    g_string_append(page, paragraphs->str + (g_str_has_prefix(paragraphs->str, PARAGRAPH) ? strlen(PARAGRAPH) : 0));
}

static void
set_literal(GString *page, bool *literal, bool wanted)
{
    if (wanted && !*literal)
        g_string_append(page, PARAGRAPH ".RS 4\n.nf\n");
    if (!wanted && *literal)
        g_string_append(page, ".fi\n.RE\n");
    *literal = wanted;
}

/* A paragraph: text that flows, and lines that stand as they are. */
static void
put_paragraph(GString *page, const char *paragraph)
{
    g_auto(GStrv) lines = g_strsplit(paragraph, "\n", -1);
    bool literal = false, flows = false;
    for (char **line = lines; *line; line++) {
        if (**line == '\0')
            continue;
        bool is_example = g_str_has_prefix(*line, EXAMPLE);
        set_literal(page, &literal, is_example);
        if (!is_example && !flows)
            g_string_append(page, PARAGRAPH);
        flows = !is_example;
        put_line(page, is_example ? *line + strlen(EXAMPLE) : *line);
    }
    set_literal(page, &literal, false);
}

/* The rest of `text` after `label`, or NULL. */
static const char *
after(const char *text, const char *label)
{
    return g_str_has_prefix(text, label) ? text + strlen(label) : NULL;
}

/* ---- Pages of subcommands ---- */

static const char exit_codes[] = "0 done, 1 found something, 2 usage or configuration, 3 a server can't be reached.";

static GString *
begin_page(const char *name, int section, const char *what)
{
    GString *page = g_string_new(NULL);
    g_autofree char *upper = g_ascii_strup(name, -1);
    g_string_append_printf(page,
                           ".\\\" Made by \"leadclock --manual\" from the tables in the program.\n"
                           ".TH \"%s\" %d \"%s\" \"Leadclock %s\" \"Leadclock\"\n",
                           upper, section, LC_RELEASE_DATE, LC_VERSION);
    put_heading(page, "NAME");
    put_text(page, name);
    g_string_append(page, " \\- ");
    put_line(page, what);
    return page;
}

static void
put_option(GString *page, const GOptionEntry *entry)
{
    g_string_append(page, ".TP\n");
    if (entry->short_name) {
        const char name[] = {'-', entry->short_name, '\0'};
        put_strong(page, name);
        g_string_append(page, ", ");
    }
    g_autofree char *name = g_strconcat("--", entry->long_name, NULL);
    put_strong(page, name);
    if (entry->arg_description) {
        g_string_append(page, "=\\fI");
        put_text(page, entry->arg_description);
        g_string_append(page, "\\fR");
    }
    g_string_append_c(page, '\n');
    put_line(page, entry->description);
}

static void
put_options(GString *page, const GArray *entries)
{
    static const GOptionEntry help = {"help", 'h', 0, G_OPTION_ARG_NONE, NULL, "Shows what this page says", NULL};
    put_heading(page, "OPTIONS");
    put_option(page, &help);
    for (guint i = 0; i < entries->len; i++)
        put_option(page, &g_array_index(entries, GOptionEntry, i));
}

/* What --help tells below the options goes to three sections: these two, and all else to the description. */
typedef struct {
    GString *description, *exit_status, *examples;
} sections;

static void
sort_paragraph(const sections *sections, const char *paragraph)
{
    const char *rest = after(paragraph, "Exit codes: ");
    if (rest) {
        put_paragraph(sections->exit_status, rest);
        return;
    }
    rest = after(paragraph, "Example:\n");
    rest = rest ? rest : after(paragraph, "Examples:\n");
    put_paragraph(rest ? sections->examples : sections->description, rest ? rest : paragraph);
}

static void
put_files(GString *page)
{
    put_heading(page, "FILES");
    g_string_append(page, ".TP\n\\fI/etc/leadclock/leadclock.yaml\\fR\nThe configuration that the units of systemd "
                          "use, see\n.BR leadclock.yaml (5).\n"
                          ".TP\n\\fI/etc/leadclock/policy.yaml\\fR\nThe policy that it names, see\n"
                          "\\fI/usr/share/doc/leadclock/lead\\-policy.md\\fR.\n");
}

static char *
make_command_page(const char *page_name, const lc_cli_chapter *chapter)
{
    const lc_cli_help *help = &chapter->help;
    GString *page = begin_page(page_name, 1, chapter->command->help);
    g_autoptr(GString) description = g_string_new(NULL), exit_status = g_string_new(NULL),
                       examples = g_string_new(NULL);
    const sections sections = {description, exit_status, examples};
    g_auto(GStrv) paragraphs = g_strsplit(help->more ? help->more : "", "\n\n", -1);

    put_paragraph(sections.description, help->summary);
    for (char **paragraph = paragraphs; *paragraph; paragraph++)
        sort_paragraph(&sections, *paragraph);
    put_heading(page, "SYNOPSIS");
    g_string_append_printf(page, ".B leadclock %s\n[\\fIOPTION\\fR...]\n", chapter->command->name);
    if (help->usage)
        put_line(page, help->usage);
    put_section(page, "DESCRIPTION", description);
    put_options(page, chapter->entries);
    if (exit_status->len == 0)
        put_line(exit_status, exit_codes);
    put_section(page, "EXIT STATUS", exit_status);
    if (examples->len)
        put_section(page, "EXAMPLES", examples);
    put_heading(page, "SEE ALSO");
    g_string_append(page, ".BR leadclock (1),\n.BR leadclock.yaml (5)\n");
    return g_string_free(page, FALSE);
}

/* ---- The page of all, and that of the configuration ---- */

static char *
make_main_page(const char *about, const GPtrArray *chapters)
{
    GString *page = begin_page("leadclock", 1, "holds every lead's SLA to its deadline");
    put_heading(page, "SYNOPSIS");
    g_string_append(page, ".B leadclock\n\\fICOMMAND\\fR [\\fIOPTION\\fR...]\n.br\n.B leadclock\n"
                          "\\-\\-help | \\-\\-version\n");
    put_heading(page, "DESCRIPTION");
    put_line(page, about);
    put_heading(page, "COMMANDS");
    for (guint i = 0; i < chapters->len; i++) {
        const lc_cli_chapter *chapter = g_ptr_array_index(chapters, i);
        g_string_append_printf(page, ".TP\n.BR leadclock\\-%s (1)\n", chapter->command->name);
        put_line(page, chapter->command->help);
    }
    put_heading(page, "EXIT STATUS");
    put_line(page, exit_codes);
    put_heading(page, "ENVIRONMENT");
    put_line(page, "`${NAME}` in a value of the configuration stands for the variable NAME.");
    put_files(page);
    put_heading(page, "SEE ALSO");
    g_string_append(page, ".BR leadclock.yaml (5),\nand the Markdown files in \\fI/usr/share/doc/leadclock\\fR\n");
    return g_string_free(page, FALSE);
}

static const char *const of_configuration[] = {
    "One YAML file, which commands take as `--config FILE`. Every key may be absent. `--set KEY=VALUE` overrides one.\n"
    "The keys below are written with dots: `kafka.brokers` is the key `brokers` in the map `kafka`.",
    "`${NAME}` in a value is taken from the environment, so that no secret need be in the file; `$$` is a dollar.\n"
    "Durations are digits with `ms`, `s`, `m`, `h`, `d` (24 h) or `w` (7 d), which may follow each other: `1m30s`.",
};

static const char example[] = "  name: leadclock\n  kafka:\n    brokers: kafka-1:9092,kafka-2:9092\n    properties:\n"
                              "      security.protocol: SASL_SSL\n      sasl.mechanism: SCRAM-SHA-512\n"
                              "      sasl.username: leadclock\n      sasl.password: ${KAFKA_PASSWORD}\n"
                              "  registry: {url: https://registry:8081}\n  redis: {url: redis://redis:6379/0}\n"
                              "  policy: policy.yaml\n";

static char *
make_configuration_page(void)
{
    GString *page = begin_page("leadclock.yaml", 5, "the configuration of leadclock");
    g_autoptr(GString) description = g_string_new(NULL), examples = g_string_new(NULL);
    lc_config_key key;

    put_paragraph(description, of_configuration[0]);
    put_paragraph(description, of_configuration[1]);
    put_section(page, "DESCRIPTION", description);
    put_heading(page, "KEYS");
    for (size_t i = 0; lc_config_describe_key(i, &key); i++) {
        g_string_append(page, ".TP\n");
        put_strong(page, key.key);
        g_string_append_c(page, '\n');
        put_line(page, key.doc);
        g_autofree char *fallback = g_strdup_printf("Default: `%s`.", key.fallback);
        put_line(page, key.fallback ? fallback : "No default.");
        lc_config_key_clear(&key);
    }
    put_paragraph(examples, example);
    put_section(page, "EXAMPLES", examples);
    put_files(page);
    put_heading(page, "SEE ALSO");
    g_string_append(page, ".BR leadclock (1),\n.BR leadclock\\-check (1)\n");
    return g_string_free(page, FALSE);
}

/* ---- All of it ---- */

/* Takes `text`. */
static bool
write_file(const char *folder, const char *name, char *text, GError **error)
{
    g_autofree char *owned = text, *path = g_build_filename(folder, name, NULL);
    return g_file_set_contents(path, owned, -1, error);
}

static bool
write_command_page(const char *folder, const lc_cli_chapter *chapter, GError **error)
{
    g_autofree char *name = g_strconcat("leadclock-", chapter->command->name, NULL),
                    *file = g_strconcat(name, ".1", NULL);
    return write_file(folder, file, make_command_page(name, chapter), error);
}

int
lc_cli_write_manual(const char *about, const lc_cli_command *commands, const char *folder)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) chapters = ask_commands(commands);
    bool ok = write_file(folder, "leadclock.1", make_main_page(about, chapters), &error) &&
              write_file(folder, "leadclock.yaml.5", make_configuration_page(), &error) &&
              write_file(folder, "leadclock.bash", lc_cli_complete_bash(chapters), &error) &&
              write_file(folder, "_leadclock", lc_cli_complete_zsh(chapters), &error);

    for (guint i = 0; ok && i < chapters->len; i++)
        ok = write_command_page(folder, g_ptr_array_index(chapters, i), &error);
    return ok ? EXIT_DONE : lc_cli_fail("--manual", error);
}
