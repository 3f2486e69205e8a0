/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes into the new file, hashed on their way.
 */
#include "pdf/update_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_LEN   ((size_t)256 << 10) /* stays in the processor's cache from reading to hashing to writing */
#define GATHER_LEN ((size_t)64 << 10)  /* what is gathered before it is written */

enum tp_rc tp_pdf_output_error(struct tp_error *error)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return tp_error_set(error, TP_STORE_FULL, "the disk is full, and the result was not written; make room and try again");
    return tp_error_set(error, errno == EFBIG ? TP_TOO_LARGE : TP_IO, "the result cannot be written: %s", strerror(errno));
}

enum tp_rc tp_pdf_output_write(struct tp_pdf_output *output, struct tp_bytes bytes, struct tp_error *error)
{
    while (bytes.len > 0) {
        const ssize_t done = pwrite(output->fd, bytes.data, bytes.len, (off_t)output->at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return tp_pdf_output_error(error);
        output->at += (uint64_t)done;
        bytes = TP_BYTES(bytes.data + done, bytes.len - (size_t)done);
    }
    return TP_OK;
}

enum tp_rc tp_pdf_output_flush(struct tp_pdf_output *output, struct tp_error *error)
{
    const enum tp_rc rc = tp_pdf_output_write(output, tp_buf_bytes(&output->waiting), error);
    tp_buf_reset(&output->waiting);
    return rc;
}

enum tp_rc tp_pdf_output_put(struct tp_pdf_output *output, struct tp_bytes bytes, bool hashed, struct tp_error *error)
{
    if (hashed && output->hash != NULL && bytes.len > 0 && EVP_DigestUpdate(output->hash, bytes.data, bytes.len) != 1)
        return TP_CRYPTO;
    if (output->waiting.len + bytes.len > GATHER_LEN)
        TP_TRY(tp_pdf_output_flush(output, error));
    return bytes.len > GATHER_LEN ? tp_pdf_output_write(output, bytes, error) : tp_buf_append(&output->waiting, bytes);
}

static enum tp_rc read_part(int fd, uint64_t at, uint8_t *into, size_t most, struct tp_error *error, size_t *ret_len)
{
    ssize_t done;
    while ((done = pread(fd, into, most, (off_t)at)) < 0 && errno == EINTR)
        ;
    if (done < 0)
        return tp_error_set(error, TP_IO, "the document cannot be read: %s", strerror(errno));
    if (done == 0)
        return tp_error_set(error, TP_IO, "the document became shorter while it was read");
    *ret_len = (size_t)done;
    return TP_OK;
}

/* ---- a large file: another thread hashes what this one reads and writes ---- */

#define PARTS   4
#define AHEAD   ((uint64_t)8 << 20) /* bytes after which the disk may begin: whoever makes the file durable waits for less */
#define LARGE   ((uint64_t)4 << 20) /* bytes from which a thread is worth its start */

struct part {
    uint8_t *bytes;
    size_t len;
};

struct hasher {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t moved;
    EVP_MD_CTX *hash;
    struct part parts[PARTS];
    uint64_t filled, hashed; /* parts, since the beginning */
    bool ended, failed;
};

/* NULL: there will be none. */
static const struct part *next_part(struct hasher *hasher)
{
    (void)pthread_mutex_lock(&hasher->mutex);
    while (hasher->filled == hasher->hashed && !hasher->ended)
        (void)pthread_cond_wait(&hasher->moved, &hasher->mutex);
    const bool any = hasher->filled > hasher->hashed;
    (void)pthread_mutex_unlock(&hasher->mutex);
    return any ? &hasher->parts[hasher->hashed % PARTS] : NULL;
}

static void *hash_parts(void *context)
{
    struct hasher *hasher = context;
    const struct part *part;
    while ((part = next_part(hasher)) != NULL) {
        const bool done = EVP_DigestUpdate(hasher->hash, part->bytes, part->len) == 1;
        (void)pthread_mutex_lock(&hasher->mutex);
        hasher->failed = hasher->failed || !done;
        hasher->hashed++;
        (void)pthread_cond_signal(&hasher->moved);
        (void)pthread_mutex_unlock(&hasher->mutex);
    }
    return NULL;
}

/* One that is neither being hashed nor waits for that. */
static struct part *free_part(struct hasher *hasher)
{
    (void)pthread_mutex_lock(&hasher->mutex);
    while (hasher->filled - hasher->hashed == PARTS)
        (void)pthread_cond_wait(&hasher->moved, &hasher->mutex);
    (void)pthread_mutex_unlock(&hasher->mutex);
    return &hasher->parts[hasher->filled % PARTS];
}

static void tell(struct hasher *hasher, bool ended)
{
    (void)pthread_mutex_lock(&hasher->mutex);
    hasher->filled += ended ? 0 : 1;
    hasher->ended = ended;
    (void)pthread_cond_signal(&hasher->moved);
    (void)pthread_mutex_unlock(&hasher->mutex);
}

/* Signals of the program that we are in are for its own threads. */
static bool start_hasher(struct hasher *hasher)
{
    sigset_t all, before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&hasher->thread, NULL, hash_parts, hasher) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* Only a hint: what cannot be begun now is waited for later. */
static void begin_writing(const struct tp_pdf_output *output, uint64_t *begun)
{
    if (output->at - *begun < AHEAD)
        return;
    (void)sync_file_range(output->fd, (off_t)*begun, (off_t)(output->at - *begun), SYNC_FILE_RANGE_WRITE);
    *begun = output->at;
}

static enum tp_rc copy_beside(struct tp_pdf_output *output, struct hasher *hasher, int fd, uint64_t length,
                              struct tp_error *error, uint8_t *ret_last)
{
    uint64_t begun = output->at;
    for (uint64_t at = 0; at < length;) {
        const size_t most = length - at < COPY_LEN ? (size_t)(length - at) : COPY_LEN;
        struct part *part = free_part(hasher);
        TP_TRY(read_part(fd, at, part->bytes, most, error, &part->len));
        const size_t len = part->len;
        tell(hasher, false);
        TP_TRY(tp_pdf_output_put(output, TP_BYTES(part->bytes, len), false, error));
        begin_writing(output, &begun);
        *ret_last = part->bytes[len - 1];
        at += len;
    }
    return TP_OK;
}

static enum tp_rc copy_large(struct tp_pdf_output *output, int fd, uint64_t length, uint8_t *buffer, struct tp_error *error,
                             uint8_t *ret_last)
{
    struct hasher hasher = {.mutex = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER, .hash = output->hash};
    for (size_t i = 0; i < PARTS; i++)
        hasher.parts[i].bytes = buffer + i * COPY_LEN;
    if (!start_hasher(&hasher))
        return TP_MEMORY;
    const enum tp_rc rc = copy_beside(output, &hasher, fd, length, error, ret_last);
    tell(&hasher, true);
    (void)pthread_join(hasher.thread, NULL);
    return rc == TP_OK && hasher.failed ? TP_CRYPTO : rc;
}

/* ---- a small one ---- */

static enum tp_rc copy_through(struct tp_pdf_output *output, int fd, uint64_t length, uint8_t *buffer, struct tp_error *error,
                               uint8_t *ret_last)
{
    for (uint64_t at = 0; at < length;) {
        const size_t most = length - at < COPY_LEN ? (size_t)(length - at) : COPY_LEN;
        size_t len = 0;
        TP_TRY(read_part(fd, at, buffer, most, error, &len));
        TP_TRY(tp_pdf_output_put(output, TP_BYTES(buffer, len), true, error));
        *ret_last = buffer[len - 1];
        at += len;
    }
    return TP_OK;
}

enum tp_rc tp_pdf_output_copy(struct tp_pdf_output *output, int fd, uint64_t length, struct tp_error *error, uint8_t *ret_last)
{
    const bool large = output->hash != NULL && length >= LARGE;
    uint8_t *buffer = malloc(large ? PARTS * COPY_LEN : length < COPY_LEN ? (size_t)length : COPY_LEN);
    if (buffer == NULL)
        return TP_MEMORY;
    const enum tp_rc rc = large ? copy_large(output, fd, length, buffer, error, ret_last)
                                : copy_through(output, fd, length, buffer, error, ret_last);
    free(buffer);
    return rc;
}
