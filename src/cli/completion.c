/* completion.c - what bash and zsh complete by, made of what the subcommands say of themselves. */
#include "manual.h"

/* What may follow an option or stand by itself. */
typedef enum { VALUE_NONE, VALUE_TEXT, VALUE_FILE, VALUE_KEY } value_kind;

static value_kind
kind_of(const GOptionEntry *entry)
{
    switch (entry->arg) {
    case G_OPTION_ARG_NONE:
        return VALUE_NONE;
    case G_OPTION_ARG_FILENAME:
    case G_OPTION_ARG_FILENAME_ARRAY:
        return VALUE_FILE;
    default:
        return strcmp(entry->long_name, "set") == 0 ? VALUE_KEY : VALUE_TEXT;
    }
}

static bool
is_repeatable(const GOptionEntry *entry)
{
    return entry->arg == G_OPTION_ARG_FILENAME_ARRAY || entry->arg == G_OPTION_ARG_STRING_ARRAY;
}

static bool
takes(const lc_cli_chapter *chapter, const char *argument)
{
    return chapter->help.usage && strstr(chapter->help.usage, argument);
}

static bool
takes_files(const lc_cli_chapter *chapter)
{
    return takes(chapter, "FILE") || takes(chapter, "EVENTS");
}

static char *
list_tables(void)
{
    return g_strjoinv(" ", (char **)lc_config_tables);
}

static char *
list_commands(const GPtrArray *chapters)
{
    GString *list = g_string_new("--help --version");
    for (guint i = 0; i < chapters->len; i++)
        g_string_append_printf(list, " %s", ((const lc_cli_chapter *)g_ptr_array_index(chapters, i))->command->name);
    return g_string_free(list, FALSE);
}

/* With "=" after each. */
static char *
list_keys(void)
{
    GString *list = g_string_new(NULL);
    lc_config_key key;
    for (size_t i = 0; lc_config_describe_key(i, &key); i++) {
        g_string_append_printf(list, "%s%s=", i ? " " : "", key.key);
        lc_config_key_clear(&key);
    }
    return g_string_free(list, FALSE);
}

/* ---- bash ---- */

static const char bash_head[] = "# leadclock.bash - completes leadclock's commands and options.\n"
                                "# Made by \"leadclock --manual\" from the tables in the program.\n"
                                "_leadclock() {\n"
                                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                                "    local options texts files keys arguments\n";

/* Bash takes --config=FILE apart at the "=". */
static const char bash_tail[] = "    if [[ $word == = ]]; then\n"
                                "        word=\n"
                                "    elif [[ $before == = ]]; then\n"
                                "        before=${COMP_WORDS[COMP_CWORD-2]}\n"
                                "    fi\n"
                                "    if [[ \" $texts \" == *\" $before \"* ]]; then\n"
                                "        COMPREPLY=()\n"
                                "    elif [[ \" $keys \" == *\" $before \"* ]]; then\n"
                                "        compopt -o nospace 2>/dev/null\n"
                                "        mapfile -t COMPREPLY < <(compgen -W \"$all_keys\" -- \"$word\")\n"
                                "    elif [[ $word == -* ]]; then\n"
                                "        mapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$word\")\n"
                                "    elif [[ \" $files \" == *\" $before \"* || $arguments == FILES ]]; then\n"
                                "        compopt -o filenames 2>/dev/null\n"
                                "        mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
                                "    else\n"
                                "        mapfile -t COMPREPLY < <(compgen -W \"$arguments\" -- \"$word\")\n"
                                "    fi\n"
                                "}\n"
                                "complete -F _leadclock leadclock\n";

static void
add_word(GString *list, const GOptionEntry *entry)
{
    g_string_append_printf(list, "%s--%s", list->len ? " " : "", entry->long_name);
    if (entry->short_name)
        g_string_append_printf(list, " -%c", entry->short_name);
}

static char *
list_options(const lc_cli_chapter *chapter, value_kind kind, bool all)
{
    GString *list = g_string_new(all ? "--help -h" : NULL);
    for (guint i = 0; i < chapter->entries->len; i++) {
        const GOptionEntry *entry = &g_array_index(chapter->entries, GOptionEntry, i);
        if (all || kind_of(entry) == kind)
            add_word(list, entry);
    }
    return g_string_free(list, FALSE);
}

static void
put_bash_command(GString *text, const lc_cli_chapter *chapter)
{
    g_autofree char *options = list_options(chapter, VALUE_NONE, true),
                    *texts = list_options(chapter, VALUE_TEXT, false),
                    *files = list_options(chapter, VALUE_FILE, false), *keys = list_options(chapter, VALUE_KEY, false),
                    *tables = list_tables();
    const char *arguments = takes_files(chapter) ? "FILES" : takes(chapter, "TABLE") ? tables : "";
    g_string_append_printf(text,
                           "    %s)\n        options=\"%s\"\n        texts=\"%s\" files=\"%s\" keys=\"%s\"\n"
                           "        arguments=\"%s\"\n        ;;\n",
                           chapter->command->name, options, texts, files, keys, arguments);
}

char *
lc_cli_complete_bash(const GPtrArray *chapters)
{
    GString *text = g_string_new(bash_head);
    g_autofree char *commands = list_commands(chapters), *keys = list_keys();
    g_string_append_printf(text,
                           "    local all_keys=\"%s\"\n"
                           "    if ((COMP_CWORD == 1)); then\n"
                           "        mapfile -t COMPREPLY < <(compgen -W \"%s\" -- \"$word\")\n"
                           "        return\n"
                           "    fi\n"
                           "    case ${COMP_WORDS[1]} in\n",
                           keys, commands);
    for (guint i = 0; i < chapters->len; i++)
        put_bash_command(text, g_ptr_array_index(chapters, i));
    g_string_append(text, "    esac\n");
    g_string_append(text, bash_tail);
    return g_string_free(text, FALSE);
}

/* ---- zsh ---- */

/* In single quotes, where `special` also means something else to _arguments or _describe. */
static void
put_zsh_text(GString *text, const char *from, const char *special)
{
    for (; *from; from++) {
        if (*from == '\'')
            g_string_append(text, "'\\''");
        else {
            if (strchr(special, *from))
                g_string_append_c(text, '\\');
            g_string_append_c(text, *from);
        }
    }
}

static const char *
zsh_action(value_kind kind)
{
    return kind == VALUE_FILE ? "_files" : kind == VALUE_KEY ? "($all_keys)" : "";
}

static void
put_zsh_option(GString *text, const GOptionEntry *entry)
{
    value_kind kind = kind_of(entry);
    const char *repeat = is_repeatable(entry) ? "*" : "", *equals = kind == VALUE_NONE ? "" : "=",
               *plus = kind == VALUE_NONE ? "" : "+";
    g_string_append_printf(text, "            '%s'", repeat);
    if (entry->short_name)
        g_string_append_printf(text, "{-%c%s,--%s%s}'[", entry->short_name, plus, entry->long_name, equals);
    else
        g_string_append_printf(text, "'--%s%s[", entry->long_name, equals);
    put_zsh_text(text, entry->description, "[]:\\");
    g_string_append(text, "]");
    if (kind != VALUE_NONE) {
        g_string_append_c(text, ':');
        put_zsh_text(text, entry->arg_description ? entry->arg_description : "value", "[]:\\");
        g_string_append_c(text, ':');
        if (kind == VALUE_KEY) /* its own quotes: a list that is filled in */
            g_string_append_printf(text, "'\"%s\"'", zsh_action(kind));
        else
            g_string_append(text, zsh_action(kind));
    }
    g_string_append(text, "' \\\n");
}

static void
put_zsh_command(GString *text, const lc_cli_chapter *chapter)
{
    g_autofree char *tables = list_tables();
    g_string_append_printf(text, "    %s)\n        _arguments -s \\\n            '(- *)'{-h,--help}'[help]' \\\n",
                           chapter->command->name);
    for (guint i = 0; i < chapter->entries->len; i++)
        put_zsh_option(text, &g_array_index(chapter->entries, GOptionEntry, i));
    if (takes_files(chapter))
        g_string_append(text, "            '*:file:_files'\n");
    else if (takes(chapter, "TABLE"))
        g_string_append_printf(text, "            '*:table:(%s)'\n", tables);
    else
        g_string_append(text, "            '*: :'\n");
    g_string_append(text, "        ;;\n");
}

char *
lc_cli_complete_zsh(const GPtrArray *chapters)
{
    GString *text = g_string_new("#compdef leadclock\n# _leadclock - completes leadclock's commands and options.\n"
                                 "# Made by \"leadclock --manual\" from the tables in the program.\n"
                                 "local -a subcommands\n");
    g_autofree char *keys = list_keys();
    g_string_append_printf(text, "local all_keys='%s'\nsubcommands=(\n", keys);
    for (guint i = 0; i < chapters->len; i++) {
        const lc_cli_command *command = ((const lc_cli_chapter *)g_ptr_array_index(chapters, i))->command;
        g_string_append_printf(text, "    '%s:", command->name);
        put_zsh_text(text, command->help, ":\\");
        g_string_append(text, "'\n");
    }
    g_string_append(text, ")\nif ((CURRENT == 2)); then\n    _describe command subcommands\n    return\nfi\n"
                          "shift words\n((CURRENT--))\ncase $words[1] in\n");
    for (guint i = 0; i < chapters->len; i++)
        put_zsh_command(text, g_ptr_array_index(chapters, i));
    g_string_append(text, "esac\n");
    return g_string_free(text, FALSE);
}
