/* SPDX-License-Identifier: Apache-2.0
 *
 * One call of a C_ function: the path that all go through. Counts the caller in (gate.h), finds and locks the session,
 * and at the end writes to the log why it did not work: CK_RV cannot carry the reason.
 */
#ifndef TP_P11_CALL_H
#define TP_P11_CALL_H

#include "base/bytes.h"
#include "base/error.h"
#include "trustp11/cryptoki.h"

#include <stdbool.h>

struct tp_p11_module;
struct tp_p11_session;

struct tp_p11_call {
    const char *name; /* of the function */
    struct tp_p11_module *module;
    struct tp_p11_session *session; /* a reference */
    bool locked;                    /* the session's mutex is ours */
    struct tp_error error;
};

/* When not CKR_OK, only tp_p11_call_end may follow. */
CK_RV tp_p11_call_begin(struct tp_p11_call *call, const char *name);
/* For what does not touch the session's operations. */
CK_RV tp_p11_call_begin_session(struct tp_p11_call *call, const char *name, CK_SESSION_HANDLE handle);
/* For what needs libcrypto; CKR_GENERAL_ERROR once that has ended. */
CK_RV tp_p11_call_begin_crypto(struct tp_p11_call *call, const char *name, CK_SESSION_HANDLE handle);
/* For what does touch them, or logs in: one thread at a time in each session, and libcrypto as above. */
CK_RV tp_p11_call_begin_locked(struct tp_p11_call *call, const char *name, CK_SESSION_HANDLE handle);
/* Returns RV. */
CK_RV tp_p11_call_end(struct tp_p11_call *call, CK_RV rv);

#endif
