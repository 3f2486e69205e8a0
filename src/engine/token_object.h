/* SPDX-License-Identifier: Apache-2.0
 *
 * What programs keep on a token beside keys: data, and certificates of others. Everybody who sees the token sees them.
 */
#ifndef TP_ENGINE_TOKEN_OBJECT_H
#define TP_ENGINE_TOKEN_OBJECT_H

#include "engine/call.h"

/* A message about an object: a copy, since the original may change once the lock is released. */
struct tp_object_view {
    Tp__Ipc__TokenObject message;
    Tp__Engine__Object *record;
    char id[TP_ID_LEN];
};
/* With the engine's lock held. */
TP_MUST_USE enum tp_rc tp_object_view_locked(const struct tp_beside *beside, struct tp_object_view *ret_view);
void tp_object_view_clear(struct tp_object_view *view);

#endif
