/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's end of the engine protocol for a program with a loop of its own: many requests in flight on one connection, each
 * answered through a callback, and nothing that waits. All of it is for one thread; another one, which is started at once, makes
 * connections, since looking who is there and greeting take a moment. As in client.h the peer is checked before anything is
 * sent. Without secrets: for operations that have none.
 *
 * A connection that is lost answers all that was under way with TP_UNREACHABLE, and is made anew by tp_ipc_async_tick.
 */
#ifndef TP_IPC_ASYNC_H
#define TP_IPC_ASYNC_H

#include "ipc/client.h"

struct tp_ipc_async;

/* MOST: requests in flight. CONFIG as of tp_ipc_client_new (never spawns); the engine's user is looked up here, so that the program can
 * confine itself afterwards. */
TP_MUST_USE enum tp_rc tp_ipc_async_new(const struct tp_ipc_client_config *config, unsigned most, struct tp_error *error,
                                        struct tp_ipc_async **ret_async);
/* What is under way is not answered any more. */
void tp_ipc_async_free(struct tp_ipc_async *async);
TP_DEFINE_AUTO(struct tp_ipc_async, tp_ipc_async_free)

/* Becomes readable when there is something to do for tp_ipc_async_turn; the same for as long as ASYNC lives. */
int tp_ipc_async_fd(const struct tp_ipc_async *async);
void tp_ipc_async_turn(struct tp_ipc_async *async);
/* To be called some times a second: makes connections, ends waiting. */
void tp_ipc_async_tick(struct tp_ipc_async *async);

/* REPLY is of the operation's type and the callee's for the call only; NULL unless RC is TP_OK. */
typedef void tp_ipc_async_done(void *context, enum tp_rc rc, const struct tp_error *error, const ProtobufCMessage *reply);
/* TP_OK: DONE will be called, once. TP_UNREACHABLE when there is no engine now, TP_BUSY when MOST are in flight. */
TP_MUST_USE enum tp_rc tp_ipc_async_ask(struct tp_ipc_async *async, enum tp_ipc_op op, const ProtobufCMessage *request,
                                        int64_t timeout_ms, tp_ipc_async_done *done, void *context, struct tp_error *error);
unsigned tp_ipc_async_waiting(const struct tp_ipc_async *async); /* requests in flight */
bool tp_ipc_async_connected(const struct tp_ipc_async *async);
/* Why there is no connection; "" while there is one, or none has been tried. */
const char *tp_ipc_async_words(const struct tp_ipc_async *async);

#endif
