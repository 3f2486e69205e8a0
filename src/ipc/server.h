/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine's end of the protocol: one thread at a time (the caller of tp_ipc_server_run) accepts, reads, and hands requests
 * over in the batches that they arrive in; any thread answers. Every request is answered by the time its client said it would
 * wait: when no answer has come by then, the server sends TP_TIMEOUT, and the late answer is dropped.
 *
 * Bounds: connections in all and per uid, some of them kept for root and the server's own uid; requests in flight per
 * connection (the server stops reading from one that has more); body sizes by operation, and large ones only from those
 * who may; output waiting per connection (a client that does not read is disconnected); memory for all of that per uid;
 * requests of one uid that are taken before others have their turn. A request with fields that are not known is refused.
 */
#ifndef TP_IPC_SERVER_H
#define TP_IPC_SERVER_H

#include "base/error.h"
#include "base/secret.h"
#include "ipc/messages.pb-c.h"
#include "ipc/operation.h"

#include <stdbool.h>
#include <sys/types.h>

struct tp_ipc_server;

/* Who is at the other end: proven by the kernel (SO_PEERCRED), but for `program`. Owned by the connection; valid until the
 * answer to the request has been given. */
struct tp_ipc_peer {
    uid_t uid;
    gid_t gid;
    pid_t pid;
    uint64_t pid_started; /* start time of that process, from /proc/PID/stat: a pid alone may be used again; 0: unknown */
    uint64_t connection;  /* number of the connection, never used twice */
    char program[64];     /* the client's claim */
};

/* A request as the handler gets it. The handler owns it and must give exactly one answer, at once or later. */
struct tp_ipc_request {
    struct tp_ipc_request *next;
    const struct tp_ipc_operation *operation;
    const struct tp_ipc_peer *peer;
    ProtobufCMessage *message;   /* unpacked, of the operation's request type */
    struct tp_secret *secret[TP_IPC_SECRETS_MAX];
    int64_t deadline_ms;         /* monotonic */
    void *handler_data;          /* the handler's own */
};

struct tp_ipc_server_config {
    const char *socket_path;
    mode_t socket_mode;          /* 0600 development, 0666 service (peers are checked one by one) */
    unsigned connections_most, connections_most_per_uid, requests_most; /* 0: 4096, 1024, 256 */
    /* Of connections_most, for root and the server's own uid alone; 0: a sixteenth. When the others are all taken, a new
     * connection of a uid that has far fewer than another closes the one of the other that has been unused for longest. */
    unsigned connections_kept;
    /* Bytes that unfinished input, requests in flight and unread answers of one uid may take, whichever uid; 0: 32 MiB.
     * Above it nothing is read from the uid; above twice as much, connections that do not read are cut off. */
    size_t bytes_most_per_uid;
    int64_t wait_most_ms;        /* longest that a client may ask for; 0: 300000 */
    int64_t stall_most_ms;       /* a greeting, a frame begun, or answers unread may take as long; 0: 10000 */
    void *context;
    /* A chain of requests that one wake-up brought; called in the server's thread; must not block. HELLO is answered by
     * the server itself from `hello`, and must come first on a connection. */
    void (*handle)(void *context, struct tp_ipc_request *requests);
    /* Whether PEER may send OPERATION with a body above TP_IPC_BODY_SMALL: asked when the header has come, in the server's
     * thread; must not block. Else the request is answered TP_NOT_PERMITTED. NULL: everybody may. */
    bool (*may_send_large)(void *context, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation);
    /* The server has refused PEER something of itself, in the server's thread: a request, or a connection (OPERATION is
     * NULL) that was not accepted, or is closed for a limit. WORDS are static. May be NULL. */
    void (*turned_away)(void *context, const struct tp_ipc_peer *peer, const struct tp_ipc_operation *operation,
                        enum tp_rc rc, const char *words);
    /* A connection is gone. Its requests have been, or will be, answered into the void. May be NULL. */
    void (*gone)(void *context, const struct tp_ipc_peer *peer);
    /* Called about every 250 ms. May be NULL. */
    void (*tick)(void *context, int64_t now_ms);
    Tp__Ipc__HelloReply hello;   /* strings must outlive the server; the server sets `protocol` */
};

/* Binds and listens. A socket file that nobody listens on is removed first; one that somebody does: TP_EXISTS. */
TP_MUST_USE enum tp_rc tp_ipc_server_new(const struct tp_ipc_server_config *config, struct tp_error *error,
                                         struct tp_ipc_server **ret_server);
/* Until tp_ipc_server_stop. Then: no new requests, waits for outstanding answers until GRACE_MS. Or until the handler has
 * called tp_ipc_server_leave: then another thread is to call this again and goes on. */
TP_MUST_USE enum tp_rc tp_ipc_server_run(struct tp_ipc_server *server, int64_t grace_ms, struct tp_error *error);
/* From any other thread while one is in run: takes what clients have sent by now, unless somebody else is at it. Whether there
 * was anything. */
bool tp_ipc_server_glance(struct tp_ipc_server *server);
/* By the handler: its thread has something else to do after this batch. */
void tp_ipc_server_leave(struct tp_ipc_server *server);
/* By whoever has called run: whether it has returned because of that. */
bool tp_ipc_server_left(const struct tp_ipc_server *server);
void tp_ipc_server_stop(struct tp_ipc_server *server); /* async-signal-safe */
bool tp_ipc_server_stopping(const struct tp_ipc_server *server);
/* After run: closes and removes the socket. Requests still unanswered must be answered first. */
void tp_ipc_server_free(struct tp_ipc_server *server);
TP_DEFINE_AUTO(struct tp_ipc_server, tp_ipc_server_free)
unsigned tp_ipc_server_connections(const struct tp_ipc_server *server);
int64_t tp_ipc_server_idle_ms(const struct tp_ipc_server *server); /* since the last request, 0 while a connection is open */

/* Answers, from any thread; consumes REQUEST. MESSAGE is of the reply type (TP_OK) and stays the caller's; for other codes
 * give ERROR (may be NULL) and TRIES_LEFT instead. */
void tp_ipc_answer(struct tp_ipc_request *request, const ProtobufCMessage *message, struct tp_bytes secret);
void tp_ipc_refuse(struct tp_ipc_request *request, enum tp_rc rc, const struct tp_error *error, uint32_t tries_left);
/* Between hold and send (same thread), answers are gathered and go out with one write a connection. May not be nested. */
void tp_ipc_hold(void);
void tp_ipc_send(void);

#endif
