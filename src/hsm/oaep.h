/* SPDX-License-Identifier: Apache-2.0
 *
 * AES keys under an RSA key, RSAES-OAEP (RFC 8017, 7.1): out of the HSM, for custodians, and into it, for transport.
 */
#ifndef TP_HSM_OAEP_H
#define TP_HSM_OAEP_H

#include "hsm/internal.h"

/* Appends KEY wrapped to an RSA public key. */
TP_MUST_USE enum tp_rc tp_hsm_oaep_wrap(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, CK_OBJECT_HANDLE key,
                                        struct tp_error *error, struct tp_buf *ret_wrapped);
/* AES, the value of a key, as a session object that can only unwrap: encrypted here to SPKI, whose private half is the
 * session object BY. */
TP_MUST_USE enum tp_rc tp_hsm_oaep_send(struct tp_hsm_session *session, CK_OBJECT_HANDLE by, struct tp_bytes spki,
                                        struct tp_bytes aes, struct tp_error *error, struct tp_hsm_scrap *ret_key);

#endif
