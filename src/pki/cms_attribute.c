/* SPDX-License-Identifier: Apache-2.0
 *
 * The signed attributes of the CMS that we make, in DER, as they are signed (RFC 5652 §5.4).
 */
#include "pki/cms_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OID_CONTENT_TYPE         "1.2.840.113549.1.9.3"
#define OID_MESSAGE_DIGEST       "1.2.840.113549.1.9.4"
#define OID_SIGNING_TIME         "1.2.840.113549.1.9.5"
#define OID_SIGNING_CERTIFICATE  "1.2.840.113549.1.9.16.2.47" /* -v2, RFC 5035 */
#define OID_COMMITMENT           "1.2.840.113549.1.9.16.2.16"
#define OID_ALGORITHM_PROTECTION "1.2.840.113549.1.9.52"

/* ---- sets ---- */

enum tp_rc tp_pki_der_set_add(struct tp_pki_der_set *set, struct tp_bytes element)
{
    if (set->len == TP_PKI_DER_SET_MOST)
        return TP_TOO_LARGE;
    set->elements[set->len++] = element;
    return TP_OK;
}

static int compare(const void *a, const void *b)
{
    return tp_der_compare(*(const struct tp_bytes *)a, *(const struct tp_bytes *)b);
}

enum tp_rc tp_pki_der_set_put(struct tp_pki_der_set *set, struct tp_buf *buf)
{
    qsort(set->elements, set->len, sizeof set->elements[0], compare);
    for (size_t i = 0; i < set->len; i++)
        TP_TRY(tp_buf_append(buf, set->elements[i]));
    return TP_OK;
}

/* ---- the values ---- */

enum tp_rc tp_pki_cms_put_attribute(const char *type, struct tp_bytes value, struct tp_buf *buf)
{
    size_t attribute;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &attribute));
    TP_TRY(tp_der_put_oid(buf, type));
    TP_TRY(tp_der_put(buf, TP_DER_SET, value));
    return tp_der_close(buf, attribute);
}

static enum tp_rc put_content_type(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *buf)
{
    const enum tp_rc rc = tp_der_put_oid(buf, order->content_type != NULL ? order->content_type : TP_PKI_OID_DATA);
    return rc != TP_BAD_ARGUMENT ? rc
                                 : tp_error_set(error, rc, "the content type \"%s\" is no OID", order->content_type);
}

static enum tp_rc put_message_digest(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *buf)
{
    (void)error;
    return tp_der_put(buf, TP_DER_OCTET_STRING, order->digest);
}

/* RFC 5035 §3, EN 319 122-1 §5.2.2.3. The certificate's hash is as strong as the signature's; SHA-256 is the default,
 * which DER leaves out (writing it makes strict readers refuse the attribute). No issuerSerial: EN 319 122-1 calls it a
 * hint, the hash says it all, and the SignerInfo has issuer and serial number already. */
static enum tp_rc put_signing_certificate(const struct tp_pki_cms_order *order, struct tp_error *error,
                                          struct tp_buf *buf)
{
    size_t all, list, id;
    uint8_t hash[EVP_MAX_MD_SIZE];
    const struct tp_bytes certificate = tp_pki_signer_certificate(order->signer, 0);
    const EVP_MD *md = tp_crypto_digest(tp_pki_hash_libcrypto(order->hash));
    if (md == NULL || EVP_Digest(certificate.data, certificate.len, hash, NULL, md, NULL) != 1)
        return tp_error_set(error, TP_CRYPTO, "libcrypto has no hash %s", tp_pki_hash_name(order->hash));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &all));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &list));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &id));
    if (order->hash != TP_PKI_SHA256)
        TP_TRY(tp_pki_cms_put_digest_algorithm(order->hash, buf));
    TP_TRY(tp_der_put(buf, TP_DER_OCTET_STRING, TP_BYTES(hash, tp_pki_hash_len(order->hash))));
    TP_TRY(tp_der_close(buf, id));
    TP_TRY(tp_der_close(buf, list));
    return tp_der_close(buf, all);
}

/* RFC 6211 §2: the algorithms, which RFC 5652 leaves outside the signature. */
static enum tp_rc put_algorithm_protection(const struct tp_pki_cms_order *order, struct tp_error *error,
                                           struct tp_buf *buf)
{
    size_t mark;
    (void)error;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    TP_TRY(tp_pki_cms_put_digest_algorithm(order->hash, buf));
    TP_TRY(tp_pki_cms_put_signature_algorithm(order, TP_DER_CONSTRUCTED + 1, buf));
    return tp_der_close(buf, mark);
}

/* RFC 5652 §11.3: UTCTime from 1950 through 2049, GeneralizedTime otherwise. */
static enum tp_rc put_signing_time(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *buf)
{
    struct tm tm;
    char text[32];
    const time_t seconds = (time_t)(order->signing_time_ms / 1000);
    if (order->signing_time_ms == 0)
        return TP_OK;
    if (order->signing_time_ms < 0 || gmtime_r(&seconds, &tm) == NULL || tm.tm_year + 1900 > 9999)
        return tp_error_set(error, TP_BAD_ARGUMENT, "the signing time is not between 1970 and 9999");
    const bool utc = tm.tm_year + 1900 < 2050;
    (void)strftime(text, sizeof text, "%Y%m%d%H%M%SZ", &tm);
    return utc ? tp_der_put(buf, TP_DER_UTC_TIME, tp_bytes_of_string(text + 2))
               : tp_der_put(buf, TP_DER_GENERALIZED_TIME, tp_bytes_of_string(text));
}

/* EN 319 122-1 §5.2.3. */
static enum tp_rc put_commitment(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *buf)
{
    size_t mark;
    if (order->commitment == NULL)
        return TP_OK;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &mark));
    const enum tp_rc rc = tp_der_put_oid(buf, order->commitment);
    if (rc != TP_OK)
        return tp_error_set(error, rc, "the commitment type \"%s\" is no OID", order->commitment);
    return tp_der_close(buf, mark);
}

/* A value of no bytes: the attribute is not wanted. */
static const struct {
    const char *type;
    enum tp_rc (*put)(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *buf);
} attributes[] = {
    {OID_CONTENT_TYPE, put_content_type},
    {OID_MESSAGE_DIGEST, put_message_digest},
    {OID_SIGNING_CERTIFICATE, put_signing_certificate},
    {OID_ALGORITHM_PROTECTION, put_algorithm_protection},
    {OID_SIGNING_TIME, put_signing_time},
    {OID_COMMITMENT, put_commitment},
};
#define ATTRIBUTES (sizeof attributes / sizeof attributes[0])

enum tp_rc tp_pki_cms_put_attributes(const struct tp_pki_cms_order *order, struct tp_error *error, struct tp_buf *buf)
{
    struct tp_pki_der_set set = {.len = 0};
    struct tp_buf value TP_AUTO(tp_buf_clear) = TP_BUF_INIT, whole TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    size_t ends[ATTRIBUTES];
    for (size_t i = 0; i < ATTRIBUTES; i++) {
        tp_buf_reset(&value);
        TP_TRY(attributes[i].put(order, error, &value));
        if (value.len > 0)
            TP_TRY(tp_pki_cms_put_attribute(attributes[i].type, tp_buf_bytes(&value), &whole));
        ends[i] = whole.len;
    }
    for (size_t i = 0, start = 0; i < ATTRIBUTES; start = ends[i++])
        if (ends[i] > start)
            TP_TRY(tp_pki_der_set_add(&set, TP_BYTES(whole.data + start, ends[i] - start)));
    return tp_pki_der_set_put(&set, buf);
}
