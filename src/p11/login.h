/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is logged in to a slot. PKCS#11 has one login for all sessions of a process with a token; here it is an
 * authorisation that the engine keeps, and that may end at any time: by its time or count, by an officer, with the
 * engine. When it ends, all sessions are in the public state again, so that consumers ask for a PIN instead of failing
 * for ever.
 *
 * Where the slot serves all, the login also says for whom it speaks.
 *
 * C_Logout ends the authorisation in the engine. Closing the last session, or C_Finalize, only forgets it here: the
 * same process may come back with the same PIN and code and join it (NSS does so twice for one PDF), nobody else can.
 */
#ifndef TP_P11_LOGIN_H
#define TP_P11_LOGIN_H

#include "base/ids.h"
#include "p11/call.h"

#include <pthread.h>

struct tp_p11_slot;

#define TP_P11_USER_LEN 128 /* bytes of a user's name, with NUL */

/* What allows signatures. */
struct tp_p11_authorisation {
    char user[TP_P11_USER_LEN];
    char id[TP_ID_LEN]; /* empty: the shared one of this uid (login = session) */
    uint64_t epoch;     /* of the login that it comes from; 0: of none */
};

struct tp_p11_login {
    pthread_mutex_t mutex; /* of all below; never held while the engine is asked */
    bool open;
    uint64_t epoch;             /* grows with each login: an end that is noticed late must not end the next login */
    char user[TP_P11_USER_LEN]; /* who it is */
    char id[TP_ID_LEN];
    int64_t until_ms; /* UTC; 0: the engine did not say */
    bool counted;
    uint32_t signatures_left; /* when counted */
    uint64_t generation;      /* of the connection on which it was last known to be open */
    int64_t asked_ms;         /* monotonic */
    unsigned malformed;       /* PINs that were refused here since the last right one */
};

TP_MUST_USE enum tp_rc tp_p11_login_init(struct tp_p11_login *login);
void tp_p11_login_clear(struct tp_p11_login *login);

/* Whom the slot speaks for: its user, or, where it serves all, who is logged in; false when that is nobody. RET_EPOCH
 * (or NULL): the login that this is so in; 0 for the slot's own user, of whom it is always so. */
bool tp_p11_login_who(struct tp_p11_slot *slot, char ret_user[TP_P11_USER_LEN], uint64_t *ret_epoch);
/* Whether the user is logged in; asks the engine at most once a second. */
bool tp_p11_login_is_open(struct tp_p11_slot *slot);
/* The same from what is known here, without asking. */
bool tp_p11_login_seems_open(struct tp_p11_slot *slot);
/* For a signature: from what is known here; the engine is only asked when the connection is a new one.
 * TP_NOT_LOGGED_IN. */
TP_MUST_USE enum tp_rc tp_p11_login_authorisation(struct tp_p11_slot *slot,
                                                  struct tp_p11_authorisation *ret_authorisation);
/* What came of a signature under AUTHORISATION: counts it, or ends the login when the engine says it has ended. */
void tp_p11_login_account(struct tp_p11_slot *slot, const struct tp_p11_authorisation *authorisation, enum tp_rc rc);
/* Forgets the login here. */
void tp_p11_login_forget(struct tp_p11_slot *slot);

/* C_Login and C_LoginUser; PIN is the caller's memory and is not copied. */
CK_RV tp_p11_login(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes pin);
CK_RV tp_p11_login_user(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes pin, struct tp_bytes user);
CK_RV tp_p11_logout(struct tp_p11_call *call);

#endif
