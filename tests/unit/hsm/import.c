/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that were made elsewhere, into SoftHSM and out again.
 */
#include "fixture.h"
#include "hsm/internal.h"
#include "pki/private_key.h"

#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;

static void make(void)
{
    fixture_make();
    hsm = open_hsm(fx.fault_uri, 1, 4);
    session = acquire(hsm);
    make_keys(session);
}

static void clear(void)
{
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_import, .init = make, .fini = clear, .timeout = 120);

static unsigned session_objects(void)
{
    CK_OBJECT_HANDLE found[16];
    CK_ULONG count = 0;
    CK_ATTRIBUTE attribute = {CKA_TOKEN, (void *)&tp_hsm_no, sizeof(CK_BBOOL)};
    cr_assert_eq(TP_HSM_CALL(session, C_FindObjectsInit, &attribute, 1), CKR_OK);
    cr_assert_eq(TP_HSM_CALL(session, C_FindObjects, found, 16, &count), CKR_OK);
    cr_assert_eq(hsm->module->calls->C_FindObjectsFinal(session->handle), CKR_OK);
    return (unsigned)count;
}

struct foreign {
    struct tp_secret *pkcs8;
    struct tp_buf spki;
};

static void foreign_clear(struct foreign *key)
{
    tp_secret_free(key->pkcs8);
    tp_buf_clear(&key->spki);
}

static struct foreign foreign_make(EVP_PKEY *key)
{
    struct foreign made = {0};
    struct tp_error error = {0};
    unsigned char *der = NULL;
    cr_assert_not_null(key);
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    const int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    cr_assert_eq(tp_pki_private_key_parse(TP_BYTES(der, (size_t)len), &error, &made.pkcs8, &made.spki), TP_OK, "%s",
                 tp_error_words(&error));
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    EVP_PKEY_free(key);
    return made;
}

static EVP_PKEY *generate(enum tp_hsm_key_type type)
{
    static const char *const curves[TP_HSM_KEY_TYPE_END] = {
        [TP_HSM_P256] = "P-256", [TP_HSM_P384] = "P-384", [TP_HSM_P521] = "P-521"};
    static const unsigned bits[TP_HSM_KEY_TYPE_END] = {
        [TP_HSM_RSA_2048] = 2048, [TP_HSM_RSA_3072] = 3072, [TP_HSM_RSA_4096] = 4096};
    if (type == TP_HSM_ED25519)
        return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    return bits[type] != 0 ? EVP_RSA_gen(bits[type]) : EVP_EC_gen(curves[type]);
}

static enum tp_rc import(const struct tp_buf *uwk, enum tp_hsm_key_type type, const struct foreign *key,
                         struct tp_error *error, struct tp_secret **ret_wrapped)
{
    return tp_hsm_key_import(session, tp_buf_bytes(uwk), type, tp_secret_bytes(key->pkcs8), tp_buf_bytes(&key->spki),
                             error, ret_wrapped);
}

static void signs(struct stored_key *stored)
{
    struct tp_hsm_key *key = NULL;
    struct tp_error error = {0};
    struct tp_hsm_sign_params params = {.mechanism = stored->type <= TP_HSM_RSA_4096 ? TP_HSM_RSA_PKCS : TP_HSM_ECDSA};
    struct tp_bytes data = data_for(stored->type);
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len = 0;
    cr_assert_eq(tp_hsm_key_get(session, "imported", stored_key_load, stored, &error, &key), TP_OK, "%s",
                 tp_error_words(&error));
    cr_assert_eq(tp_hsm_sign(session, key, &params, data, &error, signature, &len), TP_OK, "%s", tp_error_words(&error));
    tp_hsm_key_put(key);
    tp_hsm_key_forget(hsm, "imported");
    if (params.mechanism == TP_HSM_ECDSA)
        cr_expect(verify(tp_buf_bytes(&stored->spki), &params, data, TP_BYTES(signature, len)));
    else
        cr_expect_gt(len, 0);
}

Test(hsm_import, of_each_type_that_softhsm_keeps_signs_afterwards)
{
    const enum tp_hsm_key_type types[] = {TP_HSM_RSA_2048, TP_HSM_RSA_3072, TP_HSM_RSA_4096,
                                          TP_HSM_P256,     TP_HSM_P384,     TP_HSM_P521};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        struct tp_error error = {0};
        struct stored_key stored = {.type = types[i]};
        struct foreign key = foreign_make(generate(types[i]));
        cr_assert_eq(tp_hsm_uwk_generate(session, &error, &stored.uwk), TP_OK);
        cr_assert_eq(import(&stored.uwk, types[i], &key, &error, &stored.wrapped), TP_OK, "%s: %s",
                     tp_hsm_key_type_name(types[i]), tp_error_words(&error));
        cr_expect_eq(session_objects(), 0, "%s", tp_hsm_key_type_name(types[i]));
        cr_assert_eq(tp_buf_append(&stored.spki, tp_buf_bytes(&key.spki)), TP_OK);
        signs(&stored);
        stored_key_clear(&stored);
        foreign_clear(&key);
    }
}

static void refused(enum tp_hsm_key_type type, const struct foreign *key, const char *words)
{
    struct tp_error error = {0};
    struct tp_secret *wrapped = NULL;
    struct tp_buf uwk = TP_BUF_INIT;
    cr_assert_eq(tp_hsm_uwk_generate(session, &error, &uwk), TP_OK);
    cr_expect_neq(import(&uwk, type, key, &error, &wrapped), TP_OK, "%s", words);
    cr_expect_not_null(strstr(tp_error_words(&error), words), "%s: %s", words, tp_error_words(&error));
    cr_expect_null(wrapped);
    cr_expect_eq(session_objects(), 0, "%s", words);
    tp_buf_clear(&uwk);
}

Test(hsm_import, of_a_type_that_softhsm_does_not_keep_is_refused)
{
    struct foreign key = foreign_make(generate(TP_HSM_ED25519));
    refused(TP_HSM_ED25519, &key, "ed25519");
    foreign_clear(&key);
}

/* Whoever gives another's public key does not get a record that says so. */
Test(hsm_import, under_another_public_key_is_refused)
{
    const enum tp_hsm_key_type types[] = {TP_HSM_RSA_2048, TP_HSM_P256};
    for (size_t i = 0; i < 2; i++) {
        struct foreign key = foreign_make(generate(types[i])), other = foreign_make(generate(types[i]));
        struct tp_buf own = key.spki;
        key.spki = other.spki;
        refused(types[i], &key, "does not verify");
        key.spki = own;
        foreign_clear(&key);
        foreign_clear(&other);
    }
}

Test(hsm_import, as_another_type_or_of_nothing_is_refused)
{
    struct foreign key = foreign_make(generate(TP_HSM_P256)), none = {0};
    refused(TP_HSM_RSA_2048, &key, "");
    refused(TP_HSM_KEY_TYPE_END, &key, "no private key");
    refused(TP_HSM_P256, &none, "no private key");
    tp_secret_data(key.pkcs8)[0] ^= 1;
    refused(TP_HSM_P256, &key, "does not take");
    foreign_clear(&key);
}

/* A token whose OAEP knows SHA-256 takes that; SoftHSM does not, and is asked again with SHA-1. */
Test(hsm_import, that_no_oaep_can_do_is_refused_with_its_name)
{
    struct foreign key = foreign_make(generate(TP_HSM_P256));
    fault_rules("C_UnwrapKey 3 fail 0x71\n"); /* the user wrapping key, OAEP with SHA-256, OAEP with SHA-1 */
    refused(TP_HSM_P256, &key, "CKR_MECHANISM_PARAM_INVALID (0x71) to C_UnwrapKey with CKM_RSA_PKCS_OAEP");
    foreign_clear(&key);
}
