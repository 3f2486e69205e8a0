/* SPDX-License-Identifier: Apache-2.0
 *
 * A public key, from SubjectPublicKeyInfo to attributes and back.
 */
#ifndef TP_P11_KEY_H
#define TP_P11_KEY_H

#include "base/error.h"
#include "p11/attribute.h"
#include "p11/mechanism.h"

#include <openssl/err.h>
#include <openssl/evp.h>

/* libcrypto's error queue belongs to the calling thread, which is the program's: what we add goes again when the
 * function that says TP_P11_ERRORS_KEEP returns. */
static inline void tp_p11_errors_drop(const int *mark)
{
    (void)mark;
    (void)ERR_pop_to_mark();
}
#define TP_P11_ERRORS_KEEP __attribute__((unused)) int tp_p11_mark_ TP_AUTO(tp_p11_errors_drop) = ERR_set_mark()
TP_DEFINE_AUTO(EVP_PKEY, EVP_PKEY_free)

struct tp_p11_key {
    enum tp_p11_kind kind;
    size_t bits;
    size_t signature_len;  /* bytes; 0 for secret keys, whose mechanism says it */
    enum tp_pki_hash hash; /* secret keys that are for HMAC with one hash only; else NONE */
};

/* Appends CKA_KEY_TYPE, CKA_PUBLIC_KEY_INFO, and what the type has: MODULUS, MODULUS_BITS and
 * PUBLIC_EXPONENT, or EC_PARAMS and EC_POINT. TP_UNSUPPORTED for keys that no mechanism here knows. */
TP_MUST_USE enum tp_rc tp_p11_key_attributes(struct tp_bytes spki, struct tp_error *error,
                                             struct tp_p11_attributes *ret_attributes, struct tp_p11_key *ret_key);

/* The SubjectPublicKeyInfo of a template for C_CreateObject, appended. CKR_TEMPLATE_INCOMPLETE,
 * CKR_ATTRIBUTE_VALUE_INVALID. */
CK_RV tp_p11_key_of_template(const CK_ATTRIBUTE *template, CK_ULONG count, struct tp_buf *ret_spki);

#endif
