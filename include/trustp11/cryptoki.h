/* SPDX-License-Identifier: Apache-2.0
 *
 * PKCS#11 as this project uses it: p11-kit's header (2.40), and what that lacks of 3.0 and 3.2, from the specification's
 * numbers.
 *
 * The functions are listed once, in the order of the specification's function lists (PKCS#11 3.2 §5.1): the structs
 * below and the module's tables are made from these lists, so that a member can neither be missing nor out of place.
 */
#ifndef TRUSTP11_CRYPTOKI_H
#define TRUSTP11_CRYPTOKI_H

#include <p11-kit/pkcs11.h>

/* ---- values ---- */

#ifndef CKM_AES_KEY_WRAP_PAD
#define CKM_AES_KEY_WRAP_PAD 0x210AUL
#endif
#ifndef CKM_AES_KEY_WRAP_KWP
#define CKM_AES_KEY_WRAP_KWP 0x210BUL
#endif

#ifndef CKO_PROFILE
#define CKO_PROFILE    9UL
#define CKA_PROFILE_ID 0x601UL
#endif
#ifndef CKP_BASELINE_PROVIDER
#define CKP_INVALID_ID                0UL
#define CKP_BASELINE_PROVIDER         1UL
#define CKP_EXTENDED_PROVIDER         2UL
#define CKP_AUTHENTICATION_TOKEN      3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN 4UL
#endif

#ifndef CK_CERTIFICATE_CATEGORY_TOKEN_USER
#define CK_CERTIFICATE_CATEGORY_UNSPECIFIED  0UL
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER   1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY    2UL
#define CK_CERTIFICATE_CATEGORY_OTHER_ENTITY 3UL
#endif

#ifndef CKK_EC_EDWARDS
#define CKK_EC_EDWARDS 0x40UL
#endif

#ifndef CKM_SHA3_256
#define CKM_SHA3_256 0x2B0UL
#define CKM_SHA3_224 0x2B5UL
#define CKM_SHA3_384 0x2C0UL
#define CKM_SHA3_512 0x2D0UL
#endif
#ifndef CKM_SHA3_256_RSA_PKCS
#define CKM_SHA3_256_RSA_PKCS 0x60UL
#define CKM_SHA3_384_RSA_PKCS 0x61UL
#define CKM_SHA3_512_RSA_PKCS 0x62UL
#define CKM_SHA3_224_RSA_PKCS 0x66UL
#endif
#ifndef CKM_ECDSA_SHA3_256
#define CKM_ECDSA_SHA3_224 0x1047UL
#define CKM_ECDSA_SHA3_256 0x1048UL
#define CKM_ECDSA_SHA3_384 0x1049UL
#define CKM_ECDSA_SHA3_512 0x104AUL
#endif

#ifndef CKK_SHA3_224_HMAC
#define CKK_SHA3_224_HMAC 0x36UL
#define CKK_SHA3_256_HMAC 0x37UL
#define CKK_SHA3_384_HMAC 0x38UL
#define CKK_SHA3_512_HMAC 0x39UL
#endif
#ifndef CKM_SHA3_256_RSA_PKCS_PSS
#define CKM_SHA3_256_RSA_PKCS_PSS 0x63UL
#define CKM_SHA3_384_RSA_PKCS_PSS 0x64UL
#define CKM_SHA3_512_RSA_PKCS_PSS 0x65UL
#define CKM_SHA3_224_RSA_PKCS_PSS 0x67UL
#endif
#ifndef CKG_MGF1_SHA3_224
#define CKG_MGF1_SHA3_224 0x6UL
#define CKG_MGF1_SHA3_256 0x7UL
#define CKG_MGF1_SHA3_384 0x8UL
#define CKG_MGF1_SHA3_512 0x9UL
#endif
#ifndef CKM_SHA3_256_HMAC
#define CKM_SHA3_256_HMAC 0x2B1UL
#define CKM_SHA3_256_HMAC_GENERAL 0x2B2UL
#define CKM_SHA3_256_KEY_GEN 0x2B3UL
#define CKM_SHA3_224_HMAC 0x2B6UL
#define CKM_SHA3_224_HMAC_GENERAL 0x2B7UL
#define CKM_SHA3_224_KEY_GEN 0x2B8UL
#define CKM_SHA3_384_HMAC 0x2C1UL
#define CKM_SHA3_384_HMAC_GENERAL 0x2C2UL
#define CKM_SHA3_384_KEY_GEN 0x2C3UL
#define CKM_SHA3_512_HMAC 0x2D1UL
#define CKM_SHA3_512_HMAC_GENERAL 0x2D2UL
#define CKM_SHA3_512_KEY_GEN 0x2D3UL
#endif
#ifndef CKK_SHA512_224_HMAC
#define CKK_SHA512_224_HMAC 0x43UL
#define CKK_SHA512_256_HMAC 0x44UL
#endif
#ifndef CKM_SHA_1_KEY_GEN
#define CKM_SHA_1_KEY_GEN 0x4003UL
#define CKM_SHA224_KEY_GEN 0x4004UL
#define CKM_SHA256_KEY_GEN 0x4005UL
#define CKM_SHA384_KEY_GEN 0x4006UL
#define CKM_SHA512_KEY_GEN 0x4007UL
#define CKM_SHA512_224_KEY_GEN 0x4008UL
#define CKM_SHA512_256_KEY_GEN 0x4009UL
#endif

#ifndef CKF_MESSAGE_ENCRYPT
#define CKF_MESSAGE_ENCRYPT 0x02UL
#define CKF_MESSAGE_DECRYPT 0x04UL
#define CKF_MESSAGE_SIGN    0x08UL
#define CKF_MESSAGE_VERIFY  0x10UL
#define CKF_MULTI_MESSAGE   0x20UL
#define CKF_FIND_OBJECTS    0x40UL
#endif
#ifndef CKF_END_OF_MESSAGE
#define CKF_END_OF_MESSAGE 0x01UL
#endif
#ifndef CKF_INTERFACE_FORK_SAFE
#define CKF_INTERFACE_FORK_SAFE 0x01UL
#endif

#ifndef CKF_ASYNC_SESSION
#define CKF_ASYNC_SESSION 0x08UL
#endif
#ifndef CKS_LAST_VALIDATION_OK
#define CKS_LAST_VALIDATION_OK 0x01UL
#endif
#ifndef CKR_SESSION_ASYNC_NOT_SUPPORTED
#define CKR_SESSION_ASYNC_NOT_SUPPORTED 0x205UL
#endif

#ifndef CKR_OPERATION_CANCEL_FAILED
#define CKR_TOKEN_RESOURCE_EXCEEDED 0x201UL
#define CKR_OPERATION_CANCEL_FAILED 0x202UL
#endif

/* Of CKM_EDDSA (mechanisms 3.0 §2.3.15). */
typedef struct CK_EDDSA_PARAMS {
    CK_BBOOL phFlag;
    CK_ULONG ulContextDataLen;
    CK_BYTE_PTR pContextData;
} CK_EDDSA_PARAMS;

/* ---- interfaces and functions of 3.0 and 3.2 ---- */

typedef struct CK_INTERFACE {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

/* Of functions that go on behind their caller's back (3.2 §5.21). */
typedef struct CK_ASYNC_DATA {
    CK_ULONG ulVersion;
    CK_BYTE_PTR pValue;
    CK_ULONG ulValue;
    CK_OBJECT_HANDLE hObject, hAdditionalObject;
} CK_ASYNC_DATA;
typedef CK_ASYNC_DATA *CK_ASYNC_DATA_PTR;
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;

/* Parameters that several message functions share. */
#define TP_CK_MESSAGE   CK_SESSION_HANDLE session, CK_VOID_PTR parameter, CK_ULONG parameter_len
#define TP_CK_IN(name)  CK_BYTE_PTR name, CK_ULONG name##_len
#define TP_CK_OUT(name) CK_BYTE_PTR name, CK_ULONG_PTR name##_len
#define TP_CK_KEYED     CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key

/* name, parameters: what 3.0 adds behind the functions of 2.40 */
#define TP_CK_FUNCTIONS_3_0(X)                                                                                         \
    TP_CK_FUNCTIONS_GENERAL(X)                                                                                         \
    TP_CK_FUNCTIONS_MESSAGE(X)
#define TP_CK_FUNCTIONS_GENERAL(X)                                                                                     \
    X(C_GetInterfaceList, (CK_INTERFACE_PTR interfaces, CK_ULONG_PTR count))                                           \
    X(C_GetInterface, (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags))  \
    X(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE user_type, TP_CK_IN(pin), TP_CK_IN(username)))             \
    X(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags))
#define TP_CK_FUNCTIONS_MESSAGE(X)                                                                                     \
    TP_CK_FUNCTIONS_MESSAGE_CIPHER(X)                                                                                  \
    TP_CK_FUNCTIONS_MESSAGE_SIGN(X)
#define TP_CK_FUNCTIONS_MESSAGE_CIPHER(X)                                                                              \
    X(C_MessageEncryptInit, (TP_CK_KEYED))                                                                             \
    X(C_EncryptMessage, (TP_CK_MESSAGE, TP_CK_IN(associated), TP_CK_IN(plain), TP_CK_OUT(cipher)))                     \
    X(C_EncryptMessageBegin, (TP_CK_MESSAGE, TP_CK_IN(associated)))                                                    \
    X(C_EncryptMessageNext, (TP_CK_MESSAGE, TP_CK_IN(plain), TP_CK_OUT(cipher), CK_FLAGS flags))                       \
    X(C_MessageEncryptFinal, (CK_SESSION_HANDLE session))                                                              \
    X(C_MessageDecryptInit, (TP_CK_KEYED))                                                                             \
    X(C_DecryptMessage, (TP_CK_MESSAGE, TP_CK_IN(associated), TP_CK_IN(cipher), TP_CK_OUT(plain)))                     \
    X(C_DecryptMessageBegin, (TP_CK_MESSAGE, TP_CK_IN(associated)))                                                    \
    X(C_DecryptMessageNext, (TP_CK_MESSAGE, TP_CK_IN(cipher), TP_CK_OUT(plain), CK_FLAGS flags))                       \
    X(C_MessageDecryptFinal, (CK_SESSION_HANDLE session))
#define TP_CK_FUNCTIONS_MESSAGE_SIGN(X)                                                                                \
    X(C_MessageSignInit, (TP_CK_KEYED))                                                                                \
    X(C_SignMessage, (TP_CK_MESSAGE, TP_CK_IN(data), TP_CK_OUT(signature)))                                            \
    X(C_SignMessageBegin, (TP_CK_MESSAGE))                                                                             \
    X(C_SignMessageNext, (TP_CK_MESSAGE, TP_CK_IN(data), TP_CK_OUT(signature)))                                        \
    X(C_MessageSignFinal, (CK_SESSION_HANDLE session))                                                                 \
    X(C_MessageVerifyInit, (TP_CK_KEYED))                                                                              \
    X(C_VerifyMessage, (TP_CK_MESSAGE, TP_CK_IN(data), TP_CK_IN(signature)))                                           \
    X(C_VerifyMessageBegin, (TP_CK_MESSAGE))                                                                           \
    X(C_VerifyMessageNext, (TP_CK_MESSAGE, TP_CK_IN(data), TP_CK_IN(signature)))                                       \
    X(C_MessageVerifyFinal, (CK_SESSION_HANDLE session))

/* name, parameters: what 3.2 adds behind those */
#define TP_CK_TEMPLATE CK_ATTRIBUTE_PTR template, CK_ULONG count
#define TP_CK_FUNCTIONS_3_2(X)                                                                                         \
    TP_CK_FUNCTIONS_ENCAPSULATE(X)                                                                                     \
    TP_CK_FUNCTIONS_VERIFY_SIGNATURE(X)                                                                                \
    X(C_GetSessionValidationFlags,                                                                                     \
      (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS * flags))                            \
    TP_CK_FUNCTIONS_ASYNC(X)                                                                                           \
    TP_CK_FUNCTIONS_AUTHENTICATED(X)
#define TP_CK_FUNCTIONS_ENCAPSULATE(X)                                                                                 \
    X(C_EncapsulateKey, (TP_CK_KEYED, TP_CK_TEMPLATE, TP_CK_OUT(cipher), CK_OBJECT_HANDLE * new_key))                  \
    X(C_DecapsulateKey, (TP_CK_KEYED, TP_CK_TEMPLATE, TP_CK_IN(cipher), CK_OBJECT_HANDLE * new_key))
#define TP_CK_FUNCTIONS_VERIFY_SIGNATURE(X)                                                                            \
    X(C_VerifySignatureInit, (TP_CK_KEYED, TP_CK_IN(signature)))                                                       \
    X(C_VerifySignature, (CK_SESSION_HANDLE session, TP_CK_IN(data)))                                                  \
    X(C_VerifySignatureUpdate, (CK_SESSION_HANDLE session, TP_CK_IN(part)))                                            \
    X(C_VerifySignatureFinal, (CK_SESSION_HANDLE session))
#define TP_CK_FUNCTIONS_ASYNC(X)                                                                                       \
    X(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function_name, CK_ASYNC_DATA_PTR result))           \
    X(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function_name, CK_ULONG_PTR id))                       \
    X(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function_name, CK_ULONG id, TP_CK_IN(data)))
#define TP_CK_FUNCTIONS_AUTHENTICATED(X)                                                                               \
    X(C_WrapKeyAuthenticated, (TP_CK_KEYED, CK_OBJECT_HANDLE wrapped, TP_CK_IN(associated), TP_CK_OUT(bytes)))         \
    X(C_UnwrapKeyAuthenticated,                                                                                        \
      (TP_CK_KEYED, TP_CK_IN(bytes), TP_CK_TEMPLATE, TP_CK_IN(associated), CK_OBJECT_HANDLE * new_key))

/* name: the functions of 2.40 (p11-kit declares them), in the order of CK_FUNCTION_LIST. C_GetInfo stands apart: its
 * answer names the version of the list that it is called through. */
#define TP_CK_FUNCTIONS_2_40(X)                                                                                        \
    TP_CK_FUNCTIONS_BEFORE_INFO(X)                                                                                     \
    X(C_GetInfo)                                                                                                       \
    TP_CK_FUNCTIONS_AFTER_INFO(X)
#define TP_CK_FUNCTIONS_BEFORE_INFO(X)                                                                                 \
    X(C_Initialize)                                                                                                    \
    X(C_Finalize)
#define TP_CK_FUNCTIONS_AFTER_INFO(X)                                                                                  \
    X(C_GetFunctionList)                                                                                               \
    X(C_GetSlotList)                                                                                                   \
    X(C_GetSlotInfo)                                                                                                   \
    X(C_GetTokenInfo)                                                                                                  \
    X(C_GetMechanismList)                                                                                              \
    X(C_GetMechanismInfo)                                                                                              \
    X(C_InitToken)                                                                                                     \
    X(C_InitPIN)                                                                                                       \
    X(C_SetPIN)                                                                                                        \
    X(C_OpenSession)                                                                                                   \
    X(C_CloseSession)                                                                                                  \
    X(C_CloseAllSessions)                                                                                              \
    X(C_GetSessionInfo)                                                                                                \
    X(C_GetOperationState)                                                                                             \
    X(C_SetOperationState)                                                                                             \
    X(C_Login)                                                                                                         \
    X(C_Logout)                                                                                                        \
    X(C_CreateObject)                                                                                                  \
    X(C_CopyObject)                                                                                                    \
    X(C_DestroyObject)                                                                                                 \
    X(C_GetObjectSize)                                                                                                 \
    X(C_GetAttributeValue)                                                                                             \
    X(C_SetAttributeValue)                                                                                             \
    X(C_FindObjectsInit)                                                                                               \
    X(C_FindObjects)                                                                                                   \
    X(C_FindObjectsFinal)                                                                                              \
    X(C_EncryptInit)                                                                                                   \
    X(C_Encrypt)                                                                                                       \
    X(C_EncryptUpdate)                                                                                                 \
    X(C_EncryptFinal)                                                                                                  \
    X(C_DecryptInit)                                                                                                   \
    X(C_Decrypt)                                                                                                       \
    X(C_DecryptUpdate)                                                                                                 \
    X(C_DecryptFinal)                                                                                                  \
    X(C_DigestInit)                                                                                                    \
    X(C_Digest)                                                                                                        \
    X(C_DigestUpdate)                                                                                                  \
    X(C_DigestKey)                                                                                                     \
    X(C_DigestFinal)                                                                                                   \
    X(C_SignInit)                                                                                                      \
    X(C_Sign)                                                                                                          \
    X(C_SignUpdate)                                                                                                    \
    X(C_SignFinal)                                                                                                     \
    X(C_SignRecoverInit)                                                                                               \
    X(C_SignRecover)                                                                                                   \
    X(C_VerifyInit)                                                                                                    \
    X(C_Verify)                                                                                                        \
    X(C_VerifyUpdate)                                                                                                  \
    X(C_VerifyFinal)                                                                                                   \
    X(C_VerifyRecoverInit)                                                                                             \
    X(C_VerifyRecover)                                                                                                 \
    X(C_DigestEncryptUpdate)                                                                                           \
    X(C_DecryptDigestUpdate)                                                                                           \
    X(C_SignEncryptUpdate)                                                                                             \
    X(C_DecryptVerifyUpdate)                                                                                           \
    X(C_GenerateKey)                                                                                                   \
    X(C_GenerateKeyPair)                                                                                               \
    X(C_WrapKey)                                                                                                       \
    X(C_UnwrapKey)                                                                                                     \
    X(C_DeriveKey)                                                                                                     \
    X(C_SeedRandom)                                                                                                    \
    X(C_GenerateRandom)                                                                                                \
    X(C_GetFunctionStatus)                                                                                             \
    X(C_CancelFunction)                                                                                                \
    X(C_WaitForSlotEvent)

#define TP_CK_DECLARE(name, parameters)                                                                                \
    typedef CK_RV(*CK_##name) parameters;                                                                              \
    CK_RV name parameters;
TP_CK_FUNCTIONS_3_0(TP_CK_DECLARE)
TP_CK_FUNCTIONS_3_2(TP_CK_DECLARE)
#undef TP_CK_DECLARE

#define TP_CK_MEMBER(name)               CK_##name name;
#define TP_CK_MEMBER_3(name, parameters) CK_##name name;
typedef struct CK_FUNCTION_LIST_3_0 {
    CK_VERSION version;
    TP_CK_FUNCTIONS_2_40(TP_CK_MEMBER)
    TP_CK_FUNCTIONS_3_0(TP_CK_MEMBER_3)
} CK_FUNCTION_LIST_3_0;
typedef struct CK_FUNCTION_LIST_3_2 {
    CK_VERSION version;
    TP_CK_FUNCTIONS_2_40(TP_CK_MEMBER)
    TP_CK_FUNCTIONS_3_0(TP_CK_MEMBER_3)
    TP_CK_FUNCTIONS_3_2(TP_CK_MEMBER_3)
} CK_FUNCTION_LIST_3_2;
#undef TP_CK_MEMBER
#undef TP_CK_MEMBER_3

#endif
