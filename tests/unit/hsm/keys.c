/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define CACHED 3

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;

static void make(void)
{
    fixture_make();
    hsm = open_hsm(fx.uri, 2, CACHED);
    session = acquire(hsm);
    make_keys(session);
}

static void clear(void)
{
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_keys, .init = make, .fini = clear, .timeout = 120);

static struct tp_hsm_key *get(const char *id, struct stored_key *stored)
{
    struct tp_error error = {0};
    struct tp_hsm_key *key = NULL;
    enum tp_rc rc = tp_hsm_key_get(session, id, stored_key_load, stored, &error, &key);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    return key;
}

static enum tp_rc try_get(struct stored_key *stored)
{
    struct tp_error error = {0};
    struct tp_hsm_key *key = NULL;
    enum tp_rc rc = tp_hsm_key_get(session, "tried", stored_key_load, stored, &error, &key);
    if (rc == TP_OK)
        tp_hsm_key_put(key);
    tp_hsm_key_forget(hsm, "tried");
    return rc;
}

static size_t cached(void)
{
    struct tp_hsm_info info;
    tp_hsm_info(hsm, &info);
    return info.cached_keys;
}

/* ---- generation and signatures ---- */

static void signs(enum tp_hsm_key_type type, struct tp_hsm_sign_params params, size_t signature_len, bool with_uwk)
{
    struct tp_error error = {0};
    struct stored_key stored;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len = 0;
    struct tp_bytes data = params.mechanism == TP_HSM_RSA_PSS ? data_for(TP_HSM_P256) : data_for(type);
    stored_key_make(session, type, with_uwk, &stored);
    struct tp_hsm_key *key = get("key", &stored);
    enum tp_rc rc = tp_hsm_sign(session, key, &params, data, &error, signature, &len);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(len, signature_len);
    cr_expect(verify(tp_buf_bytes(&stored.spki), &params, data, TP_BYTES(signature, len)));
    signature[len - 1] ^= 1;
    cr_expect_not(verify(tp_buf_bytes(&stored.spki), &params, data, TP_BYTES(signature, len)));
    tp_hsm_key_put(key);
    stored_key_clear(&stored);
}

Test(hsm_keys, sign_on_each_curve)
{
    struct tp_hsm_sign_params ecdsa = {.mechanism = TP_HSM_ECDSA};
    signs(TP_HSM_P256, ecdsa, 64, true);
    tp_hsm_key_forget(hsm, "key");
    signs(TP_HSM_P384, ecdsa, 96, true);
    tp_hsm_key_forget(hsm, "key");
    signs(TP_HSM_P521, ecdsa, 132, true);
}

Test(hsm_keys, sign_with_both_rsa_mechanisms)
{
    struct tp_hsm_sign_params pkcs = {.mechanism = TP_HSM_RSA_PKCS};
    struct tp_hsm_sign_params pss = {.mechanism = TP_HSM_RSA_PSS, .hash_bits = 256, .mgf_bits = 256, .salt_len = 32};
    signs(TP_HSM_RSA_2048, pkcs, 256, true);
    tp_hsm_key_forget(hsm, "key");
    signs(TP_HSM_RSA_2048, pss, 256, true);
}

Test(hsm_keys, of_services_hang_on_the_kek_itself)
{
    signs(TP_HSM_P256, (struct tp_hsm_sign_params){.mechanism = TP_HSM_ECDSA}, 64, false);
}

Test(hsm_keys, refuse_mechanisms_that_are_not_theirs)
{
    struct tp_error error = {0};
    struct stored_key stored;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len = 99;
    const struct tp_hsm_sign_params bad[] = {
        {.mechanism = TP_HSM_RSA_PKCS},
        {.mechanism = TP_HSM_EDDSA},
        {.mechanism = (enum tp_hsm_mechanism)0},
        {.mechanism = (enum tp_hsm_mechanism)9},
    };
    stored_key_make(session, TP_HSM_P256, true, &stored);
    struct tp_hsm_key *key = get("key", &stored);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        cr_expect_eq(tp_hsm_sign(session, key, &bad[i], data_for(TP_HSM_P256), &error, signature, &len), TP_MECHANISM);
    cr_expect_eq(len, 99);
    tp_hsm_key_put(key);
    stored_key_clear(&stored);
}

Test(hsm_keys, refuse_a_pss_hash_that_is_none)
{
    struct tp_error error = {0};
    struct stored_key stored;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len;
    struct tp_hsm_sign_params pss = {.mechanism = TP_HSM_RSA_PSS, .hash_bits = 255, .mgf_bits = 256, .salt_len = 32};
    stored_key_make(session, TP_HSM_RSA_2048, true, &stored);
    struct tp_hsm_key *key = get("key", &stored);
    cr_expect_eq(tp_hsm_sign(session, key, &pss, data_for(TP_HSM_P256), &error, signature, &len), TP_MECHANISM);
    pss.hash_bits = 256;
    pss.mgf_bits = 1;
    cr_expect_eq(tp_hsm_sign(session, key, &pss, data_for(TP_HSM_P256), &error, signature, &len), TP_MECHANISM);
    tp_hsm_key_put(key);
    stored_key_clear(&stored);
}

Test(hsm_keys, of_a_kind_that_the_token_cannot_wrap_are_refused_with_the_reason)
{
    struct tp_error error = {0};
    struct tp_secret *wrapped = NULL;
    struct tp_buf spki = TP_BUF_INIT;
    cr_expect_eq(tp_hsm_key_generate(session, TP_BYTES_NONE, TP_HSM_ED25519, &error, &wrapped, &spki), TP_UNSUPPORTED,
                 "%s", tp_error_words(&error));
    cr_expect_not_null(strstr(tp_error_words(&error), "C_WrapKey"));
    cr_expect_eq(tp_hsm_key_generate(session, TP_BYTES_NONE, TP_HSM_KEY_TYPE_END, &error, &wrapped, &spki),
                 TP_BAD_ARGUMENT);
    cr_expect_null(wrapped);
    cr_expect_eq(spki.len, 0);
}

/* ---- damage ---- */

static void flip(uint8_t *data, size_t len, size_t step, struct stored_key *stored)
{
    for (size_t i = 0; i < len; i += step) {
        data[i] ^= 0x40;
        cr_expect_eq(try_get(stored), TP_KEY_DAMAGED, "byte %zu of %zu", i, len);
        data[i] ^= 0x40;
    }
    cr_expect_eq(try_get(stored), TP_OK);
}

Test(hsm_keys, with_any_byte_changed_are_damaged_and_otherwise_not)
{
    struct stored_key stored;
    stored_key_make(session, TP_HSM_P256, true, &stored);
    flip(stored.uwk.data, stored.uwk.len, 1, &stored);
    flip(tp_secret_data(stored.wrapped), tp_secret_len(stored.wrapped), 3, &stored);
    stored_key_clear(&stored);
}

Test(hsm_keys, of_rsa_with_changed_bytes_are_damaged_too)
{
    struct stored_key stored;
    stored_key_make(session, TP_HSM_RSA_2048, true, &stored);
    flip(tp_secret_data(stored.wrapped), tp_secret_len(stored.wrapped), 97, &stored);
    stored_key_clear(&stored);
}

Test(hsm_keys, cut_short_or_empty_are_damaged)
{
    struct stored_key stored;
    stored_key_make(session, TP_HSM_P256, true, &stored);
    size_t len = tp_secret_len(stored.wrapped);
    for (size_t cut = 1; cut <= len; cut += 7) {
        cr_assert_eq(tp_secret_set_len(stored.wrapped, len - cut), TP_OK);
        cr_expect_eq(try_get(&stored), TP_KEY_DAMAGED, "%zu", len - cut);
    }
    cr_assert_eq(tp_secret_set_len(stored.wrapped, 0), TP_OK);
    cr_expect_eq(try_get(&stored), TP_KEY_DAMAGED);
    stored_key_clear(&stored);
}

Test(hsm_keys, under_another_users_key_are_damaged)
{
    struct stored_key alice, bob;
    stored_key_make(session, TP_HSM_P256, true, &alice);
    stored_key_make(session, TP_HSM_P256, true, &bob);
    struct tp_buf alices_uwk = alice.uwk;
    alice.uwk = bob.uwk;
    cr_expect_eq(try_get(&alice), TP_KEY_DAMAGED);
    alice.uwk = TP_BUF_INIT; /* as if it were a service's, under the KEK */
    cr_expect_eq(try_get(&alice), TP_KEY_DAMAGED);
    alice.uwk = alices_uwk;
    cr_expect_eq(try_get(&alice), TP_OK);
    stored_key_clear(&alice);
    stored_key_clear(&bob);
}

Test(hsm_keys, of_another_type_than_stored_are_damaged)
{
    struct stored_key stored;
    stored_key_make(session, TP_HSM_P256, true, &stored);
    stored.type = TP_HSM_RSA_2048;
    cr_expect_eq(try_get(&stored), TP_KEY_DAMAGED);
    stored.type = TP_HSM_KEY_TYPE_END;
    cr_expect_eq(try_get(&stored), TP_KEY_DAMAGED);
    stored.type = TP_HSM_P256;
    cr_expect_eq(try_get(&stored), TP_OK);
    stored_key_clear(&stored);
}

Test(hsm_keys, generation_under_a_damaged_wrapping_key_is_refused)
{
    struct tp_error error = {0};
    struct tp_buf uwk = TP_BUF_INIT, spki = TP_BUF_INIT;
    struct tp_secret *wrapped = NULL;
    cr_assert_eq(tp_hsm_uwk_generate(session, &error, &uwk), TP_OK);
    uwk.data[5] ^= 1;
    cr_expect_eq(tp_hsm_key_generate(session, tp_buf_bytes(&uwk), TP_HSM_P256, &error, &wrapped, &spki),
                 TP_KEY_DAMAGED);
    cr_expect_null(wrapped);
    tp_buf_clear(&uwk);
}

/* ---- the cache ---- */

Test(hsm_keys, are_loaded_once_and_kept)
{
    struct tp_error error = {0};
    struct stored_key stored;
    stored_key_make(session, TP_HSM_P256, true, &stored);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(stored.loads, 1);
    cr_expect_eq(cached(), 1);
    stored_key_clear(&stored);
}

Test(hsm_keys, past_the_bound_put_out_the_least_recently_used)
{
    struct tp_error error = {0};
    struct stored_key stored;
    const char *ids[] = {"a", "b", "c", "d"};
    stored_key_make(session, TP_HSM_P256, true, &stored);
    for (size_t i = 0; i < 4; i++)
        cr_expect_eq(sign_once(session, ids[i], &stored, &error), TP_OK);
    cr_expect_eq(cached(), CACHED);
    cr_expect_eq(stored.loads, 4);
    cr_expect_eq(sign_once(session, "d", &stored, &error), TP_OK);
    cr_expect_eq(stored.loads, 4);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_expect_eq(stored.loads, 5);
    stored_key_clear(&stored);
}

Test(hsm_keys, forgotten_are_loaded_again)
{
    struct tp_error error = {0};
    struct stored_key stored;
    stored_key_make(session, TP_HSM_P256, true, &stored);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
    tp_hsm_key_forget(hsm, "nobody");
    cr_expect_eq(cached(), 1);
    tp_hsm_key_forget(hsm, "a");
    cr_expect_eq(cached(), 0);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_expect_eq(stored.loads, 2);
    stored_key_clear(&stored);
}

Test(hsm_keys, forgotten_while_held_still_sign_for_their_holder)
{
    struct tp_error error = {0};
    struct stored_key stored;
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len;
    struct tp_hsm_sign_params params = {.mechanism = TP_HSM_ECDSA};
    stored_key_make(session, TP_HSM_P256, true, &stored);
    struct tp_hsm_key *key = get("a", &stored);
    tp_hsm_key_forget(hsm, "a");
    cr_expect_eq(cached(), 0);
    cr_expect_eq(tp_hsm_sign(session, key, &params, data_for(TP_HSM_P256), &error, signature, &len), TP_OK);
    tp_hsm_key_put(key);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_expect_eq(stored.loads, 2);
    stored_key_clear(&stored);
}

Test(hsm_keys, of_one_session_sign_in_another)
{
    struct tp_error error = {0};
    struct stored_key stored;
    struct tp_hsm_session *other = acquire(hsm);
    stored_key_make(session, TP_HSM_P256, true, &stored);
    cr_expect_eq(sign_once(session, "a", &stored, &error), TP_OK);
    cr_expect_eq(sign_once(other, "a", &stored, &error), TP_OK, "%s", tp_error_words(&error));
    cr_expect_eq(stored.loads, 1);
    tp_hsm_session_release(other);
    stored_key_clear(&stored);
}

static enum tp_rc load_fails(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    (void)context, (void)ret_wrapped;
    return tp_error_set(error, TP_STORE, "the store is on holiday");
}

Test(hsm_keys, that_cannot_be_loaded_answer_what_the_loader_said)
{
    struct tp_error error = {0};
    struct tp_hsm_key *key = NULL;
    cr_expect_eq(tp_hsm_key_get(session, "a", load_fails, NULL, &error, &key), TP_STORE);
    cr_expect_str_eq(tp_error_words(&error), "the store is on holiday");
    cr_expect_null(key);
    cr_expect_eq(cached(), 0);
}

Test(hsm_keys, have_ids_of_a_bounded_length)
{
    struct tp_error error = {0};
    struct stored_key stored;
    struct tp_hsm_key *key = NULL;
    stored_key_make(session, TP_HSM_P256, true, &stored);
    cr_expect_eq(sign_once(session, "0123456789abcdef0123456789abcdef", &stored, &error), TP_OK);
    cr_expect_eq(tp_hsm_key_get(session, "0123456789abcdef0123456789abcdef0", stored_key_load, &stored, &error, &key),
                 TP_BAD_ARGUMENT);
    stored_key_clear(&stored);
}
