/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_internal.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <string.h>

static EVP_PKEY *generate(const char *type)
{
    static const char *const curves[][2] = {{"p-256", "P-256"}, {"p-384", "P-384"}, {"p-521", "P-521"}};
    EVP_PKEY *pkey = NULL;
    if (strncmp(type, "rsa-", 4) == 0)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)atoi(type + 4));
    else if (strcmp(type, "ed25519") == 0)
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    for (size_t i = 0; i < 3; i++)
        if (strcmp(type, curves[i][0]) == 0)
            pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", curves[i][1]);
    MUST(pkey != NULL);
    return pkey;
}

static void put_spki(EVP_PKEY *pkey, struct tp_buf *spki)
{
    unsigned char *der = NULL;
    int len = i2d_PUBKEY(pkey, &der);
    MUST(len > 0 && tp_buf_append(spki, TP_BYTES(der, (size_t)len)) == TP_OK);
    OPENSSL_free(der);
}

static void set_name(X509_NAME *name, const char *common_name)
{
    MUST(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1);
}

static void put_certificate(struct fake_engine *engine, EVP_PKEY *pkey, const char *subject, long serial, bool is_ca,
                            struct tp_buf *certificate)
{
    X509 *x509 = X509_new();
    MUST(x509 != NULL && X509_set_version(x509, 2) == 1);
    MUST(ASN1_INTEGER_set(X509_get_serialNumber(x509), serial) == 1);
    MUST(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), "20260101000000Z") == 1);
    MUST(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "20360401000000Z") == 1);
    set_name(X509_get_subject_name(x509), subject);
    set_name(X509_get_issuer_name(x509), "Test CA");
    MUST(X509_set_pubkey(x509, pkey) == 1);
    X509_EXTENSION *basic =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
    MUST(basic != NULL && X509_add_ext(x509, basic, -1) == 1);
    X509_EXTENSION_free(basic);
    MUST(X509_sign(x509, engine->issuer_key, EVP_sha256()) > 0);
    unsigned char *der = NULL;
    int len = i2d_X509(x509, &der);
    MUST(len > 0 && tp_buf_append(certificate, TP_BYTES(der, (size_t)len)) == TP_OK);
    OPENSSL_free(der);
    X509_free(x509);
}

static struct fake_key *add_key(struct fake_engine *engine, EVP_PKEY *pkey, const char *type, const char *label)
{
    size_t number = engine->key_count++;
    engine->keys = realloc(engine->keys, engine->key_count * sizeof(*engine->keys));
    MUST(engine->keys != NULL);
    struct fake_key *key = &engine->keys[number];
    *key = (struct fake_key){.pkey = pkey, .label = strdup(label), .type = strdup(type), .state = "active", .owner = FAKE_USER};
    (void)snprintf(key->id, sizeof(key->id), "cred-%zu", number);
    tp_put_be32(key->cka_id, (uint32_t)number);
    put_spki(pkey, &key->spki);
    engine->generation++;
    return key;
}

size_t fake_engine_add_key(struct fake_engine *engine, const char *type, const char *label, bool with_certificate)
{
    pthread_mutex_lock(&engine->mutex);
    struct fake_key *key = add_key(engine, generate(type), type, label);
    if (with_certificate) {
        put_certificate(engine, key->pkey, label, (long)engine->key_count + 1000, false, &key->certificate);
        key->with_issuer = true;
    }
    size_t number = engine->key_count - 1;
    pthread_mutex_unlock(&engine->mutex);
    return number;
}

void fake_engine_add_bulk(struct fake_engine *engine, size_t count)
{
    pthread_mutex_lock(&engine->mutex);
    if (engine->bulk_key == NULL)
        engine->bulk_key = generate("p-256");
    for (size_t i = 0; i < count; i++) {
        char label[32];
        (void)snprintf(label, sizeof(label), "bulk-%zu", i);
        MUST(EVP_PKEY_up_ref(engine->bulk_key) == 1);
        struct fake_key *key = add_key(engine, engine->bulk_key, "p-256", label);
        put_certificate(engine, key->pkey, label, (long)engine->key_count + 1000, false, &key->certificate);
        key->with_issuer = true;
    }
    pthread_mutex_unlock(&engine->mutex);
}

void fake_keys_free(struct fake_engine *engine)
{
    for (size_t i = 0; i < engine->key_count; i++) {
        EVP_PKEY_free(engine->keys[i].pkey);
        free(engine->keys[i].label);
        free(engine->keys[i].type);
        tp_buf_clear(&engine->keys[i].spki);
        tp_buf_clear(&engine->keys[i].certificate);
    }
    free(engine->keys);
    EVP_PKEY_free(engine->issuer_key);
    EVP_PKEY_free(engine->bulk_key);
    tp_buf_clear(&engine->issuer);
}

void fake_keys_start(struct fake_engine *engine)
{
    engine->issuer_key = generate("p-256");
    put_certificate(engine, engine->issuer_key, "Test CA", 1, true, &engine->issuer);
}
