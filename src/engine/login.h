/* SPDX-License-Identifier: Apache-2.0
 *
 * Two factors (RS-6): the PIN, which only its owner knows, and a one-time code. One at a time for each user: the caller
 * holds the user's `turn`.
 */
#ifndef TP_ENGINE_LOGIN_H
#define TP_ENGINE_LOGIN_H

#include "engine/call.h"
#include "engine/edit.h"

/* A factor as read from the store. */
struct tp_factor {
    char id[TP_ID_LEN], owner[TP_ID_LEN], name[TP_STORE_NAME_MAX + 1];
    uint64_t version;
    Tp__Engine__Factor *record;
};
void tp_factor_clear(struct tp_factor *factor);
TP_MUST_USE enum tp_rc tp_factor_read(struct tp_engine *engine, const char *id, struct tp_error *error,
                                      struct tp_factor *ret_factor);
/* Whether CODE is right now, by the HSM's and the clock's word. */
TP_MUST_USE enum tp_rc tp_factor_check(struct tp_call *call, const struct tp_factor *factor, struct tp_bytes code,
                                       enum tp_otp_verdict *ret_verdict, int64_t *ret_moving);

/* What proved itself. */
struct tp_proven {
    struct tp_bytes pin;           /* view into what was given */
    struct tp_secret *sealing_key; /* of that PIN */
    struct tp_edit *edit;          /* to be committed for the login to count: tries, code used, pending keys sealed */
};
void tp_proven_clear(struct tp_proven *proven);

/* Counts a try durably, checks GIVEN (PIN and code), and prepares the edit that makes it count. Wrong, stale and locked
 * are recorded before they are answered. ACTION: the entry's, e.g. "login". */
TP_MUST_USE enum tp_rc tp_login_authenticate(struct tp_call *call, struct tp_user *user, struct tp_bytes given,
                                             enum tp_action action, struct tp_proven *ret_proven);
/* A login that waited: CALL's request has the PIN, CODE is its owner's, and BY says for the log who gave it. Answers the
 * request when it returns TP_OK. */
TP_MUST_USE enum tp_rc tp_login_approved(struct tp_call *call, struct tp_user *user, struct tp_bytes code,
                                         const char *by);
/* Commits what was proven: the code is used up, the count of tries starts anew. */
TP_MUST_USE enum tp_rc tp_login_settle(struct tp_call *call, struct tp_user *user, enum tp_action action,
                                       struct tp_proven *proven);
/* The try has ended for another reason than a wrong PIN or code: it is given back, as far as that is possible. CALL keeps the
 * words that say why; returns RC. */
TP_MUST_USE enum tp_rc tp_login_unfinished(struct tp_call *call, struct tp_user *user, enum tp_action action, enum tp_rc rc);
/* Whether USER has no tries left. */
bool tp_login_locked(const struct tp_engine *engine, const Tp__Engine__User *record);
/* Reserves a try durably; ends the current one. For enrolment codes, which count likewise. */
TP_MUST_USE enum tp_rc tp_login_try(struct tp_call *call, struct tp_user *user, enum tp_action action);
TP_MUST_USE enum tp_rc tp_login_wrong(struct tp_call *call, struct tp_user *user, enum tp_action action,
                                      const char *reason);
/* Stretched with the user's salt and cost as RECORD has them. */
TP_MUST_USE enum tp_rc tp_login_stretch(const Tp__Engine__User *record, struct tp_bytes pin, struct tp_error *error,
                                        struct tp_secret **ret_stretched);
/* Gives RECORD a new PIN: salt, cost and verifier; the sealing key that belongs to it goes to *RET_KEY. */
TP_MUST_USE enum tp_rc tp_login_set_pin(struct tp_call *call, const char *user_id, Tp__Engine__User *record,
                                        struct tp_bytes pin, struct tp_secret **ret_key);
/* Seals in EDIT every key of USER that is pending. */
TP_MUST_USE enum tp_rc tp_login_seal_pending(struct tp_call *call, struct tp_user *user, struct tp_bytes sealing_key,
                                             struct tp_edit *edit);

#endif
