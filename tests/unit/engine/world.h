/* SPDX-License-Identifier: Apache-2.0
 *
 * A whole deployment for tests, within this process: a SoftHSM token, a store, the engine in a thread of its own, and
 * people with HOTP factors, whose codes need no waiting. What goes wrong here ends the program.
 */
#ifndef TP_TEST_WORLD_H
#define TP_TEST_WORLD_H

#include "engine/engine.h"
#include "engine/internal.h"
#include "ipc/client.h"

#include <openssl/evp.h>

#define WORLD_TRIES 3 /* wrong PINs until a person is locked */

struct world {
    char dir[64], conf_path[96], socket_path[96], store_url[96];
    struct tp_buf audit_spki;
    struct tp_engine *engine;
    pthread_t server;
};

struct person {
    const char *name;
    char pin[32];
    uint8_t seed[64];
    size_t seed_len;
    uint64_t counter;     /* of the next code */
    pthread_mutex_t lock; /* codes must arrive in the order in which they are made */
};

/* Ends the program unless CONDITION. */
void world_require(bool condition, const char *what);
void world_require_ok(enum tp_rc rc, const struct tp_error *error);

/* SETTINGS: lines put before the first section of the configuration, and SECTIONS after it; either may be "". */
void world_make(struct world *world, const char *settings, const char *sections);
void world_start(struct world *world);
void world_stop(struct world *world);
void world_remove(struct world *world);

/* VALUE as a request's field, which nobody writes to. */
char *world_text(const char *value);
struct tp_ipc_client *world_client(const struct world *world, int64_t timeout_ms);
/* A call whose reply is of no interest. ERROR may be NULL. */
enum tp_rc world_call(struct tp_ipc_client *client, enum tp_ipc_op op, const ProtobufCMessage *request,
                      struct tp_bytes secret, struct tp_error *error);
/* USER_SUSPEND and its like. */
enum tp_rc world_user(struct tp_ipc_client *client, enum tp_ipc_op op, const char *name);
enum tp_rc world_key_state(struct tp_ipc_client *client, const char *user, const char *credential, const char *state);
void world_key_make(struct tp_ipc_client *client, const char *user, const char *label, char ret_id[TP_ID_LEN],
                    EVP_PKEY **ret_public);
/* One that always authenticates. */
void world_key_make_single(struct tp_ipc_client *client, const char *user, const char *label, char ret_id[TP_ID_LEN],
                           EVP_PKEY **ret_public);

enum tp_rc world_key_delete(struct tp_ipc_client *client, const char *user, const char *credential);
enum tp_rc world_csr(struct tp_ipc_client *client, const char *user, const char *credential);
/* AUTHORISATION "": the shared one. */
enum tp_rc world_log_out(struct tp_ipc_client *client, const char *user, const char *authorisation);
/* At everything that changes nothing; TP_OK, or a code that was answered instead. */
enum tp_rc world_look(struct tp_ipc_client *client, const char *user);

/* The newest entry of the log whose action begins with ACTION. */
struct found {
    bool any;
    char subject[64], role[16], outcome[16], detail[128];
};
struct found world_entry(struct tp_ipc_client *client, const char *action);

/* Adds somebody; the enrolment code. */
struct tp_secret *person_invite(struct tp_ipc_client *client, const char *name, const char *role);
/* Sets PIN and factor with the enrolment code CODE. */
void person_enrol(struct person *person, struct tp_ipc_client *client, const char *name, struct tp_bytes code);
/* Adds and enrols. ROLE: "" for somebody who only signs. */
void person_add(struct person *person, struct tp_ipc_client *client, const char *name, const char *role);
/* PIN and a code that has not been used. */
void person_secret(struct person *person, char ret_secret[64]);
struct login {
    bool shared;
    int64_t for_ms;
    uint32_t signatures;
    const char *credential; /* for one signature with this one; NULL: for all that do not always authenticate */
};
/* With PIN and code; RET_ID may be NULL. */
enum tp_rc person_login(struct person *person, struct tp_ipc_client *client, struct login wish, char *ret_id);
enum tp_rc person_change_pin(struct person *person, struct tp_ipc_client *client, const char *new_pin);
/* With SECRET as it is. */
enum tp_rc person_login_with(const struct person *person, struct tp_ipc_client *client, struct login wish,
                             const char *secret, struct tp_error *error, char *ret_id);

/* Signs a hash of its own making and verifies what comes back with PUBLIC (unless NULL). */
enum tp_rc world_sign(struct tp_ipc_client *client, const char *user, const char *authorisation, const char *credential,
                      EVP_PKEY *public);

#endif
