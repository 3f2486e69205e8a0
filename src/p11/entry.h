/* SPDX-License-Identifier: Apache-2.0
 *
 * The four ways of a C_ function through call.h; each is its whole body.
 */
#ifndef TP_P11_ENTRY_H
#define TP_P11_ENTRY_H

#include "p11/call.h"

#define TP_P11_THROUGH(begin, expression)                                                                              \
    do {                                                                                                               \
        struct tp_p11_call call;                                                                                       \
        CK_RV rv = (begin);                                                                                            \
        if (rv == CKR_OK)                                                                                              \
            rv = (expression);                                                                                         \
        return tp_p11_call_end(&call, rv);                                                                             \
    } while (0)

#define TP_P11_CALL(expression) TP_P11_THROUGH(tp_p11_call_begin(&call, __func__), expression)
#define TP_P11_SESSION(handle, expression)                                                                             \
    TP_P11_THROUGH(tp_p11_call_begin_session(&call, __func__, handle), expression)
#define TP_P11_CRYPTO(handle, expression) TP_P11_THROUGH(tp_p11_call_begin_crypto(&call, __func__, handle), expression)
#define TP_P11_LOCKED(handle, expression) TP_P11_THROUGH(tp_p11_call_begin_locked(&call, __func__, handle), expression)

/* C_GetInfo as the older lists have it: it answers with the version of its own list. */
CK_RV tp_p11_get_info_2_40(CK_INFO *info);
CK_RV tp_p11_get_info_3_0(CK_INFO *info);

#endif
