/* SPDX-License-Identifier: Apache-2.0
 *
 * The answer of a timestamp authority to one request (RFC 3161 §2.4, RFC 5816): what it takes and what it says.
 *
 * In two steps, so that what is decided can be recorded while it is signed: tp_tsa_decide looks at the request and says what
 * the token would say; tp_tsa_answer signs it, or words the rejection.
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
    int64_t not_before_ms, not_after_ms; /* of the certificate; set by tp_tsa_profile_check */
};
/* "1.2.3.4, 1.2.3.5": appended to PROFILE. TP_CONFIG with words for what is no OID, or for none at all. */
TP_MUST_USE enum tp_rc tp_tsa_profile_policies(struct tp_tsa_profile *profile, const char *list, struct tp_error *error);
/* TP_CONFIG with words for a profile that could not answer anybody: no policy, no certificate, one that is not for timestamping
 * or expired, a hash that the key cannot sign. Fills in what is left open. */
TP_MUST_USE enum tp_rc tp_tsa_profile_check(struct tp_tsa_profile *profile, int64_t now_ms, struct tp_error *error);

/* What a request meets: the time, or why there is none; and a serial number that was never used before. */
struct tp_tsa_moment {
    int64_t time_us;
    const char *no_time; /* NULL: there is one */
    uint8_t serial[TP_PKI_TIMESTAMP_SERIAL_MAX];
    size_t serial_len;
};

/* What became of it, for the audit log. */
struct tp_tsa_outcome {
    bool granted;
    int failure;                         /* enum tp_pki_timestamp_failure; -1 when granted */
    bool certificates;                   /* certReq */
    char why[TP_ERROR_WORDS_LEN];        /* "" when granted */
    struct tp_pki_timestamp_info info;   /* when granted */
};
void tp_tsa_decide(const struct tp_tsa_profile *profile, struct tp_bytes request, const struct tp_tsa_moment *moment,
                   struct tp_tsa_outcome *ret_outcome);
/* Response appended. TP_OK also for a rejection, which is an answer. */
TP_MUST_USE enum tp_rc tp_tsa_answer(const struct tp_tsa_profile *profile, const struct tp_tsa_outcome *outcome,
                                     struct tp_error *error, struct tp_buf *ret_response);

#endif
