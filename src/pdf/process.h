/* SPDX-License-Identifier: Apache-2.0
 *
 * The processes that read PDFs. Ours asks a zygote, forked before there were secrets, for readers; each reader confines itself
 * and then answers questions over its socket:
 *
 *     question: kind, length of what follows (4 bytes), that; with OPEN comes the file's descriptor
 *     answer:   code, length of what follows (4 bytes), the answer or words
 */
#ifndef TP_PDF_PROCESS_H
#define TP_PDF_PROCESS_H

#include "base/error.h"
#include "pdf/document.h"

#include <sys/types.h>

#define TP_PDF_MESSAGE_HEAD 5 /* kind or code, length */
#define TP_PDF_QUESTION_MAX ((size_t)4 << 10)
#define TP_PDF_INPUT_LEN    ((size_t)4 << 10)
#define TP_PDF_READER_SOCKET 0 /* a reader's only descriptor */

enum tp_pdf_question {
    TP_PDF_ASK_OPEN = 1, /* length (8), most of a stream (8), password */
    TP_PDF_ASK_OBJECT,   /* reference */
    TP_PDF_ASK_STREAM,   /* reference */
    TP_PDF_ASK_PAGE,     /* index (4) */
    TP_PDF_ASK_DIGESTS,
    TP_PDF_ASK_CLOSE     /* so that the file is let go before the next one comes */
};

/* ---- the reader's side ---- */

/* Not under AddressSanitizer and its like: they map terabytes that they never touch, and read files in /proc whenever C++ throws
 * something. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TP_PDF_CONFINED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define TP_PDF_CONFINED 0
#endif
#endif
#ifndef TP_PDF_CONFINED
#define TP_PDF_CONFINED 1
#endif
/* Limits, then the filter of system calls: from here on a call that is not on its list kills the process. */
TP_MUST_USE bool tp_pdf_sandbox_enter(size_t memory);
#define TP_PDF_NOT_CONFINED 2 /* exit status of a reader that could not */
/* Confines itself, then answers until the socket ends. Never returns. */
_Noreturn void tp_pdf_serve(size_t memory);
/* The zygote. Never returns. SOCKET is its only descriptor. */
_Noreturn void tp_pdf_zygote_run(int socket, size_t memory);

/* ---- ours ---- */

struct tp_pdf_zygote;
TP_MUST_USE enum tp_rc tp_pdf_zygote_start(size_t memory, struct tp_error *error, struct tp_pdf_zygote **ret_zygote);
void tp_pdf_zygote_stop(struct tp_pdf_zygote *zygote);
/* A new reader: its pid, in whose namespace it is the zygote's child, and our end of its socket. */
TP_MUST_USE enum tp_rc tp_pdf_zygote_fork(struct tp_pdf_zygote *zygote, struct tp_error *error, pid_t *ret_pid, int *ret_socket);
/* Kills it, if it has not ended yet, and says how it ended: waitpid(2)'s status, -1 when that is not known. */
int tp_pdf_zygote_end(struct tp_pdf_zygote *zygote, pid_t pid);

/* A reader, as long as it is good; taken from the pool, and put back. */
struct tp_pdf_process {
    struct tp_pdf_process *next; /* in the pool's list */
    struct tp_pdf_zygote *zygote;
    pid_t pid;
    int socket;
    unsigned files;  /* that it has opened */
    int64_t used_ms; /* that it has taken for answers */
    bool broken;     /* it is replaced: something went wrong, or it knows a password */
    bool owes;       /* the answer to CLOSE, which comes before the next one's */
    uint8_t input[TP_PDF_INPUT_LEN]; /* read ahead: an answer's head and what follows come together */
    size_t input_at, input_len;      /* from where on, and how much, nobody has taken it */
};
TP_MUST_USE enum tp_rc tp_pdf_process_new(struct tp_pdf_zygote *zygote, struct tp_error *error,
                                          struct tp_pdf_process **ret_process);
void tp_pdf_process_free(struct tp_pdf_process *process);
TP_DEFINE_AUTO(struct tp_pdf_process, tp_pdf_process_free)
/* Has the file let go, and does not wait for it. */
void tp_pdf_process_let_go(struct tp_pdf_process *process);
struct tp_pdf_asked {
    enum tp_pdf_question kind;
    struct tp_bytes question;
};
#define TP_PDF_ASKED_MOST 2
/* Sends the questions, TP_PDF_ASKED_MOST at most; the answers are then taken one by one, until one of them is an error. FD -1: none
 * goes along. After any error the process is broken. One that still owes an answer then was broken by the document before, and
 * another may be asked. */
TP_MUST_USE enum tp_rc tp_pdf_process_send(struct tp_pdf_process *process, const struct tp_pdf_asked *asked, size_t asked_len, int fd,
                                           struct tp_error *error);
TP_MUST_USE enum tp_rc tp_pdf_process_answer(struct tp_pdf_process *process, int64_t time_ms, struct tp_error *error,
                                             struct tp_buf *ret_answer);
/* Both, for one question. */
TP_MUST_USE enum tp_rc tp_pdf_process_ask(struct tp_pdf_process *process, enum tp_pdf_question kind, struct tp_bytes question,
                                          int fd, int64_t time_ms, struct tp_error *error, struct tp_buf *ret_answer);

/* ---- the pool ---- */

const struct tp_pdf_limits *tp_pdf_pool_limits(const struct tp_pdf_pool *pool);
TP_MUST_USE enum tp_rc tp_pdf_pool_take(struct tp_pdf_pool *pool, struct tp_error *error, struct tp_pdf_process **ret_process);
void tp_pdf_pool_give(struct tp_pdf_pool *pool, struct tp_pdf_process *process);

#endif
