/* SPDX-License-Identifier: Apache-2.0 */
/* One signature after EN 319 102-1 §5.3 to §5.6: first itself, then when, then who. */
#include "base/crypto.h"
#include "pades/verify/internal.h"
#include "validation/strength.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- verdicts ---- */

/* §5.1.3, tables 5 and 6: which sub-indications are final. */
static bool is_final(enum tp_subindication sub)
{
    return sub == TP_SUB_FORMAT_FAILURE || sub == TP_SUB_HASH_FAILURE || sub == TP_SUB_SIG_CRYPTO_FAILURE || sub == TP_SUB_REVOKED ||
           sub == TP_SUB_EXPIRED || sub == TP_SUB_NOT_YET_VALID;
}

void tp_pades_verdict(struct tp_verdict *verdict, enum tp_subindication sub, const char *format, ...)
{
    char words[2 * TP_ERROR_WORDS_LEN];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    verdict->indication = sub == TP_SUB_NONE ? TP_TOTAL_PASSED : is_final(sub) ? TP_TOTAL_FAILED : TP_INDETERMINATE;
    verdict->sub = sub;
    verdict->hint = NULL;
    tp_pades_line(words, verdict->why, sizeof verdict->why);
}

/* ---- algorithms ---- */

enum tp_rc tp_pades_judge_strength(struct tp_bytes certificate, enum tp_pki_hash hash, int64_t at_ms, bool proven,
                                   struct tp_verdict *verdict)
{
    struct tp_validation_weakness weakness;
    TP_TRY(tp_validation_strength(certificate, hash, at_ms, &weakness)); /* it has verified a signature, so that it can be read */
    if (weakness.found)
        tp_pades_verdict(verdict, proven ? TP_SUB_CRYPTO_CONSTRAINTS_FAILURE : TP_SUB_CRYPTO_CONSTRAINTS_FAILURE_NO_POE,
                         "%s is too weak: it was good enough until %s%s", weakness.what, weakness.until,
                         proven ? "" : ", and nothing proves that it was used before");
    return TP_OK;
}

enum tp_rc tp_pades_judge_algorithms(const struct tp_pki_cms_signer *signer, struct tp_bytes certificate, int64_t at_ms, bool proven,
                                     struct tp_verdict *verdict)
{
    TP_TRY(tp_pades_judge_strength(certificate, signer->hash, at_ms, proven, verdict));
    if (verdict->indication != TP_TOTAL_PASSED)
        return TP_OK;
    return tp_pades_judge_strength(TP_BYTES_NONE, signer->signature_hash, at_ms, proven, verdict);
}

/* ---- the signature itself ---- */

static enum tp_rc hash_content(const struct tp_pades_case *lawsuit, enum tp_pki_hash hash, struct tp_error *error,
                               struct tp_pades_signature *signature)
{
    if (!lawsuit->sha1_content)
        return tp_pades_range_hash(lawsuit->fd, lawsuit->range, hash, error, signature->digest, &signature->digest_len);
    /* adbe.pkcs7.sha1 (§12.8.3.3): what is signed is a SHA-1 hash, inside. */
    uint8_t inner[64], digest[EVP_MAX_MD_SIZE];
    size_t inner_len = 0;
    unsigned len = 0;
    TP_TRY(tp_pades_range_hash(lawsuit->fd, lawsuit->range, TP_PKI_SHA1, error, inner, &inner_len));
    if (!tp_bytes_equal(tp_pki_cms_content(lawsuit->cms), TP_BYTES(inner, inner_len)))
        return tp_error_set(error, TP_DATA, "the hash that was signed is of another document");
    const EVP_MD *md = hash == TP_PKI_HASH_NONE ? NULL : tp_crypto_digest(tp_pki_hash_libcrypto(hash));
    if (md == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the hash algorithm is not known");
    if (EVP_Digest(inner, inner_len, digest, &len, md, NULL) != 1)
        return TP_CRYPTO;
    memcpy(signature->digest, digest, len);
    signature->digest_len = len;
    return TP_OK;
}

/* By the hash that the signature is made with; EdDSA has none of its own. */
static enum tp_rc hash_signed(const struct tp_pades_case *lawsuit, const struct tp_pki_cms_signer *signer, struct tp_pades_signature *signature)
{
    struct tp_buf attributes TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    signature->signed_hash = signer->signature_hash != TP_PKI_HASH_NONE ? signer->signature_hash : signer->hash;
    if (!signer->has_attributes) {
        memcpy(signature->signed_digest, signature->digest, signature->digest_len);
        signature->signed_hash = signature->hash, signature->signed_digest_len = signature->digest_len;
        return TP_OK;
    }
    const EVP_MD *md = signature->signed_hash == TP_PKI_HASH_NONE ? NULL : tp_crypto_digest(tp_pki_hash_libcrypto(signature->signed_hash));
    if (md == NULL)
        return TP_OK;
    enum tp_rc rc = tp_pki_cms_signed_attributes(lawsuit->cms, lawsuit->signer, &attributes);
    if (rc != TP_OK) /* what is malformed was judged before */
        return rc == TP_MEMORY ? rc : TP_OK;
    if (EVP_Digest(attributes.data, attributes.len, digest, &len, md, NULL) != 1)
        return TP_CRYPTO;
    memcpy(signature->signed_digest, digest, len);
    signature->signed_digest_len = len;
    return TP_OK;
}

static enum tp_subindication sub_of(enum tp_rc rc)
{
    switch (rc) {
    case TP_DATA:
    case TP_DATA_LENGTH:
        return TP_SUB_HASH_FAILURE;
    case TP_CRYPTO:
        return TP_SUB_SIG_CRYPTO_FAILURE;
    case TP_NOT_FOUND:
        return TP_SUB_NO_SIGNING_CERTIFICATE_FOUND;
    case TP_UNSUPPORTED:
        return TP_SUB_CRYPTO_CONSTRAINTS_FAILURE;
    default:
        return TP_SUB_FORMAT_FAILURE;
    }
}

static enum tp_rc check_itself(const struct tp_pades_case *lawsuit, const struct tp_pki_cms_signer *signer, struct tp_error *error,
                               struct tp_pades_signature *signature)
{
    enum tp_rc rc = hash_content(lawsuit, signer->hash, error, signature);
    if (rc == TP_OK)
        rc = tp_pki_cms_verify(lawsuit->cms, lawsuit->signer, TP_BYTES(signature->digest, signature->digest_len), error);
    signature->intact = rc == TP_OK;
    if (rc == TP_OK || rc == TP_MEMORY || rc == TP_IO)
        return rc;
    enum tp_subindication sub = sub_of(rc);
    tp_pades_verdict(&signature->verdict, sub, "%s", sub == TP_SUB_HASH_FAILURE ? "what was signed has been changed: its hash is another"
                                                                                 : tp_error_words(error));
    return TP_OK;
}

/* ---- when ---- */

static enum tp_rc judge_stamps(struct tp_pades_court *court, const struct tp_pades_case *lawsuit,
                               const struct tp_pki_cms_signer *signer, struct tp_error *error, struct tp_pades_signature *signature)
{
    struct tp_pades_stamped stamped = {.message = signer->signature};
    for (size_t i = 0; i < signer->timestamps_len && i < TP_PADES_TOKENS_MAX; i++) {
        struct tp_pades_stamp *stamp = &signature->stamps[signature->stamps_len++];
        TP_TRY(tp_pades_judge_stamp(court, signer->timestamps[i], &stamped, lawsuit->proven_ms, error, stamp));
        if (stamp->verdict.indication == TP_TOTAL_PASSED && stamp->time_ms < signature->proven_ms)
            signature->proven_ms = stamp->time_ms;
    }
    return TP_OK;
}

/* §5.5.4, step 4: a timestamp over the signature cannot be later than one over the document that has it. */
static bool in_order(const struct tp_pades_case *lawsuit, const struct tp_pades_signature *signature)
{
    for (size_t i = 0; i < signature->stamps_len; i++)
        if (signature->stamps[i].verdict.indication == TP_TOTAL_PASSED && lawsuit->proof != NULL &&
            tp_pades_stamp_precedes(lawsuit->proof, &signature->stamps[i]))
            return false;
    return true;
}

static bool stamped_well(const struct tp_pades_signature *signature)
{
    return signature->proven_ms != INT64_MAX;
}

/* ---- all of it ---- */

static void describe(const struct tp_pki_cms_signer *signer, struct tp_pades_signature *signature)
{
    struct tp_pki_certificate certificate = {0};
    signature->hash = signer->hash;
    tp_pades_line(signer->algorithm, signature->algorithm, sizeof signature->algorithm);
    if (signer->signing_time_ms != 0)
        signature->claimed_ms = signer->signing_time_ms;
    if (signer->certificate.len > 0 && tp_pki_certificate_parse(signer->certificate, NULL, &certificate) == TP_OK)
        tp_pades_line(certificate.subject, signature->signer, sizeof signature->signer);
    tp_pki_certificate_clear(&certificate);
}

/* EN 319 122-1 §6.3: what makes CMS a CAdES signature. */
static void check_attributes(const struct tp_pades_case *lawsuit, const struct tp_pki_cms_signer *signer, struct tp_verdict *verdict)
{
    if (signer->has_ess && !signer->ess_fits)
        tp_pades_verdict(verdict, TP_SUB_SIG_CONSTRAINTS_FAILURE, "the signing certificate that it names is another one");
    else if (lawsuit->cades && !signer->has_ess)
        tp_pades_verdict(verdict, TP_SUB_SIG_CONSTRAINTS_FAILURE, "it does not name its signing certificate, as CAdES demands");
}

static enum tp_rc find_level(struct tp_pades_court *court, const struct tp_pades_case *lawsuit, const struct tp_pki_cms_signer *signer,
                             struct tp_error *error, struct tp_pades_signature *signature)
{
    bool lasting = false;
    enum tp_pades_reached *reached = &signature->reached;
    *reached = !lawsuit->cades || !signer->has_ess ? TP_PADES_REACHED_CMS : stamped_well(signature) ? TP_PADES_REACHED_T : TP_PADES_REACHED_B;
    if (*reached != TP_PADES_REACHED_T || !lawsuit->evidence_in_document)
        return TP_OK;
    TP_TRY(tp_pades_judge_alone(court, court->embedded, signer->certificate, TP_PKI_FOR_SIGNING, signature->proven_ms, error, &lasting));
    *reached = lasting ? TP_PADES_REACHED_LT : TP_PADES_REACHED_T;
    if (!lasting || !lawsuit->stamped_evidence)
        return TP_OK;
    TP_TRY(tp_pades_judge_alone(court, court->stamped, signer->certificate, TP_PKI_FOR_SIGNING, signature->proven_ms, error, &lasting));
    *reached = lasting ? TP_PADES_REACHED_LTA : TP_PADES_REACHED_LT;
    return TP_OK;
}

static enum tp_rc judge_signer(struct tp_pades_court *court, const struct tp_pki_cms_signer *signer, struct tp_error *error,
                               struct tp_pades_signature *signature)
{
    bool proven = signature->proven_ms != INT64_MAX;
    TP_TRY(tp_pades_judge_certificate(court, signer->certificate, TP_PKI_FOR_SIGNING, signature->proven_ms, error, &signature->answer));
    signature->verdict = signature->answer.verdict;
    if (signature->verdict.indication != TP_TOTAL_PASSED)
        return TP_OK;
    return tp_pades_judge_algorithms(signer, signer->certificate, proven ? signature->proven_ms : court->now_ms, proven,
                                     &signature->verdict);
}

enum tp_rc tp_pades_judge(struct tp_pades_court *court, const struct tp_pades_case *lawsuit, struct tp_error *error,
                          struct tp_pades_signature *signature)
{
    struct tp_pki_cms_signer signer = {0};
    tp_pki_cms_signer(lawsuit->cms, lawsuit->signer, &signer);
    signature->proven_ms = lawsuit->proven_ms;
    describe(&signer, signature);
    TP_TRY(tp_buf_append(&signature->value, signer.signature));
    TP_TRY(check_itself(lawsuit, &signer, error, signature));
    TP_TRY(hash_signed(lawsuit, &signer, signature));
    if (!signature->intact)
        return TP_OK;
    TP_TRY(tp_pades_evidence_cms(lawsuit->cms, lawsuit->proven_ms, court->all));
    TP_TRY(tp_pades_evidence_cms(lawsuit->cms, lawsuit->proven_ms, court->embedded));
    if (lawsuit->proof != NULL)
        TP_TRY(tp_pades_evidence_cms(lawsuit->cms, lawsuit->proven_ms, court->stamped));
    TP_TRY(judge_stamps(court, lawsuit, &signer, error, signature));
    TP_TRY(judge_signer(court, &signer, error, signature));
    TP_TRY(find_level(court, lawsuit, &signer, error, signature));
    if (signature->verdict.indication != TP_TOTAL_PASSED)
        return TP_OK;
    check_attributes(lawsuit, &signer, &signature->verdict);
    if (lawsuit->sha1_content && signature->verdict.indication == TP_TOTAL_PASSED)
        TP_TRY(tp_pades_judge_strength(TP_BYTES_NONE, TP_PKI_SHA1, stamped_well(signature) ? signature->proven_ms : court->now_ms,
                                       stamped_well(signature), &signature->verdict));
    if (signature->verdict.indication == TP_TOTAL_PASSED && !in_order(lawsuit, signature))
        tp_pades_verdict(&signature->verdict, TP_SUB_TIMESTAMP_ORDER_FAILURE,
                         "a timestamp over the signature is later than one over the document");
    if (signature->verdict.indication == TP_TOTAL_PASSED && lawsuit->contradicted)
        tp_pades_verdict(&signature->verdict, TP_SUB_TIMESTAMP_ORDER_FAILURE,
                         "a document timestamp is later than one that covers it: one of the two is wrong");
    return TP_OK;
}
