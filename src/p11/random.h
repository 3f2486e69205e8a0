/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers: a generator of the module's own.
 *
 * Not RAND_bytes_ex(): it keeps a generator for each thread and each OSSL_LIB_CTX, which the thread frees when it ends;
 * and a consumer's thread may end after C_Finalize, when that OSSL_LIB_CTX has gone.
 */
#ifndef TP_P11_RANDOM_H
#define TP_P11_RANDOM_H

#include "p11/call.h"

#include <openssl/evp.h>
#include <pthread.h>

struct tp_p11_random {
    pthread_mutex_t mutex;
    EVP_RAND_CTX *entropy, *generator; /* made on first use */
};

TP_MUST_USE enum tp_rc tp_p11_random_init(struct tp_p11_random *random);
void tp_p11_random_clear(struct tp_p11_random *random);

CK_RV tp_p11_random_generate(struct tp_p11_call *call, CK_BYTE *ret_bytes, CK_ULONG len);
CK_RV tp_p11_random_seed(struct tp_p11_call *call, struct tp_bytes seed);

#endif
