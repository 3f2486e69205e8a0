/* SPDX-License-Identifier: Apache-2.0
 *
 * What an OCSP response says of a certificate, and whether whoever says it may (RFC 6960 §3.2, §4.2.2.2).
 */
#include "pki/ocsp.h"
#include "pki/certificate_parts.h"
#include "pki/ocsp_parts.h"
#include "pki/path_parts.h"
#include "pki/signature.h"

#include <string.h>

#define DER_ENUMERATED  0x0a
#define RESPONDERS_MOST 8 /* of one name, whose keys are tried */

void tp_pki_ocsp_answer_clear(struct tp_pki_ocsp_answer *answer)
{
    tp_buf_clear(&answer->responder);
    *answer = (struct tp_pki_ocsp_answer){0};
}

/* ---- who signed ---- */

struct asking {
    const struct tp_pki_ocsp_basic *basic;
    const struct tp_pki_ocsp_subject *subject;
    X509_NAME *name; /* of the responder; NULL: it is named by its key */
    struct tp_pki_signature_algorithm algorithm;
};

/* By its parts: of a document's certificates hardly any is one. */
static bool is_responder(const struct asking *asking, struct tp_bytes der)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    struct tp_pki_certificate_parts parts;
    if (tp_pki_certificate_parts_read(der, &parts) != TP_OK)
        return false;
    if (asking->name != NULL) {
        X509_NAME *name TP_AUTO(X509_NAME_free_p) = tp_pki_certificate_parts_subject(&parts);
        return name != NULL && X509_NAME_cmp(asking->name, name) == 0;
    }
    return tp_pki_ocsp_hash(TP_PKI_SHA1, parts.key, hash) == TP_OK &&
           tp_bytes_equal(asking->basic->responder_key_id, TP_BYTES(hash, tp_pki_hash_len(TP_PKI_SHA1)));
}

static enum tp_rc signature_check(const struct asking *asking, X509 *x509, struct tp_error *error)
{
    EVP_PKEY *key = X509_get0_pubkey(x509);
    if (asking->algorithm.hash == TP_PKI_MD5)
        return tp_error_set(error, TP_UNSUPPORTED, "the OCSP response is signed with MD5, which proves nothing");
    if (key == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the public key of the OCSP responder cannot be read");
    return tp_pki_signature_check(&asking->algorithm, key, asking->basic->signed_part, asking->basic->signature, error);
}

/* §4.2.2.2: a delegate has its certificate from the very CA that it answers for, with the purpose OCSPSigning, which
 * has to be said in so many words, also of a CA. When it was valid is for whoever knows when the response was made. */
static enum tp_rc delegate_check(const struct asking *asking, X509 *x509, struct tp_error *error)
{
    const struct tp_pki_chain chain = {.x509 = {x509, asking->subject->issuer}, .len = 2};
    struct tp_pki_path_verdict verdict;
    TP_TRY(tp_pki_chain_judge(&chain, TP_PKI_FOR_OCSP, asking->basic->produced_ms, &verdict));
    if (tp_pki_flaw_is_worse(verdict.flaw, TP_PKI_PATH_CONSTRAINTS))
        return tp_error_set(error, TP_PEER,
                            "the OCSP response is signed by somebody whom the certificate's issuer has "
                            "not appointed");
    if (verdict.flaw == TP_PKI_PATH_CONSTRAINTS)
        return tp_error_set(error, TP_PEER, "the OCSP responder: %s", verdict.why);
    if ((X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) == 0 ||
        (X509_get_extended_key_usage(x509) & XKU_OCSP_SIGN) == 0)
        return tp_error_set(error, TP_PEER,
                            "the OCSP response is signed with a certificate that is not for it (OCSPSigning)");
    return TP_OK;
}

static bool is_same(const X509 *a, const X509 *b)
{
    return X509_NAME_cmp(X509_get_subject_name(a), X509_get_subject_name(b)) == 0 &&
           X509_PUBKEY_eq(X509_get_X509_PUBKEY(a), X509_get_X509_PUBKEY(b)) == 1;
}

/* TP_NOT_FOUND: it is not this one. */
static enum tp_rc candidate_try(const struct asking *asking, struct tp_bytes der, struct tp_error *error,
                                struct tp_pki_ocsp_answer *answer)
{
    X509 *x509 TP_AUTO(X509_free_p) = NULL;
    if (!is_responder(asking, der) || tp_pki_x509_load(der, NULL, &x509) != TP_OK)
        return TP_NOT_FOUND;
    answer->by_delegate = !is_same(x509, asking->subject->issuer);
    TP_TRY(signature_check(asking, x509, error));
    if (answer->by_delegate)
        TP_TRY(delegate_check(asking, x509, error));
    answer->no_check = X509_get_ext_by_NID(x509, NID_id_pkix_OCSP_noCheck, -1) >= 0;
    return tp_buf_append(&answer->responder, der);
}

struct candidates {
    const struct tp_bytes *items;
    size_t len;
};

/* The first that is right; otherwise what was wrong with the last. Not all that have the name: a document may bring
 * thousands of them, and each costs a signature to be checked. */
static enum tp_rc responder_find(const struct asking *asking, const struct candidates *lists, size_t lists_len,
                                 struct tp_error *error, struct tp_pki_ocsp_answer *answer)
{
    enum tp_rc last = TP_NOT_FOUND;
    unsigned tried = 0;
    for (size_t list = 0; list < lists_len; list++)
        for (size_t i = 0; i < lists[list].len && tried < RESPONDERS_MOST; i++) {
            const enum tp_rc rc = candidate_try(asking, lists[list].items[i], error, answer);
            if (rc == TP_OK)
                return TP_OK;
            tried += rc == TP_NOT_FOUND ? 0 : 1;
            last = rc == TP_NOT_FOUND ? last : rc;
        }
    if (last == TP_NOT_FOUND)
        return tp_error_set(error, TP_PEER, "the OCSP response is signed by somebody whose certificate is not there");
    return last;
}

static enum tp_rc signer_check(struct asking *asking, struct tp_bytes issuer, const struct tp_bytes *extra,
                               size_t extra_len, struct tp_error *error, struct tp_pki_ocsp_answer *answer)
{
    const struct candidates lists[] = {
        {&issuer, 1}, {asking->basic->certificates, asking->basic->certificates_len}, {extra, extra_len}};
    const unsigned char *at = asking->basic->responder_name.data;
    TP_TRY(tp_pki_signature_algorithm_read(asking->basic->algorithm, error, &asking->algorithm));
    if (asking->basic->responder_name.len == 0)
        return responder_find(asking, lists, sizeof lists / sizeof lists[0], error, answer);
    X509_NAME *name TP_AUTO(X509_NAME_free_p) = d2i_X509_NAME(NULL, &at, (long)asking->basic->responder_name.len);
    if (name == NULL)
        return tp_error_set(error, TP_MALFORMED, "the OCSP response names its responder in a way that is malformed");
    asking->name = name;
    return responder_find(asking, lists, sizeof lists / sizeof lists[0], error, answer);
}

/* ---- what is said ---- */

/* CertID: by whatever hash the responder has taken. */
static bool is_about(struct tp_bytes cert_id, const struct tp_pki_ocsp_subject *subject)
{
    uint8_t hash[EVP_MAX_MD_SIZE];
    struct tp_bytes algorithm, name_hash, key_hash, serial;
    struct tp_buf name TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (!tp_der_take(&cert_id, TP_DER_SEQUENCE, &algorithm, NULL) ||
        !tp_der_take(&cert_id, TP_DER_OCTET_STRING, NULL, &name_hash) ||
        !tp_der_take(&cert_id, TP_DER_OCTET_STRING, NULL, &key_hash) ||
        !tp_der_take(&cert_id, TP_DER_INTEGER, &serial, NULL) || cert_id.len != 0)
        return false;
    const unsigned char *at = serial.data;
    ASN1_INTEGER *number = d2i_ASN1_INTEGER(NULL, &at, (long)serial.len);
    const bool same = number != NULL && ASN1_INTEGER_cmp(number, X509_get0_serialNumber(subject->x509)) == 0;
    ASN1_INTEGER_free(number);
    const enum tp_pki_hash by = tp_pki_hash_of_algorithm(algorithm);
    if (!same || tp_pki_name_der(X509_get_issuer_name(subject->x509), &name) != TP_OK ||
        tp_pki_ocsp_hash(by, tp_buf_bytes(&name), hash) != TP_OK ||
        !tp_bytes_equal(name_hash, TP_BYTES(hash, tp_pki_hash_len(by))))
        return false;
    return tp_pki_ocsp_hash(by, subject->issuer_key, hash) == TP_OK &&
           tp_bytes_equal(key_hash, TP_BYTES(hash, tp_pki_hash_len(by)));
}

/* RevokedInfo: when, and [0] EXPLICIT CRLReason. */
static enum tp_rc revoked_read(struct tp_bytes info, struct tp_pki_ocsp_answer *answer)
{
    struct tp_bytes explicit, reason;
    TP_TRY(tp_pki_time_take(&info, TP_DER_GENERALIZED_TIME, &answer->revoked_ms));
    if (!tp_der_take(&info, TP_DER_CONSTRUCTED + 0, NULL, &explicit))
        return info.len == 0 ? TP_OK : TP_MALFORMED;
    if (!tp_der_take(&explicit, DER_ENUMERATED, NULL, &reason) || reason.len != 1 || info.len != 0)
        return TP_MALFORMED;
    answer->reason = tp_pki_crl_reason(reason.data[0]);
    return TP_OK;
}

static enum tp_rc status_take(struct tp_bytes *at, struct tp_pki_ocsp_answer *answer)
{
    struct tp_bytes inside;
    if (tp_der_take(at, TP_DER_CONTEXT + 0, NULL, NULL)) {
        answer->status = TP_PKI_OCSP_GOOD;
        return TP_OK;
    }
    answer->status = TP_PKI_OCSP_UNKNOWN;
    if (tp_der_take(at, TP_DER_CONTEXT + 2, NULL, NULL))
        return TP_OK;
    if (!tp_der_take(at, TP_DER_CONSTRUCTED + 1, NULL, &inside))
        return TP_MALFORMED;
    answer->status = TP_PKI_OCSP_REVOKED;
    return revoked_read(inside, answer);
}

/* singleExtensions: a critical one may limit what the answer means. */
static bool extensions_are_known(struct tp_bytes explicit)
{
    struct tp_bytes list, extension, critical;
    if (!tp_der_take(&explicit, TP_DER_SEQUENCE, NULL, &list))
        return false;
    while (list.len > 0)
        if (!tp_der_take(&list, TP_DER_SEQUENCE, NULL, &extension) ||
            !tp_der_take(&extension, TP_DER_OID, NULL, NULL) ||
            (tp_der_take(&extension, TP_DER_BOOLEAN, NULL, &critical) && (critical.len != 1 || critical.data[0] != 0)))
            return false;
    return true;
}

static enum tp_rc single_read(struct tp_bytes single, const struct tp_pki_ocsp_subject *subject,
                              struct tp_pki_ocsp_answer *ret_answer)
{
    struct tp_bytes cert_id, next, extensions;
    struct tp_pki_ocsp_answer answer = {0};
    if (!tp_der_take(&single, TP_DER_SEQUENCE, NULL, &cert_id))
        return TP_MALFORMED;
    if (!is_about(cert_id, subject))
        return TP_NOT_FOUND;
    TP_TRY(status_take(&single, &answer));
    TP_TRY(tp_pki_time_take(&single, TP_DER_GENERALIZED_TIME, &answer.this_update_ms));
    if (tp_der_take(&single, TP_DER_CONSTRUCTED + 0, NULL, &next))
        TP_TRY(tp_pki_time_take(&next, TP_DER_GENERALIZED_TIME, &answer.next_update_ms));
    if (tp_der_take(&single, TP_DER_CONSTRUCTED + 1, NULL, &extensions) && !extensions_are_known(extensions))
        return TP_UNSUPPORTED;
    if (single.len != 0)
        return TP_MALFORMED;
    *ret_answer = answer;
    return TP_OK;
}

/* The newest counts; of two as new as each other the one that is not good. */
static bool is_better(const struct tp_pki_ocsp_answer *answer, const struct tp_pki_ocsp_answer *best)
{
    if (answer->this_update_ms != best->this_update_ms)
        return answer->this_update_ms > best->this_update_ms;
    return best->status == TP_PKI_OCSP_GOOD;
}

static enum tp_rc answer_find(const struct tp_pki_ocsp_basic *basic, const struct tp_pki_ocsp_subject *subject,
                              struct tp_error *error, struct tp_pki_ocsp_answer *ret_answer)
{
    struct tp_bytes answers = basic->answers, single;
    struct tp_pki_ocsp_answer answer, best = {0};
    bool found = false;
    for (size_t count = 0; answers.len > 0; count++) {
        if (count == TP_PKI_OCSP_ANSWERS)
            return tp_error_set(error, TP_TOO_LARGE, "the OCSP response has more than %d answers", TP_PKI_OCSP_ANSWERS);
        if (!tp_der_take(&answers, TP_DER_SEQUENCE, NULL, &single))
            return tp_error_set(error, TP_MALFORMED, "the OCSP response has answers that are malformed");
        const enum tp_rc rc = single_read(single, subject, &answer);
        if (rc == TP_NOT_FOUND)
            continue;
        if (rc != TP_OK)
            return tp_error_set(error, rc,
                                "the OCSP response's answer is malformed, or limited in a way that is not known");
        best = !found || is_better(&answer, &best) ? answer : best;
        found = true;
    }
    if (!found)
        return tp_error_set(error, TP_NOT_FOUND, "the OCSP response is about other certificates");
    *ret_answer = best;
    return TP_OK;
}

/* §4.4.1: who is asked without a nonce in the answer has sent one that was made before; RFC 5019 §4 allows it. */
static enum tp_rc nonce_check(const struct tp_pki_ocsp_basic *basic, struct tp_bytes nonce, struct tp_error *error)
{
    if (nonce.len == 0 || basic->nonce.len == 0 || tp_bytes_equal(nonce, basic->nonce))
        return TP_OK;
    return tp_error_set(error, TP_PEER, "the OCSP response answers another request: its nonce is another one");
}

enum tp_rc tp_pki_ocsp_find(struct tp_bytes response, struct tp_bytes certificate, struct tp_bytes issuer,
                            const struct tp_bytes *extra, size_t extra_len, struct tp_bytes nonce,
                            struct tp_error *error, struct tp_pki_ocsp_answer *ret_answer)
{
    TP_PKI_ERRORS_KEEP;
    struct tp_pki_ocsp_basic basic;
    struct tp_pki_ocsp_subject subject TP_AUTO(tp_pki_ocsp_subject_clear) = {0};
    struct tp_pki_ocsp_answer answer TP_AUTO(tp_pki_ocsp_answer_clear) = {0};
    TP_TRY(tp_pki_ocsp_read(response, error, &basic));
    TP_TRY(tp_pki_ocsp_subject_load(certificate, issuer, error, &subject));
    TP_TRY(answer_find(&basic, &subject, error, &answer));
    struct asking asking = {.basic = &basic, .subject = &subject};
    TP_TRY(signer_check(&asking, issuer, extra, extra_len, error, &answer));
    TP_TRY(nonce_check(&basic, nonce, error));
    answer.produced_ms = basic.produced_ms;
    answer.hash = asking.algorithm.hash;
    *ret_answer = answer;
    answer = (struct tp_pki_ocsp_answer){0};
    return TP_OK;
}
