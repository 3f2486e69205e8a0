/* SPDX-License-Identifier: Apache-2.0
 *
 * Programs ask for more than they need ("may it decrypt as well?"), and would make no key at all if that were refused: a
 * use that no key here has may be asked for, and comes out false. What would weaken the key, or is not done, is refused.
 */
#include "p11/key_pair.h"
#include "base/crypto.h"
#include "p11/key_type.h"
#include "p11/module.h"
#include "p11/session.h"
#include "p11/slot.h"
#include "p11/token_object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUB  1u
#define PRIV 2u
#define BOTH (PUB | PRIV)

enum rule {
    READ,   /* looked at elsewhere */
    ANY,    /* a use that keys here do not have, whatever is asked */
    ALWAYS, /* a boolean that cannot be otherwise; so is */
    NEVER,
    EMPTY,  /* not kept */
    CLASS,  /* the object's */
    KIND,   /* the mechanism's */
};

static const struct {
    CK_ATTRIBUTE_TYPE type;
    unsigned sides;
    enum rule rule;
} table[] = {
    {CKA_CLASS, BOTH, CLASS},         {CKA_KEY_TYPE, BOTH, KIND},     {CKA_LABEL, BOTH, READ},
    {CKA_ID, BOTH, READ},             {CKA_TOKEN, BOTH, ALWAYS},        {CKA_PRIVATE, PUB, NEVER},
    {CKA_PRIVATE, PRIV, ALWAYS},        {CKA_MODIFIABLE, BOTH, ALWAYS},   {CKA_COPYABLE, BOTH, ALWAYS},
    {CKA_DESTROYABLE, PRIV, ALWAYS},    {CKA_DESTROYABLE, PUB, ANY},    {CKA_START_DATE, BOTH, EMPTY},
    {CKA_END_DATE, BOTH, EMPTY},      {CKA_SUBJECT, BOTH, EMPTY},     {CKA_DERIVE, BOTH, ANY},
    {CKA_VERIFY, PUB, ALWAYS},          {CKA_VERIFY_RECOVER, PUB, ANY}, {CKA_ENCRYPT, PUB, ANY},
    {CKA_WRAP, PUB, ANY},             {CKA_TRUSTED, PUB, NEVER},      {CKA_MODULUS_BITS, PUB, READ},
    {CKA_PUBLIC_EXPONENT, PUB, READ}, {CKA_EC_PARAMS, BOTH, READ},    {CKA_SIGN, PRIV, ALWAYS},
    {CKA_SIGN_RECOVER, PRIV, ANY},    {CKA_DECRYPT, PRIV, ANY},       {CKA_UNWRAP, PRIV, ANY},
    {CKA_SENSITIVE, PRIV, ALWAYS},      {CKA_EXTRACTABLE, PRIV, NEVER}, {CKA_WRAP_WITH_TRUSTED, PRIV, NEVER},
    {CKA_ALWAYS_AUTHENTICATE, PRIV, READ},
};

struct pair {
    struct tp_p11_template public, private;
    enum tp_p11_kind kind;
    const struct tp_p11_key_type *type;
    bool always_authenticate;
};

/* ---- the templates ---- */

static CK_KEY_TYPE key_type_of(enum tp_p11_kind kind)
{
    return kind == TP_P11_RSA ? CKK_RSA : kind == TP_P11_EC ? CKK_EC : CKK_EC_EDWARDS;
}

static CK_RV check_bool(const CK_ATTRIBUTE *item, enum rule rule)
{
    bool value = false;
    CK_RV rv = tp_p11_template_bool(item, 1, item->type, false, &value);
    if (rv != CKR_OK || rule == ANY)
        return rv;
    return value == (rule == ALWAYS) ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV check_number(const CK_ATTRIBUTE *item, CK_ULONG wanted)
{
    CK_ULONG value = 0;
    CK_RV rv = tp_p11_template_ulong(item, 1, item->type, 0, &value);
    return rv != CKR_OK ? rv : value == wanted ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

static CK_RV check_by_rule(const CK_ATTRIBUTE *item, enum rule rule, const struct pair *pair, unsigned side)
{
    switch (rule) {
    case ANY:
    case ALWAYS:
    case NEVER:
        return check_bool(item, rule);
    case EMPTY:
        return item->ulValueLen == 0 ? CKR_OK : CKR_ATTRIBUTE_VALUE_INVALID;
    case CLASS:
        return check_number(item, side == PUB ? CKO_PUBLIC_KEY : CKO_PRIVATE_KEY);
    case KIND:
        return check_number(item, key_type_of(pair->kind));
    case READ:
        break;
    }
    return CKR_OK;
}

static CK_RV check_item(const CK_ATTRIBUTE *item, const struct pair *pair, unsigned side)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].type == item->type && (table[i].sides & side) != 0)
            return check_by_rule(item, table[i].rule, pair, side);
    return CKR_ATTRIBUTE_TYPE_INVALID;
}

static CK_RV check_template(const struct pair *pair, struct tp_p11_template template, unsigned side)
{
    for (CK_ULONG i = 0; i < template.count; i++) {
        CK_RV rv = check_item(&template.items[i], pair, side);
        if (rv == CKR_OK && tp_p11_template_find(template.items, i, template.items[i].type) != NULL)
            rv = CKR_TEMPLATE_INCONSISTENT; /* the same attribute twice */
        if (rv != CKR_OK)
            return rv;
    }
    return CKR_OK;
}

/* CKA_TOKEN has to be said of the private key: its default is a session's key (3.0 §4.4), and there are none. */
static CK_RV check_token(const struct pair *pair)
{
    bool on_token = false;
    CK_RV rv = tp_p11_template_bool(pair->private.items, pair->private.count, CKA_TOKEN, false, &on_token);
    return rv != CKR_OK ? rv : on_token ? CKR_OK : CKR_TEMPLATE_INCONSISTENT;
}

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
    while (exponent.len > 0 && exponent.data[0] == 0)
        exponent = TP_BYTES(exponent.data + 1, exponent.len - 1);
    return tp_bytes_equal(exponent, TP_BYTES(usual, sizeof(usual)));
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

static CK_RV choose(struct tp_p11_slot *slot, struct pair *pair)
{
    CK_RV rv = pair->kind == TP_P11_RSA ? choose_rsa(pair) : choose_curve(pair);
    if (rv != CKR_OK || tp_p11_key_types_have(tp_p11_token_key_types(slot), pair->type))
        return rv;
    return pair->kind == TP_P11_RSA ? CKR_ATTRIBUTE_VALUE_INVALID : CKR_CURVE_NOT_SUPPORTED;
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
        rv = check_template(pair, pair->public, PUB);
    if (rv == CKR_OK)
        rv = check_template(pair, pair->private, PRIV);
    if (rv == CKR_OK)
        rv = check_token(pair);
    if (rv == CKR_OK)
        rv = tp_p11_template_bool(pair->private.items, pair->private.count, CKA_ALWAYS_AUTHENTICATE, false,
                                  &pair->always_authenticate);
    return rv == CKR_OK ? choose(call->session->slot, pair) : rv;
}

/* ---- making it ---- */

/* Keys have labels, and no two of a user's the same: a name for who gives none. */
static CK_RV label_of(const struct pair *pair, char **ret_label)
{
    CK_ATTRIBUTE item;
    uint8_t number[4];
    char made[48];
    CK_RV rv = merge(pair, CKA_LABEL, &item);
    if (rv != CKR_OK || item.ulValueLen > 0)
        return rv != CKR_OK ? rv : tp_p11_token_object_text(&item, 1, CKA_LABEL, "", ret_label);
    if (tp_random(number, sizeof(number)) != TP_OK)
        return CKR_FUNCTION_FAILED;
    (void)snprintf(made, sizeof(made), "%s %02x%02x%02x%02x", pair->type->name, number[0], number[1], number[2], number[3]);
    *ret_label = strdup(made);
    return *ret_label != NULL ? CKR_OK : CKR_HOST_MEMORY;
}

static CK_RV ask(struct tp_p11_call *call, const struct pair *pair, char *label, struct tp_bytes id,
                 char ret_engine_id[TP_ID_LEN])
{
    Tp__Ipc__KeyGenerateRequest request = TP__IPC__KEY_GENERATE_REQUEST__INIT;
    struct tp_ipc_reply reply = {0};
    request.user = call->session->slot->user;
    request.key_type = (char *)(uintptr_t)pair->type->name;
    request.label = label;
    request.cka_id = (ProtobufCBinaryData){.len = id.len, .data = (uint8_t *)(uintptr_t)id.data};
    request.always_authenticate = pair->always_authenticate;
    enum tp_rc rc = tp_ipc_call(call->module->client, TP_OP_KEY_GENERATE, &request.base, TP_BYTES_NONE, TP_BYTES_NONE, 0,
                                &call->error, &reply);
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
    if (mechanism == NULL || ret_public == NULL || ret_private == NULL ||
        tp_p11_template_check(public.items, public.count) != CKR_OK ||
        tp_p11_template_check(private.items, private.count) != CKR_OK)
        return CKR_ARGUMENTS_BAD;
    CK_RV rv = check(call, mechanism, &pair);
    if (rv == CKR_OK)
        rv = make(call, &pair, engine_id);
    if (rv == CKR_OK)
        rv = tp_p11_token_object_handle(call, TP_P11_PRIVATE_KEY, engine_id, ret_private);
    return rv == CKR_OK ? tp_p11_token_object_handle(call, TP_P11_PUBLIC_KEY, engine_id, ret_public) : rv;
}
