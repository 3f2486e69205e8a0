/* SPDX-License-Identifier: Apache-2.0
 *
 * Where secrets come from when nobody sits at a terminal. (With somebody: tests/integration.)
 */
#include "cli/prompt.h"
#include "fixture.h"
#include "ipc/frame.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void answer_login(void)
{
    Tp__Ipc__TokenReply token = TP__IPC__TOKEN_REPLY__INIT;
    Tp__Ipc__LoginReply login = TP__IPC__LOGIN_REPLY__INIT;
    token.enrolled = true;
    login.until_ms = 1000;
    engine_answers(TP_OP_TOKEN, &token.base, NULL);
    engine_answers(TP_OP_LOGIN, &login.base, NULL);
}

CliTest(secrets, lines_of_standard_input_come_in_the_order_of_the_prompts)
{
    answer_login();
    run("correct horse\n492039\n", "login --user alice");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(asked_last(TP_OP_LOGIN)->secret[0], "correct horse492039");
}

CliTest(secrets, line_ends_of_other_systems_and_a_missing_last_one_are_taken)
{
    answer_login();
    run("correct horse\r\n492039", "login --user alice");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(asked_last(TP_OP_LOGIN)->secret[0], "correct horse492039");
}

CliTest(secrets, a_missing_or_empty_line_is_refused_before_the_engine_hears_of_it)
{
    answer_login();
    run("correct horse\n", "login --user alice");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "One-time code: none on standard input"));
    run("\n492039\n", "login --user alice");
    cr_assert_eq(status, 1);
    for (size_t i = 0; i < asked_len; i++)
        cr_assert_neq(asked[i].op, TP_OP_LOGIN);
}

CliTest(secrets, a_pin_file_is_read_when_only_its_owner_can)
{
    answer_login();
    write_file("alice.pin", 0600, "correct horse\nmore\n");
    run("492039\n", "login --user alice --pin-file alice.pin");
    cr_assert_eq(status, 0, "%s", err);
    cr_assert_str_eq(asked_last(TP_OP_LOGIN)->secret[0], "correct horse492039");
    write_file("alice.pin", 0640, "correct horse\n");
    run("492039\n", "login --user alice --pin-file alice.pin");
    cr_assert_eq(status, 1);
    cr_assert_not_null(strstr(err, "others can read it"));
}

CliTest(secrets, a_line_of_the_greatest_length_is_taken_and_a_longer_one_refused)
{
    char text[TP_IPC_SECRET_MAX + 3];
    int ends[2];
    struct tp_secret *secret = NULL;
    for (size_t len = TP_IPC_SECRET_MAX; len <= TP_IPC_SECRET_MAX + 1; len++) {
        memset(text, 'x', len);
        text[len] = '\n';
        cr_assert_eq(pipe(ends), 0);
        cr_assert_eq(write(ends[1], text, len + 1), (ssize_t)len + 1);
        cr_assert_eq(tp_cli_secret_line(ends[0], &secret), len == TP_IPC_SECRET_MAX ? TP_OK : TP_TOO_LARGE);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
    cr_assert_eq(tp_secret_len(secret), TP_IPC_SECRET_MAX);
    tp_secret_free(secret);
}

CliTest(secrets, what_comes_after_the_line_stays_for_the_next)
{
    int ends[2];
    char rest[8] = "";
    struct tp_secret *secret = NULL;
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "one\ntwo", 7), 7);
    cr_assert_eq(tp_cli_secret_line(ends[0], &secret), TP_OK);
    cr_assert_eq(read(ends[0], rest, sizeof rest), 3);
    cr_assert_str_eq(rest, "two");
    tp_secret_free(secret);
}

CliTest(confirm, nobody_to_ask_means_no)
{
    engine_answers(TP_OP_USER_CLOSE, NULL, NULL);
    run("y\n", "user close alice");
    cr_assert_eq(status, 2);
    cr_assert_eq(asked_len, 0);
    run(NULL, "user close alice --yes");
    cr_assert_eq(status, 0, "%s", err);
}
