/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer of a timestamp authority to one request (RFC 3161 §2.4, RFC 5816): what it takes and what it says.
 */
#ifndef TP_TSA_REPLY_H
#define TP_TSA_REPLY_H

#include "pki/timestamp.h"

#define TP_TSA_POLICIES 16

struct tp_tsa_profile {
    const struct tp_pki_signer *signer; /* its certificate has extended key usage timeStamping alone, critical */
    enum tp_pki_hash hash;              /* of the signature; NONE: what fits the key */
    char policies[TP_TSA_POLICIES][TP_PKI_OID_MAX]; /* the first is the default */
    size_t policies_len;
    int64_t accuracy_us; /* -1: not told */
    bool ordering;
};
/* TP_CONFIG with words for a profile that could not answer anybody: no certificate, one not for timestamping or expired. */
TP_MUST_USE enum tp_rc tp_tsa_profile_check(const struct tp_tsa_profile *profile, int64_t now_ms, struct tp_error *error);

/* What became of it, for the audit log. */
struct tp_tsa_outcome {
    bool granted;
    int failure;                         /* enum tp_pki_timestamp_failure; -1 when granted */
    char why[TP_ERROR_WORDS_LEN];
    struct tp_pki_timestamp_info info;   /* when granted */
};
/* REQUEST (DER) at TIME_US, with a serial number that was never used before. TP_OK also for a rejection, which is an answer.
 * Response appended. */
TP_MUST_USE enum tp_rc tp_tsa_reply(const struct tp_tsa_profile *profile, struct tp_bytes request, int64_t time_us,
                                    const uint8_t *serial, size_t serial_len, struct tp_error *error,
                                    struct tp_tsa_outcome *ret_outcome, struct tp_buf *ret_response);

#endif
