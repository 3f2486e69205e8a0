/* SPDX-License-Identifier: Apache-2.0
 *
 * A few certificates in order, as signers take them: gathered from a file by tp_pki_certificates_read.
 */
#ifndef TP_PKI_CHAIN_H
#define TP_PKI_CHAIN_H

#include "pki/signer.h"

struct tp_pki_chain { /* .len = 0 to begin with */
    struct tp_buf der[TP_PKI_SIGNER_CERTIFICATES];
    struct tp_bytes views[TP_PKI_SIGNER_CERTIFICATES];
    size_t len;
};
/* A tp_pki_der_fn; CHAIN is a struct tp_pki_chain. TP_TOO_LARGE: it has as many as there may be. */
enum tp_rc tp_pki_chain_add(void *chain, struct tp_bytes der);
void tp_pki_chain_clear(struct tp_pki_chain *chain);

#endif
