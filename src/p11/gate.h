/* SPDX-License-Identifier: Apache-2.0
 *
 * The door of the module: whether it is initialised, in this process, and who is inside.
 *
 * fork: the gate lies in a page that the kernel wipes in children (MADV_WIPEONFORK), with the mutex in it. A child
 * finds a module that was never initialised and a mutex that nobody holds, whatever the parent's threads were doing; no
 * pthread_atfork handler is left behind in a process that may unload us. What the child inherited is abandoned, with
 * its memory, at its own C_Initialize.
 */
#ifndef TP_P11_GATE_H
#define TP_P11_GATE_H

#include "base/error.h"
#include "trustp11/cryptoki.h"

#include <stdbool.h>

struct tp_p11_module;

/* Whether this thread is in the middle of a call already, so that another would wait for what the first one holds: a
 * signal handler is not for PKCS#11, but a program that is wrong about that gets CKR_FUNCTION_FAILED and does not hang.
 */
bool tp_p11_gate_is_within(void);

/* C_Initialize and C_Finalize; CKR_FUNCTION_FAILED in the middle of a call. Closing makes all calls that wait for the
 * engine return, and waits for whoever is inside. */
CK_RV tp_p11_gate_open(void);
CK_RV tp_p11_gate_close(void);

/* Counts the caller in; NULL (and not counted in) when the module is not initialised. */
struct tp_p11_module *tp_p11_gate_enter(void);
void tp_p11_gate_leave(void);
/* Inside: whether MODULE is not being closed. */
bool tp_p11_gate_is_open(const struct tp_p11_module *module);

#endif
