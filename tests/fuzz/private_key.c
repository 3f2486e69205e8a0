/* SPDX-License-Identifier: Apache-2.0
 *
 * Fuzz target: any bytes as a PKCS#8 and as a file with a private key, with a password and without. A key that comes out is
 * one that is read again to the same bytes, and the certificates with it are well-formed.
 */
#include "pki/certificate.h"
#include "pki/private_key.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void require_key(struct tp_bytes pkcs8, struct tp_bytes spki)
{
    struct tp_secret *again = NULL;
    struct tp_buf again_spki = TP_BUF_INIT;
    struct tp_pki_key_info info;
    require(pkcs8.len > 0 && pkcs8.len <= TP_PKI_PRIVATE_KEY_MAX);
    require(tp_pki_key_info(spki, NULL, &info) == TP_OK);
    require(tp_pki_private_key_parse(pkcs8, NULL, &again, &again_spki) == TP_OK);
    require(tp_bytes_equal(pkcs8, tp_secret_bytes(again)) && tp_bytes_equal(spki, tp_buf_bytes(&again_spki)));
    tp_secret_free(again);
    tp_buf_clear(&again_spki);
}

static void parse(struct tp_bytes der)
{
    struct tp_error error = {0};
    struct tp_secret *pkcs8 = NULL;
    struct tp_buf spki = TP_BUF_INIT;
    if (tp_pki_private_key_parse(der, &error, &pkcs8, &spki) == TP_OK)
        require_key(tp_secret_bytes(pkcs8), tp_buf_bytes(&spki));
    else
        require(pkcs8 == NULL && spki.len == 0 && tp_error_words(&error)[0] != '\0');
    tp_secret_free(pkcs8);
    tp_buf_clear(&spki);
}

static void read_file(struct tp_bytes bytes, const struct tp_secret *password)
{
    struct tp_error error = {0};
    struct tp_pki_private_file file = {.certificates_len = 0};
    if (tp_pki_private_file_read(bytes, password, &error, &file) != TP_OK) {
        require(file.pkcs8 == NULL && tp_error_words(&error)[0] != '\0');
        return;
    }
    require_key(tp_secret_bytes(file.pkcs8), tp_buf_bytes(&file.spki));
    for (size_t i = 0; i < file.certificates_len; i++) {
        struct tp_pki_certificate certificate = {0};
        require(tp_pki_certificate_parse(tp_buf_bytes(&file.certificates[i]), NULL, &certificate) == TP_OK);
        tp_pki_certificate_clear(&certificate);
    }
    tp_pki_private_file_clear(&file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tp_secret *password = NULL;
    parse(TP_BYTES(data, len));
    (void)tp_pki_private_file_wants_password(TP_BYTES(data, len));
    require(tp_secret_new_copy(tp_bytes_of_string("qwerty"), &password) == TP_OK);
    read_file(TP_BYTES(data, len), NULL);
    read_file(TP_BYTES(data, len), password);
    tp_secret_free(password);
    return 0;
}
