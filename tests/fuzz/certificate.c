/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a file of certificates, as a public key, and as a certificate's issuer. Names that come out
 * are one line of text that ends within its array, and the key of a parsed certificate can be described or is refused
 * in words.
 */
#include "pki/certificate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_line(const char *text, size_t size)
{
    require(memchr(text, '\0', size) != NULL);
    for (; *text != '\0'; text++)
        require((unsigned char)*text >= 0x20 && *text != 0x7f);
}

static enum tp_rc look(void *context, struct tp_bytes der)
{
    (void)context;
    struct tp_pki_certificate certificate = {0};
    struct tp_pki_key_info info;
    struct tp_error error = {0};
    if (tp_pki_certificate_parse(der, &error, &certificate) != TP_OK) {
        require(tp_error_words(&error)[0] != '\0');
        return TP_OK;
    }
    require_line(certificate.subject, sizeof certificate.subject);
    require_line(certificate.issuer, sizeof certificate.issuer);
    require_line(certificate.serial, sizeof certificate.serial);
    (void)!tp_pki_key_info(tp_buf_bytes(&certificate.spki), &error, &info);
    (void)!tp_pki_certificate_issued_by(der, der, &error);
    tp_pki_certificate_clear(&certificate);
    return TP_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_error error = {0};
    struct tp_buf spki = TP_BUF_INIT;
    (void)look(NULL, TP_BYTES(data, len));
    (void)!tp_pki_certificates_read(TP_BYTES(data, len), &error, look, NULL);
    const enum tp_rc rc = tp_pki_key_read(TP_BYTES(data, len), &error, &spki);
    require((rc == TP_OK) == (spki.len > 0));
    tp_buf_clear(&spki);
    return 0;
}
