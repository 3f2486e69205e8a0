/* SPDX-License-Identifier: Apache-2.0
 *
 * Validating one chain (RFC 5280 §6.1), over X509_verify_cert with nothing else to build from.
 */
#include "base/clock.h"
#include "base/der.h"
#include "pki/oid.h"
#include "pki/path_parts.h"
#include "pki/signature.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

TP_DEFINE_AUTO(X509_STORE, X509_STORE_free)
TP_DEFINE_AUTO(X509_STORE_CTX, X509_STORE_CTX_free)

static int severity(enum tp_pki_path_flaw flaw)
{
    static const int severities[] = {
        [TP_PKI_PATH_GOOD] = 0,        [TP_PKI_PATH_NOT_YET] = 1,   [TP_PKI_PATH_EXPIRED] = 2,
        [TP_PKI_PATH_CONSTRAINTS] = 3, [TP_PKI_PATH_NO_ANCHOR] = 4, [TP_PKI_PATH_BROKEN] = 5,
    };
    return severities[flaw];
}

bool tp_pki_flaw_is_worse(enum tp_pki_path_flaw flaw, enum tp_pki_path_flaw than)
{
    return severity(flaw) > severity(than);
}

void tp_pki_verdict_set(struct tp_pki_path_verdict *verdict, enum tp_pki_path_flaw flaw, size_t at, const X509 *x509,
                        const char *why)
{
    char name[TP_PKI_DN_MAX];
    struct tp_error words = {0};
    if (tp_pki_name_text(X509_get_subject_name(x509), name) != TP_OK)
        name[0] = '\0';
    (void)tp_error_set(&words, TP_REFUSED, "%.300s: %s", name, why);
    verdict->flaw = flaw;
    verdict->at = at;
    memcpy(verdict->why, words.words, sizeof verdict->why);
}

/* ---- what libcrypto finds ---- */

static const struct {
    int error;
    enum tp_pki_path_flaw flaw;
} flaws[] = {
    {X509_V_ERR_CERT_HAS_EXPIRED, TP_PKI_PATH_EXPIRED},
    {X509_V_ERR_CERT_NOT_YET_VALID, TP_PKI_PATH_NOT_YET},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, TP_PKI_PATH_BROKEN},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, TP_PKI_PATH_BROKEN},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, TP_PKI_PATH_BROKEN},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_CERT_UNTRUSTED, TP_PKI_PATH_NO_ANCHOR},
    {X509_V_ERR_CERT_REJECTED, TP_PKI_PATH_NO_ANCHOR},
};

static enum tp_pki_path_flaw flaw_of(int error)
{
    for (size_t i = 0; i < sizeof flaws / sizeof flaws[0]; i++)
        if (flaws[i].error == error)
            return flaws[i].flaw;
    return TP_PKI_PATH_CONSTRAINTS;
}

struct judging {
    const struct tp_pki_chain *chain;
    struct tp_pki_path_verdict verdict;
};

/* Of two that are as bad the one nearer to the leaf. */
static void found(struct judging *judging, enum tp_pki_path_flaw flaw, size_t at, const char *why)
{
    at = at < judging->chain->len ? at : judging->chain->len - 1;
    if (tp_pki_flaw_is_worse(flaw, judging->verdict.flaw) ||
        (flaw == judging->verdict.flaw && at < judging->verdict.at))
        tp_pki_verdict_set(&judging->verdict, flaw, at, judging->chain->x509[at], why);
}

static void date_text(const ASN1_TIME *time, const char *what, char *ret_text, size_t ret_text_len)
{
    int64_t ms = 0;
    char date[TP_TIME_TEXT_LEN] = "?";
    if (tp_pki_time(time, &ms) == TP_OK)
        tp_time_format(ms, false, date);
    (void)snprintf(ret_text, ret_text_len, "%s %s", what, date);
}

/* RFC 5280 §6.1.1 (d): an anchor is a name and a key. Its dates bind whoever trusts it for itself only. */
static bool is_anchors_date(const struct judging *judging, enum tp_pki_path_flaw flaw, size_t at)
{
    return at > 0 && at + 1 == judging->chain->len && (flaw == TP_PKI_PATH_EXPIRED || flaw == TP_PKI_PATH_NOT_YET);
}

/* RFC 3739 §3.2.6: statements that the certificate is a qualified one. Where they are critical, each of them has to be known. */
static bool statements_are_known(X509_EXTENSION *extension)
{
    static const struct tp_bytes known[] = {TP_PKI_OID("\x2b\x06\x01\x05\x05\x07\x0b"), TP_PKI_OID("\x04\x00\x8e\x46\x01")};
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(extension);
    struct tp_bytes whole = TP_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)), at, statement, oid;
    if (!tp_der_take(&whole, TP_DER_SEQUENCE, NULL, &at))
        return false;
    while (at.len > 0) {
        bool fits = false;
        if (!tp_der_take(&at, TP_DER_SEQUENCE, NULL, &statement) || !tp_der_take(&statement, TP_DER_OID, NULL, &oid))
            return false;
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
            fits = fits || (oid.len == known[i].len + 1 && memcmp(oid.data, known[i].data, known[i].len) == 0);
        if (!fits)
            return false;
    }
    return true;
}

static bool is_known(X509_EXTENSION *extension)
{
    return X509_supported_extension(extension) == 1 ||
           (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) == NID_qcStatements && statements_are_known(extension));
}

/* What libcrypto does not know, but is known here. */
static bool all_critical_are_known(const X509 *x509)
{
    for (int at = X509_get_ext_by_critical(x509, 1, -1); at >= 0; at = X509_get_ext_by_critical(x509, 1, at))
        if (!is_known(X509_get_ext(x509, at)))
            return false;
    return true;
}

static int collect(int fits, X509_STORE_CTX *context)
{
    if (fits != 0)
        return fits;
    struct judging *judging = X509_STORE_CTX_get_app_data(context);
    const int error = X509_STORE_CTX_get_error(context), depth = X509_STORE_CTX_get_error_depth(context);
    const enum tp_pki_path_flaw flaw = flaw_of(error);
    const size_t at = depth > 0 ? (size_t)depth : 0;
    const X509 *x509 = X509_STORE_CTX_get_current_cert(context);
    char date[64];
    if (is_anchors_date(judging, flaw, at))
        return 1;
    if (error == X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION && at == 0 && x509 != NULL && all_critical_are_known(x509))
        return 1;
    if (x509 != NULL && flaw == TP_PKI_PATH_EXPIRED) {
        date_text(X509_get0_notAfter(x509), "expired on", date, sizeof date);
        found(judging, flaw, at, date);
    } else if (x509 != NULL && flaw == TP_PKI_PATH_NOT_YET) {
        date_text(X509_get0_notBefore(x509), "is not valid before", date, sizeof date);
        found(judging, flaw, at, date);
    } else {
        found(judging, flaw, at, X509_verify_cert_error_string(error));
    }
    return 1; /* go on: the worst is still to come */
}

/* ---- what libcrypto does not look at ---- */

/* Without such an extension all bits are set. */
static bool usage_allows_signing(X509 *x509)
{
    return (X509_get_key_usage(x509) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) != 0;
}

static const int services[] = {NID_server_auth, NID_time_stamp, NID_OCSP_sign, NID_ms_sgc, NID_ns_sgc};

static bool is_service(int usage)
{
    for (size_t i = 0; i < sizeof services / sizeof services[0]; i++)
        if (usage == services[i])
            return true;
    return false;
}

/* RFC 5280 §4.2.1.12: "MUST only be used for one of the purposes indicated". These are keys that sign what strangers
 * send; other purposes are taken for people's. Servers are often clients, too; so are people, but they are no servers. */
static bool is_for_services_alone(const X509 *x509)
{
    EXTENDED_KEY_USAGE *usages = X509_get_ext_d2i(x509, NID_ext_key_usage, NULL, NULL);
    int of_services = 0, of_clients = 0;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages); i++) {
        const int usage = OBJ_obj2nid(sk_ASN1_OBJECT_value(usages, i));
        of_services += is_service(usage) ? 1 : 0;
        of_clients += usage == NID_client_auth ? 1 : 0;
    }
    const bool nothing_else = usages != NULL && of_services + of_clients == sk_ASN1_OBJECT_num(usages);
    const bool alone = nothing_else && (of_services > 0 || of_clients == 0);
    EXTENDED_KEY_USAGE_free(usages);
    return alone;
}

/* Without such an extension it may be used for anything. */
static bool may_stamp(X509 *x509)
{
    return (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) == 0 ||
           (X509_get_extended_key_usage(x509) & (XKU_TIMESTAMP | XKU_ANYEKU)) != 0;
}

static bool is_for_ocsp(X509 *x509)
{
    const bool listed = (X509_get_extension_flags(x509) & EXFLAG_XKUSAGE) != 0 &&
                        (X509_get_extended_key_usage(x509) & XKU_OCSP_SIGN) != 0;
    return (listed && usage_allows_signing(x509)) ||
           X509_check_ca(x509) == 1; /* RFC 6960 §4.2.2.2: the CA itself needs no such purpose */
}

static void purpose_check(struct judging *judging, enum tp_pki_purpose purpose)
{
    X509 *leaf = judging->chain->x509[0];
    if (purpose == TP_PKI_FOR_SIGNING && !usage_allows_signing(leaf))
        found(judging, TP_PKI_PATH_CONSTRAINTS, 0,
              "its key usage allows no signatures (neither digitalSignature nor nonRepudiation)");
    if (purpose == TP_PKI_FOR_SIGNING && is_for_services_alone(leaf))
        found(judging, TP_PKI_PATH_CONSTRAINTS, 0,
              "it is for a server, a timestamp authority or an OCSP responder, not for documents (extended key usage)");
    if (purpose == TP_PKI_FOR_TIMESTAMPING && (!tp_pki_is_for_timestamping(leaf) || !usage_allows_signing(leaf)))
        found(judging, TP_PKI_PATH_CONSTRAINTS, 0, "it is not for timestamps alone (RFC 3161 §2.3)");
    if (purpose == TP_PKI_FOR_OCSP && !is_for_ocsp(leaf))
        found(judging, TP_PKI_PATH_CONSTRAINTS, 0, "it is not for OCSP responses (OCSPSigning)");
}

/* What a CA is for is what it issues for, as CAs and browsers have it; an anchor is for what whoever trusts it has named it for. */
static void issuers_check(struct judging *judging, enum tp_pki_purpose purpose)
{
    for (size_t i = 1; i + 1 < judging->chain->len; i++) {
        X509 *issuer = judging->chain->x509[i];
        if (purpose == TP_PKI_FOR_SIGNING && is_for_services_alone(issuer))
            found(judging, TP_PKI_PATH_CONSTRAINTS, i,
                  "it is a CA for servers, timestamp authorities or OCSP responders, not for who signs documents (extended key usage)");
        if (purpose == TP_PKI_FOR_TIMESTAMPING && !may_stamp(issuer))
            found(judging, TP_PKI_PATH_CONSTRAINTS, i, "it is no CA for timestamp authorities (extended key usage)");
    }
}

/* Anybody can make two certificates with one MD5. SHA-1 is left to whoever judges by date (EN 319 102-1 §5.2.8). */
static void hashes_check(struct judging *judging)
{
    for (size_t i = 0; i + 1 < judging->chain->len; i++) {
        int hash = NID_undef, key = NID_undef;
        (void)X509_get_signature_info(judging->chain->x509[i], &hash, &key, NULL, NULL);
        const bool has_no_hash = hash == NID_undef && (key == NID_ED25519 || key == NID_ED448);
        if (hash == NID_md5)
            found(judging, TP_PKI_PATH_CONSTRAINTS, i, "it is signed with MD5, which proves nothing");
        else if (!has_no_hash && (hash == NID_undef || tp_pki_hash_parse(OBJ_nid2sn(hash)) == TP_PKI_HASH_NONE))
            found(judging, TP_PKI_PATH_CONSTRAINTS, i, "it is signed with a hash that is not known, which proves nothing");
    }
}

static void keys_check(struct judging *judging)
{
    for (size_t i = 0; i < judging->chain->len; i++) {
        const EVP_PKEY *key = X509_get0_pubkey(judging->chain->x509[i]);
        if (key != NULL && tp_pki_key_is_anybodys(key))
            found(judging, TP_PKI_PATH_CONSTRAINTS, i, "anybody can sign with its key (RSA with a public exponent of 1, or an even one)");
    }
}

/* ---- both ---- */

/* Who issued what was found, and its signatures were tried: where two CAs have one name, as with a key that was changed, libcrypto
 * would take the first, and find that the signature does not fit. */
static int is_issued_by(X509_STORE_CTX *context, X509 *x509, X509 *issuer)
{
    const struct judging *judging = X509_STORE_CTX_get_app_data(context);
    const struct tp_pki_chain *chain = judging->chain;
    if (x509 == issuer)
        return X509_check_issued(issuer, x509) == X509_V_OK;
    for (size_t i = 0; i + 1 < chain->len; i++)
        if (chain->x509[i] == x509)
            return chain->x509[i + 1] == issuer;
    return 0;
}

static enum tp_rc context_make(struct judging *judging, int64_t at_ms, STACK_OF(X509) * between, X509_STORE *store,
                               X509_STORE_CTX *context)
{
    const struct tp_pki_chain *chain = judging->chain;
    if (X509_STORE_add_cert(store, chain->x509[chain->len - 1]) != 1)
        return TP_MEMORY;
    for (size_t i = 1; i + 1 < chain->len; i++)
        if (sk_X509_push(between, chain->x509[i]) <= 0)
            return TP_MEMORY;
    X509_STORE_set_check_issued(store, is_issued_by);
    if (X509_STORE_CTX_init(context, store, chain->x509[0], between) != 1)
        return TP_MEMORY;
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_time(param, (time_t)(at_ms / 1000));
    X509_VERIFY_PARAM_set_depth(param, TP_PKI_PATH_MAX);
    /* A common name with a dot is a person's, "J.Smith", and no host's that a CA's DNS constraints are about */
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    /* Of policies any will do (§6.1.1 (c)); without one named here libcrypto finds that none does */
    if (X509_VERIFY_PARAM_add0_policy(param, OBJ_nid2obj(NID_any_policy)) != 1 ||
        X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_POLICY_CHECK) != 1 ||
        X509_STORE_CTX_set_app_data(context, judging) != 1)
        return TP_MEMORY;
    X509_STORE_CTX_set_verify_cb(context, collect);
    return TP_OK;
}

static enum tp_rc verify(struct judging *judging, int64_t at_ms)
{
    X509_STORE *store TP_AUTO(X509_STORE_free_p) = X509_STORE_new();
    X509_STORE_CTX *context TP_AUTO(X509_STORE_CTX_free_p) = X509_STORE_CTX_new_ex(tp_crypto_libctx(), NULL);
    STACK_OF(X509) *between = sk_X509_new_null();
    enum tp_rc rc = store != NULL && context != NULL && between != NULL
                        ? context_make(judging, at_ms, between, store, context)
                        : TP_MEMORY;
    if (rc == TP_OK && X509_verify_cert(context) != 1)
        found(judging, flaw_of(X509_STORE_CTX_get_error(context)), 0,
              X509_verify_cert_error_string(X509_STORE_CTX_get_error(context)));
    if (context != NULL)
        X509_STORE_CTX_cleanup(context); /* it points to what is freed next */
    sk_X509_free(between);
    return rc;
}

enum tp_rc tp_pki_chain_judge(const struct tp_pki_chain *chain, enum tp_pki_purpose purpose, int64_t at_ms,
                              struct tp_pki_path_verdict *ret_verdict)
{
    struct judging judging = {.chain = chain};
    TP_TRY(verify(&judging, at_ms));
    purpose_check(&judging, purpose);
    issuers_check(&judging, purpose);
    hashes_check(&judging);
    keys_check(&judging);
    *ret_verdict = judging.verdict;
    return TP_OK;
}
