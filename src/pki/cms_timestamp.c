/* SPDX-License-Identifier: Apache-2.0
 *
 * A signature timestamp into a CMS that is there already. What is not its SignerInfo's unsigned attributes is copied as
 * it is: only the lengths around it change.
 */
#include "pki/cms_internal.h"

#include <string.h>

/* Where the only SignerInfo is, and what is around it. */
struct parts {
    struct tp_bytes type;                /* of the ContentInfo, whole */
    struct tp_bytes before;              /* of the SignedData, up to signerInfos */
    struct tp_bytes signer;              /* content of the SignerInfo, up to and with the signature */
    struct tp_bytes signature;           /* content of the OCTET STRING */
    struct tp_bytes unsigned_attributes; /* content; may be none */
};

static struct tp_bytes between(struct tp_bytes start, struct tp_bytes end)
{
    return TP_BYTES(start.data, (size_t)(end.data - start.data));
}

static bool skip(struct tp_bytes *at, uint8_t tag)
{
    return tp_der_take(at, tag, NULL, NULL);
}

/* RFC 5652 §5.3. */
static bool read_signer(struct tp_bytes at, struct parts *parts)
{
    const struct tp_bytes start = at;
    if (!skip(&at, TP_DER_INTEGER) || !skip(&at, TP_DER_ANY) || !skip(&at, TP_DER_SEQUENCE))
        return false;
    (void)skip(&at, TP_DER_CONSTRUCTED + 0);
    if (!skip(&at, TP_DER_SEQUENCE) || !tp_der_take(&at, TP_DER_OCTET_STRING, NULL, &parts->signature))
        return false;
    parts->signer = between(start, at);
    (void)tp_der_take(&at, TP_DER_CONSTRUCTED + 1, NULL, &parts->unsigned_attributes);
    return at.len == 0;
}

/* RFC 5652 §5.1. */
static bool read_signed_data(struct tp_bytes at, struct parts *parts)
{
    struct tp_bytes signers, signer;
    const struct tp_bytes start = at;
    if (!skip(&at, TP_DER_INTEGER) || !skip(&at, TP_DER_SET) || !skip(&at, TP_DER_SEQUENCE))
        return false;
    (void)skip(&at, TP_DER_CONSTRUCTED + 0);
    (void)skip(&at, TP_DER_CONSTRUCTED + 1);
    parts->before = between(start, at);
    return tp_der_take(&at, TP_DER_SET, NULL, &signers) && at.len == 0 &&
           tp_der_take(&signers, TP_DER_SEQUENCE, NULL, &signer) && signers.len == 0 && read_signer(signer, parts);
}

static enum tp_rc read_parts(struct tp_bytes cms, struct tp_error *error, struct parts *ret_parts)
{
    struct tp_bytes info, wrapped, data;
    struct parts parts = {0};
    if (!tp_der_take(&cms, TP_DER_SEQUENCE, NULL, &info) || cms.len != 0 ||
        !tp_der_take(&info, TP_DER_OID, &parts.type, NULL) ||
        !tp_der_take(&info, TP_DER_CONSTRUCTED + 0, NULL, &wrapped) || info.len != 0 ||
        !tp_der_take(&wrapped, TP_DER_SEQUENCE, NULL, &data) || wrapped.len != 0 || !read_signed_data(data, &parts))
        return tp_error_set(error, TP_MALFORMED, "this is not a CMS SignedData in DER with one signer");
    *ret_parts = parts;
    return TP_OK;
}

enum tp_rc tp_pki_cms_signature(struct tp_bytes cms, struct tp_error *error, struct tp_bytes *ret_signature)
{
    struct parts parts;
    TP_TRY(read_parts(cms, error, &parts));
    *ret_signature = parts.signature;
    return TP_OK;
}

/* Those that are there, and the new one: EN 319 122-1 §5.3 allows several signature timestamps. */
static enum tp_rc put_unsigned(const struct parts *parts, struct tp_bytes attribute, struct tp_error *error,
                               struct tp_buf *buf)
{
    size_t mark;
    struct tp_bytes rest = parts->unsigned_attributes, one;
    struct tp_pki_der_set set = {.len = 0};
    while (rest.len > 0) {
        if (!tp_der_take(&rest, TP_DER_SEQUENCE, &one, NULL))
            return tp_error_set(error, TP_MALFORMED, "the unsigned attributes of the CMS are not in DER");
        if (tp_pki_der_set_add(&set, one) != TP_OK)
            break;
    }
    if (rest.len > 0 || tp_pki_der_set_add(&set, attribute) != TP_OK)
        return tp_error_set(error, TP_TOO_LARGE, "the CMS has %d unsigned attributes already", TP_PKI_DER_SET_MOST);
    TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 1, &mark));
    TP_TRY(tp_pki_der_set_put(&set, buf));
    return tp_der_close(buf, mark);
}

static enum tp_rc put_all(const struct parts *parts, struct tp_bytes attribute, struct tp_error *error,
                          struct tp_buf *buf)
{
    size_t info, explicit, data, signers, signer;
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &info));
    TP_TRY(tp_buf_append(buf, parts->type));
    TP_TRY(tp_der_open(buf, TP_DER_CONSTRUCTED + 0, &explicit));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &data));
    TP_TRY(tp_buf_append(buf, parts->before));
    TP_TRY(tp_der_open(buf, TP_DER_SET, &signers));
    TP_TRY(tp_der_open(buf, TP_DER_SEQUENCE, &signer));
    TP_TRY(tp_buf_append(buf, parts->signer));
    TP_TRY(put_unsigned(parts, attribute, error, buf));
    TP_TRY(tp_der_close(buf, signer));
    TP_TRY(tp_der_close(buf, signers));
    TP_TRY(tp_der_close(buf, data));
    TP_TRY(tp_der_close(buf, explicit));
    return tp_der_close(buf, info);
}

enum tp_rc tp_pki_cms_add_timestamp(struct tp_bytes cms, struct tp_bytes token, struct tp_error *error,
                                    struct tp_buf *ret_der)
{
    struct parts parts;
    struct tp_bytes rest = token;
    struct tp_buf attribute TP_AUTO(tp_buf_clear) = TP_BUF_INIT, der TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    if (!skip(&rest, TP_DER_SEQUENCE) || rest.len != 0)
        return tp_error_set(error, TP_MALFORMED, "the timestamp token is not one ContentInfo in DER");
    TP_TRY(read_parts(cms, error, &parts));
    TP_TRY(tp_pki_cms_put_attribute(TP_PKI_OID_TIMESTAMP, token, &attribute));
    TP_TRY(put_all(&parts, tp_buf_bytes(&attribute), error, &der));
    return tp_buf_append(ret_der, tp_buf_bytes(&der));
}
