/* SPDX-License-Identifier: Apache-2.0
 *
 * Files that commands read and write.
 */
#ifndef TP_CLI_FILE_H
#define TP_CLI_FILE_H

#include "base/error.h"
#include "base/secret.h"

#include <sys/stat.h>

#define TP_CLI_FILE_MAX ((size_t)12 << 20) /* a CRL of a large CA */

/* The whole file, or standard input when PATH is "-"; at most MOST bytes. Appended. Words begin with PATH. */
TP_MUST_USE enum tp_rc tp_cli_file_read(const char *path, size_t most, struct tp_error *error,
                                        struct tp_buf *ret_bytes);
/* The same for what must stay in locked memory, at most TP_SECRET_MAX bytes. Others must not be able to read the file.
 */
TP_MUST_USE enum tp_rc tp_cli_file_read_secret(const char *path, struct tp_error *error, struct tp_secret **ret_secret);
/* Makes PATH with MODE, durably; TP_EXISTS when there is one: nothing is ever written over. */
TP_MUST_USE enum tp_rc tp_cli_file_write(const char *path, mode_t mode, struct tp_bytes bytes, struct tp_error *error);
/* Whether there is a place for PATH, before work is done for it: TP_EXISTS, TP_IO. */
TP_MUST_USE enum tp_rc tp_cli_file_place_check(const char *path, struct tp_error *error);
/* The same in two steps, for what must not be asked for unless there is a place for it: makes PATH, empty ... */
TP_MUST_USE enum tp_rc tp_cli_file_make(const char *path, mode_t mode, struct tp_error *error, int *ret_fd);
/* ... and fills it; takes FD over. PATH is removed when that fails. */
TP_MUST_USE enum tp_rc tp_cli_file_fill(int fd, const char *path, struct tp_bytes bytes, struct tp_error *error);
/* All of it to FD, past any buffer. */
TP_MUST_USE enum tp_rc tp_cli_file_put(int fd, struct tp_bytes bytes);

#endif
