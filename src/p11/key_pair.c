/* SPDX-License-Identifier: Apache-2.0 */
#include "p11/key_pair.h"
#include "p11/der.h"
#include "base/der.h"
#include "p11/key_type.h"
#include "p11/module.h"
#include "p11/session.h"
#include "p11/slot.h"
#include "p11/token_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pair {
    struct tp_p11_template public, private;
    enum tp_p11_kind kind;
    const struct tp_p11_key_type *type;
    bool always_authenticate;
};

/* ---- the templates ---- */

/* One of both may say it; both may when they say the same. */
static CK_RV merge(const struct pair *pair, CK_ATTRIBUTE_TYPE type, CK_ATTRIBUTE *ret_item)
{
    const CK_ATTRIBUTE *of_public = tp_p11_template_find(pair->public.items, pair->public.count, type);
    const CK_ATTRIBUTE *of_private = tp_p11_template_find(pair->private.items, pair->private.count, type);
    *ret_item = of_private != NULL ? *of_private : of_public != NULL ? *of_public : (CK_ATTRIBUTE){.type = type};
    bool differ = of_public != NULL && of_private != NULL &&
                  !tp_bytes_equal(TP_BYTES(of_public->pValue, of_public->ulValueLen),
                                  TP_BYTES(of_private->pValue, of_private->ulValueLen));
    return differ ? CKR_TEMPLATE_INCONSISTENT : CKR_OK;
}

/* ---- which key ---- */

/* Big-endian; 65537 is what HSMs make, and the only one that is asked of them. */
static bool is_usual_exponent(struct tp_bytes exponent)
{
    static const uint8_t usual[] = {1, 0, 1};
    return tp_bytes_equal(tp_der_without_zeros(exponent), TP_BYTES(usual, sizeof(usual)));
}

static CK_RV choose_rsa(struct pair *pair)
{
    CK_ULONG bits = 0;
    CK_RV rv = tp_p11_template_ulong(pair->public.items, pair->public.count, CKA_MODULUS_BITS, 0, &bits);
    struct tp_bytes exponent = tp_p11_template_value(pair->public.items, pair->public.count, CKA_PUBLIC_EXPONENT);
    if (rv != CKR_OK || bits == 0)
        return rv != CKR_OK ? rv : CKR_TEMPLATE_INCOMPLETE;
    pair->type = tp_p11_key_type(TP_P11_RSA, bits);
    bool usual = exponent.len == 0 || is_usual_exponent(exponent);
    return pair->type != NULL && usual ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
}

static CK_RV choose_curve(struct pair *pair)
{
    CK_ATTRIBUTE params;
    enum tp_p11_kind kind = TP_P11_NO_KEY;
    CK_ULONG bits = 0;
    CK_RV rv = merge(pair, CKA_EC_PARAMS, &params);
    if (rv != CKR_OK || params.ulValueLen == 0)
        return rv != CKR_OK ? rv : CKR_TEMPLATE_INCOMPLETE;
    if (!tp_p11_key_curve(TP_BYTES(params.pValue, params.ulValueLen), &kind, &bits) || kind != pair->kind)
        return CKR_CURVE_NOT_SUPPORTED;
    pair->type = tp_p11_key_type(kind, bits);
    return pair->type != NULL ? CKR_OK : CKR_CURVE_NOT_SUPPORTED;
}

static CK_RV choose(struct tp_p11_call *call, struct pair *pair)
{
    struct tp_p11_slot *slot = call->session->slot;
    CK_RV rv = pair->kind == TP_P11_RSA ? choose_rsa(pair) : choose_curve(pair);
    if (rv == CKR_OK && !tp_p11_key_types_have(tp_p11_token_key_types(slot), pair->type))
        rv = pair->kind == TP_P11_RSA ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_CURVE_NOT_SUPPORTED;
    if (rv == CKR_ATTRIBUTE_VALUE_INVALID || rv == CKR_CURVE_NOT_SUPPORTED)
        (void)tp_error_set(&call->error, TP_BAD_ARGUMENT,
                           "keys here are RSA with 2048, 3072 or 4096 bits and exponent 65537, P-256, P-384, P-521 or "
                           "Ed25519, where the HSM can keep them");
    return rv;
}

static CK_RV check(struct tp_p11_call *call, const CK_MECHANISM *mechanism, struct pair *pair)
{
    const struct tp_p11_mechanism *row = tp_p11_mechanism(mechanism->mechanism);
    if (row == NULL || (row->flags & CKF_GENERATE_KEY_PAIR) == 0)
        return CKR_MECHANISM_INVALID;
    if (mechanism->ulParameterLen != 0)
        return CKR_MECHANISM_PARAM_INVALID;
    pair->kind = row->kind;
    CK_RV rv = tp_p11_token_object_check(call);
    if (rv == CKR_OK)
        rv = tp_p11_key_template_check(pair->public, TP_P11_MAKE_PUBLIC, pair->kind, &call->error);
    if (rv == CKR_OK)
        rv = tp_p11_key_template_check(pair->private, TP_P11_MAKE_PRIVATE, pair->kind, &call->error);
    if (rv == CKR_OK)
        rv = tp_p11_template_bool(pair->private.items, pair->private.count, CKA_ALWAYS_AUTHENTICATE, false,
                                  &pair->always_authenticate);
    return rv == CKR_OK ? choose(call, pair) : rv;
}

/* ---- making it ---- */

static CK_RV label_of(const struct pair *pair, char **ret_label)
{
    CK_ATTRIBUTE item;
    CK_RV rv = merge(pair, CKA_LABEL, &item);
    return rv != CKR_OK ? rv : tp_p11_key_label(&item, pair->type->name, ret_label);
}

static CK_RV ask(struct tp_p11_call *call, const struct pair *pair, char *label, struct tp_bytes id,
                 char ret_engine_id[TP_ID_LEN])
{
    Tp__Ipc__KeyGenerateRequest request = TP__IPC__KEY_GENERATE_REQUEST__INIT;
    char owner[TP_CLIENT_USER_LEN];
    struct tp_ipc_reply reply = {0};
    request.user = tp_p11_token_object_owner(call, owner);
    request.key_type = (char *)(uintptr_t)pair->type->name;
    request.label = label;
    request.cka_id = tp_p11_token_object_field(id);
    request.always_authenticate = pair->always_authenticate;
    enum tp_rc rc = tp_ipc_call(call->module->client, TP_OP_KEY_GENERATE, &request.base, TP_BYTES_NONE, TP_BYTES_NONE,
                                0, &call->error, &reply);
    if (rc == TP_OK)
        (void)snprintf(ret_engine_id, TP_ID_LEN, "%s", ((const Tp__Ipc__KeyReply *)reply.message)->credential->id);
    tp_ipc_reply_clear(&reply);
    return tp_p11_token_object_rv(rc);
}

static CK_RV make(struct tp_p11_call *call, const struct pair *pair, char ret_engine_id[TP_ID_LEN])
{
    CK_ATTRIBUTE id;
    char *label = NULL;
    CK_RV rv = merge(pair, CKA_ID, &id);
    if (rv == CKR_OK)
        rv = label_of(pair, &label);
    if (rv == CKR_OK)
        rv = ask(call, pair, label, TP_BYTES(id.pValue, id.ulValueLen), ret_engine_id);
    free(label);
    return rv;
}

CK_RV tp_p11_key_pair_generate(struct tp_p11_call *call, const CK_MECHANISM *mechanism, struct tp_p11_template public,
                               struct tp_p11_template private, CK_OBJECT_HANDLE *ret_public,
                               CK_OBJECT_HANDLE *ret_private)
{
    struct pair pair = {.public = public, .private = private};
    char engine_id[TP_ID_LEN] = "";
    if (mechanism == NULL || ret_public == NULL || ret_private == NULL)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = tp_p11_template_check(public.items, public.count);
    if (rv == CKR_OK)
        rv = tp_p11_template_check(private.items, private.count);
    if (rv == CKR_OK)
        rv = check(call, mechanism, &pair);
    if (rv == CKR_OK)
        rv = make(call, &pair, engine_id);
    if (rv == CKR_OK)
        rv = tp_p11_token_object_handle(call, TP_P11_PRIVATE_KEY, engine_id, ret_private);
    return rv == CKR_OK ? tp_p11_token_object_handle(call, TP_P11_PUBLIC_KEY, engine_id, ret_public) : rv;
}
