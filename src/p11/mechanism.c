/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash-and-sign mechanisms hash here: the engine is asked for its four primitives only, a document never leaves the
 * process, and an HSM need not know a hash to sign over it.
 */
#include "p11/mechanism.h"
#include "p11/key_type.h"

#include <string.h>

#define USE_KEY (CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY)
#define USE_EC  (USE_KEY | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

#define MAKE_KEY CKF_GENERATE_KEY_PAIR
#define MAKE_EC  (MAKE_KEY | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct tp_p11_mechanism table[] = {
    {CKM_RSA_PKCS_KEY_PAIR_GEN, MAKE_KEY, TP_P11_RSA, TP_PKI_HASH_NONE, 0},
    {CKM_EC_KEY_PAIR_GEN, MAKE_EC, TP_P11_EC, TP_PKI_HASH_NONE, 0},
    {CKM_EC_EDWARDS_KEY_PAIR_GEN, MAKE_EC, TP_P11_ED, TP_PKI_HASH_NONE, 0},
    {CKM_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_HASH_NONE, TP_IPC_RSA_PKCS},
    {CKM_SHA1_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA1, TP_IPC_RSA_PKCS},
    {CKM_SHA224_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA224, TP_IPC_RSA_PKCS},
    {CKM_SHA256_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA256, TP_IPC_RSA_PKCS},
    {CKM_SHA384_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA384, TP_IPC_RSA_PKCS},
    {CKM_SHA512_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA512, TP_IPC_RSA_PKCS},
    {CKM_SHA3_224_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_224, TP_IPC_RSA_PKCS},
    {CKM_SHA3_256_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_256, TP_IPC_RSA_PKCS},
    {CKM_SHA3_384_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_384, TP_IPC_RSA_PKCS},
    {CKM_SHA3_512_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_512, TP_IPC_RSA_PKCS},
    {CKM_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_HASH_NONE, TP_IPC_RSA_PSS},
    {CKM_SHA1_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA1, TP_IPC_RSA_PSS},
    {CKM_SHA224_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA224, TP_IPC_RSA_PSS},
    {CKM_SHA256_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA256, TP_IPC_RSA_PSS},
    {CKM_SHA384_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA384, TP_IPC_RSA_PSS},
    {CKM_SHA512_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA512, TP_IPC_RSA_PSS},
    {CKM_ECDSA, USE_EC, TP_P11_EC, TP_PKI_HASH_NONE, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA1, USE_EC, TP_P11_EC, TP_PKI_SHA1, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA224, USE_EC, TP_P11_EC, TP_PKI_SHA224, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA256, USE_EC, TP_P11_EC, TP_PKI_SHA256, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA384, USE_EC, TP_P11_EC, TP_PKI_SHA384, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA512, USE_EC, TP_P11_EC, TP_PKI_SHA512, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA3_224, USE_EC, TP_P11_EC, TP_PKI_SHA3_224, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA3_256, USE_EC, TP_P11_EC, TP_PKI_SHA3_256, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA3_384, USE_EC, TP_P11_EC, TP_PKI_SHA3_384, TP_IPC_ECDSA},
    {CKM_ECDSA_SHA3_512, USE_EC, TP_P11_EC, TP_PKI_SHA3_512, TP_IPC_ECDSA},
    {CKM_EDDSA, USE_EC, TP_P11_ED, TP_PKI_HASH_NONE, TP_IPC_EDDSA},
    {CKM_SHA_1, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA1, 0},
    {CKM_SHA224, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA224, 0},
    {CKM_SHA256, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA256, 0},
    {CKM_SHA384, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA384, 0},
    {CKM_SHA512, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA512, 0},
    {CKM_SHA3_224, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_224, 0},
    {CKM_SHA3_256, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_256, 0},
    {CKM_SHA3_384, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_384, 0},
    {CKM_SHA3_512, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_512, 0},
};
#define TABLE_LEN (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_LEN <= TP_P11_MECHANISMS_MAX, "TP_P11_MECHANISMS_MAX is too small");

/* ulMinKeySize and ulMaxKeySize, in bits (mechanisms 3.0 §2.1, §2.3); keys of other sizes can still be verified with.
 */
static const struct {
    CK_ULONG min, max;
} key_sizes[] = {
    [TP_P11_NO_KEY] = {0, 0},
    [TP_P11_RSA] = {2048, 4096},
    [TP_P11_EC] = {256, 521},
    [TP_P11_ED] = {255, 448},
};

const struct tp_p11_mechanism *tp_p11_mechanism(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < TABLE_LEN; i++)
        if (table[i].type == type)
            return &table[i];
    return NULL;
}

static bool is_offered(const struct tp_p11_offer *offer, const struct tp_p11_mechanism *row)
{
    CK_ULONG min, max;
    if ((row->flags & CKF_GENERATE_KEY_PAIR) != 0)
        return tp_p11_key_types_range(offer->key_types, row->kind, &min, &max);
    return row->kind != TP_P11_ED || offer->edwards;
}

CK_RV tp_p11_mechanism_list(const struct tp_p11_offer *offer, CK_MECHANISM_TYPE *types, CK_ULONG *count)
{
    CK_ULONG found = 0;
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        if (!is_offered(offer, &table[i]))
            continue;
        if (types != NULL && found < *count)
            types[found] = table[i].type;
        found++;
    }
    bool fits = types == NULL || found <= *count;
    *count = found;
    return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

/* Signatures over SHA-1 are refused by the engine unless its policy has insecure_sha1, which is not known here: nobody
 * is invited to make one, and who asks for one all the same gets the engine's answer, and its reason in the audit log.
 */
static CK_FLAGS advertised(const struct tp_p11_mechanism *row)
{
    return row->hash == TP_PKI_SHA1 ? row->flags & ~(CK_FLAGS)(CKF_SIGN | CKF_MESSAGE_SIGN) : row->flags;
}

CK_RV tp_p11_mechanism_info(const struct tp_p11_offer *offer, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info)
{
    const struct tp_p11_mechanism *row = tp_p11_mechanism(type);
    if (ret_info == NULL)
        return CKR_ARGUMENTS_BAD;
    if (row == NULL || !is_offered(offer, row))
        return CKR_MECHANISM_INVALID;
    *ret_info = (CK_MECHANISM_INFO){
        .ulMinKeySize = key_sizes[row->kind].min, .ulMaxKeySize = key_sizes[row->kind].max, .flags = advertised(row)};
    if ((row->flags & CKF_GENERATE_KEY_PAIR) != 0) /* only what the HSM can keep: other sizes may still sign */
        (void)tp_p11_key_types_range(offer->key_types, row->kind, &ret_info->ulMinKeySize, &ret_info->ulMaxKeySize);
    return CKR_OK;
}

size_t tp_p11_mechanism_allowed(enum tp_p11_kind kind, CK_FLAGS use, CK_MECHANISM_TYPE ret_types[TP_P11_MECHANISMS_MAX])
{
    size_t count = 0;
    for (size_t i = 0; i < TABLE_LEN; i++)
        if (table[i].kind == kind && (table[i].flags & use) == use)
            ret_types[count++] = table[i].type;
    return count;
}

/* ---- parameters ---- */

static const struct {
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
    enum tp_pki_hash hash;
} pss_hashes[] = {
    {CKM_SHA_1, CKG_MGF1_SHA1, TP_PKI_SHA1},      {CKM_SHA224, CKG_MGF1_SHA224, TP_PKI_SHA224},
    {CKM_SHA256, CKG_MGF1_SHA256, TP_PKI_SHA256}, {CKM_SHA384, CKG_MGF1_SHA384, TP_PKI_SHA384},
    {CKM_SHA512, CKG_MGF1_SHA512, TP_PKI_SHA512},
};

static void pss_hashes_find(const CK_RSA_PKCS_PSS_PARAMS *params, struct tp_p11_pss *pss)
{
    for (size_t i = 0; i < sizeof(pss_hashes) / sizeof(pss_hashes[0]); i++) {
        if (pss_hashes[i].mechanism == params->hashAlg)
            pss->hash = pss_hashes[i].hash;
        if (pss_hashes[i].mgf == params->mgf)
            pss->mgf_hash = pss_hashes[i].hash;
    }
}

static CK_RV pss_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, size_t key_bits,
                           struct tp_p11_pss *ret_pss)
{
    CK_RSA_PKCS_PSS_PARAMS params;
    struct tp_p11_pss pss = {0};
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, mechanism->pParameter, sizeof(params));
    pss_hashes_find(&params, &pss);
    if (pss.hash == TP_PKI_HASH_NONE || pss.mgf_hash == TP_PKI_HASH_NONE)
        return CKR_MECHANISM_PARAM_INVALID;
    if (row->hash != TP_PKI_HASH_NONE && row->hash != pss.hash)
        return CKR_MECHANISM_PARAM_INVALID;
    /* mechanisms 3.0 §2.1.10: 0 … k* - 2 - hLen; k* is the modulus's length less one bit (RFC 8017 §9.1.1) */
    size_t encoded_len = key_bits == 0 ? 0 : (key_bits - 1 + 7) / 8, hash_len = tp_pki_hash_len(pss.hash);
    if (encoded_len < hash_len + 2 || params.sLen > encoded_len - hash_len - 2)
        return CKR_MECHANISM_PARAM_INVALID;
    pss.salt_len = params.sLen;
    *ret_pss = pss;
    return CKR_OK;
}

CK_RV tp_p11_mechanism_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, size_t key_bits,
                                 struct tp_p11_pss *ret_pss)
{
    if (row->primitive == TP_IPC_RSA_PSS)
        return pss_parameter(row, mechanism, key_bits, ret_pss);
    /* CK_EDDSA_PARAMS (a context, or prehashing) are not among the things that the engine signs */
    return mechanism->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}
