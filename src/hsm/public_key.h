/* SPDX-License-Identifier: Apache-2.0
 *
 * Public keys between PKCS#11's attributes and SubjectPublicKeyInfo (RFC 5280, 4.1.2.7).
 */
#ifndef TP_HSM_PUBLIC_KEY_H
#define TP_HSM_PUBLIC_KEY_H

#include "hsm/internal.h"
#include "hsm/key_type.h"

/* Appends the DER of the public key object's SubjectPublicKeyInfo. */
TP_MUST_USE enum tp_rc tp_hsm_public_key_read(struct tp_hsm_session *session, CK_OBJECT_HANDLE object,
                                              const struct tp_hsm_key_kind *kind, struct tp_error *error,
                                              struct tp_buf *ret_spki);
/* The point of an EC_POINT attribute: PKCS#11 2.40 puts an OCTET STRING around it, 2.20's readers and Ed25519's often
 * do not. TP_MALFORMED when it is neither. */
TP_MUST_USE enum tp_rc tp_hsm_public_key_point(struct tp_bytes attribute, size_t point_len, struct tp_bytes *ret_point);
/* An RSA key of 2048 bits or more as a session object that can only wrap. TP_BAD_ARGUMENT with words otherwise. */
TP_MUST_USE enum tp_rc tp_hsm_public_key_import(struct tp_hsm_session *session, struct tp_bytes spki,
                                                struct tp_error *error, struct tp_hsm_scrap *ret_key);
/* What the halves of a new pair may do. */
struct tp_hsm_pair_uses {
    unsigned public_uses, private_uses; /* enum tp_hsm_use */
    bool extractable;                   /* the private half, by wrapping */
};
TP_MUST_USE enum tp_rc tp_hsm_pair_generate_for(struct tp_hsm_session *session, const struct tp_hsm_key_kind *kind,
                                                const struct tp_hsm_pair_uses *uses, struct tp_error *error,
                                                struct tp_hsm_scrap *ret_public, struct tp_hsm_scrap *ret_private);
/* A new pair that signs, as session objects; the private half is extractable, to be wrapped and destroyed. */
TP_MUST_USE enum tp_rc tp_hsm_pair_generate(struct tp_hsm_session *session, const struct tp_hsm_key_kind *kind,
                                            struct tp_error *error, struct tp_hsm_scrap *ret_public,
                                            struct tp_hsm_scrap *ret_private);

#endif
