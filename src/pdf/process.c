/* SPDX-License-Identifier: Apache-2.0
 *
 * Our side of one reader.
 */
#include "pdf/process.h"
#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_MS 10000

/* ---- how it ended ---- */

static const struct {
    int signal;
    enum tp_rc rc;
    const char *words;
} ends[] = {
    {SIGSYS, TP_MALFORMED,
     "the document made its reader do what it may not, and the reader was ended: take the document for hostile"},
    {SIGXCPU, TP_TIMEOUT, "the document took its reader too much time"},
    {SIGSEGV, TP_MALFORMED, "the document's reader crashed on it: take the document for damaged or hostile"},
    {SIGABRT, TP_MALFORMED, "the document's reader gave up on it: take the document for damaged or hostile"},
};

static enum tp_rc say_end(int status, struct tp_error *error)
{
    const int number = status >= 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
        if (ends[i].signal == number)
            return tp_error_set(error, ends[i].rc, "%s", ends[i].words);
    if (number == 0 && status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == TP_PDF_NOT_CONFINED)
        return tp_error_set(error, TP_UNSUPPORTED,
                            "a reader of PDFs cannot confine itself here: the kernel refuses seccomp or a limit");
    return tp_error_set(error, TP_IO, "the document's reader ended (%s %d); try again", number != 0 ? "signal" : "status",
                        number != 0 ? number : status);
}

/* Its end is asked for in order to say why: it has closed its socket, and ended or is about to. */
static enum tp_rc ended(struct tp_pdf_process *process, struct tp_error *error)
{
    process->broken = true;
    (void)close(process->socket);
    process->socket = -1;
    const int status = tp_pdf_zygote_end(process->zygote, process->pid);
    process->pid = 0;
    return say_end(status, error);
}

static enum tp_rc too_late(struct tp_pdf_process *process, int64_t time_ms, struct tp_error *error)
{
    (void)ended(process, NULL);
    return tp_error_set(error, TP_TIMEOUT, "the document took its reader more than %lld ms; it was ended",
                        (long long)time_ms);
}

/* ---- the socket ---- */

/* All of PARTS. Questions fit into the socket's buffer. */
static enum tp_rc put(struct tp_pdf_process *process, struct iovec *parts, size_t parts_len, int fd, struct tp_error *error)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = parts_len};
    size_t len = 0;
    for (size_t i = 0; i < parts_len; i++)
        len += parts[i].iov_len;
    if (fd >= 0) {
        control.head = (struct cmsghdr){CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        message.msg_control = control.room;
        message.msg_controllen = sizeof(control.room);
    }
    ssize_t done;
    while ((done = sendmsg(process->socket, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return done == (ssize_t)len ? TP_OK : ended(process, error);
}

/* What has come, at most LEN bytes of it, once something has. */
static enum tp_rc receive(struct tp_pdf_process *process, uint8_t *bytes, size_t len, int64_t time_ms, int64_t deadline_ms,
                          struct tp_error *error, size_t *ret_len)
{
    for (;;) {
        struct pollfd wait = {process->socket, POLLIN, 0};
        const int ready = poll(&wait, 1, tp_deadline_left_ms(deadline_ms));
        if (ready == 0)
            return too_late(process, time_ms, error);
        const ssize_t done = ready < 0 ? -1 : recv(process->socket, bytes, len, 0);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return ended(process, error);
        *ret_len = (size_t)done;
        return TP_OK;
    }
}

static size_t take_input(struct tp_pdf_process *process, uint8_t *bytes, size_t len)
{
    const size_t taken = len < process->input_len ? len : process->input_len;
    if (taken > 0)
        memcpy(bytes, process->input + process->input_at, taken);
    process->input_at += taken;
    process->input_len -= taken;
    return taken;
}

static enum tp_rc get(struct tp_pdf_process *process, uint8_t *bytes, size_t len, int64_t time_ms, int64_t deadline_ms,
                      struct tp_error *error)
{
    while (len > 0) {
        size_t done = take_input(process, bytes, len);
        if (done == 0 && len < sizeof(process->input)) {
            process->input_at = 0;
            TP_TRY(receive(process, process->input, sizeof(process->input), time_ms, deadline_ms, error, &process->input_len));
        } else if (done == 0) {
            TP_TRY(receive(process, bytes, len, time_ms, deadline_ms, error, &done));
        }
        bytes += done;
        len -= done;
    }
    return TP_OK;
}

static enum tp_rc get_words(struct tp_pdf_process *process, enum tp_rc rc, size_t len, int64_t time_ms, int64_t deadline_ms,
                            struct tp_error *error)
{
    uint8_t words[TP_ERROR_WORDS_LEN];
    if (len >= sizeof(words) || rc >= TP_RC_COUNT)
        return ended(process, error);
    TP_TRY(get(process, words, len, time_ms, deadline_ms, error));
    for (size_t i = 0; i < len; i++)
        words[i] = words[i] >= 0x80 ? '?' : words[i];
    words[len] = '\0';
    return len == 0 ? rc : tp_error_set(error, rc, "%s", (const char *)words);
}

static enum tp_rc get_answer(struct tp_pdf_process *process, int64_t time_ms, struct tp_error *error, struct tp_buf *answer)
{
    uint8_t head[TP_PDF_MESSAGE_HEAD];
    const int64_t deadline_ms = tp_clock_monotonic_ms() + time_ms;
    TP_TRY(get(process, head, sizeof(head), time_ms, deadline_ms, error));
    const size_t len = tp_get_be32(head + 1);
    if (head[0] != TP_OK)
        return get_words(process, head[0], len, time_ms, deadline_ms, error);
    if (tp_buf_reserve(answer, len) != TP_OK) {
        (void)ended(process, NULL); /* the answer would be taken for the next one's */
        return TP_TOO_LARGE;
    }
    TP_TRY(get(process, answer->data + answer->len, len, time_ms, deadline_ms, error));
    answer->len += len;
    answer->data[answer->len] = '\0';
    return TP_OK;
}

static enum tp_rc check_asking(struct tp_pdf_process *process, struct tp_error *error)
{
    if (process->socket < 0)
        return tp_error_set(error, TP_IO, "the document's reader has ended; open the document again");
    if (process->input_len == 0)
        return TP_OK;
    (void)ended(process, NULL); /* more than it was asked for would be taken for the next answer */
    return tp_error_set(error, TP_INTERNAL, "the document's reader answers what nobody has asked");
}

static enum tp_rc put_questions(struct tp_pdf_process *process, const struct tp_pdf_asked *asked, size_t asked_len, int fd,
                                struct tp_error *error)
{
    uint8_t heads[TP_PDF_ASKED_MOST][TP_PDF_MESSAGE_HEAD];
    struct iovec parts[2 * TP_PDF_ASKED_MOST];
    TP_TRY(check_asking(process, error));
    if (asked_len > TP_PDF_ASKED_MOST)
        return TP_BAD_ARGUMENT;
    for (size_t i = 0; i < asked_len; i++) {
        const struct tp_bytes question = asked[i].question;
        if (question.len > TP_PDF_QUESTION_MAX)
            return TP_TOO_LARGE;
        heads[i][0] = (uint8_t)asked[i].kind;
        tp_put_be32(heads[i] + 1, (uint32_t)question.len);
        parts[2 * i] = (struct iovec){heads[i], sizeof(heads[i])};
        parts[2 * i + 1] = (struct iovec){(void *)(uintptr_t)question.data, question.len};
    }
    return put(process, parts, 2 * asked_len, fd, error);
}

enum tp_rc tp_pdf_process_send(struct tp_pdf_process *process, const struct tp_pdf_asked *asked, size_t asked_len, int fd,
                               struct tp_error *error)
{
    const enum tp_rc rc = put_questions(process, asked, asked_len, fd, error);
    process->broken = process->broken || rc != TP_OK;
    return rc;
}

static enum tp_rc settle(struct tp_pdf_process *process, int64_t time_ms, struct tp_error *error)
{
    struct tp_buf nothing TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (process->owes)
        TP_TRY(get_answer(process, time_ms, error, &nothing));
    process->owes = false;
    return TP_OK;
}

static enum tp_rc next_answer(struct tp_pdf_process *process, int64_t time_ms, struct tp_error *error, struct tp_buf *answer)
{
    TP_TRY(settle(process, time_ms, error));
    return get_answer(process, time_ms, error, answer);
}

enum tp_rc tp_pdf_process_answer(struct tp_pdf_process *process, int64_t time_ms, struct tp_error *error, struct tp_buf *ret_answer)
{
    const int64_t begun_ms = tp_clock_monotonic_ms();
    const enum tp_rc rc = next_answer(process, time_ms, error, ret_answer);
    process->used_ms += tp_clock_monotonic_ms() - begun_ms;
    process->broken = process->broken || rc != TP_OK;
    return rc;
}

enum tp_rc tp_pdf_process_ask(struct tp_pdf_process *process, enum tp_pdf_question kind, struct tp_bytes question, int fd,
                              int64_t time_ms, struct tp_error *error, struct tp_buf *ret_answer)
{
    TP_TRY(tp_pdf_process_send(process, &(struct tp_pdf_asked){kind, question}, 1, fd, error));
    return tp_pdf_process_answer(process, time_ms, error, ret_answer);
}

void tp_pdf_process_let_go(struct tp_pdf_process *process)
{
    process->owes = true;
    (void)!tp_pdf_process_send(process, &(struct tp_pdf_asked){.kind = TP_PDF_ASK_CLOSE}, 1, -1, NULL);
}

/* ---- its life ---- */

enum tp_rc tp_pdf_process_new(struct tp_pdf_zygote *zygote, struct tp_error *error, struct tp_pdf_process **ret_process)
{
    struct tp_buf nothing TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pdf_process *process TP_AUTO(tp_pdf_process_free_p) = calloc(1, sizeof(*process));
    if (process == NULL)
        return TP_MEMORY;
    process->zygote = zygote;
    process->socket = -1;
    TP_TRY(tp_pdf_zygote_fork(zygote, error, &process->pid, &process->socket));
    TP_TRY(get_answer(process, START_MS, error, &nothing));
    *ret_process = process;
    process = NULL;
    return TP_OK;
}

void tp_pdf_process_free(struct tp_pdf_process *process)
{
    if (process == NULL)
        return;
    if (process->socket >= 0)
        (void)close(process->socket);
    if (process->pid > 0)
        (void)tp_pdf_zygote_end(process->zygote, process->pid);
    free(process);
}
