/* SPDX-License-Identifier: Apache-2.0
 *
 * The C_ functions that this module does not have, each with the answer that the specification gives for it. They go
 * the same way as all others: before C_Initialize, and for a session that is none, they say that first.
 */
#include "p11/entry.h"

#pragma GCC diagnostic ignored "-Wunused-parameter" /* of functions that look at nothing but the session */

#define HERE CK_SESSION_HANDLE session

/* Recovery, deriving, and making key pairs here: a token for signatures has none of these. */
#define UNSUPPORTED(X)                                                                                                 \
    X(C_SignRecoverInit, (TP_CK_KEYED))                                                                                \
    X(C_SignRecover, (HERE, TP_CK_IN(data), TP_CK_OUT(signature)))                                                     \
    X(C_VerifyRecoverInit, (TP_CK_KEYED))                                                                              \
    X(C_VerifyRecover, (HERE, TP_CK_IN(signature), TP_CK_OUT(data)))                                                   \
    X(C_GenerateKeyPair, (HERE, CK_MECHANISM * mechanism, CK_ATTRIBUTE * public_template, CK_ULONG public_count,       \
                          CK_ATTRIBUTE * private_template, CK_ULONG private_count, CK_OBJECT_HANDLE * public_key,      \
                          CK_OBJECT_HANDLE * private_key))                                                             \
    X(C_DeriveKey, (TP_CK_KEYED, CK_ATTRIBUTE * template, CK_ULONG count, CK_OBJECT_HANDLE * new_key))

#define REFUSE(name, parameters)                                                                                       \
    CK_RV name parameters                                                                                              \
    {                                                                                                                  \
        TP_P11_SESSION(session, CKR_FUNCTION_NOT_SUPPORTED);                                                           \
    }
UNSUPPORTED(REFUSE)
TP_CK_FUNCTIONS_MESSAGE_CIPHER(REFUSE)
TP_CK_FUNCTIONS_ENCAPSULATE(REFUSE)
TP_CK_FUNCTIONS_ASYNC(REFUSE) /* no session is asynchronous: C_OpenSession says so */
TP_CK_FUNCTIONS_AUTHENTICATED(REFUSE)

/* 3.0 §5.6.6, §5.6.7: what an HSM has begun cannot be carried elsewhere, so no state can ever have been saved. */
CK_RV C_GetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG *state_len)
{
    TP_P11_SESSION(session, CKR_STATE_UNSAVEABLE);
}

CK_RV C_SetOperationState(CK_SESSION_HANDLE session, CK_BYTE *state, CK_ULONG state_len,
                          CK_OBJECT_HANDLE encryption_key, CK_OBJECT_HANDLE authentication_key)
{
    TP_P11_SESSION(session, CKR_SAVED_STATE_INVALID);
}

/* 3.0 §5.20: left over from PKCS#11 1.0. */
CK_RV C_GetFunctionStatus(CK_SESSION_HANDLE session)
{
    TP_P11_SESSION(session, CKR_FUNCTION_NOT_PARALLEL);
}

CK_RV C_CancelFunction(CK_SESSION_HANDLE session)
{
    TP_P11_SESSION(session, CKR_FUNCTION_NOT_PARALLEL);
}
