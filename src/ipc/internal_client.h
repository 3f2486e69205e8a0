/* SPDX-License-Identifier: Apache-2.0
 *
 * The client's parts: connect.c, hello.c and spawn.c make a connected socket; link.c and wait.c are one connection that
 * many threads use; client.c has one link after another.
 */
#ifndef TP_IPC_INTERNAL_CLIENT_H
#define TP_IPC_INTERNAL_CLIENT_H

#include "base/process.h"
#include "ipc/client.h"
#include "ipc/internal.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

/* ---- making a connection ---- */

struct tp_ipc_dial {
    const struct tp_ipc_client_config *config;
    int64_t deadline_ms;
    const atomic_uint *interrupts; /* tp_ipc_client_disconnect adds one: give up when it is not INTERRUPT any more */
    unsigned interrupt;
    atomic_llong *engine_uid; /* of config->engine_user; -1: not known yet */
};
bool tp_ipc_dial_interrupted(const struct tp_ipc_dial *dial);
extern const char tp_ipc_interrupted[]; /* the words for it */
/* Connects (starting the engine if it must), checks who is there, says HELLO. */
TP_MUST_USE enum tp_rc tp_ipc_dial(const struct tp_ipc_dial *dial, struct tp_error *error, int *ret_fd);
/* Looks the user up, unless KNOWN says already; false when there is none. */
bool tp_ipc_engine_user_find(const char *engine_user, atomic_llong *known);
TP_MUST_USE enum tp_rc tp_ipc_hello(const struct tp_ipc_dial *dial, int fd, struct tp_error *error);

/* A start of the engine that is under way. */
struct tp_ipc_spawn {
    pid_t pid;                                                 /* 0: nothing was started, or it has ended */
    int64_t next_ms;                                           /* no further start before */
    char log[sizeof(((struct sockaddr_un *)0)->sun_path) + 8]; /* where it writes */
};
TP_MUST_USE enum tp_rc tp_ipc_spawn_start(const struct tp_ipc_client_config *config, struct tp_error *error,
                                          struct tp_ipc_spawn *spawn);
/* TP_UNREACHABLE once it has ended and failed; TP_OK while it may still come. */
TP_MUST_USE enum tp_rc tp_ipc_spawn_check(struct tp_ipc_spawn *spawn, struct tp_error *error);
void tp_ipc_spawn_reap(struct tp_ipc_spawn *spawn);

/* ---- one call ---- */

/* A thread that waits for a reply; on its stack. Under the link's mutex but for `state`. */
enum tp_ipc_wait_state { TP_IPC_WAITING, TP_IPC_CALLED, TP_IPC_DONE };
struct tp_ipc_waiter {
    atomic_uint state; /* a futex; DONE is the last that the link does to a waiter, and publishes what is below */
    struct tp_ipc_waiter *older, *younger;
    bool parked; /* asleep, or about to be: may be asked to lead */
    uint16_t op;
    uint32_t number;
    int64_t deadline_ms;
    uint64_t end; /* where in the stream its request ends */
    enum tp_rc rc;
    const char *words; /* set when the link says why, not the engine */
    bool unsent;       /* the request cannot have reached the engine whole */
    bool interrupted;  /* by tp_ipc_client_disconnect */
    uint8_t *large;    /* the body when it is larger than `small` */
    size_t body_len;
    struct tp_secret *secret;
    uint8_t small[1280];
};

/* A request, packed. */
struct tp_ipc_ask {
    struct tp_ipc_header header;
    struct tp_bytes body;
    struct tp_bytes secret[TP_IPC_SECRETS_MAX];
    int64_t deadline_ms;
};

/* ---- one connection ---- */

/* Everything is under MUTEX (the client's), but for what the leader (reader, input) and the sender (chunks that it has
 * taken) have for themselves. */
struct tp_ipc_link {
    int fd;
    struct tp_process_file file; /* what it is, unless the program has closed it */
    atomic_uint refs;            /* the client's, and one for each call under way: the socket is closed with the last */
    pthread_mutex_t *mutex;
    bool broken, interrupted;     /* no more reading or writing; by tp_ipc_client_disconnect */
    const char *words;            /* why it is broken */
    bool attended;                /* the leader is awake and will send what waits before it sleeps */
    bool sending;                 /* somebody is in send() for all */
    struct tp_ipc_waiter *leader; /* who reads for all, or has been asked to */
    struct tp_ipc_waiter *oldest, *youngest;
    uint32_t number; /* of the last request */
    struct tp_ipc_outbox outbox;
    uint64_t queued; /* bytes of the stream put into the outbox */
    uint64_t left;   /* of these, bytes that have left; while `sending`, more may have */
    struct tp_ipc_reader reader;
    struct tp_secret *input;
};
TP_MUST_USE enum tp_rc tp_ipc_link_new(int fd, pthread_mutex_t *mutex, struct tp_ipc_link **ret_link);
void tp_ipc_link_unref(struct tp_ipc_link *link);
/* Whether the descriptor is still the connection's: false once the program has closed it. */
bool tp_ipc_link_is_there(const struct tp_ipc_link *link);
/* Entered with the mutex held, left without. The result is in WAITER. */
void tp_ipc_link_exchange(struct tp_ipc_link *link, const struct tp_ipc_ask *ask, struct tp_ipc_waiter *waiter);
bool tp_ipc_waiter_is_done(const struct tp_ipc_waiter *waiter);
void tp_ipc_waiter_clear(struct tp_ipc_waiter *waiter);

/* Futexes to wake once the mutex is free. Addresses only: who was woken by a state may be gone by then, and a futex
 * woken for nothing does no harm. */
struct tp_ipc_wakes {
    unsigned count;
    atomic_uint *state[32];
};
void tp_ipc_wakes_add(struct tp_ipc_wakes *wakes, struct tp_ipc_waiter *waiter);
/* Somebody asleep is to look what there is to do: to lead, or to send. */
void tp_ipc_wakes_call(struct tp_ipc_wakes *wakes, struct tp_ipc_waiter *waiter);
void tp_ipc_wakes_send(struct tp_ipc_wakes *wakes);

/* Mutex held: takes WAITER out of the link and publishes its result. */
void tp_ipc_waiter_finish(struct tp_ipc_link *link, struct tp_ipc_waiter *waiter, enum tp_rc rc, const char *words);
/* Mutex held: no more reading or writing; every waiter gets TP_UNREACHABLE with WORDS, at once or from the sender. */
void tp_ipc_link_break(struct tp_ipc_link *link, const char *words, bool interrupted);
/* Mutex held (released meanwhile): sends what waits, unless somebody does. When the socket is full: waits for room
 * until SELF is answered or its deadline comes; does not wait when SELF is NULL. */
void tp_ipc_link_flush(struct tp_ipc_link *link, const struct tp_ipc_waiter *self);
/* Mutex held on entry, free on return. */
void tp_ipc_link_wait(struct tp_ipc_link *link, struct tp_ipc_waiter *self);

/* ---- one link after another ---- */

struct tp_ipc_client {
    struct tp_ipc_client_config config; /* its strings are ours; timeout_ms is set */
    pthread_mutex_t mutex;
    pthread_cond_t dialled;   /* a dial has ended, or was interrupted */
    bool dialling;            /* somebody makes the connection for all */
    struct tp_ipc_link *link; /* or NULL */
    atomic_int fd;            /* the link's, for tp_ipc_client_abandon; -1: none */
    struct tp_process_file file;
    atomic_uint interrupts;
    atomic_ullong generation;
    atomic_llong engine_uid; /* as in tp_ipc_dial */
};
/* Mutex held, released while it dials: the link that is there, or a new one. The caller's to unref. */
TP_MUST_USE enum tp_rc tp_ipc_client_link(struct tp_ipc_client *client, const struct tp_ipc_dial *dial,
                                          struct tp_error *error, struct tp_ipc_link **ret_link);

#endif
