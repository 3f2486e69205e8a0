/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that gets its name when it is whole: until then it has none (O_TMPFILE), or a hidden one where the file system knows no
 * files without a name, or /proc is not there to name them by. Hidden ones that are left of a program that was killed are removed when
 * the next is made.
 */
#ifndef TP_BASE_NEW_FILE_H
#define TP_BASE_NEW_FILE_H

#include "base/rc.h"

#include <sys/stat.h>

#define TP_NEW_FILE_HIDDEN_LEN 32 /* ".trustp11-" and 16 digits */

struct tp_new_file {
    int folder; /* the caller's, open for as long as this is used; O_PATH is enough */
    int fd;     /* -1: none */
    char hidden[TP_NEW_FILE_HIDDEN_LEN]; /* its name in the folder; "": it has none */
};
#define TP_NEW_FILE_NONE {.folder = -1, .fd = -1}

/* For reading and writing in FOLDER, with MODE, of which the umask takes its part. TP_IO: errno says why; so below. */
TP_MUST_USE enum tp_rc tp_new_file_make(int folder, mode_t mode, struct tp_new_file *ret_file);
/* Names it, over nothing: TP_EXISTS when anything has that name. */
TP_MUST_USE enum tp_rc tp_new_file_name(struct tp_new_file *file, const char *name);
/* Names it instead of what has that name, if anything has. */
TP_MUST_USE enum tp_rc tp_new_file_name_over(struct tp_new_file *file, const char *name);
/* Closes it; it is gone unless it has been named. */
void tp_new_file_drop(struct tp_new_file *file);

#endif
