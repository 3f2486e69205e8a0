/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/random.h"
#include "base/crypto.h"
#include "p11/digest.h"
#include "p11/key.h"
#include "p11/module.h"
#include "p11/rv.h"

#include <openssl/core_names.h>

#define STRENGTH_BITS 256
#define CHUNK_LEN     ((size_t)32 << 10) /* below what CTR-DRBG gives at a time (SP 800-90A §10.2.1) */

TP_DEFINE_AUTO(EVP_RAND_CTX, EVP_RAND_CTX_free)

enum tp_rc tp_p11_random_init(struct tp_p11_random *random)
{
    return pthread_mutex_init(&random->mutex, NULL) == 0 ? TP_OK : TP_MEMORY;
}

void tp_p11_random_clear(struct tp_p11_random *random)
{
    EVP_RAND_CTX_free(random->generator);
    EVP_RAND_CTX_free(random->entropy);
    (void)pthread_mutex_destroy(&random->mutex);
}

static EVP_RAND_CTX *rand_new(const char *name, EVP_RAND_CTX *parent)
{
    EVP_RAND *method = EVP_RAND_fetch(tp_crypto_libctx(), name, NULL);
    EVP_RAND_CTX *ctx = method == NULL ? NULL : EVP_RAND_CTX_new(method, parent);
    EVP_RAND_free(method);
    return ctx;
}

/* SEED-SRC is the operating system's generator. */
static enum tp_rc make(struct tp_p11_random *random)
{
    char cipher[] = "AES-256-CTR";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_DRBG_PARAM_CIPHER, cipher, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_RAND_CTX *entropy TP_AUTO(EVP_RAND_CTX_free_p) = rand_new("SEED-SRC", NULL);
    EVP_RAND_CTX *generator TP_AUTO(EVP_RAND_CTX_free_p) = entropy == NULL ? NULL : rand_new("CTR-DRBG", entropy);
    if (generator == NULL)
        return TP_MEMORY;
    if (EVP_RAND_instantiate(entropy, STRENGTH_BITS, 0, NULL, 0, NULL) != 1 ||
        EVP_RAND_instantiate(generator, STRENGTH_BITS, 0, NULL, 0, params) != 1)
        return TP_CRYPTO;
    random->entropy = entropy;
    random->generator = generator;
    entropy = generator = NULL;
    return TP_OK;
}

static enum tp_rc generate(struct tp_p11_random *random, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        size_t chunk_len = len < CHUNK_LEN ? len : CHUNK_LEN;
        if (EVP_RAND_generate(random->generator, bytes, chunk_len, STRENGTH_BITS, 0, NULL, 0) != 1)
            return TP_CRYPTO;
        bytes += chunk_len;
        len -= chunk_len;
    }
    return TP_OK;
}

CK_RV tp_p11_random_generate(struct tp_p11_call *call, CK_BYTE *ret_bytes, CK_ULONG len)
{
    struct tp_p11_random *random = &call->module->random;
    if (!tp_p11_is_memory(TP_BYTES(ret_bytes, len)))
        return CKR_ARGUMENTS_BAD;
    TP_P11_ERRORS_KEEP;
    pthread_mutex_lock(&random->mutex);
    enum tp_rc rc = random->generator == NULL ? make(random) : TP_OK;
    if (rc == TP_OK)
        rc = generate(random, ret_bytes, len);
    pthread_mutex_unlock(&random->mutex);
    return tp_p11_rv(rc);
}

/* Mixed in as additional input: it can do no harm, whatever it is. */
CK_RV tp_p11_random_seed(struct tp_p11_call *call, struct tp_bytes seed)
{
    struct tp_p11_random *random = &call->module->random;
    if (!tp_p11_is_memory(seed))
        return CKR_ARGUMENTS_BAD;
    TP_P11_ERRORS_KEEP;
    pthread_mutex_lock(&random->mutex);
    enum tp_rc rc = random->generator == NULL ? make(random) : TP_OK;
    if (rc == TP_OK && EVP_RAND_reseed(random->generator, 0, NULL, 0, seed.data, seed.len) != 1)
        rc = TP_CRYPTO;
    pthread_mutex_unlock(&random->mutex);
    return tp_p11_rv(rc);
}
