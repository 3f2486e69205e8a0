/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tokens can do: one table.
 */
#ifndef TP_P11_MECHANISM_H
#define TP_P11_MECHANISM_H

#include "base/bytes.h"
#include "ipc/operation.h"
#include "pki/digest_info.h"
#include "trustp11/cryptoki.h"

enum tp_p11_kind { TP_P11_NO_KEY, TP_P11_RSA, TP_P11_EC, TP_P11_ED, TP_P11_GENERIC, TP_P11_AES };
#define TP_P11_GENERIC_LEN_MAX 512 /* bytes of a generic secret */

/* What is done with a secret key, in this process. */
enum tp_p11_mode {
    TP_P11_NO_MODE, /* not with a secret key */
    TP_P11_KEY_GEN,
    TP_P11_HMAC,         /* RFC 2104, with the row's hash */
    TP_P11_HMAC_GENERAL, /* cut to the length that the parameter says */
    TP_P11_CMAC,         /* RFC 4493, SP 800-38B */
    TP_P11_CMAC_GENERAL,
    TP_P11_ECB, /* SP 800-38A */
    TP_P11_CBC,
    TP_P11_CBC_PAD, /* as in PKCS #7 */
    TP_P11_CTR,
    TP_P11_GCM, /* SP 800-38D */
    TP_P11_KW,  /* RFC 3394, SP 800-38F */
    TP_P11_KWP, /* RFC 5649, the same with padding */
};

struct tp_p11_mechanism {
    CK_MECHANISM_TYPE type;
    CK_FLAGS flags;                  /* CKF_SIGN, CKF_VERIFY, CKF_DIGEST, …: what may be begun */
    enum tp_p11_kind kind;           /* of the key */
    enum tp_pki_hash hash;           /* that is made here; NONE: the caller's data go as they are */
    enum tp_ipc_primitive primitive; /* that the engine is asked for, and the HSM needs; 0: nothing is asked */
    enum tp_p11_mode mode;
};

/* NULL when there is no such mechanism. */
const struct tp_p11_mechanism *tp_p11_mechanism(CK_MECHANISM_TYPE type);
/* C_GetMechanismList and C_GetMechanismInfo: every token has the same, but for signing with Edwards keys. */
CK_RV tp_p11_mechanism_list(CK_MECHANISM_TYPE *types, CK_ULONG *count);
CK_RV tp_p11_mechanism_info(CK_MECHANISM_TYPE type, bool has_edwards_key, CK_MECHANISM_INFO *ret_info);
#define TP_P11_MECHANISMS_MAX 128
/* The types that have all of USE (flags) for keys of KIND, for CKA_ALLOWED_MECHANISMS. Returns how many. */
size_t tp_p11_mechanism_allowed(enum tp_p11_kind kind, CK_FLAGS use,
                                CK_MECHANISM_TYPE ret_types[TP_P11_MECHANISMS_MAX]);

/* What CK_RSA_PKCS_PSS_PARAMS says, checked. */
struct tp_p11_pss {
    enum tp_pki_hash hash, mgf_hash;
    size_t salt_len;
};
#define TP_P11_ED448_BITS 448
/* CKR_MECHANISM_PARAM_INVALID unless the parameter is what the row wants for USE (CKF_SIGN, CKF_VERIFY) with a key of
 * KEY_BITS. */
CK_RV tp_p11_mechanism_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, CK_FLAGS use,
                                 size_t key_bits, struct tp_p11_pss *ret_pss);

#endif
