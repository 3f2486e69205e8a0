/* SPDX-License-Identifier: Apache-2.0
 *
 * The table against itself, and everything that is made from it.
 */
#include "cli/command.h"
#include "cli/completion.h"
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

Test(command, each_row_is_complete_and_found_by_its_name)
{
    const struct tp_cli_command *command;
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++) {
        cr_assert_eq(tp_cli_command_find(command->noun, command->verb), command, "%s twice", command->noun);
        cr_assert_gt(strlen(command->words), 0);
        cr_assert_not_null(command->run);
    }
    cr_assert_null(tp_cli_command_find("user", NULL));
    cr_assert_null(tp_cli_command_find("status", "now"));
}

Test(command, rows_of_one_noun_stand_together)
{
    for (size_t i = 1; i < tp_cli_commands_len(); i++) {
        const char *noun = tp_cli_command_at(i)->noun;
        bool same_as_before = strcmp(noun, tp_cli_command_at(i - 1)->noun) == 0;
        cr_assert(same_as_before || tp_cli_noun_find(noun) == tp_cli_command_at(i), "%s", noun);
    }
}

Test(command, no_option_hides_another)
{
    const struct tp_cli_command *command;
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++)
        for (const struct tp_cli_option *option = command->options; option->name != NULL; option++) {
            cr_assert_eq(tp_cli_option_find(command, option->name, strlen(option->name)), option, "%s %s --%s",
                         command->noun, command->verb, option->name);
            cr_assert_null(tp_cli_option_find(NULL, option->name, strlen(option->name)), "--%s is a global option",
                           option->name);
            cr_assert_eq(option->kind == TP_CLI_CHOICE, option->choices != NULL, "--%s", option->name);
            cr_assert_eq(option->kind == TP_CLI_FLAG, option->argument == NULL, "--%s", option->name);
        }
}

/* Examples are parsed, so that none shows what is not accepted. What follows a quote or pipe is the shell's business.
 */
static void check_example(const struct tp_cli_command *command, const char *example, size_t len)
{
    char start[64], line[512], *words[64] = {NULL};
    int count = 0;
    (void)snprintf(start, sizeof start, "trustp11 %s%s%s", command->noun, command->verb == NULL ? "" : " ",
                   command->verb == NULL ? "" : command->verb);
    (void)snprintf(line, sizeof line, "%.*s", (int)len, example);
    char *at = strstr(line, start);
    cr_assert_not_null(at, "the example \"%s\" is of another command", line);
    while (*at != '\0') {
        char end = *at == '\'' ? '\'' : ' ';
        at += end == '\'';
        words[count++] = at;
        at = strchrnul(at, end);
        if (*at != '\0')
            *at++ = '\0';
        at += strspn(at, " ");
    }
    struct tp_cli_args args;
    struct tp_error error = {TP_OK, ""};
    cr_assert_eq(tp_cli_parse(count, words, &error, &args), TP_OK, "%s: %s", example, error.words);
}

Test(command, each_has_an_example_that_is_accepted)
{
    const struct tp_cli_command *command;
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++) {
        cr_assert_gt(strlen(command->examples), 0, "%s %s has no example", command->noun, command->verb);
        for (const char *line = command->examples; *line != '\0';) {
            size_t len = strcspn(line, "\n");
            check_example(command, line, len);
            line += len + (line[len] == '\n');
        }
    }
}

CliTest(command, help_of_each_names_its_options_and_examples)
{
    const struct tp_cli_command *command;
    char line[128];
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++) {
        (void)snprintf(line, sizeof line, "%s %s --help", command->noun, command->verb == NULL ? "" : command->verb);
        run(NULL, line);
        cr_assert_eq(status, 0);
        cr_assert_not_null(strstr(out, "Examples:\n  "));
        for (const struct tp_cli_option *option = command->options; option->name != NULL; option++) {
            (void)snprintf(line, sizeof line, "\n  --%s", option->name);
            cr_assert_not_null(strstr(out, line), "%s %s: %s", command->noun, command->verb, line);
        }
    }
}

CliTest(command, help_of_the_whole_names_every_command)
{
    const struct tp_cli_command *command;
    run(NULL, "--help");
    cr_assert_eq(status, 0);
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "\n  %s%s%s", command->noun, command->verb == NULL ? "" : " ",
                       command->verb == NULL ? "" : command->verb);
        cr_assert_not_null(strstr(out, name), "%s", name);
    }
}

CliTest(command, version_is_told)
{
    run(NULL, "--version");
    cr_assert_eq(status, 0);
    cr_assert(begins_with(out, "trustp11 "));
}

CliTest(command, a_usage_error_has_status_2_and_one_line)
{
    run(NULL, "user add");
    cr_assert_eq(status, 2);
    cr_assert_str_empty(out);
    cr_assert_eq(strchr(err, '\n'), err + strlen(err) - 1);
}

/* ---- what lies in the source's tree ---- */

static void check_completion(const char *shell, const char *file)
{
    char line[64];
    (void)snprintf(line, sizeof line, "--completion %s", shell);
    run(NULL, line);
    cr_assert_eq(status, 0);
    char *kept = read_text(file);
    cr_assert_not_null(kept);
    cr_assert_str_eq(kept, out, "%s is not what the command table says: trustp11 --completion %s > it", file, shell);
    free(kept);
}

CliTest(completion, the_files_are_what_the_table_says)
{
    check_completion("bash", TP_SOURCE_ROOT "/conf/completion/trustp11.bash");
    check_completion("zsh", TP_SOURCE_ROOT "/conf/completion/_trustp11");
    check_completion("fish", TP_SOURCE_ROOT "/conf/completion/trustp11.fish");
}

/* What bash offers for the last of WORDS; "-" stands for nothing, where it goes on to file names by itself. */
static void assert_offered(const char *words, const char *offered)
{
    char line[1024], printed[1024] = "";
    (void)snprintf(line, sizeof line,
                   "bash -c '. %s; COMP_WORDS=(trustp11 %s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _trustp11; "
                   "echo \"${COMPREPLY[*]:--}\"'",
                   TP_SOURCE_ROOT "/conf/completion/trustp11.bash", words);
    FILE *shell = popen(line, "r");
    cr_assert_not_null(shell);
    cr_assert_not_null(fgets(printed, sizeof printed, shell));
    cr_assert_eq(pclose(shell), 0);
    cr_assert_not_null(strstr(printed, offered), "%s: %s", words, printed);
}

CliTest(completion, bash_offers_words_where_there_are_any_and_files_elsewhere)
{
    assert_offered("--config \"\"", "-\n");
    assert_offered("audit verify --store \"\"", "-\n");
    assert_offered("--completion \"\"", "bash zsh fish");
    assert_offered("user add olga --role \"\"", "officer auditor operator");
    assert_offered("audit list --outcome re", "refused");
    assert_offered("audit list --action user.su", "user.suspend");
    assert_offered("audit \"\"", "list verify");
    assert_offered("--config x.conf aud", "audit");
    assert_offered("pdf sign --at \"\"", "top-left top-right"); /* a time elsewhere */
    assert_offered("pdf verify --at \"\"", "-\n");
    assert_offered("pdf extend --level \"\"", "B-T B-LT B-LTA\n");
    assert_offered("cms sign --level \"\"", "B-B B-T\n");
}

CliTest(completion, an_unknown_shell_is_refused)
{
    run(NULL, "--completion ksh");
    cr_assert_eq(status, 2);
}

/* mdoc: a command is ".It Cm noun verb …", an option ".It Fl -name …" somewhere after it and before the next command.
 */
static const char *manual_entry(const char *manual, const struct tp_cli_command *command)
{
    char start[96];
    (void)snprintf(start, sizeof start, "\n.It Cm %s%s%s", command->noun, command->verb == NULL ? "" : " ",
                   command->verb == NULL ? "" : command->verb);
    const char *at = strstr(manual, start);
    return at == NULL || strchr(" \n", at[strlen(start)]) == NULL ? NULL : at + strlen(start);
}

Test(manual, names_every_command_with_its_options)
{
    char *manual = read_text(TP_SOURCE_ROOT "/docs/man/trustp11.1");
    const struct tp_cli_command *command;
    cr_assert_not_null(manual);
    for (size_t i = 0; (command = tp_cli_command_at(i)) != NULL; i++) {
        const char *entry = manual_entry(manual, command);
        cr_assert_not_null(entry, "%s %s is not in trustp11.1", command->noun, command->verb);
        const char *end = strstr(entry, "\n.It Cm ");
        for (const struct tp_cli_option *option = command->options; option->name != NULL; option++) {
            char name[64];
            (void)snprintf(name, sizeof name, "Fl -%s", option->name);
            const char *at = strstr(entry, name);
            while (at != NULL && strchr(" \n", at[strlen(name)]) == NULL)
                at = strstr(at + 1, name);
            cr_assert(at != NULL && (end == NULL || at < end), "%s %s: --%s is not in trustp11.1", command->noun,
                      command->verb, option->name);
        }
    }
    free(manual);
}
