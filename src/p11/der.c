/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/der.h"

#include <string.h>

enum {
    DER_INTEGER = 0x02,
    DER_BIT_STRING = 0x03,
    DER_OID = 0x06,
    DER_UTC_TIME = 0x17,
    DER_GENERALIZED_TIME = 0x18,
    DER_SEQUENCE = 0x30,
    DER_VERSION = 0xa0 /* [0] EXPLICIT */
};

/* The length at DER[1]…: definite, in at most three bytes (certificates are far below 16 MiB). */
static bool read_length(struct tp_bytes der, size_t *ret_head_len, size_t *ret_len)
{
    size_t count = der.len < 2 || der.data[1] < 0x80 ? 0 : der.data[1] & 0x7f;
    if (der.len < 2 || count > 3 || (der.data[1] >= 0x80 && count == 0) || der.len < 2 + count)
        return false;
    size_t len = count == 0 ? der.data[1] : 0;
    for (size_t i = 0; i < count; i++)
        len = len << 8 | der.data[2 + i];
    *ret_head_len = 2 + count;
    *ret_len = len;
    return len <= der.len - *ret_head_len;
}

/* Takes the element with TAG off the front of *AT. Either output may be NULL. */
static bool take(struct tp_bytes *at, uint8_t tag, struct tp_bytes *ret_whole, struct tp_bytes *ret_content)
{
    size_t head_len, len;
    if (at->len == 0 || at->data[0] != tag || !read_length(*at, &head_len, &len))
        return false;
    if (ret_whole != NULL)
        *ret_whole = TP_BYTES(at->data, head_len + len);
    if (ret_content != NULL)
        *ret_content = TP_BYTES(at->data + head_len, len);
    *at = TP_BYTES(at->data + head_len + len, at->len - head_len - len);
    return true;
}

enum tp_rc tp_p11_spki_read(struct tp_bytes der, struct tp_p11_spki *ret_spki)
{
    struct tp_bytes content, algorithm, bits;
    struct tp_p11_spki spki;
    if (!take(&der, DER_SEQUENCE, NULL, &content) || der.len != 0 || !take(&content, DER_SEQUENCE, NULL, &algorithm) ||
        !take(&content, DER_BIT_STRING, NULL, &bits) || !take(&algorithm, DER_OID, &spki.algorithm, NULL))
        return TP_MALFORMED;
    if (bits.len < 2 || bits.data[0] != 0) /* no unused bits in any key */
        return TP_MALFORMED;
    spki.parameters = algorithm;
    spki.bits = TP_BYTES(bits.data + 1, bits.len - 1);
    *ret_spki = spki;
    return TP_OK;
}

struct tp_bytes tp_p11_without_zeros(struct tp_bytes number)
{
    while (number.len > 0 && number.data[0] == 0)
        number = TP_BYTES(number.data + 1, number.len - 1);
    return number;
}

/* A positive INTEGER. */
static bool take_number(struct tp_bytes *at, struct tp_bytes *ret_number)
{
    struct tp_bytes number;
    if (!take(at, DER_INTEGER, NULL, &number) || number.len == 0 || (number.data[0] & 0x80) != 0)
        return false;
    *ret_number = tp_p11_without_zeros(number);
    return ret_number->len > 0;
}

enum tp_rc tp_p11_rsa_read(struct tp_bytes bits, struct tp_bytes *ret_modulus, struct tp_bytes *ret_exponent)
{
    struct tp_bytes content, modulus, exponent;
    if (!take(&bits, DER_SEQUENCE, NULL, &content) || !take_number(&content, &modulus) ||
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
    if (take(at, DER_UTC_TIME, NULL, &text) && text.len >= 6 && are_digits(TP_BYTES(text.data, 6))) {
        memcpy(ret_date, text.data[0] < '5' ? "20" : "19", 2);
        memcpy(ret_date + 2, text.data, 6);
        return true;
    }
    if (take(at, DER_GENERALIZED_TIME, NULL, &text) && text.len >= 8 && are_digits(TP_BYTES(text.data, 8))) {
        memcpy(ret_date, text.data, 8);
        return true;
    }
    return false;
}

static bool read_to_be_signed(struct tp_bytes at, struct tp_p11_certificate *certificate)
{
    struct tp_bytes validity;
    (void)take(&at, DER_VERSION, NULL, NULL); /* absent in version 1 */
    return take(&at, DER_INTEGER, &certificate->serial, NULL) && take(&at, DER_SEQUENCE, NULL, NULL) &&
           take(&at, DER_SEQUENCE, &certificate->issuer, NULL) && take(&at, DER_SEQUENCE, NULL, &validity) &&
           take(&at, DER_SEQUENCE, &certificate->subject, NULL) && take(&at, DER_SEQUENCE, &certificate->spki, NULL) &&
           take_date(&validity, certificate->start) && take_date(&validity, certificate->end);
}

enum tp_rc tp_p11_certificate_read(struct tp_bytes der, struct tp_p11_certificate *ret_certificate)
{
    struct tp_bytes content, to_be_signed;
    struct tp_p11_certificate certificate;
    if (!take(&der, DER_SEQUENCE, NULL, &content) || der.len != 0 ||
        !take(&content, DER_SEQUENCE, NULL, &to_be_signed) || !read_to_be_signed(to_be_signed, &certificate))
        return TP_MALFORMED;
    *ret_certificate = certificate;
    return TP_OK;
}
