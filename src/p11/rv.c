/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/rv.h"

/* Every code of base/rc.h; a unit test sees to it that none is missing.
 *
 * CKR_DEVICE_REMOVED: nobody is there (our sessions outlive it: the next call connects again). CKR_DEVICE_ERROR:
 * somebody is there, and in trouble. CKR_FUNCTION_REJECTED is PKCS#11's word for a signature that was asked for rightly
 * and refused (3.0 §5.1.6); the reason is in the log. A used code (OTP_STALE) is refused like a wrong PIN. */
static const CK_RV table[TP_RC_COUNT] = {
    [TP_OK] = CKR_OK,
    [TP_USAGE] = CKR_ARGUMENTS_BAD,
    [TP_BAD_ARGUMENT] = CKR_ARGUMENTS_BAD,
    [TP_NOT_FOUND] = CKR_TOKEN_NOT_PRESENT,
    [TP_EXISTS] = CKR_FUNCTION_FAILED,
    [TP_CONFIG] = CKR_GENERAL_ERROR,
    [TP_TOO_LARGE] = CKR_DATA_LEN_RANGE,
    [TP_MALFORMED] = CKR_DEVICE_ERROR,
    [TP_UNSUPPORTED] = CKR_FUNCTION_NOT_SUPPORTED,
    [TP_NOT_PERMITTED] = CKR_FUNCTION_REJECTED,
    [TP_NOT_LOGGED_IN] = CKR_USER_NOT_LOGGED_IN,
    [TP_PIN_WRONG] = CKR_PIN_INCORRECT,
    [TP_PIN_LOCKED] = CKR_PIN_LOCKED,
    [TP_PIN_LENGTH] = CKR_PIN_LEN_RANGE,
    [TP_OTP_STALE] = CKR_PIN_INCORRECT,
    [TP_NOT_ENROLLED] = CKR_USER_PIN_NOT_INITIALIZED,
    [TP_PIN_EXPIRED] = CKR_PIN_EXPIRED,
    [TP_REFUSED] = CKR_FUNCTION_REJECTED,
    [TP_KEY_UNUSABLE] = CKR_KEY_FUNCTION_NOT_PERMITTED,
    [TP_MECHANISM] = CKR_MECHANISM_INVALID,
    [TP_DATA] = CKR_DATA_INVALID,
    [TP_DATA_LENGTH] = CKR_DATA_LEN_RANGE,
    [TP_TIMEOUT] = CKR_DEVICE_ERROR,
    [TP_UNREACHABLE] = CKR_DEVICE_REMOVED,
    [TP_PEER] = CKR_DEVICE_ERROR,
    [TP_BUSY] = CKR_FUNCTION_FAILED,
    [TP_HSM_ABSENT] = CKR_DEVICE_REMOVED,
    [TP_HSM_PIN] = CKR_DEVICE_ERROR,
    [TP_HSM_SWAPPED] = CKR_DEVICE_ERROR,
    [TP_HSM] = CKR_DEVICE_ERROR,
    [TP_KEY_DAMAGED] = CKR_DEVICE_ERROR,
    [TP_STORE] = CKR_DEVICE_ERROR,
    [TP_STORE_BUSY] = CKR_DEVICE_ERROR,
    [TP_STORE_NEWER] = CKR_DEVICE_ERROR,
    [TP_STORE_DAMAGED] = CKR_DEVICE_ERROR,
    [TP_STORE_FULL] = CKR_DEVICE_MEMORY,
    [TP_TAMPERED] = CKR_DEVICE_ERROR,
    [TP_IO] = CKR_DEVICE_ERROR,
    [TP_CRYPTO] = CKR_FUNCTION_FAILED,
    [TP_MEMORY] = CKR_HOST_MEMORY,
    [TP_INTERNAL] = CKR_GENERAL_ERROR,
};

CK_RV tp_p11_rv(enum tp_rc rc)
{
    if (rc == TP_OK)
        return CKR_OK;
    /* a code that we do not know (a newer engine) must never look like success */
    return (unsigned)rc < TP_RC_COUNT && table[rc] != CKR_OK ? table[rc] : CKR_GENERAL_ERROR;
}

#define NAMES(X)                                                                                                       \
    X(CKR_OK)                                                                                                          \
    X(CKR_HOST_MEMORY)                                                                                                 \
    X(CKR_SLOT_ID_INVALID)                                                                                             \
    X(CKR_GENERAL_ERROR)                                                                                               \
    X(CKR_FUNCTION_FAILED)                                                                                             \
    X(CKR_ARGUMENTS_BAD)                                                                                               \
    X(CKR_NO_EVENT)                                                                                                    \
    X(CKR_CANT_LOCK)                                                                                                   \
    X(CKR_ATTRIBUTE_READ_ONLY)                                                                                         \
    X(CKR_ATTRIBUTE_SENSITIVE)                                                                                         \
    X(CKR_ATTRIBUTE_TYPE_INVALID)                                                                                      \
    X(CKR_ATTRIBUTE_VALUE_INVALID)                                                                                     \
    X(CKR_ACTION_PROHIBITED)                                                                                           \
    X(CKR_DATA_INVALID)                                                                                                \
    X(CKR_DATA_LEN_RANGE)                                                                                              \
    X(CKR_DEVICE_ERROR)                                                                                                \
    X(CKR_DEVICE_MEMORY)                                                                                               \
    X(CKR_DEVICE_REMOVED)                                                                                              \
    X(CKR_ENCRYPTED_DATA_INVALID)                                                                                      \
    X(CKR_ENCRYPTED_DATA_LEN_RANGE)                                                                                    \
    X(CKR_FUNCTION_NOT_PARALLEL)                                                                                       \
    X(CKR_FUNCTION_NOT_SUPPORTED)                                                                                      \
    X(CKR_KEY_HANDLE_INVALID)                                                                                          \
    X(CKR_KEY_SIZE_RANGE)                                                                                              \
    X(CKR_KEY_TYPE_INCONSISTENT)                                                                                       \
    X(CKR_KEY_INDIGESTIBLE)                                                                                            \
    X(CKR_KEY_FUNCTION_NOT_PERMITTED)                                                                                  \
    X(CKR_KEY_NOT_WRAPPABLE)                                                                                           \
    X(CKR_KEY_UNEXTRACTABLE)                                                                                           \
    X(CKR_MECHANISM_INVALID)                                                                                           \
    X(CKR_MECHANISM_PARAM_INVALID)                                                                                     \
    X(CKR_OBJECT_HANDLE_INVALID)                                                                                       \
    X(CKR_OPERATION_ACTIVE)                                                                                            \
    X(CKR_OPERATION_NOT_INITIALIZED)                                                                                   \
    X(CKR_PIN_EXPIRED)                                                                                                 \
    X(CKR_PIN_INCORRECT)                                                                                               \
    X(CKR_PIN_INVALID)                                                                                                 \
    X(CKR_PIN_LEN_RANGE)                                                                                               \
    X(CKR_PIN_LOCKED)                                                                                                  \
    X(CKR_SESSION_EXISTS)                                                                                              \
    X(CKR_SESSION_HANDLE_INVALID)                                                                                      \
    X(CKR_SESSION_PARALLEL_NOT_SUPPORTED)                                                                              \
    X(CKR_SESSION_COUNT)                                                                                               \
    X(CKR_SESSION_READ_ONLY)                                                                                           \
    X(CKR_SESSION_READ_ONLY_EXISTS)                                                                                    \
    X(CKR_SESSION_READ_WRITE_SO_EXISTS)                                                                                \
    X(CKR_SIGNATURE_INVALID)                                                                                           \
    X(CKR_SIGNATURE_LEN_RANGE)                                                                                         \
    X(CKR_TEMPLATE_INCOMPLETE)                                                                                         \
    X(CKR_TEMPLATE_INCONSISTENT)                                                                                       \
    X(CKR_TOKEN_NOT_PRESENT)                                                                                           \
    X(CKR_TOKEN_WRITE_PROTECTED)                                                                                       \
    X(CKR_UNWRAPPING_KEY_HANDLE_INVALID)                                                                               \
    X(CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT)                                                                            \
    X(CKR_USER_ALREADY_LOGGED_IN)                                                                                      \
    X(CKR_USER_NOT_LOGGED_IN)                                                                                          \
    X(CKR_USER_PIN_NOT_INITIALIZED)                                                                                    \
    X(CKR_USER_TYPE_INVALID)                                                                                           \
    X(CKR_USER_ANOTHER_ALREADY_LOGGED_IN)                                                                              \
    X(CKR_WRAPPED_KEY_INVALID)                                                                                         \
    X(CKR_WRAPPED_KEY_LEN_RANGE)                                                                                       \
    X(CKR_WRAPPING_KEY_HANDLE_INVALID)                                                                                 \
    X(CKR_WRAPPING_KEY_TYPE_INCONSISTENT)                                                                              \
    X(CKR_BUFFER_TOO_SMALL)                                                                                            \
    X(CKR_SAVED_STATE_INVALID)                                                                                         \
    X(CKR_STATE_UNSAVEABLE)                                                                                            \
    X(CKR_CRYPTOKI_NOT_INITIALIZED)                                                                                    \
    X(CKR_CRYPTOKI_ALREADY_INITIALIZED)                                                                                \
    X(CKR_FUNCTION_REJECTED)

const char *tp_p11_rv_name(CK_RV rv)
{
    static const struct {
        CK_RV rv;
        const char *name;
    } names[] = {
#define ROW(name) {name, #name},
        NAMES(ROW)
#undef ROW
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (names[i].rv == rv)
            return names[i].name;
    return "CKR_?";
}
