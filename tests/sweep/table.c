/* SPDX-License-Identifier: Apache-2.0
 *
 * The codes are those that PKCS#11 3.2 §5 lists for each function, without what only a lack of memory, a broken device
 * or nobody's fault explains (CKR_HOST_MEMORY, CKR_DEVICE_…, CKR_GENERAL_ERROR, CKR_FUNCTION_FAILED): bad input is
 * none of these. CKR_ARGUMENTS_BAD, and CKR_SESSION_HANDLE_INVALID of sessions, are everybody's.
 */
#include "sweep.h"

#include <string.h>

/* ---- codes ---- */

#define KEYED_CODES                                                                                                    \
    CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_SIZE_RANGE,             \
        CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE, CKR_OPERATION_CANCEL_FAILED,         \
        CKR_USER_NOT_LOGGED_IN
#define WORK_CODES                                                                                                     \
    CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE, CKR_USER_NOT_LOGGED_IN, CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, \
        CKR_BUFFER_TOO_SMALL
#define DECRYPT_CODES WORK_CODES, CKR_ENCRYPTED_DATA_INVALID, CKR_ENCRYPTED_DATA_LEN_RANGE
#define VERIFY_CODES                                                                                                   \
    CKR_OPERATION_NOT_INITIALIZED, CKR_OPERATION_ACTIVE, CKR_DATA_INVALID, CKR_DATA_LEN_RANGE, CKR_SIGNATURE_INVALID,  \
        CKR_SIGNATURE_LEN_RANGE
#define MESSAGE_CODES CKR_MECHANISM_PARAM_INVALID
#define TEMPLATE_CODES                                                                                                 \
    CKR_ATTRIBUTE_READ_ONLY, CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_TEMPLATE_INCONSISTENT,       \
        CKR_TOKEN_WRITE_PROTECTED, CKR_SESSION_READ_ONLY, CKR_USER_NOT_LOGGED_IN
#define NEW_CODES                                                                                                      \
    TEMPLATE_CODES, CKR_TEMPLATE_INCOMPLETE, CKR_CURVE_NOT_SUPPORTED, CKR_DOMAIN_PARAMS_INVALID, CKR_PUBLIC_KEY_INVALID
#define PIN_CODES CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_LOCKED, CKR_PIN_EXPIRED
#define LOGIN_CODES                                                                                                    \
    PIN_CODES, CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_READ_ONLY_EXISTS, CKR_USER_ALREADY_LOGGED_IN,                \
        CKR_USER_ANOTHER_ALREADY_LOGGED_IN, CKR_USER_PIN_NOT_INITIALIZED, CKR_USER_TOO_MANY_TYPES,                     \
        CKR_USER_TYPE_INVALID
#define UNWRAP_CODES                                                                                                   \
    CKR_WRAPPED_KEY_INVALID, CKR_WRAPPED_KEY_LEN_RANGE, CKR_UNWRAPPING_KEY_HANDLE_INVALID,                             \
        CKR_UNWRAPPING_KEY_SIZE_RANGE, CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT
#define WRAP_CODES                                                                                                     \
    KEYED_CODES, CKR_BUFFER_TOO_SMALL, CKR_KEY_NOT_WRAPPABLE, CKR_KEY_UNEXTRACTABLE, CKR_WRAPPING_KEY_HANDLE_INVALID,  \
        CKR_WRAPPING_KEY_SIZE_RANGE, CKR_WRAPPING_KEY_TYPE_INCONSISTENT

#define CODES(...)                                                                                                     \
    .codes = (const CK_RV[])                                                                                           \
    {                                                                                                                  \
        __VA_ARGS__, CKR_OK                                                                                            \
    }

/* ---- functions: name, number of parameters, their kinds, what is to be known of the good call ---- */

#define ENCRYPTING .mechanism = AES_CBC, .key = SECRET, .optional = true
#define IN_GCM     .mechanism = AES_GCM, .key = SECRET, .optional = true
#define SIGNING    .mechanism = RSA_SHA256, .key = RSA_PRIVATE
#define VERIFYING  .mechanism = RSA_SHA256, .key = RSA_PUBLIC

#define FUNCTIONS_GENERAL(X)                                                                                           \
    X(C_Initialize, 1, (ANY), .good = CKR_CRYPTOKI_ALREADY_INITIALIZED, .early = true,                                 \
      CODES(CKR_CRYPTOKI_ALREADY_INITIALIZED))                                                                         \
    X(C_Finalize, 1, (RESERVED), .good = CKR_ARGUMENTS_BAD, .early = true, CODES(CKR_ARGUMENTS_BAD))                   \
    X(C_GetInfo, 1, (RECORD), .size = sizeof(CK_INFO), CODES(CKR_ARGUMENTS_BAD))                                       \
    X(C_GetFunctionList, 1, (RECORD), .early = true, CODES(CKR_ARGUMENTS_BAD))                                         \
    X(C_GetSlotList, 3, (YES_NO, OUT, OUT_LEN), .size = sizeof(CK_SLOT_ID), CODES(CKR_BUFFER_TOO_SMALL))               \
    X(C_GetSlotInfo, 2, (SLOT, RECORD), .size = sizeof(CK_SLOT_INFO), CODES(CKR_SLOT_ID_INVALID))                      \
    X(C_GetTokenInfo, 2, (SLOT, RECORD), .size = sizeof(CK_TOKEN_INFO), CODES(CKR_SLOT_ID_INVALID))                    \
    X(C_GetMechanismList, 3, (SLOT, OUT, OUT_LEN), .size = sizeof(CK_MECHANISM_TYPE),                                  \
      CODES(CKR_SLOT_ID_INVALID, CKR_BUFFER_TOO_SMALL))                                                                \
    X(C_GetMechanismInfo, 3, (SLOT, NUMBER, RECORD), .number = CKM_SHA256, .size = sizeof(CK_MECHANISM_INFO),          \
      CODES(CKR_SLOT_ID_INVALID, CKR_MECHANISM_INVALID))                                                               \
    X(C_InitToken, 4, (SLOT, PIN, LEN, LABEL), .good = CKR_SESSION_EXISTS,                                             \
      CODES(PIN_CODES, CKR_SESSION_EXISTS, CKR_SLOT_ID_INVALID, CKR_TOKEN_WRITE_PROTECTED))                            \
    X(C_InitPIN, 3, (SESSION, PIN, LEN), .good = CKR_USER_NOT_LOGGED_IN,                                               \
      CODES(PIN_CODES, CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN))                      \
    X(C_SetPIN, 5, (SESSION, PIN, LEN, NEW_PIN, LEN),                                                                  \
      CODES(PIN_CODES, CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_USER_NOT_LOGGED_IN))                      \
    X(C_OpenSession, 5, (SLOT, NUMBER, ANY, CALLBACK, RECORD), .number = CKF_SERIAL_SESSION,                           \
      CODES(CKR_SLOT_ID_INVALID, CKR_SESSION_COUNT, CKR_SESSION_PARALLEL_NOT_SUPPORTED,                                \
            CKR_SESSION_ASYNC_NOT_SUPPORTED, CKR_SESSION_READ_WRITE_SO_EXISTS))                                        \
    X(C_CloseSession, 1, (EXTRA_SESSION), .before = before_extra_session, CODES(CKR_SESSION_HANDLE_INVALID))           \
    X(C_CloseAllSessions, 1, (EXTRA_SLOT), CODES(CKR_SLOT_ID_INVALID))                                                 \
    X(C_GetSessionInfo, 2, (SESSION, RECORD), .size = sizeof(CK_SESSION_INFO), CODES(CKR_ARGUMENTS_BAD))               \
    X(C_GetOperationState, 3, (SESSION, OUT, OUT_LEN), .optional = true,                                               \
      CODES(CKR_STATE_UNSAVEABLE, CKR_OPERATION_NOT_INITIALIZED, CKR_BUFFER_TOO_SMALL))                                \
    X(C_SetOperationState, 5, (SESSION, DATA, LEN, KEY, KEY), .optional = true, .bounded = true,                       \
      CODES(CKR_SAVED_STATE_INVALID, CKR_KEY_CHANGED, CKR_KEY_NEEDED, CKR_KEY_NOT_NEEDED))                             \
    X(C_Login, 4, (SESSION, NUMBER, PIN, LEN), .number = CKU_USER, .before = before_log_out, CODES(LOGIN_CODES))       \
    X(C_Logout, 1, (SESSION), CODES(CKR_USER_NOT_LOGGED_IN))

#define FUNCTIONS_OBJECTS(X)                                                                                           \
    X(C_CreateObject, 4, (SESSION, TEMPLATE, COUNT, RECORD), .template = CREATE, CODES(NEW_CODES))                     \
    X(C_CopyObject, 5, (SESSION, OBJECT, TEMPLATE, COUNT, RECORD), .key = RSA_PUBLIC, .template = COPY,                \
      CODES(NEW_CODES, CKR_ACTION_PROHIBITED, CKR_OBJECT_HANDLE_INVALID))                                              \
    X(C_DestroyObject, 2, (SESSION, OBJECT), .key = EXTRA_OBJECT, .before = before_extra_object,                       \
      CODES(CKR_ACTION_PROHIBITED, CKR_OBJECT_HANDLE_INVALID, CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED))       \
    X(C_GetObjectSize, 3, (SESSION, OBJECT, RECORD), .key = RSA_PUBLIC,                                                \
      CODES(CKR_INFORMATION_SENSITIVE, CKR_OBJECT_HANDLE_INVALID))                                                     \
    X(C_GetAttributeValue, 4, (SESSION, OBJECT, GET_TEMPLATE, COUNT), .key = RSA_PUBLIC, .template = GET,              \
      CODES(CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL, CKR_OBJECT_HANDLE_INVALID))     \
    X(C_SetAttributeValue, 4, (SESSION, OBJECT, TEMPLATE, COUNT), .key = EXTRA_OBJECT, .template = CHANGE,             \
      .before = before_extra_object, CODES(TEMPLATE_CODES, CKR_ACTION_PROHIBITED, CKR_OBJECT_HANDLE_INVALID))          \
    X(C_FindObjectsInit, 3, (SESSION, TEMPLATE, COUNT), .template = FIND,                                              \
      CODES(CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID, CKR_OPERATION_ACTIVE))                            \
    X(C_FindObjects, 4, (SESSION, OBJECTS, MOST, RECORD), .before = before_find, CODES(CKR_OPERATION_NOT_INITIALIZED)) \
    X(C_FindObjectsFinal, 1, (SESSION), .before = before_find, CODES(CKR_OPERATION_NOT_INITIALIZED))

#define FUNCTIONS_CIPHER(X)                                                                                            \
    X(C_EncryptInit, 3, (SESSION, MECHANISM, KEY), ENCRYPTING, CODES(KEYED_CODES))                                     \
    X(C_Encrypt, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), ENCRYPTING, .before = before_encrypt, CODES(WORK_CODES))       \
    X(C_EncryptUpdate, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), ENCRYPTING, .before = before_encrypt, CODES(WORK_CODES)) \
    X(C_EncryptFinal, 3, (SESSION, OUT, OUT_LEN), ENCRYPTING, .before = before_encrypt, CODES(WORK_CODES))             \
    X(C_DecryptInit, 3, (SESSION, MECHANISM, KEY), ENCRYPTING, CODES(KEYED_CODES))                                     \
    X(C_Decrypt, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), ENCRYPTING, .before = before_decrypt, CODES(DECRYPT_CODES))    \
    X(C_DecryptUpdate, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), ENCRYPTING, .before = before_decrypt,                    \
      CODES(DECRYPT_CODES))                                                                                            \
    X(C_DecryptFinal, 3, (SESSION, OUT, OUT_LEN), ENCRYPTING, .before = before_decrypt, CODES(DECRYPT_CODES))

#define FUNCTIONS_SIGN(X)                                                                                              \
    X(C_DigestInit, 2, (SESSION, MECHANISM), .mechanism = SHA256,                                                      \
      CODES(CKR_MECHANISM_INVALID, CKR_MECHANISM_PARAM_INVALID, CKR_OPERATION_ACTIVE, CKR_OPERATION_CANCEL_FAILED))    \
    X(C_Digest, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .before = before_digest, CODES(WORK_CODES))                     \
    X(C_DigestUpdate, 3, (SESSION, DATA, LEN), .before = before_digest, CODES(WORK_CODES))                             \
    X(C_DigestKey, 2, (SESSION, KEY), .key = RSA_PUBLIC, .before = before_digest, .good = CKR_KEY_INDIGESTIBLE,        \
      CODES(CKR_KEY_HANDLE_INVALID, CKR_KEY_INDIGESTIBLE, CKR_KEY_SIZE_RANGE, CKR_OPERATION_NOT_INITIALIZED))          \
    X(C_DigestFinal, 3, (SESSION, OUT, OUT_LEN), .before = before_digest, CODES(WORK_CODES))                           \
    X(C_SignInit, 3, (SESSION, MECHANISM, KEY), SIGNING, CODES(KEYED_CODES))                                           \
    X(C_Sign, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), SIGNING, .before = before_sign, CODES(WORK_CODES))                \
    X(C_SignUpdate, 3, (SESSION, DATA, LEN), SIGNING, .before = before_sign, CODES(WORK_CODES))                        \
    X(C_SignFinal, 3, (SESSION, OUT, OUT_LEN), SIGNING, .before = before_sign, CODES(WORK_CODES))                      \
    X(C_SignRecoverInit, 3, (SESSION, MECHANISM, KEY), SIGNING, .optional = true, CODES(KEYED_CODES))                  \
    X(C_SignRecover, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .optional = true, CODES(WORK_CODES))                       \
    X(C_VerifyInit, 3, (SESSION, MECHANISM, KEY), VERIFYING, CODES(KEYED_CODES))                                       \
    X(C_Verify, 5, (SESSION, DATA, LEN, SIGNATURE, LEN), VERIFYING, .before = before_verify, CODES(VERIFY_CODES))      \
    X(C_VerifyUpdate, 3, (SESSION, DATA, LEN), VERIFYING, .before = before_verify, CODES(VERIFY_CODES))                \
    X(C_VerifyFinal, 3, (SESSION, SIGNATURE, LEN), VERIFYING, .before = before_verify_parts, CODES(VERIFY_CODES))      \
    X(C_VerifyRecoverInit, 3, (SESSION, MECHANISM, KEY), VERIFYING, .optional = true, CODES(KEYED_CODES))              \
    X(C_VerifyRecover, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .optional = true, CODES(VERIFY_CODES))

#define FUNCTIONS_KEYS(X)                                                                                              \
    X(C_DigestEncryptUpdate, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .optional = true, CODES(WORK_CODES))               \
    X(C_DecryptDigestUpdate, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .optional = true, CODES(DECRYPT_CODES))            \
    X(C_SignEncryptUpdate, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .optional = true, CODES(WORK_CODES))                 \
    X(C_DecryptVerifyUpdate, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .optional = true, CODES(DECRYPT_CODES))            \
    X(C_GenerateKey, 5, (SESSION, MECHANISM, TEMPLATE, COUNT, RECORD), .mechanism = AES_GENERATE,                      \
      .template = NEW_SECRET, .optional = true, CODES(NEW_CODES, KEYED_CODES))                                         \
    X(C_GenerateKeyPair, 8, (SESSION, MECHANISM, TEMPLATE, COUNT, PRIVATE_TEMPLATE, COUNT, RECORD, RECORD),            \
      .mechanism = EC_GENERATE, .template = NEW_PUBLIC, .optional = true, CODES(NEW_CODES, KEYED_CODES))               \
    X(C_WrapKey, 6, (SESSION, MECHANISM, KEY, KEY, OUT, OUT_LEN), .mechanism = AES_WRAP, .key = SECRET,                \
      .optional = true, CODES(WRAP_CODES))                                                                             \
    X(C_UnwrapKey, 8, (SESSION, MECHANISM, KEY, WRAPPED, LEN, TEMPLATE, COUNT, RECORD), .mechanism = AES_WRAP,         \
      .key = SECRET, .template = UNWRAPPED, .optional = true, .bounded = true,                                         \
      CODES(NEW_CODES, KEYED_CODES, UNWRAP_CODES))                                                                     \
    X(C_DeriveKey, 6, (SESSION, MECHANISM, KEY, TEMPLATE, COUNT, RECORD), .mechanism = ECDH, .key = EC_PRIVATE,        \
      .template = NEW_SECRET, .optional = true, CODES(NEW_CODES, KEYED_CODES))                                         \
    X(C_SeedRandom, 3, (SESSION, DATA, LEN),                                                                           \
      CODES(CKR_OPERATION_ACTIVE, CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_USER_NOT_LOGGED_IN))           \
    X(C_GenerateRandom, 3, (SESSION, RANDOM, LEN),                                                                     \
      CODES(CKR_OPERATION_ACTIVE, CKR_RANDOM_NO_RNG, CKR_USER_NOT_LOGGED_IN))                                          \
    X(C_GetFunctionStatus, 1, (SESSION), .good = CKR_FUNCTION_NOT_PARALLEL, CODES(CKR_FUNCTION_NOT_PARALLEL))          \
    X(C_CancelFunction, 1, (SESSION), .good = CKR_FUNCTION_NOT_PARALLEL, CODES(CKR_FUNCTION_NOT_PARALLEL))             \
    X(C_WaitForSlotEvent, 3, (DONT_BLOCK, RECORD, ANY), .optional = true, CODES(CKR_NO_EVENT))

#define FUNCTIONS_3_0(X)                                                                                               \
    X(C_GetInterfaceList, 2, (OUT, OUT_LEN), .size = sizeof(CK_INTERFACE), .early = true, CODES(CKR_BUFFER_TOO_SMALL)) \
    X(C_GetInterface, 4, (NAME, VERSION, RECORD, NUMBER), .early = true, CODES(CKR_FUNCTION_FAILED))                   \
    X(C_LoginUser, 6, (SESSION, NUMBER, PIN, LEN, USERNAME, LEN), .number = CKU_USER, .before = before_log_out,        \
      CODES(LOGIN_CODES))                                                                                              \
    X(C_SessionCancel, 2, (SESSION, NUMBER), CODES(CKR_OPERATION_CANCEL_FAILED))                                       \
    X(C_MessageEncryptInit, 3, (SESSION, MECHANISM, KEY), IN_GCM, CODES(KEYED_CODES))                                  \
    X(C_EncryptMessage, 9, (SESSION, PARAMETER, LEN, DATA, LEN, DATA, LEN, OUT, OUT_LEN), IN_GCM,                      \
      .before = before_message_encrypt, CODES(WORK_CODES, MESSAGE_CODES))                                              \
    X(C_EncryptMessageBegin, 5, (SESSION, PARAMETER, LEN, DATA, LEN), IN_GCM, .before = before_message_encrypt,        \
      CODES(WORK_CODES, MESSAGE_CODES))                                                                                \
    X(C_EncryptMessageNext, 8, (SESSION, PARAMETER, LEN, DATA, LEN, OUT, OUT_LEN, NUMBER), IN_GCM, .number = 1,        \
      .before = before_message_encrypt_begun, CODES(WORK_CODES, MESSAGE_CODES))                                        \
    X(C_MessageEncryptFinal, 1, (SESSION), IN_GCM, .before = before_message_encrypt, CODES(WORK_CODES))                \
    X(C_MessageDecryptInit, 3, (SESSION, MECHANISM, KEY), IN_GCM, CODES(KEYED_CODES))                                  \
    X(C_DecryptMessage, 9, (SESSION, PARAMETER, LEN, DATA, LEN, DATA, LEN, OUT, OUT_LEN), IN_GCM,                      \
      .before = before_message_decrypt, CODES(DECRYPT_CODES, MESSAGE_CODES))                                           \
    X(C_DecryptMessageBegin, 5, (SESSION, PARAMETER, LEN, DATA, LEN), IN_GCM, .before = before_message_decrypt,        \
      CODES(DECRYPT_CODES, MESSAGE_CODES))                                                                             \
    X(C_DecryptMessageNext, 8, (SESSION, PARAMETER, LEN, DATA, LEN, OUT, OUT_LEN, NUMBER), IN_GCM, .number = 1,        \
      .before = before_message_decrypt_begun, CODES(DECRYPT_CODES, MESSAGE_CODES))                                     \
    X(C_MessageDecryptFinal, 1, (SESSION), IN_GCM, .before = before_message_decrypt, CODES(WORK_CODES))                \
    X(C_MessageSignInit, 3, (SESSION, MECHANISM, KEY), SIGNING, CODES(KEYED_CODES))                                    \
    X(C_SignMessage, 7, (SESSION, PARAMETER, LEN, DATA, LEN, OUT, OUT_LEN), SIGNING, .before = before_message_sign,    \
      CODES(WORK_CODES, MESSAGE_CODES))                                                                                \
    X(C_SignMessageBegin, 3, (SESSION, PARAMETER, LEN), SIGNING, .before = before_message_sign,                        \
      CODES(WORK_CODES, MESSAGE_CODES))                                                                                \
    X(C_SignMessageNext, 7, (SESSION, PARAMETER, LEN, DATA, LEN, OUT, OUT_LEN), SIGNING, .more = true,                 \
      .before = before_message_sign_begun, CODES(WORK_CODES, MESSAGE_CODES))                                           \
    X(C_MessageSignFinal, 1, (SESSION), SIGNING, .before = before_message_sign, CODES(WORK_CODES))                     \
    X(C_MessageVerifyInit, 3, (SESSION, MECHANISM, KEY), VERIFYING, CODES(KEYED_CODES))                                \
    X(C_VerifyMessage, 7, (SESSION, PARAMETER, LEN, DATA, LEN, SIGNATURE, LEN), VERIFYING,                             \
      .before = before_message_verify, CODES(VERIFY_CODES, MESSAGE_CODES))                                             \
    X(C_VerifyMessageBegin, 3, (SESSION, PARAMETER, LEN), VERIFYING, .before = before_message_verify,                  \
      CODES(VERIFY_CODES, MESSAGE_CODES))                                                                              \
    X(C_VerifyMessageNext, 7, (SESSION, PARAMETER, LEN, DATA, LEN, SIGNATURE, LEN), VERIFYING, .more = true,           \
      .before = before_message_verify_begun, CODES(VERIFY_CODES, MESSAGE_CODES))                                       \
    X(C_MessageVerifyFinal, 1, (SESSION), VERIFYING, .before = before_message_verify, CODES(VERIFY_CODES))

#define FUNCTIONS_3_2(X)                                                                                               \
    X(C_EncapsulateKey, 8, (SESSION, MECHANISM, KEY, TEMPLATE, COUNT, OUT, OUT_LEN, RECORD), .mechanism = ECDH,        \
      .key = EC_PUBLIC, .template = NEW_SECRET, .optional = true, CODES(NEW_CODES, KEYED_CODES, CKR_BUFFER_TOO_SMALL)) \
    X(C_DecapsulateKey, 8, (SESSION, MECHANISM, KEY, TEMPLATE, COUNT, DATA, LEN, RECORD), .mechanism = ECDH,           \
      .key = EC_PRIVATE, .template = NEW_SECRET, .optional = true, .bounded = true,                                    \
      CODES(NEW_CODES, KEYED_CODES, UNWRAP_CODES))                                                                     \
    X(C_VerifySignatureInit, 5, (SESSION, MECHANISM, KEY, SIGNATURE, LEN), VERIFYING,                                  \
      CODES(KEYED_CODES, CKR_SIGNATURE_INVALID, CKR_SIGNATURE_LEN_RANGE))                                              \
    X(C_VerifySignature, 3, (SESSION, DATA, LEN), VERIFYING, .before = before_verify_signature, CODES(VERIFY_CODES))   \
    X(C_VerifySignatureUpdate, 3, (SESSION, DATA, LEN), VERIFYING, .before = before_verify_signature,                  \
      CODES(VERIFY_CODES))                                                                                             \
    X(C_VerifySignatureFinal, 1, (SESSION), VERIFYING, .before = before_verify_signature_parts, CODES(VERIFY_CODES))   \
    X(C_GetSessionValidationFlags, 3, (SESSION, NUMBER, RECORD), .number = CKS_LAST_VALIDATION_OK,                     \
      CODES(CKR_ARGUMENTS_BAD))                                                                                        \
    X(C_AsyncComplete, 3, (SESSION, NAME, RECORD), .size = sizeof(CK_ASYNC_DATA), .optional = true,                    \
      CODES(CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_ASYNC_NOT_SUPPORTED))                                           \
    X(C_AsyncGetID, 3, (SESSION, NAME, RECORD), .optional = true,                                                      \
      CODES(CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_ASYNC_NOT_SUPPORTED))                                           \
    X(C_AsyncJoin, 5, (SESSION, NAME, NUMBER, DATA, LEN), .optional = true,                                            \
      CODES(CKR_OPERATION_NOT_INITIALIZED, CKR_SESSION_ASYNC_NOT_SUPPORTED))                                           \
    X(C_WrapKeyAuthenticated, 8, (SESSION, MECHANISM, KEY, KEY, DATA, LEN, OUT, OUT_LEN), IN_GCM, CODES(WRAP_CODES))   \
    X(C_UnwrapKeyAuthenticated, 10, (SESSION, MECHANISM, KEY, DATA, LEN, TEMPLATE, COUNT, DATA, LEN, RECORD), IN_GCM,  \
      .template = NEW_SECRET, .bounded = true, CODES(NEW_CODES, KEYED_CODES, UNWRAP_CODES))

/* Once more, with mechanisms of another kind: with a parameter, without a hash. */
#define FUNCTIONS_AGAIN(X)                                                                                             \
    X(C_SignInit, 3, (SESSION, MECHANISM, KEY), .mechanism = RSA_PSS, .key = RSA_PRIVATE, CODES(KEYED_CODES))          \
    X(C_Sign, 5, (SESSION, DATA, LEN, OUT, OUT_LEN), .mechanism = ECDSA, .key = EC_PRIVATE, .bounded = true,           \
      .before = before_sign, CODES(WORK_CODES))                                                                        \
    X(C_SignUpdate, 3, (SESSION, DATA, LEN), .mechanism = ECDSA, .key = EC_PRIVATE, .bounded = true,                   \
      .before = before_sign, CODES(WORK_CODES))                                                                        \
    X(C_Verify, 5, (SESSION, DATA, LEN, SIGNATURE, LEN), .mechanism = ECDSA, .key = EC_PUBLIC, .bounded = true,        \
      .before = before_verify, CODES(VERIFY_CODES))

#define FUNCTIONS(X)                                                                                                   \
    FUNCTIONS_GENERAL(X)                                                                                               \
    FUNCTIONS_OBJECTS(X)                                                                                               \
    FUNCTIONS_CIPHER(X)                                                                                                \
    FUNCTIONS_SIGN(X)                                                                                                  \
    FUNCTIONS_KEYS(X)                                                                                                  \
    FUNCTIONS_3_0(X)                                                                                                   \
    FUNCTIONS_3_2(X)

/* ---- calls ---- */

#define AS_NUMBER(kind)                                                                                                \
    static inline CK_ULONG argument_##kind(union value value)                                                          \
    {                                                                                                                  \
        return value.number;                                                                                           \
    }
#define AS_POINTER(kind)                                                                                               \
    static inline void *argument_##kind(union value value)                                                             \
    {                                                                                                                  \
        return value.pointer;                                                                                          \
    }
NUMBER_KINDS(AS_NUMBER)
POINTER_KINDS(AS_POINTER)

static inline CK_BBOOL argument_YES_NO(union value value)
{
    return (CK_BBOOL)value.number;
}

static inline CK_NOTIFY argument_CALLBACK(union value value)
{
    (void)value;
    return NULL;
}

#define A(kind, at)                                argument_##kind(values[at])
#define ARGUMENTS_1(a)                             A(a, 0)
#define ARGUMENTS_2(a, b)                          ARGUMENTS_1(a), A(b, 1)
#define ARGUMENTS_3(a, b, c)                       ARGUMENTS_2(a, b), A(c, 2)
#define ARGUMENTS_4(a, b, c, d)                    ARGUMENTS_3(a, b, c), A(d, 3)
#define ARGUMENTS_5(a, b, c, d, e)                 ARGUMENTS_4(a, b, c, d), A(e, 4)
#define ARGUMENTS_6(a, b, c, d, e, f)              ARGUMENTS_5(a, b, c, d, e), A(f, 5)
#define ARGUMENTS_7(a, b, c, d, e, f, g)           ARGUMENTS_6(a, b, c, d, e, f), A(g, 6)
#define ARGUMENTS_8(a, b, c, d, e, f, g, h)        ARGUMENTS_7(a, b, c, d, e, f, g), A(h, 7)
#define ARGUMENTS_9(a, b, c, d, e, f, g, h, i)     ARGUMENTS_8(a, b, c, d, e, f, g, h), A(i, 8)
#define ARGUMENTS_10(a, b, c, d, e, f, g, h, i, j) ARGUMENTS_9(a, b, c, d, e, f, g, h, i), A(j, 9)

#define AS_CALL(function, count, parameters, ...)                                                                      \
    static CK_RV call_##function(const union value *values)                                                            \
    {                                                                                                                  \
        return function(ARGUMENTS_##count parameters);                                                                 \
    }
FUNCTIONS(AS_CALL)

#define LIST(...) __VA_ARGS__
#define AS_ROW(function, count, parameters, ...)                                                                       \
    {.name = #function, .call = call_##function, .kinds = {LIST parameters}, __VA_ARGS__},
const struct row rows[] = {FUNCTIONS(AS_ROW) FUNCTIONS_AGAIN(AS_ROW)};
const size_t rows_len = sizeof(rows) / sizeof(rows[0]);

bool has_kind(const struct row *row, enum kind kind)
{
    for (unsigned i = 0; i < PARAMS_MAX && row->kinds[i] != NOTHING; i++)
        if (row->kinds[i] == kind)
            return true;
    return false;
}

/* ---- that none is missing ---- */

#define NAME_OF(name)               #name,
#define NAME_OF_3(name, parameters) #name,
static const char *const functions[] = {TP_CK_FUNCTIONS_2_40(NAME_OF) TP_CK_FUNCTIONS_3_0(NAME_OF_3)
                                            TP_CK_FUNCTIONS_3_2(NAME_OF_3)};

void table_check(void)
{
    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
        if (i >= rows_len || strcmp(rows[i].name, functions[i]) != 0)
            fail("%s is missing in the table, or out of place", functions[i]);
}
