/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/call.h"
#include "base/crypto.h"
#include "base/log.h"
#include "p11/gate.h"
#include "p11/module.h"
#include "p11/rv.h"
#include "p11/session.h"

CK_RV tp_p11_call_begin(struct tp_p11_call *call, const char *name)
{
    call->name = name;
    call->session = NULL;
    call->locked = false;
    tp_error_clear(&call->error);
    call->module = NULL;
    if (tp_p11_gate_is_within())
        return CKR_FUNCTION_FAILED;
    call->module = tp_p11_gate_enter();
    return call->module == NULL ? CKR_CRYPTOKI_NOT_INITIALIZED : CKR_OK;
}

CK_RV tp_p11_call_begin_session(struct tp_p11_call *call, const char *name, CK_SESSION_HANDLE handle)
{
    CK_RV rv = tp_p11_call_begin(call, name);
    if (rv != CKR_OK)
        return rv;
    call->session = tp_p11_session_get(call->module, handle);
    return call->session == NULL ? CKR_SESSION_HANDLE_INVALID : CKR_OK;
}

CK_RV tp_p11_call_begin_crypto(struct tp_p11_call *call, const char *name, CK_SESSION_HANDLE handle)
{
    CK_RV rv = tp_p11_call_begin_session(call, name, handle);
    if (rv != CKR_OK || !tp_crypto_ended())
        return rv;
    (void)tp_error_set(&call->error, TP_CRYPTO, "%s", TP_P11_ENDING_WORDS);
    return CKR_GENERAL_ERROR;
}

CK_RV tp_p11_call_begin_locked(struct tp_p11_call *call, const char *name, CK_SESSION_HANDLE handle)
{
    CK_RV rv = tp_p11_call_begin_crypto(call, name, handle);
    if (rv != CKR_OK)
        return rv;
    pthread_mutex_lock(&call->session->mutex);
    call->locked = true;
    return CKR_OK;
}

/* Words from the engine or from us are worth a warning; a bare code is everyday life (a length asked for, an attribute
 * that is not there) and of interest only to who is debugging. */
static void tell(const struct tp_p11_call *call, CK_RV rv)
{
    if (call->error.rc != TP_OK)
        tp_log(TP_LOG_WARNING, "%s: %s: %s", call->name, tp_p11_rv_name(rv), tp_error_words(&call->error));
    else if (rv != CKR_OK)
        tp_log(TP_LOG_DEBUG, "%s: %s (0x%lx)", call->name, tp_p11_rv_name(rv), rv);
}

CK_RV tp_p11_call_end(struct tp_p11_call *call, CK_RV rv)
{
    if (call->locked)
        pthread_mutex_unlock(&call->session->mutex);
    if (call->session != NULL)
        tp_p11_session_unref(call->session);
    if (call->module == NULL)
        return rv; /* the log is not open either */
    tell(call, rv);
    tp_p11_gate_leave();
    return rv;
}
