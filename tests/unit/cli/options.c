/* SPDX-License-Identifier: Apache-2.0
 *
 * Arguments: what is taken, and what is refused with exit status 2 before anything happens.
 */
#include "cli/options.h"

#include <criterion/criterion.h>
#include <string.h>

static struct tp_cli_args args;
static struct tp_error error;

#define PARSE(...) parse((char *[]){"trustp11", __VA_ARGS__, NULL})

static enum tp_rc parse(char **argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    tp_error_clear(&error);
    return tp_cli_parse(argc, argv, &error, &args);
}

Test(options, noun_and_verb_find_their_row)
{
    cr_assert_eq(PARSE("user", "add", "alice"), TP_OK);
    cr_assert_str_eq(args.command->noun, "user");
    cr_assert_str_eq(args.command->verb, "add");
    cr_assert_str_eq(tp_cli_operand(&args, 0), "alice");
    cr_assert_null(tp_cli_operand(&args, 1));
}

Test(options, unknown_words_are_usage_errors)
{
    cr_assert_eq(PARSE("usr", "add", "alice"), TP_USAGE);
    cr_assert_eq(PARSE("user", "ad", "alice"), TP_USAGE);
    cr_assert_eq(PARSE("user"), TP_USAGE);
    cr_assert_eq(parse((char *[]){"trustp11", NULL}), TP_USAGE);
}

Test(options, operands_are_counted)
{
    cr_assert_eq(PARSE("user", "list"), TP_OK);
    cr_assert_eq(PARSE("user", "list", "alice"), TP_OK);
    cr_assert_eq(PARSE("user", "list", "alice", "bob"), TP_USAGE);
    cr_assert_eq(PARSE("user", "add"), TP_USAGE);
    cr_assert_eq(PARSE("status", "now"), TP_USAGE);
}

Test(options, values_come_with_equals_sign_or_as_the_next_word)
{
    cr_assert_eq(PARSE("login", "--user=alice", "--for", "15m", "--signatures", "20"), TP_OK);
    cr_assert_str_eq(tp_cli_text(&args, "user"), "alice");
    cr_assert_eq(tp_cli_number(&args, "for", 0), 15 * 60 * 1000);
    cr_assert_eq(tp_cli_number(&args, "signatures", 0), 20);
    cr_assert_null(tp_cli_text(&args, "pin-file"));
}

Test(options, values_are_checked)
{
    cr_assert_eq(PARSE("login", "--user"), TP_USAGE);
    cr_assert_eq(PARSE("login", "--user="), TP_USAGE);
    cr_assert_eq(PARSE("login", "--for", "soon"), TP_USAGE);
    cr_assert_eq(PARSE("login", "--for", "0s"), TP_USAGE);
    cr_assert_eq(PARSE("login", "--signatures", "0"), TP_USAGE);
    cr_assert_eq(PARSE("login", "--signatures", "-1"), TP_USAGE);
    cr_assert_eq(PARSE("login", "--signatures", "20x"), TP_USAGE);
    cr_assert_eq(PARSE("login", "--signatures", "99999999999999999999"), TP_USAGE);
    cr_assert_eq(PARSE("audit", "list", "--since", "yesterday"), TP_USAGE);
    cr_assert_eq(PARSE("key", "generate", "--type", "p-25"), TP_USAGE);
    cr_assert_eq(PARSE("key", "generate", "--type", "p-256"), TP_OK);
    cr_assert_eq(PARSE("status", "--json=yes"), TP_USAGE);
}

Test(options, an_option_of_another_command_is_refused)
{
    cr_assert_eq(PARSE("status", "--user", "alice"), TP_USAGE);
    cr_assert_eq(PARSE("--user", "alice", "login"), TP_USAGE);
    cr_assert_eq(PARSE("login", "-u", "alice"), TP_USAGE);
}

Test(options, options_of_every_command_may_stand_anywhere)
{
    cr_assert_eq(PARSE("--json", "user", "--timeout", "5s", "list", "--config", "x.conf"), TP_OK);
    cr_assert(tp_cli_flag(&args, "json"));
    cr_assert_eq(tp_cli_number(&args, "timeout", 0), 5000);
    cr_assert_str_eq(tp_cli_text(&args, "config"), "x.conf");
}

Test(options, only_those_that_say_so_may_be_repeated)
{
    cr_assert_eq(PARSE("user", "add", "olga", "--role", "officer", "--role", "auditor"), TP_OK);
    cr_assert_str_eq(tp_cli_text_at(&args, "role", 1), "auditor");
    cr_assert_null(tp_cli_text_at(&args, "role", 2));
    cr_assert_eq(PARSE("user", "add", "olga", "--display", "a", "--display", "b"), TP_USAGE);
}

Test(options, too_many_of_them_are_refused)
{
    char *argv[2 * TP_CLI_VALUES_MAX + 8] = {"trustp11", "user", "add", "olga"};
    for (int i = 0; i <= TP_CLI_VALUES_MAX; i++) {
        argv[4 + 2 * i] = "--role";
        argv[5 + 2 * i] = "officer";
    }
    cr_assert_eq(tp_cli_parse(4 + 2 * TP_CLI_VALUES_MAX, argv, &error, &args), TP_OK);
    cr_assert_eq(tp_cli_parse(6 + 2 * TP_CLI_VALUES_MAX, argv, &error, &args), TP_USAGE);
}

Test(options, after_two_dashes_everything_is_a_word)
{
    cr_assert_eq(PARSE("key", "list", "--", "--user"), TP_USAGE); /* one word too many */
    cr_assert_eq(PARSE("user", "add", "--", "--json"), TP_OK);
    cr_assert_str_eq(tp_cli_operand(&args, 0), "--json");
    cr_assert_not(tp_cli_flag(&args, "json"));
}

Test(options, help_is_found_at_every_level_whatever_is_missing)
{
    cr_assert_eq(PARSE("--help"), TP_OK);
    cr_assert_eq(args.wish, TP_CLI_HELP);
    cr_assert_eq(PARSE("user", "--help"), TP_OK);
    cr_assert_null(args.command);
    cr_assert_eq(PARSE("user", "add", "-h"), TP_OK);
    cr_assert_str_eq(args.command->verb, "add");
    cr_assert_eq(PARSE("usr", "--help"), TP_USAGE);
}
