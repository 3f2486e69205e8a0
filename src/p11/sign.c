/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/sign.h"
#include "p11/module.h"
#include "p11/rv.h"
#include "p11/session.h"
#include "p11/slot.h"

#include <stdio.h>
#include <string.h>

CK_RV tp_p11_sign_init(struct tp_p11_call *call, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key)
{
    return tp_p11_operation_begin(call, &call->session->sign, CKF_SIGN, mechanism, key);
}

/* What was begun and wants a login of its own: the operation, or NULL. */
static struct tp_p11_operation *wanting_login(struct tp_p11_session *session)
{
    struct tp_p11_operation *operations[] = {&session->sign, &session->message_sign.model};
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        if (operations[i]->mechanism != NULL && operations[i]->key->always_authenticate)
            return operations[i];
    return NULL;
}

char *tp_p11_sign_wants_login(struct tp_p11_session *session)
{
    struct tp_p11_operation *operation = wanting_login(session);
    return operation == NULL ? NULL : operation->key->engine_id;
}

void tp_p11_sign_authorise(struct tp_p11_session *session, const char *authorisation)
{
    struct tp_p11_operation *operation = wanting_login(session);
    (void)snprintf(operation->authorisation, sizeof(operation->authorisation), "%s", authorisation);
    operation->authorised = true;
}

/* A key that wants authentication for each signature has its own authorisation, which no other signature uses. It comes on
 * top of the login (3.0 §4.9): after C_Logout it is good for nothing. */
static enum tp_rc get_authorisation(struct tp_p11_slot *slot, const struct tp_p11_operation *operation,
                                    struct tp_p11_authorisation *ret_authorisation)
{
    if (!operation->key->always_authenticate)
        return tp_p11_login_authorisation(slot, ret_authorisation);
    if (!operation->authorised || !tp_p11_login_seems_open(slot))
        return TP_NOT_LOGGED_IN;
    memcpy(ret_authorisation->id, operation->authorisation, sizeof(ret_authorisation->id));
    ret_authorisation->epoch = 0;
    return tp_p11_login_who(slot, ret_authorisation->user, NULL) ? TP_OK : TP_NOT_LOGGED_IN;
}

/* The message library's strings are not const, though it does not write to them. */
static void fill_request(const struct tp_p11_operation *operation, struct tp_p11_authorisation *authorisation,
                         struct tp_bytes input, Tp__Ipc__SignRequest *request)
{
    const struct tp_p11_mechanism *mechanism = operation->mechanism;
    tp__ipc__sign_request__init(request);
    request->authorisation = authorisation->id;
    request->user = authorisation->user;
    request->credential = operation->key->engine_id;
    request->mechanism = mechanism->primitive;
    request->data = (ProtobufCBinaryData){.len = input.len, .data = (uint8_t *)input.data};
    if (mechanism->hash != TP_PKI_HASH_NONE)
        request->hash_name = (char *)tp_pki_hash_name(mechanism->hash);
    if (mechanism->primitive == TP_IPC_RSA_PSS) {
        request->hash_bits = (uint32_t)(8 * tp_pki_hash_len(operation->pss.hash));
        request->mgf_bits = (uint32_t)(8 * tp_pki_hash_len(operation->pss.mgf_hash));
        request->salt_len = (uint32_t)operation->pss.salt_len;
        request->hash_name = (char *)tp_pki_hash_name(operation->pss.hash);
    }
}

static enum tp_rc ask_engine(struct tp_p11_call *call, const struct tp_p11_operation *operation, struct tp_bytes input,
                             CK_BYTE *ret_signature)
{
    struct tp_p11_slot *slot = call->session->slot;
    struct tp_p11_authorisation authorisation;
    Tp__Ipc__SignRequest request;
    size_t len = operation->signature_len;
    enum tp_rc rc = get_authorisation(slot, operation, &authorisation);
    if (rc != TP_OK)
        return tp_error_set(&call->error, rc, "no login, or it has ended; log in again");
    fill_request(operation, &authorisation, input, &request);
    rc = tp_ipc_sign(slot->module->client, &request, 0, &call->error, ret_signature, &len);
    tp_p11_login_account(slot, &authorisation, rc);
    if (rc == TP_OK && len != operation->signature_len)
        return tp_error_set(&call->error, TP_MALFORMED, "the engine's signature has %zu bytes instead of %zu", len,
                            operation->signature_len);
    return rc;
}

static CK_RV make_mac(struct tp_p11_operation *operation, const struct tp_bytes *data, CK_BYTE *ret_signature)
{
    uint8_t value[TP_P11_MAC_MAX];
    CK_RV rv = tp_p11_operation_mac(operation, data, value);
    if (rv == CKR_OK)
        memcpy(ret_signature, value, operation->signature_len);
    tp_wipe(value, sizeof(value)); /* what was cut off is nobody's */
    return rv;
}

/* DATA NULL: what was given in parts. */
static CK_RV make_signature(struct tp_p11_call *call, struct tp_p11_operation *operation, const struct tp_bytes *data,
                            CK_BYTE *ret_signature)
{
    uint8_t room[TP_P11_INPUT_ROOM];
    struct tp_bytes input;
    CK_RV rv = tp_p11_operation_input(operation, data, room, &input);
    if (rv != CKR_OK)
        return rv;
    enum tp_rc rc = ask_engine(call, operation, input, ret_signature);
    return rc == TP_NOT_FOUND ? CKR_KEY_HANDLE_INVALID : tp_p11_rv(rc); /* deleted since it was listed */
}

CK_RV tp_p11_sign_finish(struct tp_p11_call *call, struct tp_p11_operation *operation, const struct tp_bytes *data,
                         CK_BYTE *ret_signature, CK_ULONG *ret_len)
{
    CK_RV rv = CKR_ARGUMENTS_BAD;
    if (ret_len != NULL && !tp_p11_has_room(ret_signature, ret_len, operation->signature_len, &rv))
        return rv;
    if (ret_len != NULL)
        rv = tp_p11_mac_is(operation->mechanism) ? make_mac(operation, data, ret_signature)
                                                 : make_signature(call, operation, data, ret_signature);
    tp_p11_operation_end(operation);
    return rv;
}

CK_RV tp_p11_sign_whole(struct tp_p11_call *call, struct tp_bytes data, CK_BYTE *ret_signature, CK_ULONG *ret_len)
{
    struct tp_p11_operation *operation = &call->session->sign;
    if (operation->mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    if (operation->in_parts)
        return CKR_OPERATION_ACTIVE; /* 3.0 §5.13.2: not for what was begun in parts */
    return tp_p11_sign_finish(call, operation, &data, ret_signature, ret_len);
}

CK_RV tp_p11_sign_update(struct tp_p11_call *call, struct tp_bytes part)
{
    if (call->session->sign.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return tp_p11_operation_update(&call->session->sign, part);
}

CK_RV tp_p11_sign_final(struct tp_p11_call *call, CK_BYTE *ret_signature, CK_ULONG *ret_len)
{
    if (call->session->sign.mechanism == NULL)
        return CKR_OPERATION_NOT_INITIALIZED;
    return tp_p11_sign_finish(call, &call->session->sign, NULL, ret_signature, ret_len);
}
