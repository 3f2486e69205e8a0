/* SPDX-License-Identifier: Apache-2.0 */
/* Signs a file with the key LABEL of the token TOKEN, by libp11's own interface. The PIN is in $SECRET; without it
 * there is no login.
 *
 * Usage: sign MODULE TOKEN [LABEL FILE SIGNATURE] */
#include <libp11.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *words)
{
    fprintf(stderr, "sign: %s\n", words);
    ERR_print_errors_fp(stderr);
    exit(1);
}

static void check(bool good, const char *words)
{
    if (!good)
        fail(words);
}

static PKCS11_SLOT *find_token(PKCS11_SLOT *slots, unsigned count, const char *label)
{
    for (unsigned i = 0; i < count; i++) {
        if (slots[i].token != NULL && strcmp(slots[i].token->label, label) == 0) {
            return &slots[i];
        }
    }
    fail("no such token");
    return NULL;
}

static EVP_PKEY *find_key(PKCS11_TOKEN *token, const char *label)
{
    PKCS11_KEY *keys = NULL;
    unsigned count = 0;

    check(PKCS11_enumerate_keys(token, &keys, &count) == 0, "no keys");
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(keys[i].label, label) == 0) {
            return PKCS11_get_private_key(&keys[i]);
        }
    }
    fail("no such key");
    return NULL;
}

static void show_certificates(PKCS11_TOKEN *token)
{
    PKCS11_CERT *certs = NULL;
    unsigned count = 0;

    check(PKCS11_enumerate_certs(token, &certs, &count) == 0, "no certificates");
    for (unsigned i = 0; i < count; i++) {
        printf("certificate %s\n", certs[i].label);
    }
}

static void sign(EVP_PKEY *key, const char *from, const char *to)
{
    unsigned char data[4096], signature[1024];
    size_t length, signature_length = sizeof signature;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    FILE *in = fopen(from, "rb");
    FILE *out;

    check(key != NULL && digest != NULL && in != NULL, "no key, or no file");
    check(EVP_DigestSignInit(digest, NULL, EVP_sha256(), NULL, key) == 1, "EVP_DigestSignInit");
    while ((length = fread(data, 1, sizeof data, in)) > 0) {
        check(EVP_DigestSignUpdate(digest, data, length) == 1, "EVP_DigestSignUpdate");
    }
    fclose(in);
    check(EVP_DigestSignFinal(digest, signature, &signature_length) == 1, "EVP_DigestSignFinal");
    out = fopen(to, "wb");
    check(out != NULL && fwrite(signature, 1, signature_length, out) == signature_length && fclose(out) == 0, to);
    EVP_MD_CTX_free(digest);
}

int main(int argc, char **argv)
{
    PKCS11_CTX *context = PKCS11_CTX_new();
    PKCS11_SLOT *slots = NULL, *slot;
    unsigned count = 0;
    EVP_PKEY *key;

    check(argc == 3 || argc == 6, "usage: sign MODULE TOKEN [LABEL FILE SIGNATURE]");
    check(PKCS11_CTX_load(context, argv[1]) == 0, "the module cannot be loaded");
    check(PKCS11_enumerate_slots(context, &slots, &count) == 0, "no slots");
    slot = find_token(slots, count, argv[2]);
    show_certificates(slot->token);
    if (argc == 6) {
        if (getenv("SECRET") != NULL)
            check(PKCS11_login(slot, 0, getenv("SECRET")) == 0, "login refused");
        key = find_key(slot->token, argv[3]);
        sign(key, argv[4], argv[5]);
        EVP_PKEY_free(key);
    }
    PKCS11_release_all_slots(context, slots, count);
    PKCS11_CTX_unload(context);
    PKCS11_CTX_free(context);
    return 0;
}
