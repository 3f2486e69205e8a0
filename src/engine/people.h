/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and their credentials as they are known in memory. The engine is the only writer of the store, so what was read
 * (and verified) once stays true until it is changed here.
 */
#ifndef TP_ENGINE_PEOPLE_H
#define TP_ENGINE_PEOPLE_H

#include "engine/internal.h"

/* A reference to the user, with all credentials; from memory, or read and verified. TP_NOT_FOUND names the user. */
TP_MUST_USE enum tp_rc tp_people_get(struct tp_engine *engine, const char *name, struct tp_error *error,
                                     struct tp_user **ret_user);
TP_MUST_USE enum tp_rc tp_people_get_by_id(struct tp_engine *engine, const char *id, struct tp_error *error,
                                           struct tp_user **ret_user);
void tp_people_release(struct tp_engine *engine, struct tp_user *user);
/* The user's turn: what is in memory is then what the store holds; TP_NOT_FOUND when the user was erased meanwhile. After
 * a change whose end was open (tp_people_doubt) it is read anew first, and there is no turn until that is possible.
 * TP_TIMEOUT, and no turn, when it comes after DEADLINE_MS (monotonic): nothing is to be done then of what the client has
 * been told that it was not. */
TP_MUST_USE enum tp_rc tp_people_turn(struct tp_engine *engine, struct tp_user *user, int64_t deadline_ms,
                                      struct tp_error *error);
void tp_people_turn_end(struct tp_user *user);
/* A reference and the turn in one; and both given back. */
TP_MUST_USE enum tp_rc tp_people_get_turn(struct tp_engine *engine, const char *name, int64_t deadline_ms,
                                          struct tp_error *error, struct tp_user **ret_user);
void tp_people_release_turn(struct tp_engine *engine, struct tp_user *user);
/* By the holder of the turn: what the store holds of USER is not known, since a change of it has ended openly. Nobody
 * acts for the user until the next turn has cleared that up. */
void tp_people_doubt(struct tp_engine *engine, struct tp_user *user);
/* With the engine's lock held: one more, or one fewer, reference. */
void tp_people_hold_locked(struct tp_engine *engine, struct tp_user *user);
void tp_people_release_locked(struct tp_engine *engine, struct tp_user *user);
/* At the end: forgets all. No reference may be left. */
void tp_people_clear(struct tp_engine *engine);

/* The user's credential by id, or else by label; NULL when there is none. With the engine's lock held. */
struct tp_credential *tp_people_credential(struct tp_user *user, const char *id_or_label);
const char *tp_people_no_credential(const struct tp_user *user); /* words for when there is none: what to do */

/* SHA-256(salt ‖ name): who it is, in the log. */
TP_MUST_USE enum tp_rc tp_people_subject(struct tp_bytes salt, const char *name, uint8_t ret_subject[TP_SUBJECT_LEN]);

/* For edit.c, with the engine's lock held: puts a changed or new record in place of what is known; owns RECORD then. */
void tp_people_user_changed(struct tp_engine *engine, struct tp_user *user, Tp__Engine__User *record);
void tp_people_user_removed(struct tp_engine *engine, struct tp_user *user); /* its record is gone; references stay good */
void tp_people_key_changed(struct tp_engine *engine, struct tp_credential *credential, const char *label,
                           Tp__Engine__Key *record);
void tp_people_key_added(struct tp_engine *engine, struct tp_user *user, struct tp_credential *credential);
void tp_people_key_removed(struct tp_engine *engine, struct tp_credential *credential);
void tp_people_beside_changed(struct tp_engine *engine, struct tp_user *user, struct tp_beside *beside,
                              Tp__Engine__Object *record);
void tp_people_beside_added(struct tp_engine *engine, struct tp_user *user, struct tp_beside *beside);
void tp_people_beside_removed(struct tp_engine *engine, struct tp_user *user, struct tp_beside *beside);
/* Owns RECORD. NULL when memory is out. */
struct tp_beside *tp_beside_new(const char *id, uint64_t version, Tp__Engine__Object *record);
void tp_beside_free(struct tp_beside *beside);
/* A credential that is not known yet; owns RECORD. NULL when memory is out. */
struct tp_credential *tp_credential_new(const char *id, const char *label, uint64_t version, Tp__Engine__Key *record);
void tp_credential_free(struct tp_credential *credential);

#endif
