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
#define USERS_MOST  4

/* A test whose own means fail is no test. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                      \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

struct fake_user {
    char *name, id[33], pin[128], label[64];
    bool officer, enrolled, locked, suspended, pin_initial;
    uint32_t tries_left;
};

struct fake_key {
    struct fake_user *owner;
    EVP_PKEY *pkey;
    char *label, *type, id[33], state[16];
    uint8_t cka_id[4];
    struct tp_buf spki, certificate;
    bool with_issuer, always_authenticate;
};

struct fake_login {
    struct fake_user *user;
    unsigned number;             /* from 1, in the order in which they were made */
    char id[33], credential[33]; /* for one signature with that one; "": for all that need no login of their own */
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
    struct fake_user users[USERS_MOST]; /* the first is alice */
    size_t user_count;
    struct fake_key *keys;
    size_t key_count;
    EVP_PKEY *issuer_key, *bulk_key;
    struct tp_buf issuer;
    uint64_t generation;
    struct fake_login logins[LOGINS_MOST];
    unsigned login_count, logins_made;
    uint32_t signatures;
    int64_t for_ms;
    bool without_factor;
    uint64_t events; /* so far, and the mark of the last one */
    struct tp_ipc_request *watching;
    int fail[TP_IPC_OP_END];
    bool stall[TP_IPC_OP_END];
    unsigned count[TP_IPC_OP_END];
    struct tp_ipc_request *kept;
    char last_hash_name[32];
    size_t last_data_len;
};

/* The mutex is held. */
void fake_keys_start(struct fake_engine *engine);
struct fake_key *fake_add_key(struct fake_engine *engine, struct fake_user *owner, const char *type, const char *label);
void fake_keys_free(struct fake_engine *engine);
struct fake_login *fake_shared_login(struct fake_engine *engine); /* or NULL */
struct fake_login *fake_new_login(struct fake_engine *engine, struct fake_user *user, const char *credential);
struct fake_user *fake_find_user(struct fake_engine *engine, const char *name); /* or NULL */
/* Known, and without a PIN. */
struct fake_user *fake_add_user(struct fake_engine *engine, const char *name);
void fake_tell(struct fake_engine *engine); /* something has happened to a user */
void fake_on_events(struct fake_engine *engine, struct tp_ipc_request *request);
void fake_drop_watching(struct fake_engine *engine);
void fake_answer(struct fake_engine *engine, struct tp_ipc_request *request);
void fake_drop_kept(struct fake_engine *engine);

#endif
