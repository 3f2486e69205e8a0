/* SPDX-License-Identifier: Apache-2.0
 *
 * A user's keys as clients see them.
 */
#ifndef TP_ENGINE_KEY_H
#define TP_ENGINE_KEY_H

#include "engine/call.h"

/* A message about a credential: a copy, since the original may change once the lock is released. */
struct tp_key_view {
    Tp__Ipc__Credential message;
    Tp__Engine__Key *record;
    char id[TP_ID_LEN], label[TP_STORE_NAME_MAX + 1];
};
/* With the engine's lock held. */
TP_MUST_USE enum tp_rc tp_key_view_locked(const struct tp_credential *credential, struct tp_key_view *ret_view);
void tp_key_view_clear(struct tp_key_view *view);
void tp_key_answer(struct tp_call *call, struct tp_credential *credential);

/* Runs FUNCTION with the user's turn taken, and the credential that the request names. */
typedef enum tp_rc tp_key_fn(struct tp_call *call, struct tp_user *user, struct tp_credential *credential);
TP_MUST_USE enum tp_rc tp_key_with(struct tp_call *call, const char *user_name, const char *name, tp_key_fn *function);

/* Whether a key may be called so: lengths, and that no key of the user but CREDENTIAL (or NULL) has the id. */
TP_MUST_USE enum tp_rc tp_key_check_label(struct tp_call *call, const char *label);
TP_MUST_USE enum tp_rc tp_key_check_id(struct tp_call *call, const struct tp_user *user,
                                       const struct tp_credential *credential, struct tp_bytes cka_id);
/* Says which label it is that another key has already: for TP_EXISTS from a commit. */
TP_MUST_USE enum tp_rc tp_key_label_exists(struct tp_call *call, const char *label);

/* Whether the HSM can keep keys of TYPE wrapped. */
bool tp_key_can_make(const struct tp_engine *engine, enum tp_hsm_key_type type);

#endif
