/* SPDX-License-Identifier: Apache-2.0
 *
 * OCSPResponse, BasicOCSPResponse, ResponseData (RFC 6960 §4.2.1).
 */
#include "pki/ocsp_parts.h"
#include "pki/oid.h"

#define DER_ENUMERATED 0x0a

static const struct tp_bytes oid_basic = TP_PKI_OID(TP_PKI_ARC_OCSP "\x01"),
                             oid_nonce = TP_PKI_OID(TP_PKI_ARC_OCSP "\x02");

static enum tp_rc malformed(struct tp_error *error, const char *what)
{
    return tp_error_set(error, TP_MALFORMED, "the OCSP response %s", what);
}

/* ---- ResponseData ---- */

/* ResponderID: [1] Name, [2] KeyHash, EXPLICIT both. */
static bool responder_take(struct tp_bytes *at, struct tp_pki_ocsp_basic *basic)
{
    struct tp_bytes inside;
    if (tp_der_take(at, TP_DER_CONSTRUCTED + 1, NULL, &inside))
        return tp_der_take(&inside, TP_DER_SEQUENCE, &basic->responder_name, NULL) && inside.len == 0;
    return tp_der_take(at, TP_DER_CONSTRUCTED + 2, NULL, &inside) &&
           tp_der_take(&inside, TP_DER_OCTET_STRING, NULL, &basic->responder_key_id) && inside.len == 0;
}

/* Some wrap the nonce's bytes in an OCTET STRING (§4.4.1), some do not. */
static struct tp_bytes nonce_of(struct tp_bytes value)
{
    struct tp_bytes at = value, inside;
    return tp_der_take(&at, TP_DER_OCTET_STRING, NULL, &inside) && at.len == 0 ? inside : value;
}

static enum tp_rc extensions_read(struct tp_bytes explicit, struct tp_error *error, struct tp_pki_ocsp_basic *basic)
{
    struct tp_bytes list, extension, oid, critical = TP_BYTES_NONE, value;
    if (!tp_der_take(&explicit, TP_DER_SEQUENCE, NULL, &list) || explicit.len != 0)
        return malformed(error, "has extensions that are malformed");
    while (list.len > 0) {
        if (!tp_der_take(&list, TP_DER_SEQUENCE, NULL, &extension) || !tp_der_take(&extension, TP_DER_OID, NULL, &oid))
            return malformed(error, "has extensions that are malformed");
        const bool is_critical =
            tp_der_take(&extension, TP_DER_BOOLEAN, NULL, &critical) && critical.len == 1 && critical.data[0] != 0;
        if (!tp_der_take(&extension, TP_DER_OCTET_STRING, NULL, &value) || extension.len != 0)
            return malformed(error, "has extensions that are malformed");
        if (tp_bytes_equal(oid, oid_nonce))
            basic->nonce = nonce_of(value);
        else if (is_critical)
            return tp_error_set(error, TP_UNSUPPORTED, "the OCSP response has a critical extension that is not known");
    }
    return TP_OK;
}

static enum tp_rc data_read(struct tp_bytes data, struct tp_error *error, struct tp_pki_ocsp_basic *basic)
{
    struct tp_bytes version, number, extensions;
    if (tp_der_take(&data, TP_DER_CONSTRUCTED + 0, NULL, &version) &&
        (!tp_der_take(&version, TP_DER_INTEGER, NULL, &number) || number.len != 1 || number.data[0] != 0))
        return malformed(error, "is of another version than 1");
    if (!responder_take(&data, basic))
        return malformed(error, "does not say who made it");
    if (tp_pki_time_take(&data, TP_DER_GENERALIZED_TIME, &basic->produced_ms) != TP_OK)
        return malformed(error, "does not say when it was made");
    if (!tp_der_take(&data, TP_DER_SEQUENCE, NULL, &basic->answers))
        return malformed(error, "says nothing of any certificate");
    if (tp_der_take(&data, TP_DER_CONSTRUCTED + 1, NULL, &extensions))
        TP_TRY(extensions_read(extensions, error, basic));
    return data.len == 0 ? TP_OK : malformed(error, "has something behind its answers");
}

/* ---- around it ---- */

static enum tp_rc certificates_read(struct tp_bytes explicit, struct tp_error *error, struct tp_pki_ocsp_basic *basic)
{
    struct tp_bytes list, whole;
    if (!tp_der_take(&explicit, TP_DER_SEQUENCE, NULL, &list) || explicit.len != 0)
        return malformed(error, "has certificates that are malformed");
    while (list.len > 0) {
        if (!tp_der_take(&list, TP_DER_SEQUENCE, &whole, NULL))
            return malformed(error, "has certificates that are malformed");
        if (basic->certificates_len == TP_PKI_OCSP_CERTIFICATES)
            return tp_error_set(error, TP_TOO_LARGE, "the OCSP response has more than %d certificates",
                                TP_PKI_OCSP_CERTIFICATES);
        basic->certificates[basic->certificates_len++] = whole;
    }
    return TP_OK;
}

static enum tp_rc basic_read(struct tp_bytes response, struct tp_error *error, struct tp_pki_ocsp_basic *basic)
{
    struct tp_bytes fields, data, bits, certificates;
    if (!tp_der_take(&response, TP_DER_SEQUENCE, NULL, &fields) || response.len != 0 ||
        !tp_der_take(&fields, TP_DER_SEQUENCE, &basic->signed_part, &data) ||
        !tp_der_take(&fields, TP_DER_SEQUENCE, &basic->algorithm, NULL) ||
        !tp_der_take(&fields, TP_DER_BIT_STRING, NULL, &bits) || bits.len < 2 || bits.data[0] != 0)
        return malformed(error, "is not a BasicOCSPResponse of RFC 6960");
    basic->signature = TP_BYTES(bits.data + 1, bits.len - 1);
    if (tp_der_take(&fields, TP_DER_CONSTRUCTED + 0, NULL, &certificates))
        TP_TRY(certificates_read(certificates, error, basic));
    if (fields.len != 0)
        return malformed(error, "has something behind its certificates");
    return data_read(data, error, basic);
}

static enum tp_rc status_check(struct tp_bytes status, struct tp_error *error)
{
    static const char *const names[] = {"successful",  "malformedRequest",           "internalError",
                                        "tryLater",    "of a kind that is not used", "sigRequired",
                                        "unauthorized"};
    const size_t number = status.len == 1 ? status.data[0] : SIZE_MAX;
    if (number == 0)
        return TP_OK;
    const char *name = number < sizeof names / sizeof names[0] ? names[number] : "of a kind that is not known";
    return tp_error_set(error, number == 3 ? TP_BUSY : TP_REFUSED,
                        "the OCSP responder gives no answer: its status is %s", name);
}

enum tp_rc tp_pki_ocsp_read(struct tp_bytes response, struct tp_error *error, struct tp_pki_ocsp_basic *ret_basic)
{
    struct tp_bytes fields, status, explicit, bytes, type, content;
    struct tp_pki_ocsp_basic basic = {0};
    if (response.len > TP_PKI_OCSP_MAX)
        return tp_error_set(error, TP_TOO_LARGE, "the OCSP response is larger than %zu KiB", TP_PKI_OCSP_MAX >> 10);
    if (!tp_der_take(&response, TP_DER_SEQUENCE, NULL, &fields) || response.len != 0 ||
        !tp_der_take(&fields, DER_ENUMERATED, NULL, &status))
        return tp_error_set(error, TP_MALFORMED, "this is not an OCSP response of RFC 6960");
    TP_TRY(status_check(status, error));
    if (!tp_der_take(&fields, TP_DER_CONSTRUCTED + 0, NULL, &explicit) || fields.len != 0 ||
        !tp_der_take(&explicit, TP_DER_SEQUENCE, NULL, &bytes) || explicit.len != 0 ||
        !tp_der_take(&bytes, TP_DER_OID, NULL, &type) || !tp_der_take(&bytes, TP_DER_OCTET_STRING, NULL, &content))
        return malformed(error, "has no content");
    if (!tp_bytes_equal(type, oid_basic))
        return tp_error_set(error, TP_UNSUPPORTED, "the OCSP response is of a type that is not known");
    TP_TRY(basic_read(content, error, &basic));
    *ret_basic = basic;
    return TP_OK;
}
