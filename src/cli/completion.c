/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/completion.h"
#include "cli/command.h"

#include <string.h>

/* ---- what all shells need ---- */

static bool begins_noun(size_t index)
{
    return index == 0 || strcmp(tp_cli_command_at(index - 1)->noun, tp_cli_command_at(index)->noun) != 0;
}

static void print_nouns(FILE *out)
{
    for (size_t i = 0; i < tp_cli_commands_len(); i++)
        if (begins_noun(i))
            (void)fprintf(out, "%s%s", i == 0 ? "" : " ", tp_cli_command_at(i)->noun);
}

static void print_verbs(FILE *out, size_t first)
{
    const char *noun = tp_cli_command_at(first)->noun;
    for (size_t i = first; i < tp_cli_commands_len() && strcmp(tp_cli_command_at(i)->noun, noun) == 0; i++)
        (void)fprintf(out, "%s%s", i == first ? "" : " ", tp_cli_command_at(i)->verb);
}

/* ---- bash and zsh: words only ---- */

static void print_option_names(FILE *out, const struct tp_cli_option *options)
{
    for (const struct tp_cli_option *option = options; option->name != NULL; option++)
        (void)fprintf(out, "--%s ", option->name);
}

static void print_word_table(FILE *out)
{
    (void)fprintf(out, "    case $1 in\n    '') echo '");
    print_nouns(out);
    (void)fprintf(out, " --config --json --timeout --help --version --completion' ;;\n");
    for (size_t i = 0; i < tp_cli_commands_len(); i++) {
        const struct tp_cli_command *command = tp_cli_command_at(i);
        if (command->verb != NULL && begins_noun(i)) {
            (void)fprintf(out, "    '%s') echo '", command->noun);
            print_verbs(out, i);
            (void)fprintf(out, "' ;;\n");
        }
        (void)fprintf(out, "    '%s%s%s') echo '", command->noun, command->verb == NULL ? "" : " ",
                      command->verb == NULL ? "" : command->verb);
        print_option_names(out, command->options);
        print_option_names(out, tp_cli_global_options);
        (void)fprintf(out, "--help' ;;\n");
    }
    (void)fprintf(out, "    esac\n");
}

/* Words for the value of an option; NULL where there is no list. */
static const char *list_of(const struct tp_cli_option *option)
{
    return option->choices != NULL ? option->choices : option->offers;
}

static void print_list(FILE *out, const char *list)
{
    for (; *list != '\0'; list++)
        (void)fputc(*list == '|' ? ' ' : *list, out);
}

/* "pdf sign --level", as the functions below are asked about it. */
static void print_option_key(FILE *out, const struct tp_cli_command *command, const struct tp_cli_option *option)
{
    (void)fprintf(out, "'%s%s%s --%s'", command->noun, command->verb == NULL ? "" : " ",
                  command->verb == NULL ? "" : command->verb, option->name);
}

/* Values of an option that are words of a list. */
static void print_choices(FILE *out)
{
    for (size_t i = 0; i < tp_cli_commands_len(); i++)
        for (const struct tp_cli_option *option = tp_cli_command_at(i)->options; option->name != NULL; option++) {
            if (list_of(option) == NULL)
                continue;
            (void)fprintf(out, "    ");
            print_option_key(out, tp_cli_command_at(i), option);
            (void)fprintf(out, ") echo '");
            print_list(out, list_of(option));
            (void)fprintf(out, "' ;;\n");
        }
    (void)fprintf(out, "    *' --completion') echo 'bash zsh fish' ;;\n");
}

/* Options whose value is no word of a list: files, and what only people know. */
static void print_values(FILE *out)
{
    (void)fprintf(out, "    *' --config' | *' --timeout') return 0 ;;\n");
    for (size_t i = 0; i < tp_cli_commands_len(); i++) {
        bool any = false;
        for (const struct tp_cli_option *option = tp_cli_command_at(i)->options; option->name != NULL; option++)
            if (option->kind != TP_CLI_FLAG && list_of(option) == NULL) {
                (void)fprintf(out, "%s", any ? " | " : "    ");
                print_option_key(out, tp_cli_command_at(i), option);
                any = true;
            }
        if (any)
            (void)fprintf(out, ") return 0 ;;\n");
    }
    (void)fprintf(out, "    *) return 1 ;;\n");
}

static const char words_head[] = "# SPDX-License-Identifier: Apache-2.0\n"
                                 "# Made by: trustp11 --completion %s\n";

static void print_functions(FILE *out)
{
    (void)fprintf(out, "\n_trustp11_words()\n{\n");
    print_word_table(out);
    (void)fprintf(out, "}\n\n_trustp11_choices()\n{\n    case $1 in\n");
    print_choices(out);
    (void)fprintf(out, "    esac\n}\n\n_trustp11_takes_value()\n{\n    case $1 in\n");
    print_values(out);
    (void)fprintf(out, "    esac\n}\n\n");
}

static void complete_bash(FILE *out)
{
    (void)fprintf(out, words_head, "bash");
    print_functions(out);
    (void)fputs("_trustp11()\n"
                "{\n"
                "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} at path= words\n"
                "    for ((at = 1; at < COMP_CWORD; at++)); do\n"
                "        if [[ -n $(_trustp11_words \"${path:+$path }${COMP_WORDS[at]}\") ]]; then\n"
                "            path=\"${path:+$path }${COMP_WORDS[at]}\"\n"
                "        fi\n"
                "    done\n"
                "    COMPREPLY=()\n"
                "    _trustp11_takes_value \"$path $before\" && return\n"
                "    words=$(_trustp11_choices \"$path $before\")\n"
                "    if [[ -z $words ]]; then\n"
                "        words=$(_trustp11_words \"$path\")\n"
                "        [[ $words == --* && $word != -* ]] && words=\n"
                "    fi\n"
                "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$word\")\n"
                "}\n"
                "complete -o default -F _trustp11 trustp11\n",
                out);
}

static void complete_zsh(FILE *out)
{
    (void)fprintf(out, "#compdef trustp11\n");
    (void)fprintf(out, words_head, "zsh");
    print_functions(out);
    (void)fputs("_trustp11()\n"
                "{\n"
                "    local word=$words[CURRENT] before=$words[CURRENT-1] at at_path= list\n"
                "    for ((at = 2; at < CURRENT; at++)); do\n"
                "        if [[ -n $(_trustp11_words \"${at_path:+$at_path }$words[at]\") ]]; then\n"
                "            at_path=\"${at_path:+$at_path }$words[at]\"\n"
                "        fi\n"
                "    done\n"
                "    if _trustp11_takes_value \"$at_path $before\"; then _files; return; fi\n"
                "    list=$(_trustp11_choices \"$at_path $before\")\n"
                "    if [[ -z $list ]]; then\n"
                "        list=$(_trustp11_words \"$at_path\")\n"
                "        [[ $list == --* && $word != -* ]] && list=\n"
                "    fi\n"
                "    if [[ -n $list ]]; then compadd -- ${=list}; else _files; fi\n"
                "}\n"
                "_trustp11 \"$@\"\n",
                out);
}

/* ---- fish: a line a word ---- */

static void print_quoted(FILE *out, const char *text)
{
    (void)fputc('\'', out);
    for (; *text != '\0'; text++)
        (void)fprintf(out, "%s%c", *text == '\'' || *text == '\\' ? "\\" : "", *text);
    (void)fputc('\'', out);
}

static void print_fish_option(FILE *out, const struct tp_cli_command *command, const struct tp_cli_option *option)
{
    (void)fprintf(out, "complete -c trustp11");
    if (command != NULL && command->verb == NULL)
        (void)fprintf(out, " -n '__fish_seen_subcommand_from %s'", command->noun);
    else if (command != NULL)
        (void)fprintf(out, " -n '__fish_seen_subcommand_from %s; and __fish_seen_subcommand_from %s'", command->noun,
                      command->verb);
    (void)fprintf(out, " -l %s", option->name);
    if (option->kind == TP_CLI_FILE)
        (void)fprintf(out, " -rF");
    else if (option->kind != TP_CLI_FLAG)
        (void)fprintf(out, " -x");
    if (list_of(option) != NULL) {
        (void)fprintf(out, " -a '");
        print_list(out, list_of(option));
        (void)fputc('\'', out);
    }
    (void)fprintf(out, " -d ");
    print_quoted(out, option->words);
    (void)fputc('\n', out);
}

static void print_fish_command(FILE *out, size_t index)
{
    const struct tp_cli_command *command = tp_cli_command_at(index);
    if (begins_noun(index)) {
        (void)fprintf(out, "complete -c trustp11 -f -n __fish_use_subcommand -a %s", command->noun);
        if (command->verb == NULL) {
            (void)fprintf(out, " -d ");
            print_quoted(out, command->words);
        }
        (void)fputc('\n', out);
    }
    if (command->verb != NULL) {
        (void)fprintf(out,
                      "complete -c trustp11 -f -n '__fish_seen_subcommand_from %s; and not "
                      "__fish_seen_subcommand_from ",
                      command->noun);
        size_t first = index;
        while (!begins_noun(first))
            first--;
        print_verbs(out, first);
        (void)fprintf(out, "' -a %s -d ", command->verb);
        print_quoted(out, command->words);
        (void)fputc('\n', out);
    }
    for (const struct tp_cli_option *option = command->options; option->name != NULL; option++)
        print_fish_option(out, command, option);
}

static void complete_fish(FILE *out)
{
    (void)fprintf(out, words_head, "fish");
    for (const struct tp_cli_option *option = tp_cli_global_options; option->name != NULL; option++)
        print_fish_option(out, NULL, option);
    (void)fprintf(out, "complete -c trustp11 -l help -d 'help for what stands before it'\n"
                       "complete -c trustp11 -l version -d 'the version'\n"
                       "complete -c trustp11 -l completion -x -a 'bash zsh fish' -d 'what this shell needs to complete'\n");
    for (size_t i = 0; i < tp_cli_commands_len(); i++)
        print_fish_command(out, i);
}

enum tp_rc tp_cli_completion(FILE *out, const char *shell, struct tp_error *error)
{
    static const struct {
        const char *shell;
        void (*complete)(FILE *out);
    } shells[] = {{"bash", complete_bash}, {"zsh", complete_zsh}, {"fish", complete_fish}};
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].shell, shell) == 0) {
            shells[i].complete(out);
            return TP_OK;
        }
    return tp_error_set(error, TP_USAGE, "--completion knows bash, zsh and fish");
}
