/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: the length of a certificate (two bytes, high first), the certificate, and an OCSP response, which is
 * about it and signed by it or not. The certificate is its own issuer, as a root's is.
 */
#include "pki/ocsp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void look(struct tp_bytes der)
{
    struct tp_pki_places places = {0};
    if (tp_pki_places_read(der, NULL, &places) == TP_OK)
        require(places.ocsp_len <= 4 && places.crl_len <= 4 && places.issuer_len <= 4);
    tp_pki_places_clear(&places);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const size_t certificate_len = len < 2 ? 0 : (size_t)data[0] << 8 | data[1];
    if (len < 2 || certificate_len > len - 2)
        return 0;
    const struct tp_bytes certificate = TP_BYTES(data + 2, certificate_len);
    const struct tp_bytes response = TP_BYTES(data + 2 + certificate_len, len - 2 - certificate_len);
    struct tp_pki_ocsp_answer answer = {0};
    struct tp_error error = {0};
    struct tp_buf request = TP_BUF_INIT;
    look(certificate);
    (void)!tp_pki_ocsp_request(certificate, certificate, TP_BYTES_NONE, &error, &request);
    const enum tp_rc rc =
        tp_pki_ocsp_find(response, certificate, certificate, &certificate, 1, TP_BYTES_NONE, &error, &answer);
    require((rc == TP_OK) == (answer.responder.len > 0));
    require(rc == TP_OK || error.words[0] != '\0');
    tp_pki_ocsp_answer_clear(&answer);
    tp_buf_clear(&request);
    return 0;
}
