/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/der.h"
#include "base/der.h"

#include <string.h>

#define DER_VERSION (TP_DER_CONSTRUCTED + 0) /* [0] EXPLICIT */

enum tp_rc tp_p11_spki_read(struct tp_bytes der, struct tp_p11_spki *ret_spki)
{
    struct tp_bytes content, algorithm, bits;
    struct tp_p11_spki spki;
    if (!tp_der_take(&der, TP_DER_SEQUENCE, NULL, &content) || der.len != 0 ||
        !tp_der_take(&content, TP_DER_SEQUENCE, NULL, &algorithm) ||
        !tp_der_take(&content, TP_DER_BIT_STRING, NULL, &bits) ||
        !tp_der_take(&algorithm, TP_DER_OID, &spki.algorithm, NULL))
        return TP_MALFORMED;
    if (bits.len < 2 || bits.data[0] != 0) /* no unused bits in any key */
        return TP_MALFORMED;
    spki.parameters = algorithm;
    spki.bits = TP_BYTES(bits.data + 1, bits.len - 1);
    *ret_spki = spki;
    return TP_OK;
}

/* A positive INTEGER. */
static bool take_number(struct tp_bytes *at, struct tp_bytes *ret_number)
{
    struct tp_bytes number;
    if (!tp_der_take(at, TP_DER_INTEGER, NULL, &number) || number.len == 0 || (number.data[0] & 0x80) != 0)
        return false;
    *ret_number = tp_der_without_zeros(number);
    return ret_number->len > 0;
}

enum tp_rc tp_p11_rsa_read(struct tp_bytes bits, struct tp_bytes *ret_modulus, struct tp_bytes *ret_exponent)
{
    struct tp_bytes content, modulus, exponent;
    if (!tp_der_take(&bits, TP_DER_SEQUENCE, NULL, &content) || !take_number(&content, &modulus) ||
        !take_number(&content, &exponent))
        return TP_MALFORMED;
    *ret_modulus = modulus;
    *ret_exponent = exponent;
    return TP_OK;
}

/* ---- certificates ---- */

static bool are_digits(struct tp_bytes text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

/* RFC 5280 §4.1.2.5: two digits of the year mean 1950 … 2049. */
static bool take_date(struct tp_bytes *at, uint8_t ret_date[TP_P11_DATE_LEN])
{
    struct tp_bytes text;
    if (tp_der_take(at, TP_DER_UTC_TIME, NULL, &text) && text.len >= 6 && are_digits(TP_BYTES(text.data, 6))) {
        memcpy(ret_date, text.data[0] < '5' ? "20" : "19", 2);
        memcpy(ret_date + 2, text.data, 6);
        return true;
    }
    if (tp_der_take(at, TP_DER_GENERALIZED_TIME, NULL, &text) && text.len >= 8 && are_digits(TP_BYTES(text.data, 8))) {
        memcpy(ret_date, text.data, 8);
        return true;
    }
    return false;
}

static bool read_to_be_signed(struct tp_bytes at, struct tp_p11_certificate *certificate)
{
    struct tp_bytes validity;
    (void)tp_der_take(&at, DER_VERSION, NULL, NULL); /* absent in version 1 */
    return tp_der_take(&at, TP_DER_INTEGER, &certificate->serial, NULL) &&
           tp_der_take(&at, TP_DER_SEQUENCE, NULL, NULL) &&
           tp_der_take(&at, TP_DER_SEQUENCE, &certificate->issuer, NULL) &&
           tp_der_take(&at, TP_DER_SEQUENCE, NULL, &validity) &&
           tp_der_take(&at, TP_DER_SEQUENCE, &certificate->subject, NULL) &&
           tp_der_take(&at, TP_DER_SEQUENCE, &certificate->spki, NULL) && take_date(&validity, certificate->start) &&
           take_date(&validity, certificate->end);
}

enum tp_rc tp_p11_certificate_read(struct tp_bytes der, struct tp_p11_certificate *ret_certificate)
{
    struct tp_bytes content, to_be_signed;
    struct tp_p11_certificate certificate;
    if (!tp_der_take(&der, TP_DER_SEQUENCE, NULL, &content) || der.len != 0 ||
        !tp_der_take(&content, TP_DER_SEQUENCE, NULL, &to_be_signed) || !read_to_be_signed(to_be_signed, &certificate))
        return TP_MALFORMED;
    *ret_certificate = certificate;
    return TP_OK;
}
