/* SPDX-License-Identifier: Apache-2.0
 *
 * A session, and the table of all. Threads find sessions under a reader's lock and keep them by reference; what a
 * session is doing is under its own mutex, so that threads with sessions of their own never wait for one another.
 */
#ifndef TP_P11_SESSION_H
#define TP_P11_SESSION_H

#include "p11/call.h"
#include "p11/cipher.h"
#include "p11/digest.h"
#include "p11/find.h"
#include "p11/message.h"
#include "p11/operation.h"
#include "p11/verify.h"

#include <pthread.h>
#include <stdatomic.h>

struct tp_p11_slot;

struct tp_p11_session {
    atomic_uint refs;
    CK_SESSION_HANDLE handle;
    CK_FLAGS flags; /* CKF_SERIAL_SESSION, CKF_RW_SESSION */
    struct tp_p11_slot *slot;
    pthread_mutex_t mutex; /* of what is below */
    struct tp_p11_find find;
    struct tp_p11_digest digest;
    struct tp_p11_operation sign, verify;
    struct tp_p11_verify_signature verify_signature;
    struct tp_p11_message message_sign, message_verify;
    struct tp_p11_cipher encrypt, decrypt;
};

/* A handle is (generation << 20) | place: found in one step, and an old handle never finds a later session. */
struct tp_p11_sessions {
    pthread_rwlock_t lock;
    struct tp_p11_place {
        struct tp_p11_session *session; /* NULL: free */
        CK_ULONG generation;
        size_t next_free;
    } * places;
    size_t count, capacity;
    size_t first_free; /* SIZE_MAX: none */
};

TP_MUST_USE enum tp_rc tp_p11_sessions_init(struct tp_p11_sessions *sessions);
void tp_p11_sessions_clear(struct tp_p11_sessions *sessions);

/* A reference, or NULL. */
struct tp_p11_session *tp_p11_session_get(struct tp_p11_module *module, CK_SESSION_HANDLE handle);
void tp_p11_session_unref(struct tp_p11_session *session);

CK_RV tp_p11_session_open(struct tp_p11_call *call, CK_SLOT_ID id, CK_FLAGS flags, CK_SESSION_HANDLE *ret_handle);
CK_RV tp_p11_session_close(struct tp_p11_call *call);
CK_RV tp_p11_session_close_all(struct tp_p11_call *call, CK_SLOT_ID id);
CK_RV tp_p11_session_info(struct tp_p11_call *call, CK_SESSION_INFO *ret_info);
CK_RV tp_p11_session_cancel(struct tp_p11_call *call, CK_FLAGS flags);
/* C_GetSessionValidationFlags: nothing here has been validated. */
CK_RV tp_p11_session_validation(CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *ret_flags);

#endif
