/* SPDX-License-Identifier: Apache-2.0
 *
 * What OCSP responses were found to say, with two signatures checked for each: of response, certificate and issuer
 * together, so that nothing else can have that answer. In a batch they are the same from document to document.
 */
#include "base/crypto.h"
#include "validation/internal.h"

#include <pthread.h>
#include <string.h>

#define PLACES 256

static struct place {
    uint8_t key[TP_SHA256_LEN];
    bool filled;
    struct tp_pki_ocsp_answer answer;
} places[PLACES]; /* one a hash: what comes later takes the place */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Over the hash of each, so that no two triples have the same bytes in a row. */
static enum tp_rc key_make(struct tp_bytes response, struct tp_bytes certificate, struct tp_bytes issuer,
                           uint8_t ret_key[TP_SHA256_LEN])
{
    uint8_t parts[3][TP_SHA256_LEN];
    TP_TRY(tp_sha256(response, TP_BYTES_NONE, TP_BYTES_NONE, parts[0]));
    TP_TRY(tp_sha256(certificate, TP_BYTES_NONE, TP_BYTES_NONE, parts[1]));
    TP_TRY(tp_sha256(issuer, TP_BYTES_NONE, TP_BYTES_NONE, parts[2]));
    return tp_sha256(TP_BYTES(parts, sizeof parts), TP_BYTES_NONE, TP_BYTES_NONE, ret_key);
}

static enum tp_rc answer_copy(const struct tp_pki_ocsp_answer *from, struct tp_pki_ocsp_answer *ret_answer)
{
    struct tp_pki_ocsp_answer copy = *from;
    copy.responder = TP_BUF_INIT;
    TP_TRY(tp_buf_append(&copy.responder, tp_buf_bytes(&from->responder)));
    *ret_answer = copy;
    return TP_OK;
}

static enum tp_rc recall(const uint8_t key[TP_SHA256_LEN], struct tp_pki_ocsp_answer *ret_answer)
{
    enum tp_rc rc = TP_NOT_FOUND;
    (void)pthread_mutex_lock(&lock);
    const struct place *place = &places[key[0] % PLACES];
    if (place->filled && memcmp(place->key, key, TP_SHA256_LEN) == 0)
        rc = answer_copy(&place->answer, ret_answer);
    (void)pthread_mutex_unlock(&lock);
    return rc;
}

static void remember(const uint8_t key[TP_SHA256_LEN], const struct tp_pki_ocsp_answer *answer)
{
    (void)pthread_mutex_lock(&lock);
    struct place *place = &places[key[0] % PLACES];
    tp_pki_ocsp_answer_clear(&place->answer);
    memcpy(place->key, key, TP_SHA256_LEN);
    place->filled = answer_copy(answer, &place->answer) == TP_OK;
    (void)pthread_mutex_unlock(&lock);
}

enum tp_rc tp_validation_ocsp_find(struct tp_bytes response, struct tp_bytes certificate, struct tp_bytes issuer,
                                   const struct tp_bytes *extra, size_t extra_len, struct tp_error *error,
                                   struct tp_pki_ocsp_answer *ret_answer)
{
    uint8_t key[TP_SHA256_LEN];
    TP_TRY(key_make(response, certificate, issuer, key));
    if (recall(key, ret_answer) == TP_OK)
        return TP_OK;
    TP_TRY(tp_pki_ocsp_find(response, certificate, issuer, extra, extra_len, TP_BYTES_NONE, error, ret_answer));
    remember(key, ret_answer);
    return TP_OK;
}
