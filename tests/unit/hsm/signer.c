/* SPDX-License-Identifier: Apache-2.0
 *
 * Signers by PKCS#11 URI, with SoftHSM.
 */
#include "hsm/signer.h"
#include "base/crypto.h"
#include "fixture.h"

#include <dlfcn.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <trustp11/cryptoki.h>
#include <unistd.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

/* ---- the token, by hand ---- */

static struct {
    void *library;
    CK_FUNCTION_LIST *calls;
    CK_SESSION_HANDLE session;
} card;

static CK_SLOT_ID slot_of(const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    cr_assert_eq(card.calls->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
    for (CK_ULONG i = 0; i < count; i++) {
        CK_TOKEN_INFO info;
        if (card.calls->C_GetTokenInfo(slots[i], &info) == CKR_OK && memcmp(info.label, label, strlen(label)) == 0)
            return slots[i];
    }
    cr_assert_fail("no token %s", label);
    return 0;
}

static void card_begin(void)
{
    CK_BYTE pin[] = FIXTURE_PIN;
    CK_C_GetFunctionList get;
    card.library = dlopen(SOFTHSM, RTLD_NOW);
    cr_assert_not_null(card.library);
    void *symbol = dlsym(card.library, "C_GetFunctionList");
    memcpy(&get, &symbol, sizeof get);
    cr_assert_eq(get(&card.calls), CKR_OK);
    cr_assert_eq(card.calls->C_Initialize(NULL), CKR_OK);
    cr_assert_eq(
        card.calls->C_OpenSession(slot_of("test"), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &card.session),
        CKR_OK);
    cr_assert_eq(card.calls->C_Login(card.session, CKU_USER, pin, sizeof pin - 1), CKR_OK);
}

static void card_end(void)
{
    cr_assert_eq(card.calls->C_Finalize(NULL), CKR_OK);
    dlclose(card.library);
}

static const struct kind {
    const char *name;
    CK_MECHANISM_TYPE mechanism;
    const char *params;
    size_t params_len;
} kinds[] = {
    {"rsa", CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0},
    {"p256", CKM_EC_KEY_PAIR_GEN, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", 10},
    {"p384", CKM_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x22", 7},
    {"p521", CKM_EC_KEY_PAIR_GEN, "\x06\x05\x2b\x81\x04\x00\x23", 7},
    {"ed25519", CKM_EC_EDWARDS_KEY_PAIR_GEN, "\x06\x03\x2b\x65\x70", 5},
};
#define KINDS (sizeof kinds / sizeof kinds[0])
enum { RSA_KIND, P256 };

struct plan {
    const struct kind *kind;
    const char *label;
    uint8_t id;
    bool always_authenticate, no_sign;
};

static void card_key(struct plan plan)
{
    CK_BBOOL yes = CK_TRUE, always = plan.always_authenticate, sign = !plan.no_sign;
    CK_ULONG bits = 2048;
    CK_MECHANISM mechanism = {.mechanism = plan.kind->mechanism};
    CK_OBJECT_HANDLE public, private;
    CK_ATTRIBUTE publics[] = {{CKA_TOKEN, &yes, 1},
                              {CKA_ID, &plan.id, 1},
                              {CKA_LABEL, (void *)plan.label, strlen(plan.label)},
                              {CKA_VERIFY, &yes, 1},
                              {CKA_MODULUS_BITS, &bits, sizeof bits}};
    if (plan.kind->params != NULL)
        publics[4] = (CK_ATTRIBUTE){CKA_EC_PARAMS, (void *)plan.kind->params, plan.kind->params_len};
    CK_ATTRIBUTE privates[] = {{CKA_TOKEN, &yes, 1},  {CKA_PRIVATE, &yes, 1},
                               {CKA_ID, &plan.id, 1}, {CKA_LABEL, (void *)plan.label, strlen(plan.label)},
                               {CKA_SIGN, &sign, 1},  {CKA_ALWAYS_AUTHENTICATE, &always, 1}};
    cr_assert_eq(card.calls->C_GenerateKeyPair(card.session, &mechanism, publics, 5, privates, 6, &public, &private),
                 CKR_OK, "%s", plan.kind->name);
}

static void card_certificate(X509 *x509, uint8_t id)
{
    CK_OBJECT_CLASS class = CKO_CERTIFICATE;
    CK_CERTIFICATE_TYPE type = CKC_X_509;
    CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
    unsigned char *der = NULL, *subject = NULL;
    const int len = i2d_X509(x509, &der), subject_len = i2d_X509_NAME(X509_get_subject_name(x509), &subject);
    CK_OBJECT_HANDLE object;
    CK_ATTRIBUTE template[] = {{CKA_CLASS, &class, sizeof class},
                               {CKA_CERTIFICATE_TYPE, &type, sizeof type},
                               {CKA_TOKEN, &yes, 1},
                               {CKA_PRIVATE, &no, 1},
                               {CKA_ID, &id, 1},
                               {CKA_SUBJECT, subject, (CK_ULONG)subject_len},
                               {CKA_VALUE, der, (CK_ULONG)len}};
    cr_assert_eq(card.calls->C_CreateObject(card.session, template, 7, &object), CKR_OK);
    OPENSSL_free(der), OPENSSL_free(subject);
}

/* ---- signers ---- */

static enum tp_rc try_open(const char *attributes, const struct tp_hsm_signer_config *more, struct tp_error *error,
                           struct tp_pki_signer **ret_signer)
{
    char uri[512];
    struct tp_hsm_signer_config config = more != NULL ? *more : (struct tp_hsm_signer_config){.threads = 4};
    (void)snprintf(uri, sizeof uri, "pkcs11:%s?module-path=%s&pin-source=file:%s", attributes, SOFTHSM, fx.pin_file);
    if (config.uri == NULL)
        config.uri = uri;
    return tp_hsm_signer_open(&config, error, ret_signer);
}

static struct tp_pki_signer *open_signer(const char *attributes)
{
    struct tp_error error = {0};
    struct tp_pki_signer *signer = NULL;
    cr_assert_eq(try_open(attributes, NULL, &error, &signer), TP_OK, "%s", tp_error_words(&error));
    return signer;
}

static void refused(const char *attributes, enum tp_rc expected, const char *words)
{
    struct tp_error error = {0};
    struct tp_pki_signer *signer = NULL;
    cr_assert_eq(try_open(attributes, NULL, &error, &signer), expected, "%s: %s", attributes, tp_error_words(&error));
    cr_assert_not_null(strstr(tp_error_words(&error), words), "%s", tp_error_words(&error));
    cr_assert_null(signer);
}

static enum tp_rc sign(struct tp_pki_signer *signer, bool pss, struct tp_error *error, struct tp_buf *made)
{
    const struct tp_pki_key_info *info = tp_pki_signer_info(signer);
    const enum tp_pki_scheme scheme = info->is_rsa  ? (pss ? TP_PKI_RSA_PSS : TP_PKI_RSA_PKCS1)
                                      : info->is_ec ? TP_PKI_ECDSA
                                                    : TP_PKI_EDDSA;
    return tp_pki_signer_sign(signer, scheme, tp_pki_signer_hash(signer), TP_BYTES("abc", 3), error, made);
}

/* What tp_pki_signer_sign gives has been verified with the public key: that the public key is the token's, by
 * libcrypto, here. */
static void signs(struct tp_pki_signer *signer, bool pss)
{
    struct tp_error error = {0};
    struct tp_buf made = TP_BUF_INIT;
    EVP_PKEY_CTX *params = NULL;
    EVP_PKEY *key = NULL;
    cr_assert_eq(sign(signer, pss, &error, &made), TP_OK, "%s", tp_error_words(&error));
    cr_assert_eq(tp_pki_key_load(tp_pki_signer_spki(signer), NULL, &key), TP_OK);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    cr_assert_eq(EVP_DigestVerifyInit_ex(context, &params, tp_pki_hash_libcrypto(tp_pki_signer_hash(signer)),
                                         tp_crypto_libctx(), NULL, key, NULL),
                 1);
    if (pss)
        cr_assert_gt(EVP_PKEY_CTX_set_rsa_padding(params, RSA_PKCS1_PSS_PADDING), 0);
    cr_assert_eq(EVP_DigestVerify(context, made.data, made.len, (const uint8_t *)"abc", 3), 1);
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(key);
    tp_buf_clear(&made);
}

/* LeakSanitizer's, where there is one. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

HSM_SUITE(hsm_signer);

Test(hsm_signer, signs_with_every_kind_of_key)
{
    card_begin();
    for (size_t i = 0; i < KINDS; i++)
        card_key((struct plan){&kinds[i], kinds[i].name, .id = (uint8_t)(i + 1)});
    card_end();
    for (size_t i = 0; i < KINDS; i++) {
        char attributes[64];
        (void)snprintf(attributes, sizeof attributes, "token=test;object=%s", kinds[i].name);
        struct tp_pki_signer *signer = open_signer(attributes);
        const bool leaks = kinds[i].mechanism == CKM_EC_EDWARDS_KEY_PAIR_GEN; /* SoftHSM 2.6, in C_SignInit */
        if (leaks && __lsan_disable != NULL)
            __lsan_disable();
        signs(signer, false);
        if (leaks && __lsan_enable != NULL)
            __lsan_enable();
        if (i == RSA_KIND)
            signs(signer, true);
        cr_assert_eq(tp_pki_signer_certificates_len(signer), 0);
        tp_pki_signer_free(signer);
    }
}

/* ---- certificates ---- */

static X509 *issue(const char *subject, const char *issuer, EVP_PKEY *key, EVP_PKEY *issuer_key, bool is_ca,
                   const char *usage, const char *since)
{
    X509 *x509 = X509_new();
    const char *const names[] = {subject, issuer};
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    for (int i = 0; i < 2; i++) {
        X509_NAME *name = i == 0 ? X509_get_subject_name(x509) : X509_get_issuer_name(x509);
        cr_assert_eq(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)names[i], -1, -1, 0),
                     1);
    }
    cr_assert_eq(ASN1_TIME_set_string_X509(X509_getm_notBefore(x509), since), 1);
    cr_assert_eq(ASN1_TIME_set_string_X509(X509_getm_notAfter(x509), "360101000000Z"), 1);
    cr_assert_eq(X509_set_pubkey(x509, key), 1);
    X509_EXTENSION *extension = is_ca ? X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, "critical,CA:TRUE")
                                      : X509V3_EXT_conf_nid(NULL, NULL, NID_key_usage, usage);
    cr_assert_eq(X509_add_ext(x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    cr_assert_gt(X509_sign(x509, issuer_key, EVP_sha256()), 0);
    return x509;
}

static void is_certificate(const struct tp_pki_signer *signer, size_t index, X509 *expected)
{
    unsigned char *der = NULL;
    const int len = i2d_X509(expected, &der);
    cr_assert(tp_bytes_equal(tp_pki_signer_certificate(signer, index), TP_BYTES(der, (size_t)len)), "certificate %zu",
              index);
    OPENSSL_free(der);
}

static EVP_PKEY *public_of(const char *attributes)
{
    EVP_PKEY *key = NULL;
    struct tp_pki_signer *signer = open_signer(attributes);
    cr_assert_eq(tp_pki_key_load(tp_pki_signer_spki(signer), NULL, &key), TP_OK);
    tp_pki_signer_free(signer);
    return key;
}

Test(hsm_signer, has_its_newest_certificate_and_the_issuers_of_the_token)
{
    card_begin();
    card_key((struct plan){&kinds[P256], "a", .id = 1});
    card_end();
    EVP_PKEY *own = public_of("token=test;object=a"), *ca = EVP_EC_gen("P-256"), *root = EVP_EC_gen("P-256"),
             *other = EVP_EC_gen("P-256");
    X509 *old = issue("a", "ca", own, ca, false, "nonRepudiation", "250101000000Z");
    X509 *new = issue("a", "ca", own, ca, false, "nonRepudiation", "260101000000Z");
    X509 *issuer = issue("ca", "root", ca, root, true, NULL, "250101000000Z");
    X509 *top = issue("root", "root", root, root, true, NULL, "250101000000Z");
    X509 *namesake = issue("ca", "root", other, other, true, NULL, "250101000000Z");
    X509 *foreign = issue("b", "ca", other, ca, false, "nonRepudiation", "270101000000Z");
    card_begin();
    card_certificate(namesake, 9), card_certificate(top, 8), card_certificate(old, 1), card_certificate(new, 1);
    card_certificate(issuer, 7), card_certificate(foreign, 1); /* with the key's CKA_ID, and another key's */
    card_end();
    struct tp_pki_signer *signer = open_signer("token=test;object=a");
    cr_assert_eq(tp_pki_signer_certificates_len(signer), 3);
    is_certificate(signer, 0, new), is_certificate(signer, 1, issuer), is_certificate(signer, 2, top);
    signs(signer, false);
    tp_pki_signer_free(signer);

    unsigned char *der = NULL, *wrong = NULL;
    struct tp_bytes chain = {NULL, (size_t)i2d_X509(old, &der)},
                    wrong_chain = {NULL, (size_t)i2d_X509(foreign, &wrong)};
    chain.data = der, wrong_chain.data = wrong;
    struct tp_error error = {0};
    cr_assert_eq(try_open("token=test;object=a",
                          &(struct tp_hsm_signer_config){.certificates = &chain, .certificates_len = 1}, &error,
                          &signer),
                 TP_OK);
    cr_assert_eq(tp_pki_signer_certificates_len(signer), 1, "the given one, and not the token's");
    tp_pki_signer_free(signer);
    signer = NULL;
    cr_assert_eq(try_open("token=test;object=a",
                          &(struct tp_hsm_signer_config){.certificates = &wrong_chain, .certificates_len = 1}, &error,
                          &signer),
                 TP_BAD_ARGUMENT);
    cr_assert_null(signer);
    OPENSSL_free(der), OPENSSL_free(wrong);
    X509_free(old), X509_free(new), X509_free(issuer), X509_free(top), X509_free(namesake), X509_free(foreign);
    EVP_PKEY_free(own), EVP_PKEY_free(ca), EVP_PKEY_free(root), EVP_PKEY_free(other);
}

Test(hsm_signer, of_two_keys_the_one_whose_certificate_is_for_signing)
{
    card_begin();
    card_key((struct plan){&kinds[P256], "same", .id = 1});
    card_key((struct plan){&kinds[RSA_KIND], "same", .id = 2});
    card_key((struct plan){&kinds[RSA_KIND], "same", .id = 3, .no_sign = true});
    card_end();
    refused("token=test;object=same", TP_BAD_ARGUMENT,
            "2 keys of the token \"test\" match the URI: name one of object=same;id=%0");
    EVP_PKEY *one = public_of("token=test;id=%01"), *two = public_of("token=test;id=%02"), *ca = EVP_EC_gen("P-256");
    X509 *ciphering = issue("a", "ca", one, ca, false, "keyAgreement", "260101000000Z");
    X509 *signing = issue("a", "ca", two, ca, false, "nonRepudiation", "260101000000Z");
    card_begin();
    card_certificate(ciphering, 1), card_certificate(signing, 2);
    card_end();
    struct tp_pki_signer *signer = open_signer("token=test;object=same");
    cr_assert(tp_pki_signer_info(signer)->is_rsa);
    is_certificate(signer, 0, signing);
    signs(signer, true);
    tp_pki_signer_free(signer);
    X509_free(ciphering), X509_free(signing);
    EVP_PKEY_free(one), EVP_PKEY_free(two), EVP_PKEY_free(ca);
}

/* ---- refused ---- */

Test(hsm_signer, a_uri_that_names_no_key_or_token_says_what_there_is)
{
    refused("token=test;object=a", TP_NOT_FOUND, "has no private key");
    card_begin();
    card_key((struct plan){&kinds[P256], "there", .id = 0xa5});
    card_key((struct plan){&kinds[P256], "mute", .id = 2, .no_sign = true});
    card_end();
    refused("token=test;object=elsewhere", TP_NOT_FOUND, "object=there;id=%a5");
    refused("token=test;object=mute", TP_NOT_FOUND, "that signs");
    refused("token=nosuch;object=there", TP_NOT_FOUND, "there is token=test;serial=");
    refused("serial=0000;object=there", TP_NOT_FOUND, "there is token=test");
    struct tp_pki_signer *signer = open_signer("object=there"); /* the only token */
    tp_pki_signer_free(signer);
    fixture_add_token("second");
    refused("object=there", TP_BAD_ARGUMENT, "2 tokens match the key's URI");
}

Test(hsm_signer, a_uri_that_is_none_is_refused)
{
    static const struct {
        const char *uri, *words;
    } rows[] = {
        {"", "not a PKCS#11 URI"},
        {"file:/x", "not a PKCS#11 URI"},
        {"pkcs11:token=test?pin-value=1234", "pin-value"},
        {"pkcs11:token=test?module-path=lib.so", "not absolute"},
        {"pkcs11:token=test?module-name=softhsm2", "module-name"},
        {"pkcs11:token=test?pin-source=|/bin/cat", "pin-source"},
        {"pkcs11:token=test?pin-source=file:|/bin/cat", "pin-source"},
        {"pkcs11:token=test?pin-source=pin", "pin-source"},
        {"pkcs11:token=test?pin-source=http://pin.example/", "pin-source"},
        {"pkcs11:token=test?pin-source=", "pin-source"},
        {"pkcs11:token=test;nosuch=1", "not known"},
        {"pkcs11:token=test?module-path=/nosuch.so", "cannot load"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_error error = {0};
        struct tp_pki_signer *signer = NULL;
        cr_assert_eq(
            tp_hsm_signer_open(&(struct tp_hsm_signer_config){.uri = rows[i].uri, .threads = 1}, &error, &signer),
            TP_CONFIG, "%s", rows[i].uri);
        cr_assert_not_null(strstr(tp_error_words(&error), rows[i].words), "%s: %s", rows[i].uri,
                           tp_error_words(&error));
    }
}

/* ---- the PIN ---- */

Test(hsm_signer, a_relative_pin_source_is_below_the_folder_that_is_given)
{
    static const char *const schemes[] = {"file:", ""};
    char folder[128], uri[512];
    const char *name = strrchr(fx.pin_file, '/');
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(name - fx.pin_file), fx.pin_file);
    card_begin();
    card_key((struct plan){&kinds[P256], "relative", .id = 1});
    card_end();
    for (size_t i = 0; i < 2; i++) {
        struct tp_error error = {0};
        struct tp_pki_signer *signer = NULL;
        (void)snprintf(uri, sizeof uri, "pkcs11:token=test;object=relative?module-path=%s&pin-source=%s%s", SOFTHSM, schemes[i], name + 1);
        struct tp_hsm_signer_config config = {.uri = uri, .folder = folder, .threads = 1};
        cr_assert_eq(tp_hsm_signer_open(&config, &error, &signer), TP_OK, "%s", tp_error_words(&error));
        tp_pki_signer_free(signer);
        config.folder = "/nowhere";
        cr_assert_eq(tp_hsm_signer_open(&config, &error, &signer), TP_CONFIG);
        cr_assert_not_null(strstr(tp_error_words(&error), "/nowhere/pin"), "%s", tp_error_words(&error));
    }
}

Test(hsm_signer, a_wrong_pin_says_so)
{
    fixture_write(fx.pin_file, "wrong-horse\n", 0600);
    refused("token=test", TP_PIN_WRONG, "does not accept this PIN (CKR_PIN_INCORRECT); a few tries are left");
    fixture_write(fx.pin_file, "1\n", 0600);
    struct tp_error error = {0};
    struct tp_pki_signer *signer = NULL;
    const enum tp_rc rc = try_open("token=test", NULL, &error, &signer);
    cr_assert(rc == TP_PIN_LENGTH || rc == TP_PIN_WRONG);
    fixture_write(fx.pin_file, FIXTURE_PIN "\n", 0644);
    refused("token=test", TP_CONFIG, "chmod 600");
    fixture_write(fx.pin_file, "", 0600);
    refused("token=test", TP_CONFIG, "empty");
    cr_assert_eq(unlink(fx.pin_file), 0);
    refused("token=test", TP_CONFIG, "cannot open");
}

struct person {
    const char *pin; /* NULL: nobody is there */
    unsigned asked;
    char token[64];
};

static enum tp_rc person_answers(void *context, const char *token, bool code, struct tp_error *error, struct tp_secret **ret_pin)
{
    struct person *person = context;
    (void)error;
    cr_assert(!code); /* SoftHSM has none */
    person->asked++;
    (void)snprintf(person->token, sizeof person->token, "%s", token);
    return person->pin == NULL ? TP_NOT_FOUND : tp_secret_new_copy(tp_bytes_of_string(person->pin), ret_pin);
}

static enum tp_rc open_asking(const char *attributes, struct person *person, struct tp_error *error,
                              struct tp_pki_signer **ret_signer)
{
    char uri[256];
    (void)snprintf(uri, sizeof uri, "pkcs11:%s?module-path=%s", attributes, SOFTHSM);
    return tp_hsm_signer_open(
        &(struct tp_hsm_signer_config){
            .uri = uri, .threads = 2, .ask_pin = person != NULL ? person_answers : NULL, .ask_context = person},
        error, ret_signer);
}

Test(hsm_signer, asks_for_the_pin_once)
{
    struct person hanako = {.pin = FIXTURE_PIN}, taro = {.pin = "wrong"}, nobody = {.pin = NULL};
    struct tp_pki_signer *signer = NULL;
    struct tp_error error = {0};
    card_begin();
    card_key((struct plan){&kinds[P256], "a", .id = 1});
    card_end();
    cr_assert_eq(open_asking("token=test", &hanako, &error, &signer), TP_OK, "%s", tp_error_words(&error));
    signs(signer, false), signs(signer, false);
    cr_assert_eq(hanako.asked, 1);
    cr_assert_str_eq(hanako.token, "test");
    tp_pki_signer_free(signer);
    signer = NULL;
    cr_assert_eq(open_asking("token=test", &taro, &error, &signer), TP_PIN_WRONG);
    cr_assert_eq(open_asking("token=test", &nobody, &error, &signer), TP_CONFIG);
    cr_assert_not_null(strstr(tp_error_words(&error), "pin-source"));
    cr_assert_eq(open_asking("token=test", NULL, &error, &signer), TP_CONFIG);
    cr_assert_null(signer);
}

Test(hsm_signer, a_key_that_always_authenticates_asks_at_each_signature)
{
    struct person hanako = {.pin = FIXTURE_PIN};
    struct tp_pki_signer *signer = NULL;
    struct tp_error error = {0};
    struct tp_buf made = TP_BUF_INIT;
    card_begin();
    card_key((struct plan){&kinds[RSA_KIND], "a", .id = 1, .always_authenticate = true});
    card_end();
    cr_assert_eq(open_asking("token=test", &hanako, &error, &signer), TP_OK, "%s", tp_error_words(&error));
    signs(signer, false), signs(signer, false);
    cr_assert_eq(hanako.asked, 3);
    hanako.pin = "wrong";
    cr_assert_eq(sign(signer, false, &error, &made), TP_PIN_WRONG);
    cr_assert_not_null(strstr(tp_error_words(&error), "does not accept this PIN"));
    hanako.pin = FIXTURE_PIN;
    signs(signer, false); /* nothing of the refused one is left in the session */
    tp_pki_signer_free(signer);
}

/* ---- a module that fails ---- */

static struct tp_pki_signer *open_faulty(void)
{
    char uri[512];
    struct tp_error error = {0};
    struct tp_pki_signer *signer = NULL;
    (void)snprintf(uri, sizeof uri, "pkcs11:token=test;object=a?module-path=%s&pin-source=file:%s", PKCS11_FAULT_PATH,
                   fx.pin_file);
    cr_assert_eq(tp_hsm_signer_open(&(struct tp_hsm_signer_config){.uri = uri, .threads = 1}, &error, &signer), TP_OK,
                 "%s", tp_error_words(&error));
    return signer;
}

Test(hsm_signer, what_the_token_answers_has_words)
{
    static const struct {
        const char *rule;
        enum tp_rc expected;
        const char *words;
    } rows[] = {{"C_Sign 1 fail 0x101\n", TP_NOT_LOGGED_IN, "has ended"},
                {"C_SignInit 1 fail 0xb3\n", TP_NOT_LOGGED_IN, "start again"},
                {"C_Sign 1 fail 0x32\n", TP_HSM_ABSENT, "still connected"},
                {"C_SignInit 1 fail 0x70\n", TP_UNSUPPORTED, "CKR_MECHANISM_INVALID"},
                {"C_OpenSession 1 fail 0xb1\n", TP_HSM, "CKR_SESSION_COUNT"},
                {"C_Sign 1 fail 0x200\n", TP_REFUSED, "see its policy"}};
    card_begin();
    card_key((struct plan){&kinds[P256], "a", .id = 1});
    card_end();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_pki_signer *signer = open_faulty();
        struct tp_error error = {0};
        struct tp_buf made = TP_BUF_INIT;
        fault_rules(rows[i].rule);
        cr_assert_eq(sign(signer, false, &error, &made), rows[i].expected, "%s: %s", rows[i].rule,
                     tp_error_words(&error));
        cr_assert_not_null(strstr(tp_error_words(&error), rows[i].words), "%s", tp_error_words(&error));
        cr_assert(fault_fired());
        fault_rules(NULL);
        signs(signer, false); /* with the only session that there may be */
        tp_pki_signer_free(signer);
    }
}

Test(hsm_signer, a_login_that_fails_has_words)
{
    static const struct {
        const char *rule;
        enum tp_rc expected;
        const char *words;
    } rows[] = {{"C_Login 1 fail 0xa4\n", TP_PIN_LOCKED, "administers"},
                {"C_Login 1 fail 0xa3\n", TP_PIN_EXPIRED, "expired"},
                {"C_Login 1 fail 0xa2\n", TP_PIN_LENGTH, "too short or too long"},
                {"C_Login 1 fail 0x102\n", TP_NOT_ENROLLED, "no PIN yet"},
                {"C_Login 1 fail 0x54\n", TP_UNSUPPORTED, "CKR_FUNCTION_NOT_SUPPORTED"},
                {"C_Initialize 1 fail 0x5\n", TP_HSM_ABSENT, "does not start"}};
    char uri[512];
    (void)snprintf(uri, sizeof uri, "pkcs11:token=test?module-path=%s&pin-source=file:%s", PKCS11_FAULT_PATH,
                   fx.pin_file);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct tp_error error = {0};
        struct tp_pki_signer *signer = NULL;
        fault_rules(rows[i].rule);
        cr_assert_eq(tp_hsm_signer_open(&(struct tp_hsm_signer_config){.uri = uri, .threads = 1}, &error, &signer),
                     rows[i].expected, "%s: %s", rows[i].rule, tp_error_words(&error));
        cr_assert_not_null(strstr(tp_error_words(&error), rows[i].words), "%s", tp_error_words(&error));
        fault_rules(NULL);
    }
}

/* Whichever call fails, it is told, and nothing is left of it: LeakSanitizer looks. */
Test(hsm_signer, any_call_that_fails_is_told)
{
    char uri[512];
    card_begin();
    card_key((struct plan){&kinds[P256], "a", .id = 1});
    card_end();
    (void)snprintf(uri, sizeof uri, "pkcs11:token=test;object=a?module-path=%s&pin-source=file:%s", PKCS11_FAULT_PATH,
                   fx.pin_file);
    unsigned n = 1;
    for (bool fired = true; fired; n++) {
        char rule[64];
        struct tp_error error = {0};
        struct tp_buf made = TP_BUF_INIT;
        struct tp_pki_signer *signer = NULL;
        (void)snprintf(rule, sizeof rule, "* %u fail 0x5\n", n);
        fault_rules(rule);
        enum tp_rc rc = tp_hsm_signer_open(&(struct tp_hsm_signer_config){.uri = uri, .threads = 1}, &error, &signer);
        if (rc == TP_OK)
            rc = sign(signer, false, &error, &made);
        fired = fault_fired();
        fault_rules(NULL);
        cr_assert_eq(rc != TP_OK, error.rc != TP_OK, "call %u", n);
        if (!fired)
            cr_assert_eq(rc, TP_OK);
        tp_buf_clear(&made);
        tp_pki_signer_free(signer);
    }
    cr_assert_gt(n, 8);
}

/* ---- threads ---- */

#define THREADS    8
#define SIGNATURES 25

static atomic_uint good;

static void *sign_many(void *context)
{
    for (int i = 0; i < SIGNATURES; i++) {
        struct tp_buf made = TP_BUF_INIT;
        if (sign(context, i % 2 == 0, NULL, &made) == TP_OK)
            atomic_fetch_add(&good, 1);
        tp_buf_clear(&made);
    }
    return NULL;
}

Test(hsm_signer, threads_share_one_login_and_wait_for_sessions)
{
    static const unsigned sessions[] = {1, 3, THREADS};
    struct person hanako = {.pin = FIXTURE_PIN};
    card_begin();
    card_key((struct plan){&kinds[RSA_KIND], "a", .id = 1});
    card_end();
    for (size_t i = 0; i < 3; i++) {
        char uri[256];
        pthread_t threads[THREADS];
        struct tp_pki_signer *signer = NULL;
        struct tp_error error = {0};
        (void)snprintf(uri, sizeof uri, "pkcs11:token=test?module-path=%s", SOFTHSM);
        cr_assert_eq(tp_hsm_signer_open(
                         &(struct tp_hsm_signer_config){
                             .uri = uri, .threads = sessions[i], .ask_pin = person_answers, .ask_context = &hanako},
                         &error, &signer),
                     TP_OK);
        atomic_store(&good, 0);
        for (int j = 0; j < THREADS; j++)
            cr_assert_eq(pthread_create(&threads[j], NULL, sign_many, signer), 0);
        for (int j = 0; j < THREADS; j++)
            pthread_join(threads[j], NULL);
        cr_assert_eq(atomic_load(&good), THREADS * SIGNATURES);
        cr_assert_eq(hanako.asked, i + 1);
        tp_pki_signer_free(signer);
    }
}
