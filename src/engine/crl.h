/* SPDX-License-Identifier: Apache-2.0
 *
 * Revocation lists that are kept: the newest of each issuer, so that a certificate is judged whichever of the two comes
 * first (RS-16).
 */
#ifndef TP_ENGINE_CRL_H
#define TP_ENGINE_CRL_H

#include "engine/internal.h"
#include "pki/certificate.h"

/* TP_REFUSED, with words, when a kept list has CERTIFICATE on it. ISSUER: its issuer's certificate, where it came with one;
 * otherwise every list of the issuer's name counts. With engine->sweep held. */
TP_MUST_USE enum tp_rc tp_crl_judge(struct tp_engine *engine, const struct tp_pki_certificate *certificate,
                                    struct tp_bytes issuer, struct tp_error *error);

struct tp_crl_state {
    size_t kept, overdue;       /* overdue: past its nextUpdate */
    char issuer[TP_PKI_DN_MAX]; /* of the one that is overdue longest */
    int64_t next_update_ms;
};
TP_MUST_USE enum tp_rc tp_crl_state(struct tp_engine *engine, struct tp_error *error, struct tp_crl_state *ret_state);

#endif
