/* SPDX-License-Identifier: Apache-2.0
 *
 * The revisions of a PDF (ISO 32000-2 §7.5.6): where each of them ends in the file.
 */
#ifndef TP_PADES_VERIFY_REVISION_H
#define TP_PADES_VERIFY_REVISION_H

#include "base/bytes.h"
#include "base/error.h"

#define TP_PADES_REVISIONS_MAX 4096

struct tp_pades_revisions {
    uint64_t *ends; /* behind %%EOF, without a line's end; rising */
    size_t len;
    uint64_t length;   /* of the file */
    uint64_t text_end; /* behind the last byte that is no white space */
    size_t marks;      /* how often "/ByteRange" stands in the file */
};
/* Reads FD once, through a window. %%EOF counts behind a startxref that names a place before it: not that of a linearized
 * file's first part. TP_IO, TP_TOO_LARGE (more than TP_PADES_REVISIONS_MAX). */
TP_MUST_USE enum tp_rc tp_pades_revisions_read(int fd, struct tp_error *error, struct tp_pades_revisions *ret_revisions);
void tp_pades_revisions_clear(struct tp_pades_revisions *revisions);
/* The revision, from 1, that ends at END, with or without a line's end; 0: none does. */
unsigned tp_pades_revision_at(const struct tp_pades_revisions *revisions, int fd, uint64_t end);
/* Exactly LEN bytes at AT. TP_IO, TP_NOT_FOUND past the end. */
TP_MUST_USE enum tp_rc tp_pades_file_read(int fd, uint64_t at, void *ret_bytes, size_t len, struct tp_error *error);

#endif
