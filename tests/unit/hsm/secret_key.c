/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;

static void make(void)
{
    fixture_make();
    hsm = open_hsm(fx.uri, 1, 1);
    session = acquire(hsm);
    make_keys(session);
}

static void clear(void)
{
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_secret_key, .init = make, .fini = clear, .timeout = 60);

static void mac_of(enum tp_hsm_role role, struct tp_bytes a, struct tp_bytes b, uint8_t *ret_mac)
{
    struct tp_error error = {0};
    cr_assert_eq(tp_hsm_mac(session, role, a, b, &error, ret_mac), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_secret_key, macs_the_same_bytes_alike_however_they_are_split)
{
    uint8_t whole[TP_HSM_MAC_LEN], split[TP_HSM_MAC_LEN], other[TP_HSM_MAC_LEN];
    mac_of(TP_HSM_ROLE_ROW, tp_bytes_of_string("table:row"), TP_BYTES_NONE, whole);
    mac_of(TP_HSM_ROLE_ROW, tp_bytes_of_string("table"), tp_bytes_of_string(":row"), split);
    cr_expect_arr_eq(whole, split, TP_HSM_MAC_LEN);
    mac_of(TP_HSM_ROLE_ROW, tp_bytes_of_string("table:raw"), TP_BYTES_NONE, other);
    cr_expect_arr_neq(whole, other, TP_HSM_MAC_LEN);
}

Test(hsm_secret_key, macs_long_and_short_data_alike)
{
    static uint8_t data[5000];
    uint8_t one[TP_HSM_MAC_LEN], two[TP_HSM_MAC_LEN], short_one[TP_HSM_MAC_LEN], short_two[TP_HSM_MAC_LEN];
    memset(data, 7, sizeof(data));
    mac_of(TP_HSM_ROLE_ROW, TP_BYTES(data, 5000), TP_BYTES_NONE, one);
    mac_of(TP_HSM_ROLE_ROW, TP_BYTES(data, 100), TP_BYTES(data, 4900), two);
    cr_expect_arr_eq(one, two, TP_HSM_MAC_LEN);
    mac_of(TP_HSM_ROLE_ROW, TP_BYTES(data, 2048), TP_BYTES_NONE, short_one);
    mac_of(TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES(data, 2048), short_two);
    cr_expect_arr_eq(short_one, short_two, TP_HSM_MAC_LEN);
    cr_expect_arr_neq(one, short_one, TP_HSM_MAC_LEN);
}

Test(hsm_secret_key, has_another_key_for_each_role)
{
    uint8_t pin[TP_HSM_MAC_LEN], seal[TP_HSM_MAC_LEN], row[TP_HSM_MAC_LEN];
    mac_of(TP_HSM_ROLE_PIN, tp_bytes_of_string("x"), TP_BYTES_NONE, pin);
    mac_of(TP_HSM_ROLE_SEAL, tp_bytes_of_string("x"), TP_BYTES_NONE, seal);
    mac_of(TP_HSM_ROLE_ROW, tp_bytes_of_string("x"), TP_BYTES_NONE, row);
    cr_expect_arr_neq(pin, seal, TP_HSM_MAC_LEN);
    cr_expect_arr_neq(seal, row, TP_HSM_MAC_LEN);
    cr_expect_arr_neq(row, pin, TP_HSM_MAC_LEN);
}

Test(hsm_secret_key, makes_no_mac_with_a_key_that_is_for_something_else)
{
    struct tp_error error = {0};
    uint8_t mac[TP_HSM_MAC_LEN];
    cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_KEK, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_BAD_ARGUMENT);
    cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_OTP, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_BAD_ARGUMENT);
}

static void encrypt(struct tp_bytes clear, struct tp_buf *ret_cipher)
{
    struct tp_error error = {0};
    cr_assert_eq(tp_hsm_encrypt(session, clear, &error, ret_cipher), TP_OK, "%s", tp_error_words(&error));
}

Test(hsm_secret_key, decrypts_what_it_encrypted)
{
    const char *texts[] = {"", "12345678901234567890", "0123456789abcdef",
                           "a seed that is longer than two blocks of AES"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct tp_error error = {0};
        struct tp_buf cipher = TP_BUF_INIT;
        struct tp_secret *clear = NULL;
        encrypt(tp_bytes_of_string(texts[i]), &cipher);
        cr_assert_eq(tp_hsm_decrypt(session, tp_buf_bytes(&cipher), &error, &clear), TP_OK, "%s",
                     tp_error_words(&error));
        cr_expect(tp_bytes_equal(tp_secret_bytes(clear), tp_bytes_of_string(texts[i])));
        tp_secret_free(clear);
        tp_buf_clear(&cipher);
    }
}

Test(hsm_secret_key, encrypts_the_same_text_differently_each_time)
{
    struct tp_buf one = TP_BUF_INIT, two = TP_BUF_INIT;
    encrypt(tp_bytes_of_string("seed"), &one);
    encrypt(tp_bytes_of_string("seed"), &two);
    cr_expect_eq(one.len, 32);
    cr_expect_not(tp_bytes_equal(tp_buf_bytes(&one), tp_buf_bytes(&two)));
    tp_buf_clear(&one);
    tp_buf_clear(&two);
}

Test(hsm_secret_key, calls_a_cipher_of_the_wrong_length_damaged)
{
    struct tp_error error = {0};
    struct tp_buf cipher = TP_BUF_INIT;
    struct tp_secret *clear = NULL;
    encrypt(tp_bytes_of_string("seed"), &cipher);
    for (size_t len = 0; len < cipher.len; len++)
        cr_expect_eq(tp_hsm_decrypt(session, TP_BYTES(cipher.data, len), &error, &clear), TP_KEY_DAMAGED, "%zu", len);
    cr_expect_null(clear);
    tp_buf_clear(&cipher);
}

/* The padding notices a broken last block in 255 of 256 cases; the rest is for the row's MAC. */
Test(hsm_secret_key, calls_a_broken_padding_damaged_and_goes_on)
{
    struct tp_error error = {0};
    struct tp_buf cipher = TP_BUF_INIT;
    struct tp_secret *clear = NULL;
    encrypt(tp_bytes_of_string("0123456789abcde"), &cipher);
    cipher.data[15] ^= 0x02; /* the padding 01 becomes 03 */
    cr_expect_eq(tp_hsm_decrypt(session, tp_buf_bytes(&cipher), &error, &clear), TP_KEY_DAMAGED);
    cipher.data[15] ^= 0x02;
    cr_expect_eq(tp_hsm_decrypt(session, tp_buf_bytes(&cipher), &error, &clear), TP_OK, "%s", tp_error_words(&error));
    tp_secret_free(clear);
    tp_buf_clear(&cipher);
}
