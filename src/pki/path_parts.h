/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the files that find a certification path and the one that judges it.
 */
#ifndef TP_PKI_PATH_PARTS_H
#define TP_PKI_PATH_PARTS_H

#include "pki/internal.h"
#include "pki/path.h"

struct tp_pki_anchor {
    X509 *x509;
    struct tp_buf der;
};
struct tp_pki_anchors {
    struct tp_pki_anchor *items;
    size_t len, capacity;
};

struct tp_pki_chain {
    X509 *x509[TP_PKI_PATH_MAX]; /* leaf first; borrowed */
    struct tp_bytes der[TP_PKI_PATH_MAX];
    size_t len;
};
struct tp_pki_path_verdict {
    enum tp_pki_path_flaw flaw;
    size_t at;
    char why[TP_ERROR_WORDS_LEN];
};
/* The worse of two: BROKEN, NO_ANCHOR, CONSTRAINTS, EXPIRED, NOT_YET, GOOD. */
bool tp_pki_flaw_is_worse(enum tp_pki_path_flaw flaw, enum tp_pki_path_flaw than);
/* CHAIN ends in an anchor. TP_MEMORY. */
TP_MUST_USE enum tp_rc tp_pki_chain_judge(const struct tp_pki_chain *chain, enum tp_pki_purpose purpose, int64_t at_ms,
                                          struct tp_pki_path_verdict *ret_verdict);
/* Says WHY of the certificate at AT, whose name goes before the words. */
void tp_pki_verdict_set(struct tp_pki_path_verdict *verdict, enum tp_pki_path_flaw flaw, size_t at, const X509 *x509,
                        const char *why);

#endif
