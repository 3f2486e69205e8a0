/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking the signature of a SignerInfo (RFC 5652 §5.4, §5.6).
 */
#include "pki/cms_reader.h"

#include <stdlib.h>
#include <string.h>

#define ID_DATA "1.2.840.113549.1.7.1"

/* What is signed is the DER of a SET OF, with its own tag in place of [0] (§5.4). */
static enum tp_rc signed_bytes(struct tp_bytes attributes, struct tp_buf *ret_der)
{
    return tp_der_put(ret_der, TP_DER_SET, attributes);
}

static int by_der(const void *a, const void *b)
{
    return tp_der_compare(*(const struct tp_bytes *)a, *(const struct tp_bytes *)b);
}

/* The same, made DER where the encoding was not: short lengths, and the order of §11.6 of X.690. */
static enum tp_rc signed_bytes_in_order(struct tp_bytes attributes, struct tp_buf *ret_der)
{
    struct tp_buf as_der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_bytes list[TP_PKI_CMS_ATTRIBUTES];
    size_t len = 0, mark, used;
    while (attributes.len > 0) {
        TP_TRY(tp_pki_ber_to_der(attributes, &as_der, &used));
        attributes = TP_BYTES(attributes.data + used, attributes.len - used);
    }
    for (struct tp_bytes at = tp_buf_bytes(&as_der); at.len > 0; len++)
        if (len == TP_PKI_CMS_ATTRIBUTES || !tp_der_take(&at, TP_DER_SEQUENCE, &list[len], NULL))
            return TP_MALFORMED;
    qsort(list, len, sizeof list[0], by_der);
    TP_TRY(tp_der_open(ret_der, TP_DER_SET, &mark));
    for (size_t i = 0; i < len; i++)
        TP_TRY(tp_buf_append(ret_der, list[i]));
    return tp_der_close(ret_der, mark);
}

enum tp_rc tp_pki_cms_signed_attributes(const struct tp_pki_cms *cms, size_t signer, struct tp_buf *ret_der)
{
    const struct tp_pki_cms_part *part = &cms->parts[signer];
    return part->facts.has_attributes ? signed_bytes_in_order(part->attributes, ret_der) : TP_OK;
}

/* As it came first: some signers sign what they send, in whatever order. Either way every attribute is covered. */
static enum tp_rc attributes_check(const struct tp_pki_cms_part *part, EVP_PKEY *key, struct tp_error *error)
{
    struct tp_buf sent TP_AUTO(tp_buf_clear) = TP_BUF_INIT, ordered TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(signed_bytes(part->attributes, &sent));
    const enum tp_rc rc =
        tp_pki_signature_check(&part->algorithm, key, tp_buf_bytes(&sent), part->facts.signature, error);
    if (rc != TP_CRYPTO)
        return rc;
    TP_TRY(signed_bytes_in_order(part->attributes, &ordered));
    if (tp_bytes_equal(tp_buf_bytes(&sent), tp_buf_bytes(&ordered)))
        return rc;
    return tp_pki_signature_check(&part->algorithm, key, tp_buf_bytes(&ordered), part->facts.signature, error);
}

/* §5.3: without attributes only data may be signed. A signature over attributes would else pass for one over a content
 * that looks like them. */
static enum tp_rc bare_check(const struct tp_pki_cms *cms, const struct tp_pki_cms_part *part, EVP_PKEY *key,
                             struct tp_bytes digest, struct tp_error *error)
{
    if (strcmp(cms->content_type, ID_DATA) != 0)
        return tp_error_set(error, TP_MALFORMED, "the CMS has no signed attributes, and its content is not plain data");
    if (part->algorithm.scheme != TP_PKI_EDDSA && part->algorithm.hash != part->facts.hash)
        return tp_error_set(error, TP_MALFORMED, "the CMS names two hashes for one signature");
    return tp_pki_signature_check_digest(&part->algorithm, key, digest, part->facts.signature, error);
}

/* Contents of two AlgorithmIdentifiers: NULL parameters are as good as none (RFC 5754 §2). */
static bool is_same_algorithm(struct tp_bytes a, struct tp_bytes b)
{
    static const struct tp_bytes null = {.data = (const uint8_t *)"\x05\x00", .len = 2};
    struct tp_bytes oid_a, oid_b;
    if (!tp_der_take(&a, TP_DER_OID, &oid_a, NULL) || !tp_der_take(&b, TP_DER_OID, &oid_b, NULL))
        return false;
    a = tp_bytes_equal(a, null) ? TP_BYTES_NONE : a;
    b = tp_bytes_equal(b, null) ? TP_BYTES_NONE : b;
    return tp_bytes_equal(oid_a, oid_b) && tp_bytes_equal(a, b);
}

/* CMSAlgorithmProtection (RFC 6211 §2): the algorithms themselves are not signed, and might have been exchanged. */
static bool algorithms_fit(const struct tp_pki_cms_part *part)
{
    struct tp_bytes value = part->protection, digest = part->digest_algorithm, signature = part->signature_algorithm;
    struct tp_bytes fields, signed_digest, signed_signature, named_digest, named_signature;
    if (part->protection.len == 0)
        return true;
    return tp_der_take(&value, TP_DER_SEQUENCE, NULL, &fields) &&
           tp_der_take(&fields, TP_DER_SEQUENCE, NULL, &signed_digest) &&
           tp_der_take(&fields, TP_DER_CONSTRUCTED + 1, NULL, &signed_signature) && fields.len == 0 &&
           tp_der_take(&digest, TP_DER_SEQUENCE, NULL, &named_digest) &&
           tp_der_take(&signature, TP_DER_SEQUENCE, NULL, &named_signature) &&
           is_same_algorithm(named_digest, signed_digest) && is_same_algorithm(named_signature, signed_signature);
}

static enum tp_rc content_check(const struct tp_pki_cms *cms, const struct tp_pki_cms_part *part,
                                struct tp_bytes digest, struct tp_error *error)
{
    if (!tp_bytes_equal(part->content_type, cms->content_type_oid)) /* §11.1 */
        return tp_error_set(error, TP_MALFORMED,
                            "the CMS has another content type than the one that its signer signed");
    if (!algorithms_fit(part))
        return tp_error_set(error, TP_CRYPTO, "the CMS names other algorithms than those that its signer signed");
    if (!tp_bytes_equal(part->facts.message_digest, digest))
        return tp_error_set(error, TP_DATA, "what was signed is not this content: its hash is another one");
    return TP_OK;
}

enum tp_rc tp_pki_cms_verify_with(const struct tp_pki_cms *cms, size_t signer, X509 *x509, struct tp_bytes digest,
                                  struct tp_error *error)
{
    TP_PKI_ERRORS_KEEP;
    const struct tp_pki_cms_part *part = &cms->parts[signer];
    struct tp_pki_signature_algorithm algorithm;
    if (part->facts.hash == TP_PKI_HASH_NONE)
        return tp_error_set(error, TP_UNSUPPORTED, "the hash that the CMS was signed with is not known");
    if (part->algorithm_rc != TP_OK)
        return tp_pki_signature_algorithm_read(part->signature_algorithm, error, &algorithm);
    if (digest.len != tp_pki_hash_len(part->facts.hash))
        return tp_error_set(error, TP_DATA_LENGTH, "a hash of %zu bytes is not one of %s", digest.len,
                            tp_pki_hash_name(part->facts.hash));
    EVP_PKEY *key = X509_get0_pubkey(x509);
    if (key == NULL)
        return tp_error_set(error, TP_UNSUPPORTED, "the public key of the signer's certificate cannot be read");
    if (!part->facts.has_attributes)
        return bare_check(cms, part, key, digest, error);
    TP_TRY(content_check(cms, part, digest, error));
    return attributes_check(part, key, error);
}

enum tp_rc tp_pki_cms_verify(const struct tp_pki_cms *cms, size_t signer, struct tp_bytes digest,
                             struct tp_error *error)
{
    if (signer >= cms->parts_len)
        return tp_error_set(error, TP_NOT_FOUND, "the CMS has no signer %zu", signer + 1);
    if (cms->parts[signer].x509 == NULL)
        return tp_error_set(error, TP_NOT_FOUND, "the certificate of the signer is not in the CMS");
    return tp_pki_cms_verify_with(cms, signer, cms->parts[signer].x509, digest, error);
}
