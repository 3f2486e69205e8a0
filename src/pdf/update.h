/* SPDX-License-Identifier: Apache-2.0
 *
 * An incremental update (ISO 32000-2 §7.5.6): new and changed objects behind the bytes of a document, none of which change;
 * cross-references in the form that the document has (table, stream; a hybrid gets a table). In an encrypted document new
 * strings and streams are encrypted with its key.
 */
#ifndef TP_PDF_UPDATE_H
#define TP_PDF_UPDATE_H

#include "pdf/document.h"

struct tp_pdf_update;
TP_MUST_USE enum tp_rc tp_pdf_update_new(struct tp_pdf_document *document, struct tp_error *error,
                                         struct tp_pdf_update **ret_update);
void tp_pdf_update_free(struct tp_pdf_update *update);
TP_DEFINE_AUTO(struct tp_pdf_update, tp_pdf_update_free)

struct tp_pdf_ref tp_pdf_update_new_ref(struct tp_pdf_update *update); /* the next free number */
/* What an object will be: as put before, or as the document has it. */
TP_MUST_USE enum tp_rc tp_pdf_update_object(struct tp_pdf_update *update, struct tp_pdf_ref ref, struct tp_error *error,
                                            const struct tp_pdf_value **ret_value);
TP_MUST_USE enum tp_rc tp_pdf_update_put(struct tp_pdf_update *update, struct tp_pdf_ref ref,
                                         const struct tp_pdf_value *value, struct tp_error *error);
/* A stream; /Length is set here. COMPRESS: with FlateDecode, where that is shorter. */
TP_MUST_USE enum tp_rc tp_pdf_update_put_stream(struct tp_pdf_update *update, struct tp_pdf_ref ref,
                                                const struct tp_pdf_value *dictionary, struct tp_bytes data, bool compress,
                                                struct tp_error *error);
/* The signature dictionary: VALUE without /ByteRange and /Contents, which are put in with room for CONTENTS_LEN bytes (not of
 * hex digits), and never encrypted. One an update. */
TP_MUST_USE enum tp_rc tp_pdf_update_put_signature(struct tp_pdf_update *update, struct tp_pdf_ref ref,
                                                   const struct tp_pdf_value *value, size_t contents_len,
                                                   struct tp_error *error);
/* Where things came to lie. */
struct tp_pdf_written {
    uint64_t contents_at;   /* offset of '<' */
    size_t contents_len;    /* bytes between and including < and > */
    uint64_t byte_range[4]; /* as written into /ByteRange */
    uint64_t length;        /* of the whole file */
};
/* Writes document and update to OUT (empty, readable too), in one pass: RET_DIGEST (64 bytes) gets the hash, by libcrypto's digest
 * DIGEST_NAME, of everything but /Contents; without a signature nothing is hashed, and DIGEST_NAME may be NULL. The memory needed
 * does not depend on the document's length. TP_STORE_FULL when the disk is. */
TP_MUST_USE enum tp_rc tp_pdf_update_write(struct tp_pdf_update *update, int out, const char *digest_name,
                                           struct tp_error *error, struct tp_pdf_written *ret_written,
                                           uint8_t *ret_digest);
/* CONTENTS as hex digits into the room of /Contents, zeros behind. TP_TOO_LARGE when there is not enough: write again with more. */
TP_MUST_USE enum tp_rc tp_pdf_contents_fill(int out, const struct tp_pdf_written *written, struct tp_bytes contents,
                                            struct tp_error *error);

#endif
