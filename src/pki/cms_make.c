/* SPDX-License-Identifier: Apache-2.0
 *
 * SignedData (RFC 5652 §5.1) with one SignerInfo.
 */
#include "pki/cms_internal.h"

#include <string.h>

/* ---- what a signer gives to each of its signatures ---- */

static bool is_root(const struct tp_pki_certificate *certificate)
{
    return tp_bytes_equal(tp_buf_bytes(&certificate->subject_der), tp_buf_bytes(&certificate->issuer_der));
}

static enum tp_rc put_sid(const struct tp_pki_certificate *certificate, struct tp_buf *sid)
{
    size_t mark;
    TP_TRY(tp_der_open(sid, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_buf_append(sid, tp_buf_bytes(&certificate->issuer_der)));
    TP_TRY(tp_buf_append(sid, tp_buf_bytes(&certificate->serial_der)));
    return tp_der_close(sid, mark);
}

/* A root is left out: whoever does not have it already does not trust it. A key's own certificate is never. */
enum tp_rc tp_pki_signer_prepare_cms(struct tp_pki_signer *signer, struct tp_error *error)
{
    struct tp_pki_der_set set = {.len = 0};
    for (size_t i = 0; i < signer->certificates_len; i++) {
        const struct tp_bytes der = tp_buf_bytes(&signer->certificates[i]);
        struct tp_pki_certificate certificate TP_AUTO(tp_pki_certificate_clear) = {0};
        TP_TRY(tp_pki_certificate_parse(der, error, &certificate));
        if (i == 0)
            TP_TRY(put_sid(&certificate, &signer->cms_sid));
        if (i == 0 || !is_root(&certificate))
            TP_TRY(tp_pki_der_set_add(&set, der));
    }
    return tp_pki_der_set_put(&set, &signer->cms_certificates);
}

/* ---- the order ---- */

static enum tp_rc check(const struct tp_pki_cms_order *order, struct tp_error *error)
{
    const struct tp_pki_key_info *info = tp_pki_signer_info(order->signer);
    struct tp_buf algorithm TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (tp_pki_signer_certificates_len(order->signer) == 0)
        return tp_error_set(error, TP_NOT_FOUND,
                            "the signing key has no certificate: there is nobody to name as signer");
    if (tp_pki_hash_len(order->hash) == 0)
        return tp_error_set(error, TP_UNSUPPORTED, "a CMS signature needs a hash");
    const enum tp_rc rc = tp_pki_cms_put_signature_algorithm(order, TP_DER_SEQUENCE, &algorithm);
    if (rc == TP_UNSUPPORTED)
        return tp_error_set(error, rc, "a key of type %s makes no CMS signatures with %s", info->type,
                            tp_pki_hash_name(order->hash));
    TP_TRY(rc);
    if (order->digest.len != tp_pki_hash_len(order->hash))
        return tp_error_set(error, TP_DATA_LENGTH, "%zu bytes are no %s hash of a content", order->digest.len,
                            tp_pki_hash_name(order->hash));
    return TP_OK;
}

/* ---- the parts ---- */

static enum tp_rc put_signer_info(const struct tp_pki_cms_order *order, struct tp_bytes attributes,
                                  struct tp_bytes signature, struct tp_buf *buf)
{
    size_t mark;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_number(buf, 1)); /* RFC 5652 §5.3: with issuerAndSerialNumber */
    TP_TRY(tp_buf_append(buf, tp_buf_bytes(&order->signer->cms_sid)));
    TP_TRY(tp_pki_cms_put_digest_algorithm(order->hash, buf));
    TP_TRY(tp_der_put(buf, TP_DER_CONSTRUCTED + 0, attributes));
    TP_TRY(tp_pki_cms_put_signature_algorithm(order, TP_DER_SEQUENCE, buf));
    TP_TRY(tp_der_put(buf, TP_DER_OCTET_STRING, signature));
    return tp_der_close(buf, mark);
}

static enum tp_rc put_content(const struct tp_pki_cms_order *order, struct tp_buf *buf)
{
    size_t mark, explicit;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_oid(buf, order->content_type != NULL ? order->content_type : TP_PKI_OID_DATA));
    if (order->content.data != NULL) {
        TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 0, &explicit));
        TP_TRY(tp_der_put(buf, TP_DER_OCTET_STRING, order->content));
        TP_TRY(tp_der_close(buf, explicit));
    }
    return tp_der_close(buf, mark);
}

/* RFC 5652 §5.1: 3 when the content is not id-data. */
static unsigned version(const struct tp_pki_cms_order *order)
{
    return order->content_type == NULL || strcmp(order->content_type, TP_PKI_OID_DATA) == 0 ? 1 : 3;
}

static enum tp_rc put_signed_data(const struct tp_pki_cms_order *order, struct tp_bytes attributes,
                                  struct tp_bytes signature, struct tp_buf *buf)
{
    size_t mark, set;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_number(buf, version(order)));
    TP_TRY(tp_der_open(buf, TP_DER_SET, &set));
    TP_TRY(tp_pki_cms_put_digest_algorithm(order->hash, buf));
    TP_TRY(tp_der_close(buf, set));
    TP_TRY(put_content(order, buf));
    if (!order->no_certificates)
        TP_TRY(tp_der_put(buf, TP_DER_CONSTRUCTED + 0, tp_buf_bytes(&order->signer->cms_certificates)));
    TP_TRY(tp_der_open(buf, TP_DER_SET, &set));
    TP_TRY(put_signer_info(order, attributes, signature, buf));
    TP_TRY(tp_der_close(buf, set));
    return tp_der_close(buf, mark);
}

static enum tp_rc put_cms(const struct tp_pki_cms_order *order, struct tp_bytes attributes, struct tp_bytes signature,
                          struct tp_buf *buf)
{
    size_t mark, explicit;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_der_put_oid(buf, TP_PKI_OID_SIGNED_DATA));
    TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 0, &explicit));
    TP_TRY(put_signed_data(order, attributes, signature, buf));
    TP_TRY(tp_der_close(buf, explicit));
    return tp_der_close(buf, mark);
}

/* ---- all of it ---- */

/* The attributes are signed with the tag of a SET, and stand in the SignerInfo with the one of [0] (RFC 5652 §5.4). */
static enum tp_rc sign(const struct tp_pki_cms_order *order, struct tp_bytes attributes, struct tp_error *error,
                       struct tp_buf *ret_signature)
{
    struct tp_buf set TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    const enum tp_pki_scheme scheme = tp_pki_cms_scheme(order);
    TP_TRY(tp_der_put(&set, TP_DER_SET, attributes));
    return tp_pki_signer_sign(order->signer, scheme, scheme == TP_PKI_EDDSA ? TP_PKI_HASH_NONE : order->hash,
                              tp_buf_bytes(&set), error, ret_signature);
}

static enum tp_rc digest_fill(struct tp_pki_cms_order *order, uint8_t *digest, struct tp_error *error)
{
    const char *name = tp_pki_hash_libcrypto(order->hash);
    if (order->digest.data != NULL || order->content.data == NULL || name == NULL)
        return TP_OK;
    const EVP_MD *md = tp_crypto_digest(name);
    if (md == NULL || EVP_Digest(order->content.data, order->content.len, digest, NULL, md, NULL) != 1)
        return tp_error_set(error, TP_CRYPTO, "libcrypto has no hash %s", tp_pki_hash_name(order->hash));
    order->digest = TP_BYTES(digest, tp_pki_hash_len(order->hash));
    return TP_OK;
}

enum tp_rc tp_pki_cms_make(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *ret_der)
{
    TP_PKI_ERRORS_KEEP;
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_pki_cms_order own = *order;
    struct tp_buf attributes TP_AUTO(tp_buf_clear) = TP_BUF_INIT, signature TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    struct tp_buf der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    TP_TRY(digest_fill(&own, digest, error));
    TP_TRY(check(&own, error));
    TP_TRY(tp_pki_cms_put_attributes(&own, error, &attributes));
    TP_TRY(sign(&own, tp_buf_bytes(&attributes), error, &signature));
    TP_TRY(put_cms(&own, tp_buf_bytes(&attributes), tp_buf_bytes(&signature), &der));
    return tp_buf_append(ret_der, tp_buf_bytes(&der));
}

/* The same with the longest signature there is: everything else has its length already. */
enum tp_rc tp_pki_cms_size(const struct tp_pki_cms_order *order, size_t *ret_most)
{
    TP_PKI_ERRORS_KEEP;
    static const uint8_t zeros[TP_PKI_SIGNATURE_MOST];
    const size_t most = tp_pki_signer_most(order->signer);
    struct tp_pki_cms_order own = *order;
    struct tp_buf attributes TP_AUTO(tp_buf_clear) = TP_BUF_INIT, der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    own.digest = TP_BYTES(zeros, tp_pki_hash_len(order->hash));
    TP_TRY(check(&own, NULL));
    TP_TRY(tp_pki_cms_put_attributes(&own, NULL, &attributes));
    TP_TRY(put_cms(&own, tp_buf_bytes(&attributes), TP_BYTES(zeros, most), &der));
    *ret_most = der.len;
    return TP_OK;
}
