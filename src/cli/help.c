/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#define PAGE_WIDTH 80

/* UTF-8 characters: all of the table's are one column wide. */
static size_t characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

/* TEXT folded into lines, each begun with INDENT blanks; the first one begins at column INDENT. A newline in TEXT
 * stays. */
static void fold(FILE *out, const char *text, size_t indent)
{
    size_t column = indent;
    while (*text != '\0') {
        size_t len = strcspn(text, " \n"), width = characters(text, len);
        if (column > indent && column + 1 + width > PAGE_WIDTH)
            column = (size_t)fprintf(out, "\n%*s", (int)indent, "") - 1;
        else if (column > indent)
            column += (size_t)fprintf(out, " ");
        (void)fprintf(out, "%.*s", (int)len, text);
        column += width;
        text += len;
        if (*text == '\n')
            column = (size_t)fprintf(out, "\n%*s", (int)indent, "") - 1;
        text += *text != '\0';
    }
    (void)fputc('\n', out);
}

static void print_name(FILE *out, const struct tp_cli_command *command)
{
    (void)fprintf(out, "trustp11 %s%s%s", command->noun, command->verb == NULL ? "" : " ",
                  command->verb == NULL ? "" : command->verb);
}

static void print_examples(FILE *out, const char *examples)
{
    (void)fprintf(out, "\nExamples:\n");
    while (*examples != '\0') {
        size_t len = strcspn(examples, "\n");
        (void)fprintf(out, "  %.*s\n", (int)len, examples);
        examples += len + (examples[len] == '\n');
    }
}

static void print_options(FILE *out, const char *heading, const struct tp_cli_option *options)
{
    if (options->name == NULL)
        return;
    (void)fprintf(out, "\n%s:\n", heading);
    for (const struct tp_cli_option *option = options; option->name != NULL; option++) {
        const char *argument = option->argument == NULL ? "" : option->argument, *blank = &" "[argument[0] == '\0'];
        int used = 4 + (int)(strlen(option->name) + strlen(blank) + characters(argument, strlen(argument)));
        (void)fprintf(out, "  --%s%s%s%*s", option->name, blank, argument, used < 24 ? 24 - used : 2, "");
        fold(out, option->words, 24);
        if (option->choices != NULL)
            (void)fprintf(out, "%24s%s\n", "", option->choices);
    }
}

static void print_globals(FILE *out)
{
    print_options(out, "Options of every command", tp_cli_global_options);
    (void)fprintf(out, "  --help                this text, for whatever stands before it\n"
                       "  --version             the version\n");
}

static void help_command(FILE *out, const struct tp_cli_command *command)
{
    (void)fprintf(out, "Usage: ");
    print_name(out, command);
    (void)fprintf(out, "%s%s%s\n\n", command->operands[0] == '\0' ? "" : " ", command->operands,
                  command->options->name == NULL ? "" : " [options]");
    fold(out, command->words, 0);
    if (command->details[0] != '\0') {
        (void)fputc('\n', out);
        fold(out, command->details, 0);
    }
    print_options(out, "Options", command->options);
    print_globals(out);
    print_examples(out, command->examples);
}

static void list_commands(FILE *out, const char *noun)
{
    for (size_t i = 0; i < tp_cli_commands_len(); i++) {
        const struct tp_cli_command *command = tp_cli_command_at(i);
        if (noun != NULL && strcmp(command->noun, noun) != 0)
            continue;
        int used = fprintf(out, "  %s%s%s%s%s", command->noun, command->verb == NULL ? "" : " ",
                           command->verb == NULL ? "" : command->verb, command->operands[0] == '\0' ? "" : " ",
                           command->operands);
        (void)fprintf(out, "%*s", used < 24 ? 24 - used : 2, "");
        fold(out, command->words, 24);
    }
}

static void help_noun(FILE *out, const char *noun)
{
    (void)fprintf(out, "Usage: trustp11 %s VERB [options]\n\n", noun);
    list_commands(out, noun);
    print_globals(out);
    (void)fprintf(out, "\ntrustp11 %s VERB --help says more.\n", noun);
    print_examples(out, tp_cli_noun_find(noun)->examples);
}

static void help_all(FILE *out)
{
    (void)fprintf(out, "Usage: trustp11 NOUN [VERB] [options]\n\n"
                       "Administration of a trustp11 deployment, and what its users do themselves.\n\n");
    list_commands(out, NULL);
    print_globals(out);
    (void)fprintf(out, "\ntrustp11 NOUN VERB --help says more, with examples.\n"
                       "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 (pdf verify) not signed.\n");
    print_examples(out, "trustp11 status\ntrustp11 user add alice\ntrustp11 enrol --user alice\n"
                        "trustp11 login --user alice --for 15m\ntrustp11 key generate --user alice");
}

void tp_cli_help(FILE *out, const struct tp_cli_args *args)
{
    if (args->command != NULL)
        help_command(out, args->command);
    else if (args->noun != NULL)
        help_noun(out, args->noun);
    else
        help_all(out);
}
