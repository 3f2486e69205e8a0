/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/prompt.h"
#include "cli/output.h"
#include "ipc/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

/* ---- lines ---- */

/* Where a line comes from. WAIT_MASK: signals that may interrupt the waiting, and nothing else; NULL: no waiting. */
struct source {
    int fd;
    const sigset_t *wait_mask;
};

static bool is_interrupted(const struct source *source)
{
    struct pollfd ready = {.fd = source->fd, .events = POLLIN};
    return source->wait_mask != NULL && ppoll(&ready, 1, NULL, source->wait_mask) < 0;
}

/* Byte by byte, since what comes after the line belongs to the next prompt, and no buffer of ours may hold it. */
static enum tp_rc read_byte(const struct source *source, uint8_t *at, bool *ret_end)
{
    if (is_interrupted(source))
        return TP_REFUSED;
    ssize_t got = read(source->fd, at, 1);
    if (got < 0)
        return TP_IO;
    *ret_end = got == 0 || *at == '\n';
    return got == 0 ? TP_NOT_FOUND : TP_OK;
}

static enum tp_rc read_line(const struct source *source, struct tp_secret *secret)
{
    uint8_t *data = tp_secret_data(secret);
    size_t len = 0;
    bool end = false;
    while (!end) {
        if (len == tp_secret_capacity(secret))
            return TP_TOO_LARGE;
        enum tp_rc rc = read_byte(source, data + len, &end);
        if (rc != TP_OK && !(rc == TP_NOT_FOUND && len > 0))
            return rc;
        len += !end;
    }
    if (len > 0 && data[len - 1] == '\r')
        len--;
    return tp_secret_set_len(secret, len);
}

static enum tp_rc secret_line(const struct source *source, struct tp_secret **ret_secret)
{
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_secret_new(TP_IPC_SECRET_MAX + 2, &secret)); /* and the line's end */
    TP_TRY(read_line(source, secret));
    if (tp_secret_len(secret) > TP_IPC_SECRET_MAX)
        return TP_TOO_LARGE;
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

enum tp_rc tp_cli_secret_line(int fd, struct tp_secret **ret_secret)
{
    return secret_line(&(struct source){.fd = fd}, ret_secret);
}

/* ---- terminal ---- */

/* Signals that would end or stop the program while the terminal does not echo. They are blocked but for the moments of
 * waiting, which they interrupt: none is missed between two of them. */
static const int guarded[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define GUARDED_LEN (sizeof guarded / sizeof guarded[0])
static volatile sig_atomic_t caught;

struct guard {
    struct sigaction actions[GUARDED_LEN];
    sigset_t mask;
};

static void catch_signal(int number)
{
    caught = number;
}

static void guard_begin(struct guard *guard)
{
    struct sigaction action = {.sa_handler = catch_signal}; /* without SA_RESTART */
    sigset_t blocked;
    (void)sigemptyset(&action.sa_mask);
    (void)sigemptyset(&blocked);
    caught = 0;
    for (size_t i = 0; i < GUARDED_LEN; i++)
        (void)sigaddset(&blocked, guarded[i]);
    (void)pthread_sigmask(SIG_BLOCK, &blocked, &guard->mask);
    for (size_t i = 0; i < GUARDED_LEN; i++)
        (void)sigaction(guarded[i], &action, &guard->actions[i]);
}

static void guard_end(const struct guard *guard)
{
    for (size_t i = 0; i < GUARDED_LEN; i++)
        (void)sigaction(guarded[i], &guard->actions[i], NULL);
    (void)pthread_sigmask(SIG_SETMASK, &guard->mask, NULL);
    if (caught != 0)
        (void)raise(caught); /* now that the terminal is as it was */
}

static void say(int tty, const char *a, const char *b)
{
    if (write(tty, a, strlen(a)) < 0 || write(tty, b, strlen(b)) < 0)
        return; /* whoever cannot see the prompt can still type */
}

/* The prompt comes once nothing is echoed any more: whoever answers at once is not seen, and loses nothing. */
static enum tp_rc read_unseen(int tty, const char *label, struct tp_secret **ret_secret)
{
    struct termios shown, unseen;
    struct guard guard;
    if (tcgetattr(tty, &shown) != 0)
        return TP_IO;
    unseen = shown;
    unseen.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    unseen.c_lflag |= ICANON;
    guard_begin(&guard);
    enum tp_rc rc = tcsetattr(tty, TCSAFLUSH, &unseen) != 0 ? TP_IO : TP_OK;
    if (rc == TP_OK) {
        say(tty, label, ": ");
        rc = secret_line(&(struct source){.fd = tty, .wait_mask = &guard.mask}, ret_secret);
    }
    (void)tcsetattr(tty, TCSAFLUSH, &shown);
    say(tty, "\n", "");
    guard_end(&guard);
    return rc;
}

static enum tp_rc ask_terminal(const char *label, struct tp_secret **ret_secret)
{
    int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (tty < 0)
        return TP_IO;
    enum tp_rc rc = read_unseen(tty, label, ret_secret);
    (void)close(tty);
    return rc;
}

/* ---- files ---- */

static enum tp_rc ask_file(struct tp_cli *cli, const char *label, const char *path, struct tp_secret **ret_secret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0)
        return tp_error_set(&cli->error, TP_IO, "%s: %s", path, strerror(errno));
    enum tp_rc rc = TP_OK;
    if (fstat(fd, &status) != 0 || (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0))
        rc = tp_error_set(&cli->error, TP_NOT_PERMITTED,
                          "%s: others can read it; chmod 600 it, and change what it held", path);
    if (rc == TP_OK && (rc = tp_cli_secret_line(fd, ret_secret)) != TP_OK)
        rc = tp_error_set(&cli->error, rc, "%s: no usable %s on its first line: %s", path, label, tp_rc_words(rc));
    (void)close(fd);
    return rc;
}

/* ---- asking ---- */

static enum tp_rc refuse(struct tp_cli *cli, const char *label, enum tp_rc rc)
{
    if (rc == TP_NOT_FOUND)
        return tp_error_set(&cli->error, rc, "%s: none on standard input; write one line a prompt, or use a terminal",
                            label);
    if (rc == TP_REFUSED)
        return tp_error_set(&cli->error, rc, "%s: interrupted; nothing was done", label);
    return tp_error_set(&cli->error, rc, "%s: %s", label, tp_rc_words(rc));
}

enum tp_rc tp_cli_secret_ask(struct tp_cli *cli, const char *label, const char *file_option,
                             struct tp_secret **ret_secret)
{
    const char *path = file_option == NULL ? NULL : tp_cli_text(&cli->args, file_option);
    if (path != NULL)
        return ask_file(cli, label, path, ret_secret);
    struct tp_secret *secret TP_AUTO(tp_secret_free_p) = NULL;
    enum tp_rc rc = cli->terminal ? ask_terminal(label, &secret) : tp_cli_secret_line(cli->in, &secret);
    if (rc != TP_OK)
        return refuse(cli, label, rc);
    if (tp_secret_len(secret) == 0)
        return tp_error_set(&cli->error, TP_BAD_ARGUMENT, "%s: nothing was given; nothing was done", label);
    *ret_secret = secret;
    secret = NULL;
    return TP_OK;
}

enum tp_rc tp_cli_secret_ask_new(struct tp_cli *cli, const char *label, const char *file_option,
                                 struct tp_secret **ret_secret)
{
    struct tp_secret *first TP_AUTO(tp_secret_free_p) = NULL, *second TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_cli_secret_ask(cli, label, file_option, &first));
    if (cli->terminal && tp_cli_text(&cli->args, file_option) == NULL) {
        char again[64];
        (void)snprintf(again, sizeof again, "%s once more", label);
        TP_TRY(tp_cli_secret_ask(cli, again, NULL, &second));
        if (!tp_bytes_equal_secret(tp_secret_bytes(first), tp_secret_bytes(second)))
            return tp_error_set(&cli->error, TP_BAD_ARGUMENT, "the two differ; nothing was done, try again");
    }
    *ret_secret = first;
    first = NULL;
    return TP_OK;
}

static enum tp_rc check_code(struct tp_cli *cli, const struct tp_secret *code, unsigned digits)
{
    struct tp_bytes given = tp_secret_bytes(code);
    bool good = digits == 0 || given.len == digits;
    for (size_t i = 0; good && digits != 0 && i < given.len; i++)
        good = given.data[i] >= '0' && given.data[i] <= '9';
    if (good)
        return TP_OK;
    return tp_error_set(&cli->error, TP_PIN_LENGTH, "the one-time code has %u digits; nothing was done, try again", digits);
}

enum tp_rc tp_cli_secret_ask_login(struct tp_cli *cli, const char *pin_label, unsigned digits,
                                   struct tp_secret **ret_secret)
{
    struct tp_secret *pin TP_AUTO(tp_secret_free_p) = NULL, *code TP_AUTO(tp_secret_free_p) = NULL,
                          *both TP_AUTO(tp_secret_free_p) = NULL;
    TP_TRY(tp_cli_secret_ask(cli, pin_label, "pin-file", &pin));
    TP_TRY(tp_cli_secret_ask(cli, "One-time code", NULL, &code));
    TP_TRY(check_code(cli, code, digits));
    if (tp_secret_len(pin) + tp_secret_len(code) > TP_IPC_SECRET_MAX)
        return tp_error_set(&cli->error, TP_PIN_LENGTH, "PIN and code are longer than any that could be right");
    TP_TRY(tp_secret_new(TP_IPC_SECRET_MAX, &both));
    TP_TRY(tp_secret_append(both, tp_secret_bytes(pin)));
    TP_TRY(tp_secret_append(both, tp_secret_bytes(code)));
    *ret_secret = both;
    both = NULL;
    return TP_OK;
}

enum tp_rc tp_cli_confirm(struct tp_cli *cli, const char *question)
{
    char answer[8] = "";
    if (tp_cli_flag(&cli->args, "yes"))
        return TP_OK;
    if (!cli->terminal)
        return tp_error_set(&cli->error, TP_USAGE, "%s Nobody is at the terminal to say so: add --yes", question);
    (void)fprintf(cli->err, "%s [y/N] ", question);
    (void)fflush(cli->err);
    ssize_t got = read(cli->in, answer, sizeof answer - 1);
    if (got > 0 && (answer[0] == 'y' || answer[0] == 'Y') && (answer[1] == '\n' || strncmp(answer + 1, "es\n", 3) == 0))
        return TP_OK;
    return tp_error_set(&cli->error, TP_REFUSED, "nothing was done");
}
