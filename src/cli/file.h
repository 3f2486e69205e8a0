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
/* Makes PATH with MODE, of which the umask takes its part: whole and durable, or not at all. TP_EXISTS when there is one: nothing
 * is ever written over. */
TP_MUST_USE enum tp_rc tp_cli_file_write(const char *path, mode_t mode, struct tp_bytes bytes, struct tp_error *error);
/* The same for what others must be able to read, whatever the umask: with MODE, and GROUP ((gid_t)-1: ours). */
TP_MUST_USE enum tp_rc tp_cli_file_write_for(const char *path, mode_t mode, gid_t group, struct tp_bytes bytes,
                                             struct tp_error *error);
/* Instead of what PATH is, when that is a regular file; TP_EXISTS when it is anything else. */
TP_MUST_USE enum tp_rc tp_cli_file_replace(const char *path, mode_t mode, struct tp_bytes bytes, struct tp_error *error);
/* The folder that PATH lies in, "." where it names none; the caller's to free. NULL: no memory. */
char *tp_cli_file_folder(const char *path);
/* Whether there is a place for PATH, before work is done for it: TP_EXISTS, TP_IO. */
TP_MUST_USE enum tp_rc tp_cli_file_place_check(const char *path, struct tp_error *error);

/* tp_cli_file_write in two steps, for what must not be asked for unless there is a place for it: makes a file for PATH, where nothing
 * is seen of it yet ... */
struct tp_cli_new_file;
TP_MUST_USE enum tp_rc tp_cli_file_make(const char *path, mode_t mode, struct tp_error *error, struct tp_cli_new_file **ret_file);
/* ... and fills and names it. */
TP_MUST_USE enum tp_rc tp_cli_file_fill(struct tp_cli_new_file *file, struct tp_bytes bytes, struct tp_error *error);
void tp_cli_new_file_free(struct tp_cli_new_file *file);
TP_DEFINE_AUTO(struct tp_cli_new_file, tp_cli_new_file_free)

/* All of it to FD, past any buffer. */
TP_MUST_USE enum tp_rc tp_cli_file_put(int fd, struct tp_bytes bytes);

#endif
