/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificate revocation lists (RFC 5280 §5).
 */
#include "pki/internal.h"
#include "pki/signature.h"

#include <stdlib.h>
#include <string.h>

struct tp_pki_crl_index {
    X509_CRL *crl;
    bool unclear; /* some entries say more than is understood here */
};

static enum tp_rc crl_decode(struct tp_bytes der, struct tp_error *error, X509_CRL **ret_crl)
{
    X509_CRL *crl TP_AUTO(X509_CRL_free_p) = X509_CRL_new_ex(tp_crypto_libctx(), NULL);
    if (crl == NULL)
        return TP_MEMORY;
    const unsigned char *at = der.data;
    if (d2i_X509_CRL(&crl, &at, (long)der.len) == NULL || at != der.data + der.len)
        return tp_error_set(error, TP_MALFORMED, "this is not one CRL");
    *ret_crl = crl;
    crl = NULL;
    return TP_OK;
}

/* A list that says only what changed (§5.2.4), or whose scope is limited in a way that we do not understand (§5.2),
 * must not be used to find that a certificate is *not* revoked: such a list is refused as a whole. */
static enum tp_rc extensions_check(const X509_CRL *crl, struct tp_error *error)
{
    if (X509_CRL_get_ext_by_NID(crl, NID_delta_crl, -1) >= 0)
        return tp_error_set(error, TP_UNSUPPORTED, "this is a delta CRL; import the complete one");
    for (int at = X509_CRL_get_ext_by_critical(crl, 1, -1); at >= 0; at = X509_CRL_get_ext_by_critical(crl, 1, at)) {
        const ASN1_OBJECT *object = X509_EXTENSION_get_object(X509_CRL_get_ext(crl, at));
        const int nid = OBJ_obj2nid(object);
        if (nid != NID_issuing_distribution_point && nid != NID_authority_key_identifier)
            return tp_error_set(error, TP_UNSUPPORTED, "the CRL has a critical extension that is not known");
    }
    return TP_OK;
}

struct crl_search {
    struct tp_error *error;
    X509_CRL *crl;
};

static enum tp_rc block_take(void *context, const char *label, struct tp_bytes der)
{
    struct crl_search *search = context;
    if (strcmp(label, "X509 CRL") != 0)
        return TP_OK;
    if (search->crl != NULL)
        return tp_error_set(search->error, TP_MALFORMED, "the file holds more than one CRL; import them one by one");
    return crl_decode(der, search->error, &search->crl);
}

static enum tp_rc pem_decode(struct tp_bytes file, struct tp_error *error, X509_CRL **ret_crl)
{
    struct crl_search search = {.error = error};
    const enum tp_rc rc = tp_pki_pem_read(file, error, block_take, &search);
    X509_CRL *crl TP_AUTO(X509_CRL_free_p) = search.crl;
    TP_TRY(rc);
    if (crl == NULL)
        return tp_error_set(error, TP_NOT_FOUND, "the file holds no CRL");
    *ret_crl = crl;
    crl = NULL;
    return TP_OK;
}

static enum tp_rc crl_load(struct tp_bytes file, struct tp_error *error, X509_CRL **ret_crl)
{
    if (file.len > TP_PKI_CRL_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the CRL is larger than %zu MiB", TP_PKI_CRL_MAX >> 20);
    X509_CRL *crl TP_AUTO(X509_CRL_free_p) = NULL;
    TP_TRY(tp_pki_pem_is(file) ? pem_decode(file, error, &crl) : crl_decode(file, error, &crl));
    TP_TRY(extensions_check(crl, error));
    *ret_crl = crl;
    crl = NULL;
    return TP_OK;
}

/* §5.2.3: at most 20 octets, not negative. */
static enum tp_rc number_fill(const X509_CRL *x509, struct tp_pki_crl *crl)
{
    int critical = 0;
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(x509, NID_crl_number, &critical, NULL);
    if (number == NULL)
        return critical == -1 ? TP_OK : TP_MALFORMED; /* -1: there is none */
    const int len = ASN1_STRING_length(number);
    const bool good = len >= 0 && len <= TP_PKI_CRL_NUMBER_LEN && ASN1_STRING_type(number) == V_ASN1_INTEGER;
    if (good && len > 0)
        memcpy(crl->number + TP_PKI_CRL_NUMBER_LEN - len, ASN1_STRING_get0_data(number), (size_t)len);
    ASN1_INTEGER_free(number);
    crl->has_number = good;
    return good ? TP_OK : TP_MALFORMED;
}

static enum tp_rc scope_fill(const X509_CRL *x509, struct tp_pki_crl *crl)
{
    const int at = X509_CRL_get_ext_by_NID(x509, NID_issuing_distribution_point, -1);
    if (at < 0)
        return TP_OK;
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(X509_CRL_get_ext(x509, at));
    return tp_buf_append(&crl->scope, TP_BYTES(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value)));
}

/* Of kinds of keys that we make no signatures with, as DSA. */
static enum tp_pki_hash hash_by_libcrypto(const X509_CRL *crl)
{
    int hash = NID_undef, key = NID_undef;
    if (OBJ_find_sigid_algs(X509_CRL_get_signature_nid(crl), &hash, &key) != 1 || hash == NID_undef)
        return TP_PKI_HASH_NONE;
    return tp_pki_hash_parse(OBJ_nid2sn(hash));
}

/* PSS has it in its parameters. */
static enum tp_pki_hash hash_of(const X509_CRL *crl)
{
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_pki_signature_algorithm algorithm;
    const X509_ALGOR *identifier = NULL;
    unsigned char *bytes = NULL;
    X509_CRL_get0_signature(crl, NULL, &identifier);
    if (tp_pki_der_take(&bytes, i2d_X509_ALGOR(identifier, &bytes), &der) != TP_OK ||
        tp_pki_signature_algorithm_read(tp_buf_bytes(&der), NULL, &algorithm) != TP_OK)
        return hash_by_libcrypto(crl);
    return algorithm.hash;
}

static bool has_no_hash(const X509_CRL *crl)
{
    const int algorithm = X509_CRL_get_signature_nid(crl);
    return algorithm == NID_ED25519 || algorithm == NID_ED448;
}

static enum tp_rc hash_check(const X509_CRL *crl, struct tp_error *error)
{
    const enum tp_pki_hash hash = hash_of(crl);
    if (hash == TP_PKI_MD5)
        return tp_error_set(error, TP_UNSUPPORTED, "the CRL is signed with MD5, which proves nothing");
    if (hash == TP_PKI_HASH_NONE && !has_no_hash(crl))
        return tp_error_set(error, TP_UNSUPPORTED, "the CRL is signed with an algorithm that is not known");
    return TP_OK;
}

static enum tp_rc header_fill(X509_CRL *x509, struct tp_pki_crl *crl)
{
    TP_TRY(tp_pki_name_text(X509_CRL_get_issuer(x509), crl->issuer));
    unsigned char *der = NULL;
    TP_TRY(tp_pki_der_take(&der, i2d_X509_NAME(X509_CRL_get_issuer(x509), &der), &crl->issuer_der));
    TP_TRY(tp_pki_time(X509_CRL_get0_lastUpdate(x509), &crl->this_update_ms));
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(x509);
    if (next != NULL)
        TP_TRY(tp_pki_time(next, &crl->next_update_ms));
    TP_TRY(number_fill(x509, crl));
    TP_TRY(scope_fill(x509, crl));
    crl->hash = hash_of(x509);
    const int revoked = sk_X509_REVOKED_num(X509_CRL_get_REVOKED(x509)); /* -1: the optional list is absent */
    crl->revoked = revoked > 0 ? (size_t)revoked : 0;
    return TP_OK;
}

enum tp_rc tp_pki_crl_parse(struct tp_bytes file, struct tp_error *error, struct tp_pki_crl *ret_crl)
{
    TP_PKI_ERRORS_KEEP;
    X509_CRL *x509 TP_AUTO(X509_CRL_free_p) = NULL;
    TP_TRY(crl_load(file, error, &x509));
    struct tp_pki_crl crl TP_AUTO(tp_pki_crl_clear) = {0};
    const enum tp_rc rc = header_fill(x509, &crl);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the CRL's issuer, number or dates are not as RFC 5280 says");
    *ret_crl = crl;
    crl = (struct tp_pki_crl){0};
    return TP_OK;
}

void tp_pki_crl_clear(struct tp_pki_crl *crl)
{
    tp_buf_clear(&crl->issuer_der);
    tp_buf_clear(&crl->scope);
    *crl = (struct tp_pki_crl){0};
}

enum tp_rc tp_pki_crl_der(struct tp_bytes file, struct tp_error *error, struct tp_buf *ret_der)
{
    TP_PKI_ERRORS_KEEP;
    X509_CRL *crl TP_AUTO(X509_CRL_free_p) = NULL;
    unsigned char *der = NULL;
    TP_TRY(crl_load(file, error, &crl));
    return tp_pki_der_take(&der, i2d_X509_CRL(crl, &der), ret_der);
}

enum tp_rc tp_pki_crl_verify(struct tp_bytes file, struct tp_bytes issuer, struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    X509_CRL *crl TP_AUTO(X509_CRL_free_p) = NULL;
    X509 *signer TP_AUTO(X509_free_p) = NULL;
    TP_TRY(crl_load(file, error, &crl));
    TP_TRY(tp_pki_x509_load(issuer, error, &signer));
    if (X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_subject_name(signer)) != 0)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the CRL names another issuer than the one given");
    if ((X509_get_key_usage(signer) & KU_CRL_SIGN) == 0) /* §6.3.3 (f); absent counts as all bits */
        return tp_error_set(error, TP_BAD_ARGUMENT, "the issuer's certificate does not allow it to sign CRLs");
    TP_TRY(hash_check(crl, error));
    EVP_PKEY *key = X509_get0_pubkey(signer);
    if (key == NULL || X509_CRL_verify(crl, key) != 1)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the CRL was not signed with the issuer's key");
    return TP_OK;
}

/* ---- looking for many ---- */

/* libcrypto sorts the list when it is first looked into. Now, so that threads which share the index only read. */
static void list_sort(X509_CRL *crl)
{
    X509_REVOKED *entry = NULL;
    ASN1_INTEGER *any = ASN1_INTEGER_new();
    if (any != NULL)
        (void)X509_CRL_get0_by_serial(crl, &entry, any);
    ASN1_INTEGER_free(any);
}

/* §5.3: a critical extension that is not known is no list to go by, nor is one that speaks of other CAs' certificates (§5.3.3) and
 * is not called an indirect one. */
static bool is_unclear(const X509_REVOKED *entry)
{
    if (X509_REVOKED_get_ext_by_NID(entry, NID_certificate_issuer, -1) >= 0)
        return true;
    for (int at = X509_REVOKED_get_ext_by_critical(entry, 1, -1); at >= 0; at = X509_REVOKED_get_ext_by_critical(entry, 1, at)) {
        const int nid = OBJ_obj2nid(X509_EXTENSION_get_object(X509_REVOKED_get_ext(entry, at)));
        if (nid != NID_crl_reason && nid != NID_invalidity_date)
            return true;
    }
    return false;
}

static bool has_unclear(X509_CRL *crl)
{
    const STACK_OF(X509_REVOKED) *entries = X509_CRL_get_REVOKED(crl);
    for (int i = 0; i < sk_X509_REVOKED_num(entries); i++)
        if (is_unclear(sk_X509_REVOKED_value(entries, i)))
            return true;
    return false;
}

enum tp_rc tp_pki_crl_index_new(struct tp_bytes file, struct tp_error *error, struct tp_pki_crl_index **ret_index)
{
    TP_PKI_ERRORS_KEEP;
    X509_CRL *crl TP_AUTO(X509_CRL_free_p) = NULL;
    TP_TRY(crl_load(file, error, &crl));
    struct tp_pki_crl_index *index = malloc(sizeof *index);
    if (index == NULL)
        return TP_MEMORY;
    list_sort(crl);
    index->unclear = has_unclear(crl);
    index->crl = crl;
    crl = NULL;
    *ret_index = index;
    return TP_OK;
}

void tp_pki_crl_index_free(struct tp_pki_crl_index *index)
{
    if (index == NULL)
        return;
    X509_CRL_free(index->crl);
    free(index);
}

/* §5.3.1; 7 is not used. */
const char *tp_pki_crl_reason(long code)
{
    static const char *const words[] = {
        "unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
        "superseded",    "cessationOfOperation", "certificateHold", NULL,
        "removeFromCRL", "privilegeWithdrawn",   "aACompromise",
    };
    const bool known = code >= 0 && (size_t)code < sizeof words / sizeof words[0] && words[code] != NULL;
    return known ? words[code] : words[0];
}

static const char *reason_words(const X509_REVOKED *entry)
{
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
    const long code = reason != NULL ? ASN1_ENUMERATED_get(reason) : 0; /* absent means unspecified */
    ASN1_ENUMERATED_free(reason);
    return tp_pki_crl_reason(code);
}

enum tp_rc tp_pki_crl_entry(const struct tp_pki_crl_index *index, struct tp_bytes serial_der,
                            struct tp_pki_crl_entry *ret_entry)
{
    TP_PKI_ERRORS_KEEP;
    if (serial_der.len > TP_PKI_SERIAL_MAX)
        return TP_MALFORMED;
    const unsigned char *at = serial_der.data;
    ASN1_INTEGER *serial = d2i_ASN1_INTEGER(NULL, &at, (long)serial_der.len);
    if (serial == NULL || at != serial_der.data + serial_der.len) {
        ASN1_INTEGER_free(serial);
        return TP_MALFORMED;
    }
    X509_REVOKED *found = NULL;
    const int how = X509_CRL_get0_by_serial(index->crl, &found, serial); /* 2: removeFromCRL */
    ASN1_INTEGER_free(serial);
    if (how != 1)
        return index->unclear ? TP_UNSUPPORTED : TP_NOT_FOUND;
    struct tp_pki_crl_entry entry = {.reason = reason_words(found)};
    entry.hold = strcmp(entry.reason, "certificateHold") == 0;
    TP_TRY(tp_pki_time(X509_REVOKED_get0_revocationDate(found), &entry.revoked_ms));
    *ret_entry = entry;
    return TP_OK;
}

enum tp_rc tp_pki_crl_find(const struct tp_pki_crl_index *index, struct tp_bytes serial_der, const char **ret_reason,
                           bool *ret_hold)
{
    struct tp_pki_crl_entry entry;
    const enum tp_rc rc = tp_pki_crl_entry(index, serial_der, &entry);
    if (rc != TP_OK)
        return rc == TP_UNSUPPORTED ? TP_NOT_FOUND : rc;
    *ret_reason = entry.reason;
    *ret_hold = entry.hold;
    return TP_OK;
}
