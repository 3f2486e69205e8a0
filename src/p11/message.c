/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/message.h"
#include "p11/session.h"
#include "p11/sign.h"
#include "p11/verify.h"

void tp_p11_message_clear(struct tp_p11_message *message)
{
    tp_p11_operation_clear(&message->current);
    tp_p11_operation_clear(&message->model);
}

void tp_p11_message_end(struct tp_p11_message *message)
{
    tp_p11_operation_end(&message->current);
    tp_p11_operation_end(&message->model);
}

/* ---- what both have in common ---- */

/* Without a mechanism: ends what is active, and the message in the middle of which it is. */
static CK_RV init(struct tp_p11_call *call, struct tp_p11_message *message, CK_FLAGS use, const CK_MECHANISM *mechanism,
                  CK_OBJECT_HANDLE key)
{
    if (mechanism == NULL)
        tp_p11_operation_end(&message->current);
    return tp_p11_operation_begin(call, &message->model, use, mechanism, key);
}

static CK_RV check_begin(const struct tp_p11_message *message, struct tp_bytes parameter)
{
    if (message->model.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (message->current.mechanism != NULL)
        return CKR_OPERATION_ACTIVE;
    return parameter.len != 0 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_RV check_next(const struct tp_p11_message *message, struct tp_bytes parameter)
{
    if (message->current.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return parameter.len != 0 ? CKR_MECHANISM_PARAM_INVALID : CKR_OK;
}

static CK_RV begin(struct tp_p11_message *message, struct tp_bytes parameter)
{
    CK_RV rv = check_begin(message, parameter);
    return rv != CKR_OK ? rv : tp_p11_operation_begin_like(&message->current, &message->model);
}

static CK_RV begin_in_parts(struct tp_p11_message *message, struct tp_bytes parameter)
{
    CK_RV rv = begin(message, parameter);
    message->current.in_parts = message->current.in_parts || rv == CKR_OK;
    return rv;
}

/* A part of the message that was begun. A failure ends that message, not the others' model. */
static CK_RV add(struct tp_p11_message *message, struct tp_bytes parameter, struct tp_bytes data)
{
    CK_RV rv = check_next(message, parameter);
    return rv != CKR_OK ? rv : tp_p11_operation_update(&message->current, data);
}

/* Not in the middle of a message (3.0 §5.14.5). */
static CK_RV final(struct tp_p11_message *message)
{
    if (message->model.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (message->current.mechanism != NULL)
        return CKR_OPERATION_ACTIVE;
    tp_p11_message_end(message);
    return CKR_OK;
}

/* ---- signing ---- */

CK_RV tp_p11_message_sign_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return init(call, &call->session->message_sign, CKF_SIGN, mechanism, key);
}

CK_RV tp_p11_message_sign(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                          CK_BYTE *ret_signature, CK_ULONG *ret_len)
{
    struct tp_p11_message *message = &call->session->message_sign;
    CK_RV rv = check_begin(message, parameter);
    if (rv == CKR_OK && ret_len != NULL &&
        !tp_p11_has_room(ret_signature, ret_len, message->model.signature_len, &rv))
        return rv;
    if (rv == CKR_OK)
        rv = begin(message, parameter);
    return rv != CKR_OK ? rv : tp_p11_sign_finish(call, &message->current, &data, ret_signature, ret_len);
}

CK_RV tp_p11_message_sign_begin(struct tp_p11_call *call, struct tp_bytes parameter)
{
    return begin_in_parts(&call->session->message_sign, parameter);
}

CK_RV tp_p11_message_sign_next(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                               CK_BYTE *ret_signature, CK_ULONG *ret_len)
{
    struct tp_p11_message *message = &call->session->message_sign;
    CK_RV rv = check_next(message, parameter);
    if (rv == CKR_OK && ret_len != NULL &&
        !tp_p11_has_room(ret_signature, ret_len, message->current.signature_len, &rv))
        return rv; /* the data come again with the room */
    if (rv == CKR_OK)
        rv = add(message, parameter, data);
    if (rv != CKR_OK || ret_len == NULL)
        return rv;
    return tp_p11_sign_finish(call, &message->current, NULL, ret_signature, ret_len);
}

CK_RV tp_p11_message_sign_final(struct tp_p11_call *call)
{
    return final(&call->session->message_sign);
}

/* ---- verifying ---- */

CK_RV tp_p11_message_verify_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return init(call, &call->session->message_verify, CKF_VERIFY, mechanism, key);
}

CK_RV tp_p11_message_verify(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                            struct tp_bytes signature)
{
    struct tp_p11_message *message = &call->session->message_verify;
    CK_RV rv = begin(message, parameter);
    return rv != CKR_OK ? rv : tp_p11_verify_finish(&message->current, &data, signature);
}

CK_RV tp_p11_message_verify_begin(struct tp_p11_call *call, struct tp_bytes parameter)
{
    return begin_in_parts(&call->session->message_verify, parameter);
}

CK_RV tp_p11_message_verify_next(struct tp_p11_call *call, struct tp_bytes parameter, struct tp_bytes data,
                                 struct tp_bytes signature)
{
    struct tp_p11_message *message = &call->session->message_verify;
    CK_RV rv = add(message, parameter, data);
    if (rv != CKR_OK || signature.data == NULL)
        return rv;
    return tp_p11_verify_finish(&message->current, NULL, signature);
}

CK_RV tp_p11_message_verify_final(struct tp_p11_call *call)
{
    return final(&call->session->message_verify);
}
