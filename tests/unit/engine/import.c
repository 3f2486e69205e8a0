/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that were made elsewhere, through the engine. Who may import is in tests/integration, with several accounts.
 */
#include "world.h"

#include "ipc/frame.h"
#include "pki/private_key.h"

#include <criterion/criterion.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct world world;
static struct tp_ipc_client *client;
static struct person alice;

static void begin(void)
{
    world_make(&world, "", "");
    world_start(&world);
    client = world_client(&world, 0);
    person_add(&alice, client, "alice", "");
}

static void end(void)
{
    tp_ipc_client_free(client);
    world_stop(&world);
    world_remove(&world);
}

TestSuite(engine_import, .init = begin, .fini = end, .timeout = 120);

/* ---- what is imported ---- */

struct foreign {
    EVP_PKEY *key;
    struct tp_secret *pkcs8;
    struct tp_buf spki;
};

static struct foreign foreign_of(EVP_PKEY *key)
{
    struct foreign made = {.key = key};
    unsigned char *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    const int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
    cr_assert_eq(tp_pki_private_key_parse(TP_BYTES(der, (size_t)len), NULL, &made.pkcs8, &made.spki), TP_OK);
    OPENSSL_free(der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return made;
}

static struct foreign foreign_make(void)
{
    return foreign_of(EVP_EC_gen("P-256"));
}

static void foreign_clear(struct foreign *key)
{
    EVP_PKEY_free(key->key);
    tp_secret_free(key->pkcs8);
    tp_buf_clear(&key->spki);
}

static struct tp_buf certificate(const char *subject, EVP_PKEY *key, const char *issuer, EVP_PKEY *by, long until_s)
{
    struct tp_buf der = TP_BUF_INIT;
    unsigned char *bytes = NULL;
    X509 *x509 = X509_new();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 4711);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8, (const unsigned char *)subject, -1, -1, 0);
    X509_NAME_add_entry_by_txt(X509_get_issuer_name(x509), "CN", MBSTRING_UTF8, (const unsigned char *)issuer, -1, -1, 0);
    X509_gmtime_adj(X509_getm_notBefore(x509), -2 * 86400);
    X509_gmtime_adj(X509_getm_notAfter(x509), until_s);
    cr_assert(X509_set_pubkey(x509, key) && X509_sign(x509, by, EVP_sha256()) > 0);
    const int len = i2d_X509(x509, &bytes);
    cr_assert_eq(tp_buf_append(&der, TP_BYTES(bytes, (size_t)len)), TP_OK);
    OPENSSL_free(bytes);
    X509_free(x509);
    return der;
}

/* ---- asking ---- */

struct wish {
    const char *label;
    struct tp_bytes cka_id;
    bool always_authenticate;
    const struct tp_buf *certificates;
    size_t certificates_len;
};

static enum tp_rc import_bytes(struct tp_bytes pkcs8, struct wish wish, struct tp_error *error,
                               struct tp_ipc_reply *ret_reply)
{
    Tp__Ipc__KeyImportRequest request = TP__IPC__KEY_IMPORT_REQUEST__INIT;
    ProtobufCBinaryData certificates[4];
    for (size_t i = 0; i < wish.certificates_len; i++)
        certificates[i] =
            (ProtobufCBinaryData){.data = wish.certificates[i].data, .len = wish.certificates[i].len};
    request.user = world_text("alice");
    request.label = world_text(wish.label);
    request.cka_id = (ProtobufCBinaryData){.data = (uint8_t *)(uintptr_t)wish.cka_id.data, .len = wish.cka_id.len};
    request.always_authenticate = wish.always_authenticate;
    request.certificates = certificates;
    request.n_certificates = wish.certificates_len;
    return tp_ipc_call(client, TP_OP_KEY_IMPORT, &request.base, pkcs8, TP_BYTES_NONE, 0, error, ret_reply);
}

static const Tp__Ipc__Credential *made(const struct tp_ipc_reply *reply)
{
    return ((const Tp__Ipc__KeyReply *)reply->message)->credential;
}

static void imported(const struct foreign *key, struct wish wish, struct tp_ipc_reply *ret_reply)
{
    struct tp_error error = {0};
    cr_assert_eq(import_bytes(tp_secret_bytes(key->pkcs8), wish, &error, ret_reply), TP_OK, "%s", tp_error_words(&error));
    cr_expect(made(ret_reply)->imported);
    cr_expect(tp_bytes_equal(TP_BYTES(made(ret_reply)->spki.data, made(ret_reply)->spki.len), tp_buf_bytes(&key->spki)));
}

static size_t keys(void)
{
    Tp__Ipc__ObjectsRequest request = TP__IPC__OBJECTS_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = world_text("alice");
    cr_assert_eq(tp_ipc_call(client, TP_OP_OBJECTS, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply), TP_OK);
    const size_t len = ((const Tp__Ipc__ObjectsReply *)reply.message)->n_credentials;
    tp_ipc_reply_clear(&reply);
    return len;
}

static void refused_bytes(struct tp_bytes pkcs8, struct wish wish, enum tp_rc rc, const char *words)
{
    struct tp_error error = {0};
    struct tp_ipc_reply reply = {0};
    const size_t before = keys();
    enum tp_rc got = import_bytes(pkcs8, wish, &error, &reply);
    cr_expect_eq(got, rc, "%s: %s, %s", words, tp_rc_name(got), tp_error_words(&error));
    cr_expect_not_null(strstr(tp_error_words(&error), words), "%s: %s", words, tp_error_words(&error));
    cr_expect_eq(keys(), before);
    tp_ipc_reply_clear(&reply);
}

static void refused(const struct foreign *key, struct wish wish, enum tp_rc rc, const char *words)
{
    refused_bytes(tp_secret_bytes(key->pkcs8), wish, rc, words);
}

/* ---- tests ---- */

Test(engine_import, of_a_key_while_its_owner_is_logged_in_signs_at_once)
{
    char login[TP_ID_LEN];
    struct tp_ipc_reply reply = {0};
    struct foreign key = foreign_make();
    cr_assert_eq(person_login(&alice, client, (struct login){0}, login), TP_OK);
    imported(&key, (struct wish){.label = "old"}, &reply);
    cr_expect_not(made(&reply)->pending);
    cr_expect_str_eq(made(&reply)->key_type, "p-256");
    cr_expect_eq(world_sign(client, "alice", login, made(&reply)->id, key.key), TP_OK);
    tp_ipc_reply_clear(&reply);
    foreign_clear(&key);
}

Test(engine_import, of_a_key_while_its_owner_is_away_waits_for_the_login_and_outlives_the_engine)
{
    char login[TP_ID_LEN], id[TP_ID_LEN];
    struct tp_ipc_reply reply = {0};
    struct foreign key = foreign_make();
    imported(&key, (struct wish){.label = "old", .cka_id = TP_BYTES("\x0a\xff", 2)}, &reply);
    cr_expect(made(&reply)->pending);
    cr_expect(made(&reply)->cka_id.len == 2 && made(&reply)->cka_id.data[1] == 0xff);
    snprintf(id, sizeof id, "%s", made(&reply)->id);
    tp_ipc_reply_clear(&reply);
    tp_ipc_client_free(client);
    world_stop(&world);
    world_start(&world);
    client = world_client(&world, 0);
    cr_assert_eq(person_login(&alice, client, (struct login){0}, login), TP_OK);
    cr_expect_eq(world_sign(client, "alice", login, id, key.key), TP_OK);
    foreign_clear(&key);
}

Test(engine_import, may_make_a_key_that_always_authenticates)
{
    char login[TP_ID_LEN];
    struct tp_ipc_reply reply = {0};
    struct foreign key = foreign_make();
    imported(&key, (struct wish){.label = "old", .always_authenticate = true}, &reply);
    cr_expect(made(&reply)->always_authenticate);
    cr_assert_eq(person_login(&alice, client, (struct login){0}, login), TP_OK);
    cr_expect_eq(world_sign(client, "alice", login, made(&reply)->id, key.key), TP_NOT_LOGGED_IN);
    cr_assert_eq(person_login(&alice, client, (struct login){.credential = made(&reply)->id}, login), TP_OK);
    cr_expect_eq(world_sign(client, "alice", login, made(&reply)->id, key.key), TP_OK);
    tp_ipc_reply_clear(&reply);
    foreign_clear(&key);
}

Test(engine_import, of_what_the_user_has_already_is_refused)
{
    struct tp_ipc_reply reply = {0};
    struct foreign key = foreign_make(), other = foreign_make();
    imported(&key, (struct wish){.label = "old", .cka_id = TP_BYTES("id", 2)}, &reply);
    tp_ipc_reply_clear(&reply);
    refused(&key, (struct wish){.label = "again"}, TP_EXISTS, "this key already");
    refused(&other, (struct wish){.label = "old"}, TP_EXISTS, "label");
    refused(&other, (struct wish){.label = "other", .cka_id = TP_BYTES("id", 2)}, TP_EXISTS, "id");
    imported(&other, (struct wish){.label = "other"}, &reply);
    tp_ipc_reply_clear(&reply);
    foreign_clear(&key);
    foreign_clear(&other);
}

/* A client need not be ours: the engine looks itself. */
Test(engine_import, of_what_is_no_key_that_it_keeps_is_refused)
{
    const struct wish wish = {.label = "old"};
    static uint8_t junk[TP_IPC_SECRET_MAX];
    struct foreign key = foreign_make(), ed25519 = foreign_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    struct tp_bytes der = tp_secret_bytes(key.pkcs8);
    refused_bytes(TP_BYTES(junk, sizeof junk), wish, TP_MALFORMED, "PKCS#8");
    refused_bytes(TP_BYTES(der.data, der.len - 1), wish, TP_MALFORMED, "PKCS#8");
    refused_bytes(TP_BYTES_NONE, wish, TP_BAD_ARGUMENT, "");
    refused(&ed25519, wish, TP_UNSUPPORTED, "ed25519");
    refused(&key, (struct wish){.label = ""}, TP_BAD_ARGUMENT, "label");
    foreign_clear(&key);
    foreign_clear(&ed25519);
}

Test(engine_import, takes_the_certificate_and_its_issuer_along)
{
    struct tp_ipc_reply reply = {0};
    struct foreign key = foreign_make(), ca = foreign_make();
    struct tp_buf chain[] = {certificate("alice", key.key, "ca", ca.key, 86400), certificate("ca", ca.key, "ca", ca.key, 86400)};
    imported(&key, (struct wish){.label = "old", .certificates = chain, .certificates_len = 2}, &reply);
    cr_expect(tp_bytes_equal(TP_BYTES(made(&reply)->certificate.data, made(&reply)->certificate.len), tp_buf_bytes(&chain[0])));
    cr_expect_eq(made(&reply)->n_chain, 1);
    tp_ipc_reply_clear(&reply);
    tp_buf_clear(&chain[0]);
    tp_buf_clear(&chain[1]);
    foreign_clear(&key);
    foreign_clear(&ca);
}

Test(engine_import, with_certificates_that_are_not_its_own_or_no_longer_good_is_refused)
{
    struct foreign key = foreign_make(), ca = foreign_make();
    struct tp_buf wrong[] = {certificate("ca", ca.key, "ca", ca.key, 86400), certificate("alice", key.key, "ca", ca.key, 86400)};
    struct tp_buf expired = certificate("alice", key.key, "ca", ca.key, -3600);
    refused(&key, (struct wish){.label = "old", .certificates = wrong, .certificates_len = 1}, TP_BAD_ARGUMENT, "not the key's");
    refused(&key, (struct wish){.label = "old", .certificates = wrong, .certificates_len = 2}, TP_BAD_ARGUMENT, "was not issued by");
    refused(&key, (struct wish){.label = "old", .certificates = &expired, .certificates_len = 1}, TP_BAD_ARGUMENT, "expired");
    tp_buf_clear(&wrong[0]);
    tp_buf_clear(&wrong[1]);
    tp_buf_clear(&expired);
    foreign_clear(&key);
    foreign_clear(&ca);
}

Test(engine_import, is_in_the_log_under_its_own_name)
{
    Tp__Ipc__AuditListRequest request = TP__IPC__AUDIT_LIST_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    struct foreign key = foreign_make();
    imported(&key, (struct wish){.label = "old"}, &reply);
    tp_ipc_reply_clear(&reply);
    refused(&key, (struct wish){.label = "again"}, TP_EXISTS, "");
    request.from = UINT64_MAX;
    request.backwards = true;
    request.limit = 10;
    request.action = world_text("key.import");
    size_t found = 0;
    for (unsigned i = 0; i < 1000 && found != 2; i++) { /* a refusal is answered before it is written down */
        cr_assert_eq(tp_ipc_call(client, TP_OP_AUDIT_LIST, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0, NULL, &reply), TP_OK);
        found = ((const Tp__Ipc__AuditListReply *)reply.message)->n_entries;
        tp_ipc_reply_clear(&reply);
        (void)usleep(10000);
    }
    cr_expect_eq(found, 2);
    foreign_clear(&key);
}
