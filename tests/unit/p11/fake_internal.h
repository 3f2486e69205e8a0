/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the fake engine share: fake_keys.c makes keys and certificates, fake_answers.c answers requests,
 * fake_engine.c is the server, fake_knobs.c what tests turn.
 */
#ifndef TP_TESTS_FAKE_INTERNAL_H
#define TP_TESTS_FAKE_INTERNAL_H

#include "fake_engine.h"
#include "ipc/server.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define TRIES_MOST  5
#define LOGINS_MOST 256

/* A test whose own means fail is no test. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct fake_key {
    EVP_PKEY *pkey;
    char *label, *type, id[33], state[16];
    const char *owner;
    uint8_t cka_id[4];
    struct tp_buf spki, certificate;
    bool with_issuer, always_authenticate;
};

struct fake_login {
    char id[33], user[16];
    bool open, shared;
    uint32_t left; /* when counted */
    bool counted;
    int64_t until_ms;
};

struct fake_engine {
    char *socket_path;
    struct tp_ipc_server *server;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct fake_key *keys;
    size_t key_count;
    EVP_PKEY *issuer_key, *bulk_key;
    struct tp_buf issuer;
    uint64_t generation;
    struct fake_login logins[LOGINS_MOST];
    unsigned login_count, logins_made;
    uint32_t signatures;
    int64_t for_ms;
    bool enrolled, locked, suspended, other;
    uint64_t events; /* so far, and the mark of the last one */
    struct tp_ipc_request *watching;
    uint32_t tries_left;
    int fail[TP_IPC_OP_END];
    bool stall[TP_IPC_OP_END];
    unsigned count[TP_IPC_OP_END];
    struct tp_ipc_request *kept;
    char pin[128];
    char last_hash_name[32];
    size_t last_data_len;
};

/* The mutex is held. */
void fake_keys_start(struct fake_engine *engine);
void fake_keys_free(struct fake_engine *engine);
struct fake_login *fake_shared_login(struct fake_engine *engine); /* or NULL */
struct fake_login *fake_new_login(struct fake_engine *engine, const char *user, bool shared);
void fake_answer(struct fake_engine *engine, struct tp_ipc_request *request);
void fake_drop_kept(struct fake_engine *engine);
void fake_tell(struct fake_engine *engine);          /* something has happened to a user */
void fake_drop_watching(struct fake_engine *engine);

#endif
