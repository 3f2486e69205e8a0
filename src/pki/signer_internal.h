/* SPDX-License-Identifier: Apache-2.0
 *
 * Between the signer and its provider: signer.c knows no OSSL_DISPATCH, signer_provider.c and signer_signature.c know
 * no callback.
 */
#ifndef TP_PKI_SIGNER_INTERNAL_H
#define TP_PKI_SIGNER_INTERNAL_H

#include "pki/internal.h"
#include "pki/signer.h"

#include <openssl/core.h>
#include <stdatomic.h>

#define TP_PKI_PROVIDER       "trustp11"
#define TP_PKI_SIGNATURE_MOST 2048 /* RSA-16384 */

TP_DEFINE_AUTO(EVP_PKEY_CTX, EVP_PKEY_CTX_free)
TP_DEFINE_AUTO(EVP_MD_CTX, EVP_MD_CTX_free)

struct tp_pki_signer {
    /* The owner's, and one for as long as KEY lives: whoever has taken a reference to the EVP_PKEY (a request, a
     * certificate) may outlive the owner. */
    atomic_uint references;
    const struct tp_pki_signer_calls *calls;
    void *context;
    struct tp_pki_key_info info;
    struct tp_buf spki, certificates[TP_PKI_SIGNER_CERTIFICATES];
    size_t certificates_len;
    /* Of the CMS that it signs, ready to be copied: IssuerAndSerialNumber, and the content of `certificates`. */
    struct tp_buf cms_sid, cms_certificates;
    EVP_PKEY *public_key; /* the default provider's */
    EVP_PKEY *key;        /* ours; see signer_provider.c */
};
void tp_pki_signer_unref(struct tp_pki_signer *signer);

/* An EVP_PKEY of our provider that holds a reference to SIGNER. */
TP_MUST_USE enum tp_rc tp_pki_signer_key_make(struct tp_pki_signer *signer, EVP_PKEY **ret_key);

/* The one place where the callback is called: INPUT is checked before, the signature after. RET_SIGNATURE as libcrypto
 * wants it; appended. */
TP_MUST_USE enum tp_rc tp_pki_signer_call(const struct tp_pki_signer *signer, const struct tp_pki_sign_input *input,
                                          struct tp_error *error, struct tp_buf *ret_signature);
/* The same with the words kept for tp_pki_signer_failed. */
TP_MUST_USE enum tp_rc tp_pki_signer_call_kept(const struct tp_pki_signer *signer,
                                               const struct tp_pki_sign_input *input, struct tp_buf *ret_signature);
/* Keeps words that are not a callback's. */
void tp_pki_signer_keep(enum tp_rc rc, const char *words);
void tp_pki_signer_keep_none(
    void); /* at the beginning of an operation: nobody may have asked for the words of the last */
/* Of the longest signature as libcrypto wants it. */
size_t tp_pki_signer_most(const struct tp_pki_signer *signer);

/* Fills cms_sid and cms_certificates from the certificates; cms_make.c. */
TP_MUST_USE enum tp_rc tp_pki_signer_prepare_cms(struct tp_pki_signer *signer, struct tp_error *error);

/* What is behind the EVP_PKEY. */
struct tp_pki_key_data {
    struct tp_pki_signer *signer; /* a reference */
};
extern const OSSL_ALGORITHM tp_pki_signature_algorithms[];

#endif
