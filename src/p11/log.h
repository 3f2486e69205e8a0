/* SPDX-License-Identifier: Apache-2.0
 *
 * Where the module writes its reasons: $TRUSTP11_DEBUG, or `debug` of the client configuration, is a file, "stderr" or
 * "syslog" (which also gets what a file that cannot be opened does not); otherwise nowhere, but for the one line that says
 * why C_Initialize failed.
 */
#ifndef TP_P11_LOG_H
#define TP_P11_LOG_H

#include "base/error.h"

/* CONFIGURED counts only when the environment does not say (secure_getenv: a setuid program must not write our log
 * wherever its caller likes). NULL: not known yet. */
void tp_p11_log_open(const char *configured);
void tp_p11_log_close(void);
/* To the log, or to syslog when none is open. */
void tp_p11_log_failure(const char *name, const struct tp_error *error, enum tp_rc rc);

#endif
