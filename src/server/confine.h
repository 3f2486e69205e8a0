/* SPDX-License-Identifier: Apache-2.0
 *
 * How the net process gives up what it does not need: it reads what strangers send, so that whoever takes it over should find
 * nothing but the connections that are there, and the engine's socket.
 */
#ifndef TP_SERVER_CONFINE_H
#define TP_SERVER_CONFINE_H

#include "base/error.h"

/* Becomes USER for good, where we are root. TP_CONFIG with words where we are and USER is NULL, or root, or nobody. */
TP_MUST_USE enum tp_rc tp_confine_become(const char *user, struct tp_error *error);
/* From here on, for all threads: no new privileges, no files, no programs, no sockets but Unix ones; memory does not become code.
 * What is not allowed fails with EPERM. */
TP_MUST_USE enum tp_rc tp_confine(struct tp_error *error);

#endif
