/* SPDX-License-Identifier: Apache-2.0 */
#include "issuer.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define YEAR_S (365L * 24 * 3600)

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "issuer: %s\n", what);
    exit(1);
}

static EVP_PKEY *issuer_key;
static pthread_once_t issuer_once = PTHREAD_ONCE_INIT;

static void make_issuer(void)
{
    issuer_key = EVP_EC_gen("P-256");
    require(issuer_key != NULL, "no key");
}

static void add_name(X509_NAME *name, const char *common_name)
{
    require(
        X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8, (const unsigned char *)"trustp11 bench", -1, -1, 0) == 1 &&
            X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)common_name, -1, -1, 0) == 1,
        "no name");
}

X509 *bench_issue(EVP_PKEY *key, unsigned long serial)
{
    char common_name[32];
    X509 *certificate = X509_new();
    (void)pthread_once(&issuer_once, make_issuer);
    require(certificate != NULL && X509_set_version(certificate, X509_VERSION_3) == 1, "out of memory");
    (void)snprintf(common_name, sizeof common_name, "key %lu", serial);
    add_name(X509_get_subject_name(certificate), common_name);
    add_name(X509_get_issuer_name(certificate), "bench CA");
    require(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial) == 1 &&
                X509_gmtime_adj(X509_getm_notBefore(certificate), -60) != NULL &&
                X509_gmtime_adj(X509_getm_notAfter(certificate), YEAR_S) != NULL &&
                X509_set_pubkey(certificate, key) == 1,
            "a field of the certificate");
    require(X509_sign(certificate, issuer_key, EVP_sha256()) > 0, "the certificate's signature");
    return certificate;
}
