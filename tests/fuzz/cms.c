/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a CMS. Every view lies where it may be read to its end, what is signed is checked or
 * refused in words, and zeros behind it change nothing.
 */
#include "pki/cms.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static volatile unsigned char sink;

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void touch(struct tp_bytes view)
{
    for (size_t i = 0; i < view.len; i++)
        sink ^= view.data[i];
}

static void signer_look(const struct tp_pki_cms *cms, size_t index)
{
    struct tp_pki_cms_signer signer;
    struct tp_error error = {0};
    uint8_t none[64] = {0};
    tp_pki_cms_signer(cms, index, &signer);
    touch(signer.signature), touch(signer.certificate), touch(signer.message_digest);
    require(memchr(signer.algorithm, '\0', sizeof signer.algorithm) != NULL);
    require(signer.timestamps_len <= 8);
    for (size_t i = 0; i < signer.timestamps_len; i++)
        touch(signer.timestamps[i]);
    require(!signer.ess_fits || (signer.has_ess && signer.certificate.len > 0));
    const struct tp_bytes digest =
        signer.message_digest.len > 0 ? signer.message_digest : TP_BYTES(none, tp_pki_hash_len(signer.hash));
    if (tp_pki_cms_verify(cms, index, digest, &error) != TP_OK)
        require(error.words[0] != '\0');
}

static void look(const struct tp_pki_cms *cms, size_t len)
{
    require(tp_pki_cms_len(cms) <= len);
    require(tp_pki_cms_certificates_len(cms) <= TP_PKI_CMS_CERTIFICATES);
    require(tp_pki_cms_signers_len(cms) <= TP_PKI_CMS_SIGNERS);
    touch(tp_pki_cms_content(cms));
    for (size_t i = 0; i <= tp_pki_cms_certificates_len(cms); i++)
        touch(tp_pki_cms_certificate(cms, i));
    for (size_t i = 0; i <= tp_pki_cms_crls_len(cms); i++)
        touch(tp_pki_cms_crl(cms, i));
    for (size_t i = 0; i <= tp_pki_cms_ocsps_len(cms); i++)
        touch(tp_pki_cms_ocsp(cms, i));
    for (size_t i = 0; i <= tp_pki_cms_signers_len(cms); i++)
        signer_look(cms, i);
}

/* With padding behind it, it is the same. */
static void pad(const uint8_t *data, size_t len, size_t cms_len)
{
    struct tp_pki_cms *cms = NULL;
    uint8_t *padded = calloc(1, len + 16);
    require(padded != NULL);
    memcpy(padded, data, len);
    require(tp_pki_cms_parse(TP_BYTES(padded, len + 16), NULL, &cms) == TP_OK && tp_pki_cms_len(cms) == cms_len);
    tp_pki_cms_free(cms);
    free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_pki_cms *cms = NULL;
    struct tp_error error = {0};
    if (tp_pki_cms_parse(TP_BYTES(data, len), &error, &cms) != TP_OK) {
        require(error.words[0] != '\0' && cms == NULL);
        return 0;
    }
    look(cms, len);
    pad(data, len, tp_pki_cms_len(cms));
    tp_pki_cms_free(cms);
    return 0;
}
