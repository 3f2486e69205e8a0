/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Reading goes through argv once: the first word is the noun, the second the verb where the noun has any. */
struct parser {
    int argc, at;
    char *const *argv;
    struct tp_error *error;
    struct tp_cli_args args;
};

/* ---- values ---- */

static enum tp_rc parse_text(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                             int64_t *ret_number)
{
    (void)ret_number;
    if (text[0] == '\0')
        return tp_error_set(error, TP_USAGE, "--%s needs a value that is not empty", option->name);
    return TP_OK;
}

static enum tp_rc parse_integer(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                                int64_t *ret_number)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number < option->min || number > option->max)
        return tp_error_set(error, TP_USAGE, "--%s %s: not a whole number from %" PRId64 " to %" PRId64, option->name,
                            text, option->min, option->max);
    *ret_number = number;
    return TP_OK;
}

static enum tp_rc parse_duration(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                                 int64_t *ret_number)
{
    if (tp_duration_parse(text, ret_number) != TP_OK || *ret_number <= 0)
        return tp_error_set(error, TP_USAGE, "--%s %s: not a time span such as 90s, 15m, 8h or 30d, of 3653d at most",
                            option->name, text);
    return TP_OK;
}

static enum tp_rc parse_time(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                             int64_t *ret_number)
{
    if (tp_time_parse(text, ret_number) != TP_OK)
        return tp_error_set(error, TP_USAGE, "--%s %s: not a time such as 2026-11-22 or 2026-11-22T10:48:00Z",
                            option->name, text);
    return TP_OK;
}

/* A bare number is no span here: it is more likely to be a year. */
static enum tp_rc parse_past(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                             int64_t *ret_number)
{
    int64_t span_ms;
    bool has_unit = strspn(text, "0123456789") < strlen(text);
    if (!has_unit || tp_duration_parse(text, &span_ms) != TP_OK)
        return parse_time(option, text, error, ret_number);
    *ret_number = tp_clock_utc_ms() - span_ms;
    return TP_OK;
}

static enum tp_rc parse_choice(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                               int64_t *ret_number)
{
    (void)ret_number;
    size_t text_len = strlen(text);
    for (const char *word = option->choices; word != NULL;) {
        size_t len = strcspn(word, "|");
        if (len == text_len && memcmp(word, text, len) == 0)
            return TP_OK;
        word = word[len] == '|' ? word + len + 1 : NULL;
    }
    return tp_error_set(error, TP_USAGE, "--%s %s: not one of %s", option->name, text, option->choices);
}

static enum tp_rc (*const parsers[])(const struct tp_cli_option *option, const char *text, struct tp_error *error,
                                     int64_t *ret_number) = {
    [TP_CLI_TEXT] = parse_text,         [TP_CLI_FILE] = parse_text, [TP_CLI_INTEGER] = parse_integer,
    [TP_CLI_DURATION] = parse_duration, [TP_CLI_TIME] = parse_time, [TP_CLI_PAST] = parse_past,
    [TP_CLI_CHOICE] = parse_choice,
};

/* ---- options ---- */

static bool is_given(const struct tp_cli_args *args, const struct tp_cli_option *option)
{
    for (size_t i = 0; i < args->values_len; i++)
        if (args->values[i].option == option)
            return true;
    return false;
}

static enum tp_rc refuse_option(const struct parser *parser, int name_len, const char *name)
{
    const struct tp_cli_args *args = &parser->args;
    if (args->command == NULL)
        return tp_error_set(parser->error, TP_USAGE, "unknown option --%.*s before the command; see trustp11 --help",
                            name_len, name);
    return tp_error_set(parser->error, TP_USAGE, "unknown option --%.*s; see trustp11 %s%s%s --help", name_len, name,
                        args->command->noun, args->command->verb == NULL ? "" : " ",
                        args->command->verb == NULL ? "" : args->command->verb);
}

/* "--name=value" or "--name value"; a flag takes none. */
static enum tp_rc value_of(struct parser *parser, const struct tp_cli_option *option, const char *equals,
                           const char **ret_text)
{
    if (option->kind == TP_CLI_FLAG) {
        if (equals != NULL)
            return tp_error_set(parser->error, TP_USAGE, "--%s takes no value", option->name);
        *ret_text = "";
        return TP_OK;
    }
    if (equals == NULL && parser->at >= parser->argc)
        return tp_error_set(parser->error, TP_USAGE, "--%s needs a value: --%s %s", option->name, option->name,
                            option->argument);
    *ret_text = equals != NULL ? equals + 1 : parser->argv[parser->at++];
    return TP_OK;
}

static enum tp_rc take_option(struct parser *parser, const char *word)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    size_t name_len = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const struct tp_cli_option *option = tp_cli_option_find(parser->args.command, name, name_len);
    if (option == NULL)
        return refuse_option(parser, (int)name_len, name);
    struct tp_cli_value value = {.option = option};
    TP_TRY(value_of(parser, option, equals, &value.text));
    if (option->kind != TP_CLI_FLAG)
        TP_TRY(parsers[option->kind](option, value.text, parser->error, &value.number));
    if (is_given(&parser->args, option) && !option->repeated)
        return tp_error_set(parser->error, TP_USAGE, "--%s is given twice", option->name);
    if (parser->args.values_len == TP_CLI_VALUES_MAX)
        return tp_error_set(parser->error, TP_USAGE, "more than %d options", TP_CLI_VALUES_MAX);
    parser->args.values[parser->args.values_len++] = value;
    return TP_OK;
}

/* ---- words ---- */

static enum tp_rc take_noun(struct parser *parser, const char *word)
{
    if (tp_cli_noun_find(word) == NULL)
        return tp_error_set(parser->error, TP_USAGE, "there is no command \"%s\"; trustp11 --help lists them", word);
    parser->args.noun = word;
    parser->args.command = tp_cli_command_find(word, NULL);
    return TP_OK;
}

static enum tp_rc take_verb(struct parser *parser, const char *word)
{
    parser->args.command = tp_cli_command_find(parser->args.noun, word);
    if (parser->args.command == NULL)
        return tp_error_set(parser->error, TP_USAGE, "\"%s\" has no \"%s\"; trustp11 %s --help lists what it has",
                            parser->args.noun, word, parser->args.noun);
    return TP_OK;
}

static enum tp_rc take_operand(struct parser *parser, const char *word)
{
    struct tp_cli_args *args = &parser->args;
    if (args->operands_len == TP_CLI_OPERANDS_MAX)
        return tp_error_set(parser->error, TP_USAGE, "too many words, beginning with \"%s\"", word);
    args->operands[args->operands_len++] = word;
    return TP_OK;
}

static enum tp_rc take_word(struct parser *parser, const char *word)
{
    if (parser->args.noun == NULL)
        return take_noun(parser, word);
    if (parser->args.command == NULL)
        return take_verb(parser, word);
    return take_operand(parser, word);
}

/* How many operands the table's words ask for: "USER [KEY]" is one to two, "FILE..." one or more. */
static void count_operands(const char *spec, size_t *ret_least, size_t *ret_most)
{
    *ret_least = *ret_most = 0;
    for (const char *word = spec + strspn(spec, " "); *word != '\0'; word += strspn(word, " ")) {
        *ret_least += word[0] != '[';
        const size_t len = strcspn(word, " ");
        const bool many = len > 3 && memcmp(word + len - 3, "...", 3) == 0;
        *ret_most = many ? TP_CLI_OPERANDS_MAX : *ret_most + 1;
        word += len;
    }
}

static enum tp_rc check_operands(const struct parser *parser)
{
    const struct tp_cli_command *command = parser->args.command;
    size_t least, most;
    count_operands(command->operands, &least, &most);
    const char *verb = command->verb == NULL ? "" : command->verb, *space = command->verb == NULL ? "" : " ";
    if (parser->args.operands_len > most)
        return tp_error_set(parser->error, TP_USAGE, "\"%s\" is one word too many; see trustp11 %s%s%s --help",
                            parser->args.operands[most], command->noun, space, verb);
    if (parser->args.operands_len < least)
        return tp_error_set(parser->error, TP_USAGE, "something is missing: trustp11 %s%s%s %s", command->noun, space,
                            verb, command->operands);
    return TP_OK;
}

static enum tp_rc check_complete(const struct parser *parser)
{
    if (parser->args.noun == NULL)
        return tp_error_set(parser->error, TP_USAGE, "no command given; trustp11 --help lists them");
    if (parser->args.command == NULL)
        return tp_error_set(parser->error, TP_USAGE, "\"%s\" needs a verb; trustp11 %s --help lists them",
                            parser->args.noun, parser->args.noun);
    return check_operands(parser);
}

static bool is_wish(struct parser *parser, const char *word)
{
    static const struct {
        const char *word;
        enum tp_cli_wish wish;
    } wishes[] = {{"--help", TP_CLI_HELP},
                  {"-h", TP_CLI_HELP},
                  {"--version", TP_CLI_VERSION},
                  {"--completion", TP_CLI_COMPLETION}};
    for (size_t i = 0; i < sizeof wishes / sizeof wishes[0]; i++)
        if (strcmp(word, wishes[i].word) == 0) {
            parser->args.wish = wishes[i].wish;
            return true;
        }
    return false;
}

enum tp_rc tp_cli_parse(int argc, char *const *argv, struct tp_error *error, struct tp_cli_args *ret_args)
{
    struct parser parser = {.argc = argc, .at = 1, .argv = argv, .error = error};
    bool words_only = false;
    while (parser.at < argc && parser.args.wish == TP_CLI_RUN) {
        const char *word = argv[parser.at++];
        if (!words_only && strcmp(word, "--") == 0)
            words_only = true;
        else if (!words_only && is_wish(&parser, word))
            continue;
        else if (!words_only && word[0] == '-' && word[1] == '-')
            TP_TRY(take_option(&parser, word));
        else if (!words_only && word[0] == '-' && word[1] != '\0')
            return tp_error_set(error, TP_USAGE, "unknown option %s; options have two dashes and a name", word);
        else
            TP_TRY(take_word(&parser, word));
    }
    if (parser.args.wish == TP_CLI_RUN)
        TP_TRY(check_complete(&parser));
    if (parser.args.wish == TP_CLI_COMPLETION)
        parser.args.shell = parser.at < argc ? argv[parser.at] : "";
    *ret_args = parser.args;
    return TP_OK;
}

bool tp_cli_wants_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--json") == 0)
            return true;
    return false;
}

/* ---- asking ---- */

static const struct tp_cli_value *find_value(const struct tp_cli_args *args, const char *name, size_t index)
{
    const struct tp_cli_option *option = tp_cli_option_find(args->command, name, strlen(name));
    if (option == NULL)
        abort();
    for (size_t i = 0; i < args->values_len; i++)
        if (args->values[i].option == option && index-- == 0)
            return &args->values[i];
    return NULL;
}

bool tp_cli_flag(const struct tp_cli_args *args, const char *name)
{
    return find_value(args, name, 0) != NULL;
}

const char *tp_cli_text_at(const struct tp_cli_args *args, const char *name, size_t index)
{
    const struct tp_cli_value *value = find_value(args, name, index);
    return value == NULL ? NULL : value->text;
}

const char *tp_cli_text(const struct tp_cli_args *args, const char *name)
{
    return tp_cli_text_at(args, name, 0);
}

int64_t tp_cli_number(const struct tp_cli_args *args, const char *name, int64_t fallback)
{
    const struct tp_cli_value *value = find_value(args, name, 0);
    return value == NULL ? fallback : value->number;
}

const char *tp_cli_operand(const struct tp_cli_args *args, size_t index)
{
    return index < args->operands_len ? args->operands[index] : NULL;
}
