/* SPDX-License-Identifier: Apache-2.0
 *
 * What signing and verifying have in common: a mechanism, a key, and data that come whole or in parts, until there is
 * the input of a primitive.
 */
#ifndef TP_P11_OPERATION_H
#define TP_P11_OPERATION_H

#include "p11/digest.h"
#include "p11/mac.h"
#include "p11/mechanism.h"
#include "p11/object.h"

struct tp_p11_operation {
    const struct tp_p11_mechanism *mechanism; /* NULL: no operation is active */
    struct tp_p11_object *key;                /* a reference */
    size_t signature_len;                     /* bytes */
    struct tp_p11_pss pss;
    bool in_parts;
    bool authorised; /* signing: by a login for this signature alone */
    char authorisation[TP_ID_LEN];
    struct tp_p11_hash hash; /* kept for the next operation */
    struct tp_buf parts;     /* of mechanisms that do not hash here */
    struct tp_p11_mac mac;   /* of mechanisms with a secret key: neither of the two */
};

#define TP_P11_INPUT_ROOM TP_PKI_DIGEST_INFO_MAX /* bytes */

void tp_p11_operation_clear(struct tp_p11_operation *operation);
void tp_p11_operation_end(struct tp_p11_operation *operation); /* may be called when none is active */

/* C_SignInit, C_VerifyInit: USE is CKF_SIGN or CKF_VERIFY. */
CK_RV tp_p11_operation_begin(struct tp_p11_call *call, struct tp_p11_operation *operation, CK_FLAGS use,
                             const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key);
/* Begins OPERATION, which is not active, as MODEL was. A login for one signature goes over to it. */
CK_RV tp_p11_operation_begin_like(struct tp_p11_operation *operation, struct tp_p11_operation *model);
/* C_SignUpdate, C_VerifyUpdate. A failure ends the operation. */
CK_RV tp_p11_operation_update(struct tp_p11_operation *operation, struct tp_bytes part);
/* For mechanisms with a secret key: the signature over DATA (NULL: over the parts), which RET_VALUE has room for. */
CK_RV tp_p11_operation_mac(struct tp_p11_operation *operation, const struct tp_bytes *data,
                           uint8_t ret_value[TP_P11_MAC_MAX]);
/* For all others, what the primitive gets: a view of DATA (NULL: of the parts), or of ROOM. */
CK_RV tp_p11_operation_input(struct tp_p11_operation *operation, const struct tp_bytes *data,
                             uint8_t room[TP_P11_INPUT_ROOM], struct tp_bytes *ret_input);

#endif
