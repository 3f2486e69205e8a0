/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's end of the engine protocol: one connection that any number of threads use at once.
 *
 * No thread of its own (a module must leave none behind): one of the waiting callers reads for all and hands the reading on
 * when its own reply is there. Requests are written together when several wait. A connection that breaks is made anew by
 * the next call; a call that was under way answers TP_UNREACHABLE, except HELLO, TOKEN, OBJECTS, AUTHORISATION, STATUS
 * and EVENTS, which change nothing, and any whose request cannot have reached the engine whole: these are sent again once. So an
 * engine that was restarted between two calls is not noticed. Nothing waits past its deadline.
 *
 * The peer is checked (SO_PEERCRED) before anything is sent: it must run as the configured user, or a fake socket could
 * collect PINs. TP_PEER otherwise.
 *
 * fork: the handle is the parent's; a child must drop it with tp_ipc_client_abandon and make its own.
 */
#ifndef TP_IPC_CLIENT_H
#define TP_IPC_CLIENT_H

#include "base/error.h"
#include "base/secret.h"
#include "ipc/messages.pb-c.h"
#include "ipc/operation.h"

#include <stdbool.h>

struct tp_ipc_client;

struct tp_ipc_client_config {
    const char *socket_path;
    const char *engine_user; /* name or number of the uid that the engine must run as; NULL: our own */
    bool spawn;              /* start the engine when nobody answers (development) */
    const char *engine_conf; /* --config of the engine, for spawn; NULL: this is configured by net.conf, which cannot */
    const char *engine_program; /* spawn: path of trustp11d; NULL: the installed one */
    const char *program;     /* what we say we are; NULL: the process's name (/proc/self/comm) */
    int64_t timeout_ms;      /* default for calls; 0: 30000 */
};

/* Connects on first use. Strings are copied. */
TP_MUST_USE enum tp_rc tp_ipc_client_new(const struct tp_ipc_client_config *config, struct tp_ipc_client **ret_client);
/* Looks up who the engine's user is, as long as files can be read: a program may confine itself before its first call.
 * Who cannot be found now is looked for again then. */
void tp_ipc_client_prepare(struct tp_ipc_client *client);
void tp_ipc_client_free(struct tp_ipc_client *client); /* no call may be under way */
TP_DEFINE_AUTO(struct tp_ipc_client, tp_ipc_client_free)
/* In a child of fork: closes the descriptor and forgets the memory, touching no lock. */
void tp_ipc_client_abandon(struct tp_ipc_client *client);
/* Makes every waiting call return TP_UNREACHABLE at once (C_Finalize while others wait); the handle can be used again. */
void tp_ipc_client_disconnect(struct tp_ipc_client *client);
/* Grows by one with each new connection: what the engine kept for the old one (authorisations) may be gone. */
uint64_t tp_ipc_client_generation(const struct tp_ipc_client *client);

struct tp_ipc_reply {
    ProtobufCMessage *message; /* of the operation's reply type */
    struct tp_secret *secret;  /* or NULL */
    uint32_t tries_left;       /* from Failure */
};
void tp_ipc_reply_clear(struct tp_ipc_reply *reply);

/* Sends REQUEST (of the operation's type) with up to two SECRETS (NULL: none) and waits for the answer until TIMEOUT_MS
 * (0: the configured). A code from the engine comes back as this call's, with its words. RET_REPLY is cleared first; on
 * failure only tries_left may be set. Threads may call at the same time. */
TP_MUST_USE enum tp_rc tp_ipc_call(struct tp_ipc_client *client, enum tp_ipc_op op, const ProtobufCMessage *request,
                                   struct tp_bytes secret_0, struct tp_bytes secret_1, int64_t timeout_ms,
                                   struct tp_error *error, struct tp_ipc_reply *ret_reply);

/* The hot path: SIGN without allocating. RET_SIGNATURE has *RET_SIGNATURE_LEN bytes on entry, the signature's on return. */
TP_MUST_USE enum tp_rc tp_ipc_sign(struct tp_ipc_client *client, const Tp__Ipc__SignRequest *request,
                                   int64_t timeout_ms, struct tp_error *error, uint8_t *ret_signature,
                                   size_t *ret_signature_len);

#endif
