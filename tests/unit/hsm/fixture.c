/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"
#include "base/clock.h"
#include "base/crypto.h"

#include <dlfcn.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <trustp11/cryptoki.h>
#include <unistd.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"

struct fixture fx;

static void path_in(char *ret_path, size_t len, const char *name)
{
    snprintf(ret_path, len, "%s/%s", fx.dir, name);
}

void fixture_write(const char *path, const char *text, unsigned mode)
{
    FILE *file = fopen(path, "we");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    fclose(file);
    cr_assert_eq(chmod(path, mode), 0);
}

static void init_token(CK_FUNCTION_LIST *calls, const char *label)
{
    CK_SLOT_ID slots[16];
    CK_ULONG count = 16;
    CK_SESSION_HANDLE session;
    CK_BYTE padded[32], pin[] = FIXTURE_PIN;
    CK_ULONG pin_len = sizeof(pin) - 1;
    memset(padded, ' ', sizeof(padded));
    memcpy(padded, label, strlen(label));
    cr_assert_eq(calls->C_Initialize(NULL), CKR_OK);
    cr_assert_eq(calls->C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
    CK_SLOT_ID slot = slots[count - 1]; /* SoftHSM's last one is the one without a token */
    cr_assert_eq(calls->C_InitToken(slot, pin, pin_len, padded), CKR_OK);
    cr_assert_eq(calls->C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session), CKR_OK);
    cr_assert_eq(calls->C_Login(session, CKU_SO, pin, pin_len), CKR_OK);
    cr_assert_eq(calls->C_InitPIN(session, pin, pin_len), CKR_OK);
    cr_assert_eq(calls->C_Finalize(NULL), CKR_OK);
}

void fixture_add_token(const char *label)
{
    void *library = dlopen(SOFTHSM, RTLD_NOW);
    cr_assert_not_null(library, "%s", dlerror());
    void *symbol = dlsym(library, "C_GetFunctionList");
    CK_C_GetFunctionList get;
    CK_FUNCTION_LIST *calls;
    memcpy(&get, &symbol, sizeof(get));
    cr_assert_eq(get(&calls), CKR_OK);
    init_token(calls, label);
    dlclose(library);
}

static void make_softhsm(void)
{
    char path[128], text[256];
    path_in(path, sizeof(path), "tokens");
    cr_assert_eq(mkdir(path, 0700), 0);
    snprintf(text, sizeof(text), "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", path);
    path_in(path, sizeof(path), "softhsm2.conf");
    fixture_write(path, text, 0600);
    setenv("SOFTHSM2_CONF", path, 1);
}

void fixture_make(void)
{
    snprintf(fx.dir, sizeof(fx.dir), "/tmp/tp-hsm-XXXXXX");
    cr_assert_not_null(mkdtemp(fx.dir));
    make_softhsm();
    path_in(fx.pin_file, sizeof(fx.pin_file), "pin");
    path_in(fx.control, sizeof(fx.control), "control");
    fixture_write(fx.pin_file, FIXTURE_PIN "\n", 0600);
    setenv("PKCS11_FAULT_MODULE", SOFTHSM, 1);
    setenv("PKCS11_FAULT_CONTROL", fx.control, 1);
    snprintf(fx.uri, sizeof(fx.uri), "pkcs11:token=test?module-path=%s&pin-source=file:%s", SOFTHSM, fx.pin_file);
    snprintf(fx.fault_uri, sizeof(fx.fault_uri), "pkcs11:token=test?module-path=%s&pin-source=file:%s",
             PKCS11_FAULT_PATH, fx.pin_file);
    fixture_add_token("test");
}

void fixture_remove(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", fx.dir);
    cr_assert_eq(system(command), 0);
}

static void rename_in(const char *from, const char *to)
{
    char a[128], b[128];
    path_in(a, sizeof(a), from);
    path_in(b, sizeof(b), to);
    cr_assert_eq(rename(a, b), 0);
}

void fixture_take_away(void)
{
    rename_in("tokens", "away");
}

void fixture_bring_back(void)
{
    char path[128];
    path_in(path, sizeof(path), "tokens");
    rmdir(path); /* SoftHSM may have found an empty place for it */
    rename_in("away", "tokens");
}

void fixture_empty(void)
{
    char path[128];
    fixture_take_away();
    path_in(path, sizeof(path), "tokens");
    cr_assert_eq(mkdir(path, 0700), 0);
}

void fault_rules(const char *rules)
{
    char fresh[160];
    if (rules == NULL) {
        unlink(fx.control);
        return;
    }
    snprintf(fresh, sizeof(fresh), "%s.new", fx.control);
    fixture_write(fresh, rules, 0600);
    cr_assert_eq(rename(fresh, fx.control), 0);
}

bool fault_fired(void)
{
    char mark[160];
    snprintf(mark, sizeof(mark), "%s.fired", fx.control);
    return unlink(mark) == 0;
}

int64_t in_ms(int64_t ms)
{
    return tp_clock_monotonic_ms() + ms;
}

struct tp_hsm *open_hsm(const char *uri, unsigned sessions, size_t cached_keys)
{
    struct tp_error error = {0};
    struct tp_hsm *hsm = NULL;
    struct tp_hsm_config config = {.uri = uri, .sessions = sessions, .cached_keys = cached_keys};
    enum tp_rc rc = tp_hsm_open(&config, &error, &hsm);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    return hsm;
}

struct tp_hsm_session *acquire(struct tp_hsm *hsm)
{
    struct tp_error error = {0};
    struct tp_hsm_session *session = NULL;
    enum tp_rc rc = tp_hsm_session_acquire(hsm, in_ms(10000), &error, &session);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    return session;
}

void make_keys(struct tp_hsm_session *session)
{
    struct tp_error error = {0};
    struct tp_buf backups[TP_HSM_ROLE_END] = {{0}};
    enum tp_rc rc = tp_hsm_token_keys_make(session, TP_BYTES_NONE, &error, backups);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
    rc = tp_hsm_token_keys_find(session, &error);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
}

void stored_key_make(struct tp_hsm_session *session, enum tp_hsm_key_type type, bool with_uwk, struct stored_key *key)
{
    struct tp_error error = {0};
    *key = (struct stored_key){.type = type};
    if (with_uwk)
        cr_assert_eq(tp_hsm_uwk_generate(session, &error, &key->uwk), TP_OK, "%s", tp_error_words(&error));
    enum tp_rc rc = tp_hsm_key_generate(session, tp_buf_bytes(&key->uwk), type, &error, &key->wrapped, &key->spki);
    cr_assert_eq(rc, TP_OK, "%s", tp_error_words(&error));
}

void stored_key_clear(struct stored_key *key)
{
    tp_buf_clear(&key->uwk);
    tp_buf_clear(&key->spki);
    tp_secret_free(key->wrapped);
    key->wrapped = NULL;
}

enum tp_rc stored_key_load(void *context, struct tp_error *error, struct tp_hsm_wrapped *ret_wrapped)
{
    struct stored_key *key = context;
    (void)error;
    key->loads++;
    ret_wrapped->type = key->type;
    TP_TRY(tp_buf_append(&ret_wrapped->uwk, tp_buf_bytes(&key->uwk)));
    return tp_secret_new_copy(tp_secret_bytes(key->wrapped), &ret_wrapped->key);
}

enum tp_rc sign_once(struct tp_hsm_session *session, const char *id, struct stored_key *key, struct tp_error *error)
{
    struct tp_hsm_key *unwrapped = NULL;
    struct tp_hsm_sign_params params = {.mechanism = TP_HSM_ECDSA};
    uint8_t signature[TP_HSM_SIGNATURE_MAX];
    size_t len = 0;
    TP_TRY(tp_hsm_key_get(session, id, stored_key_load, key, error, &unwrapped));
    enum tp_rc rc = tp_hsm_sign(session, unwrapped, &params, data_for(TP_HSM_P256), error, signature, &len);
    tp_hsm_key_put(unwrapped);
    if (rc == TP_OK)
        cr_assert(verify(tp_buf_bytes(&key->spki), &params, data_for(TP_HSM_P256), TP_BYTES(signature, len)));
    return rc;
}

struct tp_bytes data_for(enum tp_hsm_key_type type)
{
    static uint8_t digest_info[51] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                      0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    memset(digest_info + 19, 0x5a, 32);
    return type <= TP_HSM_RSA_4096 ? TP_BYTES(digest_info, 51) : TP_BYTES(digest_info + 19, 32);
}

static int set_rsa(EVP_PKEY_CTX *context, const struct tp_hsm_sign_params *params)
{
    if (params->mechanism == TP_HSM_RSA_PKCS)
        return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING);
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, (int)params->salt_len) > 0;
}

/* libcrypto wants ECDSA signatures in DER. */
static int der_of(struct tp_bytes raw, unsigned char **ret_der)
{
    int half = (int)(raw.len / 2);
    ECDSA_SIG *signature = ECDSA_SIG_new();
    ECDSA_SIG_set0(signature, BN_bin2bn(raw.data, half, NULL), BN_bin2bn(raw.data + half, half, NULL));
    int len = i2d_ECDSA_SIG(signature, ret_der);
    ECDSA_SIG_free(signature);
    return len;
}

bool verify(struct tp_bytes spki, const struct tp_hsm_sign_params *params, struct tp_bytes data,
            struct tp_bytes signature)
{
    const unsigned char *at = spki.data;
    unsigned char *der = NULL;
    EVP_PKEY *key = d2i_PUBKEY(NULL, &at, (long)spki.len);
    cr_assert_not_null(key);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
    cr_assert_gt(EVP_PKEY_verify_init(context), 0);
    if (params->mechanism == TP_HSM_ECDSA)
        signature = TP_BYTES(der, (size_t)der_of(signature, &der));
    else
        cr_assert_gt(set_rsa(context, params), 0);
    if (der != NULL)
        signature.data = der;
    bool good = EVP_PKEY_verify(context, signature.data, signature.len, data.data, data.len) == 1;
    OPENSSL_free(der);
    EVP_PKEY_CTX_free(context);
    EVP_PKEY_free(key);
    return good;
}
