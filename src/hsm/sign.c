/* SPDX-License-Identifier: Apache-2.0
 *
 * A signature: two calls into the HSM, and no allocation.
 */
#include "hsm/internal.h"
#include "hsm/key_type.h"

static const struct {
    CK_MECHANISM_TYPE mechanism;
    CK_KEY_TYPE type;
} mechanisms[] = {
    [TP_HSM_RSA_PKCS] = {CKM_RSA_PKCS, CKK_RSA},
    [TP_HSM_RSA_PSS] = {CKM_RSA_PKCS_PSS, CKK_RSA},
    [TP_HSM_ECDSA] = {CKM_ECDSA, CKK_EC},
    [TP_HSM_EDDSA] = {CKM_EDDSA, CKK_EC_EDWARDS},
};

static const struct hash {
    unsigned bits;
    CK_MECHANISM_TYPE hash;
    CK_RSA_PKCS_MGF_TYPE mgf;
} hashes[] = {
    {160, CKM_SHA_1, CKG_MGF1_SHA1},    {224, CKM_SHA224, CKG_MGF1_SHA224}, {256, CKM_SHA256, CKG_MGF1_SHA256},
    {384, CKM_SHA384, CKG_MGF1_SHA384}, {512, CKM_SHA512, CKG_MGF1_SHA512},
};

static const struct hash *find_hash(unsigned bits)
{
    for (size_t i = 0; i < sizeof(hashes) / sizeof(hashes[0]); i++)
        if (hashes[i].bits == bits)
            return &hashes[i];
    return NULL;
}

static enum tp_rc pss_params(const struct tp_hsm_sign_params *params, struct tp_error *error,
                             CK_RSA_PKCS_PSS_PARAMS *ret_pss)
{
    const struct hash *hash = find_hash(params->hash_bits), *mgf = find_hash(params->mgf_bits);
    if (hash == NULL || mgf == NULL)
        return tp_error_set(error, TP_MECHANISM, "RSA-PSS with a hash of %u bits and MGF1 of %u is not known",
                            params->hash_bits, params->mgf_bits);
    *ret_pss = (CK_RSA_PKCS_PSS_PARAMS){.hashAlg = hash->hash, .mgf = mgf->mgf, .sLen = params->salt_len};
    return TP_OK;
}

enum tp_rc tp_hsm_sign(struct tp_hsm_session *session, struct tp_hsm_key *key, const struct tp_hsm_sign_params *params,
                       struct tp_bytes data, struct tp_error *error, uint8_t *ret_signature, size_t *ret_signature_len)
{
    CK_RSA_PKCS_PSS_PARAMS pss;
    CK_ULONG len = TP_HSM_SIGNATURE_MAX;
    if (params->mechanism < TP_HSM_RSA_PKCS || params->mechanism > TP_HSM_EDDSA ||
        mechanisms[params->mechanism].type != tp_hsm_key_kind_of(key->type)->type)
        return tp_error_set(error, TP_MECHANISM, "a key of type %s does not sign with mechanism %d",
                            tp_hsm_key_type_name(key->type), (int)params->mechanism);
    CK_MECHANISM mechanism = {.mechanism = mechanisms[params->mechanism].mechanism};
    if (params->mechanism == TP_HSM_RSA_PSS) {
        TP_TRY(pss_params(params, error, &pss));
        mechanism.pParameter = &pss;
        mechanism.ulParameterLen = sizeof(pss);
    }
    if (key->epoch != session->epoch) /* its handle may name something else in this login */
        return tp_hsm_call_rc(session->hsm, TP_CKR_NOT_CALLED, "C_SignInit", error);
    TP_HSM_TRY(session, error, C_SignInit, &mechanism, key->handle);
    TP_HSM_TRY(session, error, C_Sign, (CK_BYTE_PTR)data.data, data.len, ret_signature, &len);
    *ret_signature_len = len;
    return TP_OK;
}
