/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests, responses and tokens of RFC 3161 have in common.
 */
#ifndef TP_PKI_TIMESTAMP_PARTS_H
#define TP_PKI_TIMESTAMP_PARTS_H

#include "base/der.h"
#include "pki/timestamp.h"

#define TP_PKI_TIMESTAMP_CONTENT "1.2.840.113549.1.9.16.1.4" /* id-ct-TSTInfo */

struct tp_pki_imprint {
    enum tp_pki_hash hash; /* NONE: an algorithm that is not known */
    uint8_t *bytes;        /* 64 of them */
    size_t *len;
    bool bare, odd; /* its algorithm has no parameters; or others than NULL */
};
/* MessageImprint: TP_MALFORMED, or TP_DATA_LENGTH when the hash is not as long as its algorithm makes it. */
TP_MUST_USE enum tp_rc tp_pki_imprint_take(struct tp_bytes *at, struct tp_pki_imprint *imprint);
TP_MUST_USE enum tp_rc tp_pki_imprint_put(struct tp_buf *buf, enum tp_pki_hash hash, bool bare, struct tp_bytes digest);
/* An OBJECT IDENTIFIER as dotted text; TP_NOT_FOUND when none is next. */
TP_MUST_USE enum tp_rc tp_pki_policy_take(struct tp_bytes *at, char ret_policy[TP_PKI_OID_MAX]);
/* An INTEGER's content; TP_NOT_FOUND when none is next. */
TP_MUST_USE enum tp_rc tp_pki_nonce_take(struct tp_bytes *at, uint8_t ret_nonce[TP_PKI_NONCE_MAX], size_t *ret_len);
/* BOOLEAN DEFAULT FALSE. */
TP_MUST_USE enum tp_rc tp_pki_flag_take(struct tp_bytes *at, bool *ret_flag);
extern const uint8_t tp_pki_der_true[3]; /* BOOLEAN TRUE */

TP_MUST_USE enum tp_rc tp_pki_timestamp_info_read(struct tp_bytes der, struct tp_error *error,
                                                  struct tp_pki_timestamp_info *ret_info);
TP_MUST_USE enum tp_rc tp_pki_timestamp_info_write(const struct tp_pki_timestamp_info *info, struct tp_buf *ret_der);

#endif
