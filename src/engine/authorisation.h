/* SPDX-License-Identifier: Apache-2.0
 *
 * Authorisations: who may sign now, until when, how often, from where (architecture: A signature, and One-time codes in programs that
 * only know a PIN). They live in memory only: after a restart of the engine everybody logs in again.
 *
 * One belongs to a process (pid and its start time) or, opened by `trustp11 login`, to a uid. It keeps the sealing key of its
 * user, and proofs of what was given: HMACs under a key that this process made for itself, so that the same PIN and code
 * again can join it without a second use of the code, and neither is kept.
 */
#ifndef TP_ENGINE_AUTHORISATION_H
#define TP_ENGINE_AUTHORISATION_H

#include "engine/internal.h"

struct tp_authorisation_wish {
    enum tp_scope scope;
    int64_t for_ms;
    uint32_t signatures; /* 0: not limited */
    const char *credential; /* that it is for alone, or "" */
    struct tp_bytes given, pin, sealing_key;
};

/* What a client is told. */
struct tp_authorisation_view {
    char id[TP_ID_LEN];
    int64_t until_utc_ms;
    uint32_t signatures_left;
};

/* TP_BUSY when there is none for one more: to be asked before a code is used up for it. */
TP_MUST_USE enum tp_rc tp_authorisation_room(struct tp_engine *engine, const struct tp_user *user,
                                             struct tp_error *error);
TP_MUST_USE enum tp_rc tp_authorisation_open(struct tp_engine *engine, struct tp_user *user,
                                             const struct tp_ipc_peer *peer, const struct tp_authorisation_wish *wish,
                                             const char *id, struct tp_error *error,
                                             struct tp_authorisation_view *ret_view);
/* TP_OK: GIVEN (PIN and code, or PIN alone for a shared one) is what opened an authorisation of USER that PEER may use.
 * TP_NOT_FOUND otherwise; *RET_SHARED then says whether one of PEER's uid is open: a PIN alone was a guess at it, and counts. */
TP_MUST_USE enum tp_rc tp_authorisation_join(struct tp_engine *engine, const struct tp_user *user,
                                             const struct tp_ipc_peer *peer, struct tp_bytes given,
                                             struct tp_authorisation_view *ret_view, bool *ret_shared);

/* Likewise for one signature with a credential that always authenticates: consumers give the PIN and code of C_Login once
 * more. TP_OK, once for each authorisation of PEER's process: *RET_KEY is a copy of the sealing key. */
TP_MUST_USE enum tp_rc tp_authorisation_lend(struct tp_engine *engine, struct tp_user *user,
                                             const struct tp_ipc_peer *peer, struct tp_bytes given,
                                             struct tp_secret **ret_key);

/* With the engine's lock held. The live one with this ID that PEER may use, or, with an empty ID, the shared one of
 * PEER's uid for the user NAME; NULL when there is none. */
struct tp_authorisation *tp_authorisation_find_locked(struct tp_engine *engine, const struct tp_ipc_peer *peer,
                                                      const char *id, const char *name);
bool tp_authorisation_live(const struct tp_authorisation *authorisation, int64_t now_ms);
/* Live, and PEER's to use: the process that opened it, or any of the uid when it is shared. */
bool tp_authorisation_usable(const struct tp_authorisation *authorisation, const struct tp_ipc_peer *peer,
                             int64_t now_ms);
void tp_authorisation_view_locked(const struct tp_authorisation *authorisation,
                                  struct tp_authorisation_view *ret_view);
/* Whether USER has a live one. With the lock held. */
bool tp_authorisation_any_locked(const struct tp_user *user);
/* A copy of the sealing key of USER's authorisation ID, or, with an empty ID, of any live one; TP_NOT_LOGGED_IN. Takes the
 * lock. Without the user's turn ID must be given: another login may belong to another PIN. */
TP_MUST_USE enum tp_rc tp_authorisation_sealing_key(struct tp_engine *engine, struct tp_user *user, const char *id,
                                                    struct tp_secret **ret_key);

/* Ends it, with an entry in the log (REASON: "logout", "time is up", …). With the lock held. */
void tp_authorisation_end_locked(struct tp_engine *engine, struct tp_authorisation *authorisation, const char *reason);
void tp_authorisation_end_user(struct tp_engine *engine, struct tp_user *user, const char *reason);
void tp_authorisation_end_all(struct tp_engine *engine);
/* The server's gone and tick callbacks: ends those whose process or time has gone. */
void tp_authorisation_gone(struct tp_engine *engine, const struct tp_ipc_peer *peer);
void tp_authorisation_tick(struct tp_engine *engine, int64_t now_ms);

#endif
