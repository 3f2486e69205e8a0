/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/der.h"
#include "fake_engine.h"
#include "pki/certificate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct fake_engine *engine;
static char folder[] = "/tmp/trustp11-der-XXXXXX", socket_path[64];

static void start(void)
{
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(socket_path, sizeof(socket_path), "%s/sock", folder);
    engine = fake_engine_start(socket_path);
    (void)fake_engine_add_key(engine, "rsa-2048", "rsa", true);
    (void)fake_engine_add_key(engine, "p-384", "ec", true);
    (void)fake_engine_add_key(engine, "ed25519", "ed", true);
}

static void stop(void)
{
    fake_engine_stop(engine);
    (void)rmdir(folder);
}

TestSuite(p11_der, .init = start, .fini = stop);

Test(p11_der, a_certificate_is_read_as_libcrypto_reads_it)
{
    for (size_t i = 0; i < 3; i++) {
        struct tp_pki_certificate expected = {0};
        struct tp_p11_certificate certificate;
        struct tp_bytes der = fake_engine_certificate(engine, i);
        cr_assert_eq(tp_pki_certificate_parse(der, NULL, &expected), TP_OK);
        cr_assert_eq(tp_p11_certificate_read(der, &certificate), TP_OK);
        cr_expect(tp_bytes_equal(certificate.serial, tp_buf_bytes(&expected.serial_der)));
        cr_expect(tp_bytes_equal(certificate.issuer, tp_buf_bytes(&expected.issuer_der)));
        cr_expect(tp_bytes_equal(certificate.subject, tp_buf_bytes(&expected.subject_der)));
        cr_expect(tp_bytes_equal(certificate.spki, tp_buf_bytes(&expected.spki)));
        cr_expect_eq(memcmp(certificate.start, "20260101", 8), 0);
        cr_expect_eq(memcmp(certificate.end, "20360401", 8), 0);
        tp_pki_certificate_clear(&expected);
    }
}

/* In memory of its own, so that a sanitizer sees a byte too far. */
static enum tp_rc read_part(struct tp_bytes der, size_t len, bool certificate)
{
    struct tp_p11_certificate parts;
    struct tp_p11_spki spki;
    uint8_t *copy = malloc(len + (len == 0));
    memcpy(copy, der.data, len);
    enum tp_rc rc = certificate ? tp_p11_certificate_read(TP_BYTES(copy, len), &parts)
                                : tp_p11_spki_read(TP_BYTES(copy, len), &spki);
    free(copy);
    return rc;
}

Test(p11_der, nothing_that_is_cut_off_is_accepted)
{
    for (size_t i = 0; i < 3; i++) {
        struct tp_bytes certificate = fake_engine_certificate(engine, i), spki = fake_engine_spki(engine, i);
        for (size_t len = 0; len < certificate.len; len++)
            cr_assert_eq(read_part(certificate, len, true), TP_MALFORMED, "%zu", len);
        for (size_t len = 0; len < spki.len; len++)
            cr_assert_eq(read_part(spki, len, false), TP_MALFORMED, "%zu", len);
        cr_expect_eq(read_part(certificate, certificate.len, true), TP_OK);
        cr_expect_eq(read_part(spki, spki.len, false), TP_OK);
    }
}

Test(p11_der, nothing_that_is_damaged_is_read_past_its_end)
{
    for (size_t i = 0; i < 3; i++) {
        struct tp_bytes der = fake_engine_certificate(engine, i);
        uint8_t *copy = malloc(der.len);
        for (size_t at = 0; at < der.len; at++)
            for (unsigned value = 0; value < 256; value += 5) {
                struct tp_p11_certificate certificate;
                memcpy(copy, der.data, der.len);
                copy[at] = (uint8_t)value;
                if (tp_p11_certificate_read(TP_BYTES(copy, der.len), &certificate) == TP_OK)
                    cr_assert(certificate.spki.data + certificate.spki.len <= copy + der.len);
            }
        free(copy);
    }
}

Test(p11_der, a_modulus_comes_without_its_leading_zero)
{
    struct tp_p11_spki spki;
    struct tp_bytes modulus, exponent;
    cr_assert_eq(tp_p11_spki_read(fake_engine_spki(engine, 0), &spki), TP_OK);
    cr_assert_eq(tp_p11_rsa_read(spki.bits, &modulus, &exponent), TP_OK);
    cr_expect_eq(modulus.len, 256);
    cr_expect_neq(modulus.data[0], 0);
    cr_expect_eq(exponent.len, 3);
}

Test(p11_der, lengths_that_der_does_not_know_are_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
    } rows[] = {
        {"\x30\x80\x00\x00", 4},                          /* indefinite */
        {"\x30\x84\x00\x00\x00\x00", 6},                  /* four bytes of length */
        {"\x30\x83\xff\xff\xff", 5},                      /* longer than what is there */
        {"\x30\x02\x30\x80", 4},                          /* the same inside */
        {"\x30\x05\x30\x03\x06\x01\x2a\x03", 8},          /* a BIT STRING without a length */
        {"\x30\x08\x30\x03\x06\x01\x2a\x03\x01\x00", 10}, /* and one without content */
    };
    struct tp_p11_spki spki;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        cr_expect_eq(tp_p11_spki_read(TP_BYTES(rows[i].bytes, rows[i].len), &spki), TP_MALFORMED, "%zu", i);
}

Test(p11_der, numbers_that_are_no_keys_are_refused)
{
    struct tp_bytes modulus, exponent;
    cr_expect_eq(tp_p11_rsa_read(TP_BYTES("\x30\x06\x02\x01\x80\x02\x01\x03", 8), &modulus, &exponent), TP_MALFORMED);
    cr_expect_eq(tp_p11_rsa_read(TP_BYTES("\x30\x06\x02\x01\x00\x02\x01\x03", 8), &modulus, &exponent), TP_MALFORMED);
    cr_expect_eq(tp_p11_rsa_read(TP_BYTES("\x30\x05\x02\x00\x02\x01\x03", 7), &modulus, &exponent), TP_MALFORMED);
    cr_expect_eq(tp_p11_rsa_read(TP_BYTES("\x30\x06\x02\x01\x05\x02\x01\x03", 8), &modulus, &exponent), TP_OK);
}
