/* SPDX-License-Identifier: Apache-2.0
 *
 * A change to records under construction: copies to write on, one log entry, one transaction, and memory brought up to date
 * once it is durable. Nothing is changed when it is dropped, or when the commit fails.
 *
 * Whoever edits a user or its credentials holds the user's `turn`.
 */
#ifndef TP_ENGINE_EDIT_H
#define TP_ENGINE_EDIT_H

#include "engine/call.h"

struct tp_edit;

/* CALL names client, role and subject in the entry; NULL: the engine itself acts. */
TP_MUST_USE enum tp_rc tp_edit_new(struct tp_engine *engine, const struct tp_call *call, enum tp_action action,
                                   struct tp_edit **ret_edit);
void tp_edit_free(struct tp_edit *edit);
TP_DEFINE_AUTO(struct tp_edit, tp_edit_free)

/* Copies to write on; owned by the edit. NULL when memory is out. */
Tp__Engine__User *tp_edit_user(struct tp_edit *edit, struct tp_user *user);
Tp__Engine__Key *tp_edit_key(struct tp_edit *edit, struct tp_credential *credential);
/* After tp_edit_key. TP_EXISTS from the commit when another key of the user has that label. */
void tp_edit_key_rename(struct tp_edit *edit, const struct tp_credential *credential, const char *label);
/* New records; ID is made by the caller. */
Tp__Engine__User *tp_edit_user_new(struct tp_edit *edit, const char *id, const char *name);
Tp__Engine__Key *tp_edit_key_new(struct tp_edit *edit, struct tp_user *user, const char *id, const char *label);
TP_MUST_USE enum tp_rc tp_edit_user_delete(struct tp_edit *edit, struct tp_user *user);
TP_MUST_USE enum tp_rc tp_edit_key_delete(struct tp_edit *edit, struct tp_credential *credential);
/* Objects beside keys: a copy to write on; a new one with an ID that the caller has made. */
Tp__Engine__Object *tp_edit_beside(struct tp_edit *edit, struct tp_user *user, struct tp_beside *beside);
Tp__Engine__Object *tp_edit_beside_new(struct tp_edit *edit, struct tp_user *user, const char *id);
TP_MUST_USE enum tp_rc tp_edit_beside_delete(struct tp_edit *edit, struct tp_user *user, struct tp_beside *beside);
/* Factors are not kept in memory: VERSION is the one that was read, 0 for a new one. FACTOR is packed at once. */
TP_MUST_USE enum tp_rc tp_edit_factor(struct tp_edit *edit, const char *id, const char *owner, const char *name,
                                      uint64_t version, const Tp__Engine__Factor *factor);
TP_MUST_USE enum tp_rc tp_edit_factor_delete(struct tp_edit *edit, const char *id, uint64_t version);
/* Whose a hardware token is. TP_EXISTS from the commit when VERSION is 0 and somebody was faster. */
TP_MUST_USE enum tp_rc tp_edit_token(struct tp_edit *edit, const char *id, const char *name, uint64_t version,
                                     const Tp__Engine__Token *token);
TP_MUST_USE enum tp_rc tp_edit_service(struct tp_edit *edit, const char *id, const char *name, uint64_t version,
                                       const Tp__Engine__ServiceKey *key);
/* Likewise. */
TP_MUST_USE enum tp_rc tp_edit_crl(struct tp_edit *edit, const char *id, const char *owner, const char *name,
                                   uint64_t version, const Tp__Engine__Crl *crl);
/* A clear text beside its salted hash (RS-25). */
TP_MUST_USE enum tp_rc tp_edit_text(struct tp_edit *edit, struct tp_bytes salt, const char *text);
/* The same one, away for good, and with it all traces in the store of records that are deleted. */
TP_MUST_USE enum tp_rc tp_edit_text_erase(struct tp_edit *edit, struct tp_bytes salt, const char *text);

/* What the entry says; texts are copied. */
void tp_edit_object(struct tp_edit *edit, const char *kind, const char *id);
void tp_edit_subject(struct tp_edit *edit, const struct tp_user *user);
void tp_edit_outcome(struct tp_edit *edit, const char *outcome, const char *reason);
void tp_edit_detail(struct tp_edit *edit, const char *format, ...) TP_PRINTF(2, 3);
void tp_edit_authorisation(struct tp_edit *edit, const char *id);

TP_MUST_USE enum tp_rc tp_edit_commit(struct tp_edit *edit, struct tp_error *error);
TP_MUST_USE enum tp_rc tp_edit_commit_index(struct tp_edit *edit, bool intent, struct tp_error *error,
                                            uint64_t *ret_index);

/* Fields of unpacked messages: replace what is there. */
TP_MUST_USE enum tp_rc tp_field_text(char **field, const char *text);
TP_MUST_USE enum tp_rc tp_field_bytes(ProtobufCBinaryData *field, struct tp_bytes bytes);
struct tp_bytes tp_field(ProtobufCBinaryData field);
/* A record's copy, the caller's (protobuf_c_message_free_unpacked); NULL when there is no memory. */
ProtobufCMessage *tp_record_copy(const ProtobufCMessage *record);

#endif
