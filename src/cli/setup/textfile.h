/* SPDX-License-Identifier: Apache-2.0
 *
 * A text file of others, read and put back whole: what was there, or what is to be, and nothing between the two.
 */
#ifndef TP_CLI_SETUP_TEXTFILE_H
#define TP_CLI_SETUP_TEXTFILE_H

#include "base/bytes.h"
#include "base/error.h"

#include <limits.h>
#include <sys/stat.h>

#define TP_SETUP_TEXT_MAX ((size_t)1 << 20)

struct tp_setup_textfile {
    char path[PATH_MAX]; /* where it really lies: links to it stay links */
    bool there;
    mode_t mode;      /* of the one that is there */
    unsigned missing; /* folders above, when it is not there */
    struct tp_buf text;
};

/* TP_NOT_PERMITTED when it, or the folder it would be made in, is not ours to change; TP_MALFORMED when it is no text.
 */
TP_MUST_USE enum tp_rc tp_setup_textfile_read(const char *path, struct tp_error *error,
                                              struct tp_setup_textfile *ret_file);
void tp_setup_textfile_clear(struct tp_setup_textfile *file);
/* Likewise for a folder that need not be there: how many folders there are to be made, itself included. */
TP_MUST_USE enum tp_rc tp_setup_folder_check(const char *path, struct tp_error *error, unsigned *ret_missing);
/* Makes those above PATH that are not there. */
TP_MUST_USE enum tp_rc tp_setup_folders_make(const char *path, mode_t mode, struct tp_error *error);
/* Takes the COUNT folders above PATH away, the nearest first, as far as they are empty. */
void tp_setup_folders_remove(const char *path, unsigned count);
/* Writes TEXT as a file beside PATH, durably, and puts it in PATH's place. */
TP_MUST_USE enum tp_rc tp_setup_textfile_replace(const char *path, mode_t mode, struct tp_bytes text,
                                                 struct tp_error *error);
TP_MUST_USE enum tp_rc tp_setup_textfile_remove(const char *path, struct tp_error *error);

#endif
