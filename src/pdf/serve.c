/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader's process: questions in, answers out, one document at a time.
 */
#include "pdf/internal.h"
#include "pdf/process.h"
#include "pdf/reader.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define SHORT_ANSWER ((size_t)4 << 10)

struct serving {
    struct tp_pdf_reader *reader;
    void *file;
    size_t file_len;
    uint8_t input[TP_PDF_MESSAGE_HEAD + TP_PDF_QUESTION_MAX]; /* what has come: the next question, perhaps those behind it */
    size_t input_len;
    char question[TP_PDF_QUESTION_MAX + 1]; /* the password ends in a NUL */
    size_t question_len;
    int fd; /* that has come, and is for the next OPEN; -1 */
};

/* ---- the socket ---- */

static void put(const void *bytes, size_t len)
{
    const uint8_t *at = bytes;
    while (len > 0) {
        const ssize_t done = write(TP_PDF_READER_SOCKET, at, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            _exit(0); /* nobody listens */
        at += done;
        len -= (size_t)done;
    }
}

/* Answers that go out together, since the next question has come with the one before. */
static struct {
    uint8_t bytes[TP_PDF_MESSAGE_HEAD + SHORT_ANSWER];
    size_t len;
} output;

static void flush(void)
{
    put(output.bytes, output.len);
    output.len = 0;
}

static void answer(enum tp_rc rc, const void *bytes, size_t len)
{
    uint8_t head[TP_PDF_MESSAGE_HEAD] = {(uint8_t)rc};
    const bool is_short = len <= SHORT_ANSWER;
    tp_put_be32(head + 1, (uint32_t)len);
    if (output.len + sizeof(head) + (is_short ? len : 0) > sizeof(output.bytes))
        flush();
    memcpy(output.bytes + output.len, head, sizeof(head));
    output.len += sizeof(head);
    if (is_short && len > 0)
        memcpy(output.bytes + output.len, bytes, len);
    output.len += is_short ? len : 0;
    if (is_short)
        return;
    flush();
    put(bytes, len);
}

/* What has come of questions, and the descriptor, if one is with them. */
static void receive(struct serving *serving)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {serving->input + serving->input_len, sizeof(serving->input) - serving->input_len};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof(control.room)};
    ssize_t done;
    while ((done = recvmsg(TP_PDF_READER_SOCKET, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
        ;
    if (done <= 0)
        _exit(0);
    serving->input_len += (size_t)done;
    const struct cmsghdr *first = CMSG_FIRSTHDR(&message);
    if (first != NULL && first->cmsg_level == SOL_SOCKET && first->cmsg_type == SCM_RIGHTS &&
        first->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&serving->fd, CMSG_DATA(first), sizeof(int));
}

static bool is_whole(const struct serving *serving)
{
    if (serving->input_len < TP_PDF_MESSAGE_HEAD)
        return false;
    const size_t len = tp_get_be32(serving->input + 1);
    if (len > TP_PDF_QUESTION_MAX)
        _exit(1);
    return serving->input_len - TP_PDF_MESSAGE_HEAD >= len;
}

static enum tp_pdf_question get_question(struct serving *serving)
{
    while (!is_whole(serving))
        receive(serving);
    const enum tp_pdf_question kind = serving->input[0];
    serving->question_len = tp_get_be32(serving->input + 1);
    memcpy(serving->question, serving->input + TP_PDF_MESSAGE_HEAD, serving->question_len);
    serving->question[serving->question_len] = '\0';
    const size_t taken = TP_PDF_MESSAGE_HEAD + serving->question_len;
    serving->input_len -= taken;
    memmove(serving->input, serving->input + taken, serving->input_len);
    return kind;
}

/* ---- the file ---- */

/* mmap(2): the file has become shorter than what is mapped. Answers are made before they are sent: the socket is between two. */
static void on_bus_error(int number)
{
    static const char words[] = "the document became shorter while it was read";
    (void)number;
    answer(TP_IO, words, sizeof(words) - 1);
    flush();
    _exit(1);
}

static void close_file(struct serving *serving)
{
    tp_pdf_reader_free(serving->reader);
    serving->reader = NULL;
    if (serving->file != NULL)
        (void)munmap(serving->file, serving->file_len);
    serving->file = NULL;
}

static enum tp_rc map_file(struct serving *serving, size_t len, struct tp_error *error)
{
    void *file = serving->fd < 0 ? MAP_FAILED : mmap(NULL, len, PROT_READ, MAP_PRIVATE, serving->fd, 0);
    if (file == MAP_FAILED)
        return tp_error_set(error, TP_TOO_LARGE, "the document of %zu bytes cannot be mapped", len);
    serving->file = file;
    serving->file_len = len;
    return TP_OK;
}

static void close_descriptor(struct serving *serving)
{
    if (serving->fd >= 0)
        (void)close(serving->fd);
    serving->fd = -1;
}

static enum tp_rc open_file(struct serving *serving, struct tp_error *error, struct tp_buf *made)
{
    const uint8_t *question = (const uint8_t *)serving->question;
    close_file(serving);
    const enum tp_rc rc = serving->question_len < 16 ? TP_INTERNAL : map_file(serving, (size_t)tp_get_be64(question), error);
    close_descriptor(serving);
    TP_TRY(rc);
    TP_TRY(tp_pdf_reader_open(TP_BYTES(serving->file, serving->file_len), serving->question + 16,
                              (size_t)tp_get_be64(question + 8), error, &serving->reader));
    return tp_pdf_reader_facts(serving->reader, error, made);
}

/* ---- questions ---- */

static enum tp_rc ask_about_ref(struct serving *serving, enum tp_pdf_question kind, struct tp_error *error, struct tp_buf *made)
{
    const uint8_t *question = (const uint8_t *)serving->question;
    if (serving->question_len != 6)
        return TP_INTERNAL;
    const struct tp_pdf_ref ref = {tp_get_be32(question), (uint16_t)(question[4] << 8 | question[5])};
    return kind == TP_PDF_ASK_OBJECT ? tp_pdf_reader_object(serving->reader, ref, error, made)
                                     : tp_pdf_reader_stream(serving->reader, ref, error, made);
}

static enum tp_rc make_answer(struct serving *serving, enum tp_pdf_question kind, struct tp_error *error, struct tp_buf *made)
{
    if (kind == TP_PDF_ASK_OPEN)
        return open_file(serving, error, made);
    if (kind == TP_PDF_ASK_CLOSE) {
        close_file(serving);
        return TP_OK;
    }
    if (serving->reader == NULL)
        return TP_INTERNAL;
    switch (kind) {
    case TP_PDF_ASK_OBJECT:
    case TP_PDF_ASK_STREAM:
        return ask_about_ref(serving, kind, error, made);
    case TP_PDF_ASK_PAGE:
        return serving->question_len != 4 ? TP_INTERNAL
                                          : tp_pdf_reader_page(serving->reader,
                                                               tp_get_be32((const uint8_t *)serving->question), error, made);
    case TP_PDF_ASK_DIGESTS:
        return tp_pdf_reader_digests(serving->reader, error, made);
    default:
        return TP_INTERNAL;
    }
}

static void serve_one(struct serving *serving)
{
    struct tp_error error = {0};
    struct tp_buf made TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const enum tp_pdf_question kind = get_question(serving);
    const enum tp_rc rc = make_answer(serving, kind, &error, &made);
    if (rc == TP_OK)
        answer(TP_OK, made.data, made.len);
    else
        answer(rc, error.words, strlen(error.words));
    if (!is_whole(serving))
        flush();
}

void tp_pdf_serve(size_t memory)
{
    static struct serving serving = {.fd = -1};
    (void)signal(SIGBUS, on_bus_error);
    (void)signal(SIGPIPE, SIG_IGN);
    if (!tp_pdf_sandbox_enter(memory))
        _exit(TP_PDF_NOT_CONFINED);
    answer(TP_OK, NULL, 0); /* the sandbox stands */
    flush();
    for (;;)
        serve_one(&serving);
}
