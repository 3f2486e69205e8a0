/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is logged in to a slot. PKCS#11 has one login for all sessions of a process with a token; here it is an
 * authorisation that the engine keeps, and that may end at any time: by its time or count, by an officer, with the
 * engine. When it ends, all sessions are in the public state again, so that consumers ask for a PIN instead of failing
 * for ever.
 *
 * C_Logout ends the authorisation in the engine. Closing the last session, or C_Finalize, only forgets it here: the
 * same process may come back with the same PIN and code and join it (NSS does so twice for one PDF), nobody else can.
 * An officer's (officer.h) is ended in the engine then, too.
 */
#ifndef TP_P11_LOGIN_H
#define TP_P11_LOGIN_H

#include "base/ids.h"
#include "ipc/client_conf.h"
#include "p11/call.h"

#include <pthread.h>

struct tp_p11_slot;

/* What allows signatures. */
struct tp_p11_authorisation {
    char id[TP_ID_LEN]; /* empty: the shared one of this uid (login = session) */
    uint64_t epoch;     /* of the login that it comes from; 0: of none */
    bool officer;       /* it is the SO's, and allows none */
    char user[TP_CLIENT_USER_LEN];
};

enum tp_p11_party { TP_P11_NOBODY, TP_P11_USER, TP_P11_OFFICER };

struct tp_p11_login {
    pthread_mutex_t mutex; /* of all below; never held while the engine is asked */
    bool open;
    bool officer;                  /* by the SO, when open */
    char user[TP_CLIENT_USER_LEN]; /* whose it is, when open */
    uint64_t epoch; /* grows with each login: an end that is noticed late must not end the next login */
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

/* Who is logged in; asks the engine at most once a second. */
enum tp_p11_party tp_p11_login_party(struct tp_p11_slot *slot);
/* Whom the slot speaks for: its user, or, where it serves all, who is logged in; false when that is nobody. RET_EPOCH
 * (or NULL): the login that this is so in; 0 for the slot's own user, of whom it is always so. */
bool tp_p11_login_who(struct tp_p11_slot *slot, char ret_user[TP_CLIENT_USER_LEN], uint64_t *ret_epoch);
/* Whose PIN C_SetPIN changes: who is logged in (the SO too), or else the slot's user; false when that is nobody. */
bool tp_p11_login_name(struct tp_p11_slot *slot, char ret_name[TP_CLIENT_USER_LEN]);
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

/* ---- for officer.c ---- */

/* Who wants to log in. */
struct tp_p11_applicant {
    struct tp_p11_slot *slot;
    char *user;
    bool officer;     /* as the SO */
    char *credential; /* for one signature with this one; NULL: for all that need no login of their own */
};
/* What the engine has opened, as a copy that needs no freeing. */
struct tp_p11_grant {
    char id[TP_ID_LEN];
    int64_t until_ms;
    uint32_t signatures_left;
    bool joined;  /* it was open already */
    bool officer; /* whose user has that role */
};

/* CKR_OK when nobody is logged in, as the engine says now: C_Login is rare and worth a question. An engine that was
 * started anew knows of no login, and who is told that there is one would only fail later. USER: who wants to be; NULL:
 * any officer. */
CK_RV tp_p11_login_already(struct tp_p11_slot *slot, bool officer, const char *user);
CK_RV tp_p11_login_ask(struct tp_p11_call *call, const struct tp_p11_applicant *applicant, struct tp_bytes pin,
                       struct tp_p11_grant *ret_grant);
/* GRANT becomes the slot's login; when another thread was faster, its login stands, and GRANT is given back. */
CK_RV tp_p11_login_install(const struct tp_p11_applicant *applicant, struct tp_p11_grant *grant);
/* Ends in the engine what was opened there, and nobody uses. */
void tp_p11_login_give_back(const struct tp_p11_applicant *applicant, struct tp_p11_grant *grant);

/* ---- C_ functions ---- */

/* C_Login and C_LoginUser; PIN is the caller's memory and is not copied. */
CK_RV tp_p11_login(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes pin);
CK_RV tp_p11_login_user(struct tp_p11_call *call, CK_USER_TYPE user_type, struct tp_bytes pin, struct tp_bytes user);
CK_RV tp_p11_logout(struct tp_p11_call *call);

#endif
