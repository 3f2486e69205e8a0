/* SPDX-License-Identifier: Apache-2.0
 *
 * The N-th call into the HSM fails, for every N: each verb answers an error or succeeds, leaves nothing behind, and
 * works again when the HSM does.
 */
#include "fixture.h"
#include "hsm/internal.h"
#include "pki/private_key.h"

#include <stdio.h>

static struct tp_hsm *hsm;
static struct tp_hsm_session *session;

static void make(void)
{
    fixture_make();
    hsm = open_hsm(fx.fault_uri, 1, 4);
    session = acquire(hsm);
}

static void clear(void)
{
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    fixture_remove();
}

TestSuite(hsm_fault, .init = make, .fini = clear, .timeout = 120);

static void renews(void)
{
    struct tp_error error = {0};
    fault_rules(NULL);
    cr_assert_eq(tp_hsm_session_renew(session, in_ms(5000), &error), TP_OK, "%s", tp_error_words(&error));
}

#define OBJECTS_MAX 64

static unsigned find_objects(bool on_token, CK_OBJECT_HANDLE found[OBJECTS_MAX])
{
    CK_ULONG count = 0;
    CK_ATTRIBUTE attribute = {CKA_TOKEN, (void *)(on_token ? &tp_hsm_yes : &tp_hsm_no), sizeof(CK_BBOOL)};
    cr_assert_eq(TP_HSM_CALL(session, C_FindObjectsInit, &attribute, 1), CKR_OK);
    cr_assert_eq(TP_HSM_CALL(session, C_FindObjects, found, OBJECTS_MAX, &count), CKR_OK);
    cr_assert_eq(hsm->module->calls->C_FindObjectsFinal(session->handle), CKR_OK);
    return (unsigned)count;
}

static unsigned objects(bool on_token)
{
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    return find_objects(on_token, found);
}

typedef enum tp_rc verb_fn(struct tp_error *error);

/* Once for each N with CODE, until an N is past the verb's last call. */
static void every_call_fails(verb_fn *verb, const char *code, unsigned token_objects)
{
    char rule[64];
    unsigned n = 1;
    for (bool fired = true; fired; n++) {
        struct tp_error error = {0};
        snprintf(rule, sizeof(rule), "* %u fail %s\n", n, code);
        (void)fault_fired();
        fault_rules(rule);
        enum tp_rc rc = verb(&error);
        fired = fault_fired();
        if (!fired)
            cr_expect_eq(rc, TP_OK, "call %u: %s", n, tp_error_words(&error));
        renews();
        cr_expect_eq(objects(false), 0, "call %u failed with %s and left a session object", n, code);
        if (rc != TP_OK)
            cr_expect_eq(objects(true), token_objects, "call %u failed with %s and left a token object", n, code);
    }
    cr_expect_gt(n, 3);
}

static enum tp_rc make_token_keys(struct tp_error *error)
{
    struct tp_buf backups[TP_HSM_ROLE_END] = {{0}};
    return tp_hsm_token_keys_make(session, TP_BYTES_NONE, error, backups);
}

/* The verb has succeeded if what failed was the end of its session keys: then the token has to be empty for the next.
 */
static enum tp_rc make_token_keys_on_an_empty_token(struct tp_error *error)
{
    CK_OBJECT_HANDLE found[OBJECTS_MAX];
    enum tp_rc rc = make_token_keys(error);
    if (rc != TP_OK)
        return rc;
    renews();
    unsigned count = find_objects(true, found);
    cr_expect_eq(count, TP_HSM_ROLE_END);
    for (unsigned i = 0; i < count; i++)
        cr_assert_eq(TP_HSM_CALL(session, C_DestroyObject, found[i]), CKR_OK);
    return TP_OK;
}

Test(hsm_fault, in_making_token_keys_leaves_nothing_on_the_token)
{
    every_call_fails(make_token_keys_on_an_empty_token, "0x6", 0);
}

static enum tp_rc find_token_keys(struct tp_error *error)
{
    return tp_hsm_token_keys_find(session, error);
}

static enum tp_rc generate_uwk(struct tp_error *error)
{
    struct tp_buf wrapped = TP_BUF_INIT;
    enum tp_rc rc = tp_hsm_uwk_generate(session, error, &wrapped);
    cr_expect_eq(wrapped.len > 0, rc == TP_OK);
    tp_buf_clear(&wrapped);
    return rc;
}

static struct stored_key stored;

static enum tp_rc generate_key(struct tp_error *error)
{
    struct tp_secret *wrapped = NULL;
    struct tp_buf spki = TP_BUF_INIT;
    enum tp_rc rc = tp_hsm_key_generate(session, tp_buf_bytes(&stored.uwk), TP_HSM_P256, error, &wrapped, &spki);
    cr_expect_eq(wrapped != NULL, rc == TP_OK);
    cr_expect_eq(spki.len > 0, rc == TP_OK);
    tp_secret_free(wrapped);
    tp_buf_clear(&spki);
    return rc;
}

static enum tp_rc import_key(struct tp_error *error)
{
    struct tp_secret *wrapped = NULL, *pkcs8 = NULL;
    struct tp_buf spki = TP_BUF_INIT;
    cr_assert_eq(tp_pki_private_key_make(&pkcs8, &spki), TP_OK);
    enum tp_rc rc = tp_hsm_key_import(session, tp_buf_bytes(&stored.uwk), TP_HSM_P256, tp_secret_bytes(pkcs8),
                                      tp_buf_bytes(&spki), error, &wrapped);
    cr_expect_eq(wrapped != NULL, rc == TP_OK);
    tp_secret_free(wrapped);
    tp_secret_free(pkcs8);
    tp_buf_clear(&spki);
    return rc;
}

static enum tp_rc sign(struct tp_error *error)
{
    enum tp_rc rc = sign_once(session, "a", &stored, error);
    tp_hsm_key_forget(hsm, "a");
    return rc;
}

static enum tp_rc encrypt_and_decrypt(struct tp_error *error)
{
    struct tp_buf cipher = TP_BUF_INIT;
    struct tp_secret *clear_text = NULL;
    enum tp_rc rc = tp_hsm_encrypt(session, tp_bytes_of_string("seed"), error, &cipher);
    if (rc == TP_OK)
        rc = tp_hsm_decrypt(session, tp_buf_bytes(&cipher), error, &clear_text);
    tp_secret_free(clear_text);
    tp_buf_clear(&cipher);
    return rc;
}

static void every_verb(const char *code)
{
    make_keys(session);
    stored_key_make(session, TP_HSM_P256, true, &stored);
    every_call_fails(find_token_keys, code, TP_HSM_ROLE_END);
    every_call_fails(generate_uwk, code, TP_HSM_ROLE_END);
    every_call_fails(generate_key, code, TP_HSM_ROLE_END);
    every_call_fails(import_key, code, TP_HSM_ROLE_END);
    every_call_fails(sign, code, TP_HSM_ROLE_END);
    every_call_fails(encrypt_and_decrypt, code, TP_HSM_ROLE_END);
    stored_key_clear(&stored);
}

Test(hsm_fault, in_any_other_verb_leaves_nothing_behind)
{
    every_verb("0x6");
}

Test(hsm_fault, that_is_a_loss_leaves_nothing_behind)
{
    every_verb("0x30");
}

Test(hsm_fault, in_opening_is_an_error_once)
{
    char rule[64];
    unsigned n = 1;
    tp_hsm_session_release(session);
    tp_hsm_close(hsm);
    for (bool fired = true; fired; n++) {
        struct tp_error error = {0};
        struct tp_hsm_config config = {.uri = fx.fault_uri, .sessions = 1, .cached_keys = 4};
        hsm = NULL;
        snprintf(rule, sizeof(rule), "* %u fail 0x5\n", n);
        (void)fault_fired();
        fault_rules(rule);
        enum tp_rc rc = tp_hsm_open(&config, &error, &hsm);
        fired = fault_fired();
        cr_expect_eq(hsm != NULL, rc == TP_OK);
        cr_expect(rc == TP_OK || fired, "%s", tp_error_words(&error));
        fault_rules(NULL);
        tp_hsm_close(hsm);
        tp_hsm_close(open_hsm(fx.fault_uri, 1, 4));
    }
    hsm = open_hsm(fx.fault_uri, 1, 4);
    session = acquire(hsm);
}

Test(hsm_fault, in_recovery_is_overcome_by_the_next_attempt)
{
    const char *calls[] = {"C_Finalize", "C_Initialize", "C_GetTokenInfo", "C_OpenSession", "C_Login", "C_FindObjects"};
    uint8_t mac[TP_HSM_MAC_LEN];
    char rule[64];
    make_keys(session);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct tp_error error = {0};
        snprintf(rule, sizeof(rule), "C_SignInit 1 fail 0x32\n%s * fail 0x5\n", calls[i]);
        fault_rules(rule);
        cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_HSM_ABSENT);
        enum tp_rc rc = tp_hsm_session_renew(session, in_ms(5000), &error);
        cr_expect(rc == TP_OK || rc == TP_HSM_ABSENT || rc == TP_HSM, "%s: %s", calls[i], tp_error_words(&error));
        renews();
        cr_expect_eq(tp_hsm_mac(session, TP_HSM_ROLE_ROW, TP_BYTES_NONE, TP_BYTES_NONE, &error, mac), TP_OK, "%s: %s",
                     calls[i], tp_error_words(&error));
    }
}
