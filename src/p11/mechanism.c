/* SPDX-License-Identifier: Apache-2.0
 *
 * Hash-and-sign mechanisms hash here: the engine is asked for its four primitives only, a document never leaves the
 * process, and an HSM need not know a hash to sign over it.
 */
#include "p11/mechanism.h"

#include <string.h>

#define USE_KEY    (CKF_SIGN | CKF_VERIFY | CKF_MESSAGE_SIGN | CKF_MESSAGE_VERIFY)
#define USE_VERIFY (CKF_VERIFY | CKF_MESSAGE_VERIFY)
#define USE_CIPHER (CKF_ENCRYPT | CKF_DECRYPT)
#define USE_WRAP   (CKF_WRAP | CKF_UNWRAP)
#define USE_EC     (USE_KEY | CKF_EC_F_P | CKF_EC_NAMEDCURVE | CKF_EC_UNCOMPRESS)

static const struct tp_p11_mechanism table[] = {
    {CKM_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_HASH_NONE, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA1_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA1, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA224_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA224, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA256_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA256, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA384_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA384, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA512_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA512, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA3_224_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_224, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA3_256_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_256, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA3_384_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_384, TP_IPC_RSA_PKCS, 0},
    {CKM_SHA3_512_RSA_PKCS, USE_KEY, TP_P11_RSA, TP_PKI_SHA3_512, TP_IPC_RSA_PKCS, 0},
    {CKM_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_HASH_NONE, TP_IPC_RSA_PSS, 0},
    {CKM_SHA1_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA1, TP_IPC_RSA_PSS, 0},
    {CKM_SHA224_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA224, TP_IPC_RSA_PSS, 0},
    {CKM_SHA256_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA256, TP_IPC_RSA_PSS, 0},
    {CKM_SHA384_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA384, TP_IPC_RSA_PSS, 0},
    {CKM_SHA512_RSA_PKCS_PSS, USE_KEY, TP_P11_RSA, TP_PKI_SHA512, TP_IPC_RSA_PSS, 0},
    {CKM_SHA3_224_RSA_PKCS_PSS, USE_VERIFY, TP_P11_RSA, TP_PKI_SHA3_224, TP_IPC_RSA_PSS, 0},
    {CKM_SHA3_256_RSA_PKCS_PSS, USE_VERIFY, TP_P11_RSA, TP_PKI_SHA3_256, TP_IPC_RSA_PSS, 0},
    {CKM_SHA3_384_RSA_PKCS_PSS, USE_VERIFY, TP_P11_RSA, TP_PKI_SHA3_384, TP_IPC_RSA_PSS, 0},
    {CKM_SHA3_512_RSA_PKCS_PSS, USE_VERIFY, TP_P11_RSA, TP_PKI_SHA3_512, TP_IPC_RSA_PSS, 0},
    {CKM_ECDSA, USE_EC, TP_P11_EC, TP_PKI_HASH_NONE, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA1, USE_EC, TP_P11_EC, TP_PKI_SHA1, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA224, USE_EC, TP_P11_EC, TP_PKI_SHA224, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA256, USE_EC, TP_P11_EC, TP_PKI_SHA256, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA384, USE_EC, TP_P11_EC, TP_PKI_SHA384, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA512, USE_EC, TP_P11_EC, TP_PKI_SHA512, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA3_224, USE_EC, TP_P11_EC, TP_PKI_SHA3_224, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA3_256, USE_EC, TP_P11_EC, TP_PKI_SHA3_256, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA3_384, USE_EC, TP_P11_EC, TP_PKI_SHA3_384, TP_IPC_ECDSA, 0},
    {CKM_ECDSA_SHA3_512, USE_EC, TP_P11_EC, TP_PKI_SHA3_512, TP_IPC_ECDSA, 0},
    {CKM_EDDSA, USE_EC, TP_P11_ED, TP_PKI_HASH_NONE, TP_IPC_EDDSA, 0},
    {CKM_SHA_1, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA1, 0, 0},
    {CKM_SHA224, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA224, 0, 0},
    {CKM_SHA256, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA256, 0, 0},
    {CKM_SHA384, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA384, 0, 0},
    {CKM_SHA512, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA512, 0, 0},
    {CKM_SHA512_224, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA512_224, 0, 0},
    {CKM_SHA512_256, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA512_256, 0, 0},
    {CKM_SHA3_224, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_224, 0, 0},
    {CKM_SHA3_256, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_256, 0, 0},
    {CKM_SHA3_384, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_384, 0, 0},
    {CKM_SHA3_512, CKF_DIGEST, TP_P11_NO_KEY, TP_PKI_SHA3_512, 0, 0},
    /* session keys (secret_key.h): all in this process */
    {CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_HASH_NONE, 0, TP_P11_KEY_GEN},
    {CKM_AES_KEY_GEN, CKF_GENERATE, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_KEY_GEN},
    {CKM_SHA_1_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA1, 0, TP_P11_KEY_GEN},
    {CKM_SHA224_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA224, 0, TP_P11_KEY_GEN},
    {CKM_SHA256_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA256, 0, TP_P11_KEY_GEN},
    {CKM_SHA384_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA384, 0, TP_P11_KEY_GEN},
    {CKM_SHA512_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA512, 0, TP_P11_KEY_GEN},
    {CKM_SHA512_224_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA512_224, 0, TP_P11_KEY_GEN},
    {CKM_SHA512_256_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA512_256, 0, TP_P11_KEY_GEN},
    {CKM_SHA3_224_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA3_224, 0, TP_P11_KEY_GEN},
    {CKM_SHA3_256_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA3_256, 0, TP_P11_KEY_GEN},
    {CKM_SHA3_384_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA3_384, 0, TP_P11_KEY_GEN},
    {CKM_SHA3_512_KEY_GEN, CKF_GENERATE, TP_P11_GENERIC, TP_PKI_SHA3_512, 0, TP_P11_KEY_GEN},
    {CKM_SHA_1_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA1, 0, TP_P11_HMAC},
    {CKM_SHA224_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA224, 0, TP_P11_HMAC},
    {CKM_SHA256_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA256, 0, TP_P11_HMAC},
    {CKM_SHA384_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA384, 0, TP_P11_HMAC},
    {CKM_SHA512_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA512, 0, TP_P11_HMAC},
    {CKM_SHA512_224_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA512_224, 0, TP_P11_HMAC},
    {CKM_SHA512_256_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA512_256, 0, TP_P11_HMAC},
    {CKM_SHA3_224_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_224, 0, TP_P11_HMAC},
    {CKM_SHA3_256_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_256, 0, TP_P11_HMAC},
    {CKM_SHA3_384_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_384, 0, TP_P11_HMAC},
    {CKM_SHA3_512_HMAC, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_512, 0, TP_P11_HMAC},
    {CKM_SHA_1_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA1, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA224_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA224, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA256_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA256, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA384_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA384, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA512_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA512, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA512_224_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA512_224, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA512_256_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA512_256, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA3_224_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_224, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA3_256_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_256, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA3_384_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_384, 0, TP_P11_HMAC_GENERAL},
    {CKM_SHA3_512_HMAC_GENERAL, USE_KEY, TP_P11_GENERIC, TP_PKI_SHA3_512, 0, TP_P11_HMAC_GENERAL},
    {CKM_AES_CMAC, USE_KEY, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_CMAC},
    {CKM_AES_CMAC_GENERAL, USE_KEY, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_CMAC_GENERAL},
    {CKM_AES_ECB, USE_CIPHER, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_ECB},
    {CKM_AES_CBC, USE_CIPHER, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_CBC},
    {CKM_AES_CBC_PAD, USE_CIPHER, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_CBC_PAD},
    {CKM_AES_CTR, USE_CIPHER, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_CTR},
    {CKM_AES_GCM, USE_CIPHER, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_GCM},
    {CKM_AES_KEY_WRAP, USE_WRAP, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_KW},
    {CKM_AES_KEY_WRAP_KWP, USE_WRAP, TP_P11_AES, TP_PKI_HASH_NONE, 0, TP_P11_KWP},
};
#define TABLE_LEN (sizeof(table) / sizeof(table[0]))
_Static_assert(TABLE_LEN <= TP_P11_MECHANISMS_MAX, "TP_P11_MECHANISMS_MAX is too small");

/* ulMinKeySize and ulMaxKeySize: in bits for public keys (mechanisms 3.0 §2.1, §2.3), of which other sizes can still be
 * verified with; in bytes for secret ones (§2.10), but for the making of generic ones (§2.7.4). */
struct key_size {
    CK_ULONG min, max;
};
static const struct key_size key_sizes[] = {
    [TP_P11_NO_KEY] = {0, 0},
    [TP_P11_RSA] = {2048, 4096},
    [TP_P11_EC] = {256, 521},
    [TP_P11_ED] = {255, 448},
    [TP_P11_GENERIC] = {1, TP_P11_GENERIC_LEN_MAX},
    [TP_P11_AES] = {16, 32},
};

static struct key_size key_size_of(const struct tp_p11_mechanism *row)
{
    struct key_size size = key_sizes[row->kind];
    if (row->kind == TP_P11_GENERIC && row->mode == TP_P11_KEY_GEN)
        return (struct key_size){8 * size.min, 8 * size.max};
    return size;
}

const struct tp_p11_mechanism *tp_p11_mechanism(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < TABLE_LEN; i++)
        if (table[i].type == type)
            return &table[i];
    return NULL;
}

CK_RV tp_p11_mechanism_list(CK_MECHANISM_TYPE *types, CK_ULONG *count)
{
    CK_ULONG found = 0;
    if (count == NULL)
        return CKR_ARGUMENTS_BAD;
    for (size_t i = 0; i < TABLE_LEN; i++) {
        if (types != NULL && found < *count)
            types[found] = table[i].type;
        found++;
    }
    bool fits = types == NULL || found <= *count;
    *count = found;
    return fits ? CKR_OK : CKR_BUFFER_TOO_SMALL;
}

/* What a token does not sign with is shown for verifying, which the module does.
 *
 * Signatures over SHA-1 are refused by the engine unless its policy has insecure_sha1, which is not known here: nobody
 * is invited to make one, and who asks for one all the same gets the engine's answer, and its reason in the audit log.
 */
static CK_FLAGS advertised(const struct tp_p11_mechanism *row, bool has_edwards_key)
{
    bool over_sha1 = row->hash == TP_PKI_SHA1 && row->primitive != 0;
    bool signs = !over_sha1 && (row->kind != TP_P11_ED || has_edwards_key);
    return signs ? row->flags : row->flags & ~(CK_FLAGS)(CKF_SIGN | CKF_MESSAGE_SIGN);
}

CK_RV tp_p11_mechanism_info(CK_MECHANISM_TYPE type, bool has_edwards_key, CK_MECHANISM_INFO *ret_info)
{
    const struct tp_p11_mechanism *row = tp_p11_mechanism(type);
    if (ret_info == NULL)
        return CKR_ARGUMENTS_BAD;
    if (row == NULL)
        return CKR_MECHANISM_INVALID;
    struct key_size size = key_size_of(row);
    *ret_info = (CK_MECHANISM_INFO){
        .ulMinKeySize = size.min, .ulMaxKeySize = size.max, .flags = advertised(row, has_edwards_key)};
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
    {CKM_SHA_1, CKG_MGF1_SHA1, TP_PKI_SHA1},
    {CKM_SHA224, CKG_MGF1_SHA224, TP_PKI_SHA224},
    {CKM_SHA256, CKG_MGF1_SHA256, TP_PKI_SHA256},
    {CKM_SHA384, CKG_MGF1_SHA384, TP_PKI_SHA384},
    {CKM_SHA512, CKG_MGF1_SHA512, TP_PKI_SHA512},
    {CKM_SHA3_224, CKG_MGF1_SHA3_224, TP_PKI_SHA3_224},
    {CKM_SHA3_256, CKG_MGF1_SHA3_256, TP_PKI_SHA3_256},
    {CKM_SHA3_384, CKG_MGF1_SHA3_384, TP_PKI_SHA3_384},
    {CKM_SHA3_512, CKG_MGF1_SHA3_512, TP_PKI_SHA3_512},
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

/* PSS with SHA-3 is verified here, but signed by nobody: the engine asks the HSM by the length of the hash, which is
 * SHA-2's, since HSMs with PSS over SHA-3 are rare. */
static bool is_signed_with(enum tp_pki_hash hash)
{
    return hash < TP_PKI_SHA3_224;
}

static CK_RV pss_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, CK_FLAGS use,
                           size_t key_bits, struct tp_p11_pss *ret_pss)
{
    CK_RSA_PKCS_PSS_PARAMS params;
    struct tp_p11_pss pss = {0};
    if (mechanism->pParameter == NULL || mechanism->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, mechanism->pParameter, sizeof(params));
    pss_hashes_find(&params, &pss);
    if (pss.hash == TP_PKI_HASH_NONE || pss.mgf_hash == TP_PKI_HASH_NONE)
        return CKR_MECHANISM_PARAM_INVALID;
    if (use == CKF_SIGN && !(is_signed_with(pss.hash) && is_signed_with(pss.mgf_hash)))
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

/* Ed448 has a parameter (mechanisms 3.0 §2.3.15), which says that there is neither a context nor prehashing: those the
 * engine does not sign. For Ed25519 even an empty one would be another mechanism, Ed25519ctx (RFC 8032 §5.1). */
static CK_RV eddsa_parameter(const CK_MECHANISM *mechanism, size_t key_bits)
{
    CK_EDDSA_PARAMS params;
    if (mechanism->ulParameterLen == 0)
        return CKR_OK;
    if (key_bits != TP_P11_ED448_BITS || mechanism->pParameter == NULL || mechanism->ulParameterLen != sizeof(params))
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&params, mechanism->pParameter, sizeof(params));
    return params.phFlag == CK_FALSE && params.ulContextDataLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}

CK_RV tp_p11_mechanism_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, CK_FLAGS use,
                                 size_t key_bits, struct tp_p11_pss *ret_pss)
{
    if (row->primitive == TP_IPC_RSA_PSS)
        return pss_parameter(row, mechanism, use, key_bits, ret_pss);
    if (row->primitive == TP_IPC_EDDSA)
        return eddsa_parameter(mechanism, key_bits);
    return mechanism->ulParameterLen == 0 ? CKR_OK : CKR_MECHANISM_PARAM_INVALID;
}
