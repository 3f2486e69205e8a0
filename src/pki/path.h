/* SPDX-License-Identifier: Apache-2.0
 *
 * Certification paths (RFC 5280 §6) at a given time: names, signatures, validity, constraints, critical extensions,
 * purpose. Revocation is not looked at here: that is the room `validation`.
 */
#ifndef TP_PKI_PATH_H
#define TP_PKI_PATH_H

#include "pki/certificate.h"

#define TP_PKI_PATH_MAX 16 /* certificates, leaf and anchor included */
#define TP_PKI_ANCHORS_MAX 4096

/* Trust anchors: immutable once it is used to build; threads may share it then. */
struct tp_pki_anchors;
TP_MUST_USE enum tp_rc tp_pki_anchors_new(struct tp_pki_anchors **ret_anchors);
void tp_pki_anchors_free(struct tp_pki_anchors *anchors);
TP_DEFINE_AUTO(struct tp_pki_anchors, tp_pki_anchors_free)
/* DER. A certificate that is no CA may be an anchor, too: it is trusted for itself. */
TP_MUST_USE enum tp_rc tp_pki_anchors_add(struct tp_pki_anchors *anchors, struct tp_bytes certificate, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_pki_anchors_add_file(struct tp_pki_anchors *anchors, struct tp_bytes file, struct tp_error *error);
size_t tp_pki_anchors_len(const struct tp_pki_anchors *anchors);
bool tp_pki_anchors_have(const struct tp_pki_anchors *anchors, struct tp_bytes certificate);

enum tp_pki_purpose {
    TP_PKI_FOR_ANYTHING,
    TP_PKI_FOR_SIGNING,      /* digitalSignature or nonRepudiation, where key usage is there at all */
    TP_PKI_FOR_TIMESTAMPING, /* extended key usage as RFC 3161 §2.3 wants it */
    TP_PKI_FOR_OCSP
};
enum tp_pki_path_flaw {
    TP_PKI_PATH_GOOD,
    TP_PKI_PATH_NO_ANCHOR,    /* no chain to an anchor: EN 319 102-1 NO_CERTIFICATE_CHAIN_FOUND */
    TP_PKI_PATH_EXPIRED,      /* some certificate had expired, */
    TP_PKI_PATH_NOT_YET,      /* or was not valid yet, at the time asked for */
    TP_PKI_PATH_CONSTRAINTS,  /* names, policy, path length, CA flag, purpose, critical extension: CHAIN_CONSTRAINTS_FAILURE */
    TP_PKI_PATH_BROKEN        /* a signature in the chain does not fit */
};
struct tp_pki_path {
    struct tp_buf certificates[TP_PKI_PATH_MAX]; /* DER, leaf first, anchor last; as far as it was built */
    size_t len;
    enum tp_pki_path_flaw flaw;
    size_t flaw_at; /* which certificate */
    char why[TP_ERROR_WORDS_LEN];
};
/* LEAF (DER) with POOL (DER of others, any order, not trusted; what is no certificate is passed over). TP_OK: it was judged, see
 * `flaw`; an expired one is still built to its anchor. Of several paths the one whose flaw is the least, then the shortest; of
 * several flaws the worst (BROKEN, NO_ANCHOR, CONSTRAINTS, EXPIRED, NOT_YET), then the one next to the leaf. An anchor's own
 * dates do not count (RFC 5280 §6.1.1 (d)) unless it is the leaf. */
TP_MUST_USE enum tp_rc tp_pki_path_build(struct tp_bytes leaf, const struct tp_bytes *pool, size_t pool_len,
                                         const struct tp_pki_anchors *anchors, enum tp_pki_purpose purpose,
                                         int64_t at_ms, struct tp_error *error, struct tp_pki_path *ret_path);
void tp_pki_path_clear(struct tp_pki_path *path);

#endif
