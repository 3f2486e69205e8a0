/* SPDX-License-Identifier: Apache-2.0
 *
 * Prompts at a real (pseudo) terminal: what is typed is not shown, and the terminal is as before afterwards, whatever
 * ends the prompt.
 */
#include "cli/prompt.h"
#include "cli/text.h"

#include <criterion/criterion.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

/* A child with a terminal of its own asks as `pin change` does, and prints what it has got. */
static pid_t child;
static int tty;
static char seen[4096];
static size_t seen_len;

static _Noreturn void ask(void)
{
    static char *argv[] = {"trustp11", "pin", "change", "--user", "alice"};
    struct tp_cli cli = {.out = stdout, .err = stderr, .in = STDIN_FILENO, .terminal = true};
    struct tp_secret *secret = NULL;
    if (tp_cli_parse(5, argv, &cli.error, &cli.args) != TP_OK)
        _exit(9);
    enum tp_rc rc = tp_cli_secret_ask_new(&cli, "New PIN", "new-pin-file", &secret);
    (void)printf("<%s %zu>", tp_rc_name(rc), rc == TP_OK ? tp_secret_len(secret) : 0);
    (void)fflush(stdout);
    _exit(rc == TP_OK ? 0 : 1);
}

static void start(void)
{
    seen_len = 0;
    tp_cli_text_start();
    child = forkpty(&tty, NULL, NULL, NULL);
    cr_assert_geq(child, 0);
    if (child == 0)
        ask();
}

/* Reads until TEXT has come, or the terminal has been closed. */
static bool wait_for(const char *text)
{
    while (strstr(seen, text) == NULL) {
        ssize_t got = read(tty, seen + seen_len, sizeof seen - 1 - seen_len);
        if (got <= 0)
            return false;
        seen_len += (size_t)got;
        seen[seen_len] = '\0';
    }
    return true;
}

static void type(const char *text)
{
    cr_assert_eq(write(tty, text, strlen(text)), (ssize_t)strlen(text));
}

static bool echoes(void)
{
    struct termios now;
    cr_assert_eq(tcgetattr(tty, &now), 0);
    return (now.c_lflag & ECHO) != 0;
}

static int end_of_child(void)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    (void)close(tty);
    return status;
}

Test(terminal, what_is_typed_is_not_shown)
{
    start();
    cr_assert(wait_for("New PIN: "));
    cr_assert_not(echoes());
    type("correct horse\n");
    cr_assert(wait_for("New PIN once more: "));
    type("correct horse\n");
    cr_assert(wait_for("<TP_OK 13>"));
    cr_assert(echoes());
    cr_assert_null(strstr(seen, "horse"));
    cr_assert_eq(end_of_child(), 0);
}

Test(terminal, corrections_are_taken_and_two_different_answers_refused)
{
    start();
    cr_assert(wait_for("New PIN: "));
    type("wrong\x15"
         "correct horsf\x7f"
         "e\n"); /* ^U, backspace */
    cr_assert(wait_for("New PIN once more: "));
    type("incorrect horse\n");
    cr_assert(wait_for("<TP_BAD_ARGUMENT 0>"));
    cr_assert(WIFEXITED(end_of_child()));
}

Test(terminal, an_interrupt_puts_the_terminal_back_before_it_ends_the_program)
{
    start();
    cr_assert(wait_for("New PIN: "));
    type("secr\x03"); /* ^C */
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    cr_assert(echoes());
    cr_assert_null(strstr(seen, "secr"));
    (void)close(tty);
}

Test(terminal, the_end_of_input_is_no_answer)
{
    start();
    cr_assert(wait_for("New PIN: "));
    type("\x04"); /* ^D */
    cr_assert(wait_for("<TP_NOT_FOUND 0>"));
    (void)end_of_child();
}
