/* SPDX-License-Identifier: Apache-2.0
 *
 * A signer (pki/signer.h) whose key is named by a PKCS#11 URI (RFC 7512): in any module, ours, a software HSM, a smart card.
 *
 *   pkcs11:token=…;object=…;id=%01?module-path=/…/module.so&pin-source=file:/…
 *
 * Without module-path: libtrustp11.so of the installation. The token's attributes choose the slot, `object` and `id` the key;
 * exactly one private key must be left (or one whose certificate has key usage for signing). The certificate is the token's
 * of the same CKA_ID, its issuers whatever CA certificates the token has that fit.
 */
#ifndef TP_HSM_SIGNER_H
#define TP_HSM_SIGNER_H

#include "pki/signer.h"

/* Asks a person for the PIN of TOKEN, with a one-time code right behind it where the token wants one (CODE). TP_NOT_FOUND: nobody to
 * ask. */
typedef enum tp_rc tp_hsm_ask_pin(void *context, const char *token, bool code, struct tp_error *error, struct tp_secret **ret_pin);

struct tp_hsm_signer_config {
    const char *uri;
    const char *folder; /* that a relative pin-source is below; NULL: none may be relative, as for services, which start anywhere */
    unsigned threads; /* that may sign at a time: as many sessions, one login (C_Login once for all of them) */
    tp_hsm_ask_pin *ask_pin; /* where the URI has no pin-source and the token wants a login; may be NULL */
    void *ask_context;
    /* DER: the chain of the key, instead of what the token has, or where it has none. May be none. */
    const struct tp_bytes *certificates;
    size_t certificates_len;
};
/* CKA_ALWAYS_AUTHENTICATE keys: the PIN is asked for at each signature (C_Login with CKU_CONTEXT_SPECIFIC). A login that
 * has ended is an error with words, TP_NOT_LOGGED_IN, and not tried again by itself. */
TP_MUST_USE enum tp_rc tp_hsm_signer_open(const struct tp_hsm_signer_config *config, struct tp_error *error,
                                          struct tp_pki_signer **ret_signer);

#endif
