/* SPDX-License-Identifier: Apache-2.0
 *
 * The C_ functions that do something, in the order of the specification. Those that do nothing: unsupported.c; what is
 * exported: list.c.
 */
#include "p11/entry.h"
#include "p11/dual.h"
#include "p11/gate.h"
#include "p11/login.h"
#include "p11/message.h"
#include "p11/module.h"
#include "p11/objects.h"
#include "p11/officer.h"
#include "p11/random.h"
#include "p11/session.h"
#include "p11/sign.h"
#include "p11/slot.h"
#include "p11/token.h"
#include "p11/verify.h"
#include "p11/wrap.h"

/* ---- general (3.0 §5.4) ---- */

CK_RV C_Initialize(void *init_args)
{
    CK_RV rv = tp_p11_module_check_arguments(init_args);
    if (rv == CKR_OK)
        rv = tp_p11_gate_open();
    if (rv == CKR_OK)
        tp_p11_module_settle();
    return rv;
}

CK_RV C_Finalize(void *reserved)
{
    return reserved != NULL ? CKR_ARGUMENTS_BAD : tp_p11_gate_close();
}

CK_RV C_GetInfo(CK_INFO *info)
{
    TP_P11_CALL(tp_p11_module_info((CK_VERSION){3, 2}, info));
}

CK_RV tp_p11_get_info_3_0(CK_INFO *info)
{
    TP_P11_CALL(tp_p11_module_info((CK_VERSION){3, 0}, info));
}

CK_RV tp_p11_get_info_2_40(CK_INFO *info)
{
    TP_P11_CALL(tp_p11_module_info((CK_VERSION){2, 40}, info));
}

/* ---- slots and tokens (§5.5) ---- */

CK_RV C_GetSlotList(CK_BBOOL token_present, CK_SLOT_ID *slots, CK_ULONG *count)
{
    TP_P11_CALL(tp_p11_slot_list(&call, token_present != CK_FALSE, slots, count));
}

CK_RV C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
    TP_P11_CALL(tp_p11_slot_info(&call, slot, info));
}

CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
    TP_P11_CALL(tp_p11_token_info(&call, slot, info));
}

CK_RV C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
    TP_P11_CALL(tp_p11_slot_wait(&call, flags, slot, reserved));
}

CK_RV C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *mechanisms, CK_ULONG *count)
{
    TP_P11_CALL(tp_p11_slot_mechanism_list(&call, slot, mechanisms, count));
}

CK_RV C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info)
{
    TP_P11_CALL(tp_p11_slot_mechanism_info(&call, slot, type, info));
}

CK_RV C_InitToken(CK_SLOT_ID slot, CK_UTF8CHAR *pin, CK_ULONG pin_len, CK_UTF8CHAR *label)
{
    TP_P11_CALL(tp_p11_officer_init_token(&call, slot, TP_BYTES(pin, pin_len), label));
}

CK_RV C_InitPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
    TP_P11_SESSION(session, tp_p11_officer_init_pin(&call, TP_BYTES(pin, pin_len)));
}

CK_RV C_SetPIN(CK_SESSION_HANDLE session, CK_UTF8CHAR *old_pin, CK_ULONG old_len, CK_UTF8CHAR *new_pin,
               CK_ULONG new_len)
{
    TP_P11_SESSION(session, tp_p11_token_set_pin(&call, TP_BYTES(old_pin, old_len), TP_BYTES(new_pin, new_len)));
}

/* ---- sessions (§5.6) ---- */

CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
    (void)application;
    (void)notify; /* nothing here ever calls back */
    TP_P11_CALL(tp_p11_session_open(&call, slot, flags, session));
}

CK_RV C_CloseSession(CK_SESSION_HANDLE session)
{
    TP_P11_SESSION(session, tp_p11_session_close(&call));
}

CK_RV C_CloseAllSessions(CK_SLOT_ID slot)
{
    TP_P11_CALL(tp_p11_session_close_all(&call, slot));
}

CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
    TP_P11_SESSION(session, tp_p11_session_info(&call, info));
}

CK_RV C_GetSessionValidationFlags(CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS *flags)
{
    TP_P11_SESSION(session, tp_p11_session_validation(type, flags));
}

CK_RV C_SessionCancel(CK_SESSION_HANDLE session, CK_FLAGS flags)
{
    TP_P11_LOCKED(session, tp_p11_session_cancel(&call, flags));
}

CK_RV C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_UTF8CHAR *pin, CK_ULONG pin_len)
{
    TP_P11_LOCKED(session, tp_p11_login(&call, user_type, TP_BYTES(pin, pin_len)));
}

CK_RV C_LoginUser(CK_SESSION_HANDLE session, CK_USER_TYPE user_type, CK_BYTE *pin, CK_ULONG pin_len, CK_BYTE *username,
                  CK_ULONG username_len)
{
    TP_P11_LOCKED(session,
                  tp_p11_login_user(&call, user_type, TP_BYTES(pin, pin_len), TP_BYTES(username, username_len)));
}

CK_RV C_Logout(CK_SESSION_HANDLE session)
{
    TP_P11_SESSION(session, tp_p11_logout(&call));
}

/* ---- objects (§5.7) ---- */

CK_RV C_CreateObject(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *object)
{
    TP_P11_SESSION(session, tp_p11_objects_create(&call, template, count, object));
}

CK_RV C_CopyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count,
                   CK_OBJECT_HANDLE *new_object)
{
    TP_P11_SESSION(session, tp_p11_objects_copy(&call, object, template, count, new_object));
}

CK_RV C_DestroyObject(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object)
{
    TP_P11_SESSION(session, tp_p11_objects_destroy(&call, object));
}

CK_RV C_GetObjectSize(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ULONG *size)
{
    TP_P11_SESSION(session, tp_p11_objects_size(&call, object, size));
}

CK_RV C_GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    TP_P11_SESSION(session, tp_p11_objects_get(&call, object, template, count));
}

CK_RV C_SetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *template, CK_ULONG count)
{
    TP_P11_SESSION(session, tp_p11_objects_set(&call, object, template, count));
}

CK_RV C_FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count)
{
    TP_P11_LOCKED(session, tp_p11_find_init(&call, template, count));
}

CK_RV C_FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG most, CK_ULONG *count)
{
    TP_P11_LOCKED(session, tp_p11_find_next(&call, objects, most, count));
}

CK_RV C_FindObjectsFinal(CK_SESSION_HANDLE session)
{
    TP_P11_LOCKED(session, tp_p11_find_final(&call));
}

/* ---- ciphers (§5.8, §5.10) ---- */

CK_RV C_EncryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_cipher_init(&call, &call.session->encrypt, CKF_ENCRYPT, mechanism, key));
}

CK_RV C_Encrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *result, CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_cipher_whole(&call.session->encrypt, TP_BYTES(data, data_len), result, result_len));
}

CK_RV C_EncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *result,
                      CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_cipher_update(&call.session->encrypt, TP_BYTES(part, part_len), result, result_len));
}

CK_RV C_EncryptFinal(CK_SESSION_HANDLE session, CK_BYTE *result, CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_cipher_final(&call.session->encrypt, result, result_len));
}

CK_RV C_DecryptInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_cipher_init(&call, &call.session->decrypt, CKF_DECRYPT, mechanism, key));
}

CK_RV C_Decrypt(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *result, CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_cipher_whole(&call.session->decrypt, TP_BYTES(data, data_len), result, result_len));
}

CK_RV C_DecryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *result,
                      CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_cipher_update(&call.session->decrypt, TP_BYTES(part, part_len), result, result_len));
}

CK_RV C_DecryptFinal(CK_SESSION_HANDLE session, CK_BYTE *result, CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_cipher_final(&call.session->decrypt, result, result_len));
}

/* ---- digests (§5.12) ---- */

CK_RV C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)
{
    TP_P11_LOCKED(session, tp_p11_digest_init(&call, mechanism));
}

CK_RV C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *digest, CK_ULONG *digest_len)
{
    TP_P11_LOCKED(session, tp_p11_digest_whole(&call, TP_BYTES(data, data_len), digest, digest_len));
}

CK_RV C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    TP_P11_LOCKED(session, tp_p11_digest_update(&call, TP_BYTES(part, part_len)));
}

CK_RV C_DigestKey(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_digest_key(&call, key));
}

CK_RV C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *digest, CK_ULONG *digest_len)
{
    TP_P11_LOCKED(session, tp_p11_digest_final(&call, digest, digest_len));
}

/* ---- signatures (§5.13) ---- */

CK_RV C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_sign_init(&call, mechanism, key));
}

CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len)
{
    TP_P11_LOCKED(session, tp_p11_sign_whole(&call, TP_BYTES(data, data_len), signature, signature_len));
}

CK_RV C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    TP_P11_LOCKED(session, tp_p11_sign_update(&call, TP_BYTES(part, part_len)));
}

CK_RV C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG *signature_len)
{
    TP_P11_LOCKED(session, tp_p11_sign_final(&call, signature, signature_len));
}

/* ---- verification (§5.15) ---- */

CK_RV C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_verify_init(&call, mechanism, key));
}

CK_RV C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len, CK_BYTE *signature, CK_ULONG signature_len)
{
    TP_P11_LOCKED(session, tp_p11_verify_whole(&call, TP_BYTES(data, data_len), TP_BYTES(signature, signature_len)));
}

CK_RV C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    TP_P11_LOCKED(session, tp_p11_verify_update(&call, TP_BYTES(part, part_len)));
}

CK_RV C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature, CK_ULONG signature_len)
{
    TP_P11_LOCKED(session, tp_p11_verify_final(&call, TP_BYTES(signature, signature_len)));
}

/* ---- verification of a signature that is given first (3.2 §5.16) ---- */

CK_RV C_VerifySignatureInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key,
                            CK_BYTE *signature, CK_ULONG signature_len)
{
    TP_P11_LOCKED(session, tp_p11_verify_signature_init(&call, mechanism, key, TP_BYTES(signature, signature_len)));
}

CK_RV C_VerifySignature(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len)
{
    TP_P11_LOCKED(session, tp_p11_verify_signature_whole(&call, TP_BYTES(data, data_len)));
}

CK_RV C_VerifySignatureUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len)
{
    TP_P11_LOCKED(session, tp_p11_verify_signature_update(&call, TP_BYTES(part, part_len)));
}

CK_RV C_VerifySignatureFinal(CK_SESSION_HANDLE session)
{
    TP_P11_LOCKED(session, tp_p11_verify_signature_final(&call));
}

/* ---- one key for many messages (3.0 §5.14, §5.16) ---- */

CK_RV C_MessageSignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_message_sign_init(&call, mechanism, key));
}

CK_RV C_SignMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
                    CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len)
{
    TP_P11_LOCKED(session, tp_p11_message_sign(&call, TP_BYTES(parameter, parameter_len), TP_BYTES(data, data_len),
                                               signature, signature_len));
}

CK_RV C_SignMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len)
{
    TP_P11_LOCKED(session, tp_p11_message_sign_begin(&call, TP_BYTES(parameter, parameter_len)));
}

CK_RV C_SignMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
                        CK_ULONG data_len, CK_BYTE *signature, CK_ULONG *signature_len)
{
    TP_P11_LOCKED(session, tp_p11_message_sign_next(&call, TP_BYTES(parameter, parameter_len),
                                                    TP_BYTES(data, data_len), signature, signature_len));
}

CK_RV C_MessageSignFinal(CK_SESSION_HANDLE session)
{
    TP_P11_LOCKED(session, tp_p11_message_sign_final(&call));
}

CK_RV C_MessageVerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    TP_P11_LOCKED(session, tp_p11_message_verify_init(&call, mechanism, key));
}

CK_RV C_VerifyMessage(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
                      CK_ULONG data_len, CK_BYTE *signature, CK_ULONG signature_len)
{
    TP_P11_LOCKED(session, tp_p11_message_verify(&call, TP_BYTES(parameter, parameter_len), TP_BYTES(data, data_len),
                                                 TP_BYTES(signature, signature_len)));
}

CK_RV C_VerifyMessageBegin(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len)
{
    TP_P11_LOCKED(session, tp_p11_message_verify_begin(&call, TP_BYTES(parameter, parameter_len)));
}

CK_RV C_VerifyMessageNext(CK_SESSION_HANDLE session, void *parameter, CK_ULONG parameter_len, CK_BYTE *data,
                          CK_ULONG data_len, CK_BYTE *signature, CK_ULONG signature_len)
{
    TP_P11_LOCKED(session, tp_p11_message_verify_next(&call, TP_BYTES(parameter, parameter_len),
                                                      TP_BYTES(data, data_len), TP_BYTES(signature, signature_len)));
}

CK_RV C_MessageVerifyFinal(CK_SESSION_HANDLE session)
{
    TP_P11_LOCKED(session, tp_p11_message_verify_final(&call));
}

/* ---- two operations at once (§5.17) ---- */

CK_RV C_DigestEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *result,
                            CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_dual_encrypt(&call, tp_p11_digest_update, TP_BYTES(part, part_len), result, result_len));
}

CK_RV C_DecryptDigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *result,
                            CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_dual_decrypt(&call, tp_p11_digest_update, TP_BYTES(part, part_len), result, result_len));
}

CK_RV C_SignEncryptUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *result,
                            CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_dual_encrypt(&call, tp_p11_sign_update, TP_BYTES(part, part_len), result, result_len));
}

CK_RV C_DecryptVerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG part_len, CK_BYTE *result,
                            CK_ULONG *result_len)
{
    TP_P11_LOCKED(session, tp_p11_dual_decrypt(&call, tp_p11_verify_update, TP_BYTES(part, part_len), result, result_len));
}

/* ---- making and moving keys (§5.18) ---- */

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *template, CK_ULONG count,
                    CK_OBJECT_HANDLE *key)
{
    TP_P11_SESSION(session, tp_p11_objects_generate(&call, mechanism, template, count, key));
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key,
                CK_BYTE *wrapped, CK_ULONG *wrapped_len)
{
    TP_P11_SESSION(session, tp_p11_wrap(&call, mechanism, wrapping_key, key, wrapped, wrapped_len));
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key, CK_BYTE *wrapped,
                  CK_ULONG wrapped_len, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    TP_P11_SESSION(session, tp_p11_unwrap(&call, mechanism, unwrapping_key, TP_BYTES(wrapped, wrapped_len), template,
                                          count, key));
}

/* ---- random numbers (§5.19) ---- */

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_len)
{
    TP_P11_SESSION(session, tp_p11_random_seed(&call, TP_BYTES(seed, seed_len)));
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *random_data, CK_ULONG random_len)
{
    TP_P11_SESSION(session, tp_p11_random_generate(&call, random_data, random_len));
}
