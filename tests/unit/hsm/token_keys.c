/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "hsm/internal.h"

#include <openssl/core_names.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;

static void make(void)
{
    fixture_make();
    hsm = open_hsm(fx.uri, 1, 1);
    session = acquire(hsm);
}

static void clear(void)
{
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_token_keys, .init = make, .fini = clear, .timeout = 60);

static unsigned objects_on_token(void)
{
    CK_OBJECT_HANDLE objects[32];
    CK_ULONG count = 0;
    CK_ATTRIBUTE on_token = {CKA_TOKEN, (void *)&tp_hsm_yes, sizeof(CK_BBOOL)};
    cr_assert_eq(TP_HSM_CALL(session, C_FindObjectsInit, &on_token, 1), CKR_OK);
    cr_assert_eq(TP_HSM_CALL(session, C_FindObjects, objects, 32, &count), CKR_OK);
    cr_assert_eq(hsm->module->calls->C_FindObjectsFinal(session->handle), CKR_OK);
    return (unsigned)count;
}

/* A key of somebody else's making. */
static void plant(const char *label, bool extractable)
{
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_KEY_GEN};
    CK_OBJECT_HANDLE key;
    struct tp_hsm_template template;
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &tp_hsm_type_aes, extractable,
                          TP_HSM_USE_WRAP | TP_HSM_USE_UNWRAP);
    for (CK_ULONG i = 0; i < template.count; i++)
        if (template.at[i].type == CKA_TOKEN)
            template.at[i].pValue = (void *)&tp_hsm_yes;
    tp_hsm_template_add(&template, CKA_VALUE_LEN, &tp_hsm_aes_len, sizeof(tp_hsm_aes_len));
    tp_hsm_template_add(&template, CKA_LABEL, label, strlen(label));
    cr_assert_eq(TP_HSM_CALL(session, C_GenerateKey, &mechanism, template.at, template.count, &key), CKR_OK);
}

Test(hsm_token_keys, are_made_once_and_found)
{
    make_keys(session);
    cr_expect_eq(objects_on_token(), TP_HSM_ROLE_END);
}

Test(hsm_token_keys, are_not_made_a_second_time)
{
    struct tp_error error = {0};
    struct tp_buf backups[TP_HSM_ROLE_END] = {{0}};
    make_keys(session);
    cr_expect_eq(tp_hsm_token_keys_make(session, TP_BYTES_NONE, &error, backups), TP_EXISTS);
    cr_expect_not_null(strstr(tp_error_words(&error), "kek/1"));
    cr_expect_eq(objects_on_token(), TP_HSM_ROLE_END);
}

Test(hsm_token_keys, are_not_found_on_an_empty_token_and_nothing_works_without_them)
{
    struct tp_error error = {0};
    struct tp_buf out = TP_BUF_INIT;
    uint8_t mac[TP_HSM_MAC_LEN];
    cr_expect_eq(tp_hsm_token_keys_find(session, &error), TP_NOT_FOUND);
    cr_expect_not_null(strstr(tp_error_words(&error), "trustp11 init"));
    cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_NOT_FOUND);
    cr_expect_eq(tp_hsm_uwk_generate(session, &error, &out), TP_NOT_FOUND);
    cr_expect_eq(tp_hsm_encrypt(session, TP_BYTES_NONE, &error, &out), TP_NOT_FOUND);
    cr_expect_eq(out.len, 0);
}

Test(hsm_token_keys, removed_are_gone_and_can_be_made_again)
{
    struct tp_error error = {0};
    uint8_t mac[TP_HSM_MAC_LEN];
    make_keys(session);
    tp_hsm_token_keys_remove(session);
    cr_expect_eq(objects_on_token(), 0);
    cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_NOT_FOUND);
    make_keys(session);
    cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_OK);
}

Test(hsm_token_keys, removal_leaves_other_objects_alone)
{
    make_keys(session);
    plant("kek/2", false);
    tp_hsm_token_keys_remove(session);
    cr_expect_eq(objects_on_token(), 1);
}

static CK_BBOOL attribute_of(CK_OBJECT_HANDLE key, CK_ATTRIBUTE_TYPE type)
{
    CK_BBOOL value = 2;
    CK_ATTRIBUTE attribute = {type, &value, sizeof(value)};
    cr_assert_eq(TP_HSM_CALL(session, C_GetAttributeValue, key, &attribute, 1), CKR_OK);
    return value;
}

Test(hsm_token_keys, do_what_their_role_needs_and_nothing_else)
{
    make_keys(session);
    CK_OBJECT_HANDLE kek = hsm->token_keys[TP_HSM_ROLE_KEK], row = hsm->token_keys[TP_HSM_ROLE_ROW],
                     otp = hsm->token_keys[TP_HSM_ROLE_OTP];
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++) {
        cr_expect_eq(attribute_of(hsm->token_keys[role], CKA_EXTRACTABLE), CK_FALSE);
        cr_expect_eq(attribute_of(hsm->token_keys[role], CKA_SENSITIVE), CK_TRUE);
        cr_expect_eq(attribute_of(hsm->token_keys[role], CKA_PRIVATE), CK_TRUE);
    }
    cr_expect_eq(attribute_of(kek, CKA_WRAP), CK_TRUE);
    cr_expect_eq(attribute_of(kek, CKA_UNWRAP), CK_TRUE);
    cr_expect_eq(attribute_of(kek, CKA_DECRYPT), CK_FALSE);
    cr_expect_eq(attribute_of(kek, CKA_ENCRYPT), CK_FALSE);
    cr_expect_eq(attribute_of(row, CKA_SIGN), CK_TRUE);
    cr_expect_eq(attribute_of(row, CKA_WRAP), CK_FALSE);
    cr_expect_eq(attribute_of(otp, CKA_DECRYPT), CK_TRUE);
    cr_expect_eq(attribute_of(otp, CKA_UNWRAP), CK_FALSE);
}

Test(hsm_token_keys, do_not_leave_the_token)
{
    make_keys(session);
    CK_OBJECT_HANDLE kek = hsm->token_keys[TP_HSM_ROLE_KEK];
    CK_MECHANISM mechanism = {.mechanism = CKM_AES_KEY_WRAP_PAD};
    CK_BYTE out[256];
    CK_ULONG len = sizeof(out);
    CK_ATTRIBUTE value = {CKA_VALUE, out, sizeof(out)};
    cr_expect_eq(TP_HSM_CALL(session, C_WrapKey, &mechanism, kek, kek, out, &len), CKR_KEY_UNEXTRACTABLE);
    cr_expect_eq(TP_HSM_CALL(session, C_GetAttributeValue, kek, &value, 1), CKR_ATTRIBUTE_SENSITIVE);
}

/* A wrapped key must not come back as one that decrypts wrapped keys. */
Test(hsm_token_keys, kek_unwraps_nothing_that_can_decrypt)
{
    struct tp_error error = {0};
    struct tp_buf wrapped = TP_BUF_INIT;
    struct tp_hsm_template template;
    CK_OBJECT_HANDLE key;
    make_keys(session);
    cr_assert_eq(tp_hsm_uwk_generate(session, &error, &wrapped), TP_OK);
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &tp_hsm_type_aes, false, TP_HSM_USE_DECRYPT);
    cr_expect_neq(
        tp_hsm_unwrap(session, hsm->token_keys[TP_HSM_ROLE_KEK], tp_buf_bytes(&wrapped), &template, &error, &key),
        TP_OK);
    tp_hsm_template_start(&template, &tp_hsm_class_secret, &tp_hsm_type_aes, false, TP_HSM_USE_UNWRAP);
    cr_expect_eq(
        tp_hsm_unwrap(session, hsm->token_keys[TP_HSM_ROLE_KEK], tp_buf_bytes(&wrapped), &template, &error, &key),
        TP_OK, "%s", tp_error_words(&error));
    tp_buf_clear(&wrapped);
}

/* ---- backups ---- */

static size_t open_backup(EVP_PKEY *custodian, struct tp_bytes wrapped, uint8_t *ret_key, size_t capacity)
{
    size_t len = capacity;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(custodian, NULL);
    cr_assert_gt(EVP_PKEY_decrypt_init(context), 0);
    cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), 0);
    cr_assert_gt(EVP_PKEY_decrypt(context, ret_key, &len, wrapped.data, wrapped.len), 0);
    EVP_PKEY_CTX_free(context);
    return len;
}

static struct tp_bytes spki_of(EVP_PKEY *key)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(key, &der);
    cr_assert_gt(len, 0);
    return TP_BYTES(der, (size_t)len);
}

Test(hsm_token_keys, backups_hold_the_very_keys)
{
    struct tp_error error = {0};
    struct tp_buf backups[TP_HSM_ROLE_END] = {{0}};
    uint8_t key[256], ours[TP_HSM_MAC_LEN], theirs[EVP_MAX_MD_SIZE];
    EVP_PKEY *custodian = EVP_RSA_gen(2048);
    struct tp_bytes spki = spki_of(custodian);
    enum tp_rc rc = tp_hsm_token_keys_make(session, spki, &error, backups);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(tp_hsm_token_keys_find(session, &error), TP_OK);
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++)
        cr_expect_eq(open_backup(custodian, tp_buf_bytes(&backups[role]), key, sizeof(key)), 32);
    cr_assert_eq(open_backup(custodian, tp_buf_bytes(&backups[TP_HSM_ROLE_ROW]), key, sizeof(key)), 32);
    cr_assert_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, tp_bytes_of_string("x"), TP_BYTES_NONE, &error, ours), TP_OK);
    HMAC(EVP_sha256(), key, 32, (const unsigned char *)"x", 1, theirs, NULL);
    cr_expect_arr_eq(ours, theirs, TP_HSM_MAC_LEN);
    for (unsigned role = 0; role < TP_HSM_ROLE_END; role++)
        tp_buf_clear(&backups[role]);
    OPENSSL_free((void *)spki.data);
    EVP_PKEY_free(custodian);
}

static void refuses_custodian(struct tp_bytes spki)
{
    struct tp_error error = {0};
    struct tp_buf backups[TP_HSM_ROLE_END] = {{0}};
    cr_expect_eq(tp_hsm_token_keys_make(session, spki, &error, backups), TP_BAD_ARGUMENT);
    cr_expect_eq(objects_on_token(), 0);
    cr_expect_eq(backups[0].len, 0);
}

Test(hsm_token_keys, are_not_backed_up_to_a_key_that_is_too_small_or_none)
{
    EVP_PKEY *small = EVP_RSA_gen(1024), *curve = EVP_EC_gen("P-256");
    struct tp_bytes small_spki = spki_of(small), curve_spki = spki_of(curve);
    refuses_custodian(small_spki);
    refuses_custodian(curve_spki);
    refuses_custodian(tp_bytes_of_string("no key at all"));
    OPENSSL_free((void *)small_spki.data);
    OPENSSL_free((void *)curve_spki.data);
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

/* ---- keys of somebody else's making ---- */

Test(hsm_token_keys, refuses_a_kek_that_could_be_taken_out)
{
    struct tp_error error = {0};
    plant("kek/1", true);
    cr_expect_eq(tp_hsm_token_keys_find(session, &error), TP_KEY_UNUSABLE);
    cr_expect_not_null(strstr(tp_error_words(&error), "CKA_EXTRACTABLE"), "%s", tp_error_words(&error));
}

Test(hsm_token_keys, refuses_to_choose_between_two_of_one_name)
{
    struct tp_error error = {0};
    make_keys(session);
    plant("kek/1", false);
    cr_expect_eq(tp_hsm_token_keys_find(session, &error), TP_KEY_UNUSABLE);
    cr_expect_not_null(strstr(tp_error_words(&error), "more than one"));
}

Test(hsm_token_keys, of_another_name_are_left_alone)
{
    struct tp_error error = {0};
    make_keys(session);
    plant("kek/2", true);
    cr_expect_eq(tp_hsm_token_keys_find(session, &error), TP_OK, "%s", tp_error_words(&error));
}
