/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs a file with the key of a PKCS#11 URI, as a detached CMS: cms-signer URI CONTENT OUT [THREADS COUNT [pss]]
 *
 * The PIN is a line of the standard input, where the URI has no pin-source. COUNT signatures are made by THREADS
 * threads, with one login; OUT gets one of them. Prints how often the PIN was asked for and how many signatures were
 * made; or the words of what failed, with status 1.
 */
#include "base/crypto.h"
#include "hsm/signer.h"
#include "pki/cms.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 64
#define CONTENT_MAX 65536

static struct {
    struct tp_pki_signer *signer;
    struct tp_pki_cms_order order;
    atomic_int left, made;
    atomic_uint asked;
    pthread_mutex_t lock;
    struct tp_buf der;      /* of one of them */
    struct tp_error failed; /* of the first that did */
} work = {.lock = PTHREAD_MUTEX_INITIALIZER};

static enum tp_rc ask(void *context, const char *token, bool code, struct tp_error *error, struct tp_secret **ret_pin)
{
    char line[256];
    (void)context, (void)token, (void)code, (void)error;
    atomic_fetch_add(&work.asked, 1);
    if (fgets(line, sizeof line, stdin) == NULL)
        return TP_NOT_FOUND;
    line[strcspn(line, "\n")] = '\0';
    return tp_secret_new_copy(tp_bytes_of_string(line), ret_pin);
}

static void *sign_some(void *unused)
{
    (void)unused;
    while (atomic_fetch_sub(&work.left, 1) > 0) {
        struct tp_buf der = TP_BUF_INIT;
        struct tp_error error = {0};
        const enum tp_rc rc = tp_pki_cms_make(&work.order, &error, &der);
        pthread_mutex_lock(&work.lock);
        if (rc != TP_OK && work.failed.rc == TP_OK)
            (void)tp_error_set(&work.failed, rc, "%s", tp_error_words(&error));
        if (rc == TP_OK && atomic_fetch_add(&work.made, 1) == 0)
            work.der = der;
        else
            tp_buf_clear(&der);
        pthread_mutex_unlock(&work.lock);
    }
    return NULL;
}

static int fail(const struct tp_error *error)
{
    (void)fprintf(stderr, "%s: %s\n", tp_rc_name(error->rc), tp_error_words(error));
    return 1;
}

static struct tp_bytes read_content(const char *path)
{
    static uint8_t content[CONTENT_MAX];
    FILE *file = fopen(path, "rbe");
    const size_t len = file != NULL ? fread(content, 1, sizeof content, file) : 0;
    if (file != NULL)
        (void)fclose(file);
    return TP_BYTES(content, len);
}

static bool write_out(const char *path)
{
    FILE *file = fopen(path, "wbe");
    bool done = file != NULL && fwrite(work.der.data, 1, work.der.len, file) == work.der.len;
    return file != NULL && fclose(file) == 0 && done;
}

static double seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS_MAX];
    uint8_t digest[EVP_MAX_MD_SIZE];
    struct tp_error error = {0};
    const int wanted = argc > 4 ? atoi(argv[4]) : 1, count = argc > 5 ? atoi(argv[5]) : 1;
    if (argc < 4 || wanted < 1 || wanted > THREADS_MAX)
        return 2;
    const struct tp_hsm_signer_config config = {.uri = argv[1], .threads = (unsigned)wanted, .ask_pin = ask};
    if (tp_hsm_signer_open(&config, &error, &work.signer) != TP_OK)
        return fail(&error);
    const struct tp_bytes content = read_content(argv[2]);
    const bool edwards = tp_pki_signer_info(work.signer)->is_ed;
    const enum tp_pki_hash hash = edwards ? TP_PKI_SHA512 : tp_pki_signer_hash(work.signer);
    if (EVP_Digest(content.data, content.len, digest, NULL, tp_crypto_digest(tp_pki_hash_libcrypto(hash)), NULL) != 1)
        return 1;
    work.order = (struct tp_pki_cms_order){
        .signer = work.signer, .hash = hash, .pss = argc > 6, .digest = TP_BYTES(digest, tp_pki_hash_len(hash))};
    atomic_store(&work.left, count);
    const double begun = seconds();
    for (int i = 0; i < wanted; i++)
        if (pthread_create(&threads[i], NULL, sign_some, NULL) != 0)
            abort();
    for (int i = 0; i < wanted; i++)
        (void)pthread_join(threads[i], NULL);
    const double took = seconds() - begun;
    const bool written = work.der.len > 0 && write_out(argv[3]);
    tp_buf_clear(&work.der);
    tp_pki_signer_free(work.signer);
    tp_crypto_release();
    if (work.failed.rc != TP_OK)
        return fail(&work.failed);
    (void)printf("asked %u made %d\n", atomic_load(&work.asked), atomic_load(&work.made));
    (void)fprintf(stderr, "%.1f/s\n", count / took);
    return written ? 0 : 1;
}
