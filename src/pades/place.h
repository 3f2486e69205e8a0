/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a document goes: nothing is seen under its name until it is whole and on the disk. Versions on the way are files
 * without a name (O_TMPFILE) in the same folder, or with a hidden one where the file system has no such thing.
 */
#ifndef TP_PADES_PLACE_H
#define TP_PADES_PLACE_H

#include "base/bytes.h"
#include "base/error.h"

#include <sys/stat.h>

struct tp_pades_place;

/* PATH as a person gave it. IN: the file that is signed; the result gets its permissions (access.h). A PATH that is the name by which
 * IN was opened, however it is written, is replaced; so is another that is there when FORCE, a hard link to IN among them; TP_EXISTS
 * otherwise. A symbolic link is followed only when it leads to IN's name: TP_NOT_PERMITTED otherwise, also with FORCE. TP_IO:
 * there is no folder for it, or none that can be written to. IN that is replaced is locked as long as PLACE is there: TP_BUSY
 * while another program has it so. IN must stay open until the last version is written. */
TP_MUST_USE enum tp_rc tp_pades_place_new(const char *path, int in, bool force, struct tp_error *error,
                                          struct tp_pades_place **ret_place);
/* Whatever was not committed is gone. */
void tp_pades_place_free(struct tp_pades_place *place);
TP_DEFINE_AUTO(struct tp_pades_place, tp_pades_place_free)

/* A new, empty file for the next version. RET_FD belongs to PLACE; that of the version before stays open until the next call
 * but one, and what was written there is what is read. */
TP_MUST_USE enum tp_rc tp_pades_place_next(struct tp_pades_place *place, struct tp_error *error, int *ret_fd);
/* The newest version's file, made empty for another try at it. */
TP_MUST_USE enum tp_rc tp_pades_place_again(struct tp_pades_place *place, struct tp_error *error, int *ret_fd);
/* That IN is what it was when PLACE was made, and so before anything of it was read: TP_BUSY otherwise. Asked whenever a version was
 * written, before a key or a TSA vouches for what may be half of one document and half of another. */
TP_MUST_USE enum tp_rc tp_pades_place_check_in(const struct tp_pades_place *place, struct tp_error *error);
int tp_pades_place_fd(const struct tp_pades_place *place); /* the newest version; -1: none */
/* Begins to write the newest version to the disk and does not wait: of many files, before the first is waited for. */
void tp_pades_place_start_sync(const struct tp_pades_place *place);
/* The newest version, durable (fdatasync), ... */
TP_MUST_USE enum tp_rc tp_pades_place_sync(struct tp_pades_place *place, struct tp_error *error);
/* ... under its name. TP_EXISTS when somebody else has made one of that name meanwhile, or changed IN that is replaced. */
TP_MUST_USE enum tp_rc tp_pades_place_name(struct tp_pades_place *place, struct tp_error *error);
/* Its folder, so that the name is durable, too; for many files once at the end of them. */
TP_MUST_USE enum tp_rc tp_pades_place_sync_folder(const struct tp_pades_place *place, struct tp_error *error);
/* The three in a row. */
TP_MUST_USE enum tp_rc tp_pades_place_commit(struct tp_pades_place *place, struct tp_error *error);

#endif
