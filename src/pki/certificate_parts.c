/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/certificate_parts.h"

static const uint8_t subject_key_identifier[] = {0x55, 0x1d, 0x0e}; /* 2.5.29.14 */

/* Extensions ::= SEQUENCE OF { extnID, critical DEFAULT FALSE, extnValue } */
static struct tp_bytes key_id_find(struct tp_bytes explicit)
{
    struct tp_bytes list = TP_BYTES_NONE, extension, oid, value, key_id;
    (void)tp_der_take(&explicit, TP_DER_SEQUENCE, NULL, &list);
    while (tp_der_take(&list, TP_DER_SEQUENCE, NULL, &extension)) {
        if (!tp_der_take(&extension, TP_DER_OID, NULL, &oid) ||
            !tp_bytes_equal(oid, TP_BYTES(subject_key_identifier, sizeof subject_key_identifier)))
            continue;
        (void)tp_der_take(&extension, TP_DER_BOOLEAN, NULL, NULL);
        if (tp_der_take(&extension, TP_DER_OCTET_STRING, NULL, &value) &&
            tp_der_take(&value, TP_DER_OCTET_STRING, NULL, &key_id))
            return key_id;
    }
    return TP_BYTES_NONE;
}

static bool key_take(struct tp_bytes *at, struct tp_bytes *ret_key)
{
    struct tp_bytes info, bits;
    if (!tp_der_take(at, TP_DER_SEQUENCE, NULL, &info) || !tp_der_take(&info, TP_DER_SEQUENCE, NULL, NULL) ||
        !tp_der_take(&info, TP_DER_BIT_STRING, NULL, &bits) || bits.len == 0)
        return false;
    *ret_key = TP_BYTES(bits.data + 1, bits.len - 1);
    return true;
}

enum tp_rc tp_pki_certificate_parts_read(struct tp_bytes der, struct tp_pki_certificate_parts *ret_parts)
{
    struct tp_pki_certificate_parts parts = {0};
    struct tp_bytes certificate, at, explicit;
    if (!tp_der_take(&der, TP_DER_SEQUENCE, NULL, &certificate) ||
        !tp_der_take(&certificate, TP_DER_SEQUENCE, NULL, &at))
        return TP_MALFORMED;
    (void)tp_der_take(&at, TP_DER_CONSTRUCTED + 0, NULL, NULL); /* version */
    if (!tp_der_take(&at, TP_DER_INTEGER, NULL, NULL) || !tp_der_take(&at, TP_DER_SEQUENCE, NULL, NULL) ||
        !tp_der_take(&at, TP_DER_SEQUENCE, NULL, NULL) || !tp_der_take(&at, TP_DER_SEQUENCE, NULL, &parts.validity) ||
        !tp_der_take(&at, TP_DER_SEQUENCE, &parts.subject, NULL) || !key_take(&at, &parts.key))
        return TP_MALFORMED;
    (void)tp_der_take(&at, TP_DER_CONTEXT + 1, NULL, NULL); /* unique identifiers */
    (void)tp_der_take(&at, TP_DER_CONTEXT + 2, NULL, NULL);
    if (tp_der_take(&at, TP_DER_CONSTRUCTED + 3, NULL, &explicit))
        parts.key_id = key_id_find(explicit);
    *ret_parts = parts;
    return TP_OK;
}

bool tp_pki_certificate_parts_valid(const struct tp_pki_certificate_parts *parts, int64_t at_ms)
{
    struct tp_bytes at = parts->validity;
    int64_t begin, end;
    return tp_pki_time_take(&at, TP_DER_ANY, &begin) == TP_OK && tp_pki_time_take(&at, TP_DER_ANY, &end) == TP_OK && begin <= at_ms &&
           at_ms <= end;
}

X509_NAME *tp_pki_certificate_parts_subject(const struct tp_pki_certificate_parts *parts)
{
    const unsigned char *at = parts->subject.data;
    return d2i_X509_NAME(NULL, &at, (long)parts->subject.len);
}
