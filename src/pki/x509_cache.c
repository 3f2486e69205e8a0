/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates that were parsed lately. OpenSSL 3.0 takes 0.4 ms for one, since it looks its decoders up anew each
 * time, and whoever signs or verifies a thousand documents reads the same six of them in each, many times over.
 *
 * A table with one place a hash: what comes later takes the place. X509 objects are shared by reference count, and
 * nobody changes one that tp_pki_x509_load gave out.
 */
#include "pki/internal.h"

#include <pthread.h>
#include <string.h>

#define PLACES 512 /* at most 32 MiB, were all as large as is allowed */

static struct place {
    X509 *x509; /* its own encoding says what it is */
    struct tp_buf der;
} places[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool started;

void tp_pki_x509_cache_start(void)
{
    (void)pthread_mutex_lock(&lock);
    started = true;
    (void)pthread_mutex_unlock(&lock);
}

/* FNV-1a of the end: the signature is what tells certificates apart. */
static struct place *place_of(struct tp_bytes der)
{
    uint32_t hash = 2166136261u;
    for (size_t i = der.len > 32 ? der.len - 32 : 0; i < der.len; i++)
        hash = (hash ^ der.data[i]) * 16777619u;
    return &places[hash % PLACES];
}

static bool holds(const struct place *place, struct tp_bytes der)
{
    return place->x509 != NULL && tp_bytes_equal(tp_buf_bytes(&place->der), der);
}

X509 *tp_pki_x509_cache_get(struct tp_bytes der)
{
    X509 *found = NULL;
    (void)pthread_mutex_lock(&lock);
    struct place *place = started ? place_of(der) : NULL;
    if (place != NULL && holds(place, der) && X509_up_ref(place->x509) == 1)
        found = place->x509;
    (void)pthread_mutex_unlock(&lock);
    return found;
}

void tp_pki_x509_cache_put(struct tp_bytes der, X509 *x509)
{
    (void)pthread_mutex_lock(&lock);
    struct place *place = started ? place_of(der) : NULL;
    if (place != NULL && !holds(place, der)) { /* another thread may have been as quick */
        X509_free(place->x509);
        place->x509 = NULL;
        tp_buf_reset(&place->der);
        if (tp_buf_append(&place->der, der) == TP_OK && X509_up_ref(x509) == 1)
            place->x509 = x509;
    }
    (void)pthread_mutex_unlock(&lock);
}
