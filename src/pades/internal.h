/* SPDX-License-Identifier: Apache-2.0
 *
 * What the making files of this room share: one document that is being updated, and the steps of it.
 */
#ifndef TP_PADES_INTERNAL_H
#define TP_PADES_INTERNAL_H

#include "pades/form.h"
#include "pades/sign.h"
#include "pdf/update.h"

struct tp_pades_box {
    double width, height; /* as it is shown */
    unsigned rotate;      /* of the page: 0, 90, 180, 270 */
};
struct tp_pades_work {
    struct tp_pades_service *service;
    struct tp_pdf_document *document;
    struct tp_pdf_arena *arena;  /* the document's */
    struct tp_pdf_update *update;
    struct tp_pdf_ref catalog;
    struct {
        struct tp_pades_box box;
        struct tp_pdf_ref ref; /* id 0: none yet */
    } look; /* the last appearance that was put */
    struct tp_error *error;
};
/* Opens FD for an update. FIRST_PAGE: it will be asked for. TP_UNSUPPORTED with words where no update can be made. */
TP_MUST_USE enum tp_rc tp_pades_work_open(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                          bool first_page, struct tp_error *error, struct tp_pades_work *ret_work);
/* What opening a document has answered. Not TP_PIN_WRONG, which is about the signer's login and would end a batch: it is this
 * document alone that cannot be opened. */
TP_MUST_USE enum tp_rc tp_pades_work_opened(enum tp_rc rc, struct tp_error *error);
/* Forgets what was put, for another try at the same. */
TP_MUST_USE enum tp_rc tp_pades_work_again(struct tp_pades_work *work);
void tp_pades_work_close(struct tp_pades_work *work);

/* ---- edit.c: changing what is there, where it is ---- */

TP_MUST_USE enum tp_rc tp_pades_edit_set(struct tp_pades_work *work, struct tp_pdf_ref ref, const char *key,
                                         const struct tp_pdf_value *value);
/* ITEM at the end of the array KEY of the object REF, be that array direct, an object of its own, or missing. */
TP_MUST_USE enum tp_rc tp_pades_edit_append(struct tp_pades_work *work, struct tp_pdf_ref ref, const char *key,
                                            const struct tp_pdf_value *item);
/* FIELD into the AcroForm, which is made where there is none, and /SigFlags 3. */
TP_MUST_USE enum tp_rc tp_pades_edit_add_field(struct tp_pades_work *work, struct tp_pdf_ref field);
TP_MUST_USE enum tp_rc tp_pades_edit_sig_flags(struct tp_pades_work *work);
/* [ and up to eight numbers ]: COUNT of them. */
const struct tp_pdf_value *tp_pades_numbers(struct tp_pdf_arena *arena, const double *numbers, size_t count);

/* ---- extension.c ---- */

/* /Extensions /ESIC of LEVEL (2: signatures, 5: DSS and document timestamps) in the catalog, where it is lower or missing. */
TP_MUST_USE enum tp_rc tp_pades_extension_put(struct tp_pades_work *work, int64_t level);
/* The part of PDF/A (ISO 19005) that the document claims to be; 0: none. */
TP_MUST_USE enum tp_rc tp_pades_pdfa_part(struct tp_pades_work *work, unsigned *ret_part);

/* ---- visible/widget.c, visible/appearance.c ---- */

/* Pages, rectangles and looks of FIELD, whose number is REF; RET_FIELD is the field's dictionary with its widget in it. */
TP_MUST_USE enum tp_rc tp_pades_widget_new(struct tp_pades_work *work, const struct tp_pades_order *order, struct tp_pdf_ref ref,
                                           const struct tp_pdf_value *field, const struct tp_pdf_value **ret_field);
/* The looks of a field that is there. */
TP_MUST_USE enum tp_rc tp_pades_widget_fill(struct tp_pades_work *work, const struct tp_pades_order *order,
                                            const struct tp_pades_field *field);

/* The appearance stream (ISO 32000-2 §12.5.5) for a box; and one with nothing in it. */
TP_MUST_USE enum tp_rc tp_pades_appearance_put(struct tp_pades_work *work, const struct tp_pades_order *order,
                                               const struct tp_pades_box *box, struct tp_pdf_ref *ret_ref);
TP_MUST_USE enum tp_rc tp_pades_appearance_empty(struct tp_pades_work *work, struct tp_pdf_ref *ret_ref);

/* ---- order.c ---- */

/* HASH, or what fits the key where it is NONE. TP_BAD_ARGUMENT: one that is too weak, or not for that key. */
TP_MUST_USE enum tp_rc tp_pades_order_hash(const struct tp_pki_signer *signer, enum tp_pki_hash *hash, struct tp_error *error);

/* ---- permission.c, seed.c: what the document allows, and what a field demands ---- */

/* FIELD: the one that is there, or NULL for a new one. */
TP_MUST_USE enum tp_rc tp_pades_permission_check(struct tp_pades_work *work, const struct tp_pades_form *form,
                                                 const struct tp_pades_order *order, const struct tp_pades_field *field);
/* Changes ORDER to what the field's seed value dictionary (§12.7.5.5) demands; TP_REFUSED where it cannot. */
TP_MUST_USE enum tp_rc tp_pades_seed_apply(struct tp_pades_work *work, const struct tp_pades_field *field,
                                           struct tp_pades_order *order);

/* ---- dss.c ---- */

/* What EVIDENCE has and the document's DSS does not, as an update of the newest version in PLACE. None when nothing is new. */
TP_MUST_USE enum tp_rc tp_pades_dss_append(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                           const struct tp_evidence *evidence, struct tp_pades_place *place,
                                           struct tp_error *error);
/* What the document's DSS has, into EVIDENCE. */
TP_MUST_USE enum tp_rc tp_pades_dss_read(struct tp_pdf_document *document, struct tp_evidence *evidence, struct tp_error *error);

/* ---- stamp.c ---- */

/* The hash that a timestamp is over where signatures are by HASH: TSAs know SHA-2. */
enum tp_pki_hash tp_pades_stamp_hash(enum tp_pki_hash hash);
/* What proves TOKEN's chain, into EVIDENCE; RET_TIME_MS (may be NULL): its time. */
TP_MUST_USE enum tp_rc tp_pades_stamp_prove(struct tp_pades_service *service, struct tp_bytes token, struct tp_evidence *evidence,
                                            struct tp_error *error, int64_t *ret_time_ms);
/* A document timestamp over the document in FD, into PLACE, and after it the evidence of its TSA, if that is not there. */
TP_MUST_USE enum tp_rc tp_pades_stamp_append(struct tp_pades_service *service, int fd, const struct tp_secret *password,
                                             enum tp_pki_hash hash, struct tp_evidence *evidence, struct tp_pades_place *place,
                                             struct tp_error *error, int64_t *ret_time_ms);

/* ---- service.c ---- */

/* The certificate of the one who signs; NULL without. */
const struct tp_pki_certificate *tp_pades_service_signer(const struct tp_pades_service *service);

/* All that is known of files, and what proves LEAF at AT_MS. 0: now; what was gathered for it a moment ago is used again. */
TP_MUST_USE enum tp_rc tp_pades_service_prove(struct tp_pades_service *service, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                              int64_t at_ms, struct tp_evidence *evidence, struct tp_error *error);
/* Bytes to keep for the signer's CMS, which each document asks for again. */
TP_MUST_USE enum tp_rc tp_pades_service_cms_room(struct tp_pades_service *service, enum tp_pki_hash hash, bool pss, size_t *ret_room);
/* Bytes to keep for a token: those of the largest so far, or a guess. */
size_t tp_pades_service_token_room(struct tp_pades_service *service);
void tp_pades_service_token_seen(struct tp_pades_service *service, size_t len);

#endif
