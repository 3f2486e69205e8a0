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
/* Who is owner and officer in one acts as officer where an owner may not: false when the caller is no officer. */
bool tp_key_as_officer(struct tp_call *call);
void tp_key_answer(struct tp_call *call, struct tp_credential *credential);

#endif
