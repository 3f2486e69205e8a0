/* SPDX-License-Identifier: Apache-2.0 */
#include "cms_forge.h"
#include "base/der.h"

#include <criterion/criterion.h>
#include <openssl/cms.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#define OK(call) cr_assert_eq((call), TP_OK)

static X509 *x509_of(struct tp_bytes der)
{
    const unsigned char *at = der.data;
    X509 *x509 = d2i_X509(NULL, &at, (long)der.len);
    cr_assert_not_null(x509);
    return x509;
}

/* ---- by libcrypto ---- */

static void signer_add(CMS_ContentInfo *cms, EVP_PKEY *key, struct tp_bytes certificate, const struct cms_forge *plan)
{
    X509 *x509 = x509_of(certificate);
    const EVP_MD *md = EVP_get_digestbyname(plan->md != NULL ? plan->md : "SHA256");
    const unsigned flags = plan->flags | (plan->pss ? CMS_KEY_PARAM : 0);
    CMS_SignerInfo *info = CMS_add1_signer(cms, x509, key, md, flags);
    cr_assert_not_null(info);
    EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(info);
    if (plan->pss)
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING), 1);
    if (plan->salt_len > 0)
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(context, plan->salt_len), 1);
    if (plan->mask_md != NULL)
        cr_assert_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(plan->mask_md)), 1);
    X509_free(x509);
}

struct tp_buf cms_forge(const struct cms_forge *plan)
{
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, CMS_PARTIAL | (plan->flags & CMS_DETACHED));
    BIO *content = BIO_new_mem_buf(plan->content.data, (int)plan->content.len), *out = BIO_new(BIO_s_mem());
    signer_add(cms, plan->key, plan->certificate, plan);
    if (plan->second_key != NULL)
        signer_add(cms, plan->second_key, plan->second, plan);
    if (plan->other.len > 0) {
        X509 *other = x509_of(plan->other);
        cr_assert_eq(CMS_add1_cert(cms, other), 1);
        X509_free(other);
    }
    const unsigned flags = plan->flags | (plan->in_pieces ? CMS_STREAM : 0);
    if (plan->in_pieces) {
        cr_assert_eq(i2d_CMS_bio_stream(out, cms, content, (int)(flags | CMS_BINARY)), 1);
    } else {
        cr_assert_eq(CMS_final(cms, content, NULL, flags | CMS_BINARY), 1);
        cr_assert_eq(i2d_CMS_bio(out, cms), 1);
    }
    char *data = NULL;
    const long len = BIO_get_mem_data(out, &data);
    struct tp_buf der = TP_BUF_INIT;
    OK(tp_buf_append(&der, TP_BYTES(data, (size_t)len)));
    BIO_free(content), BIO_free(out);
    CMS_ContentInfo_free(cms);
    return der;
}

/* ---- by hand ---- */

static size_t open_(struct tp_buf *buf, uint8_t tag)
{
    size_t mark;
    OK(tp_der_open(buf, tag, &mark));
    return mark;
}

static void close_(struct tp_buf *buf, size_t mark)
{
    OK(tp_der_close(buf, mark));
}

static void algorithm_put(struct tp_buf *buf, const char *oid)
{
    const size_t mark = open_(buf, TP_DER_SEQUENCE);
    OK(tp_der_put_oid(buf, oid));
    close_(buf, mark);
}

static const char *hash_oid(const char *md)
{
    if (strcmp(md, "MD5") == 0)
        return "1.2.840.113549.2.5";
    return strcmp(md, "SHA512") == 0 ? "2.16.840.1.101.3.4.2.3" : "2.16.840.1.101.3.4.2.1";
}

static struct tp_bytes digest_of(const char *md, struct tp_bytes bytes, uint8_t digest[EVP_MAX_MD_SIZE])
{
    unsigned len = 0;
    cr_assert_eq(EVP_Digest(bytes.data, bytes.len, digest, &len, EVP_get_digestbyname(md), NULL), 1);
    return TP_BYTES(digest, len);
}

static void attribute_put(struct tp_buf *buf, const char *oid, struct tp_bytes values)
{
    const size_t mark = open_(buf, TP_DER_SEQUENCE);
    OK(tp_der_put_oid(buf, oid));
    OK(tp_der_put(buf, TP_DER_SET, values));
    close_(buf, mark);
}

static void issuer_and_serial(struct tp_bytes certificate, struct tp_buf *issuer, struct tp_buf *serial)
{
    X509 *x509 = x509_of(certificate);
    unsigned char *der = NULL;
    int len = i2d_X509_NAME(X509_get_issuer_name(x509), &der);
    OK(tp_buf_append(issuer, TP_BYTES(der, (size_t)len)));
    OPENSSL_free(der), der = NULL;
    len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x509), &der);
    OK(tp_buf_append(serial, TP_BYTES(der, (size_t)len)));
    OPENSSL_free(der);
    X509_free(x509);
}

static void ess_put(struct tp_buf *list, const struct cms_hand *plan, bool v2)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_buf value = TP_BUF_INIT, issuer = TP_BUF_INIT, serial = TP_BUF_INIT;
    const char *md = !v2 ? "SHA1" : plan->ess == CMS_ESS_V2_SHA512 ? "SHA512" : plan->ess == CMS_ESS_V2_MD5 ? "MD5" : "SHA256";
    const struct tp_bytes hash = digest_of(md, plan->certificate, digest);
    digest[0] ^= plan->ess == CMS_ESS_V2_OTHER_HASH || (!v2 && plan->ess == CMS_ESS_BOTH_ONE_WRONG) ? 1 : 0;
    const size_t attribute = open_(&value, TP_DER_SEQUENCE), ids = open_(&value, TP_DER_SEQUENCE),
                 id = open_(&value, TP_DER_SEQUENCE);
    if (plan->ess == CMS_ESS_V2_SHA512 || plan->ess == CMS_ESS_V2_MD5)
        algorithm_put(&value, hash_oid(md));
    OK(tp_der_put(&value, TP_DER_OCTET_STRING, hash));
    if (plan->ess == CMS_ESS_V2_SERIAL || plan->ess == CMS_ESS_V2_OTHER_SERIAL) {
        issuer_and_serial(plan->certificate, &issuer, &serial);
        serial.data[serial.len - 1] ^= plan->ess == CMS_ESS_V2_OTHER_SERIAL ? 1 : 0;
        const size_t both = open_(&value, TP_DER_SEQUENCE), names = open_(&value, TP_DER_SEQUENCE);
        OK(tp_der_put(&value, TP_DER_CONSTRUCTED + 4, tp_buf_bytes(&issuer)));
        close_(&value, names);
        OK(tp_buf_append(&value, tp_buf_bytes(&serial)));
        close_(&value, both);
    }
    close_(&value, id), close_(&value, ids), close_(&value, attribute);
    attribute_put(list, v2 ? "1.2.840.113549.1.9.16.2.47" : "1.2.840.113549.1.9.16.2.12", tp_buf_bytes(&value));
    tp_buf_clear(&value), tp_buf_clear(&issuer), tp_buf_clear(&serial);
}

static void digest_put(struct tp_buf *list, const struct cms_hand *plan)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_buf value = TP_BUF_INIT;
    const struct tp_bytes hash = digest_of(plan->md, plan->content, digest);
    digest[5] ^= plan->fault == CMS_OTHER_DIGEST ? 1 : 0;
    OK(tp_der_put(&value, TP_DER_OCTET_STRING, hash));
    if (plan->fault == CMS_DIGEST_TWO_VALUES)
        OK(tp_der_put(&value, TP_DER_OCTET_STRING, TP_BYTES("x", 1)));
    attribute_put(list, "1.2.840.113549.1.9.4", tp_buf_bytes(&value));
    if (plan->fault == CMS_DIGEST_TWICE)
        attribute_put(list, "1.2.840.113549.1.9.4", tp_buf_bytes(&value));
    tp_buf_clear(&value);
}

static const char *type_of(const struct cms_hand *plan)
{
    return plan->content_type != NULL ? plan->content_type : "1.2.840.113549.1.7.1";
}

static void type_put(struct tp_buf *list, const struct cms_hand *plan)
{
    struct tp_buf value = TP_BUF_INIT;
    OK(tp_der_put_oid(&value, plan->fault == CMS_OTHER_TYPE ? "1.2.3.4" : type_of(plan)));
    attribute_put(list, "1.2.840.113549.1.9.3", tp_buf_bytes(&value));
    tp_buf_clear(&value);
}

static void evidence_put(struct tp_buf *buf, const struct cms_hand *plan)
{
    const size_t all = open_(buf, TP_DER_SEQUENCE), crls = open_(buf, TP_DER_CONSTRUCTED + 0);
    OK(tp_der_put(buf, TP_DER_SEQUENCE, plan->crl));
    close_(buf, crls);
    const size_t ocsps = open_(buf, TP_DER_CONSTRUCTED + 1);
    OK(tp_der_put(buf, TP_DER_SEQUENCE, plan->ocsp));
    close_(buf, ocsps), close_(buf, all);
}

static const char *algorithm_oid(const struct cms_hand *plan)
{
    if (plan->fault == CMS_UNKNOWN_ALGORITHM)
        return "1.2.3.4.5";
    switch (EVP_PKEY_get_base_id(plan->key)) {
    case EVP_PKEY_ED25519:
        return "1.3.101.112";
    case EVP_PKEY_EC:
        return "1.2.840.10045.4.3.2";
    default:
        return "1.2.840.113549.1.1.1";
    }
}

static void protection_put(struct tp_buf *list, const struct cms_hand *plan)
{
    struct tp_buf value = TP_BUF_INIT;
    const size_t all = open_(&value, TP_DER_SEQUENCE);
    algorithm_put(&value, hash_oid(plan->fault == CMS_PROTECTED_OTHER_HASH ? "SHA512" : plan->md));
    const size_t signature = open_(&value, TP_DER_CONSTRUCTED + 1);
    OK(tp_der_put_oid(&value,
                      plan->fault == CMS_PROTECTED_OTHER_SIGNATURE ? "1.2.840.113549.1.1.11" : algorithm_oid(plan)));
    OK(tp_der_put(&value, TP_DER_NULL, TP_BYTES_NONE));
    close_(&value, signature), close_(&value, all);
    attribute_put(list, "1.2.840.113549.1.9.52", tp_buf_bytes(&value));
    tp_buf_clear(&value);
}

/* Content-type, message-digest, signing-certificate: shorter ones come first in DER. */
static void signed_list(struct tp_buf *list, const struct cms_hand *plan)
{
    struct tp_buf evidence = TP_BUF_INIT;
    const bool backwards = plan->fault == CMS_OUT_OF_ORDER || plan->fault == CMS_SIGNED_IN_ORDER;
    if (plan->fault != CMS_NO_TYPE && !backwards)
        type_put(list, plan);
    if (plan->fault != CMS_NO_DIGEST)
        digest_put(list, plan);
    if (backwards)
        type_put(list, plan);
    if (plan->ess == CMS_ESS_V1 || plan->ess == CMS_ESS_BOTH || plan->ess == CMS_ESS_BOTH_ONE_WRONG)
        ess_put(list, plan, false);
    if (plan->ess != CMS_ESS_V1 && plan->ess != CMS_ESS_NONE)
        ess_put(list, plan, true);
    if (plan->fault >= CMS_PROTECTED)
        protection_put(list, plan);
    if (plan->evidence == CMS_IN_ARCHIVAL) {
        evidence_put(&evidence, plan);
        attribute_put(list, "1.2.840.113583.1.1.8", tp_buf_bytes(&evidence));
    }
    tp_buf_clear(&evidence);
}

static int by_der(const void *a, const void *b)
{
    return tp_der_compare(*(const struct tp_bytes *)a, *(const struct tp_bytes *)b);
}

static void to_sign(struct tp_buf *buf, struct tp_bytes list, bool in_order)
{
    struct tp_bytes items[16];
    size_t len = 0;
    while (list.len > 0)
        cr_assert(tp_der_take(&list, TP_DER_SEQUENCE, &items[len++], NULL));
    if (in_order)
        qsort(items, len, sizeof items[0], by_der);
    const size_t mark = open_(buf, TP_DER_SET);
    for (size_t i = 0; i < len; i++)
        OK(tp_buf_append(buf, items[i]));
    close_(buf, mark);
}

static void signature_put(struct tp_buf *buf, const struct cms_hand *plan, struct tp_bytes message)
{
    uint8_t signature[1024];
    size_t len = sizeof signature;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    const EVP_MD *md = EVP_PKEY_get_base_id(plan->key) == EVP_PKEY_ED25519 ? NULL : EVP_get_digestbyname(plan->md);
    cr_assert_eq(EVP_DigestSignInit(context, NULL, md, NULL, plan->key), 1);
    cr_assert_eq(EVP_DigestSign(context, signature, &len, message.data, message.len), 1);
    EVP_MD_CTX_free(context);
    OK(tp_der_put(buf, TP_DER_OCTET_STRING, TP_BYTES(signature, len)));
}

static void unsigned_put(struct tp_buf *buf, const struct cms_hand *plan)
{
    struct tp_buf values = TP_BUF_INIT;
    const size_t mark = open_(buf, TP_DER_CONSTRUCTED + 1);
    for (size_t i = 0; i < plan->timestamps; i++)
        OK(tp_buf_append(&values, TP_BYTES("\x30\x03\x02\x01\x00", 5)));
    if (plan->timestamps > 0)
        attribute_put(buf, "1.2.840.113549.1.9.16.2.14", tp_buf_bytes(&values));
    tp_buf_reset(&values);
    if (plan->evidence == CMS_IN_VALUES) {
        evidence_put(&values, plan);
        attribute_put(buf, "1.2.840.113549.1.9.16.2.24", tp_buf_bytes(&values));
    }
    close_(buf, mark);
    tp_buf_clear(&values);
}

static void signer_info_put(struct tp_buf *buf, const struct cms_hand *plan)
{
    struct tp_buf issuer = TP_BUF_INIT, serial = TP_BUF_INIT, list = TP_BUF_INIT, message = TP_BUF_INIT;
    const bool bare = plan->fault == CMS_NO_ATTRIBUTES || plan->fault == CMS_NO_ATTRIBUTES_OTHER_TYPE;
    issuer_and_serial(plan->certificate, &issuer, &serial);
    const size_t info = open_(buf, TP_DER_SEQUENCE);
    OK(tp_der_put_number(buf, 1));
    const size_t sid = open_(buf, TP_DER_SEQUENCE);
    OK(tp_buf_append(buf, tp_buf_bytes(&issuer)));
    OK(tp_buf_append(buf, tp_buf_bytes(&serial)));
    close_(buf, sid);
    algorithm_put(buf, plan->fault == CMS_UNKNOWN_HASH ? "1.2.3" : hash_oid(plan->md));
    signed_list(&list, plan);
    to_sign(&message, tp_buf_bytes(&list), plan->fault != CMS_OUT_OF_ORDER);
    if (plan->fault == CMS_CHANGED)
        list.data[list.len - 1] ^= 1;
    if (!bare)
        OK(tp_der_put(buf, TP_DER_CONSTRUCTED + 0, tp_buf_bytes(&list)));
    algorithm_put(buf, algorithm_oid(plan));
    signature_put(buf, plan, bare ? plan->content : tp_buf_bytes(&message));
    if (plan->timestamps > 0 || plan->evidence == CMS_IN_VALUES)
        unsigned_put(buf, plan);
    close_(buf, info);
    tp_buf_clear(&issuer), tp_buf_clear(&serial), tp_buf_clear(&list), tp_buf_clear(&message);
}

static void certificates_put(struct tp_buf *buf, const struct cms_hand *plan)
{
    if (plan->fault == CMS_NO_CERTIFICATE)
        return;
    const size_t mark = open_(buf, TP_DER_CONSTRUCTED + 0);
    OK(tp_buf_append(buf, plan->included.len > 0 ? plan->included : plan->certificate));
    if (plan->included_too.len > 0)
        OK(tp_buf_append(buf, plan->included_too));
    close_(buf, mark);
}

static void crls_put(struct tp_buf *buf, const struct cms_hand *plan)
{
    const size_t mark = open_(buf, TP_DER_CONSTRUCTED + 1);
    OK(tp_buf_append(buf, plan->crl));
    const size_t other = open_(buf, TP_DER_CONSTRUCTED + 1);
    OK(tp_der_put_oid(buf, "1.3.6.1.5.5.7.16.2"));
    OK(tp_buf_append(buf, plan->ocsp));
    close_(buf, other), close_(buf, mark);
}

static void content_put(struct tp_buf *buf, const struct cms_hand *plan)
{
    const size_t info = open_(buf, TP_DER_SEQUENCE);
    OK(tp_der_put_oid(buf, plan->fault == CMS_NO_ATTRIBUTES_OTHER_TYPE ? "1.2.3.4" : type_of(plan)));
    if (plan->content_type != NULL) {
        const size_t explicit = open_(buf, TP_DER_CONSTRUCTED + 0);
        OK(tp_der_put(buf, TP_DER_OCTET_STRING, plan->content));
        close_(buf, explicit);
    }
    close_(buf, info);
}

struct tp_buf cms_hand(const struct cms_hand *plan)
{
    struct tp_buf buf = TP_BUF_INIT;
    const size_t all = open_(&buf, TP_DER_SEQUENCE);
    OK(tp_der_put_oid(&buf, "1.2.840.113549.1.7.2"));
    const size_t explicit = open_(&buf, TP_DER_CONSTRUCTED + 0), data = open_(&buf, TP_DER_SEQUENCE);
    OK(tp_der_put_number(&buf, 1));
    const size_t hashes = open_(&buf, TP_DER_SET);
    algorithm_put(&buf, hash_oid(plan->md));
    close_(&buf, hashes);
    content_put(&buf, plan);
    certificates_put(&buf, plan);
    if (plan->evidence == CMS_IN_CRLS)
        crls_put(&buf, plan);
    const size_t infos = open_(&buf, TP_DER_SET);
    signer_info_put(&buf, plan);
    close_(&buf, infos), close_(&buf, data), close_(&buf, explicit), close_(&buf, all);
    return buf;
}
