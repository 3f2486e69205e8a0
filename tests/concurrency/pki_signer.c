/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that share a signer, and make others at the same time: the provider's context is made by whoever comes first.
 */
#include "base/crypto.h"
#include "pki/certificate.h"
#include "pki/private_key.h"
#include "pki/signer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8
#define ROUNDS  20
#define FRESH   3 /* contexts, one after the other */

static struct tp_secret *pkcs8;
static struct tp_pki_signer *shared;

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "%s\n", what);
    abort();
}

static struct tp_pki_signer *make(void)
{
    struct tp_pki_signer *signer = NULL;
    require(tp_pki_signer_of_file(tp_secret_bytes(pkcs8), NULL, NULL, 0, NULL, &signer) == TP_OK, "no signer");
    return signer;
}

static void sign(const struct tp_pki_signer *signer)
{
    struct tp_buf request = TP_BUF_INIT, signature = TP_BUF_INIT;
    uint8_t bytes[128];
    size_t len = sizeof bytes;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    require(EVP_DigestSignInit_ex(context, NULL, "SHA256", tp_crypto_libctx(), NULL, tp_pki_signer_key(signer), NULL) ==
                    1 &&
                EVP_DigestSign(context, bytes, &len, (const uint8_t *)"abc", 3) == 1,
            "libcrypto does not sign");
    EVP_MD_CTX_free(context);
    require(tp_pki_request_make(signer, "/CN=a", NULL, 0, NULL, 0, NULL, &request) == TP_OK, "no request");
    require(tp_pki_signer_sign(signer, TP_PKI_ECDSA, TP_PKI_SHA256, TP_BYTES("abc", 3), NULL, &signature) == TP_OK,
            "no signature");
    tp_buf_clear(&request);
    tp_buf_clear(&signature);
}

static void *run(void *unused)
{
    (void)unused;
    for (int i = 0; i < ROUNDS; i++) {
        struct tp_pki_signer *own = make();
        sign(shared);
        sign(own);
        tp_pki_signer_free(own);
    }
    return NULL;
}

static void *first(void *unused)
{
    (void)unused;
    struct tp_pki_signer *own = make();
    sign(own);
    tp_pki_signer_free(own);
    return NULL;
}

static void all(void *(*work)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        require(pthread_create(&threads[i], NULL, work, NULL) == 0, "no thread");
    for (int i = 0; i < THREADS; i++)
        (void)pthread_join(threads[i], NULL);
}

int main(void)
{
    struct tp_buf spki = TP_BUF_INIT;
    require(tp_pki_private_key_make(&pkcs8, &spki) == TP_OK, "no key");
    tp_buf_clear(&spki);
    for (int i = 0; i < FRESH; i++) {
        tp_crypto_release();
        all(first);
        shared = make();
        all(run);
        tp_pki_signer_free(shared);
    }
    tp_secret_free(pkcs8);
    tp_crypto_release();
    return 0;
}
