/* SPDX-License-Identifier: Apache-2.0
 *
 * No lock is held anywhere here: what is made is published with one compare-and-swap, and who comes second frees its
 * own. So a fork in another thread's middle (the module lives in strangers' processes) cannot leave a lock taken for
 * ever.
 */
#include "base/crypto.h"
#include "base/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct context {
    OSSL_LIB_CTX *libctx;
    OSSL_PROVIDER *provider;
    OSSL_PROVIDER *ours;             /* of a second context only */
    _Atomic(struct context *) second; /* tp_crypto_libctx_with */
};

/* Digests are few and never leave the list before tp_crypto_release(). */
struct digest {
    struct digest *next;
    EVP_MD *md;
    char name[];
};

static _Atomic(struct context *) the_context;
static _Atomic(struct digest *) the_digests;

static void context_free(struct context *context)
{
    if (context == NULL)
        return;
    context_free(atomic_load(&context->second));
    if (context->ours != NULL)
        OSSL_PROVIDER_unload(context->ours);
    if (context->provider != NULL)
        OSSL_PROVIDER_unload(context->provider);
    OSSL_LIB_CTX_free(context->libctx);
    free(context);
}

static struct context *context_new(void)
{
    struct context *context = calloc(1, sizeof(*context));
    if (context == NULL)
        return NULL;
    context->libctx = OSSL_LIB_CTX_new();
    if (context->libctx != NULL)
        context->provider = OSSL_PROVIDER_load(context->libctx, "default");
    if (context->provider != NULL)
        return context;
    context_free(context);
    return NULL;
}

OSSL_LIB_CTX *tp_crypto_libctx(void)
{
    struct context *context = atomic_load(&the_context);
    if (context != NULL)
        return context->libctx;
    struct context *made = context_new();
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong(&the_context, &context, made))
        return made->libctx;
    context_free(made);
    return context->libctx;
}

static struct context *second_new(const char *name, OSSL_provider_init_fn *init)
{
    struct context *context = context_new();
    if (context == NULL)
        return NULL;
    (void)ERR_set_mark();
    if (OSSL_PROVIDER_add_builtin(context->libctx, name, init) == 1)
        context->ours = OSSL_PROVIDER_load(context->libctx, name);
    (void)ERR_pop_to_mark();
    if (context->ours != NULL)
        return context;
    context_free(context);
    return NULL;
}

OSSL_LIB_CTX *tp_crypto_libctx_with(const char *name, OSSL_provider_init_fn *init)
{
    if (tp_crypto_libctx() == NULL)
        return NULL;
    struct context *first = atomic_load(&the_context), *second = atomic_load(&first->second);
    if (second != NULL)
        return second->libctx;
    struct context *made = second_new(name, init);
    if (made == NULL)
        return NULL;
    if (atomic_compare_exchange_strong(&first->second, &second, made))
        return made->libctx;
    context_free(made);
    return second->libctx;
}

static const struct digest *digest_find(const char *name)
{
    const struct digest *digest = atomic_load(&the_digests);
    while (digest != NULL && strcasecmp(digest->name, name) != 0)
        digest = digest->next;
    return digest;
}

/* The caller's thread may belong to somebody else: its OpenSSL error queue stays as it was. */
static EVP_MD *fetch_quietly(OSSL_LIB_CTX *libctx, const char *name)
{
    (void)ERR_set_mark();
    EVP_MD *md = EVP_MD_fetch(libctx, name, NULL);
    (void)ERR_pop_to_mark();
    return md;
}

/* Takes over MD. Two threads that come at the same time may each add one; both are right, and both are freed at the
 * end. */
static const EVP_MD *digest_add(const char *name, EVP_MD *md)
{
    size_t name_size = strlen(name) + 1;
    struct digest *digest = malloc(sizeof(*digest) + name_size);
    if (digest == NULL) {
        EVP_MD_free(md);
        return NULL;
    }
    digest->md = md;
    memcpy(digest->name, name, name_size);
    digest->next = atomic_load(&the_digests);
    while (!atomic_compare_exchange_weak(&the_digests, &digest->next, digest))
        ;
    return md;
}

const EVP_MD *tp_crypto_digest(const char *name)
{
    const struct digest *known = digest_find(name);
    if (known != NULL)
        return known->md;
    OSSL_LIB_CTX *libctx = tp_crypto_libctx();
    EVP_MD *md = libctx == NULL ? NULL : fetch_quietly(libctx, name);
    return md == NULL ? NULL : digest_add(name, md);
}

void tp_crypto_release(void)
{
    struct digest *digest = atomic_exchange(&the_digests, NULL);
    while (digest != NULL) {
        struct digest *next = digest->next;
        EVP_MD_free(digest->md);
        free(digest);
        digest = next;
    }
    context_free(atomic_exchange(&the_context, NULL));
}

void tp_crypto_abandon(void)
{
    atomic_store(&the_digests, NULL);
    atomic_store(&the_context, NULL);
}

void tp_crypto_ignore_conf(void)
{
    (void)OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
}

/* OPENSSL_init_crypto(3): "will return 0 ... if OPENSSL_cleanup() has been called". With nothing to do it looks at that
 * alone, and takes no lock. */
bool tp_crypto_ended(void)
{
    return OPENSSL_init_crypto(0, NULL) != 1;
}

static bool sha256_parts(EVP_MD_CTX *ctx, const EVP_MD *md, const struct tp_bytes parts[3], uint8_t *hash)
{
    if (EVP_DigestInit_ex2(ctx, md, NULL) != 1)
        return false;
    for (int i = 0; i < 3; i++)
        if (parts[i].len > 0 && EVP_DigestUpdate(ctx, parts[i].data, parts[i].len) != 1)
            return false;
    unsigned hash_len = 0;
    return EVP_DigestFinal_ex(ctx, hash, &hash_len) == 1 && hash_len == TP_SHA256_LEN;
}

enum tp_rc tp_sha256(struct tp_bytes a, struct tp_bytes b, struct tp_bytes c, uint8_t ret_hash[TP_SHA256_LEN])
{
    const EVP_MD *md = tp_crypto_digest("SHA256");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    uint8_t hash[EVP_MAX_MD_SIZE];
    bool done = md != NULL && ctx != NULL && sha256_parts(ctx, md, (struct tp_bytes[]){a, b, c}, hash);
    EVP_MD_CTX_free(ctx);
    if (!done)
        return md == NULL || ctx == NULL ? TP_MEMORY : TP_CRYPTO;
    memcpy(ret_hash, hash, TP_SHA256_LEN);
    return TP_OK;
}

enum tp_rc tp_random(void *ret_bytes, size_t len)
{
    OSSL_LIB_CTX *libctx = tp_crypto_libctx();
    if (libctx == NULL)
        return TP_MEMORY;
    (void)ERR_set_mark();
    int done = RAND_priv_bytes_ex(libctx, ret_bytes, len, 0);
    (void)ERR_pop_to_mark();
    return done == 1 ? TP_OK : TP_CRYPTO;
}

/* ---- memory ---- */

static void *plain_allocate(size_t len, const char *file, int line)
{
    (void)file;
    (void)line;
    return malloc(len);
}

static void wiping_free(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    if (memory != NULL)
        tp_wipe(memory, malloc_usable_size(memory));
    free(memory);
}

/* realloc(3) may move, and leave a copy where it was. */
static void *wiping_reallocate(void *memory, size_t len, const char *file, int line)
{
    if (memory == NULL)
        return malloc(len);
    if (len == 0) {
        wiping_free(memory, file, line);
        return NULL;
    }
    const size_t before = malloc_usable_size(memory);
    void *moved = malloc(len);
    if (moved == NULL)
        return NULL;
    memcpy(moved, memory, before < len ? before : len);
    wiping_free(memory, file, line);
    return moved;
}

bool tp_crypto_wipe_freed(void)
{
    return CRYPTO_set_mem_functions(plain_allocate, wiping_reallocate, wiping_free) == 1;
}
