/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes into the new file, hashed on their way.
 */
#include "pdf/update_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_LEN ((size_t)256 << 10) /* stays in the processor's cache from reading to hashing to writing */

enum tp_rc tp_pdf_output_error(struct tp_error *error)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return tp_error_set(error, TP_STORE_FULL, "the disk is full: the signed document was not written; make room and try again");
    return tp_error_set(error, errno == EFBIG ? TP_TOO_LARGE : TP_IO, "the document cannot be written: %s", strerror(errno));
}

static enum tp_rc put_all(struct tp_pdf_output *output, struct tp_bytes bytes, struct tp_error *error)
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

enum tp_rc tp_pdf_output_put(struct tp_pdf_output *output, struct tp_bytes bytes, bool hashed, struct tp_error *error)
{
    if (hashed && output->hash != NULL && bytes.len > 0 && EVP_DigestUpdate(output->hash, bytes.data, bytes.len) != 1)
        return TP_CRYPTO;
    return put_all(output, bytes, error);
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
    uint8_t *buffer = malloc(COPY_LEN);
    if (buffer == NULL)
        return TP_MEMORY;
    const enum tp_rc rc = copy_through(output, fd, length, buffer, error, ret_last);
    free(buffer);
    return rc;
}
