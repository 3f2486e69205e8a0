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

enum tp_p11_kind { TP_P11_NO_KEY, TP_P11_RSA, TP_P11_EC, TP_P11_ED };

struct tp_p11_mechanism {
    CK_MECHANISM_TYPE type;
    CK_FLAGS flags;                  /* CKF_SIGN, CKF_VERIFY, CKF_DIGEST, CKF_GENERATE_KEY_PAIR, …: what may be begun */
    enum tp_p11_kind kind;           /* of the key */
    enum tp_pki_hash hash;           /* that is made here; NONE: the caller's data go as they are */
    enum tp_ipc_primitive primitive; /* that the engine is asked for; 0: nothing is asked */
};

/* NULL when there is no such mechanism. */
const struct tp_p11_mechanism *tp_p11_mechanism(CK_MECHANISM_TYPE type);
/* What tokens differ in. */
struct tp_p11_offer {
    bool edwards;       /* there are Edwards keys, or there may be */
    unsigned key_types; /* that can be made: key_type.h */
};
/* C_GetMechanismList and C_GetMechanismInfo. */
CK_RV tp_p11_mechanism_list(const struct tp_p11_offer *offer, CK_MECHANISM_TYPE *types, CK_ULONG *count);
CK_RV tp_p11_mechanism_info(const struct tp_p11_offer *offer, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *ret_info);
#define TP_P11_MECHANISMS_MAX 64
/* The types that have all of USE (flags) for keys of KIND, for CKA_ALLOWED_MECHANISMS. Returns how many. */
size_t tp_p11_mechanism_allowed(enum tp_p11_kind kind, CK_FLAGS use,
                                CK_MECHANISM_TYPE ret_types[TP_P11_MECHANISMS_MAX]);

/* What CK_RSA_PKCS_PSS_PARAMS says, checked. */
struct tp_p11_pss {
    enum tp_pki_hash hash, mgf_hash;
    size_t salt_len;
};
/* CKR_MECHANISM_PARAM_INVALID unless the parameter is what the row wants; KEY_BITS is the modulus's length. */
CK_RV tp_p11_mechanism_parameter(const struct tp_p11_mechanism *row, const CK_MECHANISM *mechanism, size_t key_bits,
                                 struct tp_p11_pss *ret_pss);

#endif
