/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/vault.h"

#include <criterion/criterion.h>
#include <string.h>

#define USER "11111111111111111111111111111111"
#define OTHER "22222222222222222222222222222222"
#define KEY "33333333333333333333333333333333"

static const uint8_t sealing_key[TP_SEALING_KEY_LEN] = {1, 2, 3};
static const uint8_t other_key[TP_SEALING_KEY_LEN] = {1, 2, 4};
static const char blob[] = "a key that the HSM has wrapped";

static struct tp_bytes key_bytes(const uint8_t *key)
{
    return TP_BYTES(key, TP_SEALING_KEY_LEN);
}

static void seal(struct tp_buf *sealed)
{
    cr_assert_eq(tp_vault_seal(key_bytes(sealing_key), USER, KEY, TP_BYTES(blob, sizeof blob), NULL, sealed), TP_OK);
}

static enum tp_rc unseal(const uint8_t *key, const char *user, const char *credential, struct tp_bytes sealed)
{
    struct tp_secret *opened TP_AUTO(tp_secret_free_p) = NULL;
    enum tp_rc rc = tp_vault_unseal(key_bytes(key), user, credential, sealed, NULL, &opened);
    if (rc == TP_OK)
        cr_expect(tp_bytes_equal(tp_secret_bytes(opened), TP_BYTES(blob, sizeof blob)));
    else
        cr_expect_null(opened);
    return rc;
}

Test(engine_vault, what_was_sealed_opens_with_the_same_key_for_the_same_credential)
{
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    seal(&sealed);
    cr_expect_eq(unseal(sealing_key, USER, KEY, tp_buf_bytes(&sealed)), TP_OK);
}

Test(engine_vault, another_pin_s_key_does_not_open_it)
{
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    seal(&sealed);
    cr_expect_eq(unseal(other_key, USER, KEY, tp_buf_bytes(&sealed)), TP_KEY_DAMAGED);
}

Test(engine_vault, a_blob_moved_to_another_user_or_credential_does_not_open)
{
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    seal(&sealed);
    cr_expect_eq(unseal(sealing_key, OTHER, KEY, tp_buf_bytes(&sealed)), TP_KEY_DAMAGED);
    cr_expect_eq(unseal(sealing_key, USER, OTHER, tp_buf_bytes(&sealed)), TP_KEY_DAMAGED);
}

Test(engine_vault, no_bit_of_a_sealed_blob_may_change)
{
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    seal(&sealed);
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        sealed.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        cr_expect_eq(unseal(sealing_key, USER, KEY, tp_buf_bytes(&sealed)), TP_KEY_DAMAGED, "bit %zu", bit);
        sealed.data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
    }
}

Test(engine_vault, no_part_of_a_sealed_blob_opens)
{
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    seal(&sealed);
    for (size_t len = 0; len < sealed.len; len++)
        cr_expect_eq(unseal(sealing_key, USER, KEY, TP_BYTES(sealed.data, len)), TP_KEY_DAMAGED, "length %zu", len);
}

Test(engine_vault, the_same_blob_is_never_sealed_the_same_way_twice)
{
    struct tp_buf first TP_AUTO(tp_buf_clear) = TP_BUF_INIT, second TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    seal(&first);
    seal(&second);
    cr_expect_not(tp_bytes_equal(tp_buf_bytes(&first), tp_buf_bytes(&second)));
}

Test(engine_vault, a_key_of_the_wrong_length_seals_nothing)
{
    struct tp_buf sealed TP_AUTO(tp_buf_clear) = TP_BUF_INIT;
    cr_expect_eq(tp_vault_seal(TP_BYTES(sealing_key, 16), USER, KEY, TP_BYTES(blob, sizeof blob), NULL, &sealed),
                 TP_INTERNAL);
    cr_expect_eq(sealed.len, 0);
}
