/* SPDX-License-Identifier: Apache-2.0
 *
 * One engine a deployment: a lock beside the store, held while the process lives, however it ends.
 */
#ifndef TP_ENGINE_LOCK_FILE_H
#define TP_ENGINE_LOCK_FILE_H

#include "base/error.h"

/* Locks STORE.lock. TP_EXISTS when another process holds it. */
TP_MUST_USE enum tp_rc tp_lock_file_take(const char *store, struct tp_error *error, int *ret_fd);
void tp_lock_file_release(int fd); /* -1 is allowed */

#endif
