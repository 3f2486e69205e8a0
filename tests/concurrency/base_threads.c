/* SPDX-License-Identifier: Apache-2.0
 *
 * Threads that make, fill, check and free secrets, fetch digests and write log lines at the same time: every secret
 * must keep its own content, every digest its length, and a thread sanitizer must have nothing to say.
 */
#include "base/crypto.h"
#include "base/log.h"
#include "base/secret.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 6
#define ROUNDS  60
#define HELD    40 /* secrets that a thread has at a time */

static void require(bool holds, const char *what)
{
    if (holds)
        return;
    (void)fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

static size_t capacity_of(size_t i)
{
    static const size_t capacities[] = {16, 32, 33, 200, 4096, 5000};
    return capacities[i % (sizeof(capacities) / sizeof(capacities[0]))];
}

static void fill(struct tp_secret **secrets, uint8_t mark)
{
    for (size_t i = 0; i < HELD; i++) {
        require(tp_secret_new(capacity_of(i), &secrets[i]) == TP_OK, "new");
        memset(tp_secret_data(secrets[i]), mark, capacity_of(i));
        require(tp_secret_set_len(secrets[i], capacity_of(i)) == TP_OK, "set_len");
    }
}

static void check_and_free(struct tp_secret **secrets, uint8_t mark)
{
    for (size_t i = 0; i < HELD; i++) {
        struct tp_bytes bytes = tp_secret_bytes(secrets[i]);
        require(bytes.len == capacity_of(i), "length");
        for (size_t at = 0; at < bytes.len; at++)
            require(bytes.data[at] == mark, "content");
        tp_secret_free(secrets[i]);
    }
}

static void *work(void *argument)
{
    static const char *const digests[] = {"SHA256", "SHA384", "SHA512", "SHA3-256"};
    static const int lengths[] = {32, 48, 64, 32};
    uint8_t mark = *(const uint8_t *)argument;
    struct tp_secret *secrets[HELD];
    for (size_t round = 0; round < ROUNDS; round++) {
        fill(secrets, mark);
        const EVP_MD *md = tp_crypto_digest(digests[round % 4]);
        require(md != NULL && EVP_MD_get_size(md) == lengths[round % 4], "digest");
        tp_log(TP_LOG_INFO, "round %zu", round);
        (void)tp_secret_locked();
        check_and_free(secrets, mark);
    }
    return NULL;
}

int main(void)
{
    static uint8_t marks[THREADS];
    pthread_t threads[THREADS];
    FILE *sink = tmpfile();
    require(sink != NULL, "tmpfile");
    tp_log_open(fileno(sink), TP_LOG_INFO, "threads");
    for (uint8_t i = 0; i < THREADS; i++) {
        marks[i] = (uint8_t)(i + 1);
        require(pthread_create(&threads[i], NULL, work, &marks[i]) == 0, "pthread_create");
    }
    for (size_t i = 0; i < THREADS; i++)
        require(pthread_join(threads[i], NULL) == 0, "pthread_join");
    tp_log_close();
    tp_crypto_release();
    (void)fclose(sink);
    return 0;
}
