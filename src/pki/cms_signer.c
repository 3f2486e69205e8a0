/* SPDX-License-Identifier: Apache-2.0
 *
 * Who signed a CMS: which certificate a SignerInfo means, and whether its own attributes mean the same.
 */
#include "pki/cms_reader.h"

#include <string.h>

/* ---- signing-certificate, signing-certificate-v2 ---- */

/* IssuerSerial (RFC 5035 §5): GeneralNames with one directoryName, and the number. */
static bool issuer_serial_fits(struct tp_bytes value, const X509 *x509)
{
    struct tp_bytes fields, names, serial, name, directory;
    if (!tp_der_take(&value, TP_DER_SEQUENCE, NULL, &fields) || !tp_der_take(&fields, TP_DER_SEQUENCE, NULL, &names) ||
        !tp_der_take(&fields, TP_DER_INTEGER, NULL, &serial) ||
        !tp_der_take(&names, TP_DER_CONSTRUCTED + 4, NULL, &directory) || names.len != 0 ||
        !tp_der_take(&directory, TP_DER_SEQUENCE, &name, NULL))
        return false;
    const ASN1_INTEGER *own = X509_get0_serialNumber(x509);
    const unsigned char *at = name.data;
    X509_NAME *issuer TP_AUTO(X509_NAME_free_p) = d2i_X509_NAME(NULL, &at, (long)name.len);
    return tp_bytes_equal(tp_der_without_zeros(serial),
                          TP_BYTES(ASN1_STRING_get0_data(own), (size_t)ASN1_STRING_length(own))) &&
           issuer != NULL && X509_NAME_cmp(issuer, X509_get_issuer_name(x509)) == 0;
}

static bool hash_fits(enum tp_pki_hash hash, struct tp_bytes expected, struct tp_bytes der)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    const char *name = tp_pki_hash_libcrypto(hash);
    const EVP_MD *md = name == NULL ? NULL : tp_crypto_digest(name);
    return md != NULL && EVP_Digest(der.data, der.len, digest, NULL, md, NULL) == 1 &&
           tp_bytes_equal(expected, TP_BYTES(digest, tp_pki_hash_len(hash)));
}

/* The first ESSCertID is the signer's (RFC 5035 §5.4); others, and policies, may follow. */
static bool ess_fits(struct tp_bytes value, bool v2, const X509 *x509, struct tp_bytes der)
{
    struct tp_bytes attribute, ids, id, algorithm, expected, issuer_serial;
    enum tp_pki_hash hash = v2 ? TP_PKI_SHA256 : TP_PKI_SHA1;
    if (!tp_der_take(&value, TP_DER_SEQUENCE, NULL, &attribute) ||
        !tp_der_take(&attribute, TP_DER_SEQUENCE, NULL, &ids) || !tp_der_take(&ids, TP_DER_SEQUENCE, NULL, &id))
        return false;
    if (v2 && tp_der_take(&id, TP_DER_SEQUENCE, &algorithm, NULL))
        hash = tp_pki_hash_of_algorithm(algorithm);
    /* Anybody can make two certificates with one MD5 */
    if (hash == TP_PKI_MD5 || !tp_der_take(&id, TP_DER_OCTET_STRING, NULL, &expected) || !hash_fits(hash, expected, der))
        return false;
    return !tp_der_take(&id, TP_DER_SEQUENCE, &issuer_serial, NULL) || issuer_serial_fits(issuer_serial, x509);
}

bool tp_pki_cms_ess_fits(const struct tp_pki_cms_part *part, const X509 *x509, struct tp_bytes der)
{
    return part->facts.has_ess && (part->ess.len == 0 || ess_fits(part->ess, false, x509, der)) &&
           (part->ess_v2.len == 0 || ess_fits(part->ess_v2, true, x509, der));
}

/* ---- SignerIdentifier ---- */

/* RFC 5652 §5.3: IssuerAndSerialNumber, or [0] SubjectKeyIdentifier. */
static bool is_meant(struct tp_bytes sid, X509 *x509)
{
    struct tp_bytes fields, name, serial, key_id = TP_BYTES_NONE;
    if (tp_der_take(&sid, TP_DER_CONTEXT + 0, NULL, &key_id)) {
        const ASN1_OCTET_STRING *own = X509_get0_subject_key_id(x509);
        return own != NULL &&
               tp_bytes_equal(key_id, TP_BYTES(ASN1_STRING_get0_data(own), (size_t)ASN1_STRING_length(own)));
    }
    if (!tp_der_take(&sid, TP_DER_SEQUENCE, NULL, &fields) || !tp_der_take(&fields, TP_DER_SEQUENCE, &name, NULL) ||
        !tp_der_take(&fields, TP_DER_INTEGER, &serial, NULL))
        return false;
    const unsigned char *at = name.data, *serial_at = serial.data;
    X509_NAME *issuer TP_AUTO(X509_NAME_free_p) = d2i_X509_NAME(NULL, &at, (long)name.len);
    ASN1_INTEGER *number = d2i_ASN1_INTEGER(NULL, &serial_at, (long)serial.len);
    const bool fits = issuer != NULL && number != NULL && X509_NAME_cmp(issuer, X509_get_issuer_name(x509)) == 0 &&
                      ASN1_INTEGER_cmp(number, X509_get0_serialNumber(x509)) == 0;
    ASN1_INTEGER_free(number);
    return fits;
}

/* Several may have the same name and number, or key identifier: the one that the signed attributes name, else the
 * first. */
static void certificate_find(struct tp_pki_cms *cms, struct tp_pki_cms_part *part)
{
    struct tp_pki_cms_signer *facts = &part->facts;
    for (size_t i = 0; i < cms->certificates_len && !facts->ess_fits; i++) {
        if (cms->x509[i] == NULL || !is_meant(part->sid, cms->x509[i]))
            continue;
        facts->ess_fits = tp_pki_cms_ess_fits(part, cms->x509[i], cms->certificates[i]);
        if (part->x509 != NULL && !facts->ess_fits)
            continue;
        part->x509 = cms->x509[i];
        facts->certificate = cms->certificates[i];
    }
}

/* ---- all of it ---- */

static bool is_weak_hash(enum tp_pki_hash hash)
{
    return hash == TP_PKI_MD5 || hash == TP_PKI_SHA1;
}

void tp_pki_cms_part_judge(struct tp_pki_cms *cms, struct tp_pki_cms_part *part)
{
    struct tp_pki_cms_signer *facts = &part->facts;
    certificate_find(cms, part);
    facts->hash = tp_pki_hash_of_algorithm(part->digest_algorithm);
    part->algorithm_rc = tp_pki_signature_algorithm_read(part->signature_algorithm, NULL, &part->algorithm);
    const EVP_PKEY *key = part->x509 == NULL ? NULL : X509_get0_pubkey(part->x509);
    facts->weak = is_weak_hash(facts->hash);
    if (part->algorithm_rc != TP_OK) {
        (void)strcpy(facts->algorithm, "unknown");
        return;
    }
    if (part->algorithm.hash == TP_PKI_HASH_NONE && part->algorithm.scheme != TP_PKI_EDDSA)
        part->algorithm.hash = facts->hash;
    facts->signature_hash = part->algorithm.hash;
    tp_pki_signature_text(&part->algorithm, key, facts->algorithm, sizeof facts->algorithm);
    facts->weak = facts->weak || tp_pki_signature_is_weak(&part->algorithm, key);
}

size_t tp_pki_cms_signers_len(const struct tp_pki_cms *cms)
{
    return cms->parts_len;
}

void tp_pki_cms_signer(const struct tp_pki_cms *cms, size_t index, struct tp_pki_cms_signer *ret_signer)
{
    *ret_signer = index < cms->parts_len ? cms->parts[index].facts : (struct tp_pki_cms_signer){0};
}
