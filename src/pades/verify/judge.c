/* SPDX-License-Identifier: Apache-2.0 */
/* One signature after EN 319 102-1 §5.3 to §5.6: first itself, then when, then who. */
#include "base/clock.h"
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

/* ---- certificates ---- */

static const struct tp_pki_anchors *anchors_for(const struct tp_pades_court *court, enum tp_pki_purpose purpose)
{
    bool stamping = purpose == TP_PKI_FOR_TIMESTAMPING && court->trial->tsa_anchors != NULL;
    return stamping ? court->trial->tsa_anchors : court->trial->anchors;
}

static enum tp_rc judge_with(struct tp_pades_court *court, struct tp_bytes leaf, enum tp_pki_purpose purpose, int64_t proven_ms,
                             const struct tp_evidence *evidence, struct tp_error *error, struct tp_validation_answer *ret_answer)
{
    struct tp_validation_question question = {.leaf = leaf, .purpose = purpose, .anchors = anchors_for(court, purpose),
                                              .now_ms = court->now_ms, .poe_ms = proven_ms};
    return tp_validation_certificate(&question, evidence, error, ret_answer);
}

static bool is_for_want_of_evidence(enum tp_subindication sub)
{
    return sub == TP_SUB_TRY_LATER || sub == TP_SUB_REVOCATION_OUT_OF_BOUNDS_NO_POE;
}

/* What helps when the evidence is not enough. */
static void advise(struct tp_pades_court *court, struct tp_verdict *verdict)
{
    const bool nobody = court->trial->anchors == NULL || tp_pki_anchors_len(court->trial->anchors) == 0;
    if (verdict->sub == TP_SUB_NO_CERTIFICATE_CHAIN_FOUND)
        verdict->hint = nobody ? "nobody is trusted yet: give the root certificate with --trust"
                               : "its root is not among those that are trusted: if you trust it, give it with --trust";
    else if (is_for_want_of_evidence(verdict->sub) && court->trial->source == NULL)
        verdict->hint = "nobody was asked: give --online, --ocsp or --crl";
}

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

/* The keys of the chain, and the hashes that its certificates are signed over; a trust anchor is trusted as it is. */
static enum tp_rc judge_chain(struct tp_validation_answer *answer, int64_t at_ms, bool proven)
{
    for (size_t i = 0; i < answer->steps_len && answer->verdict.indication == TP_TOTAL_PASSED; i++) {
        const struct tp_validation_step *step = &answer->steps[i];
        if (!step->anchor)
            TP_TRY(tp_pades_judge_strength(tp_buf_bytes(&step->der), step->certificate.hash, at_ms, proven, &answer->verdict));
    }
    return TP_OK;
}

/* What the document brings along knows nothing of a revocation since; of what has ended nobody knows more. */
static bool is_worth_asking(const struct tp_pades_court *court, const struct tp_validation_answer *alone)
{
    return court->trial->source != NULL && (alone->verdict.indication != TP_TOTAL_PASSED ||
                                            alone->steps[0].certificate.not_after_ms >= court->now_ms);
}

enum tp_rc tp_pades_judge_certificate(struct tp_pades_court *court, struct tp_bytes leaf, enum tp_pki_purpose purpose,
                                      int64_t proven_ms, struct tp_error *error, struct tp_validation_answer *ret_answer,
                                      bool *ret_lasting)
{
    struct tp_error missing = {.rc = TP_OK};
    struct tp_validation_answer alone = {0};
    enum tp_rc gathered = TP_OK;
    TP_TRY(judge_with(court, leaf, purpose, proven_ms, court->embedded, error, &alone));
    *ret_lasting = alone.verdict.indication == TP_TOTAL_PASSED;
    if (is_worth_asking(court, &alone))
        gathered = tp_validation_gather(court->trial->source, leaf, purpose, anchors_for(court, purpose), court->now_ms, court->all,
                                        &missing);
    tp_validation_answer_clear(&alone);
    /* What was given may know of a revocation that what is embedded does not. */
    TP_TRY(judge_with(court, leaf, purpose, proven_ms, court->all, error, ret_answer));
    if (ret_answer->verdict.indication == TP_TOTAL_PASSED)
        return judge_chain(ret_answer, proven_ms != INT64_MAX ? proven_ms : court->now_ms, proven_ms != INT64_MAX);
    if (gathered != TP_OK && ret_answer->verdict.sub == TP_SUB_TRY_LATER)
        tp_pades_verdict(&ret_answer->verdict, TP_SUB_TRY_LATER, "%s", tp_error_words(&missing));
    advise(court, &ret_answer->verdict);
    return TP_OK;
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
        if (signature->stamps[i].verdict.indication == TP_TOTAL_PASSED && lawsuit->proven_ms != INT64_MAX &&
            signature->stamps[i].time_ms > lawsuit->proven_ms)
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

static enum tp_pades_reached level(const struct tp_pades_case *lawsuit, const struct tp_pki_cms_signer *signer,
                                   const struct tp_pades_signature *signature, bool lasting)
{
    if (!signature->intact)
        return TP_PADES_REACHED_NOTHING;
    if (!lawsuit->cades || !signer->has_ess)
        return TP_PADES_REACHED_CMS;
    if (!stamped_well(signature))
        return TP_PADES_REACHED_B;
    if (!lasting || !lawsuit->evidence_in_document)
        return TP_PADES_REACHED_T;
    return lawsuit->stamped_evidence ? TP_PADES_REACHED_LTA : TP_PADES_REACHED_LT;
}

static enum tp_rc judge_signer(struct tp_pades_court *court, const struct tp_pki_cms_signer *signer, struct tp_error *error,
                               struct tp_pades_signature *signature, bool *ret_lasting)
{
    bool proven = signature->proven_ms != INT64_MAX;
    TP_TRY(tp_pades_judge_certificate(court, signer->certificate, TP_PKI_FOR_SIGNING, signature->proven_ms, error,
                                      &signature->answer, ret_lasting));
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
    bool lasting = false;
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
    TP_TRY(judge_stamps(court, lawsuit, &signer, error, signature));
    TP_TRY(judge_signer(court, &signer, error, signature, &lasting));
    signature->reached = level(lawsuit, &signer, signature, lasting);
    if (signature->verdict.indication != TP_TOTAL_PASSED)
        return TP_OK;
    check_attributes(lawsuit, &signer, &signature->verdict);
    if (lawsuit->sha1_content && signature->verdict.indication == TP_TOTAL_PASSED)
        TP_TRY(tp_pades_judge_strength(TP_BYTES_NONE, TP_PKI_SHA1, stamped_well(signature) ? signature->proven_ms : court->now_ms,
                                       stamped_well(signature), &signature->verdict));
    if (signature->verdict.indication == TP_TOTAL_PASSED && !in_order(lawsuit, signature))
        tp_pades_verdict(&signature->verdict, TP_SUB_TIMESTAMP_ORDER_FAILURE,
                         "a timestamp over the signature is later than one over the document");
    return TP_OK;
}
