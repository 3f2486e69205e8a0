/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <string.h>

HSM_SUITE(hsm_probe);

static struct tp_hsm_abilities probe(const char *uri, const char *rules)
{
    struct tp_error error = {0};
    struct tp_hsm_abilities abilities;
    struct tp_hsm *hsm = open_hsm(uri, 1, 1);
    struct tp_hsm_session *session = acquire(hsm);
    fault_rules(rules);
    enum tp_rc rc = tp_hsm_probe(session, &error, &abilities);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    return abilities;
}

static bool can_all(const struct tp_hsm_abilities *abilities, enum tp_hsm_key_type type)
{
    return abilities->key[type].generate && abilities->key[type].wrap && abilities->key[type].unwrap &&
           abilities->key[type].sign && abilities->key[type].why_not[0] == '\0';
}

Test(hsm_probe, finds_what_softhsm_can_do)
{
    struct tp_hsm_abilities abilities = probe(fx.uri, NULL);
    const enum tp_hsm_key_type able[] = {TP_HSM_RSA_2048, TP_HSM_RSA_3072, TP_HSM_RSA_4096,
                                         TP_HSM_P256,     TP_HSM_P384,     TP_HSM_P521};
    for (size_t i = 0; i < sizeof(able) / sizeof(able[0]); i++)
        cr_expect(can_all(&abilities, able[i]), "%s: %s", tp_hsm_key_type_name(able[i]),
                  abilities.key[able[i]].why_not);
    cr_expect_str_eq(abilities.wrap_mechanism, "CKM_AES_KEY_WRAP_PAD");
    cr_expect(abilities.hmac_sha256);
    cr_expect(abilities.aes_cbc_pad);
    cr_expect(abilities.rsa_oaep_wrap);
    cr_expect(abilities.random);
    cr_expect(abilities.import, "%s", abilities.import_why_not);
    cr_expect_str_empty(abilities.import_why_not);
}

Test(hsm_probe, says_why_nothing_can_be_imported)
{
    struct tp_hsm_abilities abilities = probe(fx.fault_uri, "C_GenerateKeyPair 6 fail 0x70\n");
    cr_expect(can_all(&abilities, TP_HSM_P521), "%s", abilities.key[TP_HSM_P521].why_not);
    cr_expect_not(abilities.import);
    cr_expect_not_null(strstr(abilities.import_why_not, "CKR_MECHANISM_INVALID"), "%s", abilities.import_why_not);
}

Test(hsm_probe, finds_what_softhsm_cannot_do_and_why)
{
    struct tp_hsm_abilities abilities = probe(fx.uri, NULL);
    cr_expect(abilities.key[TP_HSM_ED25519].generate);
    cr_expect_not(abilities.key[TP_HSM_ED25519].wrap);
    cr_expect_not(abilities.key[TP_HSM_ED25519].sign);
    cr_expect_not_null(strstr(abilities.key[TP_HSM_ED25519].why_not, "CKR_"), "%s",
                       abilities.key[TP_HSM_ED25519].why_not);
}

Test(hsm_probe, blames_each_failure_on_what_failed)
{
    struct tp_hsm_abilities abilities =
        probe(fx.fault_uri, "C_GenerateKeyPair 2 fail 0x70\nC_UnwrapKey 2 fail 0x70\nC_GenerateRandom 1 fail 0x120\n"
                            "C_EncryptInit 1 fail 0x70\n");
    cr_expect(can_all(&abilities, TP_HSM_RSA_2048), "%s", abilities.key[TP_HSM_RSA_2048].why_not);
    cr_expect_not(abilities.key[TP_HSM_P256].generate);
    cr_expect_not_null(strstr(abilities.key[TP_HSM_P256].why_not, "CKR_MECHANISM_INVALID"));
    cr_expect(abilities.key[TP_HSM_P384].wrap);
    cr_expect_not(abilities.key[TP_HSM_P384].unwrap);
    cr_expect_not(abilities.key[TP_HSM_P384].sign);
    cr_expect(can_all(&abilities, TP_HSM_P521), "%s", abilities.key[TP_HSM_P521].why_not);
    cr_expect_not(abilities.random);
    cr_expect_not(abilities.aes_cbc_pad);
    cr_expect(abilities.hmac_sha256);
}
