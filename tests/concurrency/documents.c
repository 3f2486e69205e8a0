/* SPDX-License-Identifier: Apache-2.0
 *
 * One client of timestamp authorities and one source of revocation data, shared by threads that sign documents.
 */
#include "../unit/authority/services.h"
#include "base/clock.h"
#include "tsa/client.h"
#include "validation/source.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 6
#define TIMES   8

struct work {
    struct tp_tsa_client *client;
    struct tp_validation_source *source;
    const struct tp_pki_anchors *anchors;
    struct tp_bytes leaf;
};

static void require(enum tp_rc rc, const struct tp_error *error)
{
    if (rc == TP_OK)
        return;
    (void)fprintf(stderr, "%s: %s\n", tp_rc_name(rc), tp_error_words(error));
    abort();
}

static void *work(void *context)
{
    static const uint8_t digest[32];
    const struct work *shared = context;
    struct tp_error error = {0};
    for (int i = 0; i < TIMES; i++) {
        struct tp_buf token = TP_BUF_INIT;
        struct tp_evidence *evidence = NULL;
        require(tp_tsa_client_stamp(shared->client, TP_PKI_SHA256, TP_BYTES(digest, sizeof digest), &error, &token),
                &error);
        require(tp_evidence_new(&evidence), &error);
        require(tp_validation_gather(shared->source, shared->leaf, TP_PKI_FOR_SIGNING, shared->anchors,
                                     tp_clock_utc_ms(), evidence, &error),
                &error);
        tp_evidence_free(evidence);
        tp_buf_clear(&token);
    }
    return NULL;
}

static void work_in_threads(struct work *shared)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, shared) != 0)
            abort();
    for (int i = 0; i < THREADS; i++)
        if (pthread_join(threads[i], NULL) != 0)
            abort();
}

int main(void)
{
    char urls[2][128];
    struct tp_error error = {0};
    struct tp_pki_anchors *anchors = NULL;
    struct work shared = {0};
    tp_pki_x509_cache_start();
    services_start();
    struct tp_buf root = services_certificate("services.anchors"),
                  leaf = services_certificate("services.issue('x').certificate");
    (void)snprintf(urls[0], sizeof urls[0], "%s", services_ask("services.tsa('bad')"));
    (void)snprintf(urls[1], sizeof urls[1], "%s", services_ask("services.tsa('good')"));
    (void)services_ask("services.behave('tsa/bad', 'http-500')");
    const struct tp_tsa_place places[] = {{.url = urls[0]}, {.url = urls[1]}};
    require(tp_pki_anchors_new(&anchors), &error);
    require(tp_pki_anchors_add(anchors, tp_buf_bytes(&root), &error), &error);
    const struct tp_tsa_client_config client = {.places = places, .places_len = 2, .anchors = anchors};
    const struct tp_validation_source_config source = {.cache_dir = NULL};
    require(tp_tsa_client_new(&client, &error, &shared.client), &error);
    require(tp_validation_source_new(&source, &error, &shared.source), &error);
    shared.anchors = anchors, shared.leaf = tp_buf_bytes(&leaf);
    work_in_threads(&shared);
    tp_tsa_client_free(shared.client);
    tp_validation_source_free(shared.source);
    tp_pki_anchors_free(anchors);
    tp_buf_clear(&root), tp_buf_clear(&leaf);
    services_stop();
    return 0;
}
