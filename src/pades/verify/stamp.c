/* SPDX-License-Identifier: Apache-2.0 */
/* A timestamp as a proof of existence (EN 319 102-1 §5.4): over the right thing, by a TSA whose certificate was good then. */
#include "base/clock.h"
#include "base/crypto.h"
#include "pades/verify/internal.h"

#include <stdio.h>
#include <string.h>

static enum tp_rc hash_stamped(const struct tp_pades_stamped *stamped, enum tp_pki_hash hash, struct tp_error *error,
                               uint8_t ret_digest[64], size_t *ret_len)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (stamped->range != NULL)
        return tp_pades_range_hash(stamped->fd, stamped->range, hash, error, ret_digest, ret_len);
    const EVP_MD *md = hash == TP_PKI_HASH_NONE ? NULL : tp_crypto_digest(tp_pki_hash_libcrypto(hash));
    if (md == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the hash algorithm is not known");
    if (stamped->hashed) {
        *ret_len = stamped->message.len < 64 ? stamped->message.len : 64;
        memcpy(ret_digest, stamped->message.data, *ret_len);
        return TP_OK;
    }
    if (EVP_Digest(stamped->message.data, stamped->message.len, digest, &len, md, NULL) != 1)
        return TP_CRYPTO;
    memcpy(ret_digest, digest, len);
    *ret_len = len;
    return TP_OK;
}

static void describe(const struct tp_pki_timestamp *timestamp, struct tp_pades_stamp *stamp)
{
    const struct tp_pki_timestamp_info *info = tp_pki_timestamp_info(timestamp);
    struct tp_pki_cms_signer signer = {0};
    stamp->time_ms = info->time_us / 1000;
    stamp->accuracy_us = info->accuracy_us;
    tp_pades_line(info->policy, stamp->policy, sizeof stamp->policy);
    tp_pki_cms_signer(tp_pki_timestamp_cms(timestamp), 0, &signer);
    tp_pades_line(signer.algorithm, stamp->algorithm, sizeof stamp->algorithm);
}

/* Where the token has no certificate of its own, one of the evidence may fit. */
static enum tp_rc find_tsa(struct tp_pades_court *court, const struct tp_pki_timestamp *timestamp, struct tp_error *error,
                           struct tp_bytes *ret_certificate)
{
    enum tp_rc rc = tp_pki_timestamp_verify(timestamp, TP_BYTES_NONE, error, ret_certificate);
    for (size_t i = 0; rc == TP_NOT_FOUND && i < tp_evidence_len(court->all, TP_EVIDENCE_CERTIFICATE); i++)
        if (tp_pki_timestamp_verify(timestamp, tp_evidence_at(court->all, TP_EVIDENCE_CERTIFICATE, i), NULL, ret_certificate) == TP_OK)
            return TP_OK;
    return rc;
}

#define CLOCKS_MS   ((int64_t)300000) /* that clocks of CAs and TSAs, and ours, may differ by */
#define SECOND_MS   ((int64_t)1000)   /* some TSAs leave fractions out */
#define ACCURACY_MS ((int64_t)60000)  /* that is believed at most; a TSA may say what it likes */

static int64_t accuracy_ms(const struct tp_pades_stamp *stamp)
{
    const int64_t told_ms = stamp->accuracy_us > 0 ? stamp->accuracy_us / 1000 : 0;
    return told_ms < ACCURACY_MS ? told_ms : ACCURACY_MS;
}

bool tp_pades_stamp_precedes(const struct tp_pades_stamp *stamp, const struct tp_pades_stamp *other)
{
    return stamp->time_ms + accuracy_ms(stamp) + SECOND_MS <= other->time_ms - accuracy_ms(other);
}

/* Whether the time it tells is one that it may tell: it has come by now, and its TSA's certificate was valid then. */
static bool check_time(const struct tp_pades_court *court, const struct tp_pki_certificate *tsa, struct tp_pades_stamp *stamp)
{
    const int64_t ahead_ms = court->trial->at_ms == 0 ? CLOCKS_MS : 0; /* a time that was given is no clock's */
    const char *words = stamp->time_ms > court->now_ms + ahead_ms           ? "it is later than the time that is judged at"
                        : stamp->time_ms + CLOCKS_MS < tsa->not_before_ms ? "its time is before its TSA's certificate became valid"
                        : stamp->time_ms - CLOCKS_MS > tsa->not_after_ms  ? "its time is after its TSA's certificate ended"
                                                                            : NULL;
    if (words != NULL)
        tp_pades_verdict(&stamp->verdict, TP_SUB_TIMESTAMP_ORDER_FAILURE, "%s", words);
    return words == NULL;
}

static enum tp_rc judge_token(struct tp_pades_court *court, const struct tp_pki_timestamp *timestamp, int64_t proven_ms,
                              struct tp_error *error, struct tp_pades_stamp *stamp)
{
    struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {0};
    struct tp_bytes tsa;
    enum tp_rc rc = find_tsa(court, timestamp, error, &tsa);
    if (rc != TP_OK) {
        enum tp_subindication sub = rc == TP_NOT_FOUND ? TP_SUB_NO_SIGNING_CERTIFICATE_FOUND : rc == TP_CRYPTO ? TP_SUB_SIG_CRYPTO_FAILURE
                                                                                                             : TP_SUB_SIG_CONSTRAINTS_FAILURE;
        tp_pades_verdict(&stamp->verdict, sub, "%s", tp_error_words(error));
        return rc == TP_MEMORY ? rc : TP_OK;
    }
    if ((rc = tp_pki_certificate_parse(tsa, error, &certificate)) != TP_OK) {
        tp_pades_verdict(&stamp->verdict, TP_SUB_CERTIFICATE_CHAIN_GENERAL_FAILURE, "%s", tp_error_words(error));
        return rc == TP_MEMORY ? rc : TP_OK;
    }
    tp_pades_line(certificate.subject, stamp->tsa, sizeof stamp->tsa);
    if (!check_time(court, &certificate, stamp))
        return TP_OK;
    TP_TRY(tp_pades_judge_certificate(court, tsa, TP_PKI_FOR_TIMESTAMPING, proven_ms, error, &stamp->answer));
    stamp->verdict = stamp->answer.verdict;
    if (stamp->verdict.indication != TP_TOTAL_PASSED)
        return TP_OK;
    struct tp_pki_cms_signer signer = {0};
    tp_pki_cms_signer(tp_pki_timestamp_cms(timestamp), 0, &signer);
    bool proven = proven_ms != INT64_MAX;
    int64_t at_ms = proven ? proven_ms : court->now_ms;
    TP_TRY(tp_pades_judge_algorithms(&signer, tsa, at_ms, proven, &stamp->verdict));
    if (stamp->verdict.indication == TP_TOTAL_PASSED)
        TP_TRY(tp_pades_judge_strength(TP_BYTES_NONE, tp_pki_timestamp_info(timestamp)->hash, at_ms, proven, &stamp->verdict));
    return TP_OK;
}

enum tp_rc tp_pades_judge_stamp(struct tp_pades_court *court, struct tp_bytes token, const struct tp_pades_stamped *stamped,
                                int64_t proven_ms, struct tp_error *error, struct tp_pades_stamp *ret_stamp)
{
    struct tp_pki_timestamp *timestamp TP_AUTO(tp_pki_timestamp_free_p) = NULL;
    uint8_t digest[64];
    size_t len = 0;
    *ret_stamp = (struct tp_pades_stamp){.accuracy_us = -1};
    enum tp_rc rc = tp_pki_timestamp_parse(token, error, &timestamp);
    if (rc != TP_OK) {
        tp_pades_verdict(&ret_stamp->verdict, TP_SUB_FORMAT_FAILURE, "%s", tp_error_words(error));
        return rc == TP_MEMORY ? rc : TP_OK;
    }
    describe(timestamp, ret_stamp);
    TP_TRY(tp_pades_evidence_cms(tp_pki_timestamp_cms(timestamp), proven_ms, court->all));
    TP_TRY(tp_pades_evidence_cms(tp_pki_timestamp_cms(timestamp), proven_ms, court->embedded));
    rc = hash_stamped(stamped, tp_pki_timestamp_info(timestamp)->hash, error, digest, &len);
    if (rc == TP_UNSUPPORTED) {
        tp_pades_verdict(&ret_stamp->verdict, TP_SUB_CRYPTO_CONSTRAINTS_FAILURE, "%s", tp_error_words(error));
        return TP_OK;
    }
    TP_TRY(rc);
    if (tp_pki_timestamp_is_over(timestamp, TP_BYTES(digest, len), error) != TP_OK) {
        tp_pades_verdict(&ret_stamp->verdict, TP_SUB_HASH_FAILURE, "the timestamp is over something else");
        return TP_OK;
    }
    return judge_token(court, timestamp, proven_ms, error, ret_stamp);
}
