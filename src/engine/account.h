/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's account: how one begins, and what is given up of one. What user.c (trustp11 user) and the officer's operations of
 * PKCS#11 (pin_init.c, token_init.c) share.
 */
#ifndef TP_ENGINE_ACCOUNT_H
#define TP_ENGINE_ACCOUNT_H

#include "engine/edit.h"

/* A new user NAME in EDIT, without PIN, factor and enrolment; the record is EDIT's. TP_BAD_ARGUMENT for what is no name. */
TP_MUST_USE enum tp_rc tp_account_begin(struct tp_call *call, struct tp_edit *edit, const char *name,
                                        char ret_id[TP_ID_LEN], Tp__Engine__User **ret_record);
/* Commits it; TP_EXISTS says what to do. */
TP_MUST_USE enum tp_rc tp_account_commit_new(struct tp_call *call, struct tp_edit *edit, const char *name);
/* From now on, for the configured time, CODE begins the user's enrolment. */
TP_MUST_USE enum tp_rc tp_account_open_enrolment(struct tp_call *call, const char *user_id, Tp__Engine__User *record,
                                                 struct tp_bytes code);

/* TP_NOT_PERMITTED when it is closed. */
TP_MUST_USE enum tp_rc tp_account_not_closed(struct tp_call *call, const Tp__Engine__User *record);
/* Neither PIN nor open enrolment: it waits for an officer (C_InitPIN). */
bool tp_account_is_blank(const Tp__Engine__User *record);
/* All keys, with their certificates, go with EDIT. */
TP_MUST_USE enum tp_rc tp_account_delete_keys(struct tp_edit *edit, const struct tp_user *user, unsigned *ret_keys);
/* A PIN is given up for one that an officer sets, or for none: no wrong tries, no lock, a chance to log in before one is
 * dormant. */
void tp_account_renew(Tp__Engine__User *record);

#endif
