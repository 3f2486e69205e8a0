/* SPDX-License-Identifier: Apache-2.0
 *
 * A signer whose key lies in a PKCS#11 token.
 */
#include "hsm/signer.h"
#include "hsm/signer_internal.h"
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

#define SIGNATURE_MAX 2048 /* RSA-16384 */

struct signer {
    struct tp_hsm_card card;
    struct tp_hsm_card_key key;
};

static void signer_free(struct signer *signer)
{
    tp_hsm_card_clear(&signer->card);
    free(signer);
}
TP_DEFINE_AUTO(struct signer, signer_free)

/* ---- signing ---- */

static const CK_MECHANISM_TYPE mechanisms[] = {[TP_PKI_RSA_PKCS1] = CKM_RSA_PKCS,
                                               [TP_PKI_RSA_PSS] = CKM_RSA_PKCS_PSS,
                                               [TP_PKI_ECDSA] = CKM_ECDSA,
                                               [TP_PKI_EDDSA] = CKM_EDDSA};

/* PKCS#11 has no PSS with a cut SHA-512 or MD5. */
static const struct {
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mgf;
} pss[TP_PKI_HASH_END] = {
    [TP_PKI_SHA1] = {CKM_SHA_1, CKG_MGF1_SHA1},
    [TP_PKI_SHA224] = {CKM_SHA224, CKG_MGF1_SHA224},
    [TP_PKI_SHA256] = {CKM_SHA256, CKG_MGF1_SHA256},
    [TP_PKI_SHA384] = {CKM_SHA384, CKG_MGF1_SHA384},
    [TP_PKI_SHA512] = {CKM_SHA512, CKG_MGF1_SHA512},
    [TP_PKI_SHA3_224] = {CKM_SHA3_224, CKG_MGF1_SHA3_224},
    [TP_PKI_SHA3_256] = {CKM_SHA3_256, CKG_MGF1_SHA3_256},
    [TP_PKI_SHA3_384] = {CKM_SHA3_384, CKG_MGF1_SHA3_384},
    [TP_PKI_SHA3_512] = {CKM_SHA3_512, CKG_MGF1_SHA3_512},
};

struct call {
    CK_MECHANISM mechanism;
    CK_RSA_PKCS_PSS_PARAMS pss;
    uint8_t digest_info[TP_PKI_DIGEST_INFO_MAX];
    struct tp_bytes data;
};

static enum tp_rc call_prepare(const struct tp_pki_sign_input *input, struct tp_error *error, struct call *call)
{
    call->mechanism = (CK_MECHANISM){.mechanism = mechanisms[input->scheme]};
    call->data = input->input;
    if (input->scheme == TP_PKI_RSA_PKCS1) {
        size_t len;
        TP_TRY(tp_pki_digest_info_make(input->hash, input->input, call->digest_info, &len));
        call->data = TP_BYTES(call->digest_info, len);
    }
    if (input->scheme == TP_PKI_RSA_PSS) {
        if (pss[input->hash].hash == 0)
            return tp_error_set(error, TP_MECHANISM, "PKCS#11 has no RSA-PSS with %s", tp_pki_hash_name(input->hash));
        call->pss = (CK_RSA_PKCS_PSS_PARAMS){pss[input->hash].hash, pss[input->hash].mgf, input->input.len};
        call->mechanism.pParameter = &call->pss;
        call->mechanism.ulParameterLen = sizeof call->pss;
    }
    return TP_OK;
}

static enum tp_rc call_make(struct signer *signer, CK_SESSION_HANDLE session, struct call *call, struct tp_error *error,
                            struct tp_buf *ret_signature)
{
    uint8_t signature[SIGNATURE_MAX];
    CK_ULONG len = sizeof signature;
    struct tp_hsm_card *card = &signer->card;
    TP_HSM_CARD_TRY(card, error, C_SignInit, session, &call->mechanism, signer->key.handle);
    if (signer->key.always_authenticate) /* between the two calls (PKCS#11 3.0 §5.6.8) */
        TP_TRY(tp_hsm_card_login(card, session, CKU_CONTEXT_SPECIFIC, error));
    TP_HSM_CARD_TRY(card, error, C_Sign, session, (CK_BYTE_PTR)call->data.data, call->data.len, signature, &len);
    return len <= sizeof signature ? tp_buf_append(ret_signature, TP_BYTES(signature, len)) : TP_HSM;
}

static enum tp_rc sign(void *context, const struct tp_pki_sign_input *input, struct tp_error *error,
                       struct tp_buf *ret_signature)
{
    struct signer *signer = context;
    struct call call;
    CK_SESSION_HANDLE session;
    TP_TRY(call_prepare(input, error, &call));
    TP_TRY(tp_hsm_card_session_take(&signer->card, error, &session));
    const enum tp_rc rc = call_make(signer, session, &call, error, ret_signature);
    tp_hsm_card_session_give(&signer->card, session, rc != TP_OK);
    return rc;
}

static void release(void *context)
{
    signer_free(context);
}

static const struct tp_pki_signer_calls calls = {.sign = sign, .release = release};

/* ---- opening ---- */

/* The chain that was given in place of the token's. */
static enum tp_rc chain_given(const struct tp_hsm_signer_config *config, struct tp_hsm_card_choice *choice,
                              struct tp_error *error)
{
    if (config->certificates_len > TP_PKI_SIGNER_CERTIFICATES)
        return tp_error_set(error, TP_TOO_LARGE, "a chain of %zu certificates is longer than %d",
                            config->certificates_len, TP_PKI_SIGNER_CERTIFICATES);
    for (size_t i = 0; i < config->certificates_len; i++)
        choice->chain[i] = config->certificates[i];
    if (config->certificates_len > 0)
        choice->chain_len = config->certificates_len;
    return TP_OK;
}

/* The token's word for the public key, or else the certificate's: a signature that does not fit it is refused. */
static enum tp_rc spki_fill(const struct signer *signer, struct tp_hsm_card_choice *choice, struct tp_error *error)
{
    struct tp_pki_certificate own TP_AUTO(tp_pki_certificate_clear) = {0};
    if (choice->spki.len > 0)
        return TP_OK;
    if (choice->chain_len == 0)
        return tp_error_set(
            error, TP_NOT_FOUND,
            "the token \"%s\" has neither certificate nor public key for the key \"%s\": give its certificate",
            signer->card.name, signer->key.label);
    TP_TRY(tp_pki_certificate_parse(choice->chain[0], error, &own));
    return tp_buf_append(&choice->spki, tp_buf_bytes(&own.spki));
}

static void choice_clear(struct tp_hsm_card_choice *choice)
{
    tp_buf_clear(&choice->spki);
}

enum tp_rc tp_hsm_signer_open(const struct tp_hsm_signer_config *config, struct tp_error *error,
                              struct tp_pki_signer **ret_signer)
{
    struct tp_hsm_card_certificates *certificates TP_AUTO(tp_hsm_card_certificates_free_p) = NULL;
    struct tp_hsm_card_choice choice TP_AUTO(choice_clear) = {.chain_len = 0};
    struct signer *signer TP_AUTO(signer_free_p) = calloc(1, sizeof *signer);
    if (signer == NULL)
        return TP_MEMORY;
    TP_TRY(tp_hsm_card_open(&signer->card, config, error));
    TP_TRY(tp_hsm_card_certificates(&signer->card, error, &certificates));
    TP_TRY(tp_hsm_card_choose(&signer->card, certificates, error, &choice));
    signer->key = choice.key;
    TP_TRY(chain_given(config, &choice, error));
    TP_TRY(spki_fill(signer, &choice, error));
    struct signer *context = signer;
    signer = NULL; /* the new one's, also when it fails */
    return tp_pki_signer_new(tp_buf_bytes(&choice.spki), choice.chain, choice.chain_len, &calls, context, error,
                             ret_signer);
}
