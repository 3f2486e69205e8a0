/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key.h"
#include "forge.h"

#include <criterion/criterion.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <string.h>

struct kind {
    const char *made, *type;
    unsigned bits, field_len;
    bool is_rsa, is_ec, is_ed;
};

static const struct kind kinds[] = {
    {"rsa-1024", "rsa-1024", 1024, 0, true, false, false}, {"rsa-2048", "rsa-2048", 2048, 0, true, false, false},
    {"P-256", "p-256", 256, 32, false, true, false},       {"P-384", "p-384", 384, 48, false, true, false},
    {"P-521", "p-521", 521, 66, false, true, false},       {"ED25519", "ed25519", 256, 0, false, false, true},
    {"ED448", "ed448", 456, 0, false, false, true},
};

#define KINDS (sizeof kinds / sizeof kinds[0])

Test(key, info_names_each_kind_that_we_know)
{
    for (size_t i = 0; i < KINDS; i++) {
        EVP_PKEY *key = forge_key(kinds[i].made);
        struct tp_buf spki = forge_spki(key);
        struct tp_pki_key_info info;
        cr_assert_eq(tp_pki_key_info(tp_buf_bytes(&spki), NULL, &info), TP_OK, "%s", kinds[i].made);
        cr_assert_str_eq(info.type, kinds[i].type);
        cr_assert_eq(info.bits, kinds[i].bits);
        cr_assert_eq(info.field_len, kinds[i].field_len);
        cr_assert_eq(info.is_rsa, kinds[i].is_rsa);
        cr_assert_eq(info.is_ec, kinds[i].is_ec);
        cr_assert_eq(info.is_ed, kinds[i].is_ed);
        tp_buf_clear(&spki);
        EVP_PKEY_free(key);
    }
}

static EVP_PKEY *pss_key(unsigned bits)
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
    EVP_PKEY *key = NULL;
    cr_assert_eq(EVP_PKEY_keygen_init(context), 1);
    cr_assert_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(context, (int)bits), 1);
    cr_assert_eq(EVP_PKEY_generate(context, &key), 1);
    EVP_PKEY_CTX_free(context);
    return key;
}

/* Takes KEY over. */
static void assert_size(EVP_PKEY *key, const char *name, bool is_modulus, unsigned bits)
{
    struct tp_buf spki = forge_spki(key);
    struct tp_pki_key_size size;
    cr_assert_eq(tp_pki_key_size(tp_buf_bytes(&spki), NULL, &size), TP_OK, "%s", name);
    cr_assert_str_eq(size.name, name);
    cr_assert_eq(size.is_modulus, is_modulus);
    cr_assert_eq(size.bits, bits);
    tp_buf_clear(&spki);
    EVP_PKEY_free(key);
}

Test(key, size_is_known_of_kinds_that_we_do_not_make)
{
    assert_size(forge_key("rsa-1024"), "rsa-1024", true, 1024);
    assert_size(pss_key(1024), "rsa-pss-1024", true, 1024);
    assert_size(forge_key("P-384"), "ec-384", false, 384);
    assert_size(forge_key("secp112r1"), "ec-112", false, 112);
    assert_size(forge_key("brainpoolP256r1"), "ec-256", false, 256);
    assert_size(forge_key("ED25519"), "ec-256", false, 256);
}

Test(key, size_of_none_is_refused)
{
    struct tp_pki_key_size size = {.bits = 7};
    cr_assert_eq(tp_pki_key_size(TP_BYTES("\x30\x00", 2), NULL, &size), TP_MALFORMED);
    cr_assert_eq(size.bits, 7, "outputs stay as they were");
}

Test(key, id_is_the_sha1_of_the_bit_string)
{
    EVP_PKEY *key = forge_key("rsa-1024");
    struct tp_buf spki = forge_spki(key);
    unsigned char *bits = NULL;
    const int len = i2d_PublicKey(key, &bits); /* RSAPublicKey is the content of the BIT STRING */
    uint8_t expected[SHA_DIGEST_LENGTH];
    SHA1(bits, (size_t)len, expected);
    struct tp_pki_key_info info;
    cr_assert_eq(tp_pki_key_info(tp_buf_bytes(&spki), NULL, &info), TP_OK);
    cr_assert_arr_eq(info.key_id, expected, sizeof expected);
    OPENSSL_free(bits);
    tp_buf_clear(&spki);
    EVP_PKEY_free(key);
}

static void refused(EVP_PKEY *key, enum tp_rc rc)
{
    struct tp_buf spki = forge_spki(key);
    struct tp_pki_key_info info = {.bits = 7};
    struct tp_error error = {0};
    cr_assert_eq(tp_pki_key_info(tp_buf_bytes(&spki), &error, &info), rc, "%s", tp_error_words(&error));
    cr_assert_eq(info.bits, 7, "outputs stay as they were");
    cr_assert_neq(tp_error_words(&error)[0], '\0');
    tp_buf_clear(&spki);
    EVP_PKEY_free(key);
}

Test(key, of_other_kinds_is_refused)
{
    refused(forge_key("secp256k1"), TP_UNSUPPORTED);
    refused(forge_key("brainpoolP256r1"), TP_UNSUPPORTED);
    refused(EVP_PKEY_Q_keygen(NULL, NULL, "X25519"), TP_UNSUPPORTED);
    refused(pss_key(2048), TP_UNSUPPORTED);
}

Test(key, with_explicit_curve_parameters_is_refused)
{
    EVP_PKEY *key = forge_key("P-256");
    cr_assert_eq(EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, OSSL_PKEY_EC_ENCODING_EXPLICIT), 1);
    refused(key, TP_UNSUPPORTED);
}

Test(key, cut_extended_or_damaged_is_refused)
{
    EVP_PKEY *key = forge_key("P-256"), *loaded = NULL;
    struct tp_buf spki = forge_spki(key);
    cr_assert_eq(tp_pki_key_load(tp_buf_bytes(&spki), NULL, &loaded), TP_OK);
    cr_assert_eq(EVP_PKEY_eq(loaded, key), 1);
    EVP_PKEY_free(loaded);
    loaded = NULL;
    for (size_t len = 0; len < spki.len; len++)
        cr_assert_eq(tp_pki_key_load(TP_BYTES(spki.data, len), NULL, &loaded), TP_MALFORMED, "%zu", len);
    spki.data[spki.len - 1] ^= 1; /* no longer on the curve */
    cr_assert_eq(tp_pki_key_load(tp_buf_bytes(&spki), NULL, &loaded), TP_MALFORMED);
    spki.data[spki.len - 1] ^= 1;
    cr_assert_eq(tp_buf_append_u8(&spki, 0), TP_OK);
    cr_assert_eq(tp_pki_key_load(tp_buf_bytes(&spki), NULL, &loaded), TP_MALFORMED);
    cr_assert_null(loaded);
    tp_buf_clear(&spki);
    EVP_PKEY_free(key);
}

Test(key, in_ber_instead_of_der_is_refused)
{
    EVP_PKEY *key = forge_key("P-256"), *loaded = NULL;
    struct tp_buf spki = forge_spki(key), ber = TP_BUF_INIT;
    cr_assert_lt(spki.data[1], 0x80);
    cr_assert_eq(tp_buf_append(&ber, TP_BYTES("\x30\x81", 2)), TP_OK);
    cr_assert_eq(tp_buf_append(&ber, TP_BYTES(spki.data + 1, spki.len - 1)), TP_OK);
    cr_assert_eq(tp_pki_key_load(tp_buf_bytes(&ber), NULL, &loaded), TP_MALFORMED);
    tp_buf_clear(&ber);
    tp_buf_clear(&spki);
    EVP_PKEY_free(key);
}

Test(key, is_read_from_der_and_pem_and_a_certificate)
{
    EVP_PKEY *key = forge_key("P-256");
    struct tp_buf spki = forge_spki(key), pem = TP_BUF_INIT, cert_pem = TP_BUF_INIT;
    const struct forge_certificate plan = {.subject = "a", .issuer = "a", .key = key, .issuer_key = key};
    struct tp_buf certificate = forge_certificate(&plan);
    cr_assert_eq(tp_pki_pem_write("PUBLIC KEY", tp_buf_bytes(&spki), &pem), TP_OK);
    cr_assert_eq(tp_pki_pem_write("CERTIFICATE", tp_buf_bytes(&certificate), &cert_pem), TP_OK);
    const struct tp_bytes files[] = {tp_buf_bytes(&spki), tp_buf_bytes(&pem), tp_buf_bytes(&certificate),
                                     tp_buf_bytes(&cert_pem)};
    for (size_t i = 0; i < 4; i++) {
        struct tp_buf read = TP_BUF_INIT;
        cr_assert_eq(tp_pki_key_read(files[i], NULL, &read), TP_OK, "file %zu", i);
        cr_assert(tp_bytes_equal(tp_buf_bytes(&read), tp_buf_bytes(&spki)));
        tp_buf_clear(&read);
    }
    tp_buf_clear(&spki), tp_buf_clear(&pem), tp_buf_clear(&certificate), tp_buf_clear(&cert_pem);
    EVP_PKEY_free(key);
}

Test(key, is_not_read_from_other_files)
{
    struct tp_buf read = TP_BUF_INIT, pem = TP_BUF_INIT;
    cr_assert_eq(tp_pki_pem_write("PRIVATE KEY", TP_BYTES("abc", 3), &pem), TP_OK);
    cr_assert_eq(tp_pki_key_read(tp_buf_bytes(&pem), NULL, &read), TP_NOT_FOUND);
    cr_assert_eq(
        tp_pki_key_read(tp_bytes_of_string("-----BEGIN PUBLIC KEY-----\n*\n-----END PUBLIC KEY-----\n"), NULL, &read),
        TP_MALFORMED);
    cr_assert_eq(tp_pki_key_read(tp_bytes_of_string("hello"), NULL, &read), TP_MALFORMED);
    cr_assert_eq(tp_pki_key_read(TP_BYTES_NONE, NULL, &read), TP_MALFORMED);
    cr_assert_eq(read.len, 0);
    tp_buf_clear(&pem);
}

Test(key, leaves_the_error_queue_of_the_thread_as_it_was)
{
    EVP_PKEY *loaded = NULL;
    ERR_clear_error();
    ERR_raise(ERR_LIB_USER, 42);
    cr_assert_eq(tp_pki_key_load(tp_bytes_of_string("hello"), NULL, &loaded), TP_MALFORMED);
    cr_assert_eq(ERR_GET_REASON(ERR_get_error()), 42);
    cr_assert_eq(ERR_get_error(), 0);
}

/* ---- ECDSA ---- */

Test(ecdsa, goes_to_der_with_leading_zeros_and_high_bits)
{
    uint8_t raw[64] = {0};
    raw[31] = 1;    /* r: 31 zero bytes in front */
    raw[32] = 0xff; /* s: needs a zero byte in DER to stay positive */
    struct tp_buf der = TP_BUF_INIT;
    static const uint8_t start[] = {0x30, 0x26, 0x02, 0x01, 0x01, 0x02, 0x21, 0x00, 0xff};
    cr_assert_eq(tp_pki_ecdsa_to_der(TP_BYTES(raw, sizeof raw), &der), TP_OK);
    cr_assert_arr_eq(der.data, start, sizeof start);
    cr_assert_eq(der.len, 2 + 0x26);
    tp_buf_clear(&der);
}

Test(ecdsa, of_an_odd_or_impossible_length_is_refused)
{
    uint8_t raw[134] = {1};
    struct tp_buf der = TP_BUF_INIT;
    cr_assert_eq(tp_pki_ecdsa_to_der(TP_BYTES(raw, 132), &der), TP_OK, "P-521");
    const size_t lengths[] = {0, 1, 63, 65, 134};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++)
        cr_assert_eq(tp_pki_ecdsa_to_der(TP_BYTES(raw, lengths[i]), &der), TP_MALFORMED);
    tp_buf_clear(&der);
}
