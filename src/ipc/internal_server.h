/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's parts. "The server's thread" is whichever has the turn: the one in tp_ipc_server_run, or one that glances;
 * answers come from any thread.
 */
#ifndef TP_IPC_INTERNAL_SERVER_H
#define TP_IPC_INTERNAL_SERVER_H

#include "ipc/internal.h"
#include "ipc/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uthash.h>

struct tp_ipc_connection;

/* What one uid takes of the server. In the server's thread, but for what is atomic. */
struct tp_ipc_account {
    uid_t uid;
    bool privileged;         /* root, or the server's own: some connections are kept for them */
    unsigned connections;    /* open ones */
    unsigned taken;          /* requests in wake-up number STEP */
    uint64_t step;
    int64_t no_large_ms;     /* until then it is refused large bodies without asking again */
    atomic_uint refs;        /* connections whose memory is there */
    atomic_size_t bytes;     /* that they hold: input, requests, output */
    UT_hash_handle hh;       /* server->accounts */
};

/* A request with what the server knows of it. Lives until its handler answers, even when its client has been told that
 * the time is over, or is gone. */
struct tp_ipc_pending {
    struct tp_ipc_request request; /* first: the handler's pointer is ours */
    struct tp_ipc_connection *connection;
    struct tp_ipc_pending *older, *younger; /* of the same connection; under its mutex */
    struct tp_ipc_pending *next_spare;
    uint32_t number;
    size_t len; /* bytes that it counts for in its uid's account */
    bool late; /* TP_TIMEOUT was sent; under the connection's mutex */
    struct tp_ipc_arena arena;
};

struct tp_ipc_connection {
    struct tp_ipc_server *server;
    struct tp_ipc_account *account;
    struct tp_ipc_peer peer;
    atomic_uint refs; /* the server's, one for each request, one for each thread that holds answers for it */

    /* the server's thread only */
    struct tp_ipc_connection *previous, *next;
    struct tp_ipc_connection *next_doomed;
    bool doomed, greeted;
    struct tp_ipc_reader reader;
    int64_t frame_ms; /* when the first bytes of an unfinished frame came; before the greeting: of the connection */
    int64_t used_ms;  /* when the last request came, or else the connection */

    pthread_mutex_t mutex; /* what follows */
    int fd;
    bool closed;       /* by the server's thread; the descriptor goes when nobody sends any more */
    bool broken;       /* to be closed: shut down, so that the server's thread notices */
    const char *cut;   /* the limit for which it is closed, in words; NULL: for none */
    bool sending;      /* a thread is in send() for all */
    bool blocked;      /* the socket is full: the server's thread goes on when there is room */
    bool paused;       /* not read from: too many requests in flight, or too much output waiting */
    uint32_t interest; /* epoll events asked for */
    int64_t moved_ms;  /* when output last moved, while blocked */
    unsigned in_flight;
    struct tp_ipc_pending *oldest, *youngest;
    struct tp_ipc_outbox outbox;
    size_t input_len, requests_len; /* bytes held for an unfinished frame, and for requests in flight */
    size_t charged;                 /* to the account, for these and the outbox */
};

struct tp_ipc_server {
    struct tp_ipc_server_config config; /* zeros replaced, socket_path ours */
    pthread_mutex_t turn;               /* never held while there is nothing to do */
    int listen_fd, epoll_fd, bell_fd;   /* bell: an eventfd that tp_ipc_server_stop rings */
    bool deaf;                          /* accept(2) had no descriptors left: listens again at the next tick */
    bool left; /* the thread that was in tp_ipc_server_run has something else to do */
    atomic_bool stopping;
    atomic_uint connections;
    atomic_llong last_ms;    /* of the last request, or end of a connection */
    atomic_uint outstanding; /* requests not yet answered by their handlers */
    unsigned privileged; /* connections of root and of our own uid */
    struct tp_ipc_account *accounts;
    uint64_t connection_number;
    uint64_t step; /* number of the wake-up */
    int64_t now_ms, tick_ms;
    struct tp_secret *input; /* what recv fills, connection by connection */
    struct tp_ipc_connection *first, *doomed;
    struct tp_ipc_request *chain, **chain_end; /* of this wake-up */
    struct tp_ipc_pending *spare;
    unsigned spares;
    _Atomic(struct tp_ipc_pending *) returned; /* answered; from any thread */
};

/* ---- listen.c ---- */

TP_MUST_USE enum tp_rc tp_ipc_listen(const char *path, mode_t mode, struct tp_error *error, int *ret_fd);
/* Takes what waits in the queue; refuses what is over a limit. */
void tp_ipc_server_accept(struct tp_ipc_server *server);
void tp_ipc_server_hear_again(struct tp_ipc_server *server);

/* ---- account.c ---- */

/* NULL: no memory. */
struct tp_ipc_account *tp_ipc_account_of(struct tp_ipc_server *server, uid_t uid);
/* Forgets those that nothing is left of. */
void tp_ipc_accounts_trim(struct tp_ipc_server *server);
/* For LEN bytes more; without it, nothing more is read. */
bool tp_ipc_account_has_room(const struct tp_ipc_server *server, const struct tp_ipc_account *account, size_t len);
/* So far over its budget that unread answers are given up. */
bool tp_ipc_account_is_far_over(const struct tp_ipc_server *server, const struct tp_ipc_account *account);
/* Whether as many requests of the uid as one wake-up takes have been taken. */
bool tp_ipc_account_has_had_its_share(struct tp_ipc_server *server, struct tp_ipc_account *account);
/* Brings the account up to date with what CONNECTION holds. The mutex is held. */
void tp_ipc_connection_settle(struct tp_ipc_connection *connection);

/* ---- room.c ---- */

/* NULL when there is room for a connection more of ACCOUNT, perhaps since another has to go; else words for its client. */
const char *tp_ipc_room_make(struct tp_ipc_server *server, const struct tp_ipc_account *account);

/* ---- peer.c ---- */

TP_MUST_USE enum tp_rc tp_ipc_peer_read(int fd, struct tp_ipc_peer *ret_peer);
/* Field 22 of /proc/PID/stat (proc(5)); 0 when TEXT has none. */
uint64_t tp_ipc_stat_started(const char *text);
void tp_ipc_peer_set_program(struct tp_ipc_peer *peer, const char *claim);

/* ---- connection.c ---- */

/* Takes over FD. */
TP_MUST_USE enum tp_rc tp_ipc_connection_new(struct tp_ipc_server *server, int fd, const struct tp_ipc_peer *peer,
                                             struct tp_ipc_account *account);
void tp_ipc_connection_unref(struct tp_ipc_connection *connection);
/* To be closed at the end of this wake-up, when the handler has seen the requests that came before. */
void tp_ipc_connection_doom(struct tp_ipc_connection *connection);
void tp_ipc_server_close_doomed(struct tp_ipc_server *server);
/* The mutex is held in these. A frame for the client; one that does not read any more is cut off. */
void tp_ipc_connection_put(struct tp_ipc_connection *connection, const struct tp_ipc_header *header,
                           struct tp_bytes body, struct tp_bytes secret);
void tp_ipc_connection_flush(struct tp_ipc_connection *connection); /* released meanwhile */
void tp_ipc_connection_look(struct tp_ipc_connection *connection);  /* what epoll should tell of it from now on */
void tp_ipc_connection_join(struct tp_ipc_connection *connection, struct tp_ipc_pending *pending);
void tp_ipc_connection_leave(struct tp_ipc_connection *connection, struct tp_ipc_pending *pending);

/* ---- receive.c ---- */

void tp_ipc_connection_receive(struct tp_ipc_connection *connection);
/* The reader's question: may the client send so large a body? */
TP_MUST_USE enum tp_rc tp_ipc_connection_admit(void *connection, const struct tp_ipc_header *header);

/* ---- request.c ---- */

/* With one reference to CONNECTION. NULL: no memory. In the server's thread. */
struct tp_ipc_pending *tp_ipc_pending_new(struct tp_ipc_connection *connection);
void tp_ipc_pending_release(struct tp_ipc_pending *pending); /* from any thread */
void tp_ipc_pending_trim(struct tp_ipc_server *server, unsigned most);

/* ---- answer.c ---- */

TP_MUST_USE enum tp_rc tp_ipc_failure_pack(enum tp_rc rc, const char *words, uint32_t tries_left,
                                           struct tp_ipc_body *ret_body);

/* ---- deadline.c ---- */

/* Tells clients whose time is over, and dooms connections that have stalled. */
void tp_ipc_server_check_deadlines(struct tp_ipc_server *server);

#endif
